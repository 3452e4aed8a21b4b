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
    const uint32_t level = ladder_add(&world->pool, &world->ladder, (price_t){ticks});
    assert_true(ladder_check(&world->pool, &world->ladder));
    return level;
}

static void take(struct ladder_world *world, int64_t ticks)
{
    const uint32_t level = ladder_find(&world->pool, &world->ladder, (price_t){ticks});
    assert_int_not_equal(level, NO_SLOT);
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
        const uint32_t second = world.pool.levels[world.ladder.best].worse;
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
    assert_int_equal(world.pool.node_count, 0);
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
        (void)ladder_add(&world.pool, ladder, price);
    }
    assert_true(ladder_check(&world.pool, &world.ladder));
    assert_true(ladder_check(&world.pool, &other));
    assert_true(world.pool.node_count < LEVELS);
    arena_unmap(&world.arena);
}

/* Against a plain array of prices: adds and removals at every distance, both sides. */
TEST(ladder, random_adds_and_removals_keep_the_order)
{
    uint64_t seed = world_seed(0x5eed0003);
    printf("seed 0x%" PRIx64 "\n", seed);
    for (int side = BUY; side <= SELL; side++) {
        struct ladder_world world;
        int64_t there[LEVELS];
        size_t count = 0;
        ladder_open(&world, (enum side)side);
        for (int i = 0; i < 20000; i++) {
            const int64_t wide = (int64_t)(world_random(&seed) >> 1);
            const int64_t price =
                1 + (world_below(&seed, 2) ? (int64_t)world_below(&seed, 200) : wide % 1000000000);
            size_t at = 0;
            while (at < count && there[at] != price)
                at++;
            if (at < count) {
                take(&world, price);
                there[at] = there[--count];
            } else if (count < 150) {
                add(&world, price);
                there[count++] = price;
            } else {
                take(&world, there[0]);
                there[0] = there[--count];
            }
            int64_t best = 0;
            for (size_t k = 0; k < count; k++)
                if (best == 0 || (side == SELL ? there[k] < best : there[k] > best))
                    best = there[k];
            assert_int_equal(count == 0 ? 0 : price_at(&world, world.ladder.best), best);
            assert_int_equal(world.ladder.level_count, count);
        }
        arena_unmap(&world.arena);
    }
}
