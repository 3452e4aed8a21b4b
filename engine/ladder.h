/* The prices of one side of one book, best first, however far apart they are.
 *
 * Levels hang in a trie over the price, six bits a step, in which no node has a single child: prices
 * that lie close share one node; a lone price far away hangs directly from the node where it parts from
 * the others. A node has two maps of 64 bits: where something hangs, and where something that waits
 * hangs, which is what matching walks.
 *
 *     root ─► node, bits 12-17 ─┬─► node, bits 0-5 ─┬─► level 30000
 *             two bits set      │   two bits set    └─► level 30001
 *                               └─► level 91500
 *
 * A level is awake while orders wait in it. One that falls asleep is not counted and not found any more,
 * but hangs where it was until somebody removes it: prices come back, and waking costs next to nothing.
 *
 * Each ladder remembers the lowest nodes it used last, by price: near the touch a level is found without
 * a descent. Both sides are one code: a key that rises from best to worst is the price for SELL and its
 * complement for BUY.
 *
 * Owner    the engine thread
 * Memory   levels and nodes come from a pool that all ladders share, in the caller's arena: 32 bytes a
 *          level, 288 a node
 * Limits   `capacity` levels in all ladders together, sleeping ones included; nodes can then not run
 *          out, as every node has two children at least. Prices are 1 .. 2^63 - 1.
 * Cost     best: O(1). Find, add, remove: O(1) in the blocks of 64 prices used last, otherwise a descent,
 *          at most 11 steps and 2 or 3 for prices within some 10^5 ticks of each other. Wake and sleep
 *          likewise. Next: the same, and never a look at a sleeping level.
 *
 * Invariants, all asserted by ladder_check:
 *   L1  best is the awake level with the lowest key
 *   L2  every level is found by its price, and nothing else is in the trie
 *   L3  every node has two children at least, and its maps say which, and below which a level is awake
 *   L4  a remembered node hangs in this ladder, at shift 0
 */

#ifndef ENGINE_LADDER_H
#define ENGINE_LADDER_H

#include "common/money.h"
#include "engine/order.h"

#define LADDER_DIGIT_BITS  6
#define LADDER_DIGIT_COUNT 64
#define LADDER_LEAVES      64

struct level {
    price_t price;   /* 0: free */
    qty_t qty;       /* what its orders show, together; the book's to keep */
    uint32_t oldest; /* order that trades next */
    uint32_t newest; /* of a free level: the next free one */
    uint32_t node;   /* where it hangs, NO_SLOT: it is the root */
    uint32_t change; /* the book's: its place among the command's changes + 1, 0: unchanged */
};
static_assert(sizeof(struct level) == 32, "two in a cache line");

struct ladder_node {
    uint64_t hung;   /* which digits have a child */
    uint64_t awake;  /* below which of them a level is awake */
    uint64_t key;    /* any key below it; those above `shift` are the same for all */
    uint32_t parent; /* NO_SLOT: it is the root */
    uint32_t shift;  /* lowest bit of its digit, a multiple of LADDER_DIGIT_BITS */
    uint32_t children[LADDER_DIGIT_COUNT]; /* 0 where nothing hangs */
};

struct ladder_pool {
    struct level *levels;
    struct ladder_node *nodes;
    uint32_t capacity;
    uint32_t hung_count;  /* in use */
    uint32_t level_count; /* those that are awake */
    uint32_t level_used;  /* slots taken at least once */
    uint32_t level_free;
    uint32_t node_count;
    uint32_t node_used;
    uint32_t node_free;
};

struct ladder {
    uint64_t best_rank; /* complement of the best level's key, 0: none is awake */
    uint32_t best;      /* NO_SLOT: none is awake */
    uint32_t root;      /* a level, or a node with a mark; NO_SLOT: empty */
    uint32_t hung_count;
    uint32_t level_count;           /* those that are not idle */
    enum side side;                 /* all else is zero in an empty ladder */
    uint32_t leaves[LADDER_LEAVES]; /* nodes with shift 0, by the key above it */
};

size_t ladder_pool_bytes(uint32_t capacity);

/* False when the arena is too small. */
MUST_CHECK bool ladder_pool_init(struct ladder_pool *pool, struct arena *arena, uint32_t capacity);

/* Rises from best to worst on either side. Needs: price > 0. */
static inline uint64_t ladder_key(const struct ladder *ladder, price_t price)
{
    /* BUY is 0, so that its flip is all ones. */
    return (uint64_t)price.ticks ^ ((uint64_t)ladder->side - 1);
}

/* Whether a level is awake at this price or a better one. */
static inline bool ladder_reaches(const struct ladder *ladder, price_t price)
{
    return ladder->best_rank >= ~ladder_key(ladder, price);
}

static inline uint32_t *ladder_leaf(struct ladder *ladder, uint64_t key)
{
    return &ladder->leaves[(key >> LADDER_DIGIT_BITS) % LADDER_LEAVES];
}

/* The level at `price` if it hangs from a remembered node. A node that is not this price's, or none,
 * leads to a level with another price, or to none, which has price 0. */
static inline uint32_t ladder_find_near(const struct ladder_pool *pool, const struct ladder *ladder,
                                        price_t price)
{
    const uint64_t key = ladder_key(ladder, price);
    const uint32_t leaf = ladder->leaves[(key >> LADDER_DIGIT_BITS) % LADDER_LEAVES];
    const uint32_t level = pool->nodes[leaf].children[key % LADDER_DIGIT_COUNT];
    return pool->levels[level].price.ticks == price.ticks ? level : NO_SLOT;
}

/* The level at `price` if it is awake, or NO_SLOT. Needs: price > 0. */
uint32_t ladder_find(const struct ladder_pool *pool, const struct ladder *ladder, price_t price);

/* Of ladder_add, when the level does not hang from the node remembered for its price. */
uint32_t ladder_make(struct ladder_pool *pool, struct ladder *ladder, price_t price);

/* The level at `price`, awake or asleep; made, asleep, when there is none.
 * Needs: price > 0; it exists already or hung_count < capacity. */
static inline uint32_t ladder_add(struct ladder_pool *pool, struct ladder *ladder, price_t price)
{
    const uint32_t level = ladder_find_near(pool, ladder, price);
    return level != NO_SLOT ? level : ladder_make(pool, ladder, price);
}

/* Orders wait at the level from now on. Needs: it is in this ladder, asleep. */
void ladder_wake(struct ladder_pool *pool, struct ladder *ladder, uint32_t level);

/* No order waits at the level any more. Needs: it is in this ladder, awake. */
void ladder_sleep(struct ladder_pool *pool, struct ladder *ladder, uint32_t level);

/* The best awake level that is worse than this one, which may be asleep, or NO_SLOT. */
uint32_t ladder_next(const struct ladder_pool *pool, const struct ladder *ladder, uint32_t level);

/* Needs: the level is in this ladder, asleep, and no order refers to it any more. */
void ladder_remove(struct ladder_pool *pool, struct ladder *ladder, uint32_t level);

/* Asserts L1 to L4. O(levels). */
bool ladder_check(const struct ladder_pool *pool, const struct ladder *ladder);

#endif /* ENGINE_LADDER_H */
