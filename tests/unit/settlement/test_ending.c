#include "settlement/ending.h"

#include "tests/unit/settlement/agreement.h"

/* An amended order keeps less, and the rest of its hold is free. */
static void tell_amend(struct world *world)
{
    const uint64_t buy = world_buy(world, 3, P, 9);
    world_sell(world, 1, P, 2);
    world_amend(world, buy, 5);
    world_seal(world);
    world_sell(world, 1, P, 3);
}

TEST(ending, amended_order_is_smaller_and_frees_its_hold)
{
    EXPECT_FOUND(tell_amend, PLANT_AMEND_KEEPS, PLANT_AMEND_MORE, PLANT_OVERFILL);
}

/* A switch ends its account's orders when its time has come: not before, not those of others. */
static void tell_switch(struct world *world)
{
    world_buy(world, 3, P, 2);
    world_sell(world, 4, P + 9, 2);
    world_buy(world, 3, P - 1, 2);
    world_arm(world, 3, 1000);
    world->stamp_ns += 999999999;
    world_sell(world, 1, P + 20, 1);
    world->stamp_ns += 1;
    world_sell(world, 1, P + 20, 1);
    assert_true(world->held[3][USDT] == 0);
    assert_true(world->held[4][BTC] == 2 * LOT_UNITS);
}

TEST(ending, switch_ends_its_accounts_orders_in_time)
{
    EXPECT_FOUND(tell_switch, PLANT_SWITCH_EARLY, PLANT_SWITCH_NEVER, PLANT_SWITCH_OTHER);
}

/* A session's end takes what is bound to it, a list's other orders with it, and nothing else. */
static void tell_session(struct world *world)
{
    const struct world_order bound = {
        .account = 3, .side = BUY, .type = LIMIT, .price = P, .qty = 2, .session = 7};
    struct world_order other = bound;
    const struct world_order pair[] = {
        {.account = 3, .side = SELL, .type = LIMIT_MAKER, .price = P + 10, .qty = 2, .session = 7},
        {.account = 3, .side = SELL, .type = STOP_LOSS, .stop = P - 10, .qty = 2, .session = 7}};
    other.session = 8;
    world_enter(world, &bound);
    world_enter(world, &other);
    world_place_list(world, LIST_OCO, pair);
    world_end_session(world, 3, 7);
}

TEST(ending, session_takes_its_own_orders_only)
{
    EXPECT_FOUND(tell_session, PLANT_SESSION_OTHER, PLANT_LIST_LEFT_OPEN, PLANT_DONE_KEEPS_HOLD);
}

/* A list ends as one: the others follow the canceled one, and a pending order was never paid for. */
static void tell_lists(struct world *world)
{
    const struct world_order legs[] = {
        {.account = 3, .side = BUY, .type = LIMIT, .price = P, .qty = 2},
        {.account = 3, .side = SELL, .type = LIMIT_MAKER, .price = P + 50, .qty = 2},
        {.account = 3,
         .side = SELL,
         .type = STOP_LOSS_LIMIT,
         .stop = P - 50,
         .price = P - 60,
         .qty = 2}};
    const uint64_t one = world_place_list(world, LIST_OTOCO, legs);
    world_cancel(world, 3, one + 1);
    const uint64_t two = world_place_list(world, LIST_OTOCO, legs);
    world_sell(world, 1, P, 2);
    world_cancel(world, 3, two + 2);
    world_place_list(world, LIST_OTO, legs);
    world_sell(world, 1, P, 2);
    world_buy(world, 1, P + 50, 2);
}

TEST(ending, orders_of_a_list_end_with_it)
{
    EXPECT_FOUND(tell_lists, PLANT_LIST_LEFT_OPEN, PLANT_PENDING_HOLDS, PLANT_RELEASE_HALF,
                 PLANT_EXECUTED, PLANT_CANCEL_OTHER);
}
