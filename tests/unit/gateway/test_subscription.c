#include "tests/unit/gateway/socket_fixture.h"

/* One event reaches a plain and a combined reader, each in its form. */
TEST(subscription, plain_and_combined_readers)
{
    start_server();
    client_open(&first, "/ws/btcusdt@trade");
    client_open(&second, "/stream?streams=btcusdt%40trade");
    trade(1);
    expect_text(&first, "{\"e\":\"trade\",\"E\":1700000040000,\"s\":\"BTCUSDT\",\"t\":1,"
                        "\"p\":\"1.00000000\",\"q\":\"0.00001000\",\"T\":1700000040000,"
                        "\"m\":false,\"M\":true}");
    expect_text(&second, "{\"stream\":\"btcusdt@trade\",\"data\":{\"e\":\"trade\","
                         "\"E\":1700000040000,\"s\":\"BTCUSDT\",\"t\":1,\"p\":\"1.00000000\","
                         "\"q\":\"0.00001000\",\"T\":1700000040000,\"m\":false,\"M\":true}}");
    assert_int_equal(socket_hub_count(hub), 2);
    assert_int_equal(metric_get(&metrics.ws_connections), 2);
    close(second.descriptor);
    leave(&first);
    assert_int_equal(socket_hub_count(hub), 0);
    stop_server();
}

/* Streams come and go by request; after the last has gone nothing arrives. */
TEST(subscription, subscribes_and_unsubscribes)
{
    start_server();
    client_open(&first, "/ws/7");
    client_say(&first, "{\"method\":\"SUBSCRIBE\",\"params\":[\"btcusdt@aggTrade\"],\"id\":\"x\"}");
    expect_text(&first, "{\"result\":null,\"id\":\"x\"}");
    trade(1);
    uint8_t opcode;
    size_t bytes;
    assert_non_null(strstr(client_hear(&first, &opcode, &bytes), "\"e\":\"aggTrade\""));
    client_say(&first, "{\"method\":\"UNSUBSCRIBE\",\"params\":[\"btcusdt@aggTrade\"],\"id\":2}");
    expect_text(&first, "{\"result\":null,\"id\":2}");
    trade(2);
    client_say(&first, "{\"method\":\"LIST_SUBSCRIPTIONS\",\"id\":3}");
    expect_text(&first, "{\"result\":[\"7\"],\"id\":3}");
    leave(&first);
    stop_server();
}

/* A slow reader of the book skips differences and gets one that covers them: no hole, no close. */
TEST(subscription, slow_reader_of_the_book_is_caught_up)
{
    enum { ROUNDS = 1000, LEVELS = 20 };
    start_server();
    uint8_t opcode;
    size_t bytes;
    uint64_t tick_ns = FIXTURE_START_NS, last = 0, messages = 0;
    client_open(&first, "/ws/btcusdt@depth@100ms/btcusdt@bookTicker");
    for (int round = 0; round < ROUNDS; round++) { /* it does not read */
        for (int i = 0; i < LEVELS; i++)
            level(1000 + i, 1 + round);
        publish_tick(publisher, tick_ns += 100000000);
        turn();
    }
    while (last < update_id) {
        const char *text = client_hear(&first, &opcode, &bytes);
        assert_non_null(text);
        if (opcode != FRAME_TEXT || strstr(text, "depthUpdate") == NULL) continue;
        const uint64_t from = strtoull(strstr(text, "\"U\":") + 4, NULL, 10);
        assert_true(from == last + 1);
        last = strtoull(strstr(text, "\"u\":") + 4, NULL, 10);
        messages++;
    }
    assert_true(messages < ROUNDS); /* some were skipped */
    assert_int_equal(metric_get(&metrics.ws_slow_closed_total), 0);
    leave(&first);
    stop_server();
}

/* One that is left behind further than the book's history is closed, not given a hole. */
TEST(subscription, reader_left_behind_the_history_is_closed)
{
    start_server();
    uint64_t tick_ns = FIXTURE_START_NS;
    client_open(&first, "/ws/btcusdt@depth@100ms");
    for (int round = 0; round < 400; round++) {
        for (int i = 0; i < 300; i++)
            level(1000 + i, 1 + round);
        publish_tick(publisher, tick_ns += 100000000);
        turn();
    }
    expect_close(&first, 1008);
    assert_int_equal(metric_get(&metrics.ws_slow_closed_total), 1);
    leave(&first);
    stop_server();
}

/* The number behind a key of a message. */
static uint64_t figure(const char *text, const char *key)
{
    const char *at = strstr(text, key);
    assert_non_null(at);
    return strtoull(at + strlen(key), NULL, 10);
}

/* A book's reader is given what is there, whenever he comes, and then every change behind it. */
TEST(subscription, book_begins_with_a_snapshot)
{
    start_server();
    level(100, 5);
    client_open(&first, "/stream?streams=btcusdt@book");
    const char *text = hear_text(&first);
    assert_non_null(strstr(text, "{\"stream\":\"btcusdt@book\",\"data\":{\"e\":\"bookSnapshot\""));
    assert_int_equal(figure(text, "\"u\":"), 1);
    level(101, 5);
    level(102, 5);
    text = hear_text(&first);
    assert_non_null(strstr(text, "\"e\":\"bookUpdate\""));
    assert_int_equal(figure(text, "\"U\":"), 2);
    client_open(&second, "/ws/btcusdt@book");
    text = hear_text(&second);
    assert_memory_equal(text, "{\"e\":\"bookSnapshot\"", 19);
    assert_int_equal(figure(text, "\"u\":"), 3);
    leave(&first);
    leave(&second);
    stop_server();
}

/* Opens both, and subscribes them between the same two rounds. */
static void subscribe_both(const char *first_stream, const char *second_stream)
{
    char text[128];
    client_open(&first, "/ws");
    client_open(&second, "/ws");
    snprintf(text, sizeof(text), "{\"method\":\"SUBSCRIBE\",\"params\":[\"%s\"],\"id\":1}",
             first_stream);
    client_say(&first, text);
    snprintf(text, sizeof(text), "{\"method\":\"SUBSCRIBE\",\"params\":[\"%s\"],\"id\":1}",
             second_stream);
    client_say(&second, text);
    turn();
    assert_string_equal(hear_text(&first), "{\"result\":null,\"id\":1}");
    assert_string_equal(hear_text(&second), "{\"result\":null,\"id\":1}");
}

/* Who begins with the same book at the same time is given the same snapshot, printed once; then both have every change. */
TEST(subscription, readers_of_one_round_share_a_snapshot)
{
    start_server();
    level(100, 5);
    subscribe_both("btcusdt@book", "btcusdt@book");
    assert_int_equal(figure(hear_text(&first), "\"u\":"), 1);
    assert_int_equal(figure(hear_text(&second), "\"u\":"), 1);
    assert_int_equal(metric_get(&metrics.ws_states_printed_total), 1);
    assert_int_equal(metric_get(&metrics.ws_states_deferred_total), 0);
    level(101, 5);
    assert_int_equal(figure(hear_text(&first), "\"U\":"), 2);
    assert_int_equal(figure(hear_text(&second), "\"U\":"), 2);
    leave(&first);
    leave(&second);
    client_open(&first, "/ws/btcusdt@book");
    assert_int_equal(figure(hear_text(&first), "\"u\":"),
                     2); /* of a later round: the book as it is then */
    leave(&first);
    stop_server();
}

/* A round prints no more than it may; who is left over is first in the next. */
TEST(subscription, snapshots_have_a_budget)
{
    start_server();
    socket_hub_configure(hub, &(struct socket_options){
                                  .pulse = pulse_limits_default(), .now_ns = now, .states_max = 1});
    level(100, 5);
    subscribe_both("btcusdt@book", "ethbtc@book");
    assert_non_null(strstr(hear_text(&first), "\"s\":\"BTCUSDT\""));
    assert_non_null(strstr(hear_text(&second), "\"s\":\"ETHBTC\""));
    assert_int_equal(metric_get(&metrics.ws_states_printed_total), 2);
    assert_int_equal(metric_get(&metrics.ws_states_deferred_total), 1);
    leave(&first);
    leave(&second);
    stop_server();
}

/* One that is left behind further than the history goes is told to begin anew, and not closed. */
TEST(subscription, book_reader_left_behind_begins_anew)
{
    start_server();
    uint64_t fast_ns = FIXTURE_START_NS, last = 0;
    client_open(&first, "/ws/btcusdt@book");
    assert_non_null(strstr(hear_text(&first), "bookSnapshot"));
    for (int round = 0; round < 400; round++) {
        for (int i = 0; i < 300; i++)
            level(1000 + i, 1 + round);
        publish_tick(publisher, fast_ns += 100000000);
        turn();
    }
    uint32_t resyncs = 0;
    while (last < update_id) {
        const char *text = hear_text(&first);
        if (strstr(text, "bookResync") != NULL) {
            resyncs++;
        } else {
            assert_int_equal(figure(text, "\"U\":"), last + 1);
        }
        last = figure(text, "\"u\":");
    }
    assert_int_equal(resyncs, 1);
    assert_int_equal(metric_get(&metrics.ws_slow_closed_total), 0);
    leave(&first);
    stop_server();
}
