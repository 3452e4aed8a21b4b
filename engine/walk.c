#include "engine/walk.h"

/* Where a walk stands: a level, and what it can give, shown and hidden. */
struct step {
    const struct books *books;
    const struct ladder *ladder;
    uint32_t level; /* NO_SLOT: past the end of the book */
    price_t price;
    qty_t qty;
};

static void step_to(struct step *step, uint32_t level)
{
    step->level = level;
    step->price = step->books->levels.levels[level].price;
    step->qty.lots = step->books->levels.levels[level].qty.lots + step->books->hidden[level];
}

static struct step step_first(const struct books *books, uint16_t market, enum side makers)
{
    struct step step = {.books = books, .ladder = &books->markets[market].sides[makers]};
    step_to(&step, step.ladder->best);
    return step;
}

static void step_next(struct step *step)
{
    step_to(step, ladder_next(&step->books->levels, step->ladder, step->level));
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
    struct step step = step_first(books, market_index, makers);

    while (step.level != NO_SLOT && walk.qty.lots < qty.lots &&
           walk_reaches(limit, makers, step.price)) {
        walk_take(&walk, market, step.price, qty_min(step.qty, qty_less(qty, walk.qty)));
        step_next(&step);
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
    struct step step = step_first(books, market_index, makers);

    while (step.level != NO_SLOT && walk.qty.lots < market->qty_max.lots) {
        const int64_t left = quote.units - walk.quote.units;
        const qty_t affordable = {left / lot_quote(market, step.price)};
        const qty_t allowed = qty_less(market->qty_max, walk.qty);
        const qty_t qty = qty_min(step.qty, qty_min(affordable, allowed));
        walk_take(&walk, market, step.price, qty);
        if (qty.lots < step.qty.lots) break;
        step_next(&step);
    }
    const int64_t left = quote.units - walk.quote.units;
    walk.stopped = left == 0 || (step.level != NO_SLOT && lot_quote(market, step.price) > left);
    return walk;
}
