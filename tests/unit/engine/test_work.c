/* What the golden scripts of stops and releases do not reach: long cascades, and full books. */

#include "tests/harness.h"

#include "common/reject.h"
#include "engine/state.h"
#include "tests/unit/engine/world.h"

#define CHAIN 100

/* The order ids of the last command's events of this type, in order. */
static uint32_t ids_of(const struct world *world, uint16_t type, uint64_t *ids, uint32_t ids_max)
{
    uint32_t count = 0;
    struct event event;
    for (uint32_t i = 0; world_event(world, i, &event); i++) {
        if (event.type != type) continue;
        assert_true(count < ids_max);
        ids[count++] = le_get_u64(event.payload); /* an order's events begin with its id */
    }
    return count;
}

/* A trade at `ticks` of an account with itself. */
static void trade(struct world *world, uint32_t account, int64_t ticks)
{
    assert_int_equal(world_order_place(world, world_limit(account, SELL, 1, ticks)), REJECT_NONE);
    assert_int_equal(world_order_place(world, world_limit(account, BUY, 1, ticks)), REJECT_NONE);
}

/* Each stop's trade fires the next: all in one command, in this order, each once. */
TEST(work, a_cascade_goes_on_to_its_end)
{
    struct world world;
    world_prepare(&world);
    world.genesis.params.markets[0].filters.algo_orders_max = CHAIN;
    world_open(&world);
    const uint32_t ann = world_account(&world, 1, CHAIN, 0);
    const uint32_t bob = world_account(&world, 1, 10, 1000000);
    for (int64_t i = 0; i < CHAIN; i++)
        assert_int_equal(world_order_place(&world, world_limit(bob, BUY, 1, 1000 - i)), 0);
    for (int64_t i = CHAIN; i >= 2; i--)
        assert_int_equal(world_order_place(&world, world_stop(ann, SELL, 1, 1001 - i + 1)), 0);

    struct order_place_command first = world_limit(ann, SELL, 1, 1000);
    assert_int_equal(world_order_place(&world, first), REJECT_NONE);
    uint64_t fired[CHAIN];
    assert_int_equal(ids_of(&world, T_ORDER_TRIGGERED, fired, CHAIN), CHAIN - 1);
    for (uint32_t i = 0; i < CHAIN - 1; i++) /* the last one placed lies highest */
        assert_int_equal(fired[i], 2 * CHAIN - 1 - i);
    assert_int_equal(world_events_of(&world, T_FILL), CHAIN);
    assert_int_equal(engine_counts(world.engine).open_orders, 0);
    assert_true(engine_check(world.engine));
    world_close(&world);
}

/* As many stops as there is room for, fired by one trade, all of which come to rest at a price of their
 * own: each had its level from the start. */
TEST(work, every_sleeper_finds_its_level)
{
    struct world world;
    world_prepare(&world);
    world.genesis.params.orders_max = 40;
    world.genesis.params.levels_max = 32;
    world.genesis.params.markets[0].filters.algo_orders_max = 100;
    world_open(&world);
    const uint32_t ann = world_account(&world, 1, 100, 0);
    const uint32_t bob = world_account(&world, 1, 10, 1000000);
    struct order_place_command stop = world_stop(ann, SELL, 1, 500);
    stop.type = STOP_LOSS_LIMIT;
    stop.time_in_force = GTC;
    for (int64_t i = 0; i < 31; i++) {
        stop.price.ticks = 600 + i;
        assert_int_equal(world_order_place(&world, stop), REJECT_NONE);
    }
    /* One level is left, for the trade that fires them. */
    assert_int_equal(world_order_place(&world, world_limit(bob, SELL, 1, 500)), REJECT_NONE);
    assert_int_equal(world_order_place(&world, world_limit(bob, SELL, 1, 501)), REJECT_ORDERS_FULL);
    stop.price.ticks = 500;
    assert_int_equal(world_order_place(&world, stop), REJECT_ORDERS_FULL);
    struct order_place_command taker = world_limit(bob, BUY, 1, 500);
    taker.time_in_force = IOC;
    assert_int_equal(world_order_place(&world, taker), REJECT_NONE);

    assert_int_equal(world_events_of(&world, T_ORDER_TRIGGERED), 31);
    assert_int_equal(engine_counts(world.engine).levels, 31);
    assert_int_equal(world_events_of(&world, T_LEVEL), 32);
    assert_int_equal(world.engine->dormant_count, 0);
    assert_true(engine_check(world.engine));
    world_close(&world);
}

/* Working orders that one run fills release in the order in which they were filled, and all before the
 * stop that the run's first price has fired. */
TEST(work, releases_queue_before_stops)
{
    struct world world;
    world_prepare(&world);
    world_open(&world);
    const uint32_t ann = world_account(&world, 1, 100, 10000);
    const uint32_t bob = world_account(&world, 1, 100, 10000);
    trade(&world, bob, 200);
    assert_int_equal(world_order_place(&world, world_stop(bob, SELL, 1, 150)), 0);
    for (int64_t i = 0; i < 5; i++)
        assert_int_equal(world_list_place(&world, world_oto(ann, 1, 100 - i, 300 + i)), 0);
    assert_true(engine_check(world.engine));
    struct order_place_command sweep = world_limit(bob, SELL, 5, 1);
    sweep.time_in_force = IOC;
    assert_int_equal(world_order_place(&world, sweep), REJECT_NONE);

    uint64_t released[5];
    assert_int_equal(ids_of(&world, T_ORDER_RELEASED, released, 5), 5);
    for (uint32_t i = 1; i < 5; i++)
        assert_int_equal(released[i], released[i - 1] + 2);
    uint32_t last_release = 0, trigger = 0;
    struct event event;
    for (uint32_t i = 0; world_event(&world, i, &event); i++) {
        if (event.type == T_ORDER_RELEASED) last_release = i;
        if (event.type == T_ORDER_TRIGGERED) trigger = i;
    }
    assert_true(trigger > last_release);
    assert_true(engine_check(world.engine));
    world_close(&world);
}

/* Pairs that fire by the hundred: of each one leg is left, and nothing in the queue afterwards. */
TEST(work, of_every_pair_one_fires)
{
    struct world world;
    world_prepare(&world);
    world.genesis.params.markets[0].filters.algo_orders_max = 1000;
    world.genesis.params.markets[0].filters.order_lists_max = 1000;
    world_open(&world);
    const uint32_t ann = world_account(&world, 1, 1000, 10000);
    const uint32_t bob = world_account(&world, 1, 100, 10000);
    trade(&world, bob, 100);
    for (int i = 0; i < 80; i++) {
        struct list_place_command pair = world_oco(ann, 1, 110, 90);
        if (i % 2 == 0) {
            pair.a_type = TAKE_PROFIT;
            pair.a_stop_price.ticks = 110;
            pair.a_price.ticks = 0;
        }
        assert_int_equal(world_list_place(&world, pair), REJECT_NONE);
    }
    trade(&world, bob, 90);
    assert_int_equal(world_events_of(&world, T_ORDER_TRIGGERED), 80);
    assert_int_equal(world_events_of(&world, T_LIST_DONE), 80);
    assert_int_equal(engine_counts(world.engine).open_orders, 0);
    assert_int_equal(accounts_balance(&world.engine->accounts, ann, COIN)->held.units, 0);
    assert_true(engine_check(world.engine));
    world_close(&world);
}
