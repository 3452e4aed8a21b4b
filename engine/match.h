/* The verb: one command in, its events out.
 *
 * Price-time priority; makers' prices; funds are held before an order matches; a refused command
 * changes nothing but its origin's sequence. Which refusal wins when several apply: origin sequence,
 * deadline, account, market, market status, then in the order of filters.h, then duplicate client id,
 * MAX_NUM_ORDERS, ORDERS_FULL, WOULD_TAKE, NOTIONAL of a MARKET order, balance.
 *
 * Events of one command: ORDER_ACCEPTED; per match FILL and, when the maker is done, its ORDER_DONE;
 * ORDER_DONE of the taker unless it rests; LEVELs in the order they changed; BALANCEs in the order they
 * were touched. A refusal is REFUSED alone. VOTE is counted and has no event.
 *
 * Owner    the engine thread
 * Limits   a command has at most engine_event_bytes_max bytes of events
 * Cost     O(1) an order and a fill at a known price; a new price costs one descent of its ladder
 */

#ifndef ENGINE_MATCH_H
#define ENGINE_MATCH_H

#include "engine/engine.h"

/* Applies the command that has this number in the log at engine time `stamp_ns`.
 * Needs: number is one above the last; `out` has room for engine_event_bytes_max. */
void match_step(struct engine *engine, const struct command *command, uint64_t number,
                uint64_t stamp_ns, struct event_writer *out);

#endif /* ENGINE_MATCH_H */
