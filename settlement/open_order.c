#include "settlement/open_order.h"

#include "common/arena.h"
#include "settlement/slot_index.h"

struct open_orders {
    struct open_order *places; /* by number, from 1 */
    struct slot_index index;
    uint32_t used, used_max; /* places ever taken */
    uint32_t free;           /* the last one given back, 0: none */
    uint32_t count;
};

static uint32_t places_max(uint32_t orders_max)
{
    return orders_max + 1;
}

size_t open_order_bytes(uint32_t orders_max)
{
    const uint32_t count = places_max(orders_max);
    return sizeof(struct open_orders) + ((size_t)count + 1) * sizeof(struct open_order) +
           slot_index_bytes(count) + 3 * 64;
}

struct open_orders *open_order_new(struct arena *arena, uint32_t orders_max)
{
    struct open_orders *orders = arena_take(arena, sizeof(*orders));
    if (orders == NULL) return NULL;
    orders->used_max = places_max(orders_max);
    orders->places = arena_take_array(arena, (size_t)orders->used_max + 1, sizeof(*orders->places));
    const bool whole = slot_index_init(&orders->index, arena, orders->used_max);
    return whole && orders->places != NULL ? orders : NULL;
}

void open_order_reset(struct open_orders *orders)
{
    if (orders->count > 0) slot_index_clear(&orders->index);
    orders->used = orders->free = orders->count = 0;
}

/* The order's place, 0 when it is not known. */
static uint32_t place_of(const struct open_orders *orders, uint32_t hash, uint16_t market,
                         uint64_t order_id)
{
    struct slot_search search = {0};
    uint32_t number;
    while ((number = slot_index_next(&orders->index, hash, &search)) != 0) {
        const struct open_order *order = &orders->places[number];
        if (order->order_id == order_id && order->market == market) return number;
    }
    return 0;
}

struct open_order *open_order_find(const struct open_orders *orders, uint16_t market,
                                   uint64_t order_id)
{
    const uint32_t number = place_of(orders, slot_index_hash(market, order_id), market, order_id);
    return number == 0 ? NULL : &orders->places[number];
}

static uint32_t free_place(struct open_orders *orders)
{
    const uint32_t number = orders->free;
    if (number == 0) return orders->used < orders->used_max ? ++orders->used : 0;
    orders->free = orders->places[number].next;
    return number;
}

struct open_order *open_order_take(struct open_orders *orders, uint16_t market, uint64_t order_id)
{
    const uint32_t hash = slot_index_hash(market, order_id);
    uint32_t number = place_of(orders, hash, market, order_id);
    if (number != 0) return &orders->places[number];
    number = free_place(orders);
    if (number == 0) return NULL;
    slot_index_add(&orders->index, hash, number);
    orders->count++;
    orders->places[number] = (struct open_order){.order_id = order_id, .market = market};
    return &orders->places[number];
}

void open_order_remove(struct open_orders *orders, uint16_t market, uint64_t order_id)
{
    const uint32_t hash = slot_index_hash(market, order_id);
    const uint32_t number = place_of(orders, hash, market, order_id);
    if (number == 0) return;
    slot_index_remove(&orders->index, hash, number);
    orders->places[number].next = orders->free;
    orders->free = number;
    orders->count--;
}
