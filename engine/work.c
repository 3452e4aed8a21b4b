#include "engine/work.h"

#include "engine/done.h"
#include "engine/holds.h"
#include "engine/walk.h"

void work_push(struct engine *engine, uint32_t slot)
{
    struct order *order = state_order(engine, slot);
    struct work_queue *queue = &engine->work;
    ASSERT((order->flags & (ORDER_DORMANT | ORDER_ASLEEP | ORDER_QUEUED)) == ORDER_DORMANT);

    order->flags |= ORDER_QUEUED;
    order->older = queue->last;
    order->newer = NO_SLOT;
    if (queue->last == NO_SLOT)
        queue->first = slot;
    else
        state_order(engine, queue->last)->newer = slot;
    queue->last = slot;
}

void work_remove(struct engine *engine, uint32_t slot)
{
    struct order *order = state_order(engine, slot);
    struct work_queue *queue = &engine->work;
    ASSERT((order->flags & ORDER_QUEUED) != 0);

    order->flags &= (uint8_t)~ORDER_QUEUED;
    if (order->older == NO_SLOT)
        queue->first = order->newer;
    else
        state_order(engine, order->older)->newer = order->newer;
    if (order->newer == NO_SLOT)
        queue->last = order->older;
    else
        state_order(engine, order->newer)->older = order->older;
}

static void trail(struct engine *engine, uint32_t slot, price_t extreme)
{
    struct order *order = state_order(engine, slot);
    struct order_extra *extra = state_extra(engine, order);
    extra->extreme = extreme;
    order->flags |= ORDER_ASLEEP;
    order->level = triggers_trail(&engine->triggers, order->market, slot, (enum side)order->side,
                                  extra->trailing_delta, extreme);
}

/* A sleeper that `price` woke: a trailing stop that only waited for its stop price starts now. */
static void woken(struct engine *engine, uint32_t slot, price_t price)
{
    struct order *order = state_order(engine, slot);
    struct order_extra *extra = state_extra(engine, order);
    order->flags &= (uint8_t)~ORDER_ASLEEP;
    if (extra->trailing_delta != 0 && extra->stop_price.ticks != 0 && extra->extreme.ticks == 0) {
        trail(engine, slot, price);
        return;
    }
    extra->fired_at = price;
    work_push(engine, slot);
}

void work_fire(struct engine *engine, uint16_t market)
{
    for (uint32_t i = 0; i < engine->print_count; i++) {
        const price_t price = engine->prints[i];
        uint32_t slot;
        while ((slot = triggers_next(&engine->triggers, market, price)) != NO_SLOT)
            woken(engine, slot, price);
    }
    engine->print_count = 0;
}

void work_sleep(struct engine *engine, uint32_t slot)
{
    struct order *order = state_order(engine, slot);
    struct order_extra *extra = state_extra(engine, order);
    const price_t last = averages_last(&engine->averages, order->market);
    const bool met = extra->stop_price.ticks != 0 && last.ticks != 0 &&
                     filters_fires(order->type, order->side, extra->stop_price, last);

    if (extra->trailing_delta != 0 && (met || extra->stop_price.ticks == 0)) {
        trail(engine, slot, last);
    } else if (met) {
        extra->fired_at = last;
        work_push(engine, slot);
    } else {
        order->flags |= ORDER_ASLEEP;
        order->level = triggers_sleep(&engine->triggers, order->market, slot,
                                      filters_rises(order->type, order->side), extra->stop_price);
    }
}

static struct walk_terms terms_of(const struct engine *engine, const struct order *order,
                                  price_t reach)
{
    return (struct walk_terms){
        .books = &engine->books,
        .market = state_market(engine, order),
        .market_index = order->market,
        .makers = opposite((enum side)order->side),
        .limit = reach,
        .own = order->self_trade == SELF_TRADE_NONE ? 0 : order->account,
    };
}

/* A stop without a price that is to buy: what it held by its stop price becomes what its quantity
 * costs now, or as much of it as its account can pay. */
static void rehold(struct engine *engine, struct taker *taker)
{
    struct order *order = state_order(engine, taker->slot);
    const struct market *market = state_market(engine, order);
    const struct walk_terms terms = terms_of(engine, order, taker->reach);
    const struct balance *balance =
        accounts_balance(&engine->accounts, order->account, market->quote);
    const amount_t funds = {balance->available.units + taker->hold.units};
    struct walk walk = walk_by_quantity(&terms, order->left);

    if (walk.quote.units > funds.units) {
        walk = walk_by_quote(&terms, funds, order->left);
        taker->cut = true;
        taker->beyond = qty_less(order->left, walk.qty);
        order->left = walk.qty;
    }
    const int64_t more = walk.quote.units - taker->hold.units;
    taker->hold = walk.quote;
    if (more < 0) {
        accounts_release(&engine->accounts, order->account, market->quote, (amount_t){-more});
        return;
    }
    const bool held =
        accounts_hold(&engine->accounts, order->account, market->quote, (amount_t){more});
    ASSERT(held);
}

static void wake(struct engine *engine, uint32_t slot)
{
    state_order(engine, slot)->flags &= (uint8_t) ~(ORDER_DORMANT | ORDER_PENDING);
    engine->dormant_count--;
}

static struct taker taker_of(struct engine *engine, uint32_t slot, amount_t hold)
{
    const struct order *order = state_order(engine, slot);
    const bool priced = filters_has_price(order->type);
    struct taker taker = {
        .slot = slot,
        .hold = hold,
        .entered = true,
        .reach = priced ? order->price : take_band(engine, order->market, (enum side)order->side),
    };
    if (priced && order->time_in_force == FOK) {
        const struct walk_terms terms = terms_of(engine, order, taker.reach);
        taker.kill = !walk_fills(&terms, order->self_trade, order->left);
    }
    return taker;
}

static void fired(struct engine *engine, uint32_t slot, struct event_writer *out)
{
    struct order *order = state_order(engine, slot);
    done_sibling(engine, slot, out);
    wake(engine, slot);
    struct taker taker = taker_of(
        engine, slot, holds_need(&engine->books.orders, state_market(engine, order), slot));
    if (order->side == BUY && !filters_has_price(order->type)) rehold(engine, &taker);

    const struct order_triggered_event triggered = {
        .order_id = order->id,
        .trigger_price = state_extra(engine, order)->fired_at,
        .hold = taker.hold,
        .account = order->account,
        .market = order->market,
        .hold_asset = holds_asset(state_market(engine, order), order->side),
    };
    event_write_order_triggered(out, &triggered);
    take(engine, &taker, out);
}

/* What a pending order, or the pair it is one of, will hold. */
static amount_t release_need(struct engine *engine, const struct list *list)
{
    amount_t need = {0};
    for (uint32_t leg = 1; leg < LIST_LEGS; leg++) {
        const uint32_t slot = list->legs[leg];
        if (slot == NO_SLOT) continue;
        struct order *order = state_order(engine, slot);
        const struct market *market = state_market(engine, order);
        amount_t own;
        if (order->type == MARKET && order->side == BUY) {
            const struct walk_terms terms =
                terms_of(engine, order, take_band(engine, order->market, BUY));
            own = walk_by_quantity(&terms, order->qty).quote;
        } else {
            const bool priced = filters_has_price(order->type);
            const struct order_extra *extra = state_extra(engine, order);
            own = holds_of(market, order->side, priced ? order->price : extra->hold_price,
                           order->qty);
        }
        if (own.units > need.units) need = own;
    }
    return need;
}

/* A stop without a price that names no stop price holds by the last price. */
static void hold_prices_set(struct engine *engine, const struct list *list)
{
    for (uint32_t leg = 1; leg < LIST_LEGS; leg++) {
        if (list->legs[leg] == NO_SLOT) continue;
        const struct order *order = state_order(engine, list->legs[leg]);
        struct order_extra *extra = state_extra(engine, order);
        extra->hold_price = extra->stop_price.ticks != 0
                                ? extra->stop_price
                                : averages_last(&engine->averages, order->market);
    }
}

static uint32_t would_take(struct engine *engine, const struct list *list)
{
    for (uint32_t leg = 1; leg < LIST_LEGS; leg++) {
        if (list->legs[leg] == NO_SLOT) continue;
        const struct order *order = state_order(engine, list->legs[leg]);
        const enum side makers = opposite((enum side)order->side);
        const price_t best = book_best_price(&engine->books, order->market, makers);
        if (order->type == LIMIT_MAKER && best.ticks != 0 &&
            walk_reaches(order->price, makers, best))
            return list->legs[leg];
    }
    return NO_SLOT;
}

static void release_write(struct engine *engine, uint32_t slot, amount_t hold,
                          struct event_writer *out)
{
    const struct order *order = state_order(engine, slot);
    const struct order_released_event released = {
        .order_id = order->id,
        .hold = hold,
        .account = order->account,
        .market = order->market,
        .hold_asset = holds_asset(state_market(engine, order), order->side),
    };
    event_write_order_released(out, &released);
}

/* An order in force: a stop sleeps, anything else takes. `need` is what a MARKET order holds. */
static void start(struct engine *engine, uint32_t slot, amount_t need, struct event_writer *out)
{
    struct order *order = state_order(engine, slot);
    if (filters_is_stop(order->type)) {
        order->flags &= (uint8_t)~ORDER_PENDING;
        work_sleep(engine, slot);
        return;
    }
    wake(engine, slot);
    if (order->type != MARKET)
        need = holds_need(&engine->books.orders, state_market(engine, order), slot);
    struct taker taker = taker_of(engine, slot, need);
    take(engine, &taker, out);
}

/* The working order of the list is filled: its pending orders come into force. */
static void release(struct engine *engine, uint32_t slot, struct event_writer *out)
{
    const struct list *list = lists_of(&engine->lists, &engine->books.orders, slot);
    const struct order *order = state_order(engine, slot);
    const uint16_t asset = holds_asset(state_market(engine, order), order->side);
    const uint32_t legs[2] = {list->legs[1], list->legs[2]};

    hold_prices_set(engine, list);
    const amount_t need = release_need(engine, list);
    if (accounts_balance(&engine->accounts, order->account, asset)->available.units < need.units) {
        done_close(engine, slot, ORDER_EXPIRED, DONE_NO_BALANCE, out);
        return;
    }
    const uint32_t taking = would_take(engine, list);
    if (taking != NO_SLOT) {
        done_close(engine, taking, ORDER_EXPIRED, DONE_WOULD_TAKE, out);
        return;
    }
    const bool held = accounts_hold(&engine->accounts, order->account, asset, need);
    ASSERT(held);
    for (uint32_t i = 0; i < 2; i++)
        if (legs[i] != NO_SLOT)
            release_write(engine, legs[i], (amount_t){i == 0 ? need.units : 0}, out);
    for (uint32_t i = 0; i < 2; i++)
        if (legs[i] != NO_SLOT) start(engine, legs[i], need, out);
}

void work_drain(struct engine *engine, struct event_writer *out)
{
    /* Ends: an order enters the queue twice at most, released and fired. */
    while (engine->work.first != NO_SLOT) {
        const uint32_t slot = engine->work.first;
        const bool pending = (state_order(engine, slot)->flags & ORDER_PENDING) != 0;
        work_remove(engine, slot);
        if (pending)
            release(engine, slot, out);
        else
            fired(engine, slot, out);
    }
}
