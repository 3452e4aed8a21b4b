#include "engine/ladder.h"

#include "common/arena.h"

/* Marks a child that is a node; without it, it is a level. */
#define NODE_MARK 0x80000000u

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
    ASSERT(pool->hung_count < pool->capacity);
    uint32_t slot = pool->level_free;
    if (slot == NO_SLOT)
        slot = ++pool->level_used;
    else
        pool->level_free = pool->levels[slot].newest;
    pool->hung_count++;
    return slot;
}

static void level_give(struct ladder_pool *pool, uint32_t slot)
{
    pool->levels[slot].price.ticks = 0;
    pool->levels[slot].newest = pool->level_free;
    pool->level_free = slot;
    pool->hung_count--;
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

/* Needs: nothing hangs from it. */
static void node_give(struct ladder_pool *pool, struct ladder *ladder, uint32_t slot)
{
    struct ladder_node *node = &pool->nodes[slot];
    uint32_t *leaf = ladder_leaf(ladder, node->key);
    if (*leaf == slot) *leaf = NO_SLOT; /* L4 */
    node->parent = pool->node_free;
    pool->node_free = slot;
    pool->node_count--;
}

static unsigned digit_at(uint64_t key, uint32_t shift)
{
    return (key >> shift) % LADDER_DIGIT_COUNT;
}

static uint64_t bit_at(uint64_t key, uint32_t shift)
{
    return (uint64_t)1 << digit_at(key, shift);
}

/* Whether `key` lies in the range of prices that `node` divides. Keys have 64 bits: the digit at
 * shift 60 is the highest, and has four of them. */
static bool node_covers(const struct ladder_node *node, uint64_t key)
{
    const uint32_t above = node->shift + LADDER_DIGIT_BITS;
    return above >= 64 || (node->key ^ key) >> above == 0;
}

static bool is_node(uint32_t child)
{
    return (child & NODE_MARK) != 0;
}

static struct ladder_node *node_at(const struct ladder_pool *pool, uint32_t child)
{
    return &pool->nodes[child & ~NODE_MARK];
}

static uint32_t trie_find(const struct ladder_pool *pool, const struct ladder *ladder,
                          price_t price)
{
    const uint64_t key = ladder_key(ladder, price);
    uint32_t child = ladder->root;
    while (is_node(child)) { /* ends: each step goes to a lower digit */
        const struct ladder_node *node = node_at(pool, child);
        if (!node_covers(node, key)) return NO_SLOT;
        child = node->children[digit_at(key, node->shift)];
    }
    return pool->levels[child].price.ticks == price.ticks ? child : NO_SLOT;
}

static bool level_awake(const struct ladder_pool *pool, const struct ladder *ladder, uint32_t slot)
{
    if (slot == NO_SLOT || pool->levels[slot].node == NO_SLOT) return slot == ladder->best;
    const struct ladder_node *node = &pool->nodes[pool->levels[slot].node];
    return (node->awake & bit_at(ladder_key(ladder, pool->levels[slot].price), node->shift)) != 0;
}

uint32_t ladder_find(const struct ladder_pool *pool, const struct ladder *ladder, price_t price)
{
    ASSERT(price.ticks > 0);
    const uint32_t near = ladder_find_near(pool, ladder, price);
    const uint32_t slot = near != NO_SLOT ? near : trie_find(pool, ladder, price);
    return level_awake(pool, ladder, slot) ? slot : NO_SLOT;
}

/* Makes `parent` (NO_SLOT: the root) what `child` hangs from. */
static void child_hang(struct ladder_pool *pool, struct ladder *ladder, uint32_t parent,
                       uint64_t key, uint32_t child, bool awake)
{
    if (is_node(child))
        node_at(pool, child)->parent = parent;
    else
        pool->levels[child].node = parent;
    if (parent == NO_SLOT) {
        ladder->root = child;
        return;
    }
    struct ladder_node *node = &pool->nodes[parent];
    const uint64_t bit = bit_at(key, node->shift);
    node->children[digit_at(key, node->shift)] = child;
    node->hung |= bit;
    if (awake) node->awake |= bit;
}

/* Puts a node where `child` hangs from `parent`, at the highest digit in which `key` differs from
 * `child_key`, with `child` and the sleeping level of `key` below it. */
static void child_split(struct ladder_pool *pool, struct ladder *ladder, uint32_t parent,
                        uint32_t child, uint64_t child_key, uint64_t key, uint32_t level)
{
    ASSERT(key != child_key);
    const bool awake =
        parent == NO_SLOT
            ? ladder->best != NO_SLOT
            : (pool->nodes[parent].awake & bit_at(key, pool->nodes[parent].shift)) != 0;
    const uint32_t highest = 63u - (uint32_t)__builtin_clzll(key ^ child_key);
    const uint32_t slot = node_take(pool);
    struct ladder_node *node = &pool->nodes[slot];
    node->hung = 0;
    node->awake = 0;
    node->key = key;
    node->shift = highest / LADDER_DIGIT_BITS * LADDER_DIGIT_BITS;

    child_hang(pool, ladder, parent, key, slot | NODE_MARK, awake);
    child_hang(pool, ladder, slot, child_key, child, awake);
    child_hang(pool, ladder, slot, key, level, false);
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
        parent = child & ~NODE_MARK;
        child = node->children[digit_at(key, node->shift)];
    }
    if (child == NO_SLOT)
        child_hang(pool, ladder, parent, key, level, false);
    else
        child_split(pool, ladder, parent, child, ladder_key(ladder, pool->levels[child].price), key,
                    level);
}

uint32_t ladder_make(struct ladder_pool *pool, struct ladder *ladder, price_t price)
{
    const uint64_t key = ladder_key(ladder, price);
    uint32_t *leaf = ladder_leaf(ladder, key);
    const bool near = *leaf != NO_SLOT && node_covers(&pool->nodes[*leaf], key);
    uint32_t slot = near ? NO_SLOT : trie_find(pool, ladder, price);
    if (slot == NO_SLOT) {
        ASSERT(price.ticks > 0);
        slot = level_take(pool);
        pool->levels[slot] = (struct level){.price = price};
        ladder->hung_count++;
        if (near) {
            child_hang(pool, ladder, *leaf, key, slot, false);
            return slot;
        }
        trie_insert(pool, ladder, key, slot);
    }
    const uint32_t node = pool->levels[slot].node;
    if (node != NO_SLOT && pool->nodes[node].shift == 0) *leaf = node;
    return slot;
}

void ladder_wake(struct ladder_pool *pool, struct ladder *ladder, uint32_t level)
{
    const uint64_t key = ladder_key(ladder, pool->levels[level].price);
    for (uint32_t slot = pool->levels[level].node; slot != NO_SLOT;) {
        struct ladder_node *node = &pool->nodes[slot];
        const uint64_t before = node->awake;
        node->awake = before | bit_at(key, node->shift);
        if (before != 0) break; /* above a node that was awake already, all are */
        slot = node->parent;
    }
    pool->level_count++;
    ladder->level_count++;
    if (~key > ladder->best_rank) {
        ladder->best = level;
        ladder->best_rank = ~key;
    }
}

/* The best awake level at or below `child`. Needs: there is one. */
static uint32_t first_below(const struct ladder_pool *pool, uint32_t child)
{
    while (is_node(child)) {
        const struct ladder_node *node = node_at(pool, child);
        child = node->children[__builtin_ctzll(node->awake)];
    }
    return child;
}

uint32_t ladder_next(const struct ladder_pool *pool, const struct ladder *ladder, uint32_t level)
{
    const uint64_t key = ladder_key(ladder, pool->levels[level].price);
    uint32_t slot = pool->levels[level].node;
    while (slot != NO_SLOT) {
        const struct ladder_node *node = &pool->nodes[slot];
        /* 2 << 63 is 0: nothing is worse than the last digit. */
        const uint64_t worse = node->awake & ~(((uint64_t)2 << digit_at(key, node->shift)) - 1);
        if (worse != 0) return first_below(pool, node->children[__builtin_ctzll(worse)]);
        slot = node->parent;
    }
    return NO_SLOT;
}

void ladder_sleep(struct ladder_pool *pool, struct ladder *ladder, uint32_t level)
{
    const uint64_t key = ladder_key(ladder, pool->levels[level].price);
    for (uint32_t slot = pool->levels[level].node; slot != NO_SLOT;) {
        struct ladder_node *node = &pool->nodes[slot];
        node->awake &= ~bit_at(key, node->shift);
        if (node->awake != 0) break;
        slot = node->parent;
    }
    pool->level_count--;
    ladder->level_count--;
    if (ladder->best != level) return;
    ladder->best = ladder_next(pool, ladder, level);
    ladder->best_rank =
        ladder->best == NO_SLOT ? 0 : ~ladder_key(ladder, pool->levels[ladder->best].price);
}

/* Takes the sleeping child of `key` out of `slot`; a node left with one child gives it to its parent. */
static void node_unset(struct ladder_pool *pool, struct ladder *ladder, uint32_t slot, uint64_t key)
{
    struct ladder_node *node = &pool->nodes[slot];
    const uint64_t bit = bit_at(key, node->shift);
    ASSERT((node->awake & bit) == 0);
    node->hung &= ~bit;
    node->children[digit_at(key, node->shift)] = NO_SLOT;
    ASSERT(node->hung != 0); /* L3 */
    if ((node->hung & (node->hung - 1)) != 0) return;

    const unsigned digit = (unsigned)__builtin_ctzll(node->hung);
    child_hang(pool, ladder, node->parent, key, node->children[digit], node->awake != 0);
    node->children[digit] = NO_SLOT;
    node_give(pool, ladder, slot);
}

void ladder_remove(struct ladder_pool *pool, struct ladder *ladder, uint32_t slot)
{
    const struct level *level = &pool->levels[slot];
    ASSERT(slot != NO_SLOT && level->price.ticks != 0);
    ASSERT(slot != ladder->best);

    if (level->node == NO_SLOT)
        ladder->root = NO_SLOT;
    else
        node_unset(pool, ladder, level->node, ladder_key(ladder, level->price));
    ladder->hung_count--;
    level_give(pool, slot);
}

struct tally {
    uint32_t levels;
    uint32_t awake_levels;
    uint32_t best;
    bool awake;
};

static struct tally child_check(const struct ladder_pool *pool, const struct ladder *ladder,
                                uint32_t child, uint32_t parent, bool awake);

/* Asserts L3 for one node, and what hangs from it. */
static struct tally node_check(const struct ladder_pool *pool, const struct ladder *ladder,
                               uint32_t slot, uint32_t parent)
{
    const struct ladder_node *node = &pool->nodes[slot];
    ASSERT(node->parent == parent);
    ASSERT(__builtin_popcountll(node->hung) >= 2 && (node->awake & ~node->hung) == 0); /* L3 */
    ASSERT(parent == NO_SLOT || node->shift < pool->nodes[parent].shift);
    struct tally all = {.best = NO_SLOT};
    for (unsigned digit = 0; digit < LADDER_DIGIT_COUNT; digit++) {
        const bool awake = node->awake >> digit & 1;
        ASSERT((node->children[digit] != NO_SLOT) == (node->hung >> digit & 1));
        if (node->children[digit] == NO_SLOT) continue;
        const struct tally one = child_check(pool, ladder, node->children[digit], slot, awake);
        ASSERT(one.awake == awake); /* L3 */
        all.levels += one.levels;
        all.awake_levels += one.awake_levels;
        if (all.best == NO_SLOT) all.best = one.best;
        all.awake |= awake;
    }
    return all;
}

/* `awake` is what its parent says, which for a level is all there is to know. */
static struct tally child_check(const struct ladder_pool *pool, const struct ladder *ladder,
                                uint32_t child, uint32_t parent, bool awake)
{
    if (is_node(child)) return node_check(pool, ladder, child & ~NODE_MARK, parent);
    const struct level *level = &pool->levels[child];
    ASSERT(level->price.ticks > 0 && level->node == parent);
    ASSERT(trie_find(pool, ladder, level->price) == child); /* L2 */
    const uint32_t near = ladder_find_near(pool, ladder, level->price);
    ASSERT(near == NO_SLOT || near == child);
    return (struct tally){1, awake, awake ? child : NO_SLOT, awake};
}

/* Asserts L4 for one remembered node. */
static void leaf_check(const struct ladder_pool *pool, const struct ladder *ladder, uint32_t place)
{
    uint32_t slot = ladder->leaves[place];
    const struct ladder_node *leaf = &pool->nodes[slot];
    ASSERT(leaf->shift == 0 && (leaf->key >> LADDER_DIGIT_BITS) % LADDER_LEAVES == place);
    while (pool->nodes[slot].parent != NO_SLOT)
        slot = pool->nodes[slot].parent;
    ASSERT(ladder->root == (slot | NODE_MARK)); /* L4 */
}

bool ladder_check(const struct ladder_pool *pool, const struct ladder *ladder)
{
    if (ladder->root == NO_SLOT) {
        ASSERT(ladder->hung_count == 0 && ladder->best == NO_SLOT);
    } else {
        const struct tally all =
            child_check(pool, ladder, ladder->root, NO_SLOT, ladder->best != NO_SLOT);
        ASSERT(all.levels == ladder->hung_count); /* L2 */
        ASSERT(all.awake_levels == ladder->level_count);
        ASSERT(all.best == ladder->best); /* L1: keys rise in the order of the walk */
    }
    const uint64_t best_key = ladder_key(ladder, pool->levels[ladder->best].price);
    ASSERT(ladder->best_rank == (ladder->best == NO_SLOT ? 0 : ~best_key)); /* L1 */
    for (uint32_t place = 0; place < LADDER_LEAVES; place++)
        if (ladder->leaves[place] != NO_SLOT) leaf_check(pool, ladder, place);
    return true;
}
