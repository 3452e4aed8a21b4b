/* The dry walk: what a taker would get from the book as it stands, without taking it.
 *
 * It reads level totals, what icebergs hide included, so its cost is the levels it crosses; where the
 * taker's own orders must not count, also the orders in them. FOK asks it whether everything can be
 * filled; MARKET orders and fired stops ask it what they cost or how much they may take.
 */

#ifndef ENGINE_WALK_H
#define ENGINE_WALK_H

#include "common/market.h"
#include "engine/book.h"

/* Where to walk, and how far. */
struct walk_terms {
    const struct books *books;
    const struct market *market;
    uint16_t market_index;
    enum side makers;
    price_t limit; /* the worst price, 0: any */
    uint32_t own;  /* the account whose orders do not count, 0: all count */
};

struct walk {
    qty_t qty;
    amount_t quote; /* of `qty`, at the makers' prices */
    bool stopped;   /* by quote: nothing is left of it, or less than the next lot costs */
};

/* Up to `qty`. Needs: qty within the market's bounds, so that no amount overflows. */
struct walk walk_by_quantity(const struct walk_terms *terms, qty_t qty);

/* Whole lots for `quote` at most, and `most` lots at most. It ends at the first price where not
 * everything fits: a better price is never stepped over. */
struct walk walk_by_quote(const struct walk_terms *terms, amount_t quote, qty_t most);

/* Whether a FOK of this self-trade mode gets all of `qty`. */
bool walk_fills(const struct walk_terms *terms, uint8_t self_trade, qty_t qty);

/* Whether a taker with this limit (zero: none) trades with a maker on `makers` at `price`. */
static inline bool walk_reaches(price_t limit, enum side makers, price_t price)
{
    if (limit.ticks == 0) return true;
    return makers == SELL ? price.ticks <= limit.ticks : price.ticks >= limit.ticks;
}

#endif /* ENGINE_WALK_H */
