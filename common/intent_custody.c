#include "common/intent_custody.h"

#include "common/hash.h"
#include "common/intent_admin.h"
#include "common/intent_opening.h"
#include "common/parameter.h"
#include "common/wide.h"

#include <string.h>

#define WORDS(table) table, sizeof(table) / sizeof(table[0])

/* at-<19 digits>-<13 hex digits> is as long as an id may be: timestamps end at 2^63 ns. */
#define MADE_ID_HEX 13

#define ADDRESS_RANGE "^[a-zA-Z0-9-_.:]{1,64}$"

/* ---- Parameters. */

static bool read_chain(const struct form *form, uint8_t chain[CHAIN_BYTES], struct refusal *refusal)
{
    const struct form_field *field;
    if (!parameter_mandatory(form, "chain", &field, refusal)) return false;
    if (!market_symbol_valid(field->value, CHAIN_BYTES))
        return parameter_refuse(refusal, REJECT_DATA, "chain", NULL);
    memset(chain, 0, CHAIN_BYTES);
    memcpy(chain, field->value, field->value_bytes);
    return true;
}

static bool read_address(const struct form *form, uint8_t address[CHAIN_ADDRESS_BYTES],
                         struct refusal *refusal)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:";
    const struct form_field *field;
    if (!parameter_mandatory(form, "address", &field, refusal)) return false;
    if (field->value_bytes > CHAIN_ADDRESS_BYTES ||
        strspn(field->value, letters) != field->value_bytes)
        return parameter_refuse(refusal, REJECT_ILLEGAL_CHARACTERS, "address", ADDRESS_RANGE);
    memset(address, 0, CHAIN_ADDRESS_BYTES);
    memcpy(address, field->value, field->value_bytes);
    return true;
}

static bool read_txid(const struct form *form, uint8_t txid[TXID_BYTES], struct refusal *refusal)
{
    const struct form_field *field;
    return parameter_mandatory(form, "txid", &field, refusal) &&
           parameter_hex32(field, txid, refusal);
}

static bool read_u64(const struct form *form, const char *name, uint64_t *value,
                     struct refusal *refusal)
{
    return intent_admin_whole(form, name, UINT64_MAX - 1, value, refusal);
}

static bool read_u8(const struct form *form, const char *name, uint8_t *value,
                    struct refusal *refusal)
{
    uint64_t whole;
    if (!intent_admin_whole(form, name, UINT8_MAX, &whole, refusal)) return false;
    *value = (uint8_t)whole;
    return true;
}

/* An amount of an asset that the text names, in our units. */
static bool read_amount(const struct form *form, const struct params *params, uint16_t *asset,
                        amount_t *amount, struct refusal *refusal)
{
    return intent_admin_asset(form, "asset", params, asset, refusal) &&
           intent_admin_units(form, "amount", params->assets[*asset].decimals, &amount->units,
                              refusal);
}

/* ---- Operators. */

static bool read_rules(const struct form *form, const struct params *params, struct intent *intent,
                       struct refusal *refusal)
{
    (void)params;
    intent->type = T_RULES_SET;
    return intent_admin_nonce(form, &intent->rules_set.nonce, refusal) &&
           intent_admin_u32(form, "rules", &intent->rules_set.rules, refusal);
}

static bool read_route(const struct form *form, const struct params *params, struct intent *intent,
                       struct refusal *refusal)
{
    static const struct parameter_word statuses[] = {{"OPEN", ROUTE_OPEN},
                                                     {"CLOSED", ROUTE_CLOSED}};
    struct route_set_command *route = &intent->route_set;
    intent->type = T_ROUTE_SET;
    if (!intent_admin_nonce(form, &route->nonce, refusal) ||
        !read_chain(form, route->chain, refusal) ||
        !intent_admin_asset(form, "asset", params, &route->asset, refusal))
        return false;
    const int decimals = params->assets[route->asset].decimals;
    return read_u8(form, "decimals", &route->decimals, refusal) &&
           intent_admin_u32(form, "confirmations", &route->confirmations, refusal) &&
           intent_admin_u16(form, "connector", &route->connector, refusal) &&
           intent_admin_units(form, "withdrawMin", decimals, &route->withdrawal_min.units,
                              refusal) &&
           intent_admin_units(form, "withdrawMax", decimals, &route->withdrawal_max.units,
                              refusal) &&
           intent_admin_units(form, "withdrawDayMax", decimals, &route->day_max.units, refusal) &&
           intent_admin_units(form, "approvalAbove", decimals, &route->approval_above.units,
                              refusal) &&
           read_u8(form, "approvals", &route->approvals, refusal) &&
           intent_admin_u32(form, "addressDelay", &route->address_delay_s, refusal) &&
           parameter_mandatory_word(form, "status", WORDS(statuses), REJECT_DATA, &route->status,
                                    refusal);
}

static bool read_route_fee(const struct form *form, const struct params *params,
                           struct intent *intent, struct refusal *refusal)
{
    struct route_fee_set_command *set = &intent->route_fee_set;
    intent->type = T_ROUTE_FEE_SET;
    return intent_admin_nonce(form, &set->nonce, refusal) &&
           read_chain(form, set->chain, refusal) &&
           intent_admin_asset(form, "asset", params, &set->asset, refusal) &&
           intent_admin_units(form, "withdrawFee", params->assets[set->asset].decimals,
                              &set->fee.units, refusal);
}

static bool read_freeze(const struct form *form, const struct params *params, struct intent *intent,
                        struct refusal *refusal)
{
    static const struct parameter_word truths[] = {{"true", 1}, {"false", 0}};
    (void)params;
    struct account_freeze_command *freeze = &intent->account_freeze;
    intent->type = T_ACCOUNT_FREEZE;
    return intent_admin_nonce(form, &freeze->nonce, refusal) &&
           intent_admin_u32(form, "account", &freeze->account, refusal) &&
           parameter_mandatory_word(form, "frozen", WORDS(truths), REJECT_DATA, &freeze->frozen,
                                    refusal);
}

static bool read_deposit_address(const struct form *form, const struct params *params,
                                 struct intent *intent, struct refusal *refusal)
{
    (void)params;
    struct deposit_address_command *given = &intent->deposit_address;
    intent->type = T_DEPOSIT_ADDRESS;
    return intent_admin_nonce(form, &given->nonce, refusal) &&
           intent_admin_u32(form, "account", &given->account, refusal) &&
           read_chain(form, given->chain, refusal) && read_address(form, given->address, refusal);
}

static bool read_report(const struct form *form, const struct params *params, struct intent *intent,
                        struct refusal *refusal)
{
    struct deposit_report_command *report = &intent->deposit_report;
    const struct form_field *amount;
    intent->type = T_DEPOSIT_REPORT;
    if (!intent_admin_nonce(form, &report->nonce, refusal) ||
        !read_chain(form, report->chain, refusal) || !read_txid(form, report->txid, refusal) ||
        !intent_admin_u32(form, "output", &report->output, refusal) ||
        !intent_admin_asset(form, "asset", params, &report->asset, refusal) ||
        !parameter_mandatory(form, "amount", &amount, refusal))
        return false;
    if (!wide_parse(amount->value, amount->value_bytes, report->amount))
        return parameter_refuse(refusal, REJECT_DATA, "amount", NULL);
    return read_address(form, report->address, refusal) &&
           read_u64(form, "height", &report->height, refusal) &&
           intent_admin_u32(form, "confirmations", &report->confirmations, refusal);
}

static bool read_reorg(const struct form *form, const struct params *params, struct intent *intent,
                       struct refusal *refusal)
{
    (void)params;
    struct deposit_reorg_command *reorg = &intent->deposit_reorg;
    intent->type = T_DEPOSIT_REORG;
    return intent_admin_nonce(form, &reorg->nonce, refusal) &&
           read_chain(form, reorg->chain, refusal) && read_txid(form, reorg->txid, refusal) &&
           intent_admin_u32(form, "output", &reorg->output, refusal);
}

static bool read_approve(const struct form *form, const struct params *params,
                         struct intent *intent, struct refusal *refusal)
{
    struct withdrawal_approve_command *approve = &intent->withdrawal_approve;
    uint16_t asset;
    intent->type = T_WITHDRAWAL_APPROVE;
    return intent_admin_nonce(form, &approve->nonce, refusal) &&
           read_u64(form, "withdrawal", &approve->withdrawal, refusal) &&
           read_amount(form, params, &asset, &approve->amount, refusal) &&
           read_address(form, approve->address, refusal);
}

static bool read_deny(const struct form *form, const struct params *params, struct intent *intent,
                      struct refusal *refusal)
{
    (void)params;
    intent->type = T_WITHDRAWAL_DENY;
    return intent_admin_nonce(form, &intent->withdrawal_deny.nonce, refusal) &&
           read_u64(form, "withdrawal", &intent->withdrawal_deny.withdrawal, refusal);
}

/* What failed before it was broadcast has no txid. */
static bool read_withdrawal_report(const struct form *form, const struct params *params,
                                   struct intent *intent, struct refusal *refusal)
{
    static const struct parameter_word states[] = {{"BROADCAST", WITHDRAWAL_BROADCAST},
                                                   {"FINAL", WITHDRAWAL_FINAL},
                                                   {"FAILED", WITHDRAWAL_FAILED}};
    (void)params;
    struct withdrawal_report_command *report = &intent->withdrawal_report;
    intent->type = T_WITHDRAWAL_REPORT;
    if (!intent_admin_nonce(form, &report->nonce, refusal) ||
        !read_u64(form, "withdrawal", &report->withdrawal, refusal) ||
        !parameter_mandatory_word(form, "status", WORDS(states), REJECT_DATA, &report->state,
                                  refusal))
        return false;
    if (report->state == WITHDRAWAL_FAILED && form_find(form, "txid") == NULL) return true;
    return read_txid(form, report->txid, refusal);
}

static bool read_liabilities(const struct form *form, const struct params *params,
                             struct intent *intent, struct refusal *refusal)
{
    (void)params;
    intent->type = T_LIABILITIES_ORDER;
    return intent_admin_nonce(form, &intent->liabilities_order.nonce, refusal);
}

static bool read_connector(const struct form *form, const struct params *params,
                           struct intent *intent, struct refusal *refusal)
{
    const struct form_field *field;
    (void)params;
    intent->type = T_CONNECTOR_ADD;
    return intent_admin_nonce(form, &intent->connector_add.nonce, refusal) &&
           parameter_mandatory(form, "publicKey", &field, refusal) &&
           parameter_hex32(field, intent->connector_add.public_key, refusal);
}

bool intent_custody_action(const struct form *form, const struct params *params,
                           struct intent *intent, struct refusal *refusal)
{
    static const struct {
        const char *name;
        bool (*read)(const struct form *form, const struct params *params, struct intent *intent,
                     struct refusal *refusal);
    } actions[] = {
        {"rules-set", read_rules},
        {"route-set", read_route},
        {"route-fee-set", read_route_fee},
        {"connector-add", read_connector},
        {"account-freeze", read_freeze},
        {"deposit-address", read_deposit_address},
        {"deposit-report", read_report},
        {"deposit-reorg", read_reorg},
        {"withdrawal-approve", read_approve},
        {"withdrawal-deny", read_deny},
        {"withdrawal-report", read_withdrawal_report},
        {"liabilities-order", read_liabilities},
        {"opening-set", intent_opening_set},
        {"account-approve", intent_opening_approve},
    };
    const struct form_field *field;
    if (!parameter_mandatory(form, "action", &field, refusal)) return false;
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
        if (strcmp(field->value, actions[i].name) == 0)
            return actions[i].read(form, params, intent, refusal);
    return parameter_refuse(refusal, REJECT_ACTION, NULL, NULL);
}

bool intent_custody_is(uint16_t type)
{
    return (type >= T_RULES_SET && type <= T_WITHDRAWAL_REPORT) || type == T_CONNECTOR_ADD ||
           type == T_ROUTE_FEE_SET || type == T_LIABILITIES_ORDER || type == T_ACCOUNT_APPROVE ||
           type == T_OPENING_SET;
}

/* All of them begin alike. */
void intent_custody_fill(struct intent *asked, const struct intent *given)
{
    if (intent_custody_is(asked->type))
        asked->rules_set.operator_index = given->rules_set.operator_index;
}

/* ---- Account holders. */

static bool read_action(const struct form *form, const struct parameter_word *words,
                        size_t word_count, uint8_t *value, struct refusal *refusal)
{
    return parameter_mandatory_word(form, "action", words, word_count, REJECT_ACTION, value,
                                    refusal);
}

bool intent_custody_withdraw(const struct form *form, const struct params *params,
                             struct intent *intent, struct refusal *refusal)
{
    static const struct parameter_word words[] = {{"withdraw", 1}};
    *intent = (struct intent){.type = T_WITHDRAW};
    struct withdraw_command *ask = &intent->withdraw;
    const struct form_field *id;
    uint8_t action;
    return read_action(form, WORDS(words), &action, refusal) &&
           read_chain(form, ask->chain, refusal) &&
           read_amount(form, params, &ask->asset, &ask->amount, refusal) &&
           read_address(form, ask->address, refusal) &&
           parameter_mandatory(form, "withdrawOrderId", &id, refusal) &&
           parameter_client_id(form, "withdrawOrderId", ask->client_id, refusal);
}

/* The coin's first network when none is named: routes are only added, so it is the same whenever one looks. */
static bool read_network(const struct form *form, const struct params *params, uint16_t asset,
                         uint8_t chain[CHAIN_BYTES], struct refusal *refusal)
{
    const struct form_field *field;
    if (!parameter_optional(form, "network", &field, refusal)) return false;
    if (field == NULL) {
        const int route = params_default_route(params, asset);
        if (route < 0) return parameter_refuse(refusal, REJECT_ROUTE, NULL, NULL);
        memcpy(chain, params->routes[route].chain, CHAIN_BYTES);
        return true;
    }
    if (!market_symbol_valid(field->value, CHAIN_BYTES))
        return parameter_refuse(refusal, REJECT_DATA, "network", NULL);
    memset(chain, 0, CHAIN_BYTES);
    memcpy(chain, field->value, field->value_bytes);
    return true;
}

/* What would make it another request, or send the money elsewhere: there are no tags here, and one wallet. An action is
 * what our own words have, so an empty one is not ignored: whoever checks the text again goes by it. */
static bool apply_only(const struct form *form, struct refusal *refusal)
{
    const struct form_field *tag = form_find(form, "addressTag");
    const struct form_field *wallet = form_find(form, "walletType");
    if (!parameter_absent(form, "action", refusal) || !parameter_absent(form, "symbol", refusal))
        return false;
    if (tag != NULL && tag->value_bytes > 0)
        return parameter_refuse(refusal, REJECT_NOT_REQUIRED, "addressTag", NULL);
    if (wallet != NULL && strcmp(wallet->value, "0") != 0)
        return parameter_refuse(refusal, REJECT_DATA, "walletType", NULL);
    return true;
}

/* `value` in digits; returns their count, 20 at most. */
static size_t put_digits(uint64_t value, uint8_t *text)
{
    char digits[20];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + value % 10);
    } while ((value /= 10) != 0);
    for (size_t i = 0; i < count; i++)
        text[i] = (uint8_t)digits[count - 1 - i];
    return count;
}

/* What the withdrawal is called when its owner calls it nothing: the moment at which it was signed, and a hash of what is
 * withdrawn. So the same text can never be two withdrawals, and two wishes of one moment are not one.
 * Needs: all else of `ask` is read; its account is not known here, and 0. */
static bool read_apply_id(const struct form *form, struct withdraw_command *ask,
                          struct refusal *refusal)
{
    static const char prefix[] = "at-";
    uint8_t bytes[WITHDRAW_BYTES];
    char hex[2 * HASH_BYTES + 1];
    size_t used = sizeof(prefix) - 1;
    uint64_t timestamp_ns, deadline_ns;
    if (!parameter_client_id(form, "withdrawOrderId", ask->client_id, refusal)) return false;
    if (ask->client_id[0] != 0) return true;
    if (!intent_deadline(form, &timestamp_ns, &deadline_ns, refusal)) return false;
    ASSERT(ask->account == 0);
    withdraw_command_put(bytes, ask);
    const hash_t hash = hash_tagged("quorex/withdrawal/1", bytes, sizeof(bytes));
    hash_hex(hash.bytes, HASH_BYTES, hex);
    memcpy(ask->client_id, prefix, used);
    used += put_digits(timestamp_ns, ask->client_id + used);
    ASSERT(used + 1 + MADE_ID_HEX <= CLIENT_ID_BYTES);
    ask->client_id[used++] = '-';
    memcpy(ask->client_id + used, hex, MADE_ID_HEX);
    return true;
}

bool intent_custody_apply(const struct form *form, const struct params *params,
                          struct intent *intent, struct refusal *refusal)
{
    *intent = (struct intent){.type = T_WITHDRAW};
    struct withdraw_command *ask = &intent->withdraw;
    if (params->rules < PARAMS_RULES_APPLY)
        return parameter_refuse(refusal, REJECT_RULES, NULL, NULL);
    return intent_admin_asset(form, "coin", params, &ask->asset, refusal) &&
           read_network(form, params, ask->asset, ask->chain, refusal) &&
           read_address(form, ask->address, refusal) &&
           intent_admin_units(form, "amount", params->assets[ask->asset].decimals,
                              &ask->amount.units, refusal) &&
           apply_only(form, refusal) && read_apply_id(form, ask, refusal);
}

bool intent_custody_allow(const struct form *form, const struct params *params,
                          struct intent *intent, struct refusal *refusal)
{
    static const struct parameter_word words[] = {{"address-allow", 1}, {"address-forbid", 0}};
    (void)params;
    *intent = (struct intent){.type = T_ADDRESS_ALLOW};
    struct address_allow_command *ask = &intent->address_allow;
    return read_action(form, WORDS(words), &ask->allowed, refusal) &&
           read_chain(form, ask->chain, refusal) && read_address(form, ask->address, refusal);
}

bool intent_custody_cancel(const struct form *form, struct intent *intent, struct refusal *refusal)
{
    static const struct parameter_word words[] = {{"withdraw-cancel", 1}};
    *intent = (struct intent){.type = T_WITHDRAWAL_CANCEL};
    uint8_t action;
    return read_action(form, WORDS(words), &action, refusal) &&
           read_u64(form, "withdrawal", &intent->withdrawal_cancel.withdrawal, refusal);
}
