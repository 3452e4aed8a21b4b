#include "ledger/seal.h"

#include "common/le.h"

static_assert(FILL_BYTES <= WITHDRAWAL_CHANGED_BYTES, "a leaf has room for either");

void seal_begin(struct seal *seal, uint64_t first_command)
{
    ASSERT(first_command > 0);
    seal->first_command = first_command;
    seal->last_command = first_command - 1;
    seal->body_length = 0;
    seal->ordinal = 0;
    merkle_begin(&seal->commands);
    merkle_begin(&seal->fills);
    merkle_begin(&seal->releases);
    hash_stream_begin(&seal->events);
    hash_stream_begin(&seal->body);
}

void seal_command(struct seal *seal, const struct applied *record)
{
    ASSERT(record->number == seal->last_command + 1);
    ASSERT(record->flags == (APPLIED_FIRST | APPLIED_LAST));

    uint8_t header[APPLIED_HEADER_BYTES], number[8];
    applied_header_put(header, record);
    hash_stream_add(&seal->body, header, sizeof(header));
    hash_stream_add(&seal->body, record->command, record->command_length);
    le_put_u64(number, record->number);
    hash_stream_add(&seal->events, number, sizeof(number));
    hash_streams_add(&seal->body, &seal->events, record->events, record->events_length);
    seal->body_length += sizeof(header) + record->command_length + record->events_length;

    merkle_add(&seal->commands, merkle_leaf(record->command, record->command_length));
    seal->last_command = record->number;
    seal->ordinal = 0;
}

size_t seal_leaf(uint64_t command, uint32_t ordinal, const struct event *event,
                 uint8_t leaf[SEAL_LEAF_BYTES_MAX])
{
    const size_t byte_count = EVENT_HEADER_BYTES + (size_t)event->payload_length;
    ASSERT(12 + byte_count <= SEAL_LEAF_BYTES_MAX);
    uint8_t *at = le_put_u64(leaf, command);
    at = le_put_u32(at, ordinal);
    at = le_put_bytes(at, event->payload - EVENT_HEADER_BYTES, byte_count);
    return (size_t)(at - leaf);
}

bool seal_is_release(const struct event *event)
{
    struct withdrawal_changed_event changed;
    if (event->type != T_WITHDRAWAL_CHANGED) return false;
    withdrawal_changed_event_get(event->payload, &changed);
    return changed.state == WITHDRAWAL_APPROVED && changed.before != WITHDRAWAL_APPROVED;
}

hash_t seal_releases_hash(hash_t events, uint32_t count, hash_t root)
{
    uint8_t bytes[HASH_BYTES + 4 + HASH_BYTES];
    uint8_t *at = le_put_bytes(bytes, events.bytes, HASH_BYTES);
    at = le_put_u32(at, count);
    le_put_bytes(at, root.bytes, HASH_BYTES);
    return hash_tagged("quorex/releases/1", bytes, sizeof(bytes));
}

void seal_event(struct seal *seal, const struct event *event)
{
    ASSERT(seal->last_command >= seal->first_command);
    uint8_t leaf[SEAL_LEAF_BYTES_MAX];
    struct merkle *tree = event->type == T_FILL    ? &seal->fills
                          : seal_is_release(event) ? &seal->releases
                                                   : NULL;
    if (tree != NULL)
        merkle_add(tree,
                   merkle_leaf(leaf, seal_leaf(seal->last_command, seal->ordinal, event, leaf)));
    seal->ordinal++;
}

/* Whether this block's header speaks of releases. */
static bool has_releases(const struct seal *seal, const struct seal_facts *facts)
{
    return facts->releases && seal->releases.leaf_count > 0;
}

static hash_t events_hash(const struct seal *seal, bool releases)
{
    struct hash_stream stream = seal->events;
    const hash_t events = hash_stream_end(&stream);
    return releases ? seal_releases_hash(events, (uint32_t)seal->releases.leaf_count,
                                         merkle_root(&seal->releases))
                    : events;
}

void seal_step(const struct seal *seal, const struct seal_facts *facts, struct block_header *header)
{
    ASSERT(seal->commands.leaf_count > 0 && seal->commands.leaf_count <= UINT32_MAX);
    ASSERT(seal->fills.leaf_count <= UINT32_MAX);
    const bool releases = has_releases(seal, facts);
    struct hash_stream body = seal->body;
    *header = (struct block_header){
        .version = BLOCK_HEADER_VERSION,
        .flags = releases ? BLOCK_RELEASES : 0,
        .height = facts->height,
        .time_ns = facts->time_ns,
        .epoch = facts->epoch,
        .first_command = seal->first_command,
        .last_command = seal->last_command,
        .tx_count = (uint32_t)seal->commands.leaf_count,
        .fill_count = (uint32_t)seal->fills.leaf_count,
        .body_length = seal->body_length,
        .chain_id = facts->chain_id,
        .prev_hash = facts->prev_hash,
        .history_root = facts->history_root,
        .tx_root = merkle_root(&seal->commands),
        .fills_root = merkle_root(&seal->fills),
        .state_root = facts->state_root,
        .events_hash = events_hash(seal, releases),
        .totals_root = facts->totals_root,
        .validators_hash = facts->validators_hash,
        .next_validators_hash = facts->next_validators_hash,
        .params_hash = facts->params_hash,
        .body_hash = hash_stream_end(&body),
    };
}
