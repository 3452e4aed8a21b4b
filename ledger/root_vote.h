/* A node's vote for a root at a height: of its checkpoint (checkpoint.h), or of its liabilities (docs/liabilities.md).
 *
 * What is signed is (tag, chain id, epoch, height, root); the tag is the statement's (certificate.h), so that no vote is one
 * for something else. Votes go through the log as CHECKPOINT_VOTE and LIABILITIES_VOTE commands, which have the fields of a
 * VOTE, the root where that has its header's hash. So a vote is a struct vote_command here too: signed and checked by
 * certificate_statement_sign and certificate_statement_valid, counted by certificate_tally_add, and a certificate of q of them
 * has the root as its header_hash.
 *
 * Owner    the caller; pure
 * Cost     a vote: one signature, or the check of one
 */

#ifndef LEDGER_ROOT_VOTE_H
#define LEDGER_ROOT_VOTE_H

#include "ledger/certificate.h"

#define ROOT_VOTE_BYTES (COMMAND_HEADER_BYTES + VOTE_BYTES) /* of the command */

/* The command's type. Needs: CERTIFICATE_OF_CHECKPOINT or CERTIFICATE_OF_LIABILITIES; likewise below. */
uint16_t root_vote_type(enum certificate_statement statement);

/* Writes a vote as the command that takes it through the log. */
void root_vote_put(uint8_t command[ROOT_VOTE_BYTES], enum certificate_statement statement,
                   const struct vote_command *vote);

/* Reads one. Needs: the command is of a type above. */
void root_vote_get(const struct command *command, struct vote_command *vote);

hash_t root_vote_root(const struct vote_command *vote);

/* Begins to count the votes of the log. Ballots are opened with certificate_tally_open, at heights that checkpoint_blocks
 * divides. */
void root_vote_tally_begin(struct certificate_tally *tally, enum certificate_statement statement,
                           hash_t chain_id, uint64_t epoch, uint64_t certified_height,
                           uint32_t checkpoint_blocks);

#endif /* LEDGER_ROOT_VOTE_H */
