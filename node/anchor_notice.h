/* What the anchor tells other threads: facts for whoever looks at commands, notices to the gateway, certificates to the
 * maker of checkpoints.
 *
 * Owner    the anchor's thread, producer of those rings
 * Limits   as node/anchor.h has them for each ring
 */

#ifndef NODE_ANCHOR_NOTICE_H
#define NODE_ANCHOR_NOTICE_H

#include "node/anchor_state.h"

/* Whether there is room for the one fact that a command can bring. */
MUST_CHECK bool anchor_notice_room(struct anchor *anchor);

/* The facts among a command's events. Needs: anchor_notice_room before the command. */
void anchor_notice_add_facts(struct anchor *anchor, const struct applied *record);

/* Publishes them, then the command they go up to. */
void anchor_notice_send_facts(struct anchor *anchor);

/* Tells the gateway what it does not know yet, as far as there is room; the chain files remember the
 * rest. A block is sealed there before it is certified. */
MUST_CHECK enum status anchor_notice_send(struct anchor *anchor);

/* Whether it is to be told more, once there is room. */
bool anchor_notice_waits(const struct anchor *anchor);

/* Hands the maker the certificate of a checkpoint, when all that lies below it is on the disk. */
MUST_CHECK enum status anchor_notice_send_checkpoint(struct anchor *anchor);

/* Hands it the certificate of liabilities. */
void anchor_notice_send_liability(struct anchor *anchor);

#endif /* NODE_ANCHOR_NOTICE_H */
