#include "tests/harness.h"

#include "common/reject.h"
#include "engine/place.h"
#include "tests/unit/engine/world.h"

struct place_world {
    struct world world;
    uint32_t ann, bob;
    struct place_plan plan;
};

/* ann sells 2 @ 100; bob has 5 coin and 1000 usd. */
static void place_open(struct place_world *place)
{
    world_prepare(&place->world);
    world_open(&place->world);
    place->ann = world_account(&place->world, 1, 10, 0);
    place->bob = world_account(&place->world, 1, 5, 1000);
    assert_int_equal(world_order_place(&place->world, world_limit(place->ann, SELL, 2, 100)), 0);
    accounts_begin(&place->world.engine->accounts, 1000);
}

static enum reject plan(struct place_world *place, struct order_place_command command)
{
    const enum reject reject = place_check(place->world.engine, &command);
    if (reject != REJECT_NONE) return reject;
    return place_decide(place->world.engine, &command, &place->plan);
}

/* Deciding says what the order will hold, and changes nothing. */
TEST(place, a_plan_holds_by_type_and_side)
{
    struct place_world place;
    place_open(&place);
    assert_int_equal(plan(&place, world_limit(place.bob, BUY, 3, 110)), REJECT_NONE);
    assert_int_equal(place.plan.hold.units, 330);
    struct order_place_command market = {.type = MARKET, .account = place.bob, .qty = {3}};
    assert_int_equal(plan(&place, market), REJECT_NONE);
    assert_int_equal(place.plan.hold.units, 200); /* what the book has, no more */
    market.side = SELL;
    assert_int_equal(plan(&place, market), REJECT_NONE);
    assert_int_equal(place.plan.hold.units, 3); /* all of it, even if nobody buys */
    market = (struct order_place_command){.type = MARKET, .account = place.bob, .quote_qty = {150}};
    assert_int_equal(plan(&place, market), REJECT_NONE);
    assert_int_equal(place.plan.hold.units, 150);
    assert_int_equal(place.plan.qty.lots, 1);
    assert_true(place.plan.content);
    struct order_place_command stop = {
        .type = STOP_LOSS, .account = place.bob, .qty = {3}, .stop_price = {120}};
    assert_int_equal(plan(&place, stop), REJECT_NONE);
    assert_int_equal(place.plan.hold.units, 360);
    assert_int_equal(place.plan.hold_price.ticks, 120);

    assert_int_equal(engine_counts(place.world.engine).open_orders, 1);
    assert_int_equal(accounts_balance(&place.world.engine->accounts, place.bob, USD)->held.units,
                     0);
    assert_true(engine_check(place.world.engine));
    world_close(&place.world);
}

/* One unit too few is refused, for each way of pricing; exactly enough is not. */
TEST(place, the_hold_must_be_available)
{
    struct place_world place;
    place_open(&place);
    assert_int_equal(plan(&place, world_limit(place.bob, BUY, 7, 143)),
                     REJECT_INSUFFICIENT_BALANCE); /* 1001 */
    assert_int_equal(plan(&place, world_limit(place.bob, BUY, 8, 125)), REJECT_NONE);
    struct order_place_command market = {.type = MARKET, .account = place.bob, .quote_qty = {1001}};
    assert_int_equal(plan(&place, market), REJECT_INSUFFICIENT_BALANCE);
    market.quote_qty.units = 1000;
    assert_int_equal(plan(&place, market), REJECT_NONE);
    assert_int_equal(plan(&place, world_limit(place.bob, SELL, 6, 100)),
                     REJECT_INSUFFICIENT_BALANCE);
    assert_int_equal(plan(&place, world_limit(place.bob, SELL, 5, 100)), REJECT_NONE);
    world_close(&place.world);
}

/* FOK is killed when the walk is one lot short, and not when it is enough. */
TEST(place, fok_is_killed_one_lot_short)
{
    struct place_world place;
    place_open(&place);
    struct order_place_command fok = world_limit(place.bob, BUY, 3, 100);
    fok.time_in_force = FOK;
    assert_int_equal(plan(&place, fok), REJECT_NONE);
    assert_true(place.plan.kill);
    fok.qty.lots = 2;
    assert_int_equal(plan(&place, fok), REJECT_NONE);
    assert_false(place.plan.kill);
    fok.price.ticks = 99;
    assert_int_equal(plan(&place, fok), REJECT_NONE);
    assert_true(place.plan.kill);
    world_close(&place.world);
}

/* What counts towards an account's bounds in a market: icebergs, stops, lists once each, and the lots of
 * open buys, hidden ones too. */
TEST(place, open_orders_are_counted_by_kind)
{
    struct place_world place;
    place_open(&place);
    struct world *world = &place.world;
    world->number = 1000; /* place_open began it */
    world->engine->last_command = 1000;
    struct order_place_command iceberg = world_limit(place.bob, BUY, 6, 10);
    iceberg.iceberg_qty.lots = 2;
    assert_int_equal(world_order_place(world, iceberg), REJECT_NONE);
    assert_int_equal(world_order_place(world, world_limit(place.bob, BUY, 1, 20)), REJECT_NONE);
    const struct list_place_command oco = {.account = place.bob,
                                           .kind = LIST_OCO,
                                           .a_side = SELL,
                                           .a_type = LIMIT_MAKER,
                                           .a_qty = {1},
                                           .a_price = {300},
                                           .b_side = SELL,
                                           .b_type = STOP_LOSS,
                                           .b_qty = {1},
                                           .b_stop_price = {50}};
    assert_int_equal(world_list_place(world, oco), REJECT_NONE);

    const struct place_counts counts = place_count(world->engine, place.bob, 0);
    assert_int_equal(counts.open, 4);
    assert_int_equal(counts.icebergs, 1);
    assert_int_equal(counts.algos, 1);
    assert_int_equal(counts.lists, 1);
    assert_int_equal(counts.buy_lots, 7);
    assert_int_equal(place_count(world->engine, place.ann, 0).open, 1);
    assert_true(engine_check(world->engine));
    world_close(world);
}
