#include "gateway/admit.h"
#include "gateway/recall_custody.h"
#include "gateway/reply_custody.h"
#include "gateway/route.h"

#include "common/command_rules.h"
#include "common/intent_custody.h"
#include "common/intent_key.h"
#include "common/parameter.h"

#include <string.h>

#define LIST_DEFAULT 100
#define LIST_MAX     1000

/* ---- commands ---- */

/* What these rules do not have never gets into the log: a node of an older version might not read it. */
static bool rules_allow(struct request *request, const struct facts *facts, uint16_t type)
{
    if (command_rules_allow(facts->params->rules, type)) return true;
    return parameter_refuse(&request->refusal, REJECT_RULES, NULL, NULL);
}

/* Money leaves on an Ed25519 signature, which every node checks; a gateway's word is not enough. */
/* These need not name the chain, for the wallet's words have no place for it: but whoever does is taken at his word. */
static bool is_asked_here(struct request *request, const struct facts *facts)
{
    return form_find(request->form, "chainId") == NULL ||
           intent_chain(request->form, &facts->chain_id, &request->refusal);
}

static enum outcome own_command(struct request *request, const struct facts *facts,
                                enum reply_kind kind)
{
    if (!is_asked_here(request, facts)) return OUTCOME_REFUSED;
    if (request->proof.kind != AUTH_ED25519)
        return request_refuse(request, REJECT_WITHDRAWAL_KEY, NULL, NULL);
    admit_account(&request->intent, request->account);
    request->reply_kind = kind;
    return OUTCOME_COMMAND;
}

enum outcome custody_data_withdraw(struct request *request, const struct facts *facts)
{
    if (!rules_allow(request, facts, T_WITHDRAW) ||
        !intent_custody_withdraw(request->form, facts->params, &request->intent, &request->refusal))
        return OUTCOME_REFUSED;
    return own_command(request, facts, REPLY_CUSTODY);
}

enum outcome custody_data_apply(struct request *request, const struct facts *facts)
{
    if (!rules_allow(request, facts, T_WITHDRAW) ||
        !intent_custody_apply(request->form, facts->params, &request->intent, &request->refusal))
        return OUTCOME_REFUSED;
    return own_command(request, facts, REPLY_APPLY);
}

enum outcome custody_data_allow(struct request *request, const struct facts *facts)
{
    if (!rules_allow(request, facts, T_ADDRESS_ALLOW) ||
        !intent_custody_allow(request->form, facts->params, &request->intent, &request->refusal))
        return OUTCOME_REFUSED;
    return own_command(request, facts, REPLY_CUSTODY);
}

enum outcome custody_data_cancel(struct request *request, const struct facts *facts)
{
    if (!rules_allow(request, facts, T_WITHDRAWAL_CANCEL) ||
        !intent_custody_cancel(request->form, &request->intent, &request->refusal))
        return OUTCOME_REFUSED;
    return own_command(request, facts, REPLY_CUSTODY);
}

/* What a connector may say; the log looks at whose chain it is. */
static bool is_connectors(uint16_t type)
{
    return type == T_DEPOSIT_ADDRESS || type == T_DEPOSIT_REPORT || type == T_DEPOSIT_REORG ||
           type == T_WITHDRAWAL_REPORT;
}

enum outcome custody_data_report(struct request *request, const struct facts *facts)
{
    const enum outcome outcome = trading_admin(request, facts);
    if (outcome == OUTCOME_COMMAND && !is_connectors(request->intent.type))
        return request_refuse(request, REJECT_ACTION, NULL, NULL);
    return outcome;
}

/* ---- questions ---- */

/* Who asks here is known by its key; an operator sees all of them, a connector those of the routes that name it. */
static int connector_of(const struct request *request, const struct facts *facts)
{
    const int signer = request->account != 0
                           ? -1
                           : auth_signer(facts->genesis, facts->params, request->proof.key_id);
    return signer < PARAMS_CONNECTOR_FIRST ? -1 : signer;
}

/* An account's, newest first, or all accounts' from a number on. What memory has is answered at once. */
static enum outcome list_transfers(struct request *request, const struct facts *facts,
                                   enum history_kind kind, uint8_t state)
{
    struct history_query *query = &request->history;
    *query = (struct history_query){.kind = kind,
                                    .newest = request->account != 0,
                                    .account = request->account,
                                    .connector = connector_of(request, facts),
                                    .state = state,
                                    .certified = facts->blocks->certified_height,
                                    .id_min = 1,
                                    .id_max = recall_custody_last(kind, facts->view)};
    uint64_t to = query->id_max;
    if (!request_u64(request, "fromId", &query->id_min, NULL) ||
        !request_u64(request, "toId", &to, NULL) ||
        !request_limit(request, LIST_DEFAULT, LIST_MAX, &query->limit))
        return OUTCOME_REFUSED;
    if (to < query->id_max) query->id_max = to;
    if (!recall_custody_is_whole(query, facts->view, facts->params)) return OUTCOME_HISTORY;
    const struct printing printing = request_printing(request, facts);
    const bool given = recall_custody_answer(query, NULL, facts->view, &printing, &request->json);
    ASSERT(given);
    return OUTCOME_ANSWERED;
}

enum outcome custody_data_deposits(struct request *request, const struct facts *facts)
{
    return list_transfers(request, facts, HISTORY_DEPOSITS, HISTORY_ANY_STATE);
}

enum outcome custody_data_withdrawals(struct request *request, const struct facts *facts)
{
    const struct form_field *word;
    uint8_t state = HISTORY_ANY_STATE;
    if (!parameter_optional(request->form, "status", &word, &request->refusal))
        return OUTCOME_REFUSED;
    if (word != NULL && !reply_withdrawal_state(word->value, &state))
        return request_refuse(request, REJECT_DATA, "status", NULL);
    return list_transfers(request, facts, HISTORY_WITHDRAWALS, state);
}

/* Both kinds: those to deposit to, and those the account may withdraw to. */
enum outcome custody_data_addresses(struct request *request, const struct facts *facts)
{
    const struct custody_view *view = view_custody(facts->view);
    const struct printing printing = request_printing(request, facts);
    writer_array(&request->json);
    for (uint32_t i = 0; i < custody_view_address_count(view); i++) {
        const struct address_changed_event *address = custody_view_address(view, i);
        if (address->account == request->account) reply_address(&request->json, &printing, address);
    }
    writer_array_end(&request->json);
    return OUTCOME_ANSWERED;
}
