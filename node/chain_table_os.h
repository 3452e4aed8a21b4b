/* The chain's files as the gateway reads them: fills struct chain_source (gateway/chain_source.h) from the
 * chain, the tree of headers, the lineage of the voters and the folder of evidence.
 *
 * Owner    one gateway loop; what it opens is its own
 * Memory   chain_table_open gives, chain_table_close frees
 */

#ifndef NODE_CHAIN_TABLE_OS_H
#define NODE_CHAIN_TABLE_OS_H

#include "common/assert.h"
#include "common/status.h"

struct chain_source;
struct chain_table;

struct chain_table_paths {
    const char *chain;    /* folders */
    const char *evidence; /* need not be there */
    const char *history;  /* the file; need not be there yet */
    const char
        *lineage; /* the folder that has it (ledger/lineage.h); the file need not be there yet */
};

/* STATUS_NO_MEMORY otherwise. Needs: the texts outlive the table. */
MUST_CHECK enum status chain_table_open(const struct chain_table_paths *paths,
                                        struct chain_table **table);
void chain_table_close(struct chain_table *table);

/* Good until chain_table_close. */
const struct chain_source *chain_table_source(const struct chain_table *table);

#endif /* NODE_CHAIN_TABLE_OS_H */
