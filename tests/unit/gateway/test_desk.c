#include "gateway/quota.h"
#include "gateway/readers_uv.h"

#include "gateway/desk_state.h"

#include "tests/unit/gateway/asker_fixture.h"

#define ORDER "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=100"

static struct asker ann, bob, cat;

/* What needs nobody is answered before the call returns, and tells what was used. */
TEST(desk, read_is_answered_at_once)
{
    asker_open();
    asker_ask(&ann, METHOD_GET, "/api/v3/ticker/price", "symbol=BTCUSDT");
    assert_int_equal(ann.answer_count, 1);
    assert_int_equal(ann.question.answer.http_status, 200);
    assert_string_equal(ann.text, "{\"symbol\":\"BTCUSDT\",\"price\":\"0.00000000\"}");
    assert_int_equal(ann.question.answer.used_weight, 2);
    assert_false(ann.question.answer.counts_orders);
    desk_forget(&ann.question);
    asker_close();
}

/* A question that nobody signed is refused by name, and its answer is the API's error. */
TEST(desk, question_without_a_signature_is_refused)
{
    asker_open();
    asker_ask(&ann, METHOD_GET, "/api/v3/account", "timestamp=1");
    assert_int_equal(ann.question.answer.http_status, 400);
    assert_string_equal(ann.text, "{\"code\":-1102,\"msg\":\"Mandatory parameter 'signature' was "
                                  "not sent, was empty/null, or malformed.\"}");
    desk_forget(&ann.question);
    asker_close();
}

/* A parameter that nobody reads is refused with how many were, and no order goes to the log; what signs is no such parameter,
 * nor is any where clients of other parts of the API ask. */
TEST(desk, a_parameter_that_says_nothing_is_refused)
{
    asker_open();
    asker_ask(&ann, METHOD_GET, "/api/v3/ticker/price", "symbol=BTCUSDT&side=BUY");
    assert_int_equal(ann.question.answer.http_status, 400);
    assert_string_equal(ann.text, "{\"code\":-1104,\"msg\":\"Not all sent parameters were read; "
                                  "read '1' parameter(s) but was sent '2'.\"}");
    desk_forget(&ann.question);
    asker_ask(&ann, METHOD_GET, "/api/v3/time", "timestamp=1&recvWindow=5&signature=x&apiKey=y");
    assert_int_equal(ann.question.answer.http_status, 200);
    desk_forget(&ann.question);
    asker_ask(&ann, METHOD_GET, "/quorex/v1/status", "symbol=BTCUSDT");
    assert_non_null(strstr(ann.text, "read '0' parameter(s) but was sent '1'."));
    desk_forget(&ann.question);
    asker_ask(&ann, METHOD_GET, "/sapi/v1/system/status", "symbol=BTCUSDT");
    assert_int_equal(ann.question.answer.http_status, 200);
    desk_forget(&ann.question);
    asker_ask_signed(&ann, METHOD_POST, "/api/v3/order", ORDER "&cancelReplaceMod=ALLOW_FAILURE");
    assert_non_null(strstr(ann.text, "{\"code\":-1104,"));
    assert_false(desk_waits(asker_desk));
    desk_forget(&ann.question);
    asker_close();
}

static void assert_placed(const char *more, bool is_placed)
{
    char text[256];
    snprintf(text, sizeof(text), "symbol=BTCUSDT&side=SELL&%s", more);
    asker_ask_signed(&ann, METHOD_POST, "/api/v3/order", text);
    if (desk_waits(asker_desk) != is_placed) print_error("%s\n", more);
    assert_int_equal(desk_waits(asker_desk), is_placed);
    if (is_placed)
        (void)asker_next_command();
    else
        assert_non_null(strstr(ann.text, "{\"code\":-1104,"));
    desk_forget(&ann.question);
}

#define MAKER  "type=LIMIT_MAKER&quantity=1&price=100"
#define LIMIT  "type=LIMIT&timeInForce=GTC&quantity=1&price=100"
#define STOP   "type=STOP_LOSS&quantity=1&stopPrice=50"
#define PROFIT "type=TAKE_PROFIT&quantity=1&stopPrice=150"
#define TRAILS "type=STOP_LOSS&quantity=1&trailingDelta=500"
#define MARKET "type=MARKET&quoteOrderQty=50"

/* ccxt says some of it twice, over the WebSocket API: its own word is passed over where the API's is there too, and says the
 * same. Where nothing else says it, it is refused as any other. */
TEST(desk, what_a_client_says_in_its_own_words_too_is_passed_over)
{
    asker_open();
    assert_placed(MAKER "&postOnly=true", true);
    assert_placed(LIMIT "&postOnly=false", true);
    assert_placed(MAKER "&newClientOrderId=a&clientOrderId=a", true);
    assert_placed(MAKER "&clientOrderId=a", false);
    assert_placed(STOP "&triggerPrice=50.0&stopLossPrice=50", true);
    assert_placed(PROFIT "&triggerPrice=150&takeProfitPrice=150.00", true);
    assert_placed(MAKER "&triggerPrice=50", false);
    assert_placed(TRAILS "&trailingPercent=5&stopLossOrTakeProfit=stopLoss", true);
    assert_placed(TRAILS "&stopPrice=50&trailingTriggerPrice=50&trailingPercent=5.00", true);
    assert_placed(MARKET "&cost=50", true);
    asker_ask(&ann, METHOD_GET, "/api/v3/time", "type=LIMIT_MAKER&postOnly=true");
    assert_non_null(strstr(ann.text, "read '0' parameter(s) but was sent '2'."));
    desk_forget(&ann.question);
    asker_close();
}

/* Of two that say something else, one would be as if it had not been sent. */
TEST(desk, a_word_that_contradicts_what_was_read_is_refused)
{
    asker_open();
    assert_placed(LIMIT "&postOnly=true", false);
    assert_placed(LIMIT "&postOnly=1", false);
    assert_placed(LIMIT "&postOnly=True", false);
    assert_placed(LIMIT "&postOnly=TRUE", false);
    assert_placed(MAKER "&postOnly=yes", false);
    assert_placed(MAKER "&postOnly=false", false);
    assert_placed(MAKER "&newClientOrderId=a&clientOrderId=b", false);
    assert_placed(STOP "&triggerPrice=500", false);
    assert_placed(STOP "&stopLossPrice=50&takeProfitPrice=60", false);
    assert_placed(STOP "&stopLossPrice=50&takeProfitPrice=50", false);
    assert_placed(PROFIT "&stopLossPrice=150", false);
    assert_placed(STOP "&trailingTriggerPrice=51", false);
    assert_placed(STOP "&triggerPrice=5e1", false);
    assert_placed(TRAILS "&trailingPercent=1", false);
    assert_placed(TRAILS "&trailingPercent=5.001", false);
    assert_placed(TRAILS "&trailingPercent=5&stopLossOrTakeProfit=takeProfit", false);
    assert_placed(MARKET "&cost=5000", false);
    asker_close();
}

/* A client that knows the tick has rounded or cut what it sends as the parameter, and sends the word as its user said it. */
TEST(desk, a_word_is_rounded_to_the_tick_that_was_read)
{
    asker_open();
    assert_placed(STOP "&triggerPrice=50.0049999999999", true);
    assert_placed(STOP "&triggerPrice=49.99000000000001", true);
    assert_placed(STOP "&triggerPrice=49.99", false);
    assert_placed(STOP "&triggerPrice=50.01", false);
    assert_placed(MARKET "&cost=50.0099999999999", true);
    assert_placed(MARKET "&cost=50.01", false);
    asker_close();
}

/* Elsewhere it is a parameter that nobody reads: a cancel's new name is not the order's. */
TEST(desk, a_word_of_an_order_is_refused_of_anything_else)
{
    asker_open();
    asker_ask_signed(&ann, METHOD_DELETE, "/api/v3/order",
                     "symbol=BTCUSDT&orderId=5&newClientOrderId=x&clientOrderId=x");
    assert_false(desk_waits(asker_desk));
    assert_non_null(strstr(ann.text, "{\"code\":-1104,"));
    desk_forget(&ann.question);
    asker_close();
}

/* An order is answered by its command's end, no sooner, with what it counts. */
TEST(desk, order_is_answered_by_its_events)
{
    asker_open();
    asker_ask_signed(&ann, METHOD_POST, "/api/v3/order", ORDER);
    assert_true(desk_waits(asker_desk));
    const struct command_header header = asker_next_command();
    assert_int_equal(header.type, T_ORDER_PLACE);
    desk_accept(0, 77, 1, BUY, 10000, 100000, "ann-1");
    const struct applied applied = asker_return_events(&header);
    assert_int_equal(ann.answer_count, 0);
    desk_finish(asker_desk, asker_waiter, &applied);
    assert_int_equal(ann.answer_count, 1);
    assert_non_null(strstr(ann.text, "\"orderId\":77,"));
    assert_true(ann.question.answer.counts_orders);
    assert_int_equal(ann.question.answer.orders_ten_seconds, 1);
    assert_int_equal(ann.question.answer.orders_day, 1);
    assert_int_equal(atomic_load(&desk_progress.acked_command), desk_number);
    assert_false(desk_waits(asker_desk));
    desk_forget(&ann.question);
    asker_close();
}

/* Whoever leaves while the parts of his command are coming leaves his place until their end: the next to come does not
 * get the answer. */
TEST(desk, place_of_a_returning_command_is_nobody_elses)
{
    asker_open();
    asker_ask_signed(&ann, METHOD_POST, "/api/v3/order", ORDER);
    const struct command_header header = asker_next_command();
    desk_accept(0, 77, 1, BUY, 10000, 100000, "ann-1");
    struct applied applied = asker_return_events(&header);
    desk_forget(&ann.question);
    asker_ask_signed(&bob, METHOD_POST, "/api/v3/order", ORDER);
    const struct command_header second = asker_next_command();
    struct event event = {0};
    desk_event(asker_waiter, &applied, &event);
    desk_finish(asker_desk, asker_waiter, &applied);
    assert_int_equal(ann.answer_count, 0);
    assert_int_equal(bob.answer_count, 0);
    desk_accept(0, 78, 1, BUY, 10000, 100000, "bob-1");
    asker_return(&second);
    assert_int_equal(bob.answer_count, 1);
    assert_non_null(strstr(bob.text, "\"orderId\":78,"));
    assert_false(desk_waits(asker_desk));
    desk_forget(&bob.question);
    asker_close();
}

/* A command whose parts are coming is not told unknown for its time; one behind it is. */
TEST(desk, time_ends_the_waiting_of_all_but_a_returning_command)
{
    asker_open();
    asker_ask_signed(&ann, METHOD_POST, "/api/v3/order", ORDER);
    asker_ask_signed(&bob, METHOD_POST, "/api/v3/order", ORDER);
    const struct command_header header = asker_next_command();
    desk_accept(0, 77, 1, BUY, 10000, 100000, "ann-1");
    const struct applied applied = asker_return_events(&header);
    desk_tick(asker_desk, DESK_WAIT_MS - 1);
    assert_int_equal(bob.answer_count, 0);
    desk_tick(asker_desk, DESK_WAIT_MS);
    assert_int_equal(ann.answer_count, 0);
    assert_int_equal(bob.answer_count, 1);
    assert_int_equal(bob.question.answer.http_status, 504);
    assert_non_null(strstr(bob.text, "{\"code\":-1007,"));
    desk_finish(asker_desk, asker_waiter, &applied);
    assert_int_equal(ann.question.answer.http_status, 200);
    desk_forget(&ann.question);
    desk_forget(&bob.question);
    asker_close();
}

/* Nobody reads older than what was told: who asks too early waits for the view, and goes on in the order of coming. An
 * answer that makes others leave does not lead the rest astray. */
TEST(desk, questions_wait_for_the_view)
{
    asker_open();
    atomic_store(&desk_progress.acked_command, desk_number + 1);
    asker_ask(&ann, METHOD_GET, "/api/v3/ping", "");
    asker_ask(&bob, METHOD_GET, "/api/v3/ping", "");
    asker_ask(&cat, METHOD_GET, "/api/v3/ping", "");
    ann.forgets = &bob; /* who would be next */
    desk_moved(asker_desk);
    assert_int_equal(ann.answer_count + bob.answer_count + cat.answer_count, 0);
    desk_apply();
    desk_moved(asker_desk);
    assert_int_equal(cat.answer_count, 1);
    assert_int_equal(bob.answer_count, 0);
    assert_int_equal(ann.rank, 1);
    assert_int_equal(cat.rank, 2);
    atomic_store(&desk_progress.acked_command, desk_number + 1);
    asker_ask(&bob, METHOD_GET, "/api/v3/ping", "");
    desk_apply();
    desk_moved(asker_desk);
    assert_int_equal(bob.rank, 3);
    desk_forget(&ann.question);
    desk_forget(&bob.question);
    desk_forget(&cat.question);
    asker_close();
}

/* 6,000 a minute for one address, whoever asks for it. */
TEST(desk, weight_beyond_the_minute_is_refused)
{
    asker_open_limited();
    for (int round = 0; round < 300; round++) {
        asker_ask(&ann, METHOD_GET, "/api/v3/exchangeInfo", "symbol=BTCUSDT");
        assert_int_equal(ann.question.answer.http_status, 200);
        desk_forget(&ann.question);
    }
    assert_int_equal(ann.question.answer.used_weight, 6000);
    asker_ask(&ann, METHOD_GET, "/api/v3/ping", "");
    assert_int_equal(ann.question.answer.http_status, 429);
    assert_int_equal(ann.question.answer.retry_after_s, 60 - desk_stamp / 1000000000 % 60);
    desk_forget(&ann.question);
    asker_close();
}

/* A node that stops takes no orders, and says what it knows. */
TEST(desk, stopped_desk_takes_no_commands)
{
    asker_open();
    desk_stop(asker_desk);
    asker_ask_signed(&ann, METHOD_POST, "/api/v3/order", ORDER);
    assert_int_equal(ann.question.answer.http_status, 503);
    assert_int_equal(asker_next_command().type, 0);
    asker_ask(&bob, METHOD_GET, "/api/v3/ping", "");
    assert_int_equal(bob.question.answer.http_status, 200);
    desk_forget(&ann.question);
    desk_forget(&bob.question);
    asker_close();
}

/* Uses up the minute's weight of the address. */
static void use_up_weight(void)
{
    for (int round = 0; round < 300; round++) {
        asker_ask(&ann, METHOD_GET, "/api/v3/exchangeInfo", "symbol=BTCUSDT");
        desk_forget(&ann.question);
    }
}

/* Asks for more a second after the other, until the address is banned. */
static void provoke_ban(void)
{
    use_up_weight();
    for (uint32_t round = 0; round < QUOTA_PATIENCE; round++) {
        asker_ask(&ann, METHOD_GET, "/api/v3/ping", "");
        assert_int_equal(ann.question.answer.http_status, 429);
        assert_false(ann.question.answer.ends_connection);
        desk_forget(&ann.question);
        desk_stamp += 1000 * DESK_MS_NS;
    }
    asker_ask(&ann, METHOD_GET, "/api/v3/ping", "");
    assert_int_equal(ann.question.answer.http_status, 418);
    desk_forget(&ann.question);
}

/* Who goes on after the refusals is banned, is told until when, and uses nothing meanwhile. */
TEST(desk, who_does_not_heed_refusals_is_banned)
{
    asker_open_limited();
    const uint64_t bans = metric_get(&desk_metrics.bans_total);
    provoke_ban();
    assert_int_equal(ann.question.answer.retry_after_s, QUOTA_BAN_S);
    assert_true(ann.question.answer.ends_connection);
    char expected[128];
    snprintf(expected, sizeof(expected),
             "{\"code\":-1003,\"msg\":\"Way too much request weight used; IP banned until %llu.",
             (unsigned long long)(desk_stamp / 1000000000 + QUOTA_BAN_S) * 1000);
    assert_ptr_equal(strstr(ann.text, expected), ann.text);
    assert_int_equal(metric_get(&desk_metrics.bans_total), bans + 1);
    asker_close();
}

/* A question as a transport has it before it has looked at more than whose it is. */
static void begin_unread(struct asker *asker)
{
    asker_clear(asker);
    asker->question.asker = &asker_functions;
    asker->question.request.address = asker_address;
    asker->question.request.now_ns = desk_stamp;
    desk_begin(asker_desk, &asker->question);
}

/* Nothing of what a banned address sends is read, on no transport; others are as free as before. */
TEST(desk, banned_address_is_refused_before_anything_is_read)
{
    struct refusal refusal;
    asker_open_limited();
    assert_false(desk_is_banned(asker_desk, asker_address, desk_stamp, &refusal));
    provoke_ban();
    const uint64_t refused = metric_get(&desk_metrics.banned_refused_total);
    begin_unread(&ann);
    assert_false(desk_admits(&ann.question));
    assert_int_equal(ann.answer_count, 1);
    assert_int_equal(ann.question.answer.http_status, 418);
    assert_int_equal(ann.question.answer.retry_after_s, QUOTA_BAN_S);
    assert_true(ann.question.answer.ends_connection);
    assert_true(desk_is_banned(asker_desk, asker_address, desk_stamp, &refusal));
    assert_int_equal(strtoull(refusal.first, NULL, 10),
                     (desk_stamp / 1000000000 + QUOTA_BAN_S) * 1000);
    assert_int_equal(metric_get(&desk_metrics.banned_refused_total), refused + 2);
    asker_address = 8;
    begin_unread(&bob);
    assert_true(desk_admits(&bob.question));
    assert_int_equal(bob.answer_count, 0);
    assert_false(desk_is_banned(asker_desk, asker_address, desk_stamp, &refusal));
    asker_address = 7;
    desk_forget(&ann.question);
    desk_forget(&bob.question);
    asker_close();
}

/* Where limits are off nobody is refused, whatever he has used. */
TEST(desk, limits_that_are_off_refuse_nobody)
{
    asker_open();
    for (uint32_t round = 0; round < 2 * QUOTA_HANDSHAKES_MAX; round++) {
        begin_unread(&ann);
        assert_true(desk_connects(&ann.question, 6000));
        desk_stamp += 100 * DESK_MS_NS;
    }
    desk_forget(&ann.question);
    asker_close();
}

/* Requests count as such too, whatever they weigh: 300,000 in five minutes. */
TEST(desk, requests_beyond_the_five_minutes_are_refused)
{
    asker_open_limited();
    for (uint32_t count = 0; count < QUOTA_REQUESTS_MAX; count++) {
        begin_unread(&ann);
        if (!desk_admits(&ann.question)) fail_msg("request %u is refused", count);
    }
    const uint64_t refused = metric_get(&desk_metrics.requests_refused_total);
    begin_unread(&ann);
    assert_false(desk_admits(&ann.question));
    assert_int_equal(ann.question.answer.http_status, 429);
    assert_int_equal(ann.question.answer.retry_after_s, 300 - desk_stamp / 1000000000 % 300);
    assert_memory_equal(ann.text,
                        "{\"code\":-1003,\"msg\":\"Too many requests; current limit is 300000 "
                        "requests per 5 MINUTE.",
                        86);
    assert_int_equal(metric_get(&desk_metrics.requests_refused_total), refused + 1);
    desk_forget(&ann.question);
    asker_close();
}

/* WebSocket handshakes: 300 in five minutes, and they weigh what they weigh. */
TEST(desk, handshakes_beyond_the_five_minutes_are_refused)
{
    asker_open_limited();
    for (uint32_t count = 0; count < QUOTA_HANDSHAKES_MAX; count++) {
        begin_unread(&ann);
        assert_true(desk_connects(&ann.question, 2));
    }
    const uint64_t refused = metric_get(&desk_metrics.handshakes_refused_total);
    begin_unread(&ann);
    assert_false(desk_connects(&ann.question, 2));
    assert_int_equal(ann.question.answer.http_status, 429);
    assert_int_equal(ann.question.answer.used_weight, 2 * QUOTA_HANDSHAKES_MAX);
    assert_string_equal(ann.text, "{\"code\":-1003,\"msg\":\"Too many connection attempts; current "
                                  "limit is 300 per 5 MINUTE.\"}");
    assert_int_equal(metric_get(&desk_metrics.handshakes_refused_total), refused + 1);
    desk_forget(&ann.question);
    asker_close();
}

/* A stream weighs nothing, so it is there for who has used up his weight. */
TEST(desk, stream_is_opened_when_the_weight_is_used_up)
{
    asker_open_limited();
    begin_unread(&ann);
    assert_true(desk_charge(&ann.question, QUOTA_WEIGHT_MAX));
    begin_unread(&ann);
    assert_true(desk_connects(&ann.question, 0));
    assert_false(desk_connects(&ann.question, 1));
    assert_int_equal(ann.question.answer.http_status, 429);
    desk_forget(&ann.question);
    asker_close();
}

/* An order that is placed weighs nothing; one that the log refuses weighs what the route says. */
TEST(desk, what_succeeds_in_trading_weighs_nothing)
{
    asker_open();
    asker_ask_signed(&ann, METHOD_POST, "/api/v3/order", ORDER);
    struct command_header header = asker_next_command();
    desk_accept(0, 77, 1, BUY, 10000, 100000, "ann-1");
    struct applied applied = asker_return_events(&header);
    desk_finish(asker_desk, asker_waiter, &applied);
    assert_int_equal(ann.question.answer.http_status, 200);
    assert_int_equal(ann.question.answer.used_weight, 0);
    desk_forget(&ann.question);

    asker_ask_signed(&ann, METHOD_DELETE, "/api/v3/order", "symbol=BTCUSDT&orderId=5");
    header = asker_next_command();
    event_write_refused(&desk_events, &(struct refused_event){.reject = REJECT_UNKNOWN_ORDER});
    applied = asker_return_events(&header);
    desk_finish(asker_desk, asker_waiter, &applied);
    assert_int_equal(ann.question.answer.http_status, 400);
    assert_int_equal(ann.question.answer.used_weight, 1);
    desk_forget(&ann.question);
    asker_close();
}

/* The old order was gone, the new one is there: half of it failed, and that weighs. */
TEST(desk, half_a_replace_weighs_what_it_costs)
{
    asker_open();
    asker_ask_signed(&ann, METHOD_POST, "/api/v3/order/cancelReplace",
                     ORDER "&cancelReplaceMode=ALLOW_FAILURE&cancelOrderId=5");
    const struct command_header header = asker_next_command();
    const struct order_replaced_event replaced = {.cancel_reject = REJECT_UNKNOWN_ORDER,
                                                  .attempted = 1};
    event_write_order_replaced(&desk_events, &replaced);
    desk_accept(0, 77, 1, BUY, 10000, 100000, "ann-1");
    const struct applied applied = asker_return_events(&header);
    desk_finish(asker_desk, asker_waiter, &applied);
    assert_int_equal(ann.question.answer.http_status, 409);
    assert_int_equal(ann.question.answer.used_weight, 1);
    assert_true(ann.question.answer.counts_orders);
    desk_forget(&ann.question);
    asker_close();
}

/* A hundred of ten seconds, by the log's clock: the next waits for the next ten. */
TEST(desk, orders_beyond_the_count_are_refused)
{
    asker_open_limited();
    for (uint64_t id = 1; id <= ORDER_TALLY_TEN_SECONDS_MAX - 2; id++)
        desk_accept(0, id, 1, BUY, 10000, 1, "a");
    desk_apply();
    static const char list[] = "symbol=BTCUSDT&workingType=LIMIT&workingSide=BUY&workingPrice=100"
                               "&workingQuantity=1&workingTimeInForce=GTC&pendingSide=SELL"
                               "&pendingQuantity=1&pendingAboveType=LIMIT_MAKER"
                               "&pendingAbovePrice=200&pendingBelowType=STOP_LOSS"
                               "&pendingBelowStopPrice=50";
    asker_ask_signed(&ann, METHOD_POST, "/api/v3/orderList/otoco", list);
    assert_int_equal(ann.question.answer.http_status, 429);
    desk_forget(&ann.question);
    desk_accept(0, 1000, 1, BUY, 10000, 1, "a");
    desk_accept(0, 1001, 1, BUY, 10000, 1, "a");
    desk_apply();
    asker_ask_signed(&ann, METHOD_POST, "/api/v3/order", ORDER);
    assert_int_equal(ann.question.answer.http_status, 429);
    assert_string_equal(ann.text, "{\"code\":-1015,\"msg\":\"Too many new orders; current limit is "
                                  "100 orders per 10 SECOND.\"}");
    assert_int_equal(ann.question.answer.retry_after_s, 10 - desk_stamp / 1000000000 % 10);
    assert_false(desk_waits(asker_desk));
    desk_forget(&ann.question);
    desk_stamp += 10000 * DESK_MS_NS;
    market_views_advance(fixture_views, desk_stamp);
    asker_ask_signed(&ann, METHOD_POST, "/api/v3/order", ORDER);
    assert_true(desk_waits(asker_desk));
    desk_forget(&ann.question);
    asker_close();
}

/* A clock that is wrong is told what time it is; a key of another kind is told so. */
TEST(desk, refusals_say_what_to_do_about_them)
{
    char query[512] = "timestamp=1700000040000&signature=";
    asker_open();
    asker_ask(&ann, METHOD_GET, "/api/v3/account", "timestamp=1600000000000&signature=00");
    assert_string_equal(ann.text, "{\"code\":-1021,\"msg\":\"Timestamp for this request is outside "
                                  "of the recvWindow.\",\"serverTime\":1700000040002}");
    desk_forget(&ann.question);
    memset(query + strlen(query), 'A', 344);
    asker_ask(&ann, METHOD_GET, "/api/v3/account", query);
    assert_string_equal(ann.text,
                        "{\"code\":-1022,\"msg\":\"RSA keys are not taken here: sign with "
                        "an Ed25519 or an HMAC-SHA256 key.\"}");
    desk_forget(&ann.question);
    asker_close();
}

/* Orders on their way to the log count as placed, also when whoever sent them has left; refused ones count no more. */
TEST(desk, orders_under_way_count)
{
    asker_open_limited();
    const uint64_t refused = metric_get(&desk_metrics.orders_refused_total);
    for (uint32_t count = 0; count < ORDER_TALLY_TEN_SECONDS_MAX; count++) {
        asker_ask_signed(&ann, METHOD_POST, "/api/v3/order", ORDER);
        assert_int_equal(ann.answer_count, 0);
        desk_forget(&ann.question);
    }
    assert_false(desk_waits(asker_desk)); /* nobody is there any more */
    asker_ask_signed(&ann, METHOD_POST, "/api/v3/order", ORDER);
    assert_int_equal(ann.question.answer.http_status, 429);
    assert_memory_equal(ann.text, "{\"code\":-1015,", 14);
    assert_int_equal(metric_get(&desk_metrics.orders_refused_total), refused + 1);
    desk_forget(&ann.question);
    struct command_header header = asker_next_command();
    event_write_refused(&desk_events, &(struct refused_event){.reject = REJECT_LOT_SIZE});
    asker_return(&header);
    asker_ask_signed(&ann, METHOD_POST, "/api/v3/order", ORDER);
    assert_true(desk_waits(asker_desk));
    desk_forget(&ann.question);
    header = asker_next_command();
    desk_accept(0, 1, 1, BUY, 10000, 1, "a"); /* it counts on, as placed */
    asker_return(&header);
    asker_ask_signed(&ann, METHOD_POST, "/api/v3/order", ORDER);
    assert_int_equal(ann.question.answer.http_status, 429);
    desk_forget(&ann.question);
    asker_close();
}

/* What does not come back in time is under way no longer; whoever left is not answered. */
TEST(desk, time_ends_what_nobody_waits_for)
{
    asker_open_limited();
    for (uint32_t count = 0; count < ORDER_TALLY_TEN_SECONDS_MAX; count++) {
        asker_ask_signed(&ann, METHOD_POST, "/api/v3/order", ORDER);
        desk_forget(&ann.question);
    }
    desk_tick(asker_desk, DESK_WAIT_MS - 1);
    asker_ask_signed(&ann, METHOD_POST, "/api/v3/order", ORDER);
    assert_int_equal(ann.question.answer.http_status, 429);
    desk_forget(&ann.question);
    desk_tick(asker_desk, DESK_WAIT_MS);
    assert_int_equal(ann.answer_count, 1);
    asker_ask_signed(&ann, METHOD_POST, "/api/v3/order", ORDER);
    assert_true(desk_waits(asker_desk));
    desk_forget(&ann.question);
    asker_close();
}

/* Takes what has gone to the log out of the ring, unanswered. */
static void lose_commands(void)
{
    while (asker_next_command().type != 0) {
    }
}

/* A quarter of the places is one address'; then others still have room. */
TEST(desk, one_address_has_its_share_of_the_waiting_places)
{
    asker_open_limited();
    const uint64_t refused = metric_get(&desk_metrics.queued_refused_total);
    for (uint32_t count = 0; count < DESK_COMMANDS_SHARE; count++) {
        asker_ask_signed(&ann, METHOD_DELETE, "/api/v3/order", "symbol=BTCUSDT&orderId=5");
        if (ann.answer_count > 0) fail_msg("command %u: %s", count, ann.text);
        desk_forget(&ann.question);
        if (count % 64 == 0) lose_commands();
    }
    asker_ask_signed(&ann, METHOD_DELETE, "/api/v3/order", "symbol=BTCUSDT&orderId=5");
    assert_int_equal(ann.question.answer.http_status, 429);
    assert_int_equal(ann.question.answer.retry_after_s, 1);
    assert_string_equal(ann.text, "{\"code\":-1003,\"msg\":\"Too many requests queued.\"}");
    assert_int_equal(metric_get(&desk_metrics.queued_refused_total), refused + 1);
    asker_address = 8;
    asker_ask_signed(&bob, METHOD_DELETE, "/api/v3/order", "symbol=BTCUSDT&orderId=5");
    assert_true(desk_waits(asker_desk));
    asker_address = 7;
    desk_forget(&ann.question);
    desk_forget(&bob.question);
    asker_close();
}

/* Of those that wait for PostgreSQL and files 64 are of one address. Who leaves makes room for another one. */
TEST(desk, one_address_has_its_share_of_the_lookups)
{
    static struct asker askers[DESK_LOOKUPS_SHARE];
    uv_loop_t loop; /* never run: nobody reads */
    assert_int_equal(uv_loop_init(&loop), 0);
    asker_readers = readers_new(&loop, NULL, 0);
    assert_non_null(asker_readers);
    asker_open_limited();
    for (uint32_t count = 0; count < DESK_LOOKUPS_SHARE; count++) {
        asker_ask(&askers[count], METHOD_GET, "/quorex/v1/evidence", "");
        assert_int_equal(askers[count].answer_count, 0);
    }
    asker_ask(&ann, METHOD_GET, "/quorex/v1/evidence", "");
    assert_int_equal(ann.question.answer.http_status, 429);
    assert_string_equal(ann.text, "{\"code\":-1003,\"msg\":\"Too many requests queued.\"}");
    asker_address = 8;
    asker_ask(&bob, METHOD_GET, "/quorex/v1/evidence", "");
    assert_int_equal(bob.answer_count, 0);
    asker_address = 7;
    desk_forget(&ann.question);
    desk_forget(&askers[5].question);
    asker_ask(&cat, METHOD_GET, "/quorex/v1/evidence", "");
    assert_int_equal(cat.answer_count, 0);
    desk_cut(asker_desk);
    readers_free(asker_readers); /* all are told that nobody reads any more */
    asker_readers = NULL;
    assert_int_equal(cat.answer_count + bob.answer_count + askers[0].answer_count, 3);
    asker_ask(&ann, METHOD_GET, "/api/v3/ping", "");
    assert_int_equal(ann.question.answer.http_status, 200);
    assert_int_equal(uv_loop_close(&loop), 0);
    asker_close();
}

/* What cannot be read as names and values says which of its faults it has. */
TEST(desk, forms_are_refused_by_their_fault)
{
    char query[512] = "symbol=BTCUSDT";
    asker_open();
    asker_ask(&ann, METHOD_GET, "/api/v3/ticker/price", "symbol=BTCUSDT&symbol=ETHBTC");
    assert_int_equal(ann.question.answer.http_status, 400);
    assert_string_equal(ann.text,
                        "{\"code\":-1101,\"msg\":\"Duplicate values for a parameter detected.\"}");
    desk_forget(&ann.question);
    for (int i = 0; i < FORM_FIELDS_MAX; i++)
        snprintf(query + strlen(query), sizeof(query) - strlen(query), "&k%d=v", i);
    asker_ask(&ann, METHOD_GET, "/api/v3/ticker/price", query);
    assert_string_equal(ann.text,
                        "{\"code\":-1101,\"msg\":\"Too many parameters sent for this endpoint.\"}");
    desk_forget(&ann.question);
    asker_ask(&ann, METHOD_GET, "/api/v3/ticker/price", "symbol=%4");
    assert_memory_equal(ann.text, "{\"code\":-1100,", 14);
    desk_forget(&ann.question);
    asker_close();
}
