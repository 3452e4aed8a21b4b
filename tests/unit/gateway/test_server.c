#include "gateway/chain_source.h"
#include "gateway/grant.h"
#include "gateway/server.h"
#include "tests/unit/gateway/loop_fixture.h"

#define ORDER "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=100"

static char request[2048];
static uint8_t command[COMMAND_BYTES_MAX];

static void open_server(void)
{
    loop_start();
    loop_account();
    loop_hello();
}

static int send_signed(const char *method, const char *path, const char *parameters)
{
    loop_sign(request, sizeof(request), method, path, parameters);
    const int descriptor = loop_connect_when_open();
    assert_int_equal(send(descriptor, request, strlen(request), MSG_NOSIGNAL), strlen(request));
    return descriptor;
}

static void assert_status(const char *text, const char *status, const char *part)
{
    assert_int_equal(strncmp(text + 9, status, 3), 0);
    assert_non_null(strstr(text, part));
}

/* The answer waits for the command's events, and then is raised as acknowledged. */
TEST(server, order_is_answered_when_its_events_come)
{
    open_server();
    const int descriptor = send_signed("POST", "/api/v3/order", ORDER);
    const size_t byte_count = loop_next_command(command);
    assert_int_equal(recv(descriptor, loop_text, 1, MSG_DONTWAIT), -1);
    assert_int_equal(atomic_load(&loop_progress.acked_command), 0);
    loop_accept(command, byte_count, 77);
    const char *text = loop_receive(descriptor);
    assert_status(text, "200", "\"orderId\":77,");
    assert_non_null(strstr(text, "X-MBX-ORDER-COUNT-10S: 1\r\n"));
    assert_int_equal(atomic_load(&loop_progress.acked_command), loop_number);
    close(descriptor);

    loop_sign(request, sizeof(request), "GET", "/api/v3/openOrders", "symbol=BTCUSDT");
    assert_status(loop_exchange(request), "200", "\"orderId\":77,");
    assert_int_equal(loop_stop(), STATUS_OK);
}

/* The ticket alone does not make a command ours: its epoch must be the running one. */
TEST(server, command_of_an_older_epoch_answers_nobody)
{
    struct command decoded;
    open_server();
    const int descriptor = send_signed("POST", "/api/v3/order", ORDER);
    const size_t byte_count = loop_next_command(command);
    assert_true(command_decode(command, byte_count, &decoded));
    struct command_header header = decoded.header;
    header.origin_epoch--;
    command_header_put(command, &header);
    loop_accept(command, byte_count, 1);
    header.origin_epoch++;
    command_header_put(command, &header);
    loop_accept(command, byte_count, 2);
    assert_status(loop_receive(descriptor), "200", "\"orderId\":2,");
    close(descriptor);
    assert_int_equal(loop_stop(), STATUS_OK);
}

/* A command that came too late for its number in our stream is sent again under its next one: who waits for it
 * hears how that went, and nothing of switches that fired before the first. */
TEST(server, stale_command_is_waited_for_until_it_comes_again)
{
    uint8_t events[256];
    struct command decoded;
    open_server();
    const int descriptor = send_signed("POST", "/api/v3/order", ORDER);
    const size_t byte_count = loop_next_command(command);
    for (int times = 0; times < 2; times++) {
        struct event_writer writer = loop_writer(events, sizeof(events));
        event_write_switch_fired(&writer, &(struct switch_fired_event){.account = 1});
        event_write_noop(&writer, &(struct noop_event){REJECT_STALE_SEQUENCE});
        loop_apply(command, byte_count, events, &writer);
        loop_hello(); /* the epoch was closed over our heads */
        assert_true(command_decode(command, byte_count, &decoded));
        struct command_header header = decoded.header;
        header.origin_epoch = loop_epoch;
        command_header_put(command, &header);
    }
    loop_await_taken();
    assert_int_equal(recv(descriptor, loop_text, 1, MSG_DONTWAIT), -1);
    assert_int_equal(atomic_load(&loop_progress.acked_command), 0);
    loop_accept(command, byte_count, 7);
    assert_status(loop_receive(descriptor), "200", "\"orderId\":7,");
    close(descriptor);
    assert_int_equal(loop_stop(), STATUS_OK);
}

/* What only a later version understands is nothing, and does not come again. */
TEST(server, command_of_a_later_version_has_an_unknown_outcome)
{
    uint8_t events[256];
    open_server();
    const int descriptor = send_signed("POST", "/api/v3/order", ORDER);
    const size_t byte_count = loop_next_command(command);
    struct event_writer writer = loop_writer(events, sizeof(events));
    event_write_noop(&writer, &(struct noop_event){REJECT_LATER_VERSION});
    /* Well before a request has waited for as long as it may. */
    const struct timeval bound = {.tv_sec = SERVER_WAIT_MS / 2000};
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof(bound));
    loop_apply(command, byte_count, events, &writer);
    assert_status(loop_receive(descriptor), "504", "-1007");
    close(descriptor);
    assert_int_equal(loop_stop(), STATUS_OK);
}

/* Nor does an epoch and a ticket: two nodes' epochs and tickets may be the same numbers. */
TEST(server, command_of_another_node_answers_nobody)
{
    struct command decoded;
    open_server();
    const int descriptor = send_signed("POST", "/api/v3/order", ORDER);
    const size_t byte_count = loop_next_command(command);
    assert_true(command_decode(command, byte_count, &decoded));
    struct command_header header = decoded.header;
    assert_int_equal(header.origin, 1);
    header.origin = 2;
    command_header_put(command, &header);
    loop_accept(command, byte_count, 1);
    header.origin = 1;
    command_header_put(command, &header);
    loop_accept(command, byte_count, 2);
    assert_status(loop_receive(descriptor), "200", "\"orderId\":2,");
    close(descriptor);
    assert_int_equal(loop_stop(), STATUS_OK);
}

/* While nothing can be certified an order is refused at once, with a word that says so; reads go on. One
 * that waits for an election is not refused: without a leader it is taken as ever. */
TEST(server, orders_are_refused_at_once_without_certificates)
{
    open_server();
    atomic_store(&loop_progress.sealed_height, 101);
    loop_sign(request, sizeof(request), "POST", "/api/v3/order", ORDER);
    assert_status(loop_exchange(request), "503", "{\"code\":-1016,\"msg\":\"No orders are taken");
    loop_sign(request, sizeof(request), "GET", "/api/v3/openOrders", "symbol=BTCUSDT");
    assert_status(loop_exchange(request), "200", "[]");
    atomic_store(&loop_progress.certified_height, 1);
    atomic_store(&loop_progress.stuck, 1);
    loop_sign(request, sizeof(request), "POST", "/api/v3/order", ORDER);
    assert_status(loop_exchange(request), "503", "-1016");
    atomic_store(&loop_progress.stuck, 0);
    const int descriptor = send_signed("POST", "/api/v3/order", ORDER);
    const size_t byte_count = loop_next_command(command);
    loop_accept(command, byte_count, 5);
    assert_status(loop_receive(descriptor), "200", "\"orderId\":5,");
    close(descriptor);
    assert_int_equal(loop_stop(), STATUS_OK);
}

static uint8_t node_key[SECRET_KEY_BYTES];

static enum status give_body(void *context, uint64_t height, const uint8_t **bytes,
                             size_t *byte_count)
{
    (void)context, (void)height;
    *bytes = (const uint8_t *)"a\0b";
    *byte_count = 3;
    return STATUS_OK;
}

static const struct chain_source chain = {.body = give_body};

static void with_member(void)
{
    struct validator *member = &loop_genesis.validators.members[0];
    loop_genesis.validators.count = 1;
    member->node = 1;
    crypto_sign_keypair(member->public_key, node_key);
    loop_options.chain = &chain;
}

static void tell_block(void)
{
    uint8_t *at = ring_reserve(loop_notices, EVENT_HEADER_BYTES + BLOCK_SEALED_BYTES);
    struct event_writer writer = {.at = at, .end = at + EVENT_HEADER_BYTES + BLOCK_SEALED_BYTES};
    struct block_sealed_notice sealed = {0};
    const struct block_header header = {.version = BLOCK_HEADER_VERSION, .height = 1};
    block_header_encode(&header, sealed.header);
    notice_write_block_sealed(&writer, &sealed);
    ring_commit(loop_notices, (size_t)(writer.at - at));
    if (ring_publish(loop_notices)) park_wake(&loop_park);
}

/* A body goes to who signs for this very path with a member's key, byte for byte, and to nobody else. */
TEST(server, body_is_for_who_signs_as_a_member)
{
    static const char target[] = "/quorex/v1/blocks/1/body?offset=0";
    uint8_t bytes[GRANT_REQUEST_BYTES], signature[SIGNATURE_BYTES];
    char key_text[2 * PUBLIC_KEY_BYTES + 1], signature_text[2 * SIGNATURE_BYTES + 1];
    struct timespec now;
    loop_prepare = with_member;
    open_server();
    tell_block();
    while (ring_used(loop_notices) > 0)
        loop_moment();
    assert_status(loop_exchange("GET /quorex/v1/blocks/1/body HTTP/1.1\r\nHost: x\r\n\r\n"), "401",
                  "{\"code\":-9003,");
    clock_gettime(CLOCK_REALTIME, &now);
    const uint64_t now_ms = (uint64_t)now.tv_sec * 1000;
    grant_request_put(genesis_chain_id(&loop_genesis), now_ms, target, sizeof(target) - 1, bytes);
    hash_sign(node_key, bytes, sizeof(bytes), signature);
    hash_hex(node_key + PUBLIC_KEY_BYTES, PUBLIC_KEY_BYTES, key_text);
    hash_hex(signature, sizeof(signature), signature_text);
    for (int wrong = 0; wrong <= 1; wrong++) {
        snprintf(
            request, sizeof(request),
            "GET /quorex/v1/blocks/1/body?offset=%d HTTP/1.1\r\nHost: x\r\nX-Quorex-Key: %s\r\n"
            "X-Quorex-Time: %llu\r\nX-Quorex-Signature: %s\r\n\r\n",
            wrong, key_text, (unsigned long long)now_ms, signature_text);
        const char *text = loop_exchange(request);
        if (wrong) {
            assert_status(text, "401", "{\"code\":-9004,");
            continue;
        }
        assert_status(text, "200", "application/octet-stream");
        assert_non_null(strstr(text, "Content-Length: 3\r\n"));
        assert_memory_equal(strstr(text, "\r\n\r\n") + 4, "a\0b", 3);
    }
    assert_int_equal(loop_stop(), STATUS_OK);
}

/* Clients that leave while their order is in the log harm nobody, and the next is served. */
TEST(server, clients_may_leave_while_they_wait)
{
    open_server();
    for (int round = 0; round < 20; round++) {
        const int descriptor = send_signed("POST", "/api/v3/order", ORDER);
        const size_t byte_count = loop_next_command(command);
        const struct linger at_once = {1, 0};
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
        close(descriptor);
        loop_accept(command, byte_count, (uint64_t)round + 1);
    }
    loop_sign(request, sizeof(request), "GET", "/api/v3/order", "symbol=BTCUSDT&orderId=20");
    assert_status(loop_exchange(request), "200", "\"orderId\":20,");
    assert_int_equal(loop_stop(), STATUS_OK);
}

/* What waits when the node stops is answered, not dropped: its outcome still comes. */
TEST(server, waiting_order_is_finished_before_a_stop)
{
    open_server();
    const int descriptor = send_signed("POST", "/api/v3/order", ORDER);
    const size_t byte_count = loop_next_command(command);
    atomic_store(&loop_progress.stopping, 1);
    loop_await_closed();
    loop_accept(command, byte_count, 5);
    assert_status(loop_receive(descriptor), "200", "\"orderId\":5,");
    close(descriptor);
    assert_int_equal(loop_stop(), STATUS_OK);
}

/* A full ring is an answer: 503, for one client, while those before it go on waiting. */
TEST(server, full_ring_is_answered_busy)
{
    int clients[40];
    loop_submission_bytes = 4096;
    open_server();
    loop_submission_bytes = LOOP_RING_BYTES;
    for (int index = 0; index < 40; index++)
        clients[index] = send_signed("POST", "/api/v3/order", ORDER);
    assert_status(loop_receive(clients[39]), "503", "{\"code\":-1008,");
    assert_true(metric_get(&loop_metrics.admission_full_total) > 0);
    const size_t byte_count = loop_next_command(command);
    loop_accept(command, byte_count, 9);
    assert_status(loop_receive(clients[0]), "200", "\"orderId\":9,");
    /* Whoever waits when the node stops without an outcome is told so. */
    assert_int_equal(loop_stop(), STATUS_OK);
    assert_status(loop_receive(clients[1]), "504", "{\"code\":-1007,");
    for (int index = 0; index < 40; index++)
        close(clients[index]);
}

static const char *raw(const char *text)
{
    return loop_exchange(text);
}

/* What h2o would let pass: lengths given twice, and headers and bodies beyond our limits. */
TEST(server, ambiguous_or_oversized_requests_end_the_connection)
{
    static char large[100000];
    open_server();
    assert_status(raw("POST /api/v3/order HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n"
                      "Content-Length: 3\r\n\r\nabc"),
                  "400", "Connection: close");
    assert_status(raw("POST /api/v3/order HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n"
                      "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
                  "400", "Connection: close");
    int length = snprintf(large, sizeof(large), "GET /api/v3/ping HTTP/1.1\r\nHost: x\r\nX: ");
    memset(large + length, 'a', 20000);
    memcpy(large + length + 20000, "\r\n\r\n", 5);
    assert_status(raw(large), "431", "Connection: close");
    length = snprintf(large, sizeof(large),
                      "POST /api/v3/order HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\n");
    memset(large + length, 'a', 70000);
    large[length + 70000] = 0;
    assert_status(raw(large), "413", "Connection: close");
    assert_status(raw("POST /api/v3/order HTTP/1.1\r\nHost: x\r\n"
                      "Transfer-Encoding: chunked\r\n\r\n3\r\na=b\r\n0\r\n\r\n"),
                  "401", "-2014");
    assert_int_equal(loop_stop(), STATUS_OK);
}

TEST(server, unknown_paths_and_methods_are_json_errors)
{
    open_server();
    assert_status(raw("GET /nope HTTP/1.1\r\nHost: x\r\n\r\n"), "404", "{\"code\":-1020,");
    assert_status(raw("PUT /api/v3/time HTTP/1.1\r\nHost: x\r\n\r\n"), "405", "{\"code\":-1020,");
    assert_status(raw("GET /api/v3/time HTTP/1.1\r\nHost: x\r\nX-MBX-TIME-UNIT: NANO\r\n\r\n"),
                  "400", "-1194");
    assert_status(raw("GET /api/v3/depth?symbol=%zz HTTP/1.1\r\nHost: x\r\n\r\n"), "400", "-1100");
    assert_status(raw("GET /api/v3/account HTTP/1.1\r\nHost: x\r\n\r\n"), "401", "-2014");
    assert_status(raw("GET /quorex/v1/blocks/3 HTTP/1.1\r\nHost: x\r\n\r\n"), "404",
                  "{\"code\":-9001,");
    assert_status(raw("GET /quorex/v1/blocks/3/4 HTTP/1.1\r\nHost: x\r\n\r\n"), "404", "-1020");
    assert_int_equal(loop_stop(), STATUS_OK);
}

/* 6,000 a minute; the one beyond is told when to come again. A minute may begin in between, so the
 * limit is met within two. */
TEST(server, weight_beyond_the_minute_is_refused)
{
    open_server();
    const char *text = NULL;
    const int descriptor = loop_connect_when_open();
    static const char *const all = "GET /api/v3/ticker/24hr HTTP/1.1\r\nHost: x\r\n\r\n";
    int status = 0;
    for (int count = 0; count < 160 && status != 429; count++) {
        send(descriptor, all, strlen(all), MSG_NOSIGNAL);
        text = loop_receive(descriptor);
        status = (int)strtol(text + 9, NULL, 10);
    }
    assert_int_equal(status, 429);
    assert_non_null(strstr(text, "Retry-After: "));
    assert_non_null(strstr(text, "{\"code\":-1003,\"msg\":\"Too much request weight used; current "
                                 "limit is 6000 request weight per 1 MINUTE."));
    close(descriptor);
    assert_int_equal(loop_stop(), STATUS_OK);
}
