#include "ledger/liabilities_vote.h"

#include <string.h>

/* As certificate.h counts it: a vote whose header_hash is the root. */
static struct vote_command vote_of(const struct liabilities_vote_command *vote)
{
    struct vote_command plain = {.height = vote->height, .epoch = vote->epoch, .node = vote->node};
    memcpy(plain.header_hash, vote->root, HASH_BYTES);
    memcpy(plain.signature, vote->signature, SIGNATURE_BYTES);
    return plain;
}

void liabilities_vote_sign(const uint8_t secret_key[SECRET_KEY_BYTES], hash_t chain_id,
                           uint64_t epoch, uint64_t height, hash_t root, uint32_t node,
                           struct liabilities_vote_command *vote)
{
    struct vote_command plain;
    certificate_statement_sign(CERTIFICATE_OF_LIABILITIES, secret_key, chain_id, epoch, height,
                               root, node, &plain);
    *vote = (struct liabilities_vote_command){.height = height, .epoch = epoch, .node = node};
    memcpy(vote->root, root.bytes, HASH_BYTES);
    memcpy(vote->signature, plain.signature, SIGNATURE_BYTES);
}

bool liabilities_vote_valid(const struct liabilities_vote_command *vote, hash_t chain_id,
                            const struct validator_set *set)
{
    const struct vote_command plain = vote_of(vote);
    return certificate_statement_valid(CERTIFICATE_OF_LIABILITIES, &plain, chain_id, set);
}

const char *liabilities_vote_fault(const struct certificate *certificate, hash_t chain_id,
                                   const struct validator_set *set)
{
    return certificate_statement_fault(CERTIFICATE_OF_LIABILITIES, certificate, chain_id, set);
}

void liabilities_vote_tally_begin(struct certificate_tally *tally, hash_t chain_id, uint64_t epoch,
                                  uint64_t certified_height, uint32_t checkpoint_blocks)
{
    ASSERT(checkpoint_blocks > 0);
    certificate_tally_begin(tally, chain_id, epoch, certified_height);
    tally->statement = CERTIFICATE_OF_LIABILITIES;
    tally->stride = checkpoint_blocks;
}

enum certificate_count liabilities_vote_tally_add(struct certificate_tally *tally,
                                                  const struct liabilities_vote_command *vote,
                                                  struct certificate *certificate)
{
    ASSERT(tally->statement == CERTIFICATE_OF_LIABILITIES);
    const struct vote_command plain = vote_of(vote);
    return certificate_tally_add(tally, &plain, certificate);
}
