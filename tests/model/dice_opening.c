#include "tests/model/dice_roll.h"

/* An account that waits, or any. */
static uint32_t some_waiting(struct dice *dice, const struct model *model)
{
    const uint32_t from = below(dice, model->account_count + 1);
    for (uint32_t i = 0; i < model->account_count; i++) {
        const uint32_t account = 1 + (from + i) % model->account_count;
        if (model->accounts[account].pending && !slip(dice)) return account;
    }
    return some_account(dice);
}

static void put_open(struct dice *dice, const struct model *model, struct trial_command *command)
{
    struct account_open_command ask = {.chain_id = {0}};
    ask.public_key[0] = (uint8_t)(1 + below(dice, 9));
    ask.public_key[31] = (uint8_t)below(dice, 9);
    if (chance(dice, 5) && model->account_count > 0)
        memcpy(ask.public_key, model->accounts[1 + below(dice, model->account_count)].public_key,
               PUBLIC_KEY_BYTES);
    if (slip(dice)) memset(ask.public_key, 0, sizeof(ask.public_key));
    PUT(ACCOUNT_OPEN, account_open, &ask);
    if (!slip(dice)) dice_sign_text(dice, model, command, ask.public_key);
}

void dice_put_opening(struct dice *dice, const struct model *model, struct trial_command *command)
{
    const uint32_t drawn = below(dice, 10);
    if (model->account_count > dice->accounts)
        dice->newcomers = model->account_count - dice->accounts;
    if (drawn < 2) {
        struct opening_set_command ask = {.per_hour = ONE_OF(dice, 0, 1, 2, 3, 1000)};
        ask.approval = chance(dice, 50);
        if (slip(dice)) ask.approval = 2;
        PUT(OPENING_SET, opening_set, &ask);
    } else if (drawn < 7) {
        put_open(dice, model, command);
    } else {
        struct account_approve_command ask = {.account = some_waiting(dice, model)};
        PUT(ACCOUNT_APPROVE, account_approve, &ask);
    }
}
