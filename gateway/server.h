/* HTTP: requests in, answers out, and who waits for which command.
 *
 * server_h2o.c is the shell over libh2o. A request is read whole, checked for what h2o lets pass,
 * routed, authenticated and handled; one that becomes a command waits in a table under its ticket
 * until the command's events come by.
 *
 * Owner    one gateway loop
 * Memory   malloc for connections; a request's memory is its h2o pool and goes with it
 * Limits   GATEWAY_CONNECTIONS_MAX connections, GATEWAY_WAITING_MAX waiting requests, SERVER_BODY_MAX
 *          and SERVER_HEADER_MAX bytes a request; an answer is at most SERVER_ANSWER_MAX
 */

#ifndef GATEWAY_SERVER_H
#define GATEWAY_SERVER_H

#include "gateway/gateway.h"
#include "gateway/publish.h"
#include "gateway/request.h"

#define SERVER_BODY_MAX        (64 * 1024)
#define SERVER_HEADER_MAX      (16 * 1024)
#define SERVER_ANSWER_MAX      (16 * 1024 * 1024)
#define SERVER_WAIT_MS         10000 /* for a command's events */
#define SERVER_REQUEST_TIME_MS 30000 /* for a request to come whole, and between two of them */

struct server;
struct waiter;
struct uv_loop_s;

struct server_options {
    struct uv_loop_s *loop;
    const struct gateway_options *gateway;
    struct view *view;
    struct market_views *markets;
    const struct block_list *blocks;
    struct publisher *publisher;
};

/* Bytes of arena. */
size_t server_bytes(const struct genesis *genesis);

/* NULL when the arena or a library cannot. */
MUST_CHECK struct server *server_new(struct arena *arena, const struct server_options *options);

/* Takes the address, without answering anybody yet. */
MUST_CHECK enum status server_bind(struct server *server);

/* Opens the port. */
MUST_CHECK enum status server_listen(struct server *server);

/* For a command that has come back: who waits for it, or NULL. Then its events, then its end: the answer, unless
 * it was nothing for its place in our stream. Then our node has it still, under this or another number, and who
 * waits goes on waiting for that. */
struct waiter *server_waiter(struct server *server, const struct command_header *header);
void server_event(struct waiter *waiter, const struct applied *applied, const struct event *event);
void server_finish(struct server *server, struct waiter *waiter, const struct applied *applied);

/* The view has moved: requests that waited for it go on. */
void server_moved(struct server *server);

/* Hands the round's commands to the log: one publish, at most one wake. */
void server_flush(struct server *server);

/* Answers what has waited too long. About ten times a second. */
void server_tick(struct server *server);

/* Takes no more connections; each closes after the answer it waits for. */
void server_stop(struct server *server);

/* Answers everybody who still waits that the outcome is unknown. */
void server_abandon(struct server *server);

/* So much waits for sockets that the loop should write before more events are taken. */
bool server_is_behind(const struct server *server);

/* Whether a client waits for the outcome of a command. */
bool server_waits(const struct server *server);

/* Whether nobody is left. */
bool server_is_idle(const struct server *server);

/* Needs: the loop runs once more before it is closed. */
void server_free(struct server *server);

#endif /* GATEWAY_SERVER_H */
