/* WebSocket frames (RFC 6455): heads for what goes out, a reader for what comes in.
 *
 * The reader takes bytes as they arrive, unmasks in place and reports one frame at a time. It keeps
 * no payload: an unfinished message is the caller's to collect. Whether text is UTF-8 is checked with
 * frame_utf8_add, fragment by fragment.
 *
 * Limits   FRAME_MESSAGE_MAX bytes a message, 125 a control frame; more is refused with its close code
 * Cost     linear in the bytes of the frame, once it is whole
 */

#ifndef GATEWAY_FRAME_H
#define GATEWAY_FRAME_H

#include "common/assert.h"

#include <stdbool.h>
#include <stdint.h>

#define FRAME_MESSAGE_MAX (64 * 1024)
#define FRAME_CONTROL_MAX 125
#define FRAME_HEAD_MAX    10 /* server to client: no mask */

enum frame_opcode {
    FRAME_CONTINUATION = 0,
    FRAME_TEXT = 1,
    FRAME_BINARY = 2,
    FRAME_CLOSE = 8,
    FRAME_PING = 9,
    FRAME_PONG = 10,
};

enum frame_close {
    FRAME_CLOSE_NORMAL = 1000,
    FRAME_CLOSE_GOING_AWAY = 1001,
    FRAME_CLOSE_PROTOCOL = 1002,
    FRAME_CLOSE_UNSUPPORTED = 1003,
    FRAME_CLOSE_NONE = 1005, /* never on the wire: the close frame had no body */
    FRAME_CLOSE_NOT_UTF8 = 1007,
    FRAME_CLOSE_POLICY = 1008,
    FRAME_CLOSE_TOO_BIG = 1009,
    FRAME_CLOSE_RESTART = 1012,
};

/* Where the reader is in a message of several frames. */
struct frame_reader {
    uint8_t opcode;         /* of the unfinished message; 0: none */
    uint32_t message_bytes; /* of it so far */
};

enum frame_result {
    FRAME_MORE,    /* no whole frame yet */
    FRAME_WHOLE,   /* a frame: see struct frame */
    FRAME_REFUSED, /* the connection must be closed with `close_code` */
};

struct frame {
    uint8_t opcode; /* never FRAME_CONTINUATION: that of the message it continues */
    bool is_first;  /* data frames: begins a message */
    bool is_last;   /* ends it; always true for control frames */
    uint8_t *payload;
    size_t payload_bytes;
    size_t frame_bytes; /* with its head: consume this many */
    uint16_t close_code;
    const char *reason; /* of a refusal */
};

/* Writes the head of an unfragmented server frame; returns its length. */
size_t frame_head_put(uint8_t head[FRAME_HEAD_MAX], enum frame_opcode opcode,
                      uint64_t payload_bytes);

/* Writes the body of a close frame: the code and as much of `reason` as fits. Returns its length. */
size_t frame_close_put(uint8_t body[FRAME_CONTROL_MAX], uint16_t code, const char *reason);

/* Reads the next client frame at the start of `bytes` and unmasks its payload in place. */
MUST_CHECK enum frame_result frame_read(struct frame_reader *reader, uint8_t *bytes,
                                        size_t byte_count, struct frame *frame);

/* What a close frame says, checked: its code, or FRAME_CLOSE_NONE. False when body, code or text are
 * malformed; `answer` is then the code to close with. */
MUST_CHECK bool frame_close_read(const uint8_t *body, size_t body_bytes, uint16_t *code,
                                 uint16_t *answer);

/* Text that arrives in pieces, cut anywhere; all zeros at the beginning. */
struct frame_utf8 {
    uint8_t missing;   /* bytes that the last character still needs */
    uint8_t low, high; /* what the next of them may be */
};

/* Takes the next piece. False as soon as no continuation can make it well-formed UTF-8 (no surrogates, no overlong
 * forms, up to U+10FFFF). */
MUST_CHECK bool frame_utf8_add(struct frame_utf8 *utf8, const uint8_t *bytes, size_t byte_count);

/* Whether the text may end here: its last character is whole. */
bool frame_utf8_ends(const struct frame_utf8 *utf8);

/* Whole text as one piece. */
bool frame_is_utf8(const uint8_t *bytes, size_t byte_count);

#endif /* GATEWAY_FRAME_H */
