#include "ledger/peer_clock.h"

#include "tests/harness.h"

#define MS INT64_C(1000000)

/* The way to and fro does not count as difference; half of it is taken for the way back. */
TEST(peer_clock, the_way_is_not_the_difference)
{
    struct peer_clock clock = {0};
    assert_false(peer_clock_known(&clock, 1000 * (uint64_t)MS));
    /* Ours left at 1000 ms and was held 5 ms; the answer is here at 1025 ms, its clock said 70,010 ms when it left,
     * 10 ms ago; ours says 70,020 now: equal. */
    peer_clock_take(&clock, 1025 * (uint64_t)MS, 70020 * (uint64_t)MS, 70010 * (uint64_t)MS,
                    1000 * (uint64_t)MS, 5 * (uint64_t)MS);
    assert_true(peer_clock_known(&clock, 1025 * (uint64_t)MS));
    assert_int_equal(clock.ahead_ns, 0);
    peer_clock_take(&clock, 1025 * (uint64_t)MS, 70020 * (uint64_t)MS, 69610 * (uint64_t)MS,
                    1000 * (uint64_t)MS, 5 * (uint64_t)MS);
    assert_int_equal(clock.ahead_ns, -400 * MS);
    assert_false(peer_clock_known(&clock, 7000 * (uint64_t)MS));
}

/* A sample that was long on its way stands only where there is no fresh one; one that cannot be is none. */
TEST(peer_clock, bad_samples_do_not_count)
{
    struct peer_clock clock = {0};
    const uint64_t now = 100000 * (uint64_t)MS;
    peer_clock_take(&clock, now, now, now, 0, 0);                         /* no echo */
    peer_clock_take(&clock, now, now, now, now + 1, 0);                   /* not said yet */
    peer_clock_take(&clock, now, now, now, now - 5, 6);                   /* held too long */
    peer_clock_take(&clock, now, now, now, now - 2000 * (uint64_t)MS, 0); /* two seconds */
    assert_int_equal(clock.taken_ns, 0);
    peer_clock_take(&clock, now, now, now, now - 400 * (uint64_t)MS, 0);
    assert_int_equal(clock.ahead_ns, 200 * MS);
    peer_clock_take(&clock, now + 1, now, now, now, 0);
    assert_int_equal(clock.ahead_ns, 0);
    peer_clock_take(&clock, now + 2, now, now, now - 400 * (uint64_t)MS, 0);
    assert_int_equal(clock.ahead_ns, 0);
}

/* Most decide; of two the nearer one does. */
TEST(peer_clock, one_wrong_clock_accuses_nobody)
{
    int64_t three[] = {900, 3, 1}, two[] = {900, 2}, other[] = {-900, 2},
            four[] = {-5, 800, 700, 6};
    int64_t one[] = {77};
    assert_int_equal(peer_clock_median(three, 3), 3);
    assert_int_equal(peer_clock_median(two, 2), 2);
    assert_int_equal(peer_clock_median(other, 2), 2);
    assert_int_equal(peer_clock_median(four, 4), 6);
    assert_int_equal(peer_clock_median(one, 1), 77);
}
