#include "gateway/account_keys.h"
#include "gateway/admit.h"
#include "gateway/reply_key.h"
#include "gateway/route.h"

#include "common/command_rules.h"
#include "common/intent_key.h"
#include "common/parameter.h"

/* An account's own keys. Whoever gets here has signed with the account's own key (SECURITY_OWNER). */

/* The chain's rules know it, and it was signed for this chain. */
static bool is_asked_here(struct request *request, const struct facts *facts, uint16_t type)
{
    if (command_rules_allow(facts->params->rules, type))
        return intent_key_chain(request->form, facts->params, &facts->chain_id, &request->refusal);
    return parameter_refuse(&request->refusal, REJECT_RULES, NULL, NULL);
}

static enum outcome own_command(struct request *request)
{
    admit_account(&request->intent, request->account);
    request->reply_kind = REPLY_KEY;
    return OUTCOME_COMMAND;
}

/* The account's key that the request names, or NULL with a refusal. The engine does not know whose keys of before rules 7
 * are: here is where it is looked at. */
static const struct view_key *key_named(struct request *request, const struct facts *facts,
                                        const uint8_t key_id[32])
{
    const int64_t index = view_find_key(facts->view, key_id);
    const struct view_key *key = index < 0 ? NULL : view_key(facts->view, (uint32_t)index);
    if (key != NULL && key->account == request->account && key->permissions != 0) return key;
    request->refusal = refusal_of(REJECT_UNKNOWN_KEY, NULL, NULL);
    return NULL;
}

enum outcome key_data_create(struct request *request, const struct facts *facts)
{
    if (!is_asked_here(request, facts, T_KEY_CREATE) ||
        !intent_key_create(request->form, facts->params, &request->intent, &request->refusal))
        return OUTCOME_REFUSED;
    return own_command(request);
}

enum outcome key_data_limit(struct request *request, const struct facts *facts)
{
    const struct key_limit_command *limit = &request->intent.key_limit;
    if (!is_asked_here(request, facts, T_KEY_LIMIT) ||
        !intent_key_limit(request->form, &request->intent, &request->refusal))
        return OUTCOME_REFUSED;
    const struct view_key *key = key_named(request, facts, limit->key_id);
    if (key == NULL) return OUTCOME_REFUSED;
    if (!key->has_public_key && (limit->permissions & KEY_WITHDRAW) != 0)
        return request_refuse(request, REJECT_KEY_SPEC, NULL, NULL);
    return own_command(request);
}

enum outcome key_data_remove(struct request *request, const struct facts *facts)
{
    if (!is_asked_here(request, facts, T_KEY_REMOVE) ||
        !intent_key_remove(request->form, &request->intent, &request->refusal) ||
        key_named(request, facts, request->intent.key_remove.key_id) == NULL)
        return OUTCOME_REFUSED;
    return own_command(request);
}

/* Without their secrets: those are told once. Nor to another exchange, which has been asked the same and passes it on. */
enum outcome key_data_list(struct request *request, const struct facts *facts)
{
    const struct view_key *key = NULL;
    if (!intent_key_chain(request->form, facts->params, &facts->chain_id, &request->refusal))
        return OUTCOME_REFUSED;
    writer_array(&request->json);
    while ((key = account_keys_next(facts->view, request->account, key)) != NULL)
        reply_key(&request->json, key, NULL);
    writer_array_end(&request->json);
    return OUTCOME_ANSWERED;
}
