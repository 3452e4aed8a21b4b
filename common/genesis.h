/* The genesis: what every node of a chain agrees on before the first command.
 *
 * Limits   GENESIS_VALIDATORS_LIMIT validators, GENESIS_OPERATORS_LIMIT operators
 */

#ifndef COMMON_GENESIS_H
#define COMMON_GENESIS_H

#include "common/params.h"

#define GENESIS_VALIDATORS_LIMIT 64
#define GENESIS_OPERATORS_LIMIT  16

#define NODE_ADDRESS_BYTES 64

struct validator {
    uint32_t node; /* node id, from 1; 0 is nobody */
    uint8_t public_key[PUBLIC_KEY_BYTES];
    char address[NODE_ADDRESS_BYTES]; /* of its peer port (node_set.h); empty: no peers */
};

struct validator_set {
    uint32_t count;
    struct validator members[GENESIS_VALIDATORS_LIMIT]; /* by rising node id */
};

struct genesis {
    uint8_t nonce[32]; /* makes two chains with the same settings different */
    uint64_t time_ns;
    struct validator_set validators;
    uint32_t operator_count;
    uint8_t operators[GENESIS_OPERATORS_LIMIT][PUBLIC_KEY_BYTES];
    struct params params;
};

/* Hash of everything above, under a domain tag: names the chain in every header and vote. */
hash_t genesis_chain_id(const struct genesis *genesis);

/* Of node ids and keys; a node may move without the set being another. */
hash_t validator_set_hash(const struct validator_set *set);

/* The member with this node id, or NULL. */
const struct validator *validator_set_find(const struct validator_set *set, uint32_t node);

/* The smallest number of signatures that is more than two thirds. */
uint32_t validator_set_quorum(const struct validator_set *set);

#endif /* COMMON_GENESIS_H */
