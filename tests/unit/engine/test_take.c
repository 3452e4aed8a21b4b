/* What the golden scripts of icebergs, self-trade modes and bands do not reach: extremes, and that no
 * mixture of them leaves a hold behind. */

#include "tests/harness.h"

#include "common/reject.h"
#include "engine/state.h"
#include "engine/take.h"
#include "tests/unit/engine/world.h"

static int64_t band_of(struct world *world, uint32_t band_ppm, int64_t last, enum side side)
{
    world->engine->params.markets[0].filters.band_ppm = band_ppm;
    world->engine->averages.lines[0].last.ticks = last;
    return take_band(world->engine, 0, side).ticks;
}

/* l x (1 + band) rounded down for a buyer, l x (1 - band) rounded up for a seller: both towards l. */
TEST(take, a_band_is_rounded_towards_the_last_price)
{
    struct world world;
    world_prepare(&world);
    world_open(&world);
    assert_int_equal(band_of(&world, 100000, 105, BUY), 115);
    assert_int_equal(band_of(&world, 100000, 105, SELL), 95);
    assert_int_equal(band_of(&world, 100000, 100, BUY), 110);
    assert_int_equal(band_of(&world, 100000, 100, SELL), 90);
    assert_int_equal(band_of(&world, 1, 100, BUY), 100);
    assert_int_equal(band_of(&world, 1, 100, SELL), 100);
    assert_int_equal(band_of(&world, 0, 100, BUY), 0);
    assert_int_equal(band_of(&world, 100000, 0, SELL), 0);
    world_close(&world);
}

/* The whole price away is as far as a band goes: a seller down to one tick, not to none at all, and a
 * buyer as far as prices can be counted. */
TEST(take, a_band_of_all_ends_at_one_tick_and_at_the_last_number)
{
    struct world world;
    world_prepare(&world);
    world_open(&world);
    assert_int_equal(band_of(&world, 1000000, 100, SELL), 1);
    assert_int_equal(band_of(&world, 1000000, 100, BUY), 200);
    assert_true(band_of(&world, 1000000, INT64_MAX, BUY) == INT64_MAX);
    assert_true(band_of(&world, 1000000, INT64_MAX / 2, BUY) == INT64_MAX - 1);
    assert_int_equal(band_of(&world, 1000000, INT64_MAX, SELL), 1);
    world_close(&world);
}

static int64_t held(const struct world *world, uint32_t account, uint16_t asset)
{
    return accounts_balance(&world->engine->accounts, account, asset)->held.units;
}

/* One taker of `lots` in this mode against a book of its own and another's orders, icebergs among them;
 * then everything is cancelled. */
static void mixture(enum side side, uint8_t mode, uint8_t time_in_force, int64_t lots,
                    int64_t shown)
{
    struct world world;
    world_prepare(&world);
    world_open(&world);
    const uint32_t ann = world_account(&world, 0, 1000, 100000);
    const uint32_t bob = world_account(&world, 0, 1000, 100000);
    const enum side makers = opposite(side);
    for (int i = 0; i < 6; i++) {
        const int64_t step = makers == SELL ? i / 2 : -(i / 2);
        struct order_place_command maker =
            world_limit(i % 2 == 0 ? ann : bob, makers, 5, 100 + step);
        maker.iceberg_qty.lots = i % 3 == 0 ? shown : 0;
        assert_int_equal(world_order_place(&world, maker), REJECT_NONE);
    }
    struct order_place_command taker = world_limit(ann, side, lots, makers == SELL ? 101 : 99);
    taker.self_trade = mode;
    taker.time_in_force = time_in_force;
    assert_int_equal(world_order_place(&world, taker), REJECT_NONE);
    assert_true(engine_check(world.engine));

    (void)world_cancel_all(&world, (struct cancel_all_command){.account = ann});
    (void)world_cancel_all(&world, (struct cancel_all_command){.account = bob});
    assert_true(engine_check(world.engine));
    assert_int_equal(engine_counts(world.engine).open_orders, 0);
    for (uint32_t account = ann; account <= bob; account++) {
        assert_int_equal(held(&world, account, COIN), 0);
        assert_int_equal(held(&world, account, USD), 0);
    }
    world_close(&world);
}

/* Every mode and time in force, from one lot to more than there is: the invariants hold behind it, and
 * when nothing is open nothing is held. */
TEST(take, no_mixture_of_modes_and_slices_leaves_a_hold)
{
    for (uint8_t mode = SELF_TRADE_NONE; mode <= SELF_TRADE_DECREMENT; mode++)
        for (uint8_t force = GTC; force <= FOK; force++)
            for (int64_t lots = 1; lots <= 24; lots++)
                for (int64_t shown = 1; shown <= 4; shown++) {
                    mixture(BUY, mode, force, lots, shown);
                    mixture(SELL, mode, force, lots, shown);
                }
}

/* Prevented matches between two fills at one price do not part them: they are one aggregate. */
TEST(take, an_aggregate_goes_on_behind_a_prevented_match)
{
    struct world world;
    world_prepare(&world);
    world_open(&world);
    const uint32_t ann = world_account(&world, 1, 10, 10000);
    const uint32_t bob = world_account(&world, 1, 10, 0);
    assert_int_equal(world_order_place(&world, world_limit(bob, SELL, 1, 100)), 0);
    assert_int_equal(world_order_place(&world, world_limit(ann, SELL, 1, 100)), 0);
    assert_int_equal(world_order_place(&world, world_limit(bob, SELL, 1, 100)), 0);
    assert_int_equal(world_order_place(&world, world_limit(bob, SELL, 1, 101)), 0);
    struct order_place_command taker = world_limit(ann, BUY, 3, 101);
    taker.self_trade = SELF_TRADE_EXPIRE_MAKER;
    assert_int_equal(world_order_place(&world, taker), 0);

    uint64_t aggregates[3];
    uint32_t fills = 0;
    struct event event;
    for (uint32_t i = 0; world_event(&world, i, &event); i++) {
        if (event.type != T_FILL) continue;
        struct fill_event fill;
        fill_event_get(event.payload, &fill);
        aggregates[fills++] = fill.aggregate_id;
    }
    assert_int_equal(fills, 3);
    assert_int_equal(aggregates[0], 1);
    assert_int_equal(aggregates[1], 1);
    assert_int_equal(aggregates[2], 2);
    world_close(&world);
}

/* An iceberg of as many parts as a market can allow, taken in one run: a fill a part, the last one
 * smaller. */
TEST(take, an_iceberg_is_taken_part_by_part)
{
    struct world world;
    world_prepare(&world);
    world.genesis.params.orders_max = 1;
    world_open(&world);
    const uint32_t ann = world_account(&world, 1, 1000, 0);
    const uint32_t bob = world_account(&world, 1, 0, 100000);
    struct order_place_command iceberg = world_limit(ann, SELL, 299, 100);
    iceberg.iceberg_qty.lots = 3;
    assert_int_equal(world_order_place(&world, iceberg), REJECT_NONE);
    struct order_place_command sweep = world_limit(bob, BUY, 300, 100);
    sweep.time_in_force = IOC;
    assert_int_equal(world_order_place(&world, sweep), REJECT_NONE);
    assert_int_equal(world_events_of(&world, T_FILL), MARKET_ICEBERG_PARTS_MAX);
    assert_int_equal(engine_counts(world.engine).open_orders, 0);
    assert_true(engine_check(world.engine));
    world_close(&world);
}
