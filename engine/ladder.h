/* The prices of one side of one book, best first, however far apart they are.
 *
 * Levels hang in a trie over the price, six bits a step, in which no node has a single child: prices
 * that lie close share one node and its 64-bit map of what is there; a lone price far away hangs
 * directly from the node where it parts from the others. Levels are also linked from best to worst, so
 * matching never descends.
 *
 *     root ─► node, bits 12-17 ─┬─► node, bits 0-5 ─┬─► level 30000
 *             map: two bits set │   map: two bits   └─► level 30001
 *                               └─► level 91500               worse ▼ ▲ better
 *
 * Both sides are one code: a key that rises from best to worst is the price for SELL and its
 * complement for BUY.
 *
 * Owner    the engine thread
 * Memory   levels and nodes come from a pool that all ladders share, in the caller's arena
 * Limits   `capacity` levels in all ladders together; nodes can then not run out, as every node has two
 *          children at least. Prices are 1 .. 2^63 - 1.
 * Cost     best and next: O(1). Find, add, remove: a descent, at most 11 steps and 2 or 3 for prices
 *          within some 10^5 ticks of each other
 *
 * Invariants, all asserted by ladder_check:
 *   L1  links run from best to worst, prices strictly falling for BUY and rising for SELL
 *   L2  every linked level is found by its price, and nothing else is in the trie
 *   L3  every node has two children at least, and its map says which
 */

#ifndef ENGINE_LADDER_H
#define ENGINE_LADDER_H

#include "common/money.h"
#include "engine/order.h"

struct level {
    price_t price;
    qty_t qty;       /* sum of its orders' `left`; the book's to keep */
    uint32_t oldest; /* order that trades next */
    uint32_t newest;
    uint32_t order_count;
    uint32_t better; /* level, NO_SLOT at the best */
    uint32_t worse;
    uint32_t node;   /* where it hangs, NO_SLOT: it is the root */
    uint32_t change; /* its place among the command's changes + 1, 0: unchanged */
    uint32_t in_use;
};

struct ladder_node;

struct ladder_pool {
    struct level *levels;
    struct ladder_node *nodes;
    uint32_t capacity;
    uint32_t level_count; /* in use */
    uint32_t level_used;  /* slots taken at least once */
    uint32_t level_free;
    uint32_t node_count;
    uint32_t node_used;
    uint32_t node_free;
};

struct ladder {
    uint32_t root; /* a level, or a node with LADDER_NODE set */
    uint32_t best; /* NO_SLOT: empty */
    uint32_t level_count;
    enum side side;
};

size_t ladder_pool_bytes(uint32_t capacity);

/* False when the arena is too small. */
MUST_CHECK bool ladder_pool_init(struct ladder_pool *pool, struct arena *arena, uint32_t capacity);

/* The level at `price`, or NO_SLOT. */
uint32_t ladder_find(const struct ladder_pool *pool, const struct ladder *ladder, price_t price);

/* The level at `price`, made (empty) when there is none.
 * Needs: price > 0; it exists already or level_count < capacity. */
uint32_t ladder_add(struct ladder_pool *pool, struct ladder *ladder, price_t price);

/* Needs: the level is in this ladder, and no order refers to it any more. */
void ladder_remove(struct ladder_pool *pool, struct ladder *ladder, uint32_t level);

/* Asserts L1 to L3. O(levels). */
bool ladder_check(const struct ladder_pool *pool, const struct ladder *ladder);

#endif /* ENGINE_LADDER_H */
