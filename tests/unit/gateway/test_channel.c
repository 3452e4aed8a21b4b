#include "gateway/channel.h"

#include "tests/unit/gateway/market_fixture.h"

/* Every channel of every market has a name of its own that is found again. */
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
        assert_int_equal(channel_find(fixture_views, name, bytes), number);
        named++;
    }
    assert_int_equal(named, 2 * CHANNEL_KINDS + 3);
}

/* The names clients use, and some that are none: case, unknown markets, other speeds. */
TEST(channel, knows_the_documented_names_and_no_others)
{
    static const char *const known[] = {
        "btcusdt@trade",     "btcusdt@aggTrade", "btcusdt@depth",         "btcusdt@depth@100ms",
        "btcusdt@depth5",    "btcusdt@depth10",  "btcusdt@depth20@100ms", "btcusdt@bookTicker",
        "btcusdt@kline_1s",  "btcusdt@kline_1m", "btcusdt@kline_1M",      "ethbtc@ticker",
        "ethbtc@miniTicker", "!miniTicker@arr",  "!ticker@arr",           "quorex@block",
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
    };
    fixture_open(0);
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        assert_true(channel_find(fixture_views, known[i], strlen(known[i])) != CHANNEL_NONE);
    }
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        assert_true(channel_find(fixture_views, unknown[i], strlen(unknown[i])) == CHANNEL_NONE);
    }
}
