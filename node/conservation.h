/* Conservation: that no block makes or loses money, seen from what its events say and from nothing else.
 *
 * Neither engine nor settlement is asked: balances are those that BALANCE events tell, everything else follows from facts
 * (fills, credits, debits, deposits, withdrawals), by a count of its own. After each command, of each asset that it
 * moved,
 *
 *     users + fees + rounding + in flight + house = external
 *
 * and after each block the root of these sums is what the header must have as totals_root.
 *
 * Owner    the auditor; pure but for conservation_print
 * Memory   the caller's arena: 16 bytes an account and asset, touched as accounts come
 * Cost     an event O(1); a block one tree over the assets
 */

#ifndef NODE_CONSERVATION_H
#define NODE_CONSERVATION_H

#include "common/genesis.h"

struct arena;
struct conservation;
struct settlement;

/* What is wrong, where. */
struct conservation_fault {
    const char *what;
    uint64_t command; /* 0: the block as a whole */
    uint32_t account; /* 0: none in particular */
    uint16_t asset;
    int64_t
        units; /* by which more is owed than there is, or told than a checkpoint has; the nearest that fits */
};

size_t conservation_bytes(const struct genesis *genesis);

/* Before block 1. NULL when the arena cannot hold it. `genesis` must outlive it. */
MUST_CHECK struct conservation *conservation_new(struct arena *arena,
                                                 const struct genesis *genesis);

/* Goes on from a checkpoint's state: `params` are those of its block.
 * Needs: it is new; the settlement is of the same genesis. */
void conservation_begin(struct conservation *conservation, const struct settlement *settlement,
                        const struct params *params);

/* The same, when all blocks up to the checkpoint were taken: whether its state is what they came to. */
MUST_CHECK bool conservation_meets(const struct conservation *conservation,
                                   const struct settlement *settlement,
                                   struct conservation_fault *fault);

/* Takes the next block's body. False: `fault` says what is wrong, and this is of no use any more.
 * Needs: its records are whole (block_body_check). */
MUST_CHECK bool conservation_block(struct conservation *conservation, const uint8_t *body,
                                   size_t body_bytes, struct conservation_fault *fault);

/* What totals_root of the last block's header must be. */
hash_t conservation_root(const struct conservation *conservation);

/* The fault as a sentence. */
void conservation_print(const struct conservation_fault *fault, char *text, size_t text_bytes);

#endif /* NODE_CONSERVATION_H */
