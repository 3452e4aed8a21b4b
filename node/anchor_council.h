/* The node set and the epoch as the anchor follows them: what decided changes mean for it, and the change of the
 * epoch that operators have left with this node.
 *
 * Owner    the anchor's thread
 */

#ifndef NODE_ANCHOR_COUNCIL_H
#define NODE_ANCHOR_COUNCIL_H

#include "node/anchor_state.h"

/* Passes on to the consensus loop what may be passed on by now. */
void anchor_council_send(struct anchor *anchor);

/* What a command's events change of the chain itself. */
MUST_CHECK enum status anchor_council_take(struct anchor *anchor, const struct applied *record);

/* Reads what operators have left. What is no EPOCH_CHANGE is named and let be: it is nothing to stop for. */
MUST_CHECK enum status anchor_council_load(struct anchor *anchor);

/* Proposes it when it is time. */
void anchor_council_propose(struct anchor *anchor);

#endif /* NODE_ANCHOR_COUNCIL_H */
