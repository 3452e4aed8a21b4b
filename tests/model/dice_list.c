#include "tests/model/dice_roll.h"

#define LEG_PUT(list, leg, ask) \
    do { \
        (list).leg##_price = (ask).price; \
        (list).leg##_qty = (ask).qty; \
        (list).leg##_stop_price = (ask).stop_price; \
        (list).leg##_iceberg_qty = (ask).iceberg_qty; \
        (list).leg##_trailing_delta = (ask).trailing_delta; \
        (list).leg##_side = (ask).side; \
        (list).leg##_type = (ask).type; \
        (list).leg##_time_in_force = (ask).time_in_force; \
        memcpy((list).leg##_client_id, (ask).client_id, 36); \
    } while (0)

/* One order of a pair: `above` or below the last price, as its side wants it. */
static struct order_place_command pair_leg(struct dice *dice, const struct model *model,
                                           const struct order_place_command *like, bool above)
{
    struct order_place_command ask = *like;
    const bool stop = above == (ask.side == BUY);
    const int64_t last = model->markets[ask.market].last_price;
    const int64_t center = last != 0 ? last : center_of(model, ask.market);
    const int64_t away = 1 + below(dice, 4);
    ask.type = (uint8_t)(stop ? ONE_OF(dice, STOP_LOSS, STOP_LOSS_LIMIT)
                              : ONE_OF(dice, LIMIT_MAKER, TAKE_PROFIT, TAKE_PROFIT_LIMIT));
    dice_ask_terms(dice, model, center, &ask);
    const int64_t price = above ? center + away : center - away;
    if (ask.type == LIMIT_MAKER && chance(dice, 90)) ask.price.ticks = price;
    if (ask.stop_price.ticks != 0 && chance(dice, 90)) ask.stop_price.ticks = price;
    memset(ask.client_id, 0, sizeof(ask.client_id));
    name_put(dice, ask.client_id);
    dice_ask_slip(dice, &ask);
    return ask;
}

/* Something in the leg that two of the kinds do not have. */
static void put_third_leg(struct dice *dice, struct list_place_command *ask)
{
    const uint32_t field = below(dice, 9);
    if (field == 0) ask->c_price.ticks ^= 1;
    if (field == 1) ask->c_qty.lots ^= 1;
    if (field == 2) ask->c_stop_price.ticks ^= 1;
    if (field == 3) ask->c_iceberg_qty.lots ^= 1;
    if (field == 4) ask->c_trailing_delta ^= 1;
    if (field == 5) ask->c_side ^= 1;
    if (field == 6) ask->c_type ^= 1;
    if (field == 7) ask->c_time_in_force ^= 1;
    if (field == 8) ask->c_client_id[7] ^= 1;
}

void dice_put_list(struct dice *dice, const struct model *model, struct trial_command *command)
{
    struct order_place_command legs[3] = {0};
    const uint16_t market = some_market(dice);
    legs[0] = dice_some_order(dice, model, market);
    legs[1] = dice_some_order(dice, model, market);
    struct list_place_command ask = {.account = legs[0].account,
                                     .session = legs[0].session,
                                     .market = legs[0].market,
                                     .self_trade = legs[0].self_trade};
    ask.kind = (uint8_t)(1 + below(dice, 3));
    if (ask.kind != LIST_OCO && chance(dice, 95))
        legs[0].type = (uint8_t)ONE_OF(dice, LIMIT, LIMIT, LIMIT_MAKER);
    legs[0].qty.lots = dice_some_lots(dice);
    legs[0].stop_price.ticks = 0;
    legs[0].trailing_delta = 0;
    legs[0].iceberg_qty.lots = 0;
    dice_ask_terms(dice, model, center_of(model, market), &legs[0]);
    if (ask.kind == LIST_OCO || ask.kind == LIST_OTOCO) {
        const int first = ask.kind == LIST_OCO ? 0 : 1;
        struct order_place_command pair = {.market = market, .side = (uint8_t)below(dice, 2)};
        pair.qty.lots = dice_some_lots(dice);
        legs[first] = pair_leg(dice, model, &pair, true);
        legs[first + 1] = pair_leg(dice, model, &pair, false);
        if (slip(dice)) legs[first].qty.lots++;
    }
    if (ask.kind == LIST_OTO && legs[1].quote_qty.units != 0) {
        legs[1].quote_qty.units = 0;
        legs[1].qty.lots = dice_some_lots(dice);
    }
    name_put(dice, ask.client_id);
    if (slip(dice)) ask.kind = (uint8_t)below(dice, 5);
    LEG_PUT(ask, a, legs[0]);
    LEG_PUT(ask, b, legs[1]);
    LEG_PUT(ask, c, legs[2]);
    if (slip(dice)) put_third_leg(dice, &ask);
    PUT(LIST_PLACE, list_place, &ask);
    if (chance(dice, dice->tags)) dice_put_tags(dice, command, T_LIST_SUBMIT, 3);
}

void dice_put_list_cancel(struct dice *dice, const struct model *model,
                          struct trial_command *command)
{
    struct list_cancel_command ask = {.account = some_account(dice)};
    ask.market = some_market(dice);
    const struct model_list *list = &model->lists[below(dice, (uint32_t)model->list_slots)];
    for (int i = 0; i < model->list_slots && !list->open; i++)
        list = &model->lists[i];
    if (list->open && chance(dice, 90)) {
        ask.account = list->account;
        ask.market = list->market;
        if (chance(dice, 70)) ask.list_id = list->id;
        if (chance(dice, 40)) memcpy(ask.orig_client_id, list->client_id, 36);
    } else {
        ask.list_id = below(dice, 5);
        name_put(dice, ask.orig_client_id);
    }
    PUT(LIST_CANCEL, list_cancel, &ask);
}
