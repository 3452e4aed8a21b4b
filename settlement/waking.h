/* Waking: which stops sleep, which price fires them, and what is released into force.
 *
 * A sleeping stop waits in one of two heaps of its market; every trade's price takes out those it
 * fires, each with the price that it must then be triggered by. A trailing one starts there instead,
 * and its extreme is that of the trades since: nothing is kept or moved for it while it sleeps.
 *
 * Whether a plain stop fired too early, too late or not at all is found. Of a started trailing order it
 * is found when it triggers without reason, not when it sleeps on.
 *
 * Owner    the thread of the settlement it belongs to
 * Memory   that of struct settlement: 24 bytes a sleeping stop; for trailing ones a price_trail a market
 *          and 16 bytes for every price of a command that differs from the one before it
 * Cost     a trade: O(1) and O(log stops) for each that it fires
 */

#ifndef SETTLEMENT_WAKING_H
#define SETTLEMENT_WAKING_H

#include "settlement/state.h"

/* The price by which a buyer's hold is counted while nothing has filled: its limit, or where it has none
 * its stop price, or the last price. */
price_t waking_hold_price(uint8_t type, price_t price, price_t stop_price, price_t last);

/* Puts a stop to sleep; with `may_fire` (it was just released) the last price may fire or start it. */
void waking_sleep(struct settlement *s, struct hold_entry *entry, bool may_fire);

/* The same for an order that slept before: with start_trade it has started to trail. */
void waking_sleep_on(struct settlement *s, const struct hold_entry *entry);

/* Takes the order from among the sleepers, if it is one: it ends. */
void waking_forget(struct settlement *s, struct hold_entry *entry);

/* A trade's price: fires and starts what waited for it. Needs: the trade's id was counted. */
MUST_CHECK enum status waking_price(struct settlement *s, uint16_t market, price_t price);

/* The command is over: its prices are history. */
void waking_close(struct settlement *s);

/* ORDER_TRIGGERED and ORDER_RELEASED. */
MUST_CHECK enum status waking_triggered(struct settlement *s, const struct event *event);
MUST_CHECK enum status waking_released(struct settlement *s, const struct event *event);

#endif /* SETTLEMENT_WAKING_H */
