/* A bare server of libh2o on a loop of its own, behind a port of the kernel's: every request is one function's. */

#ifndef TESTS_UNIT_GATEWAY_H2O_FIXTURE_H
#define TESTS_UNIT_GATEWAY_H2O_FIXTURE_H

#include "tests/harness.h"

#include <h2o.h>
#include <uv.h>

#include <netinet/in.h>
#include <stdlib.h>

static uv_loop_t loop;
static h2o_globalconf_t config;
static h2o_context_t context;
static h2o_accept_ctx_t acceptor;
static uv_tcp_t listener;

static inline void on_accept(uv_stream_t *stream, int status)
{
    assert_int_equal(status, 0);
    uv_tcp_t *accepted = h2o_mem_alloc(sizeof(*accepted));
    uv_tcp_init(stream->loop, accepted);
    assert_int_equal(uv_accept(stream, (uv_stream_t *)accepted), 0);
    h2o_accept(&acceptor, h2o_uv_socket_create((uv_stream_t *)accepted, (uv_close_cb)free));
}

static inline void h2o_start(int (*on_request)(h2o_handler_t *self, h2o_req_t *request))
{
    struct sockaddr_in address;
    h2o_config_init(&config);
    config.http1.upgrade_to_http2 = 0;
    h2o_hostconf_t *host =
        h2o_config_register_host(&config, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    h2o_pathconf_t *path = h2o_config_register_path(host, "/", 0);
    h2o_create_handler(path, sizeof(h2o_handler_t))->on_req = on_request;
    uv_loop_init(&loop);
    h2o_context_init(&context, &loop, &config);
    acceptor.ctx = &context;
    acceptor.hosts = config.hosts;
    uv_tcp_init(&loop, &listener);
    uv_ip4_addr("127.0.0.1", 0, &address);
    assert_int_equal(uv_tcp_bind(&listener, (struct sockaddr *)&address, 0), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&listener, 128, on_accept), 0);
}

#endif /* TESTS_UNIT_GATEWAY_H2O_FIXTURE_H */
