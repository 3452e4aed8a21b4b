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

static struct stream_form form_in(uint64_t time_unit_ns)
{
    return (struct stream_form){market_views_params(fixture_views), time_unit_ns};
}

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
    const struct stream_form form = form_in(STREAM_MS_NS);
    EXPECT_TEXT("{\"e\":\"trade\",\"E\":1700000041500,\"s\":\"BTCUSDT\",\"t\":2,"
                "\"p\":\"60600.00000000\",\"q\":\"0.50000000\",\"T\":1700000041500,"
                "\"m\":true,\"M\":true}",
                stream_trade(&text, &form, view, trades_last(&view->trades)));
    EXPECT_TEXT("{\"e\":\"aggTrade\",\"E\":1700000040000,\"s\":\"BTCUSDT\",\"a\":1,"
                "\"p\":\"60000.00000000\",\"q\":\"1.00000000\",\"f\":1,\"l\":1,"
                "\"T\":1700000040000,\"m\":false,\"M\":true}",
                stream_aggregate_trade(&text, &form, view, trades_aggregate_at(&view->trades, 0)));
}

TEST(stream, book_messages)
{
    const struct market_view *view = traded_view();
    const struct stream_form form = form_in(STREAM_MS_NS);
    const struct stream_best best = stream_best_of(&view->depth);
    struct depth_change changes[2];
    EXPECT_TEXT("{\"u\":2,\"s\":\"BTCUSDT\",\"b\":\"60599.00000000\",\"B\":\"0.00001000\","
                "\"a\":\"60601.00000000\",\"A\":\"2.00000000\"}",
                stream_best(&text, &form, view, &best));
    EXPECT_TEXT("{\"lastUpdateId\":2,\"bids\":[[\"60599.00000000\",\"0.00001000\"]],"
                "\"asks\":[[\"60601.00000000\",\"2.00000000\"]]}",
                stream_top(&text, &form, view, 5));
    EXPECT_TEXT("{\"e\":\"depthUpdate\",\"E\":5,\"s\":\"BTCUSDT\",\"U\":1,\"u\":2,"
                "\"b\":[[\"60599.00000000\",\"0.00001000\"]],"
                "\"a\":[[\"60601.00000000\",\"2.00000000\"]]}",
                stream_difference(&text, &form, view, 5000000, 1, changes));
}

TEST(stream, kline_message)
{
    const struct market_view *view = traded_view();
    const struct stream_form form = form_in(STREAM_MS_NS);
    const struct candle *candle = candle_series_last(&view->series[INTERVAL_1M]);
    const struct stream_kline kline = {INTERVAL_1M, candle->open_ns + 60000000000, false};
    EXPECT_TEXT("{\"e\":\"kline\",\"E\":1700000042000,\"s\":\"BTCUSDT\",\"k\":{"
                "\"t\":1700000040000,\"T\":1700000099999,\"s\":\"BTCUSDT\",\"i\":\"1m\",\"f\":1,"
                "\"L\":2,\"o\":\"60000.00000000\",\"c\":\"60600.00000000\","
                "\"h\":\"60600.00000000\",\"l\":\"60000.00000000\",\"v\":\"1.50000000\",\"n\":2,"
                "\"x\":false,\"q\":\"90300.00000000\",\"V\":\"1.00000000\","
                "\"Q\":\"60000.00000000\",\"B\":\"0\"}}",
                stream_kline(&text, &form, view, 1700000042000000000, &kline, candle));
}

TEST(stream, ticker_messages)
{
    struct market_view *view = traded_view();
    const struct stream_form form = form_in(STREAM_MS_NS);
    EXPECT_TEXT("{\"e\":\"24hrTicker\",\"E\":1700000042000,\"s\":\"BTCUSDT\","
                "\"p\":\"600.00000000\",\"P\":\"1.000\",\"w\":\"60200.00000000\","
                "\"x\":\"60000.00000000\",\"c\":\"60600.00000000\",\"Q\":\"0.50000000\","
                "\"b\":\"60599.00000000\",\"B\":\"0.00001000\",\"a\":\"60601.00000000\","
                "\"A\":\"2.00000000\",\"o\":\"60000.00000000\",\"h\":\"60600.00000000\","
                "\"l\":\"60000.00000000\",\"v\":\"1.50000000\",\"q\":\"90300.00000000\","
                "\"O\":1699913642000,\"C\":1700000042000,\"F\":1,\"L\":2,\"n\":2}",
                stream_ticker(&text, &form, view, 1700000042000000000));
    EXPECT_TEXT("{\"e\":\"24hrMiniTicker\",\"E\":1700000042000,\"s\":\"BTCUSDT\","
                "\"c\":\"60600.00000000\",\"o\":\"60000.00000000\",\"h\":\"60600.00000000\","
                "\"l\":\"60000.00000000\",\"v\":\"1.50000000\",\"q\":\"90300.00000000\"}",
                stream_mini_ticker(&text, &form, view, 1700000042000000000));
}

/* A market that has never traded shows zeros and ids of -1, and divides by nothing. */
TEST(stream, ticker_of_a_silent_market)
{
    struct market_view *view = traded_view();
    view = market_views_at(fixture_views, 1);
    const struct stream_form form = form_in(STREAM_MS_NS);
    struct text text = text_over(buffer, sizeof(buffer) - 1);
    stream_ticker(&text, &form, view, 1700000042000000000);
    buffer[text.used] = '\0';
    assert_non_null(strstr(buffer, "\"P\":\"0.000\",\"w\":\"0.00000000\""));
    assert_non_null(strstr(buffer, "\"F\":-1,\"L\":-1,\"n\":0}"));
}

TEST(stream, block_messages)
{
    fixture_open(0);
    const struct stream_form form = form_in(STREAM_MS_NS);
    struct block_entry block = {.header = {.height = 9,
                                           .time_ns = 5000000,
                                           .first_command = 41,
                                           .last_command = 44,
                                           .tx_count = 3}};
    const struct stream_certificate certificate = {11, 3};
    memset(block.hash.bytes, 0xab, sizeof(block.hash.bytes));
    memset(block.header.state_root.bytes, 0xcd, sizeof(block.header.state_root.bytes));
#define BLOCK_FIELDS \
    "\"height\":9,\"hash\":" \
    "\"abababababababababababababababababababababababababababababababab\"," \
    "\"stateRoot\":" \
    "\"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd\"," \
    "\"time\":5,\"firstCommand\":41,\"lastCommand\":44,\"txCount\":3,\"fillCount\":0,"
    EXPECT_TEXT("{\"e\":\"blockSealed\"," BLOCK_FIELDS "\"certified\":false}",
                stream_block(&text, &form, &block, NULL));
    EXPECT_TEXT("{\"e\":\"blockCertified\"," BLOCK_FIELDS
                "\"certified\":true,\"certificateHeight\":11,\"votes\":3}",
                stream_block(&text, &form, &block, &certificate));
}

/* The rolling tickers say which window they are of; it begins on a whole minute. */
TEST(stream, window_messages)
{
    struct market_view *view = traded_view();
    const struct stream_form form = form_in(STREAM_MS_NS);
#define WINDOW_FIELDS \
    "\"E\":1700000042000,\"s\":\"BTCUSDT\",\"p\":\"600.00000000\",\"P\":\"1.000\"," \
    "\"o\":\"60000.00000000\",\"h\":\"60600.00000000\",\"l\":\"60000.00000000\"," \
    "\"c\":\"60600.00000000\",\"w\":\"60200.00000000\",\"v\":\"1.50000000\"," \
    "\"q\":\"90300.00000000\","
    EXPECT_TEXT("{\"e\":\"1hTicker\"," WINDOW_FIELDS
                "\"O\":1699996440000,\"C\":1700000042000,\"F\":1,\"L\":2,\"n\":2}",
                stream_window(&text, &form, view, 1700000042000000000, 3600000000000));
    EXPECT_TEXT("{\"e\":\"4hTicker\"," WINDOW_FIELDS
                "\"O\":1699985640000,\"C\":1700000042000,\"F\":1,\"L\":2,\"n\":2}",
                stream_window(&text, &form, view, 1700000042000000000, 4 * 3600000000000));
    EXPECT_TEXT("{\"e\":\"1dTicker\"," WINDOW_FIELDS
                "\"O\":1699913640000,\"C\":1700000042000,\"F\":1,\"L\":2,\"n\":2}",
                stream_window(&text, &form, view, 1700000042000000000, 24 * 3600000000000));
}

/* The average of five minutes; after them the last price stands, and T is its trade's time. */
TEST(stream, average_messages)
{
    struct market_view *view = traded_view();
    const struct stream_form form = form_in(STREAM_MS_NS);
    EXPECT_TEXT("{\"e\":\"avgPrice\",\"E\":1700000042000,\"s\":\"BTCUSDT\",\"i\":\"5m\","
                "\"w\":\"60200.00000000\",\"T\":1700000041500}",
                stream_average(&text, &form, view, 1700000042000000000));
    EXPECT_TEXT("{\"e\":\"avgPrice\",\"E\":1700000642000,\"s\":\"BTCUSDT\",\"i\":\"5m\","
                "\"w\":\"60600.00000000\",\"T\":1700000041500}",
                stream_average(&text, &form, view, 1700000642000000000));
}

/* In microseconds every time has three digits more, and a candle ends at its last microsecond. */
TEST(stream, times_in_microseconds)
{
    struct market_view *view = traded_view();
    const struct stream_form form = form_in(STREAM_US_NS);
    const struct candle *candle = candle_series_last(&view->series[INTERVAL_1M]);
    const struct stream_kline kline = {INTERVAL_1M, candle->open_ns + 60000000000, true};
    EXPECT_TEXT("{\"e\":\"trade\",\"E\":1700000041500000,\"s\":\"BTCUSDT\",\"t\":2,"
                "\"p\":\"60600.00000000\",\"q\":\"0.50000000\",\"T\":1700000041500000,"
                "\"m\":true,\"M\":true}",
                stream_trade(&text, &form, view, trades_last(&view->trades)));
    struct text told = text_over(buffer, sizeof(buffer) - 1);
    stream_kline(&told, &form, view, 1700000042000000000, &kline, candle);
    buffer[told.used] = '\0';
    assert_non_null(strstr(buffer, "\"E\":1700000042000000,"));
    assert_non_null(strstr(buffer, "\"t\":1700000040000000,\"T\":1700000099999999,"));
    EXPECT_TEXT("{\"e\":\"serverShutdown\",\"E\":1700000042000000}",
                stream_shutdown(&text, STREAM_US_NS, 1700000042000000000, ""));
    EXPECT_TEXT("{\"e\":\"serverShutdown\",\"E\":1700000042000,\"elsewhere\":[\"https://b:1\"]}",
                stream_shutdown(&text, STREAM_MS_NS, 1700000042000000000, "https://b:1"));
    EXPECT_TEXT("{\"e\":\"serverShutdown\",\"E\":1700000042000,"
                "\"elsewhere\":[\"https://b:1\",\"https://c\"]}",
                stream_shutdown(&text, STREAM_MS_NS, 1700000042000000000, "https://b:1,https://c"));
}

/* A book's messages, whole; the checksums are zlib's of the text that a client makes of his levels:
 * 60599.00000000:0.00001000:60601.00000000:2.00000000. */
TEST(stream, book_messages_have_checksums)
{
    static struct depth_level levels[STREAM_BOOK_LEVELS];
    const struct market_view *view = traded_view();
    const struct stream_form form = form_in(STREAM_MS_NS);
    struct depth_change changes[2];
    EXPECT_TEXT("{\"e\":\"bookSnapshot\",\"E\":5,\"s\":\"BTCUSDT\",\"u\":2,"
                "\"bids\":[[\"60599.00000000\",\"0.00001000\"]],"
                "\"asks\":[[\"60601.00000000\",\"2.00000000\"]],\"checksum\":696746093}",
                stream_book(&text, &form, view, 5000000, false, levels));
    EXPECT_TEXT("{\"e\":\"bookUpdate\",\"E\":5,\"s\":\"BTCUSDT\",\"U\":2,\"u\":2,\"b\":[],"
                "\"a\":[[\"60601.00000000\",\"2.00000000\"]],\"checksum\":696746093}",
                stream_book_change(&text, &form, view, 5000000, 2, changes));
    struct text told = text_over(buffer, sizeof(buffer) - 1);
    stream_book(&told, &form, market_views_at(fixture_views, 1), 5000000, true, levels);
    buffer[told.used] = '\0';
    assert_string_equal(buffer, "{\"e\":\"bookResync\",\"E\":5,\"s\":\"ETHBTC\",\"u\":0,"
                                "\"bids\":[],\"asks\":[],\"checksum\":0}");
}

/* The largest price and quantity a market may have fit into what is checked. */
TEST(stream, checksum_takes_the_largest_levels)
{
    static struct depth_level levels[STREAM_BOOK_LEVELS];
    (void)traded_view();
    for (int i = 0; i < STREAM_CHECKED; i++) {
        const struct applied applied = fixture_applied(FIXTURE_START_NS);
        const struct event event =
            fixture_level(0, 3 + (uint64_t)i, SELL, INT64_MAX - i, INT64_MAX - i);
        market_view_apply(fixture_views, &applied, &event);
    }
    const struct stream_form form = form_in(STREAM_MS_NS);
    struct text text = text_over(buffer, sizeof(buffer));
    stream_book(&text, &form, market_views_at(fixture_views, 0), 5000000, false, levels);
    assert_false(text_full(&text));
}
