/* Which dead-man's switches are armed, by settlement's own count.
 *
 * Owner    the thread of the settlement it belongs to
 * Memory   the caller's arena: 40 bytes a switch and 12 to 24 for finding it, 4 an account, touched as they come
 * Limits   orders_max switches
 * Cost     find, next O(1); set, clear O(log switches) amortised
 */

#ifndef SETTLEMENT_SWITCH_BOOK_H
#define SETTLEMENT_SWITCH_BOOK_H

#include "common/assert.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct image_move;
struct switch_book;

struct switch_armed {
    uint64_t deadline_ns;
    uint32_t account;
    uint16_t market;
};

size_t switch_book_bytes(uint32_t orders_max, uint32_t accounts_max);
MUST_CHECK struct switch_book *switch_book_new(struct arena *arena, uint32_t orders_max,
                                               uint32_t accounts_max);

/* Arms the account's switch in the market anew. False when there are as many as there may be.
 * Needs: an account's number; 0 < deadline_ns <= INT64_MAX. */
MUST_CHECK bool switch_book_set(struct switch_book *book, uint32_t account, uint16_t market,
                                uint64_t deadline_ns);

/* Disarms it, if it is armed. */
void switch_book_clear(struct switch_book *book, uint32_t account, uint16_t market);

/* When the account's switch in the market fires; 0: it is not armed. */
uint64_t switch_book_deadline(const struct switch_book *book, uint32_t account, uint16_t market);

/* When the first of all fires; UINT64_MAX: none is armed. */
uint64_t switch_book_next(const struct switch_book *book);

uint32_t switch_book_count(const struct switch_book *book);
uint32_t switch_book_count_of(const struct switch_book *book, uint32_t account);

/* The switch at or after *slot, which moves past it; false at the end. In no order. */
MUST_CHECK bool switch_book_walk(const struct switch_book *book, uint32_t *slot,
                                 struct switch_armed *armed);

/* The book in an image of its memory (image.h); NULL when the arena is too small. */
MUST_CHECK struct switch_book *switch_book_image(struct arena *arena,
                                                 const struct switch_book *book,
                                                 const struct image_move *move);

#endif /* SETTLEMENT_SWITCH_BOOK_H */
