#include "engine/book.h"

#include "common/arena.h"
#include "common/params.h"

static size_t rounded(size_t byte_count)
{
    return (byte_count + 63) & ~(size_t)63;
}

/* Levels that one command can change: all that there are, and those it makes. It makes one for each
 * dormant order, which were counted with the levels before it, and one for each order it brings: three,
 * counted only after its switches have emptied levels. */
static uint32_t changes_max(const struct params *params)
{
    return params->levels_max + 3;
}

static size_t changed_bytes(const struct params *params)
{
    return rounded((size_t)changes_max(params) * sizeof(uint32_t));
}

/* Places in the ring of parked levels: enough that prices deep in a book are there when they come back, few
 * enough that those which never do are removed before they have left the cache. */
static uint32_t parked_places(const struct params *params)
{
    uint32_t places = 64;
    while (places < 4096 && places < params->levels_max / 2)
        places *= 2;
    return places;
}

/* Levels that hang: those that a command can change, those that are parked, and one on its way. */
static uint32_t levels_hung(const struct params *params)
{
    return changes_max(params) + parked_places(params) + 1;
}

static size_t hidden_bytes(const struct params *params)
{
    return rounded(((size_t)levels_hung(params) + 1) * sizeof(int64_t));
}

static size_t tag_bytes(const struct params *params)
{
    return rounded(((size_t)levels_hung(params) + 1) * sizeof(struct book_tag));
}

uint32_t book_order_slots(const struct params *params)
{
    return params->orders_max + 1;
}

size_t book_all_bytes(const struct params *params)
{
    return order_pool_bytes(book_order_slots(params)) + ladder_pool_bytes(levels_hung(params)) +
           rounded(params->markets_max * sizeof(struct book)) + hidden_bytes(params) +
           changed_bytes(params) + tag_bytes(params) + parked_places(params) * sizeof(uint32_t);
}

bool book_all_init(struct books *books, struct arena *arena, const struct params *params)
{
    const uint32_t places = parked_places(params);
    *books = (struct books){.levels_max = params->levels_max, .parked_mask = places - 1};
    if (!order_pool_init(&books->orders, arena, book_order_slots(params))) return false;
    if (!ladder_pool_init(&books->levels, arena, levels_hung(params))) return false;
    books->markets = arena_take_array(arena, params->markets_max, sizeof(struct book));
    books->hidden = arena_take(arena, hidden_bytes(params));
    books->changed = arena_take(arena, changed_bytes(params));
    books->tags = arena_take(arena, tag_bytes(params));
    books->parked = arena_take_array(arena, places, sizeof(uint32_t));
    if (books->markets == NULL || books->hidden == NULL || books->changed == NULL ||
        books->tags == NULL || books->parked == NULL)
        return false;

    for (uint32_t market = 0; market < params->markets_max; market++) {
        books->markets[market].sides[BUY].side = BUY;
        books->markets[market].sides[SELL].side = SELL;
    }
    return true;
}

bool book_levels_full(const struct books *books, uint16_t market, enum side side, price_t price,
                      uint32_t reserved)
{
    if (books->levels.level_count + reserved < books->levels_max) return false;
    return ladder_find(&books->levels, &books->markets[market].sides[side], price) == NO_SLOT;
}

void book_refresh(struct books *books, uint32_t slot, qty_t left)
{
    struct order *orders = books->orders.orders, *order = &orders[slot];
    struct level *level = &books->levels.levels[order->level];
    ASSERT(order->left.lots == 0 && left.lots > 0);

    order->left = left;
    level->qty.lots += left.lots;
    book_mark(books, order->level, level);
    if (order->newer == NO_SLOT) return; /* it is the last of its queue already */
    (void)book_unqueue(books, slot, level);
    order->older = level->newest;
    order->newer = NO_SLOT;
    orders[level->newest].newer = slot;
    level->newest = slot;
}

void book_hide(struct books *books, uint32_t slot, int64_t lots)
{
    int64_t *hidden = &books->hidden[books->orders.orders[slot].level];
    ASSERT(*hidden + lots >= 0);
    *hidden += lots;
}

void book_park(struct books *books, uint32_t level)
{
    uint32_t *place = &books->parked[books->parked_next++ & books->parked_mask];
    const uint32_t longest = *place;
    *place = level;
    books->tags[level].parked = true;
    if (longest == NO_SLOT) return;

    /* One that is in use leaves the ring alone, and comes back when it is empty again. */
    struct book_tag *tag = &books->tags[longest];
    tag->parked = false;
    const struct level *left = &books->levels.levels[longest];
    if (left->oldest == NO_SLOT && left->change == 0)
        ladder_remove(&books->levels, &books->markets[tag->market].sides[tag->side], longest);
}

/* Asserts B2 to B4 for one level that is awake; returns its orders' count. */
static uint32_t level_check(const struct books *books, uint16_t market, enum side side,
                            uint32_t level_slot)
{
    const struct level *level = &books->levels.levels[level_slot];
    int64_t lots = 0, hidden = 0;
    uint64_t last_id = 0;
    uint32_t count = 0, older = NO_SLOT;
    for (uint32_t slot = level->oldest; slot != NO_SLOT; slot = books->orders.orders[slot].newer) {
        const struct order *order = &books->orders.orders[slot];
        ASSERT(order->left.lots > 0 && order->left.lots <= order->qty.lots);
        ASSERT(order->market == market && order->side == side);
        ASSERT((order->flags & ORDER_DORMANT) == 0);
        ASSERT(order->price.ticks == level->price.ticks && order->level == level_slot);
        ASSERT(order->older == older);
        lots += order->left.lots;
        if (order->extra != NO_SLOT) hidden += books->orders.extras[order->extra].hidden.lots;
        if ((order->flags & ORDER_LISTED) == 0 && order->extra == NO_SLOT) {
            ASSERT(last_id < order->id); /* B3 */
            last_id = order->id;
        }
        older = slot;
        count++;
    }
    ASSERT(level->newest == older);
    ASSERT(count > 0);
    ASSERT(level->qty.lots == lots && books->hidden[level_slot] == hidden); /* B2 */
    return count;
}

/* Asserts B2 for the levels that the command has changed so far, and B5. */
static void marks_check(const struct books *books)
{
    for (uint32_t i = books->change_next; i < books->change_count; i++) {
        const uint32_t slot = books->changed[i];
        const struct level *level = &books->levels.levels[slot];
        ASSERT(level->change == i + 1);
        if (level->oldest == NO_SLOT) ASSERT(level->qty.lots == 0 && books->hidden[slot] == 0);
    }
    uint32_t parked = 0, marked = 0;
    for (uint32_t i = 0; i <= books->parked_mask; i++) {
        if (books->parked[i] == NO_SLOT) continue;
        ASSERT(books->tags[books->parked[i]].parked); /* B5 */
        parked++;
    }
    for (uint32_t slot = 1; slot <= books->levels.level_used; slot++)
        marked += books->tags[slot].parked;
    ASSERT(parked == marked); /* B5 */
}

static bool is_empty_of(const struct books *books, uint32_t slot, uint16_t market, enum side side)
{
    return slot != NO_SLOT && books->levels.levels[slot].oldest == NO_SLOT &&
           books->tags[slot].market == market && books->tags[slot].side == side;
}

/* Levels of one side without orders: each is among the changes or parked. */
static uint32_t empty_count(const struct books *books, uint16_t market, enum side side)
{
    uint32_t count = 0;
    for (uint32_t i = books->change_next; i < books->change_count; i++)
        count += is_empty_of(books, books->changed[i], market, side);
    for (uint32_t i = 0; i <= books->parked_mask; i++)
        count += is_empty_of(books, books->parked[i], market, side) &&
                 books->levels.levels[books->parked[i]].change == 0;
    return count;
}

uint32_t book_check(const struct books *books, uint16_t market)
{
    const struct book *book = &books->markets[market];
    uint32_t count = 0;
    marks_check(books);
    for (int side = BUY; side <= SELL; side++) {
        const struct ladder *ladder = &book->sides[side];
        ASSERT(ladder_check(&books->levels, ladder));
        uint32_t levels = empty_count(books, market, (enum side)side);
        for (uint32_t level = ladder->best; level != NO_SLOT;
             level = ladder_next(&books->levels, ladder, level)) {
            count += level_check(books, market, (enum side)side, level);
            levels++;
        }
        ASSERT(levels == ladder->hung_count); /* B2 */
    }
    const price_t bid = book_best_price(books, market, BUY);
    const price_t ask = book_best_price(books, market, SELL);
    ASSERT(bid.ticks == 0 || ask.ticks == 0 || bid.ticks < ask.ticks); /* B1 */
    return count;
}
