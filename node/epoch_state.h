/* What the files of a stopped node say, for a change of the epoch: its chain, whose statements count, its log's end.
 *
 * The node's folder is locked meanwhile as by the node itself.
 *
 * Owner    the main thread of `quorex epoch`
 * Memory   epoch_state_open to epoch_state_close
 * Cost     the bodies above the newest checkpoint are read, and the log once
 */

#ifndef NODE_EPOCH_STATE_H
#define NODE_EPOCH_STATE_H

#include "ledger/chain.h"
#include "ledger/epoch_report.h"
#include "node/membership.h"
#include "node/node_files.h"
#include "node/pid_file.h"
#include "node/start.h"

struct epoch_state {
    struct node_files files;
    struct pid_file pid_file;
    bool locked;
    struct start start;
    struct membership membership; /* of the block that would come next */
    struct validator_set voters;  /* likewise */
    hash_t chain_id;
    struct chain *chain; /* a reader */
    uint64_t tip;

    uint64_t base_index,
        base_commands; /* where the log is read from: the newest checkpoint, or the genesis */
    uint64_t log_commit;
    uint64_t log_index, log_term; /* its end; an empty log's index is 0 */
    hash_t log_hash;
    uint32_t mark_count;
    struct epoch_mark *marks; /* of its last entries, EPOCH_MARKS_MAX at the most */
};

/* STATUS_EXISTS: the node runs. STATUS_MISMATCH: a change of the voters is under way, or chain and checkpoint do not
 * fit together. STATUS_DAMAGED, STATUS_AMNESIAC and others: start the node first, it says what is wrong and mends
 * what can be mended. All logged. epoch_state_close in any case. */
MUST_CHECK enum status epoch_state_open(struct epoch_state *state, const struct config *config);
void epoch_state_close(struct epoch_state *state);

/* The last block whose commands are all among the first `commands`; 0: none. */
uint64_t epoch_state_height_of(struct epoch_state *state, uint64_t commands);

#endif /* NODE_EPOCH_STATE_H */
