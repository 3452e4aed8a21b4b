#include "tests/harness.h"

#include "common/reject.h"
#include "engine/place.h"
#include "tests/unit/engine/world.h"

struct place_world {
    struct world world;
    uint32_t ann, bob;
    struct taker taker;
};

/* ann sells 2 @ 100; bob has 1000 usd. */
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
    return place_plan(place->world.engine, &command, 1, &place->taker);
}

static int64_t held(const struct place_world *place, uint16_t asset)
{
    return accounts_balance(&place->world.engine->accounts, place->bob, asset)->held.units;
}

/* A plan holds what the order needs and changes nothing else. */
TEST(place, a_plan_holds_by_type_and_side)
{
    struct place_world place;
    place_open(&place);
    assert_int_equal(plan(&place, world_limit(place.bob, BUY, 3, 110)), REJECT_NONE);
    assert_int_equal(held(&place, USD), 330);
    assert_int_equal(place.taker.hold.units, 330);
    struct order_place_command market = {.type = MARKET, .account = place.bob, .qty = {3}};
    assert_int_equal(plan(&place, market), REJECT_NONE);
    assert_int_equal(held(&place, USD), 330 + 200); /* what the book has, no more */
    market = (struct order_place_command){.type = MARKET, .account = place.bob, .quote_qty = {150}};
    assert_int_equal(plan(&place, market), REJECT_NONE);
    assert_int_equal(held(&place, USD), 530 + 150);
    assert_int_equal(place.taker.order.left.lots, 1);
    assert_true(place.taker.content);
    assert_int_equal(engine_counts(place.world.engine).open_orders, 1);
    world_close(&place.world);
}

/* A refused plan has held nothing: one unit too few, for each way of pricing. */
TEST(place, a_refused_plan_holds_nothing)
{
    struct place_world place;
    place_open(&place);
    assert_int_equal(plan(&place, world_limit(place.bob, BUY, 7, 143)),
                     REJECT_INSUFFICIENT_BALANCE); /* 1001 */
    struct order_place_command market = {.type = MARKET, .account = place.bob, .quote_qty = {1001}};
    assert_int_equal(plan(&place, market), REJECT_INSUFFICIENT_BALANCE);
    assert_int_equal(plan(&place, world_limit(place.bob, SELL, 6, 100)),
                     REJECT_INSUFFICIENT_BALANCE);
    assert_int_equal(held(&place, USD), 0);
    assert_int_equal(held(&place, COIN), 0);
    assert_int_equal(plan(&place, world_limit(place.bob, SELL, 5, 100)), REJECT_NONE);
    assert_int_equal(held(&place, COIN), 5);
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
    assert_true(place.taker.kill);
    fok.qty.lots = 2;
    assert_int_equal(plan(&place, fok), REJECT_NONE);
    assert_false(place.taker.kill);
    fok.price.ticks = 99;
    assert_int_equal(plan(&place, fok), REJECT_NONE);
    assert_true(place.taker.kill);
    world_close(&place.world);
}
