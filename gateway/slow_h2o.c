#include "gateway/slow_h2o.h"

#include <string.h>
#include <sys/socket.h>

static const char answer[] =
    "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n"
    "Content-Type: application/json;charset=UTF-8\r\nContent-Length: 52\r\n\r\n"
    "{\"code\":-1007,\"msg\":\"The request came too slowly.\"}\n";

struct sweep {
    const struct slow_limits *limits;
    struct timeval now;
    uint32_t count;
};

static int64_t ms_since(const struct timeval *then, const struct timeval *now)
{
    return ((int64_t)now->tv_sec - then->tv_sec) * 1000 + (now->tv_usec - then->tv_usec) / 1000;
}

static void on_said(h2o_socket_t *socket, const char *error)
{
    (void)socket;
    (void)error;
}

/* libh2o has nothing to say to a request that is not whole, so the socket is free for our answer, but for its own "100
 * Continue" that a client does not take. It then reads the end of the stream, and closes. */
static void end(h2o_socket_t *socket)
{
    h2o_iovec_t text = {(char *)(uintptr_t)answer, sizeof(answer) - 1};
    if (!h2o_socket_is_writing(socket)) h2o_socket_write(socket, &text, 1, on_said);
    (void)shutdown(h2o_socket_get_fd(socket), SHUT_RD);
}

static int look(h2o_req_t *request, void *context)
{
    struct sweep *sweep = context;
    const struct timeval *begin = &request->timestamps.request_begin_at;
    const struct timeval *body = &request->timestamps.request_body_begin_at;
    const bool has_begun = begin->tv_sec != 0, has_header = body->tv_sec != 0;
    if (!has_begun || request->processed_at.at.tv_sec != 0) return 0;
    const int64_t waited_ms = ms_since(has_header ? body : begin, &sweep->now);
    if (waited_ms < (has_header ? sweep->limits->body_ms : sweep->limits->header_ms)) return 0;
    end(request->conn->callbacks->get_socket(request->conn));
    sweep->count++;
    return 0;
}

uint32_t slow_sweep(h2o_context_t *context, const struct slow_limits *limits)
{
    struct sweep sweep = {.limits = limits, .now = *h2o_get_timestamp(context, NULL, NULL)};
    context->globalconf->http1.callbacks.foreach_request(context, look, &sweep);
    return sweep.count;
}
