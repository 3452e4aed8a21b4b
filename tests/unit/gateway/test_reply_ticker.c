#include "gateway/reply_ticker.h"

#include "tests/unit/gateway/desk_fixture.h"

static char bytes[4096];
static struct writer json;

static struct ticker_figures figures_of_one(void)
{
    return (struct ticker_figures){
        .any = true,
        .open_ns = FIXTURE_START_NS,
        .close_ns = FIXTURE_START_NS + 60 * 1000000000ull,
        .open = {5000000},
        .high = {5200000},
        .low = {4900000},
        .last = {4950000},
        .previous_close = {4800000},
        .last_qty = {3},
        .first_trade_id = 4,
        .last_trade_id = 9,
        .fill_count = 6,
        .volume_lots = 10,
        .quote_units = 500000000,
    };
}

/* All members, in the API's order, in microseconds where those were asked for. */
TEST(reply_ticker, window_has_the_members_of_the_api)
{
    desk_open();
    const struct ticker_figures figures = figures_of_one();
    const struct printing printing = {desk_facts.params, 1000, desk_view};
    writer_start(&json, bytes, sizeof(bytes) - 1);
    reply_ticker_window(&json, &printing, 0, &figures, false);
    bytes[json.used] = 0;
    assert_string_equal(bytes, "{\"symbol\":\"BTCUSDT\",\"priceChange\":\"-500.00000000\","
                               "\"priceChangePercent\":\"-1.000\","
                               "\"weightedAvgPrice\":\"50000.00000000\","
                               "\"lastPrice\":\"49500.00000000\",\"openPrice\":\"50000.00000000\","
                               "\"highPrice\":\"52000.00000000\",\"lowPrice\":\"49000.00000000\","
                               "\"volume\":\"0.00010000\",\"quoteVolume\":\"5.00000000\","
                               "\"openTime\":1700000040000000,\"closeTime\":1700000100000000,"
                               "\"firstId\":4,\"lastId\":9,\"count\":6}");
}

/* A day's has what clients know a spot ticker by: previous close, last quantity, best prices. */
TEST(reply_ticker, day_has_best_prices_unless_it_is_mini)
{
    desk_open();
    desk_one_fill();
    const struct ticker_figures figures = figures_of_one();
    const struct printing printing = {desk_facts.params, DESK_MS_NS, desk_view};
    const struct market_view *view = market_views_at(fixture_views, 0);
    writer_start(&json, bytes, sizeof(bytes) - 1);
    reply_ticker_day(&json, &printing, view, &figures, false);
    bytes[json.used] = 0;
    assert_non_null(strstr(bytes, "\"prevClosePrice\":\"48000.00000000\",\"lastPrice\":"
                                  "\"49500.00000000\",\"lastQty\":\"0.00003000\","
                                  "\"bidPrice\":\"49000.00000000\",\"bidQty\":\"0.00001000\","
                                  "\"askPrice\":\"50000.00000000\",\"askQty\":\"0.00001000\","));
    writer_start(&json, bytes, sizeof(bytes) - 1);
    reply_ticker_day(&json, &printing, view, &figures, true);
    bytes[json.used] = 0;
    assert_ptr_equal(
        strstr(bytes, "{\"symbol\":\"BTCUSDT\",\"lastPrice\":\"49500.00000000\",\"open"), bytes);
    assert_null(strstr(bytes, "bidQty"));
    assert_null(strstr(bytes, "prevClose"));
}

/* Nothing was traded: no ids, and no division by nothing. */
TEST(reply_ticker, nothing_traded_has_ids_of_minus_one)
{
    desk_open();
    const struct ticker_figures figures = {.close_ns = FIXTURE_START_NS};
    const struct printing printing = {desk_facts.params, DESK_MS_NS, desk_view};
    writer_start(&json, bytes, sizeof(bytes) - 1);
    reply_ticker_window(&json, &printing, 0, &figures, false);
    bytes[json.used] = 0;
    assert_non_null(strstr(bytes, "\"priceChangePercent\":\"0.000\","
                                  "\"weightedAvgPrice\":\"0.00000000\","));
    assert_non_null(strstr(bytes, "\"firstId\":-1,\"lastId\":-1,\"count\":0}"));
}
