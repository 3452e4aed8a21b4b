#include "gateway/outbox_h2o.h"

#include <stdlib.h>
#include <string.h>

#define OUTBOX_START 16

struct shared_frame *outbox_frame_new(enum frame_opcode opcode, const h2o_iovec_t *parts,
                                      size_t part_count)
{
    size_t payload_bytes = 0;
    for (size_t i = 0; i < part_count; i++)
        payload_bytes += parts[i].len;
    struct shared_frame *frame = h2o_mem_alloc(sizeof(*frame) + FRAME_HEAD_MAX + payload_bytes);
    frame->reference_count = 1;
    frame->is_answer = frame->is_user = false;
    uint8_t *at = frame->bytes + frame_head_put(frame->bytes, opcode, payload_bytes);
    for (size_t i = 0; i < part_count; i++) {
        memcpy(at, parts[i].base, parts[i].len);
        at += parts[i].len;
    }
    frame->byte_count = (size_t)(at - frame->bytes);
    return frame;
}

void outbox_frame_release(struct shared_frame *frame)
{
    if (--frame->reference_count == 0) free(frame);
}

uint32_t outbox_count(const struct outbox *outbox)
{
    return outbox->tail - outbox->head;
}

static struct shared_frame **outbox_slot(const struct outbox *outbox, uint32_t position)
{
    return &outbox->frames[position & (outbox->capacity - 1)];
}

static void outbox_grow(struct outbox *outbox)
{
    struct outbox larger = *outbox;
    larger.capacity = outbox->capacity == 0 ? OUTBOX_START : 2 * outbox->capacity;
    larger.frames = h2o_mem_alloc(larger.capacity * sizeof(larger.frames[0]));
    for (uint32_t at = outbox->head; at != outbox->tail; at++) {
        *outbox_slot(&larger, at) = *outbox_slot(outbox, at);
    }
    free(outbox->frames);
    *outbox = larger;
}

void outbox_add(struct outbox *outbox, struct shared_frame *frame)
{
    if (outbox_count(outbox) == outbox->capacity) outbox_grow(outbox);
    frame->reference_count++;
    *outbox_slot(outbox, outbox->tail++) = frame;
    outbox->byte_count += frame->byte_count;
    if (frame->is_answer) outbox->answer_bytes += frame->byte_count;
    if (frame->is_user) outbox->user_bytes += frame->byte_count;
}

/* So many bytes of the frame wait no more. */
static void uncount(struct outbox *outbox, const struct shared_frame *frame, size_t byte_count)
{
    outbox->byte_count -= byte_count;
    if (frame->is_answer) outbox->answer_bytes -= byte_count;
    if (frame->is_user) outbox->user_bytes -= byte_count;
}

uint32_t outbox_begin(struct outbox *outbox, h2o_iovec_t *parts, uint32_t max)
{
    const uint32_t waiting = outbox_count(outbox);
    size_t room = OUTBOX_WRITE_MAX, sent = outbox->sent_bytes;
    uint32_t count = 0;
    ASSERT(outbox->in_flight == 0);
    for (; count < waiting && count < max && room > 0; count++, sent = 0) {
        struct shared_frame *frame = *outbox_slot(outbox, outbox->head + count);
        const size_t rest = frame->byte_count - sent;
        parts[count] = h2o_iovec_init(frame->bytes + sent, rest < room ? rest : room);
        room -= parts[count].len;
    }
    outbox->in_flight = count;
    outbox->flying_bytes = OUTBOX_WRITE_MAX - room;
    return count;
}

/* Of the oldest frame so many bytes; with its last it goes. */
static size_t take_off(struct outbox *outbox, size_t max)
{
    struct shared_frame *frame = *outbox_slot(outbox, outbox->head);
    const size_t rest = frame->byte_count - outbox->sent_bytes;
    const size_t taken = rest < max ? rest : max;
    uncount(outbox, frame, taken);
    outbox->sent_bytes += taken;
    if (taken < rest) return taken;
    outbox->sent_bytes = 0;
    outbox->head++;
    outbox_frame_release(frame);
    return taken;
}

void outbox_written(struct outbox *outbox)
{
    while (outbox->flying_bytes > 0)
        outbox->flying_bytes -= take_off(outbox, outbox->flying_bytes);
    outbox->in_flight = 0;
}

bool outbox_taken(struct outbox *outbox, size_t byte_count)
{
    ASSERT(byte_count <= outbox->flying_bytes);
    const bool is_whole = byte_count == outbox->flying_bytes;
    outbox->flying_bytes = byte_count;
    outbox_written(outbox);
    return is_whole;
}

void outbox_cut(struct outbox *outbox, uint32_t kept)
{
    if (kept == 0 && outbox->sent_bytes > 0) kept = 1;
    while (outbox_count(outbox) > kept) {
        struct shared_frame *frame = *outbox_slot(outbox, --outbox->tail);
        uncount(outbox, frame, frame->byte_count);
        outbox_frame_release(frame);
    }
}

void outbox_free(struct outbox *outbox)
{
    while (outbox_count(outbox) > 0)
        outbox_frame_release(*outbox_slot(outbox, --outbox->tail));
    free(outbox->frames);
}
