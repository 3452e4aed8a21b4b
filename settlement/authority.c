#include "settlement/authority.h"

#include "common/intent_key.h"
#include "common/key_rights.h"
#include "common/le.h"
#include "settlement/balance_sheet.h"
#include "settlement/keyring.h"

#include <string.h>

#define KEY_ID_BYTES 32

static bool is_own(uint16_t type)
{
    return type == T_HELLO || type == T_SEAL || type == T_VOTE || type == T_CHECKPOINT_VOTE ||
           type == T_LIABILITIES_VOTE || type == T_ORIGIN_LOST;
}

static bool is_operators(uint16_t type)
{
    return (type >= T_ASSET_CREATE && type <= T_MARKET_FILTERS) ||
           (type >= T_NODE_ADD && type <= T_NODE_SWAP) ||
           (type >= T_RULES_SET && type <= T_WITHDRAWAL_REPORT) || type == T_LIABILITIES_ORDER ||
           type == T_CONNECTOR_ADD || type == T_ROUTE_FEE_SET || type == T_ACCOUNT_APPROVE ||
           type == T_OPENING_SET;
}

/* What a connector's key is good for. */
static bool is_connectors(uint16_t type)
{
    return type == T_DEPOSIT_ADDRESS || type == T_DEPOSIT_REPORT || type == T_DEPOSIT_REORG ||
           type == T_WITHDRAWAL_REPORT;
}

/* What a gateway node may say by itself of a session with any trading key: all it does is cancel. */
static bool is_gateways(uint16_t type)
{
    return type == T_SESSION_END || type == T_SWITCH_SET;
}

static const char *find_operator(const struct authority *authority, const struct command *command,
                                 const uint8_t **signer)
{
    /* Every operators' command begins with its nonce and the operator's index. */
    const uint16_t operator_index = le_get_u16(command->payload + 8);
    if (!is_operators(command->header.type)) return "kind of authentication";
    if (operator_index >= PARAMS_CONNECTOR_FIRST) {
        *signer = params_connector(authority->params, operator_index);
        if (*signer == NULL || !is_connectors(command->header.type)) return "operator";
    } else {
        if (operator_index >= authority->genesis->operator_count) return "operator";
        *signer = authority->genesis->operators[operator_index];
    }
    return memcmp(*signer, command->auth, PUBLIC_KEY_BYTES) == 0 ? NULL : "operator's public key";
}

/* The engine refuses by itself what such a key may not: the key may have lost the right while the command was under way. */
static bool is_shared(const struct authority *authority, const struct key_added_event *key)
{
    return authority->params->rules >= PARAMS_RULES_KEYS &&
           keyring_right_of(authority->keys, key)->is_shared;
}

/* The key of the command's account with the id in its authentication field, or NULL. */
static const struct key_added_event *key_of(const struct authority *authority,
                                            const struct command *command, uint32_t account)
{
    const struct key_added_event *key = keyring_find(authority->keys, command->auth);
    const uint16_t needed = key_rights_withdraws(command->header.type) ? KEY_WITHDRAW : KEY_TRADE;
    if (key == NULL || key->account != account) return NULL;
    return (key->permissions & needed) != 0 || is_shared(authority, key) ? key : NULL;
}

static const char no_key[] = "key";

/* Whether the account's own key signed. */
static bool is_owners(const struct authority *authority, const struct command *command,
                      uint32_t account)
{
    const uint8_t *owner = balance_sheet_owner(authority->accounts, account)->public_key;
    return command->header.auth_kind == AUTH_ED25519 &&
           memcmp(owner, command->auth, PUBLIC_KEY_BYTES) == 0;
}

/* A key's place may have become another's while a command of it was under way, so that nobody knows it any more: the engine
 * refuses what comes by a key that is none, so there is nothing more to look at. */
static bool is_nobodys(const struct authority *authority, const struct command *command)
{
    const struct command_header *header = &command->header;
    const uint32_t account = key_rights_account(command);
    return authority->params->rules >= PARAMS_RULES_KEYS &&
           (header->auth_kind == AUTH_HMAC || header->auth_kind == AUTH_ED25519) &&
           key_rights_needed(header->type) != 0 &&
           balance_sheet_has(authority->accounts, account) &&
           !is_owners(authority, command, account) &&
           keyring_find(authority->keys, command->auth) == NULL;
}

/* Of a key that the engine does not know, the account that it is another's than. */
static const char *check_managed(const struct authority *authority, const struct command *command,
                                 uint32_t account)
{
    uint8_t key_id[KEY_ID_BYTES];
    if (command->header.type == T_KEY_LIMIT) {
        struct key_limit_command limit;
        key_limit_command_get(command->payload, &limit);
        memcpy(key_id, limit.key_id, sizeof(key_id));
    } else if (command->header.type == T_KEY_REMOVE) {
        struct key_remove_command remove;
        key_remove_command_get(command->payload, &remove);
        memcpy(key_id, remove.key_id, sizeof(key_id));
    } else {
        return NULL;
    }
    const struct key_added_event *key = keyring_find(authority->keys, key_id);
    return key == NULL || key->account == account || is_shared(authority, key)
               ? NULL
               : "key of another account";
}

/* Whoever opens an account signs with the key that it is to have, for this chain and no other. */
static const char *find_opener(const struct authority *authority, const struct command *command,
                               const uint8_t **signer)
{
    const uint8_t *chain_id = command->payload + PUBLIC_KEY_BYTES;
    if (memcmp(chain_id, authority->chain_id->bytes, HASH_BYTES) != 0) return "chain";
    *signer = command->payload;
    return memcmp(*signer, command->auth, PUBLIC_KEY_BYTES) == 0 ? NULL : "key of a new account";
}

static const char *find_ed25519(const struct authority *authority, const struct command *command,
                                const uint8_t **signer)
{
    static const uint8_t none[PUBLIC_KEY_BYTES];
    const uint32_t account = key_rights_account(command);
    if (command->header.type == T_ACCOUNT_OPEN) return find_opener(authority, command, signer);
    if (account == 0) return "kind of authentication";
    if (!balance_sheet_has(authority->accounts, account)) return "account";

    *signer = balance_sheet_owner(authority->accounts, account)->public_key;
    if (memcmp(*signer, command->auth, PUBLIC_KEY_BYTES) == 0)
        return check_managed(authority, command, account);
    if (key_rights_manages(command->header.type)) return "kind of authentication";
    const struct key_added_event *key = key_of(authority, command, account);
    if (key == NULL || memcmp(key->public_key, none, sizeof(none)) == 0) return no_key;
    *signer = key->public_key;
    return NULL;
}

static const char *check_hmac(const struct authority *authority, const struct command *command)
{
    const uint32_t account = key_rights_account(command);
    if (account == 0 || key_rights_withdraws(command->header.type) ||
        key_rights_manages(command->header.type))
        return "kind of authentication";
    if (authority->params->rules >= PARAMS_RULES_KEYS && command->header.type == T_SESSION_END)
        return balance_sheet_has(authority->accounts, account) ? NULL : "account";
    const struct key_added_event *key = key_of(authority, command, account);
    if (key == NULL) return no_key;
    return key->secret_version == 0 && !is_gateways(command->header.type) ? "key" : NULL;
}

static const char *check_statements(const struct authority *authority,
                                    const struct command *command)
{
    if (command->header.type != T_EPOCH_CHANGE) return "kind of authentication";
    if (authority->epoch_check == NULL) return "statements for a change of epoch";
    return authority->epoch_check(authority->epoch_context, command);
}

static const char *find_signer(const struct authority *authority, const struct command *command,
                               const uint8_t **signer)
{
    const size_t auth_bytes = command->header.auth_length;
    switch (command->header.auth_kind) {
    case AUTH_NONE:
        return is_own(command->header.type) && auth_bytes == 0 ? NULL : "kind of authentication";
    case AUTH_HMAC:
        return auth_bytes == KEY_ID_BYTES ? check_hmac(authority, command) : "length of key id";
    case AUTH_ED25519:
        if (auth_bytes <= KEY_ID_BYTES + SIGNATURE_BYTES) return "length of signature";
        return find_ed25519(authority, command, signer);
    case AUTH_OPERATOR:
        if (auth_bytes <= KEY_ID_BYTES + SIGNATURE_BYTES) return "length of signature";
        return find_operator(authority, command, signer);
    case AUTH_STATEMENTS:
        return check_statements(authority, command);
    default:
        return "kind of authentication";
    }
}

/* Needs: a signature is in the authentication field. */
static struct authority_signature signature_of(const struct command *command, const uint8_t *signer)
{
    return (struct authority_signature){
        .public_key = signer,
        .signature = command->auth + KEY_ID_BYTES,
        .text = command->auth + KEY_ID_BYTES + SIGNATURE_BYTES,
        .text_bytes = command->header.auth_length - KEY_ID_BYTES - SIGNATURE_BYTES,
    };
}

/* The text asks for an order that is placed once, and the command is for one that is placed as often as it comes. Below
 * rules 5 no gateway takes such a text, so one that does behind the change drops what its owner said; that an older build
 * may have done so before is nothing to stop for. */
static bool has_lost_once(const struct authority *authority, const struct command *command,
                          const struct form *form)
{
    const struct form_field *once = form_find(form, "idempotent");
    return authority->params->rules >= PARAMS_RULES_API && command->header.type == T_ORDER_PLACE &&
           once != NULL && once->value_bytes == 4 && memcmp(once->value, "true", 4) == 0;
}

static const char *check_text(const struct authority *authority, const struct command *command,
                              const struct authority_signature *by, bool is_new)
{
    struct form form;
    if (!form_parse(&form, (const char *)by->text, by->text_bytes, "", 0)) return "signed text";
    if (is_new && has_lost_once(authority, command, &form)) return "signed text";
    return intent_matches(&form, authority->params, command) ? NULL : "signed text";
}

const char *authority_but_signature(const struct authority *authority,
                                    const struct command *command,
                                    struct authority_signature *signature)
{
    const uint8_t *signer = NULL;
    *signature = (struct authority_signature){0};
    const char *objection = find_signer(authority, command, &signer);
    if (objection != NULL || signer == NULL) return objection;
    *signature = signature_of(command, signer);
    return check_text(authority, command, signature, true);
}

const char *authority_objection(const struct authority *authority, const struct command *command)
{
    const uint8_t *signer = NULL;
    const char *objection = find_signer(authority, command, &signer);
    if (objection == no_key && is_nobodys(authority, command)) return NULL;
    if (objection != NULL || signer == NULL) return objection;
    const struct authority_signature by = signature_of(command, signer);
    if (!hash_verify(by.public_key, by.text, by.text_bytes, by.signature)) return "signature";
    return check_text(authority, command, &by, false);
}

bool authority_is_nobodys(const struct authority *authority, const struct command *command)
{
    const uint8_t *signer = NULL;
    return find_signer(authority, command, &signer) == no_key && is_nobodys(authority, command);
}

bool authority_is_late(const struct authority *authority, const struct command *command,
                       uint64_t stamp_ns)
{
    const struct command_header *header = &command->header;
    return (header->auth_kind == AUTH_HMAC || header->auth_kind == AUTH_ED25519) &&
           key_rights_account(command) != 0 &&
           params_void(authority->params, header->deadline_ns, stamp_ns);
}

bool authority_is_void(const struct authority *authority, const struct command *command)
{
    const struct command_header *header = &command->header;
    if (key_rights_manages(header->type))
        return authority->params->rules >= PARAMS_RULES_CHAIN &&
               !intent_key_names(command, authority->chain_id);
    if (header->auth_kind != AUTH_HMAC && header->auth_kind != AUTH_ED25519) return false;
    const uint16_t needed = key_rights_needed(header->type);
    const uint32_t account = key_rights_account(command);
    if (needed == 0 || !balance_sheet_has(authority->accounts, account)) return false;
    if (is_owners(authority, command, account)) return false;
    const struct key_added_event *key = keyring_find(authority->keys, command->auth);
    if (key == NULL) return authority->params->rules >= PARAMS_RULES_KEYS;
    return (key->permissions & needed) == 0 && is_shared(authority, key);
}
