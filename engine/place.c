#include "engine/place.h"

#include "engine/filters.h"
#include "engine/holds.h"
#include "engine/walk.h"

#include <string.h>

static enum reject market_check(const struct engine *engine,
                                const struct order_place_command *place)
{
    if (!accounts_exists(&engine->accounts, place->account)) return REJECT_UNKNOWN_ACCOUNT;
    if (place->market >= engine->params.market_count) return REJECT_UNKNOWN_MARKET;
    const struct market *market = &engine->params.markets[place->market];
    if (market->status != MARKET_TRADING) return REJECT_MARKET_CLOSED;
    return filters_check(market, place);
}

/* Whether there is room for the order to rest, by counts alone: taken before the match, so that it
 * does not depend on what the match would free. */
static enum reject room_check(const struct engine *engine, const struct order_place_command *place)
{
    const struct books *books = &engine->books;
    const struct roster *roster =
        directory_roster(&engine->directory, place->account, place->market);
    const uint32_t open = roster == NULL ? 0 : roster->open;

    if (open >= engine->params.markets[place->market].account_orders_max)
        return REJECT_MAX_NUM_ORDERS;
    if (books->orders.count >= books->orders.capacity) return REJECT_ORDERS_FULL;
    if (book_levels_full(books, place->market, (enum side)place->side, place->price))
        return REJECT_ORDERS_FULL;
    return REJECT_NONE;
}

static bool would_take(const struct engine *engine, const struct order_place_command *place)
{
    const enum side makers = opposite((enum side)place->side);
    const price_t best = book_best_price(&engine->books, place->market, makers);
    return best.ticks != 0 && walk_reaches(place->price, makers, best);
}

static enum reject book_check_place(const struct engine *engine,
                                    const struct order_place_command *place)
{
    if (order_has_client_id(place->client_id) &&
        directory_find_client(&engine->directory, place->account, place->market,
                              place->client_id) != NO_SLOT)
        return REJECT_DUPLICATE_ORDER;

    if (!place_may_rest(place->type, place->time_in_force)) return REJECT_NONE;
    const enum reject room = room_check(engine, place);
    if (room != REJECT_NONE) return room;
    return place->type == LIMIT_MAKER && would_take(engine, place) ? REJECT_WOULD_TAKE
                                                                   : REJECT_NONE;
}

static void taker_init(struct taker *taker, const struct order_place_command *place,
                       uint64_t stamp_ns)
{
    *taker = (struct taker){
        .order = {.price = place->price,
                  .qty = place->qty,
                  .left = place->qty,
                  .account = place->account,
                  .market = place->market,
                  .side = place->side,
                  .type = place->type,
                  .time_in_force = filters_time_in_force(place),
                  .self_trade = place->self_trade,
                  .created_ns = stamp_ns},
        .quote_qty = place->quote_qty,
    };
    memcpy(taker->order.client_id, place->client_id, CLIENT_ID_BYTES);
}

/* A buyer holds what the walk costs; a seller the whole quantity, even where the book is short. */
static enum reject plan_market_by_quantity(const struct engine *engine, const struct market *market,
                                           struct taker *taker)
{
    const struct order *order = &taker->order;
    const struct walk walk =
        walk_by_quantity(&engine->books, market, order->market, opposite((enum side)order->side),
                         (price_t){0}, order->qty);
    taker->hold = order->side == BUY ? walk.quote : market_base_amount(market, order->qty);
    return filters_check_notional(market, walk.quote);
}

static void plan_market_by_quote(const struct engine *engine, const struct market *market,
                                 struct taker *taker)
{
    struct order *order = &taker->order;
    const struct walk walk = walk_by_quote(&engine->books, market, order->market,
                                           opposite((enum side)order->side), taker->quote_qty);
    order->qty = walk.qty;
    order->left = walk.qty;
    taker->content = walk.stopped && walk.qty.lots > 0;
    taker->hold = order->side == BUY ? taker->quote_qty : market_base_amount(market, walk.qty);
}

static void plan_limit(const struct engine *engine, const struct market *market,
                       struct taker *taker)
{
    const struct order *order = &taker->order;
    taker->hold = holds_resting(market, order);
    if (order->time_in_force != FOK) return;
    const struct walk walk =
        walk_by_quantity(&engine->books, market, order->market, opposite((enum side)order->side),
                         order->price, order->qty);
    taker->kill = walk.qty.lots < order->qty.lots;
}

enum reject place_plan(struct engine *engine, const struct order_place_command *place,
                       uint64_t stamp_ns, struct taker *taker)
{
    enum reject reject = market_check(engine, place);
    if (reject == REJECT_NONE) reject = book_check_place(engine, place);
    if (reject != REJECT_NONE) return reject;

    const struct market *market = &engine->params.markets[place->market];
    taker_init(taker, place, stamp_ns);
    if (place->type != MARKET)
        plan_limit(engine, market, taker);
    else if (place->qty.lots != 0)
        reject = plan_market_by_quantity(engine, market, taker);
    else
        plan_market_by_quote(engine, market, taker);
    if (reject != REJECT_NONE) return reject;

    const uint16_t asset = holds_asset(market, (enum side)place->side);
    return accounts_hold(&engine->accounts, place->account, asset, taker->hold)
               ? REJECT_NONE
               : REJECT_INSUFFICIENT_BALANCE;
}
