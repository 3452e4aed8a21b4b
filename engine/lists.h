/* Order lists: which orders live and die together.
 *
 *     OCO     a ─ b              a pair: the first that trades or fires ends the other
 *     OTO     a ► b              b is pending until a is filled
 *     OTOCO   a ► (b ─ c)        the same, and then b and c are a pair
 *
 * This file keeps who belongs to whom; what that means for an order's end is done.c's, for its
 * release work.c's.
 *
 * Owner    the engine thread
 * Memory   the caller's arena; 64 bytes a list
 * Limits   as many lists as orders: one that has lost its sibling lives on with one order
 *
 * Invariants, asserted by lists_check:
 *   LI1  a list in use has 1 to 3 open legs, each an order that names the list and its leg
 */

#ifndef ENGINE_LISTS_H
#define ENGINE_LISTS_H

#include "engine/order.h"

#define LIST_LEGS 3

struct list {
    uint64_t id; /* per market, from 1; 0: not in use */
    uint32_t account;
    uint32_t legs[LIST_LEGS]; /* orders, NO_SLOT when ended or never there */
    uint16_t market;
    uint8_t kind;
    uint8_t open;
    uint8_t ending; /* its legs are being ended, by the end of one of them */
    uint8_t unused[3];
    uint8_t client_id[CLIENT_ID_BYTES];
};

struct lists {
    struct list *lists; /* from 1 */
    uint32_t capacity;
    uint32_t count;
    uint32_t used;
    uint32_t free; /* the next is in its `account` */
};

size_t lists_bytes(uint32_t order_capacity);

/* False when the arena is too small. */
MUST_CHECK bool lists_init(struct lists *lists, struct arena *arena, uint32_t order_capacity);

/* A list, all zero. Needs: count < capacity. */
uint32_t lists_take(struct lists *lists);
void lists_give(struct lists *lists, uint32_t list);

/* The list of an order, NULL for an order of none. */
static inline struct list *lists_of(const struct lists *lists, const struct order_pool *pool,
                                    uint32_t slot)
{
    const struct order *order = &pool->orders[slot];
    return (order->flags & ORDER_LISTED) == 0 ? NULL
                                              : &lists->lists[pool->extras[order->extra].list];
}

/* The open order with which this one forms a pair in force, or NO_SLOT. */
uint32_t lists_sibling(const struct lists *lists, const struct order_pool *pool, uint32_t slot);

/* Asserts LI1. O(lists). */
bool lists_check(const struct lists *lists, const struct order_pool *pool);

#endif /* ENGINE_LISTS_H */
