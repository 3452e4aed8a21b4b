/* A market's part of a snapshot on its way in: ids, open orders, lists, and the prices that some trail.
 *
 * Needs the parameters and accounts that were loaded before. An order's hold is taken off the account's
 * engine_held, which at the end must be 0 (restore.c).
 *
 * Owner    whoever restores a settlement
 */

#ifndef SETTLEMENT_RESTORE_ORDER_H
#define SETTLEMENT_RESTORE_ORDER_H

#include "settlement/snapshot.h"
#include "settlement/state.h"

/* False when the records say what no settlement's state is. */
MUST_CHECK bool restore_orders(struct settlement *s, struct settled_sections *sections,
                               uint16_t market);

#endif /* SETTLEMENT_RESTORE_ORDER_H */
