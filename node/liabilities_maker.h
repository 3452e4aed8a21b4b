/* The liabilities of a checkpoint's height: made, voted for, certified (docs/liabilities.md).
 *
 *     checkpoint maker  has written the checkpoint and let everybody go on ─► due: its height is marked
 *                       has seen it certified, or waited long enough ─► make: the file, this node's vote
 *     anchor            has counted q votes ─► its certificate
 *     turn              puts totals proof and certificate behind the file: from then on it is published
 *
 * What is marked is made after a restart, and what was made and has no certificate yet is taken up again. A certificate
 * for another root than this node's own is a difference like any other: the node halts. One that comes before this
 * node has made its own waits for it.
 *
 * Nothing else of all this stops a node: where the disk is full or broken, the liabilities of that height are given up.
 * A failure is logged, and counted in liabilities_failed_total.
 *
 * Owner    the thread of the checkpoint maker
 * Memory   settlement/liabilities_file.h while it makes one; a reader of the chain
 * Cost     settlement/liabilities_file.h; nobody waits for it, but checkpoints that come meanwhile are left out
 * Progress blocks in reads and writes of files
 */

#ifndef NODE_LIABILITIES_MAKER_H
#define NODE_LIABILITIES_MAKER_H

#include "common/block_header.h"
#include "common/genesis.h"
#include "common/metrics.h"
#include "common/park.h"
#include "common/progress.h"
#include "common/ring.h"
#include "common/status.h"

/* A vote that no certificate followed is proposed again, for five minutes: the others have made theirs by then, or will
 * not. */
#define LIABILITIES_VOTE_AGAIN_NS UINT64_C(5000000000)
#define LIABILITIES_VOTE_TRIES    60

struct liabilities_maker;
struct settlement;

struct liabilities_maker_options {
    const struct genesis *genesis;
    uint32_t node;
    const uint8_t *secret_key;   /* SECRET_KEY_BYTES */
    const char *directory;       /* of liabilities_file.h; made when needed */
    const char *shelf;           /* of proof_shelf.h */
    const char *chain_directory; /* of the chain that the anchor writes */
    const struct settlement *settlement;
    struct ring *certificates; /* in: height u64, bytes of a certificate; from the anchor */
    struct ring *votes;        /* out: LIABILITIES_VOTE commands, to the consensus loop */
    struct park *consensus_park;
    uint64_t vote_again_ns;
    struct progress *progress;
    struct metrics *metrics;
};

/* NULL: no memory; logged. */
MUST_CHECK struct liabilities_maker *liabilities_maker_new(
    const struct liabilities_maker_options *options);
void liabilities_maker_free(struct liabilities_maker *maker); /* NULL is let be */

/* Sees what an earlier life has not made, or not seen certified; turn takes it up once the chain can be read. */
void liabilities_maker_resume(struct liabilities_maker *maker);

/* The liabilities of this height are due, and its shelf file is written. */
void liabilities_maker_due(struct liabilities_maker *maker, uint64_t height);

/* Makes those of this header's block, which are due. */
void liabilities_maker_make(struct liabilities_maker *maker,
                            const uint8_t header[BLOCK_HEADER_BYTES]);

/* Takes certificates, finishes what has one, votes again where none came: for some minutes, and while the epoch of their
 * block lasts. Needs: nothing waits for this thread; it may make what was not made before a restart. */
void liabilities_maker_turn(struct liabilities_maker *maker);

#endif /* NODE_LIABILITIES_MAKER_H */
