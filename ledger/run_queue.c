#include "ledger/run_queue.h"

#include "common/le.h"

#define LENGTH_BYTES 4

bool run_queue_add(struct run_queue *queue, const uint8_t *run, size_t byte_count)
{
    ASSERT(byte_count > 0 && byte_count <= UINT32_MAX);
    const size_t used = run_queue_bytes(queue);
    if (queue->capacity - used < LENGTH_BYTES + byte_count) return false;
    if (queue->capacity - queue->tail < LENGTH_BYTES + byte_count) {
        memmove(queue->bytes, queue->bytes + queue->head, used);
        queue->head = 0;
        queue->tail = used;
    }
    uint8_t *at = le_put_u32(queue->bytes + queue->tail, (uint32_t)byte_count);
    le_put_bytes(at, run, byte_count);
    queue->tail += LENGTH_BYTES + byte_count;
    return true;
}

const uint8_t *run_queue_first(const struct run_queue *queue, size_t *byte_count)
{
    if (queue->head == queue->tail) return NULL;
    *byte_count = le_get_u32(queue->bytes + queue->head);
    return queue->bytes + queue->head + LENGTH_BYTES;
}

void run_queue_take(struct run_queue *queue, size_t byte_count)
{
    size_t length;
    ASSERT(run_queue_first(queue, &length) != NULL && byte_count <= length);
    if (byte_count < length) {
        /* What is left gets its length in front, over what was taken. */
        ASSERT(byte_count == 0 || byte_count >= LENGTH_BYTES);
        queue->head += byte_count;
        le_put_u32(queue->bytes + queue->head, (uint32_t)(length - byte_count));
        return;
    }
    queue->head += LENGTH_BYTES + length;
    if (queue->head == queue->tail) run_queue_clear(queue);
}

void run_queue_clear(struct run_queue *queue)
{
    queue->head = 0;
    queue->tail = 0;
}

size_t run_queue_bytes(const struct run_queue *queue)
{
    return queue->tail - queue->head;
}

void run_queue_move(struct run_queue *queue, uint8_t *bytes, size_t capacity)
{
    const size_t used = run_queue_bytes(queue);
    ASSERT(capacity >= used);
    if (used > 0) memcpy(bytes, queue->bytes + queue->head, used);
    *queue = (struct run_queue){.bytes = bytes, .capacity = capacity, .tail = used};
}
