/* An order, and the pool where all open ones live.
 *
 * What matching touches of an order is its first cache line; what only its birth and its last word need
 * is the second, next to it, where the processor's adjacent-line prefetch finds it. What only a stop, an
 * iceberg, a leg of a list or an order bound to a session has, or one with a strategy's number, is an `extra`, from a
 * pool of its own.
 *
 *     slot      0        1                    2                    3
 *     orders    nothing  | 64 B   | 64 B   |  | 64 B   | 64 B   |  |  ...
 *                        id, left   client id
 *     extras    nothing  | 96 B |  | 96 B |  ...                         found by order.extra
 *
 * Owner    the engine thread
 * Memory   the caller's arena, by order_pool_init: 128 bytes a slot, and 96 for its extra, which are
 *          touched only when an order has one
 * Limits   `capacity` orders and as many extras; slot 0 means none. Freed slots come back last in, first
 *          out, so that the hot ones stay in cache. A slot is never an answer to anybody: ids are.
 * Cost     O(1)
 */

#ifndef ENGINE_ORDER_H
#define ENGINE_ORDER_H

#include "common/messages.h"

#include <assert.h>

#define CLIENT_ID_BYTES 36

/* No slot: of an order, an extra, a level. */
#define NO_SLOT 0u

struct arena;

/* Flags of an order. */
enum order_flag {
    ORDER_ICEBERG = 1,
    ORDER_DORMANT = 2,  /* not in the book yet: asleep, queued or pending */
    ORDER_LISTED = 4,   /* a leg of an order list */
    ORDER_BOUND = 8,    /* cancelled when its session ends */
    ORDER_ASLEEP = 16,  /* a stop; its `level` is its sleeper */
    ORDER_QUEUED = 32,  /* in the work queue, linked by older and newer */
    ORDER_PENDING = 64, /* waits for the working order of its list */
};

struct order {
    uint64_t id; /* per market, from 1 */
    price_t price;
    qty_t qty;
    qty_t left; /* what it shows in the book and can be matched now */
    amount_t quote_executed;
    uint32_t account;
    uint32_t older; /* towards the front of the queue at its price */
    uint32_t newer;
    uint32_t level;
    uint16_t market;
    uint8_t side;
    uint8_t type;
    uint8_t time_in_force;
    uint8_t self_trade;
    uint8_t flags;
    uint8_t tag_flags; /* enum order_tag_flag; not 0: the numbers are in its extra */
    /* The second line. */
    uint64_t created_ns;
    uint8_t client_id[CLIENT_ID_BYTES]; /* all zero: the client named none */
    uint32_t client_hash;               /* the directory's; 0: none, or not computed yet */
    uint32_t roster_older;              /* among the account's orders in this market: lower id */
    uint32_t roster_newer;              /* higher id */
    uint32_t extra;                     /* NO_SLOT: none */
    uint32_t queue_mark;
};
static_assert(offsetof(struct order, created_ns) == 64, "matching touches one cache line");
static_assert(sizeof(struct order) == 128, "two cache lines");

/* What few orders have: stops, icebergs, legs of lists, orders bound to a session or called something. */
struct order_extra {
    price_t stop_price;
    qty_t iceberg_qty;
    qty_t hidden;       /* what the iceberg does not show yet */
    qty_t prevented;    /* taken off by self-trade prevention */
    price_t extreme;    /* where a trailing stop begins */
    price_t fired_at;   /* the trade price that fired it */
    price_t hold_price; /* what a BUY without a price holds by, each */
    uint64_t strategy_id;
    uint32_t trailing_delta;
    uint32_t list; /* a free extra: the next free one */
    uint32_t leg;
    uint32_t session;
    uint32_t origin;
    uint32_t bound_older; /* among the orders bound to sessions, in order of acceptance */
    uint32_t bound_newer;
    uint32_t strategy_type;
};
static_assert(sizeof(struct order_extra) == 96, "no padding");

struct order_pool {
    struct order *orders; /* aligned to 128 */
    struct order_extra *extras;
    uint32_t capacity;
    uint32_t count; /* in use */
    uint32_t used;  /* slots 1 .. used have been taken at least once */
    uint32_t free;  /* the last freed slot; the next is in its `newer` */
    uint32_t extra_count;
    uint32_t extra_used;
    uint32_t extra_free;
};

/* One of two slots, without a branch: for decisions that go either way. */
static inline uint32_t order_choose(bool first, uint32_t one, uint32_t other)
{
    return other ^ ((one ^ other) & (0u - (uint32_t)first));
}

static inline bool order_has_client_id(const uint8_t client_id[CLIENT_ID_BYTES])
{
    return client_id[0] != 0;
}

size_t order_pool_bytes(uint32_t capacity);

/* False when the arena is too small. */
MUST_CHECK bool order_pool_init(struct order_pool *pool, struct arena *arena, uint32_t capacity);

/* A slot that was free; what is in it is what its last order left. Needs: count < capacity. */
static inline uint32_t order_pool_take(struct order_pool *pool)
{
    ASSERT(pool->count < pool->capacity);
    uint32_t slot = pool->free;
    if (slot == NO_SLOT)
        slot = ++pool->used;
    else
        pool->free = pool->orders[slot].newer;
    pool->count++;
    return slot;
}

/* Needs: `slot` is in use, has no extra, and no list or table names it any more. */
static inline void order_pool_give(struct order_pool *pool, uint32_t slot)
{
    ASSERT(slot - 1 < pool->used); /* NO_SLOT is not */
    ASSERT(pool->orders[slot].id != 0);

    pool->orders[slot].id = 0;
    pool->orders[slot].newer = pool->free;
    pool->free = slot;
    pool->count--;
}

/* Gives the order an extra, all zero. Needs: it has none. */
struct order_extra *order_extra_take(struct order_pool *pool, uint32_t slot);

/* Takes the order's extra back, if it has one. */
void order_extra_give(struct order_pool *pool, uint32_t slot);

/* What the order has open, shown and hidden. */
static inline qty_t order_open(const struct order_pool *pool, uint32_t slot)
{
    const struct order *order = &pool->orders[slot];
    if (order->extra == NO_SLOT) return order->left;
    return (qty_t){order->left.lots + pool->extras[order->extra].hidden.lots};
}

/* What the order has traded. */
qty_t order_executed(const struct order_pool *pool, uint32_t slot);

/* Asserts that free slots and extras are counted and that each order has its own extra. O(used). */
bool order_pool_check(const struct order_pool *pool);

#endif /* ENGINE_ORDER_H */
