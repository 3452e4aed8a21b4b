/* Last prices and average prices of the markets.
 *
 * Fills are summed by UTC minute, 60 of them: price x lots and lots, in 128 bits, which no number of
 * fills overflows. The minute of the last fill is summed in the market's own cache line; earlier ones
 * lie in a ring, by minute % 60:
 *
 *     line    last price | minute | sum, lots of that minute
 *     ring    59 minutes before it: sum, lots; the place of the minute itself is empty
 *
 * Owner    the engine thread
 * Memory   the caller's arena: 2,048 bytes a market; an untraded one touches none of them
 * Limits   MARKET_AVERAGE_MINUTES_MAX minutes. Stamps never fall.
 * Cost     fill: one cache line, no division but in the first of a minute. Price: two cache lines and no
 *          division while nothing traded since the last call; otherwise one, and once a minute a walk
 *          through the window. What is kept for that is not content: averages_next does not see it.
 *
 * Invariants, all asserted by averages_check:
 *   M1  a minute's lots are zero if and only if its sum is, and no sum is below its lots
 *   M2  the ring is empty at the place of the line's minute
 *   M3  a market has a last price if and only if its line has lots
 *   M4  what is kept of a window is what its minutes add up to
 */

#ifndef ENGINE_AVERAGES_H
#define ENGINE_AVERAGES_H

#include "common/market.h"
#include "common/params.h"

#include <assert.h>

struct arena;

#define AVERAGES_MINUTE_NS 60000000000u

/* Fills of one minute, or of a window of them. */
struct averages_sum {
    unsigned __int128 value; /* price x lots */
    unsigned __int128 lots;
};

struct averages_line {
    price_t last;       /* 0: never traded */
    uint64_t minute_ns; /* when the minute of the last fill began */
    struct averages_sum minute;
    price_t average; /* by the market's window; 0: to be computed */
    uint64_t unused;
};
static_assert(sizeof(struct averages_line) == 64, "one cache line");

/* What averages_price keeps of the minutes in its window that are in the ring. */
struct averages_window {
    struct averages_sum older;
    uint64_t now_ns;  /* when the minute of the question began */
    uint64_t line_ns; /* the line's minute then */
    uint32_t minutes; /* 0: nothing is kept */
};
static_assert(sizeof(struct averages_window) == 64, "one cache line");

struct averages {
    struct averages_line *lines; /* by market */
    struct averages_window *windows;
    struct averages_sum *rings; /* market x 60 + minute % 60 */
    uint32_t markets_max;
};

/* One minute of a market in which it traded. */
struct averages_minute {
    uint64_t minute; /* since the epoch */
    struct averages_sum sum;
    price_t last; /* the market's, the same in all its minutes */
    uint16_t market;
};

size_t averages_bytes(const struct params *params);

/* False when the arena is too small. */
MUST_CHECK bool averages_init(struct averages *averages, struct arena *arena,
                              const struct params *params);

/* The market's last price, 0 when it never traded. */
static inline price_t averages_last(const struct averages *averages, uint16_t market)
{
    return averages->lines[market].last;
}

/* Begins the minute of a stamp that lies past the line's. */
void averages_turn(struct averages *averages, uint16_t market, uint64_t stamp_ns);

/* A fill; its price is the last one now. Needs: price and qty above 0, stamps that never fall. */
static inline void averages_fill(struct averages *averages, uint16_t market, uint64_t stamp_ns,
                                 price_t price, qty_t qty)
{
    ASSERT(price.ticks > 0 && qty.lots > 0);
    struct averages_line *line = &averages->lines[market];
    if (__builtin_expect(stamp_ns - line->minute_ns >= AVERAGES_MINUTE_NS, 0))
        averages_turn(averages, market, stamp_ns);
    line->minute.value += (unsigned __int128)price.ticks * (uint64_t)qty.lots;
    line->minute.lots += (uint64_t)qty.lots;
    line->last = price;
    line->average = (price_t){0};
}

/* The average price of the fills in the last `minutes` UTC minutes, that of the stamp included, rounded
 * down. Without such fills, or with minutes 0: the last price; 0 when there is none.
 * Needs: minutes <= MARKET_AVERAGE_MINUTES_MAX; no fill is later than the stamp. */
price_t averages_price(struct averages *averages, uint16_t market, uint32_t minutes,
                       uint64_t stamp_ns);

/* Walks everything there is in rising (market, minute): start with *minute all zero; false at the
 * end. */
MUST_CHECK bool averages_next(const struct averages *averages, struct averages_minute *minute);

/* Puts back what averages_next gave. Needs: the order of the walk, into averages that have nothing. */
void averages_restore(struct averages *averages, const struct averages_minute *minute);

/* Asserts M1 to M4. O(markets x 60). */
bool averages_check(const struct averages *averages);

#endif /* ENGINE_AVERAGES_H */
