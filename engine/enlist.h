/* Places an order list: OCO, OTO or OTOCO.
 *
 * Owner    the engine thread
 */

#ifndef ENGINE_ENLIST_H
#define ENGINE_ENLIST_H

#include "engine/state.h"

#include "common/reject.h"

/* REJECT_NONE when the list is accepted; otherwise nothing changed. */
enum reject enlist(struct engine *engine, const struct command *command, struct event_writer *out);

#endif /* ENGINE_ENLIST_H */
