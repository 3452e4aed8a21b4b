#include "gateway/zone.h"

#include "tests/unit/gateway/market_fixture.h"

#define HOUR_NS   3600000000000ll
#define MINUTE_NS 60000000000ll

/* What the original takes: hours, or hours and minutes, from -12:00 to +14:00. */
TEST(zone, is_read_as_hours_and_minutes)
{
    static const struct {
        const char *text;
        int64_t minutes;
    } good[] = {{"0", 0},         {"8", 480},     {"-1:00", -60}, {"05:45", 345}, {"+5:45", 345},
                {"-12:00", -720}, {"14:00", 840}, {"-0:30", -30}, {"00:00", 0}};
    static const char *const bad[] = {
        "",   "x",  "-",    "14:01", "-12:01", "15",  "8:",  "8:5", "8:60",  "8:05:0",
        " 8", "8 ", "1000", "+-8",   "08:5a",  "8.5", ":30", "--1", "24:00", "8:005"};
    int64_t zone_ns;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(zone_read(good[i].text, strlen(good[i].text), &zone_ns));
        assert_true(zone_ns == good[i].minutes * MINUTE_NS);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(zone_read(bad[i], strlen(bad[i]), &zone_ns));
}

/* Where the zone's candles are UTC's they are served as such; a day is the zone's own wherever it is. */
TEST(zone, only_what_begins_elsewhere_is_put_together)
{
    assert_true(zone_is_utc(INTERVAL_1D, 0));
    assert_true(zone_is_utc(INTERVAL_1S, 345 * MINUTE_NS));
    assert_true(zone_is_utc(INTERVAL_15M, 345 * MINUTE_NS));
    assert_false(zone_is_utc(INTERVAL_30M, 345 * MINUTE_NS));
    assert_true(zone_is_utc(INTERVAL_8H, 8 * HOUR_NS));
    assert_false(zone_is_utc(INTERVAL_12H, 8 * HOUR_NS));
    assert_true(zone_is_utc(INTERVAL_12H, -12 * HOUR_NS));
    assert_false(zone_is_utc(INTERVAL_1D, -12 * HOUR_NS));
    assert_false(zone_is_utc(INTERVAL_1W, 12 * HOUR_NS));
    assert_false(zone_is_utc(INTERVAL_MONTH, HOUR_NS));
}

/* The longest parts that fit, and a cut that memory keeps for a while. */
TEST(zone, parts_are_the_longest_that_fit)
{
    static const struct {
        enum interval interval;
        int64_t zone_ns;
        enum interval parts;
    } cases[] = {{INTERVAL_1D, 8 * HOUR_NS, INTERVAL_8H},
                 {INTERVAL_12H, 8 * HOUR_NS, INTERVAL_4H},
                 {INTERVAL_1W, -12 * HOUR_NS, INTERVAL_12H},
                 {INTERVAL_MONTH, 345 * MINUTE_NS, INTERVAL_15M},
                 {INTERVAL_1H, -210 * MINUTE_NS, INTERVAL_30M},
                 {INTERVAL_3M, 7 * MINUTE_NS, INTERVAL_1M},
                 {INTERVAL_3D, 14 * HOUR_NS, INTERVAL_2H}};
    static struct candle kept[CANDLE_KEPT];
    struct candle_series series[INTERVAL_COUNT] = {{0}};
    for (int i = 0; i < INTERVAL_COUNT; i++)
        series[i] = (struct candle_series){.candles = kept, .interval = (enum interval)i};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct history_query query = {
            .interval = cases[i].interval, .limit = 5, .end_ns = INT64_MAX};
        zone_ask(&query, cases[i].zone_ns, series, 1700000000000000000u);
        assert_int_equal(query.parts, cases[i].parts);
        assert_int_equal(query.cut_ns, 0);
        assert_true(zone_is_whole(&query, &series[query.parts]));
    }
    const uint64_t length = interval_length_ns(INTERVAL_8H);
    series[INTERVAL_8H].begun = CANDLE_KEPT + 500;
    for (uint64_t number = 500; number < CANDLE_KEPT + 500; number++)
        kept[number % CANDLE_KEPT].open_ns = number * length;
    struct history_query query = {.interval = INTERVAL_1D, .limit = 5, .end_ns = INT64_MAX};
    query.start_ns = 501 * length;
    zone_ask(&query, 8 * HOUR_NS, series, 1700000000000000000u);
    assert_true(query.cut_ns > 500 * length && query.cut_ns < 600 * length);
    assert_true(zone_is_whole(&query, &series[INTERVAL_8H]));
    query.start_ns = 400 * length;
    zone_ask(&query, 8 * HOUR_NS, series, 1700000000000000000u);
    assert_false(zone_is_whole(&query, &series[INTERVAL_8H]));
}

/* What was asked with a cut that memory has forgotten since, or that PostgreSQL has not reached, is in neither. */
TEST(zone, a_gap_is_refused)
{
    static struct candle kept[CANDLE_KEPT], sources[2 * CANDLE_KEPT + 1];
    struct candle_series series = {
        .candles = kept, .begun = CANDLE_KEPT + 500, .interval = INTERVAL_8H};
    const uint64_t length = interval_length_ns(INTERVAL_8H);
    for (uint64_t number = 500; number < CANDLE_KEPT + 500; number++)
        kept[number % CANDLE_KEPT].open_ns = number * length;
    const struct history_query query = {
        .interval = INTERVAL_1D, .limit = 5, .zone_ns = 8 * HOUR_NS, .cut_ns = 510 * length};
    struct history_rows rows = {.cursor_time_ns = 510 * length - 1};
    uint32_t count;
    assert_false(zone_gather(&query, &series, &rows, sources, &count));
    rows.cursor_time_ns++;
    assert_true(zone_gather(&query, &series, &rows, sources, &count));
    assert_true(count > 300);
    for (uint64_t number = CANDLE_KEPT + 500; number < CANDLE_KEPT + 511; number++)
        kept[number % CANDLE_KEPT].open_ns = number * length;
    series.begun += 11;
    assert_false(zone_gather(&query, &series, &rows, sources, &count));
    assert_false(zone_gather(&query, &series, NULL, sources, &count));
}

static void fill_at(uint64_t stamp_ns, uint64_t id, int64_t price)
{
    const struct applied applied = fixture_applied(stamp_ns);
    const struct event event = fixture_fill(0, id, id, price, 1, BUY);
    market_view_apply(fixture_views, &applied, &event);
}

/* A candle of the zone holds the fills from its own midnight to the next, whatever UTC calls them: a plain
 * sum over all fills says the same, for every interval, over three months. */
TEST(zone, candle_holds_the_zones_own_fills)
{
    enum { FILLS = 400 };
    static uint64_t stamps[FILLS];
    const int64_t zone_ns = 8 * HOUR_NS;
    fixture_open(0);
    const struct market_view *view = market_views_at(fixture_views, 0);
    uint32_t random = 42;
    uint64_t now_ns = FIXTURE_START_NS;
    for (int i = 0; i < FILLS; i++) {
        random = random * 1664525u + 1013904223u;
        now_ns += (uint64_t)((random >> 8) % 600) * MINUTE_NS;
        stamps[i] = now_ns;
        fill_at(now_ns, (uint64_t)i + 1, 100 + i);
        for (int interval = 0; interval < INTERVAL_COUNT; interval++) {
            struct candle candle;
            const uint64_t open_ns = zone_open_ns((enum interval)interval, zone_ns, now_ns);
            const uint64_t next_ns = zone_next_ns((enum interval)interval, zone_ns, open_ns);
            assert_true(open_ns <= now_ns && now_ns < next_ns);
            assert_true(
                zone_candle_at(view->series, (enum interval)interval, zone_ns, open_ns, &candle));
            int first = i;
            while (first > 0 && stamps[first - 1] >= open_ns)
                first--;
            assert_true(candle.open_ns == open_ns);
            assert_int_equal(candle.fill_count, i - first + 1);
            assert_int_equal(candle.first_trade_id, first + 1);
            assert_int_equal(candle.last_trade_id, i + 1);
            assert_int_equal(candle.open.ticks, 100 + first);
            assert_int_equal(candle.close.ticks, 100 + i);
        }
    }
}

/* The days of UTC+8 begin at 16:00 UTC, its weeks on a Sunday there, its months on the eve of the first. */
TEST(zone, candles_open_by_the_zones_clock)
{
    const uint64_t now_ns = 1700000040ull * 1000000000; /* Tuesday, 14 November 2023, 22:14 UTC */
    const int64_t zone_ns = 8 * HOUR_NS;
    const uint64_t second = 1000000000;
    assert_true(zone_open_ns(INTERVAL_1D, zone_ns, now_ns) == 1699977600 * second);
    assert_true(zone_next_ns(INTERVAL_1D, zone_ns, 1699977600 * second) == 1700064000 * second);
    assert_true(zone_open_ns(INTERVAL_1W, zone_ns, now_ns) == 1699804800 * second);
    assert_true(zone_open_ns(INTERVAL_MONTH, zone_ns, now_ns) == 1698768000 * second);
    assert_true(zone_next_ns(INTERVAL_MONTH, zone_ns, 1698768000 * second) == 1701360000 * second);
    assert_true(zone_open_ns(INTERVAL_1D, 0, now_ns) == 1699920000 * second);
}

/* Without fills the close before is carried; before the first fill there is nothing. */
TEST(zone, candle_without_fills_is_carried)
{
    struct candle candle;
    const uint64_t day_ns = 24 * (uint64_t)HOUR_NS;
    fixture_open(0);
    const struct market_view *view = market_views_at(fixture_views, 0);
    const uint64_t open_ns = zone_open_ns(INTERVAL_1D, 8 * HOUR_NS, FIXTURE_START_NS);
    assert_false(zone_candle_at(view->series, INTERVAL_1D, 8 * HOUR_NS, open_ns, &candle));
    fill_at(FIXTURE_START_NS, 1, 150);
    assert_false(zone_candle_at(view->series, INTERVAL_1D, 8 * HOUR_NS, open_ns - day_ns, &candle));
    assert_true(zone_candle_at(view->series, INTERVAL_1D, 8 * HOUR_NS, open_ns + day_ns, &candle));
    assert_int_equal(candle.fill_count, 0);
    assert_int_equal(candle.low.ticks, 150);
    assert_true(candle.open_ns == open_ns + day_ns);
}
