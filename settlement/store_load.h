/* What the database knows below its cursor, taken into a store: listings, balances, orders of open lists.
 *
 * Owner    the PostgreSQL writer's thread
 */

#ifndef SETTLEMENT_STORE_LOAD_H
#define SETTLEMENT_STORE_LOAD_H

#include "common/assert.h"
#include "common/status.h"

#include <stdbool.h>

struct database;
struct store;

/* Assets and markets. MALFORMED when they do not follow the store's genesis; the log says so when `is_news`. */
MUST_CHECK enum status store_load_listings(struct store *store, struct database *database,
                                           bool is_news);

/* The whole of the balance table, which is true at balances_height, a part at a time. MALFORMED likewise. Needs: the
 * cursor was read before: whoever changes the table from here on moves the cursor too, and then nothing of ours is
 * committed. */
MUST_CHECK enum status store_load_balances(struct store *store, struct database *database,
                                           bool is_news);

/* The orders that are open and of a list. MALFORMED likewise. Needs: the cursor was read before, as for balances. */
MUST_CHECK enum status store_load_lists(struct store *store, struct database *database,
                                        bool is_news);

#endif /* SETTLEMENT_STORE_LOAD_H */
