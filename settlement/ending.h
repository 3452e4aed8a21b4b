/* Ending: an order ends only for its cause, with our own sums, and gives back what it held.
 *
 *     FILLED                  all of it is executed or prevented, some of it executed
 *     CANCELED, CANCELED_ALL, its account's command names it, or all in its market
 *     REPLACED, SESSION
 *     SWITCH                  its account's switch in the market has just fired
 *     ORIGIN_LOST             the command gives its session's node up, or lets it begin anew
 *     IOC/FOK_UNFILLED,       it came into force in this command and may not rest
 *     NO_LIQUIDITY, PRICE_RANGE
 *     SELF_TRADE              some of it was prevented, and nothing is left
 *     OCO                     its sibling trades or triggers next
 *     NO_BALANCE, WOULD_TAKE  it was just triggered, or is due to be released
 *     WORKING_ENDED,          another order of its list ended just before
 *     LIST_CANCELED
 *
 * Owner    the thread of the settlement it belongs to
 */

#ifndef SETTLEMENT_ENDING_H
#define SETTLEMENT_ENDING_H

#include "settlement/state.h"

/* ORDER_DONE, LIST_DONE, ORDER_AMENDED. */
MUST_CHECK enum status ending_order(struct settlement *s, const struct event *event);
MUST_CHECK enum status ending_list(struct settlement *s, const struct event *event);
MUST_CHECK enum status ending_amended(struct settlement *s, const struct event *event);

#endif /* SETTLEMENT_ENDING_H */
