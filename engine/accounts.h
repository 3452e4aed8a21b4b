/* Accounts and their balances: what is available, what is held, and what a command touched.
 *
 * An asset's supply is what was credited less what was debited. Trades only move it between balances
 * and the fees, so that no balance can overflow once the supply fits.
 *
 * Owner    the engine thread
 * Memory   the caller's arena: accounts_max x assets_max balances, untouched pages cost nothing
 * Limits   accounts are numbered 1 .. accounts_max; supply of an asset < 2^63 units
 * Cost     O(1)
 *
 * Invariants, all asserted by accounts_check:
 *   A1  available >= 0 and held >= 0, always
 *   A2  per asset, available + held over all accounts + fees = supply
 */

#ifndef ENGINE_ACCOUNTS_H
#define ENGINE_ACCOUNTS_H

#include "common/fee.h"
#include "common/params.h"
#include "engine/slot_table.h"

struct arena;

struct account {
    uint8_t public_key[PUBLIC_KEY_BYTES]; /* all zero: none */
    uint16_t tier;
};

struct balance {
    amount_t available;
    amount_t held;
    uint64_t touched; /* the command that touched it last */
};

/* One balance the command in hand has touched, as it was before. */
struct accounts_touch {
    amount_t available_before;
    amount_t held_before;
    uint32_t account;
    uint16_t asset;
};

struct accounts {
    struct account *accounts; /* by number; 0 is nobody */
    struct balance *balances; /* account x assets_max + asset */
    struct accounts_touch *touches;
    struct slot_table by_public_key;
    amount_t supply[PARAMS_ASSETS_LIMIT];
    amount_t fees[PARAMS_ASSETS_LIMIT];
    uint64_t command; /* whose touches these are */
    uint32_t touch_count;
    uint32_t touches_max;
    uint32_t count;
    uint32_t accounts_max;
    uint32_t assets_max;
};

size_t accounts_bytes(const struct params *params);

/* False when the arena is too small. */
MUST_CHECK bool accounts_init(struct accounts *accounts, struct arena *arena,
                              const struct params *params);

/* The number of the new account. Needs: count < accounts_max, the public key is not taken. */
uint32_t accounts_create(struct accounts *accounts, uint16_t tier,
                         const uint8_t public_key[PUBLIC_KEY_BYTES]);

/* The account with this public key, or 0. An all-zero key is nobody's. */
uint32_t accounts_find(const struct accounts *accounts, const uint8_t public_key[PUBLIC_KEY_BYTES]);

static inline bool accounts_exists(const struct accounts *accounts, uint32_t account)
{
    return account >= 1 && account <= accounts->count;
}

static inline const struct balance *accounts_balance(const struct accounts *accounts,
                                                     uint32_t account, uint16_t asset)
{
    return &accounts->balances[(size_t)account * accounts->assets_max + asset];
}

/* Adds to available and to the supply. False, and nothing done, when the supply would not fit.
 * Needs: amount > 0. */
MUST_CHECK bool accounts_credit(struct accounts *accounts, uint32_t account, uint16_t asset,
                                amount_t amount);

/* Takes from available and from the supply. False, and nothing done, when there is not as much. */
MUST_CHECK bool accounts_debit(struct accounts *accounts, uint32_t account, uint16_t asset,
                               amount_t amount);

/* Moves from available to held. False, and nothing done, when there is not as much available. */
MUST_CHECK bool accounts_hold(struct accounts *accounts, uint32_t account, uint16_t asset,
                              amount_t amount);

/* Moves from held back to available. Needs: as much is held. */
void accounts_release(struct accounts *accounts, uint32_t account, uint16_t asset, amount_t amount);

/* Takes from held, to be received by another. Needs: as much is held. */
void accounts_spend(struct accounts *accounts, uint32_t account, uint16_t asset, amount_t amount);

/* Adds `amount` less the fee to available. Needs: somebody spent it; fee <= amount. */
void accounts_receive(struct accounts *accounts, uint32_t account, uint16_t asset, amount_t amount,
                      amount_t fee);

/* What is touched from here on belongs to this command. Needs: a number not used before. */
void accounts_begin(struct accounts *accounts, uint64_t command);

/* Writes a BALANCE for each balance touched, in the order of their first touch. */
void accounts_write_touched(const struct accounts *accounts, struct event_writer *out);

/* Asserts A1 and A2. O(accounts x assets). */
bool accounts_check(const struct accounts *accounts);

#endif /* ENGINE_ACCOUNTS_H */
