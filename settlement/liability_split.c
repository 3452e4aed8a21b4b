#include "settlement/liability_split.h"

#include "common/le.h"
#include "settlement/account_tree.h"
#include "settlement/liability_leaf.h"

#define STEP_BITS_MIN 4

static_assert(crypto_shorthash_KEYBYTES <= HASH_BYTES, "a derived hash holds a round's key");

hash_t liability_split_secret(const struct account_tree *tree, uint64_t height)
{
    uint8_t bytes[8];
    le_put_u64(bytes, height);
    return account_tree_derive(tree, "quorex/liabilities/1", bytes, sizeof(bytes));
}

static hash_t derive(const hash_t *secret, const char *domain, uint16_t asset, uint32_t number)
{
    uint8_t bytes[6];
    le_put_u32(le_put_u16(bytes, asset), number);
    return hash_derive(secret->bytes, domain, bytes, sizeof(bytes));
}

/* Cut at places that are as likely everywhere: a part may be nothing, and says little of the whole. What is available
 * and held together may be more than one amount can be; that is two parts. */
void liability_split_parts(const hash_t *secret, uint16_t asset, uint32_t account, uint64_t amount,
                           struct liability_parts *parts)
{
    ASSERT(amount > 0 && amount <= (uint64_t)INT64_MAX * 2);
    if (amount > INT64_MAX) {
        *parts = (struct liability_parts){2, {INT64_MAX, amount - INT64_MAX}};
        return;
    }
    const hash_t drawn = derive(secret, "quorex/liability/split/1", asset, account);
    uint64_t from = 0;
    uint64_t cuts[LIABILITIES_PARTS_MAX];
    parts->count = (uint16_t)(1 + le_get_u64(drawn.bytes) % LIABILITIES_PARTS_MAX);
    cuts[0] = le_get_u64(drawn.bytes + 8) % (amount + 1);
    cuts[1] = le_get_u64(drawn.bytes + 16) % (amount + 1);
    if (parts->count == 3 && cuts[0] > cuts[1]) {
        const uint64_t larger = cuts[0];
        cuts[0] = cuts[1];
        cuts[1] = larger;
    }
    cuts[parts->count - 1] = amount;
    for (uint16_t part = 0; part < parts->count; part++) {
        parts->amounts[part] = cuts[part] - from;
        from = cuts[part];
    }
}

hash_t liability_split_nonce(const hash_t *secret, uint16_t asset, uint32_t ordinal)
{
    return derive(secret, "quorex/liability/nonce/1", asset, ordinal);
}

hash_t liability_split_nobody(const hash_t *secret, uint16_t asset, uint32_t ordinal)
{
    static const uint8_t no_key[PUBLIC_KEY_BYTES];
    const hash_t nonce = liability_split_nonce(secret, asset, ordinal);
    return liability_leaf_commitment(&nonce, no_key, asset, 0, 0);
}

uint64_t liability_split_leaf_count(uint64_t part_count)
{
    uint32_t step_bits = STEP_BITS_MIN;
    while (part_count >> step_bits >= 16)
        step_bits++;
    const uint64_t step = (uint64_t)1 << step_bits;
    return part_count == 0 ? step : (part_count + step - 1) / step * step;
}

void liability_split_order(const hash_t *secret, uint16_t asset, uint64_t leaf_count,
                           struct liability_order *order)
{
    uint32_t bits = 0;
    ASSERT(leaf_count > 1 && leaf_count <= LIABILITIES_LEAVES_MAX);
    while ((uint64_t)1 << bits < leaf_count)
        bits++;
    order->leaf_count = leaf_count;
    order->right_bits = bits / 2;
    order->left_bits = bits - bits / 2;
    for (uint32_t round = 0; round < LIABILITY_SPLIT_ROUNDS; round++) {
        const hash_t key = derive(secret, "quorex/liability/order/1", asset, round);
        memcpy(order->keys[round], key.bytes, crypto_shorthash_KEYBYTES);
    }
}

static uint32_t round_of(const struct liability_order *order, uint32_t round, uint32_t half,
                         uint32_t bits)
{
    uint8_t in[4], out[crypto_shorthash_BYTES];
    le_put_u32(in, half);
    crypto_shorthash(out, in, sizeof(in), order->keys[round]);
    return le_get_u32(out) & ((1u << bits) - 1);
}

/* A Feistel network as in account_tree.c, over the bits that the last place needs. */
static uint32_t permuted(const struct liability_order *order, uint32_t number)
{
    uint32_t left = number >> order->right_bits, right = number & ((1u << order->right_bits) - 1);
    for (uint32_t round = 0; round < LIABILITY_SPLIT_ROUNDS; round += 2) {
        left ^= round_of(order, round, right, order->left_bits);
        right ^= round_of(order, round + 1, left, order->right_bits);
    }
    return left << order->right_bits | right;
}

static uint32_t unpermuted(const struct liability_order *order, uint32_t number)
{
    uint32_t left = number >> order->right_bits, right = number & ((1u << order->right_bits) - 1);
    for (uint32_t round = LIABILITY_SPLIT_ROUNDS; round > 0; round -= 2) {
        right ^= round_of(order, round - 1, left, order->right_bits);
        left ^= round_of(order, round - 2, right, order->left_bits);
    }
    return left << order->right_bits | right;
}

/* What falls outside of the tree is permuted again. Ends: the way from a number inside is a cycle through it. */
uint32_t liability_split_place(const struct liability_order *order, uint32_t ordinal)
{
    ASSERT(ordinal < order->leaf_count);
    do
        ordinal = permuted(order, ordinal);
    while (ordinal >= order->leaf_count);
    return ordinal;
}

uint32_t liability_split_ordinal(const struct liability_order *order, uint32_t place)
{
    ASSERT(place < order->leaf_count);
    do
        place = unpermuted(order, place);
    while (place >= order->leaf_count);
    return place;
}
