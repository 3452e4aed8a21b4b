#include "common/intent.h"

#include "common/intent_admin.h"
#include "common/intent_custody.h"
#include "common/intent_filters.h"
#include "common/intent_key.h"
#include "common/node_set.h"
#include "common/parameter.h"

#include <string.h>

#define WORDS(table) table, sizeof(table) / sizeof(table[0])

static const struct parameter_word statuses[] = {
    {"TRADING", MARKET_TRADING},
    {"HALT", MARKET_HALT},
    {"BREAK", MARKET_BREAK},
};

static const struct parameter_word truths[] = {{"true", 1}, {"false", 0}};

/* A mandatory whole number of at most `max`. */
bool intent_admin_whole(const struct form *form, const char *name, uint64_t max, uint64_t *value,
                        struct refusal *refusal)
{
    const struct form_field *field;
    if (!parameter_mandatory(form, name, &field, refusal)) return false;
    if (!parameter_u64(field, value, refusal)) return false;
    if (*value > max) return parameter_refuse(refusal, REJECT_DATA, name, NULL);
    return true;
}

bool intent_admin_u16(const struct form *form, const char *name, uint16_t *value,
                      struct refusal *refusal)
{
    uint64_t whole;
    if (!intent_admin_whole(form, name, UINT16_MAX, &whole, refusal)) return false;
    *value = (uint16_t)whole;
    return true;
}

bool intent_admin_u32(const struct form *form, const char *name, uint32_t *value,
                      struct refusal *refusal)
{
    uint64_t whole;
    if (!intent_admin_whole(form, name, UINT32_MAX, &whole, refusal)) return false;
    *value = (uint32_t)whole;
    return true;
}

/* UINT64_MAX also stands for anything larger, so it is no nonce. */
bool intent_admin_nonce(const struct form *form, uint64_t *nonce, struct refusal *refusal)
{
    return intent_admin_whole(form, "nonce", UINT64_MAX - 1, nonce, refusal);
}

/* A decimal number as units of 10^-decimals. */
bool intent_admin_units(const struct form *form, const char *name, int decimals, int64_t *units,
                        struct refusal *refusal)
{
    const struct form_field *field;
    return parameter_mandatory(form, name, &field, refusal) &&
           parameter_units(field, decimals, REJECT_AMOUNT, units, refusal);
}

/* The index of an existing asset. */
bool intent_admin_asset(const struct form *form, const char *name, const struct params *params,
                        uint16_t *asset, struct refusal *refusal)
{
    const struct form_field *field;
    if (!parameter_mandatory(form, name, &field, refusal)) return false;
    const int index = params_find_asset(params, field->value, field->value_bytes);
    if (index < 0) return parameter_refuse(refusal, REJECT_UNKNOWN_ASSET, NULL, NULL);
    *asset = (uint16_t)index;
    return true;
}

/* A symbol that is to be: 1 to `symbol_max` of A-Z 0-9, padded with zero bytes. */
static bool read_new_symbol(const struct form *form, uint8_t *symbol, size_t symbol_max,
                            struct refusal *refusal)
{
    const struct form_field *field;
    if (!parameter_mandatory(form, "symbol", &field, refusal)) return false;
    if (!market_symbol_valid(field->value, symbol_max))
        return parameter_refuse(refusal, REJECT_DATA, "symbol", NULL);
    memset(symbol, 0, symbol_max);
    memcpy(symbol, field->value, field->value_bytes);
    return true;
}

static bool read_asset_create(const struct form *form, const struct params *params,
                              struct intent *intent, struct refusal *refusal)
{
    (void)params;
    struct asset_create_command *create = &intent->asset_create;
    uint64_t decimals;
    intent->type = T_ASSET_CREATE;
    if (!intent_admin_nonce(form, &create->nonce, refusal) ||
        !read_new_symbol(form, create->symbol, ASSET_SYMBOL_BYTES, refusal) ||
        !intent_admin_whole(form, "decimals", ASSET_DECIMALS_MAX, &decimals, refusal))
        return false;
    create->decimals = (uint8_t)decimals;
    return true;
}

/* A bound in whole steps: `name` in units of 10^-decimals, divided by the step. */
static bool read_steps(const struct form *form, const char *name, int decimals, int64_t step_units,
                       int64_t *steps, struct refusal *refusal)
{
    int64_t units;
    if (!intent_admin_units(form, name, decimals, &units, refusal)) return false;
    if (units % step_units != 0) return parameter_refuse(refusal, REJECT_MARKET_SPEC, NULL, NULL);
    *steps = units / step_units;
    return true;
}

static bool read_market_create(const struct form *form, const struct params *params,
                               struct intent *intent, struct refusal *refusal)
{
    struct market_create_command *create = &intent->market_create;
    intent->type = T_MARKET_CREATE;
    if (!intent_admin_nonce(form, &create->nonce, refusal) ||
        !read_new_symbol(form, create->symbol, MARKET_SYMBOL_BYTES, refusal) ||
        !intent_admin_asset(form, "base", params, &create->base, refusal) ||
        !intent_admin_asset(form, "quote", params, &create->quote, refusal))
        return false;

    const int base = params->assets[create->base].decimals;
    const int quote = params->assets[create->quote].decimals;
    if (!intent_admin_units(form, "tick", quote, &create->tick_units, refusal) ||
        !intent_admin_units(form, "lot", base, &create->lot_units, refusal))
        return false;
    if (create->tick_units == 0 || create->lot_units == 0)
        return parameter_refuse(refusal, REJECT_MARKET_SPEC, NULL, NULL);

    const int64_t tick = create->tick_units, lot = create->lot_units;
    return read_steps(form, "minPrice", quote, tick, &create->price_min.ticks, refusal) &&
           read_steps(form, "maxPrice", quote, tick, &create->price_max.ticks, refusal) &&
           read_steps(form, "minQty", base, lot, &create->qty_min.lots, refusal) &&
           read_steps(form, "maxQty", base, lot, &create->qty_max.lots, refusal) &&
           intent_admin_units(form, "minNotional", quote, &create->notional_min.units, refusal) &&
           intent_admin_u32(form, "maxOrders", &create->account_orders_max, refusal);
}

static bool read_market_status(const struct form *form, const struct params *params,
                               struct intent *intent, struct refusal *refusal)
{
    struct market_status_command *change = &intent->market_status;
    const struct form_field *field;
    intent->type = T_MARKET_STATUS;
    return intent_admin_nonce(form, &change->nonce, refusal) &&
           intent_market(form, params, &change->market, refusal) &&
           parameter_mandatory(form, "status", &field, refusal) &&
           parameter_word(field, WORDS(statuses), REJECT_DATA, &change->status, refusal);
}

static bool read_account_create(const struct form *form, const struct params *params,
                                struct intent *intent, struct refusal *refusal)
{
    (void)params;
    struct account_create_command *create = &intent->account_create;
    const struct form_field *field;
    intent->type = T_ACCOUNT_CREATE;
    return intent_admin_nonce(form, &create->nonce, refusal) &&
           parameter_mandatory(form, "publicKey", &field, refusal) &&
           intent_key_public(form, create->public_key, refusal) &&
           intent_admin_u16(form, "tier", &create->tier, refusal);
}

/* A key checks signatures by its public key, by the HMAC secret derived for it, or by either. */
static bool read_key_add(const struct form *form, const struct params *params,
                         struct intent *intent, struct refusal *refusal)
{
    struct key_add_command *add = &intent->key_add;
    const struct form_field *key_id, *public_key, *hmac;
    uint8_t has_secret = 0;
    intent->type = T_KEY_ADD;
    if (!intent_admin_nonce(form, &add->nonce, refusal) ||
        !intent_admin_u32(form, "account", &add->account, refusal) ||
        !parameter_mandatory(form, "keyId", &key_id, refusal) ||
        !parameter_hex32(key_id, add->key_id, refusal) ||
        !parameter_optional(form, "publicKey", &public_key, refusal) ||
        !parameter_optional(form, "hmac", &hmac, refusal) ||
        !intent_key_permissions(form, &add->permissions, refusal))
        return false;
    if (!intent_key_public(form, add->public_key, refusal)) return false;
    if (hmac != NULL && !parameter_word(hmac, WORDS(truths), REJECT_DATA, &has_secret, refusal))
        return false;
    if (public_key == NULL && !has_secret)
        return parameter_refuse(refusal, REJECT_MANDATORY_EITHER, "publicKey", "hmac");
    add->secret_version = has_secret ? params->gateway_secret_version : 0;
    return true;
}

static bool read_credit(const struct form *form, const struct params *params, struct intent *intent,
                        struct refusal *refusal)
{
    struct credit_command *credit = &intent->credit;
    intent->type = T_CREDIT;
    return intent_admin_nonce(form, &credit->nonce, refusal) &&
           intent_admin_u32(form, "account", &credit->account, refusal) &&
           intent_admin_asset(form, "asset", params, &credit->asset, refusal) &&
           intent_admin_units(form, "amount", params->assets[credit->asset].decimals,
                              &credit->amount.units, refusal);
}

static bool read_debit(const struct form *form, const struct params *params, struct intent *intent,
                       struct refusal *refusal)
{
    struct debit_command *debit = &intent->debit;
    intent->type = T_DEBIT;
    return intent_admin_nonce(form, &debit->nonce, refusal) &&
           intent_admin_u32(form, "account", &debit->account, refusal) &&
           intent_admin_asset(form, "asset", params, &debit->asset, refusal) &&
           intent_admin_units(form, "amount", params->assets[debit->asset].decimals,
                              &debit->amount.units, refusal);
}

static bool read_account_tier(const struct form *form, const struct params *params,
                              struct intent *intent, struct refusal *refusal)
{
    (void)params;
    struct account_tier_command *change = &intent->account_tier;
    intent->type = T_ACCOUNT_TIER;
    return intent_admin_nonce(form, &change->nonce, refusal) &&
           intent_admin_u32(form, "account", &change->account, refusal) &&
           intent_admin_u16(form, "tier", &change->tier, refusal);
}

static bool read_market_filters(const struct form *form, const struct params *params,
                                struct intent *intent, struct refusal *refusal)
{
    struct market_filters_command *change = &intent->market_filters;
    intent->type = T_MARKET_FILTERS;
    return intent_admin_nonce(form, &change->nonce, refusal) &&
           intent_market(form, params, &change->market, refusal) &&
           intent_filters_read(form, params, change, refusal);
}

static bool read_address(const struct form *form, uint8_t address[NODE_ADDRESS_BYTES],
                         struct refusal *refusal)
{
    const struct form_field *field;
    char text[NODE_ADDRESS_BYTES] = {0};
    if (!parameter_mandatory(form, "address", &field, refusal)) return false;
    if (field->value_bytes < sizeof(text)) memcpy(text, field->value, field->value_bytes);
    if (!node_address_valid(text)) return parameter_refuse(refusal, REJECT_DATA, "address", NULL);
    memcpy(address, text, sizeof(text));
    return true;
}

static bool read_node_add(const struct form *form, const struct params *params,
                          struct intent *intent, struct refusal *refusal)
{
    (void)params;
    struct node_add_command *add = &intent->node_add;
    const struct form_field *field;
    intent->type = T_NODE_ADD;
    return intent_admin_nonce(form, &add->nonce, refusal) &&
           intent_admin_u32(form, "node", &add->node, refusal) &&
           parameter_mandatory(form, "publicKey", &field, refusal) &&
           parameter_hex32(field, add->public_key, refusal) &&
           read_address(form, add->address, refusal);
}

static bool read_node_role(const struct form *form, const struct params *params,
                           struct intent *intent, struct refusal *refusal)
{
    (void)params;
    static const struct parameter_word roles[] = {{"STANDBY", NODE_STANDBY}, {"VOTER", NODE_VOTER}};
    struct node_role_command *change = &intent->node_role;
    intent->type = T_NODE_ROLE;
    return intent_admin_nonce(form, &change->nonce, refusal) &&
           intent_admin_u32(form, "node", &change->node, refusal) &&
           parameter_mandatory_word(form, "role", WORDS(roles), REJECT_DATA, &change->role,
                                    refusal);
}

static bool read_node_remove(const struct form *form, const struct params *params,
                             struct intent *intent, struct refusal *refusal)
{
    (void)params;
    struct node_remove_command *remove = &intent->node_remove;
    intent->type = T_NODE_REMOVE;
    return intent_admin_nonce(form, &remove->nonce, refusal) &&
           intent_admin_u32(form, "node", &remove->node, refusal);
}

static bool read_node_swap(const struct form *form, const struct params *params,
                           struct intent *intent, struct refusal *refusal)
{
    (void)params;
    struct node_swap_command *swap = &intent->node_swap;
    intent->type = T_NODE_SWAP;
    return intent_admin_nonce(form, &swap->nonce, refusal) &&
           intent_admin_u32(form, "oldNode", &swap->old_node, refusal) &&
           intent_admin_u32(form, "newNode", &swap->new_node, refusal);
}

struct action {
    const char *name;
    bool (*read)(const struct form *form, const struct params *params, struct intent *intent,
                 struct refusal *refusal);
};

static const struct action actions[] = {
    {"asset-create", read_asset_create},
    {"market-create", read_market_create},
    {"market-status", read_market_status},
    {"account-create", read_account_create},
    {"key-add", read_key_add},
    {"credit", read_credit},
    {"debit", read_debit},
    {"account-tier", read_account_tier},
    {"market-filters", read_market_filters},
    {"node-add", read_node_add},
    {"node-role", read_node_role},
    {"node-remove", read_node_remove},
    {"node-swap", read_node_swap},
};

bool intent_admin(const struct form *form, const struct params *params, struct intent *intent,
                  struct refusal *refusal)
{
    const struct form_field *field;
    *intent = (struct intent){0};
    if (!parameter_mandatory(form, "action", &field, refusal)) return false;
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
        if (strcmp(field->value, actions[i].name) == 0)
            return actions[i].read(form, params, intent, refusal);
    return intent_custody_action(form, params, intent, refusal);
}

void intent_admin_fill(const struct form *form, struct intent *asked, const struct intent *given)
{
    switch (asked->type) {
    case T_ASSET_CREATE:
        asked->asset_create.operator_index = given->asset_create.operator_index;
        return;
    case T_MARKET_CREATE:
        asked->market_create.operator_index = given->market_create.operator_index;
        return;
    case T_MARKET_STATUS:
        asked->market_status.operator_index = given->market_status.operator_index;
        return;
    case T_ACCOUNT_CREATE:
        asked->account_create.operator_index = given->account_create.operator_index;
        return;
    case T_KEY_ADD:
        asked->key_add.operator_index = given->key_add.operator_index;
        return;
    case T_CREDIT:
        asked->credit.operator_index = given->credit.operator_index;
        return;
    case T_DEBIT:
        asked->debit.operator_index = given->debit.operator_index;
        return;
    case T_ACCOUNT_TIER:
        asked->account_tier.operator_index = given->account_tier.operator_index;
        return;
    case T_NODE_ADD:
        asked->node_add.operator_index = given->node_add.operator_index;
        return;
    case T_NODE_ROLE:
        asked->node_role.operator_index = given->node_role.operator_index;
        return;
    case T_NODE_REMOVE:
        asked->node_remove.operator_index = given->node_remove.operator_index;
        return;
    case T_NODE_SWAP:
        asked->node_swap.operator_index = given->node_swap.operator_index;
        return;
    case T_MARKET_FILTERS:
        asked->market_filters.operator_index = given->market_filters.operator_index;
        intent_filters_fill(form, &asked->market_filters, &given->market_filters);
        return;
    default:
        intent_custody_fill(asked, given);
        return;
    }
}
