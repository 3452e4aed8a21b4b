/* An account's book as PostgreSQL has it: ledger entries, and what became of its deposits, withdrawals and addresses.
 *
 * None of it is in memory, so an answer is as new as PostgreSQL is: it says up to which command (toCommand) and block
 * time (toTime) it is whole, and what came since is in the next answer.
 *
 * Owner    one gateway loop
 */

#ifndef GATEWAY_ACCOUNT_BOOK_H
#define GATEWAY_ACCOUNT_BOOK_H

#include "gateway/query_read.h"
#include "gateway/reply.h"

/* HISTORY_LEDGER and the three kinds of changes. */
bool account_book_has(enum history_kind kind);

/* Writes the answer's JSON. False when rows are not what they are to be. */
MUST_CHECK bool account_book_answer(const struct history_query *query,
                                    const struct history_rows *rows,
                                    const struct printing *printing, struct writer *json);

/* An entry's id, "HEIGHT-ASSET-KIND": what a page ends with, and the next one begins behind. */
#define ACCOUNT_BOOK_ID_MAX 40
MUST_CHECK bool account_book_read_id(const char *text, size_t text_bytes, uint64_t *height,
                                     uint64_t *place);

#endif /* GATEWAY_ACCOUNT_BOOK_H */
