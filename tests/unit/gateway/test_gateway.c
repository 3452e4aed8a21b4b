#include "tests/unit/gateway/loop_fixture.h"

/* Until the view has passed what the log held at start, and our HELLO, nobody can connect: an answer
 * from half a replay would be a lie. */
TEST(gateway, port_opens_after_the_replay)
{
    loop_start();
    loop_account();
    loop_await_taken();
    assert_int_equal(loop_connect(), -1);
    loop_hello();
    assert_non_null(strstr(loop_exchange("GET /api/v3/ping HTTP/1.1\r\nHost: x\r\n\r\n"), "{}"));
    assert_int_equal(loop_stop(), STATUS_OK);
}

TEST(gateway, a_taken_port_is_said_at_once)
{
    loop_start();
    loop_hello();
    const int descriptor = loop_connect_when_open();
    const struct gateway_options options = loop_options;
    assert_int_equal(gateway_run(&options), STATUS_ADDRESS_IN_USE);
    close(descriptor);
    assert_int_equal(loop_stop(), STATUS_OK);
}

/* A stop ends the loop though clients keep their connections open and say nothing. */
TEST(gateway, idle_connections_do_not_hold_a_stop)
{
    struct timespec begin, end;
    loop_start();
    loop_hello();
    const int descriptor = loop_connect_when_open();
    clock_gettime(CLOCK_MONOTONIC, &begin);
    assert_int_equal(loop_stop(), STATUS_OK);
    clock_gettime(CLOCK_MONOTONIC, &end);
    assert_true(end.tv_sec - begin.tv_sec < 3);
    close(descriptor);
}
