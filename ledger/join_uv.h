/* A node without its state, or with holes in its log, at the others' doors: on a loop of its own, until it has what it
 * needs.
 *
 *     join_run       a whole certified checkpoint in the directory        fetch.h
 *     join_repair    the entries that a damaged log lacks                 fetch_log.h, wal_repair.h
 *
 * It listens on the node's own address meanwhile, for of two members one calls the other, and answers their questions
 * with what it has.
 *
 * Owner    the calling thread, while the consensus loop does not run; writer of the join_* and peer_* metrics
 * Memory   malloc and an arena, freed at the end
 * Progress blocks until it is done, or progress->stopping
 */

#ifndef LEDGER_JOIN_UV_H
#define LEDGER_JOIN_UV_H

#include "common/metrics.h"
#include "common/node_set.h"
#include "common/progress.h"
#include "common/status.h"
#include "ledger/wal_repair.h"

struct join_options {
    const struct genesis *genesis;
    uint32_t node;
    const uint8_t *secret_key; /* SECRET_KEY_BYTES */
    const char *host;          /* to listen on */
    uint16_t port;
    const struct node_set *nodes; /* whom to ask; not believed */
    /* Validators that operators vouch for, in force from the height above `trusted_height` on; NULL: the genesis'. Needed
     * where a set had lost its quorum and could not sign the next one over. */
    const struct validator_set *trusted;
    uint64_t trusted_height;
    const char *checkpoint_directory; /* with the lineage, which grows by what was proved */
    struct metrics *metrics;          /* or NULL */
    struct progress *progress;        /* reads stopping and checkpoint_height */
};

/* STATUS_OK: the newest certified checkpoint is in the directory, *height is its. STATUS_NOT_FOUND: enough peers say that
 * there is none yet. STATUS_STOPPING. STATUS_MISMATCH: every peer has said what is not so, or nobody's checkpoint
 * follows from the trusted validators. Others, logged: the disk's, and those of peers_uv_listen. */
MUST_CHECK enum status join_run(const struct join_options *options, uint64_t *height);

/* Fills the holes of a log that wal_patch_begin has begun to mend, but for one at the tail, which the others' leader
 * fills when the node runs again. STATUS_OK: wal_patch_end may be called. STATUS_NOT_FOUND: nobody has these entries any
 * more: a checkpoint is needed. STATUS_STOPPING, and as join_run. */
MUST_CHECK enum status join_repair(const struct join_options *options, struct wal_patch *patch);

#endif /* LEDGER_JOIN_UV_H */
