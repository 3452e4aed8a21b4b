/* The inside of the HTTP server, for the files that make it up: one loop's server, and one request on its way.
 *
 *     listener_h2o ─► exchange_h2o ─► dispatch_h2o ─► desk ─► answer_h2o
 *
 * Owner    one gateway loop
 * Memory   the server is in its arena; an exchange in its request's pool
 */

#ifndef GATEWAY_SERVER_H2O_H
#define GATEWAY_SERVER_H2O_H

#include "gateway/desk.h"
#include "gateway/listener_h2o.h"
#include "gateway/server.h"
#include "gateway/socket_h2o.h"

/* One request between its arrival and its answer. Lives in the request's pool; when the pool goes
 * before the answer, because the client left, everything that it waits for is let go of. */
struct exchange {
    struct desk_question question;
    struct server *server;
    h2o_req_t *h2o;
};

struct server {
    const struct gateway_options *options;
    uv_loop_t *loop;
    h2o_globalconf_t config;
    h2o_context_t context;
    h2o_accept_ctx_t accept;
    struct listener listener;
    struct desk *desk;
    struct history *history;
    struct readers *readers; /* NULL: files are read on the loop */
    struct socket_hub *hub;
    uint64_t too_large; /* bodies that libh2o has refused itself, as counted last */
    bool is_stopping;
    uint64_t stop_ms; /* since when, of the loop's clock */
};

#endif /* GATEWAY_SERVER_H2O_H */
