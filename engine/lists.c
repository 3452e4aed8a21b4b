#include "engine/lists.h"

#include "common/arena.h"

size_t lists_bytes(uint32_t order_capacity)
{
    const size_t slots = (size_t)order_capacity + 1;
    return (slots * sizeof(struct list) + 63) & ~(size_t)63;
}

bool lists_init(struct lists *lists, struct arena *arena, uint32_t order_capacity)
{
    *lists = (struct lists){.capacity = order_capacity};
    lists->lists = arena_take_array(arena, (size_t)lists->capacity + 1, sizeof(struct list));
    return lists->lists != NULL;
}

uint32_t lists_take(struct lists *lists)
{
    ASSERT(lists->count < lists->capacity);
    uint32_t slot = lists->free;
    if (slot == NO_SLOT)
        slot = ++lists->used;
    else
        lists->free = lists->lists[slot].account;
    lists->count++;
    lists->lists[slot] = (struct list){.id = 0};
    return slot;
}

void lists_give(struct lists *lists, uint32_t slot)
{
    ASSERT(slot - 1 < lists->used && lists->lists[slot].id != 0);
    lists->lists[slot].id = 0;
    lists->lists[slot].account = lists->free;
    lists->free = slot;
    lists->count--;
}

uint32_t lists_sibling(const struct lists *lists, const struct order_pool *pool, uint32_t slot)
{
    const struct list *list = lists_of(lists, pool, slot);
    if (list == NULL || list->kind == LIST_OTO) return NO_SLOT;
    if ((pool->orders[slot].flags & ORDER_PENDING) != 0) return NO_SLOT;

    const uint32_t leg = pool->extras[pool->orders[slot].extra].leg;
    const uint32_t first = list->kind == LIST_OCO ? 0 : 1;
    if (leg < first) return NO_SLOT; /* the working order of an OTOCO */
    return list->legs[leg == first ? first + 1 : first];
}

bool lists_check(const struct lists *lists, const struct order_pool *pool)
{
    uint32_t count = 0;
    for (uint32_t slot = 1; slot <= lists->used; slot++) {
        const struct list *list = &lists->lists[slot];
        if (list->id == 0) continue;
        uint32_t open = 0;
        for (uint32_t leg = 0; leg < LIST_LEGS; leg++) {
            const uint32_t order = list->legs[leg];
            if (order == NO_SLOT) continue;
            ASSERT((pool->orders[order].flags & ORDER_LISTED) != 0); /* LI1 */
            ASSERT(pool->extras[pool->orders[order].extra].list == slot);
            ASSERT(pool->extras[pool->orders[order].extra].leg == leg);
            open++;
        }
        ASSERT(open == list->open && open > 0); /* LI1 */
        count++;
    }
    ASSERT(count == lists->count);
    return true;
}
