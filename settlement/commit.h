/* A batch of rows on its way into PostgreSQL, with the cursor that says so: in a thread of its own when there is a next
 * batch to be made meanwhile.
 *
 * Owner    the PostgreSQL writer's thread; from commit_begin to commit_end both connections and the batch are a
 *          thread's that ends with commit_end
 * Memory   the caller's; what it points to outlives it
 * Cost     a thread and a few statements a batch
 */

#ifndef SETTLEMENT_COMMIT_H
#define SETTLEMENT_COMMIT_H

#include "common/block_header.h"
#include "common/status.h"
#include "settlement/ahead.h"
#include "settlement/database.h"
#include "settlement/row_batch.h"

#include <stdbool.h>

/* Up to where the database has the chain. */
struct cursor {
    uint64_t height;
    uint64_t command;
    uint64_t balances_height;
    hash_t hash; /* of the block at `height` */
};

struct commit {
    struct database *database; /* that moves the cursor */
    struct ahead *ahead;       /* the orders' */
    struct row_batch *batch;
    struct cursor from, to;
    bool is_more; /* another one follows at once: this one does not wait for the disk */

    /* From commit_begin to commit_end. */
    unsigned long thread; /* a pthread_t */
    enum status status;
    bool has_thread;
};

/* Begins to write the batch and to move the cursor. `beside`: in a thread of its own; otherwise it is done when the call
 * returns. Needs: partitions are there, no transaction is open; nobody else touches the batch or the connections before
 * commit_end. */
void commit_begin(struct commit *commit, bool beside);

/* Waits until it is committed, or is not. DB_CONFLICT: another writer moved the cursor. */
MUST_CHECK enum status commit_end(struct commit *commit);

/* What a crash of the server cannot take back. While more is to come commits do not wait for the disk: the server's log gets
 * there by itself, and until then nothing may be given up that the rows replace. All zero: nothing is safe. */
struct commit_mark {
    struct cursor safe;
    struct cursor next; /* it is safe once the server's log is on the disk up to `log_place` */
    char log_place[24]; /* empty: nothing is under way */
};

/* A new session, before it reads anything: the cursor that it then finds is on the disk, whichever connection moved it, an
 * orphaned backend of an earlier session for one. The session's own commits wait for the disk, whatever the server's default.
 * Needs: no transaction is open. Blocks while another writer's transaction holds the cursor. */
MUST_CHECK enum status commit_claim(struct database *database);

/* The commit has ended well: moves the mark as far as it is safe, all the way when the commit waited for the disk. */
MUST_CHECK enum status commit_mark_move(struct commit_mark *mark, const struct commit *commit);

#endif /* SETTLEMENT_COMMIT_H */
