#include "common/intent_order.h"
#include "common/parameter.h"

#include <string.h>

/* What a leg's parameters are called: `leg` before each name. */
#define LEG_NAMES(leg, side, quantity) \
    { \
        side, leg "Type", leg "ClientOrderId", leg "StrategyId", leg "StrategyType", \
            {leg "PegPriceType", leg "PegOffsetValue", leg "PegOffsetType"}, \
        { \
            leg "TimeInForce", quantity, NULL, leg "Price", leg "StopPrice", leg "TrailingDelta", \
                leg "IcebergQty" \
        } \
    }

static const struct order_names above_names = LEG_NAMES("above", "side", "quantity");
static const struct order_names below_names = LEG_NAMES("below", "side", "quantity");
static const struct order_names working_names =
    LEG_NAMES("working", "workingSide", "workingQuantity");
static const struct order_names pending_names =
    LEG_NAMES("pending", "pendingSide", "pendingQuantity");
static const struct order_names pending_above_names =
    LEG_NAMES("pendingAbove", "pendingSide", "pendingQuantity");
static const struct order_names pending_below_names =
    LEG_NAMES("pendingBelow", "pendingSide", "pendingQuantity");

/* The old form knows its two legs by what they do: their types follow from that. */
static const struct order_names old_limit_names = {
    "side",
    NULL,
    "limitClientOrderId",
    "limitStrategyId",
    "limitStrategyType",
    {"pegPriceType", "pegOffsetValue", "pegOffsetType"},
    {NULL, "quantity", NULL, "price", NULL, NULL, "limitIcebergQty"},
};

static const struct order_names old_stop_names = {
    "side",
    NULL,
    "stopClientOrderId",
    "stopStrategyId",
    "stopStrategyType",
    {"pegPriceType", "pegOffsetValue", "pegOffsetType"},
    {"stopLimitTimeInForce", "quantity", NULL, "stopLimitPrice", "stopPrice", "trailingDelta",
     "stopIcebergQty"},
};

/* One function a leg: void put_a(struct intent *, const struct order_place_command *, struct order_tag). A list is a
 * LIST_SUBMIT as soon as one of its legs is called something. */
#define PUT_LEG(leg) \
    static void put_##leg(struct intent *intent, const struct order_place_command *order, \
                          struct order_tag tag) \
    { \
        struct list_place_command *list = &intent->list_place; \
        if (tag.flags != 0) intent->type = T_LIST_SUBMIT; \
        intent->list_submit.leg##_strategy_id = tag.strategy_id; \
        intent->list_submit.leg##_strategy_type = tag.strategy_type; \
        intent->list_submit.leg##_flags = tag.flags; \
        list->leg##_price = order->price; \
        list->leg##_qty = order->qty; \
        list->leg##_stop_price = order->stop_price; \
        list->leg##_iceberg_qty = order->iceberg_qty; \
        list->leg##_trailing_delta = order->trailing_delta; \
        list->leg##_side = order->side; \
        list->leg##_type = order->type; \
        list->leg##_time_in_force = order->time_in_force; \
        memcpy(list->leg##_client_id, order->client_id, CLIENT_ID_BYTES); \
    }
PUT_LEG(a)
PUT_LEG(b)
PUT_LEG(c)
#undef PUT_LEG

/* What all lists have: symbol, the list's id, the self-trade mode. */
static bool read_list(const struct form *form, const struct params *params, enum list_kind kind,
                      struct intent *intent, struct refusal *refusal)
{
    *intent = (struct intent){.type = T_LIST_PLACE};
    struct list_place_command *list = &intent->list_place;
    list->kind = (uint8_t)kind;
    return intent_market(form, params, &list->market, refusal) &&
           parameter_client_id(form, "listClientOrderId", list->client_id, refusal) &&
           intent_order_self_trade(form, &params->markets[list->market], &list->self_trade,
                                   refusal);
}

typedef void put_leg(struct intent *intent, const struct order_place_command *order,
                     struct order_tag tag);

/* One leg. `type` is its type where the names have none. */
static bool read_leg(const struct form *form, const struct order_names *names, uint8_t type,
                     const struct params *params, struct intent *intent, put_leg *put,
                     struct refusal *refusal)
{
    struct order_place_command order = {.market = intent->list_place.market, .type = type};
    struct order_tag tag;
    if (!intent_order_read(form, names, params, &order, &tag, refusal)) return false;
    put(intent, &order, tag);
    return true;
}

bool intent_list_oco(const struct form *form, const struct params *params, struct intent *intent,
                     struct refusal *refusal)
{
    return read_list(form, params, LIST_OCO, intent, refusal) &&
           read_leg(form, &above_names, 0, params, intent, put_a, refusal) &&
           read_leg(form, &below_names, 0, params, intent, put_b, refusal) &&
           intent_order_only(form, REQUEST_OCO, refusal);
}

bool intent_list_oto(const struct form *form, const struct params *params, struct intent *intent,
                     struct refusal *refusal)
{
    return read_list(form, params, LIST_OTO, intent, refusal) &&
           read_leg(form, &working_names, 0, params, intent, put_a, refusal) &&
           read_leg(form, &pending_names, 0, params, intent, put_b, refusal) &&
           intent_order_only(form, REQUEST_OTO, refusal);
}

bool intent_list_otoco(const struct form *form, const struct params *params, struct intent *intent,
                       struct refusal *refusal)
{
    return read_list(form, params, LIST_OTOCO, intent, refusal) &&
           read_leg(form, &working_names, 0, params, intent, put_a, refusal) &&
           read_leg(form, &pending_above_names, 0, params, intent, put_b, refusal) &&
           read_leg(form, &pending_below_names, 0, params, intent, put_c, refusal) &&
           intent_order_only(form, REQUEST_OTOCO, refusal);
}

/* A limit order on the side of profit and a stop on the other: who sells takes profit above. */
bool intent_list_old_oco(const struct form *form, const struct params *params,
                         struct intent *intent, struct refusal *refusal)
{
    struct list_place_command *list = &intent->list_place;
    const uint8_t stop_type =
        form_find(form, "stopLimitPrice") == NULL ? STOP_LOSS : STOP_LOSS_LIMIT;
    struct order_place_command limit = {.type = LIMIT_MAKER}, stop = {.type = stop_type};
    struct order_tag limit_tag, stop_tag;
    if (!read_list(form, params, LIST_OCO, intent, refusal)) return false;
    limit.market = stop.market = list->market;
    if (!intent_order_read(form, &old_limit_names, params, &limit, &limit_tag, refusal) ||
        !intent_order_read(form, &old_stop_names, params, &stop, &stop_tag, refusal) ||
        !intent_order_only(form, REQUEST_OLD_OCO, refusal))
        return false;
    const bool sells = limit.side == SELL;
    put_a(intent, sells ? &limit : &stop, sells ? limit_tag : stop_tag);
    put_b(intent, sells ? &stop : &limit, sells ? stop_tag : limit_tag);
    return true;
}

bool intent_list_place(const struct form *form, const struct params *params, struct intent *intent,
                       struct refusal *refusal)
{
    if (form_find(form, "aboveType") != NULL) return intent_list_oco(form, params, intent, refusal);
    if (form_find(form, "workingType") == NULL)
        return intent_list_old_oco(form, params, intent, refusal);
    if (form_find(form, "pendingAboveType") == NULL)
        return intent_list_oto(form, params, intent, refusal);
    return intent_list_otoco(form, params, intent, refusal);
}

bool intent_list_cancel(const struct form *form, const struct params *params, struct intent *intent,
                        struct refusal *refusal)
{
    *intent = (struct intent){.type = T_LIST_CANCEL};
    struct list_cancel_command *cancel = &intent->list_cancel;
    const struct form_field *id;

    if (!intent_market(form, params, &cancel->market, refusal) ||
        !parameter_optional(form, "orderListId", &id, refusal) ||
        (id != NULL && !parameter_u64(id, &cancel->list_id, refusal)) ||
        !parameter_client_id(form, "listClientOrderId", cancel->orig_client_id, refusal) ||
        !parameter_client_id(form, "newClientOrderId", cancel->client_id, refusal))
        return false;
    if (id == NULL && cancel->orig_client_id[0] == 0)
        return parameter_refuse(refusal, REJECT_MANDATORY_EITHER, "orderListId",
                                "listClientOrderId");
    /* 0 stands for "not sent" in the command, and no list has it. */
    if (id != NULL && cancel->list_id == 0)
        return parameter_refuse(refusal, REJECT_UNKNOWN_ORDER, NULL, NULL);
    return intent_order_only(form, REQUEST_LIST_CANCEL, refusal);
}
