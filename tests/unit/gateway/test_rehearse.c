#include "gateway/rehearse.h"

#include "tests/unit/gateway/desk_fixture.h"

static struct order_place_command order;

static struct order_place_command order_of(enum side side, enum order_type type, int64_t price,
                                           int64_t lots)
{
    return (struct order_place_command){
        .price = {price},
        .qty = {lots},
        .account = 1,
        .side = (uint8_t)side,
        .type = (uint8_t)type,
        .time_in_force = GTC,
    };
}

static enum reject rehearse(void)
{
    struct refusal refusal = {.reject = REJECT_NONE};
    const bool taken =
        rehearse_order(&order, desk_facts.params, desk_view,
                       market_views_at(fixture_views, order.market), desk_stamp, &refusal);
    return taken ? REJECT_NONE : refusal.reject;
}

static enum reject tested(enum side side, enum order_type type, int64_t price, int64_t lots)
{
    order = order_of(side, type, price, lots);
    return rehearse();
}

static struct market_filters *filters(void)
{
    return &((struct params *)(uintptr_t)desk_facts.params)->markets[0].filters;
}

/* One trade at 50,000.00, and ann's order for sale there. */
static void open_market(void)
{
    desk_open();
    desk_one_fill();
    desk_balance(1, 0, 900000000000, 0);
    desk_balance(1, 1, 1000000000, 0); /* 10 USDT */
    desk_apply();
}

/* Each filter from both sides of its bound. */
TEST(rehearse, order_meets_the_filters)
{
    open_market();
    assert_int_equal(tested(SELL, LIMIT, 1000000000, 1), REJECT_NONE);
    assert_int_equal(tested(SELL, LIMIT, 1000000001, 1), REJECT_PRICE_FILTER);
    assert_int_equal(tested(SELL, LIMIT, 5000001, 900000000), REJECT_NONE);
    assert_int_equal(tested(SELL, LIMIT, 5000001, 900000001), REJECT_LOT_SIZE);
    assert_int_equal(tested(BUY, LIMIT, 100000000, 1), REJECT_NONE);
    assert_int_equal(tested(BUY, LIMIT, 100000001, 1), REJECT_INSUFFICIENT_BALANCE);
    assert_int_equal(tested(BUY, LIMIT_MAKER, 4999999, 1), REJECT_NONE);
    assert_int_equal(tested(BUY, LIMIT_MAKER, 5000000, 1), REJECT_WOULD_TAKE);

    filters()->market_qty_max.lots = 5;
    assert_int_equal(tested(SELL, MARKET, 0, 5), REJECT_NONE);
    assert_int_equal(tested(SELL, MARKET, 0, 6), REJECT_MARKET_LOT_SIZE);
    filters()->notional_max.units = 1000;
    assert_int_equal(tested(SELL, LIMIT, 100, 1), REJECT_NONE);
    assert_int_equal(tested(SELL, LIMIT, 101, 1), REJECT_NOTIONAL);
}

TEST(rehearse, icebergs_and_trailing_orders_have_bounds)
{
    open_market();
    order = order_of(SELL, LIMIT, 6000000, 100);
    order.iceberg_qty.lots = 1;
    assert_int_equal(rehearse(), REJECT_NONE);
    order.qty.lots = 101;
    assert_int_equal(rehearse(), REJECT_ICEBERG_PARTS);
    order.iceberg_qty.lots = 102;
    assert_int_equal(rehearse(), REJECT_LOT_SIZE);

    order = order_of(SELL, STOP_LOSS, 0, 1);
    order.trailing_delta = 9;
    assert_int_equal(rehearse(), REJECT_TRAILING_DELTA);
    order.trailing_delta = 10;
    assert_int_equal(rehearse(), REJECT_NONE);
    order.trailing_delta = 2001;
    assert_int_equal(rehearse(), REJECT_TRAILING_DELTA);
}

/* The last trade was at 50,000.00: a stop that it meets already is none. */
TEST(rehearse, stops_wait_for_a_price_that_is_not_here)
{
    open_market();
    order = order_of(SELL, STOP_LOSS, 0, 1);
    order.stop_price.ticks = 4999999;
    assert_int_equal(rehearse(), REJECT_NONE);
    order.stop_price.ticks = 5000000;
    assert_int_equal(rehearse(), REJECT_WOULD_TRIGGER);
    order.type = TAKE_PROFIT;
    assert_int_equal(rehearse(), REJECT_WOULD_TRIGGER);
    order.stop_price.ticks = 5000001;
    assert_int_equal(rehearse(), REJECT_NONE);

    order = order_of(BUY, STOP_LOSS, 0, 1);
    order.stop_price.ticks = 5000001;
    assert_int_equal(rehearse(), REJECT_NONE); /* 0.50 USDT */
    order.qty.lots = 20;
    assert_int_equal(rehearse(), REJECT_INSUFFICIENT_BALANCE);

    order = order_of(BUY, STOP_LOSS, 0, 1);
    order.market = 1; /* nothing was traded there */
    order.trailing_delta = 100;
    assert_int_equal(rehearse(), REJECT_NO_LAST_PRICE);
}

TEST(rehearse, prices_keep_near_what_was_traded)
{
    open_market();
    filters()->band_ppm = 100000;
    assert_int_equal(tested(SELL, LIMIT, 5500000, 1), REJECT_NONE);
    assert_int_equal(tested(SELL, LIMIT, 5500001, 1), REJECT_PRICE_BAND);
    filters()->band_ppm = 0;
    filters()->ask_up = 20000;
    filters()->bid_down = 5000;
    assert_int_equal(tested(SELL, LIMIT, 10000000, 1), REJECT_NONE);
    assert_int_equal(tested(SELL, LIMIT, 10000001, 1), REJECT_PERCENT_PRICE);
    assert_int_equal(tested(BUY, LIMIT, 2500000, 1), REJECT_NONE);
    assert_int_equal(tested(BUY, LIMIT, 2499999, 1), REJECT_PERCENT_PRICE);
    assert_int_equal(tested(SELL, LIMIT, 1, 1), REJECT_NONE); /* no lower bound for it */
}

TEST(rehearse, an_account_has_so_many_orders_and_so_large_a_position)
{
    open_market();
    filters()->algo_orders_max = 0;
    order = order_of(SELL, STOP_LOSS, 0, 1);
    order.stop_price.ticks = 1;
    assert_int_equal(rehearse(), REJECT_MAX_NUM_ALGO_ORDERS);
    filters()->iceberg_orders_max = 0;
    order = order_of(SELL, LIMIT, 6000000, 100);
    order.iceberg_qty.lots = 100;
    assert_int_equal(rehearse(), REJECT_NONE); /* it hides nothing */
    order.iceberg_qty.lots = 50;
    assert_int_equal(rehearse(), REJECT_MAX_NUM_ICEBERG_ORDERS);
    /* It has 9,000 BTC: one lot is 0.00001. */
    filters()->position_max.units = 900000000000 + 5000;
    assert_int_equal(tested(BUY, LIMIT, 100, 5), REJECT_NONE);
    assert_int_equal(tested(BUY, LIMIT, 100, 6), REJECT_MAX_POSITION);
    assert_int_equal(tested(SELL, LIMIT, 6000000, 6), REJECT_NONE);
}

TEST(rehearse, a_closed_market_and_a_forbidden_mode_are_refused)
{
    open_market();
    order = order_of(SELL, LIMIT, 6000000, 1);
    order.self_trade = SELF_TRADE_DECREMENT;
    assert_int_equal(rehearse(), REJECT_NONE);
    filters()->self_trade_modes = 1 << SELF_TRADE_NONE;
    assert_int_equal(rehearse(), REJECT_SELF_TRADE_MODE);
    const struct market_status_changed_event halt = {.status = MARKET_HALT};
    event_write_market_status_changed(&desk_events, &halt);
    desk_apply();
    assert_int_equal(rehearse(), REJECT_MARKET_CLOSED);
}

/* 2 lots at 50,000.00 a minute ago, 1 at 50,300.00 now: two minutes average them by their lots. */
TEST(rehearse, average_is_over_whole_minutes)
{
    desk_open();
    desk_one_fill();
    desk_stamp += 60ull * 1000 * DESK_MS_NS;
    desk_fill(0, 2, 2, 1, 1, 3, 2, BUY, 5030000, 1);
    desk_apply();
    const struct market_view *market = market_views_at(fixture_views, 0);
    const struct market *listing = &desk_facts.params->markets[0];
    assert_int_equal(rehearse_average(market, listing, 1, desk_stamp).ticks, 5030000);
    assert_int_equal(rehearse_average(market, listing, 2, desk_stamp).ticks, 5010000);
    assert_int_equal(rehearse_average(market, listing, 0, desk_stamp).ticks, 5030000);
    assert_int_equal(
        rehearse_average(market, listing, 5, desk_stamp + 3600ull * 1000 * DESK_MS_NS).ticks,
        5030000);
}
