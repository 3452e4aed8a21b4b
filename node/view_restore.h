/* A gateway's views from a checkpoint: what engine and settlement say, in the words of gateway/restore.h.
 *
 * The sections' bytes are those that engine and settlement were restored from on this node's other threads,
 * which check every number; here only what a view needs is read.
 *
 * Owner    the gateway's thread, from gateway_checkpoints.start
 * Memory   nothing is kept
 * Cost     O(accounts + balances + orders + keys)
 */

#ifndef NODE_VIEW_RESTORE_H
#define NODE_VIEW_RESTORE_H

#include "node/start.h"

struct restore;

/* Sets the views as they were at the checkpoint of `start`, restore_end included. `membership` is the digest's
 * as it was restored. False, which it has logged: they cannot be so. */
MUST_CHECK bool view_restore(const struct start *start, const struct membership *membership,
                             struct restore *restore);

#endif /* NODE_VIEW_RESTORE_H */
