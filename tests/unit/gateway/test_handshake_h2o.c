#include "gateway/handshake_h2o.h"

#include "tests/unit/gateway/h2o_fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD "Host: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
#define KEY  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define V13  "Sec-WebSocket-Version: 13\r\n"

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
    h2o_start(on_request);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *answer = ask(cases[i].request);
        assert_memory_equal(answer + 9, cases[i].status, 3);
        assert_non_null(strstr(answer, cases[i].part));
    }
}
