#include "gateway/frame.h"

#include <string.h>

#define BIT_FINAL     0x80
#define BITS_RESERVED 0x70
#define BITS_OPCODE   0x0f
#define BIT_MASKED    0x80
#define BITS_LENGTH   0x7f
#define BIT_CONTROL   0x08
#define MASK_BYTES    4

size_t frame_head_put(uint8_t head[FRAME_HEAD_MAX], enum frame_opcode opcode,
                      uint64_t payload_bytes)
{
    head[0] = (uint8_t)(BIT_FINAL | opcode);
    if (payload_bytes < 126) {
        head[1] = (uint8_t)payload_bytes;
        return 2;
    }
    const size_t length_bytes = payload_bytes <= UINT16_MAX ? 2 : 8;
    head[1] = length_bytes == 2 ? 126 : 127;
    for (size_t i = 0; i < length_bytes; i++) {
        head[2 + i] = (uint8_t)(payload_bytes >> (8 * (length_bytes - 1 - i)));
    }
    return 2 + length_bytes;
}

size_t frame_close_put(uint8_t body[FRAME_CONTROL_MAX], uint16_t code, const char *reason)
{
    size_t reason_bytes = strlen(reason);
    if (reason_bytes > FRAME_CONTROL_MAX - 2) reason_bytes = FRAME_CONTROL_MAX - 2;
    body[0] = (uint8_t)(code >> 8);
    body[1] = (uint8_t)code;
    memcpy(body + 2, reason, reason_bytes);
    return 2 + reason_bytes;
}

static enum frame_result refuse(struct frame *frame, uint16_t close_code, const char *reason)
{
    frame->close_code = close_code;
    frame->reason = reason;
    return FRAME_REFUSED;
}

/* What the first two bytes alone show to be wrong; NULL when they are fine. */
static const char *fault_of_head(const struct frame_reader *reader, const uint8_t head[2])
{
    const uint8_t opcode = head[0] & BITS_OPCODE;
    const bool is_control = (opcode & BIT_CONTROL) != 0;
    if ((head[0] & BITS_RESERVED) != 0) return "reserved bits are set";
    if ((opcode > FRAME_BINARY && !is_control) || opcode > FRAME_PONG) return "unknown opcode";
    if ((head[1] & BIT_MASKED) == 0) return "frame is not masked";
    if (is_control && (head[0] & BIT_FINAL) == 0) return "control frame is fragmented";
    if (is_control && (head[1] & BITS_LENGTH) > FRAME_CONTROL_MAX)
        return "control frame is too long";
    if (!is_control && opcode == FRAME_CONTINUATION && reader->opcode == 0) {
        return "continuation without a beginning";
    }
    if (!is_control && opcode != FRAME_CONTINUATION && reader->opcode != 0) {
        return "message begins inside another";
    }
    return NULL;
}

/* Reads the length field. False when its bytes are not all there. */
static bool read_length(const uint8_t *bytes, size_t byte_count, size_t *head_bytes,
                        uint64_t *payload_bytes)
{
    const uint8_t short_length = bytes[1] & BITS_LENGTH;
    const size_t length_bytes = short_length < 126 ? 0 : short_length == 126 ? 2 : 8;
    *head_bytes = 2 + length_bytes + MASK_BYTES;
    *payload_bytes = short_length;
    if (length_bytes == 0) return true;
    if (byte_count < 2 + length_bytes) return false;
    uint64_t length = 0;
    for (size_t i = 0; i < length_bytes; i++)
        length = length << 8 | bytes[2 + i];
    *payload_bytes = length;
    return true;
}

/* What is wrong with a length, or NULL. */
static const char *fault_of_length(uint8_t short_length, uint64_t payload_bytes)
{
    if (payload_bytes > INT64_MAX) return "length has its highest bit set";
    const uint64_t least = short_length == 127 ? UINT16_MAX + 1 : short_length == 126 ? 126 : 0;
    return payload_bytes < least ? "length is not in its shortest form" : NULL;
}

static void unmask(uint8_t *payload, size_t payload_bytes, const uint8_t mask[MASK_BYTES])
{
    for (size_t i = 0; i < payload_bytes; i++)
        payload[i] ^= mask[i % MASK_BYTES];
}

/* Fills in a data frame's place in its message and moves the reader on. */
static void take_data(struct frame_reader *reader, struct frame *frame, uint8_t opcode,
                      bool is_final)
{
    frame->is_first = opcode != FRAME_CONTINUATION;
    frame->is_last = is_final;
    frame->opcode = frame->is_first ? opcode : reader->opcode;
    reader->opcode = is_final ? 0 : frame->opcode;
    reader->message_bytes = is_final ? 0 : reader->message_bytes + (uint32_t)frame->payload_bytes;
}

enum frame_result frame_read(struct frame_reader *reader, uint8_t *bytes, size_t byte_count,
                             struct frame *frame)
{
    *frame = (struct frame){0};
    if (byte_count < 2) return FRAME_MORE;
    const char *fault = fault_of_head(reader, bytes);
    if (fault != NULL) return refuse(frame, FRAME_CLOSE_PROTOCOL, fault);

    size_t head_bytes;
    uint64_t payload_bytes;
    if (!read_length(bytes, byte_count, &head_bytes, &payload_bytes)) return FRAME_MORE;
    fault = fault_of_length(bytes[1] & BITS_LENGTH, payload_bytes);
    if (fault != NULL) return refuse(frame, FRAME_CLOSE_PROTOCOL, fault);
    const uint8_t opcode = bytes[0] & BITS_OPCODE;
    const bool is_control = (opcode & BIT_CONTROL) != 0;
    const uint64_t before = is_control ? 0 : reader->message_bytes;
    if (payload_bytes > FRAME_MESSAGE_MAX || before + payload_bytes > FRAME_MESSAGE_MAX) {
        return refuse(frame, FRAME_CLOSE_TOO_BIG, "message is too long");
    }
    if (byte_count < head_bytes + payload_bytes) return FRAME_MORE;

    frame->payload = bytes + head_bytes;
    frame->payload_bytes = (size_t)payload_bytes;
    frame->frame_bytes = head_bytes + (size_t)payload_bytes;
    unmask(frame->payload, frame->payload_bytes, bytes + head_bytes - MASK_BYTES);
    if (is_control) {
        frame->opcode = opcode;
        frame->is_first = frame->is_last = true;
    } else {
        take_data(reader, frame, opcode, (bytes[0] & BIT_FINAL) != 0);
    }
    return FRAME_WHOLE;
}

bool frame_close_read(const uint8_t *body, size_t body_bytes, uint16_t *code, uint16_t *answer)
{
    *code = FRAME_CLOSE_NONE;
    *answer = FRAME_CLOSE_PROTOCOL;
    if (body_bytes == 0) return true;
    if (body_bytes == 1) return false;
    *code = (uint16_t)(body[0] << 8 | body[1]);
    /* Registered codes that may be sent, and those of applications. */
    const bool registered =
        *code >= 1000 && *code <= 1014 && *code != 1004 && *code != 1005 && *code != 1006;
    if (!registered && (*code < 3000 || *code > 4999)) return false;
    if (frame_is_utf8(body + 2, body_bytes - 2)) return true;
    *answer = FRAME_CLOSE_NOT_UTF8;
    return false;
}

/* What may follow a character's first byte. The second byte's range excludes overlong forms, surrogates and what is above
 * U+10FFFF. False when the byte begins nothing. */
static bool begin_character(struct frame_utf8 *utf8, uint8_t lead)
{
    utf8->low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    utf8->high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    utf8->missing = lead < 0x80 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    return lead < 0x80 || (lead >= 0xc2 && lead < 0xf5);
}

bool frame_utf8_add(struct frame_utf8 *utf8, const uint8_t *bytes, size_t byte_count)
{
    for (size_t i = 0; i < byte_count; i++) {
        if (utf8->missing == 0) {
            if (!begin_character(utf8, bytes[i])) return false;
            continue;
        }
        if (bytes[i] < utf8->low || bytes[i] > utf8->high) return false;
        utf8->missing--;
        utf8->low = 0x80;
        utf8->high = 0xbf;
    }
    return true;
}

bool frame_utf8_ends(const struct frame_utf8 *utf8)
{
    return utf8->missing == 0;
}

bool frame_is_utf8(const uint8_t *bytes, size_t byte_count)
{
    struct frame_utf8 utf8 = {0};
    return frame_utf8_add(&utf8, bytes, byte_count) && frame_utf8_ends(&utf8);
}
