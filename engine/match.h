/* The verb: one command in, its events out.
 *
 * docs/matching.md says what each command does, in which order it is checked, and which events follow.
 * Price-time priority; makers' prices; funds are held before an order matches; a refused command
 * changes nothing but its origin's sequence. VOTE is counted and has no event.
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

/* The same, with what ahead_next has returned for this command. */
void match_step_ahead(struct engine *engine, const struct command *command, uint64_t number,
                      uint64_t stamp_ns, uint32_t client_hash, struct event_writer *out);

#endif /* ENGINE_MATCH_H */
