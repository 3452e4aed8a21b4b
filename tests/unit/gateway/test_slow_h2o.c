#include "tests/unit/gateway/loop_fixture.h"

#define HOUR_MS 3600000

static uint32_t header_ms, body_ms;

static void with_limits(void)
{
    loop_options.limits.header_ms = header_ms;
    loop_options.limits.body_ms = body_ms;
}

static void open_with(uint32_t header, uint32_t body)
{
    header_ms = header;
    body_ms = body;
    loop_prepare = with_limits;
    loop_open();
}

static int begin(const char *text)
{
    const int descriptor = loop_connect_when_open();
    assert_int_equal(send(descriptor, text, strlen(text), MSG_NOSIGNAL), strlen(text));
    return descriptor;
}

/* The answer, whole, and the end of the connection behind it. */
static void expect_ended(int descriptor)
{
    char byte;
    const char *text = loop_receive(descriptor);
    loop_assert_status(text, "408", "too slowly");
    assert_int_equal(strlen(strstr(text, "\r\n\r\n") + 4),
                     strtoul(strstr(text, "Content-Length: ") + 16, NULL, 10));
    assert_int_equal(recv(descriptor, &byte, 1, 0), 0);
    close(descriptor);
}

/* A header section that does not end is not waited for, and counted; a connection that says nothing is another
 * matter, and answers still. */
TEST(slow, header_that_does_not_end)
{
    open_with(1, HOUR_MS);
    const int silent = loop_connect_when_open();
    expect_ended(begin("GET /api/v3/ping HTTP/1.1\r\nHost: x\r\nX-Slow"));
    assert_int_equal(metric_get(&loop_metrics.http_slow_closed_total), 1);
    static const char ask[] = "GET /api/v3/ping HTTP/1.1\r\nHost: x\r\n\r\n";
    assert_int_equal(send(silent, ask, strlen(ask), MSG_NOSIGNAL), strlen(ask));
    loop_assert_status(loop_receive(silent), "200", "{}");
    close(silent);
    assert_int_equal(loop_stop(), STATUS_OK);
}

/* Nor a body; its header section's limit is not its own. */
TEST(slow, body_that_does_not_end)
{
    open_with(HOUR_MS, 1);
    expect_ended(begin("POST /api/v3/order HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc"));
    assert_int_equal(metric_get(&loop_metrics.http_slow_closed_total), 1);
    assert_int_equal(loop_stop(), STATUS_OK);
}

/* In pieces, but within its time: answered. */
TEST(slow, pieces_in_time_are_answered)
{
    open_with(HOUR_MS, HOUR_MS);
    const int descriptor = begin("GET /api/v3/ping HTTP/1.1\r\nHo");
    loop_assert_status(loop_exchange("GET /api/v3/ping HTTP/1.1\r\nHost: x\r\n\r\n"), "200", "{}");
    assert_int_equal(send(descriptor, "st: x\r\n\r\n", 9, MSG_NOSIGNAL), 9);
    loop_assert_status(loop_receive(descriptor), "200", "{}");
    close(descriptor);
    assert_int_equal(metric_get(&loop_metrics.http_slow_closed_total), 0);
    assert_int_equal(loop_stop(), STATUS_OK);
}
