#include "settlement/acceptance.h"

#include "tests/unit/settlement/agreement.h"

/* A seller's pair holds its quantity once, with the first of the two; so does a buyer's, for the dearer. */
static void tell_pairs(struct world *world)
{
    const struct world_order sells[] = {
        {.account = 3, .side = SELL, .type = LIMIT_MAKER, .price = P + 1000, .qty = 6},
        {.account = 3,
         .side = SELL,
         .type = STOP_LOSS_LIMIT,
         .stop = P - 1000,
         .price = P - 1100,
         .qty = 6}};
    const struct world_order buys[] = {
        {.account = 4,
         .side = BUY,
         .type = STOP_LOSS_LIMIT,
         .stop = P + 2000,
         .price = P + 2100,
         .qty = 5},
        {.account = 4, .side = BUY, .type = LIMIT_MAKER, .price = P - 3000, .qty = 5}};
    touch(world, P);
    world_place_list(world, LIST_OCO, sells);
    world_place_list(world, LIST_OCO, buys);
    assert_true(world->held[3][BTC] == 6 * LOT_UNITS);
    assert_true(world->held[4][USDT] == (P + 2100) * 5 * STEP_UNITS);
    world_buy(world, 1, P + 1000, 2);  /* ends the stop below */
    world_sell(world, 2, P - 3000, 1); /* ends the stop above */
}

TEST(acceptance, pair_holds_once)
{
    EXPECT_FOUND(tell_pairs, PLANT_PAIR_HOLDS_TWICE, PLANT_PAIR_HOLDS_LESS, PLANT_SIBLING_STAYS,
                 PLANT_LIST_ID, PLANT_ORDER_ID, PLANT_TERMS);
}

/* The stop of a pair fires: its sibling ends first, and the hold falls to the stop's own need. */
static void tell_fired_pair(struct world *world)
{
    const struct world_order buys[] = {{.account = 4,
                                        .side = BUY,
                                        .type = STOP_LOSS_LIMIT,
                                        .stop = P + 2000,
                                        .price = P + 2600,
                                        .qty = 5},
                                       {.account = 4,
                                        .side = BUY,
                                        .type = TAKE_PROFIT_LIMIT,
                                        .stop = P - 3000,
                                        .price = P + 3100,
                                        .qty = 5}};
    world_sell(world, 1, P + 2500, 3);
    touch(world, P);
    world_place_list(world, LIST_OCO, buys);
    touch(world, P + 2000);
}

TEST(acceptance, pair_that_fires_ends_its_sibling_first)
{
    EXPECT_FOUND(tell_fired_pair, PLANT_SIBLING_KEEPS, PLANT_TRIGGER_NEVER, PLANT_PAIR_HOLDS_LESS);
}

/* A replaced order ends before the new one is accepted, and its money is the new one's. */
static void tell_replace(struct world *world)
{
    const struct world_order better = {
        .account = 3, .side = BUY, .type = LIMIT, .price = P + 5, .qty = 7, .iceberg = 2};
    const uint64_t before = world_buy(world, 3, P, 7);
    world_replace(world, before, &better);
    world_sell(world, 1, P + 5, 3);
}

TEST(acceptance, replaced_order_ends_and_the_new_one_is_as_asked)
{
    EXPECT_FOUND(tell_replace, PLANT_REPLACE_KEEPS, PLANT_HOLD, PLANT_ICEBERG_DEEP, PLANT_TERMS,
                 PLANT_DONE_KEEPS_HOLD);
}

/* What an order is called is told as it was asked, right after its acceptance and before its end; and an order that was
 * asked for before is not placed again. */
static void tell_names(struct world *world)
{
    const struct world_order named = {
        .account = 3, .side = BUY, .type = LIMIT, .price = P, .qty = 7, .strategy = 12};
    const struct world_order stop = {.account = 3,
                                     .side = SELL,
                                     .type = STOP_LOSS_LIMIT,
                                     .stop = P - 1000,
                                     .price = P - 1100,
                                     .qty = 2,
                                     .strategy = 13,
                                     .is_once = true};
    (void)world_buy(world, 4, P - 3000, 1); /* rests to the end */
    (void)world_enter(world, &named);
    touch(world, P + 10);
    const uint64_t asleep = world_enter(world, &stop);
    world_enter_again(world, &stop, asleep);
    world_sell(world, 1, P, 7);
    touch(world, P - 1000);
}

static void tell_names_at_first(struct world *world)
{
    world_rules(world, PARAMS_RULES_API);
    tell_names(world);
}

static void tell_names_of_one_order(struct world *world)
{
    world_rules(world, PARAMS_RULES_ONCE);
    tell_names(world);
}

TEST(acceptance, names_are_as_asked_and_a_repeat_places_nothing)
{
    EXPECT_FOUND(tell_names_at_first, PLANT_TAG, PLANT_TAG_MISSING, PLANT_TAG_END_OTHER,
                 PLANT_REPEAT_OTHER, PLANT_REPEAT_ON);
}

/* A repeat is of an order that was placed before: there is one, by an earlier command, and at no later time. */
TEST(acceptance, a_repeat_is_of_an_order_that_was)
{
    EXPECT_FOUND(tell_names_at_first, PLANT_REPEAT_NO_ORDER, PLANT_REPEAT_NO_COMMAND,
                 PLANT_REPEAT_COMMAND, PLANT_REPEAT_AHEAD);
}

/* From rules 6 on it is the very order that is asked for. */
TEST(acceptance, a_repeat_is_of_the_order_that_is_asked_for)
{
    EXPECT_FOUND(tell_names_of_one_order, PLANT_REPEAT_PRICE, PLANT_REPEAT_QTY, PLANT_REPEAT_STOP,
                 PLANT_REPEAT_STRATEGY, PLANT_REPEAT_FORCE, PLANT_REPEAT_AHEAD);
}

/* And it went as an order can have gone; one that is open still is the account's own. */
TEST(acceptance, a_repeat_tells_what_can_have_been)
{
    EXPECT_FOUND(tell_names_of_one_order, PLANT_REPEAT_STATUS, PLANT_REPEAT_BELOW,
                 PLANT_REPEAT_ABOVE, PLANT_REPEAT_MOMENT, PLANT_REPEAT_ANOTHERS);
}

static void tell_a_name(struct world *world)
{
    const struct world_order named = {
        .account = 3, .side = BUY, .type = LIMIT, .price = P, .qty = 7, .strategy = 12};
    (void)world_enter(world, &named);
}

static void tell_a_repeat(struct world *world)
{
    const struct world_order once = {
        .account = 3, .side = BUY, .type = LIMIT, .price = P, .qty = 7, .is_once = true};
    world_enter_again(world, &once, world_buy(world, 3, P, 7));
}

static enum status status_under(uint32_t rules, story_t story)
{
    struct world *world = world_new_with(adjust_tiers);
    world_rules(world, rules);
    tell(world, story);
    const enum status status = world->status;
    world_free(world);
    return status;
}

/* Neither is there below rules 5, whatever the engine says. */
TEST(acceptance, names_and_repeats_need_their_rules)
{
    assert_int_equal(status_under(PARAMS_RULES_API - 1, tell_a_name), STATUS_MISMATCH);
    assert_int_equal(status_under(PARAMS_RULES_API - 1, tell_a_repeat), STATUS_MISMATCH);
    assert_int_equal(status_under(PARAMS_RULES_API, tell_a_name), STATUS_OK);
    assert_int_equal(status_under(PARAMS_RULES_API, tell_a_repeat), STATUS_OK);
}
