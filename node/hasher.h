/* A thread beside the anchor's that hashes: the body of the block under way as it comes, and half of what a block's end asks
 * for.
 *
 *     anchor   settles ───────────────── SEAL: compares, leaves and nodes by parts ── header
 *                  │ asks, 128 KiB at a time       │ asks              ▲ all parts done
 *     hasher       └─► records into the seal ──────┴─► parts ──────────┘
 *
 * What is left of a body at its end, and all of a small one, the anchor's thread hashes itself: a node that has little to
 * do wakes nobody. Without a thread (HASHER_ALONE) the same is done by the caller when it is asked for.
 *
 * Owner    the anchor's thread calls; `run` of hasher_sharing too
 * Memory   hasher_open takes it, hasher_close frees it; the body and the seal are the caller's
 * Limits   one block's body at a time
 * Cost     waking the thread, some microseconds, once a time that it has slept
 * Progress hasher_finish, hasher_pause and a shared run wait for what the thread has begun
 *
 * Invariants, asserted by hasher_give as far as one thread can see them:
 *   H1  a record is taken into the seal once, in its order: by the thread below `asked`, by the caller from there on
 *   H2  body and seal are touched by the thread only while `done` is less than `asked`, and by the caller only
 *       while they are the same
 */

#ifndef NODE_HASHER_H
#define NODE_HASHER_H

#include "common/sharing.h"
#include "common/status.h"
#include "ledger/seal.h"

struct hasher;

enum hasher_kind {
    HASHER_ALONE,  /* no thread: in a simulation, or where there is one processor */
    HASHER_BESIDE, /* a thread, if the process may run on more than one processor */
    HASHER_FORCED  /* a thread, wherever */
};

/* STATUS_NO_MEMORY: no memory, descriptor or thread; it has been logged. Needs: hash_start was called. */
MUST_CHECK enum status hasher_open(enum hasher_kind kind, struct hasher **hasher);

/* Ends the thread; what it has begun is finished first. NULL is let be. */
void hasher_close(struct hasher *hasher);

/* The whole records of the block under way lie at body[0 .. byte_count): as many as at the last call, and some more. All of
 * them go into `seal`, which is the hasher's until hasher_finish.
 * Needs: where `body` moved, hasher_pause came before and hasher_moved after; it is the same seal throughout a block. */
void hasher_give(struct hasher *hasher, struct seal *seal, const uint8_t *body, size_t byte_count);

/* Until the next hasher_give the thread does not look at the body. */
void hasher_pause(struct hasher *hasher);

/* What was given of the body under way lies at `body` from here on. Needs: hasher_pause, and no hasher_give since. */
void hasher_moved(struct hasher *hasher, const uint8_t *body);

/* All that was given is in the seal. The next hasher_give is of a new body. */
void hasher_finish(struct hasher *hasher);

/* Whoever works in parts has the thread's help; the parts themselves may not call the hasher. NULL: there is no thread. */
const struct sharing *hasher_sharing(const struct hasher *hasher);

/* What the thread has worked, in nanoseconds of processor time; 0: there is none. For measurements. */
uint64_t hasher_worked_ns(const struct hasher *hasher);

#endif /* NODE_HASHER_H */
