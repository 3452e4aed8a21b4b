#include "tests/harness.h"

#include "engine/done.h"
#include "tests/unit/engine/world.h"

/* A closed order is nowhere any more, its hold is free, and its last word has all that history keeps. */
TEST(done, closing_an_order_leaves_nothing_behind)
{
    struct world world;
    world_prepare(&world);
    world_open(&world);
    const uint32_t ann = world_account(&world, 1, 10, 0), bob = world_account(&world, 1, 0, 1000);
    world.stamp_ns = 77;
    struct order_place_command place = world_limit(ann, SELL, 5, 100);
    memcpy(place.client_id, "mine", 4);
    assert_int_equal(world_order_place(&world, place), 0);
    world.stamp_ns = 99;
    assert_int_equal(world_order_place(&world, world_limit(bob, BUY, 2, 100)), 0);
    const struct order_cancel_command cancel = {.account = ann, .order_id = 1};
    assert_int_equal(world_order_cancel(&world, cancel), 0);

    struct event event;
    struct order_done_event done;
    assert_true(world_event(&world, 0, &event));
    assert_int_equal(event.type, T_ORDER_DONE);
    order_done_event_get(event.payload, &done);
    assert_int_equal(done.created_ns, 77);
    assert_int_equal(done.qty.lots, 5);
    assert_int_equal(done.executed.lots, 2);
    assert_int_equal(done.quote_executed.units, 200);
    assert_int_equal(done.status, ORDER_CANCELED);
    assert_int_equal(done.reason, DONE_CANCELED);
    assert_memory_equal(done.client_id, place.client_id, sizeof(done.client_id));
    assert_int_equal(engine_counts(world.engine).open_orders, 0);
    assert_int_equal(accounts_balance(&world.engine->accounts, ann, COIN)->held.units, 0);
    assert_true(engine_check(world.engine));
    world_close(&world);
}

/* The last word of a stop that fired, was prevented in part and traded in part: ORDER_TERMS right before
 * ORDER_DONE, both with all of it. */
TEST(done, terms_come_right_before_the_end)
{
    struct world world;
    world_prepare(&world);
    world_open(&world);
    const uint32_t ann = world_account(&world, 1, 10, 1000),
                   bob = world_account(&world, 1, 10, 1000);
    struct order_place_command stop = world_stop(ann, SELL, 6, 100);
    stop.type = STOP_LOSS_LIMIT;
    stop.time_in_force = GTC;
    stop.price.ticks = 90;
    stop.iceberg_qty.lots = 2;
    stop.self_trade = SELF_TRADE_DECREMENT;
    world.stamp_ns = 77;
    assert_int_equal(world_order_place(&world, stop), 0);
    world.stamp_ns = 88;
    assert_int_equal(world_order_place(&world, world_limit(ann, BUY, 1, 95)), 0);
    assert_int_equal(world_order_place(&world, world_limit(bob, BUY, 2, 94)), 0);
    assert_int_equal(world_order_place(&world, world_limit(bob, SELL, 1, 96)), 0);
    assert_int_equal(world_order_place(&world, world_limit(bob, BUY, 1, 96)), 0); /* fires it */
    const struct order_cancel_command cancel = {.account = ann, .order_id = 1};
    assert_int_equal(world_order_cancel(&world, cancel), 0);

    struct event event;
    struct order_terms_event terms;
    struct order_done_event done;
    assert_true(world_event(&world, 0, &event));
    assert_int_equal(event.type, T_ORDER_TERMS);
    order_terms_event_get(event.payload, &terms);
    assert_true(world_event(&world, 1, &event));
    assert_int_equal(event.type, T_ORDER_DONE);
    order_done_event_get(event.payload, &done);
    assert_int_equal(terms.order_id, 1);
    assert_int_equal(terms.stop_price.ticks, 100);
    assert_int_equal(terms.iceberg_qty.lots, 2);
    assert_int_equal(terms.prevented.lots, 1);
    assert_int_equal(terms.account, ann);
    assert_int_equal(terms.list_id, 0);
    assert_int_equal(terms.pending, 0);
    assert_int_equal(done.created_ns, 77);
    assert_int_equal(done.qty.lots, 6);
    assert_int_equal(done.executed.lots, 2);
    assert_int_equal(done.quote_executed.units, 188);
    assert_int_equal(done.price.ticks, 90);
    assert_int_equal(done.type, STOP_LOSS_LIMIT);
    assert_int_equal(done.self_trade, SELF_TRADE_DECREMENT);
    assert_int_equal(done.status, ORDER_CANCELED);
    assert_int_equal(accounts_balance(&world.engine->accounts, ann, COIN)->held.units, 0);
    assert_true(engine_check(world.engine));
    world_close(&world);
}

/* A pair holds what the needier of the two needs, and each amount below it goes when that one goes. */
TEST(done, a_pair_holds_the_larger_of_two_needs)
{
    struct world world;
    world_prepare(&world);
    world_open(&world);
    const uint32_t ann = world_account(&world, 1, 0, 1000);
    struct list_place_command pair = world_oco(ann, 5, 120, 0);
    pair.a_side = pair.b_side = BUY;
    pair.a_type = STOP_LOSS;
    pair.a_stop_price.ticks = 120;
    pair.a_price.ticks = 0;
    pair.b_type = LIMIT_MAKER;
    pair.b_price.ticks = 90;
    pair.b_stop_price.ticks = 0;
    assert_int_equal(world_list_place(&world, pair), 0);
    assert_int_equal(done_hold(world.engine, directory_find(&world.engine->directory, 0, 1)).units,
                     600);
    assert_int_equal(done_hold(world.engine, directory_find(&world.engine->directory, 0, 2)).units,
                     600);
    assert_int_equal(accounts_balance(&world.engine->accounts, ann, USD)->held.units, 600);
    const uint32_t bob = world_account(&world, 1, 1, 0);
    assert_int_equal(world_order_place(&world, world_limit(bob, SELL, 1, 90)), 0);
    assert_int_equal(done_hold(world.engine, directory_find(&world.engine->directory, 0, 2)).units,
                     360);
    assert_int_equal(accounts_balance(&world.engine->accounts, ann, USD)->held.units, 360);
    assert_true(engine_check(world.engine));
    world_close(&world);
}
