#include "gateway/socket_h2o.h"

#include "gateway/connection_h2o.h"
#include "gateway/handshake_h2o.h"
#include "gateway/subscription_h2o.h"
#include "gateway/user_reader_h2o.h"

#include <h2o/http1.h>
#include <stdlib.h>
#include <time.h>

#define DEAD_KEY "this listenKey does not exist: POST /api/v3/userDataStream gives one"

/* Queued in one loop round: time to let the loop write. */
#define BEHIND_BYTES (SOCKET_QUEUE_MAX / 4)

/* Connections count time that never steps back. */
static uint64_t monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

/* ---- The door ---- */

/* A connection for a handshake that is one; otherwise it has been refused. */
static struct connection *admit(struct socket_hub *hub, h2o_req_t *request,
                                char accept[HANDSHAKE_ACCEPT_BYTES + 1])
{
    struct connection *connection = NULL;
    if (!handshake_check(request, accept)) {
        metric_add(&hub->metrics->ws_refused_total, 1);
        return NULL;
    }
    if (!hub->is_stopping && hub->connection_count < SOCKET_CONNECTIONS_MAX) {
        connection = connection_new(hub);
    }
    if (connection == NULL) {
        metric_add(&hub->metrics->ws_refused_total, 1);
        handshake_refuse(request, 503, "Service Unavailable", "no room for another stream");
    }
    return connection;
}

static void refuse_url(struct connection *connection, h2o_req_t *request, const char *why)
{
    metric_add(&connection->hub->metrics->ws_refused_total, 1);
    connection_free(connection);
    handshake_refuse(request, 400, "Bad Request", why);
}

static void switch_protocols(struct connection *connection, h2o_req_t *request,
                             const char accept[HANDSHAKE_ACCEPT_BYTES + 1])
{
    request->res.status = 101;
    request->res.reason = "Switching Protocols";
    h2o_add_header(&request->pool, &request->res.headers, H2O_TOKEN_UPGRADE, NULL,
                   H2O_STRLIT("websocket"));
    const h2o_iovec_t answer = h2o_strdup(&request->pool, accept, HANDSHAKE_ACCEPT_BYTES);
    h2o_add_header_by_str(&request->pool, &request->res.headers, H2O_STRLIT("sec-websocket-accept"),
                          0, NULL, answer.base, answer.len);
    h2o_http1_upgrade(request, NULL, 0, connection_begin, connection);
}

static h2o_iovec_t query_of(const h2o_req_t *request)
{
    if (request->query_at == SIZE_MAX) return (h2o_iovec_t){H2O_STRLIT("")};
    const size_t begin = request->query_at + 1;
    return (h2o_iovec_t){request->path.base + begin, request->path.len - begin};
}

void socket_upgrade(struct socket_hub *hub, h2o_req_t *request)
{
    char accept[HANDSHAKE_ACCEPT_BYTES + 1];
    struct connection *connection = admit(hub, request, accept);
    if (connection == NULL) return;
    const h2o_iovec_t query = query_of(request);
    const size_t path_bytes = request->query_at == SIZE_MAX ? request->path.len : request->query_at;
    if (!session_open_path(&connection->session, hub->views, request->path.base, path_bytes,
                           query.base, query.len, &hub->changes)) {
        refuse_url(connection, request, "bad or too many stream names");
        return;
    }
    subscription_change(connection, &hub->changes);
    subscription_listen(connection);
    if (listen_stream_is_dead(&connection->listens)) connection_end(connection, DEAD_KEY);
    switch_protocols(connection, request, accept);
}

/* ---- The API's connections ---- */

static bool takes_answers(void *context)
{
    return !connection_is_closing(context);
}

void socket_upgrade_api(struct socket_hub *hub, h2o_req_t *request, struct desk *desk,
                        const struct request *from)
{
    char accept[HANDSHAKE_ACCEPT_BYTES + 1];
    struct connection *connection = admit(hub, request, accept);
    if (connection == NULL) return;
    const struct ws_caller caller = {.answer = connection_answer,
                                     .send = connection_tell,
                                     .is_open = takes_answers,
                                     .takes_more = user_reader_takes_more,
                                     .end = connection_end,
                                     .lost = connection_end_lost,
                                     .context = connection};
    const h2o_iovec_t query = query_of(request);
    connection->api = h2o_mem_alloc(sizeof(*connection->api));
    if (!ws_call_open(connection->api, desk, &caller, from, query.base, query.len)) {
        refuse_url(connection, request,
                   "returnRateLimits is true or false, timeUnit MICROSECOND or MILLISECOND");
        return;
    }
    connection->api->user.stream = publish_users(hub->publisher);
    connection->api->user.opened_ns = connection_wall_ns();
    switch_protocols(connection, request, accept);
}

/* ---- The hub ---- */

static void on_timer(uv_timer_t *timer)
{
    struct socket_hub *hub = timer->data;
    publish_tick(hub->publisher, connection_wall_ns());
    subscription_catch_up(hub);
    user_reader_tick(hub);
    connection_tick_all(hub);
}

void socket_hub_write(struct socket_hub *hub)
{
    connection_write_all(hub);
}

void socket_hub_configure(struct socket_hub *hub, const struct socket_options *options)
{
    hub->options = *options;
    if (hub->options.now_ns == NULL) hub->options.now_ns = monotonic_ns;
    if (hub->options.states_max == 0) hub->options.states_max = SOCKET_STATES_MAX;
}

struct socket_hub *socket_hub_new(h2o_context_t *context, struct publisher *publisher,
                                  struct metrics *metrics)
{
    struct socket_hub *hub = calloc(1, sizeof(*hub));
    if (hub == NULL) return NULL;
    const uint32_t count =
        channel_count(market_views_params(publish_views(publisher))->markets_max);
    hub->channels = calloc(count, sizeof(*hub->channels));
    if (hub->channels == NULL) {
        free(hub);
        return NULL;
    }
    for (uint32_t i = 0; i < count; i++)
        list_init(&hub->channels[i]);
    list_init(&hub->all);
    list_init(&hub->dirty);
    list_init(&hub->skipping);
    list_init(&hub->behind);
    hub->context = context;
    hub->publisher = publisher;
    hub->views = publish_views(publisher);
    hub->metrics = metrics;
    socket_hub_configure(hub, &(struct socket_options){.pulse = pulse_limits_default()});
    hub->timer.data = hub;
    uv_timer_init(context->loop, &hub->timer);
    uv_timer_start(&hub->timer, on_timer, SOCKET_TICK_MS, SOCKET_TICK_MS);
    publish_attach(publisher, (struct publish_sink){hub, subscription_message});
    return hub;
}

uint32_t socket_hub_count(const struct socket_hub *hub)
{
    return hub->connection_count;
}

bool socket_hub_is_behind(const struct socket_hub *hub)
{
    return hub->round_bytes > BEHIND_BYTES;
}

void socket_hub_close_all(struct socket_hub *hub, uint16_t code, const char *reason,
                          const char *elsewhere, bool commands_wait)
{
    hub->is_stopping = true;
    for (struct link *at = hub->all.next; at != &hub->all; at = at->next) {
        struct connection *connection = container_of(at, struct connection, all);
        if (connection_is_closing(connection)) continue;
        if (!connection->is_told) connection_announce(connection, elsewhere);
        connection->is_told = true;
        if (connection_is_owed(connection, commands_wait)) continue;
        connection_end_talk(connection); /* what is queued already is still sent */
        connection_queue_close(connection, code, reason);
    }
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct socket_hub *hub = handle->data;
    free(hub->channels);
    free(hub);
}

void socket_hub_free(struct socket_hub *hub)
{
    publish_attach(hub->publisher, (struct publish_sink){0});
    struct link *next;
    for (struct link *at = hub->all.next; at != &hub->all; at = next) {
        next = at->next;
        /* One whose upgrade is still being answered belongs to h2o until then; it calls back. */
        struct connection *connection = container_of(at, struct connection, all);
        if (connection->socket != NULL) connection_free(connection);
    }
    uv_close((uv_handle_t *)&hub->timer, on_timer_closed);
}
