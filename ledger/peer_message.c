#include "ledger/peer_message.h"

#include "ledger/configuration.h"
#include "ledger/wal.h"

#define HEAD_BYTES        8
#define ENTRY_BYTES       16
#define BARRIER_BYTES_MAX 8

#define FLAG_QUIET     1u
#define FLAG_DISRUPT   1u
#define FLAG_GRANTED   1u
#define FLAG_PRE_VOTE  2u
#define FLAG_WITHHOLDS 1u

static_assert(PEER_APPEND_BYTES(PEER_ENTRIES_MAX) + BATCH_BYTES_MAX <= PEERS_MESSAGE_MAX,
              "any entry fits a message");
static_assert(BATCH_HEADER_BYTES + PEER_RUN_BYTES_MAX <= BATCH_BYTES_MAX, "a run fits a batch");

/* ---- Writing ---- */

static uint8_t *head_put(uint8_t *bytes, enum peer_message_type type, uint32_t flags,
                         uint32_t count)
{
    uint8_t *at = le_put_u8(bytes, (uint8_t)type);
    at = le_put_u8(at, (uint8_t)flags);
    at = le_put_u16(at, 0);
    return le_put_u32(at, count);
}

size_t peer_message_put_append(uint8_t *bytes, const struct peer_append *append,
                               const struct peer_entry *entries)
{
    ASSERT(append->count <= PEER_ENTRIES_MAX);
    uint8_t *at = head_put(bytes, PEER_APPEND, append->quiet ? FLAG_QUIET : 0, append->count);
    at = le_put_u64(at, append->term);
    at = le_put_u64(at, append->prev_index);
    at = le_put_u64(at, append->prev_term);
    at = le_put_u64(at, append->commit);
    at = le_put_u64(at, append->hash_index);
    at = le_put_u64(at, append->hash_term);
    at = le_put_bytes(at, append->hash.bytes, HASH_BYTES);
    for (uint32_t i = 0; i < append->count; i++) {
        at = le_put_u64(at, entries[i].term);
        at = le_put_u32(at, entries[i].type);
        at = le_put_u32(at, entries[i].length);
    }
    return (size_t)(at - bytes);
}

size_t peer_message_put_forward(uint8_t *bytes, const struct peer_forward *forward)
{
    uint8_t *at = head_put(bytes, PEER_FORWARD, 0, forward->count);
    at = le_put_u64(at, forward->epoch);
    at = le_put_u64(at, forward->first_sequence);
    return (size_t)(at - bytes);
}

size_t peer_message_put_loose(uint8_t *bytes, const struct peer_loose *loose)
{
    return (size_t)(head_put(bytes, PEER_LOOSE, 0, loose->count) - bytes);
}

size_t peer_message_put_result(uint8_t *bytes, const struct peer_result *result)
{
    uint8_t *at = head_put(bytes, PEER_RESULT, result->accepted, 0);
    at = le_put_u64(at, result->term);
    at = le_put_u64(at, result->rejected);
    at = le_put_u64(at, result->last_index);
    at = le_put_u64(at, result->hash_term);
    at = le_put_bytes(at, result->hash.bytes, HASH_BYTES);
    return (size_t)(at - bytes);
}

size_t peer_message_put_vote(uint8_t *bytes, const struct peer_vote *vote)
{
    const uint32_t flags =
        (vote->disrupt ? FLAG_DISRUPT : 0) | (vote->pre_vote ? FLAG_PRE_VOTE : 0);
    uint8_t *at = head_put(bytes, PEER_VOTE, flags, 0);
    at = le_put_u64(at, vote->term);
    at = le_put_u64(at, vote->last_index);
    at = le_put_u64(at, vote->last_term);
    return (size_t)(at - bytes);
}

size_t peer_message_put_vote_result(uint8_t *bytes, const struct peer_vote_result *result)
{
    const uint32_t flags =
        (result->granted ? FLAG_GRANTED : 0) | (result->pre_vote ? FLAG_PRE_VOTE : 0);
    uint8_t *at = head_put(bytes, PEER_VOTE_RESULT, flags, 0);
    at = le_put_u64(at, result->term);
    return (size_t)(at - bytes);
}

size_t peer_message_put_timeout_now(uint8_t *bytes, const struct peer_timeout_now *timeout)
{
    uint8_t *at = head_put(bytes, PEER_TIMEOUT_NOW, 0, 0);
    at = le_put_u64(at, timeout->term);
    at = le_put_u64(at, timeout->last_index);
    at = le_put_u64(at, timeout->last_term);
    return (size_t)(at - bytes);
}

size_t peer_message_put_needs(uint8_t *bytes, const struct peer_needs *needs)
{
    uint8_t *at = head_put(bytes, PEER_NEEDS_CHECKPOINT, 0, 0);
    at = le_put_u64(at, needs->term);
    at = le_put_u64(at, needs->base_index);
    return (size_t)(at - bytes);
}

size_t peer_message_put_expected(uint8_t *bytes, const struct peer_expected *expected)
{
    uint8_t *at = head_put(bytes, PEER_EXPECTED, 0, 0);
    at = le_put_u64(at, expected->epoch);
    at = le_put_u64(at, expected->sequence);
    return (size_t)(at - bytes);
}

size_t peer_message_put_ping(uint8_t *bytes, const struct peer_ping *ping)
{
    uint8_t *at = head_put(bytes, PEER_PING, ping->withholds ? FLAG_WITHHOLDS : 0, 0);
    at = le_put_u64(at, ping->clock_ns);
    at = le_put_u64(at, ping->sent_ns);
    at = le_put_u64(at, ping->echo_ns);
    at = le_put_u64(at, ping->held_ns);
    at = le_put_u64(at, ping->term);
    at = le_put_u64(at, ping->stored);
    at = le_put_u64(at, ping->height);
    at = le_put_u64(at, ping->certified_height);
    return (size_t)(at - bytes);
}

/* ---- Reading ---- */

/* The head of a message of `type` with at least `fixed` bytes in all: flags within `flags`, and a count. */
static bool head_get(const uint8_t *bytes, size_t byte_count, enum peer_message_type type,
                     size_t fixed, uint32_t flags, uint32_t *count)
{
    if (byte_count < fixed || byte_count > PEERS_MESSAGE_MAX || bytes[0] != type) return false;
    if ((bytes[1] & ~flags) != 0 || le_get_u16(bytes + 2) != 0) return false;
    *count = le_get_u32(bytes + 4);
    return true;
}

/* A message of exactly `fixed` bytes whose count is zero. */
static bool small_get(const uint8_t *bytes, size_t byte_count, enum peer_message_type type,
                      size_t fixed, uint32_t flags)
{
    uint32_t count;
    return byte_count == fixed && head_get(bytes, byte_count, type, fixed, flags, &count) &&
           count == 0;
}

static bool term_good(uint64_t term)
{
    return term > 0 && term <= PEER_NUMBER_MAX;
}

/* An entry's index and term: both zero, or both not, and the term no higher than `term`. */
static bool place_good(uint64_t index, uint64_t place_term, uint64_t term)
{
    return index <= PEER_NUMBER_MAX && (index == 0) == (place_term == 0) && place_term <= term;
}

static bool hash_is_zero(const hash_t *hash)
{
    uint8_t any = 0;
    for (size_t i = 0; i < HASH_BYTES; i++)
        any |= hash->bytes[i];
    return any == 0;
}

static bool entry_good(const struct peer_entry *entry, uint64_t index)
{
    struct batch_header header;
    struct configuration configuration;
    switch (entry->type) {
    case WAL_COMMANDS:
        return index > 1 && batch_header_get(entry->bytes, entry->length, &header);
    case WAL_BARRIER:
        return index > 1 && entry->length <= BARRIER_BYTES_MAX;
    case WAL_CONFIGURATION:
        return configuration_get(entry->bytes, entry->length, &configuration);
    default:
        return false;
    }
}

/* The entries' heads and bytes, which fill the message from `at` on. */
static bool entries_get(const uint8_t *at, const uint8_t *end, const struct peer_append *append,
                        struct peer_entry *entries)
{
    if ((size_t)(end - at) < (size_t)append->count * ENTRY_BYTES) return false;
    const uint8_t *payload = at + (size_t)append->count * ENTRY_BYTES;
    uint64_t term = append->prev_term;
    for (uint32_t i = 0; i < append->count; i++, at += ENTRY_BYTES) {
        struct peer_entry *entry = &entries[i];
        entry->term = le_get_u64(at);
        entry->type = le_get_u32(at + 8);
        entry->length = le_get_u32(at + 12);
        entry->bytes = payload;
        if (entry->term == 0 || entry->term < term || entry->term > append->term) return false;
        if (entry->length > (size_t)(end - payload)) return false;
        if (!entry_good(entry, append->prev_index + 1 + i)) return false;
        term = entry->term;
        payload += entry->length;
    }
    return payload == end;
}

bool peer_message_get_append(const uint8_t *bytes, size_t byte_count, struct peer_append *append,
                             struct peer_entry *entries)
{
    if (!head_get(bytes, byte_count, PEER_APPEND, PEER_APPEND_BYTES(0), FLAG_QUIET, &append->count))
        return false;
    append->quiet = bytes[1] != 0;
    append->term = le_get_u64(bytes + 8);
    append->prev_index = le_get_u64(bytes + 16);
    append->prev_term = le_get_u64(bytes + 24);
    append->commit = le_get_u64(bytes + 32);
    append->hash_index = le_get_u64(bytes + 40);
    append->hash_term = le_get_u64(bytes + 48);
    memcpy(append->hash.bytes, bytes + 56, HASH_BYTES);
    if (append->count > PEER_ENTRIES_MAX || (append->quiet && append->count > 0)) return false;
    if (!term_good(append->term) || append->commit > PEER_NUMBER_MAX) return false;
    if (!place_good(append->prev_index, append->prev_term, append->term)) return false;
    if (!place_good(append->hash_index, append->hash_term, append->prev_term)) return false;
    if (append->hash_index > append->prev_index) return false;
    if (append->hash_index == 0 && !hash_is_zero(&append->hash)) return false;
    return entries_get(bytes + PEER_APPEND_BYTES(0), bytes + byte_count, append, entries);
}

bool peer_message_get_result(const uint8_t *bytes, size_t byte_count, struct peer_result *result)
{
    if (!small_get(bytes, byte_count, PEER_RESULT, PEER_RESULT_BYTES, 1)) return false;
    result->accepted = bytes[1] != 0;
    result->term = le_get_u64(bytes + 8);
    result->rejected = le_get_u64(bytes + 16);
    result->last_index = le_get_u64(bytes + 24);
    result->hash_term = le_get_u64(bytes + 32);
    memcpy(result->hash.bytes, bytes + 40, HASH_BYTES);
    if (!term_good(result->term) || result->hash_term > result->term) return false;
    if (result->hash_term == 0 && !hash_is_zero(&result->hash)) return false;
    if (result->last_index > PEER_NUMBER_MAX || result->rejected > PEER_NUMBER_MAX) return false;
    if (result->accepted) return result->rejected == 0;
    return result->rejected > 0 && result->last_index < result->rejected && result->hash_term == 0;
}

bool peer_message_get_vote(const uint8_t *bytes, size_t byte_count, struct peer_vote *vote)
{
    if (!small_get(bytes, byte_count, PEER_VOTE, 32, FLAG_DISRUPT | FLAG_PRE_VOTE)) return false;
    vote->disrupt = (bytes[1] & FLAG_DISRUPT) != 0;
    vote->pre_vote = (bytes[1] & FLAG_PRE_VOTE) != 0;
    vote->term = le_get_u64(bytes + 8);
    vote->last_index = le_get_u64(bytes + 16);
    vote->last_term = le_get_u64(bytes + 24);
    return term_good(vote->term) && place_good(vote->last_index, vote->last_term, vote->term);
}

bool peer_message_get_vote_result(const uint8_t *bytes, size_t byte_count,
                                  struct peer_vote_result *result)
{
    if (!small_get(bytes, byte_count, PEER_VOTE_RESULT, 16, FLAG_GRANTED | FLAG_PRE_VOTE))
        return false;
    result->granted = (bytes[1] & FLAG_GRANTED) != 0;
    result->pre_vote = (bytes[1] & FLAG_PRE_VOTE) != 0;
    result->term = le_get_u64(bytes + 8);
    return term_good(result->term);
}

bool peer_message_get_timeout_now(const uint8_t *bytes, size_t byte_count,
                                  struct peer_timeout_now *timeout)
{
    if (!small_get(bytes, byte_count, PEER_TIMEOUT_NOW, 32, 0)) return false;
    timeout->term = le_get_u64(bytes + 8);
    timeout->last_index = le_get_u64(bytes + 16);
    timeout->last_term = le_get_u64(bytes + 24);
    return term_good(timeout->term) &&
           place_good(timeout->last_index, timeout->last_term, timeout->term);
}

bool peer_message_get_needs(const uint8_t *bytes, size_t byte_count, struct peer_needs *needs)
{
    if (!small_get(bytes, byte_count, PEER_NEEDS_CHECKPOINT, 24, 0)) return false;
    needs->term = le_get_u64(bytes + 8);
    needs->base_index = le_get_u64(bytes + 16);
    return term_good(needs->term) && needs->base_index > 0 && needs->base_index <= PEER_NUMBER_MAX;
}

bool peer_message_get_expected(const uint8_t *bytes, size_t byte_count,
                               struct peer_expected *expected)
{
    if (!small_get(bytes, byte_count, PEER_EXPECTED, 24, 0)) return false;
    expected->epoch = le_get_u64(bytes + 8);
    expected->sequence = le_get_u64(bytes + 16);
    return (expected->epoch == 0) == (expected->sequence == 0);
}

bool peer_message_get_ping(const uint8_t *bytes, size_t byte_count, struct peer_ping *ping)
{
    if (!small_get(bytes, byte_count, PEER_PING, 72, FLAG_WITHHOLDS)) return false;
    ping->withholds = bytes[1] != 0;
    ping->clock_ns = le_get_u64(bytes + 8);
    ping->sent_ns = le_get_u64(bytes + 16);
    ping->echo_ns = le_get_u64(bytes + 24);
    ping->held_ns = le_get_u64(bytes + 32);
    ping->term = le_get_u64(bytes + 40);
    ping->stored = le_get_u64(bytes + 48);
    ping->height = le_get_u64(bytes + 56);
    ping->certified_height = le_get_u64(bytes + 64);
    return ping->clock_ns <= PEER_NUMBER_MAX && ping->held_ns <= PEER_NUMBER_MAX &&
           ping->echo_ns <= PEER_NUMBER_MAX && ping->stored <= PEER_NUMBER_MAX &&
           (ping->echo_ns > 0 || ping->held_ns == 0);
}

/* Steps past one command by its length. */
static bool command_step(const uint8_t **at, const uint8_t *end)
{
    if (end - *at < COMMAND_HEADER_BYTES) return false;
    const uint32_t length = le_get_u32(*at);
    if (length < COMMAND_HEADER_BYTES || length > COMMAND_BYTES_MAX || length > (size_t)(end - *at))
        return false;
    *at += length;
    return true;
}

/* A HELLO of `from`, alone. */
static bool hello_good(const struct peer_forward *forward, uint32_t from)
{
    struct command command;
    struct hello_command hello;
    if (forward->count != 1 || forward->first_sequence != 0) return false;
    if (!command_decode(forward->run, forward->run_bytes, &command)) return false;
    if (command.header.type != T_HELLO) return false;
    hello_command_get(command.payload, &hello);
    return hello.node == from;
}

bool peer_message_get_forward(const uint8_t *bytes, size_t byte_count, uint32_t from,
                              struct peer_forward *forward)
{
    if (!head_get(bytes, byte_count, PEER_FORWARD, PEER_FORWARD_BYTES, 0, &forward->count))
        return false;
    if (byte_count - PEER_FORWARD_BYTES > PEER_RUN_BYTES_MAX || forward->count == 0) return false;
    forward->epoch = le_get_u64(bytes + 8);
    forward->first_sequence = le_get_u64(bytes + 16);
    forward->run = bytes + PEER_FORWARD_BYTES;
    forward->run_bytes = (uint32_t)(byte_count - PEER_FORWARD_BYTES);
    if (forward->epoch == 0) return hello_good(forward, from);

    const uint8_t *at = forward->run, *end = at + forward->run_bytes;
    for (uint32_t i = 0; i < forward->count; i++) {
        const uint8_t *command = at;
        if (!command_step(&at, end)) return false;
        if (le_get_u32(command + COMMAND_ORIGIN_OFFSET) != from ||
            le_get_u64(command + COMMAND_EPOCH_OFFSET) != forward->epoch ||
            le_get_u64(command + COMMAND_SEQUENCE_OFFSET) != forward->first_sequence + i)
            return false;
    }
    return at == end && forward->first_sequence > 0 && forward->first_sequence <= PEER_NUMBER_MAX;
}

bool peer_message_get_loose(const uint8_t *bytes, size_t byte_count, struct peer_loose *loose)
{
    if (!head_get(bytes, byte_count, PEER_LOOSE, PEER_LOOSE_BYTES, 0, &loose->count)) return false;
    if (loose->count == 0 || loose->count > PEER_LOOSE_MAX) return false;
    loose->commands = bytes + PEER_LOOSE_BYTES;
    loose->byte_count = (uint32_t)(byte_count - PEER_LOOSE_BYTES);
    const uint8_t *at = loose->commands, *end = at + loose->byte_count;
    for (uint32_t i = 0; i < loose->count; i++) {
        const uint8_t *first = at;
        struct command command;
        if (!command_step(&at, end)) return false;
        if (!command_decode(first, (size_t)(at - first), &command)) return false;
        const uint16_t type = command.header.type;
        if (type != T_VOTE && type != T_CHECKPOINT_VOTE && type != T_LIABILITIES_VOTE &&
            type != T_EPOCH_CHANGE)
            return false;
    }
    return at == end;
}
