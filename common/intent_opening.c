#include "common/intent_opening.h"

#include "common/intent_admin.h"
#include "common/intent_key.h"
#include "common/parameter.h"

static const struct parameter_word truths[] = {{"true", 1}, {"false", 0}};

bool intent_opening_open(const struct form *form, struct intent *intent, struct refusal *refusal)
{
    static const struct parameter_word words[] = {{"account-open", 1}};
    *intent = (struct intent){.type = T_ACCOUNT_OPEN};
    struct account_open_command *open = &intent->account_open;
    const struct form_field *field;
    uint8_t action;
    return parameter_mandatory_word(form, "action", words, 1, REJECT_ACTION, &action, refusal) &&
           parameter_mandatory(form, "publicKey", &field, refusal) &&
           intent_key_public(form, open->public_key, refusal) &&
           parameter_mandatory(form, "chainId", &field, refusal) &&
           parameter_hex32(field, open->chain_id, refusal);
}

bool intent_opening_set(const struct form *form, const struct params *params, struct intent *intent,
                        struct refusal *refusal)
{
    (void)params;
    struct opening_set_command *set = &intent->opening_set;
    intent->type = T_OPENING_SET;
    return intent_admin_nonce(form, &set->nonce, refusal) &&
           intent_admin_u32(form, "perHour", &set->per_hour, refusal) &&
           parameter_mandatory_word(form, "approval", truths, 2, REJECT_DATA, &set->approval,
                                    refusal);
}

bool intent_opening_approve(const struct form *form, const struct params *params,
                            struct intent *intent, struct refusal *refusal)
{
    (void)params;
    struct account_approve_command *approve = &intent->account_approve;
    intent->type = T_ACCOUNT_APPROVE;
    return intent_admin_nonce(form, &approve->nonce, refusal) &&
           intent_admin_u32(form, "account", &approve->account, refusal);
}
