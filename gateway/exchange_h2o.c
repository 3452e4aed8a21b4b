#include "gateway/exchange_h2o.h"

#include "gateway/dispatch_h2o.h"
#include "gateway/submit_h2o.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

char *exchange_grow(void *context, const char *bytes, size_t used, size_t capacity)
{
    h2o_req_t *h2o = context;
    char *grown = h2o_mem_alloc_pool(&h2o->pool, capacity);
    if (used > 0) memcpy(grown, bytes, used);
    return grown;
}

uint64_t exchange_address(const h2o_req_t *h2o)
{
    struct sockaddr_storage address;
    memset(&address, 0, sizeof(address));
    if (h2o->conn->callbacks->get_peername(h2o->conn, (struct sockaddr *)&address) == 0) return 1;
    if (address.ss_family == AF_INET)
        return 1 + (uint64_t)((struct sockaddr_in *)&address)->sin_addr.s_addr;
    uint64_t network = 1;
    if (address.ss_family == AF_INET6)
        memcpy(&network, &((struct sockaddr_in6 *)&address)->sin6_addr, sizeof(network));
    return network | 1;
}

bool exchange_is_heard(const h2o_req_t *h2o)
{
    char byte;
    h2o_socket_t *socket = h2o->conn->callbacks->get_socket(h2o->conn);
    const ssize_t got = recv(h2o_socket_get_fd(socket), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

static bool line_names(const char *line, size_t line_bytes, const char *name, size_t name_bytes)
{
    return line_bytes > name_bytes && strncasecmp(line, name, name_bytes) == 0 &&
           line[name_bytes] == ':';
}

struct exchange_header exchange_read_header(h2o_req_t *h2o)
{
    struct exchange_header raw = {0};
    const h2o_socket_t *socket = h2o->conn->callbacks->get_socket(h2o->conn);
    const char *at = socket->input->bytes;
    const char *end = at + socket->input->size;
    while (at < end) {
        const char *next = memchr(at, '\n', (size_t)(end - at));
        if (next == NULL) break;
        const size_t line_bytes = (size_t)(next - at);
        raw.byte_count += line_bytes + 1;
        if (line_bytes == 0 || (line_bytes == 1 && *at == '\r')) break;
        raw.lengths += line_names(at, line_bytes, H2O_STRLIT("content-length"));
        raw.encodings += line_names(at, line_bytes, H2O_STRLIT("transfer-encoding"));
        at = next + 1;
    }
    return raw;
}

static uint64_t wall_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static enum method method_of(const h2o_req_t *h2o)
{
    static const struct {
        const char *name;
        enum method method;
    } methods[] = {
        {"GET", METHOD_GET}, {"HEAD", METHOD_GET},      {"POST", METHOD_POST},
        {"PUT", METHOD_PUT}, {"DELETE", METHOD_DELETE},
    };
    for (size_t index = 0; index < sizeof(methods) / sizeof(methods[0]); index++) {
        if (h2o_memis(h2o->method.base, h2o->method.len, methods[index].name,
                      strlen(methods[index].name)))
            return methods[index].method;
    }
    return METHOD_OTHER;
}

/* The pool goes: if the answer is not out, nobody is there any more to get it. */
static void exchange_dispose(void *memory)
{
    struct exchange *exchange = memory;
    submit_forget(exchange);
    dispatch_forget(exchange);
}

struct exchange *exchange_new(struct server *server, h2o_req_t *h2o)
{
    struct exchange *exchange =
        h2o_mem_alloc_shared(&h2o->pool, sizeof(*exchange), exchange_dispose);
    memset(exchange, 0, sizeof(*exchange));
    exchange->server = server;
    exchange->h2o = h2o;
    exchange->slot = SUBMIT_NO_SLOT;

    struct request *request = &exchange->request;
    const size_t path_bytes = h2o->query_at == SIZE_MAX ? h2o->path.len : h2o->query_at;
    request->method = method_of(h2o);
    request->path = h2o->path.base;
    request->path_bytes = path_bytes;
    request->query = h2o->path.base + path_bytes;
    if (path_bytes < h2o->path.len) {
        request->query++;
        request->query_bytes = h2o->path.len - path_bytes - 1;
    }
    request->body = h2o->entity.base;
    request->body_bytes = h2o->entity.base == NULL ? 0 : h2o->entity.len;
    request->now_ns = wall_clock_ns();
    request->http_status = 200;
    writer_start_growing(&request->json, SERVER_ANSWER_MAX, exchange_grow, h2o);
    return exchange;
}
