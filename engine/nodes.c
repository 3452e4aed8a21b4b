#include "engine/nodes.h"

#include <string.h>

void nodes_init(struct nodes *nodes, const struct genesis *genesis)
{
    *nodes = (struct nodes){.epoch = 0};
    node_set_of_genesis(genesis, &nodes->set);
    if (nodes->set.count > 0) nodes->last_node = nodes->set.members[nodes->set.count - 1].node;
}

static uint32_t place_of(const struct node_set *set, uint32_t node)
{
    const struct node_member *member = node_set_find(set, node);
    ASSERT(member != NULL);
    return (uint32_t)(member - set->members);
}

static bool is_pending(const struct nodes *nodes, uint64_t sealed_height)
{
    return nodes->change_height > sealed_height + 1; /* the block that is being built */
}

static uint32_t voter_count(const struct node_set *set)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < set->count; i++)
        count += set->members[i].role == NODE_VOTER;
    return count;
}

bool nodes_certified(const struct nodes *nodes, uint64_t height)
{
    struct validator_set voters;
    node_set_voters(&nodes->set, &voters);
    uint32_t count = 0;
    for (uint32_t i = 0; i < voters.count; i++)
        count += nodes->voted[place_of(&nodes->set, voters.members[i].node)] >= height;
    return count >= validator_set_quorum(&voters);
}

static bool has_voted_of_late(const struct nodes *nodes, uint32_t node, uint64_t sealed_height)
{
    const uint64_t voted = nodes->voted[place_of(&nodes->set, node)];
    return voted != 0 && voted + NODES_VOTED_WITHIN > sealed_height;
}

/* Whether a quorum of the voters in `next` can be counted on. `promoted`, who could not vote yet, counts
 * only where nobody can be done without. */
static bool quorum_is_alive(const struct nodes *nodes, const struct node_set *next,
                            uint32_t promoted, uint64_t sealed_height)
{
    struct validator_set voters;
    node_set_voters(next, &voters);
    uint32_t alive = 0;
    for (uint32_t i = 0; i < voters.count; i++) {
        const uint32_t node = voters.members[i].node;
        if (node == promoted)
            alive += voters.count <= NODES_ALL_VOTE;
        else
            alive += has_voted_of_late(nodes, node, sealed_height);
    }
    return alive >= validator_set_quorum(&voters);
}

static void move(struct node_set *set, uint32_t node, enum node_role role)
{
    const struct node_member *member = node_set_find(set, node);
    struct node_changed_event changed = {.node = node, .role = (uint8_t)role};
    memcpy(changed.public_key, member->public_key, PUBLIC_KEY_BYTES);
    memcpy(changed.address, member->address, NODE_ADDRESS_BYTES);
    const bool moved = node_set_apply(set, &changed);
    ASSERT(moved);
}

/* What a voter's going is refused for. */
static enum reject check_less(const struct nodes *nodes, uint32_t node, enum node_role role,
                              uint64_t sealed_height)
{
    if (voter_count(&nodes->set) == 1) return REJECT_LAST_VOTER;
    struct node_set next = nodes->set;
    move(&next, node, role);
    return quorum_is_alive(nodes, &next, 0, sealed_height) ? REJECT_NONE : REJECT_QUORUM_LOST;
}

enum reject nodes_check_add(const struct nodes *nodes, const struct node_add_command *add,
                            uint64_t sealed_height)
{
    static const uint8_t no_key[PUBLIC_KEY_BYTES];
    char address[NODE_ADDRESS_BYTES];
    memcpy(address, add->address, sizeof(address));
    if (add->node <= nodes->last_node) return REJECT_NODE_ID;
    if (memcmp(add->public_key, no_key, sizeof(no_key)) == 0 || !node_address_valid(address))
        return REJECT_NODE_SPEC;
    for (uint32_t i = 0; i < nodes->set.count; i++) {
        const struct node_member *member = &nodes->set.members[i];
        if (memcmp(member->public_key, add->public_key, PUBLIC_KEY_BYTES) == 0 ||
            memcmp(member->address, add->address, NODE_ADDRESS_BYTES) == 0)
            return REJECT_NODE_IN_USE;
    }
    if (is_pending(nodes, sealed_height)) return REJECT_NODE_PENDING;
    return nodes->set.count < NODE_SET_LIMIT ? REJECT_NONE : REJECT_NODES_FULL;
}

enum reject nodes_check_role(const struct nodes *nodes, const struct node_role_command *change,
                             uint64_t sealed_height, bool runs)
{
    const struct node_member *member = node_set_find(&nodes->set, change->node);
    if (member == NULL) return REJECT_UNKNOWN_NODE;
    if (change->role != NODE_STANDBY && change->role != NODE_VOTER) return REJECT_NODE_SPEC;
    if (change->role == member->role) return REJECT_NODE_ROLE;
    if (is_pending(nodes, sealed_height)) return REJECT_NODE_PENDING;
    if (change->role == NODE_STANDBY)
        return check_less(nodes, change->node, NODE_STANDBY, sealed_height);

    if (!runs) return REJECT_NODE_SILENT;
    struct node_set next = nodes->set;
    move(&next, change->node, NODE_VOTER);
    return quorum_is_alive(nodes, &next, change->node, sealed_height) ? REJECT_NONE
                                                                      : REJECT_QUORUM_LOST;
}

enum reject nodes_check_remove(const struct nodes *nodes, const struct node_remove_command *remove,
                               uint64_t sealed_height)
{
    const struct node_member *member = node_set_find(&nodes->set, remove->node);
    if (member == NULL) return REJECT_UNKNOWN_NODE;
    if (is_pending(nodes, sealed_height)) return REJECT_NODE_PENDING;
    return member->role == NODE_VOTER ? check_less(nodes, remove->node, NODE_GONE, sealed_height)
                                      : REJECT_NONE;
}

enum reject nodes_check_swap(const struct nodes *nodes, const struct node_swap_command *swap,
                             uint64_t sealed_height, bool runs)
{
    const struct node_member *old = node_set_find(&nodes->set, swap->old_node);
    const struct node_member *new = node_set_find(&nodes->set, swap->new_node);
    if (old == NULL || new == NULL) return REJECT_UNKNOWN_NODE;
    if (old->role != NODE_VOTER || new->role != NODE_STANDBY) return REJECT_NODE_ROLE;
    if (is_pending(nodes, sealed_height)) return REJECT_NODE_PENDING;
    if (!runs) return REJECT_NODE_SILENT;
    struct node_set next = nodes->set;
    move(&next, swap->new_node, NODE_VOTER);
    move(&next, swap->old_node, NODE_GONE);
    return quorum_is_alive(nodes, &next, swap->new_node, sealed_height) ? REJECT_NONE
                                                                        : REJECT_QUORUM_LOST;
}

enum reject nodes_check_epoch(const struct nodes *nodes, const struct epoch_change_command *change,
                              uint64_t sealed_height)
{
    if (change->epoch != nodes->epoch + 1 || change->height > sealed_height) return REJECT_EPOCH;
    /* Whose statements count must not change while they are on their way. */
    return is_pending(nodes, sealed_height) ? REJECT_NODE_PENDING : REJECT_NONE;
}

struct node_changed_event nodes_changed(const struct nodes *nodes, uint32_t node,
                                        enum node_role role, uint64_t sealed_height)
{
    const struct node_member *member = &nodes->set.members[place_of(&nodes->set, node)];
    struct node_changed_event changed = {
        .height = sealed_height + 1 + NODES_NOTICE, .node = node, .role = (uint8_t)role};
    memcpy(changed.public_key, member->public_key, PUBLIC_KEY_BYTES);
    memcpy(changed.address, member->address, NODE_ADDRESS_BYTES);
    return changed;
}

/* Keeps `voted` beside the members whose places move. */
static void votes_follow(struct nodes *nodes, const struct node_set *before)
{
    uint64_t voted[NODE_SET_LIMIT] = {0};
    for (uint32_t i = 0; i < before->count; i++) {
        const struct node_member *now = node_set_find(&nodes->set, before->members[i].node);
        /* A standby has not voted: if it becomes a voter again, it has to show that it does. */
        if (now != NULL && now->role == NODE_VOTER)
            voted[now - nodes->set.members] = nodes->voted[i];
    }
    memcpy(nodes->voted, voted, sizeof(voted));
}

void nodes_apply(struct nodes *nodes, const struct node_changed_event *changed)
{
    const struct node_set before = nodes->set;
    const bool applied = node_set_apply(&nodes->set, changed);
    ASSERT(applied && changed->height >= nodes->change_height);
    votes_follow(nodes, &before);
    nodes->change_height = changed->height;
    if (changed->node > nodes->last_node) nodes->last_node = changed->node;
    INVARIANT(nodes_check(nodes));
}

void nodes_vote(struct nodes *nodes, const struct vote_command *vote, uint64_t sealed_height)
{
    const struct node_member *member = node_set_find(&nodes->set, vote->node);
    if (member == NULL || member->role != NODE_VOTER) return;
    if (vote->epoch != nodes->epoch || vote->height > sealed_height) return;
    uint64_t *voted = &nodes->voted[member - nodes->set.members];
    if (vote->height > *voted) *voted = vote->height;
}

bool nodes_check(const struct nodes *nodes)
{
    uint32_t last = 0;
    for (uint32_t i = 0; i < nodes->set.count; i++) {
        ASSERT(nodes->set.members[i].node > last); /* N1 */
        last = nodes->set.members[i].node;
    }
    ASSERT(last <= nodes->last_node);
    ASSERT(voter_count(&nodes->set) > 0); /* N2 */
    return true;
}
