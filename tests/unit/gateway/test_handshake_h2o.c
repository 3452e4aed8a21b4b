#include "gateway/handshake_h2o.h"

#include "tests/harness.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD "Host: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
#define KEY  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define V13  "Sec-WebSocket-Version: 13\r\n"

static uv_loop_t loop;
static h2o_globalconf_t config;
static h2o_context_t context;
static h2o_accept_ctx_t acceptor;
static uv_tcp_t listener;

static int on_request(h2o_handler_t *self, h2o_req_t *request)
{
    (void)self;
    char accept[HANDSHAKE_ACCEPT_BYTES + 1];
    if (!handshake_check(request, accept)) return 0;
    request->res.status = 200;
    request->res.reason = "OK";
    h2o_send_inline(request, accept, HANDSHAKE_ACCEPT_BYTES);
    return 0;
}

static void on_accept(uv_stream_t *stream, int status)
{
    assert_int_equal(status, 0);
    uv_tcp_t *accepted = h2o_mem_alloc(sizeof(*accepted));
    uv_tcp_init(stream->loop, accepted);
    assert_int_equal(uv_accept(stream, (uv_stream_t *)accepted), 0);
    h2o_accept(&acceptor, h2o_uv_socket_create((uv_stream_t *)accepted, (uv_close_cb)free));
}

static void start_server(void)
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
    assert_int_equal(uv_listen((uv_stream_t *)&listener, 16, on_accept), 0);
}

/* Sends one request and returns all that came back before `until`. */
static const char *ask(const char *request)
{
    static char answer[4096];
    struct sockaddr_in address;
    int address_bytes = sizeof(address);
    assert_int_equal(uv_tcp_getsockname(&listener, (struct sockaddr *)&address, &address_bytes), 0);
    const int client = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(send(client, request, strlen(request), 0), (ssize_t)strlen(request));
    size_t used = 0;
    for (int i = 0; i < 20000; i++) {
        uv_run(&loop, UV_RUN_NOWAIT);
        const ssize_t count = recv(client, answer + used, sizeof(answer) - 1 - used, MSG_DONTWAIT);
        if (count > 0) used += (size_t)count;
        answer[used] = '\0';
        const char *body = strstr(answer, "\r\n\r\n");
        if (body != NULL && strlen(body + 4) > 0) break;
    }
    close(client);
    return answer;
}

/* The example of RFC 6455, and every handshake that is none with its own status. */
TEST(handshake, is_answered_or_refused)
{
    static const struct {
        const char *request, *status, *part;
    } cases[] = {
        {"GET / HTTP/1.1\r\n" HEAD KEY V13 "\r\n", "200", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="},
        {"GET / HTTP/1.1\r\n" HEAD KEY "Sec-WebSocket-Version: 8\r\n\r\n", "426",
         "sec-websocket-version: 13"},
        {"GET / HTTP/1.1\r\n" HEAD KEY "\r\n", "426", "sec-websocket-version: 13"},
        {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "426", "upgrade: websocket"},
        {"GET / HTTP/1.0\r\n" HEAD KEY V13 "\r\n", "400", ""},
        {"GET / HTTP/1.1\r\n" HEAD V13 "\r\n", "400", ""},
        {"GET / HTTP/1.1\r\n" HEAD V13 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=\r\n\r\n", "400",
         ""},
        {"GET / HTTP/1.1\r\n" HEAD V13 "Sec-WebSocket-Key: !!!!!!!!!!!!!!!!!!!!!!==\r\n\r\n", "400",
         ""},
        {"GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" KEY V13 "\r\n", "400",
         "Host"},
        {"GET / HTTP/1.1\r\n" HEAD KEY KEY V13 "\r\n", "400", "twice"},
        {"GET / HTTP/1.1\r\n" HEAD KEY V13 V13 "\r\n", "400", "twice"},
        {"GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: h2c, websocket\r\n" KEY V13
         "\r\n",
         "200", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="},
        {"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nUpgrade: websocket\r\n" KEY V13 "\r\n",
         "426", ""},
        {"POST / HTTP/1.1\r\nContent-Length: 0\r\n" HEAD KEY V13 "\r\n", "405", ""},
    };
    start_server();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *answer = ask(cases[i].request);
        assert_memory_equal(answer + 9, cases[i].status, 3);
        assert_non_null(strstr(answer, cases[i].part));
    }
}
