/* Commands, batches, applied records, events and block headers from any bytes: a decoder says no or
 * yields views that lie inside its input, and what it took encodes back to the same bytes. */

#include "common/applied.h"
#include "common/batch.h"
#include "common/block_header.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count);

static bool inside(const uint8_t *view, size_t view_bytes, const uint8_t *bytes, size_t byte_count)
{
    return view >= bytes && view <= bytes + byte_count &&
           view_bytes <= (size_t)(bytes + byte_count - view);
}

static void check_command(const uint8_t *bytes, size_t byte_count, const struct command *command)
{
    const struct command_header *header = &command->header;
    const size_t payload_bytes = message_payload_bytes(header->type);
    uint8_t again[COMMAND_HEADER_BYTES];
    ASSERT(payload_bytes > 0 && header->type < T_NOOP);
    ASSERT(inside(command->payload, payload_bytes, bytes, byte_count));
    ASSERT(inside(command->auth, header->auth_length, bytes, byte_count));
    command_header_put(again, header);
    ASSERT(memcmp(again, command->payload - COMMAND_HEADER_BYTES, COMMAND_HEADER_BYTES) == 0);
}

static void walk_events(const uint8_t *bytes, size_t byte_count)
{
    const uint8_t *at = bytes, *const end = bytes + byte_count;
    struct event event;
    while (event_next(&at, end, &event)) {
        ASSERT(inside(event.payload, event.payload_length, bytes, byte_count));
        ASSERT(event.payload_length == message_payload_bytes(event.type));
        ASSERT(at <= end);
    }
}

static void walk_batch(const uint8_t *bytes, size_t byte_count)
{
    struct batch_header header;
    struct command command;
    if (!batch_check(bytes, byte_count, &header)) return;
    uint32_t count = 0;
    const uint8_t *at = bytes + BATCH_HEADER_BYTES;
    while (batch_next(&at, bytes + byte_count, &command)) {
        check_command(bytes, byte_count, &command);
        count++;
    }
    ASSERT(at == bytes + byte_count && count == header.command_count);
}

static void walk_applied(const uint8_t *bytes, size_t byte_count)
{
    const uint8_t *at = bytes, *const end = bytes + byte_count;
    struct applied applied;
    while (applied_next(&at, end, &applied)) {
        ASSERT(inside(applied.command, applied.command_length, bytes, byte_count));
        ASSERT(inside(applied.events, applied.events_length, bytes, byte_count));
        uint8_t again[APPLIED_HEADER_BYTES];
        applied_header_put(again, &applied);
        ASSERT(memcmp(again, applied.command - APPLIED_HEADER_BYTES, APPLIED_HEADER_BYTES) == 0);
        walk_events(applied.events, applied.events_length);
    }
    ASSERT(at <= end);
}

static void check_header(const uint8_t *bytes, size_t byte_count)
{
    struct block_header header;
    uint8_t again[BLOCK_HEADER_BYTES];
    if (byte_count < BLOCK_HEADER_BYTES || !block_header_decode(bytes, &header)) return;
    block_header_encode(&header, again);
    ASSERT(memcmp(again, bytes, BLOCK_HEADER_BYTES) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count)
{
    struct command command;
    if (command_decode(bytes, byte_count, &command)) check_command(bytes, byte_count, &command);
    walk_events(bytes, byte_count);
    walk_batch(bytes, byte_count);
    walk_applied(bytes, byte_count);
    check_header(bytes, byte_count);
    return 0;
}
