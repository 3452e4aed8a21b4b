#include "engine/withdrawal.h"

#include "common/command_rules.h"
#include "common/share.h"
#include "common/wide.h"
#include "common/withdrawal_event.h"

#define SECOND_NS UINT64_C(1000000000)

/* What is kept of a withdrawal has no state before. */
static void written(const struct engine *engine, const struct withdrawal *withdrawal,
                    uint8_t before, struct event_writer *out)
{
    struct withdrawal_moved_event moved = withdrawal->facts;
    moved.before = before;
    withdrawal_event_write(out, engine->params.rules, &moved);
}

/* Its route as it is now. Routes stay. */
static const struct route_changed_event *route_of(const struct engine *engine,
                                                  const struct withdrawal_moved_event *facts)
{
    const int index = params_find_route(&engine->params, facts->chain, facts->asset);
    ASSERT(index >= 0);
    return &engine->params.routes[index];
}

/* ---- What the account asks for. */

static bool address_good(const struct engine *engine, const struct withdraw_command *ask)
{
    const struct address *address = custody_address(&engine->custody, ADDRESS_WITHDRAWAL,
                                                    ask->account, ask->chain, ask->address);
    return address != NULL && address->active_ns != 0 && address->active_ns <= engine->stamp_ns;
}

/* What the account has withdrawn of the asset today. */
static int64_t withdrawn_today(const struct engine *engine, uint32_t account, uint16_t asset)
{
    const struct custody_day *day = custody_day(&engine->custody, account, asset);
    return day->day == engine->day ? day->sum.units : 0;
}

/* It came to nothing: the money is the account's again, and on the day that it was asked for it does not count. */
static void undone(struct engine *engine, const struct withdrawal *withdrawal)
{
    const struct withdrawal_moved_event *facts = &withdrawal->facts;
    if (withdrawal->until_day != engine->day + 1) return;
    struct custody_day *day = custody_day(&engine->custody, facts->account, facts->asset);
    ASSERT(day->day == engine->day && day->sum.units >= facts->amount.units);
    day->sum.units -= facts->amount.units;
}

/* What the account gives must leave something when the fee is taken, and that must be a whole number on the chain. */
static enum reject amount_check(const struct engine *engine, const struct withdraw_command *ask,
                                int index)
{
    const struct route_changed_event *route = &engine->params.routes[index];
    const amount_t paid = {ask->amount.units -
                           params_route_fee(&engine->params, index, engine->stamp_ns).units};
    uint8_t wide[WIDE_BYTES];
    if (ask->amount.units < route->withdrawal_min.units ||
        ask->amount.units > route->withdrawal_max.units || paid.units <= 0)
        return REJECT_WITHDRAWAL_LIMIT;
    if (!wide_of_units(paid, engine->params.assets[ask->asset].decimals, route->decimals, wide))
        return REJECT_INEXACT;
    if (withdrawn_today(engine, ask->account, ask->asset) >
        route->day_max.units - ask->amount.units)
        return REJECT_WITHDRAWAL_DAY_LIMIT;
    const struct balance *balance = accounts_balance(&engine->accounts, ask->account, ask->asset);
    return balance->available.units < ask->amount.units ? REJECT_INSUFFICIENT_BALANCE : REJECT_NONE;
}

static enum reject ask_check(const struct engine *engine, const struct withdraw_command *ask)
{
    const struct params *params = &engine->params;
    if (!command_rules_allow(params->rules, T_WITHDRAW)) return REJECT_RULES;
    if (!accounts_exists(&engine->accounts, ask->account)) return REJECT_UNKNOWN_ACCOUNT;
    if (accounts_frozen(&engine->accounts, ask->account)) return REJECT_ACCOUNT_FROZEN;
    const int index = params_find_route(params, ask->chain, ask->asset);
    if (index < 0 || params->routes[index].status != ROUTE_OPEN) return REJECT_ROUTE;
    if (custody_withdrawal_of(&engine->custody, ask->account, ask->client_id) != NULL)
        return REJECT_DUPLICATE_WITHDRAWAL;
    if (!address_good(engine, ask)) return REJECT_ADDRESS;
    return amount_check(engine, ask, index);
}

static void approved(struct engine *engine, struct withdrawal_moved_event *facts)
{
    facts->state = WITHDRAWAL_APPROVED;
    facts->block = engine->sealed_height + 1; /* the one that will hold this command */
    accounts_depart(&engine->accounts, facts->account, facts->asset, facts->amount);
}

enum reject withdrawal_ask(struct engine *engine, const struct command *command,
                           struct event_writer *out)
{
    struct withdraw_command ask;
    withdraw_command_get(command->payload, &ask);
    const enum reject reject = ask_check(engine, &ask);
    if (reject != REJECT_NONE) return reject;

    /* The fee of now is its fee for good. What was undone counted too before rules 4. */
    const int route = params_find_route(&engine->params, ask.chain, ask.asset);
    const amount_t fee = params_route_fee(&engine->params, route, engine->stamp_ns);
    struct withdrawal asked = {
        .facts = {.amount = ask.amount,
                  .fee = fee,
                  .paid = {ask.amount.units - fee.units},
                  .account = ask.account,
                  .asset = ask.asset,
                  .state = WITHDRAWAL_HELD},
        .deadline_ns = command->header.deadline_ns,
        .until_day = engine->params.rules < PARAMS_RULES_CHARGES ? 0 : engine->day + 1};
    memcpy(asked.facts.chain, ask.chain, CHAIN_BYTES);
    memcpy(asked.facts.address, ask.address, CHAIN_ADDRESS_BYTES);
    memcpy(asked.facts.client_id, ask.client_id, sizeof(asked.facts.client_id));
    struct withdrawal *withdrawal =
        custody_withdrawal_add(&engine->custody, &asked, engine->stamp_ns);
    if (withdrawal == NULL) return REJECT_WITHDRAWALS_FULL;

    const bool held = accounts_hold(&engine->accounts, ask.account, ask.asset, ask.amount);
    ASSERT(held);
    *custody_day(&engine->custody, ask.account, ask.asset) = (struct custody_day){
        {withdrawn_today(engine, ask.account, ask.asset) + ask.amount.units}, engine->day};
    if (ask.amount.units <= route_of(engine, &withdrawal->facts)->approval_above.units)
        approved(engine, &withdrawal->facts);
    written(engine, withdrawal, 0, out);
    return REJECT_NONE;
}

/* From when on an address is good: the longest delay of the chain's routes counts. */
static uint64_t active_from(const struct engine *engine, const uint8_t chain[CHAIN_BYTES])
{
    uint32_t delay_s = 0;
    for (uint16_t i = 0; i < engine->params.route_count; i++) {
        const struct route_changed_event *route = &engine->params.routes[i];
        if (memcmp(route->chain, chain, CHAIN_BYTES) == 0 && route->address_delay_s > delay_s)
            delay_s = route->address_delay_s;
    }
    return engine->stamp_ns + delay_s * SECOND_NS;
}

static enum reject allow_check(const struct engine *engine, const struct address_allow_command *ask)
{
    if (!command_rules_allow(engine->params.rules, T_ADDRESS_ALLOW)) return REJECT_RULES;
    if (!accounts_exists(&engine->accounts, ask->account)) return REJECT_UNKNOWN_ACCOUNT;
    if (accounts_frozen(&engine->accounts, ask->account)) return REJECT_ACCOUNT_FROZEN;
    if (params_find_chain(&engine->params, ask->chain) < 0) return REJECT_ROUTE;
    return ask->address[0] == 0 ? REJECT_ADDRESS : REJECT_NONE;
}

/* A new one on the account's list, or NULL: there is no place, or none for this account. */
static struct address *list_address(struct engine *engine, const struct address_allow_command *ask)
{
    const struct custody *custody = &engine->custody;
    struct address fresh = {.account = ask->account, .kind = ADDRESS_WITHDRAWAL};
    if (!share_allows(&engine->params, share_addresses(&engine->params), custody->listed_count,
                      custody->address_counts[ask->account]))
        return NULL;
    memcpy(fresh.chain, ask->chain, CHAIN_BYTES);
    memcpy(fresh.address, ask->address, CHAIN_ADDRESS_BYTES);
    return custody_address_add(&engine->custody, &fresh);
}

enum reject withdrawal_allow(struct engine *engine, const struct command *command,
                             struct event_writer *out)
{
    struct address_allow_command ask;
    address_allow_command_get(command->payload, &ask);
    const enum reject reject = allow_check(engine, &ask);
    if (reject != REJECT_NONE) return reject;

    struct address *address =
        custody_address(&engine->custody, ADDRESS_WITHDRAWAL, ask.account, ask.chain, ask.address);
    if (address == NULL && ask.allowed == 0) return REJECT_ADDRESS;
    if (address == NULL) address = list_address(engine, &ask);
    if (address == NULL) return REJECT_ADDRESSES_FULL;
    /* Asked for again while it counts, it counts from when it did. */
    if (ask.allowed == 0)
        address->active_ns = 0;
    else if (address->active_ns == 0)
        address->active_ns = active_from(engine, ask.chain);

    struct address_changed_event changed = {
        .active_ns = address->active_ns, .account = ask.account, .kind = ADDRESS_WITHDRAWAL};
    memcpy(changed.chain, ask.chain, CHAIN_BYTES);
    memcpy(changed.address, ask.address, CHAIN_ADDRESS_BYTES);
    event_write_address_changed(out, &changed);
    return REJECT_NONE;
}

/* What waits for operators is the account's to take back, also while it is frozen: the money stays here. */
enum reject withdrawal_cancel(struct engine *engine, const struct command *command,
                              struct event_writer *out)
{
    struct withdrawal_cancel_command ask;
    withdrawal_cancel_command_get(command->payload, &ask);
    if (!command_rules_allow(engine->params.rules, T_WITHDRAWAL_CANCEL)) return REJECT_RULES;
    struct withdrawal *withdrawal = custody_withdrawal(&engine->custody, ask.withdrawal);
    if (withdrawal == NULL || withdrawal->facts.account != ask.account)
        return REJECT_UNKNOWN_WITHDRAWAL;
    struct withdrawal_moved_event *facts = &withdrawal->facts;
    const uint8_t before = facts->state;
    if (before != WITHDRAWAL_HELD && before != WITHDRAWAL_CANCELED) return REJECT_WITHDRAWAL_STATE;
    if (before == WITHDRAWAL_HELD) {
        accounts_release(&engine->accounts, facts->account, facts->asset, facts->amount);
        undone(engine, withdrawal);
    }
    facts->state = WITHDRAWAL_CANCELED;
    written(engine, withdrawal, before, out);
    return REJECT_NONE;
}

/* ---- What operators say. */

enum reject withdrawal_approve(struct engine *engine, const struct command *command,
                               struct event_writer *out)
{
    struct withdrawal_approve_command ask;
    withdrawal_approve_command_get(command->payload, &ask);
    struct withdrawal *withdrawal = custody_withdrawal(&engine->custody, ask.withdrawal);
    if (withdrawal == NULL) return REJECT_UNKNOWN_WITHDRAWAL;
    struct withdrawal_moved_event *facts = &withdrawal->facts;
    const uint16_t bit = (uint16_t)(1u << ask.operator_index);
    const uint8_t before = facts->state;
    if (facts->amount.units != ask.amount.units ||
        memcmp(facts->address, ask.address, CHAIN_ADDRESS_BYTES) != 0)
        return REJECT_WITHDRAWAL_DIFFERS;
    if (facts->state != WITHDRAWAL_HELD && (facts->approvers & bit) == 0)
        return REJECT_WITHDRAWAL_STATE;
    if (accounts_frozen(&engine->accounts, facts->account)) return REJECT_ACCOUNT_FROZEN;

    facts->approvers |= bit;
    if (facts->state == WITHDRAWAL_HELD &&
        __builtin_popcount(facts->approvers) >= route_of(engine, facts)->approvals)
        approved(engine, facts);
    written(engine, withdrawal, before, out);
    return REJECT_NONE;
}

enum reject withdrawal_deny(struct engine *engine, const struct command *command,
                            struct event_writer *out)
{
    struct withdrawal_deny_command ask;
    withdrawal_deny_command_get(command->payload, &ask);
    struct withdrawal *withdrawal = custody_withdrawal(&engine->custody, ask.withdrawal);
    if (withdrawal == NULL) return REJECT_UNKNOWN_WITHDRAWAL;
    struct withdrawal_moved_event *facts = &withdrawal->facts;
    const uint8_t before = facts->state;
    if (before != WITHDRAWAL_HELD && before != WITHDRAWAL_DENIED) return REJECT_WITHDRAWAL_STATE;
    if (facts->state == WITHDRAWAL_HELD) {
        accounts_release(&engine->accounts, facts->account, facts->asset, facts->amount);
        undone(engine, withdrawal);
    }
    facts->state = WITHDRAWAL_DENIED;
    written(engine, withdrawal, before, out);
    return REJECT_NONE;
}

/* Whether the report follows from what is, when it is not what is already. */
static enum reject report_check(const struct engine *engine,
                                const struct withdrawal_moved_event *facts,
                                const struct withdrawal_report_command *ask)
{
    const bool same_txid = memcmp(facts->txid, ask->txid, TXID_BYTES) == 0;
    switch (ask->state) {
    case WITHDRAWAL_BROADCAST:
        if (facts->state != WITHDRAWAL_APPROVED) return REJECT_WITHDRAWAL_STATE;
        return nodes_certified(&engine->nodes, facts->block) ? REJECT_NONE : REJECT_NOT_CERTIFIED;
    case WITHDRAWAL_FINAL:
        if (facts->state != WITHDRAWAL_BROADCAST) return REJECT_WITHDRAWAL_STATE;
        return same_txid ? REJECT_NONE : REJECT_WITHDRAWAL_DIFFERS;
    case WITHDRAWAL_FAILED:
        return custody_departed(facts->state) ? REJECT_NONE : REJECT_WITHDRAWAL_STATE;
    default:
        return REJECT_WITHDRAWAL_STATE;
    }
}

enum reject withdrawal_report(struct engine *engine, const struct command *command,
                              struct event_writer *out)
{
    struct withdrawal_report_command ask;
    withdrawal_report_command_get(command->payload, &ask);
    struct withdrawal *withdrawal = custody_withdrawal(&engine->custody, ask.withdrawal);
    if (withdrawal == NULL) return REJECT_UNKNOWN_WITHDRAWAL;
    struct withdrawal_moved_event *facts = &withdrawal->facts;
    if (route_of(engine, facts)->connector != ask.operator_index) return REJECT_CONNECTOR;

    const uint8_t before = facts->state;
    const bool again = ask.state == facts->state && ask.state >= WITHDRAWAL_BROADCAST &&
                       ask.state <= WITHDRAWAL_FAILED &&
                       memcmp(facts->txid, ask.txid, TXID_BYTES) == 0;
    const enum reject reject = again ? REJECT_NONE : report_check(engine, facts, &ask);
    if (reject != REJECT_NONE) return reject;
    if (!again) {
        facts->state = ask.state;
        memcpy(facts->txid, ask.txid, TXID_BYTES);
        if (ask.state == WITHDRAWAL_FINAL)
            accounts_arrive(&engine->accounts, facts->asset, facts->paid, facts->fee);
        if (ask.state == WITHDRAWAL_FAILED) {
            accounts_return(&engine->accounts, facts->account, facts->asset, facts->amount);
            undone(engine, withdrawal);
        }
    }
    written(engine, withdrawal, before, out);
    return REJECT_NONE;
}
