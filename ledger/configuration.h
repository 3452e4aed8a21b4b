/* Who votes on the log: a configuration entry's content, as the consensus engine reads it.
 *
 *     version u8 = 1 | count u64 | per member: node u64 | node in decimal, zero byte | role u8 |
 *     zeros to 8 bytes        role: 0 standby, 1 voter
 *
 * The engine's own decoder trusts the bytes; this one does not, and what it took may be given to the other.
 *
 * Owner    the caller; pure
 * Limits   NODE_SET_LIMIT members
 */

#ifndef LEDGER_CONFIGURATION_H
#define LEDGER_CONFIGURATION_H

#include "common/node_set.h"

#define CONFIGURATION_BYTES_MAX (16 + NODE_SET_LIMIT * (8 + 11 + 1))

struct configuration_member {
    uint32_t node;
    uint8_t role; /* enum node_role, not NODE_GONE */
};

/* Members keep their places when a role changes; a new one is the last. */
struct configuration {
    uint32_t count;
    struct configuration_member members[NODE_SET_LIMIT];
};

/* Every validator of the genesis, a voter. */
void configuration_of_genesis(const struct genesis *genesis, struct configuration *configuration);

/* Returns the bytes' count. Needs: CONFIGURATION_BYTES_MAX; a voter among the members. */
size_t configuration_put(const struct configuration *configuration, uint8_t *bytes);

/* False for anything but exactly one configuration with a voter. */
MUST_CHECK bool configuration_get(const uint8_t *bytes, size_t byte_count,
                                  struct configuration *configuration);

/* The role of a node: NODE_GONE when it is no member. */
enum node_role configuration_role(const struct configuration *configuration, uint32_t node);

uint32_t configuration_voters(const struct configuration *configuration);

/* The next single change on the way to a node set. */
enum configuration_step {
    CONFIGURATION_REACHED,
    CONFIGURATION_CHANGE, /* `changed` is the next configuration */
    CONFIGURATION_WAIT,   /* a standby that is to vote does not hold the log yet */
    CONFIGURATION_RESIGN, /* it would demote or remove `self`: another leader's work */
};

/* Who comes comes first, as a standby; then standbys are promoted, once their place in `ready` says that they hold
 * the log; and only when nobody waits for that do voters step back and members go, so that a swap never has one
 * voter less meanwhile. */
enum configuration_step configuration_step(const struct configuration *configuration,
                                           const struct node_set *goal,
                                           const bool ready[NODE_SET_LIMIT], uint32_t self,
                                           struct configuration *changed);

#endif /* LEDGER_CONFIGURATION_H */
