/* Membership: what operators' commands make of the node set, a node's HELLO, and a change of epoch, is what was
 * asked for.
 *
 * Whether a change may be, the engine has decided; whether it follows from the set that there is, the chain's
 * digest checks, which keeps that set. Here it is held against the command that asks for it.
 *
 * Owner    the thread of the settlement it belongs to
 */

#ifndef SETTLEMENT_MEMBERSHIP_H
#define SETTLEMENT_MEMBERSHIP_H

#include "settlement/state.h"

/* One each: HELLO_ACCEPTED, NODE_CHANGED, EPOCH_CHANGED. */
MUST_CHECK enum status membership_hello(struct settlement *s, const struct event *event);
MUST_CHECK enum status membership_node(struct settlement *s, const struct event *event);
MUST_CHECK enum status membership_epoch(struct settlement *s, const struct event *event);

/* Whether the node's sessions are over by this command: it gives the node up, has just let its next process
 * begin, or has just taken it out of the set. */
bool membership_sessions_over(const struct settlement *s, uint32_t node);

/* Whether the command did all it asks for. */
MUST_CHECK enum status membership_close(struct settlement *s);

#endif /* SETTLEMENT_MEMBERSHIP_H */
