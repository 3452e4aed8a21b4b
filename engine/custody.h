/* What the engine remembers of deposits, withdrawals and addresses. The rules are deposit.h's and withdrawal.h's.
 *
 * Deposits and withdrawals are numbered from 1 and lie in rings: number n in place n mod capacity. The oldest is
 * forgotten when a new one needs its place, and only once it has come to an end. Of a chain whose deposits
 * were forgotten a floor remains: what lies at or below it is not taken again.
 *
 * Owner    the engine thread
 * Memory   the caller's arena: 120 bytes a deposit, 232 a withdrawal, 96 an address, 16 an account and asset, 2 an account, and
 *          16 to 32 for finding each of the first three; touched as they come
 * Limits   params_transfers_max deposits and withdrawals, params_addresses_max addresses; answers, all of them
 * Cost     O(1)
 *
 * Invariants, all asserted by custody_check:
 *   C1  every deposit is found by its key, every withdrawal by its account and client id, every address, once
 *   C2  per asset, what is in flight is the sum of the withdrawals approved or broadcast
 *   C3  0 <= credited <= amount; all of it is credited when CREDITED, some when OWED, none when REORGED
 *   C4  listed_count is the number of addresses to withdraw to
 */

#ifndef ENGINE_CUSTODY_H
#define ENGINE_CUSTODY_H

#include "common/params.h"
#include "engine/slot_table.h"

#define CUSTODY_ADDRESSES_MAX 16 /* to withdraw to, of one account: nobody can use them all up */

struct arena;

struct address {
    uint64_t active_ns; /* good from then on; 0: not */
    uint32_t account;
    uint8_t kind; /* enum address_kind */
    uint8_t chain[CHAIN_BYTES];
    uint8_t address[CHAIN_ADDRESS_BYTES];
};

/* All of it that changes is in the event. */
struct withdrawal {
    struct withdrawal_moved_event facts;
    uint64_t deadline_ns; /* its signed request is good until then */
    uint32_t
        until_day; /* undone before this UTC day it does not count for its own; 0: it does (below rules 4) */
};

/* What an account has withdrawn of an asset on one UTC day. */
struct custody_day {
    amount_t sum;
    uint32_t day;
};

struct custody {
    struct address *addresses; /* 1 .. address_count */
    struct deposit_changed_event *deposits;
    struct withdrawal *withdrawals;
    struct custody_day *days; /* account x assets_max + asset */
    uint16_t *address_counts; /* by account: of those it may withdraw to, off the list or on it */
    struct slot_table by_address, by_deposit, by_withdrawal;
    uint64_t floors[PARAMS_ROUTES_LIMIT]; /* by the chain's first route */
    uint64_t deposit_count, deposit_last; /* the newest of them */
    uint64_t withdrawal_count, withdrawal_last;
    uint32_t address_count, address_capacity;
    uint32_t listed_count; /* of the addresses, those to withdraw to: what all accounts have */
    uint32_t capacity;     /* of each ring */
    uint32_t assets_max;
};

size_t custody_bytes(const struct params *params);

/* False when the arena is too small. */
MUST_CHECK bool custody_init(struct custody *custody, struct arena *arena,
                             const struct params *params);

/* Who deposits to it (account 0: whosoever it is), or the account's own to withdraw to; or NULL. */
struct address *custody_address(const struct custody *custody, uint8_t kind, uint32_t account,
                                const uint8_t chain[CHAIN_BYTES],
                                const uint8_t address[CHAIN_ADDRESS_BYTES]);

/* A new one, or NULL when all are in use, or all that the account may have on its list
 * (CUSTODY_ADDRESSES_MAX). Needs: there is none such, and its account is. */
struct address *custody_address_add(struct custody *custody, const struct address *address);

/* The deposit with this key that is remembered, or NULL. */
struct deposit_changed_event *custody_deposit(const struct custody *custody,
                                              const uint8_t chain[CHAIN_BYTES],
                                              const uint8_t txid[TXID_BYTES], uint32_t output);

/* Whether there is room for a new deposit: a place, or one whose deposit may be forgotten. */
bool custody_deposit_fits(const struct custody *custody);

/* Gives the deposit the next number and keeps it. Needs: custody_deposit_fits. */
struct deposit_changed_event *custody_deposit_add(struct custody *custody,
                                                  const struct params *params,
                                                  const struct deposit_changed_event *deposit);

/* The withdrawal with this number, or NULL; the account's with this client id, or NULL. */
struct withdrawal *custody_withdrawal(const struct custody *custody, uint64_t number);
struct withdrawal *custody_withdrawal_of(const struct custody *custody, uint32_t account,
                                         const uint8_t client_id[36]);

/* Gives it the next number and keeps it; NULL when the oldest may not be forgotten: it is under way, or its
 * signed request would still be taken. */
struct withdrawal *custody_withdrawal_add(struct custody *custody,
                                          const struct withdrawal *withdrawal, uint64_t stamp_ns);

/* Puts one back as it was, for restore.h. Needs: numbers follow one another; there is a place. */
void custody_deposit_put(struct custody *custody, const struct deposit_changed_event *deposit);
void custody_withdrawal_put(struct custody *custody, const struct withdrawal *withdrawal);

/* By number. Needs: it is remembered. */
static inline struct deposit_changed_event *custody_deposit_at(const struct custody *custody,
                                                               uint64_t number)
{
    return &custody->deposits[number % custody->capacity];
}

static inline struct withdrawal *custody_withdrawal_at(const struct custody *custody,
                                                       uint64_t number)
{
    return &custody->withdrawals[number % custody->capacity];
}

static inline struct custody_day *custody_day(const struct custody *custody, uint32_t account,
                                              uint16_t asset)
{
    return &custody->days[(size_t)account * custody->assets_max + asset];
}

static inline bool custody_departed(uint8_t state)
{
    return state == WITHDRAWAL_APPROVED || state == WITHDRAWAL_BROADCAST;
}

/* Asserts C1 to C4. O(all of them). */
bool custody_check(const struct custody *custody, const amount_t in_flight[PARAMS_ASSETS_LIMIT]);

#endif /* ENGINE_CUSTODY_H */
