#include "gateway/reply_order.h"

#include "common/order_tag.h"

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
    [ORDER_NEW] = "NEW",
    [ORDER_PARTIALLY_FILLED] = "PARTIALLY_FILLED",
    [ORDER_FILLED] = "FILLED",
    [ORDER_CANCELED] = "CANCELED",
    [ORDER_EXPIRED] = "EXPIRED",
    [ORDER_EXPIRED_IN_MATCH] = "EXPIRED_IN_MATCH",
    [ORDER_PENDING_NEW] = "PENDING_NEW",
};

/* expiryReason of an order that ended EXPIRED. */
static const char *const expiry_names[] = {
    [DONE_IOC_UNFILLED] = "UNFILLED_IOC_QUANTITY_EXPIRED",
    [DONE_FOK_UNFILLED] = "UNFILLED_FOK_ORDER_EXPIRED",
    [DONE_NO_LIQUIDITY] = "INSUFFICIENT_LIQUIDITY",
    [DONE_OCO] = "OCO_TRIGGER",
    [DONE_WORKING_ENDED] = "OTO_PHASE_ONE_EXPIRED",
    [DONE_LIST_CANCELED] = "EXCHANGE_CANCELED",
    [DONE_NO_BALANCE] = "REJECTED",
    [DONE_WOULD_TAKE] = "REJECTED",
    [DONE_PRICE_RANGE] = "EXECUTION_RULE_PRICE_RANGE_EXCEEDED",
};

#define NAME_OF(names, number) ((number) < sizeof(names) / sizeof(*(names)) ? (names)[number] : "")

/* Orders without a time in force of their own rest or end at once; the API shows them as GTC. */
const char *reply_time_in_force_name(uint8_t time_in_force)
{
    return time_in_force == IOC ? "IOC" : time_in_force == FOK ? "FOK" : "GTC";
}

const char *reply_side_name(uint8_t side)
{
    return NAME_OF(side_names, side);
}

const char *reply_type_name(uint8_t type)
{
    return NAME_OF(type_names, type);
}

const char *reply_status_name(uint8_t status)
{
    return NAME_OF(status_names, status);
}

const char *reply_expiry_name(const struct view_order *order)
{
    const size_t count = sizeof(expiry_names) / sizeof(*expiry_names);
    return order->status == ORDER_EXPIRED && order->reason < count ? expiry_names[order->reason]
                                                                   : NULL;
}

const char *reply_contingency_name(uint8_t list_kind)
{
    return list_kind == LIST_OCO ? "OCO" : "OTO";
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

static void put_symbol(struct writer *json, const struct printing *printing, uint16_t market)
{
    writer_key_string(json, "symbol", printing->params->markets[market].symbol);
}

/* -1: none, as the API has it. */
static void put_list_id(struct writer *json, uint64_t list_id)
{
    if (list_id == 0)
        writer_key_i64(json, "orderListId", -1);
    else
        writer_key_u64(json, "orderListId", list_id);
}

static void put_state(struct writer *json, const struct params *params,
                      const struct view_order *order)
{
    /* A market order by quote amount has no quantity of its own: it is what it traded. */
    const qty_t qty = order->qty.lots > 0 ? order->qty : order->executed;
    reply_price(json, params, order->market, "price", order->price);
    reply_qty(json, params, order->market, "origQty", qty);
    reply_qty(json, params, order->market, "executedQty", order->executed);
    reply_quote(json, params, order->market, "origQuoteOrderQty", order->quote_qty.units);
    reply_quote(json, params, order->market, "cummulativeQuoteQty", order->quote_executed.units);
    writer_key_string(json, "status", reply_status_name(order->status));
    writer_key_string(json, "timeInForce", reply_time_in_force_name(order->time_in_force));
    writer_key_string(json, "type", reply_type_name(order->type));
    writer_key_string(json, "side", reply_side_name(order->side));
}

static void put_working_time(struct writer *json, const struct printing *printing,
                             const struct view_order *order)
{
    if (order->working_ns == 0)
        writer_key_i64(json, "workingTime", -1);
    else
        put_time(json, printing, "workingTime", order->working_ns);
}

static void put_self_trade(struct writer *json, uint8_t self_trade)
{
    writer_key_string(json, "selfTradePreventionMode", intent_self_trade_name(self_trade));
}

/* What few orders have: these members are there only for those. */
static void put_rarities(struct writer *json, const struct printing *printing,
                         const struct view_order *order)
{
    if (order->trailing_delta != 0) writer_key_u64(json, "trailingDelta", order->trailing_delta);
    if ((order->tag_flags & ORDER_TAG_ID) != 0)
        writer_key_u64(json, "strategyId", order->strategy_id);
    if ((order->tag_flags & ORDER_TAG_TYPE) != 0)
        writer_key_u64(json, "strategyType", order->strategy_type);
    if (order->prevented_id != 0) writer_key_u64(json, "preventedMatchId", order->prevented_id);
    if (order->prevented.lots != 0)
        reply_qty(json, printing->params, order->market, "preventedQuantity", order->prevented);
    const char *reason = reply_expiry_name(order);
    if (reason != NULL) writer_key_string(json, "expiryReason", reason);
}

static void put_stop_and_iceberg(struct writer *json, const struct params *params,
                                 const struct view_order *order)
{
    if (order->stop_price.ticks != 0)
        reply_price(json, params, order->market, "stopPrice", order->stop_price);
    if (order->iceberg_qty.lots != 0)
        reply_qty(json, params, order->market, "icebergQty", order->iceberg_qty);
}

/* ---- orders ---- */

/* Since when a trailing order that was just placed follows the price: without a stop price at once, if
 * there is a price to start from. */
static void put_trailing_time(struct writer *json, const struct printing *printing,
                              const struct view_order *order, uint64_t stamp_ns)
{
    const bool follows = order->stop_price.ticks == 0 && order->status != ORDER_PENDING_NEW &&
                         view_has_traded(printing->view, order->market);
    if (order->trailing_delta == 0) return;
    if (follows)
        put_time(json, printing, "trailingTime", stamp_ns);
    else
        writer_key_i64(json, "trailingTime", -1);
}

/* The same of one that was placed before. With a stop price it is a trade that lets it begin, without any price the first one,
 * and in a list what it waited for: of none it is kept when that was. */
static void put_kept_trailing_time(struct writer *json, const struct printing *printing,
                                   const struct view_order *order)
{
    if (order->stop_price.ticks != 0 || order->list_id != 0) return;
    if (view_has_traded(printing->view, order->market) &&
        !view_had_traded(printing->view, order->market, order->created_ns))
        return;
    put_trailing_time(json, printing, order, order->created_ns);
}

void reply_order(struct writer *json, const struct printing *printing,
                 const struct view_order *order)
{
    const struct params *params = printing->params;
    writer_object(json);
    put_symbol(json, printing, order->market);
    writer_key_u64(json, "orderId", order->order_id);
    put_list_id(json, order->list_id);
    put_client_id(json, "clientOrderId", order->client_id);
    put_state(json, params, order);
    reply_price(json, params, order->market, "stopPrice", order->stop_price);
    reply_qty(json, params, order->market, "icebergQty", order->iceberg_qty);
    put_time(json, printing, "time", order->created_ns);
    put_time(json, printing, "updateTime", order->updated_ns);
    writer_key_bool(json, "isWorking", order->working_ns != 0 || order->executed.lots > 0);
    put_working_time(json, printing, order);
    put_kept_trailing_time(json, printing, order);
    put_rarities(json, printing, order);
    put_self_trade(json, order->self_trade);
    writer_object_end(json);
}

void reply_placed(struct writer *json, const struct printing *printing,
                  const struct view_order *order, enum response_type response,
                  const struct writer *fills, uint64_t stamp_ns)
{
    writer_object(json);
    put_symbol(json, printing, order->market);
    writer_key_u64(json, "orderId", order->order_id);
    put_list_id(json, order->list_id);
    put_client_id(json, "clientOrderId", order->client_id);
    put_time(json, printing, "transactTime", stamp_ns);
    if (response != RESPONSE_ACK) {
        put_state(json, printing->params, order);
        put_stop_and_iceberg(json, printing->params, order);
        put_trailing_time(json, printing, order, stamp_ns);
        put_rarities(json, printing, order);
        put_working_time(json, printing, order);
        if (response == RESPONSE_FULL) {
            writer_key(json, "fills");
            writer_array(json);
            if (fills->used > 0) writer_raw(json, fills->bytes, fills->used);
            writer_array_end(json);
        }
        put_self_trade(json, order->self_trade);
    }
    writer_object_end(json);
}

void reply_canceled(struct writer *json, const struct printing *printing,
                    const struct view_order *order, const uint8_t cancel_id[36], uint64_t stamp_ns)
{
    writer_object(json);
    put_symbol(json, printing, order->market);
    put_client_id(json, "origClientOrderId", order->client_id);
    writer_key_u64(json, "orderId", order->order_id);
    put_list_id(json, order->list_id);
    put_client_id(json, "clientOrderId", cancel_id);
    put_time(json, printing, "transactTime", stamp_ns);
    put_state(json, printing->params, order);
    put_stop_and_iceberg(json, printing->params, order);
    put_kept_trailing_time(json, printing, order);
    put_rarities(json, printing, order);
    put_self_trade(json, order->self_trade);
    writer_object_end(json);
}

void reply_amended(struct writer *json, const struct printing *printing,
                   const struct view_order *order, const uint8_t former_client_id[36])
{
    const struct params *params = printing->params;
    writer_object(json);
    put_symbol(json, printing, order->market);
    writer_key_u64(json, "orderId", order->order_id);
    put_list_id(json, order->list_id);
    put_client_id(json, "origClientOrderId", former_client_id);
    put_client_id(json, "clientOrderId", order->client_id);
    reply_price(json, params, order->market, "price", order->price);
    reply_qty(json, params, order->market, "qty", order->qty);
    reply_qty(json, params, order->market, "executedQty", order->executed);
    reply_qty(json, params, order->market, "preventedQty", order->prevented);
    reply_quote(json, params, order->market, "quoteOrderQty", order->quote_qty.units);
    reply_quote(json, params, order->market, "cumulativeQuoteQty", order->quote_executed.units);
    writer_key_string(json, "status", reply_status_name(order->status));
    writer_key_string(json, "timeInForce", reply_time_in_force_name(order->time_in_force));
    writer_key_string(json, "type", reply_type_name(order->type));
    writer_key_string(json, "side", reply_side_name(order->side));
    put_stop_and_iceberg(json, params, order);
    put_working_time(json, printing, order);
    put_self_trade(json, order->self_trade);
    writer_object_end(json);
}

/* ---- fills ---- */

/* A commission below 0 is a rebate, in the asset that was paid. */
const struct asset *reply_commission_asset(const struct params *params, uint16_t index,
                                           enum side side, amount_t fee)
{
    const struct market *market = &params->markets[index];
    const bool of_base = (side == BUY) == (fee.units >= 0);
    return &params->assets[of_base ? market->base : market->quote];
}

static void put_commission(struct writer *json, const struct printing *printing, uint16_t market,
                           enum side side, amount_t fee)
{
    const struct asset *asset = reply_commission_asset(printing->params, market, side, fee);
    writer_key_decimal(json, "commission", fee.units, asset->decimals);
    writer_key_string(json, "commissionAsset", asset->symbol);
}

void reply_own_fill(struct writer *json, const struct printing *printing,
                    const struct fill_event *fill, uint64_t order_id)
{
    const bool is_taker = fill->taker_order == order_id;
    const enum side taker_side = (enum side)fill->taker_side;
    const enum side side = is_taker ? taker_side : opposite(taker_side);
    const amount_t fee = view_fee(&printing->params->markets[fill->market], fill, side,
                                  is_taker ? fill->taker_rate_ppm : fill->maker_rate_ppm);
    writer_object(json);
    reply_price(json, printing->params, fill->market, "price", fill->price);
    reply_qty(json, printing->params, fill->market, "qty", fill->qty);
    put_commission(json, printing, fill->market, side, fee);
    writer_key_u64(json, "tradeId", fill->trade_id);
    writer_object_end(json);
}

/* Of a fill that memory has, as reply_own_fill tells one that just was. */
void reply_kept_fill(struct writer *json, const struct printing *printing,
                     const struct view_fill *fill, uint64_t order_id)
{
    const bool is_taker = fill->taker_order == order_id;
    const enum side taker_side = (enum side)fill->taker_side;
    writer_object(json);
    reply_price(json, printing->params, fill->market, "price", fill->price);
    reply_qty(json, printing->params, fill->market, "qty", fill->qty);
    put_commission(json, printing, fill->market, is_taker ? taker_side : opposite(taker_side),
                   is_taker ? fill->taker_fee : fill->maker_fee);
    writer_key_u64(json, "tradeId", fill->trade_id);
    writer_object_end(json);
}

static void put_side(struct writer *json, const struct printing *printing,
                     const struct view_fill *fill, bool is_maker)
{
    const struct params *params = printing->params;
    const struct market *market = &params->markets[fill->market];
    const enum side taker_side = (enum side)fill->taker_side;
    const enum side side = is_maker ? opposite(taker_side) : taker_side;

    writer_object(json);
    writer_key_string(json, "symbol", market->symbol);
    writer_key_u64(json, "id", fill->trade_id);
    writer_key_u64(json, "orderId", is_maker ? fill->maker_order : fill->taker_order);
    put_list_id(json, is_maker ? fill->maker_list : fill->taker_list);
    reply_price(json, params, fill->market, "price", fill->price);
    reply_qty(json, params, fill->market, "qty", fill->qty);
    reply_quote(json, params, fill->market, "quoteQty",
                market_notional(market, fill->price, fill->qty).units);
    put_commission(json, printing, fill->market, side,
                   is_maker ? fill->maker_fee : fill->taker_fee);
    put_time(json, printing, "time", fill->time_ns);
    writer_key_bool(json, "isBuyer", side == BUY);
    writer_key_bool(json, "isMaker", is_maker);
    writer_key_bool(json, "isBestMatch", true);
    writer_object_end(json);
}

void reply_fill(struct writer *json, const struct printing *printing, const struct view_fill *fill,
                uint32_t account, uint64_t order_id)
{
    const bool of_maker = order_id == 0 || fill->maker_order == order_id;
    const bool of_taker = order_id == 0 || fill->taker_order == order_id;
    if (fill->maker_account == account && of_maker) put_side(json, printing, fill, true);
    if (fill->taker_account == account && of_taker) put_side(json, printing, fill, false);
}

/* ---- lists ---- */

static void put_list_orders(struct writer *json, const struct printing *printing,
                            const struct view_list *list)
{
    writer_key(json, "orders");
    writer_array(json);
    for (uint32_t i = 0; i < list->order_count; i++) {
        writer_object(json);
        put_symbol(json, printing, list->market);
        writer_key_u64(json, "orderId", list->orders[i].order_id);
        put_client_id(json, "clientOrderId", list->orders[i].client_id);
        writer_object_end(json);
    }
    writer_array_end(json);
}

void reply_list_members(struct writer *json, const struct printing *printing,
                        const struct view_list *list, uint64_t time_ns)
{
    const bool is_open = list->command == 0;
    writer_key_u64(json, "orderListId", list->list_id);
    writer_key_string(json, "contingencyType", reply_contingency_name(list->kind));
    writer_key_string(json, "listStatusType", is_open ? "EXEC_STARTED" : "ALL_DONE");
    writer_key_string(json, "listOrderStatus", is_open ? "EXECUTING" : "ALL_DONE");
    put_client_id(json, "listClientOrderId", list->client_id);
    put_time(json, printing, "transactionTime", time_ns);
    put_symbol(json, printing, list->market);
    put_list_orders(json, printing, list);
}

void reply_list(struct writer *json, const struct printing *printing, const struct view_list *list)
{
    writer_object(json);
    reply_list_members(json, printing, list, list->created_ns);
    writer_object_end(json);
}

void reply_list_status(struct writer *json, const struct printing *printing,
                       const struct view_list *list)
{
    writer_object(json);
    writer_key_u64(json, "orderListId", list->list_id);
    writer_key_string(json, "contingencyType", reply_contingency_name(list->kind));
    writer_key_string(json, "listOrderStatus", list->command == 0 ? "EXECUTING" : "ALL_DONE");
    put_client_id(json, "listClientOrderId", list->client_id);
    put_symbol(json, printing, list->market);
    put_list_orders(json, printing, list);
    writer_object_end(json);
}

/* ---- prevented matches ---- */

void reply_prevented(struct writer *json, const struct printing *printing,
                     const struct view_prevented *entry)
{
    const char *symbol = printing->params->markets[entry->market].symbol;
    writer_object(json);
    writer_key_string(json, "symbol", symbol);
    writer_key_u64(json, "preventedMatchId", entry->prevented_id);
    writer_key_u64(json, "takerOrderId", entry->taker_order);
    writer_key_string(json, "makerSymbol", symbol);
    writer_key_u64(json, "makerOrderId", entry->maker_order);
    writer_key_i64(json, "tradeGroupId", -1);
    writer_key_string(json, "selfTradePreventionMode", intent_self_trade_name(entry->mode));
    reply_price(json, printing->params, entry->market, "price", entry->price);
    if (entry->maker_qty.lots > 0)
        reply_qty(json, printing->params, entry->market, "makerPreventedQuantity",
                  entry->maker_qty);
    if (entry->taker_qty.lots > 0)
        reply_qty(json, printing->params, entry->market, "takerPreventedQuantity",
                  entry->taker_qty);
    put_time(json, printing, "transactTime", entry->time_ns);
    writer_object_end(json);
}

/* ---- amendments ---- */

void reply_amendment(struct writer *json, const struct printing *printing,
                     const struct view_amended *entry)
{
    writer_object(json);
    put_symbol(json, printing, entry->market);
    writer_key_u64(json, "orderId", entry->order_id);
    writer_key_u64(json, "executionId", entry->link.command);
    put_client_id(json, "origClientOrderId", entry->former_client_id);
    put_client_id(json, "newClientOrderId", entry->client_id);
    reply_qty(json, printing->params, entry->market, "origQty", entry->qty_before);
    reply_qty(json, printing->params, entry->market, "newQty", entry->qty);
    put_time(json, printing, "time", entry->time_ns);
    writer_object_end(json);
}
