#include "tests/harness.h"

#include "engine/filters.h"

static const struct market market = {
    .price_min = {10},
    .price_max = {100},
    .qty_min = {2},
    .qty_max = {50},
    .notional_min = {200},
    .units_per_step = 1,
    .lot_units = 1,
    .filters = {.market_qty_min = {3},
                .market_qty_max = {40},
                .notional_max = {4900},
                .iceberg_parts_max = 5,
                .trailing_min = 10,
                .trailing_max = 2000,
                .self_trade_modes = 1 << SELF_TRADE_NONE | 1 << SELF_TRADE_DECREMENT},
};

static struct order_place_command limit(int64_t lots, int64_t ticks)
{
    return (struct order_place_command){
        .type = LIMIT, .time_in_force = GTC, .qty = {lots}, .price = {ticks}};
}

/* What an order meets first: its form, then its market's bounds. */
static enum reject check(const struct order_place_command *place)
{
    const enum reject reject = filters_form(&market, place);
    return reject != REJECT_NONE ? reject : filters_bounds(&market, place);
}

#define REFUSES(place, REASON) assert_int_equal(check(&(place)), REJECT_##REASON)

/* Both ends of each filter, the last good value and the first bad one. */
TEST(filters, bounds_are_inclusive)
{
    struct order_place_command place = limit(20, 10);
    REFUSES(place, NONE);
    place = limit(25, 9);
    REFUSES(place, PRICE_FILTER);
    place = limit(2, 100);
    REFUSES(place, NONE);
    place = limit(2, 101);
    REFUSES(place, PRICE_FILTER);
    place = limit(1, 100);
    REFUSES(place, LOT_SIZE);
    place = limit(50, 98);
    REFUSES(place, NONE);
    place = limit(51, 90);
    REFUSES(place, LOT_SIZE);
    place = limit(19, 10);
    REFUSES(place, NOTIONAL);
    place = limit(50, 99); /* 4950: above the largest */
    REFUSES(place, NOTIONAL);
}

/* Zero and negative are not a matter of filters, whatever the bounds. */
TEST(filters, nothing_and_less_is_refused_as_such)
{
    struct order_place_command place = limit(0, 50);
    REFUSES(place, ZERO_VALUE);
    place = limit(INT64_MIN, 50);
    REFUSES(place, ZERO_VALUE);
    place = limit(5, -1);
    REFUSES(place, ZERO_VALUE);
    place = (struct order_place_command){.type = MARKET, .quote_qty = {-1}};
    REFUSES(place, ZERO_VALUE);
    place = (struct order_place_command){.type = MARKET};
    REFUSES(place, ZERO_VALUE);
    place = (struct order_place_command){.type = STOP_LOSS, .qty = {5}, .stop_price = {-50}};
    REFUSES(place, ZERO_VALUE);
    place = limit(20, 50);
    place.iceberg_qty.lots = -4;
    REFUSES(place, ZERO_VALUE);
    place = limit(INT64_MAX, INT64_MAX);
    REFUSES(place, PRICE_FILTER); /* and no overflow on the way */
}

/* Each type has its own fields; one more or one less is no order of that type. */
TEST(filters, fields_belong_to_types)
{
    struct order_place_command place = limit(20, 10);
    place.stop_price.ticks = 20;
    REFUSES(place, COMBINATION);
    place = limit(20, 10);
    place.trailing_delta = 100;
    REFUSES(place, COMBINATION);
    place.type = STOP_LOSS_LIMIT;
    REFUSES(place, NONE);
    place.trailing_delta = 0;
    REFUSES(place, COMBINATION); /* a stop that waits for nothing */
    place.stop_price.ticks = 20;
    REFUSES(place, NONE);
    place.type = STOP_LOSS; /* has no price of its own */
    REFUSES(place, COMBINATION);
    place.price.ticks = 0;
    place.time_in_force = 0;
    REFUSES(place, NONE);
    place.iceberg_qty.lots = 4;
    REFUSES(place, COMBINATION);
    place.iceberg_qty.lots = 0;
    place.quote_qty.units = 200;
    REFUSES(place, COMBINATION);
}

/* An iceberg shows something that could stand alone, in no more parts than the market allows, and waits
 * in the book. */
TEST(filters, icebergs_are_bounded)
{
    struct order_place_command place = limit(20, 10);
    place.iceberg_qty.lots = 4; /* five parts */
    REFUSES(place, NONE);
    place.iceberg_qty.lots = 3; /* seven */
    REFUSES(place, ICEBERG_PARTS);
    place.qty.lots = 21;
    place.iceberg_qty.lots = 4; /* five and a bit */
    REFUSES(place, ICEBERG_PARTS);
    place.iceberg_qty.lots = 1;
    REFUSES(place, LOT_SIZE);
    place.iceberg_qty.lots = 22;
    REFUSES(place, LOT_SIZE);
    place.iceberg_qty.lots = 21;
    REFUSES(place, NONE);
    place.time_in_force = IOC;
    REFUSES(place, COMBINATION);
    place.time_in_force = GTC;
    place.type = LIMIT_MAKER;
    REFUSES(place, NONE);
}

TEST(filters, a_trailing_delta_lies_within_its_bounds)
{
    struct order_place_command place = {.type = STOP_LOSS, .qty = {20}, .trailing_delta = 9};
    REFUSES(place, TRAILING_DELTA);
    place.trailing_delta = 10;
    REFUSES(place, NONE);
    place.trailing_delta = 2000;
    REFUSES(place, NONE);
    place.trailing_delta = 2001;
    REFUSES(place, TRAILING_DELTA);
}

TEST(filters, what_has_no_number_is_refused_by_name)
{
    struct order_place_command place = limit(20, 10);
    place.type = TAKE_PROFIT_LIMIT + 1;
    REFUSES(place, ORDER_TYPE_DISABLED);
    place.type = 0;
    REFUSES(place, ORDER_TYPE_DISABLED);
    place = limit(20, 10);
    place.side = 2;
    REFUSES(place, SIDE);
    place = limit(20, 10);
    place.self_trade = SELF_TRADE_EXPIRE_TAKER; /* a mode, but not of this market */
    REFUSES(place, SELF_TRADE_MODE);
    place.self_trade = SELF_TRADE_TRANSFER + 1;
    REFUSES(place, SELF_TRADE_MODE);
    place.self_trade = SELF_TRADE_DECREMENT;
    REFUSES(place, NONE);
}

/* A LIMIT order needs its time in force; those that take at once or not at all have none, or GTC. */
TEST(filters, time_in_force_belongs_to_limit_orders)
{
    struct order_place_command place = limit(20, 10);
    place.time_in_force = 0;
    REFUSES(place, TIME_IN_FORCE);
    place.time_in_force = FOK;
    REFUSES(place, NONE);
    place.time_in_force = FOK + 1;
    REFUSES(place, TIME_IN_FORCE);
    place.type = LIMIT_MAKER;
    place.time_in_force = IOC;
    REFUSES(place, TIME_IN_FORCE);
    place.time_in_force = 0;
    REFUSES(place, NONE);
    assert_int_equal(filters_time_in_force(LIMIT_MAKER, 0), GTC);
    assert_int_equal(filters_time_in_force(TAKE_PROFIT, 0), GTC);
    assert_int_equal(filters_time_in_force(TAKE_PROFIT_LIMIT, FOK), FOK);
    place = (struct order_place_command){
        .type = TAKE_PROFIT, .qty = {20}, .stop_price = {50}, .time_in_force = IOC};
    REFUSES(place, TIME_IN_FORCE);
}

/* By quantity or by quote, not both, and never with a price. */
TEST(filters, a_market_order_names_one_amount)
{
    struct order_place_command place = {.type = MARKET, .qty = {3}, .quote_qty = {200}};
    REFUSES(place, COMBINATION);
    place.qty.lots = 0;
    REFUSES(place, NONE);
    place.quote_qty.units = 4901;
    REFUSES(place, NOTIONAL);
    place.price.ticks = 10;
    REFUSES(place, COMBINATION);
    place = limit(20, 10);
    place.quote_qty.units = 200;
    REFUSES(place, COMBINATION);
}

/* MARKET_LOT_SIZE comes on top of LOT_SIZE, for MARKET alone. */
TEST(filters, a_market_order_has_bounds_of_its_own)
{
    struct order_place_command place = {.type = MARKET, .qty = {2}};
    REFUSES(place, MARKET_LOT_SIZE);
    place.qty.lots = 1;
    REFUSES(place, LOT_SIZE);
    place.qty.lots = 3;
    REFUSES(place, NONE);
    place.qty.lots = 40;
    REFUSES(place, NONE);
    place.qty.lots = 41;
    REFUSES(place, MARKET_LOT_SIZE);
    place = (struct order_place_command){.type = STOP_LOSS, .qty = {2}, .stop_price = {50}};
    REFUSES(place, NONE);
}

/* Which way each kind of stop looks, at its price and a tick to either side. */
TEST(filters, a_stop_fires_at_its_price_and_beyond)
{
    static const struct {
        uint8_t type, side;
        bool rises;
    } stops[] = {{STOP_LOSS, BUY, true},          {STOP_LOSS, SELL, false},
                 {STOP_LOSS_LIMIT, BUY, true},    {STOP_LOSS_LIMIT, SELL, false},
                 {TAKE_PROFIT, BUY, false},       {TAKE_PROFIT, SELL, true},
                 {TAKE_PROFIT_LIMIT, BUY, false}, {TAKE_PROFIT_LIMIT, SELL, true}};
    const price_t stop = {50};
    for (size_t i = 0; i < sizeof(stops) / sizeof(stops[0]); i++) {
        assert_int_equal(filters_rises(stops[i].type, stops[i].side), stops[i].rises);
        assert_true(filters_fires(stops[i].type, stops[i].side, stop, stop));
        assert_int_equal(filters_fires(stops[i].type, stops[i].side, stop, (price_t){51}),
                         stops[i].rises);
        assert_int_equal(filters_fires(stops[i].type, stops[i].side, stop, (price_t){49}),
                         !stops[i].rises);
    }
}

static enum reject price_check(struct market_filters filters, uint8_t side, int64_t ticks,
                               int64_t average, int64_t last)
{
    struct market own = market;
    own.filters = filters;
    struct order_place_command place = limit(20, ticks);
    place.side = side;
    return filters_price(&own, &place, (price_t){average}, (price_t){last});
}

/* A buyer's price against the average, exact to the ten-thousandth, each side with its own bounds. */
TEST(filters, percent_price_is_exact_and_by_side)
{
    const struct market_filters buy = {.bid_up = 10500, .bid_down = 9000};
    assert_int_equal(price_check(buy, BUY, 1050, 1000, 0), REJECT_NONE);
    assert_int_equal(price_check(buy, BUY, 1051, 1000, 0), REJECT_PERCENT_PRICE);
    assert_int_equal(price_check(buy, BUY, 900, 1000, 0), REJECT_NONE);
    assert_int_equal(price_check(buy, BUY, 899, 1000, 0), REJECT_PERCENT_PRICE);
    assert_int_equal(price_check(buy, BUY, 899, 999, 0), REJECT_PERCENT_PRICE); /* 899.1 */
    assert_int_equal(price_check(buy, BUY, 5000, 0, 0), REJECT_NONE);           /* no average */
    assert_int_equal(price_check(buy, SELL, 5000, 1000, 0), REJECT_NONE);
    const struct market_filters sell = {.ask_up = 20000};
    assert_int_equal(price_check(sell, SELL, 2000, 1000, 0), REJECT_NONE);
    assert_int_equal(price_check(sell, SELL, 2001, 1000, 0), REJECT_PERCENT_PRICE);
    assert_int_equal(price_check(sell, SELL, 1, 1000, 0), REJECT_NONE); /* 0 is no bound */
    assert_int_equal(price_check(sell, SELL, INT64_MAX, INT64_MAX, 0), REJECT_NONE);
}

TEST(filters, a_band_holds_to_both_sides_of_the_last_price)
{
    const struct market_filters filters = {.band_ppm = 50000};
    assert_int_equal(price_check(filters, BUY, 1050, 0, 1000), REJECT_NONE);
    assert_int_equal(price_check(filters, BUY, 1051, 0, 1000), REJECT_PRICE_BAND);
    assert_int_equal(price_check(filters, SELL, 950, 0, 1000), REJECT_NONE);
    assert_int_equal(price_check(filters, SELL, 949, 0, 1000), REJECT_PRICE_BAND);
    assert_int_equal(price_check(filters, SELL, 949, 0, 0), REJECT_NONE);
    assert_true(filters_price_matters(&(struct market){.filters = filters}, BUY));
    assert_false(filters_price_matters(&market, BUY));
}
