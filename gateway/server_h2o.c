#include "gateway/server_h2o.h"

#include "gateway/dispatch_h2o.h"
#include "gateway/exchange_h2o.h"
#include "gateway/frame.h"
#include "gateway/readers_uv.h"
#include "gateway/slow_h2o.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define SECOND_NS    1000000000ull
#define H2O_BODY_MAX (256 * 1024) /* above ours, so that we answer what is a little too large */

#define API_CONNECT_WEIGHT 2

#define STOP_REASON    "the node is stopping"
#define CLOSE_TEXT_MAX (FRAME_CONTROL_MAX - 2) /* behind the code */

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

/* Whether the path is one of WebSocket's. */
static bool is_upgrade(const struct request *request)
{
    return path_is(request, "/ws", true) || path_is(request, "/stream", false) ||
           path_is(request, "/quorex/v1/stream", false);
}

static void refuse_oversized(struct server *server, struct desk_question *question,
                             enum reject reject)
{
    metric_add(&server->options->metrics->http_oversized_total, 1);
    desk_refuse_and_end(question, reject);
}

static void open_streams(struct server *server, struct exchange *exchange)
{
    if (desk_connects(&exchange->question, 0)) socket_upgrade(server->hub, exchange->h2o);
}

/* The WebSocket API's door: opening it weighs something. */
static void open_api(struct server *server, struct exchange *exchange)
{
    struct desk_question *question = &exchange->question;
    if (desk_connects(question, API_CONNECT_WEIGHT))
        socket_upgrade_api(server->hub, exchange->h2o, server->desk, &question->request);
}

/* What libh2o lets pass is refused here, by `raw`; the rest goes where it wants to. */
static void take(struct server *server, struct exchange *exchange,
                 const struct exchange_header *raw)
{
    struct desk_question *question = &exchange->question;
    if (raw->byte_count > SERVER_HEADER_MAX)
        refuse_oversized(server, question, REJECT_HEADER_TOO_LARGE);
    else if (exchange_is_ambiguous(exchange->h2o, raw))
        desk_refuse_and_end(question, REJECT_FRAMING);
    else if (question->request.body_bytes > SERVER_BODY_MAX)
        refuse_oversized(server, question, REJECT_BODY_TOO_LARGE);
    else if (is_upgrade(&question->request))
        open_streams(server, exchange);
    else if (path_is(&question->request, "/ws-api/v3", false))
        open_api(server, exchange);
    else
        dispatch_request(exchange);
}

static int on_request(h2o_handler_t *handler, h2o_req_t *h2o)
{
    struct server *server = ((struct handler *)handler)->server;
    struct exchange *exchange = exchange_new(server, h2o);
    const struct exchange_header raw = exchange_read_header(h2o);

    /* Whatever the answer is, it is the last of a connection whose next request may begin elsewhere for another reader.
     * So it is behind chunks, too: h2o takes sizes that others would not ("0x2" for 0). */
    if (raw.encodings > 0 || exchange_is_ambiguous(h2o, &raw)) h2o->http1_is_persistent = 0;
    if (desk_admits(&exchange->question)) take(server, exchange, &raw);
    return 0;
}

/* ---- the end ---- */

/* An answer that is still to come says that it is the last. Where one has gone out already, saying that the connection
 * goes on, it does: the next request on it may be on its way. */
static int make_last(h2o_req_t *h2o, void *context)
{
    (void)context;
    if (h2o->res.status == 0) h2o->http1_is_persistent = 0;
    return 0;
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

/* Why, and where to go: as much as a close frame takes. */
static void tell_sockets(struct server *server)
{
    const char *elsewhere = server->options->elsewhere;
    const int first_bytes = (int)strcspn(elsewhere, ",");
    char reason[FRAME_CONTROL_MAX] = STOP_REASON;
    if (first_bytes > 0 && sizeof(STOP_REASON ": go to ") + (size_t)first_bytes <= CLOSE_TEXT_MAX)
        (void)snprintf(reason, sizeof(reason), "%s: go to %.*s", STOP_REASON, first_bytes,
                       elsewhere);
    socket_hub_close_all(server->hub, FRAME_CLOSE_GOING_AWAY, reason, elsewhere,
                         desk_waits(server->desk));
}

static void step_stop(struct server *server)
{
    const uint32_t said_ms = server->options->limits.farewell_ms;
    const uint64_t farewell_ms = said_ms > 0 ? said_ms : SERVER_FAREWELL_MS;
    tell_sockets(server);
    if (uv_now(server->loop) - server->stop_ms < farewell_ms) return;
    server->config.http1.callbacks.foreach_request(&server->context, end_reading, NULL);
}

void server_stop(struct server *server)
{
    desk_stop(server->desk);
    server->is_stopping = true;
    server->stop_ms = uv_now(server->loop);
    server->context.shutdown_requested = 1; /* libh2o's answers say Connection: close */
    server->config.http1.callbacks.foreach_request(&server->context, make_last, NULL);
    listener_close(&server->listener);
    step_stop(server);
}

/* ---- what the gateway tells it ---- */

/* libh2o refuses a body that is announced or grows too large before anybody here hears of the request. A header beyond
 * its own bound (H2O_MAX_REQLEN) it answers as it answers what is malformed, and counts neither. */
static void count_too_large(struct server *server)
{
    const uint64_t refused = server->context.emitted_error_status[H2O_STATUS_ERROR_413];
    metric_add(&server->options->metrics->http_oversized_total, refused - server->too_large);
    server->too_large = refused;
}

void server_tick(struct server *server)
{
    const struct gateway_limits *limits = &server->options->limits;
    const struct slow_limits slow = {
        .header_ms = limits->header_ms > 0 ? limits->header_ms : SERVER_HEADER_TIME_MS,
        .body_ms = limits->body_ms > 0 ? limits->body_ms : SERVER_BODY_TIME_MS,
    };
    desk_tick(server->desk, uv_now(server->loop));
    metric_add(&server->options->metrics->http_slow_closed_total,
               slow_sweep(&server->context, &slow));
    count_too_large(server);
    listener_sweep(&server->listener, slow.header_ms);
    if (server->is_stopping) step_stop(server);
}

struct desk *server_desk(struct server *server)
{
    return server->desk;
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
    return desk_arena_bytes(genesis) + sizeof(struct server) + 64;
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

static bool start_history(struct server *server)
{
    const char *conninfo = server->options->conninfo;
    if (conninfo == NULL || *conninfo == 0) return true;
    server->history = history_new(server->loop, conninfo);
    return server->history != NULL;
}

static bool start_readers(struct server *server)
{
    const struct gateway_options *options = server->options;
    if (options->reader_count == 0) return true;
    server->readers = readers_new(server->loop, options->readers, options->reader_count);
    return server->readers != NULL;
}

static bool start_desk(struct server *server, struct arena *arena,
                       const struct server_options *options)
{
    const struct desk_options desk = {
        .gateway = options->gateway,
        .view = options->view,
        .markets = options->markets,
        .blocks = options->blocks,
        .users = publish_users(options->publisher),
        .history = server->history,
        .readers = server->readers,
        .now_ms = uv_now(server->loop),
    };
    server->desk = desk_new(arena, &desk);
    return server->desk != NULL;
}

static void set_seconds(uint64_t *limit_ns, uint32_t seconds)
{
    if (seconds > 0) *limit_ns = seconds * SECOND_NS;
}

static void configure_hub(struct server *server)
{
    const struct gateway_limits *limits = &server->options->limits;
    struct socket_options options = {.pulse = pulse_limits_default()};
    set_seconds(&options.pulse.ping_ns, limits->ws_ping_s);
    set_seconds(&options.pulse.pong_ns, limits->ws_pong_s);
    set_seconds(&options.pulse.life_ns, limits->ws_life_s);
    set_seconds(&options.pulse.notice_ns, limits->ws_notice_s);
    if (limits->ws_messages > 0) options.pulse.messages_per_second = limits->ws_messages;
    socket_hub_configure(server->hub, &options);
}

static bool start_hub(struct server *server, struct publisher *publisher)
{
    server->hub = socket_hub_new(&server->context, publisher, server->options->metrics);
    if (server->hub == NULL) return false;
    configure_hub(server);
    return true;
}

void server_reconfigure(struct server *server, const struct tls_identity *identity)
{
    configure_hub(server);
    if (identity != NULL) listener_show(&server->listener, identity);
}

struct server *server_new(struct arena *arena, const struct server_options *options)
{
    struct server *server = arena_take(arena, sizeof(*server));
    if (server == NULL) return NULL;
    server->options = options->gateway;
    server->loop = options->loop;
    if (!start_readers(server) || !start_history(server) || !start_desk(server, arena, options))
        return NULL;
    start_h2o(server);
    listener_init(&server->listener, server->options, server->loop, &server->accept, server->desk);
    return start_hub(server, options->publisher) ? server : NULL;
}

void server_write(struct server *server)
{
    socket_hub_write(server->hub);
}

bool server_is_behind(const struct server *server)
{
    return socket_hub_is_behind(server->hub);
}

bool server_is_idle(const struct server *server)
{
    return !desk_waits(server->desk) && server->listener.connection_count == 0;
}

void server_free(struct server *server)
{
    if (server == NULL) return;
    if (server->desk != NULL) desk_cut(server->desk);
    readers_free(server->readers);
    socket_hub_free(server->hub);
    history_free(server->history);
    /* Connections that did not go in time are left to the end of the process. */
    if (server->listener.connection_count == 0) {
        h2o_context_dispose(&server->context);
        h2o_config_dispose(&server->config);
        listener_free(&server->listener);
    }
    desk_free(server->desk);
}
