#include "tests/harness.h"

#include "engine/filters.h"

static const struct market market = {.price_min = {10},
                                     .price_max = {100},
                                     .qty_min = {2},
                                     .qty_max = {50},
                                     .notional_min = {200},
                                     .units_per_step = 1,
                                     .lot_units = 1};

static struct order_place_command limit(int64_t lots, int64_t ticks)
{
    return (struct order_place_command){
        .type = LIMIT, .time_in_force = GTC, .qty = {lots}, .price = {ticks}};
}

#define REFUSES(place, REASON) assert_int_equal(filters_check(&market, &(place)), REJECT_##REASON)

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
    place = limit(50, 100);
    REFUSES(place, NONE);
    place = limit(51, 100);
    REFUSES(place, LOT_SIZE);
    place = limit(19, 10);
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
    place = limit(INT64_MAX, INT64_MAX);
    REFUSES(place, PRICE_FILTER); /* and no overflow on the way */
}

/* What a later version will do is refused by name until then. */
TEST(filters, later_features_are_refused)
{
    struct order_place_command place = limit(20, 10);
    place.type = STOP_LOSS_LIMIT;
    REFUSES(place, ORDER_TYPE_DISABLED);
    place = limit(20, 10);
    place.stop_price.ticks = 1;
    REFUSES(place, COMBINATION);
    place = limit(20, 10);
    place.iceberg_qty.lots = 1;
    REFUSES(place, COMBINATION);
    place = limit(20, 10);
    place.trailing_delta = 1;
    REFUSES(place, COMBINATION);
    place = limit(20, 10);
    place.self_trade = 1;
    REFUSES(place, SELF_TRADE_MODE);
    place = limit(20, 10);
    place.side = 2;
    REFUSES(place, SIDE);
}

/* A LIMIT order needs its time in force; MARKET and LIMIT_MAKER have none, or GTC. */
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
    assert_int_equal(filters_time_in_force(&place), GTC);
}

/* By quantity or by quote, not both, and never with a price. */
TEST(filters, a_market_order_names_one_amount)
{
    struct order_place_command place = {.type = MARKET, .qty = {2}, .quote_qty = {200}};
    REFUSES(place, COMBINATION);
    place.qty.lots = 0;
    REFUSES(place, NONE);
    place.price.ticks = 10;
    REFUSES(place, COMBINATION);
    place = limit(20, 10);
    place.quote_qty.units = 200;
    REFUSES(place, COMBINATION);
}
