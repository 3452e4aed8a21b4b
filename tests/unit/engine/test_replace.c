/* The stories are in the golden scripts about replacing; here are full books and long runs. */

#include "tests/harness.h"

#include "common/reject.h"
#include "engine/state.h"
#include "tests/unit/engine/world.h"

static struct order_replace_command replacement(uint32_t account, uint64_t order_id, int64_t lots,
                                                int64_t ticks)
{
    return (struct order_replace_command){.account = account,
                                          .side = SELL,
                                          .type = LIMIT,
                                          .time_in_force = GTC,
                                          .qty = {lots},
                                          .price = {ticks},
                                          .cancel_order_id = order_id,
                                          .mode = REPLACE_STOP_ON_FAILURE};
}

static struct order_replaced_event replaced(const struct world *world)
{
    struct event event;
    struct order_replaced_event said;
    assert_true(world_event(world, 0, &event));
    assert_int_equal(event.type, T_ORDER_REPLACED);
    order_replaced_event_get(event.payload, &said);
    return said;
}

/* With every order and every level in use, an order may still be replaced, by one at another price too:
 * the room it left is the new one's. */
TEST(replace, a_full_exchange_still_replaces)
{
    struct world world;
    world_prepare(&world);
    world.genesis.params.orders_max = world.genesis.params.levels_max = 3;
    world_open(&world);
    const uint32_t ann = world_account(&world, 1, 100, 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(world_order_place(&world, world_limit(ann, SELL, 1, 100 + i)), 0);
    assert_int_equal(world_order_place(&world, world_limit(ann, SELL, 1, 100)), REJECT_ORDERS_FULL);
    for (uint64_t i = 0; i < 20; i++) {
        assert_int_equal(world_order_replace(&world, replacement(ann, i + 1, 1, 200 + (int64_t)i)),
                         REJECT_NONE);
        const struct order_replaced_event said = replaced(&world);
        assert_int_equal(said.cancel_reject, REJECT_NONE);
        assert_int_equal(said.attempted, 1);
        assert_int_equal(said.place_reject, REJECT_NONE);
        assert_int_equal(engine_counts(world.engine).open_orders, 3);
        assert_true(engine_check(world.engine));
    }
    struct order_replace_command failing = replacement(ann, 1, 1, 300);
    failing.mode = REPLACE_ALLOW_FAILURE;
    assert_int_equal(world_order_replace(&world, failing), REJECT_NONE);
    assert_int_equal(replaced(&world).cancel_reject, REJECT_UNKNOWN_ORDER);
    assert_int_equal(replaced(&world).place_reject, REJECT_ORDERS_FULL);
    assert_int_equal(world.out.count, 1);
    world_close(&world);
}

/* A level that is emptied and filled again by one command is told once, with what it has in the end; also
 * when the new order first takes everything on the other side. */
TEST(replace, a_level_that_comes_back_is_told_once)
{
    struct world world;
    world_prepare(&world);
    world_open(&world);
    const uint32_t ann = world_account(&world, 1, 100, 1000);
    assert_int_equal(world_order_place(&world, world_limit(ann, SELL, 5, 100)), REJECT_NONE);
    for (int64_t lots = 1; lots <= 9; lots++) {
        assert_int_equal(world_order_replace(&world, replacement(ann, (uint64_t)lots, lots, 100)),
                         REJECT_NONE);
        assert_int_equal(world_events_of(&world, T_LEVEL), 1);
        struct event event;
        struct level_event level = {.update_id = 0};
        for (uint32_t i = 0; world_event(&world, i, &event); i++)
            if (event.type == T_LEVEL) level_event_get(event.payload, &level);
        assert_int_equal(level.qty.lots, lots);
        assert_int_equal(level.update_id, 1 + lots);
        assert_true(engine_check(world.engine));
    }
    world_close(&world);
}

/* ORDER_REPLACED stands first however much follows, though it is known last. */
TEST(replace, it_comes_first_of_many_events)
{
    struct world world;
    world_prepare(&world);
    world_open(&world);
    const uint32_t ann = world_account(&world, 1, 1000, 0);
    const uint32_t bob = world_account(&world, 1, 0, 1000000);
    for (int i = 0; i < 200; i++)
        assert_int_equal(world_order_place(&world, world_limit(bob, BUY, 1, 100 + i)), 0);
    assert_int_equal(world_order_place(&world, world_limit(ann, SELL, 1, 500)), 0);
    assert_int_equal(world_order_replace(&world, replacement(ann, 201, 150, 100)), REJECT_NONE);
    const struct order_replaced_event said = replaced(&world);
    assert_int_equal(said.attempted, 1);
    assert_int_equal(said.cancel_reject, REJECT_NONE);
    assert_int_equal(said.place_reject, REJECT_NONE);
    assert_int_equal(world_events_of(&world, T_FILL), 150);
    assert_int_equal(world_events_of(&world, T_ORDER_REPLACED), 1);
    assert_true(engine_check(world.engine));
    world_close(&world);
}

/* No such restriction: the cancel is refused for it, whatever the mode, and the old order stays. */
TEST(replace, an_unknown_restriction_cancels_nothing)
{
    struct world world;
    world_prepare(&world);
    world_open(&world);
    const uint32_t ann = world_account(&world, 1, 100, 0);
    assert_int_equal(world_order_place(&world, world_limit(ann, SELL, 5, 100)), REJECT_NONE);
    struct order_replace_command replace = replacement(ann, 1, 5, 101);
    replace.restriction = 3;
    assert_int_equal(world_order_replace(&world, replace), REJECT_NONE);
    assert_int_equal(replaced(&world).cancel_reject, REJECT_COMBINATION);
    assert_int_equal(replaced(&world).attempted, 0);
    assert_int_equal(engine_counts(world.engine).open_orders, 1);
    world_close(&world);
}
