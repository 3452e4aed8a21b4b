/* Rows that change what is there: copied aside, into tables of the session's own, and merged from there.
 *
 * Candles are added up, of a transfer or an address the newest row counts, lists are closed, balances replaced.
 *
 * Owner    the PostgreSQL writer's thread
 */

#ifndef SETTLEMENT_MERGE_H
#define SETTLEMENT_MERGE_H

#include "common/assert.h"
#include "common/status.h"

struct database;
struct row_batch;

/* Makes the session's tables. Needs: the schema is there. */
MUST_CHECK enum status merge_begin(struct database *database);

/* Merges what of the batch was copied aside. Needs: all of the batch is copied, in the same transaction. */
MUST_CHECK enum status merge_rows(const struct row_batch *batch, struct database *database);

#endif /* SETTLEMENT_MERGE_H */
