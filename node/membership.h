/* Membership: the node set and the epoch of each block, moved forward by the events of the log.
 *
 *     block   b                 b + 1                 b + 2
 *             NODE_CHANGED      header's              header's
 *             is decided        next_validators_hash  validators_hash
 *                               is the new set's      is the new set's
 *
 * Header b + 1, which the old set signs, is the bridge to the new one.
 *
 * Owner    the digest it belongs to; pure
 * Memory   the caller's
 *
 * Invariants, asserted by membership_check:
 *   M1  change_height is 0, or one or two above the block that is being built; `next` differs from `nodes`
 *       only then
 *   M2  either set has a voter
 */

#ifndef NODE_MEMBERSHIP_H
#define NODE_MEMBERSHIP_H

#include "common/node_set.h"

#define MEMBERSHIP_NOTICE \
    2 /* blocks from the one that decides a change to the first it counts for */

struct membership {
    struct node_set nodes;   /* of the block that is being built */
    struct node_set next;    /* with what was decided since */
    uint64_t change_height;  /* from which block on `next` is the set; 0: it is */
    uint64_t epoch;          /* of the block that is being built */
    uint64_t next_epoch;     /* of the one after it */
    uint64_t change_command; /* that decided the change */
    hash_t validators_hash;  /* of the voters of `nodes` */
    hash_t next_hash;        /* and of `next` */
};

void membership_begin(struct membership *membership, const struct genesis *genesis);

/* As it was when block `height` had ended, and nothing was decided since. False: it cannot have been so. */
MUST_CHECK bool membership_restore(struct membership *membership, uint64_t height,
                                   const struct node_set *nodes, const struct node_set *next,
                                   uint64_t change_height, uint64_t epoch);

/* Takes a NODE_CHANGED or EPOCH_CHANGED of command `command` in block `height`. NULL, or what is wrong with
 * it; then nothing was done. Needs: `event` is one of the two. */
const char *membership_event(struct membership *membership, const struct event *event,
                             uint64_t command, uint64_t height);

/* The next_validators_hash of block `height`, which is being built. */
hash_t membership_next_hash(const struct membership *membership, uint64_t height);

/* Block `height` has ended: the next one is being built. */
void membership_end_block(struct membership *membership, uint64_t height);

/* Asserts M1 and M2, `height` being the block that is being built. */
bool membership_check(const struct membership *membership, uint64_t height);

#endif /* NODE_MEMBERSHIP_H */
