/* How an order that was just placed went: read from what its command wrote, to be told again.
 *
 * Owner    the engine thread
 */

#ifndef ENGINE_OUTCOME_H
#define ENGINE_OUTCOME_H

#include "engine/state.h"

/* Remembers the last order of its market, which the command in hand has placed, in engine->repeats. `mark`: where the
 * events of that began. */
void outcome_remember(struct engine *engine, const struct order_place_command *place, size_t mark,
                      const struct event_writer *out);

#endif /* ENGINE_OUTCOME_H */
