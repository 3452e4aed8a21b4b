/* How balances become the leaves of an asset's tree: split, padded and shuffled, by keys that only the nodes know.
 *
 * An account's total is cut into 1 to LIABILITIES_PARTS_MAX parts. All parts of an asset, in the order of accounts, and
 * then leaves of nobody up to a coarse number, are its ordinals; a keyed permutation gives each its place. Everything
 * follows from keys of the height and the asset, which follow from the tree secret: all nodes make the same leaves, and
 * those of one height cannot be told apart by those of another. Cuts and places are drawn by SipHash, each with a key of its
 * own; a nonce is SHA-256 of a key and the ordinal, all of one length.
 *
 * Owner    the caller; pure
 * Cost     some 100 ns each; keys: ten keyed hashes
 */

#ifndef SETTLEMENT_LIABILITY_SPLIT_H
#define SETTLEMENT_LIABILITY_SPLIT_H

#include "common/liabilities.h"

#define LIABILITY_SPLIT_ROUNDS 8

struct account_tree;

/* What one asset's leaves at one height follow from. */
struct liability_keys {
    uint16_t asset;
    uint8_t split[crypto_shorthash_KEYBYTES];
    hash_t nonce;
    uint8_t order[LIABILITY_SPLIT_ROUNDS][crypto_shorthash_KEYBYTES];
};

struct liability_parts {
    uint16_t count;
    uint64_t amounts[LIABILITIES_PARTS_MAX];
};

/* Which ordinal is at which place, in one asset's tree. */
struct liability_order {
    const struct liability_keys *keys;
    uint64_t leaf_count;
    uint32_t left_bits, right_bits;
};

/* From the tree secret. */
void liability_split_keys(const struct account_tree *tree, uint64_t height, uint16_t asset,
                          struct liability_keys *keys);

/* The parts of what the account has: they add up to it. Needs: 0 < amount <= 2 x INT64_MAX. */
void liability_split_parts(const struct liability_keys *keys, uint32_t account, uint64_t amount,
                           struct liability_parts *parts);

/* What a commitment is blinded with. */
hash_t liability_split_nonce(const struct liability_keys *keys, uint32_t ordinal);

/* The commitment of a leaf of nobody: looks like any other, and nobody can open it. */
hash_t liability_split_nobody(const struct liability_keys *keys, uint32_t ordinal);

/* How many leaves an asset has with so many parts: the next multiple of a step that is 1/16 to 1/8 of it, 16 at least. */
uint64_t liability_split_leaf_count(uint64_t part_count);

/* The keys stay while it is used. Needs: 1 < leaf_count <= LIABILITIES_LEAVES_MAX. */
void liability_split_order(const struct liability_keys *keys, uint64_t leaf_count,
                           struct liability_order *order);
uint32_t liability_split_place(const struct liability_order *order, uint32_t ordinal);
uint32_t liability_split_ordinal(const struct liability_order *order, uint32_t place);

#endif /* SETTLEMENT_LIABILITY_SPLIT_H */
