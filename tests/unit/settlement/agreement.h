/* Stories of the world's market, told with and without one planted bug.
 *
 * Without a bug settlement and world have the same balances to the last unit; with any of them,
 * settlement stops before the block ends.
 */

#ifndef TESTS_UNIT_SETTLEMENT_AGREEMENT_H
#define TESTS_UNIT_SETTLEMENT_AGREEMENT_H

#include "tests/harness.h"
#include "tests/unit/settlement/world.h"

#define P 3000000 /* a price to tell stories around */

typedef void (*story_t)(struct world *);

static inline void agree(struct world *world)
{
    const struct settle_mismatch *found = settlement_mismatch(world->settlement);
    if (found != NULL)
        fail_msg("%s: account %u asset %u order %llu ours %lld theirs %lld command %llu",
                 found->what, found->account, found->asset, (unsigned long long)found->order_id,
                 (long long)found->ours, (long long)found->theirs,
                 (unsigned long long)found->command);
    assert_int_equal(world->status, STATUS_OK);
    for (uint32_t account = 1; account <= world->account_count; account++)
        for (uint16_t asset = 0; asset < 2; asset++) {
            assert_int_equal(settlement_available(world->settlement, account, asset).units,
                             world->available[account][asset]);
            assert_int_equal(settlement_held(world->settlement, account, asset).units,
                             world->held[account][asset]);
        }
    assert_true(settle_check(world->settlement));
}

/* Settlement says that it differs in `what`, at a command or at the end of the block. */
static inline void differ(struct world *world, const char *what)
{
    const enum status status = world->status == STATUS_OK ? world_seal(world) : world->status;
    assert_int_equal(status, STATUS_MISMATCH);
    assert_string_equal(settlement_mismatch(world->settlement)->what, what);
}

/* One lot changes hands at `price`, between accounts 1 and 2. Needs: nothing rests in between. */
static inline void touch(struct world *world, int64_t price)
{
    world_sell(world, 1, price, 1);
    world_buy(world, 2, price, 1);
}

/* Three tiers: the second by volume in quote, the third with a rebate, by grace. */
static inline void adjust_tiers(struct genesis *genesis)
{
    genesis->params.volume_asset = USDT;
    genesis->params.tier_count = 3;
    genesis->params.tiers[0] = (struct fee_tier){1000, 2000, {0}};
    genesis->params.tiers[1] = (struct fee_tier){333, 777, {300000000}};
    genesis->params.tiers[2] = (struct fee_tier){-500, 500, {INT64_MAX}};
}

/* Tells the story until its end or until settlement stops. In a frame of its own: who comes back by a
 * jump finds nothing there that it needs. */
static __attribute__((noinline)) void tell(struct world *world, story_t story)
{
    jmp_buf escape;
    world->escape = &escape;
    if (setjmp(escape) == 0) {
        story(world);
        world_seal(world);
    }
    world->escape = NULL;
}

/* Tells the story as it is, then once with each bug. */
static inline void expect_found(story_t story, const enum plant *plants, size_t plant_count)
{
    for (size_t i = 0; i <= plant_count; i++) {
        struct world *world = world_new_with(adjust_tiers);
        world->plant = i == 0 ? PLANT_NONE : plants[i - 1];
        tell(world, story);
        if (i == 0)
            agree(world);
        else if (world->status != STATUS_MISMATCH)
            fail_msg("not found: plant %d", (int)plants[i - 1]);
        world_free(world);
    }
}

#define EXPECT_FOUND(story, ...) \
    do { \
        const enum plant plants[] = {__VA_ARGS__}; \
        expect_found(story, plants, sizeof(plants) / sizeof(plants[0])); \
    } while (0)

#endif /* TESTS_UNIT_SETTLEMENT_AGREEMENT_H */
