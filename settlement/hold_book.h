/* What every open order still holds and may still do, by settlement's own count.
 *
 * Owner    the thread of the settlement it belongs to
 * Memory   the caller's arena: 192 bytes an order and 12 to 24 for finding it, touched as orders come;
 *          an entry stays where it is until it is removed
 * Limits   orders_max open orders and the one that is being matched
 * Cost     O(1)
 */

#ifndef SETTLEMENT_HOLD_BOOK_H
#define SETTLEMENT_HOLD_BOOK_H

#include "common/messages.h"

struct arena;
struct hold_book;
struct image_move;

enum hold_state {
    HOLD_PENDING = 1, /* waits for the working order of its list */
    HOLD_ASLEEP,      /* a stop that has not fired */
    HOLD_FIRED,       /* a stop whose price has come; it triggers within the command, or ends */
    HOLD_WORKING,     /* takes or rests */
};

/* What an order has to do before its command is over. */
enum hold_owed {
    HOLD_OWES_END = 1,     /* nothing is left of it, or it cannot rest */
    HOLD_OWES_TRIGGER = 2, /* its price has come */
    HOLD_OWES_RELEASE = 4, /* its working order is filled */
};

struct hold_entry {
    uint64_t order_id;
    uint64_t created_ns;
    uint64_t client_hash;      /* of its client id */
    uint64_t list_id;          /* 0: none */
    uint64_t list_first;       /* the list's leg a; the others follow */
    uint64_t list_client_hash; /* of the list's client id */
    uint64_t ready_command;    /* in which it may take; 0: it rests */
    uint64_t start_trade;      /* trailing: the first trade since it started; 0: not started */
    price_t price;             /* limit; 0: none */
    price_t stop_price;        /* 0: none */
    price_t hold_price;        /* by which a buyer's hold is counted; 0: by the engine's walk */
    price_t woken_price;       /* fired: by this price; trailing: the extreme it started from */
    qty_t qty;                 /* as ordered or amended; 0 when ordered by quote amount */
    qty_t executed;            /* of it, filled */
    qty_t prevented;           /* of it, not let trade */
    qty_t iceberg_qty;         /* what it shows at most; 0: all */
    qty_t shown;               /* an iceberg's part in the book; 0: not known yet */
    amount_t quote_qty;        /* as ordered */
    amount_t quote_executed;   /* what the fills came to */
    amount_t left;             /* still held; of a pair: with one of the two */
    uint32_t account;          /* 0: a free entry */
    uint32_t origin;           /* the node of its session */
    uint32_t session;          /* 0: bound to none */
    uint32_t trailing_delta;
    uint16_t market;
    uint16_t asset; /* of what is held */
    uint8_t side;
    uint8_t type;
    uint8_t time_in_force;
    uint8_t self_trade;
    uint8_t state;     /* enum hold_state */
    uint8_t owed;      /* enum hold_owed */
    uint8_t list_kind; /* enum list_kind */
    uint8_t leg;       /* of its list, 0 to 2 */
};

size_t hold_book_bytes(uint32_t orders_max);
MUST_CHECK struct hold_book *hold_book_new(struct arena *arena, uint32_t orders_max);

/* Copies `entry` in; NULL when the book is full or has this order. */
MUST_CHECK struct hold_entry *hold_book_add(struct hold_book *book, const struct hold_entry *entry);

/* Asks for the memory in which hold_book_find begins; then, when that is there, of the order (expect.h). */
void hold_book_expect(const struct hold_book *book, uint16_t market, uint64_t order_id);
void hold_book_expect_entry(const struct hold_book *book, uint16_t market, uint64_t order_id);

/* NULL when the order is not open. */
struct hold_entry *hold_book_find(struct hold_book *book, uint16_t market, uint64_t order_id);

/* Needs: `entry` came from this book and is the order's. */
void hold_book_remove(struct hold_book *book, struct hold_entry *entry);

uint32_t hold_book_count(const struct hold_book *book);

/* An entry's number, from 1 to orders_max + 1, and back. Needs: it is an order's. */
uint32_t hold_book_number(const struct hold_book *book, const struct hold_entry *entry);
struct hold_entry *hold_book_at(struct hold_book *book, uint32_t number);

/* The entry at or after *slot, which moves past it; NULL at the end. In no order: for checks. */
const struct hold_entry *hold_book_next(const struct hold_book *book, size_t *slot);

/* The book in an image of its memory (image.h); NULL when the arena is too small. */
MUST_CHECK struct hold_book *hold_book_image(struct arena *arena, const struct hold_book *book,
                                             const struct image_move *move);

#endif /* SETTLEMENT_HOLD_BOOK_H */
