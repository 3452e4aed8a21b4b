#include "common/market.h"

#include "tests/harness.h"
#include "tests/unit/common/world.h"

static struct params params;
static struct market market;

/* Lists BTCUSDT with one thing changed. */
#define LIST(change) \
    __extension__({ \
        world_params(&params); \
        struct market_create_command listing = world_listing("BTCUSDT", BTC, USDT, 1000000, 1000); \
        listing.change; \
        market_list(&listing, params.assets, &market); \
    })

TEST(market, a_step_is_a_whole_number_of_quote_units)
{
    assert_true(LIST(base = BTC));
    /* 0.01 USDT x 0.00001 BTC = 10^6 x 10^3 / 10^8 units. */
    assert_int_equal(market.units_per_step, 10);
    assert_int_equal(market.status, MARKET_TRADING);
    assert_string_equal(market.symbol, "BTCUSDT");
    assert_true(LIST(lot_units = 100));
    assert_int_equal(market.units_per_step, 1);
    assert_false(LIST(lot_units = 10));
    assert_false(LIST(lot_units = 150)); /* 1.5 units */
    assert_true(LIST(lot_units = 200));
}

TEST(market, every_bound_is_checked_from_both_sides)
{
    assert_false(LIST(tick_units = 0));
    assert_false(LIST(tick_units = -1000000));
    assert_false(LIST(lot_units = 0));
    assert_false(LIST(quote = BTC));
    assert_false(LIST(price_min.ticks = 0));
    assert_true(LIST(price_min.ticks = 100000000));
    assert_false(LIST(price_min.ticks = 100000001));
    assert_false(LIST(qty_min.lots = 0));
    assert_true(LIST(qty_min.lots = 900000000));
    assert_false(LIST(qty_min.lots = 900000001));
    assert_true(LIST(notional_min.units = 0));
    assert_false(LIST(notional_min.units = -1));
    assert_true(LIST(account_orders_max = 1));
    assert_false(LIST(account_orders_max = 0));
}

/* 10^8 ticks x lots x 10 units must stay below 2^63. */
TEST(market, the_largest_notional_fits)
{
    assert_true(LIST(qty_max.lots = INT64_MAX / 1000000000));
    const amount_t largest = market_notional(&market, market.price_max, market.qty_max);
    assert_true(largest.units > INT64_MAX - 1000000000);
    assert_false(LIST(qty_max.lots = INT64_MAX / 1000000000 + 1));
    assert_false(LIST(price_max.ticks = INT64_MAX / 1000000 + 1));
}

TEST(market, symbols_are_upper_case_letters_and_digits)
{
    assert_true(market_symbol_valid("A", 20));
    assert_true(market_symbol_valid("1000CATUSDT", 20));
    assert_false(market_symbol_valid("", 20));
    assert_false(market_symbol_valid("btc", 20));
    assert_false(market_symbol_valid("BTC-USD", 20));
    assert_true(market_symbol_valid("ABCDEFGHIJKL", 12));
    assert_false(market_symbol_valid("ABCDEFGHIJKLM", 12));
    assert_false(LIST(symbol[0] = 'b'));
    assert_false(LIST(symbol[0] = 0));
}

TEST(market, amounts_follow_from_ticks_and_lots)
{
    assert_true(LIST(base = BTC));
    /* 1.5 BTC at 50,000.01 USDT. */
    assert_int_equal(market_notional(&market, (price_t){5000001}, (qty_t){150000}).units,
                     7500001500000);
    assert_int_equal(market_base_amount(&market, (qty_t){150000}).units, 150000000);
}

TEST(market, units_between_two_steps_are_refused)
{
    price_t price = {-1};
    qty_t qty = {-1};
    assert_true(LIST(base = BTC));
    assert_false(market_price_from_units(&market, 1000001, &price));
    assert_false(market_qty_from_units(&market, 999, &qty));
    assert_int_equal(price.ticks, -1);
    assert_int_equal(qty.lots, -1);
    assert_true(market_price_from_units(&market, 1000000, &price));
    assert_true(market_qty_from_units(&market, 1000, &qty));
    assert_int_equal(price.ticks, 1);
    assert_int_equal(qty.lots, 1);
}
