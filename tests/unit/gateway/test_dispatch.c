#include "tests/unit/gateway/loop_fixture.h"

TEST(dispatch, unknown_paths_and_methods_are_json_errors)
{
    loop_open();
    loop_assert_status(loop_exchange("GET /nope HTTP/1.1\r\nHost: x\r\n\r\n"), "404",
                       "{\"code\":-1020,");
    loop_assert_status(loop_exchange("PUT /api/v3/time HTTP/1.1\r\nHost: x\r\n\r\n"), "405",
                       "{\"code\":-1020,");
    loop_assert_status(
        loop_exchange("GET /api/v3/time HTTP/1.1\r\nHost: x\r\nX-MBX-TIME-UNIT: NANO\r\n\r\n"),
        "400", "-1194");
    loop_assert_status(loop_exchange("GET /api/v3/depth?symbol=%zz HTTP/1.1\r\nHost: x\r\n\r\n"),
                       "400", "-1100");
    loop_assert_status(loop_exchange("GET /api/v3/account HTTP/1.1\r\nHost: x\r\n\r\n"), "401",
                       "-2014");
    loop_assert_status(loop_exchange("GET /quorex/v1/blocks/3 HTTP/1.1\r\nHost: x\r\n\r\n"), "404",
                       "{\"code\":-9001,");
    loop_assert_status(loop_exchange("GET /quorex/v1/blocks/3/4 HTTP/1.1\r\nHost: x\r\n\r\n"),
                       "404", "-1020");
    assert_int_equal(loop_stop(), STATUS_OK);
}

/* 6,000 a minute; the one beyond is told when to come again. A minute may begin in between, so the
 * limit is met within two. */
TEST(dispatch, weight_beyond_the_minute_is_refused)
{
    loop_open();
    const char *text = NULL;
    const int descriptor = loop_connect_when_open();
    static const char *const all = "GET /api/v3/ticker/24hr HTTP/1.1\r\nHost: x\r\n\r\n";
    int status = 0;
    for (int count = 0; count < 160 && status != 429; count++) {
        send(descriptor, all, strlen(all), MSG_NOSIGNAL);
        text = loop_receive(descriptor);
        status = (int)strtol(text + 9, NULL, 10);
    }
    assert_int_equal(status, 429);
    assert_non_null(strstr(text, "Retry-After: "));
    assert_non_null(strstr(text, "{\"code\":-1003,\"msg\":\"Too much request weight used; current "
                                 "limit is 6000 request weight per 1 MINUTE."));
    close(descriptor);
    assert_int_equal(loop_stop(), STATUS_OK);
}
