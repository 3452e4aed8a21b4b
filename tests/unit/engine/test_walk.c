#include "tests/harness.h"

#include "engine/state.h"
#include "engine/walk.h"
#include "tests/unit/engine/world.h"

struct walk_world {
    struct world world;
    const struct books *books;
    const struct market *market;
};

/* Sells of 2 @ 100 and 3 @ 110, from account 1. */
static void walk_open(struct walk_world *walk)
{
    world_prepare(&walk->world);
    world_open(&walk->world);
    const uint32_t ann = world_account(&walk->world, 1, 100, 0);
    assert_int_equal(world_order_place(&walk->world, world_limit(ann, SELL, 2, 100)), 0);
    assert_int_equal(world_order_place(&walk->world, world_limit(ann, SELL, 3, 110)), 0);
    walk->books = &walk->world.engine->books;
    walk->market = &walk->world.engine->params.markets[0];
}

static struct walk_terms walk_terms(const struct walk_world *walk, int64_t limit)
{
    return (struct walk_terms){
        .books = walk->books, .market = walk->market, .makers = SELL, .limit = {limit}};
}

static void quantity_is(const struct walk_world *walk, int64_t limit, int64_t wanted, int64_t lots,
                        int64_t quote)
{
    const struct walk_terms terms = walk_terms(walk, limit);
    const struct walk got = walk_by_quantity(&terms, (qty_t){wanted});
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
    const struct walk_terms terms = walk_terms(walk, 0);
    const struct walk got = walk_by_quote(&terms, (amount_t){wanted}, (qty_t){4});
    assert_int_equal(got.qty.lots, lots);
    assert_int_equal(got.quote.units, quote);
    assert_int_equal(got.stopped, stopped);
}

/* Whole lots, never above the quote amount, at most four. */
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
    struct walk_terms terms = walk_terms(&walk, 0);
    terms.makers = BUY;
    const struct walk got = walk_by_quote(&terms, (amount_t){1000}, (qty_t){4});
    assert_int_equal(got.qty.lots, 0);
    assert_false(got.stopped);
    world_close(&walk.world);
}

/* With a self-trade mode the account's own orders do not count, wherever in the queue they wait; what an
 * iceberg hides counts, unless it is the account's own. */
TEST(walk, own_orders_do_not_count_and_hidden_quantity_does)
{
    struct walk_world walk;
    walk_open(&walk);
    const uint32_t bob = world_account(&walk.world, 1, 100, 0);
    struct order_place_command iceberg = world_limit(bob, SELL, 9, 100);
    iceberg.iceberg_qty.lots = 3;
    assert_int_equal(world_order_place(&walk.world, iceberg), 0);

    struct walk_terms terms = walk_terms(&walk, 100);
    assert_int_equal(walk_by_quantity(&terms, (qty_t){50}).qty.lots, 2 + 9);
    terms.own = bob;
    assert_int_equal(walk_by_quantity(&terms, (qty_t){50}).qty.lots, 2);
    terms.own = 1;
    assert_int_equal(walk_by_quantity(&terms, (qty_t){50}).qty.lots, 9);
    terms.limit.ticks = 110;
    assert_int_equal(walk_by_quantity(&terms, (qty_t){50}).qty.lots, 9);
    world_close(&walk.world);
}

/* A FOK that may meet an order of its own on the way is not filled, whatever else is there; EXPIRE_MAKER
 * walks past them, and with what others have it must do. */
TEST(walk, fok_fails_at_a_level_with_its_own_order)
{
    struct walk_world walk;
    walk_open(&walk);
    const uint32_t bob = world_account(&walk.world, 1, 100, 0);
    assert_int_equal(world_order_place(&walk.world, world_limit(bob, SELL, 4, 110)), 0);
    struct walk_terms terms = walk_terms(&walk, 0);
    terms.own = bob;
    assert_true(walk_fills(&terms, SELF_TRADE_DECREMENT, (qty_t){2})); /* needs 100 only */
    assert_false(walk_fills(&terms, SELF_TRADE_DECREMENT, (qty_t){3}));
    assert_false(walk_fills(&terms, SELF_TRADE_EXPIRE_TAKER, (qty_t){3}));
    assert_false(walk_fills(&terms, SELF_TRADE_EXPIRE_BOTH, (qty_t){5}));
    assert_true(walk_fills(&terms, SELF_TRADE_EXPIRE_MAKER, (qty_t){5}));
    assert_false(walk_fills(&terms, SELF_TRADE_EXPIRE_MAKER, (qty_t){6}));
    terms.own = 0;
    assert_true(walk_fills(&terms, SELF_TRADE_NONE, (qty_t){9}));
    assert_false(walk_fills(&terms, SELF_TRADE_NONE, (qty_t){10}));
    world_close(&walk.world);
}
