#include "tests/harness.h"

#include "common/reject.h"
#include "engine/cancel.h"
#include "tests/unit/engine/world.h"

/* The stories are in tests/golden/match/cancel_*.txt; here are the forms that no story tells. */
TEST(cancel, a_cancel_that_names_nothing_finds_nothing)
{
    struct world world;
    world_prepare(&world);
    world_open(&world);
    const uint32_t ann = world_account(&world, 0, 10, 0);
    assert_int_equal(world_order_place(&world, world_limit(ann, SELL, 1, 100)), REJECT_NONE);
    struct order_cancel_command cancel = {.account = ann};
    assert_int_equal(world_order_cancel(&world, cancel), REJECT_UNKNOWN_ORDER);
    cancel.order_id = 1;
    cancel.restriction = 3;
    assert_int_equal(world_order_cancel(&world, cancel), REJECT_COMBINATION);
    cancel.restriction = CANCEL_ANY;
    assert_int_equal(world_order_cancel(&world, cancel), REJECT_NONE);
    world_close(&world);
}

/* An order of one market is not found in another, also when its id exists in both. */
TEST(cancel, ids_belong_to_their_market)
{
    struct world world;
    world_prepare(&world);
    world_add_market(&world.genesis.params, "OTHER");
    world_open(&world);
    const uint32_t ann = world_account(&world, 0, 10, 0), bob = world_account(&world, 0, 10, 0);
    assert_int_equal(world_order_place(&world, world_limit(ann, SELL, 1, 100)), REJECT_NONE);
    struct order_place_command other = world_limit(bob, SELL, 1, 100);
    other.market = 1;
    assert_int_equal(world_order_place(&world, other), REJECT_NONE);
    struct order_cancel_command cancel = {.account = ann, .order_id = 1, .market = 1};
    assert_int_equal(world_order_cancel(&world, cancel), REJECT_UNKNOWN_ORDER);
    const struct cancel_all_command all = {.account = ann, .market = 1};
    assert_int_equal(world_cancel_all(&world, all), REJECT_UNKNOWN_ORDER);
    cancel.market = 0;
    assert_int_equal(world_order_cancel(&world, cancel), REJECT_NONE);
    world_close(&world);
}
