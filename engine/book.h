/* One market's resting orders: two ladders of prices, first in first out at a price.
 *
 * The book keeps orders and their order. It holds no policy: who may trade with whom, and at what
 * price, is match.c's. All books share one pool of orders and one of levels (struct books), and one
 * list of the levels that the command in hand has changed.
 *
 * Owner    the engine thread
 * Memory   the caller's arena, by book_all_init
 * Limits   orders_max orders and levels_max levels in all books; the caller counts before it adds
 * Cost     front, fill, remove: O(1). Add: O(1) at the queue, plus one descent of the ladder
 *
 * Invariants, all asserted by book_check:
 *   B1  best bid < best ask: the book never rests crossed
 *   B2  a level's quantity is the sum of its orders' and is never zero
 *   B3  within a level, ids rise from oldest to newest
 *   B4  every resting order has something left and knows its market, side, price and level
 */

#ifndef ENGINE_BOOK_H
#define ENGINE_BOOK_H

#include "engine/ladder.h"
#include "engine/order.h"

struct params;

/* A level as it was left by the command. */
struct book_change {
    price_t price;
    qty_t qty; /* 0: gone */
    uint32_t level;
    enum side side;
};

struct book {
    struct ladder sides[2]; /* by enum side */
    uint64_t last_order;    /* ids given so far; each is per market */
    uint64_t last_trade;
    uint64_t last_aggregate;
    uint64_t last_update;
};

struct books {
    struct order_pool orders;
    struct ladder_pool levels;
    struct book *markets; /* markets_max of them */
    struct book_change *changes;
    uint32_t change_count;
};

size_t book_all_bytes(const struct params *params);

/* False when the arena is too small. */
MUST_CHECK bool book_all_init(struct books *books, struct arena *arena,
                              const struct params *params);

/* The order that trades next on `side`, or NO_SLOT. */
static inline uint32_t book_front(const struct books *books, uint16_t market, enum side side)
{
    return books->levels.levels[books->markets[market].sides[side].best].oldest;
}

/* Whether an order at this side and price would need a new level and there is none left. */
bool book_levels_full(const struct books *books, uint16_t market, enum side side, price_t price);

/* Puts the order, which has its market, side, price and left, to the back of the queue at its price.
 * Needs: it does not cross (B1), its id is the newest of its market, a level is to be had. */
void book_add(struct books *books, uint32_t order);

/* Takes `by` off what the order has left. An order with nothing left must then be removed.
 * Needs: it rests, and 0 < by <= left. */
void book_fill(struct books *books, uint32_t order, qty_t by);

/* Takes the order out of its queue, with whatever it has left; the slot stays the caller's to give
 * back to the pool. */
void book_remove(struct books *books, uint32_t order);

/* Writes a LEVEL for each changed level, in the order in which they first changed, and forgets them.
 * Needs: all changes since the last call were in `market`. */
void book_write_changes(struct books *books, uint16_t market, struct event_writer *out);

/* Asserts B1 to B4 and the ladders. O(orders of this market). Returns their count. */
uint32_t book_check(const struct books *books, uint16_t market);

#endif /* ENGINE_BOOK_H */
