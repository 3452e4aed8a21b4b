/* The nodes of an exchange: who votes, who stands by, by which key and where.
 *
 * Part of the replicated state: it begins with the genesis and changes only by NODE_CHANGED events. A node
 * id is never used twice, so that a key and its node are one thing for ever.
 *
 * Limits   NODE_SET_LIMIT members, voters and standbys together
 */

#ifndef COMMON_NODE_SET_H
#define COMMON_NODE_SET_H

#include "common/genesis.h"
#include "common/messages.h"

#define NODE_SET_LIMIT GENESIS_VALIDATORS_LIMIT

enum node_role { NODE_GONE, NODE_STANDBY, NODE_VOTER };

struct node_member {
    uint32_t node;
    uint8_t role; /* enum node_role */
    uint8_t public_key[PUBLIC_KEY_BYTES];
    char address[NODE_ADDRESS_BYTES]; /* of its peer port, "host:port", padded with zero bytes */
};

struct node_set {
    uint32_t count;
    struct node_member members[NODE_SET_LIMIT]; /* by rising node id */
};

/* Every validator of the genesis, a voter. */
void node_set_of_genesis(const struct genesis *genesis, struct node_set *set);

/* The member with this node id, or NULL. */
const struct node_member *node_set_find(const struct node_set *set, uint32_t node);

/* Its voters, as headers and certificates know them. */
void node_set_voters(const struct node_set *set, struct validator_set *voters);

/* Moves the set forward by one event. False, and nothing done: an unknown role, a member gone that is not
 * there, or one too many. */
MUST_CHECK bool node_set_apply(struct node_set *set, const struct node_changed_event *changed);

bool node_member_equal(const struct node_member *left, const struct node_member *right);

/* Whether the text is an address: "host:port" with a port of 1 to 65535, zero bytes behind it. */
MUST_CHECK bool node_address_valid(const char address[NODE_ADDRESS_BYTES]);

#endif /* COMMON_NODE_SET_H */
