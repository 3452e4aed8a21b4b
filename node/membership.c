#include "node/membership.h"

#include <string.h>

static hash_t voters_hash(const struct node_set *set)
{
    struct validator_set voters;
    node_set_voters(set, &voters);
    return validator_set_hash(&voters);
}

static bool has_voter(const struct node_set *set)
{
    for (uint32_t i = 0; i < set->count; i++)
        if (set->members[i].role == NODE_VOTER) return true;
    return false;
}

static bool sets_equal(const struct node_set *left, const struct node_set *right)
{
    if (left->count != right->count) return false;
    for (uint32_t i = 0; i < left->count; i++)
        if (!node_member_equal(&left->members[i], &right->members[i])) return false;
    return true;
}

void membership_begin(struct membership *membership, const struct genesis *genesis)
{
    *membership = (struct membership){.epoch = 0};
    node_set_of_genesis(genesis, &membership->nodes);
    membership->next = membership->nodes;
    membership->validators_hash = voters_hash(&membership->nodes);
    membership->next_hash = membership->validators_hash;
}

static bool is_set(const struct node_set *set)
{
    if (set->count > NODE_SET_LIMIT || !has_voter(set)) return false;
    uint32_t last = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        const struct node_member *member = &set->members[i];
        if (member->node <= last || member->role == NODE_GONE || member->role > NODE_VOTER)
            return false;
        last = member->node;
    }
    return true;
}

bool membership_restore(struct membership *membership, uint64_t height,
                        const struct node_set *nodes, const struct node_set *next,
                        uint64_t change_height, uint64_t epoch)
{
    if (!is_set(nodes) || !is_set(next)) return false;
    if (change_height == 0 && !sets_equal(nodes, next)) return false;
    /* A change of the block just ended; an older one counts by now. */
    if (change_height != 0 && change_height != height + MEMBERSHIP_NOTICE) return false;
    *membership = (struct membership){.nodes = *nodes,
                                      .next = *next,
                                      .change_height = change_height,
                                      .epoch = epoch,
                                      .next_epoch = epoch,
                                      .validators_hash = voters_hash(nodes),
                                      .next_hash = voters_hash(next)};
    return true;
}

/* Who a node is does not change with what it does; a newcomer stands by first. */
static bool is_same_node(const struct node_member *member, const struct node_changed_event *changed)
{
    if (member == NULL) return changed->role == NODE_STANDBY;
    return memcmp(member->public_key, changed->public_key, PUBLIC_KEY_BYTES) == 0 &&
           memcmp(member->address, changed->address, NODE_ADDRESS_BYTES) == 0 &&
           member->role != changed->role;
}

static const char *change_node(struct membership *membership,
                               const struct node_changed_event *changed, uint64_t command,
                               uint64_t height)
{
    if (changed->height != height + MEMBERSHIP_NOTICE) return "height of a node change";
    if (membership->change_height != 0 && membership->change_command != command)
        return "node change before the last one counts";
    if (!is_same_node(node_set_find(&membership->next, changed->node), changed))
        return "key, address or role of a node";
    struct node_set next = membership->next;
    if (!node_set_apply(&next, changed)) return "node that changes";
    if (!has_voter(&next)) return "last voter";
    membership->next = next;
    membership->next_hash = voters_hash(&next);
    membership->change_height = changed->height;
    membership->change_command = command;
    return NULL;
}

const char *membership_event(struct membership *membership, const struct event *event,
                             uint64_t command, uint64_t height)
{
    if (event->type == T_NODE_CHANGED) {
        struct node_changed_event changed;
        node_changed_event_get(event->payload, &changed);
        return change_node(membership, &changed, command, height);
    }
    ASSERT(event->type == T_EPOCH_CHANGED);
    struct epoch_changed_event changed;
    epoch_changed_event_get(event->payload, &changed);
    if (changed.epoch != membership->next_epoch + 1) return "epoch";
    membership->next_epoch = changed.epoch;
    return NULL;
}

hash_t membership_next_hash(const struct membership *membership, uint64_t height)
{
    return membership->change_height == height + 1 ? membership->next_hash
                                                   : membership->validators_hash;
}

void membership_end_block(struct membership *membership, uint64_t height)
{
    membership->epoch = membership->next_epoch;
    if (membership->change_height != height + 1) return;
    membership->nodes = membership->next;
    membership->validators_hash = membership->next_hash;
    membership->change_height = 0;
}

bool membership_check(const struct membership *membership, uint64_t height)
{
    ASSERT(membership->change_height == 0 ||
           (membership->change_height > height &&
            membership->change_height <= height + MEMBERSHIP_NOTICE));
    ASSERT(membership->change_height != 0 || sets_equal(&membership->nodes, &membership->next));
    ASSERT(has_voter(&membership->nodes) && has_voter(&membership->next)); /* M2 */
    return true;
}
