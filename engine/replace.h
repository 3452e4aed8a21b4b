/* Cancels one order and places another, in one command.
 *
 * Owner    the engine thread
 */

#ifndef ENGINE_REPLACE_H
#define ENGINE_REPLACE_H

#include "engine/state.h"

#include "common/reject.h"

/* REJECT_NONE when it was tried: ORDER_REPLACED then says how both halves went. Otherwise nothing
 * changed. */
enum reject replace_order(struct engine *engine, const struct command *command,
                          struct event_writer *out);

#endif /* ENGINE_REPLACE_H */
