/* The inside of the HTTP server, for the files that make it up: one loop's server, and one request on its way.
 *
 *     listener_h2o ─► exchange_h2o ─► dispatch_h2o ─► identify_h2o ─► handler ─┬─► answer_h2o
 *                                                                              └─► submit_h2o ─► answer_h2o
 *
 * Owner    one gateway loop
 * Memory   the server is in its arena; an exchange in its request's pool
 */

#ifndef GATEWAY_SERVER_H2O_H
#define GATEWAY_SERVER_H2O_H

#include "gateway/admit.h"
#include "gateway/listener_h2o.h"
#include "gateway/quota.h"
#include "gateway/readers_uv.h"
#include "gateway/recall.h"
#include "gateway/server.h"
#include "gateway/socket_h2o.h"

#define SERVER_RANDOM_BYTES 4096

/* One request between its arrival and its answer. Lives in the request's pool; when the pool goes
 * before the answer, because the client left, everything that it waits for is let go of. */
struct exchange {
    struct server *server;
    h2o_req_t *h2o;
    struct request request;
    struct reply reply;
    struct history_request *asked;
    struct readers_question *question;              /* what it wants to know from files */
    struct exchange *next_behind, *previous_behind; /* waits for the view */
    uint64_t needs_command;
    uint32_t slot; /* in the table of who waits for a command; SUBMIT_NO_SLOT */
    bool is_behind;
};

/* Orders an account placed in the running windows, for the headers that tell. */
struct order_count {
    uint32_t ten_seconds, in_ten_seconds;
    uint32_t day, in_day;
};

struct server {
    const struct gateway_options *options;
    uv_loop_t *loop;
    h2o_globalconf_t config;
    h2o_context_t context;
    h2o_accept_ctx_t accept;
    struct listener listener;
    struct facts facts;
    struct auth *auth;
    struct recall *recall;
    struct history *history;
    struct readers *readers; /* NULL: files are read on the loop */
    struct socket_hub *hub;
    struct quota quota;
    struct order_count *order_counts;
    struct waiter
        *waiters; /* submit_h2o.h: slots 1 .. GATEWAY_WAITING_MAX; 0 heads the list by age */
    uint32_t free_waiter;
    uint32_t waiting_count;
    uint64_t ticket_count;
    struct exchange *first_behind; /* dispatch_h2o.h */
    bool has_committed;            /* commands since the last flush */
    bool is_stopping;
    uint32_t random_used;
    uint8_t random[SERVER_RANDOM_BYTES];
    struct form form;
};

#endif /* GATEWAY_SERVER_H2O_H */
