/* Candles of one market and interval: what fills between two instants amount to.
 *
 * Only candles with fills are kept; a candle without any is made when it is read, carrying the close
 * of the one before it. Rows read from PostgreSQL are the same struct and go through the same
 * functions, so live and stored candles are one arithmetic.
 *
 * Owner    one gateway loop
 * Memory   a series takes CANDLE_KEPT candles from the arena, touched as they come
 * Limits   a series forgets its oldest candle when it is full
 */

#ifndef GATEWAY_CANDLE_H
#define GATEWAY_CANDLE_H

#include "common/arena.h"
#include "common/interval.h"
#include "common/money.h"

#define CANDLE_KEPT 1000

/* What a candle, a ticker and the trade list need to know of a fill. */
struct candle_fill {
    uint64_t trade_id;
    uint64_t aggregate_id;
    uint64_t stamp_ns;
    price_t price;
    qty_t qty;
    int64_t quote_units; /* price x qty */
    enum side taker_side;
};

struct candle {
    uint64_t open_ns;
    uint64_t fill_count;     /* 0: carried, all four prices are the close before it */
    uint64_t first_trade_id; /* both meaningless when fill_count is 0 */
    uint64_t last_trade_id;
    price_t open, high, low, close;
    __int128 volume_lots;
    __int128 quote_units;
    __int128 taker_volume_lots; /* bought by takers */
    __int128 taker_quote_units;
};

struct candle_series {
    struct candle *candles; /* CANDLE_KEPT, by candle number modulo it */
    uint64_t begun;         /* candles ever begun; the newest is number begun - 1 */
    enum interval interval;
};

/* A candle of one fill. */
struct candle candle_begin(enum interval interval, const struct candle_fill *fill);

/* The candle without fills that opens at `open_ns` after a close at `close`. */
struct candle candle_carried(uint64_t open_ns, price_t close);

/* Adds a fill that is not older than those in it. Needs: the fill lies in the candle. */
void candle_fold(struct candle *candle, const struct candle_fill *fill);

/* Adds `later`, a part of the same candle, to `candle`: a stored half and a half from memory. */
void candle_join(struct candle *candle, const struct candle *later);

/* False when the arena cannot hold the series. */
MUST_CHECK bool candle_series_init(struct candle_series *series, struct arena *arena,
                                   enum interval interval);

/* Adds a fill, in order. */
void candle_series_add(struct candle_series *series, const struct candle_fill *fill);

/* Candles kept: those with fills, oldest first. */
uint32_t candle_series_count(const struct candle_series *series);

/* Needs: index < candle_series_count. */
const struct candle *candle_series_at(const struct candle_series *series, uint32_t index);

/* The newest candle with fills, or NULL. */
const struct candle *candle_series_last(const struct candle_series *series);

/* The candle that is open at `now_ns`, carried when it has no fill yet. False before the first fill
 * of the market. */
MUST_CHECK bool candle_series_current(const struct candle_series *series, uint64_t now_ns,
                                      struct candle *candle);

/* Fills the gaps: writes to `out` the candles that open in [start_ns, end_ns], each interval exactly
 * once, from `source` (with fills, rising open_ns), carried ones between and after them. Intervals before
 * the first source candle are left out, so put the last one before start_ns in front when there is
 * one. Returns how many were written, at most `out_max`: the oldest when `newest` is false, otherwise
 * the newest (still oldest first). */
uint32_t candle_continue(enum interval interval, const struct candle *source, uint32_t source_count,
                         uint64_t start_ns, uint64_t end_ns, bool newest, struct candle *out,
                         uint32_t out_max);

#endif /* GATEWAY_CANDLE_H */
