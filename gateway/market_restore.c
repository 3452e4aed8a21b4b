#include "gateway/market_restore.h"

#define TRADE_BYTES     41
#define AGGREGATE_BYTES 49
#define CANDLE_BYTES    128

/* ---- Out. ---- */

static void put_u64(struct byte_writer *writer, uint64_t value)
{
    le_put_u64(byte_writer_room(writer, sizeof(value)), value);
}

static void put_u32(struct byte_writer *writer, uint32_t value)
{
    le_put_u32(byte_writer_room(writer, sizeof(value)), value);
}

static void save_trades(const struct trades *trades, struct byte_writer *writer)
{
    put_u64(writer, trades->trade_count);
    put_u64(writer, trades->aggregate_count);
    for (uint32_t index = 0; index < trades_kept(trades); index++) {
        const struct trade *trade = trades_at(trades, index);
        uint8_t *at = byte_writer_room(writer, TRADE_BYTES);
        at = le_put_u64(at, trade->id);
        at = le_put_u64(at, trade->aggregate_id);
        at = le_put_u64(at, trade->stamp_ns);
        at = le_put_i64(at, trade->price.ticks);
        at = le_put_i64(at, trade->qty.lots);
        (void)le_put_u8(at, trade->buyer_is_maker);
    }
    for (uint32_t index = 0; index < trades_aggregates_kept(trades); index++) {
        const struct aggregate_trade *aggregate = trades_aggregate_at(trades, index);
        uint8_t *at = byte_writer_room(writer, AGGREGATE_BYTES);
        at = le_put_u64(at, aggregate->id);
        at = le_put_u64(at, aggregate->first_id);
        at = le_put_u64(at, aggregate->last_id);
        at = le_put_u64(at, aggregate->stamp_ns);
        at = le_put_i64(at, aggregate->price.ticks);
        at = le_put_i64(at, aggregate->qty.lots);
        (void)le_put_u8(at, aggregate->buyer_is_maker);
    }
}

static uint8_t *put_wide(uint8_t *at, __int128 value)
{
    at = le_put_u64(at, (uint64_t)value);
    return le_put_u64(at, (uint64_t)((unsigned __int128)value >> 64));
}

static void save_candle(const struct candle *candle, struct byte_writer *writer)
{
    uint8_t *at = byte_writer_room(writer, CANDLE_BYTES);
    at = le_put_u64(at, candle->open_ns);
    at = le_put_u64(at, candle->fill_count);
    at = le_put_u64(at, candle->first_trade_id);
    at = le_put_u64(at, candle->last_trade_id);
    at = le_put_i64(at, candle->open.ticks);
    at = le_put_i64(at, candle->high.ticks);
    at = le_put_i64(at, candle->low.ticks);
    at = le_put_i64(at, candle->close.ticks);
    at = put_wide(at, candle->volume_lots);
    at = put_wide(at, candle->quote_units);
    at = put_wide(at, candle->taker_volume_lots);
    (void)put_wide(at, candle->taker_quote_units);
}

/* The window by the stamps: what a clock has let go of before its time is there as well. */
static void save_minutes(const struct ticker *ticker, uint64_t now_ns, struct byte_writer *writer)
{
    uint64_t first = ticker_oldest(ticker, now_ns);
    if (first > 0) first--;
    put_u64(writer, ticker->begun);
    put_u32(writer, (uint32_t)(ticker->begun - first));
    for (uint64_t number = first; number < ticker->begun; number++)
        save_candle(ticker_minute(ticker, number), writer);
}

void market_views_save(struct market_views *views, struct byte_writer *writer)
{
    for (uint16_t market = 0; market < market_views_count(views); market++) {
        const struct market_view *view = market_views_at(views, market);
        save_trades(&view->trades, writer);
        save_minutes(&view->ticker, market_views_now_ns(views), writer);
        for (int interval = 0; interval < INTERVAL_COUNT; interval++) {
            const struct candle_series *series = &view->series[interval];
            put_u64(writer, series->begun);
            for (uint32_t index = 0; index < candle_series_count(series); index++)
                save_candle(candle_series_at(series, index), writer);
        }
    }
}

/* ---- In. ---- */

/* What every price, quantity and time read is held against. */
struct bounds {
    const struct market *market;
    uint64_t now_ns;
};

static bool price_possible(const struct bounds *bounds, price_t price)
{
    return price.ticks > 0 && price.ticks <= bounds->market->price_max.ticks;
}

static bool trade_possible(const struct bounds *bounds, const struct trade *trade,
                           const struct trade *before)
{
    if (!price_possible(bounds, trade->price) || trade->stamp_ns > bounds->now_ns) return false;
    if (trade->qty.lots <= 0 || trade->qty.lots > bounds->market->qty_max.lots) return false;
    if (trade->id == 0 || trade->aggregate_id == 0) return false;
    if (before == NULL) return true;
    return trade->id > before->id && trade->aggregate_id >= before->aggregate_id &&
           trade->stamp_ns >= before->stamp_ns;
}

static bool load_flag(struct byte_reader *reader, bool *flag)
{
    const uint8_t value = byte_reader_u8(reader);
    *flag = value == 1;
    return value <= 1;
}

static uint64_t kept_of(uint64_t count, uint64_t kept_max)
{
    return count < kept_max ? count : kept_max;
}

static bool load_trade_list(struct trades *trades, const struct bounds *bounds,
                            struct byte_reader *reader)
{
    const struct trade *before = NULL;
    const uint64_t count = trades->trade_count;
    for (uint64_t number = count - kept_of(count, TRADES_KEPT); number < count; number++) {
        struct trade *trade = &trades->trades[number % TRADES_KEPT];
        trade->id = byte_reader_u64(reader);
        trade->aggregate_id = byte_reader_u64(reader);
        trade->stamp_ns = byte_reader_u64(reader);
        trade->price.ticks = byte_reader_i64(reader);
        trade->qty.lots = byte_reader_i64(reader);
        if (!load_flag(reader, &trade->buyer_is_maker) || !trade_possible(bounds, trade, before))
            return false;
        trade->quote_units = market_notional(bounds->market, trade->price, trade->qty).units;
        before = trade;
    }
    return true;
}

static bool aggregate_possible(const struct bounds *bounds, const struct aggregate_trade *aggregate,
                               const struct aggregate_trade *before)
{
    if (!price_possible(bounds, aggregate->price) || aggregate->stamp_ns > bounds->now_ns)
        return false;
    if (aggregate->qty.lots <= 0 || aggregate->first_id > aggregate->last_id) return false;
    if (aggregate->id == 0 || aggregate->first_id == 0) return false;
    if (before == NULL) return true;
    return aggregate->id > before->id && aggregate->first_id > before->last_id &&
           aggregate->stamp_ns >= before->stamp_ns;
}

static bool load_aggregate_list(struct trades *trades, const struct bounds *bounds,
                                struct byte_reader *reader)
{
    const struct aggregate_trade *before = NULL;
    const uint64_t count = trades->aggregate_count;
    for (uint64_t number = count - kept_of(count, TRADES_KEPT); number < count; number++) {
        struct aggregate_trade *aggregate = &trades->aggregates[number % TRADES_KEPT];
        aggregate->id = byte_reader_u64(reader);
        aggregate->first_id = byte_reader_u64(reader);
        aggregate->last_id = byte_reader_u64(reader);
        aggregate->stamp_ns = byte_reader_u64(reader);
        aggregate->price.ticks = byte_reader_i64(reader);
        aggregate->qty.lots = byte_reader_i64(reader);
        if (!load_flag(reader, &aggregate->buyer_is_maker) ||
            !aggregate_possible(bounds, aggregate, before))
            return false;
        before = aggregate;
    }
    return true;
}

static bool load_trades(struct trades *trades, const struct bounds *bounds,
                        struct byte_reader *reader)
{
    trades->trade_count = byte_reader_u64(reader);
    trades->aggregate_count = byte_reader_u64(reader);
    if (!byte_reader_whole(reader)) return false;
    if (trades->aggregate_count > trades->trade_count) return false;
    if (trades->trade_count > 0 && trades->aggregate_count == 0) return false;
    if (!load_trade_list(trades, bounds, reader)) return false;
    if (!load_aggregate_list(trades, bounds, reader)) return false;
    if (trades->trade_count == 0) return true;
    /* Both end with the same fill. */
    const struct trade *trade = trades_last(trades);
    const struct aggregate_trade *aggregate = trades_aggregate_last(trades);
    return aggregate->id == trade->aggregate_id && aggregate->last_id == trade->id;
}

/* 128 bits of which no sum of fills ever needs the upper two. */
static bool load_wide(struct byte_reader *reader, __int128 *value)
{
    const uint64_t low = byte_reader_u64(reader), high = byte_reader_u64(reader);
    *value = (__int128)((unsigned __int128)high << 64 | low);
    return high >> 62 == 0;
}

static bool candle_possible(const struct bounds *bounds, const struct candle *candle)
{
    return candle->open_ns <= bounds->now_ns && candle->fill_count > 0 &&
           candle->first_trade_id <= candle->last_trade_id && price_possible(bounds, candle->low) &&
           price_possible(bounds, candle->high) && candle->low.ticks <= candle->open.ticks &&
           candle->open.ticks <= candle->high.ticks && candle->low.ticks <= candle->close.ticks &&
           candle->close.ticks <= candle->high.ticks && candle->volume_lots > 0 &&
           candle->taker_volume_lots <= candle->volume_lots &&
           candle->quote_units >= candle->taker_quote_units;
}

/* The candle after `before` (NULL: the first one). */
static bool load_candle(const struct bounds *bounds, enum interval interval,
                        const struct candle *before, struct byte_reader *reader,
                        struct candle *candle)
{
    candle->open_ns = byte_reader_u64(reader);
    candle->fill_count = byte_reader_u64(reader);
    candle->first_trade_id = byte_reader_u64(reader);
    candle->last_trade_id = byte_reader_u64(reader);
    candle->open.ticks = byte_reader_i64(reader);
    candle->high.ticks = byte_reader_i64(reader);
    candle->low.ticks = byte_reader_i64(reader);
    candle->close.ticks = byte_reader_i64(reader);
    if (!load_wide(reader, &candle->volume_lots) || !load_wide(reader, &candle->quote_units) ||
        !load_wide(reader, &candle->taker_volume_lots) ||
        !load_wide(reader, &candle->taker_quote_units))
        return false;
    if (!byte_reader_whole(reader) || !candle_possible(bounds, candle)) return false;
    if (interval_open_ns(interval, candle->open_ns) != candle->open_ns) return false;
    return before == NULL ||
           (candle->open_ns > before->open_ns && candle->first_trade_id > before->last_trade_id);
}

/* Whether the last candle's last fill is the market's. */
static bool ends_alike(const struct candle *candle, const struct trade *last)
{
    return candle->last_trade_id == last->id && candle->close.ticks == last->price.ticks;
}

/* A minute that is here although the window is without it, and is not the one before it, would not have
 * been written. */
static bool minutes_exact(const struct ticker *ticker, uint64_t now_ns)
{
    const uint64_t oldest = ticker_oldest(ticker, now_ns);
    return ticker->first == (oldest > 0 ? oldest - 1 : 0);
}

static bool load_minutes(struct ticker *ticker, const struct trades *trades,
                         const struct bounds *bounds, struct byte_reader *reader)
{
    struct candle minutes[TICKER_MINUTES];
    const struct trade *last = trades_last(trades);
    const uint64_t begun = byte_reader_u64(reader);
    const uint32_t count = byte_reader_u32(reader);
    if (!byte_reader_whole(reader) || count > TICKER_MINUTES || count > begun) return false;
    if ((last == NULL) != (begun == 0) || (begun > 0 && count == 0)) return false;
    for (uint32_t index = 0; index < count; index++) {
        if (!load_candle(bounds, INTERVAL_1M, index > 0 ? &minutes[index - 1] : NULL, reader,
                         &minutes[index]))
            return false;
    }
    if (count == 0) return true;
    if (!ends_alike(&minutes[count - 1], last)) return false;
    const struct candle_fill fill = {
        .stamp_ns = last->stamp_ns, .price = last->price, .qty = last->qty};
    ticker_restore(ticker, begun, minutes, count, &fill);
    return minutes_exact(ticker, bounds->now_ns);
}

static bool load_series(struct candle_series *series, const struct trades *trades,
                        const struct bounds *bounds, struct byte_reader *reader)
{
    const struct trade *last = trades_last(trades);
    const struct candle *before = NULL;
    series->begun = byte_reader_u64(reader);
    if (!byte_reader_whole(reader) || (last == NULL) != (series->begun == 0)) return false;
    for (uint64_t number = series->begun - candle_series_count(series); number < series->begun;
         number++) {
        struct candle *candle = &series->candles[number % CANDLE_KEPT];
        if (!load_candle(bounds, series->interval, before, reader, candle)) return false;
        before = candle;
    }
    return before == NULL || ends_alike(before, last);
}

static bool load_market(struct market_view *view, const struct bounds *bounds,
                        struct byte_reader *reader)
{
    if (!load_trades(&view->trades, bounds, reader)) return false;
    if (!load_minutes(&view->ticker, &view->trades, bounds, reader)) return false;
    for (int interval = 0; interval < INTERVAL_COUNT; interval++) {
        if (!load_series(&view->series[interval], &view->trades, bounds, reader)) return false;
    }
    return true;
}

bool market_views_load(struct market_views *views, uint64_t now_ns, struct byte_reader *reader)
{
    const struct params *params = market_views_params(views);
    market_views_advance(views, now_ns);
    for (uint16_t market = 0; market < market_views_count(views); market++) {
        const struct bounds bounds = {&params->markets[market], now_ns};
        if (!load_market(market_views_at(views, market), &bounds, reader)) return false;
    }
    return true;
}
