/* What the public may see of every market, built from events.
 *
 * Owner    one gateway loop
 * Memory   an arena given at start: levels for the replicated levels_max, and per market, when it is
 *          created, trades, candles and minutes (under 3 MB each once all are in use; market_view_bytes
 *          says how much is reserved, untouched until used)
 * Limits   the replicated parameters
 *
 * Time is the stamps of the commands: market_views_now_ns is the last one. Readers that need a "now"
 * (ticker, open candle) take it as an argument; give them that.
 */

#ifndef GATEWAY_MARKET_VIEW_H
#define GATEWAY_MARKET_VIEW_H

#include "common/applied.h"
#include "common/genesis.h"
#include "gateway/candle.h"
#include "gateway/depth.h"
#include "gateway/ticker.h"
#include "gateway/trades.h"

struct market_views;

/* One market. Read-only for everybody but market_view_apply. */
struct market_view {
    uint16_t market; /* its index in the parameters */
    char symbol[MARKET_SYMBOL_BYTES + 1];
    char stream_symbol[MARKET_SYMBOL_BYTES + 1]; /* in lower case */
    struct depth depth;
    struct trades trades;
    struct ticker ticker;
    struct candle_series series[INTERVAL_COUNT];
};

/* Bytes of arena for all markets and levels the parameters allow. */
size_t market_view_bytes(const struct genesis *genesis);

/* NULL when the arena cannot hold it. The genesis must outlive it. */
MUST_CHECK struct market_views *market_views_new(struct arena *arena,
                                                 const struct genesis *genesis);

/* Moves the views forward by one event. Events of other kinds are ignored, so call it with all. */
void market_view_apply(struct market_views *views, const struct applied *applied,
                       const struct event *event);

/* Only the stamp: for a command without events that concern markets. market_view_apply does it too. */
void market_views_advance(struct market_views *views, uint64_t stamp_ns);

uint64_t market_views_now_ns(const struct market_views *views);

/* The parameters, moved forward by the same events: symbols, scales, status. */
const struct params *market_views_params(const struct market_views *views);

/* Markets are numbered 0 .. count - 1. */
uint16_t market_views_count(const struct market_views *views);

/* Needs: market < market_views_count. Not const: reading the ticker lets old minutes go. */
struct market_view *market_views_at(struct market_views *views, uint16_t market);

/* By upper-case symbol (BTCUSDT), or NULL. Constant time. */
struct market_view *market_views_find(struct market_views *views, const char *symbol,
                                      size_t symbol_bytes);

/* A fill as candles, trades and tickers take it; rest folds fills of the in-memory tail with it. */
struct candle_fill market_view_fill(const struct params *params, const struct fill_event *event,
                                    uint64_t stamp_ns);

#endif /* GATEWAY_MARKET_VIEW_H */
