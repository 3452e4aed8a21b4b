#include "common/interval.h"
#include "tests/harness.h"

#define SECOND_NS 1000000000ull
#define DAY_NS    (86400 * SECOND_NS)

/* Every name is read back as its interval, and nothing else is a name. */
TEST(interval, names_are_read_back)
{
    enum interval interval;
    for (int i = 0; i < INTERVAL_COUNT; i++) {
        const char *name = interval_name((enum interval)i);
        assert_true(interval_parse(name, strlen(name), &interval));
        assert_int_equal(interval, i);
    }
    assert_false(interval_parse("2m", 2, &interval));
    assert_false(interval_parse("1", 1, &interval));
    assert_false(interval_parse("1H", 2, &interval));
    assert_false(interval_parse("", 0, &interval));
}

/* 17 August 2017, a Thursday: its week opened on Monday the 14th, its month on the 1st. */
TEST(interval, week_opens_on_monday_and_month_on_the_first)
{
    const uint64_t stamp = 1502942400ull * SECOND_NS; /* 04:00 UTC */
    assert_int_equal(interval_open_ns(INTERVAL_1D, stamp), 1502928000ull * SECOND_NS);
    assert_int_equal(interval_open_ns(INTERVAL_1W, stamp), 1502668800ull * SECOND_NS);
    assert_int_equal(interval_open_ns(INTERVAL_MONTH, stamp), 1501545600ull * SECOND_NS);
    assert_int_equal(interval_open_ns(INTERVAL_4H, stamp), stamp);
    assert_int_equal(interval_open_ns(INTERVAL_4H, stamp - 1), stamp - 4 * 3600 * SECOND_NS);
}

/* Leap years: February 2024 has 29 days, February 2100 has 28. */
TEST(interval, months_have_their_own_length)
{
    const uint64_t february_2024 = 1706745600ull * SECOND_NS;
    assert_int_equal(interval_next_ns(INTERVAL_MONTH, february_2024), february_2024 + 29 * DAY_NS);
    const uint64_t february_2100 = 4105123200ull * SECOND_NS;
    assert_int_equal(interval_next_ns(INTERVAL_MONTH, february_2100), february_2100 + 28 * DAY_NS);
    const uint64_t december_2023 = 1701388800ull * SECOND_NS;
    assert_int_equal(interval_next_ns(INTERVAL_MONTH, december_2023), 1704067200ull * SECOND_NS);
}

/* An instant lies in exactly one candle: at or after its opening, before the next one's. Walks 150
 * years in odd steps. */
TEST(interval, candles_tile_time)
{
    for (uint64_t stamp = 0; stamp < 54750 * DAY_NS; stamp += 7 * DAY_NS + 12345678901ull) {
        for (int i = 0; i < INTERVAL_COUNT; i++) {
            const enum interval interval = (enum interval)i;
            const uint64_t open = interval_open_ns(interval, stamp);
            const uint64_t next = interval_next_ns(interval, open);
            assert_true(open <= stamp && stamp < next);
            assert_true(interval_open_ns(interval, next) == next);
            assert_true(interval == INTERVAL_1W || interval_open_ns(interval, next - 1) == open);
        }
    }
}
