#include "settlement/waking.h"

#include "tests/unit/settlement/agreement.h"

/* A buyer's stop above the market: a tick short of its price nothing happens, at its price it fires and
 * takes at once, with the hold it has. */
static void tell_stop_limit(struct world *world)
{
    const struct world_order stop = {.account = 3,
                                     .side = BUY,
                                     .type = STOP_LOSS_LIMIT,
                                     .stop = P + 10,
                                     .price = P + 30,
                                     .qty = 4};
    world_sell(world, 1, P + 20, 3);
    touch(world, P);
    world_enter(world, &stop);
    touch(world, P + 9);
    touch(world, P + 10);
}

TEST(waking, stop_fires_at_its_price_and_not_a_tick_before)
{
    EXPECT_FOUND(tell_stop_limit, PLANT_TRIGGER_EARLY, PLANT_TRIGGER_PRICE, PLANT_TRIGGER_NEVER,
                 PLANT_TRIGGER_HOLD, PLANT_TERMS, PLANT_NO_RELEASE);
}

/* A buyer's stop without a limit holds at its stop price until it fires, then what the book costs;
 * stops fire stops, and one ends with nothing left to take. */
static void tell_stop_market(struct world *world)
{
    const struct world_order first = {
        .account = 3, .side = BUY, .type = STOP_LOSS, .stop = P + 10, .qty = 4};
    const struct world_order second = {
        .account = 4, .side = BUY, .type = STOP_LOSS, .stop = P + 25, .qty = 9};
    const struct world_order falling = {
        .account = 4, .side = SELL, .type = STOP_LOSS, .stop = P - 5, .qty = 2};
    world_sell(world, 1, P + 20, 3);
    world_sell(world, 2, P + 30, 3);
    world_enter(world, &first);
    world_enter(world, &second);
    world_enter(world, &falling);
    touch(world,
          P + 10); /* the first takes 3 and 1: the second fires, takes 2 and is out of book */
    world_buy(world, 1, P - 6, 3);
    world_sell(world, 2, P - 6, 1); /* fires the falling one into what is left there */
}

TEST(waking, stops_fire_stops_and_hold_what_the_book_costs)
{
    EXPECT_FOUND(tell_stop_market, PLANT_TRIGGER_PRICE, PLANT_TRIGGER_NEVER);
}

/* A trailing seller: from its stop price on it knows the highest, and fires 0.1% below that. */
static void tell_trailing(struct world *world)
{
    const struct world_order stop = {
        .account = 3, .side = SELL, .type = TAKE_PROFIT, .stop = P + 100, .delta = 10, .qty = 4};
    world_buy(world, 4, P - 9000, 9);
    touch(world, P);
    world_enter(world, &stop);
    touch(world, P + 99);
    touch(world, P - 3200); /* it would fire, had it started there */
    touch(world, P + 100);
    world_seal(world);
    touch(world, P + 500);
    touch(world, P - 1100); /* more than half the way */
    touch(world, P - 2500); /* P + 500 less 0.1% is P - 2,500.5 */
    touch(world, P - 2501);
    assert_true(world_find(world, 4) == NULL);
}

TEST(waking, trailing_stop_starts_at_its_price_and_fires_its_delta_away)
{
    EXPECT_FOUND(tell_trailing, PLANT_TRAILING_EARLY, PLANT_TRAILING_UNSTARTED,
                 PLANT_TRIGGER_PRICE);
}

/* Without a stop price it starts from the last price, here as a buyer: the lowest counts. */
static void tell_trailing_buyer(struct world *world)
{
    const struct world_order stop = {.account = 3,
                                     .side = BUY,
                                     .type = STOP_LOSS_LIMIT,
                                     .price = P + 9000,
                                     .delta = 20,
                                     .qty = 4};
    world_sell(world, 4, P + 8000, 9);
    touch(world, P);
    world_enter(world, &stop);
    touch(world, P + 5000);
    touch(world, P - 100);
    touch(world, P + 5899); /* 0.2% above P - 100 is P + 5,899.8 */
    touch(world, P + 5900);
    assert_true(world->held[3][USDT] == 0);
}

TEST(waking, trailing_stop_without_a_price_starts_at_the_last)
{
    EXPECT_FOUND(tell_trailing_buyer, PLANT_TRAILING_EARLY, PLANT_TRIGGER_PRICE);
}

/* Released when its price has already come: it fires by the last price, in the same command. */
static void tell_released_stop(struct world *world)
{
    const struct world_order legs[] = {
        {.account = 3, .side = BUY, .type = LIMIT, .price = P, .qty = 2},
        {.account = 3, .side = SELL, .type = STOP_LOSS, .stop = P + 50, .qty = 2}};
    world_buy(world, 4, P - 10, 5);
    world_place_list(world, LIST_OTO, legs);
    world_sell(world, 1, P, 2);
    /* A stop that slept on is found when the command is over. */
    assert_true(world->plant == PLANT_TRIGGER_NEVER || world->trade_id == 2);
}

TEST(waking, released_stop_fires_by_the_last_price)
{
    EXPECT_FOUND(tell_released_stop, PLANT_PENDING_HOLDS, PLANT_TRIGGER_PRICE, PLANT_TRIGGER_NEVER,
                 PLANT_TERMS);
}

/* Prices are kept only while somebody trails. One trailer fires by a price; nobody trails while it takes
 * its way up; another starts up there, in the same command, and fires by that first price come again. */
static void tell_two_trailers(struct world *world)
{
    const struct world_order first = {.account = 3,
                                      .side = BUY,
                                      .type = STOP_LOSS_LIMIT,
                                      .price = P + 5000,
                                      .delta = 10,
                                      .qty = 1};
    const struct world_order plain = {.account = 4,
                                      .side = SELL,
                                      .type = TAKE_PROFIT_LIMIT,
                                      .price = P + 3000,
                                      .stop = P + 4000,
                                      .qty = 1};
    const struct world_order legs[] = {
        {.account = 2, .side = SELL, .type = LIMIT, .price = P + 5000, .qty = 1},
        {.account = 2, .side = SELL, .type = STOP_LOSS, .delta = 5, .qty = 1}};
    touch(world, P);
    world_buy(world, 1, P - 9000, 9);
    world_enter(world, &first);
    world_enter(world, &plain);
    world_place_list(world, LIST_OTO, legs);
    world_sell(world, 1, P + 3000, 1);
    world_buy(world, 4, P + 3000, 2); /* fires the first: it fills the list's working order */
    assert_int_equal(world->trade_id, 5);
}

TEST(waking, price_that_comes_again_counts_for_who_started_since)
{
    EXPECT_FOUND(tell_two_trailers, PLANT_TRIGGER_PRICE);
}

/* An OTOCO's pair is released as one: the first holds for both. */
static void tell_released_pair(struct world *world)
{
    const struct world_order legs[] = {
        {.account = 3, .side = SELL, .type = LIMIT, .price = P, .qty = 2},
        {.account = 3,
         .side = BUY,
         .type = STOP_LOSS_LIMIT,
         .stop = P + 50,
         .price = P + 60,
         .qty = 2},
        {.account = 3, .side = BUY, .type = LIMIT_MAKER, .price = P - 50, .qty = 2}};
    world_place_list(world, LIST_OTOCO, legs);
    world_buy(world, 1, P, 2);
    world_seal(world);
    world_sell(world, 2, P - 50, 1);
}

TEST(waking, released_pair_holds_once)
{
    EXPECT_FOUND(tell_released_pair, PLANT_RELEASE_HALF, PLANT_SIBLING_STAYS, PLANT_PENDING_HOLDS);
}

/* A working order that was canceled releases nothing. */
static void tell_canceled_working(struct world *world)
{
    const struct world_order legs[] = {
        {.account = 3, .side = BUY, .type = LIMIT, .price = P, .qty = 2},
        {.account = 3, .side = SELL, .type = LIMIT, .price = P + 50, .qty = 2}};
    const uint64_t working = world_place_list(world, LIST_OTO, legs);
    world_cancel(world, 3, working);
}

TEST(waking, canceled_working_order_releases_nothing)
{
    EXPECT_FOUND(tell_canceled_working, PLANT_RELEASE_CANCELED, PLANT_LIST_LEFT_OPEN);
}

/* Prices are kept as long as somebody trails, and not for the next one. */
TEST(waking, prices_are_forgotten_with_the_last_who_trails)
{
    struct world *world = world_new();
    const struct price_trail *trail = &world->settlement->trails[0];
    const struct world_order stop = {
        .account = 3, .side = SELL, .type = STOP_LOSS, .delta = 20, .qty = 1};
    touch(world, P);
    const uint64_t one = world_enter(world, &stop), two = world_enter(world, &stop);
    touch(world, P + 5);
    world_cancel(world, 3, one);
    touch(world, P + 4);
    world_seal(world); /* what a command showed is kept when it is over */
    assert_int_equal(trail->high_count, 2);
    world_cancel(world, 3, two);
    assert_int_equal(trail->high_count, 0);
    assert_int_equal(trail->low_count, 0);
    touch(world, P + 3);
    world_seal(world);
    assert_int_equal(trail->high_count, 0);
    agree(world);
    world_free(world);
}
