#include "tests/harness.h"

#include "common/arena.h"
#include "engine/trailing.h"
#include "tests/unit/engine/stops.h"
#include "tests/unit/engine/world.h"

#include <inttypes.h>
#include <sys/wait.h>
#include <unistd.h>

#define FOLLOWERS 96
#define MARKETS   3
#define ENOUGH    64

struct trail {
    struct arena arena;
    struct trailing trailing;
};

static void trail_open(struct trail *trail, uint32_t capacity)
{
    assert_true(arena_map(&trail->arena, trailing_bytes(capacity, MARKETS)));
    assert_true(trailing_init(&trail->trailing, &trail->arena, capacity, MARKETS));
    assert_int_equal(trail->arena.used, trail->arena.capacity);
}

static void trail_close(struct trail *trail)
{
    assert_true(trailing_check(&trail->trailing));
    arena_unmap(&trail->arena);
}

static uint32_t start(struct trail *trail, uint32_t order, enum side side, uint32_t delta,
                      int64_t extreme)
{
    const uint32_t follower =
        trailing_start(&trail->trailing, 0, order, side, delta, (price_t){extreme});
    assert_int_not_equal(follower, NO_SLOT);
    assert_true(trailing_check(&trail->trailing));
    return follower;
}

/* Whom the price fires in market 0, one digit an order; valid until the next call. */
static const char *fired(struct trail *trail, int64_t price)
{
    static char text[ENOUGH];
    size_t count = 0;
    uint32_t class = trailing_move(&trail->trailing, 0, (price_t){price});
    uint32_t order = trailing_next(&trail->trailing, (price_t){price}, &class);
    for (; order != NO_SLOT; order = trailing_next(&trail->trailing, (price_t){price}, &class))
        text[count++] = (char)('0' + order);
    text[count] = 0;
    assert_true(trailing_check(&trail->trailing));
    return text;
}

static int64_t extreme_of(const struct trail *trail, uint32_t follower)
{
    return trailing_extreme(&trail->trailing, follower).ticks;
}

/* The boundary of a SELL, both sides, where it is a whole price and where it is not: 9300 of 10000, and
 * 9999 x 0.93 = 9299.07. */
TEST(trailing, sell_fires_at_its_part_of_the_highest_and_not_above)
{
    struct trail trail;
    trail_open(&trail, FOLLOWERS);
    start(&trail, 1, SELL, 700, 10000);
    assert_string_equal(fired(&trail, 9301), "");
    assert_string_equal(fired(&trail, 9300), "1");
    start(&trail, 2, SELL, 700, 9999);
    assert_string_equal(fired(&trail, 9300), "");
    assert_string_equal(fired(&trail, 9299), "2");
    trail_close(&trail);
}

/* The same for a BUY: 10700 of 10000, and 9999 x 1.07 = 10698.93. */
TEST(trailing, buy_fires_at_its_part_of_the_lowest_and_not_below)
{
    struct trail trail;
    trail_open(&trail, FOLLOWERS);
    start(&trail, 1, BUY, 700, 10000);
    assert_string_equal(fired(&trail, 10699), "");
    assert_string_equal(fired(&trail, 10700), "1");
    start(&trail, 2, BUY, 700, 9999);
    assert_string_equal(fired(&trail, 10698), "");
    assert_string_equal(fired(&trail, 10699), "2");
    trail_close(&trail);
}

/* One that started before the market had a price takes the first price for its extreme, which cannot fire
 * it, nor can it be fired before. */
TEST(trailing, first_price_sets_the_extreme)
{
    struct trail trail;
    trail_open(&trail, FOLLOWERS);
    const uint32_t sell = start(&trail, 1, SELL, 1, 0);
    const uint32_t buy = start(&trail, 2, BUY, 1, 0);
    assert_int_equal(extreme_of(&trail, sell), 0);
    assert_string_equal(fired(&trail, 500), "");
    assert_int_equal(extreme_of(&trail, sell), 500);
    assert_int_equal(extreme_of(&trail, buy), 500);
    assert_string_equal(fired(&trail, 501), "2");
    assert_string_equal(fired(&trail, 500), "1"); /* the highest was 501 */
    trail_close(&trail);
}

/* One price fires the smaller delta first, and within a delta whoever started first, whatever the extremes. */
TEST(trailing, order_is_delta_then_start)
{
    struct trail trail;
    trail_open(&trail, FOLLOWERS);
    start(&trail, 1, SELL, 3000, 300);
    start(&trail, 2, SELL, 2000, 300);
    assert_string_equal(fired(&trail, 250), "");
    start(&trail, 3, SELL, 2000, 250);
    start(&trail, 4, SELL, 3000, 250);
    assert_string_equal(fired(&trail, 241), "");
    start(&trail, 5, SELL, 2500, 241);
    start(&trail, 6, SELL, 2000, 241);
    assert_string_equal(fired(&trail, 100), "236514");
    trail_close(&trail);

    trail_open(&trail, FOLLOWERS);
    start(&trail, 1, BUY, 3000, 100);
    start(&trail, 2, BUY, 2000, 100);
    assert_string_equal(fired(&trail, 110), "");
    start(&trail, 3, BUY, 2000, 110);
    start(&trail, 4, BUY, 3000, 110);
    assert_string_equal(fired(&trail, 200), "2314");
    trail_close(&trail);
}

/* SELL stands before BUY. No price can fire both, as it would have to be the lowest and the highest since
 * the later of them started; but a snapshot tells. */
TEST(trailing, walk_shows_sell_before_buy)
{
    static const uint32_t expected[] = {3, 2, 5, 4, 1};
    struct trail trail;
    trail_open(&trail, FOLLOWERS);
    start(&trail, 1, BUY, 10, 1000);
    start(&trail, 2, SELL, 20, 1000);
    start(&trail, 3, SELL, 10, 1000);
    start(&trail, 4, BUY, 5, 1000);
    start(&trail, 5, SELL, 20, 1000);
    uint32_t follower = trailing_walk_first(&trail.trailing, 0);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(trail.trailing.followers[follower].order, expected[i]);
        follower = trailing_walk_next(&trail.trailing, follower);
    }
    assert_int_equal(follower, NO_SLOT);
    assert_int_equal(trailing_walk_first(&trail.trailing, 1), NO_SLOT);
    trail_close(&trail);
}

/* Three groups of one class. A new high takes the weaker two together and leaves the strongest; one that
 * reaches the strongest joins all of them; orders keep the places in which they started. */
TEST(trailing, weaker_groups_merge_at_a_new_high)
{
    struct trail trail;
    trail_open(&trail, FOLLOWERS);
    const uint32_t first = start(&trail, 1, SELL, 5000, 1000);
    start(&trail, 2, SELL, 5000, 1000);
    assert_string_equal(fired(&trail, 900), "");
    const uint32_t third = start(&trail, 3, SELL, 5000, 900);
    assert_string_equal(fired(&trail, 800), "");
    const uint32_t fourth = start(&trail, 4, SELL, 5000, 800);
    assert_string_equal(fired(&trail, 950), "");
    assert_int_equal(extreme_of(&trail, first), 1000);
    assert_int_equal(extreme_of(&trail, third), 950);
    assert_int_equal(extreme_of(&trail, fourth), 950);
    assert_string_equal(fired(&trail, 500), "12"); /* half of 1000, more than half of 950 */
    assert_string_equal(fired(&trail, 475), "34");

    const uint32_t fifth = start(&trail, 5, SELL, 5000, 475);
    assert_string_equal(fired(&trail, 400), "");
    const uint32_t sixth = start(&trail, 6, SELL, 5000, 400);
    assert_string_equal(fired(&trail, 475), "");
    assert_int_equal(trail.trailing.classes[1].group_newest, fifth);
    assert_int_equal(extreme_of(&trail, sixth), 475);
    trail_close(&trail);
}

/* Taking out the head of a group, one behind it, the last of a group, and the last of all leaves the
 * others what they knew. */
TEST(trailing, who_ends_takes_nothing_along)
{
    struct trail trail;
    uint32_t followers[7];
    trail_open(&trail, FOLLOWERS);
    for (uint32_t i = 1; i <= 6; i++) {
        const int64_t price = 1000 - 50 * ((i - 1) / 2); /* groups 1 2, 3 4, 5 6 */
        assert_string_equal(fired(&trail, price), "");
        followers[i] = start(&trail, i, SELL, 5000, price);
    }
    static const uint32_t leave[] = {3, 2, 6, 4};
    for (size_t i = 0; i < 4; i++) {
        trailing_end(&trail.trailing, followers[leave[i]]);
        assert_true(trailing_check(&trail.trailing));
        if (leave[i] == 3) assert_int_equal(extreme_of(&trail, followers[4]), 950);
    }
    assert_int_equal(extreme_of(&trail, followers[1]), 1000);
    assert_int_equal(extreme_of(&trail, followers[5]), 900);
    assert_string_equal(fired(&trail, 1), "15");
    assert_int_equal(trail.trailing.follower_count, 0);
    assert_int_equal(trail.trailing.class_count, 0);
    trail_close(&trail);
}

/* All that fit start, each in a class of its own; when they are gone, so are the classes. */
TEST(trailing, classes_last_as_long_as_followers)
{
    struct trail trail;
    uint32_t followers[FOLLOWERS];
    trail_open(&trail, FOLLOWERS);
    for (int pass = 0; pass < 3; pass++) {
        for (uint32_t i = 0; i < FOLLOWERS; i++)
            followers[i] = start(&trail, i + 1, i % 2 ? BUY : SELL, 9999 - i * 7, 5000);
        assert_int_equal(trail.trailing.class_count, FOLLOWERS);
        for (uint32_t i = 0; i < FOLLOWERS; i++)
            trailing_end(&trail.trailing, followers[i]);
        assert_int_equal(trail.trailing.class_count, 0);
    }
    assert_int_equal(trail.trailing.follower_used, FOLLOWERS);
    trail_close(&trail);
}

/* The largest prices: the products need more than 64 bits, and where a BUY of 99.99% would fire is above
 * every price there is. */
TEST(trailing, products_do_not_overflow)
{
    struct trail trail;
    trail_open(&trail, FOLLOWERS);
    start(&trail, 1, SELL, 1, INT64_MAX);
    start(&trail, 2, SELL, 9999, INT64_MAX);
    start(&trail, 3, BUY, 9999, INT64_MAX);
    start(&trail, 4, BUY, 9999, INT64_MAX);
    const int64_t sell = (int64_t)((__int128)INT64_MAX * 9999 / 10000);
    assert_string_equal(fired(&trail, sell + 1), "");
    assert_string_equal(fired(&trail, sell), "1");
    assert_string_equal(fired(&trail, INT64_MAX), "");
    const int64_t low = (int64_t)1 << 62;
    assert_string_equal(fired(&trail, low + (low >> 13)), "");
    assert_string_equal(fired(&trail, INT64_MAX), ""); /* 1.9999 x (2^62 + 2^49) is more */
    assert_string_equal(fired(&trail, low), "");
    assert_string_equal(fired(&trail, INT64_MAX), "34"); /* 1.9999 x 2^62 is less */
    trail_close(&trail);
}

/* The test below leans on trailing_check: does it stop for a structure that is wrong? */
static bool check_stops(void (*damage)(struct trailing *))
{
    struct trail trail;
    trail_open(&trail, FOLLOWERS);
    start(&trail, 1, SELL, 700, 1000);
    start(&trail, 2, SELL, 700, 1000);
    assert_string_equal(fired(&trail, 980), "");
    start(&trail, 3, SELL, 700, 980);
    start(&trail, 4, BUY, 700, 980);

    fflush(stdout);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)!freopen("/dev/null", "w", stderr);
        damage(&trail.trailing);
        trailing_check(&trail.trailing);
        _exit(0);
    }
    int state;
    assert_int_equal(waitpid(child, &state, 0), child);
    trail_close(&trail);
    return WIFSIGNALED(state);
}

static void nothing(struct trailing *trailing)
{
    (void)trailing;
}
static void younger_knows_more(struct trailing *trailing)
{
    trailing->followers[3].extreme.ticks = 1001;
}
static void head_forgotten(struct trailing *trailing)
{
    trailing->followers[3].head = false;
}
static void link_cut(struct trailing *trailing)
{
    trailing->followers[2].older = NO_SLOT;
}
static void classes_swapped(struct trailing *trailing)
{
    trailing->classes[1].side = BUY;
    trailing->classes[2].side = SELL;
}
static void quiet_too_wide(struct trailing *trailing)
{
    trailing->markets[0].quiet.high++;
}

TEST(trailing, check_stops_at_damage)
{
    assert_false(check_stops(nothing));
    assert_true(check_stops(younger_knows_more));
    assert_true(check_stops(head_forgotten));
    assert_true(check_stops(link_cut));
    assert_true(check_stops(classes_swapped));
    assert_true(check_stops(quiet_too_wide));
}

/* The random test: the real ones, the plain ones, and what they need to agree on. */
struct pair {
    struct trail trail;
    struct stops stops;
    uint64_t seed;
    uint32_t followers[STOPS_MAX]; /* by order */
    uint32_t last_order;
    int64_t last[MARKETS]; /* price, 0: none yet */
    uint64_t fired, moved, quiet;
};

/* Extremes one by one, in the order of the walk; and the quiet range: just after a price it is exactly
 * the range around it that touches nobody. */
static void pair_agree(struct pair *pair, uint16_t market)
{
    const struct trailing *trailing = &pair->trail.trailing;
    assert_true(trailing_check(trailing));
    assert_int_equal(trailing->follower_count, pair->stops.count);
    uint32_t follower = trailing_walk_first(trailing, market);
    const struct stop *stop = stops_after(&pair->stops, market, NULL);
    for (; stop != NULL; stop = stops_after(&pair->stops, market, stop)) {
        assert_int_equal(trailing->followers[follower].order, stop->order);
        assert_int_equal(extreme_of(&pair->trail, follower), stop->extreme);
        follower = trailing_walk_next(trailing, follower);
    }
    assert_int_equal(follower, NO_SLOT);
}

static void pair_quiet_agrees(const struct pair *pair, uint16_t market, bool exactly)
{
    const struct quiet_range *quiet = &pair->trail.trailing.markets[market].quiet;
    const int64_t low = (int64_t)quiet->low, high = (int64_t)quiet->high;
    if (quiet->low > 0 && quiet->low <= quiet->high) {
        assert_false(stops_feel(&pair->stops, market, low));
        if (exactly && low > 1) assert_true(stops_feel(&pair->stops, market, low - 1));
    }
    if (quiet->high < INT64_MAX && quiet->low <= quiet->high) {
        assert_false(stops_feel(&pair->stops, market, high));
        if (exactly) assert_true(stops_feel(&pair->stops, market, high + 1));
    }
}

static void pair_start(struct pair *pair, uint16_t market)
{
    static const uint32_t deltas[] = {1, 50, 700, 700, 2500, 9999};
    if (pair->stops.count == FOLLOWERS) return;
    const uint32_t order = ++pair->last_order;
    const enum side side = world_below(&pair->seed, 2) ? BUY : SELL;
    const uint32_t delta = deltas[world_below(&pair->seed, 6)];
    const price_t extreme = {pair->last[market]};
    pair->followers[order] =
        trailing_start(&pair->trail.trailing, market, order, side, delta, extreme);
    stops_add(&pair->stops, (struct stop){.extreme = extreme.ticks,
                                          .order = order,
                                          .delta = delta,
                                          .market = market,
                                          .side = (uint8_t)side,
                                          .kind = ASLEEP_TRAILING});
}

static void pair_end(struct pair *pair)
{
    if (pair->stops.count == 0) return;
    const size_t at = world_below(&pair->seed, pair->stops.count);
    trailing_end(&pair->trail.trailing, pair->followers[pair->stops.all[at].order]);
    stops_remove(&pair->stops, at);
}

/* Near the last price, mostly; the markets' prices are small, ordinary and near the largest. */
static int64_t pair_price(struct pair *pair, uint16_t market)
{
    static const int64_t middle[] = {40, 40000, (int64_t)1 << 61};
    const int64_t wide = middle[market] / 4 * 3;
    const int64_t around = pair->last[market] == 0 ? middle[market] : pair->last[market];
    const int64_t near = 1 + around / (1 << (2 + 2 * world_below(&pair->seed, 5)));
    if (world_below(&pair->seed, 16) == 0)
        return middle[market] - wide + (int64_t)(world_random(&pair->seed) >> 1) % (2 * wide);
    const int64_t step = (int64_t)(world_random(&pair->seed) >> 1) % (2 * near + 1) - near;
    const int64_t price = around / 256 * 255 + middle[market] / 256 + step;
    if (price > 2 * middle[market]) return 2 * middle[market];
    return price < 1 ? 1 : price;
}

static void pair_move(struct pair *pair, uint16_t market)
{
    struct trailing *trailing = &pair->trail.trailing;
    const price_t price = {pair_price(pair, market)};
    const bool felt = stops_feel(&pair->stops, market, price.ticks);
    struct stop woken;
    uint32_t class = trailing_move(trailing, market, price);
    pair->quiet += class == NO_SLOT && trailing->markets[market].first != NO_SLOT;
    stops_begin(&pair->stops, market, price.ticks);
    while (stops_next(&pair->stops, market, price.ticks, &woken)) {
        assert_int_equal(trailing_next(trailing, price, &class), woken.order);
        pair->fired++;
    }
    assert_int_equal(trailing_next(trailing, price, &class), NO_SLOT);
    pair->last[market] = price.ticks;
    pair->moved += felt;
    pair_quiet_agrees(pair, market, felt);
}

/* Against a plain array: starts, ends and prices in three markets, from empty ones without a price to full
 * ones, everything compared after each. Small prices hit boundaries exactly, large ones need 128 bits. */
TEST(trailing, random_prices_fire_as_the_plain_rules_say)
{
    static struct pair pair;
    pair.seed = world_seed(0x5eed0031);
    printf("seed 0x%" PRIx64 "\n", pair.seed);
    for (int life = 0; life < 60; life++) {
        trail_open(&pair.trail, FOLLOWERS);
        pair.stops.count = 0;
        pair.last_order = 0;
        memset(pair.last, 0, sizeof(pair.last));
        const uint64_t starts = 2 + world_below(&pair.seed, 5);
        for (int i = 0; i < 1500; i++) {
            const uint16_t market = (uint16_t)world_below(&pair.seed, MARKETS);
            const uint64_t dice = world_below(&pair.seed, 10);
            if (dice < starts)
                pair_start(&pair, market);
            else if (dice == 9)
                pair_end(&pair);
            else if (life % 4 != 0 || i >= 20) /* else all start before the first price */
                pair_move(&pair, market);
            pair_agree(&pair, market);
            pair_quiet_agrees(&pair, market, false);
        }
        trail_close(&pair.trail);
    }
    printf("%" PRIu64 " fired, %" PRIu64 " prices felt, %" PRIu64 " quiet\n", pair.fired,
           pair.moved, pair.quiet);
    assert_true(pair.fired > 5000 && pair.moved > 5000 && pair.quiet > 2000);
}
