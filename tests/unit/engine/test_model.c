/* The engine against a model too simple to be wrong: one array of open orders per run, searched from end
 * to end for everything, no index, no level, no list. Both get the same random commands, biased to
 * collisions; every event, and so every balance, is compared after every command. */

#include "tests/harness.h"

#include <inttypes.h>

#include "common/fee.h"
#include "common/reject.h"
#include "tests/unit/engine/world.h"

#define MODEL_ACCOUNTS 8
#define MODEL_MARKETS  2
#define MODEL_ASSETS   3
#define MODEL_ORDERS   48
#define MODEL_LEVELS   14
#define MODEL_EVENTS   (256 * 1024)

struct model_order {
    bool open;
    struct order_place_command terms;
    uint64_t id;
    uint64_t created_ns;
    int64_t left;
    int64_t quote_executed;
    int64_t hold;
};

struct model {
    const struct params *params;
    struct model_order orders[MODEL_ORDERS];
    uint64_t last_order[MODEL_MARKETS], last_trade[MODEL_MARKETS], last_aggregate[MODEL_MARKETS];
    uint64_t last_update[MODEL_MARKETS];
    uint8_t status[MODEL_MARKETS];
    int64_t available[MODEL_ACCOUNTS + 1][MODEL_ASSETS], held[MODEL_ACCOUNTS + 1][MODEL_ASSETS];
    uint16_t tier[MODEL_ACCOUNTS + 1];
    uint64_t stamp_ns;
    /* of the command in hand */
    struct {
        uint32_t account;
        uint16_t asset;
    } touched[64];
    uint32_t touched_count;
    struct {
        uint8_t side;
        int64_t price;
    } changed[64];
    uint32_t changed_count;
    struct event_writer out;
    uint8_t bytes[MODEL_EVENTS];
};

static void model_touch(struct model *model, uint32_t account, uint16_t asset)
{
    for (uint32_t i = 0; i < model->touched_count; i++)
        if (model->touched[i].account == account && model->touched[i].asset == asset) return;
    model->touched[model->touched_count].account = account;
    model->touched[model->touched_count++].asset = asset;
}

static void model_move(struct model *model, uint32_t account, uint16_t asset, int64_t available,
                       int64_t held)
{
    model_touch(model, account, asset);
    model->available[account][asset] += available;
    model->held[account][asset] += held;
    assert_true(model->available[account][asset] >= 0);
    assert_true(model->held[account][asset] >= 0);
}

static void model_change(struct model *model, uint8_t side, int64_t price)
{
    for (uint32_t i = 0; i < model->changed_count; i++)
        if (model->changed[i].side == side && model->changed[i].price == price) return;
    model->changed[model->changed_count].side = side;
    model->changed[model->changed_count++].price = price;
}

static void model_end(struct model *model, uint16_t market)
{
    for (uint32_t i = 0; i < model->changed_count; i++) {
        int64_t lots = 0;
        for (int k = 0; k < MODEL_ORDERS; k++) {
            const struct model_order *order = &model->orders[k];
            if (order->open && order->terms.market == market &&
                order->terms.side == model->changed[i].side &&
                order->terms.price.ticks == model->changed[i].price)
                lots += order->left;
        }
        event_write_level(&model->out,
                          &(struct level_event){.update_id = ++model->last_update[market],
                                                .price = {model->changed[i].price},
                                                .qty = {lots},
                                                .market = market,
                                                .side = model->changed[i].side});
    }
    for (uint32_t i = 0; i < model->touched_count; i++) {
        const uint32_t account = model->touched[i].account;
        const uint16_t asset = model->touched[i].asset;
        event_write_balance(&model->out,
                            &(struct balance_event){.available = {model->available[account][asset]},
                                                    .held = {model->held[account][asset]},
                                                    .account = account,
                                                    .asset = asset});
    }
}

static void model_refuse(struct model *model, enum reject reject)
{
    event_write_refused(&model->out, &(struct refused_event){.reject = (uint16_t)reject});
}

/* Whether `left` trades before `right`, both resting on one side of one market. */
static bool model_before(const struct model_order *left, const struct model_order *right)
{
    if (left->terms.price.ticks == right->terms.price.ticks) return left->id < right->id;
    return (left->terms.side == SELL) == (left->terms.price.ticks < right->terms.price.ticks);
}

/* The best resting order of `side`, after `after` when it is given; NULL at the end. */
static struct model_order *model_next(struct model *model, uint16_t market, int side,
                                      const struct model_order *after)
{
    struct model_order *best = NULL;
    for (int i = 0; i < MODEL_ORDERS; i++) {
        struct model_order *order = &model->orders[i];
        if (!order->open || order->terms.market != market || order->terms.side != side) continue;
        if (after != NULL && !model_before(after, order)) continue;
        if (best == NULL || model_before(order, best)) best = order;
    }
    return best;
}

static bool model_crosses(const struct order_place_command *place, int64_t maker_price)
{
    if (place->type == MARKET) return true;
    return place->side == BUY ? maker_price <= place->price.ticks
                              : maker_price >= place->price.ticks;
}

static void model_done(struct model *model, const struct model_order *order, int64_t qty,
                       int status, int reason)
{
    struct order_done_event done = {
        .order_id = order->id,
        .created_ns = order->created_ns,
        .price = order->terms.price,
        .qty = {qty},
        .executed = {qty - order->left},
        .quote_qty = order->terms.quote_qty,
        .quote_executed = {order->quote_executed},
        .account = order->terms.account,
        .market = order->terms.market,
        .side = order->terms.side,
        .type = order->terms.type,
        .time_in_force = order->terms.time_in_force,
        .status = (uint8_t)status,
        .reason = (uint8_t)reason,
    };
    memcpy(done.client_id, order->terms.client_id, sizeof(done.client_id));
    event_write_order_done(&model->out, &done);
}

/* Pays and receives for one side; a buyer's limit above the price frees the difference. */
static void model_pay(struct model *model, struct model_order *order, int64_t price, int64_t lots,
                      int32_t rate)
{
    const struct market *market = &model->params->markets[order->terms.market];
    const int64_t quote = price * lots * market->units_per_step, base = lots * market->lot_units;
    const uint32_t account = order->terms.account;
    if (order->terms.side == BUY) {
        int64_t freed = 0;
        if (order->terms.type != MARKET)
            freed = (order->terms.price.ticks - price) * lots * market->units_per_step;
        model_move(model, account, market->quote, freed, -quote - freed);
        order->hold -= quote + freed;
        model_move(model, account, market->base,
                   base - fee_of((amount_t){base}, rate).charged.units, 0);
    } else {
        model_move(model, account, market->base, 0, -base);
        order->hold -= base;
        model_move(model, account, market->quote,
                   quote - fee_of((amount_t){quote}, rate).charged.units, 0);
    }
}

static void model_release(struct model *model, struct model_order *order)
{
    const struct market *market = &model->params->markets[order->terms.market];
    const uint16_t asset = order->terms.side == BUY ? market->quote : market->base;
    if (order->hold > 0) model_move(model, order->terms.account, asset, order->hold, -order->hold);
    order->hold = 0;
}

static void model_match(struct model *model, struct model_order *taker)
{
    const uint16_t m = taker->terms.market;
    int64_t last_price = 0;
    struct model_order *maker;
    while (taker->left > 0 && (maker = model_next(model, m, !taker->terms.side, NULL)) != NULL &&
           model_crosses(&taker->terms, maker->terms.price.ticks)) {
        const int64_t price = maker->terms.price.ticks;
        const int64_t lots = taker->left < maker->left ? taker->left : maker->left;
        const int32_t maker_rate =
            model->params->tiers[model->tier[maker->terms.account]].maker_ppm;
        const int32_t taker_rate =
            model->params->tiers[model->tier[taker->terms.account]].taker_ppm;
        if (price != last_price) model->last_aggregate[m]++;
        last_price = price;
        event_write_fill(&model->out, &(struct fill_event){.trade_id = ++model->last_trade[m],
                                                           .aggregate_id = model->last_aggregate[m],
                                                           .maker_order = maker->id,
                                                           .taker_order = taker->id,
                                                           .price = {price},
                                                           .qty = {lots},
                                                           .maker_account = maker->terms.account,
                                                           .taker_account = taker->terms.account,
                                                           .maker_rate_ppm = maker_rate,
                                                           .taker_rate_ppm = taker_rate,
                                                           .market = m,
                                                           .taker_side = taker->terms.side});
        if (taker->terms.side == BUY) {
            model_pay(model, taker, price, lots, taker_rate);
            model_pay(model, maker, price, lots, maker_rate);
        } else {
            model_pay(model, maker, price, lots, maker_rate);
            model_pay(model, taker, price, lots, taker_rate);
        }
        const int64_t quote = price * lots * model->params->markets[m].units_per_step;
        taker->left -= lots;
        maker->left -= lots;
        taker->quote_executed += quote;
        maker->quote_executed += quote;
        model_change(model, maker->terms.side, price);
        if (maker->left > 0) continue;
        model_release(model, maker);
        model_done(model, maker, maker->terms.qty.lots, ORDER_FILLED, DONE_FILLED);
        maker->open = false;
    }
}

/* What a taker would get, order by order. By quote: as many lots as fit, never stepping over a price.
 * `content`: the quote amount ended before the book and the largest quantity did. */
static int64_t model_walk(struct model *model, const struct order_place_command *place,
                          int64_t *quote, bool *content)
{
    const struct market *market = &model->params->markets[place->market];
    const struct model_order *maker = NULL;
    int64_t lots = 0;
    *quote = 0;
    *content = false;
    while ((maker = model_next(model, place->market, !place->side, maker)) != NULL) {
        if (!model_crosses(place, maker->terms.price.ticks)) break;
        const int64_t lot_quote = maker->terms.price.ticks * market->units_per_step;
        for (int64_t left = maker->left; left > 0; left--) {
            if (place->quote_qty.units != 0) {
                *content = *quote + lot_quote > place->quote_qty.units;
                if (*content || lots == market->qty_max.lots) goto out;
            } else if (lots == place->qty.lots) {
                goto out;
            }
            lots++;
            *quote += lot_quote;
        }
    }
out:
    if (*quote == place->quote_qty.units) *content = true;
    return lots;
}

static enum reject model_filters(const struct model *model, const struct order_place_command *place)
{
    const struct market *market = &model->params->markets[place->market];
    if (model->status[place->market] != MARKET_TRADING) return REJECT_MARKET_CLOSED;
    if (place->side > SELL) return REJECT_SIDE;
    if (place->type < LIMIT || place->type > LIMIT_MAKER) return REJECT_ORDER_TYPE_DISABLED;
    if (place->self_trade != 0) return REJECT_SELF_TRADE_MODE;
    if (place->stop_price.ticks != 0 || place->iceberg_qty.lots != 0 || place->trailing_delta != 0)
        return REJECT_COMBINATION;
    if (place->type == MARKET) {
        if (place->price.ticks != 0 || (place->qty.lots != 0 && place->quote_qty.units != 0))
            return REJECT_COMBINATION;
        if (place->time_in_force > GTC) return REJECT_TIME_IN_FORCE;
        if (place->qty.lots + place->quote_qty.units <= 0) return REJECT_ZERO_VALUE;
        if (place->qty.lots == 0)
            return place->quote_qty.units < market->notional_min.units ? REJECT_NOTIONAL : 0;
    } else {
        if (place->quote_qty.units != 0) return REJECT_COMBINATION;
        if (place->time_in_force > FOK) return REJECT_TIME_IN_FORCE;
        if (place->type == LIMIT && place->time_in_force == 0) return REJECT_TIME_IN_FORCE;
        if (place->type == LIMIT_MAKER && place->time_in_force > GTC) return REJECT_TIME_IN_FORCE;
        if (place->price.ticks <= 0 || place->qty.lots <= 0) return REJECT_ZERO_VALUE;
        if (place->price.ticks < market->price_min.ticks) return REJECT_PRICE_FILTER;
        if (place->price.ticks > market->price_max.ticks) return REJECT_PRICE_FILTER;
    }
    if (place->qty.lots < market->qty_min.lots) return REJECT_LOT_SIZE;
    if (place->qty.lots > market->qty_max.lots) return REJECT_LOT_SIZE;
    if (place->type == MARKET) return REJECT_NONE;
    return place->price.ticks * place->qty.lots * market->units_per_step <
                   market->notional_min.units
               ? REJECT_NOTIONAL
               : REJECT_NONE;
}

static enum reject model_room(struct model *model, const struct order_place_command *place)
{
    uint32_t own = 0, all = 0, levels = 0;
    bool has_level = false;
    for (int i = 0; i < MODEL_ORDERS; i++) {
        const struct model_order *order = &model->orders[i];
        if (!order->open) continue;
        all++;
        own += order->terms.account == place->account && order->terms.market == place->market;
        bool counted = false;
        for (int k = 0; k < i; k++)
            counted |= model->orders[k].open &&
                       model->orders[k].terms.market == order->terms.market &&
                       model->orders[k].terms.side == order->terms.side &&
                       model->orders[k].terms.price.ticks == order->terms.price.ticks;
        levels += !counted;
        has_level |= order->terms.market == place->market && order->terms.side == place->side &&
                     order->terms.price.ticks == place->price.ticks;
    }
    if (own >= model->params->markets[place->market].account_orders_max)
        return REJECT_MAX_NUM_ORDERS;
    if (all >= model->params->orders_max) return REJECT_ORDERS_FULL;
    if (levels >= model->params->levels_max && !has_level) return REJECT_ORDERS_FULL;
    return REJECT_NONE;
}

static struct model_order *model_find(struct model *model, uint32_t account, uint16_t market,
                                      uint64_t id, const uint8_t *client_id)
{
    for (int i = 0; i < MODEL_ORDERS; i++) {
        struct model_order *order = &model->orders[i];
        if (!order->open || order->terms.account != account || order->terms.market != market)
            continue;
        if (id != 0 && order->id != id) continue;
        if (client_id[0] != 0 && memcmp(order->terms.client_id, client_id, 36) != 0) continue;
        if (id != 0 || client_id[0] != 0) return order;
    }
    return NULL;
}

static void model_accept(struct model *model, const struct model_order *taker)
{
    const struct market *market = &model->params->markets[taker->terms.market];
    struct order_accepted_event accepted = {
        .order_id = taker->id,
        .price = taker->terms.price,
        .qty = {taker->terms.qty.lots},
        .quote_qty = taker->terms.quote_qty,
        .hold = {taker->hold},
        .account = taker->terms.account,
        .market = taker->terms.market,
        .hold_asset = taker->terms.side == BUY ? market->quote : market->base,
        .side = taker->terms.side,
        .type = taker->terms.type,
        .time_in_force = taker->terms.time_in_force,
    };
    memcpy(accepted.client_id, taker->terms.client_id, 36);
    event_write_order_accepted(&model->out, &accepted);
}

static void model_rest(struct model *model, const struct model_order *taker)
{
    for (int i = 0; i < MODEL_ORDERS; i++) {
        if (model->orders[i].open) continue;
        model->orders[i] = *taker;
        model->orders[i].open = true;
        model_change(model, taker->terms.side, taker->terms.price.ticks);
        return;
    }
    fail();
}

static void model_place(struct model *model, const struct order_place_command *place)
{
    enum reject reject = model_filters(model, place);
    if (reject != REJECT_NONE) return model_refuse(model, reject);
    if (place->client_id[0] != 0 &&
        model_find(model, place->account, place->market, 0, place->client_id) != NULL)
        return model_refuse(model, REJECT_DUPLICATE_ORDER);

    const bool may_rest =
        place->type == LIMIT_MAKER || (place->type == LIMIT && place->time_in_force == GTC);
    if (may_rest) reject = model_room(model, place);
    if (reject != REJECT_NONE) return model_refuse(model, reject);

    const struct market *market = &model->params->markets[place->market];
    struct model_order taker = {.terms = *place, .created_ns = model->stamp_ns};
    if (place->type != LIMIT) taker.terms.time_in_force = GTC;
    int64_t walk_quote;
    bool content;
    const int64_t walk_lots = model_walk(model, place, &walk_quote, &content);
    if (place->type == LIMIT_MAKER && walk_lots > 0) return model_refuse(model, REJECT_WOULD_TAKE);
    if (place->type == MARKET && place->qty.lots > 0 && walk_quote > 0 &&
        walk_quote < market->notional_min.units)
        return model_refuse(model, REJECT_NOTIONAL);

    const bool by_quote = place->quote_qty.units != 0;
    const int64_t qty = by_quote ? walk_lots : place->qty.lots;
    if (place->side == SELL)
        taker.hold = qty * market->lot_units;
    else if (place->type == MARKET)
        taker.hold = by_quote ? place->quote_qty.units : walk_quote;
    else
        taker.hold = qty * place->price.ticks * market->units_per_step;
    const uint16_t asset = place->side == BUY ? market->quote : market->base;
    if (model->available[place->account][asset] < taker.hold)
        return model_refuse(model, REJECT_INSUFFICIENT_BALANCE);

    model_move(model, place->account, asset, -taker.hold, taker.hold);
    taker.id = ++model->last_order[place->market];
    taker.left = qty;
    model_accept(model, &taker);
    const bool kill =
        place->type == LIMIT && place->time_in_force == FOK && walk_lots < place->qty.lots;
    if (!kill) model_match(model, &taker);

    if (may_rest && taker.left > 0) {
        model_rest(model, &taker);
    } else {
        const bool filled = by_quote ? content && walk_lots > 0 : taker.left == 0;
        const int reason = filled                        ? DONE_FILLED
                           : place->type == MARKET       ? DONE_NO_LIQUIDITY
                           : place->time_in_force == FOK ? DONE_FOK_UNFILLED
                                                         : DONE_IOC_UNFILLED;
        model_release(model, &taker);
        model_done(model, &taker, qty, filled ? ORDER_FILLED : ORDER_EXPIRED, reason);
    }
    model_end(model, place->market);
}

static void model_close(struct model *model, struct model_order *order, int reason)
{
    order->open = false;
    model_change(model, order->terms.side, order->terms.price.ticks);
    model_release(model, order);
    model_done(model, order, order->terms.qty.lots, ORDER_CANCELED, reason);
}

static void model_cancel(struct model *model, const struct order_cancel_command *cancel)
{
    struct model_order *order = model_find(model, cancel->account, cancel->market, cancel->order_id,
                                           cancel->orig_client_id);
    if (order == NULL) return model_refuse(model, REJECT_UNKNOWN_ORDER);
    const bool traded = order->left < order->terms.qty.lots;
    if ((cancel->restriction == CANCEL_ONLY_NEW && traded) ||
        (cancel->restriction == CANCEL_ONLY_PARTIALLY_FILLED && !traded))
        return model_refuse(model, REJECT_CANCEL_RESTRICTED);
    model_close(model, order, DONE_CANCELED);
    model_end(model, cancel->market);
}

static void model_cancel_all(struct model *model, const struct cancel_all_command *cancel)
{
    bool any = false;
    for (;;) {
        struct model_order *lowest = NULL;
        for (int i = 0; i < MODEL_ORDERS; i++) {
            struct model_order *order = &model->orders[i];
            if (!order->open || order->terms.account != cancel->account) continue;
            if (order->terms.market != cancel->market) continue;
            if (lowest == NULL || order->id < lowest->id) lowest = order;
        }
        if (lowest == NULL) break;
        model_close(model, lowest, DONE_CANCELED_ALL);
        any = true;
    }
    if (!any) return model_refuse(model, REJECT_UNKNOWN_ORDER);
    model_end(model, cancel->market);
}

/* ---- Random commands ---- */

struct play {
    struct world world;
    struct model model;
    uint64_t seed;
    uint64_t commands;
    uint64_t fills, refusals; /* of this run, to see that it met what it should */
    uint64_t reject_counts[64];
};

static void play_compare(struct play *play)
{
    const size_t expected = (size_t)(play->model.out.at - play->model.bytes);
    const size_t actual = (size_t)(play->world.out.at - play->world.events.bytes);
    if (expected == actual && memcmp(play->model.bytes, play->world.events.bytes, actual) == 0)
        return;
    const uint8_t *left = play->model.bytes, *right = play->world.events.bytes;
    struct event model_event, engine_event;
    for (uint32_t i = 0;; i++) {
        const bool more = event_next(&left, play->model.out.at, &model_event);
        const bool other = event_next(&right, play->world.out.at, &engine_event);
        if (!more && !other) break;
        printf("event %u: model %s, engine %s%s\n", i,
               more ? message_name(model_event.type) : "none",
               other ? message_name(engine_event.type) : "none",
               more && other && model_event.type == engine_event.type &&
                       memcmp(model_event.payload, engine_event.payload,
                              model_event.payload_length) == 0
                   ? ""
                   : "   <- differs");
    }
    printf("command %" PRIu64 " differs\n", play->world.number);
    fail();
}

static void play_begin(struct play *play)
{
    play->model.out =
        (struct event_writer){play->model.bytes, play->model.bytes + sizeof(play->model.bytes), 0};
    play->model.touched_count = 0;
    play->model.changed_count = 0;
    play->model.stamp_ns = play->world.stamp_ns += world_below(&play->seed, 3);
}

static void random_client_id(struct play *play, uint8_t client_id[36])
{
    /* Few names, so that they meet. */
    if (world_below(&play->seed, 3) == 0) return;
    client_id[0] = (uint8_t)('a' + world_below(&play->seed, 6));
    client_id[35] = (uint8_t)world_below(&play->seed, 2);
}

static struct order_place_command random_place(struct play *play)
{
    uint64_t *seed = &play->seed;
    struct order_place_command place = {
        .account = 1 + (uint32_t)world_below(seed, MODEL_ACCOUNTS),
        .market = (uint16_t)world_below(seed, MODEL_MARKETS),
        .side = (uint8_t)world_below(seed, 2),
        .type = (uint8_t)(1 + world_below(seed, 3)),
        .time_in_force = (uint8_t)(1 + world_below(seed, 4) % 3),
        .qty = {(int64_t)world_below(seed, 12)},
        .price = {95 + (int64_t)world_below(seed, 11)},
    };
    if (place.type != LIMIT && world_below(seed, 8) != 0) place.time_in_force = GTC;
    if (place.type == MARKET) {
        if (world_below(seed, 20) != 0) place.price.ticks = 0;
        if (world_below(seed, 2) == 0) {
            place.quote_qty.units = (int64_t)world_below(seed, 5000);
            place.qty.lots = 0;
        }
    }
    if (world_below(seed, 50) == 0) place.price.ticks = (int64_t)world_below(seed, 300);
    if (world_below(seed, 50) == 0) place.type = (uint8_t)world_below(seed, 9);
    if (world_below(seed, 200) == 0) place.side = 2;
    if (world_below(seed, 200) == 0) place.self_trade = 1;
    if (world_below(seed, 200) == 0) place.stop_price.ticks = 5;
    if (world_below(seed, 200) == 0) place.iceberg_qty.lots = 5;
    if (world_below(seed, 200) == 0) place.time_in_force = (uint8_t)world_below(seed, 6);
    if (world_below(seed, 200) == 0) place.qty.lots = -1;
    random_client_id(play, place.client_id);
    return place;
}

static void play_cancel(struct play *play)
{
    struct order_cancel_command cancel = {
        .account = 1 + (uint32_t)world_below(&play->seed, MODEL_ACCOUNTS),
        .market = (uint16_t)world_below(&play->seed, MODEL_MARKETS),
        .restriction = (uint8_t)(world_below(&play->seed, 12) / 4 % 3),
    };
    const struct model_order *aim = &play->model.orders[world_below(&play->seed, MODEL_ORDERS)];
    if (aim->open && world_below(&play->seed, 8) != 0) {
        cancel.account = aim->terms.account;
        cancel.market = aim->terms.market;
        cancel.order_id = aim->id;
    }
    if (world_below(&play->seed, 3) == 0) {
        random_client_id(play, cancel.orig_client_id);
        if (world_below(&play->seed, 2) == 0) cancel.order_id = 0;
    }
    model_cancel(&play->model, &cancel);
    world_order_cancel(&play->world, cancel);
}

/* Balances move up and down, so that some are just enough. */
static void play_transfer(struct play *play)
{
    const uint32_t account = 1 + (uint32_t)world_below(&play->seed, MODEL_ACCOUNTS);
    const uint16_t asset = (uint16_t)world_below(&play->seed, MODEL_ASSETS);
    const int64_t units = 1 + (int64_t)world_below(&play->seed, asset == USD ? 4000 : 40);
    struct model *model = &play->model;

    if (world_below(&play->seed, 2) == 0) {
        event_write_credited(&model->out, &(struct credited_event){{units}, account, asset});
        model_move(model, account, asset, units, 0);
        model_end(model, 0);
        world_credit(&play->world,
                     (struct credit_command){++play->world.nonce, 0, account, asset, {units}});
        return;
    }
    if (model->available[account][asset] < units) {
        model_refuse(model, REJECT_INSUFFICIENT_BALANCE);
    } else {
        event_write_debited(&model->out, &(struct debited_event){{units}, account, asset});
        model_move(model, account, asset, -units, 0);
        model_end(model, 0);
    }
    world_debit(&play->world,
                (struct debit_command){++play->world.nonce, 0, account, asset, {units}});
}

static void play_status(struct play *play)
{
    const uint16_t market = (uint16_t)world_below(&play->seed, MODEL_MARKETS);
    uint8_t status = (uint8_t)(1 + world_below(&play->seed, 9));
    if (status > MARKET_BREAK) status = MARKET_TRADING;
    play->model.status[market] = status;
    event_write_market_status_changed(&play->model.out,
                                      &(struct market_status_changed_event){market, status});
    world_market_status(&play->world,
                        (struct market_status_command){++play->world.nonce, 0, market, status});
}

static void play_one(struct play *play)
{
    play_begin(play);
    const uint64_t dice = world_below(&play->seed, 1000);
    if (dice < 640) {
        const struct order_place_command place = random_place(play);
        model_place(&play->model, &place);
        world_order_place(&play->world, place);
    } else if (dice < 880) {
        play_cancel(play);
    } else if (dice < 890) {
        const struct cancel_all_command cancel = {
            .account = 1 + (uint32_t)world_below(&play->seed, MODEL_ACCOUNTS),
            .market = (uint16_t)world_below(&play->seed, MODEL_MARKETS)};
        model_cancel_all(&play->model, &cancel);
        world_cancel_all(&play->world, cancel);
    } else if (dice < 990) {
        play_transfer(play);
    } else {
        play_status(play);
    }
    play_compare(play);
    const unsigned reject = world_reject(&play->world);
    if (reject < 64) play->reject_counts[reject]++;
}

/* Two markets that share an asset; one with lots and ticks that are not one unit, filters that bite,
 * and few orders and levels, so that they run out. */
static void play_open(struct play *play, uint64_t seed)
{
    struct params *params = &play->world.genesis.params;
    world_prepare(&play->world);
    play->seed = seed;
    params->orders_max = 40;
    params->levels_max = MODEL_LEVELS;
    params->accounts_max = MODEL_ACCOUNTS;
    params->assets_max = MODEL_ASSETS;
    params->markets_max = MODEL_MARKETS;
    params->tiers[1] = (struct fee_tier){0, 70000};
    world_add_asset(params, "GOLD");
    world_add_market(params, "GOLDUSD");
    params->markets[0].account_orders_max = 5;
    params->markets[0].qty_max.lots = 10;
    params->markets[1].base = 2;
    params->markets[1].lot_units = 3;
    params->markets[1].tick_units = 2;
    params->markets[1].units_per_step = 6;
    params->markets[1].notional_min.units = 1200;
    params->markets[1].price_min.ticks = 96;
    params->markets[1].price_max.ticks = 104;
    params->markets[1].qty_min.lots = 2;
    world_open(&play->world);

    play->model.params = params;
    play->model.status[0] = play->model.status[1] = MARKET_TRADING;
    for (uint32_t i = 1; i <= MODEL_ACCOUNTS; i++) {
        play->model.tier[i] = i % 2;
        assert_int_equal(world_account(&play->world, i % 2, 60, 6000), i);
        play->model.available[i][COIN] = 60;
        play->model.available[i][USD] = 6000;
    }
}

static struct play *play_new(uint64_t seed)
{
    struct play *play = calloc(1, sizeof(*play));
    assert_non_null(play);
    play_open(play, seed);
    return play;
}

static void play_free(struct play *play)
{
    world_close(&play->world);
    free(play);
}

/* Every rule at once: what the engine says is, byte for byte, what the model says. The counts at the end
 * show that the run met fills and every refusal it is meant to meet. */
TEST(model, engine_and_model_agree_on_every_event)
{
    const uint64_t seed = world_seed(0x5eed0001);
    const char *rounds = getenv("QUOREX_COMMANDS");
    const uint64_t commands = rounds == NULL ? 1500000 : strtoull(rounds, NULL, 0);
    printf("seed 0x%" PRIx64 ", %" PRIu64 " commands\n", seed, commands);
    struct play *play = play_new(seed);

    for (play->commands = 0; play->commands < commands; play->commands++) {
        play_one(play);
        if (play->commands % 64 == 0) assert_true(engine_check(play->world.engine));
    }
    assert_true(engine_check(play->world.engine));

    const struct engine_counts counts = engine_counts(play->world.engine);
    printf("fills %" PRIu64 ", refusals %" PRIu64 "\n", counts.fills, counts.refusals);
    assert_true(counts.fills > commands / 10);
    static const enum reject met[] = {
        REJECT_MARKET_CLOSED, REJECT_INSUFFICIENT_BALANCE, REJECT_DUPLICATE_ORDER,
        REJECT_WOULD_TAKE,    REJECT_PRICE_FILTER,         REJECT_LOT_SIZE,
        REJECT_NOTIONAL,      REJECT_MAX_NUM_ORDERS,       REJECT_ORDERS_FULL,
        REJECT_UNKNOWN_ORDER, REJECT_CANCEL_RESTRICTED,    REJECT_ORDER_TYPE_DISABLED,
        REJECT_SIDE,          REJECT_TIME_IN_FORCE,        REJECT_COMBINATION,
        REJECT_ZERO_VALUE,    REJECT_SELF_TRADE_MODE};
    for (size_t i = 0; i < sizeof(met) / sizeof(met[0]); i++) {
        if (play->reject_counts[met[i]] == 0) printf("never met: %s\n", reject_name(met[i]));
        assert_true(play->reject_counts[met[i]] > 0);
    }
    play_free(play);
}

/* The same log twice gives the same bytes: nothing comes from memory that a run before left behind. */
TEST(model, same_commands_give_identical_event_bytes)
{
    const uint64_t seed = world_seed(0x5eed0002);
    printf("seed 0x%" PRIx64 "\n", seed);
    struct play *first = play_new(seed), *second = play_new(seed);
    for (int i = 0; i < 20000; i++) {
        play_one(first);
        play_one(second);
        const size_t bytes = (size_t)(first->world.out.at - first->world.events.bytes);
        assert_int_equal(bytes, second->world.out.at - second->world.events.bytes);
        assert_memory_equal(first->world.events.bytes, second->world.events.bytes, bytes);
    }
    play_free(first);
    play_free(second);
}
