#include "gateway/exchange_h2o.h"

#include "gateway/address.h"
#include "gateway/answer_h2o.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define HTTP_1_1 0x101

static void fill_address(const h2o_req_t *h2o, struct request *request)
{
    struct sockaddr_storage address;
    memset(&address, 0, sizeof(address));
    (void)h2o->conn->callbacks->get_peername(h2o->conn, (struct sockaddr *)&address);
    request->address = address_of((const struct sockaddr *)&address);
    address_ip((const struct sockaddr *)&address, request->ip);
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
    /* An empty line before the request is passed over, as h2o does. */
    if (at < end && *at == '\r') at++;
    if (at < end && *at == '\n') at++;
    while (at < end) {
        const char *next = memchr(at, '\n', (size_t)(end - at));
        if (next == NULL) break;
        const size_t line_bytes = (size_t)(next - at);
        raw.byte_count += line_bytes + 1;
        if (line_bytes == 0 || (line_bytes == 1 && *at == '\r')) break;
        raw.folds += *at == ' ' || *at == '\t';
        raw.lengths += line_names(at, line_bytes, H2O_STRLIT("content-length"));
        raw.hosts += line_names(at, line_bytes, H2O_STRLIT("host"));
        raw.encodings += line_names(at, line_bytes, H2O_STRLIT("transfer-encoding"));
        at = next + 1;
    }
    return raw;
}

bool exchange_is_ambiguous(const h2o_req_t *h2o, const struct exchange_header *raw)
{
    const bool wants_host = h2o->version >= HTTP_1_1;
    return raw->lengths + raw->encodings > 1 || raw->folds > 0 || raw->hosts > 1 ||
           (wants_host && raw->hosts == 0) || (!wants_host && raw->encodings > 0);
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

/* ---- what the desk asks of a request ---- */

static const struct exchange *exchange_of(const struct desk_question *question)
{
    return container_of(question, struct exchange, question);
}

static void answered(struct desk_question *question)
{
    answer_write(container_of(question, struct exchange, question));
}

/* The peer may still listen when it has not closed its side. Nobody sees that while it waits for its answer, since
 * libh2o does not read then. */
static bool is_heard(const struct desk_question *question)
{
    char byte;
    h2o_req_t *h2o = exchange_of(question)->h2o;
    h2o_socket_t *socket = h2o->conn->callbacks->get_socket(h2o->conn);
    const ssize_t got = recv(h2o_socket_get_fd(socket), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

static char *grow(void *question, const char *bytes, size_t used, size_t capacity)
{
    char *grown = h2o_mem_alloc_pool(&exchange_of(question)->h2o->pool, capacity);
    if (used > 0) memcpy(grown, bytes, used);
    return grown;
}

static const struct desk_asker asker = {answered, is_heard, grow, false};

/* ---- a request ---- */

/* The first of each name counts. */
static void read_headers(const h2o_req_t *h2o, struct auth_piece headers[DESK_HEADERS])
{
    static const struct {
        const char *name;
        size_t name_bytes;
    } names[DESK_HEADERS] = {
        [DESK_API_KEY] = {H2O_STRLIT("x-mbx-apikey")},
        [DESK_TIME_UNIT] = {H2O_STRLIT("x-mbx-time-unit")},
        [DESK_OPERATOR] = {H2O_STRLIT("x-quorex-operator")},
        [DESK_READER_KEY] = {H2O_STRLIT("x-quorex-key")},
        [DESK_READER_TIME] = {H2O_STRLIT("x-quorex-time")},
        [DESK_READER_SIGNATURE] = {H2O_STRLIT("x-quorex-signature")},
        [DESK_READER_GRANT] = {H2O_STRLIT("x-quorex-grant")},
    };
    for (size_t at = 0; at < h2o->headers.size; at++) {
        const h2o_header_t *header = &h2o->headers.entries[at];
        if (header->name->len < 2 || memcmp(header->name->base, "x-", 2) != 0) continue;
        for (size_t index = 0; index < DESK_HEADERS; index++) {
            if (headers[index].bytes == NULL &&
                h2o_memis(header->name->base, header->name->len, names[index].name,
                          names[index].name_bytes))
                headers[index] = (struct auth_piece){header->value.base, header->value.len};
        }
    }
}

/* The pool goes: if the answer is not out, nobody is there any more to get it. */
static void exchange_dispose(void *memory)
{
    struct exchange *exchange = memory;
    desk_forget(&exchange->question);
}

static bool begins_with(const h2o_iovec_t *text, const char *word, size_t word_bytes)
{
    return text->len >= word_bytes && strncasecmp(text->base, word, word_bytes) == 0;
}

/* A request that names the whole URL is one for its path (RFC 9112, 3.2.2): we are the only host here. */
static void take_host_off(h2o_req_t *h2o)
{
    h2o_iovec_t *path = &h2o->path;
    size_t at = begins_with(path, H2O_STRLIT("http://"))    ? 7
                : begins_with(path, H2O_STRLIT("https://")) ? 8
                                                            : 0;
    if (at == 0) return;
    while (at < path->len && path->base[at] != '/' && path->base[at] != '?')
        at++;
    if (at == path->len || path->base[at] != '/') return; /* no path: none of ours */
    *path = (h2o_iovec_t){path->base + at, path->len - at};
    if (h2o->query_at != SIZE_MAX) h2o->query_at -= at;
}

static void read_request(h2o_req_t *h2o, struct request *request)
{
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
    fill_address(h2o, request);
    request->now_ns = wall_clock_ns();
}

struct exchange *exchange_new(struct server *server, h2o_req_t *h2o)
{
    struct exchange *exchange =
        h2o_mem_alloc_shared(&h2o->pool, sizeof(*exchange), exchange_dispose);
    memset(exchange, 0, sizeof(*exchange));
    exchange->server = server;
    exchange->h2o = h2o;
    take_host_off(h2o);
    exchange->question.asker = &asker;
    exchange->question.target = (struct auth_piece){h2o->input.path.base, h2o->input.path.len};
    read_headers(h2o, exchange->question.headers);
    read_request(h2o, &exchange->question.request);
    desk_begin(server->desk, &exchange->question);
    return exchange;
}
