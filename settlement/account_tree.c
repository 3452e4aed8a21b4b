#include "settlement/account_tree.h"

#include "common/arena.h"
#include "common/keyed_hash.h"
#include "common/le.h"
#include "common/sharing.h"
#include "settlement/image.h"
#include "settlement/word.h"

#define ROUNDS 8
#define AHEAD  8 /* nodes whose children are asked for before they are hashed */

#define SUBTREES_MAX 16
#define MARKS_A_WORD 64
#define SHARED_MIN   512 /* changed leaves: fewer are hashed before another thread is awake */

/* Nodes as in a binary heap: the root is 1, the children of n are 2n and 2n + 1, leaves begin at
 * `places`. A node of all zero bytes has never been set: it stands for an empty subtree. */
struct account_tree {
    hash_t *nodes;
    uint64_t *marks;     /* one bit a node: it is in `changed` */
    uint32_t *changed;   /* of each subtree, from where its places begin */
    uint32_t *positions; /* by account - 1, one more than the position; 0: not asked for yet */
    uint32_t changed_counts[SUBTREES_MAX];
    uint32_t subtrees; /* a power of two */
    uint32_t places;
    uint32_t depth;
    hash_t empty[ACCOUNT_TREE_DEPTH_MAX + 1]; /* by height above the leaves */
    uint8_t secret[HASH_BYTES];
    struct keyed_hash keyed; /* with the secret */
    uint8_t round_keys[ROUNDS][crypto_shorthash_KEYBYTES];
};

static_assert(crypto_shorthash_KEYBYTES <= HASH_BYTES, "a derived hash holds a round's key");

static uint32_t depth_of(uint32_t accounts_max)
{
    uint32_t depth = 0;
    while ((1u << depth) < accounts_max)
        depth++;
    ASSERT(depth <= ACCOUNT_TREE_DEPTH_MAX);
    return depth;
}

size_t account_tree_bytes(uint32_t accounts_max)
{
    const size_t places = (size_t)1 << depth_of(accounts_max);
    return places * (2 * sizeof(hash_t) + 2 * sizeof(uint32_t)) + places / 4 +
           sizeof(struct account_tree) + 576;
}

#define NODE_TEXT_BYTES (1 + 2 * HASH_BYTES)

static void node_text(uint8_t bytes[NODE_TEXT_BYTES], const hash_t *left, const hash_t *right)
{
    bytes[0] = 0x01;
    memcpy(bytes + 1, left->bytes, HASH_BYTES);
    memcpy(bytes + 1 + HASH_BYTES, right->bytes, HASH_BYTES);
}

hash_t account_tree_node_hash(const hash_t *left, const hash_t *right)
{
    uint8_t bytes[NODE_TEXT_BYTES];
    node_text(bytes, left, right);
    return hash_of(bytes, sizeof(bytes));
}

struct account_tree *account_tree_new(struct arena *arena, uint32_t accounts_max,
                                      const uint8_t tree_secret[HASH_BYTES])
{
    struct account_tree *tree = arena_take(arena, sizeof(*tree));
    if (tree == NULL) return NULL;
    tree->depth = depth_of(accounts_max);
    tree->places = 1u << tree->depth;
    tree->subtrees = tree->places / SUBTREES_MAX > MARKS_A_WORD ? SUBTREES_MAX : 1;
    tree->nodes = arena_take_array(arena, 2 * (size_t)tree->places, sizeof(hash_t));
    tree->marks = arena_take_array(arena, (size_t)tree->places / 32 + 1, sizeof(uint64_t));
    tree->changed = arena_take_array(arena, tree->places, sizeof(uint32_t));
    tree->positions = arena_take_array(arena, tree->places, sizeof(uint32_t));
    if (tree->nodes == NULL || tree->marks == NULL || tree->changed == NULL ||
        tree->positions == NULL)
        return NULL;

    memcpy(tree->secret, tree_secret, HASH_BYTES);
    keyed_hash_begin(&tree->keyed, tree_secret);
    for (uint8_t round = 0; round < ROUNDS; round++) {
        const hash_t key = hash_derive(tree_secret, "quorex/position/1", &round, 1);
        memcpy(tree->round_keys[round], key.bytes, crypto_shorthash_KEYBYTES);
    }
    const uint8_t leaf_tag = 0x00;
    tree->empty[0] = hash_of(&leaf_tag, 1);
    for (uint32_t height = 1; height <= tree->depth; height++)
        tree->empty[height] =
            account_tree_node_hash(&tree->empty[height - 1], &tree->empty[height - 1]);
    return tree;
}

uint32_t account_tree_depth(const struct account_tree *tree)
{
    return tree->depth;
}

static uint32_t round_of(const struct account_tree *tree, int round, uint32_t half)
{
    uint8_t in[4], out[crypto_shorthash_BYTES];
    le_put_u32(in, half);
    crypto_shorthash(out, in, sizeof(in), tree->round_keys[round]);
    return le_get_u32(out);
}

/* A Feistel network over `depth` bits. The halves may differ by one bit; each round changes one half
 * by the other, so each can be undone and the whole is a permutation whatever the round function. */
uint32_t account_tree_position(const struct account_tree *tree, uint32_t account)
{
    ASSERT(account >= 1 && account - 1 < tree->places);
    const uint32_t right_bits = tree->depth / 2;
    const uint32_t right_mask = (1u << right_bits) - 1;
    const uint32_t left_mask = (1u << (tree->depth - right_bits)) - 1;
    uint32_t left = (account - 1) >> right_bits, right = (account - 1) & right_mask;

    for (int round = 0; round < ROUNDS; round += 2) {
        left ^= round_of(tree, round, right) & left_mask;
        right ^= round_of(tree, round + 1, left) & right_mask;
    }
    return left << right_bits | right;
}

hash_t account_tree_salt(const struct account_tree *tree, uint32_t account, uint64_t height)
{
    uint8_t bytes[12];
    le_put_u64(le_put_u32(bytes, account), height);
    return keyed_hash_of(&tree->keyed, "quorex/salt/1", bytes, sizeof(bytes));
}

hash_t account_tree_derive(const struct account_tree *tree, const char *domain, const void *bytes,
                           size_t byte_count)
{
    return hash_derive(tree->secret, domain, bytes, byte_count);
}

#define LEAF_TEXT_MAX (1 + HASH_BYTES + PUBLIC_KEY_BYTES + 2 + ACCOUNT_LEAF_ASSETS_MAX * 18)

static size_t leaf_text(const struct account_leaf *leaf, uint8_t bytes[LEAF_TEXT_MAX])
{
    ASSERT(leaf->count <= ACCOUNT_LEAF_ASSETS_MAX);

    uint8_t *at = le_put_u8(bytes, 0x00);
    at = le_put_bytes(at, leaf->salt.bytes, HASH_BYTES);
    at = le_put_bytes(at, leaf->public_key, PUBLIC_KEY_BYTES);
    at = le_put_u16(at, leaf->count);
    for (uint16_t i = 0; i < leaf->count; i++) {
        at = le_put_u16(at, leaf->balances[i].asset);
        at = le_put_i64(at, leaf->balances[i].available.units);
        at = le_put_i64(at, leaf->balances[i].held.units);
    }
    return (size_t)(at - bytes);
}

hash_t account_tree_leaf_hash(const struct account_leaf *leaf)
{
    uint8_t bytes[LEAF_TEXT_MAX];
    return hash_of(bytes, leaf_text(leaf, bytes));
}

void account_tree_leaf_hash_two(const struct account_leaf *const leaves[2], hash_t hashes[2])
{
    uint8_t left[LEAF_TEXT_MAX + HASH_PAD_BYTES], right[LEAF_TEXT_MAX + HASH_PAD_BYTES];
    const size_t byte_counts[2] = {leaf_text(leaves[0], left), leaf_text(leaves[1], right)};
    hash_of_pair((uint8_t *const[2]){left, right}, byte_counts, hashes);
}

uint32_t account_tree_place(struct account_tree *tree, uint32_t account)
{
    ASSERT(account >= 1 && account - 1 < tree->places);
    uint32_t *known = &tree->positions[account - 1];
    if (*known == 0) *known = account_tree_position(tree, account) + 1;
    return *known - 1;
}

void account_tree_expect_place(const struct account_tree *tree, uint32_t account)
{
    __builtin_prefetch(&tree->positions[account - 1]);
}

uint32_t account_tree_expect_leaf(const struct account_tree *tree, uint32_t account)
{
    const uint32_t known = tree->positions[account - 1];
    if (known == 0) return UINT32_MAX;
    __builtin_prefetch(&tree->nodes[tree->places + known - 1], 1);
    return known - 1;
}

/* Sets the node's mark; false when it was set. */
static bool mark(struct account_tree *tree, uint32_t node)
{
    uint64_t *word = &tree->marks[node / 64];
    const uint64_t bit = (uint64_t)1 << node % 64;
    if (*word & bit) return false;
    *word |= bit;
    return true;
}

static void unmark(struct account_tree *tree, uint32_t node)
{
    tree->marks[node / 64] &= ~((uint64_t)1 << node % 64);
}

void account_tree_put(struct account_tree *tree, uint32_t account, hash_t leaf)
{
    const uint32_t node = tree->places + account_tree_place(tree, account);
    words_put(tree->nodes[node].bytes, leaf.bytes,
              HASH_BYTES); /* a journal's reader may be there */
}

/* What has changed of a subtree. */
static uint32_t *changed_of(const struct account_tree *tree, uint32_t subtree)
{
    return tree->changed + (size_t)(tree->places / tree->subtrees) * subtree;
}

void account_tree_changed(struct account_tree *tree, uint32_t account)
{
    const uint32_t place = account_tree_place(tree, account), node = tree->places + place;
    const uint32_t subtree = place / (tree->places / tree->subtrees);
    if (mark(tree, node)) changed_of(tree, subtree)[tree->changed_counts[subtree]++] = node;
}

void account_tree_set(struct account_tree *tree, uint32_t account, hash_t leaf)
{
    account_tree_put(tree, account, leaf);
    account_tree_changed(tree, account);
}

static const hash_t *node_or_empty(const struct account_tree *tree, uint32_t node, uint32_t height)
{
    static const hash_t unset;
    return hash_equal(tree->nodes[node], unset) ? &tree->empty[height] : &tree->nodes[node];
}

/* The children's text of a node whose height above the leaves is one more than `height`. */
static void text_of(const struct account_tree *tree, uint32_t node, uint32_t height,
                    uint8_t bytes[NODE_TEXT_BYTES])
{
    node_text(bytes, node_or_empty(tree, 2 * node, height),
              node_or_empty(tree, 2 * node + 1, height));
}

/* Hashes nodes, two at a time. They lie anywhere in memory: asked for in time, they are there. */
static void hash_nodes(struct account_tree *tree, const uint32_t *nodes, uint32_t count,
                       uint32_t height)
{
    uint8_t left[NODE_TEXT_BYTES], right[NODE_TEXT_BYTES];
    const uint8_t *const texts[2] = {left, right};
    for (uint32_t i = 0; i < count; i += 2) {
        for (uint32_t ahead = i + AHEAD; ahead < i + AHEAD + 2 && ahead < count; ahead++) {
            __builtin_prefetch(&tree->nodes[2 * nodes[ahead]]);
            __builtin_prefetch(&tree->nodes[nodes[ahead]], 1);
        }
        /* The last of an odd number is hashed twice. */
        const uint32_t pair = i + 1 < count ? i + 1 : i;
        hash_t hashes[2];
        text_of(tree, nodes[i], height, left);
        text_of(tree, nodes[pair], height, right);
        hash_of_two(texts, NODE_TEXT_BYTES, hashes);
        words_put(tree->nodes[nodes[i]].bytes, hashes[0].bytes, HASH_BYTES);
        words_put(tree->nodes[nodes[pair]].bytes, hashes[1].bytes, HASH_BYTES);
    }
}

/* Replaces changed nodes of one level by their parents, each once, and hashes those. Returns how many. */
static uint32_t climb(struct account_tree *tree, uint32_t *changed, uint32_t count, uint32_t height)
{
    uint32_t parents = 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t node = changed[i];
        unmark(tree, node);
        if (mark(tree, node / 2)) changed[parents++] = node / 2;
    }
    hash_nodes(tree, changed, parents, height);
    return parents;
}

/* How many levels of a subtree have marks of their own, in words that it shares with no other. */
static uint32_t own_levels(const struct account_tree *tree)
{
    uint32_t levels = 0;
    for (uint32_t width = tree->places / tree->subtrees; width > MARKS_A_WORD; width /= 2)
        levels++;
    return tree->subtrees == 1 ? 0 : levels;
}

static void climb_subtree(void *work, uint32_t subtree)
{
    struct account_tree *tree = work;
    uint32_t *changed = changed_of(tree, subtree), count = tree->changed_counts[subtree];
    const uint32_t levels = own_levels(tree);
    for (uint32_t height = 0; height < levels; height++)
        count = climb(tree, changed, count, height);
    tree->changed_counts[subtree] = count;
}

static uint32_t changed_count(const struct account_tree *tree)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < tree->subtrees; i++)
        count += tree->changed_counts[i];
    return count;
}

/* Puts what has changed of all subtrees together. Returns how many nodes that are. */
static uint32_t gather(struct account_tree *tree)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < tree->subtrees; i++) {
        memmove(tree->changed + count, changed_of(tree, i),
                tree->changed_counts[i] * sizeof(uint32_t));
        count += tree->changed_counts[i];
        tree->changed_counts[i] = 0;
    }
    return count;
}

hash_t account_tree_root_shared(struct account_tree *tree, const struct sharing *sharing)
{
    const uint32_t leaves = changed_count(tree);
    if (leaves > 0) {
        sharing_run(leaves < SHARED_MIN ? NULL : sharing, climb_subtree, tree, tree->subtrees);
        uint32_t count = gather(tree);
        for (uint32_t height = own_levels(tree); height < tree->depth; height++)
            count = climb(tree, tree->changed, count, height);
        ASSERT(count == 1 && tree->changed[0] == 1);
        unmark(tree, 1);
    }
    return *node_or_empty(tree, 1, tree->depth);
}

hash_t account_tree_root(struct account_tree *tree)
{
    return account_tree_root_shared(tree, NULL);
}

void account_tree_path(const struct account_tree *tree, uint32_t account, hash_t *siblings)
{
    ASSERT(changed_count(tree) == 0);
    uint32_t node = tree->places + account_tree_position(tree, account);
    for (uint32_t height = 0; height < tree->depth; height++, node /= 2)
        siblings[height] = *node_or_empty(tree, node ^ 1, height);
}

/* A node stands for its parent when it is the left child, or the left one has never been set. */
static bool stands_for_parent(const struct account_tree *tree, uint32_t node)
{
    static const hash_t unset;
    return node % 2 == 0 || hash_equal(tree->nodes[node - 1], unset);
}

bool account_tree_holds(const struct account_tree *tree, uint32_t account, hash_t leaf,
                        hash_t *found)
{
    ASSERT(changed_count(tree) == 0);
    uint32_t node = tree->places + account_tree_position(tree, account);
    *found = tree->nodes[node];
    if (!hash_equal(*found, leaf)) return false;
    for (uint32_t height = 0; height < tree->depth && stands_for_parent(tree, node);
         height++, node /= 2) {
        uint8_t bytes[NODE_TEXT_BYTES];
        text_of(tree, node / 2, height, bytes);
        *found = tree->nodes[node / 2];
        if (!hash_equal(*found, hash_of(bytes, sizeof(bytes)))) return false;
    }
    return true;
}

const hash_t *account_tree_level(const struct account_tree *tree, uint32_t level)
{
    ASSERT(level <= tree->depth);
    return &tree->nodes[tree->places >> level];
}

void account_tree_fold(const struct account_tree *tree, hash_t *nodes, uint32_t count,
                       uint32_t index, uint32_t level, hash_t *siblings)
{
    static const hash_t unset;
    for (; count > 1; count /= 2, index /= 2, level++) {
        const hash_t *empty = &tree->empty[level], *sibling = &nodes[index ^ 1];
        *siblings++ = hash_equal(*sibling, unset) ? *empty : *sibling;
        for (uint32_t i = 0; i < count / 2; i++) {
            const hash_t *left = &nodes[2 * i], *right = left + 1;
            const bool no_left = hash_equal(*left, unset), no_right = hash_equal(*right, unset);
            nodes[i] = no_left && no_right ? unset
                                           : account_tree_node_hash(no_left ? empty : left,
                                                                    no_right ? empty : right);
        }
    }
}

struct account_tree *account_tree_image(struct arena *arena, const struct account_tree *tree,
                                        const struct image_move *move)
{
    struct account_tree *copy = image_take(arena, move, tree, sizeof(*copy));
    if (copy == NULL) return NULL;
    copy->nodes = image_at(move, copy->nodes);
    copy->marks = image_at(move, copy->marks);
    copy->changed = image_at(move, copy->changed);
    copy->positions = image_at(move, copy->positions);
    return copy;
}
