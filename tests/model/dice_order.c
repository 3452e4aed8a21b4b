#include "tests/model/dice_roll.h"

/* Around the center, mostly within the book's ten prices. */
static int64_t near(struct dice *dice, int64_t center)
{
    if (slip(dice)) return (int64_t)below(dice, 300);
    if (dice->wide && chance(dice, 20)) return 1 + below(dice, 1u << below(dice, 20));
    return center - 5 + below(dice, 11);
}

/* A stop price on the side where it sleeps, mostly. */
static int64_t stop_near(struct dice *dice, const struct model *model,
                         const struct order_place_command *ask, int64_t center)
{
    const int64_t last = model->markets[ask->market].last_price;
    const bool rising =
        (ask->type == STOP_LOSS || ask->type == STOP_LOSS_LIMIT) == (ask->side == BUY);
    if (last == 0 || chance(dice, 10)) return near(dice, center);
    return rising ? last + 1 + below(dice, 4) : last - 1 - (int64_t)below(dice, 4);
}

/* A price that reaches the other side, if there is one. */
static int64_t meeting_price(struct dice *dice, const struct model *model,
                             const struct order_place_command *ask)
{
    const struct model_market *market = &model->markets[ask->market];
    const int other = ask->side == BUY ? SELL : BUY;
    const int64_t deeper = (int64_t)below(dice, 3);
    if (market->queue_counts[other] == 0) return ask->price.ticks;
    const int64_t best = market->queues[other][0]->price;
    return ask->side == BUY ? best + deeper : best - deeper;
}

void dice_ask_terms(struct dice *dice, const struct model *model, int64_t center,
                    struct order_place_command *ask)
{
    const bool stop = ask->type >= STOP_LOSS;
    const bool priced = ask->type == LIMIT || ask->type == LIMIT_MAKER ||
                        ask->type == STOP_LOSS_LIMIT || ask->type == TAKE_PROFIT_LIMIT;
    ask->time_in_force = GTC;
    if (ask->type == LIMIT || ask->type == STOP_LOSS_LIMIT || ask->type == TAKE_PROFIT_LIMIT)
        ask->time_in_force = (uint8_t)ONE_OF(dice, GTC, GTC, GTC, GTC, GTC, GTC, IOC, FOK);
    else if (chance(dice, 30))
        ask->time_in_force = 0;
    if (priced) ask->price.ticks = near(dice, center);
    if (priced && chance(dice, 25)) ask->price.ticks = meeting_price(dice, model, ask);
    if (stop && chance(dice, 80)) ask->stop_price.ticks = stop_near(dice, model, ask, center);
    if (stop && (ask->stop_price.ticks == 0 || chance(dice, 25)))
        ask->trailing_delta = ONE_OF(dice, 50, 100, 100, 200, 300, 500);
    if (priced && ask->time_in_force == GTC && chance(dice, dice->icebergs))
        ask->iceberg_qty.lots = 1 + below(dice, ask->qty.lots > 0 ? (uint32_t)ask->qty.lots : 1);
}

void dice_ask_slip(struct dice *dice, struct order_place_command *ask)
{
    if (slip(dice)) ask->side = 2;
    if (slip(dice)) ask->type = (uint8_t)below(dice, 10);
    if (slip(dice)) ask->self_trade = (uint8_t)below(dice, 10);
    if (slip(dice)) ask->time_in_force = (uint8_t)below(dice, 6);
    if (slip(dice)) ask->qty.lots = (int64_t)below(dice, 20) - 4;
    if (slip(dice)) ask->price.ticks = (int64_t)below(dice, 2) - 1;
    if (slip(dice)) ask->quote_qty.units = (int64_t)below(dice, 900) - 100;
    if (slip(dice)) ask->stop_price.ticks = (int64_t)below(dice, 140) - 10;
    if (slip(dice)) ask->iceberg_qty.lots = (int64_t)below(dice, 12) - 2;
    if (slip(dice)) ask->trailing_delta = below(dice, 12000);
}

static uint8_t some_mode(struct dice *dice)
{
    return chance(dice, dice->self_trades) ? (uint8_t)(1 + below(dice, 4)) : SELF_TRADE_NONE;
}

int64_t dice_some_lots(struct dice *dice)
{
    return chance(dice, 90) ? 2 + below(dice, 6) : 1 + below(dice, 12);
}

/* The side with fewer resting orders, so that there is something to meet on both. */
static uint8_t thinner_side(const struct model *model, uint16_t market)
{
    const int *counts = model->markets[market].queue_counts;
    return counts[BUY] <= counts[SELL] ? BUY : SELL;
}

struct order_place_command dice_some_order(struct dice *dice, const struct model *model,
                                           uint16_t market)
{
    struct order_place_command ask = {.market = market};
    ask.qty.lots = dice_some_lots(dice);
    ask.account = some_account(dice);
    ask.session = below(dice, 3);
    ask.side = (uint8_t)below(dice, 2);
    ask.self_trade = some_mode(dice);
    if (chance(dice, 50)) ask.side = thinner_side(model, market);
    const int64_t center = center_of(model, ask.market);
    if (chance(dice, dice->stops))
        ask.type = (uint8_t)(STOP_LOSS + below(dice, 4));
    else
        ask.type = (uint8_t)ONE_OF(dice, LIMIT, LIMIT, LIMIT, LIMIT, LIMIT, MARKET, LIMIT_MAKER);
    if (ask.type == MARKET && chance(dice, 70))
        ask.side = (uint8_t)(1 - thinner_side(model, market));
    if (ask.type == MARKET && chance(dice, 40)) {
        ask.qty.lots = 0;
        ask.quote_qty.units = 1 + below(dice, (uint32_t)(center > 0 ? center : 1) * 12);
    }
    dice_ask_terms(dice, model, center, &ask);
    name_put(dice, ask.client_id);
    dice_ask_slip(dice, &ask);
    return ask;
}

/* Names an open order: by id, by client id or by both; or something that is not there. */
static int16_t aim(struct dice *dice, const struct model *model, uint32_t *account,
                   uint16_t *market, uint64_t *id, uint8_t client_id[36])
{
    *account = some_account(dice);
    *market = some_market(dice);
    if (model->open_count == 0 || chance(dice, 10)) {
        *id = below(dice, 40);
        name_put(dice, client_id);
        return 0;
    }
    const int16_t from_newest = (int16_t)(1 + below(dice, (uint32_t)model->open_count));
    const struct model_order *order = model->open[model->open_count - from_newest];
    *account = order->account;
    *market = order->market;
    if (chance(dice, 70)) *id = order->id;
    if (*id == 0 || chance(dice, 20)) memcpy(client_id, order->client_id, 36);
    if (!slip(dice)) return from_newest;
    name_put(dice, client_id);
    return 0;
}

void dice_put_tags(struct dice *dice, struct trial_command *command, uint16_t type, int count)
{
    uint8_t *at = command->bytes + command->byte_count;
    for (int i = 0; i < count; i++) {
        uint8_t flags = (uint8_t)below(dice, type == T_ORDER_SUBMIT ? 8 : 4);
        uint64_t strategy_id = (flags & 1) != 0 ? below(dice, 1000) : 0;
        uint32_t strategy_type = (flags & 2) != 0 ? 1000000 + below(dice, 3) : 0;
        if (slip(dice)) flags = (uint8_t)below(dice, 16);
        if (slip(dice)) strategy_id = UINT64_MAX - below(dice, 2);
        if (slip(dice)) strategy_type = 999999 + below(dice, 2);
        at = le_put_u64(at, strategy_id);
        at = le_put_u32(at, strategy_type);
        at = le_put_u8(at, flags);
    }
    command->byte_count = (uint16_t)(at - command->bytes);
    le_put_u32(command->bytes, command->byte_count);
    le_put_u16(command->bytes + 4, type);
}

/* Another order in one of its numbers. */
static void differ(struct dice *dice, struct order_submit_command *ask)
{
    uint8_t *const lowest[] = {
        (uint8_t *)&ask->price,
        (uint8_t *)&ask->qty,
        (uint8_t *)&ask->quote_qty,
        (uint8_t *)&ask->stop_price,
        (uint8_t *)&ask->iceberg_qty,
        (uint8_t *)&ask->strategy_id,
        (uint8_t *)&ask->trailing_delta,
        (uint8_t *)&ask->strategy_type,
        &ask->side,
        &ask->type,
        &ask->time_in_force,
        &ask->self_trade,
    };
    lowest[below(dice, sizeof(lowest) / sizeof(lowest[0]))][0] ^= (uint8_t)(1 + below(dice, 3));
}

/* Asks once more for an order that is remembered; sometimes for another one by its name. */
static void put_again(struct dice *dice, const struct model *model, struct trial_command *command)
{
    const struct order_repeated_event *first = &model->repeats[below(dice, model->repeat_count)];
    struct order_submit_command ask = {.price = first->price,
                                       .qty = first->qty,
                                       .quote_qty = first->quote_qty,
                                       .stop_price = first->stop_price,
                                       .iceberg_qty = first->iceberg_qty,
                                       .trailing_delta = first->trailing_delta,
                                       .account = first->account,
                                       .session = below(dice, 3),
                                       .market = first->market,
                                       .side = first->side,
                                       .type = first->type,
                                       .time_in_force = first->time_in_force,
                                       .self_trade = first->self_trade,
                                       .strategy_id = first->strategy_id,
                                       .strategy_type = first->strategy_type,
                                       .flags = (uint8_t)(first->flags | 4)};
    memcpy(ask.client_id, first->client_id, sizeof(ask.client_id));
    if (ask.quote_qty.units != 0) ask.qty.lots = 0;
    if (chance(dice, 20) && ask.iceberg_qty.lots == 0) ask.iceberg_qty = ask.qty;
    if (chance(dice, 50)) differ(dice, &ask);
    PUT(ORDER_SUBMIT, order_submit, &ask);
}

void dice_put_place(struct dice *dice, const struct model *model, struct trial_command *command)
{
    if (model->repeat_count > 0 && chance(dice, dice->tags / 4)) {
        put_again(dice, model, command);
        return;
    }
    const struct order_place_command ask = dice_some_order(dice, model, some_market(dice));
    PUT(ORDER_PLACE, order_place, &ask);
    if (chance(dice, dice->tags)) dice_put_tags(dice, command, T_ORDER_SUBMIT, 1);
}

void dice_put_cancel(struct dice *dice, const struct model *model, struct trial_command *command)
{
    struct order_cancel_command ask = {
        .restriction = (uint8_t)ONE_OF(dice, CANCEL_ANY, CANCEL_ANY, CANCEL_ANY, CANCEL_ONLY_NEW,
                                       CANCEL_ONLY_PARTIALLY_FILLED)};
    const int16_t from_newest =
        aim(dice, model, &ask.account, &ask.market, &ask.order_id, ask.orig_client_id);
    if (slip(dice)) ask.restriction = (uint8_t)below(dice, 5);
    PUT(ORDER_CANCEL, order_cancel, &ask);
    command->aim = from_newest;
}

void dice_put_amend(struct dice *dice, const struct model *model, struct trial_command *command)
{
    struct order_amend_command ask = {0};
    const int16_t from_newest =
        aim(dice, model, &ask.account, &ask.market, &ask.order_id, ask.orig_client_id);
    ask.qty.lots = below(dice, 8);
    name_put(dice, ask.client_id);
    if (slip(dice)) ask.qty.lots = -1;
    PUT(ORDER_AMEND, order_amend, &ask);
    command->aim = from_newest;
}

void dice_put_replace(struct dice *dice, const struct model *model, struct trial_command *command)
{
    struct order_replace_command ask = {0};
    const int16_t from_newest = aim(dice, model, &ask.account, &ask.market, &ask.cancel_order_id,
                                    ask.cancel_orig_client_id);
    const struct order_place_command place = dice_some_order(dice, model, ask.market);
    ask.price = place.price;
    ask.qty = place.qty;
    ask.quote_qty = place.quote_qty;
    ask.stop_price = place.stop_price;
    ask.iceberg_qty = place.iceberg_qty;
    ask.trailing_delta = place.trailing_delta;
    ask.session = place.session;
    ask.side = place.side;
    ask.type = place.type;
    ask.time_in_force = place.time_in_force;
    ask.self_trade = place.self_trade;
    memcpy(ask.client_id, place.client_id, sizeof(ask.client_id));
    ask.mode = (uint8_t)(1 + below(dice, 2));
    if (chance(dice, 20)) ask.restriction = (uint8_t)below(dice, 3);
    if (slip(dice)) ask.mode = (uint8_t)below(dice, 4);
    PUT(ORDER_REPLACE, order_replace, &ask);
    if (chance(dice, dice->tags)) dice_put_tags(dice, command, T_ORDER_RESUBMIT, 1);
    command->aim = from_newest;
}

void dice_put_switch(struct dice *dice, struct trial_command *command)
{
    const uint64_t step_ms = dice->step_ns / NS_PER_MS;
    uint32_t timeout_ms = below(dice, (uint32_t)(step_ms > 1000 ? 300000 : step_ms * 300 + 5));
    if (chance(dice, 5)) timeout_ms = 86400000 + below(dice, 2);
    struct switch_set_command ask = {.timeout_ms = chance(dice, 15) ? 0 : timeout_ms};
    ask.account = some_account(dice);
    ask.market = some_market(dice);
    PUT(SWITCH_SET, switch_set, &ask);
}

void dice_put_cancel_all(struct dice *dice, struct trial_command *command)
{
    struct cancel_all_command ask = {.account = some_account(dice)};
    ask.market = some_market(dice);
    PUT(CANCEL_ALL, cancel_all, &ask);
}

void dice_put_session(struct dice *dice, struct trial_command *command)
{
    struct session_end_command ask = {.session = below(dice, 3)};
    ask.account = some_account(dice);
    ask.market = some_market(dice);
    PUT(SESSION_END, session_end, &ask);
}
