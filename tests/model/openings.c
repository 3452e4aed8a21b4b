#include "common/key_rights.h"
#include "tests/model/parts.h"

#include <string.h>

bool model_waits(const struct model *model, const struct command *command)
{
    const uint32_t account = key_rights_account(command);
    return account > 0 && account <= model->account_count && model->accounts[account].pending;
}

/* How many were opened in the hour of the command. */
static uint32_t opened(const struct model *model)
{
    uint32_t count = 0;
    for (uint32_t i = 1; i <= model->account_count; i++)
        count += model->accounts[i].opened &&
                 model->accounts[i].opened_ns / 3600000000000 == model->stamp_ns / 3600000000000;
    return count;
}

enum reject model_account_open(struct model *model, const struct account_open_command *ask)
{
    static const uint8_t none[PUBLIC_KEY_BYTES];
    if (model->params.rules < 8) return REJECT_RULES;
    if (memcmp(ask->public_key, none, sizeof(none)) == 0) return REJECT_KEY_SPEC;
    for (uint32_t i = 1; i <= model->account_count; i++)
        if (memcmp(ask->public_key, model->accounts[i].public_key, sizeof(none)) == 0)
            return REJECT_ALREADY_EXISTS;
    if (model->params.open_per_hour == 0) return REJECT_OPENING_CLOSED;
    if (opened(model) >= model->params.open_per_hour) return REJECT_OPENINGS_MANY;
    /* One in eight is for operators. */
    if (model->account_count + model->params.accounts_max / 8 >= model->params.accounts_max)
        return REJECT_ACCOUNTS_FULL;

    struct model_account *account = &model->accounts[++model->account_count];
    account->opened = true;
    account->opened_ns = model->stamp_ns;
    account->pending = model->params.open_approval;
    memcpy(account->public_key, ask->public_key, sizeof(account->public_key));
    struct account_created_event created = {.account = model->account_count};
    memcpy(created.public_key, ask->public_key, sizeof(created.public_key));
    event_write_account_created(model->out, &created);
    if (account->pending)
        event_write_account_pending(model->out,
                                    &(struct account_pending_event){model->account_count, 1});
    return REJECT_NONE;
}

enum reject model_account_approve(struct model *model, const struct account_approve_command *ask)
{
    if (model->params.rules < 8) return REJECT_RULES;
    if (ask->account == 0 || ask->account > model->account_count) return REJECT_UNKNOWN_ACCOUNT;
    if (!model->accounts[ask->account].pending) return REJECT_NOT_PENDING;
    model->accounts[ask->account].pending = false;
    event_write_account_pending(model->out, &(struct account_pending_event){ask->account, 0});
    return REJECT_NONE;
}

enum reject model_opening_set(struct model *model, const struct opening_set_command *ask)
{
    if (model->params.rules < 8) return REJECT_RULES;
    if (ask->approval > 1) return REJECT_OPENING_SPEC;
    model->params.open_per_hour = ask->per_hour;
    model->params.open_approval = ask->approval == 1;
    event_write_opening_changed(model->out,
                                &(struct opening_changed_event){ask->per_hour, ask->approval});
    return REJECT_NONE;
}
