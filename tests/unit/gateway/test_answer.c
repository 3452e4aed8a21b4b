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
    assert_null(strstr(text, "X-SAPI-USED-IP-WEIGHT-1M"));
    text = loop_exchange("GET /sapi/v1/system/status HTTP/1.1\r\nHost: x\r\n\r\n");
    loop_assert_status(text, "200", "X-SAPI-USED-IP-WEIGHT-1M: 2\r\n");
    text = loop_exchange("POST /api/v3/order HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    loop_assert_status(text, "401", "X-MBX-USED-WEIGHT: ");
    assert_null(strstr(text, "Access-Control-Allow-Origin"));
    text = loop_exchange("OPTIONS /api/v3/order HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    loop_assert_status(text, "204", "Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS\r\n");
    assert_int_equal(metric_get(&loop_metrics.http_errors_total), 1);
    assert_int_equal(loop_stop(), STATUS_OK);
}

static void with_origins(void)
{
    loop_options.origins = "https://trade.example";
}

/* What a page is allowed to send, in its preflight; and what it may read of the answer. */
TEST(answer, pages_that_the_operator_names_may_trade)
{
    static const char preflight[] =
        "OPTIONS /api/v3/order HTTP/1.1\r\nHost: x\r\nOrigin: %s\r\n"
        "Access-Control-Request-Method: POST\r\n"
        "Access-Control-Request-Headers: x-mbx-apikey\r\nConnection: close\r\n\r\n";
    static const char post[] = "POST /api/v3/order HTTP/1.1\r\nHost: x\r\nOrigin: %s\r\n"
                               "Content-Length: 0\r\n\r\n";
    char request[512];
    loop_prepare = with_origins;
    loop_open();
    snprintf(request, sizeof(request), preflight, "https://trade.example");
    const char *text = loop_exchange(request);
    loop_assert_status(text, "204", "Access-Control-Allow-Origin: *\r\n");
    assert_non_null(strstr(text, "Access-Control-Allow-Methods: GET, HEAD, POST, PUT, DELETE\r\n"));
    assert_non_null(strstr(text, "Access-Control-Allow-Headers: Content-Type, X-MBX-APIKEY, "));
    snprintf(request, sizeof(request), post, "https://trade.example");
    text = loop_exchange(request);
    loop_assert_status(text, "401", "Access-Control-Allow-Origin: *\r\n");
    assert_non_null(strstr(text, "Access-Control-Expose-Headers: X-MBX-USED-WEIGHT, "));

    snprintf(request, sizeof(request), preflight, "https://evil.example");
    assert_null(strstr(loop_exchange(request), "Access-Control"));
    snprintf(request, sizeof(request), post, "https://evil.example");
    assert_null(strstr(loop_exchange(request), "Access-Control"));
    assert_int_equal(loop_stop(), STATUS_OK);
}
