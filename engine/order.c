#include "engine/order.h"

#include "common/arena.h"

static size_t rounded(size_t byte_count)
{
    return (byte_count + 63) & ~(size_t)63;
}

size_t order_pool_bytes(uint32_t capacity)
{
    const size_t slots = (size_t)capacity + 1;
    return rounded(slots * sizeof(struct order)) + rounded(slots * sizeof(struct order_terms));
}

bool order_pool_init(struct order_pool *pool, struct arena *arena, uint32_t capacity)
{
    const size_t slots = (size_t)capacity + 1;
    *pool = (struct order_pool){.capacity = capacity};
    pool->orders = arena_take_array(arena, slots, sizeof(struct order));
    pool->terms = arena_take_array(arena, slots, sizeof(struct order_terms));
    return pool->orders != NULL && pool->terms != NULL;
}

uint32_t order_pool_take(struct order_pool *pool)
{
    ASSERT(pool->count < pool->capacity);

    uint32_t slot = pool->free;
    if (slot == NO_SLOT) {
        slot = ++pool->used;
        ASSERT(slot <= pool->capacity);
    } else {
        pool->free = pool->orders[slot].newer;
    }
    pool->count++;
    return slot;
}

void order_pool_give(struct order_pool *pool, uint32_t slot)
{
    ASSERT(slot != NO_SLOT && slot <= pool->used);
    ASSERT(pool->count > 0);
    ASSERT(pool->orders[slot].id != 0);

    pool->orders[slot].id = 0;
    pool->orders[slot].newer = pool->free;
    pool->free = slot;
    pool->count--;
}
