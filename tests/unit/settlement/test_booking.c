#include "settlement/booking.h"

#include "tests/unit/settlement/agreement.h"

/* Postings end at the house's and the users' accounts, and none of them may end below zero. */
TEST(booking, set_that_leaves_an_account_below_zero_is_a_mismatch)
{
    struct world *world = world_new();
    struct settlement *s = world->settlement;
    const int64_t had = settlement_available(s, 1, BTC).units;
    struct posting_set set = posting_credit(POSTING_EXTERNAL, 1, BTC, (amount_t){5});
    assert_int_equal(booking_post(s, &set), STATUS_OK);
    assert_int_equal(settlement_available(s, 1, BTC).units, had + 5);
    set = posting_hold(1, BTC, (amount_t){had + 6});
    assert_int_equal(booking_post(s, &set), STATUS_MISMATCH);
    assert_string_equal(settlement_mismatch(s)->what, "available balance below zero");
    world_free(world);

    /* A rebate that no fee has paid for. */
    world = world_new();
    set =
        (struct posting_set){.count = 2,
                             .items = {{POSTING_FEES, BTC, POSTING_AVAILABLE, POSTING_REBATE, {-1}},
                                       {1, BTC, POSTING_AVAILABLE, POSTING_REBATE, {1}}}};
    assert_int_equal(booking_post(world->settlement, &set), STATUS_MISMATCH);
    assert_string_equal(settlement_mismatch(world->settlement)->what, "fees below zero");
    world_free(world);
}

/* What an order needs by itself: a seller its rest, a buyer its rest at the price it holds by. */
TEST(booking, need_is_the_rest_at_the_price_it_holds_by)
{
    struct world *world = world_new();
    struct settlement *s = world->settlement;
    struct hold_entry order = {.side = SELL,
                               .type = STOP_LOSS,
                               .qty = {10},
                               .executed = {3},
                               .prevented = {2},
                               .hold_price = {P}};
    amount_t need;
    assert_true(booking_need(s, &order, &need));
    assert_int_equal(need.units, 5 * LOT_UNITS);
    order.side = BUY;
    assert_true(booking_need(s, &order, &need));
    assert_int_equal(need.units, 5 * (int64_t)P * STEP_UNITS);
    order.hold_price.ticks = 0; /* by the engine's walk */
    assert_false(booking_need(s, &order, &need));
    order.hold_price.ticks = P;
    order.qty.lots = order.executed.lots = order.prevented.lots = 0; /* by quote amount */
    assert_false(booking_need(s, &order, &need));
    world_free(world);
}

/* A pair holds what the dearer of the two needs, whichever of them carries it. */
TEST(booking, pair_shrinks_to_the_dearer_need)
{
    struct world *world = world_new();
    const struct world_order pair[] = {
        {.account = 3,
         .side = BUY,
         .type = STOP_LOSS_LIMIT,
         .stop = P + 10,
         .price = P + 20,
         .qty = 5},
        {.account = 3, .side = BUY, .type = LIMIT_MAKER, .price = P - 10, .qty = 5}};
    struct settlement *s = world->settlement;
    const uint64_t first = world_place_list(world, LIST_OCO, pair);
    struct hold_entry *above = hold_book_find(s->orders, 0, first);
    struct hold_entry *below = hold_book_find(s->orders, 0, first + 1);
    assert_ptr_equal(booking_sibling(s, above), below);
    assert_ptr_equal(booking_sibling(s, below), above);
    assert_int_equal(settlement_held(s, 3, USDT).units, 5 * (P + 20) * STEP_UNITS);

    amount_t due;
    assert_true(booking_due(s, above, &due));
    assert_int_equal(due.units, 5 * (P + 20) * STEP_UNITS);
    assert_true(booking_due(s, below, &due));
    assert_int_equal(due.units, 0);

    below->prevented.lots = 2; /* the dearer one has all of it left */
    assert_int_equal(booking_shrink(s, below), STATUS_OK);
    assert_int_equal(settlement_held(s, 3, USDT).units, 5 * (P + 20) * STEP_UNITS);
    above->prevented.lots = 3;
    assert_int_equal(booking_shrink(s, above), STATUS_OK);
    assert_int_equal(settlement_held(s, 3, USDT).units, 3 * (P - 10) * STEP_UNITS);
    world_free(world);
}
