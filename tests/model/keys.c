#include "common/form.h"
#include "common/key_rights.h"
#include "tests/model/parts.h"

#include <string.h>
#include <strings.h>

#define SECOND_NS  UINT64_C(1000000000)
#define ALL_RIGHTS (KEY_READ | KEY_TRADE | KEY_WITHDRAW)

static struct model_key *find(struct model *model, const uint8_t id[32])
{
    for (uint32_t i = 0; i < model->key_count; i++)
        if (memcmp(model->keys[i].id, id, 32) == 0) return &model->keys[i];
    return NULL;
}

bool model_key_may(const struct model *model, const struct command *command)
{
    const uint16_t type = command->header.type;
    uint16_t needed = KEY_TRADE;
    if (model->params.rules < 7) return true;
    if (command->header.auth_kind != AUTH_HMAC && command->header.auth_kind != AUTH_ED25519)
        return true;
    if (command->header.auth_length < 32) return true;
    if (type == T_SESSION_END || type == T_KEY_CREATE || type == T_KEY_LIMIT ||
        type == T_KEY_REMOVE || type == T_ACCOUNT_OPEN)
        return true;
    if (type == T_WITHDRAW || type == T_ADDRESS_ALLOW || type == T_WITHDRAWAL_CANCEL)
        needed = KEY_WITHDRAW;
    for (uint32_t i = 0; i < model->key_count; i++)
        if (memcmp(model->keys[i].id, command->auth, 32) == 0)
            return model->keys[i].account == 0 || (model->keys[i].permissions & needed) != 0;
    const uint32_t account = key_rights_account(command);
    return command->header.auth_kind == AUTH_ED25519 && account > 0 &&
           account <= model->account_count &&
           memcmp(model->accounts[account].public_key, command->auth, 32) == 0;
}

/* From rules 8 on the signed text of each of the three names the chain. */
bool model_key_chain_named(const struct model *model, const struct command *command)
{
    const uint16_t type = command->header.type;
    struct form form;
    if (model->params.rules < 8) return true;
    if (type != T_KEY_CREATE && type != T_KEY_LIMIT && type != T_KEY_REMOVE) return true;
    if (command->header.auth_length <= 96) return false;
    if (!form_parse(&form, (const char *)command->auth + 96, command->header.auth_length - 96u, "",
                    0))
        return false;
    const struct form_field *named = form_find(&form, "chainId");
    return named != NULL && strcasecmp(named->value, model->chain_id) == 0;
}

/* What holds for each of the three; the time of the request must be above that of the last, and at most a minute ahead. */
static enum reject check(const struct model *model, uint32_t account, uint64_t time_ns,
                         bool may_be_frozen)
{
    if (model->params.rules < 7) return REJECT_RULES;
    if (account == 0 || account > model->account_count) return REJECT_UNKNOWN_ACCOUNT;
    if (model->accounts[account].frozen && !may_be_frozen) return REJECT_ACCOUNT_FROZEN;
    if (time_ns <= model->accounts[account].key_time_ns) return REJECT_KEY_TIME;
    return time_ns > model->stamp_ns + 60 * SECOND_NS ? REJECT_KEY_TIME : REJECT_NONE;
}

/* Up to eight networks of at most 128 bits, no bit beyond those, nothing behind the last. */
static bool are_networks(uint8_t count, const uint8_t *ranges)
{
    if (count > 8) return false;
    for (int i = 0; i < 8; i++) {
        const uint8_t *range = ranges + 17 * i;
        const int bits = i < count ? range[16] : 0;
        if (bits > 128 || (i >= count && range[16] != 0)) return false;
        for (int bit = bits; bit < 128; bit++)
            if ((range[bit / 8] & 0x80 >> bit % 8) != 0) return false;
    }
    return true;
}

static bool is_key(const struct model *model, const struct key_create_command *ask)
{
    bool has_public_key = false;
    for (int i = 0; i < 32; i++)
        has_public_key = has_public_key || ask->public_key[i] != 0;
    if (ask->permissions == 0 || ask->permissions > ALL_RIGHTS) return false;
    if (!are_networks(ask->ip_count, ask->ips)) return false;
    if (has_public_key) return ask->secret_version == 0;
    return ask->secret_version != 0 &&
           ask->secret_version == model->params.gateway_secret_version &&
           (ask->permissions & KEY_WITHDRAW) == 0;
}

/* The account's key that was removed first of all that were two minutes ago. */
static struct model_key *spare(struct model *model, uint32_t account)
{
    struct model_key *first = NULL;
    for (uint32_t i = 0; i < model->key_count; i++) {
        struct model_key *key = &model->keys[i];
        if (key->account != account || key->removed_ns == 0) continue;
        if (key->removed_ns + 120 * SECOND_NS > model->stamp_ns) continue;
        if (first == NULL || key->removed_ns < first->removed_ns) first = key;
    }
    return first;
}

static uint32_t count_of(const struct model *model, uint32_t account)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < model->key_count; i++)
        count += model->keys[i].account == account;
    return count;
}

/* An eighth of the keys is for operators; of addresses half is for deposits. What accounts may take goes to who comes first up to
 * the half of it, above to who has not his share of that. */
bool model_place_free(const struct model *model, uint32_t room, uint32_t taken, uint32_t own)
{
    if (model->params.rules < 8) return true;
    if (taken >= room) return false;
    if (2 * taken < room) return true;
    return own == 0 || own + 1 <= room / 2 / model->params.accounts_max;
}

enum reject model_key_create(struct model *model, const struct key_create_command *ask)
{
    const enum reject reject = check(model, ask->account, ask->time_ns, false);
    if (reject != REJECT_NONE) return reject;
    if (!is_key(model, ask)) return REJECT_KEY_SPEC;
    const hash_t id = key_rights_id(model->accounts[ask->account].public_key, ask->time_ns);
    if (find(model, id.bytes) != NULL) return REJECT_ALREADY_EXISTS;

    struct key_created_event created = {.time_ns = ask->time_ns,
                                        .account = ask->account,
                                        .permissions = ask->permissions,
                                        .secret_version = ask->secret_version,
                                        .ip_count = ask->ip_count};
    struct model_key *key = spare(model, ask->account);
    if (key == NULL) {
        if (count_of(model, ask->account) >= 32) return REJECT_ACCOUNT_KEYS;
        if (model->key_count >= model->params.keys_max) return REJECT_KEYS_FULL;
        if (!model_place_free(model, model->params.keys_max - model->params.keys_max / 8,
                              model->key_count, count_of(model, ask->account)))
            return REJECT_KEYS_FULL;
        key = &model->keys[model->key_count++];
    } else {
        created.replaces = 1;
        memcpy(created.replaced_id, key->id, 32);
    }
    *key = (struct model_key){
        .account = ask->account, .owner = ask->account, .permissions = ask->permissions};
    memcpy(key->id, id.bytes, 32);
    memcpy(created.public_key, ask->public_key, sizeof(created.public_key));
    memcpy(created.ips, ask->ips, sizeof(created.ips));
    memcpy(created.key_id, id.bytes, sizeof(created.key_id));
    model->accounts[ask->account].key_time_ns = ask->time_ns;
    event_write_key_created(model->out, &created);
    return REJECT_NONE;
}

/* One of before rules 7 is anybody's here: the signature decides, at which no engine looks. */
static struct model_key *own(struct model *model, const uint8_t id[32], uint32_t account)
{
    struct model_key *key = find(model, id);
    if (key == NULL || key->removed_ns != 0) return NULL;
    return key->account == 0 || key->account == account ? key : NULL;
}

enum reject model_key_limit(struct model *model, const struct key_limit_command *ask)
{
    const enum reject reject = check(model, ask->account, ask->time_ns, false);
    if (reject != REJECT_NONE) return reject;
    if (ask->permissions == 0 || ask->permissions > ALL_RIGHTS ||
        !are_networks(ask->ip_count, ask->ips))
        return REJECT_KEY_SPEC;
    struct model_key *key = own(model, ask->key_id, ask->account);
    if (key == NULL) return REJECT_UNKNOWN_KEY;
    key->account = ask->account;
    key->permissions = ask->permissions;
    model->accounts[ask->account].key_time_ns = ask->time_ns;
    struct key_limited_event limited = {.time_ns = ask->time_ns,
                                        .account = ask->account,
                                        .permissions = ask->permissions,
                                        .ip_count = ask->ip_count};
    memcpy(limited.key_id, ask->key_id, sizeof(limited.key_id));
    memcpy(limited.ips, ask->ips, sizeof(limited.ips));
    event_write_key_limited(model->out, &limited);
    return REJECT_NONE;
}

enum reject model_key_remove(struct model *model, const struct key_remove_command *ask)
{
    const enum reject reject = check(model, ask->account, ask->time_ns, true);
    if (reject != REJECT_NONE) return reject;
    struct model_key *key = own(model, ask->key_id, ask->account);
    if (key == NULL) return REJECT_UNKNOWN_KEY;
    key->account = ask->account;
    key->permissions = 0;
    key->removed_ns = model->stamp_ns;
    model->accounts[ask->account].key_time_ns = ask->time_ns;
    struct key_removed_event removed = {.time_ns = ask->time_ns, .account = ask->account};
    memcpy(removed.key_id, ask->key_id, sizeof(removed.key_id));
    event_write_key_removed(model->out, &removed);
    return REJECT_NONE;
}
