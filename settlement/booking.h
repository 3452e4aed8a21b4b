/* Booking: postings onto the accounts and totals, and an order's hold moved to what it must be.
 *
 * Owner    the thread of the settlement it belongs to
 *
 * Invariants, checked by booking_post, a mismatch when broken:
 *   1  no user's available or held amount is below zero after a set
 *   2  no asset's fees account, and nothing in flight, is below zero after a set
 */

#ifndef SETTLEMENT_BOOKING_H
#define SETTLEMENT_BOOKING_H

#include "settlement/posting.h"
#include "settlement/state.h"

MUST_CHECK enum status booking_post(struct settlement *s, const struct posting_set *set);

/* What the order must hold by itself. False when only the engine's walk of the book could say: MARKET by
 * quote or BUY, a fired stop without a price on the BUY side, and when a product is out of range. */
MUST_CHECK bool booking_need(const struct settlement *s, const struct hold_entry *entry,
                             amount_t *need);

/* The open sibling of an order that is one of a pair, or NULL. */
struct hold_entry *booking_sibling(struct settlement *s, const struct hold_entry *entry);

/* What an open order holds between two commands: what it needs, or what its pair needs, of which the first
 * leg holds all. False when it cannot be counted. */
MUST_CHECK bool booking_due(struct settlement *s, const struct hold_entry *entry, amount_t *due);

/* Makes the order, or the pair it belongs to, hold what it needs now that less is left of it. Holds
 * that cannot be counted stay. Never takes more. */
MUST_CHECK enum status booking_shrink(struct settlement *s, struct hold_entry *entry);

/* Makes the order hold `to`, from or to what its account has available. */
MUST_CHECK enum status booking_hold(struct settlement *s, struct hold_entry *entry, amount_t to);

#endif /* SETTLEMENT_BOOKING_H */
