#include "gateway/stream.h"

#include "tests/unit/gateway/market_fixture.h"

static char buffer[8192];

#define EXPECT_TEXT(wanted, call) \
    do { \
        struct text text = text_over(buffer, sizeof(buffer) - 1); \
        call; \
        assert_false(text_full(&text)); \
        buffer[text.used] = '\0'; \
        assert_string_equal(buffer, wanted); \
    } while (0)

static struct market_view *traded_view(void)
{
    fixture_open(0);
    struct applied applied = fixture_applied(FIXTURE_START_NS);
    struct event event = fixture_fill(0, 1, 1, 6000000, 100000, BUY);
    market_view_apply(fixture_views, &applied, &event);
    applied.stamp_ns += 1500000000;
    event = fixture_fill(0, 2, 2, 6060000, 50000, SELL);
    market_view_apply(fixture_views, &applied, &event);
    event = fixture_level(0, 1, BUY, 6059900, 1);
    market_view_apply(fixture_views, &applied, &event);
    event = fixture_level(0, 2, SELL, 6060100, 200000);
    market_view_apply(fixture_views, &applied, &event);
    return market_views_at(fixture_views, 0);
}

/* The texts, whole: field names, order of digits and types are what clients parse. */
TEST(stream, trade_and_aggregate)
{
    const struct market_view *view = traded_view();
    const struct params *params = market_views_params(fixture_views);
    EXPECT_TEXT("{\"e\":\"trade\",\"E\":1700000041500,\"s\":\"BTCUSDT\",\"t\":2,"
                "\"p\":\"60600.00000000\",\"q\":\"0.50000000\",\"T\":1700000041500,"
                "\"m\":true,\"M\":true}",
                stream_trade(&text, params, view, trades_last(&view->trades)));
    EXPECT_TEXT("{\"e\":\"aggTrade\",\"E\":1700000040000,\"s\":\"BTCUSDT\",\"a\":1,"
                "\"p\":\"60000.00000000\",\"q\":\"1.00000000\",\"f\":1,\"l\":1,"
                "\"T\":1700000040000,\"m\":false,\"M\":true}",
                stream_aggregate_trade(&text, params, view, trades_aggregate_at(&view->trades, 0)));
}

TEST(stream, book_messages)
{
    const struct market_view *view = traded_view();
    const struct params *params = market_views_params(fixture_views);
    const struct stream_best best = stream_best_of(&view->depth);
    struct depth_change changes[2];
    EXPECT_TEXT("{\"u\":2,\"s\":\"BTCUSDT\",\"b\":\"60599.00000000\",\"B\":\"0.00001000\","
                "\"a\":\"60601.00000000\",\"A\":\"2.00000000\"}",
                stream_best(&text, params, view, &best));
    EXPECT_TEXT("{\"lastUpdateId\":2,\"bids\":[[\"60599.00000000\",\"0.00001000\"]],"
                "\"asks\":[[\"60601.00000000\",\"2.00000000\"]]}",
                stream_top(&text, params, view, 5));
    EXPECT_TEXT("{\"e\":\"depthUpdate\",\"E\":5,\"s\":\"BTCUSDT\",\"U\":1,\"u\":2,"
                "\"b\":[[\"60599.00000000\",\"0.00001000\"]],"
                "\"a\":[[\"60601.00000000\",\"2.00000000\"]]}",
                stream_difference(&text, params, view, 5000000, 1, changes));
}

TEST(stream, kline_message)
{
    const struct market_view *view = traded_view();
    const struct params *params = market_views_params(fixture_views);
    const struct candle *candle = candle_series_last(&view->series[INTERVAL_1M]);
    EXPECT_TEXT("{\"e\":\"kline\",\"E\":1700000042000,\"s\":\"BTCUSDT\",\"k\":{"
                "\"t\":1700000040000,\"T\":1700000099999,\"s\":\"BTCUSDT\",\"i\":\"1m\",\"f\":1,"
                "\"L\":2,\"o\":\"60000.00000000\",\"c\":\"60600.00000000\","
                "\"h\":\"60600.00000000\",\"l\":\"60000.00000000\",\"v\":\"1.50000000\",\"n\":2,"
                "\"x\":false,\"q\":\"90300.00000000\",\"V\":\"1.00000000\","
                "\"Q\":\"60000.00000000\",\"B\":\"0\"}}",
                stream_kline(&text, params, view, 1700000042000000000, INTERVAL_1M, candle, false));
}

TEST(stream, ticker_messages)
{
    struct market_view *view = traded_view();
    const struct params *params = market_views_params(fixture_views);
    EXPECT_TEXT("{\"e\":\"24hrTicker\",\"E\":1700000042000,\"s\":\"BTCUSDT\","
                "\"p\":\"600.00000000\",\"P\":\"1.000\",\"w\":\"60200.00000000\","
                "\"x\":\"60000.00000000\",\"c\":\"60600.00000000\",\"Q\":\"0.50000000\","
                "\"b\":\"60599.00000000\",\"B\":\"0.00001000\",\"a\":\"60601.00000000\","
                "\"A\":\"2.00000000\",\"o\":\"60000.00000000\",\"h\":\"60600.00000000\","
                "\"l\":\"60000.00000000\",\"v\":\"1.50000000\",\"q\":\"90300.00000000\","
                "\"O\":1699913642000,\"C\":1700000042000,\"F\":1,\"L\":2,\"n\":2}",
                stream_ticker(&text, params, view, 1700000042000000000));
    EXPECT_TEXT("{\"e\":\"24hrMiniTicker\",\"E\":1700000042000,\"s\":\"BTCUSDT\","
                "\"c\":\"60600.00000000\",\"o\":\"60000.00000000\",\"h\":\"60600.00000000\","
                "\"l\":\"60000.00000000\",\"v\":\"1.50000000\",\"q\":\"90300.00000000\"}",
                stream_mini_ticker(&text, params, view, 1700000042000000000));
}

/* A market that has never traded shows zeros and ids of -1, and divides by nothing. */
TEST(stream, ticker_of_a_silent_market)
{
    struct market_view *view = traded_view();
    view = market_views_at(fixture_views, 1);
    struct text text = text_over(buffer, sizeof(buffer) - 1);
    stream_ticker(&text, market_views_params(fixture_views), view, 1700000042000000000);
    buffer[text.used] = '\0';
    assert_non_null(strstr(buffer, "\"P\":\"0.000\",\"w\":\"0.00000000\""));
    assert_non_null(strstr(buffer, "\"F\":-1,\"L\":-1,\"n\":0}"));
}

TEST(stream, block_messages)
{
    struct stream_block block = {
        .height = 9, .time_ns = 5000000, .first_command = 41, .last_command = 44, .tx_count = 3};
    const struct stream_certificate certificate = {11, 3};
    memset(block.hash.bytes, 0xab, sizeof(block.hash.bytes));
    memset(block.state_root.bytes, 0xcd, sizeof(block.state_root.bytes));
#define BLOCK_FIELDS \
    "\"height\":9,\"hash\":" \
    "\"abababababababababababababababababababababababababababababababab\"," \
    "\"stateRoot\":" \
    "\"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd\"," \
    "\"time\":5,\"firstCommand\":41,\"lastCommand\":44,\"txCount\":3,\"fillCount\":0,"
    EXPECT_TEXT("{\"e\":\"blockSealed\"," BLOCK_FIELDS "\"certified\":false}",
                stream_block(&text, &block, NULL));
    EXPECT_TEXT("{\"e\":\"blockCertified\"," BLOCK_FIELDS
                "\"certified\":true,\"certificateHeight\":11,\"votes\":3}",
                stream_block(&text, &block, &certificate));
}
