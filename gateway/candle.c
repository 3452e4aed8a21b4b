#include "gateway/candle.h"

static price_t higher(price_t left, price_t right)
{
    return left.ticks > right.ticks ? left : right;
}

static price_t lower(price_t left, price_t right)
{
    return left.ticks < right.ticks ? left : right;
}

struct candle candle_begin(enum interval interval, const struct candle_fill *fill)
{
    struct candle candle = {
        .open_ns = interval_open_ns(interval, fill->stamp_ns),
        .first_trade_id = fill->trade_id,
        .open = fill->price,
        .high = fill->price,
        .low = fill->price,
    };
    candle_fold(&candle, fill);
    return candle;
}

struct candle candle_carried(uint64_t open_ns, price_t close)
{
    return (struct candle){
        .open_ns = open_ns, .open = close, .high = close, .low = close, .close = close};
}

void candle_fold(struct candle *candle, const struct candle_fill *fill)
{
    ASSERT(fill->stamp_ns >= candle->open_ns);

    /* The first fill of a carried candle makes it one of its own. */
    if (candle->fill_count == 0) {
        candle->first_trade_id = fill->trade_id;
        candle->open = candle->high = candle->low = fill->price;
    }
    candle->fill_count++;
    candle->last_trade_id = fill->trade_id;
    candle->high = higher(candle->high, fill->price);
    candle->low = lower(candle->low, fill->price);
    candle->close = fill->price;
    candle->volume_lots += fill->qty.lots;
    candle->quote_units += fill->quote_units;
    if (fill->taker_side == BUY) {
        candle->taker_volume_lots += fill->qty.lots;
        candle->taker_quote_units += fill->quote_units;
    }
}

void candle_join(struct candle *candle, const struct candle *later)
{
    ASSERT(candle->open_ns == later->open_ns);

    if (later->fill_count == 0) return;
    if (candle->fill_count == 0) {
        *candle = *later;
        return;
    }
    candle->fill_count += later->fill_count;
    candle->last_trade_id = later->last_trade_id;
    candle->high = higher(candle->high, later->high);
    candle->low = lower(candle->low, later->low);
    candle->close = later->close;
    candle->volume_lots += later->volume_lots;
    candle->quote_units += later->quote_units;
    candle->taker_volume_lots += later->taker_volume_lots;
    candle->taker_quote_units += later->taker_quote_units;
}

bool candle_series_init(struct candle_series *series, struct arena *arena, enum interval interval)
{
    *series = (struct candle_series){.interval = interval};
    series->candles = arena_take_array(arena, CANDLE_KEPT, sizeof(*series->candles));
    return series->candles != NULL;
}

static struct candle *newest(const struct candle_series *series)
{
    if (series->begun == 0) return NULL;
    return &series->candles[(series->begun - 1) % CANDLE_KEPT];
}

void candle_series_add(struct candle_series *series, const struct candle_fill *fill)
{
    struct candle *last = newest(series);
    if (last != NULL && fill->stamp_ns < interval_next_ns(series->interval, last->open_ns)) {
        candle_fold(last, fill);
        return;
    }
    series->candles[series->begun % CANDLE_KEPT] = candle_begin(series->interval, fill);
    series->begun++;
}

uint32_t candle_series_count(const struct candle_series *series)
{
    return series->begun < CANDLE_KEPT ? (uint32_t)series->begun : CANDLE_KEPT;
}

const struct candle *candle_series_at(const struct candle_series *series, uint32_t index)
{
    const uint32_t count = candle_series_count(series);
    ASSERT(index < count);
    return &series->candles[(series->begun - count + index) % CANDLE_KEPT];
}

const struct candle *candle_series_last(const struct candle_series *series)
{
    return newest(series);
}

bool candle_series_current(const struct candle_series *series, uint64_t now_ns,
                           struct candle *candle)
{
    const struct candle *last = newest(series);
    if (last == NULL) return false;
    if (now_ns < interval_next_ns(series->interval, last->open_ns)) {
        *candle = *last;
    } else {
        *candle = candle_carried(interval_open_ns(series->interval, now_ns), last->close);
    }
    return true;
}

/* The last opening time from which `count` candles reach `last_open_ns`. */
static uint64_t open_before(enum interval interval, uint64_t last_open_ns, uint32_t count)
{
    uint64_t open_ns = last_open_ns;
    /* A month has no fixed length: step back by landing inside the one before. */
    for (uint32_t i = 1; i < count && open_ns > 0; i++) {
        open_ns = interval_open_ns(interval, open_ns - 1);
    }
    return open_ns;
}

uint32_t candle_continue(enum interval interval, const struct candle *source, uint32_t source_count,
                         uint64_t start_ns, uint64_t end_ns, bool newest_first, struct candle *out,
                         uint32_t out_max)
{
    if (source_count == 0 || out_max == 0 || start_ns > end_ns) return 0;

    /* The first candle that opens at or after start_ns. */
    uint64_t open_ns = interval_open_ns(interval, start_ns);
    if (open_ns < start_ns) open_ns = interval_next_ns(interval, open_ns);
    if (open_ns < source[0].open_ns) open_ns = source[0].open_ns;
    if (newest_first) {
        const uint64_t from = open_before(interval, interval_open_ns(interval, end_ns), out_max);
        if (from > open_ns) open_ns = from;
    }

    uint32_t next = 0, written = 0;
    while (written < out_max && open_ns <= end_ns) {
        while (next < source_count && source[next].open_ns <= open_ns)
            next++;
        const struct candle *held = &source[next - 1]; /* source[0] opens no later */
        out[written++] = held->open_ns == open_ns ? *held : candle_carried(open_ns, held->close);
        open_ns = interval_next_ns(interval, open_ns);
    }
    return written;
}
