/* The settlement thread: every applied command settled, sealed, compared and voted on.
 *
 * It takes applied parts from its ring, puts one body record a command together, books them
 * (settlement), and at each SEAL computes the header. A height the chain files already hold is
 * compared, a new one is appended. It signs at most one hash a height (sign_once.h), sends the vote
 * through the log like every other node, and makes certificates of the votes that come back.
 *
 * With each block come some accounts' balances as the engine's memory has them: they must be settlement's and the
 * account tree's too, before the block is written or signed (settlement/reconcile.h).
 *
 * When operators have decided on a change of the epoch (node/epoch.h), each node has the command in a file and proposes
 * it, once it is of the present epoch and this node has nothing against it, until it has come out of the log. It
 * goes the way of the votes, which are admitted when nothing else is.
 *
 * At the first checkpoint of each hour of log time, and at the next one after an operator's order, the liabilities are due
 * (docs/liabilities.md): whoever makes checkpoints is told so, and gets the certificate of their votes.
 *
 * A difference anywhere (the engine's arithmetic, a stored header, a certified one) halts the node:
 * progress.halted is 1, the log says what differs, nothing is signed or written any more. The thread
 * then only drains its ring, so that the process stays there to be looked at.
 *
 * anchor_run is a thread's body; the simulator drives the same with anchor_open, anchor_turn, anchor_close.
 *
 * It follows the node set and the epoch: votes at each height count for the set of that height; this node
 * votes for those at which it is a voter; header and certificate with which one set hands over to the next are
 * kept (lineage.h), and so is evidence of whoever signs twice (evidence.h).
 *
 * Owner    the thread that calls: consumer of `applied`, producer of the rings that go out, writer of the
 *          chain directory, the sign-once file, lineage and evidence, of the anchor's fields of progress
 *          and of the metrics of those names
 * Memory   everything in the options outlives the call; the call frees what it takes
 * Limits   a full `votes` ring, or any of the `notices`, keeps its record here until there is room; for the votes
 *          only the newest matters, for the notices the chain files are the memory. A full `facts` ring stops it
 * Progress blocks on its park and in writes to the chain; a vote in two synchronous writes
 */

#ifndef NODE_ANCHOR_H
#define NODE_ANCHOR_H

#include "common/genesis.h"
#include "common/metrics.h"
#include "common/park.h"
#include "common/progress.h"
#include "common/ring.h"
#include "common/status.h"
#include "node/digest.h"
#include "node/hasher.h"

#define ANCHOR_NOTICES_MAX 8 /* gateway loops */

struct anchor_options {
    const struct genesis *genesis;
    uint32_t node;               /* this node's id; one that is no voter does not vote */
    const uint8_t *secret_key;   /* SECRET_KEY_BYTES: the node's Ed25519 key */
    const uint8_t *tree_secret;  /* 32 bytes; of no use with `digest` */
    struct digest *digest;       /* new or restored, moved on here; NULL: one of the anchor's own */
    const char *chain_directory; /* exists; used by this node alone */
    const char *sign_once_path;
    const char *history_path;       /* of history_store.h; may be NULL */
    const char *trades_directory;   /* of trade_index.h; may be NULL */
    const char *releases_directory; /* of release_shelf.h; may be NULL */
    const char *lineage_directory;  /* for lineage.h; may be NULL */
    const char *evidence_directory; /* made when needed (evidence.h); may be NULL */
    const char *
        epoch_change_path; /* a file with an EPOCH_CHANGE to propose (epoch.h); none, or NULL: nothing */

    struct ring *applied; /* in: applied parts, from the engine thread */
    struct park *park;    /* this thread's own */
    struct ring *votes;   /* out: VOTE commands, to the consensus loop; may be NULL */
    struct ring *changes; /* out: NODE_CHANGED events (change_queue.h), likewise; may be NULL */
    struct ring *
        facts; /* out: events by which a command may stand (settlement/mandate_book.h), likewise, before
                         * progress.settled_command passes their command; or NULL */
    struct park *consensus_park;
    struct ring
        *notices[ANCHOR_NOTICES_MAX]; /* out: BLOCK_SEALED, BLOCK_CERTIFIED, to each gateway loop */
    struct park *gateway_parks[ANCHOR_NOTICES_MAX];
    uint32_t notice_count;     /* of such rings, which may be 0 */
    struct ring *certificates; /* out: height u64, certificate of a checkpoint; may be NULL */
    struct ring *liabilities;  /* out: the same of liabilities; may be NULL */
    struct park *maker_park;
    struct park *store_park; /* woken when a block was appended; may be NULL */
    struct ring *slices; /* in: balances at each block's end, from the engine thread; may be NULL */
    struct ring
        *compared; /* out: the same to the PostgreSQL writer, when they were right; may be NULL */

    /* A block that checkpoint_blocks divides has ended in settlement and digest, and nothing has come
     * since; called on this thread. `liabilities`: those of this height are to be published. May be NULL. */
    void (*checkpoint)(void *context, uint64_t height, const struct digest *digest,
                       const uint8_t *header, bool liabilities);
    void *checkpoint_context;

    /* Bodies that stay below the newest certified checkpoint (progress.checkpoint_height), whole files at a
     * time; 0: all of them. With `projects` none goes that the PostgreSQL writer has not read yet. */
    uint64_t bodies_kept;
    bool projects;

    enum hasher_kind
        hasher; /* who hashes beside this thread: nobody, unless something else is said */

    struct metrics *metrics;
    struct progress *progress;
};

/* Runs until progress->stopping and its ring is empty (STATUS_OK), or the first failure, which has
 * been logged: STATUS_NO_MEMORY, STATUS_NO_SPACE, STATUS_IO, STATUS_DAMAGED (chain files or
 * sign-once file), STATUS_EXISTS (another process has them), STATUS_MALFORMED (the key is not the
 * member's), STATUS_MISMATCH (the chain files do not go on where the state does), STATUS_AMNESIAC (this node
 * votes, and what it has signed is not known: no sign-once file, or one that is older than the votes in the
 * log). Halting is not a failure: the call goes on.
 * Needs: hash_start was called. */
MUST_CHECK enum status anchor_run(const struct anchor_options *options);

/* ---- What anchor_run is made of. ---- */

struct anchor;

/* Ready for its first turn. Failures as anchor_run; then there is no anchor to close.
 * Needs: `options` outlives the anchor. */
MUST_CHECK enum status anchor_open(const struct anchor_options *options, struct anchor **anchor);

/* Takes some of what there is, votes, tells. True: there may be more, call again at once; else when its ring
 * has something, or after some 100 ms. `now_ns` is monotonic. After a failure it does nothing. */
bool anchor_turn(struct anchor *anchor, uint64_t now_ns);

/* STATUS_OK until the first failure, which has been logged. */
enum status anchor_status(const struct anchor *anchor);

/* NULL is let be. */
void anchor_close(struct anchor *anchor);

#endif /* NODE_ANCHOR_H */
