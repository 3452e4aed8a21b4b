/* The dry walk: what a taker would get from the book as it stands, without taking it.
 *
 * It reads level totals, what icebergs hide included, so its cost is the levels it crosses. FOK asks
 * it whether everything can be filled; MARKET orders ask it what they cost or how much they may take.
 */

#ifndef ENGINE_WALK_H
#define ENGINE_WALK_H

#include "common/market.h"
#include "engine/book.h"

struct walk {
    qty_t qty;
    amount_t quote; /* of `qty`, at the makers' prices */
    bool stopped;   /* by quote: nothing is left of it, or less than the next lot costs */
};

/* Up to `qty`, at `limit` or better. Pass a zero limit for none.
 * Needs: qty within the market's bounds, so that no amount overflows. */
struct walk walk_by_quantity(const struct books *books, const struct market *market,
                             uint16_t market_index, enum side makers, price_t limit, qty_t qty);

/* Whole lots for `quote` at most, and at most the market's largest quantity. It ends at the first
 * price where not everything fits: a better price is never stepped over. */
struct walk walk_by_quote(const struct books *books, const struct market *market,
                          uint16_t market_index, enum side makers, amount_t quote);

/* Whether a taker with this limit (zero: none) trades with a maker on `makers` at `price`. */
static inline bool walk_reaches(price_t limit, enum side makers, price_t price)
{
    if (limit.ticks == 0) return true;
    return makers == SELL ? price.ticks <= limit.ticks : price.ticks >= limit.ticks;
}

#endif /* ENGINE_WALK_H */
