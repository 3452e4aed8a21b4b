#include "gateway/reply.h"

#include "common/withdrawal_event.h"
#include "gateway/custody_view.h"
#include "gateway/made_id.h"
#include "gateway/reply_custody.h"
#include "gateway/reply_key.h"
#include "gateway/reply_opening.h"
#include "gateway/reply_wallet.h"

#include <string.h>

static void put_refusal_members(struct writer *json, const struct refusal *refusal)
{
    char text[REFUSAL_TEXT_MAX];
    const size_t text_bytes = refusal_text(refusal, text);
    writer_key_i64(json, "code", reject_code(refusal->reject));
    writer_key_text(json, "msg", text, text_bytes);
}

void reply_refusal(struct writer *json, const struct refusal *refusal)
{
    writer_object(json);
    put_refusal_members(json, refusal);
    writer_object_end(json);
}

void reply_refusal_at(struct writer *json, const struct refusal *refusal, uint64_t server_time,
                      bool nested)
{
    const bool tells_time = reject_code(refusal->reject) == reject_code(REJECT_TOO_LATE);
    writer_object(json);
    put_refusal_members(json, refusal);
    if (tells_time && nested) {
        writer_key(json, "data");
        writer_object(json);
    }
    if (tells_time) writer_key_u64(json, "serverTime", server_time);
    if (tells_time && nested) writer_object_end(json);
    writer_object_end(json);
}

/* Whose the command is, where, and what its cancel is called. */
static void read_subject(struct reply *reply, const struct intent *intent)
{
    switch (order_tag_base(intent->type)) {
    case T_ORDER_PLACE:
        reply->account = intent->order_place.account;
        reply->market = intent->order_place.market;
        break;
    case T_ORDER_CANCEL:
        reply->account = intent->order_cancel.account;
        reply->market = intent->order_cancel.market;
        memcpy(reply->cancel_id, intent->order_cancel.client_id, 36);
        break;
    case T_CANCEL_ALL:
        reply->account = intent->cancel_all.account;
        reply->market = intent->cancel_all.market;
        break;
    case T_ORDER_AMEND:
        reply->account = intent->order_amend.account;
        reply->market = intent->order_amend.market;
        break;
    case T_ORDER_REPLACE:
        reply->account = intent->order_replace.account;
        reply->market = intent->order_replace.market;
        memcpy(reply->cancel_id, intent->order_replace.cancel_client_id, 36);
        break;
    case T_LIST_PLACE:
        reply->account = intent->list_place.account;
        reply->market = intent->list_place.market;
        break;
    case T_LIST_CANCEL:
        reply->account = intent->list_cancel.account;
        reply->market = intent->list_cancel.market;
        memcpy(reply->cancel_id, intent->list_cancel.client_id, 36);
        break;
    case T_SWITCH_SET:
        reply->account = intent->switch_set.account;
        reply->market = intent->switch_set.market;
        reply->asked_switch = intent->switch_set;
        break;
    case T_WITHDRAW:
        reply->account = intent->withdraw.account;
        memcpy(reply->withdrawal_id, intent->withdraw.client_id, 36);
        break;
    default:
        break; /* an operator's */
    }
}

void reply_begin(struct reply *reply, enum reply_kind kind, enum response_type response,
                 const struct intent *intent, const uint8_t own_id[36], struct writer empty)
{
    ASSERT(empty.used == 0);
    *reply = (struct reply){
        .kind = kind,
        .response = response,
        .http_status = 200,
        .elements = empty,
        .reports = empty,
        .empty = empty,
    };
    memcpy(reply->cancel_id, own_id, 36);
    if (kind == REPLY_OPENING)
        memcpy(reply->owner, intent->account_open.public_key, sizeof(reply->owner));
    read_subject(reply, intent);
}

/* ---- events ---- */

static struct reply_placement *placement_of(struct reply *reply, uint16_t market, uint64_t order_id)
{
    if (market != reply->market) return NULL;
    for (uint32_t i = 0; i < reply->placement_count; i++)
        if (reply->placements[i].order.order_id == order_id) return &reply->placements[i];
    return NULL;
}

/* Only the command itself places orders: whatever is accepted is its own. */
static void on_accepted(struct reply *reply, const struct printing *printing,
                        const struct event *event)
{
    struct order_accepted_event accepted;
    order_accepted_event_get(event->payload, &accepted);
    ASSERT(reply->placement_count < LIST_ORDERS_MAX);
    const struct view_order *order =
        view_open_order(printing->view, accepted.account, accepted.market, accepted.order_id);
    ASSERT(order != NULL);
    reply->placements[reply->placement_count++] =
        (struct reply_placement){.order = *order, .fills = reply->empty};
}

static void on_fill(struct reply *reply, const struct printing *printing, const struct event *event)
{
    struct fill_event fill;
    if (reply->placement_count == 0 || reply->response != RESPONSE_FULL) return;
    fill_event_get(event->payload, &fill);
    const uint64_t ids[] = {fill.taker_order, fill.maker_order};
    for (int i = 0; i < 2; i++) {
        struct reply_placement *placement = placement_of(reply, fill.market, ids[i]);
        if (placement != NULL) reply_own_fill(&placement->fills, printing, &fill, ids[i]);
    }
}

/* The fills of the command that placed the order, oldest first, as far as they are in memory. Returns their lots. */
static int64_t put_first_fills(struct writer *fills, const struct printing *printing,
                               const struct order_repeated_event *first)
{
    const struct view_fill *found[REPLY_REPEATED_FILLS_MAX], *fill = NULL;
    uint32_t count = 0;
    int64_t lots = 0;
    for (uint32_t seen = 0; seen < REPLY_REPEATED_SEEN_MAX; seen++) {
        if (lots >= first->executed.lots || count == REPLY_REPEATED_FILLS_MAX) break;
        fill = view_next_fill(printing->view, first->account, fill);
        if (fill == NULL || fill->command < first->command) break;
        if (fill->command != first->command || fill->market != first->market ||
            (fill->taker_order != first->order_id && fill->maker_order != first->order_id))
            continue;
        found[count++] = fill;
        lots += fill->qty.lots;
    }
    for (uint32_t i = count; i-- > 0;)
        reply_kept_fill(fills, printing, found[i], first->order_id);
    return lots;
}

/* Asked for before: the answer is that of then. Its fills are told while all of them are in memory and not far behind the
 * account's newest; myTrades has them afterwards. */
static void on_repeated(struct reply *reply, const struct printing *printing,
                        const struct event *event)
{
    struct order_repeated_event first;
    order_repeated_event_get(event->payload, &first);
    struct reply_placement *placement = &reply->placements[reply->placement_count++];
    *placement = (struct reply_placement){
        .order =
            {
                .order_id = first.order_id,
                .created_ns = first.stamp_ns,
                .updated_ns = first.stamp_ns,
                .price = first.price,
                .qty = first.qty,
                .executed = first.executed,
                .quote_qty = first.quote_qty,
                .quote_executed = first.quote_executed,
                .stop_price = first.stop_price,
                .iceberg_qty = first.iceberg_qty,
                .prevented = first.prevented,
                .strategy_id = first.strategy_id,
                .working_ns = first.type >= STOP_LOSS ? 0 : first.stamp_ns,
                .trailing_delta = first.trailing_delta,
                .strategy_type = first.strategy_type,
                .account = first.account,
                .market = first.market,
                .side = first.side,
                .type = first.type,
                .time_in_force = first.time_in_force,
                .self_trade = first.self_trade,
                .status = first.status,
                .reason = first.reason,
                .tag_flags = first.flags,
            },
        .fills = reply->empty,
        .done = true,
    };
    memcpy(placement->order.client_id, first.client_id, sizeof(placement->order.client_id));
    reply->repeated_ns = first.stamp_ns;
    if (reply->response == RESPONSE_FULL &&
        put_first_fills(&placement->fills, printing, &first) != first.executed.lots)
        reply->response = RESPONSE_RESULT;
}

static bool is_canceling(const struct reply *reply)
{
    return reply->kind == REPLY_CANCEL || reply->kind == REPLY_CANCEL_ALL ||
           reply->kind == REPLY_LIST_CANCEL ||
           (reply->kind == REPLY_REPLACE && reply->placement_count == 0);
}

/* An order of the account's, ended by the cancel that this command is, or with its list. The ends that
 * a switch brought come before, for another reason. */
static void on_canceled(struct reply *reply, const struct printing *printing,
                        const struct view_order *order)
{
    if (order->reason == DONE_CANCELED || order->reason == DONE_CANCELED_ALL ||
        order->reason == DONE_REPLACED)
        reply->canceling = true;
    if (!reply->canceling) return;
    if (order->list_id != 0) {
        reply_canceled(&reply->reports, printing, order, reply->cancel_id, reply->stamp_ns);
    } else if (reply->kind == REPLY_CANCEL_ALL) {
        reply_canceled(&reply->elements, printing, order, reply->cancel_id, reply->stamp_ns);
        reply->element_count++;
    } else {
        reply->canceled = *order;
        reply->has_canceled = true;
    }
}

static void on_done(struct reply *reply, const struct printing *printing, const struct event *event)
{
    struct order_done_event end;
    order_done_event_get(event->payload, &end);
    struct reply_placement *placement = placement_of(reply, end.market, end.order_id);
    const bool is_canceled =
        is_canceling(reply) && end.account == reply->account && end.market == reply->market;
    if (placement == NULL && !is_canceled) return;

    /* The view has just put it at the end of the account's tail. */
    const struct view_order *order = view_next_done(printing->view, end.account, NULL);
    ASSERT(order != NULL && order->order_id == end.order_id && order->market == end.market);
    if (placement != NULL) {
        placement->order = *order;
        placement->done = true;
    } else {
        on_canceled(reply, printing, order);
    }
}

static void put_list_answer(struct writer *json, const struct printing *printing,
                            const struct reply *reply, const struct view_list *list)
{
    writer_object(json);
    reply_list_members(json, printing, list, reply->stamp_ns);
    writer_key(json, "orderReports");
    writer_array(json);
    if (reply->reports.used > 0) writer_raw(json, reply->reports.bytes, reply->reports.used);
    writer_array_end(json);
    writer_object_end(json);
}

static void on_list_accepted(struct reply *reply, const struct event *event)
{
    struct list_accepted_event accepted;
    list_accepted_event_get(event->payload, &accepted);
    reply->list_id = accepted.list_id;
}

static void on_list_done(struct reply *reply, const struct printing *printing,
                         const struct event *event)
{
    struct list_done_event ended;
    list_done_event_get(event->payload, &ended);
    const bool is_placed = reply->list_id != 0 && ended.list_id == reply->list_id;
    if (ended.account != reply->account || ended.market != reply->market) return;
    if (!is_placed && !(is_canceling(reply) && reply->canceling)) return;

    const struct view_list *list =
        view_list_next_done(view_lists(printing->view), ended.account, NULL);
    ASSERT(list != NULL && list->list_id == ended.list_id && list->market == ended.market);
    if (reply->kind == REPLY_CANCEL_ALL) {
        put_list_answer(&reply->elements, printing, reply, list);
        reply->element_count++;
        reply->reports = reply->empty;
    } else {
        reply->list = *list;
        reply->has_list = true;
    }
}

static void on_amended(struct reply *reply, const struct printing *printing,
                       const struct event *event)
{
    struct order_amended_event amended;
    order_amended_event_get(event->payload, &amended);
    const struct view_order *order =
        view_open_order(printing->view, amended.account, amended.market, amended.order_id);
    ASSERT(order != NULL);
    reply->amended = *order;
    reply->has_amended = true;
    memcpy(reply->former_client_id, view_former_client_id(printing->view), 36);
}

/* What a command changed of deposits, withdrawals or addresses. */
static void on_custody(struct reply *reply, const struct event *event)
{
    /* One word for both forms of a withdrawal's. */
    reply->custody = withdrawal_event_is(event->type) ? T_WITHDRAWAL_MOVED : event->type;
    switch (reply->custody) {
    case T_DEPOSIT_CHANGED:
        deposit_changed_event_get(event->payload, &reply->deposit);
        reply->result = "deposit-changed";
        break;
    case T_WITHDRAWAL_MOVED:
        withdrawal_event_get(event, &reply->withdrawal);
        reply->result = "withdrawal-changed";
        break;
    default:
        address_changed_event_get(event->payload, &reply->address);
        reply->result = "address-changed";
        break;
    }
}

static void put_custody(struct writer *json, const struct printing *printing,
                        const struct reply *reply)
{
    if (reply->custody == T_DEPOSIT_CHANGED)
        reply_deposit(json, printing, &reply->deposit);
    else if (reply->custody == T_WITHDRAWAL_MOVED)
        reply_withdrawal(json, printing, &reply->withdrawal, 0); /* its block is not sealed yet */
    else
        reply_address(json, printing, &reply->address);
}

/* What an operator's command did that made nothing to tell of; NULL: another event. */
static const char *word_of(uint16_t event_type)
{
    switch (event_type) {
    case T_CREDITED:
        return "credited";
    case T_DEBITED:
        return "debited";
    case T_ASSET_CREATED:
        return "asset-created";
    case T_MARKET_CREATED:
        return "market-created";
    case T_MARKET_STATUS_CHANGED:
        return "market-status-changed";
    case T_MARKET_FILTERED:
        return "market-filtered";
    case T_RULES_CHANGED:
        return "rules-changed";
    case T_ROUTE_CHANGED:
        return "route-changed";
    case T_OPENING_CHANGED:
        return "opening-changed";
    default:
        return NULL;
    }
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
    case T_TIER_SET: {
        struct tier_set_event set;
        tier_set_event_get(event->payload, &set);
        reply->created = set.account;
        reply->result = "tier-set";
        break;
    }
    case T_ROUTE_FEE_CHANGED: {
        struct route_fee_changed_event changed;
        route_fee_changed_event_get(event->payload, &changed);
        reply->effective_ns = changed.from_ns;
        reply->result = "route-fee-changed";
        break;
    }
    case T_LIABILITIES_ORDERED: {
        struct liabilities_ordered_event ordered;
        liabilities_ordered_event_get(event->payload, &ordered);
        reply->effective_height = ordered.height;
        reply->result = "liabilities-ordered";
        break;
    }
    case T_CONNECTOR_ADDED:
        reply->connector = le_get_u16(event->payload);
        reply->result = "connector-added";
        break;
    case T_ACCOUNT_FROZEN:
        if (reply->result == NULL) reply->result = "account-frozen";
        break;
    case T_ACCOUNT_PENDING:
        reply->created = le_get_u32(event->payload);
        reply->result = "account-approved";
        break;
    case T_NODE_CHANGED: {
        struct node_changed_event changed;
        node_changed_event_get(event->payload, &changed);
        reply->effective_height = changed.height;
        reply->result = "node-changed";
        break;
    }
    default:
        if (word_of(event->type) != NULL) reply->result = word_of(event->type);
        break;
    }
}

/* Nothing else can come of a request about a key than that. */
static void on_key(struct reply *reply, const struct event *event)
{
    if (event->type == T_KEY_CREATED) {
        struct key_created_event created;
        key_created_event_get(event->payload, &created);
        memcpy(reply->key_id, created.key_id, sizeof(reply->key_id));
    } else if (event->type == T_KEY_LIMITED) {
        struct key_limited_event limited;
        key_limited_event_get(event->payload, &limited);
        memcpy(reply->key_id, limited.key_id, sizeof(reply->key_id));
    } else if (event->type == T_KEY_REMOVED) {
        struct key_removed_event removed;
        key_removed_event_get(event->payload, &removed);
        memcpy(reply->key_id, removed.key_id, sizeof(reply->key_id));
    } else {
        return; /* of switches that fired before the command */
    }
    reply->key_change = event->type;
}

void reply_event(struct reply *reply, const struct printing *printing,
                 const struct applied *applied, const struct event *event)
{
    reply->stamp_ns = applied->stamp_ns;
    reply->command = applied->number;
    /* It has no place for a name: any node that tells of it makes the same one. */
    if (reply->kind == REPLY_CANCEL_ALL) made_id_cancel(applied->number, reply->cancel_id);
    switch (event->type) {
    case T_REFUSED: {
        struct refused_event refused;
        refused_event_get(event->payload, &refused);
        reply->reject = (enum reject)refused.reject;
        break;
    }
    case T_NOOP: {
        struct noop_event noop;
        noop_event_get(event->payload, &noop);
        reply->is_void = true;
        reply->is_stale = noop.reject == REJECT_STALE_SEQUENCE;
        break;
    }
    case T_ORDER_REPLACED:
        order_replaced_event_get(event->payload, &reply->replaced);
        reply->has_replaced = true;
        break;
    case T_ORDER_ACCEPTED:
        on_accepted(reply, printing, event);
        break;
    case T_ORDER_REPEATED:
        on_repeated(reply, printing, event);
        break;
    case T_ORDER_AMENDED:
        on_amended(reply, printing, event);
        break;
    case T_FILL:
        on_fill(reply, printing, event);
        break;
    case T_ORDER_DONE:
        on_done(reply, printing, event);
        break;
    case T_LIST_ACCEPTED:
        on_list_accepted(reply, event);
        break;
    case T_LIST_DONE:
        on_list_done(reply, printing, event);
        break;
    case T_SWITCH_ARMED:
        switch_armed_event_get(event->payload, &reply->armed);
        reply->has_armed = true;
        break;
    case T_DEPOSIT_CHANGED:
    case T_WITHDRAWAL_CHANGED:
    case T_WITHDRAWAL_MOVED:
    case T_ADDRESS_CHANGED:
        on_custody(reply, event);
        break;
    default:
        if (reply->kind == REPLY_ADMIN) on_admin(reply, event);
        if (reply->kind == REPLY_KEY) on_key(reply, event);
        break;
    }
}

/* ---- answers ---- */

/* What is placed and not done is as the view has it once the command is over. */
static void look_again(struct reply *reply, const struct printing *printing)
{
    for (uint32_t i = 0; i < reply->placement_count; i++) {
        struct reply_placement *placement = &reply->placements[i];
        if (placement->done) continue;
        const struct view_order *order = view_open_order(printing->view, reply->account,
                                                         reply->market, placement->order.order_id);
        ASSERT(order != NULL);
        placement->order = *order;
    }
    if (reply->list_id == 0 || reply->has_list) return;
    const struct view_list *list =
        view_list_open(view_lists(printing->view), reply->market, reply->list_id);
    ASSERT(list != NULL);
    reply->list = *list;
    reply->has_list = true;
}

static void put_placement(struct writer *json, const struct printing *printing,
                          const struct reply *reply, const struct reply_placement *placement)
{
    reply_placed(json, printing, &placement->order, reply->response, &placement->fills,
                 reply->repeated_ns != 0 ? reply->repeated_ns : reply->stamp_ns);
}

/* The order that was canceled, or the list that went with it. */
static void put_cancel(struct writer *json, const struct printing *printing,
                       const struct reply *reply)
{
    ASSERT(reply->has_canceled || reply->has_list);
    if (reply->has_canceled)
        reply_canceled(json, printing, &reply->canceled, reply->cancel_id, reply->stamp_ns);
    else
        put_list_answer(json, printing, reply, &reply->list);
}

static void finish_list(struct reply *reply, const struct printing *printing, struct writer *json)
{
    for (uint32_t i = 0; i < reply->placement_count; i++)
        put_placement(&reply->reports, printing, reply, &reply->placements[i]);
    put_list_answer(json, printing, reply, &reply->list);
}

static void finish_amend(const struct reply *reply, const struct printing *printing,
                         struct writer *json)
{
    const struct view_list *list =
        reply->amended.list_id == 0
            ? NULL
            : view_list_open(view_lists(printing->view), reply->market, reply->amended.list_id);
    writer_object(json);
    writer_key_u64(json, "transactTime", reply->stamp_ns / printing->time_unit_ns);
    writer_key_u64(json, "executionId", reply->command);
    writer_key(json, "amendedOrder");
    reply_amended(json, printing, &reply->amended, reply->former_client_id);
    if (list != NULL) {
        writer_key(json, "listStatus");
        reply_list_status(json, printing, list);
    }
    writer_object_end(json);
}

static const char *result_of(bool attempted, uint16_t reject)
{
    if (!attempted) return "NOT_ATTEMPTED";
    return reject == REJECT_NONE ? "SUCCESS" : "FAILURE";
}

/* The four members that tell how either half went. */
static void put_halves(struct writer *json, const struct printing *printing,
                       const struct reply *reply)
{
    const struct order_replaced_event *replaced = &reply->replaced;
    const struct refusal cancel = refusal_of((enum reject)replaced->cancel_reject, NULL, NULL);
    const struct refusal place = refusal_of((enum reject)replaced->place_reject, NULL, NULL);
    const bool attempted = replaced->attempted != 0;
    writer_key_string(json, "cancelResult", result_of(true, replaced->cancel_reject));
    writer_key_string(json, "newOrderResult", result_of(attempted, replaced->place_reject));
    writer_key(json, "cancelResponse");
    if (replaced->cancel_reject == REJECT_NONE)
        put_cancel(json, printing, reply);
    else
        reply_refusal(json, &cancel);
    writer_key(json, "newOrderResponse");
    if (!attempted)
        writer_null(json);
    else if (replaced->place_reject == REJECT_NONE)
        put_placement(json, printing, reply, &reply->placements[0]);
    else
        reply_refusal(json, &place);
}

static void finish_replace(struct reply *reply, const struct printing *printing,
                           struct writer *json)
{
    const bool canceled = reply->replaced.cancel_reject == REJECT_NONE;
    const bool placed =
        reply->replaced.attempted != 0 && reply->replaced.place_reject == REJECT_NONE;
    writer_object(json);
    if (canceled && placed) {
        put_halves(json, printing, reply);
    } else {
        const struct refusal refusal = refusal_of(
            canceled || placed ? REJECT_REPLACE_HALF : REJECT_REPLACE_FAILED, NULL, NULL);
        reply->http_status = reject_http_status(refusal.reject);
        put_refusal_members(json, &refusal);
        writer_key(json, "data");
        writer_object(json);
        put_halves(json, printing, reply);
        writer_object_end(json);
    }
    writer_object_end(json);
}

static void finish_switch(const struct reply *reply, const struct printing *printing,
                          struct writer *json)
{
    writer_object(json);
    writer_key_string(json, "symbol", printing->params->markets[reply->market].symbol);
    writer_key_u64(json, "countdownTime", reply->asked_switch.timeout_ms);
    writer_key_u64(json, "deadline", reply->armed.deadline_ns / printing->time_unit_ns);
    writer_object_end(json);
}

static void finish_admin(const struct reply *reply, const struct printing *printing,
                         struct writer *json)
{
    writer_object(json);
    writer_key_string(json, "result", reply->result);
    if (reply->created != 0) writer_key_u64(json, "account", reply->created);
    if (reply->connector != 0) writer_key_u64(json, "connector", reply->connector);
    if (reply->effective_height != 0)
        writer_key_u64(json, "effectiveHeight", reply->effective_height);
    if (reply->effective_ns != 0)
        writer_key_u64(json, "effectiveFrom", reply->effective_ns / printing->time_unit_ns);
    writer_key_u64(json, "command", reply->command);
    if (reply->custody != 0) {
        writer_key(json, reply->custody == T_DEPOSIT_CHANGED    ? "deposit"
                         : reply->custody == T_WITHDRAWAL_MOVED ? "withdrawal"
                                                                : "address");
        put_custody(json, printing, reply);
    }
    writer_object_end(json);
}

/* The key as it is now; of one that is gone its id. */
static void finish_key(const struct reply *reply, const struct printing *printing,
                       struct writer *json)
{
    if (reply->key_change == T_KEY_REMOVED) {
        writer_object(json);
        writer_key(json, "keyId");
        writer_hex(json, reply->key_id, sizeof(reply->key_id));
        writer_key_bool(json, "removed", true);
        writer_object_end(json);
        return;
    }
    const int64_t index = view_find_key(printing->view, reply->key_id);
    ASSERT(index >= 0); /* the view has taken the event */
    reply_key(json, view_key(printing->view, (uint32_t)index),
              reply->key_secret[0] == '\0' ? NULL : reply->key_secret);
}

/* Two asked for an account with the same key: both have it. */
static bool is_open_already(const struct reply *reply)
{
    return reply->kind == REPLY_OPENING && reply->reject == REJECT_ALREADY_EXISTS;
}

/* Why there is nothing but a refusal to tell, or REJECT_NONE. */
static enum reject objection_of(const struct reply *reply)
{
    if (reply->is_void) return REJECT_OUTCOME_UNKNOWN;
    if (is_open_already(reply)) return REJECT_NONE;
    if (reply->reject != REJECT_NONE) return reply->reject;
    if (reply->kind == REPLY_CANCEL_ALL && reply->element_count == 0) return REJECT_UNKNOWN_ORDER;
    return REJECT_NONE;
}

/* Whether a part of the answer is longer than an answer may be. */
static bool is_too_long(const struct reply *reply)
{
    bool overflow = reply->elements.overflow || reply->reports.overflow;
    for (uint32_t i = 0; i < reply->placement_count; i++)
        overflow |= reply->placements[i].fills.overflow;
    return overflow;
}

static void finish(struct reply *reply, const struct printing *printing, struct writer *json)
{
    switch (reply->kind) {
    case REPLY_ORDER:
        ASSERT(reply->placement_count == 1);
        put_placement(json, printing, reply, &reply->placements[0]);
        break;
    case REPLY_CANCEL:
        put_cancel(json, printing, reply);
        break;
    case REPLY_CANCEL_ALL:
        writer_array(json);
        writer_raw(json, reply->elements.bytes, reply->elements.used);
        writer_array_end(json);
        break;
    case REPLY_AMEND:
        ASSERT(reply->has_amended);
        finish_amend(reply, printing, json);
        break;
    case REPLY_REPLACE:
        ASSERT(reply->has_replaced);
        finish_replace(reply, printing, json);
        break;
    case REPLY_LIST:
        ASSERT(reply->has_list);
        finish_list(reply, printing, json);
        break;
    case REPLY_LIST_CANCEL:
        ASSERT(reply->has_list);
        put_list_answer(json, printing, reply, &reply->list);
        break;
    case REPLY_SWITCH:
        ASSERT(reply->has_armed);
        finish_switch(reply, printing, json);
        break;
    case REPLY_ADMIN:
        ASSERT(reply->result != NULL);
        finish_admin(reply, printing, json);
        break;
    case REPLY_CUSTODY:
        ASSERT(reply->custody != 0);
        put_custody(json, printing, reply);
        break;
    case REPLY_APPLY:
        ASSERT(reply->custody == T_WITHDRAWAL_MOVED);
        reply_wallet_applied(json, reply->withdrawal.withdrawal);
        break;
    case REPLY_KEY:
        ASSERT(reply->key_change != 0);
        finish_key(reply, printing, json);
        break;
    case REPLY_OPENING:
        /* The view has taken the command that made it. */
        reply_opening(json, printing->view, view_find_owner(printing->view, reply->owner));
        break;
    }
}

/* A client whose answer was lost asks again, and is told what became of the first. False when that is forgotten. */
static bool finish_again(struct reply *reply, const struct printing *printing, struct writer *json)
{
    const struct withdrawal_moved_event *first = custody_view_withdrawal_named(
        view_custody(printing->view), reply->account, reply->withdrawal_id);
    if (first == NULL) return false;
    const struct refusal refusal = refusal_of(REJECT_DUPLICATE_WITHDRAWAL, NULL, NULL);
    reply->http_status = reject_http_status(refusal.reject);
    writer_object(json);
    put_refusal_members(json, &refusal);
    writer_key(json, "withdrawal");
    reply_withdrawal(json, printing, first, 0); /* as the log has it: certificates are not in it */
    writer_object_end(json);
    return true;
}

bool reply_finish(struct reply *reply, const struct printing *printing, struct writer *json,
                  struct refusal *refusal)
{
    enum reject reject = objection_of(reply);
    if (reject == REJECT_NONE) {
        look_again(reply, printing);
        finish(reply, printing, json);
        if (!is_too_long(reply)) return true;
        reject = REJECT_OUTCOME_UNKNOWN; /* done, but not to be told: the client asks again */
    }
    if (reject == REJECT_DUPLICATE_WITHDRAWAL && finish_again(reply, printing, json)) return true;
    *refusal = refusal_of(reject, NULL, NULL);
    return false;
}

uint32_t reply_placed_count(const struct reply *reply)
{
    return reply->placement_count;
}
