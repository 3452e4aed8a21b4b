/* Accounts that are listened to: the desk's views, a user stream beside them, and what its listeners have heard, one line a
 * message. */

#ifndef TESTS_UNIT_GATEWAY_USER_FIXTURE_H
#define TESTS_UNIT_GATEWAY_USER_FIXTURE_H

#include "common/block_header.h"
#include "gateway/listen_key.h"
#include "gateway/user_stream.h"
#include "tests/unit/gateway/desk_fixture.h"

static struct arena user_arena;
static struct user_stream *users;
static uint8_t user_command[COMMAND_HEADER_BYTES + COMMAND_PAYLOAD_MAX];
static uint32_t user_command_bytes; /* 0: the next command is none of a client's */
static char user_heard[1 << 18];
static size_t user_heard_bytes;

/* Ann is account 1, bob 2. */
static struct user_listener user_ann, user_bob;

static uint32_t user_room; /* messages that are still taken */
static uint32_t user_lost_count;

static inline bool user_hear(struct user_listener *listener, const char *message, size_t byte_count)
{
    const char *who = listener == &user_ann ? "ann " : listener == &user_bob ? "bob " : "??? ";
    assert_true(user_heard_bytes + byte_count + 8 < sizeof(user_heard));
    memcpy(user_heard + user_heard_bytes, who, 4);
    memcpy(user_heard + user_heard_bytes + 4, message, byte_count);
    user_heard_bytes += byte_count + 4;
    user_heard[user_heard_bytes++] = '\n';
    user_heard[user_heard_bytes] = 0;
    assert_true(user_room > 0);
    return --user_room > 0;
}

static inline void user_lose(struct user_listener *listener)
{
    assert_false(listener->is_joined);
    user_lost_count++;
}

static inline void user_silence(void)
{
    user_heard_bytes = 0;
    user_heard[0] = 0;
}

static inline void user_take(const struct applied *applied, const struct event *event)
{
    struct applied with = *applied;
    with.command = user_command;
    with.command_length = user_command_bytes;
    user_stream_event(users, &with, event);
}

/* So many credits in one part of a command. */
static inline void user_credit(uint32_t flags, uint32_t account, uint32_t credits)
{
    const struct applied part = {.number = desk_number + 1, .stamp_ns = desk_stamp, .flags = flags};
    const struct credited_event credited = {.amount = {1}, .account = account};
    uint8_t bytes[EVENT_HEADER_BYTES + CREDITED_BYTES];
    struct event_writer writer = {.at = bytes, .end = bytes + sizeof(bytes)};
    event_write_credited(&writer, &credited);
    for (uint32_t at = 0; at < credits; at++) {
        const uint8_t *next = bytes;
        struct event event;
        assert_true(event_next(&next, writer.at, &event));
        user_stream_event(users, &part, &event);
    }
    user_stream_end(users, &part);
}

/* The events written since the last time are one command's. */
static inline void user_apply(void)
{
    const struct applied applied = desk_apply();
    user_stream_end(users, &applied);
    user_command_bytes = 0;
}

static inline void user_end(struct user_listener *listener, uint64_t time_ns)
{
    assert_false(listener->is_joined);
    assert_int_equal(time_ns, desk_stamp);
    user_hear(listener, "ended", 5);
}

static inline void user_join_from(struct user_listener *listener, uint32_t account,
                                  struct user_number from)
{
    *listener = (struct user_listener){.account = account,
                                       .time_unit_ns = DESK_MS_NS,
                                       .from = from,
                                       .key = USER_NO_KEY,
                                       .hear = user_hear,
                                       .lost = user_lose,
                                       .ended = user_end};
    user_stream_join(users, listener);
}

/* It hears what happens from now on. */
static inline void user_join(struct user_listener *listener, uint32_t account)
{
    user_join_from(listener, account, user_stream_number(users));
}

/* A user stream beside the desk's views as they are. */
static inline void user_attach(void)
{
    arena_unmap(&user_arena);
    assert_true(
        arena_map(&user_arena, user_stream_bytes(&fixture_genesis) + listen_key_bytes() + 64));
    struct listen_keys *keys = listen_key_new(&user_arena);
    assert_non_null(keys);
    users = user_stream_new(&user_arena, &fixture_genesis, desk_view,
                            market_views_params(fixture_views), keys, &desk_blocks);
    assert_non_null(users);
    user_command_bytes = 0;
    user_room = UINT32_MAX;
    user_lost_count = 0;
    user_silence();
    desk_listener = user_take;
}

/* Ann and bob are there, and nobody listens. */
static inline void user_open(void)
{
    desk_open();
    user_attach();
    desk_account(1);
    desk_account(2);
    user_apply();
}

/* ---- blocks ---- */

static inline void user_tell_sealed(uint64_t height, uint64_t last_command)
{
    uint8_t payload[BLOCK_SEALED_BYTES];
    struct block_sealed_notice sealed = {0};
    const struct block_header header = {.version = BLOCK_HEADER_VERSION,
                                        .height = height,
                                        .last_command = last_command,
                                        .time_ns = 1700000041000000000u};
    block_header_encode(&header, sealed.header);
    memset(sealed.hash, 0xab, sizeof(sealed.hash));
    block_sealed_notice_put(payload, &sealed);
    block_list_apply(&desk_blocks, T_BLOCK_SEALED, payload);
    user_stream_notice(users);
}

static inline void user_certify(uint64_t height)
{
    uint8_t payload[BLOCK_CERTIFIED_BYTES];
    const struct block_certified_notice certified = {.height = height, .vote_count = 3};
    block_certified_notice_put(payload, &certified);
    block_list_apply(&desk_blocks, T_BLOCK_CERTIFIED, payload);
    user_stream_notice(users);
}

/* The SEAL that ends a block is applied; its notice is for user_tell_sealed. */
static inline uint64_t user_apply_seal(uint64_t height)
{
    event_write_sealed(&desk_events, &(struct sealed_event){.height = height});
    user_apply();
    return desk_number;
}

static inline void user_seal(uint64_t height)
{
    user_tell_sealed(height, user_apply_seal(height));
}

/* ---- commands ---- */

static inline void user_header(uint16_t type, uint32_t payload_bytes)
{
    const struct command_header header = {.length = COMMAND_HEADER_BYTES + payload_bytes,
                                          .type = type};
    command_header_put(user_command, &header);
    user_command_bytes = header.length;
}

/* The next command cancels, and calls that `id`. */
static inline void user_cancels(const char *id)
{
    struct order_cancel_command cancel = {.account = 1};
    memcpy(cancel.client_id, id, strlen(id));
    user_header(T_ORDER_CANCEL, ORDER_CANCEL_BYTES);
    order_cancel_command_put(user_command + COMMAND_HEADER_BYTES, &cancel);
}

/* The next command cancels all of ann's in a market. */
static inline void user_cancels_all(void)
{
    const struct cancel_all_command cancel = {.account = 1};
    user_header(T_CANCEL_ALL, CANCEL_ALL_BYTES);
    cancel_all_command_put(user_command + COMMAND_HEADER_BYTES, &cancel);
}

/* The next command puts a LIMIT order of ann's to sell 5 lots at 51,000.00 in the place of another. */
static inline void user_replaces(const char *cancel_id, const char *id)
{
    struct order_replace_command replace = {.account = 1,
                                            .price = {5100000},
                                            .qty = {5},
                                            .side = SELL,
                                            .type = LIMIT,
                                            .time_in_force = GTC};
    memcpy(replace.client_id, id, strlen(id));
    memcpy(replace.cancel_client_id, cancel_id, strlen(cancel_id));
    user_header(T_ORDER_REPLACE, ORDER_REPLACE_BYTES);
    order_replace_command_put(user_command + COMMAND_HEADER_BYTES, &replace);
}

static inline void user_assert_told(const char *part)
{
    if (strstr(user_heard, part) == NULL) fail_msg("%s\nis not in\n%s", part, user_heard);
}

/* What of each message is between `"name":` and the next comma, in the order they came, blank between them. */
static inline const char *user_values(const char *name)
{
    static char values[4096];
    char key[64];
    size_t used = 0;
    snprintf(key, sizeof(key), "\"%s\":", name);
    for (const char *at = user_heard; (at = strstr(at, key)) != NULL;) {
        at += strlen(key);
        const size_t byte_count = strcspn(at, ",}");
        assert_true(used + byte_count + 2 < sizeof(values));
        if (used > 0) values[used++] = ' ';
        memcpy(values + used, at, byte_count);
        used += byte_count;
    }
    values[used] = 0;
    return values;
}

#endif /* TESTS_UNIT_GATEWAY_USER_FIXTURE_H */
