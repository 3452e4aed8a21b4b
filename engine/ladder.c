#include "engine/ladder.h"

#include "common/arena.h"

#define DIGIT_BITS  6
#define DIGIT_COUNT 64

/* Marks a child that is a node; without it, it is a level. */
#define LADDER_NODE 0x80000000u

struct ladder_node {
    uint64_t occupied; /* which digits have a child */
    uint64_t key;      /* any key below it; those above `shift` are the same for all */
    uint32_t parent;   /* NO_SLOT: it is the root */
    uint32_t shift;    /* lowest bit of its digit, a multiple of DIGIT_BITS */
    uint32_t children[DIGIT_COUNT];
};

static size_t rounded(size_t byte_count)
{
    return (byte_count + 63) & ~(size_t)63;
}

size_t ladder_pool_bytes(uint32_t capacity)
{
    const size_t slots = (size_t)capacity + 1;
    return rounded(slots * sizeof(struct level)) + rounded(slots * sizeof(struct ladder_node));
}

bool ladder_pool_init(struct ladder_pool *pool, struct arena *arena, uint32_t capacity)
{
    const size_t slots = (size_t)capacity + 1;
    *pool = (struct ladder_pool){.capacity = capacity};
    pool->levels = arena_take_array(arena, slots, sizeof(struct level));
    pool->nodes = arena_take_array(arena, slots, sizeof(struct ladder_node));
    return pool->levels != NULL && pool->nodes != NULL;
}

static uint32_t level_take(struct ladder_pool *pool)
{
    ASSERT(pool->level_count < pool->capacity);
    uint32_t slot = pool->level_free;
    if (slot == NO_SLOT)
        slot = ++pool->level_used;
    else
        pool->level_free = pool->levels[slot].worse;
    pool->level_count++;
    return slot;
}

static void level_give(struct ladder_pool *pool, uint32_t slot)
{
    pool->levels[slot].in_use = 0;
    pool->levels[slot].worse = pool->level_free;
    pool->level_free = slot;
    pool->level_count--;
}

static uint32_t node_take(struct ladder_pool *pool)
{
    ASSERT(pool->node_count < pool->capacity);
    uint32_t slot = pool->node_free;
    if (slot == NO_SLOT)
        slot = ++pool->node_used;
    else
        pool->node_free = pool->nodes[slot].parent;
    pool->node_count++;
    return slot;
}

static void node_give(struct ladder_pool *pool, uint32_t slot)
{
    pool->nodes[slot].occupied = 0;
    pool->nodes[slot].parent = pool->node_free;
    pool->node_free = slot;
    pool->node_count--;
}

/* Rises from best to worst on either side. */
static uint64_t key_of(const struct ladder *ladder, price_t price)
{
    ASSERT(price.ticks > 0);
    return ladder->side == SELL ? (uint64_t)price.ticks : (uint64_t)(INT64_MAX - price.ticks);
}

static unsigned digit_at(uint64_t key, uint32_t shift)
{
    return (key >> shift) & (DIGIT_COUNT - 1);
}

/* Whether `key` lies in the range of prices that `node` divides. Keys have 63 bits: the digit at
 * shift 60 is the highest, and all keys agree above it. */
static bool node_covers(const struct ladder_node *node, uint64_t key)
{
    const uint32_t above = node->shift + DIGIT_BITS;
    return above >= 64 || (node->key ^ key) >> above == 0;
}

static bool is_node(uint32_t child)
{
    return (child & LADDER_NODE) != 0;
}

static struct ladder_node *node_at(const struct ladder_pool *pool, uint32_t child)
{
    return &pool->nodes[child & ~LADDER_NODE];
}

uint32_t ladder_find(const struct ladder_pool *pool, const struct ladder *ladder, price_t price)
{
    const uint64_t key = key_of(ladder, price);
    uint32_t child = ladder->root;
    while (is_node(child)) { /* ends: each step goes to a lower digit */
        const struct ladder_node *node = node_at(pool, child);
        const unsigned digit = digit_at(key, node->shift);
        if (!node_covers(node, key) || (node->occupied >> digit & 1) == 0) return NO_SLOT;
        child = node->children[digit];
    }
    if (child == NO_SLOT || pool->levels[child].price.ticks != price.ticks) return NO_SLOT;
    return child;
}

static void node_set(struct ladder_node *node, uint64_t key, uint32_t child)
{
    const unsigned digit = digit_at(key, node->shift);
    node->children[digit] = child;
    node->occupied |= (uint64_t)1 << digit;
}

/* Makes `parent` (NO_SLOT: the root) what `child` hangs from. */
static void child_hang(struct ladder_pool *pool, struct ladder *ladder, uint32_t parent,
                       uint64_t key, uint32_t child)
{
    if (is_node(child))
        node_at(pool, child)->parent = parent;
    else
        pool->levels[child].node = parent;
    if (parent == NO_SLOT)
        ladder->root = child;
    else
        node_set(&pool->nodes[parent], key, child);
}

/* Puts a node where `child` hangs from `parent`, at the highest digit in which `key` differs from
 * `child_key`, with `child` and the level of `key` below it. */
static void child_split(struct ladder_pool *pool, struct ladder *ladder, uint32_t parent,
                        uint32_t child, uint64_t child_key, uint64_t key, uint32_t level)
{
    ASSERT(key != child_key);
    const uint32_t highest = 63u - (uint32_t)__builtin_clzll(key ^ child_key);
    const uint32_t slot = node_take(pool);
    struct ladder_node *node = &pool->nodes[slot];
    node->occupied = 0;
    node->key = key;
    node->shift = highest / DIGIT_BITS * DIGIT_BITS;

    child_hang(pool, ladder, parent, key, slot | LADDER_NODE);
    child_hang(pool, ladder, slot, child_key, child);
    child_hang(pool, ladder, slot, key, level);
}

/* Hangs the level into the trie. Needs: its price is not there. */
static void trie_insert(struct ladder_pool *pool, struct ladder *ladder, uint64_t key,
                        uint32_t level)
{
    uint32_t parent = NO_SLOT, child = ladder->root;
    while (is_node(child)) {
        struct ladder_node *node = node_at(pool, child);
        if (!node_covers(node, key)) {
            child_split(pool, ladder, parent, child, node->key, key, level);
            return;
        }
        parent = child & ~LADDER_NODE;
        const unsigned digit = digit_at(key, node->shift);
        if ((node->occupied >> digit & 1) == 0) {
            child_hang(pool, ladder, parent, key, level);
            return;
        }
        child = node->children[digit];
    }
    if (child == NO_SLOT)
        child_hang(pool, ladder, NO_SLOT, key, level);
    else
        child_split(pool, ladder, parent, child, key_of(ladder, pool->levels[child].price), key,
                    level);
}

/* The worst level at or below `child`. */
static uint32_t last_below(const struct ladder_pool *pool, uint32_t child)
{
    while (is_node(child)) {
        const struct ladder_node *node = node_at(pool, child);
        child = node->children[63 - __builtin_clzll(node->occupied)];
    }
    return child;
}

/* The next better level than the one of `key` that hangs from `node`, NO_SLOT when it is the best. */
static uint32_t trie_better(const struct ladder_pool *pool, uint32_t node, uint64_t key)
{
    for (; node != NO_SLOT; node = pool->nodes[node].parent) {
        const struct ladder_node *above = &pool->nodes[node];
        const unsigned digit = digit_at(key, above->shift);
        const uint64_t lower = above->occupied & (((uint64_t)1 << digit) - 1);
        if (lower != 0) return last_below(pool, above->children[63 - __builtin_clzll(lower)]);
    }
    return NO_SLOT;
}

static void level_link(struct ladder_pool *pool, struct ladder *ladder, uint32_t slot,
                       uint32_t better)
{
    struct level *level = &pool->levels[slot];
    level->better = better;
    level->worse = better == NO_SLOT ? ladder->best : pool->levels[better].worse;
    if (level->worse != NO_SLOT) pool->levels[level->worse].better = slot;
    if (better == NO_SLOT)
        ladder->best = slot;
    else
        pool->levels[better].worse = slot;
}

uint32_t ladder_add(struct ladder_pool *pool, struct ladder *ladder, price_t price)
{
    const uint32_t found = ladder_find(pool, ladder, price);
    if (found != NO_SLOT) return found;

    const uint64_t key = key_of(ladder, price);
    const uint32_t slot = level_take(pool);
    pool->levels[slot] = (struct level){.price = price, .in_use = 1};
    trie_insert(pool, ladder, key, slot);
    level_link(pool, ladder, slot, trie_better(pool, pool->levels[slot].node, key));
    ladder->level_count++;
    return slot;
}

/* Takes the child of `key` out of `slot`; a node left with one child gives it to its parent. */
static void node_unset(struct ladder_pool *pool, struct ladder *ladder, uint32_t slot, uint64_t key)
{
    struct ladder_node *node = &pool->nodes[slot];
    node->occupied &= ~((uint64_t)1 << digit_at(key, node->shift));
    ASSERT(node->occupied != 0); /* L3 */
    if ((node->occupied & (node->occupied - 1)) != 0) return;

    const uint32_t only = node->children[__builtin_ctzll(node->occupied)];
    child_hang(pool, ladder, node->parent, key, only);
    node_give(pool, slot);
}

void ladder_remove(struct ladder_pool *pool, struct ladder *ladder, uint32_t slot)
{
    const struct level *level = &pool->levels[slot];
    ASSERT(slot != NO_SLOT && level->in_use);

    if (level->better == NO_SLOT)
        ladder->best = level->worse;
    else
        pool->levels[level->better].worse = level->worse;
    if (level->worse != NO_SLOT) pool->levels[level->worse].better = level->better;

    if (level->node == NO_SLOT)
        ladder->root = NO_SLOT;
    else
        node_unset(pool, ladder, level->node, key_of(ladder, level->price));
    ladder->level_count--;
    level_give(pool, slot);
}

/* Levels at or below `child`; asserts L3 and that children know their parent. */
static uint32_t child_check(const struct ladder_pool *pool, uint32_t child, uint32_t parent)
{
    if (!is_node(child)) {
        ASSERT(pool->levels[child].in_use && pool->levels[child].node == parent);
        return 1;
    }
    const struct ladder_node *node = node_at(pool, child);
    ASSERT(node->parent == parent);
    ASSERT(__builtin_popcountll(node->occupied) >= 2); /* L3 */
    ASSERT(parent == NO_SLOT || node->shift < pool->nodes[parent].shift);
    uint32_t count = 0;
    for (unsigned digit = 0; digit < DIGIT_COUNT; digit++)
        if (node->occupied >> digit & 1)
            count += child_check(pool, node->children[digit], child & ~LADDER_NODE);
    return count;
}

bool ladder_check(const struct ladder_pool *pool, const struct ladder *ladder)
{
    uint32_t count = 0, better = NO_SLOT;
    for (uint32_t slot = ladder->best; slot != NO_SLOT; slot = pool->levels[slot].worse) {
        const struct level *level = &pool->levels[slot];
        ASSERT(level->in_use && level->better == better);
        if (better != NO_SLOT)
            ASSERT(key_of(ladder, pool->levels[better].price) <
                   key_of(ladder, level->price));                /* L1 */
        ASSERT(ladder_find(pool, ladder, level->price) == slot); /* L2 */
        better = slot;
        count++;
    }
    ASSERT(count == ladder->level_count);
    if (ladder->root == NO_SLOT)
        ASSERT(count == 0);
    else
        ASSERT(child_check(pool, ladder->root, NO_SLOT) == count); /* L2, L3 */
    return true;
}
