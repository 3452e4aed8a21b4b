#include "tests/unit/gateway/loop_fixture.h"

#define PING  "GET /api/v3/ping HTTP/1.1\r\nHost: x\r\n\r\n"
#define ORDER "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=100"

static char request[2048];
static uint8_t command[COMMAND_BYTES_MAX];

/* What waits when the node stops is answered, not dropped: its outcome still comes. */
TEST(server, waiting_order_is_finished_before_a_stop)
{
    loop_open();
    const int descriptor =
        loop_send_signed(request, sizeof(request), "POST", "/api/v3/order", ORDER);
    const size_t byte_count = loop_next_command(command);
    atomic_store(&loop_progress.stopping, 1);
    loop_await_closed();
    loop_accept(command, byte_count, 5);
    loop_assert_status(loop_receive(descriptor), "200", "\"orderId\":5,");
    assert_non_null(strstr(loop_text, "\r\nConnection: close\r\n"));
    close(descriptor);
    assert_int_equal(loop_stop(), STATUS_OK);
}

static uint32_t farewell_ms;

static void with_farewell(void)
{
    loop_options.limits.farewell_ms = farewell_ms;
}

/* A connection that has asked once and is kept. */
static int connect_and_ask(void)
{
    const int descriptor = loop_connect_when_open();
    assert_int_equal(send(descriptor, PING, strlen(PING), MSG_NOSIGNAL), strlen(PING));
    loop_assert_status(loop_receive(descriptor), "200", "\r\nConnection: keep-alive\r\n");
    return descriptor;
}

static void close_port(void)
{
    atomic_store(&loop_progress.closing, 1);
    park_wake(&loop_park);
    loop_await_closed();
}

static void expect_last(int descriptor, const char *text, const char *status, const char *part)
{
    char byte;
    assert_int_equal(send(descriptor, text, strlen(text), MSG_NOSIGNAL), strlen(text));
    loop_assert_status(loop_receive(descriptor), status, part);
    assert_non_null(strstr(loop_text, "\r\nConnection: close\r\n"));
    assert_int_equal(recv(descriptor, &byte, 1, 0), 0);
    close(descriptor);
}

/* A client that does not know of the stop yet hears a definite word, and that it is the last: reads are answered, and
 * an order is refused, rather than lost with its connection. */
TEST(server, requests_on_their_way_are_answered_at_a_stop)
{
    size_t byte_count;
    farewell_ms = 3600000;
    loop_prepare = with_farewell;
    loop_open();
    const int reader = connect_and_ask(), trader = connect_and_ask();
    close_port();
    expect_last(reader, PING, "200", "{}");
    loop_sign(request, sizeof(request), "POST", "/api/v3/order", ORDER);
    expect_last(trader, request, "503", "-1016");
    assert_null(ring_peek(loop_submissions, &byte_count));
    assert_int_equal(loop_stop(), STATUS_OK);
}

/* Who asks nothing is not waited for beyond that; half a request is none. */
TEST(server, idle_connections_end_after_the_farewell)
{
    char byte;
    farewell_ms = 1;
    loop_prepare = with_farewell;
    loop_open();
    const int silent = connect_and_ask(), slow = connect_and_ask();
    assert_int_equal(send(slow, "GET /api", 8, MSG_NOSIGNAL), 8);
    close_port();
    assert_int_equal(recv(silent, &byte, 1, 0), 0);
    assert_int_equal(recv(slow, &byte, 1, 0), 0);
    close(silent);
    close(slow);
    assert_int_equal(loop_stop(), STATUS_OK);
}

static int try_path(const char *path)
{
    const int descriptor = loop_connect_when_open();
    snprintf(request, sizeof(request),
             "GET %s HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
             path);
    assert_int_equal(send(descriptor, request, strlen(request), MSG_NOSIGNAL), strlen(request));
    return descriptor;
}

/* Streams and the API: an address may try 300 times in five minutes, whatever comes of it. Five minutes may begin in
 * between, so the limit is met within two. */
TEST(server, handshakes_of_one_address_are_limited)
{
    bool is_refused = false;
    loop_open();
    const uint64_t refused = metric_get(&loop_metrics.handshakes_refused_total);
    for (int count = 0; count < 602 && !is_refused; count++) {
        char head[13] = {0};
        const int descriptor =
            try_path(count % 2 == 0 ? "/ws/btcusdt@trade" : "/ws-api/v3?timeUnit=");
        assert_int_equal(recv(descriptor, head, 12, MSG_WAITALL), 12);
        is_refused = strcmp(head + 9, "429") == 0;
        close(descriptor);
        if (!is_refused) assert_string_equal(head + 9, count % 2 == 0 ? "101" : "400");
    }
    assert_true(is_refused);
    assert_int_equal(metric_get(&loop_metrics.handshakes_refused_total), refused + 1);
    loop_assert_status(loop_exchange("GET /api/v3/ping HTTP/1.1\r\nHost: x\r\n\r\n"), "200", "{}");
    assert_int_equal(loop_stop(), STATUS_OK);
}
