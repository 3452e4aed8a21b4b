#include "common/key_rights.h"

#include "common/ip_list.h"
#include "common/le.h"
#include "common/order_tag.h"

#include <string.h>

hash_t key_rights_id(const uint8_t owner[PUBLIC_KEY_BYTES], uint64_t time_ns)
{
    uint8_t bytes[PUBLIC_KEY_BYTES + 8];
    uint8_t *at = le_put_bytes(bytes, owner, PUBLIC_KEY_BYTES);
    (void)le_put_u64(at, time_ns);
    return hash_tagged("quorex/key-id/1", bytes, sizeof(bytes));
}

bool key_rights_manages(uint16_t command_type)
{
    return command_type == T_KEY_CREATE || command_type == T_KEY_LIMIT ||
           command_type == T_KEY_REMOVE;
}

bool key_rights_withdraws(uint16_t command_type)
{
    return command_type == T_WITHDRAW || command_type == T_ADDRESS_ALLOW ||
           command_type == T_WITHDRAWAL_CANCEL;
}

uint16_t key_rights_needed(uint16_t command_type)
{
    if (command_type == T_SESSION_END || command_type == T_ACCOUNT_OPEN ||
        key_rights_manages(command_type))
        return 0;
    return key_rights_withdraws(command_type) ? KEY_WITHDRAW : KEY_TRADE;
}

bool key_rights_valid(const struct key_create_command *create)
{
    static const uint8_t none[PUBLIC_KEY_BYTES];
    const bool has_public_key = memcmp(create->public_key, none, sizeof(none)) != 0;
    const bool has_secret = create->secret_version != 0;
    const struct ip_list list = ip_list_of(create->ip_count, create->ips);
    return create->permissions != 0 && (create->permissions & ~KEY_PERMISSIONS) == 0 &&
           has_public_key != has_secret && (!has_secret || !(create->permissions & KEY_WITHDRAW)) &&
           ip_list_valid(&list);
}

/* The account in the payload of one kind of command. */
#define ACCOUNT_OF(NAME, name) \
    case T_##NAME: { \
        struct name##_command asked; \
        name##_command_get(command->payload, &asked); \
        return asked.account; \
    }

uint32_t key_rights_account(const struct command *command)
{
    switch (order_tag_base(command->header.type)) {
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
        ACCOUNT_OF(WITHDRAWAL_CANCEL, withdrawal_cancel)
        ACCOUNT_OF(KEY_CREATE, key_create)
        ACCOUNT_OF(KEY_LIMIT, key_limit)
        ACCOUNT_OF(KEY_REMOVE, key_remove)
    default:
        return 0;
    }
}
