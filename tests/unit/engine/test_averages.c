#include "tests/harness.h"

#include "common/arena.h"
#include "engine/averages.h"

#define MINUTE AVERAGES_MINUTE_NS

static const struct params params = {.markets_max = 3};

struct averages_world {
    struct arena arena;
    struct averages averages;
};

static void averages_open(struct averages_world *world)
{
    assert_true(arena_map(&world->arena, averages_bytes(&params)));
    assert_true(averages_init(&world->averages, &world->arena, &params));
}

static void fill(struct averages_world *world, uint16_t market, uint64_t stamp_ns, int64_t price,
                 int64_t lots)
{
    averages_fill(&world->averages, market, stamp_ns, (price_t){price}, (qty_t){lots});
    assert_true(averages_check(&world->averages));
}

static int64_t price(struct averages_world *world, uint16_t market, uint32_t minutes,
                     uint64_t stamp_ns)
{
    const int64_t ticks = averages_price(&world->averages, market, minutes, stamp_ns).ticks;
    assert_true(averages_check(&world->averages));
    return ticks;
}

/* Without a fill there is no price; without one in the window it is the last price; and a window of no
 * minutes is the last price. */
TEST(averages, fall_back_to_the_last_price_and_to_none)
{
    struct averages_world world;
    averages_open(&world);
    assert_int_equal(price(&world, 1, 5, 100 * MINUTE), 0);
    assert_int_equal(price(&world, 1, 0, 100 * MINUTE), 0);
    fill(&world, 1, 100 * MINUTE, 10, 1);
    fill(&world, 1, 100 * MINUTE, 20, 1);
    assert_int_equal(price(&world, 1, 5, 100 * MINUTE), 15);
    assert_int_equal(price(&world, 1, 0, 100 * MINUTE), 20);
    assert_int_equal(price(&world, 1, 5, 200 * MINUTE), 20);
    assert_int_equal(averages_last(&world.averages, 1).ticks, 20);
    assert_int_equal(averages_last(&world.averages, 0).ticks, 0);
    assert_int_equal(price(&world, 0, 5, 200 * MINUTE), 0);
    arena_unmap(&world.arena);
}

/* A price counts as often as lots traded at it, and the result is rounded down. */
TEST(averages, weigh_by_lots_and_round_down)
{
    struct averages_world world;
    averages_open(&world);
    fill(&world, 0, 7, 10, 1);
    fill(&world, 0, 8, 13, 2);
    assert_int_equal(price(&world, 0, 1, 9), 12); /* 36 / 3 */
    fill(&world, 0, 10, 14, 1);
    assert_int_equal(price(&world, 0, 1, 11), 12); /* 50 / 4 */
    arena_unmap(&world.arena);
}

/* The window is whole UTC minutes, the present one included: a fill leaves it at a minute's first
 * nanosecond and not before. */
TEST(averages, window_is_whole_minutes)
{
    struct averages_world world;
    averages_open(&world);
    const uint64_t start = 1000 * MINUTE;
    fill(&world, 0, start, 100, 1);
    fill(&world, 0, start + MINUTE - 1, 200, 1);
    fill(&world, 0, start + MINUTE, 600, 1);
    assert_int_equal(price(&world, 0, 1, start + MINUTE), 600);
    assert_int_equal(price(&world, 0, 2, start + MINUTE), 300);
    assert_int_equal(price(&world, 0, 2, start + 2 * MINUTE - 1), 300);
    assert_int_equal(price(&world, 0, 2, start + 2 * MINUTE), 600);
    assert_int_equal(price(&world, 0, 60, start + 60 * MINUTE - 1), 300);
    assert_int_equal(price(&world, 0, 60, start + 60 * MINUTE), 600);
    fill(&world, 0, start + 60 * MINUTE, 1000, 1);
    assert_int_equal(price(&world, 0, 60, start + 60 * MINUTE), 800);
    arena_unmap(&world.arena);
}

/* Sums outgrow 64 bits: by the largest notional a hundred times in a minute, and by one fill. */
TEST(averages, sums_outgrow_64_bits)
{
    struct averages_world world;
    averages_open(&world);
    for (int i = 0; i < 100; i++) {
        fill(&world, 0, 5 * MINUTE, 1, INT64_MAX);
        fill(&world, 1, 5 * MINUTE, INT64_MAX, 1);
    }
    fill(&world, 0, 5 * MINUTE, 3, INT64_MAX / 3);
    assert_int_equal(price(&world, 0, 1, 5 * MINUTE), 1);
    assert_int_equal(price(&world, 1, 1, 5 * MINUTE), INT64_MAX);
    fill(&world, 2, 5 * MINUTE, INT64_MAX, INT64_MAX);
    assert_int_equal(price(&world, 2, 1, 5 * MINUTE), INT64_MAX);
    arena_unmap(&world.arena);
}

/* ---- Against every fill, kept and summed anew for each question. */

#define MODEL_FILLS 20000

struct model_fill {
    uint64_t stamp_ns;
    int64_t price, lots;
    uint16_t market;
};

static struct model_fill model_fills[MODEL_FILLS];
static size_t model_count;

static int64_t model_price(uint16_t market, uint32_t minutes, uint64_t stamp_ns)
{
    unsigned __int128 value = 0, lots = 0;
    int64_t last = 0;
    for (size_t i = 0; i < model_count; i++) {
        const struct model_fill *made = &model_fills[i];
        if (made->market != market) continue;
        last = made->price;
        if (stamp_ns / MINUTE - made->stamp_ns / MINUTE >= minutes) continue;
        value += (unsigned __int128)made->price * (uint64_t)made->lots;
        lots += (uint64_t)made->lots;
    }
    return lots == 0 ? last : (int64_t)(value / lots);
}

static uint64_t random_state;

static uint64_t random_below(uint64_t bound)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % bound;
}

/* One seed, or QUOREX_SEED. */
static void random_open(void)
{
    const char *given = getenv("QUOREX_SEED");
    random_state = given == NULL ? 0x5eed : strtoull(given, NULL, 0);
    if (random_state == 0) random_state = 1;
    print_message("seed %#llx\n", (unsigned long long)random_state);
}

/* Mostly within a minute; some, a few, or more than sixty minutes on. */
static uint64_t random_step(void)
{
    switch (random_below(40)) {
    case 0:
        return random_below(5) * MINUTE;
    case 1:
        return random_below(MINUTE);
    case 2:
        return random_below(3) == 0 ? random_below(130) * MINUTE : 0;
    default:
        return random_below(MINUTE / 100);
    }
}

static void model_fill_one(struct averages *averages, uint64_t stamp_ns)
{
    const int64_t most = random_below(50) == 0 ? INT64_MAX : 1000;
    const int64_t fill_price = 1 + (int64_t)random_below((uint64_t)most);
    const int64_t lots =
        1 + (int64_t)random_below(
                (uint64_t)(INT64_MAX / fill_price < 5000 ? INT64_MAX / fill_price : 5000));
    const uint16_t market = (uint16_t)random_below(2); /* the third never trades */
    model_fills[model_count++] = (struct model_fill){stamp_ns, fill_price, lots, market};
    averages_fill(averages, market, stamp_ns, (price_t){fill_price}, (qty_t){lots});
}

/* Whatever the order of fills and questions, the price is that of a plain sum. */
TEST(averages, agree_with_a_plain_sum)
{
    static const uint32_t windows[] = {0, 1, 2, 5, 5, 5, 30, 59, 60};
    struct averages_world world;
    averages_open(&world);
    random_open();
    model_count = 0;
    uint64_t stamp_ns = random_below(2) * 123456789 * MINUTE;
    while (model_count < MODEL_FILLS) {
        stamp_ns += random_step();
        if (random_below(4) != 0) model_fill_one(&world.averages, stamp_ns);
        if (random_below(8) != 0) continue;
        const uint16_t market = (uint16_t)random_below(3);
        const uint32_t minutes = windows[random_below(sizeof(windows) / sizeof(windows[0]))];
        const int64_t expected = model_price(market, minutes, stamp_ns);
        for (int again = 0; again < 2; again++)
            assert_int_equal(averages_price(&world.averages, market, minutes, stamp_ns).ticks,
                             expected);
        assert_true(averages_check(&world.averages));
    }
    arena_unmap(&world.arena);
}

/* What the walk gives, put back, is the same: it gives the same walk, and the same prices to whatever
 * happens next. */
TEST(averages, restored_ones_go_on_alike)
{
    random_open();
    for (int round = 0; round < 50; round++) {
        struct averages_world world, twin;
        averages_open(&world);
        averages_open(&twin);
        model_count = 0;
        uint64_t stamp_ns = 0;
        for (uint64_t i = random_below(300); i > 0; i--)
            model_fill_one(&world.averages, stamp_ns += random_step());

        struct averages_minute at = {0}, other = {0};
        while (averages_next(&world.averages, &at))
            averages_restore(&twin.averages, &at);
        assert_true(averages_check(&twin.averages));
        at = (struct averages_minute){0};
        while (averages_next(&world.averages, &at)) {
            assert_true(averages_next(&twin.averages, &other));
            assert_true(at.minute == other.minute && at.market == other.market &&
                        at.sum.value == other.sum.value && at.sum.lots == other.sum.lots &&
                        at.last.ticks == other.last.ticks);
        }
        assert_false(averages_next(&twin.averages, &other));
        for (int i = 0; i < 100; i++) {
            stamp_ns += random_step();
            const uint32_t minutes = (uint32_t)random_below(61);
            for (uint16_t market = 0; market < 3; market++)
                assert_int_equal(price(&twin, market, minutes, stamp_ns),
                                 price(&world, market, minutes, stamp_ns));
            model_fill_one(&world.averages, stamp_ns);
            const struct model_fill *made = &model_fills[model_count - 1];
            fill(&twin, made->market, stamp_ns, made->price, made->lots);
        }
        arena_unmap(&world.arena);
        arena_unmap(&twin.arena);
    }
}

/* The walk tells of minutes with fills within the last 60, by market and minute. */
TEST(averages, walk_is_in_order_and_ends_where_windows_do)
{
    struct averages_world world;
    averages_open(&world);
    fill(&world, 1, 0, 5, 2);
    fill(&world, 1, 59 * MINUTE, 7, 1);
    fill(&world, 0, 90 * MINUTE, 9, 1);
    struct averages_minute at = {0};
    assert_true(averages_next(&world.averages, &at));
    assert_true(at.market == 0 && at.minute == 90 && at.last.ticks == 9);
    assert_true(averages_next(&world.averages, &at));
    assert_true(at.market == 1 && at.minute == 0 && at.sum.value == 10 && at.sum.lots == 2 &&
                at.last.ticks == 7);
    assert_true(averages_next(&world.averages, &at));
    assert_true(at.market == 1 && at.minute == 59);
    assert_false(averages_next(&world.averages, &at));

    fill(&world, 1, 60 * MINUTE, 8, 1); /* minute 0 is out of every window */
    at = (struct averages_minute){.market = 1};
    assert_true(averages_next(&world.averages, &at));
    assert_true(at.market == 1 && at.minute == 59 && at.last.ticks == 8);
    arena_unmap(&world.arena);
}
