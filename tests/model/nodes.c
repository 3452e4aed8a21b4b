#include "tests/model/parts.h"

#include <string.h>

#define VOTED_WITHIN 100
#define ALL_SIGN     3

static struct model_member *member_of(struct model *model, uint32_t node)
{
    for (int i = 0; i < model->member_count; i++)
        if (model->members[i].node == node) return &model->members[i];
    return NULL;
}

static bool is_voter(const struct model_member *member)
{
    return member->role == NODE_VOTER;
}

/* The last change counts from change_height on; the block that is being built is not that far. */
static bool change_waits(const struct model *model)
{
    return model->sealed_height + 1 < model->change_height;
}

static bool has_said_hello(const struct model *model, uint32_t node)
{
    for (int i = 0; i < model->origin_count; i++)
        if (model->origins[i].node == node) return model->origins[i].epoch != 0;
    return false;
}

/* Whether more than two thirds of those who will vote can be counted on; `comes` and `goes` are nodes, or 0. */
static bool quorum_stays(struct model *model, uint32_t comes, uint32_t goes)
{
    int voters = 0, sure = 0;
    for (int i = 0; i < model->member_count; i++) {
        const struct model_member *member = &model->members[i];
        if (member->node == goes || (!is_voter(member) && member->node != comes)) continue;
        voters++;
        if (member->node != comes && member->voted != 0)
            sure += model->sealed_height < member->voted + VOTED_WITHIN;
    }
    if (comes != 0 && voters <= ALL_SIGN) sure++;
    return 3 * sure > 2 * voters;
}

static int voters_of(const struct model *model)
{
    int voters = 0;
    for (int i = 0; i < model->member_count; i++)
        voters += is_voter(&model->members[i]);
    return voters;
}

/* Writes what the member is from two blocks on. */
static void change_write(struct model *model, const struct model_member *member, uint8_t role)
{
    struct node_changed_event changed = {
        .height = model->sealed_height + 3, .node = member->node, .role = role};
    memcpy(changed.public_key, member->public_key, sizeof(changed.public_key));
    memcpy(changed.address, member->address, sizeof(changed.address));
    event_write_node_changed(model->out, &changed);
    model->change_height = changed.height;
}

static void become(struct model *model, struct model_member *member, uint8_t role)
{
    change_write(model, member, role);
    member->role = role;
    member->voted = 0;
}

static void leave(struct model *model, uint32_t node)
{
    struct model_member *member = member_of(model, node);
    change_write(model, member, NODE_GONE);
    *member = model->members[--model->member_count];
    for (int i = 0; i < model->origin_count; i++)
        if (model->origins[i].node == node)
            model->origins[i--] = model->origins[--model->origin_count];
    model_sessions_end(model, node);
}

static bool address_is_one(const uint8_t address[64])
{
    char text[NODE_ADDRESS_BYTES];
    memcpy(text, address, sizeof(text));
    return node_address_valid(text);
}

enum reject model_node_add(struct model *model, const struct node_add_command *ask)
{
    static const uint8_t none[PUBLIC_KEY_BYTES];
    if (ask->node <= model->last_node) return REJECT_NODE_ID;
    if (memcmp(ask->public_key, none, sizeof(none)) == 0 || !address_is_one(ask->address))
        return REJECT_NODE_SPEC;
    for (int i = 0; i < model->member_count; i++)
        if (memcmp(model->members[i].public_key, ask->public_key, 32) == 0 ||
            memcmp(model->members[i].address, ask->address, 64) == 0)
            return REJECT_NODE_IN_USE;
    if (change_waits(model)) return REJECT_NODE_PENDING;
    if (model->member_count == NODE_SET_LIMIT) return REJECT_NODES_FULL;
    struct model_member *member = &model->members[model->member_count++];
    *member = (struct model_member){.node = ask->node};
    memcpy(member->public_key, ask->public_key, sizeof(member->public_key));
    memcpy(member->address, ask->address, sizeof(member->address));
    become(model, member, NODE_STANDBY);
    model->last_node = ask->node;
    memset(&model->origins[model->origin_count], 0, sizeof(model->origins[0]));
    model->origins[model->origin_count++].node = ask->node;
    return REJECT_NONE;
}

enum reject model_node_role(struct model *model, const struct node_role_command *ask)
{
    struct model_member *member = member_of(model, ask->node);
    if (member == NULL) return REJECT_UNKNOWN_NODE;
    if (ask->role != NODE_VOTER && ask->role != NODE_STANDBY) return REJECT_NODE_SPEC;
    if (member->role == ask->role) return REJECT_NODE_ROLE;
    if (change_waits(model)) return REJECT_NODE_PENDING;
    const bool comes = ask->role == NODE_VOTER;
    if (!comes && voters_of(model) == 1) return REJECT_LAST_VOTER;
    if (comes && !has_said_hello(model, ask->node)) return REJECT_NODE_SILENT;
    if (!quorum_stays(model, comes ? ask->node : 0, comes ? 0 : ask->node))
        return REJECT_QUORUM_LOST;
    become(model, member, ask->role);
    return REJECT_NONE;
}

enum reject model_node_remove(struct model *model, const struct node_remove_command *ask)
{
    struct model_member *member = member_of(model, ask->node);
    if (member == NULL) return REJECT_UNKNOWN_NODE;
    if (change_waits(model)) return REJECT_NODE_PENDING;
    if (is_voter(member)) {
        if (voters_of(model) == 1) return REJECT_LAST_VOTER;
        if (!quorum_stays(model, 0, ask->node)) return REJECT_QUORUM_LOST;
    }
    leave(model, ask->node);
    return REJECT_NONE;
}

enum reject model_node_swap(struct model *model, const struct node_swap_command *ask)
{
    struct model_member *old = member_of(model, ask->old_node);
    struct model_member *new = member_of(model, ask->new_node);
    if (old == NULL || new == NULL) return REJECT_UNKNOWN_NODE;
    if (!is_voter(old) || is_voter(new)) return REJECT_NODE_ROLE;
    if (change_waits(model)) return REJECT_NODE_PENDING;
    if (!has_said_hello(model, ask->new_node)) return REJECT_NODE_SILENT;
    if (!quorum_stays(model, ask->new_node, ask->old_node)) return REJECT_QUORUM_LOST;
    become(model, new, NODE_VOTER);
    leave(model, ask->old_node);
    return REJECT_NONE;
}

enum reject model_epoch_change(struct model *model, const struct epoch_change_command *ask)
{
    if (ask->epoch != model->epoch + 1 || ask->height > model->sealed_height) return REJECT_EPOCH;
    if (change_waits(model)) return REJECT_NODE_PENDING;
    model->epoch = ask->epoch;
    event_write_epoch_changed(model->out, &(struct epoch_changed_event){ask->epoch});
    return REJECT_NONE;
}

enum reject model_vote(struct model *model, const struct vote_command *ask)
{
    struct model_member *member = member_of(model, ask->node);
    if (member != NULL && is_voter(member) && ask->epoch == model->epoch &&
        ask->height <= model->sealed_height && ask->height > member->voted)
        member->voted = ask->height;
    return REJECT_NONE;
}
