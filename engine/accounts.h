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
 *   A2  per asset, available + held over all accounts + fees + in flight = supply; no figure is below 0
 *   A3  an account's tier is at least its floor
 *   A4  pending_count accounts are pending
 */

#ifndef ENGINE_ACCOUNTS_H
#define ENGINE_ACCOUNTS_H

#include "common/fee.h"
#include "common/params.h"
#include "engine/slot_table.h"

struct arena;

struct account {
    uint8_t public_key[PUBLIC_KEY_BYTES]; /* all zero: none */
};

/* What every order and fill of an account asks for. */
struct account_terms {
    uint16_t tier;     /* its fees now */
    uint8_t floor;     /* the lowest tier it may have */
    bool frozen : 1;   /* it may cancel, and nothing else */
    bool pending : 1;  /* it may do nothing until an operator has approved of it */
    uint32_t tier_day; /* UTC day after the one on which the tier was last looked at */
};

struct balance {
    amount_t available;
    amount_t held;
    uint64_t touched; /* the command that touched it last */
};

/* One balance that the command in hand has touched. */
struct accounts_touch {
    uint32_t account;
    uint16_t asset;
    uint16_t unused;
};

struct accounts {
    struct account *accounts;    /* by number; 0 is nobody */
    struct account_terms *terms; /* likewise */
    struct balance *balances;    /* account x assets_max + asset */
    struct accounts_touch *touches;
    struct slot_table by_public_key;
    amount_t supply[PARAMS_ASSETS_LIMIT];
    amount_t fees[PARAMS_ASSETS_LIMIT];
    amount_t in_flight[PARAMS_ASSETS_LIMIT]; /* withdrawn, and not gone yet */
    uint64_t command;                        /* whose touches these are */
    uint32_t touch_count;
    uint32_t touches_max;
    uint32_t count;
    uint32_t pending_count; /* of them */
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

/* Also false for an account that does not exist. */
static inline bool accounts_frozen(const struct accounts *accounts, uint32_t account)
{
    return accounts_exists(accounts, account) && accounts->terms[account].frozen;
}

/* Likewise. Mostly nobody is. */
static inline bool accounts_pending(const struct accounts *accounts, uint32_t account)
{
    return accounts->pending_count != 0 && accounts_exists(accounts, account) &&
           accounts->terms[account].pending;
}

/* Needs: the account exists, and is otherwise. */
void accounts_set_pending(struct accounts *accounts, uint32_t account, bool pending);

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

/* Of the functions below: the balance, to be changed by the command in hand. */
static inline struct balance *accounts_touch(struct accounts *accounts, uint32_t account,
                                             uint16_t asset)
{
    ASSERT(accounts_exists(accounts, account) && asset < accounts->assets_max);
    struct balance *balance = &accounts->balances[(size_t)account * accounts->assets_max + asset];
    if (balance->touched == accounts->command) return balance;

    ASSERT(accounts->touch_count < accounts->touches_max);
    balance->touched = accounts->command;
    accounts->touches[accounts->touch_count++] =
        (struct accounts_touch){.account = account, .asset = asset};
    return balance;
}

/* Moves from available to held. False, and nothing done, when there is not as much available. An
 * amount of 0 touches nothing, here and below. */
MUST_CHECK static inline bool accounts_hold(struct accounts *accounts, uint32_t account,
                                            uint16_t asset, amount_t amount)
{
    ASSERT(amount.units >= 0);
    if (accounts_balance(accounts, account, asset)->available.units < amount.units) return false;
    if (amount.units == 0) return true;
    struct balance *balance = accounts_touch(accounts, account, asset);
    balance->available.units -= amount.units;
    balance->held.units += amount.units;
    return true;
}

/* Moves from held back to available. Needs: as much is held. */
static inline void accounts_release(struct accounts *accounts, uint32_t account, uint16_t asset,
                                    amount_t amount)
{
    if (amount.units == 0) return;
    struct balance *balance = accounts_touch(accounts, account, asset);
    ASSERT(amount.units >= 0 && amount.units <= balance->held.units);
    balance->held.units -= amount.units;
    balance->available.units += amount.units;
}

/* Takes `paid` from held, to be received by another, and moves `freed` from held back to available.
 * Needs: as much is held; paid > 0. */
static inline void accounts_spend(struct accounts *accounts, uint32_t account, uint16_t asset,
                                  amount_t paid, amount_t freed)
{
    struct balance *balance = accounts_touch(accounts, account, asset);
    ASSERT(paid.units > 0 && freed.units >= 0);
    balance->held.units -= paid.units + freed.units;
    balance->available.units += freed.units;
    ASSERT(balance->held.units >= 0);
}

/* Adds `amount` less the fee to available. Needs: somebody spent it; fee <= amount. */
static inline void accounts_receive(struct accounts *accounts, uint32_t account, uint16_t asset,
                                    amount_t amount, amount_t fee)
{
    ASSERT(fee.units >= 0 && fee.units <= amount.units);
    accounts->fees[asset].units += fee.units;
    if (amount.units == fee.units) return;
    struct balance *balance = accounts_touch(accounts, account, asset);
    balance->available.units += amount.units - fee.units; /* at most the supply, which fits */
}

/* Gives a maker its rebate out of the fees. Needs: as much was charged. */
static inline void accounts_rebate(struct accounts *accounts, uint32_t account, uint16_t asset,
                                   amount_t amount)
{
    if (amount.units == 0) return;
    ASSERT(amount.units > 0);
    accounts_touch(accounts, account, asset)->available.units += amount.units;
    accounts->fees[asset].units -= amount.units;
}

/* Withdrawals: from held into flight; out of the exchange, and of the supply, but for the fee; or back to available.
 * Needs: as much is there; amount > 0. */
static inline void accounts_depart(struct accounts *accounts, uint32_t account, uint16_t asset,
                                   amount_t amount)
{
    struct balance *balance = accounts_touch(accounts, account, asset);
    ASSERT(amount.units > 0 && amount.units <= balance->held.units);
    balance->held.units -= amount.units;
    accounts->in_flight[asset].units += amount.units;
}

static inline void accounts_arrive(struct accounts *accounts, uint16_t asset, amount_t paid,
                                   amount_t fee)
{
    ASSERT(paid.units > 0 && fee.units >= 0 &&
           paid.units + fee.units <= accounts->in_flight[asset].units);
    accounts->in_flight[asset].units -= paid.units + fee.units;
    accounts->fees[asset].units += fee.units;
    accounts->supply[asset].units -= paid.units;
}

static inline void accounts_return(struct accounts *accounts, uint32_t account, uint16_t asset,
                                   amount_t amount)
{
    ASSERT(amount.units > 0 && amount.units <= accounts->in_flight[asset].units);
    accounts->in_flight[asset].units -= amount.units;
    accounts_touch(accounts, account, asset)->available.units += amount.units;
}

/* What is touched from here on belongs to this command. Needs: a number not used before. */
void accounts_begin(struct accounts *accounts, uint64_t command);

/* Writes a BALANCE for each balance touched, in the order of their first touch. */
void accounts_write_touched(const struct accounts *accounts, struct event_writer *out);

/* Asserts A1 and A2. O(accounts x assets). */
bool accounts_check(const struct accounts *accounts);

#endif /* ENGINE_ACCOUNTS_H */
