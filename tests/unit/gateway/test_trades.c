#include "gateway/trades.h"
#include "tests/harness.h"

static struct arena arena;
static struct trades trades;

static void new_trades(void)
{
    arena_unmap(&arena);
    assert_true(arena_map(&arena, 1 << 20));
    assert_true(trades_init(&trades, &arena));
}

static void add(uint64_t id, uint64_t aggregate_id, int64_t price, int64_t lots, enum side taker)
{
    const struct candle_fill fill = {id, aggregate_id, 1000, {price}, {lots}, price * lots, taker};
    trades_add(&trades, &fill);
}

/* Fills of one aggregate are one aggregate trade, with the first and last of their ids. */
TEST(trades, fills_of_one_aggregate_merge)
{
    new_trades();
    assert_null(trades_last(&trades));
    add(1, 1, 100, 2, BUY);
    add(2, 1, 100, 3, BUY);
    add(3, 2, 101, 1, BUY);
    add(4, 3, 99, 1, SELL);
    assert_int_equal(trades_kept(&trades), 4);
    assert_int_equal(trades_aggregates_kept(&trades), 3);
    const struct aggregate_trade *first = trades_aggregate_at(&trades, 0);
    assert_int_equal(first->first_id, 1);
    assert_int_equal(first->last_id, 2);
    assert_int_equal(first->qty.lots, 5);
    assert_false(first->buyer_is_maker);
    assert_true(trades_aggregate_last(&trades)->buyer_is_maker);
    assert_int_equal(trades_last(&trades)->id, 4);
}

/* Only the last thousand are kept, found by id from both sides of the boundary. */
TEST(trades, keeps_and_finds_the_last_thousand)
{
    new_trades();
    for (uint64_t id = 1; id <= 1500; id++)
        add(id, (id + 1) / 2, 100, 1, BUY);
    assert_int_equal(trades_kept(&trades), TRADES_KEPT);
    assert_int_equal(trades_at(&trades, 0)->id, 501);
    assert_int_equal(trades_find(&trades, 1), 0);
    assert_int_equal(trades_find(&trades, 501), 0);
    assert_int_equal(trades_find(&trades, 502), 1);
    assert_int_equal(trades_find(&trades, 1500), 999);
    assert_int_equal(trades_find(&trades, 1501), 1000);
    assert_int_equal(trades_aggregates_kept(&trades), 750);
    assert_int_equal(trades_aggregate_find(&trades, 400), 399);
}
