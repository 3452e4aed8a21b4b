#include "gateway/reply_opening.h"
#include "gateway/route.h"

#include "common/command_rules.h"
#include "common/intent_key.h"
#include "common/intent_opening.h"
#include "common/parameter.h"
#include "gateway/view_restore.h"

#define PENDING_DEFAULT 100
#define PENDING_MAX     1000

/* Accounts that are opened with a key pair alone. */

/* Whoever gets here has signed with the key (SECURITY_OPENER). Who has an account with it is told which, as often as he
 * asks; so is who has lost the answer. */
enum outcome opening_data_open(struct request *request, const struct facts *facts)
{
    if (!command_rules_allow(facts->params->rules, T_ACCOUNT_OPEN))
        return request_refuse(request, REJECT_RULES, NULL, NULL);
    if (!intent_opening_open(request->form, &request->intent, &request->refusal) ||
        !intent_chain(request->form, &facts->chain_id, &request->refusal))
        return OUTCOME_REFUSED;
    const uint32_t account = view_find_owner(facts->view, request->intent.account_open.public_key);
    if (account != 0) {
        reply_opening(&request->json, facts->view, account);
        return OUTCOME_ANSWERED;
    }
    if (facts->params->open_per_hour == 0)
        return request_refuse(request, REJECT_OPENING_CLOSED, NULL, NULL);
    request->reply_kind = REPLY_OPENING;
    return OUTCOME_COMMAND;
}

/* The asker's own, by its own key; asked of this exchange, and not passed on by another. */
enum outcome opening_data_own(struct request *request, const struct facts *facts)
{
    if (!intent_key_chain(request->form, facts->params, &facts->chain_id, &request->refusal))
        return OUTCOME_REFUSED;
    reply_opening(&request->json, facts->view, request->account);
    return OUTCOME_ANSWERED;
}

/* Those that wait for an operator, from a number on. Nobody is looked for behind the last of them. */
enum outcome opening_data_pending(struct request *request, const struct facts *facts)
{
    uint64_t from = 1;
    uint32_t limit, told = 0;
    if (!request_u64(request, "fromAccount", &from, NULL) ||
        !request_limit(request, PENDING_DEFAULT, PENDING_MAX, &limit))
        return OUTCOME_REFUSED;
    const uint32_t waiting = view_waiting_count(facts->view);
    if (limit > waiting) limit = waiting;
    writer_array(&request->json);
    for (uint64_t account = from == 0 ? 1 : from;
         account <= view_account_count(facts->view) && told < limit; account++) {
        if (!view_account(facts->view, (uint32_t)account)->pending) continue;
        reply_opening(&request->json, facts->view, (uint32_t)account);
        told++;
    }
    writer_array_end(&request->json);
    return OUTCOME_ANSWERED;
}
