#include "ledger/seal.h"

#include "common/le.h"

#define FILL_LEAF_BYTES (8 + 4 + EVENT_HEADER_BYTES + FILL_BYTES)

void seal_begin(struct seal *seal, uint64_t first_command)
{
    ASSERT(first_command > 0);
    seal->first_command = first_command;
    seal->last_command = first_command - 1;
    seal->body_length = 0;
    seal->ordinal = 0;
    merkle_begin(&seal->commands);
    merkle_begin(&seal->fills);
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

void seal_event(struct seal *seal, const struct event *event)
{
    ASSERT(seal->last_command >= seal->first_command);
    const uint8_t *bytes = event->payload - EVENT_HEADER_BYTES;
    const size_t byte_count = EVENT_HEADER_BYTES + (size_t)event->payload_length;
    if (event->type == T_FILL) {
        uint8_t leaf[FILL_LEAF_BYTES];
        uint8_t *at = le_put_u64(leaf, seal->last_command);
        at = le_put_u32(at, seal->ordinal);
        at = le_put_bytes(at, bytes, byte_count);
        ASSERT(at - leaf == FILL_LEAF_BYTES);
        merkle_add(&seal->fills, merkle_leaf(leaf, sizeof(leaf)));
    }
    seal->ordinal++;
}

void seal_step(const struct seal *seal, const struct seal_facts *facts, struct block_header *header)
{
    ASSERT(seal->commands.leaf_count > 0 && seal->commands.leaf_count <= UINT32_MAX);
    ASSERT(seal->fills.leaf_count <= UINT32_MAX);
    struct hash_stream events = seal->events, body = seal->body;
    *header = (struct block_header){
        .version = BLOCK_HEADER_VERSION,
        .flags = 0,
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
        .events_hash = hash_stream_end(&events),
        .totals_root = facts->totals_root,
        .validators_hash = facts->validators_hash,
        .next_validators_hash = facts->next_validators_hash,
        .params_hash = facts->params_hash,
        .body_hash = hash_stream_end(&body),
    };
}
