#include "gateway/address.h"
#include "gateway/hall.h"
#include "gateway/quota.h"
#include "tests/unit/gateway/loop_fixture.h"

/* What h2o would let pass: lengths given twice, and headers and bodies beyond our limits. */
TEST(exchange, ambiguous_or_oversized_requests_end_the_connection)
{
    static char large[100000];
    loop_open();
    loop_assert_status(
        loop_exchange("POST /api/v3/order HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n"
                      "Content-Length: 3\r\n\r\nabc"),
        "400", "Connection: close");
    loop_assert_status(
        loop_exchange("POST /api/v3/order HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n"
                      "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        "400", "Connection: close");
    int length = snprintf(large, sizeof(large), "GET /api/v3/ping HTTP/1.1\r\nHost: x\r\nX: ");
    memset(large + length, 'a', 20000);
    memcpy(large + length + 20000, "\r\n\r\n", 5);
    loop_assert_status(loop_exchange(large), "431", "Connection: close");
    length = snprintf(large, sizeof(large),
                      "POST /api/v3/order HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\n");
    memset(large + length, 'a', 70000);
    large[length + 70000] = 0;
    loop_assert_status(loop_exchange(large), "413", "Connection: close");
    loop_assert_status(loop_exchange("POST /api/v3/order HTTP/1.1\r\nHost: x\r\n"
                                     "Transfer-Encoding: chunked\r\n\r\n3\r\na=b\r\n0\r\n\r\n"),
                       "401", "-2014");
    assert_int_equal(metric_get(&loop_metrics.http_oversized_total), 2);
    assert_int_equal(loop_stop(), STATUS_OK);
}

/* What two readers would read as two different requests ends the connection: nothing behind it is answered. */
TEST(exchange, requests_that_read_two_ways_end_the_connection)
{
    static const char *const requests[] = {
        "POST /api/v3/order HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n 2\r\n\r\nab",
        "GET /api/v3/ping HTTP/1.1\r\nHost: x\r\nX-Note: a\r\n\tb\r\n\r\n",
        "\r\nPOST /api/v3/order HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: "
        "1\r\n\r\na",
        "GET /api/v3/ping HTTP/1.1\r\n\r\n",
        "GET /api/v3/ping HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n",
        "POST /api/v3/order HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    };
    loop_open();
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        loop_assert_status(loop_exchange(requests[i]), "400", "Connection: close");
        assert_non_null(strstr(loop_text, "-1100"));
    }
    loop_assert_status(loop_exchange("GET /api/v3/ping HTTP/1.0\r\n\r\n"), "200", "{}");
    loop_assert_status(loop_exchange("\r\nGET /api/v3/ping HTTP/1.1\r\nHost: x\r\n\r\n"), "200",
                       "{}");
    assert_int_equal(loop_stop(), STATUS_OK);
}

/* A body in chunks is taken, and is the last of its connection: h2o reads sizes that others do not. */
TEST(exchange, body_in_chunks_is_the_last)
{
    loop_open();
    loop_assert_status(
        loop_exchange("POST /api/v3/order HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                      "3;a=b\r\na=b\r\n0\r\n\r\n"),
        "401", "Connection: close");
    assert_non_null(strstr(loop_text, "-2014"));
    assert_int_equal(loop_stop(), STATUS_OK);
}

/* A whole URL is asked for as its path is, whatever host it names. */
TEST(exchange, whole_urls_are_paths)
{
    loop_open();
    loop_assert_status(
        loop_exchange("GET http://other.example:9/api/v3/ping HTTP/1.1\r\nHost: x\r\n\r\n"), "200",
        "{}");
    loop_assert_status(
        loop_exchange("GET HTTPS://x/api/v3/depth?symbol=NOPE HTTP/1.1\r\nHost: x\r\n\r\n"), "400",
        "-1121");
    loop_assert_status(loop_exchange("GET http://x HTTP/1.1\r\nHost: x\r\n\r\n"), "404", "-1020");
    loop_assert_status(loop_exchange("GET http://x?/api/v3/ping HTTP/1.1\r\nHost: x\r\n\r\n"),
                       "404", "-1020");
    assert_int_equal(loop_stop(), STATUS_OK);
}

static struct arena hall_arena;

/* The tests' address has asked all that it may, also when another window begins with the next minute. */
static void with_requests_used(void)
{
    const struct sockaddr_in client = {.sin_family = AF_INET,
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    assert_true(arena_map(&hall_arena, hall_bytes(1)));
    loop_options.hall = hall_new(&hall_arena, 1, &loop_metrics);
    assert_non_null(loop_options.hall);
    quota_charge(hall_quota(loop_options.hall), QUOTA_REQUESTS,
                 address_of((const struct sockaddr *)&client), QUOTA_REQUESTS_MAX,
                 (uint64_t)now.tv_sec * 1000000000u + QUOTA_MINUTE_NS);
}

/* Sends all of it at once; the one answer is in loop_text, and then the connection is over. */
static void expect_only_answer(const char *text)
{
    const int descriptor = loop_connect_when_open();
    size_t used = 0;
    ssize_t got;
    assert_int_equal(send(descriptor, text, strlen(text), MSG_NOSIGNAL), strlen(text));
    while ((got = recv(descriptor, loop_text + used, sizeof(loop_text) - 1 - used, 0)) > 0)
        used += (size_t)got;
    loop_text[used] = 0;
    close(descriptor);
    loop_assert_status(loop_text, "429", "\r\nConnection: close\r\n");
    assert_null(strstr(loop_text + 1, "HTTP/1.1 "));
}

/* Whoever asks too often is refused, and keeps his connection; but not behind what reads two ways: what h2o would take for the
 * next request may be what another reader took for a body. */
TEST(exchange, requests_that_read_two_ways_are_the_last_of_who_asks_too_often)
{
#define NEXT "GET /api/v3/time HTTP/1.1\r\nHost: x\r\n\r\n"
    loop_prepare = with_requests_used;
    loop_open();
    const int kept = loop_connect_when_open();
    for (int count = 0; count < 2; count++) {
        assert_int_equal(send(kept, NEXT, strlen(NEXT), MSG_NOSIGNAL), strlen(NEXT));
        loop_assert_status(loop_receive(kept), "429", "\r\nConnection: keep-alive\r\n");
    }
    close(kept);
    expect_only_answer("POST /api/v3/order HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n"
                       "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" NEXT);
    expect_only_answer("POST /api/v3/order HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
                       "Content-Length: 1\r\n\r\na" NEXT);
    expect_only_answer("POST /api/v3/order HTTP/1.1\r\nHost: x\r\n"
                       "Transfer-Encoding: chunked\r\n\r\n0x2\r\n\r\n" NEXT);
    assert_int_equal(loop_stop(), STATUS_OK);
    arena_unmap(&hall_arena);
#undef NEXT
}
