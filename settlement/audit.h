/* PostgreSQL compared with the chain, a little at a time, by the thread that writes it.
 *
 * The writer's own balances (store.h) follow from the blocks; settlement's figures of the same block, for some
 * accounts each, come through a ring (common/balance_slice.h) and must be the same. The rows of the balance table must
 * be the writer's balances, none missing. Trade ids in the table of fills must have no gap and come once. So must the numbers of
 * deposits and withdrawals; and what was posted in a block must sum to zero in every asset. What came into the account by a deposit's changes is what its row says, and each row is as the
 * last of its changes left it.
 *
 * The rule: what is wrong in PostgreSQL never stops matching, for nothing is decided by it. The log names account,
 * asset and both figures, database_wrong of /metrics and `database` of /healthz say so until a whole pass finds
 * nothing wrong, and nothing is mended in silence: an operator drops the schema, and it is filled again.
 *
 * Owner    the PostgreSQL writer's thread
 * Cost     AUDIT_ROWS rows, and AUDIT_TRADES trade ids, AUDIT_TRANSFERS transfers or the entries of AUDIT_COMMANDS commands, every AUDIT_MS: some
 *          40 ms. A pass that operators asked for goes on at every step
 */

#ifndef SETTLEMENT_AUDIT_H
#define SETTLEMENT_AUDIT_H

#include "common/params.h"
#include "common/status.h"

#include <inttypes.h>

#define AUDIT_ROWS      16384
#define AUDIT_TRADES    50000
#define AUDIT_TRANSFERS 5000
#define AUDIT_COMMANDS  50000
#define AUDIT_MS        2000

/* Before a statement that reads a run: it goes by the run's index, and has one process. Left to itself the planner reads
 * the whole table with several while there are no statistics, and takes the processors from those who ask. */
#define AUDIT_PLAN_SQL \
    "SET LOCAL enable_seqscan = off; SET LOCAL max_parallel_workers_per_gather = 0; "

/* The postings of a run of commands that do not sum to zero, by block and asset: PRIu64, PRIu64 and %d are the command
 * before the run, its last one, and how many are told. By the index on commands, of a few bytes a megabyte. */
#define AUDIT_ENTRIES_SQL \
    "SELECT height, asset, least(greatest(sum(delta_available::numeric + delta_held)," \
    " -9e18), 9e18)::bigint FROM quorex.ledger_entries" \
    " WHERE command > %" PRIu64 " AND command <= %" PRIu64 " GROUP BY height, asset" \
    " HAVING sum(delta_available::numeric + delta_held) <> 0 ORDER BY 1, 2 LIMIT %d"

struct database;
struct metrics;
struct progress;
struct ring;
struct store;

/* Where the pass under way stands. All zero: before the first. */
struct audit {
    struct metrics *metrics;
    struct progress *progress;
    struct ring *compared;  /* slices that settlement found right; NULL: none come */
    uint64_t due_ms;        /* when the next part may be compared */
    uint64_t wanted;        /* passes asked for when this one began */
    uint64_t slices_wanted; /* of the last whole pass of slices */
    bool
        slices_wrong; /* a difference was found with slices, and no whole pass of them without one since */
    uint32_t slices_found; /* differences in the present one */
    uint32_t slices_to;    /* accounts of the present one, up to it */
    uint64_t from_height;
    uint64_t balances;
    int64_t account, asset;   /* of the last row compared */
    uint32_t market;          /* whose trade ids come next */
    uint64_t trade;           /* the last one seen of it */
    uint32_t transfers;       /* which table of transfers comes next: deposits, then withdrawals */
    uint64_t transfer;        /* the last one seen of it */
    uint64_t entries_command; /* up to it blocks' postings were added up */
    bool entries_done;
    uint64_t dropped_command; /* rows of commands below it were dropped by retention */
    uint32_t found;           /* differences in this pass */
    bool under_way;
    bool rows_done;
};

/* A new session with the database: what was under way begins again. */
void audit_begin(struct audit *audit);

/* `store` stands right behind block `height`: compares what settlement says of it. */
void audit_block(struct audit *audit, const struct store *store, uint64_t height);

/* Compares the next part with the tables, when it is due. `has_balances`: the balance table is true at the store's
 * height too; without it balances wait. *did: something was compared.
 * Needs: the store stands where the cursor does, at `height`, and no transaction is open. */
MUST_CHECK enum status audit_step(struct audit *audit, const struct store *store,
                                  struct database *database, uint64_t height, bool has_balances,
                                  uint64_t now_ms, bool *did);

/* Whether audit_step has something to compare then. */
bool audit_is_due(const struct audit *audit, const struct store *store, bool has_balances,
                  uint64_t now_ms);

/* Whether a pass that operators asked for is not over yet. */
bool audit_hurries(const struct audit *audit);

/* A difference that somebody else found: logged, counted, alarmed. */
void audit_alarm(struct audit *audit, const char *what, uint64_t height);

#endif /* SETTLEMENT_AUDIT_H */
