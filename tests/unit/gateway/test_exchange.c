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
