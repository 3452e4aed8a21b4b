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
