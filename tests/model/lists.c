#include "tests/model/parts.h"

#include <string.h>

#define LEG(ask, leg) \
    (struct order_place_command) \
    { \
        .price = (ask)->leg##_price, .qty = (ask)->leg##_qty, \
        .stop_price = (ask)->leg##_stop_price, .iceberg_qty = (ask)->leg##_iceberg_qty, \
        .trailing_delta = (ask)->leg##_trailing_delta, .account = (ask)->account, \
        .session = (ask)->session, .market = (ask)->market, .side = (ask)->leg##_side, \
        .type = (ask)->leg##_type, .time_in_force = (ask)->leg##_time_in_force, \
        .self_trade = (ask)->self_trade \
    }

void model_legs_of_list(const struct list_place_command *ask, struct order_place_command legs[3])
{
    legs[0] = LEG(ask, a);
    legs[1] = LEG(ask, b);
    legs[2] = LEG(ask, c);
    memcpy(legs[0].client_id, ask->a_client_id, 36);
    memcpy(legs[1].client_id, ask->b_client_id, 36);
    memcpy(legs[2].client_id, ask->c_client_id, 36);
}

static enum reject list_checks(struct model *model, const struct list_place_command *ask,
                               const struct order_place_command legs[3])
{
    enum reject reject = model_check_names(model, ask->account, ask->market);
    if (reject == REJECT_NONE && model->accounts[ask->account].frozen)
        reject = REJECT_ACCOUNT_FROZEN;
    if (reject == REJECT_NONE && market_of(model, ask->market)->status != MARKET_TRADING)
        reject = REJECT_MARKET_CLOSED;
    for (int leg = 0; leg < leg_count(ask->kind) && reject == REJECT_NONE; leg++)
        reject = model_check_form(model, &legs[leg]);
    if (reject == REJECT_NONE) reject = model_check_list_shape(model, ask, legs);
    for (int leg = 0; leg < leg_count(ask->kind) && reject == REJECT_NONE; leg++)
        reject = model_check_values(model, &legs[leg]);
    if (reject == REJECT_NONE) reject = model_check_list_state(model, ask, legs);
    return reject;
}

static struct model_list *list_slot(struct model *model)
{
    for (int i = 0; i < model->list_slots; i++)
        if (!model->lists[i].open) return &model->lists[i];
    ASSERT(false);
    return NULL;
}

static void list_accepted_write(struct model *model, const struct model_list *list)
{
    struct list_accepted_event accepted = {
        .list_id = list->id,
        .a_order = list->legs[0]->id,
        .b_order = list->legs[1]->id,
        .c_order = list->legs[2] != NULL ? list->legs[2]->id : 0,
        .account = list->account,
        .market = list->market,
        .kind = list->kind,
    };
    memcpy(accepted.client_id, list->client_id, sizeof(accepted.client_id));
    event_write_list_accepted(model->out, &accepted);
}

enum reject model_list_place(struct model *model, const struct list_place_command *ask)
{
    struct order_place_command legs[3];
    model_legs_of_list(ask, legs);
    const enum reject reject = list_checks(model, ask, legs);
    if (reject != REJECT_NONE) return reject;

    const int count = leg_count(ask->kind);
    struct model_order *orders[3] = {NULL};
    struct model_list *list = list_slot(model);
    model_tier_look(model, ask->account);
    *list = (struct model_list){.open = true,
                                .id = ++model->markets[ask->market].last_list,
                                .account = ask->account,
                                .market = ask->market,
                                .kind = ask->kind};
    memcpy(list->client_id, ask->client_id, sizeof(list->client_id));
    for (int leg = 0; leg < count; leg++) {
        struct model_order *order = orders[leg] = list->legs[leg] = model_order_slot(model);
        *order = model_order_of_ask(model, &legs[leg]);
        order->tag = model->tags[leg];
        order->list = list;
        order->leg = leg;
        order->waits = is_pending_leg(ask->kind, leg);
        if (order->waits) order->place = PENDING;
        model_order_accept(model, order);
    }
    list_accepted_write(model, list);
    const int64_t hold = ask->kind == LIST_OCO ? model_pair_need(model, orders[0], orders[1])
                                               : model_hold_of_ask(model, orders[0]);
    model_hold_take(model, orders[0], hold);
    for (int leg = 0; leg < count; leg++)
        model_order_accepted_write(model, orders[leg], leg == 0 ? hold : 0);
    for (int leg = 0; leg < count; leg++)
        if (!is_pending_leg(ask->kind, leg)) model_order_work(model, orders[leg]);
    return REJECT_NONE;
}

enum reject model_list_cancel(struct model *model, const struct list_cancel_command *ask)
{
    const enum reject reject = model_check_names(model, ask->account, ask->market);
    if (reject != REJECT_NONE) return reject;
    if (ask->list_id == 0 && model_id_is_none(ask->orig_client_id)) return REJECT_UNKNOWN_ORDER;
    for (int i = 0; i < model->list_slots; i++) {
        struct model_list *list = &model->lists[i];
        if (!list->open || list->account != ask->account || list->market != ask->market) continue;
        if (ask->list_id != 0 && list->id != ask->list_id) continue;
        if (!model_id_is_none(ask->orig_client_id) &&
            memcmp(list->client_id, ask->orig_client_id, 36) != 0)
            continue;
        int leg = 0;
        while (list->legs[leg] == NULL)
            leg++;
        model_order_end(model, list->legs[leg], ORDER_CANCELED, DONE_CANCELED);
        return REJECT_NONE;
    }
    return REJECT_UNKNOWN_ORDER;
}

/* The order of this leg has ended, and with it, perhaps, the others. */
void model_list_order_ended(struct model *model, struct model_list *list, int leg, uint8_t status,
                            uint8_t reason)
{
    list->legs[leg] = NULL;
    if (list->closing) return;
    const bool worked = leg == 0 && list->kind != LIST_OCO;
    if (reason == DONE_FILLED && worked) {
        model->work[model->work_count++] = (struct model_work){.release = list};
    } else if (reason != DONE_FILLED && reason != DONE_OCO) {
        list->closing = true;
        for (int other = 0; other < 3; other++)
            if (list->legs[other] != NULL)
                model_order_end(model, list->legs[other],
                                status == ORDER_CANCELED ? ORDER_CANCELED : ORDER_EXPIRED,
                                worked ? DONE_WORKING_ENDED : DONE_LIST_CANCELED);
    }
    if (list->legs[0] != NULL || list->legs[1] != NULL || list->legs[2] != NULL) return;
    list->open = false;
    event_write_list_done(model->out, &(struct list_done_event){.list_id = list->id,
                                                                .account = list->account,
                                                                .market = list->market});
}

/* A released order, after ORDER_RELEASED of all. */
static void released_works(struct model *model, struct model_order *order)
{
    const int64_t last = model->markets[order->market].last_price;
    model_order_work(model, order);
    if (!order->open || order->place != SLEEPS || last == 0) return;
    if (!model_condition_met(order->type, order->side, order->stop_price, last)) return;
    if (order->delta != 0) {
        order->place = TRAILS;
        order->started = ++model->ticks;
        order->extreme = last;
        return;
    }
    order->place = FIRED;
    order->fired_at = last;
    model->work[model->work_count++] = (struct model_work){.stop = order};
}

/* The hold that the released orders need. */
static int64_t release_need(struct model *model, struct model_order *first,
                            struct model_order *second)
{
    first->place = TAKES;
    if (second != NULL) second->place = TAKES;
    const int64_t need =
        second != NULL ? model_pair_need(model, first, second) : model_hold_of_ask(model, first);
    first->place = PENDING;
    if (second != NULL) second->place = PENDING;
    return need;
}

/* Why the orders cannot come into force, and which one ends for it; 0 when they can. */
static uint8_t release_refused(struct model *model, struct model_order *const legs[2], int64_t need,
                               struct model_order **refused)
{
    const uint16_t asset = model_hold_asset_of(model, legs[0]->market, legs[0]->side);
    *refused = legs[0];
    if (model->accounts[legs[0]->account].balances[asset].available < need) return DONE_NO_BALANCE;
    for (int i = 0; i < 2; i++) {
        *refused = legs[i];
        if (legs[i] != NULL && legs[i]->type == LIMIT_MAKER &&
            model_would_take(model, legs[i]->market, legs[i]->side, legs[i]->price))
            return DONE_WOULD_TAKE;
    }
    return 0;
}

/* The working order is filled: its pending orders come into force. */
void model_list_release(struct model *model, struct model_list *list)
{
    struct model_order *legs[2] = {list->legs[1], list->legs[2]}, *refused;
    const int64_t hold = release_need(model, legs[0], legs[1]);
    const uint8_t reason = release_refused(model, legs, hold, &refused);
    if (reason != 0) {
        refused->cash = false;
        model_order_end(model, refused, ORDER_EXPIRED, reason);
        return;
    }
    for (int i = 0; i < 2; i++)
        if (legs[i] != NULL) legs[i]->place = TAKES;
    model_hold_take(model, legs[0], hold);
    for (int i = 0; i < 2; i++) {
        if (legs[i] == NULL) continue;
        legs[i]->waits = false;
        event_write_order_released(
            model->out, &(struct order_released_event){.order_id = legs[i]->id,
                                                       .hold = {i == 0 ? hold : 0},
                                                       .account = legs[i]->account,
                                                       .market = legs[i]->market,
                                                       .hold_asset = model_hold_asset_of(
                                                           model, legs[i]->market, legs[i]->side)});
    }
    for (int i = 0; i < 2; i++)
        if (legs[i] != NULL) released_works(model, legs[i]);
}
