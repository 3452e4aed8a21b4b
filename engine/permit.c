#include "engine/permit.h"

#include "common/command_rules.h"
#include "common/intent_key.h"
#include "common/ip_list.h"
#include "common/key_rights.h"
#include "common/share.h"

#include <string.h>

/* Whether the account's own key signed. */
static bool is_owners(const struct engine *engine, const struct command *command)
{
    const uint32_t account = key_rights_account(command);
    return command->header.auth_kind == AUTH_ED25519 &&
           accounts_exists(&engine->accounts, account) &&
           memcmp(engine->accounts.accounts[account].public_key, command->auth, KEY_ID_BYTES) == 0;
}

/* What is about keys was signed for this exchange. */
static enum reject chain_check(const struct engine *engine, const struct command *command)
{
    if (engine->params.rules < PARAMS_RULES_CHAIN) return REJECT_NONE;
    return intent_key_names(command, &engine->chain_id) ? REJECT_NONE : REJECT_OTHER_CHAIN;
}

enum reject permit_check(const struct engine *engine, const struct command *command)
{
    const struct command_header *header = &command->header;
    if (engine->params.rules < PARAMS_RULES_KEYS) return REJECT_NONE;
    if (engine->accounts.pending_count != 0 &&
        accounts_pending(&engine->accounts, key_rights_account(command)))
        return REJECT_ACCOUNT_PENDING;
    if (key_rights_manages(header->type)) return chain_check(engine, command);
    if (header->auth_kind != AUTH_HMAC && header->auth_kind != AUTH_ED25519) return REJECT_NONE;
    const uint16_t needed = key_rights_needed(header->type);
    if (needed == 0 || header->auth_length < KEY_ID_BYTES) return REJECT_NONE;
    const uint32_t slot = keys_find(&engine->keys, command->auth);
    const bool may = slot == 0 ? is_owners(engine, command) : keys_may(&engine->keys, slot, needed);
    return may ? REJECT_NONE : REJECT_KEY_PERMISSION;
}

/* Whether the account may ask at that time: later than before, so that no signed text counts twice. */
static enum reject owner_check(const struct engine *engine, uint16_t type, uint32_t account,
                               uint64_t time_ns)
{
    if (!command_rules_allow(engine->params.rules, type)) return REJECT_RULES;
    if (!accounts_exists(&engine->accounts, account)) return REJECT_UNKNOWN_ACCOUNT;
    if (type != T_KEY_REMOVE && accounts_frozen(&engine->accounts, account))
        return REJECT_ACCOUNT_FROZEN;
    if (time_ns <= engine->keys.owners[account].last_ns ||
        time_ns > engine->stamp_ns + KEY_AHEAD_NS)
        return REJECT_KEY_TIME;
    return REJECT_NONE;
}

/* Whether the account gets a place that is anybody's yet. */
static bool has_place(const struct engine *engine, uint32_t account)
{
    const struct keys *keys = &engine->keys;
    return keys->count < keys->capacity &&
           share_allows(&engine->params, share_keys(&engine->params), keys->count,
                        keys->owners[account].count);
}

/* The slot that the account's new key is to have: that of its key that was removed first, renamed, before one that is
 * anybody's yet. 0: there is none, for *reject. */
static uint32_t slot_take(struct engine *engine, uint32_t account, const uint8_t *id,
                          struct key_created_event *created, enum reject *reject)
{
    struct keys *keys = &engine->keys;
    const bool has_all = keys->owners[account].count >= KEYS_OF_ACCOUNT_MAX;
    const uint64_t until_ns =
        engine->stamp_ns > KEY_LINGER_NS ? engine->stamp_ns - KEY_LINGER_NS : 0;
    const uint32_t slot = keys_spare(keys, account, until_ns);
    if (slot == 0 && !has_all && has_place(engine, account)) return keys_add(keys, id);
    *reject = has_all ? REJECT_ACCOUNT_KEYS : REJECT_KEYS_FULL;
    if (slot == 0) return 0;
    created->replaces = 1;
    memcpy(created->replaced_id, keys->ids[slot], KEY_ID_BYTES);
    keys_rename(keys, slot, id);
    return slot;
}

enum reject permit_create(struct engine *engine, const struct command *command,
                          struct event_writer *out)
{
    struct key_create_command ask;
    key_create_command_get(command->payload, &ask);
    enum reject reject = owner_check(engine, T_KEY_CREATE, ask.account, ask.time_ns);
    if (reject != REJECT_NONE) return reject;
    if (!key_rights_valid(&ask) ||
        (ask.secret_version != 0 && ask.secret_version != engine->params.gateway_secret_version))
        return REJECT_KEY_SPEC;
    const hash_t id = key_rights_id(engine->accounts.accounts[ask.account].public_key, ask.time_ns);
    if (keys_find(&engine->keys, id.bytes) != 0) return REJECT_ALREADY_EXISTS;

    struct key_created_event created = {.time_ns = ask.time_ns,
                                        .account = ask.account,
                                        .permissions = ask.permissions,
                                        .secret_version = ask.secret_version,
                                        .ip_count = ask.ip_count};
    const uint32_t slot = slot_take(engine, ask.account, id.bytes, &created, &reject);
    if (slot == 0) return reject;
    memcpy(created.public_key, ask.public_key, sizeof(created.public_key));
    memcpy(created.ips, ask.ips, sizeof(created.ips));
    memcpy(created.key_id, id.bytes, sizeof(created.key_id));
    keys_allow(&engine->keys, slot, ask.account, ask.permissions, 0);
    engine->keys.owners[ask.account].last_ns = ask.time_ns;
    event_write_key_created(out, &created);
    return REJECT_NONE;
}

/* A key that is the account's, as far as the engine knows, and was not removed; 0: there is none. That one of before rules 7
 * is the account's, whoever takes the command looks at, and settlement. */
static uint32_t own_key(const struct engine *engine, const uint8_t *id, uint32_t account)
{
    const uint32_t slot = keys_find(&engine->keys, id);
    if (slot == 0) return 0;
    const struct key_right *right = &engine->keys.rights[slot];
    if (right->account == 0) return slot;
    return right->account == account && right->removed_ns == 0 ? slot : 0;
}

enum reject permit_limit(struct engine *engine, const struct command *command,
                         struct event_writer *out)
{
    struct key_limit_command ask;
    key_limit_command_get(command->payload, &ask);
    const enum reject reject = owner_check(engine, T_KEY_LIMIT, ask.account, ask.time_ns);
    if (reject != REJECT_NONE) return reject;
    const struct ip_list list = ip_list_of(ask.ip_count, ask.ips);
    if (ask.permissions == 0 || (ask.permissions & ~KEY_PERMISSIONS) != 0 || !ip_list_valid(&list))
        return REJECT_KEY_SPEC;
    const uint32_t slot = own_key(engine, ask.key_id, ask.account);
    if (slot == 0) return REJECT_UNKNOWN_KEY;

    struct key_limited_event limited;
    key_limited_event_get(command->payload, &limited); /* both are laid out alike */
    keys_allow(&engine->keys, slot, ask.account, ask.permissions, 0);
    engine->keys.owners[ask.account].last_ns = ask.time_ns;
    event_write_key_limited(out, &limited);
    return REJECT_NONE;
}

enum reject permit_remove(struct engine *engine, const struct command *command,
                          struct event_writer *out)
{
    struct key_remove_command ask;
    key_remove_command_get(command->payload, &ask);
    const enum reject reject = owner_check(engine, T_KEY_REMOVE, ask.account, ask.time_ns);
    if (reject != REJECT_NONE) return reject;
    const uint32_t slot = own_key(engine, ask.key_id, ask.account);
    if (slot == 0) return REJECT_UNKNOWN_KEY;

    struct key_removed_event removed;
    key_removed_event_get(command->payload, &removed);
    keys_allow(&engine->keys, slot, ask.account, 0, engine->stamp_ns);
    engine->keys.owners[ask.account].last_ns = ask.time_ns;
    event_write_key_removed(out, &removed);
    return REJECT_NONE;
}
