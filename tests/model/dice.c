#include "tests/model/dice_roll.h"

static void put_kind(struct dice *dice, const struct model *model, struct trial_command *command,
                     enum kind kind)
{
    uint32_t kind_account;
    switch (kind) {
    case PLACE:
        return dice_put_place(dice, model, command);
    case CANCEL:
        return dice_put_cancel(dice, model, command);
    case CANCEL_ALL:
        return dice_put_cancel_all(dice, command);
    case AMEND:
        return dice_put_amend(dice, model, command);
    case REPLACE:
        return dice_put_replace(dice, model, command);
    case LIST:
        return dice_put_list(dice, model, command);
    case LIST_CANCEL:
        return dice_put_list_cancel(dice, model, command);
    case SWITCH:
        return dice_put_switch(dice, command);
    case SESSION:
        return dice_put_session(dice, command);
    case CREDIT:
        kind_account = some_account(dice);
        return dice_put_credit(dice, command, kind_account, (uint16_t)below(dice, 3));
    case DEBIT:
        return dice_put_debit(dice, model, command);
    case STATUS:
        return dice_put_status(dice, command);
    case FILTERS:
        return dice_put_filters(dice, command, model, some_market(dice));
    case TIER:
        return dice_put_tier(dice, command);
    case LISTING:
        if (chance(dice, 50)) return dice_put_asset(dice, command, below(dice, 5));
        return dice_put_market(dice, command, model, below(dice, 3));
    case PEOPLE:
        return dice_put_people(dice, command);
    default:
        return dice_put_node(dice, command, kind);
    }
}

/* The next moment at which something turns: a switch's deadline, a minute, a day; or one before it. */
static uint64_t turning_stamp(struct dice *dice, const struct model *model)
{
    const uint64_t minute = 60 * NS_PER_SEC, day = 24 * 60 * minute;
    uint64_t turn = (dice->stamp_ns / minute + 1) * minute;
    if (dice->volumes && chance(dice, 30)) turn = (dice->stamp_ns / day + 1) * day;
    for (uint32_t i = 0; i < model->switch_count; i++)
        if (model->switches[i].deadline_ns < turn) turn = model->switches[i].deadline_ns;
    return turn - below(dice, 2);
}

static void stamp_move(struct dice *dice, const struct model *model)
{
    dice->stamp_ns += below(dice, (uint32_t)dice->step_ns);
    if (below(dice, 200) == 0) dice->stamp_ns += below(dice, 90) * NS_PER_SEC;
    if (dice->volumes && below(dice, 300) == 0)
        dice->stamp_ns += ONE_OF(dice, 1, 1, 3, 12, 35) * 24 * 3600 * NS_PER_SEC;
    if (below(dice, 200) != 0) return;
    const uint64_t turn = turning_stamp(dice, model);
    if (turn > dice->stamp_ns) dice->stamp_ns = turn;
}

/* A header that is stale, late, or of a later version. */
static void header_slip(struct dice *dice, struct trial_command *command)
{
    if (slip(dice)) {
        command->regular = false; /* epoch and sequence are 0; so is a nonce */
        if (chance(dice, 50)) le_put_u32(command->bytes + 8, 3);
    }
    if (slip(dice)) le_put_u16(command->bytes + 6, 1);
    if (chance(dice, 3)) le_put_u64(command->bytes + 32, dice->stamp_ns - 2 + below(dice, 4));
}

/* What is shut does not stay so for long, or nothing would happen any more. */
static bool put_repair(struct dice *dice, const struct model *model, struct trial_command *command)
{
    for (int i = 0; i < model->origin_count; i++) {
        if (model->origins[i].epoch != 0 || !chance(dice, 20)) continue;
        if (dice->membership && model->origins[i].node > 7 && !chance(dice, 5)) continue;
        PUT(HELLO, hello, &(struct hello_command){.node = model->origins[i].node});
        return true;
    }
    if (dice->tags > 0 && !dice->custody && model->params.rules < PARAMS_RULES &&
        chance(dice, 10)) {
        PUT(RULES_SET, rules_set, &(struct rules_set_command){.rules = model->params.rules + 1});
        return true;
    }
    for (uint16_t i = 0; i < model->params.market_count; i++) {
        if (model->params.markets[i].status == MARKET_TRADING || !chance(dice, 15)) continue;
        PUT(MARKET_STATUS, market_status,
            &(struct market_status_command){.market = i, .status = MARKET_TRADING});
        return true;
    }
    return false;
}

void dice_next(struct dice *dice, const struct model *model, struct trial_command *command)
{
    if (dice_put_setup(dice, model, command)) return;
    stamp_move(dice, model);
    if (put_repair(dice, model, command)) return;
    if (dice->membership && chance(dice, 30)) {
        dice_put_membership(dice, model, command);
        header_slip(dice, command);
        return;
    }
    if (dice->custody && chance(dice, 35)) {
        dice_put_custody(dice, model, command);
        header_slip(dice, command);
        return;
    }
    if (model->params.rules >= 7 && chance(dice, 5)) {
        dice_put_key(dice, model, command);
        header_slip(dice, command);
        return;
    }
    if (model->params.rules >= 8 && chance(dice, 4)) {
        dice_put_opening(dice, model, command);
        header_slip(dice, command);
        return;
    }
    uint32_t total = 0;
    for (int kind = 0; kind < KINDS; kind++)
        total += dice->weights[kind];
    uint32_t drawn = below(dice, total);
    int kind = 0;
    while (drawn >= dice->weights[kind])
        drawn -= dice->weights[kind++];
    put_kind(dice, model, command, (enum kind)kind);
    if (model->params.rules >= 7) dice_sign(dice, model, command);
    header_slip(dice, command);
}
