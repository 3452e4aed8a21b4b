/* What this node signs: which heights, once each, and the way of its votes into the log.
 *
 * The sign-once file comes before each signature. A node that does not know what it has signed signs nothing.
 *
 * Owner    the anchor's thread
 */

#ifndef NODE_ANCHOR_SIGNING_H
#define NODE_ANCHOR_SIGNING_H

#include "node/anchor_state.h"

/* From which block on and up to which this node votes, as things stand, and the file it needs for that. */
MUST_CHECK enum status anchor_signing_open(struct anchor *anchor);

/* What may be signed in the present epoch, after what was signed last. */
void anchor_signing_update(struct anchor *anchor);

/* This node votes from block `height` on. One that never sealed that block has signed nothing there, and
 * may begin a file. */
MUST_CHECK enum status anchor_signing_begin(struct anchor *anchor, uint64_t height);

/* A vote of this node's own came out of the log; STATUS_AMNESIAC when the file should have known of it. */
MUST_CHECK enum status anchor_signing_logged(struct anchor *anchor,
                                             const struct vote_command *vote);

/* Signs what is due and hands the votes to the log, as far as there is room. */
MUST_CHECK enum status anchor_signing_propose(struct anchor *anchor);

#endif /* NODE_ANCHOR_SIGNING_H */
