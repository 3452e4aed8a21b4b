/* How an anchor comes to its first turn: its state, the chain files that must go on where it stands, and all that
 * follows from both.
 *
 * Owner    the anchor's thread
 */

#ifndef NODE_ANCHOR_START_H
#define NODE_ANCHOR_START_H

#include "node/anchor_state.h"

/* Statuses as anchor_run. Needs: anchor->options, and nothing else set. */
MUST_CHECK enum status anchor_start(struct anchor *anchor);

/* Closes and frees what anchor_start has opened, as far as it came. */
void anchor_start_undo(struct anchor *anchor);

#endif /* NODE_ANCHOR_START_H */
