/* What settlement remembers of deposits, withdrawals and addresses, by its own count.
 *
 * Deposits and withdrawals are numbered from 1; of each the last `capacity` at most are remembered, the
 * older ones forgotten as new ones come.
 *
 * Owner    the thread of the settlement it belongs to
 * Memory   the caller's arena: 104 bytes a deposit, 208 a withdrawal, 96 an address, 16 an account and asset, 4 an account, and 12 to
 *          24 for finding each of the first three; touched as they come
 * Limits   params_transfers_max deposits and withdrawals, params_addresses_max addresses
 * Cost     O(1)
 */

#ifndef SETTLEMENT_CUSTODY_BOOK_H
#define SETTLEMENT_CUSTODY_BOOK_H

#include "common/params.h"

struct arena;
struct custody_book;
struct image_move;

struct custody_withdrawal {
    struct withdrawal_moved_event facts;
    uint64_t deadline_ns; /* of the request */
    uint32_t until_day;   /* undone before this UTC day it does not count for its own; 0: it does */
};

/* How many are remembered, and the number of the newest. */
struct custody_span {
    uint64_t count;
    uint64_t last;
};

size_t custody_book_bytes(const struct params *params);
MUST_CHECK struct custody_book *custody_book_new(struct arena *arena, const struct params *params);

/* ---- Addresses: those to deposit to have no owner as part of their name (account 0 finds them). */
struct address_changed_event *custody_book_address(const struct custody_book *book, uint8_t kind,
                                                   uint32_t account, const uint8_t *chain,
                                                   const uint8_t *address);
/* False when all are in use. Needs: one to withdraw to has an account's number, from 1. */
MUST_CHECK bool custody_book_add_address(struct custody_book *book,
                                         const struct address_changed_event *address);
uint32_t custody_book_address_count(const struct custody_book *book);
/* Of those to withdraw to how many the account has; 0: how many there are of all accounts. */
uint32_t custody_book_listed(const struct custody_book *book, uint32_t account);
/* From 0, as they came. */
const struct address_changed_event *custody_book_address_at(const struct custody_book *book,
                                                            uint32_t index);

/* ---- Deposits. */
struct deposit_changed_event *custody_book_deposit(const struct custody_book *book,
                                                   const uint8_t *chain, const uint8_t *txid,
                                                   uint32_t output);
/* By number. Needs: it is remembered. */
struct deposit_changed_event *custody_book_deposit_at(const struct custody_book *book,
                                                      uint64_t number);
struct custody_span custody_book_deposits(const struct custody_book *book);
/* The one that a new deposit puts out; NULL: there is a place. */
const struct deposit_changed_event *custody_book_deposit_put_out(const struct custody_book *book);
/* Needs: its number is the next, or the book is empty. */
void custody_book_add_deposit(struct custody_book *book,
                              const struct deposit_changed_event *deposit);

/* ---- Withdrawals, likewise. */
struct custody_withdrawal *custody_book_withdrawal_of(const struct custody_book *book,
                                                      uint32_t account, const uint8_t *client_id);
/* NULL when it is not remembered. */
struct custody_withdrawal *custody_book_withdrawal(const struct custody_book *book,
                                                   uint64_t number);
struct custody_span custody_book_withdrawals(const struct custody_book *book);
const struct custody_withdrawal *custody_book_withdrawal_put_out(const struct custody_book *book);
void custody_book_add_withdrawal(struct custody_book *book,
                                 const struct custody_withdrawal *withdrawal);

/* ---- What is left of what was forgotten: by the chain's first route, below which no deposit is new. */
uint64_t *custody_book_floor(struct custody_book *book, int chain);

/* What the account withdrew of the asset on `day`; adding to it, or taking off it what was added. */
int64_t custody_book_withdrawn(const struct custody_book *book, uint32_t account, uint16_t asset,
                               uint32_t day);
void custody_book_add_withdrawn(struct custody_book *book, uint32_t account, uint16_t asset,
                                uint32_t day, amount_t amount);

/* Takes note of how many there were. For a book that is being restored. */
void custody_book_set_last(struct custody_book *book, uint64_t deposit, uint64_t withdrawal);

/* The book in an image of its memory (image.h); NULL when the arena is too small. */
MUST_CHECK struct custody_book *custody_book_image(struct arena *arena,
                                                   const struct custody_book *book,
                                                   const struct image_move *move);

#endif /* SETTLEMENT_CUSTODY_BOOK_H */
