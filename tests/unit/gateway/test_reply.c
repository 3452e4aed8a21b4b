#include "gateway/reply.h"

#include "gateway/made_id.h"

#include "common/withdrawal_event.h"
#include "gateway/custody_view.h"
#include "tests/unit/gateway/desk_fixture.h"

static struct reply reply;
static struct refusal refusal;
static struct intent intent;
static char pool[1 << 18];
static size_t pool_used;

static char *grow(void *context, const char *bytes, size_t used, size_t capacity)
{
    (void)context;
    char *grown = pool + pool_used;
    pool_used += (capacity + 63) / 64 * 64;
    assert_true(pool_used <= sizeof(pool));
    if (used > 0) memcpy(grown, bytes, used);
    return grown;
}

static struct printing printing(void)
{
    return (struct printing){market_views_params(fixture_views), DESK_MS_NS, desk_view};
}

static void listen(const struct applied *applied, const struct event *event)
{
    const struct printing shown = printing();
    reply_event(&reply, &shown, applied, event);
}

/* From here on the events are those of the command `type` of ann's in BTCUSDT. */
static void begin(enum reply_kind kind, uint16_t type, enum response_type response)
{
    struct writer empty;
    static const uint8_t own_id[36] = "own-id";
    pool_used = 0;
    intent = (struct intent){.type = type};
    switch (type) {
    case T_ORDER_CANCEL:
        intent.order_cancel.account = 1;
        memcpy(intent.order_cancel.client_id, "cancel-id", 9);
        break;
    case T_ORDER_REPLACE:
        intent.order_replace.account = 1;
        memcpy(intent.order_replace.cancel_client_id, "cancel-id", 9);
        break;
    case T_LIST_CANCEL:
        intent.list_cancel.account = 1;
        memcpy(intent.list_cancel.client_id, "cancel-id", 9);
        break;
    case T_SWITCH_SET:
        intent.switch_set = (struct switch_set_command){.account = 1, .timeout_ms = 5000};
        break;
    case T_ORDER_AMEND:
        intent.order_amend.account = 1;
        break;
    case T_LIST_PLACE:
        intent.list_place.account = 1;
        break;
    case T_CANCEL_ALL:
        intent.cancel_all.account = 1;
        break;
    default:
        intent.order_place.account = 1;
        break;
    }
    writer_start_growing(&empty, sizeof(pool), grow, NULL);
    reply_begin(&reply, kind, response, &intent, own_id, empty);
    desk_listener = listen;
}

/* The same for a withdrawal of ann's that she calls `client_id`. */
static void begin_withdrawal(const char *client_id)
{
    struct writer empty;
    static const uint8_t own_id[36] = "own-id";
    pool_used = 0;
    intent = (struct intent){.type = T_WITHDRAW, .withdraw = {.account = 1}};
    memcpy(intent.withdraw.client_id, client_id, strlen(client_id));
    writer_start_growing(&empty, sizeof(pool), grow, NULL);
    reply_begin(&reply, REPLY_CUSTODY, RESPONSE_FULL, &intent, own_id, empty);
    desk_listener = listen;
}

/* The command is over: its answer is in desk_answer. */
static bool finish(void)
{
    struct writer json;
    const struct printing shown = printing();
    desk_apply();
    desk_listener = NULL;
    writer_start(&json, desk_answer, sizeof(desk_answer) - 1);
    const bool given = reply_finish(&reply, &shown, &json, &refusal);
    assert_false(json.overflow);
    desk_answer[json.used] = 0;
    return given;
}

static void assert_told(const char *part)
{
    if (strstr(desk_answer, part) == NULL) fail_msg("%s\nis not in\n%s", part, desk_answer);
}

static void assert_begins(const char *part)
{
    if (strncmp(desk_answer, part, strlen(part)) != 0)
        fail_msg("%s\nis not how it begins:\n%s", part, desk_answer);
}

static void assert_untold(const char *part)
{
    if (strstr(desk_answer, part) != NULL) fail_msg("%s\nis in\n%s", part, desk_answer);
}

/* bob (2) rests 2 lots for sale at 49,000.00, and a switch of ann's fires before her order. */
static void open_desk(void)
{
    desk_open();
    desk_account(1);
    desk_account(2);
    desk_accept(0, 1, 2, SELL, 4900000, 2, "maker");
    desk_accept(0, 2, 1, SELL, 7000000, 2, "old");
    desk_apply();
}

static void fire_switch(void)
{
    const struct switch_fired_event fired = {.account = 1};
    event_write_switch_fired(&desk_events, &fired);
    desk_end(2, 1, SELL, LIMIT, 7000000, 2, ORDER_CANCELED, DONE_SWITCH, "old");
}

static void taker_of_two(enum response_type response)
{
    open_desk();
    begin(REPLY_ORDER, T_ORDER_PLACE, response);
    fire_switch();
    desk_accept(0, 5, 1, BUY, 5000000, 3, "mine");
    desk_fill(0, 1, 1, 1, 2, 5, 1, BUY, 4900000, 2);
    desk_done(0, 1, 2, SELL, 4900000, 2, 2, 98000000, ORDER_FILLED, "maker");
}

/* The answer is the taker's, though makers end in the same command; commission is what it received
 * times its rate, rounded up. */
TEST(reply, full_answer_lists_the_orders_fills)
{
    taker_of_two(RESPONSE_FULL);
    assert_true(finish());
    assert_string_equal(
        desk_answer,
        "{\"symbol\":\"BTCUSDT\",\"orderId\":5,\"orderListId\":-1,\"clientOrderId\":\"mine\","
        "\"transactTime\":1700000040002,\"price\":\"50000.00000000\",\"origQty\":\"0.00003000\","
        "\"executedQty\":\"0.00002000\",\"origQuoteOrderQty\":\"0.00000000\","
        "\"cummulativeQuoteQty\":\"0.98000000\",\"status\":\"PARTIALLY_FILLED\","
        "\"timeInForce\":\"GTC\",\"type\":\"LIMIT\",\"side\":\"BUY\","
        "\"workingTime\":1700000040002,\"fills\":[{\"price\":\"49000.00000000\","
        "\"qty\":\"0.00002000\",\"commission\":\"0.00000002\",\"commissionAsset\":\"BTC\","
        "\"tradeId\":1}],\"selfTradePreventionMode\":\"NONE\"}");
    assert_int_equal(reply.http_status, 200);
    assert_int_equal(reply_placed_count(&reply), 1);
}

TEST(reply, result_has_no_fills_and_ack_no_state)
{
    taker_of_two(RESPONSE_RESULT);
    assert_true(finish());
    assert_untold("fills");
    assert_told("\"status\":\"PARTIALLY_FILLED\"");
    taker_of_two(RESPONSE_ACK);
    assert_true(finish());
    assert_string_equal(desk_answer, "{\"symbol\":\"BTCUSDT\",\"orderId\":5,\"orderListId\":-1,"
                                     "\"clientOrderId\":\"mine\",\"transactTime\":1700000040002}");
}

/* ann asks again for order 5, of which 2 were filled by the command before. */
static void ask_again(uint64_t command, uint64_t stamp_ns)
{
    const struct order_repeated_event repeated = {.command = command,
                                                  .stamp_ns = stamp_ns,
                                                  .order_id = 5,
                                                  .price = {5000000},
                                                  .qty = {3},
                                                  .executed = {2},
                                                  .quote_executed = {98000000},
                                                  .strategy_id = 7,
                                                  .account = 1,
                                                  .side = BUY,
                                                  .type = LIMIT,
                                                  .time_in_force = GTC,
                                                  .status = ORDER_PARTIALLY_FILLED,
                                                  .flags = ORDER_TAG_ID,
                                                  .client_id = "mine"};
    begin(REPLY_ORDER, T_ORDER_SUBMIT, RESPONSE_FULL);
    event_write_order_repeated(&desk_events, &repeated);
    assert_true(finish());
}

/* An order that is asked for again is answered as it was the first time, whatever became of it; without fills where they
 * are not in memory. */
TEST(reply, a_repeated_order_is_answered_as_the_first_time)
{
    taker_of_two(RESPONSE_FULL);
    assert_true(finish());
    const uint64_t command = reply.command, stamp_ns = reply.stamp_ns;
    desk_end(5, 1, BUY, LIMIT, 5000000, 3, ORDER_CANCELED, DONE_CANCELED, "mine");
    desk_apply();
    ask_again(command, stamp_ns);
    assert_told("\"orderId\":5,\"orderListId\":-1,\"clientOrderId\":\"mine\","
                "\"transactTime\":1700000040002");
    assert_told("\"status\":\"PARTIALLY_FILLED\"");
    assert_told("\"executedQty\":\"0.00002000\"");
    assert_told("\"strategyId\":7");
    assert_told("\"tradeId\":1}]");
    ask_again(command - 1, stamp_ns);
    assert_told("\"status\":\"PARTIALLY_FILLED\"");
    assert_untold("fills");
}

/* Who has traded much since is answered without a walk through all of it. */
TEST(reply, a_repeat_looks_for_its_fills_only_so_far)
{
    taker_of_two(RESPONSE_FULL);
    assert_true(finish());
    const uint64_t command = reply.command, stamp_ns = reply.stamp_ns;
    desk_accept(0, 6, 2, SELL, 4900000, 10000, "later");
    desk_accept(0, 7, 1, BUY, 4900000, 10000, "too");
    desk_apply();
    for (uint64_t trade = 2; trade < REPLY_REPEATED_SEEN_MAX + 1; trade++) {
        desk_fill(0, trade, trade, 6, 2, 7, 1, BUY, 4900000, 1);
        desk_apply();
    }
    ask_again(command, stamp_ns);
    assert_told("\"tradeId\":1}]");
    desk_fill(0, 5000, 5000, 6, 2, 7, 1, BUY, 4900000, 1);
    desk_apply();
    ask_again(command, stamp_ns);
    assert_told("\"executedQty\":\"0.00002000\"");
    assert_untold("fills");
}

/* A stop that the order's fill wakes trades in the same command: its fills are somebody else's. */
TEST(reply, fills_of_woken_orders_are_not_the_answer)
{
    open_desk();
    desk_accept_type(3, 2, BUY, STOP_LOSS, 0, 1, "stop");
    desk_terms(0, 3, 2, 0, 4900000, false);
    desk_accept(0, 4, 2, SELL, 5500000, 1, "higher");
    desk_apply();
    begin(REPLY_ORDER, T_ORDER_PLACE, RESPONSE_FULL);
    desk_accept(0, 5, 1, BUY, 5000000, 2, "mine");
    desk_fill(0, 1, 1, 1, 2, 5, 1, BUY, 4900000, 2);
    desk_done(0, 1, 2, SELL, 4900000, 2, 2, 98000000, ORDER_FILLED, "maker");
    desk_done(0, 5, 1, BUY, 5000000, 2, 2, 98000000, ORDER_FILLED, "mine");
    const struct order_triggered_event triggered = {.order_id = 3, .account = 2};
    event_write_order_triggered(&desk_events, &triggered);
    desk_fill(0, 2, 2, 4, 2, 3, 2, BUY, 5500000, 1);
    desk_done(0, 4, 2, SELL, 5500000, 1, 1, 55000000, ORDER_FILLED, "higher");
    desk_done(0, 3, 2, BUY, 0, 1, 1, 55000000, ORDER_FILLED, "stop");
    assert_true(finish());
    assert_told("\"status\":\"FILLED\"");
    assert_told("\"tradeId\":1}]");
    assert_untold("\"tradeId\":2");
}

/* A stop sleeps: it is NEW, and works at no time yet. */
TEST(reply, a_stop_shows_its_price_and_does_not_work_yet)
{
    open_desk();
    begin(REPLY_ORDER, T_ORDER_PLACE, RESPONSE_RESULT);
    desk_accept_type(5, 1, SELL, STOP_LOSS, 0, 3, "stop");
    const struct order_terms_event terms = {
        .order_id = 5, .stop_price = {4000000}, .trailing_delta = 50, .account = 1};
    event_write_order_terms(&desk_events, &terms);
    assert_true(finish());
    assert_told("\"status\":\"NEW\"");
    assert_told("\"stopPrice\":\"40000.00000000\",\"trailingTime\":-1,\"trailingDelta\":50,"
                "\"workingTime\":-1");
}

TEST(reply, a_prevented_order_says_which_match_and_how_much)
{
    open_desk();
    begin(REPLY_ORDER, T_ORDER_PLACE, RESPONSE_FULL);
    desk_accept(0, 5, 1, BUY, 7000000, 2, "mine");
    const struct prevented_event prevented = {.prevented_id = 9,
                                              .maker_order = 2,
                                              .taker_order = 5,
                                              .price = {7000000},
                                              .taker_qty = {2},
                                              .maker_account = 1,
                                              .taker_account = 1,
                                              .mode = SELF_TRADE_EXPIRE_TAKER};
    event_write_prevented(&desk_events, &prevented);
    const struct order_terms_event terms = {.order_id = 5, .prevented = {2}, .account = 1};
    event_write_order_terms(&desk_events, &terms);
    desk_end(5, 1, BUY, LIMIT, 7000000, 2, ORDER_EXPIRED_IN_MATCH, DONE_SELF_TRADE, "mine");
    assert_true(finish());
    assert_told("\"status\":\"EXPIRED_IN_MATCH\"");
    assert_told("\"preventedMatchId\":9,\"preventedQuantity\":\"0.00002000\"");
    assert_untold("expiryReason");
}

TEST(reply, refused_command_is_its_refusal)
{
    open_desk();
    begin(REPLY_ORDER, T_ORDER_PLACE, RESPONSE_FULL);
    fire_switch();
    const struct refused_event refused = {.reject = REJECT_INSUFFICIENT_BALANCE};
    event_write_refused(&desk_events, &refused);
    assert_false(finish());
    assert_int_equal(refusal.reject, REJECT_INSUFFICIENT_BALANCE);
}

/* The name was used: refused, with what became of the withdrawal that has it. */
TEST(reply, withdrawal_asked_for_twice_tells_of_the_first)
{
    open_desk();
    struct withdrawal_moved_event first = {.withdrawal = 3,
                                           .amount = {10000},
                                           .paid = {10000},
                                           .account = 1,
                                           .state = WITHDRAWAL_HELD,
                                           .chain = "ETH",
                                           .address = "0x1",
                                           .client_id = "mine"};
    const struct route_changed_event route = {.decimals = 8, .approvals = 2, .chain = "ETH"};
    event_write_route_changed(&desk_events, &route);
    desk_apply();
    custody_view_withdrawal_put(view_custody(desk_view), &first);
    first.withdrawal = 4; /* another account's of the same name, and a later one of another */
    first.account = 2;
    custody_view_withdrawal_put(view_custody(desk_view), &first);
    first.withdrawal = 5;
    first.account = 1;
    memcpy(first.client_id, "mine2", 5);
    custody_view_withdrawal_put(view_custody(desk_view), &first);

    const struct refused_event refused = {.reject = REJECT_DUPLICATE_WITHDRAWAL};
    begin_withdrawal("mine");
    event_write_refused(&desk_events, &refused);
    assert_true(finish());
    assert_int_equal(reply.http_status, 400);
    assert_begins(
        "{\"code\":-9113,\"msg\":\"The account has used this client id for a withdrawal before.\","
        "\"withdrawal\":{\"id\":3,\"withdrawOrderId\":\"mine\",\"account\":1,");
    assert_told(
        "\"approvals\":0,\"approvalsNeeded\":2,\"block\":null,\"txid\":null,\"status\":\"HELD\"}}");

    begin_withdrawal("forgotten");
    event_write_refused(&desk_events, &refused);
    assert_false(finish());
    assert_int_equal(refusal.reject, REJECT_DUPLICATE_WITHDRAWAL);
}

/* The wallet API tells no more than by what it is found. */
TEST(reply, withdrawal_of_the_wallet_is_its_id)
{
    open_desk();
    const struct withdrawal_moved_event asked = {.withdrawal = 12,
                                                 .account = 1,
                                                 .state = WITHDRAWAL_HELD,
                                                 .chain = "ETH",
                                                 .client_id = "mine"};
    begin_withdrawal("mine");
    reply.kind = REPLY_APPLY;
    withdrawal_event_write(&desk_events, PARAMS_RULES_CHARGES, &asked);
    assert_true(finish());
    assert_string_equal(desk_answer, "{\"id\":\"12\"}");
}

/* A command that came out of the log as nothing may have come out of it elsewhere: outcome unknown. */
TEST(reply, void_command_is_an_unknown_outcome)
{
    open_desk();
    begin(REPLY_ORDER, T_ORDER_PLACE, RESPONSE_FULL);
    const struct noop_event noop = {.reject = REJECT_STALE_SEQUENCE};
    event_write_noop(&desk_events, &noop);
    assert_false(finish());
    assert_int_equal(refusal.reject, REJECT_OUTCOME_UNKNOWN);
}

/* clientOrderId is the cancel's own id, origClientOrderId the order's; what the switch canceled in the
 * same command is not the answer. */
TEST(reply, cancel_names_both_ids)
{
    open_desk();
    desk_accept(0, 3, 1, SELL, 8000000, 2, "mine");
    desk_apply();
    begin(REPLY_CANCEL, T_ORDER_CANCEL, RESPONSE_DEFAULT);
    fire_switch();
    desk_end(3, 1, SELL, LIMIT, 8000000, 2, ORDER_CANCELED, DONE_CANCELED, "mine");
    assert_true(finish());
    assert_begins("{\"symbol\":\"BTCUSDT\",\"origClientOrderId\":\"mine\",\"orderId\":3,"
                  "\"orderListId\":-1,\"clientOrderId\":\"cancel-id\",");
    assert_told("\"status\":\"CANCELED\"");
}

/* Canceling one order of a list cancels the list, and the answer is the list's. */
TEST(reply, cancel_of_a_listed_order_is_its_lists)
{
    open_desk();
    desk_oco();
    begin(REPLY_CANCEL, T_ORDER_CANCEL, RESPONSE_DEFAULT);
    desk_terms(0, 12, 1, 1, 4000000, false);
    desk_end(12, 1, SELL, STOP_LOSS, 0, 3, ORDER_CANCELED, DONE_CANCELED, "below");
    desk_terms(0, 11, 1, 1, 0, false);
    desk_end(11, 1, SELL, LIMIT_MAKER, 6000000, 3, ORDER_CANCELED, DONE_LIST_CANCELED, "above");
    desk_list_done(1, 1);
    assert_true(finish());
    assert_begins("{\"orderListId\":1,\"contingencyType\":\"OCO\",\"listStatusType\":\"ALL_DONE\","
                  "\"listOrderStatus\":\"ALL_DONE\",\"listClientOrderId\":\"oco\",");
    assert_told("\"orders\":[{\"symbol\":\"BTCUSDT\",\"orderId\":11,\"clientOrderId\":\"above\"},"
                "{\"symbol\":\"BTCUSDT\",\"orderId\":12,\"clientOrderId\":\"below\"}],"
                "\"orderReports\":[{\"symbol\":\"BTCUSDT\",\"origClientOrderId\":\"below\","
                "\"orderId\":12,\"orderListId\":1,\"clientOrderId\":\"cancel-id\"");
    assert_told("\"stopPrice\":\"40000.00000000\"");
}

TEST(reply, cancel_of_a_list_names_the_list)
{
    open_desk();
    desk_oco();
    begin(REPLY_LIST_CANCEL, T_LIST_CANCEL, RESPONSE_DEFAULT);
    desk_end(11, 1, SELL, LIMIT_MAKER, 6000000, 3, ORDER_CANCELED, DONE_CANCELED, "above");
    desk_end(12, 1, SELL, STOP_LOSS, 0, 3, ORDER_CANCELED, DONE_LIST_CANCELED, "below");
    desk_list_done(1, 1);
    assert_true(finish());
    assert_told("\"listOrderStatus\":\"ALL_DONE\"");
    assert_told("\"clientOrderId\":\"cancel-id\"");
}

/* An order list is one element, with its orders in it. */
TEST(reply, cancel_all_lists_all_or_is_refused)
{
    uint8_t made[36];
    open_desk();
    desk_oco();
    desk_accept(0, 13, 1, SELL, 4900000, 2, "last");
    desk_apply();
    begin(REPLY_CANCEL_ALL, T_CANCEL_ALL, RESPONSE_DEFAULT);
    desk_end(2, 1, SELL, LIMIT, 7000000, 2, ORDER_CANCELED, DONE_CANCELED_ALL, "old");
    desk_end(11, 1, SELL, LIMIT_MAKER, 6000000, 3, ORDER_CANCELED, DONE_CANCELED_ALL, "above");
    desk_end(12, 1, SELL, STOP_LOSS, 0, 3, ORDER_CANCELED, DONE_LIST_CANCELED, "below");
    desk_list_done(1, 1);
    desk_end(13, 1, SELL, LIMIT, 4900000, 2, ORDER_CANCELED, DONE_CANCELED_ALL, "last");
    assert_true(finish());
    assert_begins("[{\"symbol\":\"BTCUSDT\",\"origClientOrderId\":\"old\"");
    assert_told("},{\"orderListId\":1,\"contingencyType\":\"OCO\"");
    assert_told("}]},{\"symbol\":\"BTCUSDT\",\"origClientOrderId\":\"last\",\"orderId\":13");
    assert_told("\"clientOrderId\":\"");
    made_id_cancel(desk_number, made);
    assert_told((const char *)made);
    assert_untold("own-id");
    begin(REPLY_CANCEL_ALL, T_CANCEL_ALL, RESPONSE_DEFAULT);
    assert_false(finish());
    assert_int_equal(refusal.reject, REJECT_UNKNOWN_ORDER);
}

/* An OTO whose working order fills at once: the pending one works too when the answer is given. */
TEST(reply, list_answer_has_a_report_of_each_order)
{
    open_desk();
    begin(REPLY_LIST, T_LIST_PLACE, RESPONSE_RESULT);
    desk_list(4, 1, LIST_OTOCO, 21, 22, 23, "otoco");
    desk_accept_type(21, 1, BUY, LIMIT, 4900000, 3, "work");
    desk_terms(0, 21, 1, 4, 0, false);
    desk_accept_type(22, 1, SELL, LIMIT_MAKER, 9000000, 3, "up");
    desk_terms(0, 22, 1, 4, 0, true);
    desk_accept_type(23, 1, SELL, STOP_LOSS, 0, 3, "down");
    desk_terms(0, 23, 1, 4, 3000000, true);
    desk_fill(0, 1, 1, 1, 2, 21, 1, BUY, 4900000, 2);
    desk_done(0, 1, 2, SELL, 4900000, 2, 2, 98000000, ORDER_FILLED, "maker");
    assert_true(finish());
    assert_begins(
        "{\"orderListId\":4,\"contingencyType\":\"OTO\",\"listStatusType\":\"EXEC_STARTED\","
        "\"listOrderStatus\":\"EXECUTING\",\"listClientOrderId\":\"otoco\","
        "\"transactionTime\":1700000040002,\"symbol\":\"BTCUSDT\",\"orders\":[{");
    assert_told("\"orderReports\":[{\"symbol\":\"BTCUSDT\",\"orderId\":21,\"orderListId\":4");
    assert_told("\"status\":\"PARTIALLY_FILLED\"");
    assert_told("\"status\":\"PENDING_NEW\",\"timeInForce\":\"GTC\",\"type\":\"STOP_LOSS\","
                "\"side\":\"SELL\",\"stopPrice\":\"30000.00000000\",\"workingTime\":-1");
    assert_int_equal(reply_placed_count(&reply), 3);
}

TEST(reply, amend_shows_the_order_before_and_after)
{
    open_desk();
    begin(REPLY_AMEND, T_ORDER_AMEND, RESPONSE_DEFAULT);
    struct order_amended_event amended = {
        .order_id = 2, .qty_before = {2}, .qty = {1}, .account = 1, .client_id = "new"};
    event_write_order_amended(&desk_events, &amended);
    assert_true(finish());
    assert_string_equal(
        desk_answer,
        "{\"transactTime\":1700000040002,\"executionId\":2,\"amendedOrder\":{"
        "\"symbol\":\"BTCUSDT\",\"orderId\":2,\"orderListId\":-1,\"origClientOrderId\":\"old\","
        "\"clientOrderId\":\"new\",\"price\":\"70000.00000000\",\"qty\":\"0.00001000\","
        "\"executedQty\":\"0.00000000\",\"preventedQty\":\"0.00000000\","
        "\"quoteOrderQty\":\"0.00000000\",\"cumulativeQuoteQty\":\"0.00000000\","
        "\"status\":\"NEW\",\"timeInForce\":\"GTC\",\"type\":\"LIMIT\",\"side\":\"SELL\","
        "\"workingTime\":1700000040001,\"selfTradePreventionMode\":\"NONE\"}}");
}

TEST(reply, amend_of_a_listed_order_names_its_list)
{
    open_desk();
    desk_oco();
    begin(REPLY_AMEND, T_ORDER_AMEND, RESPONSE_DEFAULT);
    struct order_amended_event amended = {
        .order_id = 11, .qty_before = {3}, .qty = {1}, .account = 1, .client_id = "new"};
    event_write_order_amended(&desk_events, &amended);
    assert_true(finish());
    assert_told("\"listStatus\":{\"orderListId\":1,\"contingencyType\":\"OCO\","
                "\"listOrderStatus\":\"EXECUTING\"");
    assert_told("{\"symbol\":\"BTCUSDT\",\"orderId\":11,\"clientOrderId\":\"new\"}");
}

static void replaced(enum reject cancel, enum reject place, bool attempted)
{
    const struct order_replaced_event both = {
        .cancel_reject = (uint16_t)cancel, .place_reject = (uint16_t)place, .attempted = attempted};
    open_desk();
    begin(REPLY_REPLACE, T_ORDER_REPLACE, RESPONSE_ACK);
    event_write_order_replaced(&desk_events, &both);
    if (cancel == REJECT_NONE)
        desk_end(2, 1, SELL, LIMIT, 7000000, 2, ORDER_CANCELED, DONE_REPLACED, "old");
    if (attempted && place == REJECT_NONE) {
        desk_accept(0, 5, 1, BUY, 5000000, 2, "mine");
        desk_fill(0, 1, 1, 1, 2, 5, 1, BUY, 4900000, 2);
        desk_done(0, 1, 2, SELL, 4900000, 2, 2, 98000000, ORDER_FILLED, "maker");
        desk_done(0, 5, 1, BUY, 5000000, 2, 2, 98000000, ORDER_FILLED, "mine");
    }
    assert_true(finish());
}

TEST(reply, replace_tells_both_halves)
{
    replaced(REJECT_NONE, REJECT_NONE, true);
    assert_int_equal(reply.http_status, 200);
    assert_begins("{\"cancelResult\":\"SUCCESS\",\"newOrderResult\":\"SUCCESS\","
                  "\"cancelResponse\":{\"symbol\":\"BTCUSDT\",\"origClientOrderId\":\"old\"");
    assert_told("\"newOrderResponse\":{\"symbol\":\"BTCUSDT\",\"orderId\":5,");
    assert_told("\"clientOrderId\":\"cancel-id\"");
}

TEST(reply, replace_that_was_half_done_is_a_conflict)
{
    replaced(REJECT_NONE, REJECT_INSUFFICIENT_BALANCE, true);
    assert_int_equal(reply.http_status, 409);
    assert_begins("{\"code\":-2021,\"msg\":\"Order cancel-replace partially failed.\","
                  "\"data\":{\"cancelResult\":\"SUCCESS\",\"newOrderResult\":\"FAILURE\",");
    assert_told("\"newOrderResponse\":{\"code\":-2010,\"msg\":\"Account has insufficient balance");
    replaced(REJECT_UNKNOWN_ORDER, REJECT_NONE, true);
    assert_int_equal(reply.http_status, 409);
    assert_told("\"cancelResult\":\"FAILURE\",\"newOrderResult\":\"SUCCESS\"");
    assert_int_equal(reply_placed_count(&reply), 1);
}

TEST(reply, replace_that_did_nothing_is_refused_with_both_reasons)
{
    replaced(REJECT_UNKNOWN_ORDER, REJECT_NONE, false);
    assert_int_equal(reply.http_status, 400);
    assert_string_equal(desk_answer,
                        "{\"code\":-2022,\"msg\":\"Order cancel-replace failed.\",\"data\":{"
                        "\"cancelResult\":\"FAILURE\",\"newOrderResult\":\"NOT_ATTEMPTED\","
                        "\"cancelResponse\":{\"code\":-2011,\"msg\":\"Unknown order sent.\"},"
                        "\"newOrderResponse\":null}}");
    replaced(REJECT_UNKNOWN_ORDER, REJECT_WOULD_TAKE, true);
    assert_int_equal(reply.http_status, 400);
    assert_told("\"newOrderResult\":\"FAILURE\"");
}

TEST(reply, switch_says_when_it_fires)
{
    open_desk();
    begin(REPLY_SWITCH, T_SWITCH_SET, RESPONSE_DEFAULT);
    fire_switch();
    const struct switch_armed_event armed = {.deadline_ns = 1700000045002000000u, .account = 1};
    event_write_switch_armed(&desk_events, &armed);
    assert_true(finish());
    assert_string_equal(desk_answer, "{\"symbol\":\"BTCUSDT\",\"countdownTime\":5000,"
                                     "\"deadline\":1700000045002}");
}

TEST(reply, admin_tells_what_was_made)
{
    desk_open();
    begin(REPLY_ADMIN, T_ACCOUNT_CREATE, RESPONSE_DEFAULT);
    desk_account(12);
    assert_true(finish());
    assert_string_equal(desk_answer,
                        "{\"result\":\"account-created\",\"account\":12,\"command\":1}");
    begin(REPLY_ADMIN, T_ACCOUNT_TIER, RESPONSE_DEFAULT);
    const struct tier_set_event set = {.account = 12, .tier = 0};
    event_write_tier_set(&desk_events, &set);
    assert_true(finish());
    assert_string_equal(desk_answer, "{\"result\":\"tier-set\",\"account\":12,\"command\":2}");

    begin(REPLY_ADMIN, T_LIABILITIES_ORDER, RESPONSE_DEFAULT);
    const struct liabilities_ordered_event ordered = {.height = 40};
    event_write_liabilities_ordered(&desk_events, &ordered);
    assert_true(finish());
    assert_string_equal(
        desk_answer, "{\"result\":\"liabilities-ordered\",\"effectiveHeight\":40,\"command\":3}");

    begin(REPLY_ADMIN, T_NODE_ADD, RESPONSE_DEFAULT);
    const struct node_changed_event changed = {
        .height = 9, .node = 5, .role = 1, .address = "127.0.0.1:8584"};
    event_write_node_changed(&desk_events, &changed);
    assert_true(finish());
    assert_string_equal(desk_answer,
                        "{\"result\":\"node-changed\",\"effectiveHeight\":9,\"command\":4}");
}

TEST(reply, refusal_is_code_and_message)
{
    struct writer json;
    const struct refusal price = refusal_of(REJECT_PRECISION, "price", NULL);
    writer_start(&json, desk_answer, sizeof(desk_answer) - 1);
    reply_refusal(&json, &price);
    desk_answer[json.used] = 0;
    assert_string_equal(desk_answer,
                        "{\"code\":-1111,\"msg\":\"Parameter 'price' has too much precision.\"}");
}

/* Whose clock is wrong reads by which to set it; other refusals have their two members alone. */
TEST(reply, a_refused_time_says_what_time_it_is)
{
    static const struct {
        enum reject reject;
        const char *text;
    } cases[] = {
        {REJECT_TOO_LATE, "{\"code\":-1021,\"msg\":\"Timestamp for this request is outside of the "
                          "recvWindow.\",\"serverTime\":77}"},
        {REJECT_TIMESTAMP_AHEAD, "{\"code\":-1021,\"msg\":\"Timestamp for this request was 1000ms "
                                 "ahead of the server's time.\",\"serverTime\":77}"},
        {REJECT_SIGNATURE, "{\"code\":-1022,\"msg\":\"Signature for this request is not valid.\"}"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char bytes[256];
        struct writer json;
        const struct refusal refused = refusal_of(cases[i].reject, NULL, NULL);
        writer_start(&json, bytes, sizeof(bytes) - 1);
        reply_refusal_at(&json, &refused, 77, false);
        bytes[json.used] = 0;
        assert_string_equal(bytes, cases[i].text);
    }
}

/* The WebSocket API has everything but code and text in "data", and no such member where there is nothing in it. */
TEST(reply, a_refused_time_is_nested_where_that_is_asked_for)
{
    char bytes[256];
    struct writer json;
    struct refusal refused = refusal_of(REJECT_TOO_LATE, NULL, NULL);
    writer_start(&json, bytes, sizeof(bytes) - 1);
    reply_refusal_at(&json, &refused, 77, true);
    bytes[json.used] = 0;
    assert_string_equal(bytes, "{\"code\":-1021,\"msg\":\"Timestamp for this request is outside of "
                               "the recvWindow.\",\"data\":{\"serverTime\":77}}");
    refused = refusal_of(REJECT_SIGNATURE, NULL, NULL);
    writer_start(&json, bytes, sizeof(bytes) - 1);
    reply_refusal_at(&json, &refused, 77, true);
    bytes[json.used] = 0;
    assert_string_equal(bytes,
                        "{\"code\":-1022,\"msg\":\"Signature for this request is not valid.\"}");
}
