#include "gateway/frame.h"

#include <string.h>

/* Any bytes from a client, given in pieces as a socket gives them: frames stay within what was given,
 * a refused connection has a code that may be sent, a message never outgrows its limit. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool may_be_sent(uint16_t code)
{
    return code == FRAME_CLOSE_PROTOCOL || code == FRAME_CLOSE_TOO_BIG;
}

/* Cut in two, text is judged as it is whole. */
static void check_text(const uint8_t *text, size_t text_bytes)
{
    struct frame_utf8 utf8 = {0};
    const size_t cut = text_bytes > 0 ? text[0] % text_bytes : 0;
    const bool in_pieces = frame_utf8_add(&utf8, text, cut) &&
                           frame_utf8_add(&utf8, text + cut, text_bytes - cut) &&
                           frame_utf8_ends(&utf8);
    ASSERT(in_pieces == frame_is_utf8(text, text_bytes));
}

static void check_frame(const struct frame *frame, const uint8_t *bytes, size_t byte_count)
{
    uint16_t code, answer;
    ASSERT(frame->frame_bytes <= byte_count);
    ASSERT(frame->payload >= bytes && frame->payload + frame->payload_bytes <= bytes + byte_count);
    ASSERT(frame->opcode == FRAME_TEXT || frame->opcode == FRAME_BINARY ||
           frame->opcode >= FRAME_CLOSE);
    if (frame->opcode >= FRAME_CLOSE) ASSERT(frame->payload_bytes <= FRAME_CONTROL_MAX);
    if (frame->opcode == FRAME_CLOSE &&
        frame_close_read(frame->payload, frame->payload_bytes, &code, &answer)) {
        ASSERT(code >= 1000 && code <= 4999);
    }
    check_text(frame->payload, frame->payload_bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t input[2 * FRAME_MESSAGE_MAX];
    struct frame_reader reader = {0};
    size_t used = 0, piece = size > 0 ? data[0] % 7u + 1 : 1;
    while (size > 0) {
        if (piece > size) piece = size;
        if (used + piece > sizeof(input)) return 0;
        memcpy(input + used, data, piece);
        used += piece;
        data += piece;
        size -= piece;
        for (;;) {
            struct frame frame;
            const enum frame_result result = frame_read(&reader, input, used, &frame);
            if (result == FRAME_REFUSED) {
                ASSERT(may_be_sent(frame.close_code) && frame.reason != NULL);
                return 0;
            }
            if (result == FRAME_MORE) break;
            check_frame(&frame, input, used);
            ASSERT(reader.message_bytes <= FRAME_MESSAGE_MAX);
            used -= frame.frame_bytes;
            memmove(input, input + frame.frame_bytes, used);
        }
    }
    return 0;
}
