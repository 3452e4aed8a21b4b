/* A chain's files as what statements are judged by. */

#include "node/epoch_chain.h"

#include "tests/harness.h"
#include "tests/unit/node/epoch_folders.h"

/* The hash of a block that is there; nothing above the last. */
TEST(epoch_chain, knows_its_headers)
{
    static struct epoch_state now;
    uint8_t header[BLOCK_HEADER_BYTES];
    hash_t hash;
    four_folders();
    chain_make(0, "abc");
    state_open(0, &now);
    const struct epoch_chain chain = epoch_chain_of(now.chain);
    assert_int_equal(chain.header(chain.context, 3, &hash), EPOCH_HAS_BLOCK);
    assert_int_equal(chain_read_header(now.chain, 3, header), STATUS_OK);
    assert_true(hash_equal(hash, block_header_hash(header)));
    assert_int_equal(chain.header(chain.context, 4, &hash), EPOCH_NO_BLOCK);
    epoch_state_close(&now);
    remove_folders();
}
