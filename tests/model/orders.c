#include "tests/model/parts.h"

#include <string.h>

void model_level_change(struct model *model, const struct model_order *order)
{
    for (int i = 0; i < model->changed_count; i++)
        if (model->changed[i].market == order->market && model->changed[i].side == order->side &&
            model->changed[i].price == order->price)
            return;
    ASSERT(model->changed_count < model->changed_room);
    model->changed[model->changed_count].market = order->market;
    model->changed[model->changed_count].side = order->side;
    model->changed[model->changed_count++].price = order->price;
}

struct model_order *model_order_find(struct model *model, uint32_t account, uint16_t market,
                                     uint64_t id, const uint8_t client_id[36])
{
    if (id == 0 && model_id_is_none(client_id)) return NULL;
    for (int i = 0; i < model->open_count; i++) {
        struct model_order *order = model->open[i];
        if (order->account != account || order->market != market) continue;
        if (id != 0 && order->id != id) continue;
        if (!model_id_is_none(client_id) && memcmp(order->client_id, client_id, 36) != 0) continue;
        return order;
    }
    return NULL;
}

/* ---- The book ---- */

static bool trades_before(uint8_t side, int64_t price, int64_t other)
{
    return side == BUY ? price > other : price < other;
}

/* To the back of the queue at its price. */
static void queue_add(struct model *model, struct model_order *order)
{
    struct model_market *market = &model->markets[order->market];
    struct model_order **queue = market->queues[order->side];
    int at = market->queue_counts[order->side]++;
    for (; at > 0 && trades_before(order->side, order->price, queue[at - 1]->price); at--)
        queue[at] = queue[at - 1];
    queue[at] = order;
}

static void queue_remove(struct model *model, const struct model_order *order)
{
    struct model_market *market = &model->markets[order->market];
    struct model_order **queue = market->queues[order->side];
    int at = 0;
    while (queue[at] != order)
        at++;
    const int count = --market->queue_counts[order->side];
    for (; at < count; at++)
        queue[at] = queue[at + 1];
}

static void order_rest(struct model *model, struct model_order *order)
{
    order->place = RESTS;
    order->shown = order->iceberg != 0 ? least(order->iceberg, order->left) : order->left;
    queue_add(model, order);
    model_level_change(model, order);
}

/* What it showed is gone, and it hides more. */
static void order_refresh(struct model *model, struct model_order *order)
{
    if (order->shown > 0) return;
    queue_remove(model, order);
    order_rest(model, order);
}

/* ---- From acceptance to sleep or taking ---- */

struct model_order *model_order_slot(struct model *model)
{
    for (int i = 0; i < model->order_slots; i++)
        if (!model->orders[i].open) return &model->orders[i];
    ASSERT(false);
    return NULL;
}

void model_order_accept(struct model *model, struct model_order *order)
{
    order->open = true;
    order->id = ++model->markets[order->market].last_order;
    order->created_ns = model->stamp_ns;
    order->special =
        order->stop_price != 0 || order->delta != 0 || order->iceberg != 0 || order->list != NULL;
    model->open[model->open_count++] = order;
}

static void order_terms_write(struct model *model, const struct model_order *order)
{
    event_write_order_terms(model->out, &(struct order_terms_event){
                                            .order_id = order->id,
                                            .list_id = order->list != NULL ? order->list->id : 0,
                                            .stop_price = {order->stop_price},
                                            .iceberg_qty = {order->iceberg},
                                            .prevented = {order->prevented},
                                            .trailing_delta = order->delta,
                                            .account = order->account,
                                            .market = order->market,
                                            .pending = order->waits,
                                        });
}

static void order_tagged_write(struct model *model, const struct model_order *order)
{
    if (order->tag.flags == 0) return;
    event_write_order_tagged(model->out, &(struct order_tagged_event){
                                             .order_id = order->id,
                                             .strategy_id = order->tag.strategy_id,
                                             .strategy_type = order->tag.strategy_type,
                                             .account = order->account,
                                             .market = order->market,
                                             .flags = order->tag.flags,
                                         });
}

void model_order_accepted_write(struct model *model, const struct model_order *order, int64_t hold)
{
    struct order_accepted_event accepted = {
        .order_id = order->id,
        .price = {order->price},
        .qty = {order->quote_qty != 0 ? 0 : order->qty},
        .quote_qty = {order->quote_qty},
        .hold = {hold},
        .account = order->account,
        .market = order->market,
        .hold_asset = model_hold_asset_of(model, order->market, order->side),
        .side = order->side,
        .type = order->type,
        .time_in_force = order->time_in_force,
        .self_trade = order->self_trade,
    };
    memcpy(accepted.client_id, order->client_id, sizeof(accepted.client_id));
    event_write_order_accepted(model->out, &accepted);
    if (order->special) order_terms_write(model, order);
    order_tagged_write(model, order);
}

/* Every check is passed. */
void model_order_place(struct model *model, const struct order_place_command *ask)
{
    model_tier_look(model, ask->account);
    struct model_order *order = model_order_slot(model);
    *order = model_order_of_ask(model, ask);
    order->tag = model->tags[0];
    order->tag.flags &= 3;
    model->placed = order;
    const int64_t hold = model_hold_of_ask(model, order);
    model_order_accept(model, order);
    model_hold_take(model, order, hold);
    model_order_accepted_write(model, order, hold);
    model_order_work(model, order);
}

void model_order_work(struct model *model, struct model_order *order)
{
    if (is_stop(order->type))
        model_order_sleep(model, order);
    else
        model_order_take(model, order, false);
}

void model_order_sleep(struct model *model, struct model_order *order)
{
    order->place = SLEEPS;
    order->slept = ++model->ticks;
    if (order->stop_price != 0) return;
    order->place = TRAILS;
    order->started = ++model->ticks;
    order->extreme = model->markets[order->market].last_price;
}

/* ---- How an order ends ---- */

static void work_queue_leave(struct model *model, const struct model_order *order)
{
    for (int i = 0; i < model->work_count; i++)
        if (model->work[i].stop == order) model->work[i].stop = NULL;
}

static void order_done_write(struct model *model, const struct model_order *order, uint8_t status,
                             uint8_t reason)
{
    struct order_done_event done = {
        .order_id = order->id,
        .created_ns = order->created_ns,
        .price = {order->price},
        .qty = {order->qty},
        .executed = {order->executed},
        .quote_qty = {order->quote_qty},
        .quote_executed = {order->quote_executed},
        .account = order->account,
        .market = order->market,
        .side = order->side,
        .type = order->type,
        .time_in_force = order->time_in_force,
        .self_trade = order->self_trade,
        .status = status,
        .reason = reason,
    };
    memcpy(done.client_id, order->client_id, sizeof(done.client_id));
    if (order->special || order->prevented != 0) order_terms_write(model, order);
    order_tagged_write(model, order);
    event_write_order_done(model->out, &done);
}

void model_order_end(struct model *model, struct model_order *order, uint8_t status, uint8_t reason)
{
    if (order->place == RESTS) {
        queue_remove(model, order);
        model_level_change(model, order);
    }
    if (order->place == FIRED) work_queue_leave(model, order);
    model_hold_end(model, order);
    order_done_write(model, order, status, reason);
    order->open = false;
    order->end_status = status;
    order->end_reason = reason;
    int at = 0;
    while (model->open[at] != order)
        at++;
    for (model->open_count--; at < model->open_count; at++)
        model->open[at] = model->open[at + 1];
    if (order->list != NULL) model_list_order_ended(model, order->list, order->leg, status, reason);
}

/* ---- Taking ---- */

/* What prevention takes from the maker; a maker with nothing left ends. */
static void maker_prevented(struct model *model, struct model_order *maker, int64_t lots)
{
    if (lots == 0) return;
    maker->left -= lots;
    maker->prevented += lots;
    maker->shown -= least(maker->shown, lots);
    model_level_change(model, maker);
    if (maker->left == 0) {
        model_order_end(model, maker, ORDER_EXPIRED_IN_MATCH, DONE_SELF_TRADE);
        return;
    }
    model_hold_fall(model, maker);
    order_refresh(model, maker);
}

static void orders_prevent(struct model *model, struct model_order *taker,
                           struct model_order *maker)
{
    const int mode = taker->self_trade;
    const int64_t smaller = least(taker->left, maker->shown);
    int64_t from_taker = mode == SELF_TRADE_DECREMENT ? smaller : 0;
    int64_t from_maker = from_taker;
    if (mode == SELF_TRADE_EXPIRE_TAKER || mode == SELF_TRADE_EXPIRE_BOTH) from_taker = taker->left;
    if (mode == SELF_TRADE_EXPIRE_MAKER || mode == SELF_TRADE_EXPIRE_BOTH) from_maker = maker->left;
    event_write_prevented(
        model->out,
        &(struct prevented_event){.prevented_id = ++model->markets[taker->market].last_prevented,
                                  .maker_order = maker->id,
                                  .taker_order = taker->id,
                                  .price = {maker->price},
                                  .maker_qty = {from_maker},
                                  .taker_qty = {from_taker},
                                  .maker_account = maker->account,
                                  .taker_account = taker->account,
                                  .market = taker->market,
                                  .taker_side = taker->side,
                                  .mode = taker->self_trade});
    taker->left -= from_taker;
    taker->prevented += from_taker;
    maker_prevented(model, maker, from_maker); /* its hold at once, the taker's after the run */
}

static void fill_write(struct model *model, const struct model_order *taker,
                       const struct model_order *maker, int64_t lots, int32_t maker_rate,
                       int32_t taker_rate)
{
    struct model_market *market = &model->markets[taker->market];
    if (model->run_price_count == 0 ||
        model->run_prices[model->run_price_count - 1] != maker->price) {
        model->run_prices[model->run_price_count++] = maker->price;
        market->last_aggregate++;
    }
    event_write_fill(model->out, &(struct fill_event){.trade_id = ++market->last_trade,
                                                      .aggregate_id = market->last_aggregate,
                                                      .maker_order = maker->id,
                                                      .taker_order = taker->id,
                                                      .price = {maker->price},
                                                      .qty = {lots},
                                                      .maker_account = maker->account,
                                                      .taker_account = taker->account,
                                                      .maker_rate_ppm = maker_rate,
                                                      .taker_rate_ppm = taker_rate,
                                                      .market = taker->market,
                                                      .taker_side = taker->side});
}

static void order_filled(struct model *model, struct model_order *order, int64_t price,
                         int64_t lots)
{
    order->left -= lots;
    order->executed += lots;
    order->quote_executed += model_quote_of(model, order->market, price, lots);
}

static void orders_fill(struct model *model, struct model_order *taker, struct model_order *maker,
                        int64_t lots)
{
    const struct fee_tier *tiers = model->params.tiers;
    const int32_t maker_rate = tiers[model->accounts[maker->account].tier].maker_ppm;
    const int32_t taker_rate = tiers[model->accounts[taker->account].tier].taker_ppm;
    const int64_t price = maker->price;
    struct model_order *sibling = model_sibling_of(maker);
    if (sibling != NULL) model_order_end(model, sibling, ORDER_EXPIRED, DONE_OCO);

    fill_write(model, taker, maker, lots, maker_rate, taker_rate);
    order_filled(model, taker, price, lots);
    order_filled(model, maker, price, lots);
    maker->shown -= lots;
    if (taker->side == BUY) model_fill_pay(model, taker, price, lots, taker_rate);
    model_fill_pay(model, maker, price, lots, maker_rate);
    if (taker->side == SELL) model_fill_pay(model, taker, price, lots, taker_rate);
    model_volumes_count(model, maker, taker, price, lots);
    model_average_count(model, taker->market, price, lots);
    model_level_change(model, maker);
    if (maker->left == 0)
        model_order_end(model, maker, ORDER_FILLED, DONE_FILLED);
    else
        order_refresh(model, maker);
}

/* Why a taker without a price ends with something left. */
static uint8_t market_reason(const struct model *model, const struct model_order *taker,
                             int64_t bound, bool poor)
{
    const struct model_market *market = &model->markets[taker->market];
    const enum side other = opposite((enum side)taker->side);
    if (poor) return DONE_NO_BALANCE;
    if (market->queue_counts[other] > 0 &&
        !model_price_reached(taker->side, bound, market->queues[other][0]->price))
        return DONE_PRICE_RANGE;
    return DONE_NO_LIQUIDITY;
}

static void taker_settle(struct model *model, struct model_order *taker, int64_t bound, bool poor,
                         bool prevented_last)
{
    model_hold_fall(model, taker);
    if (taker->left == 0 && prevented_last)
        model_order_end(model, taker, ORDER_EXPIRED_IN_MATCH, DONE_SELF_TRADE);
    else if (taker->left == 0 && !poor && (taker->quote_qty == 0 || taker->content))
        model_order_end(model, taker, ORDER_FILLED, DONE_FILLED);
    else if (!has_price(taker->type))
        model_order_end(model, taker, ORDER_EXPIRED, market_reason(model, taker, bound, poor));
    else if (taker->time_in_force == GTC)
        order_rest(model, taker);
    else
        model_order_end(model, taker, ORDER_EXPIRED,
                        taker->time_in_force == FOK ? DONE_FOK_UNFILLED : DONE_IOC_UNFILLED);
}

static void order_fire(struct model *model, struct model_order *order, int64_t price)
{
    order->place = FIRED;
    order->fired_at = price;
    model->work[model->work_count++] = (struct model_work){.stop = order};
}

/* The plain stop that `price` wakes next, of those that wait for rising or for falling prices. */
static struct model_order *stop_next(const struct model *model, uint16_t market, bool rising,
                                     int64_t price)
{
    struct model_order *best = NULL;
    for (int i = 0; i < model->open_count; i++) {
        struct model_order *order = model->open[i];
        if (order->market != market || order->place != SLEEPS) continue;
        if (is_rising(order->type, order->side) != rising) continue;
        if (!model_condition_met(order->type, order->side, order->stop_price, price)) continue;
        if (best == NULL ||
            trades_before(rising ? SELL : BUY, order->stop_price, best->stop_price) ||
            (order->stop_price == best->stop_price && order->slept < best->slept))
            best = order;
    }
    return best;
}

/* The price moves a trailing order's extreme, or else may fire it. */
static bool trailing_due(struct model_order *order, int64_t price)
{
    const __int128 now = price, extreme = order->extreme;
    const bool better = order->side == SELL ? now > extreme : now < extreme;
    if (order->extreme == 0 || better) {
        order->extreme = price;
        return false;
    }
    if (order->side == SELL) return now * 10000 <= extreme * (10000 - (__int128)order->delta);
    return now * 10000 >= extreme * (10000 + (__int128)order->delta);
}

static bool trailing_before(const struct model_order *left, const struct model_order *right)
{
    if (left->side != right->side) return left->side == SELL;
    if (left->delta != right->delta) return left->delta < right->delta;
    return left->started < right->started;
}

static struct model_order *trailing_next(const struct model *model)
{
    struct model_order *best = NULL;
    for (int i = 0; i < model->open_count; i++) {
        struct model_order *order = model->open[i];
        if (order->due && (best == NULL || trailing_before(order, best))) best = order;
    }
    return best;
}

static void price_fires(struct model *model, uint16_t market, int64_t price)
{
    struct model_order *order;
    for (int rising = 1; rising >= 0; rising--) {
        while ((order = stop_next(model, market, rising != 0, price)) != NULL) {
            if (order->delta == 0) {
                order_fire(model, order, price);
                continue;
            }
            order->place = TRAILS;
            order->started = ++model->ticks;
            order->extreme = price;
        }
    }
    for (int i = 0; i < model->open_count; i++) {
        order = model->open[i];
        if (order->market == market && order->place == TRAILS)
            order->due = trailing_due(order, price);
    }
    while ((order = trailing_next(model)) != NULL) {
        order->due = false;
        order_fire(model, order, price);
    }
}

/* The order takes what it has left. `poor`: that has been cut, for its funds are short. */
void model_order_take(struct model *model, struct model_order *taker, bool poor)
{
    const uint16_t market = taker->market;
    const enum side other = opposite((enum side)taker->side);
    const int64_t bound = model_price_bound(model, taker);
    const struct model_market *book = &model->markets[market];
    const bool kill = has_price(taker->type) && taker->time_in_force == FOK &&
                      !model_fok_fills(model, taker, bound);
    bool prevented_last = false;
    taker->place = TAKES;
    model->run_price_count = 0;
    while (!kill && taker->left > 0 && book->queue_counts[other] > 0) {
        struct model_order *maker = book->queues[other][0];
        if (!model_price_reached(taker->side, bound, maker->price)) break;
        prevented_last = maker->account == taker->account && taker->self_trade != SELF_TRADE_NONE;
        if (prevented_last) {
            orders_prevent(model, taker, maker);
        } else {
            orders_fill(model, taker, maker, least(taker->left, maker->shown));
        }
    }
    taker_settle(model, taker, bound, poor, prevented_last);
    for (int i = 0; i < model->run_price_count; i++)
        price_fires(model, market, model->run_prices[i]);
}

/* ---- The work queue ---- */

static void stop_works(struct model *model, struct model_order *order)
{
    struct model_order *sibling = model_sibling_of(order);
    struct walk walk = {.lots = INT64_MAX};
    bool poor = false;
    order->place = TAKES;
    if (sibling != NULL) model_order_end(model, sibling, ORDER_EXPIRED, DONE_OCO);
    const uint16_t asset = model_hold_asset_of(model, order->market, order->side);
    if (order->side == BUY && !has_price(order->type)) {
        const int64_t funds =
            order->hold + model->accounts[order->account].balances[asset].available;
        walk = model_dry_walk(model, order, model_price_bound(model, order), order->left, funds);
        poor = walk.lots < order->left && walk.next_price != 0;
        if (poor) order->left = walk.lots;
        order->cash = true;
        model_hold_take(model, order, walk.quote - order->hold);
    }
    event_write_order_triggered(model->out,
                                &(struct order_triggered_event){.order_id = order->id,
                                                                .trigger_price = {order->fired_at},
                                                                .hold = {order->hold},
                                                                .account = order->account,
                                                                .market = order->market,
                                                                .hold_asset = asset});
    if (poor && walk.lots == 0)
        model_order_end(model, order, ORDER_EXPIRED, DONE_NO_BALANCE);
    else
        model_order_take(model, order, poor);
}

/* First in, first out, until nothing is left; what it does may add to it. */
void model_work_queue_run(struct model *model)
{
    for (int i = 0; i < model->work_count; i++) {
        const struct model_work work = model->work[i];
        model->work[i] = (struct model_work){0};
        if (work.stop != NULL) stop_works(model, work.stop);
        if (work.release != NULL) model_list_release(model, work.release);
    }
    model->work_count = 0;
}
