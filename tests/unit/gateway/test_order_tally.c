#include "gateway/order_tally.h"

#include "tests/harness.h"

#define SECOND_NS 1000000000ull
#define START_NS  (1700000040ull * SECOND_NS) /* ten seconds begin here */

/* Windows are those of the clock: :00 to :09, and the day of UTC. */
TEST(order_tally, windows_begin_by_the_clock)
{
    struct order_tally tally = {0};
    order_tally_add(&tally, START_NS);
    order_tally_add(&tally, START_NS + 10 * SECOND_NS - 1);
    assert_int_equal(order_tally_placed(&tally, TALLY_TEN_SECONDS, START_NS), 2);
    assert_int_equal(order_tally_placed(&tally, TALLY_TEN_SECONDS, START_NS + 10 * SECOND_NS), 0);
    order_tally_add(&tally, START_NS + 10 * SECOND_NS);
    assert_int_equal(order_tally_placed(&tally, TALLY_TEN_SECONDS, START_NS + 10 * SECOND_NS), 1);
    assert_int_equal(order_tally_placed(&tally, TALLY_DAY, START_NS + 10 * SECOND_NS), 3);
    const uint64_t next_day = (START_NS / (86400 * SECOND_NS) + 1) * 86400 * SECOND_NS;
    assert_int_equal(order_tally_placed(&tally, TALLY_DAY, next_day - 1), 3);
    assert_int_equal(order_tally_placed(&tally, TALLY_DAY, next_day), 0);
}

/* What is filled counts no longer; what was placed in an earlier window gives nothing back in this one. */
TEST(order_tally, first_fill_gives_back)
{
    struct order_tally tally = {0};
    order_tally_add(&tally, START_NS);
    order_tally_give_back(&tally, START_NS + 10 * SECOND_NS);
    assert_int_equal(order_tally_placed(&tally, TALLY_DAY, START_NS), 0);
    assert_int_equal(order_tally_placed(&tally, TALLY_TEN_SECONDS, START_NS), 1);
    order_tally_give_back(&tally, START_NS);
    order_tally_give_back(&tally, START_NS);
    assert_int_equal(order_tally_placed(&tally, TALLY_TEN_SECONDS, START_NS), 0);
}

TEST(order_tally, room_ends_at_the_limit)
{
    struct order_tally tally = {0};
    enum order_tally_window full;
    for (uint32_t i = 0; i + 2 < ORDER_TALLY_TEN_SECONDS_MAX; i++)
        order_tally_add(&tally, START_NS);
    assert_true(order_tally_has_room(&tally, 2, START_NS, &full));
    assert_false(order_tally_has_room(&tally, 3, START_NS, &full));
    assert_int_equal(full, TALLY_TEN_SECONDS);
    tally.placed[TALLY_DAY] = ORDER_TALLY_DAY_MAX;
    assert_false(order_tally_has_room(&tally, 1, START_NS + 10 * SECOND_NS, &full));
    assert_int_equal(full, TALLY_DAY);
    assert_int_equal(order_tally_limit(TALLY_DAY), ORDER_TALLY_DAY_MAX);
    assert_int_equal(order_tally_length_ns(TALLY_TEN_SECONDS), 10 * SECOND_NS);
}
