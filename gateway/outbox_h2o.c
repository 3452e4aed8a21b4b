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
    frame->is_answer = false;
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
}

/* Its place is not the outbox' any more. */
static void let_go(struct outbox *outbox, struct shared_frame *frame)
{
    outbox->byte_count -= frame->byte_count;
    if (frame->is_answer) outbox->answer_bytes -= frame->byte_count;
    outbox_frame_release(frame);
}

uint32_t outbox_begin(struct outbox *outbox, h2o_iovec_t *parts, uint32_t max)
{
    uint32_t count = outbox_count(outbox);
    ASSERT(outbox->in_flight == 0);
    if (count > max) count = max;
    for (uint32_t i = 0; i < count; i++) {
        struct shared_frame *frame = *outbox_slot(outbox, outbox->head + i);
        parts[i] = h2o_iovec_init(frame->bytes, frame->byte_count);
    }
    outbox->in_flight = count;
    return count;
}

void outbox_written(struct outbox *outbox)
{
    for (; outbox->in_flight > 0; outbox->in_flight--)
        let_go(outbox, *outbox_slot(outbox, outbox->head++));
}

void outbox_cut(struct outbox *outbox, uint32_t kept)
{
    while (outbox_count(outbox) > kept)
        let_go(outbox, *outbox_slot(outbox, --outbox->tail));
}

void outbox_free(struct outbox *outbox)
{
    outbox_cut(outbox, 0);
    free(outbox->frames);
}
