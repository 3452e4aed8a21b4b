#include "settlement/restore_transfers.h"

#include "settlement/transfer.h"

#define NUMBERS_LIMIT (UINT64_C(1) << 62)

static bool addresses_load(struct settlement *s, struct settled_sections *sections)
{
    struct settled_address record;
    while (settled_address_next(sections, &record)) {
        struct address_changed_event address = {
            .active_ns = record.active_ns, .account = record.account, .kind = record.kind};
        memcpy(address.chain, record.chain, CHAIN_BYTES);
        memcpy(address.address, record.address, CHAIN_ADDRESS_BYTES);
        if (!balance_sheet_has(s->accounts, record.account) ||
            (record.kind != ADDRESS_DEPOSIT && record.kind != ADDRESS_WITHDRAWAL) ||
            record.address[0] == 0 || params_find_chain(&s->params, record.chain) < 0 ||
            custody_book_address(s->custody, record.kind, record.account, record.chain,
                                 record.address) != NULL ||
            !custody_book_add_address(s->custody, &address))
            return false;
    }
    return true;
}

static bool floors_load(struct settlement *s, struct settled_sections *sections)
{
    struct settled_floor record;
    for (uint16_t i = 0; i < s->params.route_count; i++) {
        if (!settled_floor_next(sections, &record)) return false;
        if (record.height != 0 && params_find_chain(&s->params, s->params.routes[i].chain) != i)
            return false;
        *custody_book_floor(s->custody, i) = record.height;
    }
    return true;
}

static bool deposit_good(const struct settlement *s, const struct deposit_changed_event *deposit)
{
    const int64_t amount = deposit->amount.units, credited = deposit->credited.units;
    if (!balance_sheet_has(s->accounts, deposit->account) || amount <= 0 || credited < 0 ||
        credited > amount || params_find_route(&s->params, deposit->chain, deposit->asset) < 0 ||
        custody_book_deposit(s->custody, deposit->chain, deposit->txid, deposit->output) != NULL)
        return false;
    return deposit->state == DEPOSIT_CONFIRMING ||
           (deposit->state == DEPOSIT_CREDITED && credited == amount) ||
           (deposit->state == DEPOSIT_REORGED && credited == 0) ||
           (deposit->state == DEPOSIT_OWED && credited > 0);
}

static bool deposits_load(struct settlement *s, struct settled_sections *sections, uint64_t last)
{
    const uint64_t count = sections->left[SETTLED_DEPOSITS];
    struct settled_deposit record;
    if (count > last || count > params_transfers_max(&s->params)) return false;
    for (uint64_t number = last + 1 - count; settled_deposit_next(sections, &record); number++) {
        struct deposit_changed_event deposit = {.deposit = number,
                                                .height = record.height,
                                                .amount = record.amount,
                                                .credited = record.credited,
                                                .account = record.account,
                                                .confirmations = record.confirmations,
                                                .output = record.output,
                                                .asset = record.asset,
                                                .state = record.state};
        memcpy(deposit.chain, record.chain, CHAIN_BYTES);
        memcpy(deposit.txid, record.txid, TXID_BYTES);
        if (!deposit_good(s, &deposit)) return false;
        custody_book_add_deposit(s->custody, &deposit);
    }
    return count != 0 || last == 0;
}

static bool withdrawal_good(const struct settlement *s, const struct withdrawal_moved_event *facts)
{
    const bool approved = facts->state != WITHDRAWAL_HELD && facts->state != WITHDRAWAL_DENIED &&
                          facts->state != WITHDRAWAL_CANCELED;
    return balance_sheet_has(s->accounts, facts->account) && facts->amount.units > 0 &&
           facts->state >= WITHDRAWAL_HELD && facts->state <= WITHDRAWAL_CANCELED &&
           facts->block <= s->height + 1 && (facts->block != 0) == approved &&
           params_find_route(&s->params, facts->chain, facts->asset) >= 0 &&
           custody_book_withdrawal_of(s->custody, facts->account, facts->client_id) == NULL;
}

/* What it holds is explained. */
static bool withdrawal_holds(struct settlement *s, const struct withdrawal_moved_event *facts)
{
    struct balance_cell *cell = balance_sheet_cell(s->accounts, facts->account, facts->asset);
    if (facts->state != WITHDRAWAL_HELD) return true;
    if (cell->engine_held.units < facts->amount.units) return false;
    cell->engine_held.units -= facts->amount.units;
    return true;
}

static bool withdrawals_load(struct settlement *s, struct settled_sections *sections, uint64_t last)
{
    const uint64_t count = sections->left[SETTLED_WITHDRAWALS];
    struct settled_withdrawal record;
    if (count > last || count > params_transfers_max(&s->params)) return false;
    for (uint64_t number = last + 1 - count; settled_withdrawal_next(sections, &record); number++) {
        struct custody_withdrawal withdrawal = {.facts = {.withdrawal = number,
                                                          .block = record.block,
                                                          .amount = record.amount,
                                                          .paid = record.amount,
                                                          .account = record.account,
                                                          .asset = record.asset,
                                                          .approvers = record.approvers,
                                                          .state = record.state},
                                                .deadline_ns = record.deadline_ns};
        memcpy(withdrawal.facts.chain, record.chain, CHAIN_BYTES);
        memcpy(withdrawal.facts.address, record.address, CHAIN_ADDRESS_BYTES);
        memcpy(withdrawal.facts.client_id, record.client_id, sizeof(record.client_id));
        memcpy(withdrawal.facts.txid, record.txid, TXID_BYTES);
        if (!withdrawal_good(s, &withdrawal.facts) || !withdrawal_holds(s, &withdrawal.facts))
            return false;
        custody_book_add_withdrawal(s->custody, &withdrawal);
    }
    for (uint16_t asset = 0; asset < s->params.asset_count; asset++)
        if (transfer_in_flight(s, asset) != s->totals[asset].in_flight) return false; /* S5 */
    return count != 0 || last == 0;
}

static bool withdrawn_load(struct settlement *s, struct settled_sections *sections)
{
    const uint32_t today = (uint32_t)(s->command.stamp_ns / TIER_BOOK_DAY_NS);
    struct settled_withdrawn record;
    uint64_t from = 0;
    while (settled_withdrawn_next(sections, &record)) {
        const uint64_t owner = (uint64_t)record.account << 16 | record.asset;
        if (owner < from || !balance_sheet_has(s->accounts, record.account) ||
            record.asset >= s->params.asset_count || record.sum.units <= 0)
            return false;
        custody_book_add_withdrawn(s->custody, record.account, record.asset, today, record.sum);
        from = owner + 1;
    }
    return true;
}

/* Whether a withdrawal is in the sum of today, and would not be if it were undone. */
static bool counts_today(const struct settlement *s, const struct custody_withdrawal *withdrawal)
{
    const uint8_t state = withdrawal->facts.state;
    return withdrawal->until_day == (uint32_t)(s->command.stamp_ns / TIER_BOOK_DAY_NS) + 1 &&
           state != WITHDRAWAL_DENIED && state != WITHDRAWAL_CANCELED && state != WITHDRAWAL_FAILED;
}

/* Those of today are in its sums, or one that is undone would take out what is not there. The sums are as they were after. */
static bool days_good(struct settlement *s)
{
    const uint32_t today = (uint32_t)(s->command.stamp_ns / TIER_BOOK_DAY_NS);
    const struct custody_span span = custody_book_withdrawals(s->custody);
    bool good = true;
    uint64_t taken = 0;
    for (; taken < span.count; taken++) {
        const struct custody_withdrawal *w = custody_book_withdrawal(s->custody, span.last - taken);
        const struct withdrawal_moved_event *facts = &w->facts;
        if (!counts_today(s, w)) continue;
        good = custody_book_withdrawn(s->custody, facts->account, facts->asset, today) >=
               facts->amount.units;
        if (!good) break;
        custody_book_add_withdrawn(s->custody, facts->account, facts->asset, today,
                                   (amount_t){-facts->amount.units});
    }
    while (taken-- > 0) {
        const struct custody_withdrawal *w = custody_book_withdrawal(s->custody, span.last - taken);
        if (counts_today(s, w))
            custody_book_add_withdrawn(s->custody, w->facts.account, w->facts.asset, today,
                                       w->facts.amount);
    }
    return good;
}

static bool charges_load(struct settlement *s, struct settled_sections *sections)
{
    const struct custody_span span = custody_book_withdrawals(s->custody);
    const uint32_t today = (uint32_t)(s->command.stamp_ns / TIER_BOOK_DAY_NS);
    struct settled_charge record;
    if (sections->left[SETTLED_CHARGES] !=
        (s->params.rules < PARAMS_RULES_CHARGES ? 0 : span.count))
        return false;
    for (uint64_t left = span.count; settled_charge_next(sections, &record); left--) {
        struct custody_withdrawal *withdrawal =
            custody_book_withdrawal(s->custody, span.last + 1 - left);
        struct withdrawal_moved_event *facts = &withdrawal->facts;
        if (record.fee.units < 0 || record.fee.units >= facts->amount.units ||
            record.until_day > today + 1)
            return false;
        facts->fee = record.fee;
        facts->paid.units = facts->amount.units - record.fee.units;
        withdrawal->until_day = record.until_day;
    }
    return days_good(s);
}

bool restore_transfers(struct settlement *s, struct settled_sections *sections)
{
    struct settled_transfer record;
    return addresses_load(s, sections) && floors_load(s, sections) &&
           settled_transfer_next(sections, &record) && record.deposit_last < NUMBERS_LIMIT &&
           record.withdrawal_last < NUMBERS_LIMIT &&
           deposits_load(s, sections, record.deposit_last) &&
           withdrawals_load(s, sections, record.withdrawal_last) && withdrawn_load(s, sections) &&
           charges_load(s, sections);
}
