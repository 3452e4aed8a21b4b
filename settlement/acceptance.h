/* Acceptance: an order or a list that the engine took in is the one that its command asked for, and
 * holds what it must.
 *
 * Owner    the thread of the settlement it belongs to
 */

#ifndef SETTLEMENT_ACCEPTANCE_H
#define SETTLEMENT_ACCEPTANCE_H

#include "settlement/state.h"

/* ORDER_ACCEPTED, LIST_ACCEPTED, ORDER_REPLACED; ORDER_TERMS and ORDER_TAGGED, after the first or before ORDER_DONE;
 * ORDER_REPEATED, of an order that is not placed again. What an order is called at its end is the engines' word alone: all
 * agree to it by the hash of the events. */
MUST_CHECK enum status acceptance_order(struct settlement *s, const struct event *event);
MUST_CHECK enum status acceptance_list(struct settlement *s, const struct event *event);
MUST_CHECK enum status acceptance_replaced(struct settlement *s, const struct event *event);
MUST_CHECK enum status acceptance_terms(struct settlement *s, const struct event *event);
MUST_CHECK enum status acceptance_tagged(struct settlement *s, const struct event *event);
MUST_CHECK enum status acceptance_repeated(struct settlement *s, const struct event *event);

/* Whether everything that was announced came: an accepted list's legs, a replaced order's halves. */
MUST_CHECK enum status acceptance_close(struct settlement *s);

#endif /* SETTLEMENT_ACCEPTANCE_H */
