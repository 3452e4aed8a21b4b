/* What a node starts from: the newest checkpoint on its disk that is whole, or the genesis.
 *
 * Everything of it is checked against its certificate: the signatures by the voters of its height, chunks by their
 * hashes, settlement's roots and the digest by the header that was signed. One that is damaged, in whatever file, is
 * left for the next older; which file it was is in the log, and the node fetches it again when it needs to.
 *
 * Owner    the main thread, before the others start
 * Memory   start_open to start_close; the sections are mapped in between
 */

#ifndef NODE_START_H
#define NODE_START_H

#include "common/arena.h"
#include "common/node_set.h"
#include "ledger/checkpoint.h"
#include "ledger/replica.h"
#include "node/digest.h"

struct engine;

struct start {
    const struct genesis *genesis;
    uint64_t height; /* of the checkpoint; 0: the genesis */
    struct checkpoint_reader *reader;
    struct replica_base base;
    struct node_set nodes; /* as decided, also what counts only from a later block on */
    const uint8_t *sections[CHECKPOINT_SECTIONS];
    size_t section_bytes[CHECKPOINT_SECTIONS];
};

/* Chooses. STATUS_OK also for the genesis; STATUS_IO, STATUS_NO_MEMORY, logged. */
MUST_CHECK enum status start_open(struct start *start, const char *directory,
                                  const struct genesis *genesis);
void start_close(struct start *start);

/* For an auditor: the checkpoint of this height, its folder left as it is and its signatures not checked. The start is
 * then used like any other. STATUS_NOT_FOUND: no whole one is there; STATUS_DAMAGED, logged; and as start_open. */
MUST_CHECK enum status start_audit(struct start *start, const char *directory,
                                   const struct genesis *genesis, uint64_t height);

/* The engine, new or restored; what the log says of origins is in `start` from then on. Statuses of
 * restore_engine, logged. */
MUST_CHECK enum status start_engine(struct start *start, struct arena *arena,
                                    struct engine **engine);

/* Settlement and the digest over it, new or restored, with the very roots that the checkpoint's header
 * has; STATUS_MISMATCH otherwise, STATUS_NO_MEMORY and others of restore_settlement, logged. */
MUST_CHECK enum status start_settlement(struct start *start, struct arena *arena,
                                        const uint8_t tree_secret[HASH_BYTES],
                                        struct settlement **settlement, struct digest *digest);

/* The chain's folder: one that ends below the checkpoint, or begins above it, goes to its quarantine, and an empty one begins at
 * the checkpoint's block. STATUS_DAMAGED: what is damaged must be put aside first (chain_mend). Failures have been
 * logged. */
MUST_CHECK enum status start_chain(const struct start *start, const char *directory);

#endif /* NODE_START_H */
