#include "settlement/key_change.h"

#include "common/key_rights.h"
#include "common/share.h"

#include <string.h>

static enum status differs(struct settlement *s, const char *what, uint32_t account, int64_t ours,
                           int64_t theirs)
{
    return settle_differs(s, &(struct settle_mismatch){
                                 .what = what, .account = account, .ours = ours, .theirs = theirs});
}

/* Whether the account may have asked at that time. */
static bool is_in_time(const struct settlement *s, uint32_t account, uint64_t time_ns)
{
    return balance_sheet_has(s->accounts, account) && time_ns > keyring_time(s->keys, account) &&
           time_ns <= s->command.stamp_ns + KEY_AHEAD_NS;
}

/* The same of what a frozen account may not. */
static bool may_ask(const struct settlement *s, uint32_t account, uint64_t time_ns)
{
    return is_in_time(s, account, time_ns) && !balance_sheet_owner(s->accounts, account)->is_frozen;
}

/* Whether the account gets a place that nobody had. */
static bool has_place(const struct settlement *s, uint32_t account)
{
    const uint32_t own = keyring_count_of(s->keys, account), taken = keyring_count(s->keys);
    return own < KEYS_OF_ACCOUNT_MAX && taken < s->params.keys_max &&
           share_allows(&s->params, share_keys(&s->params), taken, own);
}

/* The place that the new key must have: that of the account's key that was removed first, else a free one while the account
 * may have more. False: it may have none. */
static bool place_due(const struct settlement *s, uint32_t account, uint8_t *replaces,
                      uint8_t replaced_id[32])
{
    const uint64_t stamp_ns = s->command.stamp_ns;
    memset(replaced_id, 0, 32);
    *replaces = 0;
    const struct key_added_event *spare =
        keyring_spare(s->keys, account, stamp_ns < KEY_LINGER_NS ? 0 : stamp_ns - KEY_LINGER_NS);
    if (spare == NULL) return has_place(s, account);
    *replaces = 1;
    memcpy(replaced_id, spare->key_id, 32);
    return true;
}

static enum status created(struct settlement *s, const struct event *event)
{
    struct key_created_event told;
    struct key_create_command asked;
    uint8_t replaced_id[32], replaces;
    key_created_event_get(event->payload, &told);
    key_create_command_get(s->command.payload, &asked);
    if (s->command.type != T_KEY_CREATE || !may_ask(s, asked.account, asked.time_ns) ||
        memcmp(event->payload, s->command.payload, KEY_CREATE_BYTES) != 0)
        return differs(s, "key", told.account, (int64_t)asked.time_ns, (int64_t)told.time_ns);
    if (!key_rights_valid(&asked) ||
        (asked.secret_version != 0 && asked.secret_version != s->params.gateway_secret_version))
        return differs(s, "kind of key", told.account, 0, told.permissions);
    const uint8_t *owner = balance_sheet_owner(s->accounts, asked.account)->public_key;
    const hash_t id = key_rights_id(owner, asked.time_ns);
    if (memcmp(told.key_id, id.bytes, sizeof(told.key_id)) != 0)
        return differs(s, "id of a key", told.account, 0, 0);
    if (!place_due(s, asked.account, &replaces, replaced_id) || told.replaces != replaces ||
        memcmp(told.replaced_id, replaced_id, sizeof(replaced_id)) != 0)
        return differs(s, "place of a key", told.account, keyring_count_of(s->keys, asked.account),
                       keyring_count(s->keys));
    return STATUS_OK;
}

static enum status limited(struct settlement *s, const struct event *event)
{
    struct key_limit_command asked;
    key_limit_command_get(s->command.payload, &asked);
    const struct ip_list list = ip_list_of(asked.ip_count, asked.ips);
    if (s->command.type != T_KEY_LIMIT || !may_ask(s, asked.account, asked.time_ns) ||
        memcmp(event->payload, s->command.payload, KEY_LIMIT_BYTES) != 0 ||
        asked.permissions == 0 || (asked.permissions & ~KEY_PERMISSIONS) != 0 ||
        !ip_list_valid(&list))
        return differs(s, "limits of a key", asked.account, asked.permissions, 0);
    return STATUS_OK;
}

static enum status removed(struct settlement *s, const struct event *event)
{
    struct key_remove_command asked;
    key_remove_command_get(s->command.payload, &asked);
    if (s->command.type != T_KEY_REMOVE || !is_in_time(s, asked.account, asked.time_ns) ||
        memcmp(event->payload, s->command.payload, KEY_REMOVE_BYTES) != 0)
        return differs(s, "removed key", asked.account, 0, 0);
    return STATUS_OK;
}

enum status key_change(struct settlement *s, const struct event *event)
{
    enum status status = event->type == T_KEY_CREATED   ? created(s, event)
                         : event->type == T_KEY_LIMITED ? limited(s, event)
                                                        : removed(s, event);
    if (status != STATUS_OK) return status;
    if (s->command.main_count > 1 || s->params.rules < PARAMS_RULES_KEYS)
        return settle_differs_count(s, "change of a key", 1, (int64_t)s->command.main_count);
    if (!keyring_apply(s->keys, event, s->command.stamp_ns))
        return settle_differs_count(s, "key that is not the account's", event->type,
                                    s->command.actor);
    return STATUS_OK;
}
