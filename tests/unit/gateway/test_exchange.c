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
