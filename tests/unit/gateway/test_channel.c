#include "gateway/channel.h"

#include "tests/unit/gateway/market_fixture.h"

/* Every channel of every market has a name that is found again: its own, but for the one that is the same
 * stream in microseconds. */
TEST(channel, names_are_found_again)
{
    fixture_open(0);
    const uint32_t count = channel_count(4);
    uint32_t named = 0;
    for (uint32_t number = 0; number < count; number++) {
        char name[CHANNEL_NAME_MAX];
        const struct channel channel = channel_of(number, 4);
        if (channel.kind < CHANNEL_KINDS && channel.market >= 2) continue;
        const size_t bytes = channel_name(fixture_views, number, name);
        assert_int_equal(bytes, strlen(name));
        const uint32_t found = channel_find(fixture_views, name, bytes);
        assert_int_equal(channel_in(found, channel.unit, 4), number);
        assert_int_equal(channel_of(found, 4).unit, CHANNEL_MS);
        named++;
    }
    assert_int_equal(named, CHANNEL_UNITS * (2 * CHANNEL_KINDS + 6));
}

/* The names clients use, and some that are none: case, unknown markets, other speeds. */
TEST(channel, knows_the_documented_names_and_no_others)
{
    static const char *const known[] = {
        "btcusdt@trade",         "btcusdt@aggTrade",         "btcusdt@depth",
        "btcusdt@depth@100ms",   "btcusdt@depth5",           "btcusdt@depth10",
        "btcusdt@depth20@100ms", "btcusdt@bookTicker",       "btcusdt@kline_1s",
        "btcusdt@kline_1m",      "btcusdt@kline_1M",         "ethbtc@ticker",
        "ethbtc@miniTicker",     "!miniTicker@arr",          "!ticker@arr",
        "quorex@block",          "btcusdt@ticker_1h",        "ethbtc@ticker_4h",
        "btcusdt@ticker_1d",     "btcusdt@avgPrice",         "!ticker_1h@arr",
        "!ticker_4h@arr",        "!ticker_1d@arr",           "btcusdt@kline_1s@+08:00",
        "btcusdt@book",          "btcusdt@kline_15m@+08:00", "btcusdt@kline_1M@+08:00",
    };
    static const char *const unknown[] = {
        "BTCUSDT@trade",
        "btcusdt@Trade",
        "btcusdt",
        "btcusdt@",
        "@trade",
        "xxx@trade",
        "0",
        "",
        "btcusdt@depth7",
        "btcusdt@kline_2m",
        "btcusdt@kline_",
        "btcusdt@depth@250ms",
        "!ticker",
        "btcusdt@ticker_2h",
        "btcusdt@ticker_7d",
        "!ticker_1m@arr",
        "btcusdt@kline_1d@+09:00",
        "btcusdt@kline_1d@8",
        "btcusdt@kline_@+08:00",
        "@+08:00",
        "btcusdt@depth@+08:00",
        "btcusdt@avgprice",
    };
    fixture_open(0);
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        assert_true(channel_find(fixture_views, known[i], strlen(known[i])) != CHANNEL_NONE);
    }
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        assert_true(channel_find(fixture_views, unknown[i], strlen(unknown[i])) == CHANNEL_NONE);
    }
}

/* A kline's channel says which candle it is about. */
TEST(channel, klines_have_an_interval_and_a_zone)
{
    static const char name[] = "ethbtc@kline_1w@+08:00";
    fixture_open(0);
    const uint32_t number = channel_find(fixture_views, name, strlen(name));
    const struct channel channel = channel_of(channel_in(number, CHANNEL_US, 4), 4);
    assert_int_equal(channel.kind, CHANNEL_KLINE_EAST);
    assert_int_equal(channel.interval, INTERVAL_1W);
    assert_int_equal(channel.market, 1);
    assert_int_equal(channel.unit, CHANNEL_US);
}

/* ccxt, told to take depth every 1000 ms, says so in the name. */
TEST(channel, usual_speed_of_depth_may_be_said)
{
    static const char *const names[][2] = {{"btcusdt@depth@1000ms", "btcusdt@depth"},
                                           {"btcusdt@depth10@1000ms", "btcusdt@depth10"}};
    static const char *const none[] = {"btcusdt@trade@1000ms", "btcusdt@depth@1000ms@1000ms",
                                       "btcusdt@1000ms", "btcusdt@depth7@1000ms"};
    fixture_open(0);
    for (int i = 0; i < 2; i++) {
        const uint32_t said = channel_find(fixture_views, names[i][0], strlen(names[i][0]));
        assert_true(said != CHANNEL_NONE);
        assert_int_equal(said, channel_find(fixture_views, names[i][1], strlen(names[i][1])));
    }
    for (int i = 0; i < 4; i++)
        assert_true(channel_find(fixture_views, none[i], strlen(none[i])) == CHANNEL_NONE);
}
