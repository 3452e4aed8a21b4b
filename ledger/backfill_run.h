/* The thread that fetches the blocks below a node's beginning, and the files they go to.
 *
 *     CHAIN/earlier/          a chain of its own (chain.h), from block 1 on; readers take both for one
 *     CHAIN/earlier/proven    headers on their way: 448 bytes a height, block 1's first; what is not written yet is a
 *                             hole. Nothing says what is right of it but the hashes; gone when all blocks are here
 *
 * A damaged earlier chain is cut where the damage begins, and fetched again from there on. A failure ends the fetching,
 * not the node: trading needs none of this; the next start tries again.
 *
 * Owner    backfill_run is the thread's body. It writes progress.backfill*.
 * Memory   a few MiB, and the bodies under way (backfill.h)
 * Progress blocks: in writes, and on its park
 */

#ifndef LEDGER_BACKFILL_RUN_H
#define LEDGER_BACKFILL_RUN_H

#include "common/genesis.h"
#include "common/progress.h"
#include "common/status.h"
#include "ledger/backfill_relay.h"

struct backfill_run_options {
    const struct genesis *genesis;
    uint32_t node;
    const char *chain_directory;
    const char *lineage_directory; /* the steps of the validators (lineage.h) */
    /* What releases need of what is pruned goes here (release_shelf.h); may be NULL. */
    const char *releases_directory;
    uint64_t bodies_kept; /* below the newest checkpoint; 0: all */
    bool projects;        /* bodies that are not projected yet are wanted, and kept */
    struct backfill_relay *relay;
    struct park *park;
    struct progress *progress;
};

/* Says in progress whether there is anything to fetch, so that nobody believes meanwhile that nothing will come. Before
 * the threads start; after the chain's folder is what it will be. */
void backfill_announce(const struct backfill_run_options *options);

/* Runs until everything is here, or progress.stopping. Failures are logged, and in progress. */
void backfill_run(const struct backfill_run_options *options);

#endif /* LEDGER_BACKFILL_RUN_H */
