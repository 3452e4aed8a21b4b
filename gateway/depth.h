/* One market's price levels as the outside sees them: a book of totals, and what changed last.
 *
 * Fed by LEVEL events. Each changed level has its own update id, rising by one; the ids since any
 * recent one can be read back as the list of levels that changed, so that every subscriber's
 * difference stream is cut from the same history.
 *
 * Owner    one gateway loop
 * Memory   nodes come from a pool that all markets of the loop share; taken from an arena at start
 * Limits   the pool holds twice the replicated levels_max: more cannot rest before and after a command.
 *          Changes are remembered for the last DEPTH_HISTORY update ids
 * Cost     set, best, quantity: O(log levels); top: O(log levels + count)
 *
 * Invariants, asserted by depth_check:
 *   D1  each side is ordered by price and balanced, and holds no quantity of zero
 *   D2  node count of a side equals what is reachable
 */

#ifndef GATEWAY_DEPTH_H
#define GATEWAY_DEPTH_H

#include "common/arena.h"
#include "common/money.h"

#define DEPTH_HISTORY 16384 /* a power of 2 */

struct depth_level {
    price_t price;
    qty_t qty;
};

struct depth_change {
    price_t price;
    enum side side;
};

struct depth_node {
    price_t price;
    qty_t qty;
    uint32_t left, right; /* index in the pool; 0: none */
    uint32_t level;       /* height in the AA tree; 0 when free */
};

struct depth_pool {
    struct depth_node *nodes; /* nodes[0] is nobody */
    uint32_t capacity;
    uint32_t used; /* nodes ever taken */
    uint32_t free; /* list of returned ones, through `left` */
};

struct depth {
    struct depth_pool *pool;
    struct depth_change *history; /* by update id modulo DEPTH_HISTORY */
    uint64_t update_id;           /* of the state shown; 0 before the first */
    uint64_t first_id;            /* the oldest update id history may hold */
    uint32_t roots[2];
    uint32_t counts[2];
};

/* False when the arena cannot hold `levels` nodes. */
MUST_CHECK bool depth_pool_init(struct depth_pool *pool, struct arena *arena, uint32_t levels);

/* An empty book. Takes the history from the arena; false when it cannot. */
MUST_CHECK bool depth_init(struct depth *depth, struct depth_pool *pool, struct arena *arena);

/* The total at a price is now `qty`; zero removes it. `update_id` is that of the state after it. */
void depth_set(struct depth *depth, enum side side, price_t price, qty_t qty, uint64_t update_id);

/* Begins at a state that is not the first: what changed before `update_id` is not known. Needs: the book is
 * as depth_init left it. */
void depth_restart(struct depth *depth, uint64_t update_id);

/* Puts a level into a book that was restarted. False: there is one at this price already, the quantity is not
 * above zero, or the pool is full. */
MUST_CHECK bool depth_load(struct depth *depth, enum side side, price_t price, qty_t qty);

/* The best level of a side; false when it is empty. */
MUST_CHECK bool depth_best(const struct depth *depth, enum side side, struct depth_level *level);

/* The quantity at a price, zero when there is none. */
qty_t depth_qty(const struct depth *depth, enum side side, price_t price);

/* Up to `count` levels of a side from the best on; returns how many. */
uint32_t depth_top(const struct depth *depth, enum side side, struct depth_level *levels,
                   uint32_t count);

/* The distinct levels that changed in update ids first_id .. depth->update_id, bids first, each side
 * from its best price on; returns how many, at most DEPTH_HISTORY.
 * Needs: depth_remembers(depth, first_id), room for update_id - first_id + 1 changes. */
uint32_t depth_changes(const struct depth *depth, uint64_t first_id, struct depth_change *changes);

/* Whether the changes from `first_id` on are still in the history. */
bool depth_remembers(const struct depth *depth, uint64_t first_id);

/* Asserts D1 and D2. O(levels). */
bool depth_check(const struct depth *depth);

#endif /* GATEWAY_DEPTH_H */
