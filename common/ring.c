#include "common/ring.h"

#include <stdalign.h>
#include <string.h>

/* A record is preceded by 8 bytes: its length, or WRAP when the rest of the lap is unused. */
#define PREFIX_BYTES 8
#define WRAP         UINT64_MAX

/* How far ahead of the tail the consumer asks for lines. */
#define PREFETCH_BYTES 2048

struct ring {
    /* Written at creation. */
    alignas(64) uint64_t mask;
    uint8_t *bytes;

    /* Written by the producer. */
    alignas(64) uint64_t head; /* committed so far */
    uint64_t reserved;         /* position of the reserved record */
    uint64_t reserved_bytes;   /* its payload, 0 when nothing is reserved */
    uint64_t released_seen;    /* last value read of `released` */
    alignas(64) _Atomic uint64_t published;

    /* Written by the consumer. */
    alignas(64) uint64_t tail; /* popped so far */
    uint64_t published_seen;   /* last value read of `published` */
    alignas(64) _Atomic uint64_t released;
    alignas(
        64) _Atomic uint32_t sleeping; /* consumer sets it, producer clears it to claim the wake */
};

/* Asks for a line to be written: __builtin_prefetch asks for a shared copy on the oldest of x86-64. */
static inline void prefetch_own(const uint8_t *line)
{
#if defined(__x86_64__)
    __asm__ volatile("prefetchw %0" : : "m"(*line));
#else
    __builtin_prefetch(line, 1);
#endif
}

static uint64_t record_span(uint64_t byte_count)
{
    return PREFIX_BYTES + ((byte_count + 7) & ~(uint64_t)7);
}

size_t ring_bytes(size_t capacity)
{
    return sizeof(struct ring) + capacity;
}

struct ring *ring_new(void *memory, size_t capacity)
{
    ASSERT(capacity >= 4096 && (capacity & (capacity - 1)) == 0);
    ASSERT(((uintptr_t)memory & 63) == 0);

    struct ring *ring = memory;
    memset(ring, 0, sizeof(*ring));
    ring->mask = capacity - 1;
    ring->bytes = (uint8_t *)memory + sizeof(*ring);
    return ring;
}

size_t ring_record_max(const struct ring *ring)
{
    return (ring->mask + 1) / 4 - PREFIX_BYTES;
}

/* Whether the lap from `position` holds `needed` more bytes than the consumer still owns. */
static bool has_room(struct ring *ring, uint64_t position, uint64_t needed)
{
    const uint64_t capacity = ring->mask + 1;
    if (position + needed - ring->released_seen <= capacity) return true;
    /* acquire: the consumer is done reading what it released. Pairs with ring_release. */
    ring->released_seen = atomic_load_explicit(&ring->released, memory_order_acquire);
    return position + needed - ring->released_seen <= capacity;
}

uint8_t *ring_reserve(struct ring *ring, size_t byte_count)
{
    ASSERT(byte_count > 0 && byte_count <= ring_record_max(ring));

    const uint64_t span = record_span(byte_count), capacity = ring->mask + 1;
    const uint64_t left_in_lap = capacity - (ring->head & ring->mask);
    uint64_t position = ring->head;

    if (span > left_in_lap) {
        if (!has_room(ring, position, left_in_lap + span)) return NULL;
        memcpy(ring->bytes + (position & ring->mask), &(uint64_t){WRAP}, PREFIX_BYTES);
        position += left_in_lap;
    } else if (!has_room(ring, position, span)) {
        return NULL;
    }
    ring->reserved = position;
    ring->reserved_bytes = byte_count;
    return ring->bytes + (position & ring->mask) + PREFIX_BYTES;
}

void ring_commit(struct ring *ring, size_t byte_count)
{
    ASSERT(byte_count > 0 && byte_count <= ring->reserved_bytes);

    const uint64_t length = byte_count;
    memcpy(ring->bytes + (ring->reserved & ring->mask), &length, PREFIX_BYTES);
    const uint64_t span = record_span(byte_count);
    /* The lines the consumer has read come back one by one only if they are asked for one by one. */
    for (uint64_t ahead = PREFETCH_BYTES; ahead < PREFETCH_BYTES + span; ahead += 64)
        prefetch_own(ring->bytes + ((ring->reserved + ahead) & ring->mask));
    ring->head = ring->reserved + span;
    ring->reserved_bytes = 0;
}

bool ring_publish(struct ring *ring)
{
    if (atomic_load_explicit(&ring->published, memory_order_relaxed) == ring->head) return false;
    /* release: the records' bytes are visible before their position is. Pairs with ring_peek. */
    atomic_store_explicit(&ring->published, ring->head, memory_order_release);
    /* The fence orders our store before our load of `sleeping`, as the one in ring_sleepy orders the
     * consumer's store before its load of `published`: one of the two sees the other. */
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load_explicit(&ring->sleeping, memory_order_relaxed) == 0) return false;
    return atomic_exchange_explicit(&ring->sleeping, 0, memory_order_relaxed) != 0;
}

/* Whether a published record lies at the position. */
static bool has_record(struct ring *ring, uint64_t position)
{
    if (position != ring->published_seen) return true;
    /* acquire: pairs with the release in ring_publish. */
    ring->published_seen = atomic_load_explicit(&ring->published, memory_order_acquire);
    return position != ring->published_seen;
}

/* The record at *position, or at the next lap's beginning, if none fitted there: then it moves on to that. */
static const uint8_t *record_at(const struct ring *ring, uint64_t *position, size_t *byte_count)
{
    uint64_t length;
    memcpy(&length, ring->bytes + (*position & ring->mask), PREFIX_BYTES);
    if (length == WRAP) {
        /* A wrap is published together with the record after it. */
        *position += ring->mask + 1 - (*position & ring->mask);
        memcpy(&length, ring->bytes + (*position & ring->mask), PREFIX_BYTES);
    }
    *byte_count = length;
    return ring->bytes + (*position & ring->mask) + PREFIX_BYTES;
}

const uint8_t *ring_peek(struct ring *ring, size_t *byte_count)
{
    return has_record(ring, ring->tail) ? record_at(ring, &ring->tail, byte_count) : NULL;
}

const uint8_t *ring_peek_after(struct ring *ring, const uint8_t *bytes, size_t *byte_count)
{
    const uint64_t place = (uint64_t)(bytes - PREFIX_BYTES - ring->bytes);
    uint64_t length, position = ring->tail + ((place - ring->tail) & ring->mask);
    memcpy(&length, ring->bytes + place, PREFIX_BYTES);
    ASSERT(place <= ring->mask && length != WRAP);
    position += record_span(length);
    return has_record(ring, position) ? record_at(ring, &position, byte_count) : NULL;
}

void ring_pop(struct ring *ring)
{
    uint64_t length;
    memcpy(&length, ring->bytes + (ring->tail & ring->mask), PREFIX_BYTES);
    ASSERT(length != WRAP);
    const uint64_t span = record_span(length);
    /* The producer's lines come one by one only if they are asked for one by one. */
    for (uint64_t ahead = PREFETCH_BYTES; ahead < PREFETCH_BYTES + span; ahead += 64)
        __builtin_prefetch(ring->bytes + ((ring->tail + ahead) & ring->mask));
    ring->tail += span;
}

void ring_release(struct ring *ring)
{
    /* release: we are done with the bytes. Pairs with the acquire in has_room. */
    atomic_store_explicit(&ring->released, ring->tail, memory_order_release);
}

bool ring_sleepy(struct ring *ring)
{
    atomic_store_explicit(&ring->sleeping, 1, memory_order_relaxed);
    /* Pairs with the fence in ring_publish. */
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load_explicit(&ring->published, memory_order_relaxed) == ring->tail) return true;
    ring_awake(ring);
    return false;
}

void ring_awake(struct ring *ring)
{
    atomic_store_explicit(&ring->sleeping, 0, memory_order_relaxed);
}

size_t ring_used(const struct ring *ring)
{
    const uint64_t released = atomic_load_explicit(&ring->released, memory_order_relaxed);
    return atomic_load_explicit(&ring->published, memory_order_relaxed) - released;
}

bool ring_check(const struct ring *ring)
{
    const uint64_t released = atomic_load_explicit(&ring->released, memory_order_relaxed);
    const uint64_t published = atomic_load_explicit(&ring->published, memory_order_relaxed);
    ASSERT(published - released <= ring->mask + 1);
    ASSERT((published & 7) == 0 && (released & 7) == 0);
    return true;
}
