/* The leaves and nodes of an asset's sum tree: what they bind, and how they are hashed.
 *
 *     commitment  SHA-256("quorex/liability/1" | nonce 32 | owner's public key 32 | asset u16 | part u16 | parts u16)
 *     leaf        SHA-256(00 | asset u16 | amount u64 | commitment)             sum: the amount
 *     node        SHA-256(01 | sum left u128 | hash left | sum right u128 | hash right)      sum: left + right
 *
 * A commitment opens to one key only: two holders cannot be shown one leaf. Both sums are hashed, each beside its
 * hash: a node cannot be shown with other sums that have the same total. RFC 9162's shape: no odd leaf is repeated.
 *
 * Owner    the caller; pure
 * Limits   amounts below 2^63, LIABILITIES_LEAVES_MAX leaves: sums are far below 2^128
 * Cost     a leaf: one hash; add: one more on average
 *
 * Invariant, asserted by liability_leaf_tree_check:
 *   L1  peak_count is the number of set bits of leaf_count
 */

#ifndef SETTLEMENT_LIABILITY_LEAF_H
#define SETTLEMENT_LIABILITY_LEAF_H

#include "common/liabilities.h"

/* A tree that leaves are added to one by one: the roots of its complete subtrees, the largest first. */
struct liability_tree {
    uint64_t leaf_count;
    uint32_t peak_count;
    struct liabilities_node peaks[LIABILITIES_PATH_MAX];
};

hash_t liability_leaf_commitment(const hash_t *nonce, const uint8_t public_key[PUBLIC_KEY_BYTES],
                                 uint16_t asset, uint16_t part, uint16_t parts);

/* Needs: amount <= INT64_MAX. */
struct liabilities_node liability_leaf_node(uint16_t asset, uint64_t amount,
                                            const hash_t *commitment);

/* Needs: both sums are of leaves, or not above the asset's. */
struct liabilities_node liability_leaf_join(const struct liabilities_node *left,
                                            const struct liabilities_node *right);

void liability_leaf_tree_begin(struct liability_tree *tree);
void liability_leaf_tree_add(struct liability_tree *tree, const struct liabilities_node *node);

/* Of the leaves so far. Needs: there are some. */
struct liabilities_node liability_leaf_tree_root(const struct liability_tree *tree);

/* Asserts L1. */
bool liability_leaf_tree_check(const struct liability_tree *tree);

/* Replaces `count` nodes of one level by their root, nodes[0], and writes the siblings on the way of the one at
 * `index`; returns how many. Needs: index < count. */
uint32_t liability_leaf_path(struct liabilities_node *nodes, uint32_t count, uint32_t index,
                             struct liabilities_node *path);

/* The same for several parts at once: a node is of `below` leaves, and the siblings come behind those that the parts
 * have already. Needs: position / below < count. */
void liability_leaf_rise(struct liabilities_node *nodes, uint32_t count, uint64_t below,
                         struct liabilities_part *parts, uint32_t part_count);

/* What is wrong with the way of `part`, whose leaf is `leaf`, to its asset's root; NULL: nothing. */
const char *liability_leaf_fault(const struct liabilities_part *part, struct liabilities_node leaf,
                                 const struct liabilities_row *row);

#endif /* SETTLEMENT_LIABILITY_LEAF_H */
