#include "settlement/liability_split.h"

#include "common/le.h"
#include "settlement/account_tree.h"
#include "settlement/liability_leaf.h"

#define STEP_BITS_MIN 4

static_assert(crypto_shorthash_KEYBYTES <= HASH_BYTES, "a derived hash holds a key");

static hash_t derive(const hash_t *secret, const char *domain, uint16_t asset, uint8_t number)
{
    uint8_t bytes[3];
    le_put_u8(le_put_u16(bytes, asset), number);
    return hash_derive(secret->bytes, domain, bytes, sizeof(bytes));
}

void liability_split_keys(const struct account_tree *tree, uint64_t height, uint16_t asset,
                          struct liability_keys *keys)
{
    uint8_t bytes[8];
    le_put_u64(bytes, height);
    hash_t secret = account_tree_derive(tree, "quorex/liabilities/1", bytes, sizeof(bytes));
    const hash_t split = derive(&secret, "quorex/liability/split/1", asset, 0);
    keys->asset = asset;
    keys->nonce = derive(&secret, "quorex/liability/nonce/1", asset, 0);
    memcpy(keys->split, split.bytes, sizeof(keys->split));
    for (uint8_t round = 0; round < LIABILITY_SPLIT_ROUNDS; round++) {
        const hash_t key = derive(&secret, "quorex/liability/order/1", asset, round);
        memcpy(keys->order[round], key.bytes, sizeof(keys->order[round]));
    }
    sodium_memzero(&secret, sizeof(secret));
}

static uint64_t draw(const struct liability_keys *keys, uint32_t account, uint32_t number)
{
    uint8_t in[8], out[crypto_shorthash_BYTES];
    le_put_u32(le_put_u32(in, account), number);
    crypto_shorthash(out, in, sizeof(in), keys->split);
    return le_get_u64(out);
}

/* Cut at places that are as likely everywhere: a part may be nothing, and says little of the whole. What is available
 * and held together may be more than one amount can be; that is two parts. */
void liability_split_parts(const struct liability_keys *keys, uint32_t account, uint64_t amount,
                           struct liability_parts *parts)
{
    ASSERT(amount > 0 && amount <= (uint64_t)INT64_MAX * 2);
    if (amount > INT64_MAX) {
        *parts = (struct liability_parts){2, {INT64_MAX, amount - INT64_MAX}};
        return;
    }
    uint64_t from = 0, cuts[LIABILITIES_PARTS_MAX] = {0};
    parts->count = (uint16_t)(1 + draw(keys, account, 0) % LIABILITIES_PARTS_MAX);
    for (uint16_t cut = 1; cut < parts->count; cut++)
        cuts[cut - 1] = draw(keys, account, cut) % (amount + 1);
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

hash_t liability_split_nonce(const struct liability_keys *keys, uint32_t ordinal)
{
    uint8_t bytes[HASH_BYTES + 4];
    le_put_u32(le_put_bytes(bytes, keys->nonce.bytes, HASH_BYTES), ordinal);
    return hash_of(bytes, sizeof(bytes));
}

hash_t liability_split_nobody(const struct liability_keys *keys, uint32_t ordinal)
{
    static const uint8_t no_key[PUBLIC_KEY_BYTES];
    const hash_t nonce = liability_split_nonce(keys, ordinal);
    return liability_leaf_commitment(&nonce, no_key, keys->asset, 0, 0);
}

uint64_t liability_split_leaf_count(uint64_t part_count)
{
    uint32_t step_bits = STEP_BITS_MIN;
    while (part_count >> step_bits >= 16)
        step_bits++;
    const uint64_t step = (uint64_t)1 << step_bits;
    return part_count == 0 ? step : (part_count + step - 1) / step * step;
}

void liability_split_order(const struct liability_keys *keys, uint64_t leaf_count,
                           struct liability_order *order)
{
    uint32_t bits = 0;
    ASSERT(leaf_count > 1 && leaf_count <= LIABILITIES_LEAVES_MAX);
    while ((uint64_t)1 << bits < leaf_count)
        bits++;
    *order = (struct liability_order){.keys = keys,
                                      .leaf_count = leaf_count,
                                      .left_bits = bits - bits / 2,
                                      .right_bits = bits / 2};
}

static uint32_t round_of(const struct liability_order *order, uint32_t round, uint32_t half,
                         uint32_t bits)
{
    uint8_t in[4], out[crypto_shorthash_BYTES];
    le_put_u32(in, half);
    crypto_shorthash(out, in, sizeof(in), order->keys->order[round]);
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
