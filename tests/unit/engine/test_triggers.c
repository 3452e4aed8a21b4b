#include "tests/harness.h"

#include "common/arena.h"
#include "engine/triggers.h"
#include "tests/unit/engine/stops.h"
#include "tests/unit/engine/world.h"

#include <inttypes.h>
#include <sys/wait.h>
#include <unistd.h>

#define SLEEPERS 128
#define MARKETS  3
#define ENOUGH   64

struct bed {
    struct arena arena;
    struct triggers triggers;
};

static struct params bed_params(void)
{
    return (struct params){.orders_max = SLEEPERS, .markets_max = MARKETS};
}

static void bed_open(struct bed *bed)
{
    const struct params params = bed_params();
    assert_true(arena_map(&bed->arena, triggers_bytes(&params)));
    assert_true(triggers_init(&bed->triggers, &bed->arena, &params));
    assert_int_equal(bed->arena.used, bed->arena.capacity);
}

static void bed_close(struct bed *bed)
{
    assert_true(triggers_check(&bed->triggers));
    arena_unmap(&bed->arena);
}

static uint32_t rises(struct bed *bed, uint32_t order, int64_t stop)
{
    const uint32_t sleeper = triggers_sleep(&bed->triggers, 0, order, true, (price_t){stop});
    assert_int_not_equal(sleeper, NO_SLOT);
    assert_true(triggers_check(&bed->triggers));
    return sleeper;
}

static uint32_t falls(struct bed *bed, uint32_t order, int64_t stop)
{
    const uint32_t sleeper = triggers_sleep(&bed->triggers, 0, order, false, (price_t){stop});
    assert_int_not_equal(sleeper, NO_SLOT);
    assert_true(triggers_check(&bed->triggers));
    return sleeper;
}

static uint32_t trails(struct bed *bed, uint32_t order, enum side side, uint32_t delta,
                       int64_t extreme)
{
    const uint32_t sleeper =
        triggers_trail(&bed->triggers, 0, order, side, delta, (price_t){extreme});
    assert_int_not_equal(sleeper, NO_SLOT);
    return sleeper;
}

/* Whom the price wakes in market 0, one digit an order; valid until the next call. */
static const char *woken(struct bed *bed, int64_t price)
{
    static char text[ENOUGH];
    size_t count = 0;
    uint32_t order = triggers_next(&bed->triggers, 0, (price_t){price});
    for (; order != NO_SLOT; order = triggers_next(&bed->triggers, 0, (price_t){price}))
        text[count++] = (char)('0' + order);
    text[count] = 0;
    assert_true(triggers_check(&bed->triggers));
    return text;
}

/* Rising stops are reached from below: the boundary, then lowest first, first in first out at a price. */
TEST(triggers, rising_stops_wake_lowest_first)
{
    struct bed bed;
    bed_open(&bed);
    rises(&bed, 1, 103);
    rises(&bed, 2, 101);
    rises(&bed, 3, 102);
    rises(&bed, 4, 101);
    rises(&bed, 5, 104);
    assert_string_equal(woken(&bed, 100), "");
    assert_string_equal(woken(&bed, 103), "2431");
    assert_string_equal(woken(&bed, 103), "");
    assert_string_equal(woken(&bed, 105), "5");
    assert_false(triggers_pending(&bed.triggers, 0));
    bed_close(&bed);
}

/* Falling ones from above: highest first. */
TEST(triggers, falling_stops_wake_highest_first)
{
    struct bed bed;
    bed_open(&bed);
    falls(&bed, 1, 97);
    falls(&bed, 2, 99);
    falls(&bed, 3, 98);
    falls(&bed, 4, 99);
    falls(&bed, 5, 96);
    assert_string_equal(woken(&bed, 100), "");
    assert_string_equal(woken(&bed, 97), "2431");
    assert_string_equal(woken(&bed, 97), "");
    assert_string_equal(woken(&bed, 1), "5");
    assert_false(triggers_pending(&bed.triggers, 0));
    bed_close(&bed);
}

/* The kinds at one price: rising, falling, trailing, whoever came first. */
TEST(triggers, one_price_wakes_rising_then_falling_then_trailing)
{
    struct bed bed;
    bed_open(&bed);
    trails(&bed, 1, SELL, 100, 200);
    trails(&bed, 2, SELL, 50, 200);
    falls(&bed, 3, 150);
    rises(&bed, 4, 90);
    assert_string_equal(woken(&bed, 150), "4321");
    bed_close(&bed);
}

/* A cancelled stop is not woken, wherever it stood: alone, at the front, in the middle, at the back. */
TEST(triggers, who_is_taken_out_is_not_woken)
{
    struct bed bed;
    uint32_t sleepers[9];
    bed_open(&bed);
    for (uint32_t i = 1; i <= 5; i++)
        sleepers[i] = rises(&bed, i, 100);
    sleepers[6] = rises(&bed, 6, 99);
    sleepers[7] = trails(&bed, 7, BUY, 100, 50);
    sleepers[8] = falls(&bed, 8, 10);
    static const uint32_t leave[] = {6, 1, 3, 5, 7};
    for (size_t i = 0; i < 5; i++) {
        triggers_wake(&bed.triggers, sleepers[leave[i]]);
        assert_true(triggers_check(&bed.triggers));
    }
    assert_int_equal(triggers_count(&bed.triggers), 3);
    assert_string_equal(woken(&bed, 100), "24");
    assert_string_equal(woken(&bed, 10), "8");
    bed_close(&bed);
}

/* Each market hears its own prices. */
TEST(triggers, markets_sleep_apart)
{
    struct bed bed;
    bed_open(&bed);
    rises(&bed, 1, 100);
    assert_int_not_equal(triggers_sleep(&bed.triggers, 2, 2, true, (price_t){100}), NO_SLOT);
    assert_int_not_equal(triggers_trail(&bed.triggers, 1, 3, SELL, 100, (price_t){100}), NO_SLOT);
    assert_string_equal(woken(&bed, 100), "1");
    assert_false(triggers_pending(&bed.triggers, 0));
    assert_true(triggers_pending(&bed.triggers, 1));
    assert_true(triggers_pending(&bed.triggers, 2));
    assert_int_equal(triggers_next(&bed.triggers, 1, (price_t){99}), 3);
    assert_int_equal(triggers_next(&bed.triggers, 1, (price_t){99}), NO_SLOT);
    assert_int_equal(triggers_next(&bed.triggers, 2, (price_t){101}), 2);
    assert_int_equal(triggers_next(&bed.triggers, 2, (price_t){101}), NO_SLOT);
    bed_close(&bed);
}

/* The lowest and the highest price there are wake as others do. */
TEST(triggers, ends_of_the_range_of_prices_wake)
{
    struct bed bed;
    bed_open(&bed);
    rises(&bed, 1, INT64_MAX);
    falls(&bed, 2, 1);
    assert_string_equal(woken(&bed, 1000), "");
    assert_string_equal(woken(&bed, INT64_MAX), "1");
    assert_string_equal(woken(&bed, 1), "2");
    falls(&bed, 3, INT64_MAX);
    rises(&bed, 4, 1);
    assert_string_equal(woken(&bed, INT64_MAX), "43");
    bed_close(&bed);
}

/* Prices in between are one look: they open no round, and the range is as wide as the sleepers let it be
 * as soon as one price has been out of it. */
TEST(triggers, quiet_prices_open_no_round)
{
    struct bed bed;
    bed_open(&bed);
    rises(&bed, 1, 200);
    rises(&bed, 2, 150);
    falls(&bed, 3, 50);
    falls(&bed, 4, 40);
    const struct quiet_range *quiet = &bed.triggers.markets[0].quiet;
    assert_int_equal(quiet->low, 51);
    assert_int_equal(quiet->high, 149);
    assert_string_equal(woken(&bed, 150), "2");
    assert_int_equal(quiet->high, 199);
    assert_string_equal(woken(&bed, 50), "3");
    assert_int_equal(quiet->low, 41);
    trails(&bed, 5, SELL, 1000, 100);
    assert_int_equal(quiet->low, 91);
    assert_int_equal(quiet->high, 100);
    assert_string_equal(woken(&bed, 120), "");
    assert_int_equal(quiet->low, 109);
    assert_int_equal(quiet->high, 120);
    bed_close(&bed);
}

/* The scenarios below are told as prices and what happens at each: the prices between two of them do not
 * matter. '+' says that the stop starts to trail there. */
struct scenario {
    enum side side;
    bool rising;
    uint32_t delta;
    int64_t stop; /* 0: none */
};

/* Plays one price; returns whether the stop started, fired, or neither. */
static char scenario_price(struct bed *bed, const struct scenario *scenario, int64_t price)
{
    const uint32_t order = triggers_next(&bed->triggers, 0, (price_t){price});
    if (order == NO_SLOT) return '.';
    assert_int_equal(order, 1);
    char happened = 'F';
    if (scenario->stop != 0 && bed->triggers.trailing.follower_used == 0) {
        trails(bed, 1, scenario->side, scenario->delta, price);
        happened = '+';
    }
    assert_int_equal(triggers_next(&bed->triggers, 0, (price_t){price}), NO_SLOT);
    assert_true(triggers_check(&bed->triggers));
    return happened;
}

/* What happens at each of `prices`, up to 0; the order is placed at a last price of 40000. */
static const char *scenario_play(struct scenario scenario, const int64_t *prices)
{
    static char text[ENOUGH];
    struct bed bed;
    size_t count = 0;
    bed_open(&bed);
    if (scenario.stop == 0)
        trails(&bed, 1, scenario.side, scenario.delta, 40000);
    else if (scenario.rising)
        rises(&bed, 1, scenario.stop);
    else
        falls(&bed, 1, scenario.stop);
    for (; prices[count] != 0; count++)
        text[count] = scenario_price(&bed, &scenario, prices[count]);
    text[count] = 0;
    assert_false(triggers_pending(&bed.triggers, 0));
    bed_close(&bed);
    return text;
}

#define PRICES(...) ((const int64_t[]){__VA_ARGS__, 0})

/* The exchange's own five stories of trailing stops, each ending one tick short, then at the price. A
 * stop that has not started ignores what its delta would say. */
TEST(triggers, trailing_stop_loss_buys_after_a_rise_from_the_lowest)
{
    const struct scenario scenario = {BUY, true, 500, 44000};
    assert_string_equal(
        scenario_play(scenario, PRICES(37000, 43999, 44000, 45000, 46000, 42000, 44099, 44100)),
        "..+....F");
}

TEST(triggers, trailing_stop_loss_sells_after_a_fall_from_the_highest)
{
    const struct scenario scenario = {SELL, false, 1000, 39000};
    assert_string_equal(
        scenario_play(scenario, PRICES(41500, 39001, 39000, 37000, 41000, 36901, 36900)),
        "..+...F");
}

TEST(triggers, trailing_take_profit_buys_after_a_rise_from_the_lowest)
{
    const struct scenario scenario = {BUY, false, 850, 38000};
    assert_string_equal(
        scenario_play(scenario, PRICES(42000, 38001, 38000, 37000, 39000, 38000, 40144, 40145)),
        "..+....F");
}

/* 92.5% of 46500 is 43012.5: between two ticks, the lower one fires. */
TEST(triggers, trailing_take_profit_sells_after_a_fall_from_the_highest)
{
    const struct scenario scenario = {SELL, true, 750, 42000};
    assert_string_equal(scenario_play(scenario, PRICES(41500, 39000, 41999, 42000, 45000, 44000,
                                                       46500, 43013, 43012)),
                        "...+....F");
}

TEST(triggers, trailing_without_a_stop_price_starts_at_once)
{
    const struct scenario scenario = {SELL, false, 700, 0};
    assert_string_equal(scenario_play(scenario, PRICES(42000, 39500, 45500, 42316, 42315)),
                        "....F");
}

/* A stop that starts to trail in a round is the last of its side and delta, behind those that started
 * before; the round's price is its extreme and does not fire it. */
TEST(triggers, stop_that_starts_in_a_round_is_the_last_of_its_class)
{
    struct bed bed;
    bed_open(&bed);
    trails(&bed, 1, SELL, 1000, 200);
    rises(&bed, 2, 210);
    falls(&bed, 3, 190);
    assert_int_equal(triggers_next(&bed.triggers, 0, (price_t){210}), 2);
    const uint32_t second = trails(&bed, 2, SELL, 1000, 210);
    assert_int_equal(triggers_next(&bed.triggers, 0, (price_t){210}), NO_SLOT);
    assert_int_equal(triggers_extreme(&bed.triggers, second).ticks, 210);

    assert_int_equal(triggers_next(&bed.triggers, 0, (price_t){190}), 3);
    const uint32_t third = trails(&bed, 3, SELL, 1, 190);
    assert_int_equal(triggers_next(&bed.triggers, 0, (price_t){190}), NO_SLOT);
    assert_int_equal(triggers_extreme(&bed.triggers, second).ticks, 210);
    assert_int_equal(triggers_extreme(&bed.triggers, third).ticks, 190);
    assert_string_equal(woken(&bed, 189), "312"); /* 210 x 0.9 */
    bed_close(&bed);
}

/* Added again in the order in which they are read out, all wake as they would have: the second of two at
 * one price, and the second of a group, whose extreme only its head knows. */
TEST(triggers, who_is_read_out_and_added_again_sleeps_as_before)
{
    struct bed bed, fresh;
    struct asleep asleep;
    bed_open(&bed);
    bed_open(&fresh);
    falls(&bed, 1, 90);
    rises(&bed, 2, 120);
    rises(&bed, 3, 120);
    rises(&bed, 4, 110);
    trails(&bed, 5, BUY, 1500, 100);
    trails(&bed, 6, BUY, 1500, 100);
    trails(&bed, 7, BUY, 1000, 100);
    size_t count = 0;
    for (bool more = triggers_asleep_first(&bed.triggers, 0, &asleep); more;
         more = triggers_asleep_next(&bed.triggers, &asleep), count++) {
        if (asleep.kind == ASLEEP_TRAILING)
            trails(&fresh, asleep.order, asleep.side, asleep.delta, asleep.extreme.ticks);
        else if (asleep.kind == ASLEEP_RISING)
            rises(&fresh, asleep.order, asleep.stop.ticks);
        else
            falls(&fresh, asleep.order, asleep.stop.ticks);
    }
    assert_int_equal(count, 7);
    assert_string_equal(woken(&fresh, 115), "4756");
    assert_string_equal(woken(&fresh, 120), "23");
    assert_string_equal(woken(&fresh, 90), "1");
    bed_close(&fresh);
    bed_close(&bed);
}

/* triggers_check is what the other tests lean on: does it stop for a structure that is wrong? */
static bool check_stops(void (*damage)(struct triggers *))
{
    struct bed bed;
    bed_open(&bed);
    rises(&bed, 1, 100);
    rises(&bed, 2, 100);
    falls(&bed, 3, 50);
    trails(&bed, 4, SELL, 100, 70);

    fflush(stdout);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)!freopen("/dev/null", "w", stderr);
        damage(&bed.triggers);
        triggers_check(&bed.triggers);
        _exit(0);
    }
    int state;
    assert_int_equal(waitpid(child, &state, 0), child);
    bed_close(&bed);
    return WIFSIGNALED(state);
}

static void nothing(struct triggers *triggers)
{
    (void)triggers;
}
static void queue_cut(struct triggers *triggers)
{
    triggers->sleepers[2].older = NO_SLOT;
}
static void other_direction(struct triggers *triggers)
{
    triggers->sleepers[3].rising = true;
}
static void miscounted(struct triggers *triggers)
{
    triggers->markets[0].count--;
}
static void quiet_too_wide(struct triggers *triggers)
{
    triggers->markets[0].quiet.low--;
}
static void round_left_open(struct triggers *triggers)
{
    triggers->round.stage = STAGE_TRAILING;
}

TEST(triggers, check_stops_at_damage)
{
    assert_false(check_stops(nothing));
    assert_true(check_stops(queue_cut));
    assert_true(check_stops(other_direction));
    assert_true(check_stops(miscounted));
    assert_true(check_stops(quiet_too_wide));
    assert_true(check_stops(round_left_open));
}

/* The random test: the real ones, the plain ones, and what they need to agree on. */
struct pair {
    struct bed bed;
    struct stops stops;
    uint64_t seed;
    uint32_t sleepers[STOPS_MAX]; /* by order */
    uint32_t last_order;
    int64_t last[MARKETS]; /* price, 0: none yet */
    uint64_t woken[3];     /* by enum asleep_kind */
    uint64_t started;
};

static void pair_agree(const struct pair *pair, uint16_t market)
{
    const struct triggers *triggers = &pair->bed.triggers;
    struct asleep asleep;
    uint32_t count = 0;
    assert_true(triggers_check(triggers));
    assert_int_equal(triggers_count(triggers), pair->stops.count);
    const struct stop *stop = stops_after(&pair->stops, market, NULL);
    assert_int_equal(triggers_pending(triggers, market), stop != NULL);
    bool more = triggers_asleep_first(triggers, market, &asleep);
    for (; stop != NULL; stop = stops_after(&pair->stops, market, stop)) {
        assert_true(more);
        assert_int_equal(asleep.order, stop->order);
        assert_int_equal(asleep.sleeper, pair->sleepers[stop->order]);
        assert_int_equal(asleep.market, market);
        assert_int_equal(asleep.kind, stop->kind);
        assert_int_equal(asleep.stop.ticks, stop->stop);
        assert_int_equal(asleep.extreme.ticks, stop->extreme);
        if (stop->kind == ASLEEP_TRAILING) {
            assert_int_equal(asleep.side, stop->side);
            assert_int_equal(asleep.delta, stop->delta);
            assert_int_equal(triggers_extreme(triggers, asleep.sleeper).ticks, stop->extreme);
        }
        count++;
        more = triggers_asleep_next(triggers, &asleep);
    }
    assert_false(more);
    assert_int_equal(triggers->markets[market].count, count);
}

static void pair_trail(struct pair *pair, uint16_t market, uint32_t order, int64_t extreme)
{
    static const uint32_t deltas[] = {1, 300, 300, 5000};
    const enum side side = order % 2 ? BUY : SELL;
    const uint32_t delta = deltas[order / 2 % 4];
    pair->sleepers[order] =
        triggers_trail(&pair->bed.triggers, market, order, side, delta, (price_t){extreme});
    stops_add(&pair->stops, (struct stop){.extreme = extreme,
                                          .order = order,
                                          .delta = delta,
                                          .market = market,
                                          .side = (uint8_t)side,
                                          .kind = ASLEEP_TRAILING});
}

static int64_t pair_price(struct pair *pair, uint16_t market)
{
    static const int64_t middle[] = {60, 40000, (int64_t)1 << 62};
    static const uint64_t parts[] = {2, 16, 16, 64, 4096};
    const int64_t near = middle[market] / (int64_t)parts[world_below(&pair->seed, 5)];
    const int64_t step = (int64_t)(world_random(&pair->seed) >> 1) % (2 * near + 1) - near;
    /* Few prices, so that many stops share one. */
    const int64_t grid = market == 0 ? 1 : middle[market] / 128;
    return middle[market] + (world_below(&pair->seed, 4) ? step / grid * grid : step);
}

static void pair_sleep(struct pair *pair, uint16_t market)
{
    if (pair->stops.count == SLEEPERS) return;
    const uint32_t order = ++pair->last_order;
    if (order % 3 == 0) {
        pair_trail(pair, market, order, pair->last[market]);
        return;
    }
    const int64_t stop = pair_price(pair, market);
    const bool rising = pair->last[market] == 0 ? order % 2 == 0 : stop > pair->last[market];
    pair->sleepers[order] =
        triggers_sleep(&pair->bed.triggers, market, order, rising, (price_t){stop});
    stops_add(&pair->stops, (struct stop){.stop = stop,
                                          .order = order,
                                          .market = market,
                                          .kind = rising ? ASLEEP_RISING : ASLEEP_FALLING});
}

static void pair_wake(struct pair *pair)
{
    if (pair->stops.count == 0) return;
    const size_t at = world_below(&pair->seed, pair->stops.count);
    triggers_wake(&pair->bed.triggers, pair->sleepers[pair->stops.all[at].order]);
    stops_remove(&pair->stops, at);
}

/* One price. Each fourth plain stop that it wakes starts to trail in the round. */
static void pair_price_comes(struct pair *pair, uint16_t market)
{
    struct triggers *triggers = &pair->bed.triggers;
    const price_t price = {pair_price(pair, market)};
    struct stop woken;
    pair->last[market] = price.ticks;
    stops_begin(&pair->stops, market, price.ticks);
    while (stops_next(&pair->stops, market, price.ticks, &woken)) {
        assert_int_equal(triggers_next(triggers, market, price), woken.order);
        pair->woken[woken.kind]++;
        if (woken.kind == ASLEEP_TRAILING || woken.order % 4 != 0) continue;
        pair_trail(pair, market, woken.order, price.ticks);
        pair->started++;
    }
    assert_int_equal(triggers_next(triggers, market, price), NO_SLOT);
}

/* What a restart does: everything asleep is read out and added to new triggers in that order. */
static void pair_restart(struct pair *pair)
{
    struct bed fresh;
    bed_open(&fresh);
    for (uint16_t market = 0; market < MARKETS; market++) {
        struct asleep asleep;
        bool more = triggers_asleep_first(&pair->bed.triggers, market, &asleep);
        for (; more; more = triggers_asleep_next(&pair->bed.triggers, &asleep))
            pair->sleepers[asleep.order] =
                asleep.kind == ASLEEP_TRAILING
                    ? triggers_trail(&fresh.triggers, market, asleep.order, asleep.side,
                                     asleep.delta, asleep.extreme)
                    : triggers_sleep(&fresh.triggers, market, asleep.order,
                                     asleep.kind == ASLEEP_RISING, asleep.stop);
    }
    bed_close(&pair->bed);
    pair->bed = fresh;
}

/* Against a plain array: stops of all kinds go to sleep, are cancelled and woken in three markets, full
 * ones too; everything asleep is compared after each step, and now and then all of it is carried over as
 * a snapshot would. */
TEST(triggers, random_prices_wake_as_the_plain_rules_say)
{
    static struct pair pair;
    pair.seed = world_seed(0x5eed0032);
    printf("seed 0x%" PRIx64 "\n", pair.seed);
    for (int life = 0; life < 40; life++) {
        bed_open(&pair.bed);
        pair.stops.count = 0;
        pair.last_order = 0;
        memset(pair.last, 0, sizeof(pair.last));
        const uint64_t sleeps = 3 + world_below(&pair.seed, 6);
        for (int i = 0; i < 2000; i++) {
            const uint16_t market = (uint16_t)world_below(&pair.seed, MARKETS);
            const uint64_t dice = world_below(&pair.seed, 10);
            if (dice < sleeps || i < 10)
                pair_sleep(&pair, market);
            else if (dice == 9 && world_below(&pair.seed, 2))
                pair_wake(&pair);
            else
                pair_price_comes(&pair, market);
            if (world_below(&pair.seed, 100) == 0) pair_restart(&pair);
            pair_agree(&pair, market);
        }
        bed_close(&pair.bed);
    }
    printf("woken %" PRIu64 " rising, %" PRIu64 " falling, %" PRIu64 " trailing; %" PRIu64
           " started in a round\n",
           pair.woken[0], pair.woken[1], pair.woken[2], pair.started);
    assert_true(pair.woken[0] > 3000 && pair.woken[1] > 3000);
    assert_true(pair.woken[2] > 3000 && pair.started > 1000);
}
