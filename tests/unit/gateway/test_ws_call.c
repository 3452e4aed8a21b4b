#include "gateway/desk_state.h"
#include "gateway/ws_call_h2o.h"
#include "tests/unit/gateway/asker_fixture.h"
#include "tests/unit/gateway/loop_fixture.h"

#define ORDER \
    "\"symbol\":\"BTCUSDT\",\"side\":\"BUY\",\"type\":\"LIMIT\",\"timeInForce\":\"GTC\"," \
    "\"quantity\":\"1\",\"price\":\"100\""
#define ORDER_TEXT \
    "price=100&quantity=1&side=BUY&symbol=BTCUSDT&timeInForce=GTC&timestamp=%lld&type=LIMIT"
#define KEY "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static char text[1 << 16];
static uint8_t command[COMMAND_BYTES_MAX];

static void receive_all(int descriptor, void *bytes, size_t byte_count)
{
    for (size_t got = 0; got < byte_count;) {
        const ssize_t more = recv(descriptor, (char *)bytes + got, byte_count - got, 0);
        if (more <= 0) fail_msg("the connection ended");
        got += (size_t)more;
    }
}

static int open_path(const char *path)
{
    char head[512];
    const int descriptor = loop_connect_when_open();
    snprintf(head, sizeof(head),
             "GET %s HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
             path);
    assert_int_equal(send(descriptor, head, strlen(head), MSG_NOSIGNAL), strlen(head));
    return descriptor;
}

static int open_api(const char *path)
{
    char head[1024];
    size_t used = 0;
    const int descriptor = open_path(path);
    do {
        receive_all(descriptor, head + used++, 1);
        head[used] = 0;
    } while (strstr(head, "\r\n\r\n") == NULL);
    assert_memory_equal(head + 9, "101", 3);
    return descriptor;
}

/* One text frame, masked with zeros. */
static void say(int descriptor, const char *message)
{
    uint8_t frame[4096];
    const size_t byte_count = strlen(message), head_bytes = byte_count < 126 ? 6 : 8;
    assert_true(byte_count < sizeof(frame) - 8);
    memset(frame, 0, head_bytes);
    frame[0] = 0x81;
    frame[1] = (uint8_t)(0x80 | (byte_count < 126 ? byte_count : 126));
    if (byte_count >= 126) {
        frame[2] = (uint8_t)(byte_count >> 8);
        frame[3] = (uint8_t)byte_count;
    }
    memcpy(frame + head_bytes, message, byte_count);
    assert_int_equal(send(descriptor, frame, head_bytes + byte_count, MSG_NOSIGNAL),
                     head_bytes + byte_count);
}

/* The next text frame. */
static const char *hear(int descriptor)
{
    uint8_t head[2], length[8];
    receive_all(descriptor, head, 2);
    assert_int_equal(head[0], 0x81);
    size_t byte_count = head[1];
    if (byte_count >= 126) {
        const int digits = byte_count == 126 ? 2 : 8;
        receive_all(descriptor, length, (size_t)digits);
        byte_count = 0;
        for (int index = 0; index < digits; index++)
            byte_count = byte_count << 8 | length[index];
    }
    assert_true(byte_count < sizeof(text));
    receive_all(descriptor, text, byte_count);
    text[byte_count] = 0;
    return text;
}

static void assert_heard(int descriptor, const char *message, const char *expected)
{
    say(descriptor, message);
    assert_string_equal(hear(descriptor), expected);
}

static void assert_told(int descriptor, const char *message, const char *part)
{
    say(descriptor, message);
    if (strstr(hear(descriptor), part) == NULL) fail_msg("%s is not in %s", part, text);
}

/* ORDER signed by account 1's key. */
static void place(int descriptor, int id)
{
    uint8_t key_id[32], mac[32];
    char secret[65], hex[65], message[2048], signed_text[1024];
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    const long long now_ms = (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    snprintf(signed_text, sizeof(signed_text), "apiKey=" KEY "&" ORDER_TEXT, now_ms);
    memset(key_id, 0xaa, sizeof(key_id));
    auth_secret_of(loop_secret, key_id, secret);
    const struct auth_payload payload = {.pieces = {{signed_text, strlen(signed_text)}}};
    assert_true(auth_hmac(secret, 64, &payload, mac));
    hash_hex(mac, sizeof(mac), hex);
    snprintf(message, sizeof(message),
             "{\"id\":%d,\"method\":\"order.place\",\"params\":{" ORDER
             ",\"timestamp\":%lld,\"apiKey\":\"" KEY "\",\"signature\":\"%s\"}}",
             id, now_ms, hex);
    say(descriptor, message);
}

/* An order whose id has to be encoded in a URL, signed in one writing or the other. */
static void place_named(int descriptor, const char *id_in_text)
{
    uint8_t key_id[32], mac[32];
    char secret[65], hex[65], message[2048], signed_text[1024];
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    const long long now_ms = (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    snprintf(signed_text, sizeof(signed_text), "apiKey=" KEY "&newClientOrderId=%s&" ORDER_TEXT,
             id_in_text, now_ms);
    memset(key_id, 0xaa, sizeof(key_id));
    auth_secret_of(loop_secret, key_id, secret);
    const struct auth_payload payload = {.pieces = {{signed_text, strlen(signed_text)}}};
    assert_true(auth_hmac(secret, 64, &payload, mac));
    hash_hex(mac, sizeof(mac), hex);
    snprintf(message, sizeof(message),
             "{\"id\":1,\"method\":\"order.place\",\"params\":{" ORDER
             ",\"newClientOrderId\":\"x:1/2\",\"timestamp\":%lld,\"apiKey\":\"" KEY
             "\",\"signature\":\"%s\"}}",
             now_ms, hex);
    say(descriptor, message);
}

/* Some clients sign what they would put into a URL: both writings stand, and nothing between them. */
TEST(ws_call, either_writing_of_values_may_be_signed)
{
    static const char *const writings[] = {"x:1/2", "x%3A1%2F2"};
    loop_open();
    const int descriptor = open_api("/ws-api/v3");
    for (int i = 0; i < 2; i++) {
        place_named(descriptor, writings[i]);
        const size_t byte_count = loop_next_command(command);
        loop_accept(command, byte_count, 70 + (uint64_t)i);
        assert_non_null(strstr(hear(descriptor), "{\"id\":1,\"status\":200,"));
    }
    place_named(descriptor, "x%3A1/2");
    assert_non_null(strstr(hear(descriptor), "\"code\":-1022"));
    close(descriptor);
    assert_int_equal(loop_stop(), STATUS_OK);
}

/* What REST answers, in the API's envelope, with what was used; the id as it was sent. */
TEST(ws_call, public_methods_answer_as_rest_does)
{
    loop_open();
    const int descriptor = open_api("/ws-api/v3");
    assert_heard(descriptor, "{\"id\":1,\"method\":\"ping\"}",
                 "{\"id\":1,\"status\":200,\"result\":{},\"rateLimits\":[{\"rateLimitType\":"
                 "\"REQUEST_WEIGHT\",\"interval\":\"MINUTE\",\"intervalNum\":1,\"limit\":6000,"
                 "\"count\":3}]}");
    assert_heard(descriptor,
                 "{\"id\":\"x-1\",\"method\":\"v3/ping\",\"params\":{\"returnRateLimits\":false}}",
                 "{\"id\":\"x-1\",\"status\":200,\"result\":{}}");
    assert_told(descriptor, "{\"id\":2,\"method\":\"time\"}", "\"result\":{\"serverTime\":");
    assert_told(descriptor, "{\"id\":3,\"method\":\"depth\",\"params\":{\"symbol\":\"BTCUSDT\"}}",
                "\"result\":{\"lastUpdateId\":");
    assert_told(descriptor,
                "{\"id\":4,\"method\":\"ticker.price\",\"params\":{\"symbols\":[\"BTCUSDT\"]}}",
                "\"result\":[{\"symbol\":\"BTCUSDT\",");
    close(descriptor);
    assert_int_equal(loop_stop(), STATUS_OK);
}

/* Errors are those of REST, and those of a request that is none. */
TEST(ws_call, errors_say_what_is_wrong)
{
    loop_open();
    const int descriptor = open_api("/ws-api/v3?returnRateLimits=false");
    assert_heard(
        descriptor, "{\"id\":1,\"method\":\"depth\",\"params\":{\"symbol\":\"NOPE\"}}",
        "{\"id\":1,\"status\":400,\"error\":{\"code\":-1121,\"msg\":\"Invalid symbol.\"}}");
    assert_heard(descriptor, "{\"id\":2,\"method\":\"nope\"}",
                 "{\"id\":2,\"status\":400,\"error\":{\"code\":-1020,\"msg\":\"This operation is "
                 "not supported.\"}}");
    assert_heard(descriptor, "{\"id\":3,\"method\":\"depth\"",
                 "{\"id\":null,\"status\":400,\"error\":{\"code\":-1135,\"msg\":\"Invalid JSON "
                 "Request\"}}");
    assert_heard(descriptor, "{\"id\":4,\"method\":\"depth\",\"params\":[]}",
                 "{\"id\":4,\"status\":400,\"error\":{\"code\":-1135,\"msg\":\"Invalid 'params' in "
                 "JSON request; expected an object.\"}}");
    assert_heard(descriptor, "{\"id\":5,\"method\":\"account.status\",\"params\":{}}",
                 "{\"id\":5,\"status\":401,\"error\":{\"code\":-2014,\"msg\":\"API-key format "
                 "invalid.\"}}");
    assert_told(descriptor, "{\"id\":6,\"method\":\"ping\",\"params\":{\"returnRateLimits\":true}}",
                "\"rateLimits\":[");
    close(descriptor);
    assert_int_equal(loop_stop(), STATUS_OK);
}

/* A request of the URL's time unit; and URLs that wish for what there is not. */
TEST(ws_call, url_says_how_answers_look)
{
    loop_open();
    int descriptor = open_api("/ws-api/v3?timeUnit=MICROSECOND&returnRateLimits=false");
    say(descriptor, "{\"id\":1,\"method\":\"time\"}");
    const char *time = strstr(hear(descriptor), "serverTime\":");
    assert_non_null(time);
    assert_true(strtoull(time + 12, NULL, 10) > 1000000000000000ull);
    close(descriptor);
    descriptor = open_path("/ws-api/v3?timeUnit=NANO");
    loop_assert_status(loop_receive(descriptor), "400", "timeUnit");
    close(descriptor);
    assert_int_equal(loop_stop(), STATUS_OK);
}

/* An order is signed over its sorted parameters, and answered when its events come; others need not wait for it. */
TEST(ws_call, order_is_answered_when_its_events_come)
{
    loop_open();
    const int descriptor = open_api("/ws-api/v3");
    place(descriptor, 1);
    const size_t byte_count = loop_next_command(command);
    assert_told(descriptor, "{\"id\":2,\"method\":\"ping\"}", "{\"id\":2,\"status\":200,");
    loop_accept(command, byte_count, 77);
    const char *answer = hear(descriptor);
    assert_non_null(strstr(answer, "{\"id\":1,\"status\":200,\"result\":{\"symbol\":\"BTCUSDT\","
                                   "\"orderId\":77,"));
    assert_non_null(strstr(answer, "\"rateLimits\":[{\"rateLimitType\":\"ORDERS\",\"interval\":"
                                   "\"SECOND\",\"intervalNum\":10,"));
    close(descriptor);
    assert_int_equal(loop_stop(), STATUS_OK);
}

/* A signature of other parameters is none of these. */
TEST(ws_call, wrong_signature_is_refused)
{
    loop_open();
    const int descriptor = open_api("/ws-api/v3");
    struct timespec now;
    char message[1024];
    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(message, sizeof(message),
             "{\"id\":1,\"method\":\"account.status\",\"params\":{\"apiKey\":\"" KEY
             "\",\"timestamp\":%lld,\"signature\":\"" KEY "\"}}",
             (long long)now.tv_sec * 1000);
    assert_told(descriptor, message, "{\"id\":1,\"status\":400,\"error\":{\"code\":-1022,");
    close(descriptor);
    assert_int_equal(loop_stop(), STATUS_OK);
}

/* A client that leaves while its orders are in the log harms nobody, and the next is served. */
TEST(ws_call, clients_may_leave_while_they_wait)
{
    loop_open();
    for (int round = 0; round < 10; round++) {
        const int descriptor = open_api("/ws-api/v3");
        place(descriptor, round);
        const size_t byte_count = loop_next_command(command);
        const struct linger at_once = {1, 0};
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
        close(descriptor);
        loop_accept(command, byte_count, (uint64_t)round + 1);
    }
    const int descriptor = open_api("/ws-api/v3");
    assert_told(descriptor, "{\"id\":2,\"method\":\"ping\"}", "{\"id\":2,\"status\":200,");
    close(descriptor);
    assert_int_equal(loop_stop(), STATUS_OK);
}

/* Requests are limited by what they weigh, not by how many they are; beyond the minute's weight the answer says when
 * to come again. A minute may begin in between, so the limit is met within two. */
TEST(ws_call, weight_beyond_the_minute_is_refused)
{
    loop_open();
    const int descriptor = open_api("/ws-api/v3");
    bool is_refused = false;
    for (int count = 0; count < 640 && !is_refused; count++) {
        say(descriptor, "{\"id\":1,\"method\":\"exchangeInfo\",\"params\":{}}");
        is_refused = strstr(hear(descriptor), "\"status\":429,\"error\":{\"code\":-1003,") != NULL;
    }
    assert_true(is_refused);
    assert_non_null(strstr(text, "\"data\":{\"serverTime\":"));
    assert_non_null(strstr(text, ",\"retryAfter\":"));
    close(descriptor);
    assert_int_equal(loop_stop(), STATUS_OK);
}

/* ---- who does not read ---- */

#define MANY 10000

/* Requests sent from a thread of their own: who only writes must not wait for who only reads. */
struct burst {
    int descriptor;
    pthread_t thread;
    bool is_sent; /* all of it */
    size_t byte_count;
    uint8_t bytes[1 << 20];
};

static struct burst burst;

static void *send_burst(void *context)
{
    size_t sent = 0;
    (void)context;
    while (sent < burst.byte_count) {
        const ssize_t more =
            send(burst.descriptor, burst.bytes + sent, burst.byte_count - sent, MSG_NOSIGNAL);
        if (more <= 0) break;
        sent += (size_t)more;
    }
    burst.is_sent = sent == burst.byte_count;
    return NULL;
}

/* Requests 1 to MANY, without reading. */
static void ask_many(int descriptor)
{
    burst.descriptor = descriptor;
    burst.byte_count = 0;
    for (int id = 1; id <= MANY; id++) {
        uint8_t *frame = burst.bytes + burst.byte_count;
        assert_true(burst.byte_count + 128 < sizeof(burst.bytes));
        const int byte_count =
            snprintf((char *)frame + 6, 100, "{\"id\":%d,\"method\":\"ping\"}", id);
        memcpy(frame, (uint8_t[]){0x81, (uint8_t)(0x80 | byte_count), 0, 0, 0, 0}, 6);
        burst.byte_count += 6 + (size_t)byte_count;
    }
    assert_int_equal(pthread_create(&burst.thread, NULL, send_burst, NULL), 0);
}

static void wait_for(const _Atomic uint64_t *metric)
{
    for (int round = 0; metric_get(metric) == 0; round++) {
        if (round == 10000) fail_msg("it was waited for in vain");
        loop_moment();
    }
}

static void without_limits(void)
{
    loop_options.limits_on = false;
}

/* Ten thousand requests, and nobody reads: the server stops to read them long before their answers are all there; then
 * all are answered, in order. */
TEST(ws_call, answers_wait_for_their_reader)
{
    char expected[64];
    loop_prepare = without_limits;
    loop_open();
    const int descriptor = open_api("/ws-api/v3");
    ask_many(descriptor);
    wait_for(&loop_metrics.ws_paused_total);
    assert_true(metric_get(&loop_metrics.ws_messages_total) < MANY);
    for (int id = 1; id <= MANY; id++) {
        snprintf(expected, sizeof(expected), "{\"id\":%d,\"status\":200,", id);
        assert_memory_equal(hear(descriptor), expected, strlen(expected));
    }
    pthread_join(burst.thread, NULL);
    assert_true(burst.is_sent);
    assert_int_equal(metric_get(&loop_metrics.ws_slow_closed_total), 0);
    close(descriptor);
    assert_int_equal(loop_stop(), STATUS_OK);
}

static void with_little_patience(void)
{
    loop_options.limits_on = false;
    loop_options.limits.ws_pong_s = 1;
}

/* He has as long to take his answers as for a pong; then he is closed as any slow reader. */
TEST(ws_call, who_takes_no_answers_is_closed)
{
    loop_prepare = with_little_patience;
    loop_open();
    const int descriptor = open_api("/ws-api/v3");
    ask_many(descriptor);
    wait_for(&loop_metrics.ws_slow_closed_total);
    assert_true(metric_get(&loop_metrics.ws_paused_total) > 0);
    pthread_join(burst.thread, NULL);
    close(descriptor);
    assert_int_equal(loop_stop(), STATUS_OK);
}

/* While as many orders wait for the log as may, what comes behind them is not read: nothing of it is refused. */
TEST(ws_call, request_waits_until_there_is_room_for_it)
{
    static uint8_t other[COMMAND_BYTES_MAX];
    loop_prepare = without_limits;
    loop_open();
    const int descriptor = open_api("/ws-api/v3");
    for (int id = 1; id <= WS_CALLS_MAX; id++)
        place(descriptor, id);
    say(descriptor, "{\"id\":0,\"method\":\"ping\"}");
    const size_t byte_count = loop_next_command(command);
    for (int id = 2; id <= WS_CALLS_MAX; id++)
        (void)loop_next_command(other);
    wait_for(&loop_metrics.ws_paused_total);
    loop_accept(command, byte_count, 77);
    assert_non_null(strstr(hear(descriptor), "{\"id\":1,\"status\":200,"));
    assert_non_null(strstr(hear(descriptor), "{\"id\":0,\"status\":200,"));
    close(descriptor);
    assert_int_equal(loop_stop(), STATUS_OK);
}

/* An order for which an answer has made room goes to the log before the loop sleeps: nothing else might wake it. Who hears the
 * answer and finds the loop asleep finds the order, too. */
TEST(ws_call, order_that_waited_for_room_does_not_wait_for_another_turn)
{
    static uint8_t other[COMMAND_BYTES_MAX];
    size_t other_bytes;
    loop_prepare = without_limits;
    loop_open();
    const int descriptor = open_api("/ws-api/v3");
    for (int id = 1; id <= WS_CALLS_MAX + 1; id++)
        place(descriptor, id);
    const size_t byte_count = loop_next_command(command);
    for (int id = 2; id <= WS_CALLS_MAX; id++)
        (void)loop_next_command(other);
    wait_for(&loop_metrics.ws_paused_total);
    loop_accept(command, byte_count, 77);
    assert_non_null(strstr(hear(descriptor), "{\"id\":1,\"status\":200,"));
    if (loop_publish_block()) {
        assert_non_null(ring_peek(loop_submissions, &other_bytes));
        park_wake(&loop_park);
    }
    (void)loop_next_command(other);
    close(descriptor);
    assert_int_equal(loop_stop(), STATUS_OK);
}

/* A server that stops says so in the API's form of an event, before it closes. */
TEST(ws_call, stop_is_announced_as_an_event)
{
    loop_open();
    const int descriptor = open_api("/ws-api/v3");
    assert_told(descriptor, "{\"id\":1,\"method\":\"ping\"}", "\"status\":200");
    atomic_store(&loop_progress.stopping, 1);
    park_wake(&loop_park);
    assert_memory_equal(hear(descriptor), "{\"event\":{\"e\":\"serverShutdown\",", 30);
    close(descriptor);
    assert_int_equal(loop_stop(), STATUS_OK);
}

static void with_elsewhere(void)
{
    loop_options.elsewhere = "https://b.example,https://c.example:8443";
}

/* An order that is under way at a stop has its answer, which may be the only one there will ever be; then the client is
 * sent on. A command that comes after it is refused. */
TEST(ws_call, answers_come_before_the_end_at_a_stop)
{
    uint8_t head[2];
    loop_prepare = with_elsewhere;
    loop_open();
    const int descriptor = open_api("/ws-api/v3");
    place(descriptor, 1);
    const size_t byte_count = loop_next_command(command);
    atomic_store(&loop_progress.closing, 1);
    park_wake(&loop_park);
    assert_non_null(strstr(hear(descriptor), ",\"elsewhere\":[\"https://b.example\","
                                             "\"https://c.example:8443\"]}}"));
    place(descriptor, 2);
    assert_non_null(
        strstr(hear(descriptor), "{\"id\":2,\"status\":503,\"error\":{\"code\":-1016,"));
    loop_accept(command, byte_count, 5);
    assert_non_null(strstr(hear(descriptor), "{\"id\":1,\"status\":200,"));
    receive_all(descriptor, head, 2);
    assert_int_equal(head[0], 0x88);
    receive_all(descriptor, text, head[1]);
    text[head[1]] = 0;
    assert_string_equal(text, "\x03\xe9the node is stopping: go to https://b.example");
    close(descriptor);
    assert_int_equal(loop_stop(), STATUS_OK);
}

/* An owner's own signature of the sorted text goes into the command with it, byte for byte: every node checks it. */
TEST(ws_call, ed25519_text_goes_along_with_the_command)
{
    static const char signed_format[] = "apiKey=" KEY "&" ORDER_TEXT;
    uint8_t public_key[PUBLIC_KEY_BYTES], secret_key[SECRET_KEY_BYTES], signature[SIGNATURE_BYTES];
    uint8_t events[512];
    char signed_text[1024], message[2048], base64[128];
    struct timespec now;
    loop_start();
    struct event_writer writer = loop_writer(events, sizeof(events));
    struct account_created_event account = {.account = 1};
    struct key_added_event key = {.account = 1, .permissions = KEY_READ | KEY_TRADE};
    crypto_sign_keypair(public_key, secret_key);
    memcpy(account.public_key, public_key, sizeof(public_key));
    memcpy(key.public_key, public_key, sizeof(public_key));
    memset(key.key_id, 0xaa, sizeof(key.key_id));
    event_write_account_created(&writer, &account);
    event_write_key_added(&writer, &key);
    loop_apply_own(events, &writer);
    loop_hello();

    clock_gettime(CLOCK_REALTIME, &now);
    const long long now_ms = (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    snprintf(signed_text, sizeof(signed_text), signed_format, now_ms);
    hash_sign(secret_key, signed_text, strlen(signed_text), signature);
    sodium_bin2base64(base64, sizeof(base64), signature, sizeof(signature),
                      sodium_base64_VARIANT_ORIGINAL);
    snprintf(message, sizeof(message),
             "{\"id\":1,\"method\":\"order.place\",\"params\":{\"apiKey\":\"" KEY
             "\",\"signature\":\"%s\",\"timestamp\":%lld," ORDER "}}",
             base64, now_ms);
    const int descriptor = open_api("/ws-api/v3");
    say(descriptor, message);
    const size_t byte_count = loop_next_command(command);
    struct command decoded;
    assert_true(command_decode(command, byte_count, &decoded));
    assert_int_equal(decoded.header.auth_kind, AUTH_ED25519);
    assert_int_equal(decoded.header.auth_length, 32 + SIGNATURE_BYTES + strlen(signed_text));
    assert_memory_equal(decoded.auth + 32, signature, SIGNATURE_BYTES);
    assert_memory_equal(decoded.auth + 32 + SIGNATURE_BYTES, signed_text, strlen(signed_text));
    loop_accept(command, byte_count, 78);
    assert_non_null(strstr(hear(descriptor), "\"orderId\":78,"));
    close(descriptor);
    assert_int_equal(loop_stop(), STATUS_OK);
}

/* ---- without a socket ---- */

static char said[4096];
static char ended_because[128];

static void caller_send(void *context, const h2o_iovec_t *parts, size_t part_count)
{
    (void)context;
    assert_string_equal(ended_because, "");
    for (size_t i = 0; i < part_count; i++)
        strncat(said, parts[i].base, parts[i].len);
}

static bool caller_is_open(void *context)
{
    (void)context;
    return ended_because[0] == 0;
}

static void caller_end(void *context, const char *reason)
{
    (void)context;
    snprintf(ended_because, sizeof(ended_because), "%s", reason);
}

static struct ws_calls calls;

static void open_calls(void)
{
    static const struct ws_caller caller = {
        .answer = caller_send, .send = caller_send, .is_open = caller_is_open, .end = caller_end};
    asker_open_limited();
    said[0] = ended_because[0] = 0;
    assert_true(ws_call_open(&calls, asker_desk, &caller, &(struct request){.address = 7}, "", 0));
}

static void take(const char *message)
{
    said[0] = 0;
    ws_call_take(&calls, message, strlen(message));
}

static uint64_t clock_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* What a banned address sends is not read: its connection ends, and says until when. */
TEST(ws_call, banned_address_is_not_listened_to)
{
    char expected[128];
    open_calls();
    struct quota *quota = asker_desk->quota;
    struct quota_verdict verdict = {0};
    for (uint64_t at_ns = clock_now_ns(); verdict.reject != REJECT_BANNED; at_ns += 1000000000)
        verdict = quota_judge(quota, QUOTA_WEIGHT, 7, QUOTA_WEIGHT_MAX + 1, at_ns);
    take("{\"id\":1,\"method\":\"ping\"}");
    assert_string_equal(said, "");
    snprintf(expected, sizeof(expected), "IP banned until %llu",
             (unsigned long long)verdict.until_ms);
    assert_string_equal(ended_because, expected);
    assert_null(calls.first);
    assert_int_equal(quota_charge(quota, QUOTA_REQUESTS, 7, 0, clock_now_ns()), 0);
    ws_call_close(&calls);
    asker_close();
}

/* Brings the address to where the next refusal, if it is in this minute, bans it. */
static void be_refused_often(void)
{
    const uint64_t now_s = clock_now_ns() / 1000000000, minute_s = now_s / 60 * 60;
    struct quota_verdict verdict = {0};
    uint32_t count = 0;
    for (uint64_t second = minute_s; count < QUOTA_PATIENCE; second++) {
        if (second == now_s) continue;
        verdict = quota_judge(asker_desk->quota, QUOTA_WEIGHT, 7, QUOTA_WEIGHT_MAX + 1,
                              second * 1000000000);
        assert_int_equal(verdict.reject, REJECT_TOO_MUCH_WEIGHT);
        count++;
    }
}

/* The request that bans is answered, and is the last. The minute may end just then, and the tale begins anew. */
TEST(ws_call, refusal_that_bans_is_the_last_answer)
{
    open_calls();
    for (int times = 0; times < 3 && ended_because[0] == 0; times++) {
        be_refused_often();
        take("{\"id\":9,\"method\":\"ping\"}");
    }
    assert_memory_equal(said, "{\"id\":9,\"status\":418,\"error\":{\"code\":-1003,", 43);
    assert_non_null(strstr(said, ",\"data\":{\"serverTime\":"));
    assert_non_null(strstr(said, ",\"retryAfter\":"));
    assert_memory_equal(ended_because, "IP banned until ", 16);
    ws_call_close(&calls);
    asker_close();
}

/* A refused time says what time it is in the error's data, as the API has it. */
TEST(ws_call, refused_time_says_the_time_in_data)
{
    open_calls();
    take("{\"id\":1,\"method\":\"account.status\",\"params\":{\"apiKey\":\"" KEY
         "\",\"timestamp\":1600000000000,\"signature\":\"" KEY "\"}}");
    static const char expected[] = "{\"id\":1,\"status\":400,\"error\":{\"code\":-1021,\"msg\":"
                                   "\"Timestamp for this request is "
                                   "outside of the recvWindow.\",\"data\":{\"serverTime\":";
    assert_memory_equal(said, expected, sizeof(expected) - 1);
    assert_non_null(strstr(said, "}},\"rateLimits\":["));
    ws_call_close(&calls);
    asker_close();
}

/* Messages are requests: they count as such, also those that are none of the API's. */
TEST(ws_call, every_message_is_a_request)
{
    open_calls();
    take("nonsense");
    take("{\"id\":1,\"method\":\"nope\"}");
    take("{\"id\":1,\"method\":\"ping\"}");
    assert_int_equal(quota_charge(asker_desk->quota, QUOTA_REQUESTS, 7, 0, clock_now_ns()), 3);
    ws_call_close(&calls);
    asker_close();
}
