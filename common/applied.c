#include "common/applied.h"

#include "common/le.h"

void applied_header_put(uint8_t *at, const struct applied *applied)
{
    at = le_put_u64(at, applied->number);
    at = le_put_u64(at, applied->stamp_ns);
    at = le_put_u32(at, applied->command_length);
    at = le_put_u32(at, applied->events_length);
    at = le_put_u32(at, applied->event_count);
    le_put_u32(at, applied->flags);
}

bool applied_next(const uint8_t **at, const uint8_t *end, struct applied *applied)
{
    const uint8_t *bytes = *at;
    if (end - bytes < APPLIED_HEADER_BYTES) return false;
    applied->number = le_get_u64(bytes);
    applied->stamp_ns = le_get_u64(bytes + 8);
    applied->command_length = le_get_u32(bytes + 16);
    applied->events_length = le_get_u32(bytes + 20);
    applied->event_count = le_get_u32(bytes + 24);
    applied->flags = le_get_u32(bytes + 28);

    const size_t room = (size_t)(end - bytes) - APPLIED_HEADER_BYTES;
    if (applied->flags > (APPLIED_FIRST | APPLIED_LAST)) return false;
    if ((uint64_t)applied->command_length + applied->events_length > room) return false;
    applied->command = bytes + APPLIED_HEADER_BYTES;
    applied->events = applied->command + applied->command_length;
    *at = applied->events + applied->events_length;
    return true;
}
