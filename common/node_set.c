#include "common/node_set.h"

#include <string.h>

void node_set_of_genesis(const struct genesis *genesis, struct node_set *set)
{
    *set = (struct node_set){.count = genesis->validators.count};
    for (uint32_t i = 0; i < set->count; i++) {
        const struct validator *validator = &genesis->validators.members[i];
        struct node_member *member = &set->members[i];
        member->node = validator->node;
        member->role = NODE_VOTER;
        memcpy(member->public_key, validator->public_key, PUBLIC_KEY_BYTES);
        memcpy(member->address, validator->address, NODE_ADDRESS_BYTES);
    }
}

const struct node_member *node_set_find(const struct node_set *set, uint32_t node)
{
    for (uint32_t i = 0; i < set->count; i++)
        if (set->members[i].node == node) return &set->members[i];
    return NULL;
}

void node_set_voters(const struct node_set *set, struct validator_set *voters)
{
    *voters = (struct validator_set){0};
    for (uint32_t i = 0; i < set->count; i++) {
        const struct node_member *member = &set->members[i];
        if (member->role != NODE_VOTER) continue;
        struct validator *voter = &voters->members[voters->count++];
        voter->node = member->node;
        memcpy(voter->public_key, member->public_key, PUBLIC_KEY_BYTES);
        memcpy(voter->address, member->address, NODE_ADDRESS_BYTES);
    }
}

bool node_set_apply(struct node_set *set, const struct node_changed_event *changed)
{
    uint32_t place = 0;
    while (place < set->count && set->members[place].node < changed->node)
        place++;
    struct node_member *at = &set->members[place];
    const size_t behind = (set->count - place) * sizeof(*at);
    const bool there = place < set->count && at->node == changed->node;
    if (changed->node == 0 || changed->role > NODE_VOTER) return false;
    if (changed->role == NODE_GONE) {
        if (!there) return false;
        memmove(at, at + 1, behind - sizeof(*at));
        set->count--;
        return true;
    }
    if (!there) {
        if (set->count == NODE_SET_LIMIT) return false;
        memmove(at + 1, at, behind);
        set->count++;
    }
    at->node = changed->node;
    at->role = changed->role;
    memcpy(at->public_key, changed->public_key, PUBLIC_KEY_BYTES);
    memcpy(at->address, changed->address, NODE_ADDRESS_BYTES);
    return true;
}

bool node_member_equal(const struct node_member *left, const struct node_member *right)
{
    return left->node == right->node && left->role == right->role &&
           memcmp(left->public_key, right->public_key, PUBLIC_KEY_BYTES) == 0 &&
           memcmp(left->address, right->address, NODE_ADDRESS_BYTES) == 0;
}

bool node_address_valid(const char address[NODE_ADDRESS_BYTES])
{
    size_t length = 0;
    while (length < NODE_ADDRESS_BYTES && address[length] != '\0')
        length++;
    for (size_t i = length; i < NODE_ADDRESS_BYTES; i++)
        if (address[i] != '\0') return false;
    if (length == NODE_ADDRESS_BYTES) return false;

    size_t colon = length;
    while (colon > 0 && address[colon - 1] != ':')
        colon--;
    if (colon < 2 || length - colon < 1 || length - colon > 5 || address[colon] == '0')
        return false;
    uint32_t port = 0;
    for (size_t i = colon; i < length; i++) {
        if (address[i] < '0' || address[i] > '9') return false;
        port = port * 10 + (uint32_t)(address[i] - '0');
    }
    for (size_t i = 0; i + 1 < colon; i++)
        if (address[i] <= ' ' || address[i] > '~') return false;
    return port >= 1 && port <= 65535;
}
