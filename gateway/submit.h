/* Requests that have become commands: into the ring to the log, and who waits for which of them.
 *
 * Each has a place in a table under its ticket until the command's events come by, also when nobody waits any more.
 *
 * Owner    the desk's thread
 * Memory   the desk's arena
 * Limits   GATEWAY_WAITING_MAX places, DESK_WAIT_MS in one of them; DESK_COMMANDS_SHARE of one address, if limits are on
 */

#ifndef GATEWAY_SUBMIT_H
#define GATEWAY_SUBMIT_H

#include "gateway/desk_state.h"

#define SUBMIT_NO_SLOT UINT32_MAX

size_t submit_bytes(void);

/* False when the arena has no room. */
MUST_CHECK bool submit_init(struct desk *desk, struct arena *arena);

/* Makes the request's intent a command, or answers why not. */
void submit_command(struct desk_question *question);

/* As desk_waiter, desk_event and desk_finish. */
struct waiter *submit_waiter(struct desk *desk, const struct command_header *header);
void submit_event(struct waiter *waiter, const struct applied *applied, const struct event *event);
void submit_finish(struct desk *desk, struct waiter *waiter, const struct applied *applied);

/* Of several loops: what this one's view has may be told from now on, so no other answers from an older one. */
void submit_show(struct desk *desk);

/* Answers all that have waited until `now_ms`, oldest first. */
void submit_end_waiting(struct desk *desk, uint64_t now_ms);

/* As desk_flush. */
void submit_flush(struct desk *desk);

/* Nobody waits any more. */
void submit_forget(struct desk_question *question);

#endif /* GATEWAY_SUBMIT_H */
