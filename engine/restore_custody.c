#include "engine/restore_custody.h"

#define NUMBERS_LIMIT (UINT64_C(1) << 62)

static bool addresses_load(struct engine *engine, struct sections *sections)
{
    struct snapshot_address record;
    while (sections_address(sections, &record)) {
        struct address address = {
            .active_ns = record.active_ns, .account = record.account, .kind = record.kind};
        memcpy(address.chain, record.chain, CHAIN_BYTES);
        memcpy(address.address, record.address, CHAIN_ADDRESS_BYTES);
        if (!accounts_exists(&engine->accounts, record.account) ||
            (record.kind != ADDRESS_DEPOSIT && record.kind != ADDRESS_WITHDRAWAL) ||
            record.address[0] == 0 || params_find_chain(&engine->params, record.chain) < 0 ||
            custody_address(&engine->custody, record.kind, record.account, record.chain,
                            record.address) != NULL ||
            custody_address_add(&engine->custody, &address) == NULL)
            return false;
    }
    return true;
}

static bool floors_load(struct engine *engine, struct sections *sections)
{
    struct snapshot_floor record;
    for (uint16_t i = 0; i < engine->params.route_count; i++) {
        if (!sections_floor(sections, &record)) return false;
        const int chain = params_find_chain(&engine->params, engine->params.routes[i].chain);
        if (record.height != 0 && chain != i) return false;
        engine->custody.floors[i] = record.height;
    }
    return true;
}

/* C3 */
static bool deposit_good(const struct engine *engine, const struct deposit_changed_event *deposit)
{
    const int64_t amount = deposit->amount.units, credited = deposit->credited.units;
    if (!accounts_exists(&engine->accounts, deposit->account) || amount <= 0 || credited < 0 ||
        credited > amount ||
        params_find_route(&engine->params, deposit->chain, deposit->asset) < 0 ||
        custody_deposit(&engine->custody, deposit->chain, deposit->txid, deposit->output) != NULL)
        return false;
    switch (deposit->state) {
    case DEPOSIT_CONFIRMING:
        return true; /* it may have been reorged when all of it was spent */
    case DEPOSIT_CREDITED:
        return credited == amount;
    case DEPOSIT_REORGED:
        return credited == 0;
    default:
        return deposit->state == DEPOSIT_OWED && credited > 0;
    }
}

static bool deposits_load(struct engine *engine, struct sections *sections, uint64_t last)
{
    const uint64_t count = sections->left[SNAPSHOT_DEPOSITS];
    struct snapshot_deposit record;
    if (count > last || count > engine->custody.capacity) return false;
    for (uint64_t number = last + 1 - count; sections_deposit(sections, &record); number++) {
        const struct deposit_changed_event deposit = sections_deposit_facts(&record, number);
        if (!deposit_good(engine, &deposit)) return false;
        custody_deposit_put(&engine->custody, &deposit);
    }
    engine->custody.deposit_last = last;
    return count != 0 || last == 0;
}

static bool withdrawal_good(const struct engine *engine, const struct withdrawal_moved_event *facts)
{
    return accounts_exists(&engine->accounts, facts->account) && facts->amount.units > 0 &&
           facts->state >= WITHDRAWAL_HELD && facts->state <= WITHDRAWAL_CANCELED &&
           facts->block <= engine->sealed_height + 1 &&
           (facts->block == 0) ==
               (facts->state == WITHDRAWAL_HELD || facts->state == WITHDRAWAL_DENIED ||
                facts->state == WITHDRAWAL_CANCELED) &&
           params_find_route(&engine->params, facts->chain, facts->asset) >= 0 &&
           custody_withdrawal_of(&engine->custody, facts->account, facts->client_id) == NULL;
}

/* What it holds is explained; what is in flight is summed up. */
static bool withdrawal_books(struct engine *engine, const struct withdrawal_moved_event *facts,
                             int64_t departed[PARAMS_ASSETS_LIMIT])
{
    struct accounts *accounts = &engine->accounts;
    struct balance *balance =
        &accounts->balances[(size_t)facts->account * accounts->assets_max + facts->asset];
    if (custody_departed(facts->state))
        return !__builtin_add_overflow(departed[facts->asset], facts->amount.units,
                                       &departed[facts->asset]);
    if (facts->state != WITHDRAWAL_HELD) return true;
    if (balance->touched < (uint64_t)facts->amount.units) return false;
    balance->touched -= (uint64_t)facts->amount.units;
    return true;
}

static bool withdrawals_load(struct engine *engine, struct sections *sections, uint64_t last)
{
    const uint64_t count = sections->left[SNAPSHOT_WITHDRAWALS];
    int64_t departed[PARAMS_ASSETS_LIMIT] = {0};
    struct snapshot_withdrawal record;
    if (count > last || count > engine->custody.capacity) return false;
    for (uint64_t number = last + 1 - count; sections_withdrawal(sections, &record); number++) {
        const struct withdrawal withdrawal = {.facts = sections_withdrawal_facts(&record, number),
                                              .deadline_ns = record.deadline_ns};
        if (!withdrawal_good(engine, &withdrawal.facts) ||
            !withdrawal_books(engine, &withdrawal.facts, departed))
            return false;
        custody_withdrawal_put(&engine->custody, &withdrawal);
    }
    for (uint16_t asset = 0; asset < engine->params.asset_count; asset++)
        if (departed[asset] != engine->accounts.in_flight[asset].units) return false; /* C2 */
    return count != 0 || last == 0;
}

static bool withdrawn_load(struct engine *engine, struct sections *sections)
{
    struct snapshot_withdrawn record;
    uint64_t from = 0;
    while (sections_withdrawn(sections, &record)) {
        const uint64_t owner = (uint64_t)record.account << 16 | record.asset;
        if (owner < from || !accounts_exists(&engine->accounts, record.account) ||
            record.asset >= engine->params.asset_count || record.sum.units <= 0)
            return false;
        *custody_day(&engine->custody, record.account, record.asset) =
            (struct custody_day){record.sum, engine->day};
        from = owner + 1;
    }
    return true;
}

/* Whether a withdrawal counts for the limit of today, and would not if it were undone. */
static bool counts_today(const struct engine *engine, const struct withdrawal *withdrawal)
{
    const uint8_t state = withdrawal->facts.state;
    return withdrawal->until_day == engine->day + 1 && state != WITHDRAWAL_DENIED &&
           state != WITHDRAWAL_CANCELED && state != WITHDRAWAL_FAILED;
}

/* Those of today are in its sums, or one that is undone would take out what is not there. The sums are as they were after. */
static bool days_good(const struct engine *engine)
{
    const struct custody *custody = &engine->custody;
    bool good = true;
    uint64_t taken = 0;
    for (; good && taken < custody->withdrawal_count; taken++) {
        const struct withdrawal *w =
            custody_withdrawal_at(custody, custody->withdrawal_last - taken);
        struct custody_day *day = custody_day(custody, w->facts.account, w->facts.asset);
        if (!counts_today(engine, w)) continue;
        good = day->day == engine->day && day->sum.units >= w->facts.amount.units;
        if (!good) break;
        day->sum.units -= w->facts.amount.units;
    }
    while (taken-- > 0) {
        const struct withdrawal *w =
            custody_withdrawal_at(custody, custody->withdrawal_last - taken);
        if (counts_today(engine, w))
            custody_day(custody, w->facts.account, w->facts.asset)->sum.units +=
                w->facts.amount.units;
    }
    return good;
}

static bool charges_load(struct engine *engine, struct sections *sections)
{
    struct custody *custody = &engine->custody;
    struct snapshot_charge record;
    if (sections->left[SNAPSHOT_CHARGES] !=
        (engine->params.rules < PARAMS_RULES_CHARGES ? 0 : custody->withdrawal_count))
        return false;
    uint64_t number = custody->withdrawal_last + 1 - custody->withdrawal_count;
    for (; sections_charge(sections, &record); number++) {
        struct withdrawal *withdrawal = custody_withdrawal_at(custody, number);
        struct withdrawal_moved_event *facts = &withdrawal->facts;
        if (record.fee.units < 0 || record.fee.units >= facts->amount.units ||
            record.until_day > engine->day + 1)
            return false;
        facts->fee = record.fee;
        facts->paid.units = facts->amount.units - record.fee.units;
        withdrawal->until_day = record.until_day;
    }
    return days_good(engine);
}

bool restore_custody(struct engine *engine, struct sections *sections)
{
    struct snapshot_transfer record;
    return addresses_load(engine, sections) && floors_load(engine, sections) &&
           sections_transfer(sections, &record) && record.deposit_last < NUMBERS_LIMIT &&
           record.withdrawal_last < NUMBERS_LIMIT &&
           deposits_load(engine, sections, record.deposit_last) &&
           withdrawals_load(engine, sections, record.withdrawal_last) &&
           withdrawn_load(engine, sections) && charges_load(engine, sections);
}
