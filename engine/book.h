/* One market's resting orders: two ladders of prices, first in first out at a price.
 *
 * The book keeps orders and their order. It holds no policy: who may trade with whom, and at what
 * price, is match.c's. All books share one pool of orders and one of levels (struct books), and one
 * list of the levels that the command in hand has changed.
 *
 * A level left empty by the command stays where it is, asleep: one change per level and command, also when
 * the command fills it again. When the command's changes are read out it is parked: prices near the touch come and go all the time, and a level that hangs already is filled again
 * at once. The parking place is a ring; who has been there longest is removed, if it is empty.
 *
 * Owner    the engine thread
 * Memory   the caller's arena, by book_all_init
 * Limits   orders_max orders and levels_max levels in all books; the caller counts before it adds.
 *          Empty levels do not count. Within a command at most as many are emptied and made as counted
 *          before it, and one more: who lets orders wait outside the book counts their levels too.
 * Cost     front, best price, fill, remove: O(1), but for the step to the next price when the best one
 *          empties. Add: O(1) at the queue, plus the ladder's find. Slot 0 of the
 *          orders takes what is written to no neighbour.
 *
 * Invariants, all asserted by book_check:
 *   B1  best bid < best ask: the book never rests crossed
 *   B2  a level's quantity is the sum of what its orders show, its hidden quantity the sum of what they
 *       hide; an empty level is asleep, has neither, and is among the command's changes or parked
 *   B3  within a level, whoever joined first is first: ids rise from oldest to newest among orders that
 *       have no extra and are in no list. Stops and legs join late, icebergs again with each slice.
 *   B4  every resting order shows something and knows its market, side, price and level
 *   B5  a level is in the ring of parked ones, once, when it is marked as parked
 */

#ifndef ENGINE_BOOK_H
#define ENGINE_BOOK_H

#include "engine/ladder.h"
#include "engine/order.h"

struct params;

/* A level as the command left it. */
struct book_change {
    price_t price;
    qty_t qty; /* 0: gone */
    uint16_t market;
    enum side side;
};

struct book {
    struct ladder sides[2]; /* by enum side */
    uint64_t last_order;    /* ids given so far; each is per market */
    uint64_t last_trade;
    uint64_t last_aggregate;
    uint64_t last_update;
};

/* What a level does not say itself. */
struct book_tag {
    uint16_t market;
    uint8_t side;
    bool parked; /* it is in the ring */
};

struct books {
    struct order_pool orders;
    struct ladder_pool levels;
    struct book *markets;  /* markets_max of them */
    int64_t *hidden;       /* lots that icebergs hide, by level */
    struct book_tag *tags; /* by level */
    uint32_t *changed;     /* levels, in order of first change */
    uint32_t change_count;
    uint32_t change_next; /* the first not read out yet */
    uint32_t *parked;     /* a ring of levels, NO_SLOT: free */
    uint32_t parked_next; /* the one parked longest, whose place is the next */
    uint32_t parked_mask;
    uint32_t levels_max;
};

/* Slots for orders: as many as may be open, and one for an order that takes. */
uint32_t book_order_slots(const struct params *params);

size_t book_all_bytes(const struct params *params);

/* False when the arena is too small. */
MUST_CHECK bool book_all_init(struct books *books, struct arena *arena,
                              const struct params *params);

static inline const struct level *book_best(const struct books *books, uint16_t market,
                                            enum side side)
{
    return &books->levels.levels[books->markets[market].sides[side].best];
}

/* The order that trades next on `side`, or NO_SLOT. */
static inline uint32_t book_front(const struct books *books, uint16_t market, enum side side)
{
    return book_best(books, market, side)->oldest;
}

/* The best price of `side`, 0 when it is empty. */
static inline price_t book_best_price(const struct books *books, uint16_t market, enum side side)
{
    return book_best(books, market, side)->price;
}

/* Whether an order at this side and price would need a new level and there is none left, `reserved` of
 * them being others' to come. */
bool book_levels_full(const struct books *books, uint16_t market, enum side side, price_t price,
                      uint32_t reserved);

/* Whether somebody on `side` trades at `limit` or better. Needs: limit > 0. */
static inline bool book_reaches(const struct books *books, uint16_t market, enum side side,
                                price_t limit)
{
    return ladder_reaches(&books->markets[market].sides[side], limit);
}

/* Of the functions below: the level is among the command's changes. */
static inline void book_mark(struct books *books, uint32_t slot, struct level *level)
{
    if (level->change != 0) return;
    ASSERT(books->change_count < books->levels_max + 3);
    books->changed[books->change_count] = slot;
    level->change = ++books->change_count;
}

static inline struct ladder *book_ladder(struct books *books, const struct order *order)
{
    return &books->markets[order->market].sides[order->side];
}

/* Takes the order out of its queue. Whether that is empty then. */
static inline bool book_unqueue(struct books *books, uint32_t slot, struct level *level)
{
    struct order *orders = books->orders.orders;
    const uint32_t older = orders[slot].older, newer = orders[slot].newer;
    const uint32_t oldest = level->oldest, newest = level->newest;
    orders[older].newer = newer;
    orders[newer].older = older;
    level->oldest = order_choose(older == NO_SLOT, newer, oldest);
    level->newest = order_choose(newer == NO_SLOT, older, newest);
    return (older | newer) == NO_SLOT;
}

/* Puts the order, which has its market, side, price and left, to the back of the queue at its price.
 * What an iceberg hides is book_hide's.
 * Needs: it does not cross (B1), a level is to be had. */
static inline void book_add(struct books *books, uint32_t slot)
{
    struct order *orders = books->orders.orders, *order = &orders[slot];
    struct ladder *ladder = book_ladder(books, order);
    ASSERT(order->left.lots > 0);

    const uint32_t level_slot = ladder_add(&books->levels, ladder, order->price);
    struct level *level = &books->levels.levels[level_slot];
    const uint32_t newest = level->newest;
    order->level = level_slot;
    order->older = newest;
    order->newer = NO_SLOT;
    level->newest = slot;
    level->qty.lots += order->left.lots;
    book_mark(books, level_slot, level);
    if (newest != NO_SLOT) {
        orders[newest].newer = slot;
    } else {
        books->tags[level_slot].market = order->market;
        books->tags[level_slot].side = order->side;
        level->oldest = slot;
        ladder_wake(&books->levels, ladder, level_slot);
    }
}

/* Takes `by` off what the order has left and keeps its place. An order with nothing left must then be
 * removed or refreshed. Needs: it rests, and 0 < by <= left. */
static inline void book_reduce(struct books *books, uint32_t slot, qty_t by)
{
    struct order *order = &books->orders.orders[slot];
    struct level *level = &books->levels.levels[order->level];
    ASSERT(by.lots > 0);

    order->left = qty_less(order->left, by);
    level->qty = qty_less(level->qty, by);
    book_mark(books, order->level, level);
}

/* The same, by a match. */
static inline void book_fill(struct books *books, uint32_t slot, qty_t by)
{
    book_reduce(books, slot, by);
}

/* Takes the order out of its queue, with whatever it shows; what it hides must have been taken off by
 * book_hide. The slot stays the caller's to give back to the pool. */
static inline void book_remove(struct books *books, uint32_t slot)
{
    const struct order *order = &books->orders.orders[slot];
    const uint32_t level_slot = order->level;
    struct level *level = &books->levels.levels[level_slot];

    level->qty = qty_less(level->qty, order->left);
    book_mark(books, level_slot, level);
    if (!book_unqueue(books, slot, level)) return;

    ASSERT(level->qty.lots == 0); /* B2 */
    INVARIANT(books->hidden[level_slot] == 0);
    ladder_sleep(&books->levels, book_ladder(books, order), level_slot);
}

/* An iceberg shows its next slice: `left` of it, at the back of its queue. What the level hides changes
 * by book_hide alone. Needs: it rests and nothing of it is shown; left > 0. */
void book_refresh(struct books *books, uint32_t slot, qty_t left);

/* Changes what the order's level hides. Needs: the order rests; the sum stays at or above zero. */
void book_hide(struct books *books, uint32_t slot, int64_t lots);

/* Of book_next_change, for an empty level that is not parked. */
void book_park(struct books *books, uint32_t level);

/* Takes the next of the command's changes, in the order in which the levels first changed. False when
 * all have been taken: the next change is the next command's. Between two calls the books must not
 * change. */
static inline bool book_next_change(struct books *books, struct book_change *change)
{
    if (books->change_next == books->change_count) {
        books->change_next = books->change_count = 0;
        return false;
    }
    const uint32_t slot = books->changed[books->change_next++];
    struct level *level = &books->levels.levels[slot];
    const struct book_tag *tag = &books->tags[slot];
    *change = (struct book_change){level->price, level->qty, tag->market, (enum side)tag->side};
    level->change = 0;
    if (level->oldest == NO_SLOT && !tag->parked) book_park(books, slot);
    return true;
}

/* Hints: they ask for cache lines ahead of their use and change nothing. Each reads only what the one
 * before it has brought, so give some commands' time between them. */

/* A command will place an order here: its level. */
static inline void book_hint_place(const struct books *books, uint16_t market, enum side side,
                                   price_t price)
{
    const struct ladder *ladder = &books->markets[market].sides[side];
    const uint64_t key = ladder_key(ladder, price);
    const uint32_t leaf = ladder->leaves[(key >> LADDER_DIGIT_BITS) % LADDER_LEAVES];
    const uint32_t level = books->levels.nodes[leaf].children[key % LADDER_DIGIT_COUNT];
    __builtin_prefetch(&books->levels.levels[level], 1);
}

/* After book_hint_place: the order it will queue behind. */
static inline void book_hint_queue(const struct books *books, uint16_t market, enum side side,
                                   price_t price)
{
    const uint32_t level =
        ladder_find_near(&books->levels, &books->markets[market].sides[side], price);
    __builtin_prefetch(&books->orders.orders[books->levels.levels[level].newest], 1);
}

/* A command will cancel this order: itself. `slot` may be stale. */
static inline void book_hint_order(const struct books *books, uint32_t slot)
{
    __builtin_prefetch(&books->orders.orders[slot], 1);
    __builtin_prefetch(&books->orders.orders[slot].created_ns, 1);
}

/* After book_hint_order: its neighbours and its level. */
static inline void book_hint_neighbours(const struct books *books, uint32_t slot)
{
    const struct order *order = &books->orders.orders[slot];
    __builtin_prefetch(&books->orders.orders[order->older], 1);
    __builtin_prefetch(&books->orders.orders[order->newer], 1);
    __builtin_prefetch(&books->levels.levels[order->level], 1);
}

/* Asserts B1 to B4 and the ladders. O(orders of this market). Returns the count of resting orders. */
uint32_t book_check(const struct books *books, uint16_t market);

#endif /* ENGINE_BOOK_H */
