/* One market of a snapshot: its numbers, averages, orders and lists, and who waits where.
 *
 * Owner    restore.c
 */

#ifndef ENGINE_RESTORE_MARKET_H
#define ENGINE_RESTORE_MARKET_H

#include "engine/sections.h"
#include "engine/state.h"

/* Reads the next market of the snapshot, which is that of this index. False when what it says cannot be.
 * Needs: parameters and accounts are restored; `touched` of each balance is what no order has explained. */
MUST_CHECK bool restore_market(struct engine *engine, struct sections *sections, uint16_t market);

#endif /* ENGINE_RESTORE_MARKET_H */
