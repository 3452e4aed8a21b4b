#include "tests/harness.h"

#include "engine/state.h"
#include "engine/walk.h"
#include "tests/unit/engine/world.h"

struct walk_world {
    struct world world;
    const struct books *books;
    const struct market *market;
};

/* Sells of 2 @ 100 and 3 @ 110, from one account. */
static void walk_open(struct walk_world *walk)
{
    world_prepare(&walk->world);
    walk->world.genesis.params.markets[0].qty_max.lots = 4;
    world_open(&walk->world);
    const uint32_t ann = world_account(&walk->world, 1, 100, 0);
    assert_int_equal(world_order_place(&walk->world, world_limit(ann, SELL, 2, 100)), 0);
    assert_int_equal(world_order_place(&walk->world, world_limit(ann, SELL, 3, 110)), 0);
    walk->books = &walk->world.engine->books;
    walk->market = &walk->world.engine->params.markets[0];
}

static void quantity_is(const struct walk_world *walk, int64_t limit, int64_t wanted, int64_t lots,
                        int64_t quote)
{
    const struct walk got =
        walk_by_quantity(walk->books, walk->market, 0, SELL, (price_t){limit}, (qty_t){wanted});
    assert_int_equal(got.qty.lots, lots);
    assert_int_equal(got.quote.units, quote);
}

TEST(walk, by_quantity_ends_at_the_quantity_the_limit_or_the_book)
{
    struct walk_world walk;
    walk_open(&walk);
    quantity_is(&walk, 0, 1, 1, 100);
    quantity_is(&walk, 0, 3, 3, 310);
    quantity_is(&walk, 109, 4, 2, 200);
    quantity_is(&walk, 110, 4, 4, 420);
    quantity_is(&walk, 99, 4, 0, 0);
    quantity_is(&walk, 0, 9, 5, 530);
    world_close(&walk.world);
}

static void quote_is(const struct walk_world *walk, int64_t wanted, int64_t lots, int64_t quote,
                     bool stopped)
{
    const struct walk got = walk_by_quote(walk->books, walk->market, 0, SELL, (amount_t){wanted});
    assert_int_equal(got.qty.lots, lots);
    assert_int_equal(got.quote.units, quote);
    assert_int_equal(got.stopped, stopped);
}

/* Whole lots, never above the quote amount, at most four (the market's largest quantity here). */
TEST(walk, by_quote_takes_whole_lots_up_to_the_amount)
{
    struct walk_world walk;
    walk_open(&walk);
    quote_is(&walk, 99, 0, 0, true);
    quote_is(&walk, 100, 1, 100, true);
    quote_is(&walk, 309, 2, 200, true);
    quote_is(&walk, 310, 3, 310, true);
    quote_is(&walk, 420, 4, 420, true);
    quote_is(&walk, 529, 4, 420, true);  /* 109 left: less than the fifth lot costs */
    quote_is(&walk, 530, 4, 420, false); /* it could pay for a fifth, but may not */
    world_close(&walk.world);
}

TEST(walk, by_quote_in_an_empty_book_is_nothing)
{
    struct walk_world walk;
    walk_open(&walk);
    const struct walk got = walk_by_quote(walk.books, walk.market, 0, BUY, (amount_t){1000});
    assert_int_equal(got.qty.lots, 0);
    assert_false(got.stopped);
    world_close(&walk.world);
}
