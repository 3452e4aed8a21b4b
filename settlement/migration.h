/* The schema brought to the newest number, its owner, and its partitions.
 *
 * Owner    the PostgreSQL writer's thread
 */

#ifndef SETTLEMENT_MIGRATION_H
#define SETTLEMENT_MIGRATION_H

#include "common/assert.h"
#include "common/block_header.h"
#include "common/status.h"

#include <stdbool.h>

struct database;

/* Brings the schema to the newest number, in one transaction; waits for another that does. Leaves a database alone that a
 * newer build has brought further: MISMATCH, and the log says so when `is_news`. */
MUST_CHECK enum status migration_run(struct database *database, bool is_news);

/* Makes an empty database the chain's; leaves one of another chain alone: MISMATCH, and the log says so when `is_news`. */
MUST_CHECK enum status migration_claim(struct database *database, const hash_t *chain_id,
                                       bool is_news);

/* Makes the partitions of commands from `first` up to `last`, and one ahead, so that no batch waits for one. `made_to`
 * is below which they are known to be there, 0: nothing is known. Attaching an empty table does not wait for readers.
 * Needs: no transaction is open. */
MUST_CHECK enum status migration_partitions(struct database *database, uint64_t span,
                                            uint64_t first, uint64_t last, uint64_t *made_to);

#endif /* SETTLEMENT_MIGRATION_H */
