#include "tests/model/dice_roll.h"

void dice_put_node(struct dice *dice, struct trial_command *command, enum kind kind)
{
    if (kind == LOST)
        PUT(ORIGIN_LOST, origin_lost,
            &(struct origin_lost_command){.node = ONE_OF(dice, 1, 1, 7, 3)});
    else if (kind == HELLO)
        PUT(HELLO, hello,
            &(struct hello_command){.node = ONE_OF(dice, 1, 1, 7, 7, 7, 4),
                                    .nonce = ONE_OF(dice, 5, 5, 6, 7)});
    else if (kind == SEAL)
        PUT(SEAL, seal, &(struct seal_command){0});
    else if (chance(dice, 80))
        PUT(VOTE, vote, &(struct vote_command){.height = 1});
    else if (chance(dice, 50))
        PUT(CHECKPOINT_VOTE, checkpoint_vote, &(struct checkpoint_vote_command){.height = 1});
    else
        PUT(LIABILITIES_VOTE, liabilities_vote, &(struct liabilities_vote_command){.height = 1});
}

static uint32_t some_node(struct dice *dice, const struct model *model)
{
    if (slip(dice) || chance(dice, 3)) return below(dice, model->last_node + 3);
    return model->members[below(dice, (uint32_t)model->member_count)].node;
}

/* One of this role, if there is any. */
static uint32_t some_member(struct dice *dice, const struct model *model, uint8_t role)
{
    uint32_t found[NODE_SET_LIMIT], count = 0;
    for (int i = 0; i < model->member_count; i++)
        if (model->members[i].role == role) found[count++] = model->members[i].node;
    return count == 0 || chance(dice, 10) ? some_node(dice, model) : found[below(dice, count)];
}

static void put_node_add(struct dice *dice, const struct model *model,
                         struct trial_command *command)
{
    struct node_add_command add = {.operator_index = (uint16_t)below(dice, 2)};
    add.node = model->last_node + (uint32_t)chance(dice, 95) * ONE_OF(dice, 1, 1, 1, 3);
    add.public_key[0] = (uint8_t)(chance(dice, 95) ? add.node : below(dice, 20));
    memcpy(add.address, "node:7000", 9);
    add.address[3] = (uint8_t)('a' + add.node % 26);
    add.address[8] = (uint8_t)('0' + below(dice, 10));
    if (chance(dice, 3)) add.address[4] = 0;
    PUT(NODE_ADD, node_add, &add);
}

static void put_node_change(struct dice *dice, const struct model *model,
                            struct trial_command *command)
{
    const uint32_t drawn = below(dice, 10);
    if (drawn < 3) return put_node_add(dice, model, command);
    if (drawn < 4) {
        struct node_remove_command ask = {.node = some_node(dice, model)};
        if (model->member_count < 4) ask.node = some_member(dice, model, NODE_STANDBY);
        PUT(NODE_REMOVE, node_remove, &ask);
    } else if (drawn < 6) {
        struct node_swap_command ask = {.old_node = some_member(dice, model, NODE_VOTER)};
        ask.new_node = some_member(dice, model, NODE_STANDBY);
        PUT(NODE_SWAP, node_swap, &ask);
    } else {
        struct node_role_command ask = {.role = chance(dice, 75) ? NODE_VOTER : NODE_STANDBY};
        ask.node = some_member(dice, model, ask.role == NODE_VOTER ? NODE_STANDBY : NODE_VOTER);
        if (chance(dice, 2)) ask.role = (uint8_t)below(dice, 4);
        PUT(NODE_ROLE, node_role, &ask);
    }
}

void dice_put_node_vote(struct dice *dice, const struct model *model, struct trial_command *command)
{
    struct vote_command ask = {.node = some_member(dice, model, NODE_VOTER), .epoch = model->epoch};
    ask.height = model->sealed_height;
    if (chance(dice, 5)) ask.height += below(dice, 2);
    if (chance(dice, 10) && ask.height > 110) ask.height -= ONE_OF(dice, 1, 98, 99, 100, 101);
    if (chance(dice, 3)) ask.epoch += 1;
    PUT(VOTE, vote, &ask);
}

void dice_put_membership(struct dice *dice, const struct model *model,
                         struct trial_command *command)
{
    const uint32_t drawn = below(dice, 100);
    if (drawn < 40) {
        PUT(SEAL, seal, &(struct seal_command){0});
    } else if (drawn < 75) {
        dice_put_node_vote(dice, model, command);
    } else if (drawn < 83) {
        struct hello_command ask = {.node = some_node(dice, model), .nonce = below(dice, 3)};
        PUT(HELLO, hello, &ask);
        dice->origin = ask.node;
    } else if (drawn < 84) {
        struct epoch_change_command ask = {.epoch = model->epoch + 1};
        ask.height = model->sealed_height + below(dice, 2);
        if (chance(dice, 20)) ask.epoch += 1;
        PUT(EPOCH_CHANGE, epoch_change, &ask);
    } else {
        put_node_change(dice, model, command);
    }
}
