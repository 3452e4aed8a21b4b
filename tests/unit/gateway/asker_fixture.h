/* A desk without a server: questions are asked by calls, the log is played by hand over desk_fixture.h's views.
 *
 * Account 1 has a key of thirty-two 0xaa bytes that may read and trade. Our node is 1, its epoch 2.
 */

#ifndef TESTS_UNIT_GATEWAY_ASKER_FIXTURE_H
#define TESTS_UNIT_GATEWAY_ASKER_FIXTURE_H

#include "gateway/desk.h"
#include "gateway/gateway.h"
#include "gateway/hall.h"
#include "tests/unit/gateway/desk_fixture.h"

#include <sodium.h>
#include <stdarg.h>

#define ASKER_RING_BYTES (1u << 16)
#define ASKER_QUERY_MAX  1024
#define ASKER_KEY        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* Who asks, and what it was told. What comes first is zeroed for each question; the texts end where they end. */
struct asker {
    struct desk_question question;
    uint32_t answer_count;
    uint32_t rank;         /* among all answers, from 1 */
    struct asker *forgets; /* who is forgotten when this one is answered */
    size_t memory_used;
    char path[256];
    char query[ASKER_QUERY_MAX];
    char body[1 << 14];
    char text[1 << 14]; /* the answer's bytes */
    char memory[1 << 20];
};

static struct arena asker_arena;
static struct desk *asker_desk;
static struct gateway_options asker_options;
static struct ring *asker_ring;
static void *asker_ring_memory;
static struct park asker_park;
static struct waiter *asker_waiter;
static const uint8_t asker_secret[HASH_BYTES] = {5};
static bool asker_limits_on;
static uint32_t asker_loop_count = 1; /* that share the hall */
static uint64_t asker_address = 7;
static struct readers *asker_readers;
static uint32_t asker_answers; /* of all askers */

/* The text, with its signature by an Ed25519 key as a client's library writes it into a query. */
__attribute__((format(printf, 3, 4))) static inline void asker_sign_ed25519(
    char query[ASKER_QUERY_MAX], const uint8_t *secret_key, const char *format, ...)
{
    char base64[128];
    uint8_t signature[SIGNATURE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(query, 640, format, arguments);
    va_end(arguments);
    hash_sign(secret_key, query, (size_t)length, signature);
    sodium_bin2base64(base64, sizeof(base64), signature, sizeof(signature),
                      sodium_base64_VARIANT_ORIGINAL);
    char *at = query + length;
    at += snprintf(at, 16, "&signature=");
    for (const char *letter = base64; *letter != 0; letter++)
        at += snprintf(at, 4, *letter == '+' ? "%%2B" : *letter == '/' ? "%%2F" : "%c", *letter);
}

static inline void asker_answered(struct desk_question *question)
{
    struct asker *asker = container_of(question, struct asker, question);
    const struct desk_answer *answer = &question->answer;
    asker->answer_count++;
    asker->rank = ++asker_answers;
    assert_true(answer->byte_count < sizeof(asker->text));
    memcpy(asker->text, answer->bytes, answer->byte_count);
    asker->text[answer->byte_count] = 0;
    if (asker->forgets != NULL) desk_forget(&asker->forgets->question);
}

static inline bool asker_is_heard(const struct desk_question *question)
{
    (void)question;
    return true;
}

static inline char *asker_grow(void *question, const char *bytes, size_t used, size_t capacity)
{
    struct asker *asker = container_of((struct desk_question *)question, struct asker, question);
    assert_true(asker->memory_used + capacity <= sizeof(asker->memory));
    char *grown = asker->memory + asker->memory_used;
    asker->memory_used += capacity;
    if (used > 0) memcpy(grown, bytes, used);
    return grown;
}

static const struct desk_asker asker_functions = {asker_answered, asker_is_heard, asker_grow,
                                                  false};

static inline void asker_key(void)
{
    struct key_added_event key = {
        .account = 1, .permissions = KEY_READ | KEY_TRADE, .secret_version = 1};
    memset(key.key_id, 0xaa, sizeof(key.key_id));
    event_write_key_added(&desk_events, &key);
}

static inline void asker_open(void)
{
    assert_true(hash_start());
    desk_open();
    view_watch_node(desk_view, 1);
    desk_account(1);
    asker_key();
    desk_apply();
    event_write_hello_accepted(&desk_events,
                               &(struct hello_accepted_event){.epoch = desk_number + 1, .node = 1});
    desk_apply();
    free(asker_ring_memory);
    asker_ring_memory = aligned_alloc(64, (ring_bytes(ASKER_RING_BYTES) + 63) / 64 * 64);
    asker_ring = ring_new(asker_ring_memory, ASKER_RING_BYTES);
    assert_true(park_open(&asker_park));
    asker_options = (struct gateway_options){.genesis = &fixture_genesis,
                                             .node = 1,
                                             .gateway_secret = asker_secret,
                                             .submissions = asker_ring,
                                             .submissions_park = &asker_park,
                                             .metrics = &desk_metrics,
                                             .progress = &desk_progress,
                                             .limits_on = asker_limits_on};
    const struct desk_options options = {.gateway = &asker_options,
                                         .view = desk_view,
                                         .markets = fixture_views,
                                         .blocks = &desk_blocks,
                                         .readers = asker_readers};
    arena_unmap(&asker_arena);
    assert_true(arena_map(&asker_arena, desk_arena_bytes(&fixture_genesis) +
                                            hall_bytes(asker_loop_count) + 4096));
    asker_options.hall = hall_new(&asker_arena, asker_loop_count, &desk_metrics);
    assert_non_null(asker_options.hall);
    asker_desk = desk_new(&asker_arena, &options);
    assert_non_null(asker_desk);
    asker_answers = 0;
}

/* The same with limits of addresses and accounts on. */
static inline void asker_open_limited(void)
{
    asker_limits_on = true;
    asker_open();
    asker_limits_on = false;
}

static inline void asker_close(void)
{
    desk_free(asker_desk);
    asker_desk = NULL;
    park_close(&asker_park);
}

/* The text with a time and a signature of the key of thirty-two such bytes behind it. */
static inline void asker_sign_with(uint8_t key_byte, char *signed_text, size_t capacity,
                                   const char *text)
{
    uint8_t key_id[32], mac[32];
    char secret[65], hex[65];
    snprintf(signed_text, capacity, "%s&timestamp=%llu", text,
             (unsigned long long)(desk_stamp / DESK_MS_NS));
    memset(key_id, key_byte, sizeof(key_id));
    auth_secret_of(asker_secret, key_id, secret);
    const struct auth_payload payload = auth_payload_of(signed_text, strlen(signed_text), NULL, 0);
    assert_true(auth_hmac(secret, 64, &payload, mac));
    hash_hex(mac, sizeof(mac), hex);
    const size_t used = strlen(signed_text);
    snprintf(signed_text + used, capacity - used, "&signature=%s", hex);
}

/* The same of account 1's. */
static inline void asker_sign(char *signed_text, size_t capacity, const char *text)
{
    asker_sign_with(0xaa, signed_text, capacity, text);
}

static inline void asker_clear(struct asker *asker)
{
    memset(asker, 0, offsetof(struct asker, path));
    asker->path[0] = asker->query[0] = asker->body[0] = asker->text[0] = 0;
}

/* All that a transport says of a question, but no key. */
static inline void asker_begin(struct asker *asker, enum method method, const char *path,
                               const char *query)
{
    bool path_exists;
    asker_clear(asker);
    snprintf(asker->path, sizeof(asker->path), "%s", path);
    snprintf(asker->query, sizeof(asker->query), "%s", query);
    struct request *request = &asker->question.request;
    asker->question.asker = &asker_functions;
    request->method = method;
    request->path = asker->path;
    request->path_bytes = strlen(path);
    request->query = asker->query;
    request->query_bytes = strlen(query);
    request->address = asker_address;
    request->now_ns = desk_stamp;
    request->route = route_find(method, path, strlen(path), &request->path_value, &path_exists);
    assert_non_null(request->route);
    desk_begin(asker_desk, &asker->question);
}

/* Asks; the answer may have come when it returns. */
static inline void asker_ask(struct asker *asker, enum method method, const char *path,
                             const char *query)
{
    asker_begin(asker, method, path, query);
    asker->question.headers[DESK_API_KEY] = (struct auth_piece){ASKER_KEY, 64};
    desk_take(&asker->question);
}

/* The same with a body. */
static inline void asker_ask_body(struct asker *asker, enum method method, const char *path,
                                  const char *query, const char *body)
{
    asker_begin(asker, method, path, query);
    snprintf(asker->body, sizeof(asker->body), "%s", body);
    asker->question.headers[DESK_API_KEY] = (struct auth_piece){ASKER_KEY, 64};
    asker->question.request.body = asker->body;
    asker->question.request.body_bytes = strlen(asker->body);
    desk_take(&asker->question);
}

/* As asker_ask_signed, by the key of thirty-two such bytes. */
static inline void asker_ask_with(struct asker *asker, uint8_t key_byte, enum method method,
                                  const char *path, const char *text)
{
    char query[1024];
    uint8_t key_id[32];
    static char key_text[65];
    memset(key_id, key_byte, sizeof(key_id));
    hash_hex(key_id, sizeof(key_id), key_text);
    asker_sign_with(key_byte, query, sizeof(query), text);
    asker_begin(asker, method, path, query);
    asker->question.headers[DESK_API_KEY] = (struct auth_piece){key_text, 64};
    desk_take(&asker->question);
}

static inline void asker_ask_signed(struct asker *asker, enum method method, const char *path,
                                    const char *text)
{
    char query[1024];
    asker_sign(query, sizeof(query), text);
    asker_ask(asker, method, path, query);
}

/* The next command that has gone to the log, as the log gives it back; zero-filled when there is none. */
static inline struct command_header asker_next_command(void)
{
    struct command command = {0};
    size_t byte_count;
    desk_flush(asker_desk);
    const uint8_t *bytes = ring_peek(asker_ring, &byte_count);
    if (bytes == NULL) return command.header;
    assert_true(command_decode(bytes, byte_count, &command));
    ring_pop(asker_ring);
    ring_release(asker_ring);
    command.header.origin_epoch = view_epoch(desk_view);
    return command.header;
}

static inline void asker_hear(const struct applied *applied, const struct event *event)
{
    if (asker_waiter != NULL) desk_event(asker_waiter, applied, event);
}

/* The events written since come back as this command's: without its end. */
static inline struct applied asker_return_events(const struct command_header *header)
{
    asker_waiter = desk_waiter(asker_desk, header);
    desk_listener = asker_hear;
    const struct applied applied = desk_apply();
    desk_listener = NULL;
    return applied;
}

static inline void asker_return(const struct command_header *header)
{
    const struct applied applied = asker_return_events(header);
    if (asker_waiter != NULL) desk_finish(asker_desk, asker_waiter, &applied);
}

#endif /* TESTS_UNIT_GATEWAY_ASKER_FIXTURE_H */
