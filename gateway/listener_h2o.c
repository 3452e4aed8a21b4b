#include "gateway/listener_h2o.h"

#include "common/log.h"
#include "gateway/address.h"
#include "gateway/hall.h"

#include <errno.h>
#include <h2o/http1.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LISTEN_BACKLOG 4096

/* How long the kernel tries to give a peer what he does not take: slow readers of answers go. */
#define UNTAKEN_MS 60000

struct connection {
    struct tls_peer peer;
    struct listener *listener;
    uint64_t address; /* address.h */
};

static const char busy_answer[] =
    "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\n"
    "Content-Type: application/json;charset=UTF-8\r\nContent-Length: 63\r\n\r\n"
    "{\"code\":-1008,\"msg\":\"Too many connections; please try again.\"}\n";

static const char address_answer[] =
    "HTTP/1.1 429 Too Many Requests\r\nConnection: close\r\nRetry-After: 60\r\n"
    "Content-Type: application/json;charset=UTF-8\r\nContent-Length: 63\r\n\r\n"
    "{\"code\":-1003,\"msg\":\"Too many connections from this address.\"}\n";

/* A TLS connection that may ask now. */
static void on_opened(struct tls_peer *peer, h2o_socket_t *socket)
{
    const struct connection *connection = container_of(peer, struct connection, peer);
    h2o_accept_ctx_t *accept = connection->listener->accept;
    h2o_http1_accept(accept, socket, *h2o_get_timestamp(accept->ctx, NULL, NULL));
}

void listener_init(struct listener *listener, const struct gateway_options *options,
                   uv_loop_t *loop, h2o_accept_ctx_t *accept, struct desk *desk)
{
    *listener = (struct listener){
        .options = options, .loop = loop, .accept = accept, .desk = desk, .descriptor = -1};
    tls_door_init(&listener->door, options->metrics, on_opened);
    if (options->identity != NULL) listener_show(listener, options->identity);
}

void listener_show(struct listener *listener, const struct tls_identity *identity)
{
    const struct gateway_options *options = listener->options;
    const int64_t expires_s = tls_identity_expires_s(identity);
    tls_door_show(&listener->door, identity);
    /* All loops show the same one: one tells of it, since their metrics are summed up. */
    if (options->loop_index == 0)
        metric_set(&options->metrics->tls_expires_s, expires_s > 0 ? (uint64_t)expires_s : 0);
}

void listener_sweep(struct listener *listener, uint64_t handshake_ms)
{
    tls_door_sweep(&listener->door, uv_now(listener->loop), handshake_ms);
}

static void on_connection_closed(uv_handle_t *handle)
{
    struct connection *connection = container_of((uv_tcp_t *)handle, struct connection, peer.tcp);
    struct listener *listener = connection->listener;
    tls_peer_free(&connection->peer);
    listener->connection_count--;
    hall_leave(desk_hall(listener->desk), HALL_CONNECTIONS, connection->address, 1);
    metric_set(&listener->options->metrics->http_connections, listener->connection_count);
    free(connection);
}

static void on_refused_closed(uv_handle_t *handle)
{
    free(container_of((uv_tcp_t *)handle, struct connection, peer.tcp));
}

static void on_port_closed(uv_handle_t *handle)
{
    free(handle);
}

static uint32_t connections_max(const struct listener *listener)
{
    const uint32_t configured = listener->options->connections_max;
    if (configured == 0) return GATEWAY_CONNECTIONS_MAX;
    return configured < HALL_CONNECTIONS_MAX ? configured : HALL_CONNECTIONS_MAX;
}

static uint64_t address_of_connection(const struct connection *connection)
{
    struct sockaddr_storage address = {0};
    int address_bytes = sizeof(address);
    (void)uv_tcp_getpeername(&connection->peer.tcp, (struct sockaddr *)&address, &address_bytes);
    return address_of((const struct sockaddr *)&address);
}

/* Says why, as far as that goes without waiting, and closes. */
static void refuse(struct connection *connection, _Atomic uint64_t *metric, const char *answer)
{
    const struct listener *listener = connection->listener;
    uv_buf_t text = uv_buf_init((char *)(uintptr_t)answer, (unsigned)strlen(answer));
    metric_add(metric, 1);
    if (listener->door.context == NULL) {
        (void)uv_try_write((uv_stream_t *)&connection->peer.tcp, &text, 1);
    }
    uv_close((uv_handle_t *)&connection->peer.tcp, on_refused_closed);
}

/* Whether its handshake would be work for nothing; counted then. */
static bool is_banned(const struct connection *connection)
{
    const struct listener *listener = connection->listener;
    struct refusal refusal;
    struct timespec now;
    if (listener->door.context == NULL) return false;
    clock_gettime(CLOCK_REALTIME, &now);
    return desk_is_banned(listener->desk, connection->address,
                          (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec, &refusal);
}

/* Whether there is room for it, which it has then; refused otherwise. */
static bool admit(struct connection *connection)
{
    struct listener *listener = connection->listener;
    struct metrics *metrics = listener->options->metrics;
    const uint32_t address_max = listener->options->limits.address_connections_max;
    if (is_banned(connection)) {
        uv_close((uv_handle_t *)&connection->peer.tcp, on_refused_closed);
        return false;
    }
    switch (hall_connect(desk_hall(listener->desk), connection->address, connections_max(listener),
                         address_max)) {
    case HALL_IS_FULL:
        refuse(connection, &metrics->connections_refused_total, busy_answer);
        return false;
    case HALL_ADDRESS_IS_FULL:
        refuse(connection, &metrics->address_refused_total, address_answer);
        return false;
    case HALL_IN:
        break;
    }
    return true;
}

static void set_options(struct connection *connection)
{
    const unsigned untaken_ms = UNTAKEN_MS;
    uv_os_fd_t descriptor;
    uv_tcp_nodelay(&connection->peer.tcp, 1);
    if (uv_fileno((uv_handle_t *)&connection->peer.tcp, &descriptor) == 0) {
        (void)setsockopt(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, &untaken_ms,
                         sizeof(untaken_ms));
    }
}

static void on_connection(uv_stream_t *handle, int status)
{
    struct listener *listener = handle->data;
    if (status != 0) return;
    struct connection *connection = calloc(1, sizeof(*connection));
    if (connection == NULL || uv_tcp_init(listener->loop, &connection->peer.tcp) != 0) {
        free(connection);
        return;
    }
    connection->listener = listener;
    if (uv_accept(handle, (uv_stream_t *)&connection->peer.tcp) != 0) {
        uv_close((uv_handle_t *)&connection->peer.tcp, on_refused_closed);
        return;
    }
    connection->address = address_of_connection(connection);
    if (!admit(connection)) return;
    set_options(connection);
    listener->connection_count++;
    metric_set(&listener->options->metrics->http_connections, listener->connection_count);
    h2o_socket_t *socket =
        h2o_uv_socket_create((uv_stream_t *)&connection->peer.tcp, on_connection_closed);
    if (listener->door.context != NULL)
        tls_door_take(&listener->door, &connection->peer, socket, uv_now(listener->loop));
    else
        h2o_accept(listener->accept, socket);
}

/* Asserts and logs nothing: the caller has the address at hand. */
static enum status status_of(int error)
{
    return error == EADDRINUSE ? STATUS_ADDRESS_IN_USE : STATUS_IO;
}

static enum status bind_failed(struct listener *listener, int error)
{
    log_error("gateway",
              error == EADDRINUSE ? "address is in use: another process listens there"
                                  : "cannot listen",
              "address=%s port=%u reason=\"%s\"", listener->options->host, listener->options->port,
              strerror(error));
    if (listener->descriptor >= 0) close(listener->descriptor);
    listener->descriptor = -1;
    return status_of(error);
}

static bool is_first(const struct listener *listener)
{
    return listener->options->loop_index == 0;
}

static bool let_join(int descriptor)
{
    const int on = 1;
    return setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0;
}

static enum status take_address(struct listener *listener)
{
    struct sockaddr_storage address;
    const int port = listener->options->port;
    const char *host = listener->options->host;
    const int on = 1;
    memset(&address, 0, sizeof(address));
    socklen_t address_bytes = sizeof(struct sockaddr_in);
    if (uv_ip4_addr(host, port, (struct sockaddr_in *)&address) != 0) {
        address_bytes = sizeof(struct sockaddr_in6);
        if (uv_ip6_addr(host, port, (struct sockaddr_in6 *)&address) != 0)
            return bind_failed(listener, EADDRNOTAVAIL);
    }
    listener->descriptor = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener->descriptor < 0 ||
        setsockopt(listener->descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        (!is_first(listener) && !let_join(listener->descriptor)) ||
        bind(listener->descriptor, (struct sockaddr *)&address, address_bytes) != 0)
        return bind_failed(listener, errno);
    return STATUS_OK;
}

enum status listener_bind(struct listener *listener)
{
    return is_first(listener) ? take_address(listener) : STATUS_OK;
}

/* One process alone listens where nobody may join: only then are the other loops let in. */
static int listen_at(struct listener *listener, uv_tcp_t *handle)
{
    const int descriptor = listener->descriptor;
    int error = uv_tcp_open(handle, descriptor);
    if (error != 0) return error;
    listener->descriptor = -1; /* the handle's */
    error = uv_listen((uv_stream_t *)handle, LISTEN_BACKLOG, on_connection);
    if (error != 0) return error;
    struct hall *hall = desk_hall(listener->desk);
    if (is_first(listener) && hall_loop_count(hall) > 1 && !let_join(descriptor)) return -errno;
    if (is_first(listener)) hall_open_port(hall);
    return 0;
}

enum status listener_open(struct listener *listener)
{
    if (!is_first(listener)) {
        const enum status status = take_address(listener);
        if (status != STATUS_OK) return status;
    }
    uv_tcp_t *handle = calloc(1, sizeof(*handle));
    if (handle == NULL) return STATUS_NO_MEMORY;
    uv_tcp_init(listener->loop, handle);
    handle->data = listener;
    listener->handle = handle;
    const int error = listen_at(listener, handle);
    if (error != 0) {
        const enum status status = bind_failed(listener, -error);
        listener_close(listener);
        return status;
    }
    const char *host = listener->options->host;
    const bool is_six = strchr(host, ':') != NULL;
    log_info("gateway", "listening", "address=%s://%s%s%s:%u loop=%u",
             listener->door.context != NULL ? "https" : "http", is_six ? "[" : "", host,
             is_six ? "]" : "", listener->options->port, listener->options->loop_index);
    return STATUS_OK;
}

void listener_close(struct listener *listener)
{
    if (listener->handle != NULL) uv_close((uv_handle_t *)listener->handle, on_port_closed);
    listener->handle = NULL;
    if (listener->descriptor >= 0) close(listener->descriptor);
    listener->descriptor = -1;
    tls_door_cut(&listener->door);
}

void listener_free(struct listener *listener)
{
    ASSERT(listener->handle == NULL && listener->connection_count == 0);
    tls_door_free(&listener->door);
}
