#include "engine/deposit.h"

#include "common/wide.h"

/* What is kept of a deposit has moved nothing. */
static void written(const struct deposit_changed_event *deposit, amount_t moved,
                    struct event_writer *out)
{
    struct deposit_changed_event changed = *deposit;
    changed.moved = moved;
    event_write_deposit_changed(out, &changed);
}

static void freeze(struct engine *engine, uint32_t account, bool frozen, struct event_writer *out)
{
    const struct account_frozen_event written = {.account = account, .frozen = frozen};
    engine->accounts.terms[account].frozen = frozen;
    event_write_account_frozen(out, &written);
}

enum reject deposit_freeze(struct engine *engine, const struct command *command,
                           struct event_writer *out)
{
    struct account_freeze_command ask;
    account_freeze_command_get(command->payload, &ask);
    if (!accounts_exists(&engine->accounts, ask.account)) return REJECT_UNKNOWN_ACCOUNT;
    freeze(engine, ask.account, ask.frozen != 0, out);
    return REJECT_NONE;
}

/* Given again to the same account it is answered alike. */
enum reject deposit_address(struct engine *engine, const struct command *command,
                            struct event_writer *out)
{
    struct deposit_address_command ask;
    deposit_address_command_get(command->payload, &ask);
    const int chain = params_find_chain(&engine->params, ask.chain);
    if (chain < 0) return REJECT_ROUTE;
    if (engine->params.routes[chain].connector != ask.operator_index) return REJECT_CONNECTOR;
    if (!accounts_exists(&engine->accounts, ask.account)) return REJECT_UNKNOWN_ACCOUNT;
    if (ask.address[0] == 0) return REJECT_ADDRESS;

    struct address address = {
        .active_ns = engine->stamp_ns, .account = ask.account, .kind = ADDRESS_DEPOSIT};
    memcpy(address.chain, ask.chain, CHAIN_BYTES);
    memcpy(address.address, ask.address, CHAIN_ADDRESS_BYTES);
    const struct address *known =
        custody_address(&engine->custody, ADDRESS_DEPOSIT, 0, ask.chain, ask.address);
    if (known != NULL && known->account != ask.account) return REJECT_ALREADY_EXISTS;
    if (known == NULL) known = custody_address_add(&engine->custody, &address);
    if (known == NULL) return REJECT_ADDRESSES_FULL;

    struct address_changed_event changed = {
        .active_ns = known->active_ns, .account = known->account, .kind = known->kind};
    memcpy(changed.chain, known->chain, CHAIN_BYTES);
    memcpy(changed.address, known->address, CHAIN_ADDRESS_BYTES);
    event_write_address_changed(out, &changed);
    return REJECT_NONE;
}

/* What the report says, as a deposit that is new. */
static enum reject deposit_read(const struct engine *engine,
                                const struct deposit_report_command *ask,
                                struct deposit_changed_event *deposit)
{
    const struct params *params = &engine->params;
    const int index = params_find_route(params, ask->chain, ask->asset);
    if (index < 0) return REJECT_ROUTE;
    const struct route_changed_event *route = &params->routes[index];
    if (route->connector != ask->operator_index) return REJECT_CONNECTOR;
    const struct address *address =
        custody_address(&engine->custody, ADDRESS_DEPOSIT, 0, ask->chain, ask->address);
    if (address == NULL) return REJECT_ADDRESS;

    *deposit = (struct deposit_changed_event){.height = ask->height,
                                              .account = address->account,
                                              .confirmations = ask->confirmations,
                                              .output = ask->output,
                                              .asset = ask->asset,
                                              .state = DEPOSIT_CONFIRMING};
    memcpy(deposit->chain, ask->chain, CHAIN_BYTES);
    memcpy(deposit->txid, ask->txid, TXID_BYTES);
    if (!wide_units(ask->amount, route->decimals, params->assets[ask->asset].decimals,
                    &deposit->amount))
        return REJECT_INEXACT;
    return deposit->amount.units > 0 ? REJECT_NONE : REJECT_AMOUNT;
}

/* Takes the report into what is known of the deposit. False when the two contradict each other. */
static bool deposit_merge(struct deposit_changed_event *known,
                          const struct deposit_changed_event *told)
{
    if (known->asset != told->asset || known->account != told->account ||
        known->amount.units != told->amount.units)
        return false;
    if (known->state == DEPOSIT_CREDITED) return true;
    known->height = told->height;
    known->confirmations = told->confirmations;
    known->state = DEPOSIT_CONFIRMING;
    return true;
}

/* Credits what is not credited yet, once there are confirmations enough. */
static enum reject deposit_confirm(struct engine *engine, struct deposit_changed_event *deposit)
{
    const int index = params_find_route(&engine->params, deposit->chain, deposit->asset);
    ASSERT(index >= 0);
    if (deposit->state != DEPOSIT_CONFIRMING ||
        deposit->confirmations < engine->params.routes[index].confirmations)
        return REJECT_NONE;
    const amount_t more = {deposit->amount.units - deposit->credited.units};
    if (more.units > 0 &&
        !accounts_credit(&engine->accounts, deposit->account, deposit->asset, more))
        return REJECT_AMOUNT;
    deposit->credited = deposit->amount;
    deposit->state = DEPOSIT_CREDITED;
    return REJECT_NONE;
}

enum reject deposit_report(struct engine *engine, const struct command *command,
                           struct event_writer *out)
{
    struct deposit_report_command ask;
    struct deposit_changed_event told, deposit;
    deposit_report_command_get(command->payload, &ask);
    enum reject reject = deposit_read(engine, &ask, &told);
    if (reject != REJECT_NONE) return reject;

    struct deposit_changed_event *known =
        custody_deposit(&engine->custody, ask.chain, ask.txid, ask.output);
    const int chain = params_find_chain(&engine->params, ask.chain);
    if (known == NULL && ask.height <= engine->custody.floors[chain]) return REJECT_DEPOSIT_OLD;
    deposit = known != NULL ? *known : told;
    const amount_t before = deposit.credited;
    if (!deposit_merge(&deposit, &told)) return REJECT_DEPOSIT_DIFFERS;
    if (known == NULL && !custody_deposit_fits(&engine->custody)) return REJECT_DEPOSITS_FULL;
    reject = deposit_confirm(engine, &deposit);
    if (reject != REJECT_NONE) return reject;
    if (known == NULL)
        known = custody_deposit_add(&engine->custody, &engine->params, &deposit);
    else
        *known = deposit;
    written(known, (amount_t){known->credited.units - before.units}, out);
    return REJECT_NONE;
}

/* Takes back what the account has of it; whoever has spent some is frozen. */
static void deposit_take_back(struct engine *engine, struct deposit_changed_event *deposit,
                              struct event_writer *out)
{
    const amount_t available =
        accounts_balance(&engine->accounts, deposit->account, deposit->asset)->available;
    const amount_t taken = {available.units < deposit->credited.units ? available.units
                                                                      : deposit->credited.units};
    if (taken.units > 0) {
        const bool debited =
            accounts_debit(&engine->accounts, deposit->account, deposit->asset, taken);
        ASSERT(debited);
    }
    const bool owed_before = deposit->state == DEPOSIT_OWED;
    deposit->credited.units -= taken.units;
    deposit->confirmations = 0;
    deposit->state = deposit->credited.units == 0 ? DEPOSIT_REORGED : DEPOSIT_OWED;
    written(deposit, (amount_t){-taken.units}, out);
    if (deposit->state == DEPOSIT_OWED && !owed_before) freeze(engine, deposit->account, true, out);
}

enum reject deposit_reorg(struct engine *engine, const struct command *command,
                          struct event_writer *out)
{
    struct deposit_reorg_command ask;
    deposit_reorg_command_get(command->payload, &ask);
    const struct params *params = &engine->params;
    const bool by_asset = params->rules >= PARAMS_RULES_RELEASE;
    int route = params_find_chain(params, ask.chain);
    if (route < 0) return REJECT_ROUTE;
    struct deposit_changed_event *deposit =
        custody_deposit(&engine->custody, ask.chain, ask.txid, ask.output);
    if (by_asset && deposit == NULL) return REJECT_UNKNOWN_DEPOSIT;
    /* Its asset's route: nobody takes back what he could not have reported. */
    if (by_asset) route = params_find_route(params, ask.chain, deposit->asset);
    ASSERT(route >= 0);
    if (params->routes[route].connector != ask.operator_index) return REJECT_CONNECTOR;
    if (deposit == NULL) return REJECT_UNKNOWN_DEPOSIT;
    deposit_take_back(engine, deposit, out);
    return REJECT_NONE;
}
