/* The stories are in the golden scripts about amends; here are all quantities at once, and names that come
 * back. */

#include "tests/harness.h"

#include "common/reject.h"
#include "engine/state.h"
#include "tests/unit/engine/world.h"

static struct order_amend_command amend(uint32_t account, uint64_t order_id, int64_t lots)
{
    return (struct order_amend_command){.account = account, .order_id = order_id, .qty = {lots}};
}

/* An order of nine, shown in slices or not, of which some were traded: from each quantity to each other
 * one, what is open and held afterwards is the amended quantity less what was traded. */
TEST(amend, every_quantity_between_executed_and_whole)
{
    for (int64_t shown = 1; shown <= 9; shown++)
        for (int64_t traded = 0; traded <= 8; traded++)
            for (int64_t first = traded + 1; first <= 8; first++) {
                struct world world;
                world_prepare(&world);
                world_open(&world);
                const uint32_t ann = world_account(&world, 1, 9, 0);
                const uint32_t bob = world_account(&world, 1, 0, 1000);
                struct order_place_command place = world_limit(ann, SELL, 9, 100);
                place.iceberg_qty.lots = shown;
                assert_int_equal(world_order_place(&world, place), REJECT_NONE);
                if (traded > 0)
                    assert_int_equal(world_order_place(&world, world_limit(bob, BUY, traded, 100)),
                                     REJECT_NONE);
                assert_int_equal(world_order_amend(&world, amend(ann, 1, traded)),
                                 traded == 0 ? REJECT_ZERO_VALUE : REJECT_AMEND_EXECUTED);
                assert_int_equal(world_order_amend(&world, amend(ann, 1, first)), REJECT_NONE);
                assert_int_equal(world_order_amend(&world, amend(ann, 1, first)),
                                 REJECT_AMEND_NO_CHANGE);
                assert_int_equal(accounts_balance(&world.engine->accounts, ann, COIN)->held.units,
                                 first - traded);
                assert_true(engine_check(world.engine));

                struct order_place_command sweep = world_limit(bob, BUY, 9, 100);
                sweep.account = bob;
                sweep.time_in_force = IOC;
                sweep.qty.lots = first - traded;
                assert_int_equal(world_order_place(&world, sweep), REJECT_NONE);
                assert_int_equal(engine_counts(world.engine).open_orders, 0);
                assert_true(engine_check(world.engine));
                world_close(&world);
            }
}

static struct order_place_command named(uint32_t account, const char *name)
{
    struct order_place_command place = world_limit(account, SELL, 5, 100);
    memcpy(place.client_id, name, strlen(name));
    return place;
}

/* Renamed back and forth, the directory has each name once: the old name finds nothing, or whoever has
 * taken it meanwhile. */
TEST(amend, a_name_is_free_once_it_is_left)
{
    struct world world;
    world_prepare(&world);
    world_open(&world);
    const uint32_t ann = world_account(&world, 1, 100, 0);
    assert_int_equal(world_order_place(&world, named(ann, "one")), REJECT_NONE);
    struct order_amend_command rename = amend(ann, 1, 4);
    memcpy(rename.client_id, "two", 3);
    assert_int_equal(world_order_amend(&world, rename), REJECT_NONE);
    assert_int_equal(world_order_place(&world, named(ann, "two")), REJECT_DUPLICATE_ORDER);
    assert_int_equal(world_order_place(&world, named(ann, "one")), REJECT_NONE);

    struct order_cancel_command cancel = {.account = ann};
    memcpy(cancel.orig_client_id, "one", 3);
    assert_int_equal(world_order_cancel(&world, cancel), REJECT_NONE);
    struct event event;
    struct order_done_event done;
    assert_true(world_event(&world, 0, &event));
    order_done_event_get(event.payload, &done);
    assert_int_equal(done.order_id, 2);
    rename.qty.lots = 3;
    memcpy(rename.client_id, "one", 3);
    assert_int_equal(world_order_amend(&world, rename), REJECT_NONE);
    assert_int_equal(world_order_cancel(&world, cancel), REJECT_NONE);
    assert_int_equal(world_order_cancel(&world, cancel), REJECT_UNKNOWN_ORDER);
    assert_int_equal(world_order_place(&world, named(ann, "two")), REJECT_NONE);
    assert_true(engine_check(world.engine));
    world_close(&world);
}

/* An amend says what was and what is, and the order's last word has the amended quantity and name. */
TEST(amend, the_last_word_has_what_was_amended)
{
    struct world world;
    world_prepare(&world);
    world_open(&world);
    const uint32_t ann = world_account(&world, 1, 100, 0);
    assert_int_equal(world_order_place(&world, named(ann, "one")), REJECT_NONE);
    struct order_amend_command rename = amend(ann, 1, 2);
    memcpy(rename.client_id, "new", 3);
    assert_int_equal(world_order_amend(&world, rename), REJECT_NONE);
    struct event event;
    struct order_amended_event amended;
    assert_true(world_event(&world, 0, &event));
    assert_int_equal(event.type, T_ORDER_AMENDED);
    order_amended_event_get(event.payload, &amended);
    assert_int_equal(amended.order_id, 1);
    assert_int_equal(amended.account, ann);
    assert_int_equal(amended.qty_before.lots, 5);
    assert_int_equal(amended.qty.lots, 2);
    assert_memory_equal(amended.client_id, rename.client_id, sizeof(amended.client_id));

    const struct order_cancel_command cancel = {.account = ann, .order_id = 1};
    assert_int_equal(world_order_cancel(&world, cancel), REJECT_NONE);
    struct order_done_event done;
    assert_true(world_event(&world, 0, &event));
    order_done_event_get(event.payload, &done);
    assert_int_equal(done.qty.lots, 2);
    assert_memory_equal(done.client_id, rename.client_id, sizeof(done.client_id));
    world_close(&world);
}
