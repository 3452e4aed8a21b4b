#include "engine/walk.h"

static const struct level *level_at(const struct books *books, uint32_t slot)
{
    return slot == NO_SLOT ? NULL : &books->levels.levels[slot];
}

static const struct level *best_level(const struct books *books, uint16_t market, enum side side)
{
    return level_at(books, books->markets[market].sides[side].best);
}

static void walk_take(struct walk *walk, const struct market *market, price_t price, qty_t qty)
{
    walk->qty.lots += qty.lots;
    walk->quote.units += market_notional(market, price, qty).units;
}

struct walk walk_by_quantity(const struct books *books, const struct market *market,
                             uint16_t market_index, enum side makers, price_t limit, qty_t qty)
{
    struct walk walk = {.stopped = false};
    const struct level *level = best_level(books, market_index, makers);

    while (level != NULL && walk.qty.lots < qty.lots && walk_reaches(limit, makers, level->price)) {
        walk_take(&walk, market, level->price, qty_min(level->qty, qty_less(qty, walk.qty)));
        level = level_at(books, level->worse);
    }
    return walk;
}

static int64_t lot_quote(const struct market *market, price_t price)
{
    return market_notional(market, price, (qty_t){1}).units;
}

struct walk walk_by_quote(const struct books *books, const struct market *market,
                          uint16_t market_index, enum side makers, amount_t quote)
{
    struct walk walk = {.stopped = false};
    const struct level *level = best_level(books, market_index, makers);

    while (level != NULL && walk.qty.lots < market->qty_max.lots) {
        const int64_t left = quote.units - walk.quote.units;
        const qty_t affordable = {left / lot_quote(market, level->price)};
        const qty_t allowed = qty_less(market->qty_max, walk.qty);
        const qty_t qty = qty_min(level->qty, qty_min(affordable, allowed));
        walk_take(&walk, market, level->price, qty);
        if (qty.lots < level->qty.lots) break;
        level = level_at(books, level->worse);
    }
    const int64_t left = quote.units - walk.quote.units;
    walk.stopped = left == 0 || (level != NULL && lot_quote(market, level->price) > left);
    return walk;
}
