/* Votes out of the log: counted, made into certificates, and kept as evidence when they are two of one height.
 *
 * Owner    the anchor's thread
 */

#ifndef NODE_ANCHOR_VOTE_H
#define NODE_ANCHOR_VOTE_H

#include "node/anchor_state.h"

/* Takes a VOTE. Failures have been logged.
 * Needs: `command` is one; likewise below. */
MUST_CHECK enum status anchor_vote_take(struct anchor *anchor, const struct command *command);

/* Takes a CHECKPOINT_VOTE or a LIABILITIES_VOTE. A certificate goes to anchor->checkpoint, or to anchor->liability. */
void anchor_vote_take_root(struct anchor *anchor, const struct command *command);

/* No header of `height` can get enough votes any more; 0: one could after all. */
void anchor_vote_stuck(struct anchor *anchor, uint64_t height);

#endif /* NODE_ANCHOR_VOTE_H */
