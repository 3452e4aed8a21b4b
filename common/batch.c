#include "common/batch.h"

#include "common/le.h"

void batch_header_put(uint8_t *at, const struct batch_header *header)
{
    at = le_put_u32(at, BATCH_MAGIC);
    at = le_put_u32(at, header->command_count);
    le_put_u64(at, header->stamp_ns);
}

/* How far ahead of a walk its bytes are asked for: they come from memory, or another core's cache. */
#define PREFETCH_BYTES 2048

bool batch_next(const uint8_t **at, const uint8_t *end, struct command *command)
{
    if (end - *at < COMMAND_HEADER_BYTES) return false;
    const uint32_t length = le_get_u32(*at);
    if (length > (size_t)(end - *at)) return false;
    if (!command_decode(*at, length, command)) return false;
    for (uint32_t line = 0; line < length; line += 64)
        __builtin_prefetch(*at + PREFETCH_BYTES + line);
    *at += length;
    return true;
}

bool batch_header_get(const uint8_t *bytes, size_t byte_count, struct batch_header *header)
{
    if (byte_count < BATCH_HEADER_BYTES || byte_count > BATCH_BYTES_MAX) return false;
    if (le_get_u32(bytes) != BATCH_MAGIC) return false;
    header->command_count = le_get_u32(bytes + 4);
    header->stamp_ns = le_get_u64(bytes + 8);
    return true;
}

bool batch_check(const uint8_t *bytes, size_t byte_count, struct batch_header *header)
{
    if (!batch_header_get(bytes, byte_count, header)) return false;
    const uint8_t *at = bytes + BATCH_HEADER_BYTES, *const end = bytes + byte_count;
    struct command command;
    uint32_t count = 0;
    while (batch_next(&at, end, &command))
        count++;
    return at == end && count == header->command_count;
}
