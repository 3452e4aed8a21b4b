#include "tests/model/parts.h"

#include <string.h>

/* Moves the parameters by the event that was just written at `at`. */
static void apply(struct model *model, const uint8_t *at)
{
    struct event event;
    const bool decoded = event_next(&at, model->out->at, &event);
    ASSERT(decoded);
    params_apply(&model->params, &event);
}

static enum reject asset_create(struct model *model, const struct asset_create_command *ask)
{
    char symbol[ASSET_SYMBOL_BYTES + 1] = {0};
    memcpy(symbol, ask->symbol, ASSET_SYMBOL_BYTES);
    if (ask->decimals > ASSET_DECIMALS_MAX || !market_symbol_valid(symbol, ASSET_SYMBOL_BYTES))
        return REJECT_UNKNOWN_ASSET;
    if (params_find_asset(&model->params, symbol, strlen(symbol)) >= 0)
        return REJECT_ALREADY_EXISTS;
    if (model->params.asset_count >= model->params.assets_max) return REJECT_ASSETS_FULL;
    struct asset_created_event created = {.asset = model->params.asset_count,
                                          .decimals = ask->decimals};
    memcpy(created.symbol, symbol, strlen(symbol)); /* what follows a zero is not of it */
    uint8_t *at = model->out->at;
    event_write_asset_created(model->out, &created);
    apply(model, at);
    return REJECT_NONE;
}

static enum reject market_create(struct model *model, const struct market_create_command *ask)
{
    struct market market;
    if (ask->base >= model->params.asset_count || ask->quote >= model->params.asset_count)
        return REJECT_UNKNOWN_ASSET;
    if (!market_list(ask, model->params.assets, &market)) return REJECT_MARKET_SPEC;
    if (params_find_market(&model->params, market.symbol, strlen(market.symbol)) >= 0)
        return REJECT_ALREADY_EXISTS;
    if (model->params.market_count >= model->params.markets_max) return REJECT_MARKETS_FULL;
    struct market_created_event created = {.market = model->params.market_count,
                                           .base = ask->base,
                                           .quote = ask->quote,
                                           .tick_units = ask->tick_units,
                                           .lot_units = ask->lot_units,
                                           .price_min = ask->price_min,
                                           .price_max = ask->price_max,
                                           .qty_min = ask->qty_min,
                                           .qty_max = ask->qty_max,
                                           .notional_min = ask->notional_min,
                                           .account_orders_max = ask->account_orders_max};
    memcpy(created.symbol, market.symbol, strlen(market.symbol));
    uint8_t *at = model->out->at;
    event_write_market_created(model->out, &created);
    apply(model, at);
    return REJECT_NONE;
}

static enum reject market_status(struct model *model, const struct market_status_command *ask)
{
    if (ask->market >= model->params.market_count) return REJECT_UNKNOWN_MARKET;
    if (ask->status < MARKET_TRADING || ask->status > MARKET_BREAK) return REJECT_MARKET_SPEC;
    uint8_t *at = model->out->at;
    event_write_market_status_changed(
        model->out,
        &(struct market_status_changed_event){.market = ask->market, .status = ask->status});
    apply(model, at);
    return REJECT_NONE;
}

static enum reject market_filters(struct model *model, const struct market_filters_command *ask)
{
    if (ask->market >= model->params.market_count) return REJECT_UNKNOWN_MARKET;
    const struct market_filtered_event filtered = {
        .market_qty_min = ask->market_qty_min,
        .market_qty_max = ask->market_qty_max,
        .notional_max = ask->notional_max,
        .position_max = ask->position_max,
        .bid_up = ask->bid_up,
        .bid_down = ask->bid_down,
        .ask_up = ask->ask_up,
        .ask_down = ask->ask_down,
        .band_ppm = ask->band_ppm,
        .average_minutes = ask->average_minutes,
        .algo_orders_max = ask->algo_orders_max,
        .iceberg_orders_max = ask->iceberg_orders_max,
        .iceberg_parts_max = ask->iceberg_parts_max,
        .order_lists_max = ask->order_lists_max,
        .trailing_min = ask->trailing_min,
        .trailing_max = ask->trailing_max,
        .market = ask->market,
        .self_trade_modes = ask->self_trade_modes,
        .self_trade_default = ask->self_trade_default,
    };
    const struct market_filters filters = params_filters_of(&filtered);
    if (!market_filters_valid(market_of(model, ask->market), &filters)) return REJECT_MARKET_SPEC;
    uint8_t *at = model->out->at;
    event_write_market_filtered(model->out, &filtered);
    apply(model, at);
    return REJECT_NONE;
}

static enum reject account_create(struct model *model, const struct account_create_command *ask)
{
    static const uint8_t none[PUBLIC_KEY_BYTES];
    if (ask->tier >= model->params.tier_count) return REJECT_TIER;
    for (uint32_t i = 1; i <= model->account_count; i++)
        if (memcmp(ask->public_key, none, sizeof(none)) != 0 &&
            memcmp(ask->public_key, model->accounts[i].public_key, sizeof(none)) == 0)
            return REJECT_ALREADY_EXISTS;
    if (model->account_count >= model->params.accounts_max) return REJECT_ACCOUNTS_FULL;
    struct model_account *account = &model->accounts[++model->account_count];
    struct account_created_event created = {.account = model->account_count, .tier = ask->tier};
    account->tier = account->given_tier = ask->tier;
    memcpy(account->public_key, ask->public_key, sizeof(account->public_key));
    memcpy(created.public_key, ask->public_key, sizeof(created.public_key));
    event_write_account_created(model->out, &created);
    return REJECT_NONE;
}

static enum reject account_tier(struct model *model, const struct account_tier_command *ask)
{
    if (ask->account == 0 || ask->account > model->account_count) return REJECT_UNKNOWN_ACCOUNT;
    if (ask->tier >= model->params.tier_count) return REJECT_TIER;
    model->accounts[ask->account].given_tier = ask->tier;
    event_write_tier_set(model->out, &(struct tier_set_event){ask->account, ask->tier});
    model_tier_look(model, ask->account);
    return REJECT_NONE;
}

static enum reject key_add(struct model *model, const struct key_add_command *ask)
{
    if (ask->account == 0 || ask->account > model->account_count) return REJECT_UNKNOWN_ACCOUNT;
    for (uint32_t i = 0; i < model->key_count; i++)
        if (memcmp(model->keys[i].id, ask->key_id, 32) == 0) return REJECT_ALREADY_EXISTS;
    if (model->key_count >= model->params.keys_max) return REJECT_KEYS_FULL;
    struct model_key *key = &model->keys[model->key_count++];
    memcpy(key->id, ask->key_id, 32);
    key->owner = ask->account;
    if (model->params.rules >= 7) {
        key->account = ask->account;
        key->permissions = ask->permissions;
    }
    struct key_added_event added = {.account = ask->account,
                                    .permissions = ask->permissions,
                                    .secret_version = ask->secret_version};
    memcpy(added.key_id, ask->key_id, sizeof(added.key_id));
    memcpy(added.public_key, ask->public_key, sizeof(added.public_key));
    event_write_key_added(model->out, &added);
    return REJECT_NONE;
}

static enum reject credit(struct model *model, const struct credit_command *ask)
{
    if (ask->account == 0 || ask->account > model->account_count) return REJECT_UNKNOWN_ACCOUNT;
    if (ask->asset >= model->params.asset_count) return REJECT_UNKNOWN_ASSET;
    if (ask->amount.units <= 0) return REJECT_AMOUNT;
    if (ask->amount.units > INT64_MAX - model->supply[ask->asset]) return REJECT_AMOUNT;
    model->supply[ask->asset] += ask->amount.units;
    event_write_credited(model->out, &(struct credited_event){.amount = ask->amount,
                                                              .account = ask->account,
                                                              .asset = ask->asset});
    model_balance_move(model, ask->account, ask->asset, ask->amount.units, 0);
    return REJECT_NONE;
}

static enum reject debit(struct model *model, const struct debit_command *ask)
{
    if (ask->account == 0 || ask->account > model->account_count) return REJECT_UNKNOWN_ACCOUNT;
    if (ask->asset >= model->params.asset_count) return REJECT_UNKNOWN_ASSET;
    if (ask->amount.units <= 0) return REJECT_AMOUNT;
    if (ask->amount.units > model->accounts[ask->account].balances[ask->asset].available)
        return REJECT_INSUFFICIENT_BALANCE;
    model->supply[ask->asset] -= ask->amount.units;
    event_write_debited(model->out, &(struct debited_event){.amount = ask->amount,
                                                            .account = ask->account,
                                                            .asset = ask->asset});
    model_balance_move(model, ask->account, ask->asset, -ask->amount.units, 0);
    return REJECT_NONE;
}

/* Who says it and nonce first; a refused command does not use its nonce up. */
#define SAID_BY(may, NAME, name, function) \
    case T_##NAME: { \
        struct name##_command ask; \
        name##_command_get(command->payload, &ask); \
        if (!may(model, ask.operator_index)) return REJECT_UNKNOWN_OPERATOR; \
        if (ask.nonce <= model->nonces[ask.operator_index]) return REJECT_NONCE_USED; \
        const enum reject reject = function(model, &ask); \
        if (reject == REJECT_NONE) model->nonces[ask.operator_index] = ask.nonce; \
        return reject; \
    }

#define OPERATOR(NAME, name, function) SAID_BY(may_command, NAME, name, function)
#define REPORT(NAME, name, function)   SAID_BY(model_may_report, NAME, name, function)

static bool may_command(const struct model *model, uint16_t number)
{
    return number < model->operator_count;
}

enum reject model_operator_step(struct model *model, const struct command *command)
{
    switch (command->header.type) {
        OPERATOR(ASSET_CREATE, asset_create, asset_create)
        OPERATOR(MARKET_CREATE, market_create, market_create)
        OPERATOR(MARKET_STATUS, market_status, market_status)
        OPERATOR(MARKET_FILTERS, market_filters, market_filters)
        OPERATOR(ACCOUNT_CREATE, account_create, account_create)
        OPERATOR(ACCOUNT_TIER, account_tier, account_tier)
        OPERATOR(KEY_ADD, key_add, key_add)
        OPERATOR(CREDIT, credit, credit)
        OPERATOR(DEBIT, debit, debit)
        OPERATOR(NODE_ADD, node_add, model_node_add)
        OPERATOR(NODE_ROLE, node_role, model_node_role)
        OPERATOR(NODE_REMOVE, node_remove, model_node_remove)
        OPERATOR(NODE_SWAP, node_swap, model_node_swap)
        OPERATOR(RULES_SET, rules_set, model_rules_set)
        OPERATOR(ROUTE_SET, route_set, model_route_set)
        OPERATOR(ACCOUNT_FREEZE, account_freeze, model_account_freeze)
        REPORT(DEPOSIT_ADDRESS, deposit_address, model_deposit_address)
        REPORT(DEPOSIT_REPORT, deposit_report, model_deposit_report)
        REPORT(DEPOSIT_REORG, deposit_reorg, model_deposit_reorg)
        OPERATOR(WITHDRAWAL_APPROVE, withdrawal_approve, model_withdrawal_approve)
        OPERATOR(WITHDRAWAL_DENY, withdrawal_deny, model_withdrawal_deny)
        REPORT(WITHDRAWAL_REPORT, withdrawal_report, model_withdrawal_report)
        OPERATOR(ROUTE_FEE_SET, route_fee_set, model_route_fee_set)
        OPERATOR(CONNECTOR_ADD, connector_add, model_connector_add)
        OPERATOR(OPENING_SET, opening_set, model_opening_set)
        OPERATOR(ACCOUNT_APPROVE, account_approve, model_account_approve)
        OPERATOR(LIABILITIES_ORDER, liabilities_order, model_liabilities_order)
    default:
        return REJECT_LATER_VERSION;
    }
}
