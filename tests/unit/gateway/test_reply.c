#include "gateway/reply.h"

#include "tests/unit/gateway/desk_fixture.h"

static struct reply reply;
static char list_bytes[1 << 16];
static struct refusal refusal;

static void begin(enum reply_kind kind, enum response_type response)
{
    struct writer list;
    writer_start(&list, list_bytes, sizeof(list_bytes));
    desk_open();
    reply_begin(&reply, kind, response, (const uint8_t *)"cancel-id\0..........................",
                list);
}

/* Plays the events written to desk_events. */
static bool finish(void)
{
    const struct printing printing = {market_views_params(fixture_views), DESK_MS_NS};
    const struct applied applied = {.number = 9, .stamp_ns = FIXTURE_START_NS};
    const uint8_t *at = desk_bytes;
    struct event event;
    struct writer json;
    while (event_next(&at, desk_events.at, &event))
        reply_event(&reply, &printing, &applied, &event);
    writer_start(&json, desk_answer, sizeof(desk_answer) - 1);
    const bool given = reply_finish(&reply, &printing, &json, &refusal);
    desk_answer[json.used] = 0;
    return given;
}

static void taker_of_two(void)
{
    desk_accept(0, 5, 2, BUY, 5000000, 3, "mine");
    desk_fill(0, 1, 1, 1, 1, 5, 2, BUY, 4900000, 2);
    desk_done(0, 1, 1, SELL, 4900000, 2, 2, 98000000, ORDER_FILLED, "maker");
}

/* The answer is the taker's, though makers end in the same command; commission is what it received
 * times its rate, rounded up. */
TEST(reply, full_answer_lists_the_takers_fills)
{
    begin(REPLY_ORDER, RESPONSE_FULL);
    taker_of_two();
    assert_true(finish());
    assert_string_equal(
        desk_answer,
        "{\"symbol\":\"BTCUSDT\",\"orderId\":5,\"orderListId\":-1,\"clientOrderId\":\"mine\","
        "\"transactTime\":1700000040000,\"price\":\"50000.00000000\",\"origQty\":\"0.00003000\","
        "\"executedQty\":\"0.00002000\",\"origQuoteOrderQty\":\"0.00000000\","
        "\"cummulativeQuoteQty\":\"0.98000000\",\"status\":\"PARTIALLY_FILLED\","
        "\"timeInForce\":\"GTC\",\"type\":\"LIMIT\",\"side\":\"BUY\","
        "\"workingTime\":1700000040000,\"fills\":[{\"price\":\"49000.00000000\","
        "\"qty\":\"0.00002000\",\"commission\":\"0.00000002\",\"commissionAsset\":\"BTC\","
        "\"tradeId\":1}],\"selfTradePreventionMode\":\"NONE\"}");
}

TEST(reply, result_has_no_fills_and_ack_no_state)
{
    begin(REPLY_ORDER, RESPONSE_RESULT);
    taker_of_two();
    assert_true(finish());
    assert_null(strstr(desk_answer, "fills"));
    assert_non_null(strstr(desk_answer, "\"status\":\"PARTIALLY_FILLED\""));
    begin(REPLY_ORDER, RESPONSE_ACK);
    taker_of_two();
    assert_true(finish());
    assert_string_equal(desk_answer, "{\"symbol\":\"BTCUSDT\",\"orderId\":5,\"orderListId\":-1,"
                                     "\"clientOrderId\":\"mine\",\"transactTime\":1700000040000}");
}

TEST(reply, refused_command_is_its_refusal)
{
    begin(REPLY_ORDER, RESPONSE_FULL);
    const struct refused_event refused = {.reject = REJECT_INSUFFICIENT_BALANCE};
    event_write_refused(&desk_events, &refused);
    assert_false(finish());
    assert_int_equal(refusal.reject, REJECT_INSUFFICIENT_BALANCE);
}

/* A command that came out of the log as nothing may have come out of it elsewhere: outcome unknown. */
TEST(reply, void_command_is_an_unknown_outcome)
{
    begin(REPLY_ORDER, RESPONSE_FULL);
    const struct noop_event noop = {.reject = REJECT_STALE_SEQUENCE};
    event_write_noop(&desk_events, &noop);
    assert_false(finish());
    assert_int_equal(refusal.reject, REJECT_OUTCOME_UNKNOWN);
}

/* clientOrderId is the cancel's own id, origClientOrderId the order's. */
TEST(reply, cancel_names_both_ids)
{
    begin(REPLY_CANCEL, RESPONSE_DEFAULT);
    desk_done(0, 1, 1, SELL, 4900000, 2, 1, 49000000, ORDER_CANCELED, "maker");
    assert_true(finish());
    assert_memory_equal(desk_answer,
                        "{\"symbol\":\"BTCUSDT\",\"origClientOrderId\":\"maker\",\"orderId\":1,"
                        "\"orderListId\":-1,\"clientOrderId\":\"cancel-id\",",
                        105);
    assert_non_null(strstr(desk_answer, "\"status\":\"CANCELED\""));
}

TEST(reply, cancel_all_lists_all_or_is_refused)
{
    begin(REPLY_CANCEL_ALL, RESPONSE_DEFAULT);
    desk_done(0, 1, 1, SELL, 4900000, 2, 1, 49000000, ORDER_CANCELED, "a");
    desk_done(0, 2, 1, SELL, 4900000, 2, 1, 49000000, ORDER_CANCELED, "b");
    assert_true(finish());
    assert_int_equal(desk_answer[0], '[');
    assert_non_null(strstr(desk_answer, "\"orderId\":1,"));
    assert_non_null(strstr(desk_answer, "},{\"symbol\""));
    begin(REPLY_CANCEL_ALL, RESPONSE_DEFAULT);
    assert_false(finish());
    assert_int_equal(refusal.reject, REJECT_UNKNOWN_ORDER);
}

TEST(reply, admin_tells_what_was_made)
{
    begin(REPLY_ADMIN, RESPONSE_DEFAULT);
    desk_account(12);
    assert_true(finish());
    assert_string_equal(desk_answer,
                        "{\"result\":\"account-created\",\"account\":12,\"command\":9}");
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

/* A fill of an account with itself is two of its trades. */
TEST(reply, own_fill_is_shown_once_per_side)
{
    struct writer json;
    const struct printing printing = {market_views_params(fixture_views), DESK_MS_NS};
    desk_open();
    const struct view_fill fill = {.trade_id = 1,
                                   .maker_order = 3,
                                   .taker_order = 4,
                                   .price = {100},
                                   .qty = {1},
                                   .maker_account = 1,
                                   .taker_account = 1,
                                   .taker_side = SELL};
    writer_start(&json, desk_answer, sizeof(desk_answer) - 1);
    reply_fill(&json, &printing, &fill, 1);
    desk_answer[json.used] = 0;
    assert_non_null(strstr(desk_answer, "\"isBuyer\":true,\"isMaker\":true"));
    assert_non_null(strstr(desk_answer, "\"isBuyer\":false,\"isMaker\":false"));
    assert_null(strstr(desk_answer, "\"orderId\":0"));
}
