/* The real source of what a node supplies: its checkpoints, its lineage, its chain, its log.
 *
 * Owner    the consensus loop's thread, from the first hook on
 * Memory   supply_files_new gives, supply_files_free frees; one open checkpoint a peer's question names, up to
 *          SUPPLY_READERS_MAX
 * Cost     through the page cache; opening a checkpoint reads its manifest
 */

#ifndef LEDGER_SUPPLY_FILES_H
#define LEDGER_SUPPLY_FILES_H

#include "common/progress.h"
#include "ledger/consensus.h"
#include "ledger/supply.h"

#define SUPPLY_READERS_MAX 2

struct backfill_relay;
struct supply_files;

struct supply_files_options {
    const char *checkpoint_directory; /* with the lineage */
    const char *chain_directory;      /* NULL: no blocks */
    bool archive; /* it keeps all bodies; offered when it has them since the genesis */
    struct backfill_relay
        *backfill; /* whose questions and answers go over the same links; or NULL */
    const struct progress *progress; /* heights, and which checkpoint is offered */
};

/* NULL: no memory. The options' strings are copied. */
MUST_CHECK struct supply_files *supply_files_new(const struct supply_files_options *options);
void supply_files_free(struct supply_files *files);

/* What consensus_run calls. */
struct consensus_supply supply_files_hooks(struct supply_files *files);

/* The same source without a log: for a node that is only joining, or for tests. */
struct supply_source supply_files_source(struct supply_files *files);

#endif /* LEDGER_SUPPLY_FILES_H */
