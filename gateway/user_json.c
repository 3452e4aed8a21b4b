#include "gateway/user_json.h"

#include "common/order_tag.h"
#include "common/reject.h"

#include <string.h>

static const char *const execution_names[] = {
    [USER_NEW] = "NEW",
    [USER_CANCELED] = "CANCELED",
    [USER_REPLACED] = "REPLACED",
    [USER_REJECTED] = "REJECTED",
    [USER_TRADE] = "TRADE",
    [USER_EXPIRED] = "EXPIRED",
    [USER_PREVENTED] = "TRADE_PREVENTION",
};

/* ---- what all have ---- */

static void put_time(struct writer *json, const struct printing *printing, const char *name,
                     uint64_t time_ns)
{
    writer_key_u64(json, name, time_ns / printing->time_unit_ns);
}

static void begin(struct writer *json, const struct printing *printing, const char *name,
                  const struct user_event *event)
{
    writer_object(json);
    writer_key_string(json, "e", name);
    put_time(json, printing, "E", event->time_ns);
}

static void end(struct writer *json, const struct user_event *event)
{
    char number[USER_NUMBER_TEXT];
    writer_key_text(json, "sequence", number, user_number_put(event->number, number));
    writer_object_end(json);
}

static void put_symbol(struct writer *json, const struct printing *printing, const char *name,
                       uint16_t market)
{
    writer_key_string(json, name, printing->params->markets[market].symbol);
}

static void put_client_id(struct writer *json, const char *name, const uint8_t client_id[36])
{
    writer_key(json, name);
    writer_padded(json, client_id, 36);
}

/* -1: there is none. */
static void put_id(struct writer *json, const char *name, uint64_t id)
{
    if (id == 0)
        writer_key_i64(json, name, -1);
    else
        writer_key_u64(json, name, id);
}

/* ---- reports ---- */

/* A cancel has an id of its own, and an amended order may have got another: C is what the order was called before. Where
 * no client canceled (a switch, a session's end, an operator) both are the order's. */
static void put_client_ids(struct writer *json, const struct user_report *report)
{
    static const uint8_t none[36];
    const struct view_order *order = &report->order;
    const bool has_other = report->other_id[0] != 0;
    const uint8_t *now = order->client_id, *before = none;
    if (report->execution == USER_CANCELED) {
        now = has_other ? report->other_id : order->client_id;
        before = order->client_id;
    } else if (report->execution == USER_REPLACED) {
        before = report->other_id;
    }
    put_client_id(json, "c", now);
    put_client_id(json, "C", before);
}

static void put_terms(struct writer *json, const struct printing *printing,
                      const struct view_order *order)
{
    const struct params *params = printing->params;
    /* A market order by quote amount has no quantity of its own: it is what it traded. */
    const qty_t qty = order->qty.lots > 0 ? order->qty : order->executed;
    writer_key_string(json, "S", reply_side_name(order->side));
    writer_key_string(json, "o", reply_type_name(order->type));
    writer_key_string(json, "f", reply_time_in_force_name(order->time_in_force));
    reply_qty(json, params, order->market, "q", qty);
    reply_price(json, params, order->market, "p", order->price);
    reply_price(json, params, order->market, "P", order->stop_price);
    reply_qty(json, params, order->market, "F", order->iceberg_qty);
    put_id(json, "g", order->list_id);
}

/* What few orders have: these members are there only for those. */
static void put_rarities(struct writer *json, const struct printing *printing,
                         const struct user_report *report)
{
    const struct view_order *order = &report->order;
    if (order->trailing_delta != 0) writer_key_u64(json, "d", order->trailing_delta);
    if (report->follows_ns != 0) put_time(json, printing, "D", report->follows_ns);
    if ((order->tag_flags & ORDER_TAG_ID) != 0) writer_key_u64(json, "j", order->strategy_id);
    if ((order->tag_flags & ORDER_TAG_TYPE) != 0) writer_key_u64(json, "J", order->strategy_type);
    if (order->working_ns != 0) put_time(json, printing, "W", order->working_ns);
    const char *reason = reply_expiry_name(order);
    if (reason != NULL) writer_key_string(json, "eR", reason);
}

/* A report names the reason; few of them have a name there, the others have ours. */
static const char *reject_word(const struct user_report *report)
{
    if (report->execution != USER_REJECTED) return "NONE";
    switch ((enum reject)report->reject) {
    case REJECT_INSUFFICIENT_BALANCE:
        return "INSUFFICIENT_BALANCES";
    case REJECT_WOULD_TRIGGER:
        return "STOP_PRICE_WOULD_TRIGGER_IMMEDIATELY";
    case REJECT_WOULD_TAKE:
        return "WOULD_MATCH_IMMEDIATELY";
    default:
        return reject_name((enum reject)report->reject);
    }
}

/* A rejected order never worked. */
static bool is_on_book(const struct view_order *order)
{
    return order->working_ns != 0 &&
           (order->status == ORDER_NEW || order->status == ORDER_PARTIALLY_FILLED);
}

static void put_state(struct writer *json, const struct printing *printing,
                      const struct user_report *report)
{
    const struct view_order *order = &report->order;
    writer_key_string(json, "x", execution_names[report->execution]);
    writer_key_string(json, "X",
                      report->execution == USER_REJECTED ? "REJECTED"
                                                         : reply_status_name(order->status));
    writer_key_string(json, "r", reject_word(report));
    put_id(json, "i", order->order_id);
    reply_qty(json, printing->params, order->market, "z", order->executed);
    reply_quote(json, printing->params, order->market, "Z", order->quote_executed.units);
    reply_quote(json, printing->params, order->market, "Q", order->quote_qty.units);
    writer_key_bool(json, "w", is_on_book(order));
}

static void put_trade(struct writer *json, const struct printing *printing,
                      const struct user_report *report)
{
    const struct params *params = printing->params;
    const uint16_t index = report->order.market;
    const struct asset *asset =
        reply_commission_asset(params, index, (enum side)report->order.side, report->fee);
    reply_qty(json, params, index, "l", report->last_qty);
    reply_price(json, params, index, "L", report->last_price);
    reply_quote(
        json, params, index, "Y",
        market_notional(&params->markets[index], report->last_price, report->last_qty).units);
    writer_key_decimal(json, "n", report->fee.units, asset->decimals);
    writer_key_string(json, "N", asset->symbol);
    writer_key_u64(json, "t", report->trade_id);
}

static void put_no_trade(struct writer *json, const struct printing *printing,
                         const struct user_report *report)
{
    const uint16_t market = report->order.market;
    reply_qty(json, printing->params, market, "l", (qty_t){0});
    reply_price(json, printing->params, market, "L", (price_t){0});
    reply_quote(json, printing->params, market, "Y", 0);
    writer_key_string(json, "n", "0");
    writer_key(json, "N");
    writer_null(json);
    writer_key_i64(json, "t", -1);
}

/* The match that self-trade prevention did not let happen. */
static void put_prevented(struct writer *json, const struct printing *printing,
                          const struct user_report *report)
{
    const struct params *params = printing->params;
    const struct view_order *order = &report->order;
    const struct market *market = &params->markets[order->market];
    writer_key_u64(json, "v", order->prevented_id);
    reply_qty(json, params, order->market, "A", order->prevented);
    reply_qty(json, params, order->market, "B", report->last_qty);
    writer_key_i64(json, "u", -1); /* no account is in a group of others */
    writer_key_u64(json, "U", report->counter_order);
    put_symbol(json, printing, "Cs", order->market);
    reply_qty(json, params, order->market, "pl", report->prevented_match);
    reply_price(json, params, order->market, "pL", report->last_price);
    reply_quote(json, params, order->market, "pY",
                market_notional(market, report->last_price, report->prevented_match).units);
}

static void put_report(struct writer *json, const struct printing *printing,
                       const struct user_event *event)
{
    const struct user_report *report = &event->report;
    const struct view_order *order = &report->order;
    begin(json, printing, "executionReport", event);
    put_symbol(json, printing, "s", order->market);
    put_client_ids(json, report);
    put_terms(json, printing, order);
    put_state(json, printing, report);
    if (report->execution == USER_TRADE)
        put_trade(json, printing, report);
    else
        put_no_trade(json, printing, report);
    put_time(json, printing, "T", event->time_ns);
    put_time(json, printing, "O", order->created_ns);
    writer_key_u64(json, "I", event->number.command);
    writer_key_bool(json, "m", report->is_maker);
    writer_key_bool(json, "M", report->execution == USER_TRADE);
    put_rarities(json, printing, report);
    if (report->execution == USER_PREVENTED) put_prevented(json, printing, report);
    writer_key_string(json, "V", intent_self_trade_name(order->self_trade));
    end(json, event);
}

/* ---- lists ---- */

static void put_list_orders(struct writer *json, const struct printing *printing,
                            const struct user_list *list)
{
    writer_key(json, "O");
    writer_array(json);
    for (uint32_t i = 0; i < list->order_count; i++) {
        writer_object(json);
        put_symbol(json, printing, "s", list->market);
        writer_key_u64(json, "i", list->orders[i].order_id);
        put_client_id(json, "c", list->orders[i].client_id);
        writer_object_end(json);
    }
    writer_array_end(json);
}

static void put_list(struct writer *json, const struct printing *printing,
                     const struct user_event *event)
{
    static const char *const status_names[] = {
        [USER_LIST_STARTED] = "EXEC_STARTED",
        [USER_LIST_UPDATED] = "UPDATED",
        [USER_LIST_DONE] = "ALL_DONE",
    };
    const struct user_list *list = &event->list;
    begin(json, printing, "listStatus", event);
    put_symbol(json, printing, "s", list->market);
    put_id(json, "g", list->list_id);
    writer_key_string(json, "c", reply_contingency_name(list->kind));
    writer_key_string(json, "l", status_names[list->status]);
    writer_key_string(json, "L", list->status == USER_LIST_DONE ? "ALL_DONE" : "EXECUTING");
    writer_key_string(json, "r", "NONE");
    put_client_id(json, "C", list->client_id);
    put_time(json, printing, "T", event->time_ns);
    put_list_orders(json, printing, list);
    end(json, event);
}

/* ---- funds ---- */

static void put_positions(struct writer *json, const struct printing *printing,
                          const struct user_events *events, uint32_t place)
{
    const struct user_event *positions[USER_POSITIONS_MAX];
    const struct user_event *event = user_event_at(events, place);
    const uint32_t count = user_event_positions(events, place, positions);
    begin(json, printing, "outboundAccountPosition", event);
    put_time(json, printing, "u", event->time_ns);
    writer_key(json, "B");
    writer_array(json);
    for (uint32_t i = 0; i < count; i++) {
        const struct user_position *position = &positions[i]->position;
        const struct asset *asset = &printing->params->assets[position->asset];
        writer_object(json);
        writer_key_string(json, "a", asset->symbol);
        writer_key_decimal(json, "f", position->available.units, asset->decimals);
        writer_key_decimal(json, "l", position->held.units, asset->decimals);
        writer_object_end(json);
    }
    writer_array_end(json);
    end(json, event);
}

static void put_delta(struct writer *json, const struct printing *printing,
                      const struct user_event *event)
{
    const struct asset *asset = &printing->params->assets[event->delta.asset];
    begin(json, printing, "balanceUpdate", event);
    writer_key_string(json, "a", asset->symbol);
    writer_key_decimal(json, "d", event->delta.amount.units, asset->decimals);
    put_time(json, printing, "T", event->time_ns);
    end(json, event);
}

void user_json_event(struct writer *json, const struct printing *printing,
                     const struct user_events *events, uint32_t place)
{
    const struct user_event *event = user_event_at(events, place);
    switch ((enum user_event_kind)event->kind) {
    case USER_REPORT:
        put_report(json, printing, event);
        break;
    case USER_LIST:
        put_list(json, printing, event);
        break;
    case USER_POSITION:
        put_positions(json, printing, events, place);
        break;
    case USER_DELTA:
        put_delta(json, printing, event);
        break;
    }
}

void user_json_terminated(struct writer *json, uint64_t time)
{
    writer_object(json);
    writer_key_string(json, "e", "eventStreamTerminated");
    writer_key_u64(json, "E", time);
    writer_object_end(json);
}

void user_json_expired(struct writer *json, const char *key, size_t key_bytes, uint64_t time)
{
    writer_object(json);
    writer_key_string(json, "e", "listenKeyExpired");
    writer_key_u64(json, "E", time);
    writer_key_text(json, "listenKey", key, key_bytes);
    writer_object_end(json);
}
