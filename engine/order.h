/* An order, and the pool where all open ones live.
 *
 * What matching touches is one cache line (struct order); what only its birth and its last word need is
 * another (struct order_terms), in an array of its own. Both are found by the same slot.
 *
 *     slot      0        1        2        3
 *     orders    nothing  | 64 B | | 64 B | | 64 B |     id, left, links ...
 *     terms     nothing  | 64 B | | 64 B | | 64 B |     client id, created, links of its roster
 *
 * Owner    the engine thread
 * Memory   the caller's arena, by order_pool_new
 * Limits   `capacity` orders; slot 0 means none. Freed slots come back last in, first out, so that the
 *          hot ones stay in cache. A slot is never an answer to anybody: ids are.
 * Cost     O(1)
 */

#ifndef ENGINE_ORDER_H
#define ENGINE_ORDER_H

#include "common/messages.h"

#include <assert.h>

#define CLIENT_ID_BYTES 36

/* No slot: of an order, a level, a roster. */
#define NO_SLOT 0u

struct arena;

struct order {
    uint64_t id; /* per market, from 1 */
    price_t price;
    qty_t qty;
    qty_t left;
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
    uint8_t unused[2];
};
static_assert(sizeof(struct order) == 64, "one cache line");

struct order_terms {
    uint64_t created_ns;
    amount_t quote_qty;
    uint32_t roster;                    /* open orders of its account and market */
    uint32_t roster_older;              /* lower id */
    uint32_t roster_newer;              /* higher id */
    uint8_t client_id[CLIENT_ID_BYTES]; /* all zero: the client named none */
};
static_assert(sizeof(struct order_terms) == 64, "one cache line");

struct order_pool {
    struct order *orders;
    struct order_terms *terms;
    uint32_t capacity;
    uint32_t count; /* in use */
    uint32_t used;  /* slots 1 .. used have been taken at least once */
    uint32_t free;  /* the last freed slot; the next is in its `newer` */
};

static inline bool order_has_client_id(const uint8_t client_id[CLIENT_ID_BYTES])
{
    return client_id[0] != 0;
}

static inline qty_t order_executed(const struct order *order)
{
    return qty_less(order->qty, order->left);
}

size_t order_pool_bytes(uint32_t capacity);

/* False when the arena is too small. */
MUST_CHECK bool order_pool_init(struct order_pool *pool, struct arena *arena, uint32_t capacity);

/* A slot that was free. Needs: count < capacity. */
uint32_t order_pool_take(struct order_pool *pool);

/* Needs: `slot` is in use, and no list or table names it any more. */
void order_pool_give(struct order_pool *pool, uint32_t slot);

#endif /* ENGINE_ORDER_H */
