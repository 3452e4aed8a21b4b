#include "gateway/listener_h2o.h"

#include "tests/unit/gateway/asker_fixture.h"

#include <arpa/inet.h>
#include <unistd.h>

#define CLIENTS 64

/* Two loops of one node, and the first one of another. */
struct node_loop {
    uv_loop_t loop;
    struct gateway_options options;
    struct metrics metrics;
    h2o_globalconf_t config;
    h2o_context_t context;
    h2o_accept_ctx_t accept;
    struct listener listener;
};

static struct node_loop first, second, other;

static void init_loop(struct node_loop *loop, uint32_t index, int port)
{
    memset(loop, 0, sizeof(*loop));
    loop->options = (struct gateway_options){.host = "127.0.0.1",
                                             .port = (uint16_t)port,
                                             .loop_index = index,
                                             .connections_max = CLIENTS - 4,
                                             .metrics = &loop->metrics};
    assert_int_equal(uv_loop_init(&loop->loop), 0);
    h2o_config_init(&loop->config);
    h2o_config_register_host(&loop->config, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    h2o_context_init(&loop->context, &loop->loop, &loop->config);
    loop->accept = (h2o_accept_ctx_t){.ctx = &loop->context, .hosts = loop->config.hosts};
    listener_init(&loop->listener, &loop->options, &loop->loop, &loop->accept, asker_desk);
}

static void end_loop(struct node_loop *loop)
{
    listener_close(&loop->listener);
    while (loop->listener.connection_count > 0)
        uv_run(&loop->loop, UV_RUN_ONCE);
    listener_free(&loop->listener);
    h2o_context_dispose(&loop->context);
    h2o_config_dispose(&loop->config);
    for (int round = 0; round < 100 && uv_loop_close(&loop->loop) != 0; round++)
        uv_run(&loop->loop, UV_RUN_NOWAIT);
}

static struct sockaddr_in address_of_first(void)
{
    struct sockaddr_in address;
    int address_bytes = sizeof(address);
    assert_int_equal(
        uv_tcp_getsockname(first.listener.handle, (struct sockaddr *)&address, &address_bytes), 0);
    return address;
}

/* The system deals connections out to the loops of one node, which together have no more than they may; another node is
 * refused, whether its first loop comes before the second one has joined or after. */
TEST(listener_join, loops_share_a_port_and_nodes_do_not)
{
    int clients[CLIENTS];
    asker_loop_count = 2;
    asker_open();
    asker_loop_count = 1;
    init_loop(&first, 0, 0);
    assert_int_equal(listener_bind(&first.listener), STATUS_OK);
    assert_false(hall_port_is_open(desk_hall(asker_desk)));
    assert_int_equal(listener_open(&first.listener), STATUS_OK);
    assert_true(hall_port_is_open(desk_hall(asker_desk)));
    const struct sockaddr_in address = address_of_first();
    const int port = ntohs(address.sin_port);
    init_loop(&other, 0, port);
    assert_int_equal(listener_bind(&other.listener), STATUS_ADDRESS_IN_USE);

    init_loop(&second, 1, port);
    assert_int_equal(listener_bind(&second.listener), STATUS_OK);
    assert_int_equal(listener_open(&second.listener), STATUS_OK);
    assert_int_equal(listener_bind(&other.listener), STATUS_ADDRESS_IN_USE);

    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = socket(AF_INET, SOCK_STREAM, 0);
        assert_int_equal(connect(clients[i], (const struct sockaddr *)&address, sizeof(address)),
                         0);
    }
    while (first.listener.connection_count + second.listener.connection_count < CLIENTS - 4 ||
           metric_get(&first.metrics.connections_refused_total) +
                   metric_get(&second.metrics.connections_refused_total) <
               4) {
        uv_run(&first.loop, UV_RUN_NOWAIT);
        uv_run(&second.loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(first.listener.connection_count + second.listener.connection_count,
                     CLIENTS - 4);
    assert_true(first.listener.connection_count > 0 && second.listener.connection_count > 0);
    for (int i = 0; i < CLIENTS; i++)
        close(clients[i]);
    end_loop(&first);
    end_loop(&second);
    end_loop(&other);
    asker_close();
}
