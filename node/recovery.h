/* What a node does about a log, a chain or a state that it cannot go on with: mends it with the help of the
 * others, so that the next start finds a whole one.
 *
 *     log ends below the checkpoint      begins anew at the checkpoint           wal_begin_at
 *     others' logs begin above ours      fetches a checkpoint                    join_run
 *     bytes of the log rotted            asks the others for what is lost        wal_repair.h, join_repair
 *     bytes of the chain rotted          mends what the log does not give again, and puts the rest into quarantine
 *     a member without any state         fetches a checkpoint, or begins with an empty log
 *
 * Only a node that knows what it voted for and signed may go on: STATUS_AMNESIAC is final, and a new identity
 * must take its place.
 *
 * Owner    the main thread, while no other runs. SIGTERM and SIGINT end it
 * Memory   nothing is kept
 */

#ifndef NODE_RECOVERY_H
#define NODE_RECOVERY_H

#include "node/node_files.h"
#include "node/start.h"

/* Before the first thread: STATUS_OK to go on, STATUS_AGAIN when there is a newer checkpoint to start from,
 * or a failure that was logged. */
MUST_CHECK enum status recovery_before(const struct node_files *files, const struct start *start);

/* After the threads have ended with `failure`: STATUS_AGAIN when it was mended, otherwise `failure` or the
 * one that came on top of it, logged. */
MUST_CHECK enum status recovery_after(const struct node_files *files, enum status failure);

/* The node has run for a while: what it was mended from before counts no more. */
void recovery_steady(void);

#endif /* NODE_RECOVERY_H */
