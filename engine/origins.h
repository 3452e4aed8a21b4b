/* Origins: which node's commands apply, and up to which one they have.
 *
 * A node's HELLO opens an epoch, named by the HELLO's command number, and closes the older one. A command
 * from that node applies only in the current epoch and only with the next sequence number, so that what
 * is sent twice is applied once and nothing is skipped.
 *
 *     HELLO = command 17 ──► epoch 17: 1, 2, 3 ...     HELLO = command 90 ──► epoch 90: 1, 2, ...
 *                                             ▲ later ones of epoch 17 are stale
 *
 * Limits   the validators of the genesis; no other node has an origin
 */

#ifndef ENGINE_ORIGINS_H
#define ENGINE_ORIGINS_H

#include "common/genesis.h"

struct origin {
    uint32_t node;
    uint64_t epoch; /* 0: it has not said HELLO */
    uint64_t last_sequence;
};

struct origins {
    uint32_t count;
    struct origin members[GENESIS_VALIDATORS_LIMIT];
};

void origins_init(struct origins *origins, const struct validator_set *validators);

/* Opens the node's epoch. False: no such node. Needs: epoch > 0, above all before. */
MUST_CHECK bool origins_hello(struct origins *origins, uint32_t node, uint64_t epoch);

/* Closes the node's epoch. False, and nothing done: it is not its present one. */
MUST_CHECK bool origins_lose(struct origins *origins, uint32_t node, uint64_t epoch);

/* Whether the command is its origin's next one; then it counts as applied. A command of no origin (0)
 * always is. */
MUST_CHECK bool origins_advance(struct origins *origins, const struct command_header *header);

#endif /* ENGINE_ORIGINS_H */
