#include "ledger/roster.h"

#include "common/le.h"

#include <string.h>

size_t roster_encode(const struct node_set *set, uint8_t bytes[ROSTER_BYTES_MAX])
{
    ASSERT(set->count <= NODE_SET_LIMIT);
    uint8_t *at = le_put_u32(bytes, FETCH_NODES);
    at = le_put_u32(at, set->count);
    for (uint32_t i = 0; i < set->count; i++) {
        const struct node_member *member = &set->members[i];
        at = le_put_u32(at, member->node);
        at = le_put_u32(at, member->role);
        at = le_put_bytes(at, member->public_key, PUBLIC_KEY_BYTES);
        at = le_put_bytes(at, member->address, NODE_ADDRESS_BYTES);
    }
    return (size_t)(at - bytes);
}

bool roster_decode(const uint8_t *bytes, size_t byte_count, struct node_set *set)
{
    if (byte_count < 8 || le_get_u32(bytes) != FETCH_NODES) return false;
    *set = (struct node_set){.count = le_get_u32(bytes + 4)};
    if (set->count > NODE_SET_LIMIT) return false;
    if (byte_count != 8 + (size_t)set->count * ROSTER_MEMBER_BYTES) return false;
    uint32_t last = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        const uint8_t *at = bytes + 8 + (size_t)i * ROSTER_MEMBER_BYTES;
        struct node_member *member = &set->members[i];
        const uint32_t role = le_get_u32(at + 4);
        member->node = le_get_u32(at);
        if (member->node <= last || (role != NODE_VOTER && role != NODE_STANDBY)) return false;
        last = member->node;
        member->role = (uint8_t)role;
        memcpy(member->public_key, at + 8, PUBLIC_KEY_BYTES);
        memcpy(member->address, at + 8 + PUBLIC_KEY_BYTES, NODE_ADDRESS_BYTES);
        if (!node_address_valid(member->address)) return false;
    }
    return true;
}

void roster_begin(struct roster *roster, const struct node_set *own)
{
    roster->own = *own;
    roster->left = (struct node_set){0};
    roster->introduced = (struct node_set){0};
    roster->self = 0;
    roster->teller_count = 0;
}

/* Places a member that the set does not have. */
static void insert(struct node_set *set, const struct node_member *member)
{
    uint32_t place = set->count++;
    for (; place > 0 && set->members[place - 1].node > member->node; place--)
        set->members[place] = set->members[place - 1];
    set->members[place] = *member;
}

/* Those of `before` that are not in `own` have left. */
static void note_left(struct roster *roster, const struct node_set *before,
                      const struct node_set *own)
{
    for (uint32_t i = 0; i < before->count && roster->left.count < NODE_SET_LIMIT; i++) {
        const struct node_member *member = &before->members[i];
        if (node_set_find(own, member->node) == NULL &&
            node_set_find(&roster->left, member->node) == NULL)
            insert(&roster->left, member);
    }
}

/* Only members of the own set are heard: others' places are free again. */
void roster_change(struct roster *roster, const struct node_set *own)
{
    note_left(roster, &roster->own, own);
    roster->own = *own;
    if (node_set_find(own, roster->self) != NULL) roster->introduced.count = 0;
    for (uint32_t i = 0; i < roster->teller_count;)
        if (node_set_find(own, roster->tellers[i].node) == NULL)
            roster->tellers[i] = roster->tellers[--roster->teller_count];
        else
            i++;
}

void roster_introduce(struct roster *roster, uint32_t self, const struct node_set *set)
{
    if (node_set_find(&roster->own, self) != NULL) return;
    roster->introduced = *set;
    roster->self = self;
}

void roster_take_left(struct roster *roster, const struct node_set *left)
{
    note_left(roster, left, &roster->own);
}

bool roster_release(struct roster *roster, bool (*counts)(void *context, uint32_t node),
                    void *context)
{
    struct node_set *left = &roster->left;
    const uint32_t before = left->count;
    left->count = 0;
    for (uint32_t i = 0; i < before; i++)
        if (counts(context, left->members[i].node)) left->members[left->count++] = left->members[i];
    return left->count != before;
}

bool roster_hear(struct roster *roster, uint32_t node, const uint8_t *bytes, size_t byte_count)
{
    struct node_set said;
    if (node_set_find(&roster->own, node) == NULL) return false;
    if (!roster_decode(bytes, byte_count, &said)) return false;
    struct roster_teller *teller = NULL;
    for (uint32_t i = 0; i < roster->teller_count; i++)
        if (roster->tellers[i].node == node) teller = &roster->tellers[i];
    if (teller != NULL && memcmp(&teller->said, &said, sizeof(said)) == 0) return false;
    if (teller == NULL) teller = &roster->tellers[roster->teller_count++];
    *teller = (struct roster_teller){node, said};
    return true;
}

/* How many voters of the own set say that this very member is one, whatever its role. */
static uint32_t sayers(const struct roster *roster, const struct node_member *member)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < roster->teller_count; i++) {
        const struct roster_teller *teller = &roster->tellers[i];
        const struct node_member *own = node_set_find(&roster->own, teller->node);
        const struct node_member *said = node_set_find(&teller->said, member->node);
        if (own == NULL || own->role != NODE_VOTER || said == NULL) continue;
        if (memcmp(said->public_key, member->public_key, PUBLIC_KEY_BYTES) == 0 &&
            memcmp(said->address, member->address, NODE_ADDRESS_BYTES) == 0)
            count++;
    }
    return count;
}

/* Adds who is not in the set yet. */
static void add_members(const struct node_set *from, struct node_set *set)
{
    for (uint32_t i = 0; i < from->count && set->count < NODE_SET_LIMIT; i++)
        if (node_set_find(set, from->members[i].node) == NULL) insert(set, &from->members[i]);
}

void roster_links(const struct roster *roster, struct node_set *links)
{
    struct validator_set voters;
    node_set_voters(&roster->own, &voters);
    *links = roster->own;
    for (uint32_t i = 0; i < roster->teller_count; i++) {
        const struct node_set *said = &roster->tellers[i].said;
        for (uint32_t j = 0; j < said->count && links->count < NODE_SET_LIMIT; j++) {
            const struct node_member *member = &said->members[j];
            if (node_set_find(links, member->node) != NULL) continue;
            if (3 * sayers(roster, member) > voters.count) insert(links, member);
        }
    }
    add_members(&roster->introduced, links);
}

void roster_reach(const struct roster *roster, struct node_set *reach)
{
    roster_links(roster, reach);
    add_members(&roster->left, reach);
}

void roster_known(const struct roster *roster, struct node_set *known)
{
    *known = roster->own;
    add_members(&roster->left, known);
}
