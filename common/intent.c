#include "common/intent.h"

#include "common/intent_custody.h"
#include "common/intent_key.h"
#include "common/intent_opening.h"
#include "common/intent_order.h"
#include "common/key_rights.h"
#include "common/parameter.h"

#include <string.h>

#define SYMBOL_RANGE        "^[A-Z0-9-_.]{1,20}$"
#define RECV_WINDOW_DEFAULT 500000000000  /* 5,000 ms, in units of 10^-8 ms, as numbers are read */
#define RECV_WINDOW_MAX     6000000000000 /* 60,000 ms */
#define RECV_WINDOW_STEP    100000        /* 1 us: three decimals */
#define MICROSECONDS_FROM   1000000000000000u /* timestamps from 10^15 on are in us */
#define TIMESTAMP_MAX_NS    (UINT64_MAX / 2)

#define WORDS(table) table, sizeof(table) / sizeof(table[0])

static const struct parameter_word responses[] = {
    {"ACK", RESPONSE_ACK},
    {"RESULT", RESPONSE_RESULT},
    {"FULL", RESPONSE_FULL},
};

bool intent_market(const struct form *form, const struct params *params, uint16_t *market,
                   struct refusal *refusal)
{
    const struct form_field *field;
    if (!parameter_mandatory(form, "symbol", &field, refusal)) return false;
    if (field->value_bytes > MARKET_SYMBOL_BYTES ||
        strspn(field->value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") != field->value_bytes)
        return parameter_refuse(refusal, REJECT_ILLEGAL_CHARACTERS, "symbol", SYMBOL_RANGE);

    const int index = params_find_market(params, field->value, field->value_bytes);
    if (index < 0) return parameter_refuse(refusal, REJECT_UNKNOWN_MARKET, NULL, NULL);
    *market = (uint16_t)index;
    return true;
}

bool intent_response_type(const struct form *form, uint8_t order_type, enum response_type *response,
                          struct refusal *refusal)
{
    uint8_t value = order_type == 0                               ? RESPONSE_RESULT
                    : order_type == LIMIT || order_type == MARKET ? RESPONSE_FULL
                                                                  : RESPONSE_ACK;
    if (!parameter_optional_word(form, "newOrderRespType", WORDS(responses), REJECT_RESPONSE_TYPE,
                                 &value, refusal))
        return false;
    *response = (enum response_type)value;
    return true;
}

bool intent_switch_set(const struct form *form, const struct params *params, struct intent *intent,
                       struct refusal *refusal)
{
    *intent = (struct intent){.type = T_SWITCH_SET};
    struct switch_set_command *set = &intent->switch_set;
    const struct form_field *field;
    uint64_t timeout_ms;

    if (!intent_market(form, params, &set->market, refusal) ||
        !parameter_mandatory(form, "countdownTime", &field, refusal) ||
        !parameter_u64(field, &timeout_ms, refusal))
        return false;
    if (timeout_ms > UINT32_MAX)
        return parameter_refuse(refusal, REJECT_SWITCH_TIMEOUT, NULL, NULL);
    set->timeout_ms = (uint32_t)timeout_ms;
    return intent_order_only(form, REQUEST_SWITCH, refusal);
}

bool intent_deadline(const struct form *form, uint64_t *timestamp_ns, uint64_t *deadline_ns,
                     struct refusal *refusal)
{
    const struct form_field *field;
    uint64_t timestamp;
    int64_t window = RECV_WINDOW_DEFAULT;

    if (!parameter_mandatory(form, "timestamp", &field, refusal)) return false;
    if (!parameter_u64(field, &timestamp, refusal)) return false;
    if (!parameter_optional(form, "recvWindow", &field, refusal)) return false;
    if (field != NULL &&
        !parameter_units(field, ASSET_DECIMALS_MAX, REJECT_RECV_WINDOW, &window, refusal))
        return false;
    if (window > RECV_WINDOW_MAX) return parameter_refuse(refusal, REJECT_RECV_WINDOW, NULL, NULL);
    if (window % RECV_WINDOW_STEP != 0)
        return parameter_refuse(refusal, REJECT_PRECISION, "recvWindow", NULL);

    const uint64_t unit = timestamp >= MICROSECONDS_FROM ? 1000 : 1000000;
    if (timestamp > TIMESTAMP_MAX_NS / unit)
        return parameter_refuse(refusal, REJECT_TIMESTAMP_AHEAD, NULL, NULL);
    *timestamp_ns = timestamp * unit;
    *deadline_ns = *timestamp_ns + (uint64_t)(window / RECV_WINDOW_STEP) * 1000;
    return true;
}

/* A row per command that has a text: the member of struct intent and its codec. */
#define EACH_INTENT(ROW) \
    ROW(ORDER_PLACE, order_place) \
    ROW(ORDER_SUBMIT, order_submit) \
    ROW(ORDER_CANCEL, order_cancel) \
    ROW(CANCEL_ALL, cancel_all) \
    ROW(ORDER_AMEND, order_amend) \
    ROW(ORDER_REPLACE, order_replace) \
    ROW(ORDER_RESUBMIT, order_resubmit) \
    ROW(LIST_PLACE, list_place) \
    ROW(LIST_SUBMIT, list_submit) \
    ROW(LIST_CANCEL, list_cancel) \
    ROW(SWITCH_SET, switch_set) \
    ROW(ASSET_CREATE, asset_create) \
    ROW(MARKET_CREATE, market_create) \
    ROW(MARKET_STATUS, market_status) \
    ROW(ACCOUNT_CREATE, account_create) \
    ROW(KEY_ADD, key_add) \
    ROW(CREDIT, credit) \
    ROW(DEBIT, debit) \
    ROW(ACCOUNT_TIER, account_tier) \
    ROW(MARKET_FILTERS, market_filters) \
    ROW(NODE_ADD, node_add) \
    ROW(NODE_ROLE, node_role) \
    ROW(NODE_REMOVE, node_remove) \
    ROW(NODE_SWAP, node_swap) \
    ROW(RULES_SET, rules_set) \
    ROW(ROUTE_SET, route_set) \
    ROW(ACCOUNT_FREEZE, account_freeze) \
    ROW(DEPOSIT_ADDRESS, deposit_address) \
    ROW(DEPOSIT_REPORT, deposit_report) \
    ROW(DEPOSIT_REORG, deposit_reorg) \
    ROW(WITHDRAWAL_APPROVE, withdrawal_approve) \
    ROW(WITHDRAWAL_DENY, withdrawal_deny) \
    ROW(WITHDRAWAL_REPORT, withdrawal_report) \
    ROW(LIABILITIES_ORDER, liabilities_order) \
    ROW(WITHDRAW, withdraw) \
    ROW(ADDRESS_ALLOW, address_allow) \
    ROW(WITHDRAWAL_CANCEL, withdrawal_cancel) \
    ROW(CONNECTOR_ADD, connector_add) \
    ROW(ROUTE_FEE_SET, route_fee_set) \
    ROW(KEY_CREATE, key_create) \
    ROW(KEY_LIMIT, key_limit) \
    ROW(KEY_REMOVE, key_remove) \
    ROW(ACCOUNT_OPEN, account_open) \
    ROW(ACCOUNT_APPROVE, account_approve) \
    ROW(OPENING_SET, opening_set)

size_t intent_put(const struct intent *intent, uint8_t *payload)
{
    switch (intent->type) {
#define ROW(NAME, name) \
    case T_##NAME: \
        return (size_t)(name##_command_put(payload, &intent->name) - payload);
        EACH_INTENT(ROW)
#undef ROW
    }
    const bool has_text = false;
    ASSERT(has_text);
    return 0;
}

/* The command's payload as an intent; false for a node's own commands. */
static bool intent_get(const struct command *command, struct intent *intent)
{
    *intent = (struct intent){.type = command->header.type};
    switch (command->header.type) {
#define ROW(NAME, name) \
    case T_##NAME: \
        name##_command_get(command->payload, &intent->name); \
        return true;
        EACH_INTENT(ROW)
#undef ROW
    }
    return false;
}

/* An id that the text does not give is the gateway's to make up. */
static void fill_id(uint8_t asked[CLIENT_ID_BYTES], const uint8_t given[CLIENT_ID_BYTES])
{
    static const uint8_t none[CLIENT_ID_BYTES];
    if (memcmp(asked, none, CLIENT_ID_BYTES) == 0) memcpy(asked, given, CLIENT_ID_BYTES);
}

/* Copies into `asked` what a trader's text does not say: the account, which the key decides, the
 * session it is bound to, and made-up client ids. */
static void fill_trade(struct intent *asked, const struct intent *given)
{
    switch (order_tag_base(asked->type)) {
    case T_ORDER_PLACE:
        asked->order_place.account = given->order_place.account;
        fill_id(asked->order_place.client_id, given->order_place.client_id);
        return;
    case T_ORDER_CANCEL:
        asked->order_cancel.account = given->order_cancel.account;
        fill_id(asked->order_cancel.client_id, given->order_cancel.client_id);
        return;
    case T_CANCEL_ALL:
        asked->cancel_all.account = given->cancel_all.account;
        return;
    case T_ORDER_AMEND:
        asked->order_amend.account = given->order_amend.account;
        fill_id(asked->order_amend.client_id, given->order_amend.client_id);
        return;
    case T_ORDER_REPLACE:
        asked->order_replace.account = given->order_replace.account;
        fill_id(asked->order_replace.client_id, given->order_replace.client_id);
        fill_id(asked->order_replace.cancel_client_id, given->order_replace.cancel_client_id);
        return;
    case T_LIST_PLACE:
        asked->list_place.account = given->list_place.account;
        fill_id(asked->list_place.client_id, given->list_place.client_id);
        fill_id(asked->list_place.a_client_id, given->list_place.a_client_id);
        fill_id(asked->list_place.b_client_id, given->list_place.b_client_id);
        if (asked->list_place.kind == LIST_OTOCO)
            fill_id(asked->list_place.c_client_id, given->list_place.c_client_id);
        return;
    case T_LIST_CANCEL:
        asked->list_cancel.account = given->list_cancel.account;
        fill_id(asked->list_cancel.client_id, given->list_cancel.client_id);
        return;
    case T_SWITCH_SET:
        asked->switch_set.account = given->switch_set.account;
        return;
    case T_WITHDRAW:
        asked->withdraw.account = given->withdraw.account;
        return;
    case T_ADDRESS_ALLOW:
        asked->address_allow.account = given->address_allow.account;
        return;
    case T_WITHDRAWAL_CANCEL:
        asked->withdrawal_cancel.account = given->withdrawal_cancel.account;
        return;
    case T_KEY_CREATE:
        asked->key_create.account = given->key_create.account;
        return;
    case T_KEY_LIMIT:
        asked->key_limit.account = given->key_limit.account;
        return;
    case T_KEY_REMOVE:
        asked->key_remove.account = given->key_remove.account;
        return;
    }
}

/* Parameters move while a command is on its way, so what a text leaves to them is not checked against
 * those of another moment: the market's own self-trade mode stands as the gateway found it. */
static void fill_self_trade(const struct form *form, struct intent *asked,
                            const struct intent *given)
{
    if (form_find(form, "selfTradePreventionMode") != NULL) return;
    const uint16_t type = order_tag_base(asked->type);
    if (type == T_ORDER_PLACE)
        asked->order_place.self_trade = given->order_place.self_trade;
    else if (type == T_ORDER_REPLACE)
        asked->order_replace.self_trade = given->order_replace.self_trade;
    else if (type == T_LIST_PLACE)
        asked->list_place.self_trade = given->list_place.self_trade;
}

/* In our words, which name their action, or in the wallet's. */
static bool read_withdraw(const struct form *form, const struct params *params,
                          struct intent *intent, struct refusal *refusal)
{
    const bool in_our_words = form_find(form, "action") != NULL;
    return in_our_words ? intent_custody_withdraw(form, params, intent, refusal)
                        : intent_custody_apply(form, params, intent, refusal);
}

/* Reads the text as the kind of request that leads to commands of `type`. */
static bool intent_read(const struct form *form, const struct params *params, uint16_t type,
                        struct intent *intent)
{
    struct refusal refusal;
    switch (order_tag_base(type)) {
    case T_ORDER_PLACE:
        return intent_order_place(form, params, intent, &refusal);
    case T_ORDER_CANCEL:
        return intent_order_cancel(form, params, intent, &refusal);
    case T_CANCEL_ALL:
        return intent_cancel_all(form, params, intent, &refusal);
    case T_ORDER_AMEND:
        return intent_order_amend(form, params, intent, &refusal);
    case T_ORDER_REPLACE:
        return intent_order_replace(form, params, intent, &refusal);
    case T_LIST_PLACE:
        return intent_list_place(form, params, intent, &refusal);
    case T_LIST_CANCEL:
        return intent_list_cancel(form, params, intent, &refusal);
    case T_SWITCH_SET:
        return intent_switch_set(form, params, intent, &refusal);
    case T_WITHDRAW:
        return read_withdraw(form, params, intent, &refusal);
    case T_ADDRESS_ALLOW:
        return intent_custody_allow(form, params, intent, &refusal);
    case T_WITHDRAWAL_CANCEL:
        return intent_custody_cancel(form, intent, &refusal);
    case T_KEY_CREATE:
        return intent_key_create(form, params, intent, &refusal);
    case T_KEY_LIMIT:
        return intent_key_limit(form, intent, &refusal);
    case T_KEY_REMOVE:
        return intent_key_remove(form, intent, &refusal);
    case T_ACCOUNT_OPEN:
        return intent_opening_open(form, intent, &refusal);
    default:
        return intent_admin(form, params, intent, &refusal) && intent->type == type;
    }
}

/* An operator's text is made unique by its nonce and may have no timestamp; then it has no deadline. */
static bool deadline_matches(const struct form *form, const struct command *command)
{
    struct refusal refusal;
    uint64_t timestamp_ns, deadline_ns;
    const uint16_t type = order_tag_base(command->header.type);
    const bool of_account = (type >= T_ORDER_PLACE && type <= T_SESSION_END) ||
                            type == T_WITHDRAW || type == T_ADDRESS_ALLOW ||
                            type == T_WITHDRAWAL_CANCEL || key_rights_manages(type) ||
                            type == T_ACCOUNT_OPEN;
    if (!of_account && form_find(form, "timestamp") == NULL)
        return command->header.deadline_ns == 0;
    return intent_deadline(form, &timestamp_ns, &deadline_ns, &refusal) &&
           deadline_ns == command->header.deadline_ns;
}

static bool ends_with(const char *name, const char *end)
{
    const size_t name_bytes = strlen(name), end_bytes = strlen(end);
    return name_bytes >= end_bytes && strcmp(name + name_bytes - end_bytes, end) == 0;
}

/* What is read from rules 5 on only: what an order is called, and that it may be asked for twice. */
static bool is_tag(const char *name)
{
    return ends_with(name, "trategyId") || ends_with(name, "trategyType") ||
           strcmp(name, "idempotent") == 0;
}

/* A command without tags may have been taken below rules 5, where any text stood in them and was dropped, and come behind
 * the change. So its text is read as it was then, whatever is in them. */
static const struct form *without_tags(const struct form *form, uint16_t type, struct form *plain)
{
    uint32_t count = 0;
    if (type != T_ORDER_PLACE && type != T_ORDER_REPLACE && type != T_LIST_PLACE) return form;
    while (count < form->field_count && !is_tag(form->fields[count].name))
        count++;
    if (count == form->field_count) return form;
    form_copy_but(form, is_tag, plain);
    return plain;
}

bool intent_matches(const struct form *sent, const struct params *params,
                    const struct command *command)
{
    struct intent asked, given;
    struct form plain;
    uint8_t asked_bytes[COMMAND_PAYLOAD_MAX];
    const struct form *form = without_tags(sent, command->header.type, &plain);

    if (!intent_get(command, &given)) return false;
    if (!intent_read(form, params, command->header.type, &asked)) return false;
    if (asked.type != given.type) return false;
    fill_trade(&asked, &given);
    fill_self_trade(form, &asked, &given);
    intent_admin_fill(form, &asked, &given);
    const size_t payload_bytes = intent_put(&asked, asked_bytes);
    return memcmp(asked_bytes, command->payload, payload_bytes) == 0 &&
           deadline_matches(form, command);
}
