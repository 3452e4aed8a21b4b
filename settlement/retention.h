/* Retention: old partitions leave the database, and readers are told before they go.
 *
 * Rows of the partitioned tables (fills, orders, entries, prevented matches, order lists, changes of transfers and of
 * addresses) go a partition at a time, when the newest of it is older than what is kept, by the blocks' own time. First the cursor says so, then the partition
 * is detached without a lock that a reader would wait for, then it is dropped: a reader who asks for what is gone is told
 * so (gateway/query.h), whatever of it is still there. Candles, blocks, accounts, balances, deposits, withdrawals
 * and addresses stay.
 *
 * Owner    the PostgreSQL writer's thread
 * Cost     one partition of one table a step. Detaching and dropping wait for every transaction that has read the table,
 *          an analyst's of an hour too: for RETENTION_WAIT_MS at most, then again after RETENTION_MS, while blocks go on
 */

#ifndef SETTLEMENT_RETENTION_H
#define SETTLEMENT_RETENTION_H

#include "common/assert.h"
#include "common/status.h"

#include <stdbool.h>
#include <stdint.h>

#define RETENTION_MS      5000 /* between two looks when nothing was to do, or nothing could be done */
#define RETENTION_WAIT_MS 300 /* for readers of a partition */

struct database;
struct progress;

struct retention {
    uint64_t kept_ns;         /* 0: everything is kept */
    uint64_t span;            /* commands of a partition */
    uint64_t dropped_command; /* rows of commands below it are gone, or about to go */
    uint64_t dropped_ns;      /* no row at or before it is sure to be there */
    uint64_t due_ms;
    bool has_told; /* that a partition waits for its readers; once until it is gone */
    struct progress *progress;
};

/* What the cursor says, at the beginning of a session. */
MUST_CHECK enum status retention_load(struct retention *retention, struct database *database);

/* Does one thing, if there is one to do and it is time. Needs: no transaction is open. */
MUST_CHECK enum status retention_step(struct retention *retention, struct database *database,
                                      uint64_t now_ms);

#endif /* SETTLEMENT_RETENTION_H */
