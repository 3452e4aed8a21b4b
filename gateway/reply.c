#include "gateway/reply.h"

#include "common/fee.h"

#include <string.h>

static const char *const side_names[] = {"BUY", "SELL"};

static const char *const type_names[] = {
    [LIMIT] = "LIMIT",
    [MARKET] = "MARKET",
    [LIMIT_MAKER] = "LIMIT_MAKER",
    [STOP_LOSS] = "STOP_LOSS",
    [STOP_LOSS_LIMIT] = "STOP_LOSS_LIMIT",
    [TAKE_PROFIT] = "TAKE_PROFIT",
    [TAKE_PROFIT_LIMIT] = "TAKE_PROFIT_LIMIT",
};

static const char *const status_names[] = {
    [ORDER_NEW] = "NEW",         [ORDER_PARTIALLY_FILLED] = "PARTIALLY_FILLED",
    [ORDER_FILLED] = "FILLED",   [ORDER_CANCELED] = "CANCELED",
    [ORDER_EXPIRED] = "EXPIRED",
};

static const char *const self_trade_names[] = {
    [SELF_TRADE_NONE] = "NONE",
    [SELF_TRADE_EXPIRE_TAKER] = "EXPIRE_TAKER",
    [SELF_TRADE_EXPIRE_MAKER] = "EXPIRE_MAKER",
    [SELF_TRADE_EXPIRE_BOTH] = "EXPIRE_BOTH",
    [SELF_TRADE_DECREMENT] = "DECREMENT",
    [SELF_TRADE_TRANSFER] = "TRANSFER",
};

#define NAME_OF(names, number) ((number) < sizeof(names) / sizeof(*(names)) ? (names)[number] : "")

/* Orders without a time in force of their own rest or end at once; the API shows them as GTC. */
static const char *time_in_force_name(uint8_t time_in_force)
{
    return time_in_force == IOC ? "IOC" : time_in_force == FOK ? "FOK" : "GTC";
}

/* ---- numbers ---- */

static int quote_decimals(const struct params *params, uint16_t market)
{
    return params->assets[params->markets[market].quote].decimals;
}

static int base_decimals(const struct params *params, uint16_t market)
{
    return params->assets[params->markets[market].base].decimals;
}

void reply_price(struct writer *json, const struct params *params, uint16_t market,
                 const char *name, price_t price)
{
    writer_key_decimal(json, name, (__int128)price.ticks * params->markets[market].tick_units,
                       quote_decimals(params, market));
}

void reply_qty(struct writer *json, const struct params *params, uint16_t market, const char *name,
               qty_t qty)
{
    writer_key_decimal(json, name, (__int128)qty.lots * params->markets[market].lot_units,
                       base_decimals(params, market));
}

void reply_quote(struct writer *json, const struct params *params, uint16_t market,
                 const char *name, __int128 units)
{
    writer_key_decimal(json, name, units, quote_decimals(params, market));
}

static void put_time(struct writer *json, const struct printing *printing, const char *name,
                     uint64_t time_ns)
{
    writer_key_u64(json, name, time_ns / printing->time_unit_ns);
}

static void put_client_id(struct writer *json, const char *name, const uint8_t client_id[36])
{
    writer_key(json, name);
    writer_padded(json, client_id, 36);
}

/* ---- the parts that order answers share ---- */

struct order_state {
    uint16_t market;
    price_t price;
    qty_t qty;
    qty_t executed;
    amount_t quote_qty;
    amount_t quote_executed;
    uint8_t side, type, time_in_force, self_trade, status;
};

static void put_state(struct writer *json, const struct params *params,
                      const struct order_state *state)
{
    /* A market order by quote amount has no quantity of its own: it is what it traded. */
    const qty_t qty = state->qty.lots > 0 ? state->qty : state->executed;
    reply_price(json, params, state->market, "price", state->price);
    reply_qty(json, params, state->market, "origQty", qty);
    reply_qty(json, params, state->market, "executedQty", state->executed);
    reply_quote(json, params, state->market, "origQuoteOrderQty", state->quote_qty.units);
    reply_quote(json, params, state->market, "cummulativeQuoteQty", state->quote_executed.units);
    writer_key_string(json, "status", NAME_OF(status_names, state->status));
    writer_key_string(json, "timeInForce", time_in_force_name(state->time_in_force));
    writer_key_string(json, "type", NAME_OF(type_names, state->type));
    writer_key_string(json, "side", NAME_OF(side_names, state->side));
}

static void put_self_trade(struct writer *json, uint8_t self_trade)
{
    writer_key_string(json, "selfTradePreventionMode", NAME_OF(self_trade_names, self_trade));
}

void reply_order(struct writer *json, const struct printing *printing,
                 const struct view_order *order)
{
    const struct params *params = printing->params;
    const struct order_state state = {
        .market = order->market,
        .price = order->price,
        .qty = order->qty,
        .executed = order->executed,
        .quote_qty = order->quote_qty,
        .quote_executed = order->quote_executed,
        .side = order->side,
        .type = order->type,
        .time_in_force = order->time_in_force,
        .status = order->status,
    };
    writer_object(json);
    writer_key_string(json, "symbol", params->markets[order->market].symbol);
    writer_key_u64(json, "orderId", order->order_id);
    writer_key_i64(json, "orderListId", -1);
    put_client_id(json, "clientOrderId", order->client_id);
    put_state(json, params, &state);
    writer_key_string(json, "stopPrice", "0.00000000");
    writer_key_string(json, "icebergQty", "0.00000000");
    put_time(json, printing, "time", order->created_ns);
    put_time(json, printing, "updateTime", order->updated_ns);
    writer_key_bool(json, "isWorking", true);
    put_time(json, printing, "workingTime", order->created_ns);
    put_self_trade(json, order->self_trade);
    writer_object_end(json);
}

static void put_own_fill(struct writer *json, const struct printing *printing,
                         const struct view_fill *fill, bool is_maker)
{
    const struct params *params = printing->params;
    const struct market *market = &params->markets[fill->market];
    const enum side taker_side = (enum side)fill->taker_side;
    const enum side side = is_maker ? opposite(taker_side) : taker_side;
    const uint16_t received = side == BUY ? market->base : market->quote;
    const amount_t fee = is_maker ? fill->maker_fee : fill->taker_fee;

    writer_object(json);
    writer_key_string(json, "symbol", market->symbol);
    writer_key_u64(json, "id", fill->trade_id);
    writer_key_u64(json, "orderId", is_maker ? fill->maker_order : fill->taker_order);
    writer_key_i64(json, "orderListId", -1);
    reply_price(json, params, fill->market, "price", fill->price);
    reply_qty(json, params, fill->market, "qty", fill->qty);
    reply_quote(json, params, fill->market, "quoteQty",
                market_notional(market, fill->price, fill->qty).units);
    writer_key_decimal(json, "commission", fee.units, params->assets[received].decimals);
    writer_key_string(json, "commissionAsset", params->assets[received].symbol);
    put_time(json, printing, "time", fill->time_ns);
    writer_key_bool(json, "isBuyer", side == BUY);
    writer_key_bool(json, "isMaker", is_maker);
    writer_key_bool(json, "isBestMatch", true);
    writer_object_end(json);
}

void reply_fill(struct writer *json, const struct printing *printing, const struct view_fill *fill,
                uint32_t account)
{
    if (fill->maker_account == account) put_own_fill(json, printing, fill, true);
    if (fill->taker_account == account) put_own_fill(json, printing, fill, false);
}

void reply_refusal(struct writer *json, const struct refusal *refusal)
{
    char text[REFUSAL_TEXT_MAX];
    const size_t text_bytes = refusal_text(refusal, text);
    writer_object(json);
    writer_key_i64(json, "code", reject_code(refusal->reject));
    writer_key_text(json, "msg", text, text_bytes);
    writer_object_end(json);
}

/* ---- replies to commands ---- */

void reply_begin(struct reply *reply, enum reply_kind kind, enum response_type response,
                 const uint8_t *cancel_id, struct writer list)
{
    *reply = (struct reply){.kind = kind, .response = response, .list = list};
    if (cancel_id != NULL) memcpy(reply->cancel_id, cancel_id, 36);
}

/* One element of a FULL answer's fills. */
static void put_taker_fill(struct writer *json, const struct params *params,
                           const struct fill_event *fill)
{
    const struct market *market = &params->markets[fill->market];
    const bool buys = fill->taker_side == BUY;
    const uint16_t received_asset = buys ? market->base : market->quote;
    const amount_t received = buys ? market_base_amount(market, fill->qty)
                                   : market_notional(market, fill->price, fill->qty);
    writer_object(json);
    reply_price(json, params, fill->market, "price", fill->price);
    reply_qty(json, params, fill->market, "qty", fill->qty);
    writer_key_decimal(json, "commission", fee_of(received, fill->taker_rate_ppm).charged.units,
                       params->assets[received_asset].decimals);
    writer_key_string(json, "commissionAsset", params->assets[received_asset].symbol);
    writer_key_u64(json, "tradeId", fill->trade_id);
    writer_object_end(json);
}

static void on_fill(struct reply *reply, const struct printing *printing, const struct event *event)
{
    struct fill_event fill;
    fill_event_get(event->payload, &fill);
    const struct market *market = &printing->params->markets[fill.market];
    reply->executed.lots += fill.qty.lots;
    reply->quote_executed.units += market_notional(market, fill.price, fill.qty).units;
    if (reply->response == RESPONSE_FULL) put_taker_fill(&reply->list, printing->params, &fill);
}

/* One canceled order. */
static void put_cancel(struct writer *json, const struct printing *printing,
                       const struct reply *reply, const struct order_done_event *end)
{
    const struct order_state state = {
        .market = end->market,
        .price = end->price,
        .qty = end->qty,
        .executed = end->executed,
        .quote_qty = end->quote_qty,
        .quote_executed = end->quote_executed,
        .side = end->side,
        .type = end->type,
        .time_in_force = end->time_in_force,
        .status = end->status,
    };
    writer_object(json);
    writer_key_string(json, "symbol", printing->params->markets[end->market].symbol);
    put_client_id(json, "origClientOrderId", end->client_id);
    writer_key_u64(json, "orderId", end->order_id);
    writer_key_i64(json, "orderListId", -1);
    put_client_id(json, "clientOrderId", reply->cancel_id);
    put_time(json, printing, "transactTime", reply->stamp_ns);
    put_state(json, printing->params, &state);
    put_self_trade(json, end->self_trade);
    writer_object_end(json);
}

static void on_done(struct reply *reply, const struct printing *printing, const struct event *event)
{
    struct order_done_event end;
    order_done_event_get(event->payload, &end);
    if (reply->kind == REPLY_CANCEL_ALL) {
        put_cancel(&reply->list, printing, reply, &end);
        reply->done = true;
        return;
    }
    /* Makers that the order filled are done too: theirs is not the answer. */
    if (reply->kind == REPLY_ORDER && end.order_id != reply->order.order_id) return;
    reply->end = end;
    reply->done = true;
}

/* An operator's command says what it made. */
static void on_admin(struct reply *reply, const struct event *event)
{
    switch (event->type) {
    case T_ACCOUNT_CREATED: {
        struct account_created_event created;
        account_created_event_get(event->payload, &created);
        reply->created = created.account;
        reply->result = "account-created";
        break;
    }
    case T_KEY_ADDED: {
        struct key_added_event added;
        key_added_event_get(event->payload, &added);
        reply->created = added.account;
        reply->result = "key-added";
        break;
    }
    case T_CREDITED:
        reply->result = "credited";
        break;
    case T_DEBITED:
        reply->result = "debited";
        break;
    case T_ASSET_CREATED:
        reply->result = "asset-created";
        break;
    case T_MARKET_CREATED:
        reply->result = "market-created";
        break;
    case T_MARKET_STATUS_CHANGED:
        reply->result = "market-status-changed";
        break;
    default:
        break;
    }
}

void reply_event(struct reply *reply, const struct printing *printing,
                 const struct applied *applied, const struct event *event)
{
    reply->stamp_ns = applied->stamp_ns;
    reply->command = applied->number;
    switch (event->type) {
    case T_REFUSED: {
        struct refused_event refused;
        refused_event_get(event->payload, &refused);
        reply->reject = (enum reject)refused.reject;
        break;
    }
    case T_NOOP:
        reply->is_void = true;
        break;
    case T_ORDER_ACCEPTED:
        order_accepted_event_get(event->payload, &reply->order);
        reply->accepted = true;
        break;
    case T_FILL:
        on_fill(reply, printing, event);
        break;
    case T_ORDER_DONE:
        on_done(reply, printing, event);
        break;
    default:
        if (reply->kind == REPLY_ADMIN) on_admin(reply, event);
        break;
    }
}

static void finish_order(struct reply *reply, const struct printing *printing, struct writer *json)
{
    const struct params *params = printing->params;
    const struct order_accepted_event *order = &reply->order;
    const struct order_state state = {
        .market = order->market,
        .price = order->price,
        .qty = order->qty,
        .executed = reply->executed,
        .quote_qty = order->quote_qty,
        .quote_executed = reply->quote_executed,
        .side = order->side,
        .type = order->type,
        .time_in_force = order->time_in_force,
        .status = reply->done                ? reply->end.status
                  : reply->executed.lots > 0 ? (uint8_t)ORDER_PARTIALLY_FILLED
                                             : (uint8_t)ORDER_NEW,
    };
    writer_object(json);
    writer_key_string(json, "symbol", params->markets[order->market].symbol);
    writer_key_u64(json, "orderId", order->order_id);
    writer_key_i64(json, "orderListId", -1);
    put_client_id(json, "clientOrderId", order->client_id);
    put_time(json, printing, "transactTime", reply->stamp_ns);
    if (reply->response != RESPONSE_ACK) {
        put_state(json, params, &state);
        put_time(json, printing, "workingTime", reply->stamp_ns);
        if (reply->response == RESPONSE_FULL) {
            writer_key(json, "fills");
            writer_array(json);
            if (reply->list.used > 0) writer_raw(json, reply->list.bytes, reply->list.used);
            writer_array_end(json);
        }
        put_self_trade(json, order->self_trade);
    }
    writer_object_end(json);
}

static void finish_admin(const struct reply *reply, struct writer *json)
{
    writer_object(json);
    writer_key_string(json, "result", reply->result);
    if (reply->created != 0) writer_key_u64(json, "account", reply->created);
    writer_key_u64(json, "command", reply->command);
    writer_object_end(json);
}

bool reply_finish(struct reply *reply, const struct printing *printing, struct writer *json,
                  struct refusal *refusal)
{
    enum reject reject = reply->is_void ? REJECT_OUTCOME_UNKNOWN : reply->reject;
    if (reply->kind == REPLY_CANCEL_ALL && reject == REJECT_NONE && !reply->done)
        reject = REJECT_UNKNOWN_ORDER;
    if (reply->list.overflow) reject = REJECT_OUTCOME_UNKNOWN;
    if (reject != REJECT_NONE) {
        *refusal = refusal_of(reject, NULL, NULL);
        return false;
    }
    switch (reply->kind) {
    case REPLY_ORDER:
        ASSERT(reply->accepted);
        finish_order(reply, printing, json);
        break;
    case REPLY_CANCEL:
        ASSERT(reply->done);
        put_cancel(json, printing, reply, &reply->end);
        break;
    case REPLY_CANCEL_ALL:
        writer_array(json);
        writer_raw(json, reply->list.bytes, reply->list.used);
        writer_array_end(json);
        break;
    case REPLY_ADMIN:
        ASSERT(reply->result != NULL);
        finish_admin(reply, json);
        break;
    }
    return true;
}
