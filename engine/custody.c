#include "engine/custody.h"

#include "common/arena.h"

static size_t rounded(size_t byte_count)
{
    return (byte_count + 63) & ~(size_t)63;
}

static size_t day_slots(const struct params *params)
{
    return ((size_t)params->accounts_max + 1) * params->assets_max;
}

size_t custody_bytes(const struct params *params)
{
    const size_t transfers = params_transfers_max(params);
    const uint32_t addresses = params_addresses_max(params);
    return rounded(((size_t)addresses + 1) * sizeof(struct address)) +
           rounded(transfers * sizeof(struct deposit_changed_event)) +
           rounded(transfers * sizeof(struct withdrawal)) +
           rounded(day_slots(params) * sizeof(struct custody_day)) +
           rounded(((size_t)params->accounts_max + 1) * sizeof(uint16_t)) +
           slot_table_bytes(addresses) + 2 * slot_table_bytes((uint32_t)transfers);
}

bool custody_init(struct custody *custody, struct arena *arena, const struct params *params)
{
    const uint32_t transfers = params_transfers_max(params);
    const uint32_t addresses = params_addresses_max(params);
    *custody = (struct custody){
        .capacity = transfers, .address_capacity = addresses, .assets_max = params->assets_max};
    custody->addresses = arena_take_array(arena, (size_t)addresses + 1, sizeof(struct address));
    custody->deposits = arena_take_array(arena, transfers, sizeof(struct deposit_changed_event));
    custody->withdrawals = arena_take_array(arena, transfers, sizeof(struct withdrawal));
    custody->days = arena_take_array(arena, day_slots(params), sizeof(struct custody_day));
    custody->address_counts =
        arena_take_array(arena, (size_t)params->accounts_max + 1, sizeof(uint16_t));
    return custody->address_counts != NULL && custody->addresses != NULL &&
           custody->deposits != NULL && custody->withdrawals != NULL && custody->days != NULL &&
           slot_table_init(&custody->by_address, arena, addresses) &&
           slot_table_init(&custody->by_deposit, arena, transfers) &&
           slot_table_init(&custody->by_withdrawal, arena, transfers);
}

/* ---- Addresses. */

/* An address to deposit to is one account's: whose it is, is not part of its name. */
static uint32_t address_hash(uint8_t kind, uint32_t account, const uint8_t *chain,
                             const uint8_t *address)
{
    const uint32_t owner = kind == ADDRESS_DEPOSIT ? 0 : account;
    const uint32_t first = slot_table_hash_bytes(kind, chain, CHAIN_BYTES);
    return slot_table_hash_bytes((uint64_t)owner << 32 | first, address, CHAIN_ADDRESS_BYTES);
}

struct address *custody_address(const struct custody *custody, uint8_t kind, uint32_t account,
                                const uint8_t chain[CHAIN_BYTES],
                                const uint8_t address[CHAIN_ADDRESS_BYTES])
{
    const uint32_t hash = address_hash(kind, account, chain, address);
    uint32_t place = slot_table_home(&custody->by_address, hash), slot;
    while ((slot = slot_table_next(&custody->by_address, hash, &place)) != 0) {
        struct address *found = &custody->addresses[slot];
        if (found->kind == kind && (kind == ADDRESS_DEPOSIT || found->account == account) &&
            memcmp(found->chain, chain, CHAIN_BYTES) == 0 &&
            memcmp(found->address, address, CHAIN_ADDRESS_BYTES) == 0)
            return found;
    }
    return NULL;
}

struct address *custody_address_add(struct custody *custody, const struct address *address)
{
    uint16_t *own = &custody->address_counts[address->account];
    if (custody->address_count == custody->address_capacity) return NULL;
    if (address->kind == ADDRESS_WITHDRAWAL && *own == CUSTODY_ADDRESSES_MAX) return NULL;
    if (address->kind == ADDRESS_WITHDRAWAL) {
        ++*own;
        custody->listed_count++;
    }
    const uint32_t slot = ++custody->address_count;
    custody->addresses[slot] = *address;
    slot_table_add(&custody->by_address,
                   address_hash(address->kind, address->account, address->chain, address->address),
                   slot);
    return &custody->addresses[slot];
}

/* ---- Rings. A place's slot in the tables is its number in the ring, from 1. */

static uint32_t slot_of(const struct custody *custody, uint64_t number)
{
    return (uint32_t)(number % custody->capacity) + 1;
}

static uint32_t deposit_hash(const uint8_t *chain, const uint8_t *txid, uint32_t output)
{
    const uint32_t first = slot_table_hash_bytes(output, chain, CHAIN_BYTES);
    return slot_table_hash_bytes(first, txid, TXID_BYTES);
}

struct deposit_changed_event *custody_deposit(const struct custody *custody,
                                              const uint8_t chain[CHAIN_BYTES],
                                              const uint8_t txid[TXID_BYTES], uint32_t output)
{
    const uint32_t hash = deposit_hash(chain, txid, output);
    uint32_t place = slot_table_home(&custody->by_deposit, hash), slot;
    while ((slot = slot_table_next(&custody->by_deposit, hash, &place)) != 0) {
        struct deposit_changed_event *found = &custody->deposits[slot - 1];
        if (found->output == output && memcmp(found->chain, chain, CHAIN_BYTES) == 0 &&
            memcmp(found->txid, txid, TXID_BYTES) == 0)
            return found;
    }
    return NULL;
}

void custody_deposit_put(struct custody *custody, const struct deposit_changed_event *deposit)
{
    ASSERT(custody->deposit_count < custody->capacity);
    custody->deposit_last = deposit->deposit;
    custody->deposit_count++;
    *custody_deposit_at(custody, deposit->deposit) = *deposit;
    slot_table_add(&custody->by_deposit,
                   deposit_hash(deposit->chain, deposit->txid, deposit->output),
                   slot_of(custody, deposit->deposit));
}

static uint64_t oldest_deposit(const struct custody *custody)
{
    return custody->deposit_last + 1 - custody->deposit_count;
}

bool custody_deposit_fits(const struct custody *custody)
{
    if (custody->deposit_count < custody->capacity) return true;
    const uint8_t state = custody_deposit_at(custody, oldest_deposit(custody))->state;
    return state == DEPOSIT_CREDITED || state == DEPOSIT_REORGED;
}

static void deposit_forget(struct custody *custody, const struct params *params)
{
    const uint64_t number = oldest_deposit(custody);
    const struct deposit_changed_event *oldest = custody_deposit_at(custody, number);
    const int chain = params_find_chain(params, oldest->chain);
    ASSERT(chain >= 0); /* routes stay */
    if (custody->floors[chain] < oldest->height) custody->floors[chain] = oldest->height;
    slot_table_remove(&custody->by_deposit,
                      deposit_hash(oldest->chain, oldest->txid, oldest->output),
                      slot_of(custody, number));
    custody->deposit_count--;
}

struct deposit_changed_event *custody_deposit_add(struct custody *custody,
                                                  const struct params *params,
                                                  const struct deposit_changed_event *deposit)
{
    ASSERT(custody_deposit_fits(custody));
    if (custody->deposit_count == custody->capacity) deposit_forget(custody, params);
    struct deposit_changed_event numbered = *deposit;
    numbered.deposit = custody->deposit_last + 1;
    custody_deposit_put(custody, &numbered);
    return custody_deposit_at(custody, numbered.deposit);
}

struct withdrawal *custody_withdrawal(const struct custody *custody, uint64_t number)
{
    if (number > custody->withdrawal_last ||
        custody->withdrawal_last - number >= custody->withdrawal_count)
        return NULL;
    return custody_withdrawal_at(custody, number);
}

struct withdrawal *custody_withdrawal_of(const struct custody *custody, uint32_t account,
                                         const uint8_t client_id[36])
{
    const uint32_t hash = slot_table_hash_text(account, client_id);
    uint32_t place = slot_table_home(&custody->by_withdrawal, hash), slot;
    while ((slot = slot_table_next(&custody->by_withdrawal, hash, &place)) != 0) {
        struct withdrawal *found = &custody->withdrawals[slot - 1];
        if (found->facts.account == account && memcmp(found->facts.client_id, client_id, 36) == 0)
            return found;
    }
    return NULL;
}

void custody_withdrawal_put(struct custody *custody, const struct withdrawal *withdrawal)
{
    const struct withdrawal_moved_event *facts = &withdrawal->facts;
    ASSERT(custody->withdrawal_count < custody->capacity);
    custody->withdrawal_last = facts->withdrawal;
    custody->withdrawal_count++;
    *custody_withdrawal_at(custody, facts->withdrawal) = *withdrawal;
    slot_table_add(&custody->by_withdrawal, slot_table_hash_text(facts->account, facts->client_id),
                   slot_of(custody, facts->withdrawal));
}

static bool withdrawal_forget(struct custody *custody, uint64_t stamp_ns)
{
    const uint64_t number = custody->withdrawal_last + 1 - custody->withdrawal_count;
    const struct withdrawal *oldest = custody_withdrawal_at(custody, number);
    if (oldest->facts.state == WITHDRAWAL_HELD || custody_departed(oldest->facts.state) ||
        oldest->deadline_ns >= stamp_ns)
        return false;
    slot_table_remove(&custody->by_withdrawal,
                      slot_table_hash_text(oldest->facts.account, oldest->facts.client_id),
                      slot_of(custody, number));
    custody->withdrawal_count--;
    return true;
}

struct withdrawal *custody_withdrawal_add(struct custody *custody,
                                          const struct withdrawal *withdrawal, uint64_t stamp_ns)
{
    if (custody->withdrawal_count == custody->capacity && !withdrawal_forget(custody, stamp_ns))
        return NULL;
    struct withdrawal numbered = *withdrawal;
    numbered.facts.withdrawal = custody->withdrawal_last + 1;
    custody_withdrawal_put(custody, &numbered);
    return custody_withdrawal_at(custody, numbered.facts.withdrawal);
}

/* ---- Checks. */

static void deposits_check(const struct custody *custody)
{
    for (uint64_t i = 0; i < custody->deposit_count; i++) {
        const uint64_t number = custody->deposit_last - i;
        const struct deposit_changed_event *deposit = custody_deposit_at(custody, number);
        const int64_t credited = deposit->credited.units, amount = deposit->amount.units;
        ASSERT(deposit->deposit == number);
        ASSERT(custody_deposit(custody, deposit->chain, deposit->txid, deposit->output) ==
               deposit);                                                  /* C1 */
        ASSERT(amount > 0 && credited >= 0 && credited <= amount);        /* C3 */
        ASSERT(deposit->state != DEPOSIT_CREDITED || credited == amount); /* C3 */
        ASSERT(deposit->state != DEPOSIT_REORGED || credited == 0);       /* C3 */
        ASSERT(deposit->state != DEPOSIT_OWED || credited > 0);           /* C3 */
    }
    ASSERT(custody->by_deposit.count == custody->deposit_count); /* C1 */
}

bool custody_check(const struct custody *custody, const amount_t in_flight[PARAMS_ASSETS_LIMIT])
{
    int64_t departed[PARAMS_ASSETS_LIMIT] = {0};
    deposits_check(custody);
    for (uint64_t i = 0; i < custody->withdrawal_count; i++) {
        const struct withdrawal *withdrawal =
            custody_withdrawal_at(custody, custody->withdrawal_last - i);
        const struct withdrawal_moved_event *facts = &withdrawal->facts;
        ASSERT(custody_withdrawal_of(custody, facts->account, facts->client_id) ==
               withdrawal); /* C1 */
        if (custody_departed(facts->state)) departed[facts->asset] += facts->amount.units;
    }
    ASSERT(custody->by_withdrawal.count == custody->withdrawal_count); /* C1 */
    uint32_t listed = 0;
    for (uint32_t i = 1; i <= custody->address_count; i++) {
        const struct address *address = &custody->addresses[i];
        listed += address->kind == ADDRESS_WITHDRAWAL;
        ASSERT(custody_address(custody, address->kind, address->account, address->chain,
                               address->address) == address); /* C1 */
    }
    ASSERT(listed == custody->listed_count); /* C4 */
    for (uint32_t asset = 0; asset < PARAMS_ASSETS_LIMIT; asset++)
        ASSERT(departed[asset] == in_flight[asset].units); /* C2 */
    return slot_table_check(&custody->by_address) && slot_table_check(&custody->by_deposit) &&
           slot_table_check(&custody->by_withdrawal);
}
