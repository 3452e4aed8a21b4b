/* Votes for the root of the liabilities of a checkpoint's height (docs/liabilities.md).
 *
 * What is signed is (tag, chain id, epoch, height, root): LIABILITIES_VOTE commands through the log, counted as block
 * votes are (certificate.h). A certificate of them is of the statement CERTIFICATE_OF_LIABILITIES, its header_hash the
 * root.
 *
 * Owner    the caller; pure
 * Cost     a vote: one signature, or the check of one
 */

#ifndef LEDGER_LIABILITIES_VOTE_H
#define LEDGER_LIABILITIES_VOTE_H

#include "ledger/certificate.h"

void liabilities_vote_sign(const uint8_t secret_key[SECRET_KEY_BYTES], hash_t chain_id,
                           uint64_t epoch, uint64_t height, hash_t root, uint32_t node,
                           struct liabilities_vote_command *vote);
MUST_CHECK bool liabilities_vote_valid(const struct liabilities_vote_command *vote, hash_t chain_id,
                                       const struct validator_set *set);
/* NULL, or what is wrong with a certificate under the set in force at its height. */
const char *liabilities_vote_fault(const struct certificate *certificate, hash_t chain_id,
                                   const struct validator_set *set);

/* Counts the votes of the log. Ballots are opened with certificate_tally_open, at heights that checkpoint_blocks
 * divides. */
void liabilities_vote_tally_begin(struct certificate_tally *tally, hash_t chain_id, uint64_t epoch,
                                  uint64_t certified_height, uint32_t checkpoint_blocks);
MUST_CHECK enum certificate_count liabilities_vote_tally_add(
    struct certificate_tally *tally, const struct liabilities_vote_command *vote,
    struct certificate *certificate);

#endif /* LEDGER_LIABILITIES_VOTE_H */
