#include "tests/unit/gateway/desk_fixture.h"

TEST(market_data, depth_shows_levels_and_their_update_id)
{
    desk_open();
    desk_one_fill();
    assert_answer("/api/v3/depth", "symbol=BTCUSDT", 0,
                  "{\"lastUpdateId\":3,\"bids\":[[\"49000.00000000\",\"0.00001000\"]],"
                  "\"asks\":[[\"50000.00000000\",\"0.00001000\"]]}");
    assert_int_equal(desk_request.weight, 5);
    assert_answer("/api/v3/depth", "symbol=ETHBTC&limit=5000", 0,
                  "{\"lastUpdateId\":0,\"bids\":[],\"asks\":[]}");
    assert_int_equal(desk_request.weight, 250);
    assert_refused(METHOD_GET, "/api/v3/depth", "", REJECT_MANDATORY);
}

TEST(market_data, trades_have_their_shape)
{
    desk_open();
    desk_one_fill();
    const char *expected =
        "[{\"id\":1,\"price\":\"50000.00000000\",\"qty\":\"0.00002000\","
        "\"quoteQty\":\"1.00000000\",\"time\":1700000040003,\"isBuyerMaker\":false,"
        "\"isBestMatch\":true}]";
    assert_answer("/api/v3/trades", "symbol=BTCUSDT", 0, expected);
    assert_answer("/api/v3/historicalTrades", "symbol=BTCUSDT&fromId=1", 0, expected);
    assert_answer("/api/v3/historicalTrades", "symbol=BTCUSDT&fromId=2", 0, "[]");
    assert_answer("/api/v3/aggTrades", "symbol=BTCUSDT", 0,
                  "[{\"a\":1,\"p\":\"50000.00000000\",\"q\":\"0.00002000\",\"f\":1,\"l\":1,"
                  "\"T\":1700000040003,\"m\":false,\"M\":true}]");
    assert_answer("/api/v3/aggTrades", "symbol=BTCUSDT&startTime=1700000040004", 0, "[]");
    assert_answer("/api/v3/aggTrades", "symbol=BTCUSDT&endTime=1700000040002", 0, "[]");
    assert_answer("/api/v3/aggTrades", "symbol=BTCUSDT&fromId=2", 0, "[]");
}

/* More trades than memory keeps: what it keeps it answers, what is older is asked of history. */
TEST(market_data, older_trades_are_asked_of_history)
{
    desk_open();
    desk_account(1);
    desk_account(2);
    desk_accept(0, 1, 1, SELL, 5000000, 5000, "a");
    desk_accept(0, 2, 2, BUY, 5000000, 5000, "b");
    desk_apply();
    for (uint64_t id = 1; id <= TRADES_KEPT + 5; id++) {
        desk_fill(0, id, id, 1, 1, 2, 2, BUY, 5000000, 1);
        desk_apply();
    }
    const char *historical = "/api/v3/historicalTrades";
    assert_int_equal(desk_ask(METHOD_GET, historical, "symbol=BTCUSDT&fromId=6", 0),
                     OUTCOME_ANSWERED);
    assert_int_equal(desk_ask(METHOD_GET, historical, "symbol=BTCUSDT&fromId=5", 0),
                     OUTCOME_HISTORY);
    assert_int_equal(desk_request.history.id_min, 5);
    assert_int_equal(desk_ask(METHOD_GET, "/api/v3/aggTrades", "symbol=BTCUSDT&fromId=5", 0),
                     OUTCOME_HISTORY);
    assert_int_equal(desk_ask(METHOD_GET, "/api/v3/aggTrades", "symbol=BTCUSDT&limit=3", 0),
                     OUTCOME_ANSWERED);
    assert_memory_equal(desk_answer, "[{\"a\":1003,", 11);
    assert_false(desk_request.history.kind == HISTORY_AGGREGATES && !desk_request.history.newest);
}

TEST(market_data, candle_queries_say_which_end_they_want)
{
    const char *path = "/api/v3/klines";
    desk_open();
    assert_int_equal(desk_ask(METHOD_GET, path, "symbol=BTCUSDT&interval=1m", 0), OUTCOME_HISTORY);
    assert_true(desk_request.history.newest);
    assert_int_equal(desk_request.history.limit, 500);
    assert_int_equal(desk_ask(METHOD_GET, path, "symbol=BTCUSDT&interval=1M&startTime=1", 0),
                     OUTCOME_HISTORY);
    assert_false(desk_request.history.newest);
    assert_int_equal(desk_request.history.interval, INTERVAL_MONTH);
    assert_refused(METHOD_GET, path, "symbol=BTCUSDT&interval=7m", REJECT_INTERVAL);
    assert_refused(METHOD_GET, path, "symbol=BTCUSDT", REJECT_MANDATORY);
    assert_refused(METHOD_GET, path, "symbol=BTCUSDT&interval=1m&timeZone=15", REJECT_DATA);
    assert_int_equal(desk_ask(METHOD_GET, path, "symbol=BTCUSDT&interval=1m&timeZone=8", 0),
                     OUTCOME_HISTORY);
    assert_int_equal(desk_request.history.kind,
                     HISTORY_CANDLES); /* a minute is a minute anywhere */
    assert_int_equal(desk_ask(METHOD_GET, path, "symbol=BTCUSDT&interval=1d&timeZone=-3:30", 0),
                     OUTCOME_HISTORY);
    assert_int_equal(desk_request.history.kind, HISTORY_ZONE_CANDLES);
    assert_int_equal(desk_request.history.parts, INTERVAL_30M);
}

/* 2 lots at 50,000.00, then 1 at 50,500.00: average 50,166.66..., change 1.000 %. */
TEST(market_data, ticker_is_whole_number_arithmetic)
{
    desk_open();
    desk_one_fill();
    desk_fill(0, 2, 2, 1, 1, 3, 2, BUY, 5050000, 1);
    desk_apply();
    assert_int_equal(desk_ask(METHOD_GET, "/api/v3/ticker/24hr", "symbol=BTCUSDT", 0),
                     OUTCOME_ANSWERED);
    assert_non_null(strstr(desk_answer, "\"priceChange\":\"500.00000000\","
                                        "\"priceChangePercent\":\"1.000\","
                                        "\"weightedAvgPrice\":\"50166.66666667\""));
    assert_non_null(strstr(desk_answer, "\"bidPrice\":\"49000.00000000\",\"bidQty\":"));
    assert_non_null(strstr(desk_answer, "\"firstId\":1,\"lastId\":2,\"count\":2}"));
    assert_answer("/api/v3/ticker/price", "symbol=BTCUSDT", 0,
                  "{\"symbol\":\"BTCUSDT\",\"price\":\"50500.00000000\"}");
    assert_answer("/api/v3/avgPrice", "symbol=BTCUSDT", 0,
                  "{\"mins\":5,\"price\":\"50166.66666667\",\"closeTime\":1700000040005}");
    assert_answer("/api/v3/ticker/bookTicker", "symbols=%5B%22BTCUSDT%22%5D", 0,
                  "[{\"symbol\":\"BTCUSDT\",\"bidPrice\":\"49000.00000000\","
                  "\"bidQty\":\"0.00001000\",\"askPrice\":\"50000.00000000\","
                  "\"askQty\":\"0.00001000\"}]");
    assert_int_equal(desk_ask(METHOD_GET, "/api/v3/ticker/24hr", "type=MINI", 0), OUTCOME_ANSWERED);
    assert_int_equal(desk_request.weight, 80);
    assert_null(strstr(desk_answer, "bidPrice"));
    assert_refused(METHOD_GET, "/api/v3/ticker/24hr", "type=HUGE", REJECT_TICKER_TYPE);
}
