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
