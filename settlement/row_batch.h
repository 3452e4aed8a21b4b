/* The rows of a batch of blocks, by table, as COPY takes them: what the projection's blocks become on their way.
 *
 * Owner    the PostgreSQL writer's thread; while a batch is sent, each table is read by one thread (ahead.h)
 * Memory   taken as rows come, kept for the next batch, given back by row_batch_close
 */

#ifndef SETTLEMENT_ROW_BATCH_H
#define SETTLEMENT_ROW_BATCH_H

#include "settlement/copy_row.h"
#include "settlement/row_sort.h"
#include "settlement/store.h"

struct database;

enum row_table {
    ROW_ASSETS,
    ROW_MARKETS,
    ROW_ACCOUNTS,
    ROW_BLOCKS,
    ROW_FILLS,
    ROW_ORDERS,
    ROW_ENTRIES,
    ROW_CANDLES,
    ROW_BALANCES,
    ROW_PREVENTED,
    ROW_AMENDMENTS,
    ROW_LISTS,
    ROW_LIST_ENDS,
    ROW_DEPOSITS,
    ROW_WITHDRAWALS,
    ROW_ADDRESSES,
    ROW_DEPOSIT_CHANGES,
    ROW_WITHDRAWAL_CHANGES,
    ROW_ADDRESS_CHANGES,
    ROW_TABLES
};

struct row_batch {
    struct copy_rows rows[ROW_TABLES];
    struct row_sort sorts[ROW_TABLES]; /* of those that go by account: orders and entries */
};

/* False when there is no memory; row_batch_close then still gives back what there is. */
MUST_CHECK bool row_batch_open(struct row_batch *batch);
void row_batch_close(struct row_batch *batch);

/* Forgets all rows. */
void row_batch_start(struct row_batch *batch);

/* Takes rows into the batch, behind those that are there. The batch must outlive it. */
struct store_sink row_batch_sink(struct row_batch *batch);

size_t row_batch_bytes(const struct row_batch *batch);

/* Copies a table's rows to where they go, when there are any: into the table, or aside for merge.h; orders and entries by
 * account. Needs: a transaction. */
MUST_CHECK enum status row_batch_copy(struct row_batch *batch, enum row_table table,
                                      struct database *database);

#endif /* SETTLEMENT_ROW_BATCH_H */
