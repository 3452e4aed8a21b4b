#include "gateway/server_h2o.h"

#include "gateway/answer_h2o.h"
#include "gateway/dispatch_h2o.h"
#include "gateway/exchange_h2o.h"
#include "gateway/submit_h2o.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define H2O_BODY_MAX (256 * 1024) /* above ours, so that we answer what is a little too large */

struct handler {
    h2o_handler_t super;
    struct server *server;
};

static bool path_is(const struct request *request, const char *path, bool or_below)
{
    const size_t path_bytes = strlen(path);
    if (request->path_bytes < path_bytes || memcmp(request->path, path, path_bytes) != 0)
        return false;
    return request->path_bytes == path_bytes || (or_below && request->path[path_bytes] == '/');
}

static int on_request(h2o_handler_t *handler, h2o_req_t *h2o)
{
    struct server *server = ((struct handler *)handler)->server;
    struct exchange *exchange = exchange_new(server, h2o);
    struct request *request = &exchange->request;
    const struct exchange_header raw = exchange_read_header(h2o);

    if (raw.byte_count > SERVER_HEADER_MAX)
        answer_refuse_and_close(exchange, REJECT_HEADER_TOO_LARGE);
    else if (raw.lengths + raw.encodings > 1)
        answer_refuse_and_close(exchange, REJECT_FRAMING);
    else if (request->body_bytes > SERVER_BODY_MAX)
        answer_refuse_and_close(exchange, REJECT_BODY_TOO_LARGE);
    else if (path_is(request, "/ws", true) || path_is(request, "/stream", false))
        socket_upgrade(server->hub, h2o);
    else
        dispatch_request(exchange);
    return 0;
}

/* ---- what the gateway tells it ---- */

void server_tick(struct server *server)
{
    submit_end_waiting(server, uv_now(server->loop));
    if (server->readers != NULL) readers_sweep(server->readers);
    if (server->history != NULL) server->facts.history_is_up = history_is_up(server->history);
}

void server_abandon(struct server *server)
{
    submit_end_waiting(server, UINT64_MAX);
}

struct waiter *server_waiter(struct server *server, const struct command_header *header)
{
    return submit_waiter(server, header);
}

void server_event(struct waiter *waiter, const struct applied *applied, const struct event *event)
{
    submit_event(waiter, applied, event);
}

void server_finish(struct server *server, struct waiter *waiter, const struct applied *applied)
{
    submit_finish(server, waiter, applied);
}

void server_moved(struct server *server)
{
    dispatch_moved(server);
}

void server_flush(struct server *server)
{
    submit_flush(server);
}

enum status server_bind(struct server *server)
{
    return listener_bind(&server->listener);
}

enum status server_listen(struct server *server)
{
    return listener_open(&server->listener);
}

/* ---- begin and end ---- */

size_t server_bytes(const struct genesis *genesis)
{
    return auth_bytes(genesis) + recall_bytes() + QUOTA_ADDRESSES * sizeof(struct quota_entry) +
           submit_bytes(genesis) + sizeof(struct server) + 1024;
}

static bool take_memory(struct server *server, struct arena *arena)
{
    const struct gateway_options *options = server->options;
    server->auth = auth_new(arena, options->genesis, options->gateway_secret);
    server->recall = recall_new(arena);
    return server->auth != NULL && server->recall != NULL && submit_init(server, arena) &&
           quota_init(&server->quota, arena);
}

static void start_h2o(struct server *server)
{
    h2o_config_init(&server->config);
    server->config.server_name = h2o_iovec_init(H2O_STRLIT("quorex"));
    server->config.max_request_entity_size = H2O_BODY_MAX;
    server->config.http1.req_timeout = SERVER_REQUEST_TIME_MS;
    server->config.http1.upgrade_to_http2 = 0;
    h2o_hostconf_t *host =
        h2o_config_register_host(&server->config, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    h2o_pathconf_t *path = h2o_config_register_path(host, "/", 0);
    struct handler *handler = (struct handler *)h2o_create_handler(path, sizeof(*handler));
    handler->super.on_req = on_request;
    handler->server = server;
    h2o_context_init(&server->context, server->loop, &server->config);
    server->accept.ctx = &server->context;
    server->accept.hosts = server->config.hosts;
}

struct server *server_new(struct arena *arena, const struct server_options *options)
{
    struct server *server = arena_take(arena, sizeof(*server));
    if (server == NULL) return NULL;
    server->options = options->gateway;
    server->loop = options->loop;
    server->random_used = SERVER_RANDOM_BYTES;
    server->facts = (struct facts){
        .genesis = options->gateway->genesis,
        .params = market_views_params(options->markets),
        .view = options->view,
        .markets = options->markets,
        .blocks = options->blocks,
        .chain = options->gateway->chain,
        .proofs = options->gateway->proofs,
        .genesis_text = options->gateway->genesis_text,
        .genesis_text_bytes = options->gateway->genesis_text_bytes,
        .chain_id = genesis_chain_id(options->gateway->genesis),
        .metrics = options->gateway->metrics,
        .progress = options->gateway->progress,
        .reconcile_wanted = &options->gateway->progress->reconcile_wanted,
        .node = options->gateway->node,
    };
    if (!take_memory(server, arena)) return NULL;
    start_h2o(server);
    listener_init(&server->listener, server->options, server->loop, &server->accept);
    server->hub = socket_hub_new(&server->context, options->publisher, options->gateway->metrics);
    if (server->hub == NULL) return NULL;
    if (options->gateway->reader_count > 0) {
        server->readers =
            readers_new(options->loop, options->gateway->readers, options->gateway->reader_count);
        if (server->readers == NULL) return NULL;
    }
    const char *conninfo = options->gateway->conninfo;
    if (conninfo != NULL && *conninfo != 0) {
        server->history = history_new(options->loop, conninfo);
        if (server->history == NULL) return NULL;
    }
    return server;
}

static int end_reading(h2o_req_t *h2o, void *context)
{
    (void)context;
    /* A connection between two requests reads its end and goes; one that is being answered is not
     * reading, and closes after its answer. */
    const h2o_socket_t *socket = h2o->conn->callbacks->get_socket(h2o->conn);
    if (socket != NULL) shutdown(h2o_socket_get_fd((h2o_socket_t *)socket), SHUT_RD);
    return 0;
}

void server_stop(struct server *server)
{
    server->is_stopping = true;
    server->context.shutdown_requested = 1;
    listener_close(&server->listener);
    server->config.http1.callbacks.foreach_request(&server->context, end_reading, NULL);
    socket_hub_close_all(server->hub, 1001, "the node is stopping");
}

bool server_is_behind(const struct server *server)
{
    return socket_hub_is_behind(server->hub);
}

bool server_waits(const struct server *server)
{
    return server->waiting_count > 0;
}

bool server_is_idle(const struct server *server)
{
    return server->waiting_count == 0 && server->listener.connection_count == 0;
}

void server_free(struct server *server)
{
    if (server == NULL) return;
    readers_free(server->readers);
    server->readers = NULL;
    socket_hub_free(server->hub);
    history_free(server->history);
    /* Connections that did not go in time are left to the end of the process. */
    if (server->listener.connection_count == 0) {
        h2o_context_dispose(&server->context);
        h2o_config_dispose(&server->config);
    }
    auth_free(server->auth);
}
