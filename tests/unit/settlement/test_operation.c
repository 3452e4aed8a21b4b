#include "settlement/operation.h"

#include "common/share.h"
#include "tests/unit/settlement/agreement.h"

/* The tier rises with the 30 days before today, at the first order of a day, and falls with them. */
static void tell_tiers(struct world *world)
{
    world_buy(world, 3, P - 50, 20);
    world->stamp_ns += WORLD_DAY_NS;
    world_sell(world, 1, P - 50, 20); /* 600,000,000 of quote: twice what the tier asks for */
    world_buy(world, 3, P - 60, 1);   /* of today: it does not count yet */
    assert_int_equal(world->tiers[3], 0);
    world->stamp_ns += WORLD_DAY_NS;
    world_sell(world, 1, P, 2);
    world_buy(world, 3, P, 2);
    assert_int_equal(world->tiers[3], 1);
    world_seal(world);
    world->stamp_ns += 29 * WORLD_DAY_NS; /* the last day on which it counts */
    world_sell(world, 1, P, 2);
    world_buy(world, 3, P, 2);
    assert_int_equal(world->tiers[3], 1);
    world->stamp_ns += WORLD_DAY_NS;
    world_sell(world, 1, P, 2);
    world_buy(world, 3, P, 2);
    assert_int_equal(world->tiers[3], 0);
}

TEST(operation, tier_follows_thirty_days_of_volume)
{
    EXPECT_FOUND(tell_tiers, PLANT_TIER_LATE, PLANT_TIER_TODAY, PLANT_RATE);
}

/* A lowest tier holds at once, and is given up at once. */
static void tell_grades(struct world *world)
{
    world_grade(world, 3, 1);
    world_sell(world, 1, P, 2);
    world_buy(world, 3, P, 2);
    world_grade(world, 3, 0);
    world_grade(world, 3, 0);
    world_sell(world, 1, P, 2);
    world_buy(world, 3, P, 2);
}

TEST(operation, lowest_tier_changes_the_rate_at_once)
{
    EXPECT_FOUND(tell_grades, PLANT_RATE, PLANT_FEE_PAYER);
}

/* Filters are those that the operator asked for. */
static void tell_filters(struct world *world)
{
    world_band(world, 50000);
    world_band(world, 0);
}

TEST(operation, filters_are_those_asked_for)
{
    EXPECT_FOUND(tell_filters, PLANT_FILTERS);
}

/* A switch is armed for the stamp and the time that were asked for, and can be disarmed. */
static void tell_switches(struct world *world)
{
    world_arm(world, 3, 1000);
    world_arm(world, 3, 2000);
    world_arm(world, 4, 500);
    world_arm(world, 4, 0);
    world->stamp_ns += 1500000000;
    world_buy(world, 3, P, 1);
    world->stamp_ns += 500000000;
    world_buy(world, 4, P, 1);
    assert_true(world->held[3][USDT] == 0);
}

TEST(operation, switch_is_replaced_and_disarmed)
{
    EXPECT_FOUND(tell_switches, PLANT_SWITCH_NEVER, PLANT_SWITCH_EARLY);
}

/* Eight switches. */
static void few_switches(struct genesis *genesis)
{
    genesis->params.orders_max = 8;
}

/* Under these rules, with so many switches in other markets, `own` of them account 3's and the others account 1's: what came of
 * account 3's in this market, armed `times` times. */
static const char *arms_under(uint32_t rules, uint16_t count, uint16_t own, int times)
{
    static char what[64];
    struct world *world = world_new_with(few_switches);
    world_rules(world, rules);
    for (uint16_t i = 0; i < count; i++)
        assert_true(switch_book_set(world->settlement->switches, i < own ? 3 : 1,
                                    (uint16_t)(100 + i), INT64_MAX));
    for (int i = 0; i < times; i++)
        world_arm(world, 3, 1000);
    const struct settle_mismatch *found = settlement_mismatch(world->settlement);
    snprintf(what, sizeof(what), "%s", found == NULL ? "agreed" : found->what);
    world_free(world);
    return what;
}

/* Whatever the engine says, an account has one switch where half are taken, and may always arm it anew. */
TEST(operation, an_account_arms_no_more_than_its_share)
{
    assert_string_equal(arms_under(PARAMS_RULES_SHARES - 1, 7, 7, 2), "agreed");
    assert_string_equal(arms_under(PARAMS_RULES_SHARES, 3, 3, 2), "agreed");
    assert_string_equal(arms_under(PARAMS_RULES_SHARES, 4, 1, 1), "switches in use");
    assert_string_equal(arms_under(PARAMS_RULES_SHARES, 4, 0, 2), "agreed");
    assert_string_equal(arms_under(PARAMS_RULES_SHARES, 7, 0, 2), "agreed");
    assert_string_equal(arms_under(PARAMS_RULES_SHARES, 8, 0, 1), "switches in use");
}
