#include "common/messages.h"

#include "common/le.h"

size_t message_payload_bytes(uint16_t type)
{
    static const uint16_t payload_bytes[] = {
#define MESSAGE(kind, id, NAME, name) [id] = NAME##_BYTES,
#define FIELD(type, name)
#define BYTES(name, count)
#define END(kind, NAME, name)
#include "common/messages.def"
#undef MESSAGE
#undef FIELD
#undef BYTES
#undef END
    };
    return type < sizeof(payload_bytes) / sizeof(payload_bytes[0]) ? payload_bytes[type] : 0;
}

const char *message_name(uint16_t type)
{
    switch (type) {
#define MESSAGE(kind, id, NAME, name) \
    case id: \
        return #NAME;
#define FIELD(type, name)
#define BYTES(name, count)
#define END(kind, NAME, name)
#include "common/messages.def"
#undef MESSAGE
#undef FIELD
#undef BYTES
#undef END
    default:
        return "UNKNOWN";
    }
}

void command_header_put(uint8_t *at, const struct command_header *header)
{
    uint8_t *const start = at;
    at = le_put_u32(at, header->length);
    at = le_put_u16(at, header->type);
    at = le_put_u16(at, header->group);
    at = le_put_u32(at, header->origin);
    at = le_put_u16(at, header->auth_kind);
    at = le_put_u16(at, header->auth_length);
    at = le_put_u64(at, header->origin_epoch);
    at = le_put_u64(at, header->origin_sequence);
    at = le_put_u64(at, header->deadline_ns);
    at = le_put_u64(at, header->ticket);
    ASSERT(at - start == COMMAND_HEADER_BYTES);
}

bool command_decode(const uint8_t *bytes, size_t byte_count, struct command *command)
{
    if (byte_count < COMMAND_HEADER_BYTES) return false;

    struct command_header *header = &command->header;
    header->length = le_get_u32(bytes);
    header->type = le_get_u16(bytes + 4);
    header->group = le_get_u16(bytes + 6);
    header->origin = le_get_u32(bytes + 8);
    header->auth_kind = le_get_u16(bytes + 12);
    header->auth_length = le_get_u16(bytes + 14);
    header->origin_epoch = le_get_u64(bytes + 16);
    header->origin_sequence = le_get_u64(bytes + 24);
    header->deadline_ns = le_get_u64(bytes + 32);
    header->ticket = le_get_u64(bytes + 40);

    if (header->type >= T_NOOP) return false; /* an event is not a command */
    const size_t payload_bytes = message_payload_bytes(header->type);
    if (payload_bytes == 0 || header->auth_length > COMMAND_AUTH_MAX) return false;
    if (header->length != byte_count) return false;
    if (byte_count != COMMAND_HEADER_BYTES + payload_bytes + header->auth_length) return false;

    command->payload = bytes + COMMAND_HEADER_BYTES;
    command->auth = command->payload + payload_bytes;
    return true;
}

/* Decodes one message with a header like an event's, whose type is in [first, end_type). */
static bool framed_next(const uint8_t **at, const uint8_t *end, uint16_t first, uint16_t end_type,
                        struct event *event)
{
    if (end - *at < EVENT_HEADER_BYTES) return false;
    event->type = le_get_u16(*at);
    event->payload_length = le_get_u16(*at + 2);
    event->payload = *at + EVENT_HEADER_BYTES;
    if (event->type < first || event->type >= end_type) return false;
    if (event->payload_length != message_payload_bytes(event->type)) return false;
    if (event->payload_length > end - event->payload) return false;
    *at = event->payload + event->payload_length;
    return true;
}

bool event_next(const uint8_t **at, const uint8_t *end, struct event *event)
{
    return framed_next(at, end, T_NOOP, T_BLOCK_SEALED, event);
}

bool notice_decode(const uint8_t *bytes, size_t byte_count, struct event *notice)
{
    const uint8_t *at = bytes;
    return framed_next(&at, bytes + byte_count, T_BLOCK_SEALED, UINT16_MAX, notice) &&
           at == bytes + byte_count;
}

void event_writer_move(struct event_writer *writer)
{
    ASSERT(writer->overflow != NULL);
    const size_t written = event_writer_mark(writer);
    ASSERT((size_t)(writer->overflow_end - writer->overflow) > written + EVENT_PAYLOAD_MAX);
    memcpy(writer->overflow, writer->begin, written);
    writer->begin = writer->overflow;
    writer->at = writer->overflow + written;
    writer->end = writer->overflow_end;
    writer->overflow = NULL;
}
