#include "gateway/ticker.h"
#include "tests/harness.h"

#define SECOND_NS 1000000000ull
#define MINUTE_NS (60 * SECOND_NS)
#define HOUR_NS   (60 * MINUTE_NS)
#define T0        (1700000040ull * SECOND_NS)

static struct arena arena;
static struct ticker ticker;

static void new_ticker(void)
{
    arena_unmap(&arena);
    assert_true(arena_map(&arena, 1 << 22));
    assert_true(ticker_init(&ticker, &arena));
}

static void add(uint64_t stamp_ns, uint64_t id, int64_t price, int64_t lots)
{
    const struct candle_fill fill = {id, id, stamp_ns, {price}, {lots}, price * lots, BUY};
    ticker_add(&ticker, &fill);
}

/* A market that has never traded shows nothing at all. */
TEST(ticker, is_empty_before_the_first_fill)
{
    struct ticker_figures figures;
    new_ticker();
    ticker_read(&ticker, T0, &figures);
    assert_false(figures.any);
    assert_int_equal(figures.last.ticks, 0);
    assert_int_equal(figures.fill_count, 0);
}

/* The minute with the high leaves when its last instant is 24 hours old, not a nanosecond before. */
TEST(ticker, minute_leaves_after_24_hours)
{
    struct ticker_figures figures;
    new_ticker();
    add(T0, 1, 200, 1);
    add(T0 + 2 * HOUR_NS, 2, 100, 5);
    add(T0 + 3 * HOUR_NS, 3, 110, 1);
    const uint64_t leaves = T0 + MINUTE_NS + TICKER_WINDOW_NS;
    ticker_read(&ticker, leaves - 1, &figures);
    assert_int_equal(figures.high.ticks, 200);
    assert_int_equal(figures.open.ticks, 200);
    assert_int_equal(figures.fill_count, 3);
    assert_true(figures.quote_units == 810);
    ticker_read(&ticker, leaves, &figures);
    assert_int_equal(figures.high.ticks, 110);
    assert_int_equal(figures.open.ticks, 100);
    assert_int_equal(figures.previous_close.ticks, 200);
    assert_int_equal(figures.first_trade_id, 2);
    assert_true(figures.volume_lots == 6);
    /* All gone: the last price stands for all four, nothing is counted. */
    ticker_read(&ticker, leaves + 4 * HOUR_NS, &figures);
    assert_int_equal(figures.open.ticks, 110);
    assert_int_equal(figures.low.ticks, 110);
    assert_int_equal(figures.fill_count, 0);
    add(leaves + 5 * HOUR_NS, 4, 90, 1);
    ticker_read(&ticker, leaves + 5 * HOUR_NS, &figures);
    assert_int_equal(figures.open.ticks, 90);
    assert_int_equal(figures.high.ticks, 90);
    assert_int_equal(figures.previous_close.ticks, 110);
}

/* The window of any moment is what a plain sum over all fills says, over three days. */
TEST(ticker, agrees_with_a_plain_sum)
{
    enum { FILLS = 6000 };
    static uint64_t stamps[FILLS];
    static int64_t prices[FILLS];
    uint32_t random = 4711;
    uint64_t now = T0;
    new_ticker();
    for (int i = 0; i < FILLS; i++) {
        random = random * 1664525u + 1013904223u;
        now += (uint64_t)((random >> 8) % 90) * SECOND_NS;
        stamps[i] = now;
        prices[i] = 1000 + (random >> 16) % 200;
        add(now, (uint64_t)i + 1, prices[i], 1);
        if (i % 50 != 0) continue;
        int64_t high = 0, low = INT64_MAX, sum = 0;
        uint64_t count = 0;
        for (int j = 0; j <= i; j++) {
            if (stamps[j] - stamps[j] % MINUTE_NS + MINUTE_NS + TICKER_WINDOW_NS <= now) continue;
            if (prices[j] > high) high = prices[j];
            if (prices[j] < low) low = prices[j];
            sum += prices[j];
            count++;
        }
        struct ticker_figures figures;
        ticker_read(&ticker, now, &figures);
        assert_int_equal(figures.high.ticks, high);
        assert_int_equal(figures.low.ticks, low);
        assert_int_equal(figures.fill_count, count);
        assert_true(figures.quote_units == sum);
    }
}

/* A shorter window begins on a whole minute: the fill of the minute in which it begins is in it, that of
 * the minute before is not. */
TEST(ticker, shorter_windows_begin_on_a_minute)
{
    struct ticker_figures figures;
    new_ticker();
    add(T0 - SECOND_NS, 1, 300, 7);
    add(T0, 2, 200, 1);
    add(T0 + 30 * MINUTE_NS, 3, 100, 5);
    const uint64_t now = T0 + HOUR_NS + MINUTE_NS - 1;
    ticker_window(&ticker, now, HOUR_NS, &figures);
    assert_true(figures.open_ns == T0 && figures.close_ns == now);
    assert_int_equal(figures.open.ticks, 200);
    assert_int_equal(figures.high.ticks, 200);
    assert_int_equal(figures.last.ticks, 100);
    assert_int_equal(figures.first_trade_id, 2);
    assert_int_equal(figures.last_trade_id, 3);
    assert_true(figures.volume_lots == 6 && figures.quote_units == 700);
    ticker_window(&ticker, now + 1, HOUR_NS, &figures);
    assert_true(figures.open_ns == T0 + MINUTE_NS);
    assert_int_equal(figures.fill_count, 1);
    ticker_window(&ticker, now, 4 * HOUR_NS, &figures);
    assert_int_equal(figures.high.ticks, 300);
    assert_int_equal(figures.fill_count, 3);
    /* Nothing in it: the last price stands for all four. */
    ticker_window(&ticker, T0 + 3 * HOUR_NS, HOUR_NS, &figures);
    assert_int_equal(figures.open.ticks, 100);
    assert_int_equal(figures.fill_count, 0);
    assert_true(figures.any);
}

/* The longest window is the 24 hours', but for where it says that it begins. */
TEST(ticker, longest_window_is_the_day)
{
    struct ticker_figures window, day;
    new_ticker();
    add(T0, 1, 300, 7);
    add(T0 + HOUR_NS, 2, 200, 1);
    const uint64_t ends[] = {T0 + 5 * SECOND_NS, T0 + TICKER_WINDOW_NS + MINUTE_NS - 1,
                             T0 + TICKER_WINDOW_NS + MINUTE_NS};
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        ticker_window(&ticker, ends[i], TICKER_WINDOW_NS, &window);
        ticker_read(&ticker, ends[i], &day);
        assert_true(window.open_ns == day.open_ns - day.open_ns % MINUTE_NS);
        window.open_ns = day.open_ns;
        window.previous_close = day.previous_close;
        assert_memory_equal(&window, &day, sizeof(day));
    }
    assert_int_equal(day.fill_count, 1);
}

/* The five-minute average takes the running minute and the four before it. */
TEST(ticker, average_covers_five_minutes)
{
    struct ticker_average average;
    new_ticker();
    add(T0, 1, 100, 1);
    add(T0 + 4 * MINUTE_NS, 2, 200, 3);
    ticker_average(&ticker, T0 + 4 * MINUTE_NS, &average);
    assert_true(average.volume_lots == 4 && average.quote_units == 700);
    ticker_average(&ticker, T0 + 5 * MINUTE_NS, &average);
    assert_true(average.volume_lots == 3 && average.quote_units == 600);
    ticker_average(&ticker, T0 + 20 * MINUTE_NS, &average);
    assert_true(average.any && average.volume_lots == 0 && average.last.ticks == 200);
}
