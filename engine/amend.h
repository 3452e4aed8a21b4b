/* Less quantity, same place in the queue.
 *
 * Owner    the engine thread
 */

#ifndef ENGINE_AMEND_H
#define ENGINE_AMEND_H

#include "engine/state.h"

#include "common/reject.h"

/* REJECT_NONE when the order is amended; otherwise nothing changed. */
enum reject amend_order(struct engine *engine, const struct command *command,
                        struct event_writer *out);

#endif /* ENGINE_AMEND_H */
