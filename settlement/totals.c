#include "settlement/totals.h"

#include "common/le.h"

bool totals_conserved(const struct totals *totals)
{
    return totals->users + totals->fees + totals->rounding + totals->in_flight + totals->house ==
           totals->external;
}

static uint8_t *put_i128(uint8_t *at, __int128 value)
{
    at = le_put_u64(at, (uint64_t)value);
    return le_put_u64(at, (uint64_t)((unsigned __int128)value >> 64));
}

static hash_t leaf_hash(const struct totals *totals, uint16_t asset, bool has_house)
{
    uint8_t bytes[TOTALS_LEAF_BYTES];
    uint8_t *at = le_put_u8(bytes, 0x00);
    at = le_put_u16(at, asset);
    at = put_i128(at, totals->users);
    at = put_i128(at, totals->fees);
    at = put_i128(at, totals->rounding);
    at = put_i128(at, totals->in_flight);
    at = put_i128(at, totals->external);
    ASSERT(has_house || totals->house == 0);
    if (has_house) at = put_i128(at, totals->house);
    ASSERT(at - bytes == (has_house ? TOTALS_LEAF_BYTES : TOTALS_LEAF_BYTES_OLD));
    return hash_of(bytes, (size_t)(at - bytes));
}

/* Left subtree: the largest power of two below `count` leaves. Depth is log2 of the assets. */
static hash_t subtree_root(const struct totals *totals, uint16_t first, uint16_t count,
                           bool has_house)
{
    if (count == 1) return leaf_hash(&totals[first], first, has_house);

    uint16_t left_count = 1;
    while (left_count * 2 < count)
        left_count = (uint16_t)(left_count * 2);
    const hash_t left = subtree_root(totals, first, left_count, has_house);
    const hash_t right = subtree_root(totals, (uint16_t)(first + left_count),
                                      (uint16_t)(count - left_count), has_house);

    uint8_t bytes[1 + 2 * HASH_BYTES];
    uint8_t *at = le_put_u8(bytes, 0x01);
    at = le_put_bytes(at, left.bytes, HASH_BYTES);
    le_put_bytes(at, right.bytes, HASH_BYTES);
    return hash_of(bytes, sizeof(bytes));
}

hash_t totals_root(const struct totals *totals, uint16_t count, bool has_house)
{
    if (count == 0) return hash_of("", 0);
    return subtree_root(totals, 0, count, has_house);
}
