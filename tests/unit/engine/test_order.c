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

/* An extra comes empty, belongs to one order, and what it hides or has lost is not executed. */
TEST(order, executed_is_what_is_neither_left_nor_hidden_nor_prevented)
{
    struct arena arena;
    struct order_pool pool;
    assert_true(arena_map(&arena, order_pool_bytes(2)));
    assert_true(order_pool_init(&pool, &arena, 2));
    const uint32_t plain = order_pool_take(&pool), iceberg = order_pool_take(&pool);
    pool.orders[plain] = (struct order){.id = 1, .qty = {10}, .left = {4}};
    pool.orders[iceberg] = (struct order){.id = 2, .qty = {10}, .left = {2}};
    struct order_extra *extra = order_extra_take(&pool, iceberg);
    assert_int_equal(extra->hidden.lots, 0);
    extra->hidden.lots = 3;
    extra->prevented.lots = 1;
    assert_int_equal(order_executed(&pool, plain).lots, 6);
    assert_int_equal(order_executed(&pool, iceberg).lots, 4);
    assert_true(order_pool_check(&pool));

    order_extra_give(&pool, iceberg);
    order_extra_give(&pool, plain); /* has none */
    assert_int_equal(pool.orders[iceberg].extra, NO_SLOT);
    assert_int_equal(order_extra_take(&pool, plain)->hidden.lots, 0);
    assert_int_equal(pool.extra_used, 1);
    assert_true(order_pool_check(&pool));
    arena_unmap(&arena);
}

/* The two lines of an order are neighbours to the processor, wherever the arena stood. */
TEST(order, orders_begin_at_a_multiple_of_their_size)
{
    for (int before = 0; before < 2; before++) {
        struct arena arena;
        struct order_pool pool;
        assert_true(arena_map(&arena, order_pool_bytes(3) + 64));
        if (before == 1) assert_non_null(arena_take(&arena, 64));
        assert_true(order_pool_init(&pool, &arena, 3));
        assert_int_equal((uintptr_t)&pool.orders[1] % sizeof(struct order), 0);
        for (uint32_t i = 0; i < 3; i++) /* the last slot is within the arena */
            pool.orders[order_pool_take(&pool)] = (struct order){.id = i + 1, .queue_mark = 1};
        assert_int_equal(pool.extras[1].list, 0);
        assert_true(order_pool_check(&pool));
        arena_unmap(&arena);
    }
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
