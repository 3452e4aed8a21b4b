/* A gateway loop on a thread, with a log and an engine played by hand: commands are taken from the
 * submissions ring and come back as the records the engine would write.
 */

#ifndef TESTS_UNIT_GATEWAY_LOOP_FIXTURE_H
#define TESTS_UNIT_GATEWAY_LOOP_FIXTURE_H

#include "common/block_header.h"
#include "common/hash.h"
#include "gateway/auth.h"
#include "gateway/gateway.h"
#include "tests/harness.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LOOP_RING_BYTES (1u << 20)
#define LOOP_STAMP_NS   1700000040000000000ull

/* h2o keeps a few buffers per thread for reuse and gives no way to free them. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:h2o_mem_alloc_recycle\n";
}

static struct genesis loop_genesis;
static struct metrics loop_metrics;
static struct progress loop_progress;
static struct park loop_park, loop_log_park;
static struct ring *loop_submissions, *loop_applied, *loop_notices;
static void *loop_memory[3];
static struct gateway_options loop_options;
static pthread_t loop_thread;
static enum status loop_status;
static uint64_t loop_number;
static uint64_t loop_epoch;
static const uint8_t loop_secret[HASH_BYTES] = {5};
static size_t loop_submission_bytes = LOOP_RING_BYTES;
static uint32_t loop_wakes;        /* that events have found necessary */
static int loop_place = -1;        /* a socket that keeps the loop's port for it */
static void (*loop_prepare)(void); /* changes genesis and options before the thread runs */

static inline void *loop_main(void *context)
{
    (void)context;
    loop_status = gateway_run(&loop_options);
    return NULL;
}

static inline struct ring *loop_ring(int index, size_t capacity)
{
    free(loop_memory[index]);
    loop_memory[index] = aligned_alloc(64, (ring_bytes(capacity) + 63) / 64 * 64);
    return ring_new(loop_memory[index], capacity);
}

/* A port that nobody has, and that nobody else is given while the loop has it: bound, never listened at, so that the
 * loop may bind it too. Programs of this fixture run beside each other. */
static inline uint16_t loop_take_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_ANY)};
    socklen_t address_bytes = sizeof(address);
    const int on = 1;
    loop_place = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(setsockopt(loop_place, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
    assert_int_equal(bind(loop_place, (struct sockaddr *)&address, address_bytes), 0);
    assert_int_equal(getsockname(loop_place, (struct sockaddr *)&address, &address_bytes), 0);
    return ntohs(address.sin_port);
}

/* Publishes a notice, and wakes nobody: whether the loop has said that it will sleep. */
static inline bool loop_publish_block(void)
{
    uint8_t *at = ring_reserve(loop_notices, EVENT_HEADER_BYTES + BLOCK_SEALED_BYTES);
    struct event_writer writer = {.at = at, .end = at + EVENT_HEADER_BYTES + BLOCK_SEALED_BYTES};
    struct block_sealed_notice sealed = {0};
    const struct block_header header = {.version = BLOCK_HEADER_VERSION, .height = 1};
    block_header_encode(&header, sealed.header);
    notice_write_block_sealed(&writer, &sealed);
    ring_commit(loop_notices, (size_t)(writer.at - at));
    return ring_publish(loop_notices);
}

/* Starts a loop on a port of its own; nothing has come out of the log yet. */
static inline void loop_start(void)
{
    assert_true(hash_start());
    memset(&loop_genesis, 0, sizeof(loop_genesis));
    struct params *params = &loop_genesis.params;
    *params = (struct params){.rules = PARAMS_RULES,
                              .accounts_max = 16,
                              .keys_max = 16,
                              .orders_max = 1024,
                              .levels_max = 1024,
                              .assets_max = 2,
                              .markets_max = 1,
                              .block_ms = 100,
                              .idle_block_ms = 1000,
                              .stamp_step_ms = 10000,
                              .uncertified_blocks_max = 100,
                              .gateway_secret_version = 1,
                              .tier_count = 1,
                              .asset_count = 2,
                              .market_count = 1};
    params->tiers[0] = (struct fee_tier){1000, 1000, {0}};
    params->assets[0] = (struct asset){"BTC", 8};
    params->assets[1] = (struct asset){"USDT", 8};
    params->markets[0] = (struct market){.symbol = "BTCUSDT",
                                         .quote = 1,
                                         .status = MARKET_TRADING,
                                         .tick_units = 1000000,
                                         .lot_units = 1000,
                                         .units_per_step = 10,
                                         .price_min = {1},
                                         .price_max = {1000000000},
                                         .qty_min = {1},
                                         .qty_max = {900000000},
                                         .notional_min = {1},
                                         .account_orders_max = 200};
    memset(&loop_progress, 0, sizeof(loop_progress));
    memset(&loop_metrics, 0, sizeof(loop_metrics));
    assert_true(park_open(&loop_park) && park_open(&loop_log_park));
    loop_submissions = loop_ring(0, loop_submission_bytes);
    loop_applied = loop_ring(1, LOOP_RING_BYTES);
    loop_notices = loop_ring(2, LOOP_RING_BYTES);
    loop_number = 0;
    loop_options = (struct gateway_options){.host = "127.0.0.1",
                                            .port = loop_take_port(),
                                            .genesis = &loop_genesis,
                                            .node = 1,
                                            .gateway_secret = loop_secret,
                                            .submissions = loop_submissions,
                                            .submissions_park = &loop_log_park,
                                            .applied = loop_applied,
                                            .notices = loop_notices,
                                            .park = &loop_park,
                                            .metrics = &loop_metrics,
                                            .progress = &loop_progress,
                                            .limits_on = true};
    if (loop_prepare != NULL) loop_prepare();
    loop_prepare = NULL;
    assert_int_equal(pthread_create(&loop_thread, NULL, loop_main, NULL), 0);
}

static inline enum status loop_stop(void)
{
    atomic_store(&loop_progress.stopping, 1);
    park_wake(&loop_park);
    pthread_join(loop_thread, NULL);
    park_close(&loop_park);
    park_close(&loop_log_park);
    close(loop_place);
    return loop_status;
}

/* One command and its events, as the engine hands them over. */
static inline void loop_apply(const uint8_t *command, size_t command_bytes, const uint8_t *events,
                              const struct event_writer *writer)
{
    const size_t event_bytes = (size_t)(writer->at - events);
    uint8_t *at = ring_reserve(loop_applied, APPLIED_HEADER_BYTES + command_bytes + event_bytes);
    assert_non_null(at);
    loop_number++;
    const struct applied applied = {.number = loop_number,
                                    .stamp_ns = LOOP_STAMP_NS + loop_number,
                                    .command_length = (uint32_t)command_bytes,
                                    .events_length = (uint32_t)event_bytes,
                                    .event_count = writer->count,
                                    .flags = APPLIED_FIRST | APPLIED_LAST};
    applied_header_put(at, &applied);
    memcpy(at + APPLIED_HEADER_BYTES, command, command_bytes);
    if (event_bytes > 0) memcpy(at + APPLIED_HEADER_BYTES + command_bytes, events, event_bytes);
    ring_commit(loop_applied, APPLIED_HEADER_BYTES + command_bytes + event_bytes);
    if (ring_publish(loop_applied)) {
        loop_wakes++;
        park_wake(&loop_park);
    }
}

/* Events of a command of the node's own. */
static inline void loop_apply_own(const uint8_t *events, const struct event_writer *writer)
{
    uint8_t command[COMMAND_HEADER_BYTES + SEAL_BYTES] = {0};
    const struct command_header header = {.length = sizeof(command), .type = T_SEAL};
    command_header_put(command, &header);
    loop_apply(command, sizeof(command), events, writer);
}

static inline struct event_writer loop_writer(uint8_t *events, size_t byte_count)
{
    return (struct event_writer){.at = events, .end = events + byte_count};
}

/* Our HELLO comes out of the log: the port may open. */
static inline void loop_hello(void)
{
    uint8_t events[256];
    struct event_writer writer = loop_writer(events, sizeof(events));
    loop_epoch = loop_number + 1;
    const struct hello_accepted_event hello = {.epoch = loop_epoch, .node = 1};
    event_write_hello_accepted(&writer, &hello);
    atomic_store(&loop_progress.replay_command, loop_epoch);
    loop_apply_own(events, &writer);
}

/* Account 1 with an HMAC key of thirty-two 0xaa bytes. */
static inline void loop_account(void)
{
    uint8_t events[512];
    struct event_writer writer = loop_writer(events, sizeof(events));
    const struct account_created_event account = {.account = 1};
    struct key_added_event key = {
        .account = 1, .permissions = KEY_READ | KEY_TRADE, .secret_version = 1};
    memset(key.key_id, 0xaa, sizeof(key.key_id));
    event_write_account_created(&writer, &account);
    event_write_key_added(&writer, &key);
    loop_apply_own(events, &writer);
}

/* ---- a client ---- */

static inline int loop_connect(void)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons(loop_options.port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval bound = {.tv_sec = 15};
    const int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof(bound));
    if (connect(descriptor, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return descriptor;
    close(descriptor);
    return -1;
}

static inline void loop_moment(void)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    nanosleep(&moment, NULL);
}

/* Waits until the loop has taken every record. */
static inline void loop_await_taken(void)
{
    for (int round = 0; ring_used(loop_applied) > 0; round++) {
        if (round == 5000) fail_msg("the loop takes no records");
        loop_moment();
    }
}

/* Waits until the port is closed. */
static inline void loop_await_closed(void)
{
    for (int round = 0;; round++) {
        const int descriptor = loop_connect();
        if (descriptor < 0) return;
        close(descriptor);
        if (round == 5000) fail_msg("the port stays open");
        loop_moment();
    }
}

/* Waits until the port is open. */
static inline int loop_connect_when_open(void)
{
    for (int round = 0; round < 5000; round++) {
        const int descriptor = loop_connect();
        if (descriptor >= 0) return descriptor;
        loop_moment();
    }
    fail_msg("the port did not open");
    return -1;
}

static char loop_text[1 << 16];

/* Whether all of an answer is there, as far as its Content-Length says. */
static inline bool loop_is_whole(const char *text, size_t byte_count)
{
    const char *body = strstr(text, "\r\n\r\n");
    const char *length = strstr(text, "Content-Length: ");
    return body != NULL && length != NULL && length < body &&
           (size_t)(body + 4 - text) + strtoull(length + 16, NULL, 10) <= byte_count;
}

/* Reads one answer, as far as its Content-Length says, or to the end of the connection. */
static inline const char *loop_receive(int descriptor)
{
    size_t used = 0;
    for (;;) {
        const ssize_t got = recv(descriptor, loop_text + used, sizeof(loop_text) - 1 - used, 0);
        if (got <= 0) break;
        used += (size_t)got;
        loop_text[used] = 0;
        if (loop_is_whole(loop_text, used)) break;
    }
    loop_text[used] = 0;
    return loop_text;
}

static inline const char *loop_exchange(const char *request)
{
    const int descriptor = loop_connect_when_open();
    assert_int_equal(send(descriptor, request, strlen(request), MSG_NOSIGNAL), strlen(request));
    const char *answer = loop_receive(descriptor);
    close(descriptor);
    return answer;
}

/* A request signed by account 1's key, in `request`. */
static inline void loop_sign(char *request, size_t capacity, const char *method, const char *path,
                             const char *parameters)
{
    uint8_t key_id[32], mac[32];
    char secret[65], hex[65], text[1024];
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(text, sizeof(text), "%s&timestamp=%lld", parameters,
             (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000);
    memset(key_id, 0xaa, sizeof(key_id));
    auth_secret_of(loop_secret, key_id, secret);
    const struct auth_payload payload = auth_payload_of(text, strlen(text), NULL, 0);
    assert_true(auth_hmac(secret, 64, &payload, mac));
    hash_hex(mac, sizeof(mac), hex);
    hash_hex(key_id, sizeof(key_id), secret);
    snprintf(request, capacity,
             "%s %s?%s&signature=%s HTTP/1.1\r\nHost: x\r\nX-MBX-APIKEY: %s\r\n\r\n", method, path,
             text, hex, secret);
}

/* The next command of the submissions ring, sequenced as consensus would: in `command`. */
static inline size_t loop_next_command(uint8_t *command)
{
    size_t byte_count;
    const uint8_t *bytes;
    for (int round = 0; (bytes = ring_peek(loop_submissions, &byte_count)) == NULL; round++) {
        if (round == 5000) fail_msg("no command came");
        loop_moment();
    }
    struct command decoded;
    memcpy(command, bytes, byte_count);
    ring_pop(loop_submissions);
    ring_release(loop_submissions);
    assert_true(command_decode(command, byte_count, &decoded));
    decoded.header.origin_epoch = loop_epoch;
    command_header_put(command, &decoded.header);
    return byte_count;
}

/* The engine accepts the order in `command` as number `order_id`, and it rests. */
static inline void loop_accept(const uint8_t *command, size_t byte_count, uint64_t order_id)
{
    uint8_t events[512];
    struct event_writer writer = loop_writer(events, sizeof(events));
    struct command decoded;
    struct order_place_command place;
    assert_true(command_decode(command, byte_count, &decoded));
    order_place_command_get(decoded.payload, &place);
    struct order_accepted_event accepted = {.order_id = order_id,
                                            .price = place.price,
                                            .qty = place.qty,
                                            .account = place.account,
                                            .market = place.market,
                                            .side = place.side,
                                            .type = place.type,
                                            .time_in_force = place.time_in_force};
    memcpy(accepted.client_id, place.client_id, sizeof(accepted.client_id));
    event_write_order_accepted(&writer, &accepted);
    loop_apply(command, byte_count, events, &writer);
}

/* A loop with account 1 that answers. */
static inline void loop_open(void)
{
    loop_start();
    loop_account();
    loop_hello();
}

/* Signs and sends; whoever calls receives and closes. */
static inline int loop_send_signed(char *request, size_t capacity, const char *method,
                                   const char *path, const char *parameters)
{
    loop_sign(request, capacity, method, path, parameters);
    const int descriptor = loop_connect_when_open();
    assert_int_equal(send(descriptor, request, strlen(request), MSG_NOSIGNAL), strlen(request));
    return descriptor;
}

static inline void loop_assert_status(const char *text, const char *status, const char *part)
{
    assert_int_equal(strncmp(text + 9, status, 3), 0);
    assert_non_null(strstr(text, part));
}

#endif /* TESTS_UNIT_GATEWAY_LOOP_FIXTURE_H */
