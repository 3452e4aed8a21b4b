/* Cutting a stopped node's log behind an entry, and what follows from the log with it.
 *
 * Chain and log are written anew beside the old ones, as far as they are kept, and take their place in one step each,
 * the chain first: at a cut of the power in between the log gives the blocks again, and the command is repeated. The
 * old folders go to DIR/quarantine/ as they are.
 *
 * Owner    the main thread of `quorex epoch`
 */

#ifndef NODE_EPOCH_CUT_H
#define NODE_EPOCH_CUT_H

#include "node/epoch_state.h"

/* Keeps the log up to the entry of `last`. STATUS_BEHIND: it lies below the newest checkpoint; nothing is done.
 * Others as wal_open, wal_append, chain_open: logged. `state` must be closed and opened again afterwards.
 * Needs: the log has this entry. */
MUST_CHECK enum status epoch_cut(struct epoch_state *state, const struct epoch_mark *last);

#endif /* NODE_EPOCH_CUT_H */
