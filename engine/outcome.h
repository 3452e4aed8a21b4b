/* How an order that was just placed went: read from what its command wrote, to be told again to who asks for the same.
 *
 * Owner    the engine thread
 */

#ifndef ENGINE_OUTCOME_H
#define ENGINE_OUTCOME_H

#include "common/order_tag.h"
#include "engine/state.h"

/* Remembers the last order of its market, which the command in hand has placed, in engine->repeats. `mark`: where the
 * events of that began. */
void outcome_remember(struct engine *engine, const struct order_place_command *place, size_t mark,
                      const struct event_writer *out);

/* Whether the order that went so is what `place` and `tag` ask for, in all but its name and the session that it is bound
 * to: a client that asks again may do so by another connection. */
bool outcome_is_of(const struct order_repeated_event *outcome,
                   const struct order_place_command *place, struct order_tag tag);

#endif /* ENGINE_OUTCOME_H */
