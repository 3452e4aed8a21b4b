/* HTTP: one loop's server, its port, and the desk behind it.
 *
 * server_h2o.c is the shell over libh2o. A request is read whole, checked for what h2o lets pass, and asked of the
 * desk (desk.h); the answer is written when the desk has it.
 *
 * Owner    one gateway loop
 * Memory   malloc for connections; a request's memory is its h2o pool and goes with it
 * Limits   options.connections_max connections; SERVER_BODY_MAX and SERVER_HEADER_MAX bytes a request
 */

#ifndef GATEWAY_SERVER_H
#define GATEWAY_SERVER_H

#include "gateway/gateway.h"
#include "gateway/publish.h"

#define SERVER_BODY_MAX   (64 * 1024)
#define SERVER_HEADER_MAX (16 * 1024)
#define SERVER_HEADER_TIME_MS \
    10000 /* from a request's first byte to the end of its header section */
#define SERVER_BODY_TIME_MS    20000 /* from then to the end of its body */
#define SERVER_REQUEST_TIME_MS 30000 /* for a request to come whole, and between two of them */
#define SERVER_FAREWELL_MS \
    1000 /* at a stop, for a request that is on its way when its client cannot know of it */

struct desk;
struct server;
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

/* Where commands that have come back are told of. Good as long as the server. */
struct desk *server_desk(struct server *server);

/* Answers what has waited too long. About ten times a second. */
void server_tick(struct server *server);

/* The options that may change have changed (gateway_settings); connections from now on are shown `identity`, unless it
 * is NULL. */
void server_reconfigure(struct server *server, const struct tls_identity *identity);

/* Begins to end: takes no more connections and no more commands. What is under way is answered, and its connection
 * closed; a request that comes within SERVER_FAREWELL_MS is answered or refused (503), with Connection: close; then
 * connections that wait for nothing are closed. WebSocket clients are told, and closed behind their last answer.
 * server_tick does what is due. */
void server_stop(struct server *server);

/* Before the loop sleeps: WebSockets are told what waits for them, and asked for what they have waited with. What that makes of
 * commands is the desk's to flush. */
void server_write(struct server *server);

/* So much waits for sockets that the loop should write before more events are taken. */
bool server_is_behind(const struct server *server);

/* Whether nobody is left. */
bool server_is_idle(const struct server *server);

/* Needs: the loop runs once more before it is closed. */
void server_free(struct server *server);

#endif /* GATEWAY_SERVER_H */
