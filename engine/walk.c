#include "engine/walk.h"

/* Where a walk stands: a level within reach, and what it can give, shown and hidden. */
struct step {
    const struct walk_terms *terms;
    const struct ladder *ladder;
    uint32_t level; /* NO_SLOT: past the end of the book, or of the reach */
    price_t price;
    qty_t qty;
    bool has_own; /* an order of `own` waits here */
};

/* Takes the own orders' quantity out of the step. */
static void own_skip(struct step *step)
{
    const struct order_pool *pool = &step->terms->books->orders;
    uint32_t slot = step->terms->books->levels.levels[step->level].oldest;
    for (; slot != NO_SLOT; slot = pool->orders[slot].newer) {
        const struct order *order = &pool->orders[slot];
        if (order->account != step->terms->own) continue;
        step->has_own = true;
        step->qty.lots -= order->left.lots;
        if (order->extra != NO_SLOT) step->qty.lots -= pool->extras[order->extra].hidden.lots;
    }
}

static void step_to(struct step *step, uint32_t level)
{
    const struct books *books = step->terms->books;
    step->level = level;
    step->has_own = false;
    if (level == NO_SLOT) return;
    step->price = books->levels.levels[level].price;
    if (!walk_reaches(step->terms->limit, step->terms->makers, step->price)) {
        step->level = NO_SLOT;
        return;
    }
    step->qty.lots = books->levels.levels[level].qty.lots + books->hidden[level];
    if (step->terms->own != 0) own_skip(step);
}

static struct step step_first(const struct walk_terms *terms)
{
    const struct book *book = &terms->books->markets[terms->market_index];
    struct step step = {.terms = terms, .ladder = &book->sides[terms->makers]};
    step_to(&step, step.ladder->best);
    return step;
}

static void step_next(struct step *step)
{
    step_to(step, ladder_next(&step->terms->books->levels, step->ladder, step->level));
}

static void walk_take(struct walk *walk, const struct market *market, price_t price, qty_t qty)
{
    walk->qty.lots += qty.lots;
    walk->quote.units += market_notional(market, price, qty).units;
}

struct walk walk_by_quantity(const struct walk_terms *terms, qty_t qty)
{
    struct walk walk = {.stopped = false};
    struct step step = step_first(terms);
    while (step.level != NO_SLOT && walk.qty.lots < qty.lots) {
        walk_take(&walk, terms->market, step.price, qty_min(step.qty, qty_less(qty, walk.qty)));
        step_next(&step);
    }
    return walk;
}

static int64_t lot_quote(const struct market *market, price_t price)
{
    return market_notional(market, price, (qty_t){1}).units;
}

struct walk walk_by_quote(const struct walk_terms *terms, amount_t quote, qty_t most)
{
    const struct market *market = terms->market;
    struct walk walk = {.stopped = false};
    struct step step = step_first(terms);

    while (step.level != NO_SLOT && walk.qty.lots < most.lots) {
        const int64_t left = quote.units - walk.quote.units;
        const qty_t affordable = {left / lot_quote(market, step.price)};
        const qty_t allowed = qty_less(most, walk.qty);
        const qty_t qty = qty_min(step.qty, qty_min(affordable, allowed));
        walk_take(&walk, market, step.price, qty);
        if (qty.lots < step.qty.lots) break;
        step_next(&step);
    }
    while (step.level != NO_SLOT && step.qty.lots == 0)
        step_next(&step); /* nobody's but the taker's own */
    const int64_t left = quote.units - walk.quote.units;
    walk.stopped = left == 0 || (step.level != NO_SLOT && lot_quote(market, step.price) > left);
    return walk;
}

bool walk_fills(const struct walk_terms *terms, uint8_t self_trade, qty_t qty)
{
    const bool passes_own = self_trade == SELF_TRADE_NONE || self_trade == SELF_TRADE_EXPIRE_MAKER;
    struct step step = step_first(terms);
    int64_t lots = 0;
    while (step.level != NO_SLOT && lots < qty.lots) {
        if (step.has_own && !passes_own) return false;
        lots += step.qty.lots;
        step_next(&step);
    }
    return lots >= qty.lots;
}
