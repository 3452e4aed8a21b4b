/* What every open order still holds, by settlement's own count.
 *
 * Owner    the thread of the settlement it belongs to
 * Memory   the caller's arena; an entry stays where it is until the next add or remove
 * Limits   orders_max resting orders and the one that is being matched
 * Cost     O(1); open addressing with backward shift, so removing leaves no graves
 */

#ifndef SETTLEMENT_HOLD_BOOK_H
#define SETTLEMENT_HOLD_BOOK_H

#include "common/messages.h"

struct arena;
struct hold_book;

struct hold_entry {
    uint64_t order_id;
    uint32_t account; /* 0: a free slot */
    uint16_t market;
    uint16_t asset; /* of what is held */
    uint8_t side;
    uint8_t type;
    price_t price;           /* limit; 0 for MARKET */
    qty_t qty;               /* as ordered; 0 when ordered by quote amount */
    qty_t executed;          /* of it, filled */
    amount_t quote_executed; /* what the fills came to */
    amount_t left;           /* still held */
};

size_t hold_book_bytes(uint32_t orders_max);
MUST_CHECK struct hold_book *hold_book_new(struct arena *arena, uint32_t orders_max);

/* Copies `entry` in; NULL when the book is full or has this order. */
MUST_CHECK struct hold_entry *hold_book_add(struct hold_book *book, const struct hold_entry *entry);

/* NULL when the order is not open. */
struct hold_entry *hold_book_find(struct hold_book *book, uint16_t market, uint64_t order_id);

/* Needs: `entry` came from this book and is the order's. */
void hold_book_remove(struct hold_book *book, struct hold_entry *entry);

uint32_t hold_book_count(const struct hold_book *book);

/* The entry at or after *slot, which moves past it; NULL at the end. In no order: for checks. */
const struct hold_entry *hold_book_next(const struct hold_book *book, size_t *slot);

#endif /* SETTLEMENT_HOLD_BOOK_H */
