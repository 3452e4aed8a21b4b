#include "tests/harness.h"

#include "common/arena.h"
#include "engine/ladder.h"
#include "tests/unit/engine/world.h"

#include <inttypes.h>

#define LEVELS 300

struct ladder_world {
    struct arena arena;
    struct ladder_pool pool;
    struct ladder ladder;
};

static void ladder_open(struct ladder_world *world, enum side side)
{
    assert_true(arena_map(&world->arena, ladder_pool_bytes(LEVELS)));
    assert_true(ladder_pool_init(&world->pool, &world->arena, LEVELS));
    world->ladder = (struct ladder){.side = side};
}

static int64_t price_at(const struct ladder_world *world, uint32_t level)
{
    return world->pool.levels[level].price.ticks;
}

static uint32_t add(struct ladder_world *world, int64_t ticks)
{
    const bool awake = ladder_find(&world->pool, &world->ladder, (price_t){ticks}) != NO_SLOT;
    const uint32_t level = ladder_add(&world->pool, &world->ladder, (price_t){ticks});
    if (!awake) ladder_wake(&world->pool, &world->ladder, level);
    assert_true(ladder_check(&world->pool, &world->ladder));
    return level;
}

static void take(struct ladder_world *world, int64_t ticks)
{
    const uint32_t level = ladder_find(&world->pool, &world->ladder, (price_t){ticks});
    assert_int_not_equal(level, NO_SLOT);
    ladder_sleep(&world->pool, &world->ladder, level);
    assert_true(ladder_check(&world->pool, &world->ladder));
    ladder_remove(&world->pool, &world->ladder, level);
    assert_true(ladder_check(&world->pool, &world->ladder));
}

/* The best sell is the lowest price, the best buy the highest; worse follows in order. */
TEST(ladder, best_is_lowest_to_sell_and_highest_to_buy)
{
    static const int64_t prices[] = {100, 1, 64, 63, 4096, 65, INT64_MAX, 1000000000};
    for (int side = BUY; side <= SELL; side++) {
        struct ladder_world world;
        ladder_open(&world, (enum side)side);
        for (size_t i = 0; i < 8; i++)
            add(&world, prices[i]);
        assert_int_equal(price_at(&world, world.ladder.best), side == SELL ? 1 : INT64_MAX);
        const uint32_t second = ladder_next(&world.pool, &world.ladder, world.ladder.best);
        assert_int_equal(price_at(&world, second), side == SELL ? 63 : 1000000000);
        arena_unmap(&world.arena);
    }
}

/* A known price is the same level; one tick beside it is another. */
TEST(ladder, one_price_is_one_level)
{
    struct ladder_world world;
    ladder_open(&world, SELL);
    const uint32_t level = add(&world, 1000);
    assert_int_equal(add(&world, 1000), level);
    assert_int_not_equal(add(&world, 1001), level);
    assert_int_equal(ladder_find(&world.pool, &world.ladder, (price_t){999}), NO_SLOT);
    assert_int_equal(world.ladder.level_count, 2);
    arena_unmap(&world.arena);
}

/* When the best level goes the next one is the best; when all are gone nothing is left behind. */
TEST(ladder, removal_moves_the_best_and_frees_every_node)
{
    struct ladder_world world;
    ladder_open(&world, BUY);
    add(&world, 10);
    add(&world, 1000000);
    add(&world, 11);
    take(&world, 1000000);
    assert_int_equal(price_at(&world, world.ladder.best), 11);
    take(&world, 10);
    take(&world, 11);
    assert_int_equal(world.ladder.best, NO_SLOT);
    assert_int_equal(world.pool.level_count, 0);
    assert_int_equal(world.pool.hung_count, 0);
    assert_int_equal(world.pool.node_count, 0);
    arena_unmap(&world.arena);
}

/* A sleeping level is neither found nor walked: best and next step over it, near and far, until its price
 * comes back and it wakes. */
TEST(ladder, sleeping_levels_are_stepped_over)
{
    static const int64_t prices[] = {100, 101, 163, 70000, 900000000};
    struct ladder_world world;
    uint32_t levels[5];
    ladder_open(&world, SELL);
    for (size_t i = 0; i < 5; i++)
        levels[i] = add(&world, prices[i]);
    for (size_t i = 0; i < 4; i++)
        ladder_sleep(&world.pool, &world.ladder, levels[i]);
    assert_true(ladder_check(&world.pool, &world.ladder));
    assert_int_equal(world.ladder.best, levels[4]);
    assert_int_equal(ladder_next(&world.pool, &world.ladder, levels[0]), levels[4]);
    assert_int_equal(ladder_find(&world.pool, &world.ladder, (price_t){101}), NO_SLOT);
    assert_false(ladder_reaches(&world.ladder, (price_t){899999999}));
    assert_int_equal(add(&world, 101), levels[1]);
    assert_int_equal(world.ladder.best, levels[1]);
    assert_true(ladder_reaches(&world.ladder, (price_t){101}));
    assert_false(ladder_reaches(&world.ladder, (price_t){100}));
    assert_int_equal(ladder_next(&world.pool, &world.ladder, levels[1]), levels[4]);
    ladder_sleep(&world.pool, &world.ladder, levels[4]);
    ladder_sleep(&world.pool, &world.ladder, levels[1]);
    assert_int_equal(world.ladder.best, NO_SLOT);
    assert_false(ladder_reaches(&world.ladder, (price_t){INT64_MAX}));
    assert_int_equal(world.ladder.hung_count, 5);
    assert_int_equal(world.ladder.level_count, 0);
    arena_unmap(&world.arena);
}

/* A lone level that sleeps at the root stays asleep when the trie grows above it. */
TEST(ladder, a_sleeping_root_wakes_nobody)
{
    struct ladder_world world;
    ladder_open(&world, BUY);
    const uint32_t first = add(&world, 500);
    ladder_sleep(&world.pool, &world.ladder, first);
    const uint32_t second = add(&world, 400);
    assert_int_equal(world.ladder.best, second);
    assert_int_equal(ladder_next(&world.pool, &world.ladder, second), NO_SLOT);
    ladder_remove(&world.pool, &world.ladder, first);
    assert_true(ladder_check(&world.pool, &world.ladder));
    assert_int_equal(world.ladder.best, second);
    arena_unmap(&world.arena);
}

/* What a ladder remembers by price is forgotten with the node: when another ladder gets that node for
 * the same prices, its levels are not found in the first one. */
TEST(ladder, a_node_given_back_is_forgotten)
{
    struct ladder_world world;
    struct ladder other = {.side = SELL};
    ladder_open(&world, SELL);
    add(&world, 640);
    add(&world, 641);
    add(&world, 642);
    take(&world, 640);
    take(&world, 641);
    take(&world, 642);
    const uint32_t theirs = ladder_add(&world.pool, &other, (price_t){640});
    ladder_wake(&world.pool, &other, theirs);
    (void)ladder_add(&world.pool, &other, (price_t){641});
    assert_int_equal(ladder_find(&world.pool, &world.ladder, (price_t){640}), NO_SLOT);
    assert_int_equal(ladder_find(&world.pool, &other, (price_t){640}), theirs);
    assert_true(ladder_check(&world.pool, &world.ladder));
    assert_true(ladder_check(&world.pool, &other));
    arena_unmap(&world.arena);
}

/* The bound in ladder.h: with as many levels as there may be, in two ladders, as far apart as prices
 * get, nodes do not run out. */
TEST(ladder, nodes_last_as_long_as_levels)
{
    struct ladder_world world;
    struct ladder other = {.side = BUY};
    ladder_open(&world, SELL);
    uint64_t seed = world_seed(7);
    while (world.pool.level_count < LEVELS) {
        const price_t price = {1 + (int64_t)(world_random(&seed) >> (1 + world_below(&seed, 60)))};
        if (price.ticks <= 0) continue;
        struct ladder *ladder = world_below(&seed, 2) ? &world.ladder : &other;
        if (ladder_find(&world.pool, ladder, price) != NO_SLOT) continue;
        ladder_wake(&world.pool, ladder, ladder_add(&world.pool, ladder, price));
    }
    assert_true(ladder_check(&world.pool, &world.ladder));
    assert_true(ladder_check(&world.pool, &other));
    assert_true(world.pool.node_count < LEVELS);
    arena_unmap(&world.arena);
}

/* A price of the random test: there[] says whether it sleeps. */
struct there {
    int64_t price;
    uint32_t level;
    bool asleep;
};

/* The best awake price of `count` that is worse than `after` (0: than none), or 0. */
static int64_t plain_next(const struct there *there, size_t count, enum side side, int64_t after)
{
    int64_t best = 0;
    for (size_t i = 0; i < count; i++) {
        const int64_t price = there[i].price;
        if (there[i].asleep) continue;
        if (after != 0 && (side == SELL ? price <= after : price >= after)) continue;
        if (best == 0 || (side == SELL ? price < best : price > best)) best = price;
    }
    return best;
}

static void ladders_agree(const struct ladder_world *world, const struct there *there, size_t count,
                          enum side side)
{
    assert_true(ladder_check(&world->pool, &world->ladder));
    assert_int_equal(world->ladder.hung_count, count);
    int64_t price = plain_next(there, count, side, 0);
    uint32_t level = world->ladder.best;
    for (;; price = plain_next(there, count, side, price)) {
        assert_int_equal(price_at(world, level), price); /* level 0 has price 0 */
        if (price == 0) break;
        level = ladder_next(&world->pool, &world->ladder, level);
    }
}

/* Against a plain array of prices: levels come, sleep, wake and go, at every distance, on both sides; the
 * whole walk from the best is compared each time. */
TEST(ladder, random_changes_keep_the_order)
{
    uint64_t seed = world_seed(0x5eed0003);
    printf("seed 0x%" PRIx64 "\n", seed);
    for (int side = BUY; side <= SELL; side++) {
        struct ladder_world world;
        struct there there[LEVELS];
        size_t count = 0;
        ladder_open(&world, (enum side)side);
        for (int i = 0; i < 20000; i++) {
            const int64_t wide = (int64_t)(world_random(&seed) >> 1) % 1000000000;
            const int64_t ticks =
                1 + (world_below(&seed, 2) ? (int64_t)world_below(&seed, 200) : wide);
            size_t at = 0;
            while (at < count && there[at].price != ticks)
                at++;
            if (at == count && count >= 100) at = world_below(&seed, 100);
            const price_t price = {at < count ? there[at].price : ticks};
            const uint32_t level = at == count ? NO_SLOT : there[at].level;
            if (at == count) {
                const uint32_t added = ladder_add(&world.pool, &world.ladder, price);
                ladder_wake(&world.pool, &world.ladder, added);
                there[count++] = (struct there){ticks, added, false};
            } else if (!there[at].asleep) {
                assert_int_equal(ladder_find(&world.pool, &world.ladder, price), level);
                ladder_sleep(&world.pool, &world.ladder, level);
                there[at].asleep = true;
            } else if (world_below(&seed, 2)) {
                assert_int_equal(ladder_find(&world.pool, &world.ladder, price), NO_SLOT);
                assert_int_equal(ladder_add(&world.pool, &world.ladder, price), level);
                ladder_wake(&world.pool, &world.ladder, level);
                there[at].asleep = false;
            } else {
                ladder_remove(&world.pool, &world.ladder, level);
                there[at] = there[--count];
            }
            ladders_agree(&world, there, count, (enum side)side);
        }
        arena_unmap(&world.arena);
    }
}
