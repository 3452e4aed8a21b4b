/* Deposits and withdrawals (docs/custody.md), all that there ever were in two lists. */

#include "tests/model/parts.h"

#include "common/withdrawal_event.h"

#include <stdlib.h>
#include <string.h>

#define DAY_NS    (UINT64_C(86400) * 1000000000)
#define SECOND_NS UINT64_C(1000000000)

static const struct route_changed_event *route_of(const struct model *model, const uint8_t *chain,
                                                  int asset)
{
    for (int i = 0; i < model->params.route_count; i++)
        if (memcmp(model->params.routes[i].chain, chain, CHAIN_BYTES) == 0 &&
            (asset < 0 || model->params.routes[i].asset == asset))
            return &model->params.routes[i];
    return NULL;
}

static bool account_is(const struct model *model, uint32_t account)
{
    return account != 0 && account <= model->account_count;
}

/* ---- Rules, routes, frozen accounts. ---- */

static void apply(struct model *model, const uint8_t *at)
{
    struct event event;
    const bool decoded = event_next(&at, model->out->at, &event);
    ASSERT(decoded);
    params_apply(&model->params, &event);
}

enum reject model_rules_set(struct model *model, const struct rules_set_command *ask)
{
    if (ask->rules != model->params.rules + 1) return REJECT_RULES;
    uint8_t *at = model->out->at;
    event_write_rules_changed(model->out, &(struct rules_changed_event){ask->rules});
    apply(model, at);
    return REJECT_NONE;
}

enum reject model_liabilities_order(struct model *model,
                                    const struct liabilities_order_command *ask)
{
    (void)ask;
    if (model->params.rules < 3) return REJECT_RULES;
    if (model->params.checkpoint_blocks == 0) return REJECT_NO_CHECKPOINTS;
    uint64_t height = model->sealed_height + 1;
    while (height % model->params.checkpoint_blocks != 0)
        height++;
    event_write_liabilities_ordered(model->out, &(struct liabilities_ordered_event){height});
    return REJECT_NONE;
}

/* Numbered from 16 on, as they come; nobody is taken away. */
enum reject model_connector_add(struct model *model, const struct connector_add_command *ask)
{
    static const uint8_t none[PUBLIC_KEY_BYTES];
    if (model->params.rules < 3) return REJECT_RULES;
    if (memcmp(ask->public_key, none, sizeof(none)) == 0) return REJECT_CONNECTOR_SPEC;
    for (int i = 0; i < model->params.connector_count; i++)
        if (memcmp(model->params.connectors[i], ask->public_key, PUBLIC_KEY_BYTES) == 0)
            return REJECT_ALREADY_EXISTS;
    if (model->params.connector_count == 64) return REJECT_CONNECTOR_SPEC;
    struct connector_added_event added = {.connector =
                                              (uint16_t)(16 + model->params.connector_count)};
    memcpy(added.public_key, ask->public_key, PUBLIC_KEY_BYTES);
    uint8_t *at = model->out->at;
    event_write_connector_added(model->out, &added);
    apply(model, at);
    return REJECT_NONE;
}

bool model_may_report(const struct model *model, uint16_t number)
{
    return number < model->operator_count ||
           (number >= 16 && number < 16 + model->params.connector_count);
}

static bool chain_name_is_good(const uint8_t *chain)
{
    int length = 0;
    while (length < CHAIN_BYTES && chain[length] != 0)
        length++;
    for (int i = 0; i < length; i++)
        if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", chain[i]) == NULL) return false;
    for (int i = length; i < CHAIN_BYTES; i++)
        if (chain[i] != 0) return false;
    return length > 0;
}

/* What a withdrawal over the route costs now: the newest fee, once it counts. */
static int64_t fee_of_route(const struct model *model, const struct route_changed_event *route)
{
    const struct route_fee *fee = &model->params.route_fees[route - model->params.routes];
    return model->stamp_ns >= fee->from_ns ? fee->fee.units : fee->before.units;
}

/* Whether a fee, of now or of later, would be more than the smallest withdrawal. */
static bool costs_more_than(const struct model *model, const struct route_changed_event *route,
                            int64_t smallest)
{
    const int64_t now = fee_of_route(model, route);
    const int64_t later = model->params.route_fees[route - model->params.routes].fee.units;
    return (now > later ? now : later) > smallest;
}

enum reject model_route_set(struct model *model, const struct route_set_command *ask)
{
    if (model->params.rules < 2) return REJECT_RULES;
    if (ask->asset >= model->params.asset_count) return REJECT_UNKNOWN_ASSET;
    const struct route_changed_event *known = route_of(model, ask->chain, ask->asset);
    if (!chain_name_is_good(ask->chain) || ask->decimals > 36 || ask->withdrawal_min.units < 1 ||
        ask->withdrawal_max.units < ask->withdrawal_min.units ||
        ask->day_max.units < ask->withdrawal_max.units || ask->approval_above.units < 0 ||
        ask->confirmations == 0 || ask->address_delay_s > 30 * 86400 || ask->approvals == 0 ||
        ask->approvals > model->operator_count || !model_may_report(model, ask->connector) ||
        ask->status < 1 || ask->status > 2 || (known != NULL && known->decimals != ask->decimals) ||
        (known == NULL && model->params.route_count == 64) ||
        (known != NULL && costs_more_than(model, known, ask->withdrawal_min.units)))
        return REJECT_ROUTE_SPEC;
    struct route_changed_event changed = {.withdrawal_min = ask->withdrawal_min,
                                          .withdrawal_max = ask->withdrawal_max,
                                          .day_max = ask->day_max,
                                          .approval_above = ask->approval_above,
                                          .confirmations = ask->confirmations,
                                          .address_delay_s = ask->address_delay_s,
                                          .asset = ask->asset,
                                          .connector = ask->connector,
                                          .decimals = ask->decimals,
                                          .approvals = ask->approvals,
                                          .status = ask->status};
    memcpy(changed.chain, ask->chain, CHAIN_BYTES);
    uint8_t *at = model->out->at;
    event_write_route_changed(model->out, &changed);
    apply(model, at);
    return REJECT_NONE;
}

/* Whether an amount of the asset has no more digits than the chain keeps. */
static bool fits_chain(const struct model *model, const struct route_changed_event *route,
                       int64_t units)
{
    for (int i = route->decimals; i < model->params.assets[route->asset].decimals; i++) {
        if (units % 10 != 0) return false;
        units /= 10;
    }
    return true;
}

enum reject model_route_fee_set(struct model *model, const struct route_fee_set_command *ask)
{
    if (model->params.rules < 4) return REJECT_RULES;
    const struct route_changed_event *route = route_of(model, ask->chain, ask->asset);
    if (route == NULL) return REJECT_ROUTE;
    if (ask->fee.units < 0 || !fits_chain(model, route, ask->fee.units)) return REJECT_INEXACT;
    if (ask->fee.units > route->withdrawal_min.units) return REJECT_ROUTE_SPEC;
    struct route_fee_changed_event changed = {.from_ns = model->stamp_ns +
                                                         SECOND_NS * route->address_delay_s,
                                              .fee_before = {fee_of_route(model, route)},
                                              .fee = ask->fee,
                                              .asset = ask->asset};
    memcpy(changed.chain, ask->chain, CHAIN_BYTES);
    uint8_t *at = model->out->at;
    event_write_route_fee_changed(model->out, &changed);
    apply(model, at);
    return REJECT_NONE;
}

static void freeze(struct model *model, uint32_t account, bool frozen)
{
    model->accounts[account].frozen = frozen;
    event_write_account_frozen(model->out, &(struct account_frozen_event){account, frozen});
}

enum reject model_account_freeze(struct model *model, const struct account_freeze_command *ask)
{
    if (model->params.rules < 2) return REJECT_RULES;
    if (!account_is(model, ask->account)) return REJECT_UNKNOWN_ACCOUNT;
    freeze(model, ask->account, ask->frozen != 0);
    return REJECT_NONE;
}

/* ---- Addresses. ---- */

/* One to deposit to belongs to one account; an account's own to withdraw to are its own. */
static struct model_address *address_of(struct model *model, uint8_t kind, uint32_t account,
                                        const uint8_t *chain, const uint8_t *address)
{
    for (int i = 0; i < model->address_count; i++) {
        struct model_address *found = &model->addresses[i];
        if (found->kind == kind && (kind == ADDRESS_DEPOSIT || found->account == account) &&
            memcmp(found->chain, chain, CHAIN_BYTES) == 0 &&
            memcmp(found->address, address, CHAIN_ADDRESS_BYTES) == 0)
            return found;
    }
    return NULL;
}

static struct model_address *address_new(struct model *model, uint8_t kind, uint32_t account,
                                         const uint8_t *chain, const uint8_t *address)
{
    uint32_t own = 0, all = 0;
    for (int i = 0; i < model->address_count; i++) {
        if (model->addresses[i].kind != ADDRESS_WITHDRAWAL) continue;
        all++;
        own += model->addresses[i].account == account;
    }
    if (model->address_count == (int)(4 * model->params.accounts_max)) return NULL;
    if (kind == ADDRESS_WITHDRAWAL && own == 16) return NULL;
    if (kind == ADDRESS_WITHDRAWAL &&
        !model_place_free(model, 2 * model->params.accounts_max, all, own))
        return NULL;
    struct model_address *fresh = &model->addresses[model->address_count++];
    *fresh = (struct model_address){.kind = kind, .account = account};
    memcpy(fresh->chain, chain, CHAIN_BYTES);
    memcpy(fresh->address, address, CHAIN_ADDRESS_BYTES);
    return fresh;
}

static void address_write(struct model *model, const struct model_address *address)
{
    struct address_changed_event changed = {
        .active_ns = address->active_ns, .account = address->account, .kind = address->kind};
    memcpy(changed.chain, address->chain, CHAIN_BYTES);
    memcpy(changed.address, address->address, CHAIN_ADDRESS_BYTES);
    event_write_address_changed(model->out, &changed);
}

enum reject model_deposit_address(struct model *model, const struct deposit_address_command *ask)
{
    if (model->params.rules < 2) return REJECT_RULES;
    const struct route_changed_event *route = route_of(model, ask->chain, -1);
    if (route == NULL) return REJECT_ROUTE;
    if (route->connector != ask->operator_index) return REJECT_CONNECTOR;
    if (!account_is(model, ask->account)) return REJECT_UNKNOWN_ACCOUNT;
    if (ask->address[0] == 0) return REJECT_ADDRESS;
    struct model_address *address = address_of(model, ADDRESS_DEPOSIT, 0, ask->chain, ask->address);
    if (address != NULL && address->account != ask->account) return REJECT_ALREADY_EXISTS;
    if (address == NULL) {
        address = address_new(model, ADDRESS_DEPOSIT, ask->account, ask->chain, ask->address);
        if (address == NULL) return REJECT_ADDRESSES_FULL;
        address->active_ns = model->stamp_ns;
    }
    address_write(model, address);
    return REJECT_NONE;
}

enum reject model_address_allow(struct model *model, const struct address_allow_command *ask)
{
    if (model->params.rules < 2) return REJECT_RULES;
    if (!account_is(model, ask->account)) return REJECT_UNKNOWN_ACCOUNT;
    if (model->accounts[ask->account].frozen) return REJECT_ACCOUNT_FROZEN;
    if (route_of(model, ask->chain, -1) == NULL) return REJECT_ROUTE;
    if (ask->address[0] == 0) return REJECT_ADDRESS;
    struct model_address *address =
        address_of(model, ADDRESS_WITHDRAWAL, ask->account, ask->chain, ask->address);
    if (ask->allowed == 0 && address == NULL) return REJECT_ADDRESS;
    if (address == NULL)
        address = address_new(model, ADDRESS_WITHDRAWAL, ask->account, ask->chain, ask->address);
    if (address == NULL) return REJECT_ADDRESSES_FULL;
    uint64_t delay_s = 0;
    for (int i = 0; i < model->params.route_count; i++)
        if (memcmp(model->params.routes[i].chain, ask->chain, CHAIN_BYTES) == 0 &&
            model->params.routes[i].address_delay_s > delay_s)
            delay_s = model->params.routes[i].address_delay_s;
    if (ask->allowed == 0)
        address->active_ns = 0;
    else if (address->active_ns == 0)
        address->active_ns = model->stamp_ns + delay_s * SECOND_NS;
    address_write(model, address);
    return REJECT_NONE;
}

/* ---- Deposits. ---- */

/* The chain's amount in our units, by its digits; -1: not exactly, or too large. */
static int64_t units_of(const uint8_t wide[32], int from, int to)
{
    char digits[200] = {0};
    int count = 0;
    uint8_t left[32];
    memcpy(left, wide, sizeof(left));
    for (count = 0; count < 80; count++) { /* the lowest digit first */
        unsigned rest = 0;
        for (int i = 31; i >= 0; i--) {
            rest = rest << 8 | left[i];
            left[i] = (uint8_t)(rest / 10);
            rest %= 10;
        }
        digits[count] = (char)rest;
    }
    for (; from > to; from--) {
        if (digits[0] != 0) return -1;
        memmove(digits, digits + 1, sizeof(digits) - 1);
    }
    for (; from < to; from++) {
        memmove(digits + 1, digits, sizeof(digits) - 1);
        digits[0] = 0;
    }
    int64_t units = 0;
    for (int i = (int)sizeof(digits) - 1; i >= 0; i--)
        if (__builtin_mul_overflow(units, 10, &units) ||
            __builtin_add_overflow(units, digits[i], &units))
            return -1;
    return units;
}

static struct deposit_changed_event *deposit_of(struct model *model, const uint8_t *chain,
                                                const uint8_t *txid, uint32_t output)
{
    for (int i = model->deposits_forgotten; i < model->deposit_count; i++) {
        struct deposit_changed_event *found = &model->deposits[i];
        if (found->output == output && memcmp(found->chain, chain, CHAIN_BYTES) == 0 &&
            memcmp(found->txid, txid, TXID_BYTES) == 0)
            return found;
    }
    return NULL;
}

/* Whether it lies at or below one of its chain that was forgotten. */
static bool is_old(const struct model *model, const struct deposit_report_command *ask)
{
    uint64_t floor = 0;
    for (int i = 0; i < model->deposits_forgotten; i++)
        if (memcmp(model->deposits[i].chain, ask->chain, CHAIN_BYTES) == 0 &&
            model->deposits[i].height > floor)
            floor = model->deposits[i].height;
    return ask->height <= floor;
}

/* A place for a new one, maybe another's; NULL: that one has not come to an end. */
static struct deposit_changed_event *deposit_place(struct model *model)
{
    if (model->deposit_count - model->deposits_forgotten == (int)model->params.orders_max) {
        const uint8_t state = model->deposits[model->deposits_forgotten].state;
        if (state != DEPOSIT_CREDITED && state != DEPOSIT_REORGED) return NULL;
        model->deposits_forgotten++;
    }
    const size_t count = (size_t)++model->deposit_count;
    model->deposits = realloc(model->deposits, count * sizeof(*model->deposits));
    ASSERT(model->deposits != NULL);
    return &model->deposits[count - 1];
}

static bool deposit_may_be_placed(const struct model *model)
{
    if (model->deposit_count - model->deposits_forgotten < (int)model->params.orders_max)
        return true;
    const uint8_t state = model->deposits[model->deposits_forgotten].state;
    return state == DEPOSIT_CREDITED || state == DEPOSIT_REORGED;
}

static void deposit_write(struct model *model, const struct deposit_changed_event *deposit,
                          int64_t moved)
{
    struct deposit_changed_event changed = *deposit;
    changed.moved.units = moved;
    event_write_deposit_changed(model->out, &changed);
}

enum reject model_deposit_report(struct model *model, const struct deposit_report_command *ask)
{
    if (model->params.rules < 2) return REJECT_RULES;
    const struct route_changed_event *route = route_of(model, ask->chain, ask->asset);
    if (route == NULL) return REJECT_ROUTE;
    if (route->connector != ask->operator_index) return REJECT_CONNECTOR;
    const struct model_address *address =
        address_of(model, ADDRESS_DEPOSIT, 0, ask->chain, ask->address);
    if (address == NULL) return REJECT_ADDRESS;
    const int64_t units =
        units_of(ask->amount, route->decimals, model->params.assets[ask->asset].decimals);
    if (units < 0) return REJECT_INEXACT;
    if (units == 0) return REJECT_AMOUNT;
    struct deposit_changed_event *deposit = deposit_of(model, ask->chain, ask->txid, ask->output);
    if (deposit == NULL && is_old(model, ask)) return REJECT_DEPOSIT_OLD;
    if (deposit != NULL && (deposit->asset != ask->asset || deposit->account != address->account ||
                            deposit->amount.units != units))
        return REJECT_DEPOSIT_DIFFERS;
    if (deposit == NULL && !deposit_may_be_placed(model)) return REJECT_DEPOSITS_FULL;
    const bool done = deposit != NULL && deposit->state == DEPOSIT_CREDITED;
    const int64_t missing = units - (deposit == NULL ? 0 : deposit->credited.units);
    const bool credits = !done && ask->confirmations >= route->confirmations;
    if (credits && missing > INT64_MAX - model->supply[ask->asset]) return REJECT_AMOUNT;

    if (deposit == NULL) {
        deposit = deposit_place(model);
        *deposit = (struct deposit_changed_event){.deposit = (uint64_t)model->deposit_count,
                                                  .amount = {units},
                                                  .account = address->account,
                                                  .output = ask->output,
                                                  .asset = ask->asset};
        memcpy(deposit->chain, ask->chain, CHAIN_BYTES);
        memcpy(deposit->txid, ask->txid, TXID_BYTES);
    }
    if (!done) {
        deposit->height = ask->height;
        deposit->confirmations = ask->confirmations;
        deposit->state = DEPOSIT_CONFIRMING;
    }
    if (credits) {
        deposit->state = DEPOSIT_CREDITED;
        deposit->credited.units = units;
        model->supply[ask->asset] += missing;
        model_balance_move(model, deposit->account, ask->asset, missing, 0);
    }
    deposit_write(model, deposit, credits ? missing : 0);
    return REJECT_NONE;
}

enum reject model_deposit_reorg(struct model *model, const struct deposit_reorg_command *ask)
{
    if (model->params.rules < 2) return REJECT_RULES;
    const struct route_changed_event *route = route_of(model, ask->chain, -1);
    struct deposit_changed_event *deposit = deposit_of(model, ask->chain, ask->txid, ask->output);
    if (route == NULL) return REJECT_ROUTE;
    if (model->params.rules >= 3) {
        if (deposit == NULL) return REJECT_UNKNOWN_DEPOSIT;
        route = route_of(model, ask->chain, deposit->asset);
    }
    if (route->connector != ask->operator_index) return REJECT_CONNECTOR;
    if (deposit == NULL) return REJECT_UNKNOWN_DEPOSIT;
    const bool freezes = deposit->state != DEPOSIT_OWED;
    const int64_t taken =
        least(deposit->credited.units,
              model->accounts[deposit->account].balances[deposit->asset].available);
    model->supply[deposit->asset] -= taken;
    model_balance_move(model, deposit->account, deposit->asset, -taken, 0);
    deposit->credited.units -= taken;
    deposit->confirmations = 0;
    deposit->state = deposit->credited.units == 0 ? DEPOSIT_REORGED : DEPOSIT_OWED;
    deposit_write(model, deposit, -taken);
    if (deposit->state == DEPOSIT_OWED && freezes) freeze(model, deposit->account, true);
    return REJECT_NONE;
}

/* ---- Withdrawals. ---- */

static void withdrawal_write(struct model *model, const struct withdrawal_moved_event *facts,
                             uint8_t before)
{
    struct withdrawal_moved_event changed = *facts;
    changed.before = before;
    withdrawal_event_write(model->out, model->params.rules, &changed);
}

static enum reject withdraw_check(struct model *model, const struct withdraw_command *ask)
{
    if (model->params.rules < 2) return REJECT_RULES;
    if (!account_is(model, ask->account)) return REJECT_UNKNOWN_ACCOUNT;
    if (model->accounts[ask->account].frozen) return REJECT_ACCOUNT_FROZEN;
    const struct route_changed_event *route = route_of(model, ask->chain, ask->asset);
    if (route == NULL || route->status != ROUTE_OPEN) return REJECT_ROUTE;
    int64_t today = 0;
    for (int i = 0; i < model->withdrawal_count; i++) {
        const struct model_withdrawal *other = &model->withdrawals[i];
        if (other->facts.account != ask->account) continue;
        if (i >= model->withdrawals_forgotten &&
            memcmp(other->facts.client_id, ask->client_id, 36) == 0)
            return REJECT_DUPLICATE_WITHDRAWAL;
        const uint8_t state = other->facts.state;
        const bool undone = state == WITHDRAWAL_DENIED || state == WITHDRAWAL_CANCELED ||
                            state == WITHDRAWAL_FAILED;
        if (other->facts.asset == ask->asset && other->day == model->stamp_ns / DAY_NS &&
            (!undone || other->counts_undone))
            today += other->facts.amount.units;
    }
    const struct model_address *address =
        address_of(model, ADDRESS_WITHDRAWAL, ask->account, ask->chain, ask->address);
    if (address == NULL || address->active_ns == 0 || address->active_ns > model->stamp_ns)
        return REJECT_ADDRESS;
    const int64_t paid = ask->amount.units - fee_of_route(model, route);
    if (ask->amount.units < route->withdrawal_min.units ||
        ask->amount.units > route->withdrawal_max.units || paid < 1)
        return REJECT_WITHDRAWAL_LIMIT;
    if (!fits_chain(model, route, paid)) return REJECT_INEXACT;
    if ((__int128)today + ask->amount.units > route->day_max.units)
        return REJECT_WITHDRAWAL_DAY_LIMIT;
    if (ask->amount.units > model->accounts[ask->account].balances[ask->asset].available)
        return REJECT_INSUFFICIENT_BALANCE;
    return REJECT_NONE;
}

static bool is_under_way(uint8_t state)
{
    return state == WITHDRAWAL_HELD || state == WITHDRAWAL_APPROVED ||
           state == WITHDRAWAL_BROADCAST;
}

static void approve(struct model *model, struct withdrawal_moved_event *facts)
{
    facts->state = WITHDRAWAL_APPROVED;
    facts->block = model->sealed_height + 1;
    model_balance_move(model, facts->account, facts->asset, 0, -facts->amount.units);
    model->in_flight[facts->asset] += facts->amount.units;
}

enum reject model_withdraw(struct model *model, const struct withdraw_command *ask)
{
    const enum reject reject = withdraw_check(model, ask);
    if (reject != REJECT_NONE) return reject;
    if (model->withdrawal_count - model->withdrawals_forgotten == (int)model->params.orders_max) {
        const struct model_withdrawal *oldest = &model->withdrawals[model->withdrawals_forgotten];
        if (is_under_way(oldest->facts.state) || oldest->deadline_ns >= model->stamp_ns)
            return REJECT_WITHDRAWALS_FULL;
        model->withdrawals_forgotten++;
    }
    const size_t count = (size_t)++model->withdrawal_count;
    model->withdrawals = realloc(model->withdrawals, count * sizeof(*model->withdrawals));
    ASSERT(model->withdrawals != NULL);
    struct model_withdrawal *fresh = &model->withdrawals[count - 1];
    *fresh = (struct model_withdrawal){.facts = {.withdrawal = count,
                                                 .amount = ask->amount,
                                                 .account = ask->account,
                                                 .asset = ask->asset,
                                                 .state = WITHDRAWAL_HELD},
                                       .deadline_ns = model->header.deadline_ns,
                                       .day = model->stamp_ns / DAY_NS,
                                       .counts_undone = model->params.rules < 4};
    const struct route_changed_event *route = route_of(model, ask->chain, ask->asset);
    fresh->facts.fee.units = fee_of_route(model, route);
    fresh->facts.paid.units = ask->amount.units - fresh->facts.fee.units;
    memcpy(fresh->facts.chain, ask->chain, CHAIN_BYTES);
    memcpy(fresh->facts.address, ask->address, CHAIN_ADDRESS_BYTES);
    memcpy(fresh->facts.client_id, ask->client_id, 36);
    model_balance_move(model, ask->account, ask->asset, -ask->amount.units, ask->amount.units);
    if (ask->amount.units <= route->approval_above.units) approve(model, &fresh->facts);
    withdrawal_write(model, &fresh->facts, 0);
    return REJECT_NONE;
}

static struct withdrawal_moved_event *withdrawal_of(struct model *model, uint64_t number)
{
    if (number <= (uint64_t)model->withdrawals_forgotten ||
        number > (uint64_t)model->withdrawal_count)
        return NULL;
    return &model->withdrawals[number - 1].facts;
}

enum reject model_withdrawal_approve(struct model *model,
                                     const struct withdrawal_approve_command *ask)
{
    if (model->params.rules < 2) return REJECT_RULES;
    struct withdrawal_moved_event *facts = withdrawal_of(model, ask->withdrawal);
    if (facts == NULL) return REJECT_UNKNOWN_WITHDRAWAL;
    const uint8_t before = facts->state;
    if (facts->amount.units != ask->amount.units ||
        memcmp(facts->address, ask->address, CHAIN_ADDRESS_BYTES) != 0)
        return REJECT_WITHDRAWAL_DIFFERS;
    const bool said = (facts->approvers >> ask->operator_index & 1) != 0;
    if (!said && facts->state != WITHDRAWAL_HELD) return REJECT_WITHDRAWAL_STATE;
    if (model->accounts[facts->account].frozen) return REJECT_ACCOUNT_FROZEN;
    facts->approvers |= (uint16_t)(1u << ask->operator_index);
    int count = 0;
    for (int i = 0; i < 16; i++)
        count += facts->approvers >> i & 1;
    if (facts->state == WITHDRAWAL_HELD &&
        count >= route_of(model, facts->chain, facts->asset)->approvals)
        approve(model, facts);
    withdrawal_write(model, facts, before);
    return REJECT_NONE;
}

enum reject model_withdrawal_deny(struct model *model, const struct withdrawal_deny_command *ask)
{
    if (model->params.rules < 2) return REJECT_RULES;
    struct withdrawal_moved_event *facts = withdrawal_of(model, ask->withdrawal);
    if (facts == NULL) return REJECT_UNKNOWN_WITHDRAWAL;
    const uint8_t before = facts->state;
    if (facts->state == WITHDRAWAL_HELD)
        model_balance_move(model, facts->account, facts->asset, facts->amount.units,
                           -facts->amount.units);
    else if (facts->state != WITHDRAWAL_DENIED)
        return REJECT_WITHDRAWAL_STATE;
    facts->state = WITHDRAWAL_DENIED;
    withdrawal_write(model, facts, before);
    return REJECT_NONE;
}

enum reject model_withdrawal_cancel(struct model *model,
                                    const struct withdrawal_cancel_command *ask)
{
    if (model->params.rules < 3) return REJECT_RULES;
    struct withdrawal_moved_event *facts = withdrawal_of(model, ask->withdrawal);
    if (facts == NULL || facts->account != ask->account) return REJECT_UNKNOWN_WITHDRAWAL;
    const uint8_t before = facts->state;
    if (before == WITHDRAWAL_HELD)
        model_balance_move(model, facts->account, facts->asset, facts->amount.units,
                           -facts->amount.units);
    else if (before != WITHDRAWAL_CANCELED)
        return REJECT_WITHDRAWAL_STATE;
    facts->state = WITHDRAWAL_CANCELED;
    withdrawal_write(model, facts, before);
    return REJECT_NONE;
}

/* More than two thirds of the voters have voted for the block, or above it. */
static bool is_certified(const struct model *model, uint64_t block)
{
    int voters = 0, voted = 0;
    for (int i = 0; i < model->member_count; i++) {
        if (model->members[i].role != NODE_VOTER) continue;
        voters++;
        voted += model->members[i].voted >= block;
    }
    return 3 * voted > 2 * voters;
}

static enum reject report_check(const struct model *model,
                                const struct withdrawal_moved_event *facts,
                                const struct withdrawal_report_command *ask)
{
    const bool same = memcmp(facts->txid, ask->txid, TXID_BYTES) == 0;
    if (ask->state < WITHDRAWAL_BROADCAST || ask->state > WITHDRAWAL_FAILED)
        return REJECT_WITHDRAWAL_STATE;
    if (ask->state == facts->state && same) return REJECT_NONE;
    if (ask->state == WITHDRAWAL_BROADCAST && facts->state == WITHDRAWAL_APPROVED)
        return is_certified(model, facts->block) ? REJECT_NONE : REJECT_NOT_CERTIFIED;
    if (ask->state == WITHDRAWAL_FINAL && facts->state == WITHDRAWAL_BROADCAST)
        return same ? REJECT_NONE : REJECT_WITHDRAWAL_DIFFERS;
    if (ask->state == WITHDRAWAL_FAILED &&
        (facts->state == WITHDRAWAL_APPROVED || facts->state == WITHDRAWAL_BROADCAST))
        return REJECT_NONE;
    return REJECT_WITHDRAWAL_STATE;
}

enum reject model_withdrawal_report(struct model *model,
                                    const struct withdrawal_report_command *ask)
{
    if (model->params.rules < 2) return REJECT_RULES;
    struct withdrawal_moved_event *facts = withdrawal_of(model, ask->withdrawal);
    if (facts == NULL) return REJECT_UNKNOWN_WITHDRAWAL;
    const uint8_t before = facts->state;
    if (route_of(model, facts->chain, facts->asset)->connector != ask->operator_index)
        return REJECT_CONNECTOR;
    const enum reject reject = report_check(model, facts, ask);
    if (reject != REJECT_NONE) return reject;
    const bool ends = facts->state != ask->state && ask->state != WITHDRAWAL_BROADCAST;
    if (ends) model->in_flight[facts->asset] -= facts->amount.units;
    if (ends && ask->state == WITHDRAWAL_FINAL) {
        model->supply[facts->asset] -= facts->paid.units;
        model->fees[facts->asset] += facts->fee.units;
    }
    if (ends && ask->state == WITHDRAWAL_FAILED)
        model_balance_move(model, facts->account, facts->asset, facts->amount.units, 0);
    facts->state = ask->state;
    memcpy(facts->txid, ask->txid, TXID_BYTES);
    withdrawal_write(model, facts, before);
    return REJECT_NONE;
}

int64_t model_withdrawals_hold(const struct model *model, uint32_t account, uint16_t asset)
{
    int64_t held = 0;
    for (int i = 0; i < model->withdrawal_count; i++) {
        const struct withdrawal_moved_event *facts = &model->withdrawals[i].facts;
        if (facts->state == WITHDRAWAL_HELD && facts->account == account && facts->asset == asset)
            held += facts->amount.units;
    }
    return held;
}
