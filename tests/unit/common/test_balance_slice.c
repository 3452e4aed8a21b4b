#include "common/balance_slice.h"

#include "common/le.h"
#include "tests/harness.h"

/* Two accounts of two assets, accounts 5 and 6 of 9. */
static size_t example(uint8_t bytes[256])
{
    const struct balance_slice slice = {
        .height = 7, .wanted = 3, .first = 5, .count = 2, .total = 9, .asset_count = 2};
    uint8_t *at = balance_slice_put(bytes, &slice);
    for (int64_t value = 100; value < 110; value++)
        at = le_put_i64(at, value);
    return (size_t)(at - bytes);
}

TEST(balance_slice, what_was_put_is_read)
{
    uint8_t bytes[256];
    struct balance_slice slice;
    const size_t byte_count = example(bytes);
    assert_int_equal(byte_count, balance_slice_bytes(2, 2));
    assert_true(balance_slice_get(bytes, byte_count, &slice));
    assert_int_equal(slice.height, 7);
    assert_int_equal(slice.wanted, 3);
    assert_int_equal(slice.first, 5);
    assert_int_equal(slice.total, 9);
    assert_int_equal(balance_slice_total(&slice, 0).units, 100);
    assert_int_equal(balance_slice_total(&slice, 1).units, 101);
    assert_int_equal(balance_slice_pair(&slice, 0, 0).available.units, 102);
    assert_int_equal(balance_slice_pair(&slice, 0, 1).held.units, 105);
    assert_int_equal(balance_slice_pair(&slice, 1, 1).held.units, 109);
    assert_false(balance_slice_ends(&slice));
}

/* A byte more or less, accounts beyond the last, none although there are some: not a slice. */
TEST(balance_slice, only_whole_slices_are_read)
{
    uint8_t bytes[256];
    struct balance_slice slice;
    const size_t byte_count = example(bytes);
    assert_false(balance_slice_get(bytes, byte_count - 1, &slice));
    assert_false(balance_slice_get(bytes, byte_count + 1, &slice));
    assert_false(balance_slice_get(bytes, BALANCE_SLICE_HEADER - 1, &slice));
    le_put_u32(bytes + 24, 6);
    assert_true(balance_slice_get(bytes, byte_count, &slice));
    assert_true(balance_slice_ends(&slice));
    le_put_u32(bytes + 24, 5);
    assert_false(balance_slice_get(bytes, byte_count, &slice));
    le_put_u32(bytes + 16, 0);
    assert_false(balance_slice_get(bytes, byte_count, &slice));
    le_put_u32(bytes + 16, UINT32_MAX);
    assert_false(balance_slice_get(bytes, byte_count, &slice));
    (void)example(bytes);
    le_put_u16(bytes + 30, 1);
    assert_false(balance_slice_get(bytes, byte_count, &slice));
    (void)example(bytes);
    le_put_u32(bytes + 20, 0);
    assert_false(balance_slice_get(bytes, balance_slice_bytes(0, 2), &slice));
    le_put_u32(bytes + 16, 1);
    le_put_u32(bytes + 24, 0);
    assert_true(balance_slice_get(bytes, balance_slice_bytes(0, 2), &slice));
    assert_true(balance_slice_ends(&slice));
}
