/* What accounts have, told a few at a time: the engine's side of reconciliation.
 *
 * At each block's end the balances of the next accounts go into a ring, straight from the memory that matching
 * works on; who takes them compares them with figures of his own (settlement/reconcile.h). A bit that flips in that
 * memory, or a change that no event told, is found when its account's turn comes.
 *
 * Owner    the engine thread: producer of the ring
 * Limits   BALANCE_SLICE_CELLS balances a block: all accounts have their turn once in accounts x assets / 4,096
 *          blocks; sixteen times as many when a pass was asked for. A full ring: the same accounts at the next block
 * Cost     4,096 balances copied: some 10 us a block
 */

#ifndef ENGINE_SLICES_H
#define ENGINE_SLICES_H

#include "engine/engine.h"

struct ring;

struct slices {
    struct ring *ring;
    uint32_t next;   /* account; 0 or 1: a pass begins */
    uint64_t wanted; /* passes asked for when this one began */
    bool hurried;    /* it is one of those */
};

/* Tells the next accounts' balances as they are now, at the end of block `height`. `wanted` is how many passes
 * operators have asked for in all: when it has risen, a hurried pass begins with this slice. */
void slices_step(struct slices *slices, const struct engine *engine, uint64_t height,
                 uint64_t wanted);

#endif /* ENGINE_SLICES_H */
