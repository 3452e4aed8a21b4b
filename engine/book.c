#include "engine/book.h"

#include "common/arena.h"
#include "common/params.h"

static size_t rounded(size_t byte_count)
{
    return (byte_count + 63) & ~(size_t)63;
}

size_t book_all_bytes(const struct params *params)
{
    return order_pool_bytes(params->orders_max) + ladder_pool_bytes(params->levels_max) +
           rounded(params->markets_max * sizeof(struct book)) +
           rounded(((size_t)params->levels_max + 1) * sizeof(struct book_change));
}

bool book_all_init(struct books *books, struct arena *arena, const struct params *params)
{
    *books = (struct books){.change_count = 0};
    if (!order_pool_init(&books->orders, arena, params->orders_max)) return false;
    if (!ladder_pool_init(&books->levels, arena, params->levels_max)) return false;
    books->markets = arena_take_array(arena, params->markets_max, sizeof(struct book));
    /* A command changes each level that is there, and makes one more. */
    books->changes =
        arena_take_array(arena, (size_t)params->levels_max + 1, sizeof(struct book_change));
    if (books->markets == NULL || books->changes == NULL) return false;

    for (uint32_t market = 0; market < params->markets_max; market++) {
        books->markets[market].sides[BUY].side = BUY;
        books->markets[market].sides[SELL].side = SELL;
    }
    return true;
}

bool book_levels_full(const struct books *books, uint16_t market, enum side side, price_t price)
{
    if (books->levels.level_count < books->levels.capacity) return false;
    return ladder_find(&books->levels, &books->markets[market].sides[side], price) == NO_SLOT;
}

/* Notes the level's quantity as the command's last word on it, so far. */
static void level_changed(struct books *books, uint32_t slot, uint8_t side)
{
    struct level *level = &books->levels.levels[slot];
    if (level->change == 0) {
        ASSERT(books->change_count <= books->levels.capacity);
        level->change = ++books->change_count;
    }
    books->changes[level->change - 1] =
        (struct book_change){level->price, level->qty, slot, (enum side)side};
}

void book_add(struct books *books, uint32_t slot)
{
    struct order *order = &books->orders.orders[slot];
    struct ladder *ladder = &books->markets[order->market].sides[order->side];
    ASSERT(order->left.lots > 0);

    order->level = ladder_add(&books->levels, ladder, order->price);
    struct level *level = &books->levels.levels[order->level];
    order->older = level->newest;
    order->newer = NO_SLOT;
    if (level->newest == NO_SLOT)
        level->oldest = slot;
    else
        books->orders.orders[level->newest].newer = slot;
    level->newest = slot;
    level->order_count++;
    level->qty.lots += order->left.lots;
    level_changed(books, order->level, order->side);
}

void book_fill(struct books *books, uint32_t slot, qty_t by)
{
    struct order *order = &books->orders.orders[slot];
    struct level *level = &books->levels.levels[order->level];
    ASSERT(by.lots > 0);

    order->left = qty_less(order->left, by);
    level->qty = qty_less(level->qty, by);
    level_changed(books, order->level, order->side);
}

void book_remove(struct books *books, uint32_t slot)
{
    struct order *orders = books->orders.orders, *order = &orders[slot];
    struct level *level = &books->levels.levels[order->level];

    if (order->older == NO_SLOT)
        level->oldest = order->newer;
    else
        orders[order->older].newer = order->newer;
    if (order->newer == NO_SLOT)
        level->newest = order->older;
    else
        orders[order->newer].older = order->older;

    level->qty = qty_less(level->qty, order->left);
    level->order_count--;
    level_changed(books, order->level, order->side);
    if (level->order_count > 0) return;

    ASSERT(level->qty.lots == 0); /* B2 */
    ladder_remove(&books->levels, &books->markets[order->market].sides[order->side], order->level);
}

void book_write_changes(struct books *books, uint16_t market, struct event_writer *out)
{
    for (uint32_t i = 0; i < books->change_count; i++) {
        const struct book_change *change = &books->changes[i];
        const struct level_event event = {
            .update_id = ++books->markets[market].last_update,
            .price = change->price,
            .qty = change->qty,
            .market = market,
            .side = (uint8_t)change->side,
        };
        event_write_level(out, &event);
        /* A level that is gone has no mark to clear: its slot may be another's by now. */
        if (change->qty.lots != 0) books->levels.levels[change->level].change = 0;
    }
    books->change_count = 0;
}

/* Asserts B2 to B4 for one level; returns its orders' count. */
static uint32_t level_check(const struct books *books, uint16_t market, enum side side,
                            uint32_t level_slot)
{
    const struct level *level = &books->levels.levels[level_slot];
    int64_t lots = 0;
    uint32_t count = 0, older = NO_SLOT;
    for (uint32_t slot = level->oldest; slot != NO_SLOT; slot = books->orders.orders[slot].newer) {
        const struct order *order = &books->orders.orders[slot];
        ASSERT(order->left.lots > 0 && order->left.lots <= order->qty.lots);
        ASSERT(order->market == market && order->side == side);
        ASSERT(order->price.ticks == level->price.ticks && order->level == level_slot);
        ASSERT(order->older == older);
        ASSERT(older == NO_SLOT || books->orders.orders[older].id < order->id); /* B3 */
        lots += order->left.lots;
        older = slot;
        count++;
    }
    ASSERT(level->newest == older);
    ASSERT(level->order_count == count && count > 0);
    ASSERT(level->qty.lots == lots && lots > 0); /* B2 */
    return count;
}

uint32_t book_check(const struct books *books, uint16_t market)
{
    const struct book *book = &books->markets[market];
    uint32_t count = 0;
    for (int side = BUY; side <= SELL; side++) {
        const struct ladder *ladder = &book->sides[side];
        ASSERT(ladder_check(&books->levels, ladder));
        for (uint32_t level = ladder->best; level != NO_SLOT;
             level = books->levels.levels[level].worse)
            count += level_check(books, market, (enum side)side, level);
    }
    const uint32_t bid = book->sides[BUY].best, ask = book->sides[SELL].best;
    if (bid != NO_SLOT && ask != NO_SLOT)
        ASSERT(books->levels.levels[bid].price.ticks <
               books->levels.levels[ask].price.ticks); /* B1 */
    return count;
}
