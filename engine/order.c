#include "engine/order.h"

#include "common/arena.h"

#define ORDER_ALIGNMENT sizeof(struct order)

static size_t order_bytes(uint32_t capacity)
{
    /* Slots begin at a multiple of their size: the two lines of one are a pair to the processor. */
    return ((size_t)capacity + 2) * sizeof(struct order);
}

static size_t extra_bytes(uint32_t capacity)
{
    return (((size_t)capacity + 1) * sizeof(struct order_extra) + 63) & ~(size_t)63;
}

size_t order_pool_bytes(uint32_t capacity)
{
    return order_bytes(capacity) + extra_bytes(capacity);
}

bool order_pool_init(struct order_pool *pool, struct arena *arena, uint32_t capacity)
{
    *pool = (struct order_pool){.capacity = capacity};
    uint8_t *bytes = arena_take(arena, order_bytes(capacity));
    pool->extras = arena_take(arena, extra_bytes(capacity));
    if (bytes == NULL || pool->extras == NULL) return false;

    const size_t past = (uintptr_t)bytes % ORDER_ALIGNMENT;
    pool->orders = (struct order *)(void *)(bytes + (past == 0 ? 0 : ORDER_ALIGNMENT - past));
    return true;
}

struct order_extra *order_extra_take(struct order_pool *pool, uint32_t slot)
{
    struct order *order = &pool->orders[slot];
    ASSERT(order->extra == NO_SLOT);
    ASSERT(pool->extra_count < pool->capacity); /* an order has one at most */

    uint32_t extra = pool->extra_free;
    if (extra == NO_SLOT)
        extra = ++pool->extra_used;
    else
        pool->extra_free = pool->extras[extra].list;
    pool->extra_count++;
    pool->extras[extra] = (struct order_extra){.list = 0};
    order->extra = extra;
    return &pool->extras[extra];
}

void order_extra_give(struct order_pool *pool, uint32_t slot)
{
    struct order *order = &pool->orders[slot];
    if (order->extra == NO_SLOT) return;
    ASSERT(order->extra <= pool->extra_used && pool->extra_count > 0);

    pool->extras[order->extra] = (struct order_extra){.list = pool->extra_free};
    pool->extra_free = order->extra;
    pool->extra_count--;
    order->extra = NO_SLOT;
}

qty_t order_executed(const struct order_pool *pool, uint32_t slot)
{
    const struct order *order = &pool->orders[slot];
    const qty_t gone = qty_less(order->qty, order->left);
    if (order->extra == NO_SLOT) return gone;
    const struct order_extra *extra = &pool->extras[order->extra];
    return qty_less(qty_less(gone, extra->hidden), extra->prevented);
}

bool order_pool_check(const struct order_pool *pool)
{
    uint32_t count = 0, extra_count = 0, free_count = 0, extra_free_count = 0;
    ASSERT(((uintptr_t)pool->orders & (ORDER_ALIGNMENT - 1)) == 0);
    ASSERT(pool->used <= pool->capacity && pool->extra_used <= pool->capacity);
    for (uint32_t slot = 1; slot <= pool->used; slot++) {
        if (pool->orders[slot].id == 0) continue;
        count++;
        if (pool->orders[slot].extra == NO_SLOT) continue;
        ASSERT(pool->orders[slot].extra <= pool->extra_used);
        extra_count++;
    }
    for (uint32_t slot = pool->free; slot != NO_SLOT; slot = pool->orders[slot].newer) {
        ASSERT(pool->orders[slot].id == 0);
        free_count++;
    }
    for (uint32_t slot = pool->extra_free; slot != NO_SLOT; slot = pool->extras[slot].list)
        extra_free_count++;
    ASSERT(count == pool->count && count + free_count == pool->used);
    ASSERT(extra_count == pool->extra_count && extra_count + extra_free_count == pool->extra_used);
    return true;
}
