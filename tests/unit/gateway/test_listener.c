#include "tests/unit/gateway/loop_fixture.h"

TEST(listener, a_taken_port_is_said_at_once)
{
    loop_start();
    loop_hello();
    const int descriptor = loop_connect_when_open();
    const struct gateway_options options = loop_options;
    assert_int_equal(gateway_run(&options), STATUS_ADDRESS_IN_USE);
    close(descriptor);
    assert_int_equal(loop_stop(), STATUS_OK);
}

static void with_two_connections(void)
{
    loop_options.connections_max = 2;
}

/* What is above the bound is closed at once; a place that gets free is taken by the next. */
TEST(listener, connections_above_the_bound_are_closed)
{
    char byte;
    static const char ask[] = "GET /api/v3/ping HTTP/1.1\r\nHost: x\r\n\r\n";
    loop_prepare = with_two_connections;
    loop_open();
    const int first = loop_connect_when_open(), second = loop_connect();
    const int above = loop_connect();
    assert_int_equal(recv(above, &byte, 1, 0), 0);
    assert_int_equal(send(second, ask, strlen(ask), MSG_NOSIGNAL), strlen(ask));
    loop_assert_status(loop_receive(second), "200", "{}");
    assert_int_equal(metric_get(&loop_metrics.http_connections), 2);
    close(above);
    close(first);
    for (int round = 0; metric_get(&loop_metrics.http_connections) > 1; round++) {
        if (round == 5000) fail_msg("a closed connection keeps its place");
        loop_moment();
    }
    loop_assert_status(loop_exchange(ask), "200", "{}");
    close(second);
    assert_int_equal(loop_stop(), STATUS_OK);
}
