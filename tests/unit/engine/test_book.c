#include "tests/harness.h"

#include "common/arena.h"
#include "common/params.h"
#include "engine/book.h"
#include "tests/unit/engine/world.h"

#include <inttypes.h>

struct book_world {
    struct arena arena;
    struct books books;
};

static void book_open(struct book_world *world, uint32_t orders_max, uint32_t levels_max)
{
    const struct params params = {
        .orders_max = orders_max, .levels_max = levels_max, .markets_max = 2};
    assert_true(arena_map(&world->arena, book_all_bytes(&params)));
    assert_true(book_all_init(&world->books, &world->arena, &params));
}

static void book_close(struct book_world *world)
{
    assert_true(order_pool_check(&world->books.orders));
    arena_unmap(&world->arena);
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

static void leave(struct book_world *world, uint32_t slot)
{
    book_remove(&world->books, slot);
    order_pool_give(&world->books.orders, slot);
    book_check(&world->books, 1);
}

/* The next change is this level with this quantity. */
static void changed(struct book_world *world, enum side side, int64_t ticks, int64_t lots)
{
    struct book_change change;
    assert_true(book_next_change(&world->books, &change));
    assert_int_equal(change.market, 1);
    assert_int_equal(change.side, side);
    assert_int_equal(change.price.ticks, ticks);
    assert_int_equal(change.qty.lots, lots);
    book_check(&world->books, 1);
}

static void changed_no_more(struct book_world *world)
{
    struct book_change change;
    assert_false(book_next_change(&world->books, &change));
    assert_int_equal(world->books.change_count, 0);
    book_check(&world->books, 1);
}

/* Each changed level is told once, with what is left of it at the end, in the order of first change. */
TEST(book, a_level_that_changes_twice_is_told_once)
{
    struct book_world world;
    book_open(&world, 8, 3);
    const uint32_t first = rest(&world, SELL, 5, 100);
    rest(&world, SELL, 2, 90);
    book_fill(&world.books, first, (qty_t){3});
    changed(&world, SELL, 100, 2);
    changed(&world, SELL, 90, 2);
    changed_no_more(&world);
    book_reduce(&world.books, first, (qty_t){1}); /* the marks are gone: this is another command */
    changed(&world, SELL, 100, 1);
    changed_no_more(&world);
    book_close(&world);
}

/* A level that a command empties and fills again is one change, and keeps its place among them. */
TEST(book, a_level_emptied_and_filled_again_is_told_once)
{
    struct book_world world;
    book_open(&world, 8, 3);
    const uint32_t gone = rest(&world, SELL, 5, 100);
    changed(&world, SELL, 100, 5);
    changed_no_more(&world);

    leave(&world, gone);
    assert_int_equal(book_front(&world.books, 1, SELL), NO_SLOT);
    rest(&world, SELL, 1, 101);
    const uint32_t back = rest(&world, SELL, 2, 100);
    assert_int_equal(book_front(&world.books, 1, SELL), back);
    changed(&world, SELL, 100, 2);
    changed(&world, SELL, 101, 1);
    changed_no_more(&world);
    book_close(&world);
}

/* An empty level does not count, and is told as gone. */
TEST(book, an_empty_level_is_told_and_does_not_count)
{
    struct book_world world;
    book_open(&world, 8, 2);
    const uint32_t sell = rest(&world, SELL, 5, 100);
    const uint32_t buy = rest(&world, BUY, 5, 99);
    assert_true(book_levels_full(&world.books, 1, SELL, (price_t){101}, 0));
    leave(&world, sell);
    leave(&world, buy);
    assert_int_equal(world.books.levels.level_count, 0);
    assert_false(book_levels_full(&world.books, 1, SELL, (price_t){101}, 0));
    assert_int_equal(book_best_price(&world.books, 1, SELL).ticks, 0);
    assert_false(book_reaches(&world.books, 1, SELL, (price_t){INT64_MAX}));
    changed(&world, SELL, 100, 0);
    changed(&world, BUY, 99, 0);
    changed_no_more(&world);
    book_close(&world);
}

/* Whether levels are full does not depend on which prices were used before: a parked level has no room
 * that another has not. */
TEST(book, a_parked_level_has_no_room_of_its_own)
{
    struct book_world world;
    book_open(&world, 8, 1);
    leave(&world, rest(&world, SELL, 5, 100));
    changed(&world, SELL, 100, 0);
    changed_no_more(&world);
    rest(&world, SELL, 5, 200);
    assert_true(book_levels_full(&world.books, 1, SELL, (price_t){100}, 0));
    assert_true(book_levels_full(&world.books, 1, SELL, (price_t){101}, 0));
    assert_false(book_levels_full(&world.books, 1, SELL, (price_t){200}, 0));
    book_close(&world);
}

/* More prices than the ring of parked levels has places come and go: those used last stay, all others
 * are removed, and what is in use is left alone when its turn comes. */
TEST(book, parked_levels_are_removed_in_their_turn)
{
    struct book_world world;
    book_open(&world, 8, 4);
    rest(&world, SELL, 5, 1000);
    leave(&world, rest(&world, SELL, 5, 1));
    changed(&world, SELL, 1000, 5);
    changed(&world, SELL, 1, 0);
    changed_no_more(&world);
    const uint32_t back = rest(&world, SELL, 5, 1); /* in the ring, and in use */
    changed(&world, SELL, 1, 5);
    changed_no_more(&world);
    for (int64_t ticks = 2; ticks < 300; ticks++) {
        leave(&world, rest(&world, SELL, 5, ticks));
        changed(&world, SELL, ticks, 0);
        changed_no_more(&world);
    }
    assert_int_equal(world.books.levels.hung_count, 2 + world.books.parked_mask + 1);
    assert_int_equal(book_front(&world.books, 1, SELL), back);
    leave(&world, back);
    changed(&world, SELL, 1, 0);
    changed_no_more(&world);
    assert_int_equal(book_best_price(&world.books, 1, SELL).ticks, 1000);
    book_close(&world);
}

/* Levels are full by count, but never for a price that has its level. */
TEST(book, levels_are_full_only_for_new_prices)
{
    struct book_world world;
    book_open(&world, 8, 3);
    rest(&world, SELL, 5, 100);
    rest(&world, SELL, 5, 101);
    assert_false(book_levels_full(&world.books, 1, SELL, (price_t){102}, 0));
    rest(&world, BUY, 5, 99);
    assert_true(book_levels_full(&world.books, 1, SELL, (price_t){102}, 0));
    assert_true(book_levels_full(&world.books, 0, SELL, (price_t){100}, 0));
    assert_true(book_levels_full(&world.books, 1, BUY, (price_t){100}, 0));
    assert_false(book_levels_full(&world.books, 1, SELL, (price_t){101}, 0));
    book_close(&world);
}

TEST(book, front_is_the_oldest_at_the_best_price)
{
    struct book_world world;
    book_open(&world, 8, 3);
    assert_int_equal(book_front(&world.books, 1, BUY), NO_SLOT);
    rest(&world, BUY, 1, 98);
    const uint32_t older = rest(&world, BUY, 1, 99), newer = rest(&world, BUY, 9, 99);
    assert_int_equal(book_front(&world.books, 1, BUY), older);
    assert_int_equal(book_best_price(&world.books, 1, BUY).ticks, 99);
    leave(&world, older);
    assert_int_equal(book_front(&world.books, 1, BUY), newer);
    leave(&world, newer);
    assert_int_equal(book_best_price(&world.books, 1, BUY).ticks, 98);
    assert_int_equal(book_front(&world.books, 0, BUY), NO_SLOT); /* another market's book */
    book_close(&world);
}

/* An order that leaves from the middle takes nobody with it. */
TEST(book, removal_from_the_middle_keeps_the_queue)
{
    struct book_world world;
    book_open(&world, 8, 3);
    const uint32_t first = rest(&world, SELL, 1, 100), second = rest(&world, SELL, 2, 100),
                   third = rest(&world, SELL, 3, 100);
    leave(&world, second);
    assert_int_equal(book_front(&world.books, 1, SELL), first);
    leave(&world, first);
    assert_int_equal(book_front(&world.books, 1, SELL), third);
    book_close(&world);
}

/* A refreshed slice loses its place to whoever waits at the price; alone it stays where it is. What is
 * hidden is counted apart from what is shown. */
TEST(book, a_refreshed_slice_goes_to_the_back)
{
    struct book_world world;
    book_open(&world, 8, 3);
    const uint32_t iceberg = rest(&world, SELL, 2, 100), other = rest(&world, SELL, 9, 100);
    struct order_extra *extra = order_extra_take(&world.books.orders, iceberg);
    world.books.orders.orders[iceberg].flags = ORDER_ICEBERG;
    world.books.orders.orders[iceberg].qty.lots = 6;
    extra->hidden.lots = 4;
    book_hide(&world.books, iceberg, 4);
    book_check(&world.books, 1);

    for (int slice = 0; slice < 2; slice++) {
        book_fill(&world.books, iceberg, (qty_t){2});
        extra->hidden.lots -= 2;
        book_hide(&world.books, iceberg, -2);
        book_refresh(&world.books, iceberg, (qty_t){2});
        book_check(&world.books, 1);
        assert_int_equal(book_front(&world.books, 1, SELL), slice == 0 ? other : iceberg);
        if (slice == 0) leave(&world, other);
    }
    assert_int_equal(order_executed(&world.books.orders, iceberg).lots, 4);
    changed(&world, SELL, 100, 2);
    changed_no_more(&world);
    order_extra_give(&world.books.orders, iceberg);
    book_close(&world);
}

/* Hints change nothing, also where there is nothing to hint at. */
TEST(book, hints_change_nothing)
{
    struct book_world world;
    book_open(&world, 8, 3);
    const uint32_t slot = rest(&world, SELL, 1, 100);
    changed(&world, SELL, 100, 1);
    changed_no_more(&world);
    for (int64_t ticks = 99; ticks <= 101; ticks++)
        for (int side = BUY; side <= SELL; side++) {
            book_hint_place(&world.books, 1, (enum side)side, (price_t){ticks});
            book_hint_queue(&world.books, 1, (enum side)side, (price_t){ticks});
        }
    book_hint_order(&world.books, slot);
    book_hint_neighbours(&world.books, slot);
    book_hint_order(&world.books, NO_SLOT);
    book_hint_neighbours(&world.books, NO_SLOT);
    changed_no_more(&world);
    book_close(&world);
}

#define SLOTS 200

/* Orders come and go on both sides of two books that share their pools, often at the same few prices, with
 * the changes of some commands read out late: every invariant holds after each, and the changes told are
 * exactly the levels whose quantity is no longer what was told before. */
TEST(book, random_orders_keep_every_invariant)
{
    uint64_t seed = world_seed(0x5eed0b00);
    printf("seed 0x%" PRIx64 "\n", seed);
    struct book_world world;
    static int64_t told[2][2][100];
    uint32_t open[SLOTS], count = 0;
    book_open(&world, SLOTS, 2 * SLOTS);
    memset(told, 0, sizeof(told));
    for (int i = 0; i < 30000; i++) {
        if (count == SLOTS || (count > 0 && world_below(&seed, 2))) {
            const uint32_t at = (uint32_t)world_below(&seed, count), slot = open[at];
            book_remove(&world.books, slot);
            order_pool_give(&world.books.orders, slot);
            open[at] = open[--count];
        } else {
            const enum side side = world_below(&seed, 2) ? SELL : BUY;
            const uint16_t market = (uint16_t)world_below(&seed, 2);
            const uint32_t slot = order_pool_take(&world.books.orders);
            world.books.orders.orders[slot] =
                (struct order){.id = ++world.books.markets[market].last_order,
                               .market = market,
                               .side = (uint8_t)side,
                               .price = {(side == SELL ? 50 : 1) + (int64_t)world_below(&seed, 49)},
                               .qty = {5},
                               .left = {5}};
            book_add(&world.books, slot);
            open[count++] = slot;
        }
        if (world_below(&seed, 3) == 0) {
            struct book_change change;
            while (book_next_change(&world.books, &change))
                told[change.market][change.side][change.price.ticks] = change.qty.lots;
            int64_t lots = 0;
            for (size_t k = 0; k < sizeof(told) / sizeof(told[0][0][0]); k++)
                lots += (&told[0][0][0])[k];
            assert_int_equal(lots, 5 * (int64_t)count);
        }
        assert_int_equal(book_check(&world.books, 0) + book_check(&world.books, 1), count);
    }
    book_close(&world);
}
