/* The yardstick of bench_orders: the same h2o, libuv flavour, on one thread, answering a constant.
 *
 *     bench_constant PORT [BYTES]    serves {"serverTime":0} at every path until it is ended, or so many bytes
 */

#include <h2o.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static h2o_globalconf_t config;
static h2o_context_t context;
static h2o_accept_ctx_t accept_context;
static h2o_iovec_t constant;

static int on_request(h2o_handler_t *self, h2o_req_t *request)
{
    (void)self;
    static h2o_generator_t generator = {NULL, NULL};
    request->res.status = 200;
    request->res.reason = "OK";
    request->res.content_length = constant.len;
    h2o_add_header(&request->pool, &request->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL,
                   H2O_STRLIT("application/json;charset=UTF-8"));
    h2o_start_response(request, &generator);
    h2o_send(request, &constant, 1, 1);
    return 0;
}

static void on_accept(uv_stream_t *listener, int status)
{
    if (status != 0) return;
    uv_tcp_t *connection = h2o_mem_alloc(sizeof(*connection));
    uv_tcp_init(listener->loop, connection);
    if (uv_accept(listener, (uv_stream_t *)connection) != 0) {
        uv_close((uv_handle_t *)connection, (uv_close_cb)free);
        return;
    }
    uv_tcp_nodelay(connection, 1);
    h2o_accept(&accept_context, h2o_uv_socket_create((uv_stream_t *)connection, (uv_close_cb)free));
}

static void make_constant(size_t byte_count)
{
    constant = h2o_iovec_init(H2O_STRLIT("{\"serverTime\":0}"));
    if (byte_count == 0) return;
    constant = h2o_iovec_init(h2o_mem_alloc(byte_count), byte_count);
    memset(constant.base, '0', byte_count);
}

int main(int argc, char **argv)
{
    const int port = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 8099;
    make_constant(argc > 2 ? strtoul(argv[2], NULL, 10) : 0);
    uv_loop_t *loop = uv_default_loop();
    uv_tcp_t listener;
    struct sockaddr_in address;

    signal(SIGPIPE, SIG_IGN);
    h2o_config_init(&config);
    config.http1.upgrade_to_http2 = 0;
    h2o_hostconf_t *host =
        h2o_config_register_host(&config, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    h2o_pathconf_t *path = h2o_config_register_path(host, "/", 0);
    h2o_create_handler(path, sizeof(h2o_handler_t))->on_req = on_request;
    h2o_context_init(&context, loop, &config);
    accept_context.ctx = &context;
    accept_context.hosts = config.hosts;

    uv_tcp_init(loop, &listener);
    uv_ip4_addr("127.0.0.1", port, &address);
    if (uv_tcp_bind(&listener, (struct sockaddr *)&address, 0) != 0 ||
        uv_listen((uv_stream_t *)&listener, 1024, on_accept) != 0) {
        fprintf(stderr, "bench_constant: port %d is taken\n", port);
        return 1;
    }
    return uv_run(loop, UV_RUN_DEFAULT);
}
