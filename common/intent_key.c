#include "common/intent_key.h"

#include "common/ip_list.h"
#include "common/key_rights.h"
#include "common/parameter.h"

#include <string.h>

#define RSA_LETTERS_MIN 200 /* a public key of 1024 bits in base64 */

/* One name of a list of permissions as its bit; 0 when it is none. */
static uint16_t permission_bit(const char *name, size_t name_bytes)
{
    static const struct parameter_word words[] = {
        {"READ", KEY_READ},
        {"TRADE", KEY_TRADE},
        {"WITHDRAW", KEY_WITHDRAW},
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strlen(words[i].word) == name_bytes && memcmp(words[i].word, name, name_bytes) == 0)
            return words[i].value;
    return 0;
}

bool intent_key_permissions(const struct form *form, uint16_t *permissions, struct refusal *refusal)
{
    const struct form_field *field;
    if (!parameter_mandatory(form, "permissions", &field, refusal)) return false;

    *permissions = 0;
    for (const char *at = field->value;; at++) {
        const size_t name_bytes = strcspn(at, ",");
        const uint16_t bit = permission_bit(at, name_bytes);
        if (bit == 0 || (*permissions & bit) != 0)
            return parameter_refuse(refusal, REJECT_DATA, "permissions", NULL);
        *permissions |= bit;
        at += name_bytes;
        if (*at == '\0') return true;
    }
}

bool intent_key_public(const struct form *form, uint8_t public_key[PUBLIC_KEY_BYTES],
                       struct refusal *refusal)
{
    const struct form_field *field;
    memset(public_key, 0, PUBLIC_KEY_BYTES);
    if (!parameter_optional(form, "publicKey", &field, refusal)) return false;
    if (field == NULL) return true;
    if (field->value_bytes >= RSA_LETTERS_MIN)
        return parameter_refuse(refusal, REJECT_RSA, NULL, NULL);
    return parameter_hex32(field, public_key, refusal);
}

static bool read_action(const struct form *form, const char *action, struct refusal *refusal)
{
    const struct form_field *field;
    if (!parameter_mandatory(form, "action", &field, refusal)) return false;
    return strcmp(field->value, action) == 0 ||
           parameter_refuse(refusal, REJECT_ACTION, NULL, NULL);
}

static bool read_time(const struct form *form, uint64_t *time_ns, struct refusal *refusal)
{
    uint64_t deadline_ns;
    return intent_deadline(form, time_ns, &deadline_ns, refusal);
}

static bool read_key_id(const struct form *form, uint8_t key_id[32], struct refusal *refusal)
{
    const struct form_field *field;
    return parameter_mandatory(form, "keyId", &field, refusal) &&
           parameter_hex32(field, key_id, refusal);
}

static bool read_ips(const struct form *form, uint8_t *count, uint8_t ips[IP_LIST_BYTES],
                     struct refusal *refusal)
{
    const struct form_field *field;
    struct ip_list list = {0};
    if (!parameter_optional(form, "ipList", &field, refusal)) return false;
    if (field != NULL && !ip_list_parse(field->value, &list))
        return parameter_refuse(refusal, REJECT_DATA, "ipList", NULL);
    *count = list.count;
    memcpy(ips, list.ranges, IP_LIST_BYTES);
    return true;
}

bool intent_key_create(const struct form *form, const struct params *params, struct intent *intent,
                       struct refusal *refusal)
{
    *intent = (struct intent){.type = T_KEY_CREATE};
    struct key_create_command *create = &intent->key_create;
    if (!read_action(form, "key-create", refusal) || !read_time(form, &create->time_ns, refusal) ||
        !intent_key_permissions(form, &create->permissions, refusal) ||
        !intent_key_public(form, create->public_key, refusal) ||
        !read_ips(form, &create->ip_count, create->ips, refusal))
        return false;
    if (form_find(form, "publicKey") == NULL)
        create->secret_version = params->gateway_secret_version;
    return key_rights_valid(create) || parameter_refuse(refusal, REJECT_KEY_SPEC, NULL, NULL);
}

bool intent_key_limit(const struct form *form, struct intent *intent, struct refusal *refusal)
{
    *intent = (struct intent){.type = T_KEY_LIMIT};
    struct key_limit_command *limit = &intent->key_limit;
    return read_action(form, "key-limit", refusal) && read_time(form, &limit->time_ns, refusal) &&
           read_key_id(form, limit->key_id, refusal) &&
           intent_key_permissions(form, &limit->permissions, refusal) &&
           read_ips(form, &limit->ip_count, limit->ips, refusal);
}

bool intent_key_remove(const struct form *form, struct intent *intent, struct refusal *refusal)
{
    *intent = (struct intent){.type = T_KEY_REMOVE};
    struct key_remove_command *remove = &intent->key_remove;
    return read_action(form, "key-remove", refusal) && read_time(form, &remove->time_ns, refusal) &&
           read_key_id(form, remove->key_id, refusal);
}

bool intent_chain(const struct form *form, const hash_t *chain_id, struct refusal *refusal)
{
    const struct form_field *field;
    hash_t named;
    if (!parameter_mandatory(form, "chainId", &field, refusal) ||
        !parameter_hex32(field, named.bytes, refusal))
        return false;
    return hash_equal(named, *chain_id) ||
           parameter_refuse(refusal, REJECT_OTHER_CHAIN, NULL, NULL);
}

bool intent_key_chain(const struct form *form, const struct params *params, const hash_t *chain_id,
                      struct refusal *refusal)
{
    if (params->rules < PARAMS_RULES_CHAIN && form_find(form, "chainId") == NULL) return true;
    return intent_chain(form, chain_id, refusal);
}

bool intent_key_names(const struct command *command, const hash_t *chain_id)
{
    const size_t head_bytes = PUBLIC_KEY_BYTES + SIGNATURE_BYTES;
    const size_t auth_bytes = command->header.auth_length;
    struct form form;
    struct refusal refusal;
    if (auth_bytes <= head_bytes) return false;
    const char *text = (const char *)command->auth + head_bytes;
    return form_parse(&form, text, auth_bytes - head_bytes, NULL, 0) &&
           intent_chain(&form, chain_id, &refusal);
}
