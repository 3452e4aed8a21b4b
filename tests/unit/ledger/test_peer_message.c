#include "ledger/peer_message.h"

#include "ledger/configuration.h"
#include "ledger/wal.h"
#include "tests/harness.h"

static uint8_t message[PEERS_MESSAGE_MAX];

/* A batch with `byte_count` bytes behind its header. */
static size_t batch_make(uint8_t *at, size_t byte_count)
{
    const struct batch_header header = {.command_count = 1, .stamp_ns = 7};
    batch_header_put(at, &header);
    memset(at + BATCH_HEADER_BYTES, 0x5a, byte_count);
    return BATCH_HEADER_BYTES + byte_count;
}

/* An append of a configuration, a batch and a barrier behind entry 4; returns its length. */
static size_t append_make(struct peer_append *append, struct peer_entry *entries)
{
    static uint8_t batch[64], configuration[CONFIGURATION_BYTES_MAX];
    const uint8_t barrier[8] = {0};
    const struct configuration voters = {.count = 1, .members = {{3, NODE_VOTER}}};
    *append = (struct peer_append){.count = 3,
                                   .term = 9,
                                   .prev_index = 4,
                                   .prev_term = 2,
                                   .commit = 3,
                                   .hash_index = 4,
                                   .hash_term = 2,
                                   .hash = {{1, 2, 3}}};
    entries[0] = (struct peer_entry){
        2, WAL_CONFIGURATION, (uint32_t)configuration_put(&voters, configuration), configuration};
    entries[1] = (struct peer_entry){3, WAL_COMMANDS, (uint32_t)batch_make(batch, 40), batch};
    entries[2] = (struct peer_entry){9, WAL_BARRIER, 8, barrier};
    size_t at = peer_message_put_append(message, append, entries);
    for (uint32_t i = 0; i < 3; i++) {
        memcpy(message + at, entries[i].bytes, entries[i].length);
        at += entries[i].length;
    }
    return at;
}

/* What is put is got, entry by entry. */
TEST(peer_message, append_round_trip)
{
    struct peer_append append, got;
    struct peer_entry entries[3], list[PEER_ENTRIES_MAX];
    const size_t byte_count = append_make(&append, entries);
    assert_true(peer_message_get_append(message, byte_count, &got, list));
    assert_int_equal(got.count, 3);
    assert_int_equal(got.term, 9);
    assert_int_equal(got.prev_index, 4);
    assert_int_equal(got.hash_term, 2);
    assert_memory_equal(got.hash.bytes, append.hash.bytes, HASH_BYTES);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(list[i].term, entries[i].term);
        assert_int_equal(list[i].type, entries[i].type);
        assert_int_equal(list[i].length, entries[i].length);
    }
    for (size_t length = 0; length < byte_count; length++)
        assert_false(peer_message_get_append(message, length, &got, list));
    message[byte_count] = 0;
    assert_false(peer_message_get_append(message, byte_count + 1, &got, list));
}

/* Puts one number elsewhere in an append that is good, and says whether it still is. */
static bool append_with(size_t offset, uint64_t value, size_t width)
{
    struct peer_append append, got;
    struct peer_entry entries[3], list[PEER_ENTRIES_MAX];
    const size_t byte_count = append_make(&append, entries);
    memcpy(message + offset, &value, width);
    return peer_message_get_append(message, byte_count, &got, list);
}

/* Each thing that the engine takes for granted is refused by itself, and its neighbour is not. */
TEST(peer_message, append_refuses_what_the_engine_would_trust)
{
    assert_true(append_with(8, 10, 8)); /* a higher term */
    assert_false(append_with(8, 8, 8)); /* an entry's term above the leader's */
    assert_false(append_with(8, 0, 8));
    assert_false(append_with(16, 0, 8)); /* a term of no entry */
    assert_false(append_with(24, 0, 8)); /* an entry without a term */
    assert_false(append_with(24, 3, 8)); /* terms that fall: 3, 2 */
    assert_false(append_with(16, UINT64_MAX, 8));
    assert_false(append_with(40, 5, 8)); /* a hash of what is only coming */
    assert_false(append_with(48, 3, 8)); /* of a term above the one before */
    assert_false(append_with(4, 4, 4));
    assert_false(append_with(4, 2, 4));
    assert_false(append_with(4, PEER_ENTRIES_MAX + 1, 4));
    assert_false(append_with(1, 1, 1)); /* quiet, with entries */
    assert_false(append_with(1, 2, 1));
    assert_false(append_with(2, 1, 2));
    const size_t heads = PEER_APPEND_BYTES(0);
    assert_false(append_with(heads + 8, 4, 4));  /* a type that is none */
    assert_false(append_with(heads + 8, 1, 4));  /* a configuration is not a batch */
    assert_false(append_with(heads + 16, 1, 8)); /* terms that fall: 2, 1 */
    assert_false(append_with(heads + 16 + 12, 57, 4));
    assert_false(append_with(heads + 32 + 12, 9, 4));
    /* A configuration that cannot be decoded. */
    assert_false(append_with(PEER_APPEND_BYTES(3), 2, 1));
}

/* The first entry of a log is a configuration, or the rest would have none. */
TEST(peer_message, a_log_begins_with_a_configuration)
{
    uint8_t batch[64];
    struct peer_append append = {.count = 1, .term = 1}, got;
    struct peer_entry list[PEER_ENTRIES_MAX];
    const struct peer_entry entry = {1, WAL_COMMANDS, (uint32_t)batch_make(batch, 8), batch};
    size_t byte_count = peer_message_put_append(message, &append, &entry);
    memcpy(message + byte_count, batch, entry.length);
    byte_count += entry.length;
    assert_false(peer_message_get_append(message, byte_count, &got, list));
    append.prev_index = append.prev_term = 1;
    peer_message_put_append(message, &append, &entry);
    assert_true(peer_message_get_append(message, byte_count, &got, list));
}

#define SMALL_ROUND_TRIP(kind, ...) \
    do { \
        const struct peer_##kind put = __VA_ARGS__; \
        struct peer_##kind got; \
        uint8_t bytes[PEER_SMALL_MAX + 1] = {0}, again[PEER_SMALL_MAX]; \
        const size_t byte_count = peer_message_put_##kind(bytes, &put); \
        assert_true(byte_count <= PEER_SMALL_MAX); \
        assert_true(peer_message_get_##kind(bytes, byte_count, &got)); \
        assert_int_equal(peer_message_put_##kind(again, &got), byte_count); \
        assert_memory_equal(bytes, again, byte_count); \
        assert_false(peer_message_get_##kind(bytes, byte_count - 1, &got)); \
        assert_false(peer_message_get_##kind(bytes, byte_count + 1, &got)); \
        bytes[2] = 1; /* is zero */ \
        assert_false(peer_message_get_##kind(bytes, byte_count, &got)); \
        bytes[2] = 0; \
        bytes[1] |= 0x80; \
        assert_false(peer_message_get_##kind(bytes, byte_count, &got)); \
        bytes[1] &= 0x7f; \
        bytes[0] ^= 64; \
        assert_false(peer_message_get_##kind(bytes, byte_count, &got)); \
    } while (0)

/* The small ones: back as they were, and no other length, flag or type. */
TEST(peer_message, small_messages_round_trip)
{
    SMALL_ROUND_TRIP(result,
                     {.accepted = true, .term = 5, .last_index = 9, .hash_term = 4, .hash = {{7}}});
    SMALL_ROUND_TRIP(result, {.term = 5, .rejected = 10, .last_index = 9});
    SMALL_ROUND_TRIP(vote, {.disrupt = true, .term = 5, .last_index = 9, .last_term = 4});
    SMALL_ROUND_TRIP(vote, {.pre_vote = true, .term = 1});
    SMALL_ROUND_TRIP(vote_result, {.granted = true, .pre_vote = true, .term = 6});
    SMALL_ROUND_TRIP(timeout_now, {.term = 5, .last_index = 9, .last_term = 5});
    SMALL_ROUND_TRIP(needs, {.term = 5, .base_index = 9});
    SMALL_ROUND_TRIP(expected, {.epoch = 5, .sequence = 9});
    SMALL_ROUND_TRIP(expected, {.epoch = 0});
    SMALL_ROUND_TRIP(ping, {.withholds = true,
                            .clock_ns = 1,
                            .sent_ns = 2,
                            .echo_ns = 3,
                            .held_ns = 4,
                            .term = 5,
                            .stored = 6,
                            .height = 7,
                            .certified_height = 8});
}

/* Numbers that no state can make right. */
TEST(peer_message, small_messages_refuse_what_cannot_be)
{
    uint8_t bytes[PEER_SMALL_MAX];
    struct peer_result result = {.term = 5, .rejected = 10, .last_index = 10}, got_result;
    size_t n = peer_message_put_result(bytes, &result);
    assert_false(
        peer_message_get_result(bytes, n, &got_result)); /* a hint at or above the refused */
    result = (struct peer_result){.accepted = true, .term = 5, .rejected = 1};
    n = peer_message_put_result(bytes, &result);
    assert_false(peer_message_get_result(bytes, n, &got_result));
    result = (struct peer_result){.accepted = true, .term = 5, .last_index = 1, .hash_term = 6};
    n = peer_message_put_result(bytes, &result);
    assert_false(peer_message_get_result(bytes, n, &got_result));
    const struct peer_vote vote = {.term = 5, .last_index = 1, .last_term = 6};
    struct peer_vote got_vote;
    n = peer_message_put_vote(bytes, &vote);
    assert_false(peer_message_get_vote(bytes, n, &got_vote));
    const struct peer_expected expected = {.epoch = 0, .sequence = 3};
    struct peer_expected got_expected;
    n = peer_message_put_expected(bytes, &expected);
    assert_false(peer_message_get_expected(bytes, n, &got_expected));
    const struct peer_needs needs = {.term = 5};
    struct peer_needs got_needs;
    n = peer_message_put_needs(bytes, &needs);
    assert_false(peer_message_get_needs(bytes, n, &got_needs));
}

static size_t command_make(uint8_t *at, uint16_t type, uint32_t origin, uint64_t sequence)
{
    const struct command_header header = {
        .length = (uint32_t)(COMMAND_HEADER_BYTES + message_payload_bytes(type)),
        .type = type,
        .origin = origin,
        .origin_epoch = origin == 0 ? 0 : 12,
        .origin_sequence = sequence};
    memset(at, 0, header.length);
    command_header_put(at, &header);
    return header.length;
}

static size_t forward_make(uint32_t origin, uint64_t first, uint64_t second, uint32_t count)
{
    const struct peer_forward forward = {.count = count, .epoch = 12, .first_sequence = first};
    size_t at = peer_message_put_forward(message, &forward);
    at += command_make(message + at, T_CANCEL_ALL, origin, first);
    return at + command_make(message + at, T_CANCEL_ALL, origin, second);
}

/* A run is the sender's own, without a gap, as many as it says. */
TEST(peer_message, a_run_is_its_senders_and_without_a_gap)
{
    struct peer_forward got;
    size_t n = forward_make(3, 5, 6, 2);
    assert_true(peer_message_get_forward(message, n, 3, &got));
    assert_int_equal(got.run_bytes, n - PEER_FORWARD_BYTES);
    assert_false(peer_message_get_forward(message, n, 4, &got));
    assert_false(peer_message_get_forward(message, n - 1, 3, &got));
    n = forward_make(3, 5, 7, 2);
    assert_false(peer_message_get_forward(message, n, 3, &got));
    n = forward_make(3, 5, 6, 1);
    assert_false(peer_message_get_forward(message, n, 3, &got));
    n = forward_make(3, 5, 6, 3);
    assert_false(peer_message_get_forward(message, n, 3, &got));
    n = forward_make(3, 0, 1, 2);
    assert_false(peer_message_get_forward(message, n, 3, &got));
}

/* A HELLO comes alone, without an epoch, and only of who sends it. */
TEST(peer_message, a_hello_is_alone)
{
    const struct peer_forward forward = {.count = 1};
    const struct hello_command hello = {.nonce = 1, .node = 3};
    size_t n = peer_message_put_forward(message, &forward);
    const size_t at = n;
    n += command_make(message + n, T_HELLO, 0, 0);
    hello_command_put(message + at + COMMAND_HEADER_BYTES, &hello);
    struct peer_forward got;
    assert_true(peer_message_get_forward(message, n, 3, &got));
    assert_false(peer_message_get_forward(message, n, 4, &got));
    n += command_make(message + n, T_HELLO, 0, 0);
    assert_false(peer_message_get_forward(message, n, 3, &got));
    n = at + command_make(message + at, T_SEAL, 0, 0);
    assert_false(peer_message_get_forward(message, n, 3, &got));
}

/* Votes come by themselves; nothing else does. */
TEST(peer_message, only_votes_have_no_origin)
{
    struct peer_loose loose = {.count = 3}, got;
    size_t n = peer_message_put_loose(message, &loose);
    n += command_make(message + n, T_VOTE, 0, 0);
    n += command_make(message + n, T_LIABILITIES_VOTE, 0, 0);
    n += command_make(message + n, T_CHECKPOINT_VOTE, 0, 0);
    assert_true(peer_message_get_loose(message, n, &got));
    assert_int_equal(got.byte_count, n - PEER_LOOSE_BYTES);
    assert_false(peer_message_get_loose(message, n - 1, &got));
    const uint16_t others[] = {T_SEAL, T_HELLO, T_ORIGIN_LOST, T_CANCEL_ALL};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        loose.count = 1;
        n = peer_message_put_loose(message, &loose);
        n += command_make(message + n, others[i], 0, 0);
        assert_false(peer_message_get_loose(message, n, &got));
    }
}
