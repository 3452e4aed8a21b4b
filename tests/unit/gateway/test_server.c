#include "tests/unit/gateway/loop_fixture.h"

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
    close(descriptor);
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
