#include "common/fee.h"

#include "tests/harness.h"

#include <stdlib.h>

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

/* One direction, whatever is charged: the payer's fee is the exact one or less than a unit above it, the account's the
 * exact one or less than a unit below, and what is between them is the unit in rounding. A rebate is the exact one or less
 * than a unit below: always in the house's favour. A fee in two parts is never less than in one. */
TEST(fee, rounding_has_one_direction)
{
    const char *given = getenv("QUOREX_SEED");
    uint64_t seed = given == NULL ? 0xfee : strtoull(given, NULL, 0);
    print_message("seed 0x%llx\n", (unsigned long long)seed);
    for (int i = 0; i < 500000; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        const int64_t received = (int64_t)(seed >> 1 >> (seed % 61));
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        const int32_t rate = (int32_t)((seed >> 33) % (FEE_RATE_ONE + 1));
        const struct fee fee = fee_of((amount_t){received}, rate);
        const __int128 exact = (__int128)received * rate;
        const __int128 charged = (__int128)fee.charged.units * FEE_RATE_ONE;
        const __int128 earned = (__int128)fee.earned.units * FEE_RATE_ONE;
        assert_true(charged >= exact && charged < exact + FEE_RATE_ONE);
        assert_true(earned <= exact && earned > exact - FEE_RATE_ONE);
        assert_true(fee.rounding.units == (exact % FEE_RATE_ONE != 0));
        assert_true(fee.earned.units + fee.rounding.units == fee.charged.units);

        const int64_t part = received / 3;
        assert_true(fee_of((amount_t){part}, rate).charged.units +
                        fee_of((amount_t){received - part}, rate).charged.units >=
                    fee.charged.units);
        if (rate == 0) continue;
        const __int128 rebate =
            (__int128)fee_rebate((amount_t){received}, -rate).units * FEE_RATE_ONE;
        assert_true(rebate <= exact && rebate > exact - FEE_RATE_ONE);
    }
}
