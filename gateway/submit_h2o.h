/* Requests that have become commands: into the ring to the log, and who waits for which of them.
 *
 * One that waits has a place in a table under its ticket until the command's events come by.
 *
 * Owner    the server's loop
 * Memory   the server's arena
 * Limits   GATEWAY_WAITING_MAX places, SERVER_WAIT_MS in one of them
 */

#ifndef GATEWAY_SUBMIT_H2O_H
#define GATEWAY_SUBMIT_H2O_H

#include "gateway/server_h2o.h"

#define SUBMIT_NO_SLOT UINT32_MAX

size_t submit_bytes(const struct genesis *genesis);

/* False when the arena has no room. */
MUST_CHECK bool submit_init(struct server *server, struct arena *arena);

/* Makes the request's intent a command, or answers why not. */
void submit_command(struct exchange *exchange);

/* As server_waiter, server_event and server_finish. */
struct waiter *submit_waiter(struct server *server, const struct command_header *header);
void submit_event(struct waiter *waiter, const struct applied *applied, const struct event *event);
void submit_finish(struct server *server, struct waiter *waiter, const struct applied *applied);

/* Answers all that have waited until `now_ms`, oldest first. */
void submit_end_waiting(struct server *server, uint64_t now_ms);

/* As server_flush. */
void submit_flush(struct server *server);

/* Its client is gone. */
void submit_forget(struct exchange *exchange);

#endif /* GATEWAY_SUBMIT_H2O_H */
