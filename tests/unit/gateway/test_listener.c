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

/* Two may bind a port that nobody listens at yet; who comes second is told when he opens it. */
TEST(listener, a_port_that_is_taken_before_it_opens_is_said)
{
    loop_start();
    loop_account();
    loop_await_taken(); /* it is bound */
    assert_int_equal(listen(loop_place, 1), 0);
    loop_hello();
    pthread_join(loop_thread, NULL);
    assert_int_equal(loop_status, STATUS_ADDRESS_IN_USE);
    park_close(&loop_park);
    park_close(&loop_log_park);
    close(loop_place);
}

static void with_two_connections(void)
{
    loop_options.connections_max = 2;
}

/* An answer that says why, whole, and the end of the connection behind it. */
static void expect_refused(int descriptor, const char *status)
{
    char byte;
    const char *text = loop_receive(descriptor);
    loop_assert_status(text, status, "Too many connections");
    assert_int_equal(strlen(strstr(text, "\r\n\r\n") + 4),
                     strtoul(strstr(text, "Content-Length: ") + 16, NULL, 10));
    assert_int_equal(recv(descriptor, &byte, 1, 0), 0);
    close(descriptor);
}

/* What is above the bound is refused and counted; a place that gets free is taken by the next. */
TEST(listener, connections_above_the_bound_are_closed)
{
    static const char ask[] = "GET /api/v3/ping HTTP/1.1\r\nHost: x\r\n\r\n";
    loop_prepare = with_two_connections;
    loop_open();
    const int first = loop_connect_when_open(), second = loop_connect();
    const int above = loop_connect();
    expect_refused(above, "503");
    assert_int_equal(metric_get(&loop_metrics.connections_refused_total), 1);
    assert_int_equal(send(second, ask, strlen(ask), MSG_NOSIGNAL), strlen(ask));
    loop_assert_status(loop_receive(second), "200", "{}");
    assert_int_equal(metric_get(&loop_metrics.http_connections), 2);
    close(first);
    for (int round = 0; metric_get(&loop_metrics.http_connections) > 1; round++) {
        if (round == 5000) fail_msg("a closed connection keeps its place");
        loop_moment();
    }
    loop_assert_status(loop_exchange(ask), "200", "{}");
    close(second);
    assert_int_equal(loop_stop(), STATUS_OK);
}

static const char *listen_at;

static void with_two_of_an_address(void)
{
    loop_options.host = listen_at;
    loop_options.limits.address_connections_max = 2;
}

/* A connection whose other end is `source`, an address of the loopback network. */
static int connect_from(const char *source)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    const struct timeval bound = {.tv_sec = 15};
    const int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof(bound));
    assert_int_equal(inet_pton(AF_INET, source, &address.sin_addr), 1);
    assert_int_equal(bind(descriptor, (struct sockaddr *)&address, sizeof(address)), 0);
    address.sin_port = htons(loop_options.port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(descriptor, (struct sockaddr *)&address, sizeof(address)), 0);
    return descriptor;
}

static void expect_answer(int descriptor)
{
    static const char ask[] = "GET /api/v3/ping HTTP/1.1\r\nHost: x\r\n\r\n";
    assert_int_equal(send(descriptor, ask, strlen(ask), MSG_NOSIGNAL), strlen(ask));
    loop_assert_status(loop_receive(descriptor), "200", "{}");
}

/* An address has so many connections and no more; another has its own, and one that closes makes room. */
static void address_is_bounded_at(const char *host)
{
    listen_at = host;
    loop_prepare = with_two_of_an_address;
    loop_open();
    const int opener = loop_connect_when_open(); /* 127.0.0.1 */
    const int first = connect_from("127.0.0.2"), second = connect_from("127.0.0.2");
    expect_answer(first);
    expect_answer(second);
    expect_refused(connect_from("127.0.0.2"), "429");
    assert_int_equal(metric_get(&loop_metrics.address_refused_total), 1);
    const int other = connect_from("127.0.0.3");
    expect_answer(other);
    close(first);
    for (int round = 0; metric_get(&loop_metrics.http_connections) > 3; round++) {
        if (round == 5000) fail_msg("a closed connection keeps its place");
        loop_moment();
    }
    const int third = connect_from("127.0.0.2");
    expect_answer(third);
    close(third);
    close(other);
    close(second);
    close(opener);
    assert_int_equal(loop_stop(), STATUS_OK);
}

TEST(listener, address_has_so_many_connections)
{
    address_is_bounded_at("127.0.0.1");
}

/* Where one socket listens for both kinds, an IPv4 client is himself too. */
TEST(listener, mapped_addresses_count_apart)
{
    address_is_bounded_at("::");
}
