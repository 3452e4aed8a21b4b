/* Stream names and their numbers: every stream of every market is a channel.
 *
 *     number = market x CHANNEL_KINDS + kind, then the streams of no market
 *
 * and all of them once more for those who want times in microseconds: another number, the same name.
 *
 * Limits   markets the parameters allow, known at start, so that a number never changes its meaning
 */

#ifndef GATEWAY_CHANNEL_H
#define GATEWAY_CHANNEL_H

#include "gateway/market_view.h"

#define CHANNEL_NONE     UINT32_MAX
#define CHANNEL_NAME_MAX 48

enum channel_kind {
    CHANNEL_TRADE,
    CHANNEL_AGGREGATE_TRADE,
    CHANNEL_BEST, /* @bookTicker */
    CHANNEL_DIFFERENCE,
    CHANNEL_DIFFERENCE_FAST, /* every 100 ms */
    CHANNEL_TOP_5,
    CHANNEL_TOP_10,
    CHANNEL_TOP_20,
    CHANNEL_TOP_5_FAST,
    CHANNEL_TOP_10_FAST,
    CHANNEL_TOP_20_FAST,
    CHANNEL_TICKER,
    CHANNEL_MINI_TICKER,
    CHANNEL_TICKER_1H,
    CHANNEL_TICKER_4H,
    CHANNEL_TICKER_1D,
    CHANNEL_BOOK,    /* @book: ours, with a snapshot and checksums */
    CHANNEL_AVERAGE, /* @avgPrice */
    CHANNEL_KLINE,   /* and the INTERVAL_COUNT - 1 after it */
    CHANNEL_KLINE_EAST = CHANNEL_KLINE + INTERVAL_COUNT, /* @+08:00, likewise */
    CHANNEL_KINDS = CHANNEL_KLINE_EAST + INTERVAL_COUNT,

    /* Of no market. */
    CHANNEL_BLOCK = CHANNEL_KINDS,
    CHANNEL_ALL_MINI_TICKERS,
    CHANNEL_ALL_TICKERS,
    CHANNEL_ALL_TICKERS_1H,
    CHANNEL_ALL_TICKERS_4H,
    CHANNEL_ALL_TICKERS_1D,
    CHANNEL_KINDS_END
};

/* The zone of CHANNEL_KLINE_EAST. */
#define CHANNEL_EAST_NS (8 * 3600 * 1000000000ll)

enum channel_unit { CHANNEL_MS, CHANNEL_US, CHANNEL_UNITS };

struct channel {
    enum channel_kind kind; /* CHANNEL_KLINE or CHANNEL_KLINE_EAST for all intervals */
    enum interval interval; /* of a kline */
    enum channel_unit unit; /* of the times in its messages */
    uint16_t market;        /* unless the kind is of no market */
};

/* Channels when there may be `markets_max` markets. */
uint32_t channel_count(uint32_t markets_max);

/* Needs: number < channel_count. */
struct channel channel_of(uint32_t number, uint32_t markets_max);

/* Both in milliseconds. */
uint32_t channel_number(uint16_t market, enum channel_kind kind);
uint32_t channel_number_global(enum channel_kind kind, uint32_t markets_max);

/* The same stream with its times in `unit`. Needs: a channel in milliseconds. */
uint32_t channel_in(uint32_t number, enum channel_unit unit, uint32_t markets_max);

/* The kind of a kline of one interval. Needs: `kline` is CHANNEL_KLINE or CHANNEL_KLINE_EAST. */
static inline enum channel_kind channel_kline(enum channel_kind kline, enum interval interval)
{
    return (enum channel_kind)((int)kline + (int)interval);
}

/* The channel with this name, in milliseconds, or CHANNEL_NONE. Case matters: symbols are in lower
 * case. */
uint32_t channel_find(struct market_views *views, const char *name, size_t name_bytes);

/* Writes the name; returns its length. Needs: the market exists. */
size_t channel_name(struct market_views *views, uint32_t number, char name[CHANNEL_NAME_MAX]);

/* Levels a side of the partial book kinds, 0 of others. */
uint32_t channel_top_levels(enum channel_kind kind);

/* How long the window of a rolling ticker is, its array included; 0 of other kinds. */
uint64_t channel_window_ns(enum channel_kind kind);

#endif /* GATEWAY_CHANNEL_H */
