#include "gateway/quota.h"

#include "tests/harness.h"

static struct quota quota;

static void open_quota(void)
{
    static uint8_t memory[1 << 19] __attribute__((aligned(64)));
    struct arena arena;
    memset(memory, 0, sizeof(memory));
    arena_init(&arena, memory, sizeof(memory));
    assert_true(quota_init(&quota, &arena));
}

/* Windows begin at :00 of every minute, and each address has its own. */
TEST(quota, weight_is_counted_per_address_and_minute)
{
    open_quota();
    assert_int_equal(quota_charge(&quota, 7, 20, QUOTA_MINUTE_NS), 20);
    assert_int_equal(quota_charge(&quota, 8, 1, QUOTA_MINUTE_NS), 1);
    assert_int_equal(quota_charge(&quota, 7, 5, 2 * QUOTA_MINUTE_NS - 1), 25);
    assert_int_equal(quota_charge(&quota, 7, 5, 2 * QUOTA_MINUTE_NS), 5);
}

TEST(quota, retry_after_is_the_rest_of_the_minute)
{
    assert_int_equal(quota_retry_after(QUOTA_MINUTE_NS), 60);
    assert_int_equal(quota_retry_after(QUOTA_MINUTE_NS + 59999999999u), 1);
}

/* More addresses than places: the heaviest stay known, so that a flood of others frees nobody. */
TEST(quota, heavy_address_outlives_a_flood_of_light_ones)
{
    open_quota();
    assert_int_equal(quota_charge(&quota, 1, 6000, QUOTA_MINUTE_NS), 6000);
    for (uint64_t address = 2; address < 400000; address++)
        assert_true(quota_charge(&quota, address, 1, QUOTA_MINUTE_NS) >= 1);
    assert_int_equal(quota_charge(&quota, 1, 1, QUOTA_MINUTE_NS), 6001);
}
