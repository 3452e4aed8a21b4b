#include "gateway/candle.h"
#include "tests/harness.h"

#define SECOND_NS 1000000000ull
#define MINUTE_NS (60 * SECOND_NS)
#define T0        (1700000040ull * SECOND_NS) /* a whole minute */

static struct arena arena;
static struct candle_series series;

static void new_series(enum interval interval)
{
    arena_unmap(&arena);
    assert_true(arena_map(&arena, 1 << 22));
    assert_true(candle_series_init(&series, &arena, interval));
}

static struct candle_fill fill(uint64_t stamp_ns, uint64_t id, int64_t price, int64_t lots,
                               enum side taker)
{
    return (struct candle_fill){id, id, stamp_ns, {price}, {lots}, price * lots, taker};
}

static void add(uint64_t stamp_ns, uint64_t id, int64_t price, int64_t lots, enum side taker)
{
    const struct candle_fill one = fill(stamp_ns, id, price, lots, taker);
    candle_series_add(&series, &one);
}

/* A candle holds the fills from its opening to the last nanosecond before the next one's. */
TEST(candle, boundary_belongs_to_the_next_candle)
{
    new_series(INTERVAL_1M);
    add(T0, 1, 100, 2, BUY);
    add(T0 + MINUTE_NS - 1, 2, 90, 1, SELL);
    add(T0 + MINUTE_NS, 3, 95, 1, BUY);
    assert_int_equal(candle_series_count(&series), 2);
    const struct candle *first = candle_series_at(&series, 0);
    assert_true(first->open_ns == T0);
    assert_int_equal(first->open.ticks, 100);
    assert_int_equal(first->high.ticks, 100);
    assert_int_equal(first->low.ticks, 90);
    assert_int_equal(first->close.ticks, 90);
    assert_int_equal(first->fill_count, 2);
    assert_true(first->volume_lots == 3 && first->quote_units == 290);
    assert_true(first->taker_volume_lots == 2 && first->taker_quote_units == 200);
    assert_int_equal(first->first_trade_id, 1);
    assert_int_equal(first->last_trade_id, 2);
    assert_int_equal(candle_series_at(&series, 1)->first_trade_id, 3);
}

/* Without fills a candle goes on at the last close, with nothing traded. */
TEST(candle, close_is_carried_through_a_gap)
{
    struct candle out[10], current;
    new_series(INTERVAL_1M);
    assert_false(candle_series_current(&series, T0, &current));
    add(T0 + 5, 1, 100, 1, BUY);
    add(T0 + 3 * MINUTE_NS, 2, 110, 1, BUY);
    const struct candle source[] = {*candle_series_at(&series, 0), *candle_series_at(&series, 1)};
    const uint32_t count =
        candle_continue(INTERVAL_1M, source, 2, T0 - MINUTE_NS, T0 + 5 * MINUTE_NS, false, out, 10);
    assert_int_equal(count, 6);
    for (uint32_t i = 0; i < count; i++)
        assert_true(out[i].open_ns == T0 + i * MINUTE_NS);
    assert_int_equal(out[1].open.ticks, 100);
    assert_int_equal(out[1].fill_count, 0);
    assert_true(out[1].volume_lots == 0);
    assert_int_equal(out[3].close.ticks, 110);
    assert_int_equal(out[5].high.ticks, 110);
    assert_int_equal(out[5].fill_count, 0);
    assert_true(candle_series_current(&series, T0 + 9 * MINUTE_NS, &current));
    assert_true(current.open_ns == T0 + 9 * MINUTE_NS && current.close.ticks == 110);
}

/* With more candles than asked for, a start gives the oldest and no start the newest. */
TEST(candle, limit_keeps_the_oldest_or_the_newest)
{
    struct candle out[3];
    new_series(INTERVAL_1S);
    add(T0, 1, 100, 1, BUY);
    const struct candle *source = candle_series_at(&series, 0);
    assert_int_equal(candle_continue(INTERVAL_1S, source, 1, T0, T0 + 9 * SECOND_NS, false, out, 3),
                     3);
    assert_true(out[2].open_ns == T0 + 2 * SECOND_NS);
    assert_int_equal(candle_continue(INTERVAL_1S, source, 1, T0, T0 + 9 * SECOND_NS, true, out, 3),
                     3);
    assert_true(out[0].open_ns == T0 + 7 * SECOND_NS && out[2].open_ns == T0 + 9 * SECOND_NS);
    /* A start inside a candle begins with the next one. */
    assert_int_equal(candle_continue(INTERVAL_1S, source, 1, T0 + 1, T0 + SECOND_NS, false, out, 3),
                     1);
    assert_true(out[0].open_ns == T0 + SECOND_NS);
}

/* A candle folded in two halves and joined equals the candle folded at once: what history relies on
 * when it adds the tail in memory to a stored row. */
TEST(candle, halves_joined_equal_the_whole)
{
    struct candle whole, left, right;
    uint32_t random = 77;
    for (uint64_t split = 1; split < 20; split++) {
        for (uint64_t i = 0; i < 20; i++) {
            random = random * 1664525u + 1013904223u;
            const struct candle_fill one =
                fill(T0 + i, i + 1, 90 + random % 20, 1 + (random >> 8) % 9,
                     (random >> 30) != 0 ? BUY : SELL);
            if (i == 0) {
                whole = left = candle_begin(INTERVAL_1M, &one);
                continue;
            }
            candle_fold(&whole, &one);
            if (i < split) candle_fold(&left, &one);
            if (i == split) right = candle_begin(INTERVAL_1M, &one);
            if (i > split) candle_fold(&right, &one);
        }
        candle_join(&left, &right);
        assert_memory_equal(&left, &whole, sizeof(whole));
    }
}

/* A full series forgets its oldest candle and keeps the order. */
TEST(candle, series_keeps_the_last_thousand)
{
    new_series(INTERVAL_1S);
    for (uint64_t i = 0; i < CANDLE_KEPT + 7; i++)
        add(T0 + i * SECOND_NS, i + 1, 100, 1, BUY);
    assert_int_equal(candle_series_count(&series), CANDLE_KEPT);
    assert_int_equal(candle_series_at(&series, 0)->first_trade_id, 8);
    assert_int_equal(candle_series_last(&series)->last_trade_id, CANDLE_KEPT + 7);
}
