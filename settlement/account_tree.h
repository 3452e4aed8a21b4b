/* The tree over all accounts whose root is a header's state_root.
 *
 * Dense over a fixed domain, accounts_max rounded up to a power of two. An account's place is a keyed
 * permutation of its number, so that neighbours in a proof say nothing about who they are. RFC 9162
 * hashing: a leaf is SHA-256 of
 *
 *     0x00 | salt (32) | owner's public key (32) | count u16 | per asset with a balance, by rising
 *     index: asset u16, available i64, held i64
 *
 * and a place without an account has SHA-256 of the single byte 0x00. The salt is derived from the
 * tree secret, the account and the height of its last change: a leaf is fresh whenever it changes.
 *
 * Owner    the thread of the settlement it belongs to
 * Memory   the caller's arena: 68 bytes a place, touched as accounts come
 * Cost     set O(1); root O(changed leaves x log places)
 *
 * What changed is kept by subtree, of which there are up to sixteen: each can be hashed on a thread of its own, up to
 * where its nodes' marks would share a word with the next one's. The rest, a thousand nodes at most, follows in one.
 */

#ifndef SETTLEMENT_ACCOUNT_TREE_H
#define SETTLEMENT_ACCOUNT_TREE_H

#include "common/hash.h"
#include "common/money.h"

struct arena;
struct account_tree;
struct image_move;
struct sharing;

#define ACCOUNT_TREE_DEPTH_MAX  24
#define ACCOUNT_LEAF_ASSETS_MAX 64

struct account_leaf_balance {
    uint16_t asset;
    amount_t available;
    amount_t held;
};

struct account_leaf {
    hash_t salt;
    const uint8_t *public_key;
    uint16_t count;
    struct account_leaf_balance balances[ACCOUNT_LEAF_ASSETS_MAX];
};

size_t account_tree_bytes(uint32_t accounts_max);
MUST_CHECK struct account_tree *account_tree_new(struct arena *arena, uint32_t accounts_max,
                                                 const uint8_t tree_secret[HASH_BYTES]);

/* Levels between a leaf and the root. */
uint32_t account_tree_depth(const struct account_tree *tree);

/* Where the account's leaf is. Needs: account >= 1 and in the domain. */
uint32_t account_tree_position(const struct account_tree *tree, uint32_t account);

/* The same, remembered for the next time. */
uint32_t account_tree_place(struct account_tree *tree, uint32_t account);

/* Asks for the memory of an account's place; then, when that is there, of its leaf, and returns the place, UINT32_MAX
 * when nobody has asked for it yet (expect.h).
 * Needs: 1 <= account <= accounts_max. */
void account_tree_expect_place(const struct account_tree *tree, uint32_t account);
uint32_t account_tree_expect_leaf(const struct account_tree *tree, uint32_t account);

hash_t account_tree_salt(const struct account_tree *tree, uint32_t account, uint64_t height);

/* Another secret that follows from the tree's (hash_derive). Any thread. */
hash_t account_tree_derive(const struct account_tree *tree, const char *domain, const void *bytes,
                           size_t byte_count);
hash_t account_tree_leaf_hash(const struct account_leaf *leaf);

/* The same of two: little more than one takes. */
void account_tree_leaf_hash_two(const struct account_leaf *const leaves[2], hash_t hashes[2]);

hash_t account_tree_node_hash(const hash_t *left, const hash_t *right);

/* Replaces the account's leaf; the root follows at the next account_tree_root. */
void account_tree_set(struct account_tree *tree, uint32_t account, hash_t leaf);

/* The halves of account_tree_set: the leaf of any account may be put while another thread puts another's, then each is
 * said to have changed. */
void account_tree_put(struct account_tree *tree, uint32_t account, hash_t leaf);
void account_tree_changed(struct account_tree *tree, uint32_t account);

/* Hashes what changed and returns the root. */
hash_t account_tree_root(struct account_tree *tree);

/* The same, its subtrees side by side (sharing.h). NULL: one after the other. */
hash_t account_tree_root_shared(struct account_tree *tree, const struct sharing *sharing);

/* The siblings from the account's leaf up, account_tree_depth of them.
 * Needs: account_tree_root was called after the last set. */
void account_tree_path(const struct account_tree *tree, uint32_t account, hash_t *siblings);

/* Whether the account's leaf is `leaf`, and the nodes above it follow from their children, as far up as no other
 * account stands for them: those of all accounts together are the whole tree. *found: the hash that is wrong.
 * Needs: account_tree_root was called after the last set. */
MUST_CHECK bool account_tree_holds(const struct account_tree *tree, uint32_t account, hash_t leaf,
                                   hash_t *found);

/* The nodes `level` levels above the leaves, from left to right; of all zeros: the subtree is empty. All
 * nodes may be read by other threads, by words (word.h).
 * Needs: for other levels, account_tree_root was called after the last set. */
const hash_t *account_tree_level(const struct account_tree *tree, uint32_t level);

/* Hashes `count` nodes of `level`, a power of two, up to one, in their place, and gives the siblings on the way of the
 * one at `index`, from there up. As in the tree, nodes of all zeros are empty subtrees. */
void account_tree_fold(const struct account_tree *tree, hash_t *nodes, uint32_t count,
                       uint32_t index, uint32_t level, hash_t *siblings);

/* The tree in an image of its memory (image.h); NULL when the arena is too small. */
MUST_CHECK struct account_tree *account_tree_image(struct arena *arena,
                                                   const struct account_tree *tree,
                                                   const struct image_move *move);

#endif /* SETTLEMENT_ACCOUNT_TREE_H */
