#include "gateway/socket_h2o.h"

#include "gateway/frame.h"
#include "tests/unit/gateway/market_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

/* Server and clients share this thread: a client that waits lets the loop run, so nothing here
 * depends on luck with the clock. */

#define WAIT_TURNS 20000
#define SECOND_NS  1000000000ull

static uv_loop_t loop;
static h2o_globalconf_t config;
static h2o_context_t context;
static h2o_accept_ctx_t acceptor;
static uv_tcp_t listener;
static struct socket_hub *hub;
static struct publisher *publisher;
static struct metrics metrics;
static uint64_t update_id;
static uint64_t now_ns; /* what connections go by */

static uint64_t now(void)
{
    return now_ns;
}

static int on_request(h2o_handler_t *self, h2o_req_t *request)
{
    (void)self;
    socket_upgrade(hub, request);
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
    static bool is_running;
    update_id = 0;
    fixture_open(8 << 20);
    publisher = publish_new(&fixture_arena, &fixture_genesis, fixture_views);
    if (!is_running) {
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
        is_running = true;
    }
    memset(&metrics, 0, sizeof(metrics));
    hub = socket_hub_new(&context, publisher, &metrics);
    assert_non_null(hub);
    now_ns = 1000 * SECOND_NS;
    socket_hub_configure(hub,
                         &(struct socket_options){.pulse = pulse_limits_default(), .now_ns = now});
}

static void stop_server(void)
{
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

static void turn(void)
{
    uv_run(&loop, UV_RUN_NOWAIT);
}

static void client_write(struct client *client, const void *bytes, size_t byte_count)
{
    assert_int_equal(send(client->descriptor, bytes, byte_count, MSG_NOSIGNAL),
                     (ssize_t)byte_count);
}

/* Reads what is there; false at the end of the stream. */
static bool client_fill(struct client *client)
{
    const ssize_t count = recv(client->descriptor, client->bytes + client->used,
                               sizeof(client->bytes) - client->used, MSG_DONTWAIT);
    if (count > 0) client->used += (size_t)count;
    return count > 0 || (count < 0 && errno == EAGAIN);
}

static void client_connect(struct client *client)
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
static const char *client_request(struct client *client, const char *request)
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

static void client_open(struct client *client, const char *path)
{
    char request[512];
    (void)snprintf(request, sizeof(request),
                   "GET %s HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
                   "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
                   path);
    assert_string_equal(client_request(client, request), "101");
}

static void client_send(struct client *client, uint8_t first_byte, const char *payload,
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

static void client_say(struct client *client, const char *text)
{
    client_send(client, 0x81, text, strlen(text));
}

/* Waits for the next frame; returns its payload, zero-terminated, good until the next call. */
static const char *client_hear(struct client *client, uint8_t *opcode, size_t *payload_bytes)
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

static void expect_text(struct client *client, const char *wanted)
{
    uint8_t opcode;
    size_t bytes;
    const char *text = client_hear(client, &opcode, &bytes);
    assert_non_null(text);
    assert_int_equal(opcode, FRAME_TEXT);
    assert_string_equal(text, wanted);
}

static void expect_close(struct client *client, uint16_t code)
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

static void leave(struct client *client)
{
    close(client->descriptor);
    for (int i = 0; i < WAIT_TURNS && socket_hub_count(hub) > 0; i++)
        turn();
}

/* ---- What the exchange does ---- */

static void give(const struct event *event)
{
    const struct applied applied = fixture_applied(FIXTURE_START_NS);
    market_view_apply(fixture_views, &applied, event);
    publish_event(publisher, &applied, event);
    publish_end(publisher, &applied);
}

static void trade(uint64_t id)
{
    const struct event event = fixture_fill(0, id, id, 100, 1, BUY);
    give(&event);
}

static void level(int64_t price, int64_t lots)
{
    const struct event event = fixture_level(0, ++update_id, BUY, price, lots);
    give(&event);
}

/* One event reaches a plain and a combined reader, each in its form. */
TEST(socket, plain_and_combined_readers)
{
    start_server();
    client_open(&first, "/ws/btcusdt@trade");
    client_open(&second, "/stream?streams=btcusdt%40trade");
    trade(1);
    expect_text(&first, "{\"e\":\"trade\",\"E\":1700000040000,\"s\":\"BTCUSDT\",\"t\":1,"
                        "\"p\":\"1.00000000\",\"q\":\"0.00001000\",\"T\":1700000040000,"
                        "\"m\":false,\"M\":true}");
    expect_text(&second, "{\"stream\":\"btcusdt@trade\",\"data\":{\"e\":\"trade\","
                         "\"E\":1700000040000,\"s\":\"BTCUSDT\",\"t\":1,\"p\":\"1.00000000\","
                         "\"q\":\"0.00001000\",\"T\":1700000040000,\"m\":false,\"M\":true}}");
    assert_int_equal(socket_hub_count(hub), 2);
    assert_int_equal(metric_get(&metrics.ws_connections), 2);
    close(second.descriptor);
    leave(&first);
    assert_int_equal(socket_hub_count(hub), 0);
    stop_server();
}

/* Streams come and go by request; after the last has gone nothing arrives. */
TEST(socket, subscribes_and_unsubscribes)
{
    start_server();
    client_open(&first, "/ws/7");
    client_say(&first, "{\"method\":\"SUBSCRIBE\",\"params\":[\"btcusdt@aggTrade\"],\"id\":\"x\"}");
    expect_text(&first, "{\"result\":null,\"id\":\"x\"}");
    trade(1);
    uint8_t opcode;
    size_t bytes;
    assert_non_null(strstr(client_hear(&first, &opcode, &bytes), "\"e\":\"aggTrade\""));
    client_say(&first, "{\"method\":\"UNSUBSCRIBE\",\"params\":[\"btcusdt@aggTrade\"],\"id\":2}");
    expect_text(&first, "{\"result\":null,\"id\":2}");
    trade(2);
    client_say(&first, "{\"method\":\"LIST_SUBSCRIPTIONS\",\"id\":3}");
    expect_text(&first, "{\"result\":[\"7\"],\"id\":3}");
    leave(&first);
    stop_server();
}

/* A ping is answered with its payload, also inside a fragmented message, which then is answered
 * too. */
TEST(socket, ping_inside_fragments)
{
    start_server();
    uint8_t opcode;
    size_t bytes;
    client_open(&first, "/ws");
    client_send(&first, 0x01, "{\"method\":\"LIST_SUBS", 20);
    client_send(&first, 0x89, "knock", 5);
    assert_string_equal(client_hear(&first, &opcode, &bytes), "knock");
    assert_int_equal(opcode, FRAME_PONG);
    client_send(&first, 0x00, "CRIPTIONS\",", 11);
    client_send(&first, 0x80, "\"id\":1}", 7);
    expect_text(&first, "{\"result\":[],\"id\":1}");
    leave(&first);
    stop_server();
}

/* Each kind of bad input closes the connection with its own code, and the socket after it. */
TEST(socket, bad_input_closes_with_its_code)
{
    start_server();
    static const struct {
        uint8_t bytes[12];
        size_t byte_count;
        uint16_t code;
    } cases[] = {
        {"\x81\x01z", 3, 1002},                                 /* not masked */
        {"\x81\x82\0\0\0\0\xc3\x28", 8, 1007},                  /* not UTF-8 */
        {"\xc1\x80\0\0\0\0", 6, 1002},                          /* reserved bit */
        {"\x81\xff\x00\x00\x00\x00\x00\x01\x00\x01", 10, 1009}, /* 64 KiB and a byte */
        {"\x88\x81\0\0\0\0x", 7, 1002},                         /* one-byte close */
        {"\x82\x81\0\0\0\0x", 7, 1003},                         /* binary */
        {"\x88\x80\0\0\0\0", 6, 1000},                          /* an ordinary close */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        client_open(&first, "/ws/btcusdt@trade");
        client_write(&first, cases[i].bytes, cases[i].byte_count);
        expect_close(&first, cases[i].code);
        leave(&first);
        assert_int_equal(socket_hub_count(hub), 0);
    }
    assert_int_equal(metric_get(&metrics.ws_protocol_closed_total),
                     sizeof(cases) / sizeof(cases[0]) - 1);
    stop_server();
}

/* Behind the close frame for a broken protocol comes the end of the stream, at once; the connection is gone when the
 * client has closed too. */
TEST(socket, broken_protocol_ends_the_stream)
{
    start_server();
    uint8_t opcode;
    size_t bytes;
    client_open(&first, "/ws");
    client_write(&first, "\x81\x01z", 3);
    expect_close(&first, 1002);
    assert_null(client_hear(&first, &opcode, &bytes));
    leave(&first);
    assert_int_equal(socket_hub_count(hub), 0);
    stop_server();
}

/* A fragment that cannot become UTF-8 is refused when it comes, not when its message ends; so is one of a binary
 * message. A character may be cut in two. */
TEST(socket, fragments_are_checked_as_they_come)
{
    start_server();
    client_open(&first, "/ws");
    client_send(&first, 0x01, "\xed", 1);
    client_send(&first, 0x00, "\xa0", 1);
    expect_close(&first, 1007);
    leave(&first);
    client_open(&first, "/ws");
    client_send(&first, 0x01, "\xe2\x82", 2);
    client_send(&first, 0x80, "", 0);
    expect_close(&first, 1007);
    leave(&first);
    client_open(&first, "/ws");
    client_send(&first, 0x02, "x", 1);
    expect_close(&first, 1003);
    leave(&first);
    client_open(&first, "/ws");
    client_send(&first, 0x01, "{\"method\":\"LIST_SUBSCRIPTIONS\",\"x\":\"\xe2", 37);
    client_send(&first, 0x00, "\x82", 1);
    client_send(&first, 0x80, "\xac\",\"id\":5}", 10);
    expect_text(&first, "{\"result\":[],\"id\":5}");
    leave(&first);
    stop_server();
}

/* More than ten messages at once, or pongs that nobody asked for: closed with 1008, and counted. */
TEST(socket, too_many_messages_close_it)
{
    start_server();
    client_open(&first, "/ws");
    for (int i = 0; i < 10; i++)
        client_say(&first, "{\"method\":\"LIST_SUBSCRIPTIONS\",\"id\":1}");
    for (int i = 0; i < 10; i++)
        expect_text(&first, "{\"result\":[],\"id\":1}");
    client_say(&first, "{\"method\":\"LIST_SUBSCRIPTIONS\",\"id\":1}");
    expect_close(&first, 1008);
    leave(&first);
    client_open(&first, "/ws");
    for (int i = 0; i < 11; i++)
        client_send(&first, 0x8a, "", 0);
    expect_close(&first, 1008);
    assert_int_equal(metric_get(&metrics.ws_flood_closed_total), 2);
    leave(&first);
    stop_server();
}

/* Every 20 s a ping with the time in it; answered, it goes on. A minute without an answer ends it. */
TEST(socket, silent_client_is_closed)
{
    start_server();
    uint8_t opcode;
    size_t bytes;
    client_open(&first, "/ws");
    for (int i = 0; i < 10; i++) {
        now_ns += 20 * SECOND_NS;
        const char *ping = client_hear(&first, &opcode, &bytes);
        assert_non_null(ping);
        assert_int_equal(opcode, FRAME_PING);
        assert_int_equal(bytes, 13); /* milliseconds since the epoch */
        client_send(&first, 0x8a, ping, bytes);
        client_say(&first, "{\"method\":\"LIST_SUBSCRIPTIONS\",\"id\":1}");
        expect_text(&first, "{\"result\":[],\"id\":1}"); /* the pong has been read */
    }
    now_ns += 20 * SECOND_NS;
    assert_non_null(client_hear(&first, &opcode, &bytes));
    assert_int_equal(opcode, FRAME_PING);
    now_ns += 60 * SECOND_NS;
    expect_close(&first, 1008);
    assert_int_equal(metric_get(&metrics.ws_silent_closed_total), 1);
    leave(&first);
    stop_server();
}

static const char *hear_text(struct client *client)
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

/* A connection lives 24 hours; ten minutes before that its client is told, in the form of his streams. */
TEST(socket, old_connection_is_told_and_closed)
{
    static const char plain[] = "{\"e\":\"serverShutdown\",\"E\":";
    static const char combined[] =
        "{\"stream\":\"!serverShutdown\",\"data\":{\"e\":\"serverShutdown\",\"E\":";
    start_server();
    client_open(&first, "/ws");
    client_open(&second, "/stream");
    now_ns += pulse_limits_default().life_ns - pulse_limits_default().notice_ns;
    assert_memory_equal(hear_text(&first), plain, strlen(plain));
    assert_memory_equal(hear_text(&second), combined, strlen(combined));
    assert_int_equal(metric_get(&metrics.ws_old_closed_total), 0);
    now_ns += pulse_limits_default().notice_ns;
    expect_close(&first, 1001);
    expect_close(&second, 1001);
    assert_int_equal(metric_get(&metrics.ws_old_closed_total), 2);
    close(second.descriptor);
    leave(&first);
    stop_server();
}

/* Who has been told to go and does not close is gone after two seconds. */
TEST(socket, close_is_not_waited_for_long)
{
    start_server();
    client_open(&first, "/ws");
    client_write(&first, "\x82\x81\0\0\0\0x", 7);
    expect_close(&first, 1003);
    assert_int_equal(socket_hub_count(hub), 1);
    now_ns += 2 * SECOND_NS;
    for (int i = 0; i < WAIT_TURNS && socket_hub_count(hub) > 0; i++) {
        turn();
        poll(NULL, 0, 1);
    }
    assert_int_equal(socket_hub_count(hub), 0);
    close(first.descriptor);
    stop_server();
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
/* What an idle connection with a stream takes of ours: at most 8 KiB (here with all that libh2o and libuv keep). */
TEST(socket, idle_connection_takes_at_most_8_kib)
{
    enum { CONNECTIONS = 200 };
    static int descriptors[CONNECTIONS];
    start_server();
    client_open(&first, "/ws/btcusdt@trade"); /* what is allocated once */
    const size_t before = mallinfo2().uordblks;
    for (int i = 0; i < CONNECTIONS; i++) {
        client_open(&second, "/ws/btcusdt@trade");
        descriptors[i] = second.descriptor;
    }
    const size_t each = (mallinfo2().uordblks - before) / CONNECTIONS;
    print_message("%zu bytes a connection\n", each);
    assert_true(each <= 8192);
    for (int i = 0; i < CONNECTIONS; i++)
        close(descriptors[i]);
    leave(&first);
    stop_server();
}
#endif

/* Handshakes that are none are refused before the protocol changes. */
TEST(socket, handshakes_are_checked)
{
    start_server();
#define HEAD "Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
#define KEY  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define V13  "Sec-WebSocket-Version: 13\r\n"
    static const struct {
        const char *request, *status;
    } cases[] = {
        {"GET /ws HTTP/1.1\r\n" HEAD KEY "Sec-WebSocket-Version: 8\r\n\r\n", "426"},
        {"GET /ws HTTP/1.1\r\n" HEAD KEY "\r\n", "426"},
        {"GET /ws HTTP/1.0\r\n" HEAD KEY V13 "\r\n", "400"},
        {"GET /ws HTTP/1.1\r\nHost: x\r\n\r\n", "426"},
        {"GET /ws HTTP/1.1\r\n" HEAD V13 "\r\n", "400"},
        {"GET /ws HTTP/1.1\r\n" HEAD V13 "Sec-WebSocket-Key: short\r\n\r\n", "400"},
        {"GET /ws HTTP/1.1\r\n" HEAD V13 "Sec-WebSocket-Key: ????????????????????????\r\n\r\n",
         "400"},
        {"POST /ws HTTP/1.1\r\nContent-Length: 0\r\n" HEAD KEY V13 "\r\n", "405"},
        {"GET /ws/%4 HTTP/1.1\r\n" HEAD KEY V13 "\r\n", "400"},
        {"GET /ws HTTP/1.1\r\n" HEAD KEY V13 "\r\n", "101"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_string_equal(client_request(&first, cases[i].request), cases[i].status);
        leave(&first);
    }
    stop_server();
}

/* A reader that stops reading is closed with 1008 when trades outgrow its queue, counted, and nobody
 * else notices. */
TEST(socket, slow_reader_of_trades_is_closed)
{
    start_server();
    uint8_t opcode;
    size_t bytes;
    client_open(&first, "/ws/btcusdt@trade"); /* does not read */
    client_open(&second, "/ws/btcusdt@trade");
    uint64_t heard = 0, id = 0;
    while (metric_get(&metrics.ws_slow_closed_total) == 0) {
        assert_true(id < 500000);
        for (int i = 0; i < 100; i++)
            trade(++id);
        for (int i = 0; i < 100; i++, heard++) {
            assert_non_null(client_hear(&second, &opcode, &bytes));
            assert_int_equal(opcode, FRAME_TEXT);
        }
    }
    assert_int_equal(heard, id);
    assert_int_equal(metric_get(&metrics.ws_slow_closed_total), 1);
    expect_close(&first, 1008);
    close(second.descriptor);
    leave(&first);
    stop_server();
}

/* A slow reader of the book skips differences and gets one that covers them: no hole, no close. */
TEST(socket, slow_reader_of_the_book_is_caught_up)
{
    enum { ROUNDS = 1000, LEVELS = 20 };
    start_server();
    uint8_t opcode;
    size_t bytes;
    uint64_t tick_ns = FIXTURE_START_NS, last = 0, messages = 0;
    client_open(&first, "/ws/btcusdt@depth@100ms/btcusdt@bookTicker");
    for (int round = 0; round < ROUNDS; round++) { /* it does not read */
        for (int i = 0; i < LEVELS; i++)
            level(1000 + i, 1 + round);
        publish_tick(publisher, tick_ns += 100000000);
        turn();
    }
    while (last < update_id) {
        const char *text = client_hear(&first, &opcode, &bytes);
        assert_non_null(text);
        if (opcode != FRAME_TEXT || strstr(text, "depthUpdate") == NULL) continue;
        const uint64_t from = strtoull(strstr(text, "\"U\":") + 4, NULL, 10);
        assert_true(from == last + 1);
        last = strtoull(strstr(text, "\"u\":") + 4, NULL, 10);
        messages++;
    }
    assert_true(messages < ROUNDS); /* some were skipped */
    assert_int_equal(metric_get(&metrics.ws_slow_closed_total), 0);
    leave(&first);
    stop_server();
}

/* One that is left behind further than the book's history is closed, not given a hole. */
TEST(socket, reader_left_behind_the_history_is_closed)
{
    start_server();
    uint64_t tick_ns = FIXTURE_START_NS;
    client_open(&first, "/ws/btcusdt@depth@100ms");
    for (int round = 0; round < 400; round++) {
        for (int i = 0; i < 300; i++)
            level(1000 + i, 1 + round);
        publish_tick(publisher, tick_ns += 100000000);
        turn();
    }
    expect_close(&first, 1008);
    assert_int_equal(metric_get(&metrics.ws_slow_closed_total), 1);
    leave(&first);
    stop_server();
}

/* The number behind a key of a message. */
static uint64_t figure(const char *text, const char *key)
{
    const char *at = strstr(text, key);
    assert_non_null(at);
    return strtoull(at + strlen(key), NULL, 10);
}

/* A book's reader is given what is there, whenever he comes, and then every change behind it. */
TEST(socket, book_begins_with_a_snapshot)
{
    start_server();
    level(100, 5);
    client_open(&first, "/stream?streams=btcusdt@book");
    const char *text = hear_text(&first);
    assert_non_null(strstr(text, "{\"stream\":\"btcusdt@book\",\"data\":{\"e\":\"bookSnapshot\""));
    assert_int_equal(figure(text, "\"u\":"), 1);
    level(101, 5);
    level(102, 5);
    text = hear_text(&first);
    assert_non_null(strstr(text, "\"e\":\"bookUpdate\""));
    assert_int_equal(figure(text, "\"U\":"), 2);
    client_open(&second, "/ws/btcusdt@book");
    text = hear_text(&second);
    assert_memory_equal(text, "{\"e\":\"bookSnapshot\"", 19);
    assert_int_equal(figure(text, "\"u\":"), 3);
    leave(&first);
    leave(&second);
    stop_server();
}

/* Opens both, and subscribes them between the same two rounds. */
static void subscribe_both(const char *first_stream, const char *second_stream)
{
    char text[128];
    client_open(&first, "/ws");
    client_open(&second, "/ws");
    snprintf(text, sizeof(text), "{\"method\":\"SUBSCRIBE\",\"params\":[\"%s\"],\"id\":1}",
             first_stream);
    client_say(&first, text);
    snprintf(text, sizeof(text), "{\"method\":\"SUBSCRIBE\",\"params\":[\"%s\"],\"id\":1}",
             second_stream);
    client_say(&second, text);
    turn();
    assert_string_equal(hear_text(&first), "{\"result\":null,\"id\":1}");
    assert_string_equal(hear_text(&second), "{\"result\":null,\"id\":1}");
}

/* Who begins with the same book at the same time is given the same snapshot, printed once; then both have every change. */
TEST(socket, readers_of_one_round_share_a_snapshot)
{
    start_server();
    level(100, 5);
    subscribe_both("btcusdt@book", "btcusdt@book");
    assert_int_equal(figure(hear_text(&first), "\"u\":"), 1);
    assert_int_equal(figure(hear_text(&second), "\"u\":"), 1);
    assert_int_equal(metric_get(&metrics.ws_states_printed_total), 1);
    assert_int_equal(metric_get(&metrics.ws_states_deferred_total), 0);
    level(101, 5);
    assert_int_equal(figure(hear_text(&first), "\"U\":"), 2);
    assert_int_equal(figure(hear_text(&second), "\"U\":"), 2);
    leave(&first);
    leave(&second);
    client_open(&first, "/ws/btcusdt@book");
    assert_int_equal(figure(hear_text(&first), "\"u\":"),
                     2); /* of a later round: the book as it is then */
    leave(&first);
    stop_server();
}

/* A round prints no more than it may; who is left over is first in the next. */
TEST(socket, snapshots_have_a_budget)
{
    start_server();
    socket_hub_configure(hub, &(struct socket_options){
                                  .pulse = pulse_limits_default(), .now_ns = now, .states_max = 1});
    level(100, 5);
    subscribe_both("btcusdt@book", "ethbtc@book");
    assert_non_null(strstr(hear_text(&first), "\"s\":\"BTCUSDT\""));
    assert_non_null(strstr(hear_text(&second), "\"s\":\"ETHBTC\""));
    assert_int_equal(metric_get(&metrics.ws_states_printed_total), 2);
    assert_int_equal(metric_get(&metrics.ws_states_deferred_total), 1);
    leave(&first);
    leave(&second);
    stop_server();
}

/* One that is left behind further than the history goes is told to begin anew, and not closed. */
TEST(socket, book_reader_left_behind_begins_anew)
{
    start_server();
    uint64_t fast_ns = FIXTURE_START_NS, last = 0;
    client_open(&first, "/ws/btcusdt@book");
    assert_non_null(strstr(hear_text(&first), "bookSnapshot"));
    for (int round = 0; round < 400; round++) {
        for (int i = 0; i < 300; i++)
            level(1000 + i, 1 + round);
        publish_tick(publisher, fast_ns += 100000000);
        turn();
    }
    uint32_t resyncs = 0;
    while (last < update_id) {
        const char *text = hear_text(&first);
        if (strstr(text, "bookResync") != NULL) {
            resyncs++;
        } else {
            assert_int_equal(figure(text, "\"U\":"), last + 1);
        }
        last = figure(text, "\"u\":");
    }
    assert_int_equal(resyncs, 1);
    assert_int_equal(metric_get(&metrics.ws_slow_closed_total), 0);
    leave(&first);
    stop_server();
}

/* A stop tells everybody, and takes nobody new. */
TEST(socket, stop_closes_everybody)
{
    start_server();
    client_open(&first, "/ws/btcusdt@trade");
    trade(1); /* in the same round: it has happened, and is told */
    socket_hub_close_all(hub, 1001, "the node stops", "", false);
    assert_non_null(strstr(hear_text(&first), "\"e\":\"trade\""));
    assert_non_null(strstr(hear_text(&first), "\"e\":\"serverShutdown\""));
    expect_close(&first, 1001);
    assert_string_equal(client_request(&second, "GET /ws HTTP/1.1\r\n" HEAD KEY V13 "\r\n"), "503");
    close(second.descriptor);
    leave(&first);
    stop_server();
}
