#include "settlement/price_trail.h"

/* Makes one mark of every two neighbours: the older price, which is the outer one, at the younger
 * trade. */
static uint32_t thin(struct price_mark *marks, uint32_t count)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i + 1 < count; i += 2)
        marks[kept++] = (struct price_mark){marks[i + 1].trade_id, marks[i].price};
    if (count % 2 == 1) marks[kept++] = marks[count - 1];
    return kept;
}

/* `sign` is 1 for highs and -1 for lows. */
static uint32_t add(struct price_mark *marks, uint32_t count, struct price_mark mark, int64_t sign)
{
    while (count > 0 && sign * marks[count - 1].price.ticks <= sign * mark.price.ticks)
        count--;
    if (count == PRICE_TRAIL_MAX) count = thin(marks, count);
    marks[count] = mark;
    return count + 1;
}

void price_trail_add(struct price_trail *trail, uint64_t trade_id, price_t price)
{
    const struct price_mark mark = {trade_id, price};
    trail->high_count = add(trail->highs, trail->high_count, mark, 1);
    trail->low_count = add(trail->lows, trail->low_count, mark, -1);
}

/* The first mark that is not older than the trade. */
static price_t since(const struct price_mark *marks, uint32_t count, uint64_t first_trade)
{
    uint32_t from = 0, to = count;
    while (from < to) {
        const uint32_t middle = from + (to - from) / 2;
        if (marks[middle].trade_id < first_trade)
            from = middle + 1;
        else
            to = middle;
    }
    return from == count ? (price_t){0} : marks[from].price;
}

price_t price_trail_high(const struct price_trail *trail, uint64_t first_trade)
{
    return since(trail->highs, trail->high_count, first_trade);
}

price_t price_trail_low(const struct price_trail *trail, uint64_t first_trade)
{
    return since(trail->lows, trail->low_count, first_trade);
}

void price_trail_forget(struct price_trail *trail)
{
    trail->high_count = trail->low_count = 0;
}
