/* The liabilities of a checkpoint's height: made, voted for, certified (docs/liabilities.md).
 *
 *     checkpoint maker  has written the checkpoint and let everybody go on ─► make: the file, this node's vote
 *     anchor            has counted q votes ─► its certificate
 *     turn              puts totals proof and certificate behind the file: from then on it is published
 *
 * What was made and has no certificate yet is taken up again after a restart. A certificate for another root than this
 * node's own is a difference like any other: the node halts. One that comes before this node has made its own waits
 * for it.
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
    struct progress *progress;
    struct metrics *metrics;
};

/* NULL: no memory; logged. */
MUST_CHECK struct liabilities_maker *liabilities_maker_new(
    const struct liabilities_maker_options *options);
void liabilities_maker_free(struct liabilities_maker *maker); /* NULL is let be */

/* Takes up what an earlier life has made and not seen certified. A failure has been logged; it is none of the node's. */
void liabilities_maker_resume(struct liabilities_maker *maker);

/* The liabilities of this header's block are due, and its shelf file is written. STATUS_STOPPING: the node stops. Another
 * failure has been logged and leaves them out, but for STATUS_NO_SPACE and STATUS_IO. */
MUST_CHECK enum status liabilities_maker_make(struct liabilities_maker *maker,
                                              const uint8_t header[BLOCK_HEADER_BYTES]);

/* Takes certificates, finishes what has one, votes again where none came. STATUS_NO_SPACE, STATUS_IO: logged. */
MUST_CHECK enum status liabilities_maker_turn(struct liabilities_maker *maker);

#endif /* NODE_LIABILITIES_MAKER_H */
