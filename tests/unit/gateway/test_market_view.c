#include "tests/unit/gateway/market_fixture.h"

/* A fill reaches trades, ticker and all sixteen series of its own market, and no other's. */
TEST(market_view, fill_reaches_every_figure_of_its_market)
{
    fixture_open(0);
    const struct applied applied = fixture_applied(FIXTURE_START_NS);
    const struct event event = fixture_fill(0, 7, 3, 6000000, 100000, SELL);
    market_view_apply(fixture_views, &applied, &event);
    struct market_view *view = market_views_find(fixture_views, "BTCUSDT", 7);
    assert_non_null(view);
    assert_string_equal(view->stream_symbol, "btcusdt");
    assert_int_equal(trades_last(&view->trades)->id, 7);
    assert_true(trades_last(&view->trades)->buyer_is_maker);
    /* 60000.00 x 1.00000 = 60,000 USDT. */
    assert_int_equal(trades_last(&view->trades)->quote_units, 60000ll * 100000000);
    assert_int_equal(view->ticker.last.ticks, 6000000);
    for (int i = 0; i < INTERVAL_COUNT; i++) {
        assert_int_equal(candle_series_count(&view->series[i]), 1);
    }
    assert_true(market_views_now_ns(fixture_views) == FIXTURE_START_NS);
    assert_int_equal(market_views_at(fixture_views, 1)->trades.trade_count, 0);
    assert_null(market_views_find(fixture_views, "BTCUSD", 6));
    assert_null(market_views_find(fixture_views, "btcusdt", 7));
}

/* Levels go to the book with the engine's update id. */
TEST(market_view, level_moves_the_book_and_its_update_id)
{
    fixture_open(0);
    const struct applied applied = fixture_applied(FIXTURE_START_NS);
    struct event event = fixture_level(1, 1, BUY, 500, 9);
    market_view_apply(fixture_views, &applied, &event);
    event = fixture_level(1, 2, SELL, 501, 4);
    market_view_apply(fixture_views, &applied, &event);
    struct market_view *view = market_views_at(fixture_views, 1);
    assert_int_equal(view->depth.update_id, 2);
    assert_int_equal(depth_qty(&view->depth, BUY, (price_t){500}).lots, 9);
    assert_int_equal(market_views_at(fixture_views, 0)->depth.update_id, 0);
}

/* A market listed while the node runs is there at once, and the reserved memory holds as many as the
 * parameters allow. */
TEST(market_view, listed_markets_appear_up_to_the_limit)
{
    fixture_open(0);
    const struct applied applied = fixture_applied(FIXTURE_START_NS);
    for (uint16_t market = 2; market < 4; market++) {
        struct market_created_event created = {.market = market, .base = 2, .quote = 1};
        created.tick_units = 1000000;
        created.lot_units = 10000;
        created.price_min = (price_t){1};
        created.price_max = (price_t){100000000};
        created.qty_min = (qty_t){1};
        created.qty_max = (qty_t){90000000};
        created.notional_min = (amount_t){1};
        created.account_orders_max = 200;
        memcpy(created.symbol, market == 2 ? "ETHUSDT" : "ETHUSDC", 7);
        struct event_writer writer = {.at = fixture_bytes,
                                      .end = fixture_bytes + sizeof(fixture_bytes)};
        const uint8_t *at = fixture_bytes;
        struct event event;
        event_write_market_created(&writer, &created);
        assert_true(event_next(&at, writer.at, &event));
        market_view_apply(fixture_views, &applied, &event);
    }
    assert_int_equal(market_views_count(fixture_views), 4);
    assert_int_equal(market_views_find(fixture_views, "ETHUSDC", 7)->market, 3);
    assert_int_equal(market_views_find(fixture_views, "ETHUSDT", 7)->market, 2);
}

/* A full book that one command turns over: the new levels may be told before the old ones are gone. */
TEST(market_view, levels_of_one_command_come_in_any_order)
{
    fixture_open(1 << 20);
    const struct applied applied = fixture_applied(FIXTURE_START_NS);
    const int64_t levels = fixture_genesis.params.levels_max;
    uint64_t update_id = 0;
    for (int64_t price = 1; price <= levels; price++) {
        const struct event level = fixture_level(0, ++update_id, BUY, price, 1);
        market_view_apply(fixture_views, &applied, &level);
    }
    for (int64_t price = 1; price <= levels; price++) {
        const struct event level = fixture_level(0, ++update_id, SELL, levels + price, 1);
        market_view_apply(fixture_views, &applied, &level);
    }
    for (int64_t price = 1; price <= levels; price++) {
        const struct event level = fixture_level(0, ++update_id, BUY, price, 0);
        market_view_apply(fixture_views, &applied, &level);
    }
    struct depth_level best;
    assert_false(depth_best(&market_views_at(fixture_views, 0)->depth, BUY, &best));
    assert_true(depth_best(&market_views_at(fixture_views, 0)->depth, SELL, &best));
    assert_int_equal(best.price.ticks, levels + 1);
}
