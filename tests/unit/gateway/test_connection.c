#include "gateway/connection_h2o.h"

#include "tests/unit/gateway/socket_fixture.h"

#include <malloc.h>

/* A ping is answered with its payload, also inside a fragmented message, which then is answered
 * too. */
TEST(connection, ping_inside_fragments)
{
    start_server();
    uint8_t opcode;
    size_t bytes;
    client_open(&first, "/ws");
    client_send(&first, 0x01, "{\"method\":\"LIST_SUBS", 20);
    client_send(&first, 0x89, "knock", 5);
    assert_string_equal(client_hear(&first, &opcode, &bytes), "knock");
    assert_int_equal(opcode, FRAME_PONG);
    client_send(&first, 0x00, "CRIPTIONS\",", 11);
    client_send(&first, 0x80, "\"id\":1}", 7);
    expect_text(&first, "{\"result\":[],\"id\":1}");
    leave(&first);
    stop_server();
}

/* Each kind of bad input closes the connection with its own code, and the socket after it. */
TEST(connection, bad_input_closes_with_its_code)
{
    start_server();
    static const struct {
        uint8_t bytes[12];
        size_t byte_count;
        uint16_t code;
    } cases[] = {
        {"\x81\x01z", 3, 1002},                                 /* not masked */
        {"\x81\x82\0\0\0\0\xc3\x28", 8, 1007},                  /* not UTF-8 */
        {"\xc1\x80\0\0\0\0", 6, 1002},                          /* reserved bit */
        {"\x81\xff\x00\x00\x00\x00\x00\x01\x00\x01", 10, 1009}, /* 64 KiB and a byte */
        {"\x88\x81\0\0\0\0x", 7, 1002},                         /* one-byte close */
        {"\x82\x81\0\0\0\0x", 7, 1003},                         /* binary */
        {"\x88\x80\0\0\0\0", 6, 1000},                          /* an ordinary close */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        client_open(&first, "/ws/btcusdt@trade");
        client_write(&first, cases[i].bytes, cases[i].byte_count);
        expect_close(&first, cases[i].code);
        leave(&first);
        assert_int_equal(socket_hub_count(hub), 0);
    }
    assert_int_equal(metric_get(&metrics.ws_protocol_closed_total),
                     sizeof(cases) / sizeof(cases[0]) - 1);
    stop_server();
}

/* Behind the close frame for a broken protocol comes the end of the stream, at once; the connection is gone when the
 * client has closed too. */
TEST(connection, broken_protocol_ends_the_stream)
{
    start_server();
    uint8_t opcode;
    size_t bytes;
    client_open(&first, "/ws");
    client_write(&first, "\x81\x01z", 3);
    expect_close(&first, 1002);
    assert_null(client_hear(&first, &opcode, &bytes));
    leave(&first);
    assert_int_equal(socket_hub_count(hub), 0);
    stop_server();
}

/* A fragment that cannot become UTF-8 is refused when it comes, not when its message ends; so is one of a binary
 * message. A character may be cut in two. */
TEST(connection, fragments_are_checked_as_they_come)
{
    start_server();
    client_open(&first, "/ws");
    client_send(&first, 0x01, "\xed", 1);
    client_send(&first, 0x00, "\xa0", 1);
    expect_close(&first, 1007);
    leave(&first);
    client_open(&first, "/ws");
    client_send(&first, 0x01, "\xe2\x82", 2);
    client_send(&first, 0x80, "", 0);
    expect_close(&first, 1007);
    leave(&first);
    client_open(&first, "/ws");
    client_send(&first, 0x02, "x", 1);
    expect_close(&first, 1003);
    leave(&first);
    client_open(&first, "/ws");
    client_send(&first, 0x01, "{\"method\":\"LIST_SUBSCRIPTIONS\",\"x\":\"\xe2", 37);
    client_send(&first, 0x00, "\x82", 1);
    client_send(&first, 0x80, "\xac\",\"id\":5}", 10);
    expect_text(&first, "{\"result\":[],\"id\":5}");
    leave(&first);
    stop_server();
}

/* More than ten messages at once, or pongs that nobody asked for: closed with 1008, and counted. */
TEST(connection, too_many_messages_close_it)
{
    start_server();
    client_open(&first, "/ws");
    for (int i = 0; i < 10; i++)
        client_say(&first, "{\"method\":\"LIST_SUBSCRIPTIONS\",\"id\":1}");
    for (int i = 0; i < 10; i++)
        expect_text(&first, "{\"result\":[],\"id\":1}");
    client_say(&first, "{\"method\":\"LIST_SUBSCRIPTIONS\",\"id\":1}");
    expect_close(&first, 1008);
    leave(&first);
    client_open(&first, "/ws");
    for (int i = 0; i < 11; i++)
        client_send(&first, 0x8a, "", 0);
    expect_close(&first, 1008);
    assert_int_equal(metric_get(&metrics.ws_flood_closed_total), 2);
    leave(&first);
    stop_server();
}

/* Every 20 s a ping with the time in it; answered, it goes on. A minute without an answer ends it. */
TEST(connection, silent_client_is_closed)
{
    start_server();
    uint8_t opcode;
    size_t bytes;
    client_open(&first, "/ws");
    for (int i = 0; i < 10; i++) {
        now_ns += 20 * SECOND_NS;
        const char *ping = client_hear(&first, &opcode, &bytes);
        assert_non_null(ping);
        assert_int_equal(opcode, FRAME_PING);
        assert_int_equal(bytes, 13); /* milliseconds since the epoch */
        client_send(&first, 0x8a, ping, bytes);
        client_say(&first, "{\"method\":\"LIST_SUBSCRIPTIONS\",\"id\":1}");
        expect_text(&first, "{\"result\":[],\"id\":1}"); /* the pong has been read */
    }
    now_ns += 20 * SECOND_NS;
    assert_non_null(client_hear(&first, &opcode, &bytes));
    assert_int_equal(opcode, FRAME_PING);
    now_ns += 60 * SECOND_NS;
    expect_close(&first, 1008);
    assert_int_equal(metric_get(&metrics.ws_silent_closed_total), 1);
    leave(&first);
    stop_server();
}

/* A connection lives 24 hours; ten minutes before that its client is told, in the form of his streams. */
TEST(connection, old_connection_is_told_and_closed)
{
    static const char plain[] = "{\"e\":\"serverShutdown\",\"E\":";
    static const char combined[] =
        "{\"stream\":\"!serverShutdown\",\"data\":{\"e\":\"serverShutdown\",\"E\":";
    start_server();
    client_open(&first, "/ws");
    client_open(&second, "/stream");
    now_ns += pulse_limits_default().life_ns - pulse_limits_default().notice_ns;
    assert_memory_equal(hear_text(&first), plain, strlen(plain));
    assert_memory_equal(hear_text(&second), combined, strlen(combined));
    assert_int_equal(metric_get(&metrics.ws_old_closed_total), 0);
    now_ns += pulse_limits_default().notice_ns;
    expect_close(&first, 1001);
    expect_close(&second, 1001);
    assert_int_equal(metric_get(&metrics.ws_old_closed_total), 2);
    close(second.descriptor);
    leave(&first);
    stop_server();
}

/* Who has been told to go and does not close is gone after two seconds. */
TEST(connection, close_is_not_waited_for_long)
{
    start_server();
    client_open(&first, "/ws");
    client_write(&first, "\x82\x81\0\0\0\0x", 7);
    expect_close(&first, 1003);
    assert_int_equal(socket_hub_count(hub), 1);
    now_ns += 2 * SECOND_NS;
    for (int i = 0; i < WAIT_TURNS && socket_hub_count(hub) > 0; i++) {
        turn();
        poll(NULL, 0, 1);
    }
    assert_int_equal(socket_hub_count(hub), 0);
    close(first.descriptor);
    stop_server();
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
/* What an idle connection with a stream takes of ours: at most 8 KiB (here with all that libh2o and libuv keep). */
TEST(connection, idle_connection_takes_at_most_8_kib)
{
    enum { CONNECTIONS = 200 };
    static int descriptors[CONNECTIONS];
    start_server();
    client_open(&first, "/ws/btcusdt@trade"); /* what is allocated once */
    const size_t before = mallinfo2().uordblks;
    for (int i = 0; i < CONNECTIONS; i++) {
        client_open(&second, "/ws/btcusdt@trade");
        descriptors[i] = second.descriptor;
    }
    const size_t each = (mallinfo2().uordblks - before) / CONNECTIONS;
    print_message("%zu bytes a connection\n", each);
    assert_true(each <= 8192);
    for (int i = 0; i < CONNECTIONS; i++)
        close(descriptors[i]);
    leave(&first);
    stop_server();
}
#endif

/* Answers wait as long as they have to, and close nobody; what is told unasked has its own bound beside them. */
TEST(connection, answers_leave_room_for_what_is_told)
{
    static char bytes[SOCKET_QUEUE_MAX];
    const h2o_iovec_t large = {bytes, sizeof(bytes)}, small = {bytes, 100};
    start_server();
    struct connection *connection = connection_new(hub);
    assert_non_null(connection);
    connection_tell(connection, &small, 1);
    connection_answer(connection, &large, 1);
    connection_answer(connection, &large, 1);
    connection_tell(connection, &small, 1);
    assert_false(connection_is_closing(connection));
    connection_tell(connection, &large, 1);
    assert_true(connection_is_closing(connection));
    assert_int_equal(metric_get(&metrics.ws_slow_closed_total), 1);
    assert_int_equal(connection->outbox.answer_bytes, 0);
    connection_free(connection);
    stop_server();
}

/* A message is with the kernel when the round that wrote it ends: no turn of the loop is between, and nothing is left of
 * it. */
TEST(connection, message_is_written_at_once)
{
    start_server();
    client_open(&first, "/ws/btcusdt@trade");
    const struct connection *connection = container_of(hub->all.next, struct connection, all);
    trade(1);
    assert_int_equal(outbox_count(&connection->outbox), 1);
    connection_write_all(hub);
    assert_int_equal(outbox_count(&connection->outbox), 0);
    for (int i = 0; i < WAIT_TURNS && first.used == 0; i++) {
        client_await(&first);
        assert_true(client_fill(&first));
    }
    assert_true(first.used > 0);
    leave(&first);
    stop_server();
}

enum { MESSAGE_BYTES = 60000 };

/* Tells messages of this size, numbered, until the kernel has taken one in part or nothing of it. Returns how many. */
static int tell_until_full(struct connection *connection, size_t byte_count)
{
    static char text[MESSAGE_BYTES + 1];
    const h2o_iovec_t part = {text, byte_count};
    memset(text, 'x', sizeof(text));
    int told = 0;
    while (connection->outbox.in_flight == 0) {
        assert_true(told < 10000);
        (void)snprintf(text, sizeof(text), "%08d", told++);
        text[8] = 'x';
        connection_tell(connection, &part, 1);
        connection_write_all(hub);
    }
    return told;
}

/* What the kernel takes in part arrives whole and in its order when the reader goes on. Where its room ends between two
 * messages, it is tried with others. */
TEST(connection, part_of_a_message_is_followed_by_its_rest)
{
    bool was_part = false;
    start_server();
    client_open(&first, "/ws"); /* does not read */
    struct connection *connection = container_of(hub->all.next, struct connection, all);
    for (size_t byte_count = MESSAGE_BYTES; !was_part; byte_count -= 1001) {
        assert_true(byte_count > MESSAGE_BYTES / 2);
        const int told = tell_until_full(connection, byte_count);
        was_part = connection->outbox.sent_bytes > 0;
        for (int i = 0; i < told; i++)
            assert_int_equal(strtol(hear_text(&first), NULL, 10), i);
        assert_int_equal(outbox_count(&connection->outbox), 0);
    }
    leave(&first);
    stop_server();
}

/* A reader that stops reading is closed with 1008 when trades outgrow its queue, counted, and nobody
 * else notices. */
TEST(connection, slow_reader_of_trades_is_closed)
{
    start_server();
    uint8_t opcode;
    size_t bytes;
    client_open(&first, "/ws/btcusdt@trade"); /* does not read */
    client_open(&second, "/ws/btcusdt@trade");
    uint64_t heard = 0, id = 0;
    while (metric_get(&metrics.ws_slow_closed_total) == 0) {
        assert_true(id < 500000);
        for (int i = 0; i < 100; i++)
            trade(++id);
        for (int i = 0; i < 100; i++, heard++) {
            assert_non_null(client_hear(&second, &opcode, &bytes));
            assert_int_equal(opcode, FRAME_TEXT);
        }
    }
    assert_int_equal(heard, id);
    assert_int_equal(metric_get(&metrics.ws_slow_closed_total), 1);
    expect_close(&first, 1008);
    close(second.descriptor);
    leave(&first);
    stop_server();
}

/* A connection of which nothing is read, as of the API with as many requests under way as may be. */
static struct connection *open_paused(void)
{
    client_open(&first, "/ws");
    struct connection *connection = container_of(hub->all.next, struct connection, all);
    connection->api = calloc(1, sizeof(*connection->api));
    assert_non_null(connection->api);
    connection->api->weight = WS_CALLS_MAX;
    client_say(&first, "x");
    for (int turns = 0; turns < WAIT_TURNS && !connection->is_paused; turns++)
        turn();
    assert_true(connection->is_paused);
    return connection;
}

/* Who takes some of his answers within the time for a pong goes on, however long all of them take; then he is closed. */
TEST(connection, one_who_takes_answers_is_not_slow)
{
    static char bytes[8 * 1024 * 1024];
    const h2o_iovec_t answer = {bytes, sizeof(bytes)};
    start_server();
    struct connection *connection = open_paused();
    connection_answer(connection, &answer, 1);
    for (uint32_t parts = 0; parts < 4; parts++) {
        now_ns += pulse_limits_default().pong_ns - 1;
        const size_t waiting = connection->outbox.byte_count;
        for (int turns = 0; turns < WAIT_TURNS && connection->outbox.byte_count == waiting;
             turns++) {
            turn();
            client_await(&first);
            first.used = 0;
            assert_true(client_fill(&first));
        }
        assert_true(connection->outbox.byte_count < waiting);
        connection_tick_all(hub);
        assert_false(connection_is_closing(connection));
    }
    assert_true(connection->is_paused && outbox_count(&connection->outbox) > 0);
    now_ns += pulse_limits_default().pong_ns;
    connection_tick_all(hub);
    assert_true(connection_is_closing(connection));
    assert_int_equal(metric_get(&metrics.ws_slow_closed_total), 1);
    leave(&first);
    stop_server();
}

/* Of whom nothing is read for a while is asked for no pong, but grows old like everybody. */
TEST(connection, paused_connection_grows_old)
{
    start_server();
    struct connection *connection = open_paused();
    for (uint32_t minutes = 0; minutes < 3; minutes++) {
        now_ns += pulse_limits_default().pong_ns;
        for (int turns = 0; turns < WAIT_TURNS && outbox_count(&connection->outbox) > 0; turns++)
            turn();
        connection_tick_all(hub);
        assert_false(connection_is_closing(connection));
    }
    now_ns += pulse_limits_default().life_ns;
    for (int turns = 0; turns < WAIT_TURNS && outbox_count(&connection->outbox) > 0; turns++)
        turn();
    connection_tick_all(hub);
    assert_true(connection_is_closing(connection));
    assert_int_equal(metric_get(&metrics.ws_old_closed_total), 1);
    leave(&first);
    stop_server();
}

/* What is told unasked keeps nobody from being read: only answers do that wait. */
TEST(connection, only_answers_pause_reading)
{
    static char bytes[SOCKET_QUEUE_MAX - 1024];
    const h2o_iovec_t part = {bytes, sizeof(bytes)};
    start_server();
    client_open(&first, "/ws");
    struct connection *connection = container_of(hub->all.next, struct connection, all);
    connection->api = calloc(1, sizeof(*connection->api));
    assert_non_null(connection->api);
    connection_tell(connection, &part, 1);
    const uint64_t before = metric_get(&metrics.ws_messages_total);
    client_send(&first, 0x89, "x", 1); /* a ping, whose pong is queued */
    for (int turns = 0; turns < WAIT_TURNS && metric_get(&metrics.ws_messages_total) == before;
         turns++)
        turn();
    assert_int_equal(metric_get(&metrics.ws_messages_total), before + 1);
    assert_true(connection->outbox.byte_count > SOCKET_PAUSE_ABOVE);
    connection_answer(connection, &part, 1);
    client_send(&first, 0x89, "x", 1);
    for (int turns = 0; turns < WAIT_TURNS && !connection->is_paused; turns++)
        turn();
    assert_true(connection->is_paused);
    assert_int_equal(metric_get(&metrics.ws_paused_total), 1);
    leave(&first);
    stop_server();
}
