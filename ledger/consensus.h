/* The replicated log at work: a replica on a thread of its own, between rings, timers and the links to others.
 *
 * One loop thread takes commands and votes from its rings and messages from its peers, and hands every entry
 * that is both committed and on this node's disk to the engine, in index order (replica.h). A cluster of
 * one takes the same road as a larger one, and listens nowhere.
 *
 * Owner    consensus_run is the thread's body. It is the consumer of the submission, `votes` and `changes`
 *          rings, the producer of `batches` and `marks`, and the writer of the consensus loop's fields of
 *          progress and of the wal_* and peer_* metrics.
 * Memory   everything in the options outlives the call; the call frees what it takes
 * Limits   CONSENSUS_SUBMISSIONS_MAX rings of commands, CONSENSUS_VOTES_MAX of votes. A full `batches` ring pauses delivery and proposing, so the
 *          submission rings fill and their producers answer "busy". A full `marks` ring loses the mark:
 *          that checkpoint is then not made here.
 * Cost     one write to the log for everything that arrived during the one before
 * Progress blocks: on its park, and in the write
 */

#ifndef LEDGER_CONSENSUS_H
#define LEDGER_CONSENSUS_H

#include "common/metrics.h"
#include "common/node_set.h"
#include "common/park.h"
#include "common/progress.h"
#include "common/ring.h"
#include "common/status.h"
#include "ledger/peers.h"
#include "ledger/vetting.h"

struct replica;
struct replica_base;

#define CONSENSUS_SUBMISSIONS_MAX 8
#define CONSENSUS_VOTES_MAX       2

/* Answers what peers ask beside the log (ledger/supply.h), on the loop's thread. All zero: nobody does. */
struct consensus_supply {
    void *context;
    /* Once, before anything else; both are good until consensus_run returns. */
    void (*begin)(void *context, const struct peers *peers, struct replica *replica);
    void (*message)(void *context, uint32_t node, const uint8_t *bytes, size_t byte_count);
    /* Bounded work, once a round of the loop. True: there is more. */
    bool (*turn)(void *context);
    /* Whom there are links to, at the beginning and whenever that changes; may be NULL. */
    void (*nodes)(void *context, const struct node_set *nodes);
};

/* Who looks at what other members send (ledger/vetting.h), on the loop's thread. All zero: nobody does. */
struct consensus_vetting {
    struct vetting vetting; /* its context is theirs, too */
    /* Once a round of the loop: takes what has become known. */
    void (*turn)(void *context);
    /* Whether the loop may sleep: who has something for it was told to wake it, and had nothing meanwhile. */
    bool (*rest)(void *context);
    void (*awake)(void *context);
};

struct consensus_options {
    const char *wal_directory; /* exists; used by this node alone */
    uint64_t segment_bytes;    /* of the write-ahead log; 0 for the default */
    const struct genesis *genesis;
    uint32_t node;
    const struct node_set *nodes;    /* that the base's state says; NULL: the genesis' */
    const struct replica_base *base; /* NULL: from the genesis */
    const struct node_set
        *introduced; /* who the members are said to be (roster.h), of a node that joined; or NULL */

    const uint8_t *secret_key; /* SECRET_KEY_BYTES; NULL: no links, for a node that stays alone */
    const char *peer_host;     /* to listen on when there are others */
    uint16_t peer_port;

    struct ring *submissions[CONSENSUS_SUBMISSIONS_MAX]; /* records: one command each */
    uint32_t submission_count;
    struct ring *votes[CONSENSUS_VOTES_MAX]; /* a VOTE, CHECKPOINT_VOTE or LIABILITIES_VOTE each */
    uint32_t vote_ring_count;
    struct ring *changes; /* records: an event frame NODE_CHANGED each, put before the anchor raises
                           * progress.sealed_height past its block; or NULL */
    struct ring *batches; /* records: log index u64, then the batch; holds one of BATCH_BYTES_MAX */
    struct park *batches_park;
    struct ring *marks; /* records: replica_mark_put's bytes; or NULL */
    struct park *marks_park;
    struct park *park; /* woken by whoever publishes to us, drains `batches`, or stops us */

    struct consensus_supply supply;
    struct consensus_vetting vetting;
    struct metrics *metrics;
    struct progress *progress;
};

/* Runs until progress->stopping or the first failure. When stopping it gives leadership away first, for a
 * second at the most. STATUS_OK: stopped. STATUS_BEHIND: the others' logs begin above the end of this one, a
 * checkpoint is needed. STATUS_AMNESIAC, STATUS_DAMAGED (wal_repair.h), STATUS_MISMATCH (the log is another
 * chain's or node's, or differs from the leader's), STATUS_NO_SPACE, STATUS_IO, STATUS_UNSUPPORTED,
 * STATUS_NO_MEMORY, STATUS_ADDRESS_IN_USE, STATUS_MALFORMED (peer_host or the key): all logged.
 * Needs: hash_start was called. */
MUST_CHECK enum status consensus_run(const struct consensus_options *options);

#endif /* LEDGER_CONSENSUS_H */
