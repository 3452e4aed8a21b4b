#include "tests/harness.h"

#include "common/arena.h"
#include "engine/order.h"

/* The last freed slot is the next taken: it is the one still in cache. */
TEST(order, freed_slots_come_back_last_in_first_out)
{
    struct arena arena;
    struct order_pool pool;
    assert_true(arena_map(&arena, order_pool_bytes(3)));
    assert_true(order_pool_init(&pool, &arena, 3));

    const uint32_t first = order_pool_take(&pool), second = order_pool_take(&pool);
    pool.orders[first].id = pool.orders[second].id = 1;
    order_pool_give(&pool, first);
    order_pool_give(&pool, second);
    assert_int_equal(order_pool_take(&pool), second);
    assert_int_equal(order_pool_take(&pool), first);
    arena_unmap(&arena);
}

/* Capacity is exact: as many slots as were asked for, none of them 0, none twice. */
TEST(order, pool_gives_exactly_its_capacity)
{
    struct arena arena;
    struct order_pool pool;
    bool seen[5] = {false};
    assert_true(arena_map(&arena, order_pool_bytes(4)));
    assert_true(order_pool_init(&pool, &arena, 4));
    for (int i = 0; i < 4; i++) {
        const uint32_t slot = order_pool_take(&pool);
        assert_true(slot >= 1 && slot <= 4 && !seen[slot]);
        seen[slot] = true;
    }
    assert_int_equal(pool.count, pool.capacity);
    arena_unmap(&arena);
}

TEST(order, pool_needs_all_the_bytes_it_names)
{
    struct arena arena;
    struct order_pool pool;
    assert_true(arena_map(&arena, order_pool_bytes(4)));
    arena.capacity -= 64;
    assert_false(order_pool_init(&pool, &arena, 4));
    arena.capacity += 64;
    arena_unmap(&arena);
}
