/* The second connection of the PostgreSQL writer, which copies the orders while the first copies the rest.
 *
 * The server parses rows and keeps indexes with one process a connection: two of them take two processors. Two
 * connections cannot commit as one, so this one commits first, and moves a row of its own (quorex.ahead) by
 * compare-and-set in the same transaction; then the other commits, and with it the cursor. Whoever dies in between
 * leaves orders that are ahead of the cursor: readers leave out what is above cursor.command, and the next session
 * leaves out what is there already.
 *
 * Owner    the PostgreSQL writer's thread, or the one that commits for it (commit.h); from ahead_batch_begin to ahead_end
 *          the connection and the orders of the batch are a thread's that ends with ahead_end
 * Memory   ahead_new allocates, ahead_free frees
 * Cost     a thread and two statements a batch. Its commit does not wait for the disk: the other's, or one of a later batch
 *          (commit.h), comes after it in the server's log and does
 *
 * What holds in the database between any two commits: all orders of commands up to cursor.command are there, once, and
 * none above the higher of cursor.command and ahead.command. The row of quorex.ahead is only moved by who holds the
 * cursor's row, so no two writers wait for each other. The first connection waits for this one while it holds locks, which
 * PostgreSQL does not know: this one therefore gives up a lock that it does not get in time, and with that both end.
 */

#ifndef SETTLEMENT_AHEAD_H
#define SETTLEMENT_AHEAD_H

#include "common/block_header.h"
#include "common/status.h"
#include "settlement/database.h"
#include "settlement/row_batch.h"

#include <stdatomic.h>

/* Up to where the orders go. */
struct ahead_place {
    uint64_t height;
    uint64_t command;
    hash_t hash; /* of the block at `height` */
};

struct ahead;

#define AHEAD_LOCK_MS 10000

/* NULL when there is no memory. Both pointers must outlive it. `lock_ms`: how long it waits for a lock before it fails; 0:
 * AHEAD_LOCK_MS. */
MUST_CHECK struct ahead *ahead_new(const char *conninfo, const _Atomic uint32_t *stopping,
                                   uint32_t lock_ms);
void ahead_free(struct ahead *ahead);

/* Who is told of waiting for the server; the call comes from the thread that waits. */
void ahead_watched(struct ahead *ahead, struct database_watch watch);

/* Opens the connection; `place` is what quorex.ahead said when the cursor was read. A failure is told by `teller`, the
 * first connection, in its own name: two connections that lose one server are one piece of news. */
MUST_CHECK enum status ahead_connect(struct ahead *ahead, struct ahead_place place,
                                     struct database *teller);

void ahead_disconnect(struct ahead *ahead);

/* Up to where orders are committed, as far as is known here. */
struct ahead_place ahead_place(const struct ahead *ahead);

/* Leaves out of the batch the orders that the session found there when it began: what it writes itself it does not come to
 * again, so this may be asked of the next batch while one is written. Needs: the batch ends with the block of this header, and
 * all before it went through here. MISMATCH: another block of that height was written. */
MUST_CHECK enum status ahead_leave_out(const struct ahead *ahead, struct row_batch *batch,
                                       const struct ahead_place *block);

/* Begins to write the batch's orders, when there are any. Needs: the first connection's transaction holds the cursor's
 * row; nobody else touches the batch's orders before ahead_end. */
void ahead_batch_begin(struct ahead *ahead, struct row_batch *batch, const struct ahead_place *to);

/* Waits until they are committed. */
MUST_CHECK enum status ahead_end(struct ahead *ahead, struct database *teller);

#endif /* SETTLEMENT_AHEAD_H */
