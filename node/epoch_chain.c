#include "node/epoch_chain.h"

/* A header that cannot be read is not known to be this chain's: its reader has logged why. */
static enum epoch_known header_of(void *context, uint64_t height, hash_t *hash)
{
    struct chain *chain = context;
    uint8_t header[BLOCK_HEADER_BYTES];
    if (height < chain_base(chain)) return EPOCH_BELOW;
    if (chain_read_header(chain, height, header) != STATUS_OK) return EPOCH_NO_BLOCK;
    *hash = block_header_hash(header);
    return EPOCH_HAS_BLOCK;
}

struct epoch_chain epoch_chain_of(struct chain *chain)
{
    return (struct epoch_chain){chain, header_of};
}
