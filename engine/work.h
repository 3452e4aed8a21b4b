/* The work queue: orders that wait for their turn within a command.
 *
 * First in, first out. Two kinds of work: a stop that a trade has fired, and the pending orders of a
 * list whose working order is filled. Each order enters at most once, so that a cascade ends.
 *
 * Owner    the engine thread
 * Cost     O(1) an order, beside what it then does
 */

#ifndef ENGINE_WORK_H
#define ENGINE_WORK_H

#include "engine/state.h"

/* Appends an order. Needs: it is dormant, and neither asleep nor in the queue. */
void work_push(struct engine *engine, uint32_t slot);

/* Takes an order out that ends before its turn. */
void work_remove(struct engine *engine, uint32_t slot);

/* Appends what the prices of the run just over fire. */
void work_fire(struct engine *engine, uint16_t market);

/* Puts a stop to sleep, starts it, or, when the last price meets its condition already, appends it.
 * Needs: it is dormant. */
void work_sleep(struct engine *engine, uint32_t slot);

/* Does all work there is. */
void work_drain(struct engine *engine, struct event_writer *out);

#endif /* ENGINE_WORK_H */
