#include "gateway/admit.h"

#include "common/intent_custody.h"
#include "common/intent_key.h"
#include "common/key_rights.h"
#include "common/order_tag.h"
#include "gateway/request.h"

#include <string.h>

void admit_account(struct intent *intent, uint32_t account)
{
    switch (order_tag_base(intent->type)) {
    case T_ORDER_PLACE:
        intent->order_place.account = account;
        break;
    case T_ORDER_CANCEL:
        intent->order_cancel.account = account;
        break;
    case T_CANCEL_ALL:
        intent->cancel_all.account = account;
        break;
    case T_ORDER_AMEND:
        intent->order_amend.account = account;
        break;
    case T_ORDER_REPLACE:
        intent->order_replace.account = account;
        break;
    case T_LIST_PLACE:
        intent->list_place.account = account;
        break;
    case T_LIST_CANCEL:
        intent->list_cancel.account = account;
        break;
    case T_SWITCH_SET:
        intent->switch_set.account = account;
        break;
    case T_WITHDRAW:
        intent->withdraw.account = account;
        break;
    case T_ADDRESS_ALLOW:
        intent->address_allow.account = account;
        break;
    case T_WITHDRAWAL_CANCEL:
        intent->withdrawal_cancel.account = account;
        break;
    case T_KEY_CREATE:
        intent->key_create.account = account;
        break;
    case T_KEY_LIMIT:
        intent->key_limit.account = account;
        break;
    case T_KEY_REMOVE:
        intent->key_remove.account = account;
        break;
    default:
        break; /* an operator's: not about whoever sends it */
    }
}

void admit_operator(struct intent *intent, uint16_t operator_index)
{
    switch (intent->type) {
    case T_ASSET_CREATE:
        intent->asset_create.operator_index = operator_index;
        break;
    case T_MARKET_CREATE:
        intent->market_create.operator_index = operator_index;
        break;
    case T_MARKET_STATUS:
        intent->market_status.operator_index = operator_index;
        break;
    case T_ACCOUNT_CREATE:
        intent->account_create.operator_index = operator_index;
        break;
    case T_KEY_ADD:
        intent->key_add.operator_index = operator_index;
        break;
    case T_CREDIT:
        intent->credit.operator_index = operator_index;
        break;
    case T_DEBIT:
        intent->debit.operator_index = operator_index;
        break;
    case T_ACCOUNT_TIER:
        intent->account_tier.operator_index = operator_index;
        break;
    case T_MARKET_FILTERS:
        intent->market_filters.operator_index = operator_index;
        break;
    case T_NODE_ADD:
        intent->node_add.operator_index = operator_index;
        break;
    case T_NODE_ROLE:
        intent->node_role.operator_index = operator_index;
        break;
    case T_NODE_REMOVE:
        intent->node_remove.operator_index = operator_index;
        break;
    case T_NODE_SWAP:
        intent->node_swap.operator_index = operator_index;
        break;
    default: /* not an operator's, or all alike */
        if (intent_custody_is(intent->type)) intent->rules_set.operator_index = operator_index;
        break;
    }
}

void admit_client_id(uint8_t client_id[36], const uint8_t random[ADMIT_CLIENT_ID_LETTERS])
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    memset(client_id, 0, 36);
    for (int index = 0; index < ADMIT_CLIENT_ID_LETTERS; index++)
        client_id[index] = (uint8_t)letters[random[index] % (sizeof(letters) - 1)];
}

/* The id as it is, or, for the second and later of one command, with a letter behind it. */
static void complete(uint8_t client_id[36], const uint8_t random_id[36], int place)
{
    if (client_id[0] != 0) return;
    memcpy(client_id, random_id, 36);
    if (place > 0) client_id[ADMIT_CLIENT_ID_LETTERS] = (uint8_t)('a' + place);
}

void admit_ids(struct intent *intent, const uint8_t random_id[36])
{
    switch (order_tag_base(intent->type)) {
    case T_ORDER_PLACE:
        complete(intent->order_place.client_id, random_id, 0);
        break;
    case T_ORDER_CANCEL:
        complete(intent->order_cancel.client_id, random_id, 0);
        break;
    case T_ORDER_AMEND:
        complete(intent->order_amend.client_id, random_id, 0);
        break;
    case T_ORDER_REPLACE:
        complete(intent->order_replace.client_id, random_id, 0);
        complete(intent->order_replace.cancel_client_id, random_id, 1);
        break;
    case T_LIST_PLACE:
        complete(intent->list_place.client_id, random_id, 0);
        complete(intent->list_place.a_client_id, random_id, 1);
        complete(intent->list_place.b_client_id, random_id, 2);
        if (intent->list_place.kind == LIST_OTOCO)
            complete(intent->list_place.c_client_id, random_id, 3);
        break;
    case T_LIST_CANCEL:
        complete(intent->list_cancel.client_id, random_id, 0);
        break;
    default:
        break; /* names nothing */
    }
}

static size_t auth_length(const struct admission *admission)
{
    if (admission->proof->kind == AUTH_HMAC) return 32;
    return 32 + SIGNATURE_BYTES + auth_payload_bytes(admission->payload);
}

size_t admit_bytes(const struct admission *admission)
{
    const size_t auth = auth_length(admission);
    if (auth > COMMAND_AUTH_MAX) return 0;
    return COMMAND_HEADER_BYTES + message_payload_bytes(admission->intent->type) + auth;
}

void admit_put(const struct admission *admission, uint8_t *at)
{
    const struct command_header header = {
        .length = (uint32_t)admit_bytes(admission),
        .type = admission->intent->type,
        .origin = admission->origin,
        .auth_kind = (uint16_t)admission->proof->kind,
        .auth_length = (uint16_t)auth_length(admission),
        .deadline_ns = admission->deadline_ns,
        .ticket = admission->ticket,
    };
    command_header_put(at, &header);
    at += COMMAND_HEADER_BYTES;
    at += intent_put(admission->intent, at);
    memcpy(at, admission->proof->key_id, 32);
    if (admission->proof->kind == AUTH_HMAC) return;
    memcpy(at + 32, admission->proof->signature, SIGNATURE_BYTES);
    auth_payload_put(admission->payload, at + 32 + SIGNATURE_BYTES);
}

/* The engine reads the signed bytes as one text, and refuses what names no chain in it. */
static bool names_chain(const struct facts *facts, const struct command *command)
{
    return facts->params->rules < PARAMS_RULES_CHAIN || !key_rights_manages(command->header.type) ||
           intent_key_names(command, &facts->chain_id);
}

bool admit_provable(const uint8_t *bytes, size_t byte_count, const struct facts *facts,
                    struct form *form)
{
    struct command command;
    if (!command_decode(bytes, byte_count, &command)) return false;
    if (command.header.auth_kind == AUTH_HMAC) return true;
    const char *text = (const char *)command.auth + 32 + SIGNATURE_BYTES;
    const size_t text_bytes = command.header.auth_length - 32u - SIGNATURE_BYTES;
    return form_parse(form, text, text_bytes, NULL, 0) &&
           intent_matches(form, facts->params, &command) && names_chain(facts, &command);
}
