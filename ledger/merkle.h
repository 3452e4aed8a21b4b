/* Hash trees as RFC 9162 section 2.1 defines them: leaf 0x00, node 0x01, no duplicated odd leaf.
 *
 * A tree is built one leaf at a time and remembers only the roots of its complete subtrees, largest
 * first, one for each set bit of the leaf count.
 *
 * Owner    the caller; pure
 * Memory   struct merkle is the caller's, about 2 KiB whatever the number of leaves
 * Cost     add: one hash on average, O(log n) at worst; root: O(log n); proofs: O(n) hashes
 *
 * Invariant, asserted by merkle_check:
 *   T1  peak_count is the number of set bits of leaf_count
 */

#ifndef LEDGER_MERKLE_H
#define LEDGER_MERKLE_H

#include "common/hash.h"

#define MERKLE_DEPTH_MAX 64

struct merkle {
    uint64_t leaf_count;
    uint32_t peak_count;
    hash_t peaks[MERKLE_DEPTH_MAX];
};

/* The hashes on the way from a leaf, or an older tree, to a root. */
struct merkle_path {
    uint32_t count;
    hash_t hashes[MERKLE_DEPTH_MAX + 1]; /* a consistency proof has one more than the depth */
};

hash_t merkle_leaf(const void *bytes, size_t byte_count);
hash_t merkle_node(hash_t left, hash_t right);

void merkle_begin(struct merkle *tree);

/* Appends a leaf, given as merkle_leaf's hash. */
void merkle_add(struct merkle *tree, hash_t leaf);

/* Appends `count` leaves in order, two hashes at a time; they are overwritten. */
void merkle_add_all(struct merkle *tree, hash_t *leaves, uint64_t count);

/* Root of the leaves so far; of none, SHA-256 of nothing. */
hash_t merkle_root(const struct merkle *tree);

/* Proof that leaf `index` is in the tree of `leaf_count` leaves. Needs: index < leaf_count. */
void merkle_prove_inclusion(const hash_t *leaves, uint64_t leaf_count, uint64_t index,
                            struct merkle_path *path);

/* Whether `path` leads from `leaf` at `index` to `root` of `leaf_count` leaves. */
MUST_CHECK bool merkle_included(hash_t leaf, uint64_t index, uint64_t leaf_count, hash_t root,
                                const struct merkle_path *path);

/* The root that `path` leads to from `leaf` at `index` of `leaf_count` leaves. False: it is no path of that tree. */
MUST_CHECK bool merkle_root_of_path(hash_t leaf, uint64_t index, uint64_t leaf_count,
                                    const struct merkle_path *path, hash_t *root);

/* Proof that the tree of the first `old_count` leaves grew into that of `leaf_count`.
 * Needs: 0 < old_count <= leaf_count. */
void merkle_prove_consistency(const hash_t *leaves, uint64_t old_count, uint64_t leaf_count,
                              struct merkle_path *path);

/* Whether `path` shows that the tree with `root` begins with the whole tree with `old_root`. */
MUST_CHECK bool merkle_consistent(uint64_t old_count, hash_t old_root, uint64_t leaf_count,
                                  hash_t root, const struct merkle_path *path);

/* Asserts T1. */
bool merkle_check(const struct merkle *tree);

#endif /* LEDGER_MERKLE_H */
