/* What each account traded in the last 30 days, and the fee tier that this makes due.
 *
 * Owner    the thread of the settlement it belongs to
 * Memory   the caller's arena: 8 bytes an account, and 256 that are touched when volume counts
 * Limits   a day's volume and the sum of 30 hold at 2^63 - 1; days never fall
 * Cost     O(1) a fill; a tier O(30 days + tiers)
 */

#ifndef SETTLEMENT_TIER_BOOK_H
#define SETTLEMENT_TIER_BOOK_H

#include "common/params.h"

#define TIER_BOOK_DAY_NS 86400000000000u
#define TIER_BOOK_DAYS   31 /* the present one and the 30 that count */

struct arena;
struct image_move;
struct tier_book;

size_t tier_book_bytes(uint32_t accounts_max);
MUST_CHECK struct tier_book *tier_book_new(struct arena *arena, uint32_t accounts_max);

/* The lowest tier that the account may have. Needs: 1 <= account <= accounts_max, here and below. */
void tier_book_set_floor(struct tier_book *book, uint32_t account, uint16_t tier);

/* Whether volume has any bearing: some tier asks for it. */
bool tier_book_counts(const struct params *params);

/* The market by whose last price the quote asset of `market` is worth something in the volume asset:
 * the first with that base and this quote. False when there is none. */
MUST_CHECK bool tier_book_reference(const struct params *params, uint16_t market,
                                    uint16_t *reference);

/* What a trade of this market is worth in the volume asset; `reference_last` is the last price of the
 * reference market, 0 when there is none. */
amount_t tier_book_value(const struct params *params, uint16_t market, amount_t base,
                         amount_t quote, uint16_t reference, price_t reference_last);

/* Adds to what the account traded on `day`. */
void tier_book_add(struct tier_book *book, uint32_t account, uint32_t day, amount_t value);

/* The account's tier on `day`. */
uint16_t tier_book_due(const struct tier_book *book, const struct params *params, uint32_t account,
                       uint32_t day);

/* Asks for the memory of tier_book_look (expect.h). */
void tier_book_expect(const struct tier_book *book, uint32_t account);

/* Whether the account's tier was looked at on `day` already; it is from here on. */
bool tier_book_look(struct tier_book *book, uint32_t account, uint32_t day);

/* The same as it stands, and the lowest tier. */
bool tier_book_looked(const struct tier_book *book, uint32_t account, uint32_t day);
uint16_t tier_book_floor(const struct tier_book *book, uint32_t account);

/* The first day from *day on that is kept and on which the account traded; false: there is none. */
MUST_CHECK bool tier_book_traded(const struct tier_book *book, uint32_t account, uint32_t *day,
                                 amount_t *value);

/* The book in an image of its memory (image.h); NULL when the arena is too small. */
MUST_CHECK struct tier_book *tier_book_image(struct arena *arena, const struct tier_book *book,
                                             const struct image_move *move);

#endif /* SETTLEMENT_TIER_BOOK_H */
