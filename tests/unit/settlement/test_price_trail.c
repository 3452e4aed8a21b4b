#include "settlement/price_trail.h"

#include "tests/harness.h"

/* Every question about a past trade has the answer of a plain search through all prices since. */
TEST(price_trail, agrees_with_a_plain_search)
{
    enum { TRADES = 900 };
    static struct price_trail trail;
    static int64_t prices[TRADES + 1];
    uint64_t seed = 0x7a11;
    print_message("seed 0x%llx\n", (unsigned long long)seed);
    for (uint64_t trade = 1; trade <= TRADES; trade++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        prices[trade] = 1000 + (int64_t)(seed >> 33) % 200;
        price_trail_add(&trail, trade, (price_t){prices[trade]});
        for (uint64_t from = 1; from <= trade; from += 1 + (seed >> 50) % 9) {
            int64_t high = 0, low = INT64_MAX;
            for (uint64_t at = from; at <= trade; at++) {
                if (prices[at] > high) high = prices[at];
                if (prices[at] < low) low = prices[at];
            }
            assert_int_equal(price_trail_high(&trail, from).ticks, high);
            assert_int_equal(price_trail_low(&trail, from).ticks, low);
        }
    }
    assert_int_equal(price_trail_high(&trail, TRADES + 1).ticks, 0);
    price_trail_forget(&trail);
    assert_int_equal(price_trail_low(&trail, 1).ticks, 0);
}

/* A market that only falls: more marks than there is room for. What is thinned out answers with a price
 * that is too far out, never one that is too near, and the newest stay exact. */
TEST(price_trail, full_trail_errs_outwards)
{
    enum { TRADES = 10 * PRICE_TRAIL_MAX };
    static struct price_trail trail;
    for (uint64_t trade = 1; trade <= TRADES; trade++)
        price_trail_add(&trail, trade, (price_t){2 * TRADES - (int64_t)trade});
    assert_true(trail.high_count <= PRICE_TRAIL_MAX);
    for (uint64_t from = 1; from <= TRADES; from++) {
        const int64_t exact = 2 * TRADES - (int64_t)from;
        const int64_t high = price_trail_high(&trail, from).ticks;
        assert_true(high >= exact && high < 2 * TRADES);
        assert_int_equal(price_trail_low(&trail, from).ticks, TRADES);
        if (from > TRADES - 256) assert_int_equal(high, exact);
    }
}
