#include "common/arena.h"

#include <string.h>

void arena_init(struct arena *arena, void *memory, size_t capacity)
{
    ASSERT(((uintptr_t)memory & 63) == 0);
    *arena = (struct arena){.bytes = memory, .capacity = capacity, .used = 0};
}

void *arena_take(struct arena *arena, size_t byte_count)
{
    if (byte_count > arena->capacity - arena->used) return NULL;
    void *taken = arena->bytes + arena->used;
    const size_t next = (arena->used + byte_count + 63) & ~(size_t)63;
    arena->used = next < arena->capacity ? next : arena->capacity;
    return taken;
}

void *arena_take_array(struct arena *arena, size_t count, size_t item_bytes)
{
    size_t byte_count;
    if (__builtin_mul_overflow(count, item_bytes, &byte_count)) return NULL;
    return arena_take(arena, byte_count);
}
