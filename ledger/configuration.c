#include "ledger/configuration.h"

#define FORMAT 1

void configuration_of_genesis(const struct genesis *genesis, struct configuration *configuration)
{
    memset(configuration, 0, sizeof(*configuration));
    configuration->count = genesis->validators.count;
    for (uint32_t i = 0; i < configuration->count; i++) {
        configuration->members[i].node = genesis->validators.members[i].node;
        configuration->members[i].role = NODE_VOTER;
    }
}

/* The digits and a zero byte; returns how many. */
static uint32_t node_text(uint32_t node, uint8_t text[11])
{
    uint8_t reversed[10];
    uint32_t count = 0;
    do {
        reversed[count++] = (uint8_t)('0' + node % 10);
        node /= 10;
    } while (node > 0);
    for (uint32_t i = 0; i < count; i++)
        text[i] = reversed[count - 1 - i];
    text[count] = 0;
    return count + 1;
}

size_t configuration_put(const struct configuration *configuration, uint8_t *bytes)
{
    ASSERT(configuration->count <= NODE_SET_LIMIT && configuration_voters(configuration) > 0);
    uint8_t *at = le_put_u8(bytes, FORMAT);
    at = le_put_u64(at, configuration->count);
    for (uint32_t i = 0; i < configuration->count; i++) {
        const struct configuration_member *member = &configuration->members[i];
        at = le_put_u64(at, member->node);
        at += node_text(member->node, at);
        at = le_put_u8(at, member->role == NODE_VOTER);
    }
    while ((at - bytes) % 8 != 0)
        at = le_put_u8(at, 0);
    ASSERT(at <= bytes + CONFIGURATION_BYTES_MAX);
    return (size_t)(at - bytes);
}

/* Reads one member and steps past it. */
static bool member_get(const uint8_t **at, const uint8_t *end, struct configuration *configuration)
{
    if (end - *at < 8 + 2 + 1) return false;
    const uint64_t node = le_get_u64(*at);
    if (node == 0 || node > UINT32_MAX ||
        configuration_role(configuration, (uint32_t)node) != NODE_GONE)
        return false;
    uint8_t text[11];
    const uint32_t text_bytes = node_text((uint32_t)node, text);
    *at += 8;
    if ((size_t)(end - *at) < text_bytes + 1u || memcmp(*at, text, text_bytes) != 0) return false;
    *at += text_bytes;
    const uint8_t role = le_get_u8((*at)++);
    if (role > 1) return false;
    configuration->members[configuration->count++] = (struct configuration_member){
        .node = (uint32_t)node, .role = role == 1 ? NODE_VOTER : NODE_STANDBY};
    return true;
}

bool configuration_get(const uint8_t *bytes, size_t byte_count, struct configuration *configuration)
{
    memset(configuration, 0, sizeof(*configuration));
    if (byte_count < 16 || byte_count > CONFIGURATION_BYTES_MAX || byte_count % 8 != 0)
        return false;
    const uint8_t *at = bytes, *end = bytes + byte_count;
    if (le_get_u8(at) != FORMAT) return false;
    const uint64_t count = le_get_u64(at + 1);
    if (count == 0 || count > NODE_SET_LIMIT) return false;
    at += 9;
    for (uint64_t i = 0; i < count; i++)
        if (!member_get(&at, end, configuration)) return false;
    if (end - at >= 8) return false;
    for (; at < end; at++)
        if (*at != 0) return false;
    return configuration_voters(configuration) > 0;
}

enum node_role configuration_role(const struct configuration *configuration, uint32_t node)
{
    for (uint32_t i = 0; i < configuration->count; i++)
        if (configuration->members[i].node == node)
            return (enum node_role)configuration->members[i].role;
    return NODE_GONE;
}

uint32_t configuration_voters(const struct configuration *configuration)
{
    uint32_t voters = 0;
    for (uint32_t i = 0; i < configuration->count; i++)
        voters += configuration->members[i].role == NODE_VOTER;
    return voters;
}

/* ---- On the way to a node set. ---- */

static enum node_role goal_role(const struct node_set *goal, uint32_t node)
{
    const struct node_member *member = node_set_find(goal, node);
    return member == NULL ? NODE_GONE : (enum node_role)member->role;
}

static bool add_next(const struct node_set *goal, struct configuration *changed)
{
    if (changed->count == NODE_SET_LIMIT) return false;
    for (uint32_t i = 0; i < goal->count; i++) {
        if (configuration_role(changed, goal->members[i].node) != NODE_GONE) continue;
        changed->members[changed->count++] =
            (struct configuration_member){goal->members[i].node, NODE_STANDBY};
        return true;
    }
    return false;
}

static enum configuration_step promote_next(const struct node_set *goal, const bool *ready,
                                            struct configuration *changed)
{
    enum configuration_step step = CONFIGURATION_REACHED;
    for (uint32_t i = 0; i < changed->count; i++) {
        if (changed->members[i].role == NODE_VOTER ||
            goal_role(goal, changed->members[i].node) != NODE_VOTER)
            continue;
        step = CONFIGURATION_WAIT;
        if (!ready[i]) continue;
        changed->members[i].role = NODE_VOTER;
        return CONFIGURATION_CHANGE;
    }
    return step;
}

static enum configuration_step reduce_next(const struct node_set *goal, uint32_t self,
                                           struct configuration *changed)
{
    bool resigns = false;
    for (uint32_t i = 0; i < changed->count; i++) {
        const enum node_role role = goal_role(goal, changed->members[i].node);
        if (role == changed->members[i].role) continue;
        if (changed->members[i].node == self) {
            resigns = true;
            continue;
        }
        /* A voter goes in one step: stepping back first would not make it safer. */
        if (role == NODE_GONE) {
            changed->count--;
            memmove(&changed->members[i], &changed->members[i + 1],
                    (changed->count - i) * sizeof(changed->members[0]));
        } else
            changed->members[i].role = (uint8_t)role;
        return CONFIGURATION_CHANGE;
    }
    return resigns ? CONFIGURATION_RESIGN : CONFIGURATION_REACHED;
}

enum configuration_step configuration_step(const struct configuration *configuration,
                                           const struct node_set *goal,
                                           const bool ready[NODE_SET_LIMIT], uint32_t self,
                                           struct configuration *changed)
{
    *changed = *configuration;
    if (add_next(goal, changed)) return CONFIGURATION_CHANGE;
    enum configuration_step step = promote_next(goal, ready, changed);
    if (step == CONFIGURATION_REACHED) step = reduce_next(goal, self, changed);
    if (step == CONFIGURATION_CHANGE && configuration_voters(changed) == 0)
        step = CONFIGURATION_REACHED; /* a set without voters is nobody's goal */
    return step;
}
