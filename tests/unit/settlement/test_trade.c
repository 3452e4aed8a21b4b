#include "settlement/trade.h"

#include "tests/unit/settlement/agreement.h"

/* What an account's own orders would have traded is taken from them instead, and its hold let go. */
static void tell_decrement(struct world *world)
{
    const struct world_order taker = {.account = 3,
                                      .side = BUY,
                                      .type = LIMIT,
                                      .price = P + 5,
                                      .qty = 9,
                                      .mode = SELF_TRADE_DECREMENT};
    world_sell(world, 3, P, 4);
    world_enter(world, &taker); /* 5 rest */
    world_sell(world, 3, P + 6, 1);
    world_sell(world, 1, P + 5, 7);
    world_enter(world, &taker);
}

TEST(trade, prevented_quantity_leaves_both_orders_and_their_holds)
{
    EXPECT_FOUND(tell_decrement, PLANT_SELF_TRADE, PLANT_PREVENTED_TRADES, PLANT_PREVENTED_HOLDS,
                 PLANT_PREVENTED_ID);
}

/* The other three modes: either order ends, or both. */
static void tell_expiring_modes(struct world *world)
{
    for (uint8_t mode = SELF_TRADE_EXPIRE_TAKER; mode <= SELF_TRADE_EXPIRE_BOTH; mode++) {
        const struct world_order taker = {
            .account = 3, .side = SELL, .type = LIMIT, .price = P - 5, .qty = 9, .mode = mode};
        world_buy(world, 3, P, 4);
        world_buy(world, 1, P - 1, 3);
        world_enter(world, &taker);
        for (uint64_t id = 1; id <= world->order_id; id++)
            if (world_find(world, id) != NULL)
                world_cancel(world, world_find(world, id)->account, id);
    }
}

TEST(trade, prevention_ends_the_taker_the_maker_or_both)
{
    EXPECT_FOUND(tell_expiring_modes, PLANT_SELF_TRADE, PLANT_PREVENTED_TRADES, PLANT_PREVENTED_ID);
}

/* An iceberg is met slice by slice: no match is larger than what it shows. */
static void tell_iceberg(struct world *world)
{
    const struct world_order iceberg = {
        .account = 3, .side = SELL, .type = LIMIT, .price = P, .qty = 10, .iceberg = 3};
    world_enter(world, &iceberg);
    world_sell(world, 1, P, 2);
    world_buy(world, 2, P, 4); /* a slice, then one lot of the order behind it */
    world_buy(world, 4, P, 6);
    world_seal(world);
    world_amend(world, 1, 9);
    world_seal(world);
    world_buy(world, 2, P, 9);
}

TEST(trade, iceberg_trades_what_it_shows)
{
    EXPECT_FOUND(tell_iceberg, PLANT_ICEBERG_DEEP, PLANT_OVERFILL, PLANT_AMEND_KEEPS, PLANT_TERMS);
}

/* A maker of a rate below zero: both ways, its rebate comes out of the taker's fee. */
static void tell_rebate(struct world *world)
{
    world_grade(world, 1, 2);
    world_sell(world, 1, P, 7);
    world_buy(world, 3, P, 7);
    world_buy(world, 1, P + 1, 3);
    world_sell(world, 2, P + 1, 3);
    assert_true(settlement_totals(world->settlement, BTC).fees == 14 - 3); /* 0.2% and 0.05% */
}

TEST(trade, rebate_comes_out_of_the_takers_fee)
{
    EXPECT_FOUND(tell_rebate, PLANT_REBATE_FREE, PLANT_REBATE_UP, PLANT_REBATE_ASSET, PLANT_RATE,
                 PLANT_FEE_PAYER, PLANT_ROUNDING);
}
