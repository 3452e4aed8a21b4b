/* An audit's blocks, executed again: bytes, links, money, events, roots and certificates of each.
 *
 * Failures are said in the audit's result.
 */

#ifndef NODE_VERIFY_EXECUTE_H
#define NODE_VERIFY_EXECUTE_H

#include "node/verify_state.h"

/* Blocks `first` to `tip`, none when that is below. STATUS_OK: they are right; result->executed_from is set then.
 * Needs: engine, settlement and conservation stand at the block below, `previous` is that, and verify_execute_events was
 * STATUS_OK. */
MUST_CHECK enum status verify_execute(struct audit *audit, uint64_t first, uint64_t tip);

/* Room for what a command of this engine gives. */
MUST_CHECK enum status verify_execute_events(struct audit *audit);

/* The count of money, at the genesis. False: there is no memory. */
MUST_CHECK bool verify_execute_money(struct audit *audit);

/* Says so. Returns STATUS_NO_MEMORY. */
enum status verify_execute_no_memory(struct audit *audit);

#endif /* NODE_VERIFY_EXECUTE_H */
