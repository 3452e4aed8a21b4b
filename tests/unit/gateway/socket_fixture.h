/* A hub on a loop of its own, behind a port, and clients of it. Server and clients share the test's thread: a client that
 * waits lets the loop run, so nothing here depends on luck with the clock.
 */

#ifndef TESTS_UNIT_GATEWAY_SOCKET_FIXTURE_H
#define TESTS_UNIT_GATEWAY_SOCKET_FIXTURE_H

#include "gateway/frame.h"
#include "gateway/socket_h2o.h"
#include "tests/unit/gateway/h2o_fixture.h"
#include "tests/unit/gateway/market_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define WAIT_TURNS 20000
#define SECOND_NS  1000000000ull

static struct socket_hub *hub;
static uv_prepare_t writing;
static struct publisher *publisher;
static struct metrics metrics;
static uint64_t update_id;
static uint64_t now_ns; /* what connections go by */

static inline uint64_t now(void)
{
    return now_ns;
}

static inline int on_request(h2o_handler_t *self, h2o_req_t *request)
{
    (void)self;
    socket_upgrade(hub, request);
    return 0;
}

static inline void on_prepare(uv_prepare_t *prepare)
{
    (void)prepare;
    socket_hub_write(hub);
}

static inline void start_server(void)
{
    static const struct block_list no_blocks;
    static bool is_running;
    update_id = 0;
    fixture_open(8 << 20);
    publisher = publish_new(&fixture_arena, &fixture_genesis, fixture_views, &no_blocks);
    if (!is_running) {
        h2o_start(on_request);
        uv_prepare_init(&loop, &writing);
        is_running = true;
    }
    memset(&metrics, 0, sizeof(metrics));
    hub = socket_hub_new(&context, publisher, &metrics);
    assert_non_null(hub);
    now_ns = 1000 * SECOND_NS;
    socket_hub_configure(hub,
                         &(struct socket_options){.pulse = pulse_limits_default(), .now_ns = now});
    uv_prepare_start(&writing, on_prepare);
}

static inline void stop_server(void)
{
    uv_prepare_stop(&writing);
    socket_hub_free(hub);
    for (int i = 0; i < 3; i++)
        uv_run(&loop, UV_RUN_NOWAIT);
}

/* ---- A client ---- */

struct client {
    int descriptor;
    size_t used;
    uint8_t bytes[2 * 1024 * 1024];
};

static struct client first, second;

static inline void turn(void)
{
    uv_run(&loop, UV_RUN_NOWAIT);
}

static inline void client_write(struct client *client, const void *bytes, size_t byte_count)
{
    assert_int_equal(send(client->descriptor, bytes, byte_count, MSG_NOSIGNAL),
                     (ssize_t)byte_count);
}

/* Reads what is there; false at the end of the stream. */
static inline bool client_fill(struct client *client)
{
    const ssize_t count = recv(client->descriptor, client->bytes + client->used,
                               sizeof(client->bytes) - client->used, MSG_DONTWAIT);
    if (count > 0) client->used += (size_t)count;
    return count > 0 || (count < 0 && errno == EAGAIN);
}

/* Until something is there, for a little while: what a window held back comes when the system's timers say so. */
static inline void client_await(const struct client *client)
{
    struct pollfd readable = {.fd = client->descriptor, .events = POLLIN};
    (void)poll(&readable, 1, 1);
}

static inline void client_connect(struct client *client)
{
    struct sockaddr_in address;
    int address_bytes = sizeof(address);
    assert_int_equal(uv_tcp_getsockname(&listener, (struct sockaddr *)&address, &address_bytes), 0);
    client->used = 0;
    client->descriptor = socket(AF_INET, SOCK_STREAM, 0);
    const int small = 32 * 1024;
    assert_int_equal(setsockopt(client->descriptor, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)),
                     0);
    assert_true(client->descriptor >= 0);
    assert_int_equal(connect(client->descriptor, (struct sockaddr *)&address, sizeof(address)), 0);
}

/* Sends a request and returns the status line; the head is taken off. */
static inline const char *client_request(struct client *client, const char *request)
{
    static char status[64];
    client_connect(client);
    client_write(client, request, strlen(request));
    for (int i = 0; i < WAIT_TURNS; i++) {
        turn();
        (void)client_fill(client);
        char *end = memmem(client->bytes, client->used, "\r\n\r\n", 4);
        if (end == NULL) continue;
        memcpy(status, client->bytes + 9, 3);
        status[3] = '\0';
        const size_t head_bytes = (size_t)((uint8_t *)end + 4 - client->bytes);
        client->used -= head_bytes;
        memmove(client->bytes, end + 4, client->used);
        return status;
    }
    fail_msg("no answer to the handshake");
    return NULL;
}

static inline void client_open(struct client *client, const char *path)
{
    char request[512];
    (void)snprintf(request, sizeof(request),
                   "GET %s HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
                   "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
                   path);
    assert_string_equal(client_request(client, request), "101");
}

static inline void client_send(struct client *client, uint8_t first_byte, const char *payload,
                               size_t payload_bytes)
{
    uint8_t bytes[1024] = {first_byte};
    size_t at = 2;
    if (payload_bytes < 126) {
        bytes[1] = (uint8_t)(0x80 | payload_bytes);
    } else {
        bytes[1] = 0x80 | 126;
        bytes[at++] = (uint8_t)(payload_bytes >> 8);
        bytes[at++] = (uint8_t)payload_bytes;
    }
    memset(bytes + at, 0, 4); /* a mask of zeros */
    memcpy(bytes + at + 4, payload, payload_bytes);
    client_write(client, bytes, at + 4 + payload_bytes);
}

static inline void client_say(struct client *client, const char *text)
{
    client_send(client, 0x81, text, strlen(text));
}

/* Waits for the next frame; returns its payload, zero-terminated, good until the next call. */
static inline const char *client_hear(struct client *client, uint8_t *opcode, size_t *payload_bytes)
{
    static char payload[2 * 1024 * 1024];
    for (int i = 0; i < WAIT_TURNS; i++) {
        const uint8_t *bytes = client->bytes;
        size_t head = 2, length = client->used < 2 ? 0 : bytes[1];
        if (length == 126) {
            head = 4;
            length = client->used < 4 ? 0 : (size_t)(bytes[2] << 8 | bytes[3]);
        } else if (length == 127) {
            head = 10;
            length = 0;
            for (size_t j = 2; j < 10 && client->used >= 10; j++)
                length = length << 8 | bytes[j];
        }
        if (client->used >= head && client->used >= head + length) {
            memcpy(payload, bytes + head, length);
            payload[length] = '\0';
            *opcode = bytes[0] & 0x0f;
            *payload_bytes = length;
            client->used -= head + length;
            memmove(client->bytes, client->bytes + head + length, client->used);
            return payload;
        }
        turn();
        if (!client_fill(client) && client->used < head + length) return NULL;
        if (i > 100) poll(NULL, 0, 1);
    }
    fail_msg("nothing was heard");
    return NULL;
}

static inline void expect_text(struct client *client, const char *wanted)
{
    uint8_t opcode;
    size_t bytes;
    const char *text = client_hear(client, &opcode, &bytes);
    assert_non_null(text);
    assert_int_equal(opcode, FRAME_TEXT);
    assert_string_equal(text, wanted);
}

static inline void expect_close(struct client *client, uint16_t code)
{
    uint8_t opcode;
    size_t bytes;
    const char *body;
    do {
        body = client_hear(client, &opcode, &bytes);
        assert_non_null(body);
    } while (opcode != FRAME_CLOSE);
    assert_true(bytes >= 2);
    assert_int_equal((uint8_t)body[0] << 8 | (uint8_t)body[1], code);
}

static inline void leave(struct client *client)
{
    close(client->descriptor);
    for (int i = 0; i < WAIT_TURNS && socket_hub_count(hub) > 0; i++)
        turn();
}

/* ---- What the exchange does ---- */

static inline void give(const struct event *event)
{
    const struct applied applied = fixture_applied(FIXTURE_START_NS);
    market_view_apply(fixture_views, &applied, event);
    publish_event(publisher, &applied, event);
    publish_end(publisher, &applied);
}

static inline void trade(uint64_t id)
{
    const struct event event = fixture_fill(0, id, id, 100, 1, BUY);
    give(&event);
}

static inline void level(int64_t price, int64_t lots)
{
    const struct event event = fixture_level(0, ++update_id, BUY, price, lots);
    give(&event);
}

static inline const char *hear_text(struct client *client)
{
    uint8_t opcode;
    size_t bytes;
    const char *text;
    do {
        text = client_hear(client, &opcode, &bytes);
        assert_non_null(text);
    } while (opcode != FRAME_TEXT);
    return text;
}

#endif /* TESTS_UNIT_GATEWAY_SOCKET_FIXTURE_H */
