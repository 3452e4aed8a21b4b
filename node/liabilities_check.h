/* A whole liabilities file against whom one trusts: its totals' block, every leaf, and the votes for its root.
 *
 * Owner    the caller; the file is read through him, front to back but for the tail, which comes first
 * Memory   some 100 KiB of the stack, however large the file is
 * Cost     two hashes a leaf (benchmarks/README.md), a signature check a vote
 */

#ifndef NODE_LIABILITIES_CHECK_H
#define NODE_LIABILITIES_CHECK_H

#include "common/genesis.h"
#include "common/liabilities.h"

struct liabilities_check_input {
    void *context;
    /* Exactly these bytes of the file; false: they cannot be read. */
    bool (*read)(void *context, uint64_t offset, void *bytes, size_t byte_count);
    uint64_t byte_count; /* of the file */
};

/* What a file says. */
struct liabilities_check {
    struct liabilities_head head;
    struct block_header header;
    struct proof_totals totals;
    uint64_t leaf_count,
        empty_count; /* of all assets; without an amount: padding, and parts of nothing */
};

/* What is wrong with the file, as one of the chain `chain_id` signed by q of `set`; NULL: nothing, and `check` is what it
 * says. Needs: hash_start. */
const char *liabilities_check_fault(const struct liabilities_check_input *input, hash_t chain_id,
                                    const struct validator_set *set,
                                    struct liabilities_check *check);

#endif /* NODE_LIABILITIES_CHECK_H */
