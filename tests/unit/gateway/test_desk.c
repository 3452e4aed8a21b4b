#include "gateway/quota.h"

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

/* Nobody reads older than what was told: who asks too early waits for the view. An answer that makes others leave
 * does not lead the rest astray. */
TEST(desk, questions_wait_for_the_view)
{
    asker_open();
    atomic_store(&desk_progress.acked_command, desk_number + 1);
    asker_ask(&ann, METHOD_GET, "/api/v3/ping", "");
    asker_ask(&bob, METHOD_GET, "/api/v3/ping", "");
    asker_ask(&cat, METHOD_GET, "/api/v3/ping", "");
    cat.forgets = &bob; /* who came last is looked at first */
    desk_moved(asker_desk);
    assert_int_equal(ann.answer_count + bob.answer_count + cat.answer_count, 0);
    desk_apply();
    desk_moved(asker_desk);
    assert_int_equal(cat.answer_count, 1);
    assert_int_equal(bob.answer_count, 0);
    assert_int_equal(ann.answer_count, 1);
    desk_forget(&ann.question);
    desk_forget(&cat.question);
    asker_close();
}

/* 6,000 a minute for one address, whoever asks for it. */
TEST(desk, weight_beyond_the_minute_is_refused)
{
    asker_limits_on = true;
    asker_open();
    asker_limits_on = false;
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

/* Who goes on after the refusals is banned, is told until when, and uses nothing meanwhile. */
TEST(desk, who_does_not_heed_refusals_is_banned)
{
    asker_limits_on = true;
    asker_open();
    asker_limits_on = false;
    for (int round = 0; round < 300; round++) {
        asker_ask(&ann, METHOD_GET, "/api/v3/exchangeInfo", "symbol=BTCUSDT");
        desk_forget(&ann.question);
    }
    for (uint32_t round = 0; round < QUOTA_PATIENCE; round++) {
        asker_ask(&ann, METHOD_GET, "/api/v3/ping", "");
        assert_int_equal(ann.question.answer.http_status, 429);
        desk_forget(&ann.question);
    }
    asker_ask(&ann, METHOD_GET, "/api/v3/ping", "");
    assert_int_equal(ann.question.answer.http_status, 418);
    assert_int_equal(ann.question.answer.retry_after_s, QUOTA_BAN_S);
    char expected[128];
    snprintf(expected, sizeof(expected),
             "{\"code\":-1003,\"msg\":\"Way too much request weight used; IP banned until %llu.",
             (unsigned long long)(desk_stamp / 1000000000 + QUOTA_BAN_S) * 1000);
    assert_ptr_equal(strstr(ann.text, expected), ann.text);
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
    asker_limits_on = true;
    asker_open();
    asker_limits_on = false;
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
