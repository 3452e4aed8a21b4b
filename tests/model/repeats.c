#include "tests/model/parts.h"

#include <string.h>

#define OF_ACCOUNT 1000
#define OF_ALL     (1u << 18)

static bool numbers_good(const struct model_tag *tag)
{
    const bool has_id = (tag->flags & 1) != 0, has_type = (tag->flags & 2) != 0;
    if (has_id ? tag->strategy_id > INT64_MAX : tag->strategy_id != 0) return false;
    return has_type ? tag->strategy_type >= 1000000 && tag->strategy_type <= INT32_MAX
                    : tag->strategy_type == 0;
}

enum reject model_check_tags(const struct model *model, int count, uint8_t flags)
{
    if (model->params.rules < 5) return REJECT_RULES;
    for (int i = 0; i < count; i++)
        if ((model->tags[i].flags & ~flags) != 0 || !numbers_good(&model->tags[i]))
            return REJECT_COMBINATION;
    return REJECT_NONE;
}

const struct order_repeated_event *model_repeat_find(const struct model *model,
                                                     const struct order_place_command *ask)
{
    for (uint32_t i = 0; i < model->repeat_count; i++) {
        const struct order_repeated_event *repeat = &model->repeats[i];
        if (repeat->account == ask->account && repeat->market == ask->market &&
            memcmp(repeat->client_id, ask->client_id, sizeof(ask->client_id)) == 0)
            return repeat;
    }
    return NULL;
}

/* The oldest, of one account or of all. */
static void repeat_forget(struct model *model, uint32_t account)
{
    uint32_t at = 0;
    while (account != 0 && model->repeats[at].account != account)
        at++;
    model->repeat_count--;
    memmove(&model->repeats[at], &model->repeats[at + 1],
            (model->repeat_count - at) * sizeof(*model->repeats));
}

static uint32_t repeats_of(const struct model *model, uint32_t account)
{
    uint32_t own = 0;
    for (uint32_t i = 0; i < model->repeat_count; i++)
        own += model->repeats[i].account == account;
    return own;
}

/* From rules 6 on, who has the most makes room: whoever asks if nobody has more, or the one whose first comes first. */
static uint32_t who_makes_room(const struct model *model, uint32_t account)
{
    if (model->params.rules < 6) return 0;
    uint32_t most = account;
    for (uint32_t i = 0; i < model->repeat_count; i++)
        if (repeats_of(model, model->repeats[i].account) > repeats_of(model, most))
            most = model->repeats[i].account;
    return most;
}

/* Whether it asks for what was asked for then. What the filters left to the order's type is as it was recorded. */
bool model_repeat_same(const struct model *model, const struct order_repeated_event *first,
                       const struct order_place_command *ask)
{
    const bool forced =
        ask->type == LIMIT || ask->type == STOP_LOSS_LIMIT || ask->type == TAKE_PROFIT_LIMIT;
    const int64_t iceberg = ask->iceberg_qty.lots >= ask->qty.lots ? 0 : ask->iceberg_qty.lots;
    const struct model_tag *tag = &model->tags[0];
    if (ask->side != first->side || ask->type != first->type) return false;
    if (ask->quote_qty.units != first->quote_qty.units) return false;
    if (ask->quote_qty.units == 0 && ask->qty.lots != first->qty.lots) return false;
    if (ask->quote_qty.units != 0 && ask->qty.lots != 0) return false;
    if (ask->price.ticks != first->price.ticks || iceberg != first->iceberg_qty.lots) return false;
    if (ask->stop_price.ticks != first->stop_price.ticks) return false;
    if (ask->trailing_delta != first->trailing_delta) return false;
    if ((forced ? ask->time_in_force : GTC) != first->time_in_force) return false;
    if (ask->self_trade != first->self_trade) return false;
    return tag->strategy_id == first->strategy_id && tag->strategy_type == first->strategy_type &&
           (tag->flags & 3) == first->flags;
}

void model_repeat_remember(struct model *model, const struct model_order *order)
{
    if (repeats_of(model, order->account) == OF_ACCOUNT)
        repeat_forget(model, order->account);
    else if (model->repeat_count == model->params.orders_max || model->repeat_count == OF_ALL)
        repeat_forget(model, who_makes_room(model, order->account));

    const uint8_t open_status = order->executed > 0 ? ORDER_PARTIALLY_FILLED : ORDER_NEW;
    struct order_repeated_event *repeat = &model->repeats[model->repeat_count++];
    *repeat = (struct order_repeated_event){
        .command = model->number,
        .stamp_ns = model->stamp_ns,
        .order_id = order->id,
        .price = {order->price},
        .qty = {order->qty},
        .executed = {order->executed},
        .quote_qty = {order->quote_qty},
        .quote_executed = {order->quote_executed},
        .stop_price = {order->stop_price},
        .iceberg_qty = {order->iceberg},
        .prevented = {order->prevented},
        .strategy_id = order->tag.strategy_id,
        .trailing_delta = order->delta,
        .strategy_type = order->tag.strategy_type,
        .account = order->account,
        .market = order->market,
        .side = order->side,
        .type = order->type,
        .time_in_force = order->time_in_force,
        .self_trade = order->self_trade,
        .status = order->open ? open_status : order->end_status,
        .reason = order->open ? 0 : order->end_reason,
        .flags = order->tag.flags,
    };
    memcpy(repeat->client_id, order->client_id, sizeof(repeat->client_id));
}
