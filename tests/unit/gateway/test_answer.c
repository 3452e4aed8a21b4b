#include "tests/unit/gateway/loop_fixture.h"

/* What GET would have got is said, and not sent. */
TEST(answer, head_has_the_headers_and_no_body)
{
    loop_open();
    const char *text =
        loop_exchange("HEAD /api/v3/ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    loop_assert_status(text, "200", "Content-Length: 2\r\n");
    assert_string_equal(strstr(text, "\r\n\r\n"), "\r\n\r\n");
    assert_int_equal(loop_stop(), STATUS_OK);
}

/* Any page may read what anybody may read; nothing else is for pages of others. Every answer says what was used. */
TEST(answer, headers_say_who_may_read_and_what_was_used)
{
    loop_open();
    const char *text = loop_exchange("GET /api/v3/ping HTTP/1.1\r\nHost: x\r\n\r\n");
    loop_assert_status(text, "200", "Access-Control-Allow-Origin: *\r\n");
    assert_non_null(strstr(text, "X-MBX-USED-WEIGHT-1M: "));
    text = loop_exchange("POST /api/v3/order HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    loop_assert_status(text, "401", "X-MBX-USED-WEIGHT: ");
    assert_null(strstr(text, "Access-Control-Allow-Origin"));
    text = loop_exchange("OPTIONS /api/v3/order HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    loop_assert_status(text, "204", "Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS\r\n");
    assert_int_equal(metric_get(&loop_metrics.http_errors_total), 1);
    assert_int_equal(loop_stop(), STATUS_OK);
}
