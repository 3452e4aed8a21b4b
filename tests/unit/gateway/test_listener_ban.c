#include "gateway/listener_h2o.h"

#include "gateway/address.h"
#include "gateway/desk_state.h"
#include "tests/unit/gateway/asker_fixture.h"

#include <arpa/inet.h>
#include <unistd.h>

static uv_loop_t loop;
static struct listener listener;
static struct metrics listener_metrics;
static struct gateway_options listener_options = {.host = "127.0.0.1",
                                                  .metrics = &listener_metrics};

static struct sockaddr_in open_listener(void)
{
    struct sockaddr_in address;
    int address_bytes = sizeof(address);
    assert_int_equal(uv_loop_init(&loop), 0);
    listener_init(&listener, &listener_options, &loop, NULL, asker_desk);
    listener.door.context = SSL_CTX_new(TLS_server_method());
    assert_int_equal(listener_bind(&listener), STATUS_OK);
    assert_int_equal(listener_open(&listener), STATUS_OK);
    assert_int_equal(
        uv_tcp_getsockname(listener.handle, (struct sockaddr *)&address, &address_bytes), 0);
    return address;
}

static void close_listener(void)
{
    listener_close(&listener);
    while (uv_run(&loop, UV_RUN_ONCE) != 0)
        ;
    listener_free(&listener);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void ban(uint64_t address)
{
    struct timespec now;
    struct quota_verdict verdict = {0};
    clock_gettime(CLOCK_REALTIME, &now);
    for (uint64_t at_ns = (uint64_t)now.tv_sec * 1000000000u; verdict.reject != REJECT_BANNED;
         at_ns += 1000000000u)
        verdict =
            quota_judge(asker_desk->quota, QUOTA_WEIGHT, address, QUOTA_WEIGHT_MAX + 1, at_ns);
}

static int connect_to(const struct sockaddr_in *address)
{
    const int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(descriptor, (const struct sockaddr *)address, sizeof(*address)), 0);
    uv_run(&loop, UV_RUN_ONCE);
    return descriptor;
}

/* A banned address costs no handshake: its connection has no place, and ends at once. */
TEST(listener_ban, banned_address_gets_no_handshake)
{
    char byte;
    asker_open_limited();
    const struct sockaddr_in address = open_listener();
    const int before = connect_to(&address);
    assert_int_equal(listener.connection_count, 1);
    ban(address_of((const struct sockaddr *)&address));
    const uint64_t refused = metric_get(&asker_desk->options->metrics->banned_refused_total);
    const int descriptor = connect_to(&address);
    assert_int_equal(listener.connection_count, 1);
    assert_int_equal(metric_get(&asker_desk->options->metrics->banned_refused_total), refused + 1);
    uv_run(&loop, UV_RUN_NOWAIT);
    assert_int_equal(recv(descriptor, &byte, 1, 0), 0);
    close(descriptor);
    close(before);
    close_listener();
    asker_close();
}
