/* The thread that makes checkpoints, while everybody else goes on.
 *
 *     consensus   delivers the SEAL ─► mark: where the log stands
 *     engine      has stepped it    ─► freezes its memory
 *     anchor      has sealed it     ─► freezes settlement's memory, hands over the digest
 *     gateway     has seen it       ─► hands over its market data
 *     this one    copies what is frozen, writes the sections, signs the root, proposes the vote
 *     anchor      has counted q votes ─► hands over the certificate
 *     this one    puts it beside the checkpoint: the log below may go, older checkpoints go
 *
 * When the liabilities of a checkpoint's height are due, it makes them too, once nobody is held up any more and the
 * checkpoint is certified, which the log and joiners wait for (liabilities_maker.h). They stop no node.
 *
 * Only one is made at a time: a height that comes while one is being made is left out, which the other
 * nodes see as a vote that is missing. A certificate for another root than this node's own is a
 * difference like any other: the node halts.
 *
 * Owner    maker_run is the thread's body. maker_engine, maker_anchor and maker_gateway are called
 *          by those threads, each for one height after the other.
 * Memory   an image of what engine and settlement have in use while it works (freeze.h); market data
 * Cost     the engine's thread: a freeze_begin, then copies of what it writes first; the gateway: its market
 *          data written once
 * Progress blocks on its park, in copies and in writes; nobody waits for it
 */

#ifndef NODE_CHECKPOINT_MAKER_H
#define NODE_CHECKPOINT_MAKER_H

#include "common/arena.h"
#include "common/freeze.h"
#include "common/genesis.h"
#include "common/park.h"
#include "common/progress.h"
#include "common/ring.h"
#include "common/status.h"
#include "node/digest.h"

struct checkpoint_maker;
struct engine;
struct liabilities_maker;
struct restore;

struct maker_options {
    const struct genesis *genesis;
    uint32_t node;
    const uint8_t *secret_key; /* SECRET_KEY_BYTES */
    const char *directory;     /* exists */
    const char *shelf;         /* of proof_shelf.h; NULL: none */
    uint32_t kept;             /* certified checkpoints that stay */
    const struct arena *engine_arena, *settlement_arena;
    const struct engine *engine;
    const struct settlement *settlement;
    struct ring *marks;        /* in: where the log stands at a SEAL (consensus.h) */
    struct ring *certificates; /* in: height u64, bytes of a certificate; from the anchor */
    struct ring *votes;        /* out: CHECKPOINT_VOTE commands, to the consensus loop */
    struct park *park;         /* this thread's own */
    struct park *consensus_park;
    struct progress *progress;
    struct liabilities_maker
        *liabilities; /* this thread's from maker_run on; NULL: none are made */
};

/* From here on it takes the first checkpoint that comes, also before maker_run has begun. NULL: no memory, or a range
 * that cannot be frozen; logged.
 * Needs: no other thread uses the arenas yet. */
MUST_CHECK struct checkpoint_maker *maker_new(const struct maker_options *options);
void maker_free(struct checkpoint_maker *maker);

/* Runs until progress->stopping (STATUS_OK) or the first failure: STATUS_NO_SPACE, STATUS_IO,
 * STATUS_NO_MEMORY, logged. */
MUST_CHECK enum status maker_run(struct checkpoint_maker *maker);

/* The engine thread: block `height`, a checkpoint's, has just ended in the engine. */
void maker_engine(struct checkpoint_maker *maker, uint64_t height);

/* The anchor: it has ended in settlement and digest. `header` is its header; `liabilities`: those of this height are
 * due. */
void maker_anchor(struct checkpoint_maker *maker, uint64_t height, const struct digest *digest,
                  const uint8_t *header, bool liabilities);

/* The gateway: it has ended in the views. */
void maker_gateway(struct checkpoint_maker *maker, uint64_t height, const struct restore *views);

#endif /* NODE_CHECKPOINT_MAKER_H */
