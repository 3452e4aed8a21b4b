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
