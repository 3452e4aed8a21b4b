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
