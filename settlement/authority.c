#include "settlement/authority.h"

#include "common/intent.h"
#include "common/le.h"
#include "settlement/balance_sheet.h"
#include "settlement/keyring.h"

#define KEY_ID_BYTES 32

/* The account in the payload of one kind of command. */
#define ACCOUNT_OF(NAME, name) \
    case T_##NAME: { \
        struct name##_command asked; \
        name##_command_get(command->payload, &asked); \
        return asked.account; \
    }

uint32_t authority_account(const struct command *command)
{
    switch (command->header.type) {
        ACCOUNT_OF(ORDER_PLACE, order_place)
        ACCOUNT_OF(ORDER_CANCEL, order_cancel)
        ACCOUNT_OF(CANCEL_ALL, cancel_all)
        ACCOUNT_OF(ORDER_AMEND, order_amend)
        ACCOUNT_OF(ORDER_REPLACE, order_replace)
        ACCOUNT_OF(LIST_PLACE, list_place)
        ACCOUNT_OF(LIST_CANCEL, list_cancel)
        ACCOUNT_OF(SWITCH_SET, switch_set)
        ACCOUNT_OF(SESSION_END, session_end)
        ACCOUNT_OF(WITHDRAW, withdraw)
        ACCOUNT_OF(ADDRESS_ALLOW, address_allow)
    default:
        return 0;
    }
}

static bool is_own(uint16_t type)
{
    return type == T_HELLO || type == T_SEAL || type == T_VOTE || type == T_CHECKPOINT_VOTE ||
           type == T_ORIGIN_LOST;
}

static bool is_operators(uint16_t type)
{
    return (type >= T_ASSET_CREATE && type <= T_MARKET_FILTERS) ||
           (type >= T_NODE_ADD && type <= T_NODE_SWAP) ||
           (type >= T_RULES_SET && type <= T_WITHDRAWAL_REPORT);
}

/* What moves money out, or says where it may go. */
static bool is_withdrawing(uint16_t type)
{
    return type == T_WITHDRAW || type == T_ADDRESS_ALLOW;
}

/* What a gateway node may say by itself of a session with any trading key: all it does is cancel. */
static bool is_gateways(uint16_t type)
{
    return type == T_SESSION_END || type == T_SWITCH_SET;
}

/* Checks public key or key id, signature and text; the caller has found `public_key` for the first. */
static const char *check_signed(const struct authority *authority, const struct command *command,
                                const uint8_t *public_key)
{
    const uint8_t *signature = command->auth + KEY_ID_BYTES;
    const uint8_t *text = signature + SIGNATURE_BYTES;
    const size_t text_bytes = command->header.auth_length - KEY_ID_BYTES - SIGNATURE_BYTES;
    if (!hash_verify(public_key, text, text_bytes, signature)) return "signature";

    struct form form;
    if (!form_parse(&form, (const char *)text, text_bytes, "", 0)) return "signed text";
    return intent_matches(&form, authority->params, command) ? NULL : "signed text";
}

static const char *check_operator(const struct authority *authority, const struct command *command)
{
    /* Every operators' command begins with its nonce and the operator's index. */
    const uint16_t operator_index = le_get_u16(command->payload + 8);
    if (!is_operators(command->header.type)) return "kind of authentication";
    if (operator_index >= authority->genesis->operator_count) return "operator";
    const uint8_t *public_key = authority->genesis->operators[operator_index];
    if (memcmp(public_key, command->auth, PUBLIC_KEY_BYTES) != 0) return "operator's public key";
    return check_signed(authority, command, public_key);
}

/* The key of the command's account with the id in its authentication field, or NULL. */
static const struct key_added_event *key_of(const struct authority *authority,
                                            const struct command *command, uint32_t account)
{
    const struct key_added_event *key = keyring_find(authority->keys, command->auth);
    const uint16_t needed = is_withdrawing(command->header.type) ? KEY_WITHDRAW : KEY_TRADE;
    if (key == NULL || key->account != account || !(key->permissions & needed)) return NULL;
    return key;
}

static const char *check_ed25519(const struct authority *authority, const struct command *command)
{
    static const uint8_t none[PUBLIC_KEY_BYTES];
    const uint32_t account = authority_account(command);
    if (account == 0) return "kind of authentication";
    if (!balance_sheet_has(authority->accounts, account)) return "account";

    const uint8_t *owner = balance_sheet_owner(authority->accounts, account)->public_key;
    if (memcmp(owner, command->auth, PUBLIC_KEY_BYTES) == 0)
        return check_signed(authority, command, owner);
    const struct key_added_event *key = key_of(authority, command, account);
    if (key == NULL || memcmp(key->public_key, none, sizeof(none)) == 0) return "key";
    return check_signed(authority, command, key->public_key);
}

static const char *check_hmac(const struct authority *authority, const struct command *command)
{
    const uint32_t account = authority_account(command);
    if (account == 0 || is_withdrawing(command->header.type)) return "kind of authentication";
    const struct key_added_event *key = key_of(authority, command, account);
    if (key == NULL) return "key";
    return key->secret_version == 0 && !is_gateways(command->header.type) ? "key" : NULL;
}

static const char *check_statements(const struct authority *authority,
                                    const struct command *command)
{
    if (command->header.type != T_EPOCH_CHANGE) return "kind of authentication";
    if (authority->epoch_check == NULL) return "statements for a change of epoch";
    return authority->epoch_check(authority->epoch_context, command);
}

const char *authority_objection(const struct authority *authority, const struct command *command)
{
    const size_t auth_bytes = command->header.auth_length;
    switch (command->header.auth_kind) {
    case AUTH_NONE:
        return is_own(command->header.type) && auth_bytes == 0 ? NULL : "kind of authentication";
    case AUTH_HMAC:
        return auth_bytes == KEY_ID_BYTES ? check_hmac(authority, command) : "length of key id";
    case AUTH_ED25519:
        if (auth_bytes <= KEY_ID_BYTES + SIGNATURE_BYTES) return "length of signature";
        return check_ed25519(authority, command);
    case AUTH_OPERATOR:
        if (auth_bytes <= KEY_ID_BYTES + SIGNATURE_BYTES) return "length of signature";
        return check_operator(authority, command);
    case AUTH_STATEMENTS:
        return check_statements(authority, command);
    default:
        return "kind of authentication";
    }
}
