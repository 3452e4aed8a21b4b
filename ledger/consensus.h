/* The replicated log at work: commands in, agreed batches out, nothing handed on that is not on disk.
 *
 * One loop thread takes commands from the submission rings, lets sequence.h form batches, has the
 * consensus engine order them, writes them to the write-ahead log itself, and hands every entry that
 * is both committed and stored to the engine, in index order from entry 1 (the engine rebuilds from
 * the whole log at start). A cluster of one takes the same road as a larger one.
 *
 * Owner    consensus_run is the thread's body. It is the consumer of every submission ring, the
 *          producer of `batches`, and the writer of progress.delivered_command, replay_command,
 *          is_leader and term and of the wal_* metrics.
 * Memory   everything in the options outlives the call; the call frees what it takes
 * Limits   CONSENSUS_SUBMISSIONS_MAX rings. A full `batches` ring pauses delivery and the taking of
 *          submissions, so their rings fill and their producers answer "busy".
 * Cost     one write to the log for everything that arrived during the one before
 * Progress blocks: on its park, and in the write
 */

#ifndef LEDGER_CONSENSUS_H
#define LEDGER_CONSENSUS_H

#include "common/genesis.h"
#include "common/metrics.h"
#include "common/park.h"
#include "common/progress.h"
#include "common/ring.h"
#include "common/status.h"

#define CONSENSUS_SUBMISSIONS_MAX 8

struct consensus_options {
    const char *wal_directory; /* exists; used by this node alone */
    uint32_t node;             /* a member of genesis->validators */
    const struct genesis *genesis;
    struct ring *submissions[CONSENSUS_SUBMISSIONS_MAX]; /* records: one command each */
    uint32_t submission_count;
    struct ring *batches; /* records: log index u64, then the batch; holds one of BATCH_BYTES_MAX */
    struct park *batches_park;
    struct park *park; /* woken by whoever publishes a submission, drains `batches`, or stops us */
    uint64_t segment_bytes; /* of the write-ahead log; 0 for the default */
    struct metrics *metrics;
    struct progress *progress;
};

/* Runs until progress->stopping (STATUS_STOPPING is not reported: that end is STATUS_OK) or the
 * first failure, which has been logged: STATUS_NO_SPACE, STATUS_IO, STATUS_DAMAGED,
 * STATUS_UNSUPPORTED, STATUS_MISMATCH (the log is another chain's or node's), STATUS_NO_MEMORY.
 * Needs: hash_start was called. */
MUST_CHECK enum status consensus_run(const struct consensus_options *options);

#endif /* LEDGER_CONSENSUS_H */
