#include "ledger/merkle.h"

#include <string.h>

hash_t merkle_leaf(const void *bytes, size_t byte_count)
{
    static const uint8_t tag = 0x00;
    struct hash_stream stream;
    hash_stream_begin(&stream);
    hash_stream_add(&stream, &tag, 1);
    hash_stream_add(&stream, bytes, byte_count);
    return hash_stream_end(&stream);
}

hash_t merkle_node(hash_t left, hash_t right)
{
    static const uint8_t tag = 0x01;
    struct hash_stream stream;
    hash_stream_begin(&stream);
    hash_stream_add(&stream, &tag, 1);
    hash_stream_add(&stream, left.bytes, HASH_BYTES);
    hash_stream_add(&stream, right.bytes, HASH_BYTES);
    return hash_stream_end(&stream);
}

void merkle_begin(struct merkle *tree)
{
    tree->leaf_count = 0;
    tree->peak_count = 0;
}

/* Appends a complete subtree of 2^level leaves, whose root is `root`. Needs: leaf_count is a multiple of 2^level. */
static void add_subtree(struct merkle *tree, hash_t root, uint32_t level)
{
    hash_t carried = root;
    /* Each trailing one bit of the count is a complete subtree as large as what we carry. */
    for (uint64_t bits = tree->leaf_count >> level; (bits & 1) != 0; bits >>= 1)
        carried = merkle_node(tree->peaks[--tree->peak_count], carried);
    tree->peaks[tree->peak_count++] = carried;
    tree->leaf_count += UINT64_C(1) << level;
}

void merkle_add(struct merkle *tree, hash_t leaf)
{
    ASSERT(tree->leaf_count < UINT64_MAX);
    add_subtree(tree, leaf, 0);
    INVARIANT(merkle_check(tree));
}

/* Hashes `count` nodes, an even number, up to half as many, in their place. */
static void parents_of(hash_t *nodes, uint64_t count)
{
    uint8_t left[1 + 2 * HASH_BYTES] = {0x01}, right[1 + 2 * HASH_BYTES] = {0x01};
    const uint8_t *const texts[2] = {left, right};
    uint64_t i = 0;
    for (; i + 4 <= count; i += 4) {
        memcpy(left + 1, &nodes[i], 2 * HASH_BYTES);
        memcpy(right + 1, &nodes[i + 2], 2 * HASH_BYTES);
        hash_of_two(texts, sizeof(left), &nodes[i / 2]);
    }
    if (i < count) nodes[i / 2] = merkle_node(nodes[i], nodes[i + 1]);
}

void merkle_add_all(struct merkle *tree, hash_t *leaves, uint64_t count)
{
    ASSERT(count <= UINT64_MAX - tree->leaf_count);
    /* Ends: each pass adds a subtree of at least one leaf. */
    while (count > 0) {
        uint32_t level = 0;
        while ((tree->leaf_count >> level & 1) == 0 && UINT64_C(2) << level <= count)
            level++;
        const uint64_t added = UINT64_C(1) << level;
        for (uint64_t left = added; left > 1; left /= 2)
            parents_of(leaves, left);
        add_subtree(tree, leaves[0], level);
        leaves += added;
        count -= added;
    }
    INVARIANT(merkle_check(tree));
}

hash_t merkle_root(const struct merkle *tree)
{
    if (tree->leaf_count == 0) return hash_of("", 0);
    hash_t root = tree->peaks[tree->peak_count - 1];
    for (uint32_t i = tree->peak_count - 1; i > 0; i--)
        root = merkle_node(tree->peaks[i - 1], root);
    return root;
}

static hash_t root_of(const hash_t *leaves, uint64_t leaf_count)
{
    struct merkle tree;
    merkle_begin(&tree);
    for (uint64_t i = 0; i < leaf_count; i++)
        merkle_add(&tree, leaves[i]);
    return merkle_root(&tree);
}

/* The largest power of two below `leaf_count`: where RFC 9162 splits. Needs: leaf_count > 1. */
static uint64_t split_of(uint64_t leaf_count)
{
    return UINT64_C(1) << (63 - __builtin_clzll(leaf_count - 1));
}

static void path_add(struct merkle_path *path, hash_t hash)
{
    ASSERT(path->count <= MERKLE_DEPTH_MAX);
    path->hashes[path->count++] = hash;
}

/* The RFC states a proof from the leaf upwards and by recursion; going down we meet the same hashes
 * in the other order. */
static void path_reverse(struct merkle_path *path)
{
    for (uint32_t low = 0, high = path->count; low + 1 < high; low++, high--) {
        const hash_t swapped = path->hashes[low];
        path->hashes[low] = path->hashes[high - 1];
        path->hashes[high - 1] = swapped;
    }
}

void merkle_prove_inclusion(const hash_t *leaves, uint64_t leaf_count, uint64_t index,
                            struct merkle_path *path)
{
    ASSERT(index < leaf_count);
    path->count = 0;
    /* Ends: each pass leaves a part of fewer leaves. */
    while (leaf_count > 1) {
        const uint64_t split = split_of(leaf_count);
        if (index < split) {
            path_add(path, root_of(leaves + split, leaf_count - split));
            leaf_count = split;
        } else {
            path_add(path, root_of(leaves, split));
            leaves += split;
            index -= split;
            leaf_count -= split;
        }
    }
    path_reverse(path);
}

/* RFC 9162, section 2.1.3.2. */
bool merkle_root_of_path(hash_t leaf, uint64_t index, uint64_t leaf_count,
                         const struct merkle_path *path, hash_t *root)
{
    if (index >= leaf_count || path->count > MERKLE_DEPTH_MAX) return false;
    uint64_t first = index, second = leaf_count - 1;
    hash_t hash = leaf;
    for (uint32_t i = 0; i < path->count; i++) {
        if (second == 0) return false;
        if ((first & 1) != 0 || first == second) {
            hash = merkle_node(path->hashes[i], hash);
            /* A right edge above which nothing hangs: climb to where there is a left sibling. */
            while ((first & 1) == 0 && first != 0) {
                first >>= 1;
                second >>= 1;
            }
        } else {
            hash = merkle_node(hash, path->hashes[i]);
        }
        first >>= 1;
        second >>= 1;
    }
    *root = hash;
    return second == 0;
}

bool merkle_included(hash_t leaf, uint64_t index, uint64_t leaf_count, hash_t root,
                     const struct merkle_path *path)
{
    hash_t led;
    return merkle_root_of_path(leaf, index, leaf_count, path, &led) && hash_equal(led, root);
}

void merkle_prove_consistency(const hash_t *leaves, uint64_t old_count, uint64_t leaf_count,
                              struct merkle_path *path)
{
    ASSERT(old_count > 0 && old_count <= leaf_count);
    path->count = 0;
    bool whole = true; /* the part at hand is the whole old tree so far: its root is known */
    /* Ends: each pass leaves a part of fewer leaves, and old_count stays within it. */
    while (old_count != leaf_count) {
        const uint64_t split = split_of(leaf_count);
        if (old_count <= split) {
            path_add(path, root_of(leaves + split, leaf_count - split));
            leaf_count = split;
        } else {
            path_add(path, root_of(leaves, split));
            leaves += split;
            old_count -= split;
            leaf_count -= split;
            whole = false;
        }
    }
    if (!whole) path_add(path, root_of(leaves, leaf_count));
    path_reverse(path);
}

/* RFC 9162, section 2.1.4.2. */
bool merkle_consistent(uint64_t old_count, hash_t old_root, uint64_t leaf_count, hash_t root,
                       const struct merkle_path *path)
{
    if (old_count == 0 || old_count > leaf_count || path->count > MERKLE_DEPTH_MAX + 1)
        return false;
    if (old_count == leaf_count) return path->count == 0 && hash_equal(old_root, root);

    /* A complete old tree is itself a node of the new one, and the proof leaves it out. */
    const bool complete = (old_count & (old_count - 1)) == 0;
    if (path->count == 0 && !complete) return false;
    uint64_t first = old_count - 1, second = leaf_count - 1;
    while ((first & 1) != 0) {
        first >>= 1;
        second >>= 1;
    }
    uint32_t next = complete ? 0 : 1;
    hash_t old_hash = complete ? old_root : path->hashes[0], new_hash = old_hash;
    for (; next < path->count; next++) {
        if (second == 0) return false;
        if ((first & 1) != 0 || first == second) {
            old_hash = merkle_node(path->hashes[next], old_hash);
            new_hash = merkle_node(path->hashes[next], new_hash);
            while ((first & 1) == 0 && first != 0) {
                first >>= 1;
                second >>= 1;
            }
        } else {
            new_hash = merkle_node(new_hash, path->hashes[next]);
        }
        first >>= 1;
        second >>= 1;
    }
    return second == 0 && hash_equal(old_hash, old_root) && hash_equal(new_hash, root);
}

bool merkle_check(const struct merkle *tree)
{
    ASSERT(tree->peak_count == (uint32_t)__builtin_popcountll(tree->leaf_count));
    return true;
}
