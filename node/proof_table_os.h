/* Proofs out of what the node has: fills struct proof_source (gateway/proof_source.h) from settlement's journal, the
 * chain's files and the index of trades.
 *
 * Nothing is handed out that does not lead to the block's header, which a certificate covers.
 *
 * Owner    one gateway loop; the readers that it opens are its own
 * Memory   proof_table_open gives, proof_table_close frees; some 400 KiB, and a block's fills while one is proved
 */

#ifndef NODE_PROOF_TABLE_OS_H
#define NODE_PROOF_TABLE_OS_H

#include "common/assert.h"
#include "common/status.h"

struct proof_journal;
struct proof_source;
struct proof_table;
struct settlement;

struct proof_table_options {
    const char *chain;       /* folders */
    const char *trades;      /* need not be there yet */
    const char *releases;    /* likewise, of release_shelf.h; NULL: while bodies are here */
    const char *shelf;       /* likewise, of proof_shelf.h; NULL: none */
    const char *liabilities; /* likewise, of liabilities_file.h; NULL: none */
    const struct proof_journal *journal; /* NULL: no accounts, no totals */
    const struct settlement *settlement; /* that keeps it */
};

/* STATUS_NO_MEMORY, or that of the chain. Needs: what the options name outlives the table. */
MUST_CHECK enum status proof_table_open(const struct proof_table_options *options,
                                        struct proof_table **table);
void proof_table_close(struct proof_table *table);

/* Good until proof_table_close. */
const struct proof_source *proof_table_source(const struct proof_table *table);

#endif /* NODE_PROOF_TABLE_OS_H */
