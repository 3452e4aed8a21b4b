#include "common/fee.h"

#include "tests/harness.h"

static void expect_fee(int64_t received, int32_t rate_ppm, int64_t charged, int64_t earned)
{
    const struct fee fee = fee_of((amount_t){received}, rate_ppm);
    assert_true(fee.charged.units == charged);
    assert_true(fee.earned.units == earned);
    assert_true(fee.rounding.units == charged - earned);
}

/* The house rounds up, the fees account gets the whole units, and the rest has an account. */
TEST(fee, a_fee_is_rounded_up_for_the_payer_and_down_for_the_account)
{
    expect_fee(1000000, 1000, 1000, 1000);
    expect_fee(1000001, 1000, 1001, 1000);
    expect_fee(999999, 1000, 1000, 999);
    expect_fee(1, 1000, 1, 0);
    expect_fee(0, 1000, 0, 0);
}

TEST(fee, no_rate_is_no_fee)
{
    expect_fee(INT64_MAX, 0, 0, 0);
}

TEST(fee, the_largest_amount_at_the_largest_rate_does_not_overflow)
{
    expect_fee(INT64_MAX, FEE_RATE_ONE, INT64_MAX, INT64_MAX);
    expect_fee(INT64_MAX, FEE_RATE_ONE - 1, 9223362813482738953, 9223362813482738952);
}

TEST(fee, a_fee_is_never_more_than_what_was_received)
{
    for (int64_t received = 0; received < 2000; received++) {
        for (int32_t rate = 0; rate <= FEE_RATE_ONE; rate += 33333) {
            const struct fee fee = fee_of((amount_t){received}, rate);
            assert_true(fee.charged.units <= received);
            assert_true(fee.rounding.units == 0 || fee.rounding.units == 1);
            assert_true(fee.earned.units + fee.rounding.units == fee.charged.units);
            /* charged >= exact > charged - 1 */
            assert_true(fee.charged.units * FEE_RATE_ONE >= received * rate);
            assert_true((fee.charged.units - 1) * FEE_RATE_ONE < received * rate);
        }
    }
}
