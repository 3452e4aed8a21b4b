/* What one market did in the last 24 hours, kept in buckets of a minute.
 *
 * The window ends now and begins 24 hours earlier, rounded down to a whole minute: a minute leaves it
 * when its last instant is 24 hours old. Everything is whole numbers.
 *
 * Owner    one gateway loop
 * Memory   TICKER_MINUTES buckets from the arena
 * Cost     add: O(1); reading after a minute with the high or low has left: O(minutes kept)
 */

#ifndef GATEWAY_TICKER_H
#define GATEWAY_TICKER_H

#include "gateway/candle.h"

#define TICKER_WINDOW_NS  (24ull * 60 * 60 * 1000000000ull)
#define TICKER_MINUTES    2048 /* a power of 2 above the 1,441 a window touches */
#define TICKER_AVERAGE_NS (5ull * 60 * 1000000000ull)

struct ticker {
    struct candle *minutes; /* only minutes with fills, by number modulo TICKER_MINUTES */
    uint64_t begun;         /* minutes ever begun */
    uint64_t first;         /* the oldest whose figures are known: 0 but for a restored ticker */
    uint64_t expired;       /* how many of all have left the window */
    struct candle
        window; /* sums over the minutes in the window; open and first id from the oldest */
    bool any;   /* a fill has ever happened: last and previous_close mean something */
    price_t
        previous_close; /* of the fill before the window; the first price ever when there is none */
    price_t last;
    qty_t last_qty;
    uint64_t last_stamp_ns;
};

/* One reading. With no fill in the window all four prices are the last one, and the counts are 0. */
struct ticker_figures {
    bool any; /* false: the market has never traded, all figures are 0 */
    uint64_t open_ns, close_ns;
    uint64_t first_trade_id, last_trade_id; /* meaningless when fill_count is 0 */
    uint64_t fill_count;
    price_t open, high, low, last, previous_close;
    qty_t last_qty;
    __int128 volume_lots;
    __int128 quote_units;
};

/* Five-minute volume-weighted average as a fraction; volume_lots 0: use `last`. */
struct ticker_average {
    bool any;
    price_t last;
    uint64_t last_stamp_ns;
    __int128 volume_lots;
    __int128 quote_units;
};

MUST_CHECK bool ticker_init(struct ticker *ticker, struct arena *arena);
void ticker_add(struct ticker *ticker, const struct candle_fill *fill);

/* The window is that of `now_ns` from here on: minutes that are too old leave it. A clock ahead of the
 * log's stamps may have let go of some that are not, and they come back. */
void ticker_advance(struct ticker *ticker, uint64_t now_ns);

/* The number of the oldest minute in the window that ends at `now_ns`; `begun` when there is none. */
uint64_t ticker_oldest(const struct ticker *ticker, uint64_t now_ns);

/* The minute with this number. Needs: first <= number < begun, one of the last TICKER_MINUTES. */
const struct candle *ticker_minute(const struct ticker *ticker, uint64_t number);

/* Begins with minutes read from elsewhere: `minute_count` of them, the newest being number begun - 1, and
 * the last fill. Needs: minutes rise, at most TICKER_MINUTES. */
void ticker_restore(struct ticker *ticker, uint64_t begun, const struct candle *minutes,
                    uint32_t minute_count, const struct candle_fill *last);

/* The figures at `now_ns`; advances first. */
void ticker_read(struct ticker *ticker, uint64_t now_ns, struct ticker_figures *figures);

/* The figures of a shorter window, up to TICKER_WINDOW_NS: it ends at `now_ns` and begins `span_ns` earlier,
 * rounded down to a whole minute, which is what open_ns says. previous_close means nothing.
 * Cost: O(minutes with fills in it); the whole 24 hours cost what ticker_read does. */
void ticker_window(struct ticker *ticker, uint64_t now_ns, uint64_t span_ns,
                   struct ticker_figures *figures);

/* The figures of what was summed up elsewhere, from `from_ns` on; `sum` without fills where there were none. */
void ticker_figures_of(const struct ticker *ticker, const struct candle *sum, uint64_t from_ns,
                       uint64_t now_ns, struct ticker_figures *figures);

void ticker_average(const struct ticker *ticker, uint64_t now_ns, struct ticker_average *average);

#endif /* GATEWAY_TICKER_H */
