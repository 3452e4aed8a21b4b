/* Small blocks for the chain's tests: commands and events that no engine made, sealed by seal.c.
 *
 * Block h holds a VOTE, a FILL's command when h is even, and its SEAL; all bytes follow from h.
 */

#ifndef TESTS_LEDGER_BLOCKS_H
#define TESTS_LEDGER_BLOCKS_H

#include "common/le.h"
#include "ledger/block.h"
#include "ledger/history.h"
#include "ledger/seal.h"

#include <string.h>

#define BLOCK_BODY_MAX 4096

struct blocks {
    uint64_t height;
    uint64_t command;
    hash_t last_hash;
    struct history history;
    struct seal seal;
    struct block_header header;
    uint8_t header_bytes[BLOCK_HEADER_BYTES];
    uint8_t body[BLOCK_BODY_MAX];
    size_t body_bytes;
};

static inline void blocks_begin(struct blocks *blocks)
{
    memset(blocks, 0, sizeof(*blocks));
    history_begin(&blocks->history);
}

/* Appends one record to the body and feeds the seal. */
static inline void blocks_record(struct blocks *blocks, uint16_t type, const uint8_t *payload,
                                 const struct event_writer *events, const uint8_t *event_bytes)
{
    uint8_t command[COMMAND_BYTES_MAX];
    const struct command_header header = {
        .length = (uint32_t)(COMMAND_HEADER_BYTES + message_payload_bytes(type)), .type = type};
    command_header_put(command, &header);
    memcpy(command + COMMAND_HEADER_BYTES, payload, message_payload_bytes(type));
    blocks->command++;
    const struct applied record = {.number = blocks->command,
                                   .stamp_ns = 1000000 * blocks->height + blocks->command,
                                   .command_length = header.length,
                                   .events_length = (uint32_t)(events->at - event_bytes),
                                   .event_count = events->count,
                                   .flags = APPLIED_FIRST | APPLIED_LAST,
                                   .command = command,
                                   .events = event_bytes};
    uint8_t *at = blocks->body + blocks->body_bytes;
    applied_header_put(at, &record);
    at = le_put_bytes(at + APPLIED_HEADER_BYTES, command, record.command_length);
    at = le_put_bytes(at, event_bytes, record.events_length);
    blocks->body_bytes = (size_t)(at - blocks->body);
    ASSERT(blocks->body_bytes <= sizeof(blocks->body));

    const uint8_t *next = event_bytes;
    struct event event;
    seal_command(&blocks->seal, &record);
    while (event_next(&next, events->at, &event))
        seal_event(&blocks->seal, &event);
}

/* Makes the next block: header, header_bytes and body are its. */
static inline void blocks_next(struct blocks *blocks)
{
    uint8_t payload[512], events[2048];
    const uint64_t first = blocks->command + 1;
    blocks->height++;
    blocks->body_bytes = 0;
    seal_begin(&blocks->seal, first);

    const struct vote_command vote = {.height = blocks->height, .node = 1};
    struct event_writer writer = {.at = events, .end = events + sizeof(events)};
    vote_command_put(payload, &vote);
    blocks_record(blocks, T_VOTE, payload, &writer, events);
    if (blocks->height % 2 == 0) {
        const struct order_place_command place = {.price = {(int64_t)blocks->height}};
        const struct balance_event balance = {.available = {5}, .account = 2};
        const struct fill_event fill = {.trade_id = blocks->height, .price = {7}, .qty = {9}};
        order_place_command_put(payload, &place);
        event_write_balance(&writer, &balance);
        event_write_fill(&writer, &fill);
        blocks_record(blocks, T_ORDER_PLACE, payload, &writer, events);
    }
    const struct seal_command command = {.height = blocks->height};
    const struct sealed_event sealed = {.height = blocks->height, .first_command = first};
    seal_command_put(payload, &command);
    writer = (struct event_writer){.at = events, .end = events + sizeof(events)};
    event_write_sealed(&writer, &sealed);
    blocks_record(blocks, T_SEAL, payload, &writer, events);

    const struct seal_facts facts = {.height = blocks->height,
                                     .time_ns = 1000000 * blocks->height + blocks->command,
                                     .chain_id = hash_of("chain", 5),
                                     .prev_hash = blocks->last_hash,
                                     .history_root = history_root(&blocks->history),
                                     .state_root = hash_of(&blocks->height, 8)};
    seal_step(&blocks->seal, &facts, &blocks->header);
    block_header_encode(&blocks->header, blocks->header_bytes);
    blocks->last_hash = block_header_hash(blocks->header_bytes);
    history_add(&blocks->history, blocks->height, blocks->last_hash);
}

#endif /* TESTS_LEDGER_BLOCKS_H */
