/* Trade: a fill moves what two orders had held; a prevented one moves nothing and takes from them.
 *
 * Who may meet: a taker that came into force in this command and has not had its turn, and an order
 * with a price that rests on the other side, at that order's price.
 *
 * Owner    the thread of the settlement it belongs to
 * Cost     O(1); with volume tiers, O(markets) for a market that is not priced in the volume asset
 */

#ifndef SETTLEMENT_TRADE_H
#define SETTLEMENT_TRADE_H

#include "settlement/state.h"

/* FILL and PREVENTED. */
MUST_CHECK enum status trade_fill(struct settlement *s, const struct event *event);
MUST_CHECK enum status trade_prevented(struct settlement *s, const struct event *event);

#endif /* SETTLEMENT_TRADE_H */
