#include "tests/harness.h"

#include "common/arena.h"
#include "common/params.h"
#include "engine/book.h"

struct book_world {
    struct arena arena;
    struct books books;
    uint8_t bytes[4096];
    struct event_writer out;
};

static void book_open(struct book_world *world)
{
    static const struct params params = {.orders_max = 8, .levels_max = 3, .markets_max = 2};
    assert_true(arena_map(&world->arena, book_all_bytes(&params)));
    assert_true(book_all_init(&world->books, &world->arena, &params));
    world->out = (struct event_writer){world->bytes, world->bytes + sizeof(world->bytes), 0};
}

static uint32_t rest(struct book_world *world, enum side side, int64_t lots, int64_t ticks)
{
    const uint32_t slot = order_pool_take(&world->books.orders);
    world->books.orders.orders[slot] = (struct order){.id = ++world->books.markets[1].last_order,
                                                      .market = 1,
                                                      .side = (uint8_t)side,
                                                      .price = {ticks},
                                                      .qty = {lots},
                                                      .left = {lots}};
    book_add(&world->books, slot);
    book_check(&world->books, 1);
    return slot;
}

/* Each changed level is written once, with what is left of it at the end, in the order of first change. */
TEST(book, a_level_that_changes_twice_is_written_once)
{
    struct book_world world;
    book_open(&world);
    const uint32_t first = rest(&world, SELL, 5, 100);
    rest(&world, SELL, 2, 90);
    book_fill(&world.books, first, (qty_t){3});
    book_write_changes(&world.books, 1, &world.out);
    assert_int_equal(world.out.count, 2);

    struct event event;
    struct level_event level;
    const uint8_t *at = world.bytes;
    assert_true(event_next(&at, world.out.at, &event));
    level_event_get(event.payload, &level);
    assert_int_equal(level.price.ticks, 100);
    assert_int_equal(level.qty.lots, 2);
    assert_int_equal(level.update_id, 1);
    arena_unmap(&world.arena);
}

/* A level's slot that goes to another price within a command takes no mark with it. */
TEST(book, a_new_level_in_a_freed_slot_is_a_change_of_its_own)
{
    struct book_world world;
    book_open(&world);
    const uint32_t gone = rest(&world, SELL, 5, 100);
    book_write_changes(&world.books, 1, &world.out);

    book_remove(&world.books, gone);
    rest(&world, BUY, 1, 100);
    rest(&world, BUY, 2, 100);
    world.out.count = 0;
    book_write_changes(&world.books, 1, &world.out);
    assert_int_equal(world.out.count, 2); /* sell 100: 0, buy 100: 3 */
    rest(&world, BUY, 4, 100);
    world.out.count = 0;
    book_write_changes(&world.books, 1, &world.out);
    assert_int_equal(world.out.count, 1);
    arena_unmap(&world.arena);
}

/* Levels are full by count, but never for a price that has its level. */
TEST(book, levels_are_full_only_for_new_prices)
{
    struct book_world world;
    book_open(&world);
    rest(&world, SELL, 5, 100);
    rest(&world, SELL, 5, 101);
    assert_false(book_levels_full(&world.books, 1, SELL, (price_t){102}));
    rest(&world, BUY, 5, 99);
    assert_true(book_levels_full(&world.books, 1, SELL, (price_t){102}));
    assert_true(book_levels_full(&world.books, 0, SELL, (price_t){100}));
    assert_true(book_levels_full(&world.books, 1, BUY, (price_t){100}));
    assert_false(book_levels_full(&world.books, 1, SELL, (price_t){101}));
    arena_unmap(&world.arena);
}

TEST(book, front_is_the_oldest_at_the_best_price)
{
    struct book_world world;
    book_open(&world);
    assert_int_equal(book_front(&world.books, 1, BUY), NO_SLOT);
    rest(&world, BUY, 1, 98);
    const uint32_t older = rest(&world, BUY, 1, 99), newer = rest(&world, BUY, 9, 99);
    assert_int_equal(book_front(&world.books, 1, BUY), older);
    book_remove(&world.books, older);
    assert_int_equal(book_front(&world.books, 1, BUY), newer);
    assert_int_equal(book_front(&world.books, 0, BUY), NO_SLOT); /* another market's book */
    arena_unmap(&world.arena);
}
