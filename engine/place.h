/* Whether an order may be placed, what it will hold and take, and its acceptance.
 *
 * Everything is decided here before anything changes: after place_decide says REJECT_NONE the order
 * cannot fail any more.
 *
 * Owner    the engine thread
 */

#ifndef ENGINE_PLACE_H
#define ENGINE_PLACE_H

#include "engine/take.h"

#include "common/order_tag.h"
#include "common/reject.h"

/* What was decided about an order that may be placed. */
struct place_plan {
    amount_t hold;
    qty_t qty; /* MARKET by quote: what the walk found; else as asked */
    price_t reach;
    price_t hold_price; /* what a stop without a price holds by, BUY */
    uint32_t client_hash;
    struct roster *roster; /* the account's here; account 0: it has none yet */
    bool kill;
    bool content;
};

/* UNKNOWN_ACCOUNT to PRICE_BAND: what neither the book nor other orders decide. */
enum reject place_check(struct engine *engine, const struct order_place_command *place);

/* DUPLICATE_ORDER to INSUFFICIENT_BALANCE. Needs: place_check has passed. */
enum reject place_decide(const struct engine *engine, const struct order_place_command *place,
                         struct place_plan *plan);

/* Accepts the order and lets it sleep or take. Needs: place_decide has passed, and nothing has changed
 * since. */
void place_accept(struct engine *engine, const struct order_place_command *place,
                  struct order_tag tag, const struct place_plan *plan, struct event_writer *out);

/* Puts an order, without id, into the pool: hold and events are the caller's. */
uint32_t place_order(struct engine *engine, const struct order_place_command *place,
                     struct order_tag tag, qty_t qty);

/* RULES, COMBINATION: whether the command may be there by now, and its tags, of `count` orders, may be what they say.
 * They come before all that the order itself is checked for. */
enum reject place_check_tags(const struct engine *engine, const struct command *command,
                             uint32_t count);

/* Writes ORDER_ACCEPTED and, where they are due, ORDER_TERMS and ORDER_TAGGED. */
void place_write_accepted(struct engine *engine, uint32_t slot, amount_t hold, amount_t quote_qty,
                          struct event_writer *out);

/* Looks at the account's fee tier, once a day. */
void place_tier(struct engine *engine, uint32_t account, struct event_writer *out);

/* Orders of stop types, and icebergs, that the account has open here; lots it has open to buy. */
struct place_counts {
    uint32_t open;
    uint32_t algos;
    uint32_t icebergs;
    uint32_t lists;
    int64_t buy_lots;
};
struct place_counts place_count(const struct engine *engine, uint32_t account, uint16_t market);

/* MAX_POSITION for `lots` more to buy, above those open. */
enum reject place_position(const struct engine *engine, uint32_t account, uint16_t market,
                           int64_t open_lots, int64_t lots);

#endif /* ENGINE_PLACE_H */
