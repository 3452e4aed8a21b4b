#include "gateway/members.h"

#include <string.h>

void members_begin(struct members *members, const struct genesis *genesis)
{
    struct node_set set;
    node_set_of_genesis(genesis, &set);
    members_restart(members, 1, &set);
}

void members_restart(struct members *members, uint64_t height, const struct node_set *set)
{
    members->base_height = height;
    members->base = *set;
    members->change_count = 0;
    members->folded_count = 0;
}

static const struct node_changed_event *change_at(const struct members *members, uint64_t number)
{
    return &members->changes[number % MEMBERS_CHANGES_KEPT];
}

/* Changes of one height are one step: the base never stands between them. */
static void fold_oldest(struct members *members)
{
    const uint64_t height = change_at(members, members->folded_count)->height;
    while (members->folded_count < members->change_count &&
           change_at(members, members->folded_count)->height == height) {
        const bool applied =
            node_set_apply(&members->base, change_at(members, members->folded_count));
        ASSERT(applied); /* members_apply has tried it */
        members->folded_count++;
    }
    members->base_height = height;
}

/* The set after all changes up to `height`. */
static void set_at(const struct members *members, uint64_t height, struct node_set *set,
                   uint64_t *since)
{
    *set = members->base;
    *since = members->base_height;
    for (uint64_t number = members->folded_count; number < members->change_count; number++) {
        const struct node_changed_event *changed = change_at(members, number);
        if (changed->height > height) break;
        const bool applied = node_set_apply(set, changed);
        ASSERT(applied); /* members_apply has tried it */
        *since = changed->height;
    }
}

bool members_apply(struct members *members, const struct node_changed_event *changed)
{
    struct node_set set;
    uint64_t since;
    set_at(members, UINT64_MAX, &set, &since);
    if (changed->height < since || !node_set_apply(&set, changed)) return false;
    if (members->change_count - members->folded_count == MEMBERS_CHANGES_KEPT) fold_oldest(members);
    members->changes[members->change_count++ % MEMBERS_CHANGES_KEPT] = *changed;
    return true;
}

bool members_at(const struct members *members, uint64_t height, struct node_set *set,
                uint64_t *since)
{
    if (height < members->base_height) return false;
    set_at(members, height, set, since);
    return true;
}

bool members_find(const struct members *members, hash_t hash, struct validator_set *voters)
{
    /* Ends: every height has a later change, or none. */
    for (uint64_t height = members->base_height; height != 0;
         height = members_next(members, height)) {
        struct node_set set;
        uint64_t since;
        set_at(members, height, &set, &since);
        node_set_voters(&set, voters);
        if (hash_equal(validator_set_hash(voters), hash)) return true;
    }
    return false;
}

uint64_t members_next(const struct members *members, uint64_t height)
{
    for (uint64_t number = members->folded_count; number < members->change_count; number++) {
        if (change_at(members, number)->height > height) return change_at(members, number)->height;
    }
    return 0;
}
