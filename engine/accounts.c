#include "engine/accounts.h"

#include "common/arena.h"

#include <string.h>

static size_t rounded(size_t byte_count)
{
    return (byte_count + 63) & ~(size_t)63;
}

/* A command touches two balances of each order it ends or fills, and those of one more. */
static uint32_t touch_limit(const struct params *params)
{
    const uint64_t by_orders = 2 * ((uint64_t)params->orders_max + 1);
    const uint64_t all = (uint64_t)params->accounts_max * params->assets_max;
    return (uint32_t)(by_orders < all ? by_orders : all);
}

static size_t account_slots(const struct params *params)
{
    return (size_t)params->accounts_max + 1;
}

size_t accounts_bytes(const struct params *params)
{
    return rounded(account_slots(params) * sizeof(struct account)) +
           rounded(account_slots(params) * sizeof(struct account_terms)) +
           rounded(account_slots(params) * params->assets_max * sizeof(struct balance)) +
           rounded(touch_limit(params) * sizeof(struct accounts_touch)) +
           slot_table_bytes(params->accounts_max);
}

bool accounts_init(struct accounts *accounts, struct arena *arena, const struct params *params)
{
    *accounts = (struct accounts){
        .accounts_max = params->accounts_max,
        .assets_max = params->assets_max,
        .touches_max = touch_limit(params),
    };
    const size_t slots = account_slots(params);
    accounts->accounts = arena_take_array(arena, slots, sizeof(struct account));
    accounts->terms = arena_take_array(arena, slots, sizeof(struct account_terms));
    accounts->balances =
        arena_take_array(arena, slots * params->assets_max, sizeof(struct balance));
    accounts->touches =
        arena_take_array(arena, accounts->touches_max, sizeof(struct accounts_touch));
    return accounts->accounts != NULL && accounts->terms != NULL && accounts->balances != NULL &&
           accounts->touches != NULL &&
           slot_table_init(&accounts->by_public_key, arena, params->accounts_max);
}

static uint32_t key_hash(const uint8_t *public_key)
{
    return slot_table_hash_bytes(0, public_key, PUBLIC_KEY_BYTES);
}

static bool key_given(const uint8_t *public_key)
{
    static const uint8_t none[PUBLIC_KEY_BYTES];
    return memcmp(public_key, none, PUBLIC_KEY_BYTES) != 0;
}

uint32_t accounts_find(const struct accounts *accounts, const uint8_t public_key[PUBLIC_KEY_BYTES])
{
    if (!key_given(public_key)) return 0;
    const uint32_t hash = key_hash(public_key);
    uint32_t place = slot_table_home(&accounts->by_public_key, hash), account;
    while ((account = slot_table_next(&accounts->by_public_key, hash, &place)) != 0)
        if (memcmp(accounts->accounts[account].public_key, public_key, PUBLIC_KEY_BYTES) == 0)
            return account;
    return 0;
}

uint32_t accounts_create(struct accounts *accounts, uint16_t tier,
                         const uint8_t public_key[PUBLIC_KEY_BYTES])
{
    ASSERT(accounts->count < accounts->accounts_max);
    ASSERT(accounts_find(accounts, public_key) == 0);

    const uint32_t number = ++accounts->count;
    accounts->terms[number] = (struct account_terms){.tier = tier, .floor = (uint8_t)tier};
    memcpy(accounts->accounts[number].public_key, public_key, PUBLIC_KEY_BYTES);
    if (key_given(public_key))
        slot_table_add(&accounts->by_public_key, key_hash(public_key), number);
    return number;
}

void accounts_set_pending(struct accounts *accounts, uint32_t account, bool pending)
{
    ASSERT(accounts_exists(accounts, account) && accounts->terms[account].pending != pending);
    accounts->terms[account].pending = pending;
    if (pending)
        accounts->pending_count++;
    else
        accounts->pending_count--;
}

bool accounts_credit(struct accounts *accounts, uint32_t account, uint16_t asset, amount_t amount)
{
    ASSERT(amount.units > 0);
    if (!amount_add(accounts->supply[asset], amount, &accounts->supply[asset])) return false;
    struct balance *balance = accounts_touch(accounts, account, asset);
    balance->available.units += amount.units; /* at most the supply, which fits */
    return true;
}

bool accounts_debit(struct accounts *accounts, uint32_t account, uint16_t asset, amount_t amount)
{
    ASSERT(amount.units > 0);
    if (accounts_balance(accounts, account, asset)->available.units < amount.units) return false;
    accounts_touch(accounts, account, asset)->available.units -= amount.units;
    accounts->supply[asset].units -= amount.units;
    return true;
}

void accounts_begin(struct accounts *accounts, uint64_t command)
{
    ASSERT(command > accounts->command);
    accounts->command = command;
    accounts->touch_count = 0;
}

void accounts_write_touched(const struct accounts *accounts, struct event_writer *out)
{
    for (uint32_t i = 0; i < accounts->touch_count; i++) {
        const struct accounts_touch *touched = &accounts->touches[i];
        const struct balance *balance =
            accounts_balance(accounts, touched->account, touched->asset);
        ASSERT(balance->available.units >= 0 && balance->held.units >= 0); /* A1 */
        const struct balance_event event = {
            .available = balance->available,
            .held = balance->held,
            .account = touched->account,
            .asset = touched->asset,
        };
        event_write_balance(out, &event);
    }
}

bool accounts_check(const struct accounts *accounts)
{
    for (uint16_t asset = 0; asset < accounts->assets_max; asset++) {
        ASSERT(accounts->fees[asset].units >= 0 && accounts->in_flight[asset].units >= 0); /* A2 */
        int64_t sum = accounts->fees[asset].units + accounts->in_flight[asset].units;
        for (uint32_t account = 1; account <= accounts->count; account++) {
            const struct balance *balance = accounts_balance(accounts, account, asset);
            ASSERT(balance->available.units >= 0 && balance->held.units >= 0); /* A1 */
            sum += balance->available.units + balance->held.units;
        }
        ASSERT(sum == accounts->supply[asset].units); /* A2 */
    }
    for (uint32_t account = 1; account <= accounts->count; account++)
        ASSERT(accounts->terms[account].tier >= accounts->terms[account].floor); /* A3 */
    uint32_t pending = 0;
    for (uint32_t account = 1; account <= accounts->count; account++)
        pending += accounts->terms[account].pending;
    ASSERT(pending == accounts->pending_count); /* A4 */
    ASSERT(slot_table_check(&accounts->by_public_key));
    return true;
}
