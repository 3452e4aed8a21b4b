#include "common/park.h"

#include "tests/harness.h"

#include <poll.h>
#include <time.h>

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool readable(const struct park *park)
{
    struct pollfd poll_for = {.fd = park_descriptor(park), .events = POLLIN};
    return poll(&poll_for, 1, 0) == 1;
}

/* A wake that comes before the sleep is not lost: the sleep ends at once. */
TEST(park, a_wake_before_the_sleep_counts)
{
    struct park park;
    assert_true(park_open(&park));
    park_wake(&park);
    assert_true(readable(&park));
    const int64_t start = now_ms();
    park_sleep(&park, 60000);
    assert_true(now_ms() - start < 30000);
    assert_false(readable(&park));
    park_close(&park);
    assert_int_equal(park_descriptor(&park), -1);
}

TEST(park, many_wakes_are_one)
{
    struct park park;
    assert_true(park_open(&park));
    for (int i = 0; i < 1000; i++)
        park_wake(&park);
    park_sleep(&park, 60000);
    assert_false(readable(&park));
    const int64_t start = now_ms();
    park_sleep(&park, 20); /* nobody wakes: the time limit does */
    assert_true(now_ms() - start >= 19);
    park_close(&park);
}

TEST(park, clearing_an_unwoken_park_does_not_block)
{
    struct park park;
    assert_true(park_open(&park));
    park_clear(&park);
    park_wake(&park);
    park_clear(&park);
    assert_false(readable(&park));
    park_close(&park);
    park_close(&park); /* twice is harmless */
}

/* Without being told to, nobody looks twice: no core is used by who has nothing to do. */
TEST(park, who_does_not_spin_sleeps_at_once)
{
    struct park park;
    assert_true(park_open(&park));
    park_busy(&park);
    assert_false(park_looks(&park));
    park_spin_for(&park, 60000000);
    park_spin_for(&park, 0);
    park_busy(&park);
    assert_false(park_looks(&park));
    park_close(&park);
}

/* Looking begins with something to do, ends after its time, and begins again with the next thing. */
TEST(park, who_spins_looks_for_a_while_after_each_thing_to_do)
{
    struct park park;
    assert_true(park_open(&park));
    park_spin_for(&park, 60000000);
    assert_false(park_looks(&park));
    park_busy(&park);
    for (int i = 0; i < 1000; i++)
        assert_true(park_looks(&park));
    park_spin_for(&park, 20000);
    for (int round = 0; round < 2; round++) {
        const int64_t start = now_ms();
        park_busy(&park);
        while (park_looks(&park))
            assert_true(now_ms() - start < 30000);
        assert_true(now_ms() - start >= 19); /* milliseconds, each cut off */
    }
    park_close(&park);
}
