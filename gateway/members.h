/* The node set as a gateway follows it: which nodes count at which height.
 *
 *     base height ── set ── change at h1 ── change at h2 ── ...        by rising height
 *
 * A decided change is known before it counts; who asks for a height gets the set of that height.
 *
 * Owner    one gateway loop; view.c moves it forward
 * Limits   MEMBERS_CHANGES_KEPT changes; with more, the oldest goes into the base and heights below it
 *          are not known any more
 */

#ifndef GATEWAY_MEMBERS_H
#define GATEWAY_MEMBERS_H

#include "common/node_set.h"

#define MEMBERS_CHANGES_KEPT 256u

struct members {
    uint64_t base_height; /* from which `base` counts */
    struct node_set base;
    uint64_t change_count; /* ever since the base was set; they are at number modulo the bound */
    uint64_t folded_count; /* of those, how many are in the base */
    struct node_changed_event changes[MEMBERS_CHANGES_KEPT];
};

/* The genesis' validators, from block 1 on. */
void members_begin(struct members *members, const struct genesis *genesis);

/* A set that counts from `height` on, instead of all that was there. */
void members_restart(struct members *members, uint64_t height, const struct node_set *set);

/* Takes one change. False, and nothing done: it counts from an earlier height than one before it, or the
 * set that it would change does not allow it. */
MUST_CHECK bool members_apply(struct members *members, const struct node_changed_event *changed);

/* The set that counts at `height`, and the height from which it has. False: not known any more. */
MUST_CHECK bool members_at(const struct members *members, uint64_t height, struct node_set *set,
                           uint64_t *since);

/* The voters with this hash among the sets that are known. */
MUST_CHECK bool members_find(const struct members *members, hash_t hash,
                             struct validator_set *voters);

/* The first height above `height` at which the set is another, or 0. */
uint64_t members_next(const struct members *members, uint64_t height);

#endif /* GATEWAY_MEMBERS_H */
