#include "tests/model/dice_roll.h"

void dice_put_debit(struct dice *dice, const struct model *model, struct trial_command *command)
{
    struct debit_command debit = {.account = some_account(dice)};
    debit.asset = (uint16_t)below(dice, 3);
    int64_t available = 0;
    if (debit.account <= model->account_count)
        available = model->accounts[debit.account].balances[debit.asset].available;
    /* To the last unit, to a little, or a bit too much. */
    debit.amount.units =
        available - (int64_t)ONE_OF(dice, 0, 0, 1, 100) + (chance(dice, 5) ? 1 : 0);
    if (chance(dice, 50)) debit.amount.units = available / 2;
    if (debit.amount.units <= 0 && chance(dice, 95)) debit.amount.units = 1;
    PUT(DEBIT, debit, &debit);
}

void dice_put_tier(struct dice *dice, struct trial_command *command)
{
    struct account_tier_command ask = {.operator_index = (uint16_t)below(dice, 2)};
    ask.account = some_account(dice);
    ask.tier = (uint16_t)below(dice, 4);
    PUT(ACCOUNT_TIER, account_tier, &ask);
}

void dice_put_people(struct dice *dice, struct trial_command *command)
{
    if (chance(dice, 40)) {
        struct key_add_command add = {.account = some_account(dice), .permissions = KEY_TRADE};
        add.key_id[0] = (uint8_t)below(dice, 4);
        PUT(KEY_ADD, key_add, &add);
        return;
    }
    struct account_create_command create = {.operator_index = (uint16_t)below(dice, 3)};
    create.tier = (uint16_t)below(dice, 4);
    create.public_key[0] = (uint8_t)below(dice, 3);
    PUT(ACCOUNT_CREATE, account_create, &create);
}

void dice_put_status(struct dice *dice, struct trial_command *command)
{
    uint8_t status = (uint8_t)below(dice, 12);
    if (status > MARKET_BREAK) status = MARKET_TRADING;
    if (status == 0 && chance(dice, 80)) status = MARKET_TRADING;
    PUT(MARKET_STATUS, market_status,
        &(struct market_status_command){.market = some_market(dice), .status = status});
}
