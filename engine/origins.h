/* Origins: which node's commands apply, and up to which one they have.
 *
 * A node's HELLO opens an epoch, named by the HELLO's command number, and closes the older one, with whose
 * sessions the orders bound to them end (cancel_bound). A command
 * from that node applies only in the current epoch and only with the next sequence number, so that what
 * is sent twice is applied once and nothing is skipped. A HELLO with the nonce of the current epoch is the
 * one that opened it, sent again: nothing.
 *
 *     HELLO = command 17 ──► epoch 17: 1, 2, 3 ...     HELLO = command 90 ──► epoch 90: 1, 2, ...
 *                                             ▲ later ones of epoch 17 are stale
 *
 * Limits   ORIGINS_LIMIT: the members of the node set; no other node has an origin
 */

#ifndef ENGINE_ORIGINS_H
#define ENGINE_ORIGINS_H

#include "common/node_set.h"

#define ORIGINS_LIMIT NODE_SET_LIMIT

struct origin {
    uint32_t node;
    uint64_t epoch; /* 0: none is open, and the next two are 0 */
    uint64_t nonce; /* of the HELLO that opened it */
    uint64_t last_sequence;
};

struct origins {
    uint32_t count;
    struct origin members[ORIGINS_LIMIT]; /* by rising node id */
};

void origins_init(struct origins *origins, const struct validator_set *validators);

/* A member more, without an epoch. Needs: it is none yet, and there are fewer than ORIGINS_LIMIT. */
void origins_add(struct origins *origins, uint32_t node);

/* A member less: nothing of it applies any more. Needs: it is one. */
void origins_remove(struct origins *origins, uint32_t node);

/* Opens the node's epoch. False, and nothing done: no such node, or `nonce` is that of its present epoch.
 * Needs: epoch > 0, above all before. */
MUST_CHECK bool origins_hello(struct origins *origins, uint32_t node, uint64_t nonce,
                              uint64_t epoch);

/* The node's present epoch; 0: none, or no such node. */
uint64_t origins_epoch(const struct origins *origins, uint32_t node);

/* Closes the node's epoch. False, and nothing done: it is not its present one. */
MUST_CHECK bool origins_lose(struct origins *origins, uint32_t node, uint64_t epoch);

/* Whether the command is its origin's next one; then it counts as applied. A command of no origin (0)
 * always is. */
MUST_CHECK bool origins_advance(struct origins *origins, const struct command_header *header);

#endif /* ENGINE_ORIGINS_H */
