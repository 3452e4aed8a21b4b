#include "gateway/depth.h"
#include "tests/harness.h"

#define PRICES 500

static struct arena arena;
static struct depth_pool pool;
static struct depth depth;

static void new_depth(uint32_t levels)
{
    arena_unmap(&arena);
    assert_true(arena_map(&arena, 1 << 24));
    assert_true(depth_pool_init(&pool, &arena, levels));
    assert_true(depth_init(&depth, &pool, &arena));
}

static void set(enum side side, int64_t price, int64_t qty)
{
    depth_set(&depth, side, (price_t){price}, (qty_t){qty}, depth.update_id + 1);
}

/* The best bid is the highest, the best ask the lowest, and a side that empties has none. */
TEST(depth, best_is_highest_bid_and_lowest_ask)
{
    struct depth_level level;
    new_depth(10);
    assert_false(depth_best(&depth, BUY, &level));
    set(BUY, 99, 1);
    set(BUY, 100, 2);
    set(SELL, 102, 3);
    set(SELL, 101, 4);
    assert_true(depth_best(&depth, BUY, &level));
    assert_int_equal(level.price.ticks, 100);
    assert_true(depth_best(&depth, SELL, &level));
    assert_int_equal(level.price.ticks, 101);
    set(SELL, 101, 0);
    assert_true(depth_best(&depth, SELL, &level));
    assert_int_equal(level.price.ticks, 102);
    set(SELL, 102, 0);
    assert_false(depth_best(&depth, SELL, &level));
}

/* Whatever comes in, the tree shows what a plain table shows, in order, and hands its nodes back:
 * the pool holds exactly as many as can rest. */
TEST(depth, shows_what_a_plain_table_shows)
{
    const uint32_t seed = 20261121;
    uint32_t random = seed;
    static int64_t table[2][PRICES];
    memset(table, 0, sizeof(table));
    new_depth(2 * PRICES);
    for (int step = 0; step < 200000; step++) {
        random = random * 1664525u + 1013904223u;
        const int side = (int)(random >> 31);
        const int64_t price = (random >> 8) % PRICES;
        const int64_t qty = (random >> 20) % 3 == 0 ? 0 : (int64_t)((random >> 4) % 1000) + 1;
        table[side][price] = qty;
        set((enum side)side, price, qty);
        if (step % 1000 == 0) assert_true(depth_check(&depth));
    }
    for (int side = 0; side < 2; side++) {
        struct depth_level levels[PRICES];
        const uint32_t count = depth_top(&depth, (enum side)side, levels, PRICES);
        uint32_t at = 0;
        for (int64_t i = 0; i < PRICES; i++) {
            const int64_t price = side == BUY ? PRICES - 1 - i : i;
            assert_int_equal(depth_qty(&depth, (enum side)side, (price_t){price}).lots,
                             table[side][price]);
            if (table[side][price] == 0) continue;
            assert_true(at < count);
            assert_int_equal(levels[at].price.ticks, price);
            assert_int_equal(levels[at++].qty.lots, table[side][price]);
        }
        assert_int_equal(at, count);
        assert_int_equal(depth_top(&depth, (enum side)side, levels, 5), 5);
    }
}

/* Rising and falling prices keep the tree balanced: the check asserts it. */
TEST(depth, stays_balanced_when_prices_run)
{
    new_depth(20000);
    for (int64_t price = 1; price <= 10000; price++)
        set(BUY, price, 1);
    for (int64_t price = 20000; price > 10000; price--)
        set(SELL, price, 1);
    assert_true(depth_check(&depth));
    for (int64_t price = 1; price <= 10000; price += 2)
        set(BUY, price, 0);
    for (int64_t price = 10001; price <= 20000; price++)
        set(SELL, price, 0);
    assert_true(depth_check(&depth));
    assert_int_equal(depth.counts[BUY], 5000);
    assert_int_equal(depth.counts[SELL], 0);
}

/* A level that changed five times is one change; bids come first, each side from its best on. */
TEST(depth, changes_are_distinct_and_in_order)
{
    struct depth_change changes[8];
    new_depth(10);
    set(SELL, 105, 1); /* 1 */
    set(SELL, 104, 1); /* 2 */
    set(BUY, 100, 1);  /* 3 */
    set(SELL, 104, 2);
    set(BUY, 101, 1);
    set(SELL, 104, 0);
    assert_int_equal(depth_changes(&depth, 2, changes), 3);
    assert_int_equal(changes[0].price.ticks, 101);
    assert_int_equal(changes[1].price.ticks, 100);
    assert_int_equal(changes[2].price.ticks, 104);
    assert_int_equal(changes[2].side, SELL);
    assert_int_equal(depth_changes(&depth, 1, changes), 4);
    assert_int_equal(depth_changes(&depth, 7, changes), 0);
}

/* The history reaches back exactly DEPTH_HISTORY update ids. */
TEST(depth, forgets_the_oldest_change)
{
    new_depth(10);
    for (int i = 0; i < DEPTH_HISTORY; i++)
        set(BUY, 100, i + 1);
    assert_true(depth_remembers(&depth, 1));
    set(BUY, 100, 1);
    assert_false(depth_remembers(&depth, 1));
    assert_true(depth_remembers(&depth, 2));
}
