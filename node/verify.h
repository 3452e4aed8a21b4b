/* The offline auditor: trusts no byte of a chain but its genesis, and re-executes all the rest.
 *
 * Every record of the chain files is read, every header, link, root and signature checked, and every
 * command executed again through engine and settlement; events, roots and totals must come out as
 * the blocks say. A chain in which one figure was altered and every hash and signature made anew is
 * refused at the block where it was.
 *
 * Owner    a command of its own; may run beside the node that writes the chain
 * Memory   as much as a node: the engine and settlement of the genesis parameters
 */

#ifndef NODE_VERIFY_H
#define NODE_VERIFY_H

#include "common/genesis.h"
#include "common/status.h"

#include <stdint.h>

struct verify_result {
    uint64_t height;           /* blocks that are right */
    uint64_t certified_height; /* the last one that a certificate covers */
    uint64_t command_count;
    uint64_t fill_count;
    uint64_t bad_height;  /* the first wrong block, or 0: see `reason` */
    uint64_t bad_command; /* where in it, or 0 */
    char reason[512];     /* what differs; empty when the chain is right */
};

/* Audits the chain in `directory`. STATUS_OK when all is right, STATUS_MISMATCH or STATUS_DAMAGED
 * with the first wrong block in `result`, or another failure, with its reason there too.
 * Needs: hash_start was called. */
MUST_CHECK enum status verify_chain(const char *directory, const struct genesis *genesis,
                                    const uint8_t tree_secret[32], struct verify_result *result);

/* quorex verify --chain DIR [--genesis FILE] [--tree-secret FILE]. Returns 0 when the chain is right,
 * 1 when it is not, 2 when it cannot be told. */
int verify_main(int argc, char **argv);

#endif /* NODE_VERIFY_H */
