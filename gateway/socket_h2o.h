/* The door into socket.h for a server built on h2o with libuv.
 *
 * Needs: one h2o context a hub; the caller has set http1.upgrade_to_http2 = 0.
 */

#ifndef GATEWAY_SOCKET_H2O_H
#define GATEWAY_SOCKET_H2O_H

#include "gateway/socket.h"

#include <h2o.h>

struct desk;
struct request;

/* A hub on `context`'s loop. It attaches itself to the publisher as its sink, calls publish_tick by a
 * timer of its own: the caller feeds the publisher, calls socket_hub_write each time before the loop sleeps, and lets the
 * loop run when socket_hub_is_behind. NULL when there is no memory. */
MUST_CHECK struct socket_hub *socket_hub_new(h2o_context_t *context, struct publisher *publisher,
                                             struct metrics *metrics);

/* Answers a request for /ws, /ws/..., or /stream: takes the socket over, or refuses it (400, 405, 426,
 * 503). The request is done either way; return 0 from the handler. */
void socket_upgrade(struct socket_hub *hub, h2o_req_t *request);

/* The same for /ws-api/v3: what comes is asked of the desk (ws_call_h2o.h), for the peer that `from` has. */
void socket_upgrade_api(struct socket_hub *hub, h2o_req_t *request, struct desk *desk,
                        const struct request *from);

#endif /* GATEWAY_SOCKET_H2O_H */
