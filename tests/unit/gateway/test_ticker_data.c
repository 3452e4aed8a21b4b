#define FIXTURE_MARKETS 22

#include "gateway/recall.h"

#include "tests/unit/gateway/desk_fixture.h"

#define DAY    "/api/v3/ticker/24hr"
#define TODAY  "/api/v3/ticker/tradingDay"
#define WINDOW "/api/v3/ticker"

#define MINUTE_NS (60000 * DESK_MS_NS)

/* What a request for `query` weighs. */
static uint32_t weight_of(const char *path, const char *query)
{
    assert_int_equal(desk_ask(METHOD_GET, path, query, 0), OUTCOME_ANSWERED);
    return desk_request.weight;
}

/* Two fills of one lot, at 50,000.00 and, some minutes later, at 50,500.00. */
static void open_two_fills(uint64_t minutes_between)
{
    desk_open();
    desk_account(1);
    desk_account(2);
    desk_accept(0, 1, 1, SELL, 5000000, 10, "ann");
    desk_accept(0, 2, 2, BUY, 5050000, 10, "bob");
    desk_apply();
    desk_fill(0, 1, 1, 1, 1, 2, 2, BUY, 5000000, 1);
    desk_apply();
    desk_stamp += minutes_between * MINUTE_NS;
    desk_fill(0, 2, 2, 1, 1, 2, 2, BUY, 5050000, 1);
    desk_apply();
}

/* Markets beside the fixture's two, as many as there may be: M02 and so on. */
static void open_markets(void)
{
    const struct market *like = &fixture_genesis.params.markets[0];
    for (uint16_t market = 2; market < fixture_genesis.params.markets_max; market++) {
        struct market_created_event created = {.market = market,
                                               .base = like->base,
                                               .quote = like->quote,
                                               .tick_units = like->tick_units,
                                               .lot_units = like->lot_units,
                                               .price_min = like->price_min,
                                               .price_max = like->price_max,
                                               .qty_min = like->qty_min,
                                               .qty_max = like->qty_max,
                                               .notional_min = like->notional_min,
                                               .account_orders_max = like->account_orders_max};
        snprintf((char *)created.symbol, sizeof(created.symbol), "M%02d", market);
        event_write_market_created(&desk_events, &created);
        desk_apply();
    }
}

/* One symbol or up to 20 weigh 2, up to 100 weigh 40, more and all weigh 80. */
TEST(ticker_data, day_weighs_by_how_many_are_asked_for)
{
    char query[1024] = "symbols=[\"BTCUSDT\"";
    size_t used = strlen(query);
    desk_open();
    open_markets();
    assert_int_equal(weight_of(DAY, "symbol=BTCUSDT"), 2);
    assert_int_equal(weight_of(DAY, "symbols=[\"BTCUSDT\",\"ETHBTC\"]"), 2);
    assert_int_equal(weight_of(DAY, ""), 80);
    for (int market = 2; market < 21; market++)
        used += (size_t)snprintf(query + used, sizeof(query) - used, ",\"M%02d\"", market);
    snprintf(query + used, sizeof(query) - used, "]");
    assert_int_equal(weight_of(DAY, query), 2);
    snprintf(query + used, sizeof(query) - used, ",\"M21\"]");
    assert_int_equal(weight_of(DAY, query), 40);
}

TEST(ticker_data, prices_of_now_weigh_2_or_4)
{
    desk_open();
    assert_int_equal(weight_of("/api/v3/ticker/price", "symbol=BTCUSDT"), 2);
    assert_int_equal(weight_of("/api/v3/ticker/price", "symbols=[\"BTCUSDT\"]"), 4);
    assert_int_equal(weight_of("/api/v3/ticker/bookTicker", ""), 4);
}

/* The one symbol that is named must have the status; of several, those that have it are shown. */
TEST(ticker_data, status_chooses_and_contradicts)
{
    desk_open();
    const struct market_status_changed_event halted = {.market = 1, .status = MARKET_HALT};
    event_write_market_status_changed(&desk_events, &halted);
    desk_apply();
    assert_answer("/api/v3/ticker/price", "symbolStatus=HALT", 0,
                  "[{\"symbol\":\"ETHBTC\",\"price\":\"0.00000000\"}]");
    assert_answer("/api/v3/ticker/price", "symbols=[\"BTCUSDT\",\"ETHBTC\"]&symbolStatus=TRADING",
                  0, "[{\"symbol\":\"BTCUSDT\",\"price\":\"0.00000000\"}]");
    assert_answer("/api/v3/ticker/price", "symbol=ETHBTC&symbolStatus=HALT", 0,
                  "{\"symbol\":\"ETHBTC\",\"price\":\"0.00000000\"}");
    assert_refused(METHOD_GET, DAY, "symbol=ETHBTC&symbolStatus=TRADING", REJECT_STATUS_MISMATCH);
    assert_refused(METHOD_GET, "/api/v3/depth", "symbol=ETHBTC&symbolStatus=BREAK",
                   REJECT_STATUS_MISMATCH);
    assert_refused(METHOD_GET, DAY, "symbolStatus=OPEN", REJECT_SYMBOL_STATUS);
    assert_refused(METHOD_GET, DAY, "type=SHORT", REJECT_TICKER_TYPE);
    assert_refused(METHOD_GET, WINDOW, "symbol=BTCUSDT&type=mini", REJECT_TICKER_TYPE);
}

/* The window opens on the minute that its size leads back to: a fill of the minute before is not in it. */
TEST(ticker_data, window_has_what_filled_in_it)
{
    open_two_fills(30);
    assert_answer(WINDOW, "symbol=BTCUSDT&windowSize=30m", 0,
                  "{\"symbol\":\"BTCUSDT\",\"priceChange\":\"500.00000000\","
                  "\"priceChangePercent\":\"1.000\",\"weightedAvgPrice\":\"50250.00000000\","
                  "\"lastPrice\":\"50500.00000000\",\"openPrice\":\"50000.00000000\","
                  "\"highPrice\":\"50500.00000000\",\"lowPrice\":\"50000.00000000\","
                  "\"volume\":\"0.00002000\",\"quoteVolume\":\"1.00500000\","
                  "\"openTime\":1700000040000,\"closeTime\":1700001840003,\"firstId\":1,"
                  "\"lastId\":2,\"count\":2}");
    assert_answer(WINDOW, "symbols=[\"BTCUSDT\"]&windowSize=29m&type=MINI", 0,
                  "[{\"symbol\":\"BTCUSDT\",\"lastPrice\":\"50500.00000000\","
                  "\"openPrice\":\"50500.00000000\",\"highPrice\":\"50500.00000000\","
                  "\"lowPrice\":\"50500.00000000\",\"volume\":\"0.00001000\","
                  "\"quoteVolume\":\"0.50500000\",\"openTime\":1700000100000,"
                  "\"closeTime\":1700001840003,\"firstId\":2,\"lastId\":2,\"count\":1}]");
    assert_int_equal(weight_of(WINDOW, "symbol=BTCUSDT"), 4);
    assert_non_null(strstr(desk_answer, "\"openTime\":1699915440000,"));
    assert_int_equal(weight_of(WINDOW, "symbols=[\"BTCUSDT\",\"ETHBTC\"]&windowSize=23h"), 8);
}

TEST(ticker_data, window_sizes_are_those_of_the_api)
{
    static const char *const bad[] = {"0m", "60m", "24h", "8d", "1s", "m", "1", "01h", "1mm", "1M"};
    static const char *const good[] = {"1m", "59m", "1h", "23h", "1d"};
    char query[64];
    open_two_fills(1);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(query, sizeof(query), "symbol=BTCUSDT&windowSize=%s", bad[i]);
        assert_refused(METHOD_GET, WINDOW, query, REJECT_DATA);
    }
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        snprintf(query, sizeof(query), "symbol=BTCUSDT&windowSize=%s", good[i]);
        assert_int_equal(weight_of(WINDOW, query), 4);
    }
    assert_refused(METHOD_GET, WINDOW, "", REJECT_MANDATORY_EITHER);
    assert_refused(METHOD_GET, WINDOW, "symbols=[\"BTCUSDT\",\"ETHBTC\"]&windowSize=2d",
                   REJECT_OPTIONAL_COMBINATION);
}

/* Longer than a day: as many days and a rest as a zone has whose midnight is where the window opens. */
TEST(ticker_data, days_are_asked_of_history)
{
    open_two_fills(30);
    assert_int_equal(desk_ask(METHOD_GET, WINDOW, "symbol=BTCUSDT&windowSize=7d&type=MINI", 0),
                     OUTCOME_HISTORY);
    const struct history_query *query = &desk_request.history;
    assert_int_equal(query->kind, HISTORY_ZONE_CANDLES);
    assert_int_equal(query->window, HISTORY_WINDOW_MINI);
    assert_true(query->single);
    assert_int_equal(query->limit, 8);
    const uint64_t from_ns = (desk_stamp - 7 * 24 * 60 * MINUTE_NS) / MINUTE_NS * MINUTE_NS;
    assert_int_equal(query->from_ns, from_ns);
    assert_int_equal((from_ns + (uint64_t)query->zone_ns) % (24 * 60 * MINUTE_NS), 0);
}

/* 22:14 UTC: the day began at midnight, and five hours west of it in the same day, two hours east in the next one. */
TEST(ticker_data, trading_day_begins_at_the_zones_midnight)
{
    open_two_fills(0);
    assert_int_equal(weight_of(TODAY, "symbol=BTCUSDT"), 4);
    assert_non_null(strstr(desk_answer, "\"openTime\":1699920000000,\"closeTime\":1700006399999,"
                                        "\"firstId\":1,\"lastId\":2,\"count\":2}"));
    assert_int_equal(weight_of(TODAY, "symbol=BTCUSDT&timeZone=-5"), 4);
    assert_non_null(strstr(desk_answer, "\"openTime\":1699938000000,"));
    assert_int_equal(weight_of(TODAY, "symbol=BTCUSDT&timeZone=%2b02:00"), 4);
    assert_non_null(strstr(desk_answer, "\"openTime\":1699999200000,"));
    assert_refused(METHOD_GET, TODAY, "symbol=BTCUSDT&timeZone=15", REJECT_DATA);
    assert_refused(METHOD_GET, TODAY, "", REJECT_MANDATORY_EITHER);
}

/* Fills of eight days, an hour more than one apart: the week's ticker holds those of its minutes, no other. */
TEST(ticker_data, days_are_one_ticker)
{
    static struct arena arena;
    static char bytes[4096];
    struct writer json;
    struct refusal refusal;
    assert_true(arena_map(&arena, recall_bytes()));
    struct recall *recall = recall_new(&arena);
    desk_open();
    desk_account(1);
    desk_account(2);
    desk_accept(0, 1, 1, SELL, 5000000, 10, "ann");
    desk_accept(0, 2, 2, BUY, 5050000, 10, "bob");
    desk_apply();
    for (uint64_t id = 1; id <= 8; id++) {
        desk_fill(0, id, id, 1, 1, 2, 2, BUY, 5000000 + (int64_t)id * 100, 1);
        desk_apply();
        desk_stamp += 25 * 60 * MINUTE_NS;
    }
    market_views_advance(fixture_views, desk_stamp);
    assert_int_equal(desk_ask(METHOD_GET, WINDOW, "symbol=BTCUSDT&windowSize=7d", 0),
                     OUTCOME_HISTORY);
    const struct history_query *query = &desk_request.history;
    const struct printing printing = request_printing(&desk_request, &desk_facts);
    assert_true(recall_is_whole(query, desk_view, fixture_views));
    writer_start(&json, bytes, sizeof(bytes) - 1);
    assert_true(
        recall_answer(recall, query, NULL, desk_view, fixture_views, &printing, &json, &refusal));
    bytes[json.used] = 0;
    /* 200 hours after the first: 168 lead back to between the second and the third. */
    assert_memory_equal(bytes, "{\"symbol\":\"BTCUSDT\",\"priceChange\":\"5.00000000\",", 45);
    assert_non_null(strstr(bytes,
                           "\"openPrice\":\"50003.00000000\",\"highPrice\":\"50008.00000000\","
                           "\"lowPrice\":\"50003.00000000\",\"volume\":\"0.00006000\","));
    assert_non_null(strstr(bytes, "\"firstId\":3,\"lastId\":8,\"count\":6}"));
    arena_unmap(&arena);
}

/* Before the log has said anything its clock is at the beginning of 1970: windows and days open there, not before. */
TEST(ticker_data, windows_of_a_young_clock_open_at_its_beginning)
{
    desk_open();
    assert_int_equal(market_views_now_ns(fixture_views), 0);
    assert_int_equal(desk_ask(METHOD_GET, WINDOW, "symbol=BTCUSDT&windowSize=7d", 0),
                     OUTCOME_HISTORY);
    assert_int_equal(desk_request.history.start_ns, 0);
    assert_int_equal(desk_request.history.from_ns, 0);
    static const char *const zones[] = {"-12:00", "0", "14:00"};
    for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
        char query[64];
        snprintf(query, sizeof(query), "symbol=BTCUSDT&timeZone=%s", zones[i]);
        assert_int_equal(desk_ask(METHOD_GET, TODAY, query, 0), OUTCOME_ANSWERED);
        assert_non_null(strstr(desk_answer, "\"openTime\":0,"));
    }
}

/* A day of a zone begins at its midnight, east and west of ours. */
TEST(ticker_data, days_begin_at_the_zones_midnight)
{
    static const struct {
        const char *zone;
        uint64_t open_ms;
    } cases[] = {{"0", 1699920000000}, {"-12:00", 1699963200000}, {"14:00", 1699956000000}};
    open_two_fills(1);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char query[64], expected[64];
        snprintf(query, sizeof(query), "symbol=BTCUSDT&timeZone=%s", cases[i].zone);
        snprintf(expected, sizeof(expected), "\"openTime\":%llu,",
                 (unsigned long long)cases[i].open_ms);
        assert_int_equal(desk_ask(METHOD_GET, TODAY, query, 0), OUTCOME_ANSWERED);
        if (strstr(desk_answer, expected) == NULL) fail_msg("%s not in %s", expected, desk_answer);
    }
}
