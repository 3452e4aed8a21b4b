#include "engine/operator.h"

#include "common/command_rules.h"
#include "common/le.h"
#include "engine/cancel.h"
#include "engine/deposit.h"
#include "engine/opening.h"
#include "engine/withdrawal.h"

#include <string.h>

#define SECOND_NS UINT64_C(1000000000)

/* Every operator's payload begins with them. */
struct claim {
    uint64_t nonce;
    uint16_t operator_index;
};

static struct claim claim_of(const struct command *command)
{
    return (struct claim){le_get_u64(command->payload), le_get_u16(command->payload + 8)};
}

/* What connectors say is about the routes that name them; operators may be connectors too. */
static bool is_report(uint16_t type)
{
    return type == T_DEPOSIT_ADDRESS || type == T_DEPOSIT_REPORT || type == T_DEPOSIT_REORG ||
           type == T_WITHDRAWAL_REPORT;
}

static bool may_command(const struct engine *engine, uint16_t signer, uint16_t type)
{
    if (signer < PARAMS_CONNECTOR_FIRST) return signer < engine->operator_count;
    return is_report(type) && params_connector(&engine->params, signer) != NULL;
}

static enum reject claim_check(const struct engine *engine, struct claim claim, uint16_t type)
{
    if (!may_command(engine, claim.operator_index, type)) return REJECT_UNKNOWN_OPERATOR;
    if (claim.nonce <= engine->operator_nonces[claim.operator_index]) return REJECT_NONCE_USED;
    return REJECT_NONE;
}

/* Lets the event just written at the mark move the parameters, as it will everywhere else. */
static void params_follow(struct engine *engine, size_t mark, const struct event_writer *out)
{
    struct event event;
    const uint8_t *at = event_writer_at_mark(out, mark);
    const bool whole = event_next(&at, out->at, &event);
    ASSERT(whole && at == out->at);
    params_apply(&engine->params, &event);
}

static size_t symbol_length(const uint8_t *symbol, size_t symbol_max)
{
    return strnlen((const char *)symbol, symbol_max);
}

static enum reject asset_create(struct engine *engine, const struct command *command,
                                struct event_writer *out)
{
    struct asset_create_command create;
    asset_create_command_get(command->payload, &create);
    const struct params *params = &engine->params;
    char symbol[ASSET_SYMBOL_BYTES + 1] = {0};
    memcpy(symbol, create.symbol, ASSET_SYMBOL_BYTES);

    if (!market_symbol_valid(symbol, ASSET_SYMBOL_BYTES)) return REJECT_UNKNOWN_ASSET;
    if (create.decimals > ASSET_DECIMALS_MAX) return REJECT_UNKNOWN_ASSET;
    if (params_find_asset(params, symbol, strlen(symbol)) >= 0) return REJECT_ALREADY_EXISTS;
    if (params->asset_count >= params->assets_max) return REJECT_ASSETS_FULL;

    struct asset_created_event created = {.asset = params->asset_count,
                                          .decimals = create.decimals};
    memcpy(created.symbol, symbol, strlen(symbol));
    const size_t mark = event_writer_mark(out);
    event_write_asset_created(out, &created);
    params_follow(engine, mark, out);
    return REJECT_NONE;
}

static void market_created(struct engine *engine, const struct market_create_command *create,
                           struct event_writer *out)
{
    struct market_created_event created = {
        .market = engine->params.market_count,
        .base = create->base,
        .quote = create->quote,
        .tick_units = create->tick_units,
        .lot_units = create->lot_units,
        .price_min = create->price_min,
        .price_max = create->price_max,
        .qty_min = create->qty_min,
        .qty_max = create->qty_max,
        .notional_min = create->notional_min,
        .account_orders_max = create->account_orders_max,
    };
    memcpy(created.symbol, create->symbol, symbol_length(create->symbol, MARKET_SYMBOL_BYTES));
    const size_t mark = event_writer_mark(out);
    event_write_market_created(out, &created);
    params_follow(engine, mark, out);
}

static enum reject market_create(struct engine *engine, const struct command *command,
                                 struct event_writer *out)
{
    struct market_create_command create;
    market_create_command_get(command->payload, &create);
    const struct params *params = &engine->params;
    struct market market;
    const size_t symbol_bytes = symbol_length(create.symbol, MARKET_SYMBOL_BYTES);

    if (create.base >= params->asset_count || create.quote >= params->asset_count)
        return REJECT_UNKNOWN_ASSET;
    if (!market_list(&create, params->assets, &market)) return REJECT_MARKET_SPEC;
    if (params_find_market(params, (const char *)create.symbol, symbol_bytes) >= 0)
        return REJECT_ALREADY_EXISTS;
    if (params->market_count >= params->markets_max) return REJECT_MARKETS_FULL;

    market_created(engine, &create, out);
    return REJECT_NONE;
}

static enum reject market_status(struct engine *engine, const struct command *command,
                                 struct event_writer *out)
{
    struct market_status_command change;
    market_status_command_get(command->payload, &change);

    if (change.market >= engine->params.market_count) return REJECT_UNKNOWN_MARKET;
    if (change.status < MARKET_TRADING || change.status > MARKET_BREAK) return REJECT_MARKET_SPEC;

    const struct market_status_changed_event changed = {.market = change.market,
                                                        .status = change.status};
    const size_t mark = event_writer_mark(out);
    event_write_market_status_changed(out, &changed);
    params_follow(engine, mark, out);
    return REJECT_NONE;
}

static enum reject account_create(struct engine *engine, const struct command *command,
                                  struct event_writer *out)
{
    struct account_create_command create;
    account_create_command_get(command->payload, &create);
    struct accounts *accounts = &engine->accounts;

    if (create.tier >= engine->params.tier_count) return REJECT_TIER;
    if (accounts_find(accounts, create.public_key) != 0) return REJECT_ALREADY_EXISTS;
    if (accounts->count >= accounts->accounts_max) return REJECT_ACCOUNTS_FULL;

    struct account_created_event created = {
        .account = accounts_create(accounts, create.tier, create.public_key), .tier = create.tier};
    memcpy(created.public_key, create.public_key, sizeof(created.public_key));
    event_write_account_created(out, &created);
    return REJECT_NONE;
}

static enum reject key_add(struct engine *engine, const struct command *command,
                           struct event_writer *out)
{
    struct key_add_command add;
    key_add_command_get(command->payload, &add);

    if (!accounts_exists(&engine->accounts, add.account)) return REJECT_UNKNOWN_ACCOUNT;
    if (keys_find(&engine->keys, add.key_id) != 0) return REJECT_ALREADY_EXISTS;
    if (engine->keys.count >= engine->keys.capacity) return REJECT_KEYS_FULL;

    const uint32_t slot = keys_add(&engine->keys, add.key_id);
    if (engine->params.rules >= PARAMS_RULES_KEYS)
        keys_allow(&engine->keys, slot, add.account, add.permissions, 0);
    struct key_added_event added = {.account = add.account,
                                    .permissions = add.permissions,
                                    .secret_version = add.secret_version};
    memcpy(added.key_id, add.key_id, sizeof(added.key_id));
    memcpy(added.public_key, add.public_key, sizeof(added.public_key));
    event_write_key_added(out, &added);
    return REJECT_NONE;
}

static enum reject transfer_check(const struct engine *engine, uint32_t account, uint16_t asset,
                                  amount_t amount)
{
    if (!accounts_exists(&engine->accounts, account)) return REJECT_UNKNOWN_ACCOUNT;
    if (asset >= engine->params.asset_count) return REJECT_UNKNOWN_ASSET;
    return amount.units > 0 ? REJECT_NONE : REJECT_AMOUNT;
}

static enum reject credit(struct engine *engine, const struct command *command,
                          struct event_writer *out)
{
    struct credit_command to;
    credit_command_get(command->payload, &to);

    const enum reject reject = transfer_check(engine, to.account, to.asset, to.amount);
    if (reject != REJECT_NONE) return reject;
    if (!accounts_credit(&engine->accounts, to.account, to.asset, to.amount)) return REJECT_AMOUNT;

    const struct credited_event credited = {to.amount, to.account, to.asset};
    event_write_credited(out, &credited);
    return REJECT_NONE;
}

static enum reject debit(struct engine *engine, const struct command *command,
                         struct event_writer *out)
{
    struct debit_command from;
    debit_command_get(command->payload, &from);

    const enum reject reject = transfer_check(engine, from.account, from.asset, from.amount);
    if (reject != REJECT_NONE) return reject;
    if (!accounts_debit(&engine->accounts, from.account, from.asset, from.amount))
        return REJECT_INSUFFICIENT_BALANCE;

    const struct debited_event debited = {from.amount, from.account, from.asset};
    event_write_debited(out, &debited);
    return REJECT_NONE;
}

static enum reject market_filters(struct engine *engine, const struct command *command,
                                  struct event_writer *out)
{
    struct market_filtered_event filtered;
    /* The command is the event behind the operator's claim. */
    market_filtered_event_get(command->payload + 10, &filtered);
    if (filtered.market >= engine->params.market_count) return REJECT_UNKNOWN_MARKET;
    const struct market_filters filters = params_filters_of(&filtered);
    if (!market_filters_valid(&engine->params.markets[filtered.market], &filters))
        return REJECT_MARKET_SPEC;

    const size_t mark = event_writer_mark(out);
    event_write_market_filtered(out, &filtered);
    engine->ids[filtered.market].window = (struct filters_window){.average = {0}};
    params_follow(engine, mark, out);
    return REJECT_NONE;
}

static enum reject account_tier(struct engine *engine, const struct command *command,
                                struct event_writer *out)
{
    struct account_tier_command set;
    account_tier_command_get(command->payload, &set);
    if (!accounts_exists(&engine->accounts, set.account)) return REJECT_UNKNOWN_ACCOUNT;
    if (set.tier >= engine->params.tier_count) return REJECT_TIER;

    struct account_terms *terms = &engine->accounts.terms[set.account];
    const struct tier_set_event written = {.account = set.account, .tier = set.tier};
    terms->floor = (uint8_t)set.tier;
    terms->tier_day = engine->day + 1;
    event_write_tier_set(out, &written);
    const uint16_t tier =
        volumes_tier(&engine->params, &engine->volumes, set.account, engine->day, set.tier);
    if (tier == terms->tier) return REJECT_NONE;
    terms->tier = tier;
    const struct tier_changed_event changed = {.account = set.account, .tier = tier};
    event_write_tier_changed(out, &changed);
    return REJECT_NONE;
}

/* ---- The node set. ---- */

static bool node_runs(const struct engine *engine, uint32_t node)
{
    return origins_epoch(&engine->origins, node) != 0;
}

static void node_change(struct engine *engine, const struct node_changed_event *changed,
                        struct event_writer *out)
{
    event_write_node_changed(out, changed);
    nodes_apply(&engine->nodes, changed);
}

/* Writes that the member has this role from now on. Who is gone may command no more, and its sessions
 * are over. */
static void node_move(struct engine *engine, uint32_t node, enum node_role role,
                      struct event_writer *out)
{
    const struct node_changed_event changed =
        nodes_changed(&engine->nodes, node, role, engine->sealed_height);
    node_change(engine, &changed, out);
    if (role != NODE_GONE) return;
    origins_remove(&engine->origins, node);
    cancel_bound(engine, node, out);
}

static enum reject node_add(struct engine *engine, const struct command *command,
                            struct event_writer *out)
{
    struct node_add_command add;
    node_add_command_get(command->payload, &add);
    const enum reject reject = nodes_check_add(&engine->nodes, &add, engine->sealed_height);
    if (reject != REJECT_NONE) return reject;

    struct node_changed_event changed = {
        .height = engine->sealed_height + 1 + NODES_NOTICE, .node = add.node, .role = NODE_STANDBY};
    memcpy(changed.public_key, add.public_key, sizeof(changed.public_key));
    memcpy(changed.address, add.address, sizeof(changed.address));
    node_change(engine, &changed, out);
    origins_add(&engine->origins, add.node);
    return REJECT_NONE;
}

static enum reject node_role(struct engine *engine, const struct command *command,
                             struct event_writer *out)
{
    struct node_role_command change;
    node_role_command_get(command->payload, &change);
    const enum reject reject = nodes_check_role(&engine->nodes, &change, engine->sealed_height,
                                                node_runs(engine, change.node));
    if (reject == REJECT_NONE) node_move(engine, change.node, (enum node_role)change.role, out);
    return reject;
}

static enum reject node_remove(struct engine *engine, const struct command *command,
                               struct event_writer *out)
{
    struct node_remove_command remove;
    node_remove_command_get(command->payload, &remove);
    const enum reject reject = nodes_check_remove(&engine->nodes, &remove, engine->sealed_height);
    if (reject == REJECT_NONE) node_move(engine, remove.node, NODE_GONE, out);
    return reject;
}

static enum reject node_swap(struct engine *engine, const struct command *command,
                             struct event_writer *out)
{
    struct node_swap_command swap;
    node_swap_command_get(command->payload, &swap);
    const enum reject reject = nodes_check_swap(&engine->nodes, &swap, engine->sealed_height,
                                                node_runs(engine, swap.new_node));
    if (reject != REJECT_NONE) return reject;
    node_move(engine, swap.new_node, NODE_VOTER, out);
    node_move(engine, swap.old_node, NODE_GONE, out);
    return REJECT_NONE;
}

/* ---- Rules, routes, custody. */

/* A build that does not know the number stops at settlement: it cannot go on with the others. */
static enum reject rules_set(struct engine *engine, const struct command *command,
                             struct event_writer *out)
{
    struct rules_set_command set;
    rules_set_command_get(command->payload, &set);
    if (set.rules != engine->params.rules + 1) return REJECT_RULES;
    const struct rules_changed_event changed = {.rules = set.rules};
    const size_t mark = event_writer_mark(out);
    event_write_rules_changed(out, &changed);
    params_follow(engine, mark, out);
    return REJECT_NONE;
}

/* Neither what a withdrawal costs now nor what it is to cost may be above the smallest one: who asks for an amount
 * signs no fee, and so never gets less than the amount without the smallest. */
static bool is_fee_below(const struct engine *engine, int route, amount_t withdrawal_min)
{
    const struct params *params = &engine->params;
    return params_route_fee(params, route, engine->stamp_ns).units <= withdrawal_min.units &&
           params->route_fees[route].fee.units <= withdrawal_min.units;
}

static enum reject route_set(struct engine *engine, const struct command *command,
                             struct event_writer *out)
{
    struct route_changed_event changed;
    /* The command is the event behind the operator's claim. */
    route_changed_event_get(command->payload + 10, &changed);
    const struct params *params = &engine->params;
    if (changed.asset >= params->asset_count) return REJECT_UNKNOWN_ASSET;
    if (!params_route_valid(params, &changed) ||
        !may_command(engine, changed.connector, T_WITHDRAWAL_REPORT) ||
        changed.approvals > engine->operator_count)
        return REJECT_ROUTE_SPEC;
    const int known = params_find_route(params, changed.chain, changed.asset);
    if (known < 0 && params->route_count == PARAMS_ROUTES_LIMIT) return REJECT_ROUTE_SPEC;
    if (known >= 0 && (params->routes[known].decimals != changed.decimals ||
                       !is_fee_below(engine, known, changed.withdrawal_min)))
        return REJECT_ROUTE_SPEC;

    const size_t mark = event_writer_mark(out);
    event_write_route_changed(out, &changed);
    params_follow(engine, mark, out);
    return REJECT_NONE;
}

/* A fee comes as late as a new address counts: who sees it come has the time to leave by the old one. */
static enum reject route_fee_set(struct engine *engine, const struct command *command,
                                 struct event_writer *out)
{
    struct route_fee_set_command set;
    route_fee_set_command_get(command->payload, &set);
    const struct params *params = &engine->params;
    const int route = params_find_route(params, set.chain, set.asset);
    if (route < 0) return REJECT_ROUTE;
    if (!params_route_fee_valid(params, route, set.fee)) return REJECT_INEXACT;
    if (set.fee.units > params->routes[route].withdrawal_min.units) return REJECT_ROUTE_SPEC;

    struct route_fee_changed_event changed = {
        .from_ns = engine->stamp_ns + params->routes[route].address_delay_s * SECOND_NS,
        .fee_before = params_route_fee(params, route, engine->stamp_ns),
        .fee = set.fee,
        .asset = set.asset};
    memcpy(changed.chain, set.chain, CHAIN_BYTES);
    const size_t mark = event_writer_mark(out);
    event_write_route_fee_changed(out, &changed);
    params_follow(engine, mark, out);
    return REJECT_NONE;
}

static enum reject connector_add(struct engine *engine, const struct command *command,
                                 struct event_writer *out)
{
    static const uint8_t none[PUBLIC_KEY_BYTES];
    struct connector_add_command add;
    connector_add_command_get(command->payload, &add);
    const struct params *params = &engine->params;
    if (memcmp(add.public_key, none, PUBLIC_KEY_BYTES) == 0) return REJECT_CONNECTOR_SPEC;
    if (params_find_connector(params, add.public_key) >= 0) return REJECT_ALREADY_EXISTS;
    if (params->connector_count == PARAMS_CONNECTORS_LIMIT) return REJECT_CONNECTOR_SPEC;

    struct connector_added_event added = {
        .connector = (uint16_t)(PARAMS_CONNECTOR_FIRST + params->connector_count)};
    memcpy(added.public_key, add.public_key, PUBLIC_KEY_BYTES);
    const size_t mark = event_writer_mark(out);
    event_write_connector_added(out, &added);
    params_follow(engine, mark, out);
    return REJECT_NONE;
}

static enum reject opening_set(struct engine *engine, const struct command *command,
                               struct event_writer *out)
{
    struct opening_set_command set;
    opening_set_command_get(command->payload, &set);
    if (set.approval > 1) return REJECT_OPENING_SPEC;

    const struct opening_changed_event changed = {.per_hour = set.per_hour,
                                                  .approval = set.approval};
    const size_t mark = event_writer_mark(out);
    event_write_opening_changed(out, &changed);
    params_follow(engine, mark, out);
    return REJECT_NONE;
}

static enum reject custody_apply(struct engine *engine, const struct command *command,
                                 struct event_writer *out)
{
    switch (command->header.type) {
    case T_ROUTE_SET:
        return route_set(engine, command, out);
    case T_ACCOUNT_FREEZE:
        return deposit_freeze(engine, command, out);
    case T_DEPOSIT_ADDRESS:
        return deposit_address(engine, command, out);
    case T_DEPOSIT_REPORT:
        return deposit_report(engine, command, out);
    case T_DEPOSIT_REORG:
        return deposit_reorg(engine, command, out);
    case T_WITHDRAWAL_APPROVE:
        return withdrawal_approve(engine, command, out);
    case T_WITHDRAWAL_DENY:
        return withdrawal_deny(engine, command, out);
    default:
        ASSERT(command->header.type == T_WITHDRAWAL_REPORT);
        return withdrawal_report(engine, command, out);
    }
}

/* They are made at the end of the block of the next checkpoint, which may be the one under way. */
static enum reject liabilities_order(const struct engine *engine, struct event_writer *out)
{
    const uint64_t every = engine->params.checkpoint_blocks;
    if (every == 0) return REJECT_NO_CHECKPOINTS;
    const struct liabilities_ordered_event ordered = {
        .height = (engine->sealed_height / every + 1) * every};
    event_write_liabilities_ordered(out, &ordered);
    return REJECT_NONE;
}

static enum reject operator_apply(struct engine *engine, const struct command *command,
                                  struct event_writer *out)
{
    if (!command_rules_allow(engine->params.rules, command->header.type)) return REJECT_RULES;
    switch (command->header.type) {
    case T_ASSET_CREATE:
        return asset_create(engine, command, out);
    case T_MARKET_CREATE:
        return market_create(engine, command, out);
    case T_MARKET_STATUS:
        return market_status(engine, command, out);
    case T_ACCOUNT_CREATE:
        return account_create(engine, command, out);
    case T_KEY_ADD:
        return key_add(engine, command, out);
    case T_MARKET_FILTERS:
        return market_filters(engine, command, out);
    case T_ACCOUNT_TIER:
        return account_tier(engine, command, out);
    case T_NODE_ADD:
        return node_add(engine, command, out);
    case T_NODE_ROLE:
        return node_role(engine, command, out);
    case T_NODE_REMOVE:
        return node_remove(engine, command, out);
    case T_NODE_SWAP:
        return node_swap(engine, command, out);
    case T_CREDIT:
        return credit(engine, command, out);
    case T_DEBIT:
        return debit(engine, command, out);
    case T_RULES_SET:
        return rules_set(engine, command, out);
    case T_CONNECTOR_ADD:
        return connector_add(engine, command, out);
    case T_LIABILITIES_ORDER:
        return liabilities_order(engine, out);
    case T_ROUTE_FEE_SET:
        return route_fee_set(engine, command, out);
    case T_OPENING_SET:
        return opening_set(engine, command, out);
    case T_ACCOUNT_APPROVE:
        return opening_approve(engine, command, out);
    default:
        return custody_apply(engine, command, out);
    }
}

enum reject operator_step(struct engine *engine, const struct command *command,
                          struct event_writer *out)
{
    const struct claim claim = claim_of(command);
    enum reject reject = claim_check(engine, claim, command->header.type);
    if (reject == REJECT_NONE) reject = operator_apply(engine, command, out);
    if (reject == REJECT_NONE) engine->operator_nonces[claim.operator_index] = claim.nonce;
    return reject;
}
