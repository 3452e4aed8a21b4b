#include "tests/harness.h"

#include "common/arena.h"
#include "engine/volumes.h"

enum { BTC, USDT, ETH, DOGE, ASSETS };

#define ACCOUNTS 5

struct volumes_world {
    struct arena arena;
    struct volumes volumes;
    struct averages averages;
    struct params params;
};

static void list(struct volumes_world *world, uint16_t base, uint16_t quote, int64_t tick_units)
{
    world->params.markets[world->params.market_count++] =
        (struct market){.base = base, .quote = quote, .tick_units = tick_units};
}

/* Volumes are counted in USDT of 6 decimals; markets are for the test to list. */
static void volumes_open(struct volumes_world *world)
{
    world->params = (struct params){
        .accounts_max = ACCOUNTS,
        .markets_max = 8,
        .assets_max = ASSETS,
        .asset_count = ASSETS,
        .volume_asset = USDT,
        .tier_count = 3,
        .tiers = {[1].volume_min = {1000}, [2].volume_min = {5000}},
        .assets = {[BTC].decimals = 8, [USDT].decimals = 6, [ETH].decimals = 8},
    };
    const size_t byte_count = volumes_bytes(&world->params) + averages_bytes(&world->params);
    assert_true(arena_map(&world->arena, byte_count));
    assert_true(volumes_init(&world->volumes, &world->arena, &world->params));
    assert_true(averages_init(&world->averages, &world->arena, &world->params));
}

static int64_t value(struct volumes_world *world, uint16_t market, int64_t base, int64_t quote)
{
    return volumes_value(&world->volumes, &world->params, &world->averages, market,
                         (amount_t){base}, (amount_t){quote})
        .units;
}

static int64_t before(const struct volumes_world *world, uint32_t account, uint32_t day)
{
    assert_true(volumes_check(&world->volumes));
    return volumes_before(&world->volumes, account, day).units;
}

static uint16_t tier(const struct volumes_world *world, uint32_t day, uint16_t floor_tier)
{
    return volumes_tier(&world->params, &world->volumes, 1, day, floor_tier);
}

/* The side that is in the volume asset is the value; the quote amount if both were. */
TEST(volumes, value_is_the_side_in_the_volume_asset)
{
    struct volumes_world world;
    volumes_open(&world);
    list(&world, BTC, USDT, 10000);
    list(&world, USDT, ETH, 1);
    assert_int_equal(value(&world, 0, 7, 90), 90);
    assert_int_equal(value(&world, 1, 7, 90), 7);
    arena_unmap(&world.arena);
}

/* Elsewhere the quote amount is priced by the first market that has it as base and the volume asset as
 * quote: at its last price, rounded down, 0 before it has one. */
TEST(volumes, value_elsewhere_is_by_the_first_market_s_last_price)
{
    struct volumes_world world;
    volumes_open(&world);
    list(&world, ETH, BTC, 1000);
    assert_int_equal(value(&world, 0, 1, 100000000), 0); /* no market prices BTC */
    list(&world, USDT, BTC, 1);                          /* the wrong way round */
    assert_int_equal(value(&world, 0, 1, 100000000), 0);
    list(&world, ETH, USDT, 10000); /* another asset's */
    averages_fill(&world.averages, 2, 0, (price_t){88}, (qty_t){1});
    list(&world, BTC, USDT, 10000); /* a tick is 0.01 USDT */
    list(&world, BTC, USDT, 10000);
    averages_fill(&world.averages, 4, 0, (price_t){77}, (qty_t){1});
    assert_int_equal(value(&world, 0, 1, 100000000),
                     0); /* not traded yet; the later one does not count */
    averages_fill(&world.averages, 3, 0, (price_t){5000003}, (qty_t){1});
    assert_int_equal(value(&world, 0, 1, 100000000), 50000030000);
    assert_int_equal(value(&world, 0, 1, 1), 500); /* 500.0003 */
    assert_int_equal(value(&world, 0, 1, 0), 0);
    averages_fill(&world.averages, 3, 0, (price_t){1}, (qty_t){1});
    assert_int_equal(value(&world, 0, 1, 9999), 0);
    assert_int_equal(value(&world, 0, 1, 10000), 1);
    arena_unmap(&world.arena);
}

/* An asset's own market may come later than the question was first asked, of each asset. */
TEST(volumes, value_finds_a_market_listed_later)
{
    struct volumes_world world;
    volumes_open(&world);
    list(&world, BTC, ETH, 1);
    list(&world, BTC, DOGE, 1);
    assert_int_equal(value(&world, 0, 1, 5), 0);
    assert_int_equal(value(&world, 1, 1, 5), 0);
    list(&world, DOGE, USDT, 3); /* 0 decimals */
    averages_fill(&world.averages, 2, 0, (price_t){2}, (qty_t){1});
    assert_int_equal(value(&world, 0, 1, 5), 0);
    assert_int_equal(value(&world, 1, 1, 5), 30);
    arena_unmap(&world.arena);
}

/* A value that does not fit is the largest there is. */
TEST(volumes, value_is_bounded)
{
    struct volumes_world world;
    volumes_open(&world);
    list(&world, BTC, DOGE, 1);
    list(&world, DOGE, USDT, INT64_MAX);
    averages_fill(&world.averages, 1, 0, (price_t){1}, (qty_t){1});
    assert_int_equal(value(&world, 0, 1, 1), INT64_MAX);
    assert_int_equal(value(&world, 0, 1, 2), INT64_MAX);
    assert_int_equal(value(&world, 0, 1, INT64_MAX), INT64_MAX);
    arena_unmap(&world.arena);
}

/* Today does not count; the 30 days before it do, and no other. */
TEST(volumes, thirty_days_before_today_count)
{
    struct volumes_world world;
    volumes_open(&world);
    volumes_add(&world.volumes, 1, 100, (amount_t){3});
    volumes_add(&world.volumes, 1, 100, (amount_t){4});
    assert_int_equal(before(&world, 1, 100), 0);
    assert_int_equal(before(&world, 1, 101), 7);
    assert_int_equal(before(&world, 1, 130), 7);
    assert_int_equal(before(&world, 1, 131), 0);
    volumes_add(&world.volumes, 1, 130, (amount_t){10});
    assert_int_equal(before(&world, 1, 130), 7);
    assert_int_equal(before(&world, 1, 131), 10);
    volumes_add(&world.volumes, 1, 160, (amount_t){20});
    assert_int_equal(before(&world, 1, 160), 10);
    assert_int_equal(before(&world, 2, 160), 0);
    arena_unmap(&world.arena);
}

/* A day and a sum of days stay at the largest value. */
TEST(volumes, sums_stay_at_the_largest_value)
{
    struct volumes_world world;
    volumes_open(&world);
    volumes_add(&world.volumes, 1, 0, (amount_t){INT64_MAX});
    volumes_add(&world.volumes, 1, 0, (amount_t){1});
    assert_int_equal(before(&world, 1, 1), INT64_MAX);
    volumes_add(&world.volumes, 1, 1, (amount_t){1});
    assert_int_equal(before(&world, 1, 2), INT64_MAX);
    assert_int_equal(before(&world, 1, 31), 1);
    arena_unmap(&world.arena);
}

/* The highest tier whose volume is reached exactly, the given one at least. */
TEST(volumes, tier_is_the_highest_earned_or_given)
{
    struct volumes_world world;
    volumes_open(&world);
    assert_int_equal(tier(&world, 9, 0), 0);
    volumes_add(&world.volumes, 1, 9, (amount_t){999});
    assert_int_equal(tier(&world, 10, 0), 0);
    volumes_add(&world.volumes, 1, 10, (amount_t){1});
    assert_int_equal(tier(&world, 10, 0), 0);
    assert_int_equal(tier(&world, 11, 0), 1);
    assert_int_equal(tier(&world, 11, 2), 2);
    volumes_add(&world.volumes, 1, 11, (amount_t){4000});
    assert_int_equal(tier(&world, 12, 1), 2);
    assert_int_equal(tier(&world, 40, 0), 1); /* 1 + 4000 */
    assert_int_equal(tier(&world, 42, 0), 0);
    assert_int_equal(tier(&world, 42, 1), 1);
    arena_unmap(&world.arena);
}

/* While no tier asks for volume, tiers are given only. */
TEST(volumes, tiers_without_volume_are_given_only)
{
    struct volumes_world world;
    volumes_open(&world);
    assert_true(volumes_counted(&world.params));
    world.params.tiers[1].volume_min = (amount_t){0};
    assert_true(volumes_counted(&world.params));
    world.params.tiers[2].volume_min = (amount_t){0};
    assert_false(volumes_counted(&world.params));
    assert_int_equal(tier(&world, 9, 0), 0);
    assert_int_equal(tier(&world, 9, 1), 1);
    arena_unmap(&world.arena);
}

/* ---- Against a table of every account and day. */

#define MODEL_DAYS 4000

static int64_t model_days[ACCOUNTS + 1][MODEL_DAYS];
static uint64_t random_state;

static uint64_t random_below(uint64_t bound)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % bound;
}

static void random_open(void)
{
    const char *given = getenv("QUOREX_SEED");
    random_state = given == NULL ? 0x5eed : strtoull(given, NULL, 0);
    if (random_state == 0) random_state = 1;
    print_message("seed %#llx\n", (unsigned long long)random_state);
    memset(model_days, 0, sizeof(model_days));
}

static int64_t saturated(int64_t left, int64_t right)
{
    return left > INT64_MAX - right ? INT64_MAX : left + right;
}

static int64_t model_before(uint32_t account, uint32_t day)
{
    int64_t sum = 0;
    for (uint32_t at = day < 30 ? 0 : day - 30; at < day; at++)
        sum = saturated(sum, model_days[account][at]);
    return sum;
}

static uint32_t random_day_after(uint32_t day)
{
    switch (random_below(30)) {
    case 0:
        return day + 1;
    case 1:
        return random_below(8) == 0 ? day + (uint32_t)random_below(64) : day;
    case 2:
        return random_below(8) == 0 ? day + 29 + (uint32_t)random_below(4) : day;
    default:
        return day;
    }
}

static void random_add(struct volumes_world *world, uint32_t day)
{
    const uint32_t account = 1 + (uint32_t)random_below(ACCOUNTS);
    const int64_t most = random_below(2000) == 0 ? INT64_MAX : 1000;
    const int64_t units = (int64_t)random_below((uint64_t)most);
    model_days[account][day] = saturated(model_days[account][day], units);
    volumes_add(&world->volumes, account, day, (amount_t){units});
}

/* Whatever days are traded on, the sum is that of the table. */
TEST(volumes, agree_with_a_table_of_days)
{
    struct volumes_world world;
    volumes_open(&world);
    random_open();
    for (uint32_t day = 0; day < MODEL_DAYS; day = random_day_after(day)) {
        if (random_below(3) != 0) random_add(&world, day);
        const uint32_t account = 1 + (uint32_t)random_below(ACCOUNTS);
        assert_int_equal(before(&world, account, day), model_before(account, day));
        if (random_below(5) != 0) continue;
        const uint32_t later = day + (uint32_t)random_below(40);
        if (later < MODEL_DAYS)
            assert_int_equal(before(&world, account, later), model_before(account, later));
    }
    arena_unmap(&world.arena);
}

static void same_walk(const struct volumes *left, const struct volumes *right)
{
    struct volumes_day at = {0}, other = {0};
    while (volumes_next(left, &at)) {
        assert_true(volumes_next(right, &other));
        assert_true(at.account == other.account && at.day == other.day &&
                    at.value.units == other.value.units);
    }
    assert_false(volumes_next(right, &other));
}

/* What the walk gives, added in its order, is the same: now, and after whatever comes. */
TEST(volumes, added_again_they_go_on_alike)
{
    random_open();
    for (int round = 0; round < 30; round++) {
        struct volumes_world world, twin;
        volumes_open(&world);
        volumes_open(&twin);
        memset(model_days, 0, sizeof(model_days));
        uint32_t day = 0;
        for (uint64_t i = random_below(400); i > 0; i--)
            random_add(&world, day = random_day_after(day));
        struct volumes_day at = {0};
        while (volumes_next(&world.volumes, &at))
            volumes_add(&twin.volumes, at.account, at.day, at.value);
        same_walk(&world.volumes, &twin.volumes);
        for (int i = 0; i < 400 && day < MODEL_DAYS - 64; i++) {
            day = random_day_after(day);
            const uint64_t again = random_state;
            random_add(&world, day);
            random_state = again;
            random_add(&twin, day);
            same_walk(&world.volumes, &twin.volumes);
        }
        assert_true(volumes_check(&twin.volumes));
        arena_unmap(&world.arena);
        arena_unmap(&twin.arena);
    }
}
