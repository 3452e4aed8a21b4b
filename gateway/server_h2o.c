#include "gateway/server.h"

#include "gateway/admit.h"
#include "gateway/grant.h"
#include "gateway/quota.h"
#include "gateway/recall.h"
#include "gateway/route.h"
#include "gateway/socket_h2o.h"
#include "gateway/web.h"

#include "common/log.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LISTEN_BACKLOG  4096
#define H2O_BODY_MAX    (256 * 1024) /* above ours, so that we answer what is a little too large */
#define FINISHED_SLOT   UINT32_MAX
#define TICKET_SLOT_MAX 16384u
#define RANDOM_BYTES    4096

static_assert(GATEWAY_WAITING_MAX <= TICKET_SLOT_MAX, "a ticket's low bits are a slot");

/* One request between its arrival and its answer. Lives in the request's pool; when the pool goes
 * before the answer, because the client left, exchange_dispose lets go of everything. */
struct exchange {
    struct server *server;
    h2o_req_t *h2o;
    struct request request;
    struct reply reply;
    struct history_request *asked;
    struct exchange *next_behind, *previous_behind; /* waits for the view */
    uint64_t needs_command;
    uint32_t slot; /* in the waiting table */
    bool is_behind;
};

/* A place for a request that waits for its command, by ticket; in a list by age. */
struct waiter {
    struct exchange *exchange;
    uint64_t ticket;
    uint64_t deadline_ms;
    uint32_t next, previous; /* by age, or the next free one */
};

/* Orders an account placed in the running windows, for the headers that tell. */
struct order_count {
    uint32_t ten_seconds, in_ten_seconds;
    uint32_t day, in_day;
};

struct handler {
    h2o_handler_t super;
    struct server *server;
};

struct server {
    const struct gateway_options *options;
    uv_loop_t *loop;
    h2o_globalconf_t config;
    h2o_context_t context;
    h2o_accept_ctx_t accept;
    uv_tcp_t *listener;
    int descriptor; /* bound, not listening yet; -1 otherwise */
    struct facts facts;
    struct auth *auth;
    struct recall *recall;
    struct history *history;
    struct socket_hub *hub;
    struct quota quota;
    struct order_count *order_counts;
    struct waiter *waiters; /* slots 1 .. GATEWAY_WAITING_MAX; 0 heads the list by age */
    uint32_t free_waiter;
    uint32_t waiting_count;
    uint64_t ticket_count;
    struct exchange *first_behind;
    uint32_t connection_count;
    bool has_committed; /* commands since the last flush */
    bool is_stopping;
    uint32_t random_used;
    uint8_t random[RANDOM_BYTES];
    struct form form;
};

struct connection {
    uv_tcp_t tcp;
    struct server *server;
};

static uint64_t wall_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- the answer ---- */

static char *grow_in_pool(void *context, const char *bytes, size_t used, size_t capacity)
{
    h2o_req_t *h2o = context;
    char *grown = h2o_mem_alloc_pool(&h2o->pool, capacity);
    if (used > 0) memcpy(grown, bytes, used);
    return grown;
}

static void add_header(h2o_req_t *h2o, const char *name, const char *shown, const char *value,
                       size_t value_bytes)
{
    h2o_add_header_by_str(&h2o->pool, &h2o->res.headers, name, strlen(name), 0, shown, value,
                          value_bytes);
}

/* A whole number as a header's value, in the pool. */
static void add_number_header(h2o_req_t *h2o, const char *name, const char *shown, uint64_t value)
{
    char *text = h2o_mem_alloc_pool(&h2o->pool, DECIMAL_TEXT_MAX);
    const size_t text_bytes = decimal_format((int64_t)value, 0, text);
    add_header(h2o, name, shown, text, text_bytes);
}

static const char *reason_of(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 204:
        return "No Content";
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 409:
        return "Conflict";
    case 410:
        return "Gone";
    case 413:
        return "Payload Too Large";
    case 429:
        return "Too Many Requests";
    case 431:
        return "Request Header Fields Too Large";
    case 500:
        return "Internal Server Error";
    case 504:
        return "Gateway Timeout";
    default:
        return status >= 500 ? "Service Unavailable" : "Refused";
    }
}

/* The peer as one number: IPv4 as it is, of IPv6 the network that one customer has. */
static uint64_t address_of(const h2o_req_t *h2o)
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

static void add_weight_headers(struct exchange *exchange)
{
    struct server *server = exchange->server;
    const uint32_t used =
        quota_charge(&server->quota, address_of(exchange->h2o), 0, exchange->request.now_ns);
    add_number_header(exchange->h2o, "x-mbx-used-weight", "X-MBX-USED-WEIGHT", used);
    add_number_header(exchange->h2o, "x-mbx-used-weight-1m", "X-MBX-USED-WEIGHT-1M", used);
}

static void send_bytes(struct exchange *exchange, int status, const char *content_type,
                       const char *bytes, size_t byte_count)
{
    static h2o_generator_t generator = {NULL, NULL};
    struct server *server = exchange->server;
    h2o_req_t *h2o = exchange->h2o;
    const bool is_head = h2o_memis(h2o->method.base, h2o->method.len, H2O_STRLIT("HEAD"));

    h2o->res.status = status;
    h2o->res.reason = reason_of(status);
    h2o->res.content_length = byte_count;
    add_header(h2o, "content-type", "Content-Type", content_type, strlen(content_type));
    add_weight_headers(exchange);
    if (exchange->request.method == METHOD_GET)
        add_header(h2o, "access-control-allow-origin", "Access-Control-Allow-Origin",
                   H2O_STRLIT("*"));
    metric_add(&server->options->metrics->http_requests_total, 1);
    if (status >= 400) metric_add(&server->options->metrics->http_errors_total, 1);

    h2o_iovec_t body = {(char *)bytes, byte_count};
    h2o_start_response(h2o, &generator);
    h2o_send(h2o, &body, is_head || byte_count == 0 ? 0 : 1, H2O_SEND_STATE_FINAL);
}

static void send_json(struct exchange *exchange, int status)
{
    const struct request *request = &exchange->request;
    const char *content_type =
        request->content_type != NULL ? request->content_type : "application/json;charset=UTF-8";
    send_bytes(exchange, status, content_type, request->json.bytes, request->json.used);
}

static void send_refusal(struct exchange *exchange)
{
    struct request *request = &exchange->request;
    writer_start_growing(&request->json, SERVER_ANSWER_MAX, grow_in_pool, exchange->h2o);
    reply_refusal(&request->json, &request->refusal);
    request->content_type = NULL;
    send_json(exchange, reject_http_status(request->refusal.reject));
}

static void refuse(struct exchange *exchange, enum reject reject)
{
    exchange->request.refusal = refusal_of(reject, NULL, NULL);
    send_refusal(exchange);
}

/* The same for requests after which the connection cannot be trusted. */
static void refuse_and_close(struct exchange *exchange, enum reject reject)
{
    exchange->h2o->http1_is_persistent = 0;
    refuse(exchange, reject);
}

static void send_answer(struct exchange *exchange)
{
    const struct request *request = &exchange->request;
    if (request->json.overflow)
        refuse(exchange, REJECT_UNKNOWN);
    else
        send_json(exchange, request->http_status);
}

/* ---- who waits for a command ---- */

static void waiter_link(struct server *server, uint32_t slot)
{
    struct waiter *waiters = server->waiters;
    waiters[slot].previous = waiters[0].previous;
    waiters[slot].next = 0;
    waiters[waiters[0].previous].next = slot;
    waiters[0].previous = slot;
    server->waiting_count++;
}

static void waiter_release(struct server *server, uint32_t slot)
{
    struct waiter *waiters = server->waiters;
    waiters[waiters[slot].previous].next = waiters[slot].next;
    waiters[waiters[slot].next].previous = waiters[slot].previous;
    if (waiters[slot].exchange != NULL) waiters[slot].exchange->slot = FINISHED_SLOT;
    waiters[slot] = (struct waiter){.next = server->free_waiter};
    server->free_waiter = slot;
    server->waiting_count--;
}

/* Takes a place. False when all are taken. */
static bool wait_for_command(struct exchange *exchange, uint64_t *ticket)
{
    struct server *server = exchange->server;
    const uint32_t slot = server->free_waiter;
    if (slot == 0) return false;
    struct waiter *waiter = &server->waiters[slot];
    server->free_waiter = waiter->next;
    *ticket = ++server->ticket_count * TICKET_SLOT_MAX * 2 + slot;
    *waiter = (struct waiter){
        .exchange = exchange,
        .ticket = *ticket,
        .deadline_ms = uv_now(server->loop) + SERVER_WAIT_MS,
    };
    waiter_link(server, slot);
    exchange->slot = slot;
    return true;
}

struct waiter *server_waiter(struct server *server, const struct command_header *header)
{
    /* Tickets of an earlier run come by during replay: another epoch. */
    if (header->origin != server->options->node) return NULL;
    if (header->origin_epoch != view_epoch(server->facts.view)) return NULL;
    const uint64_t slot = header->ticket % (TICKET_SLOT_MAX * 2);
    if (slot == 0 || slot > GATEWAY_WAITING_MAX) return NULL;
    struct waiter *waiter = &server->waiters[slot];
    return waiter->exchange != NULL && waiter->ticket == header->ticket ? waiter : NULL;
}

void server_event(struct waiter *waiter, const struct applied *applied, const struct event *event)
{
    struct exchange *exchange = waiter->exchange;
    const struct printing printing = request_printing(&exchange->request, &exchange->server->facts);
    reply_event(&exchange->reply, &printing, applied, event);
}

/* Counts placed orders and says so in the answer's headers. */
static void count_orders(struct exchange *exchange, uint32_t placed, uint64_t stamp_ns)
{
    struct order_count *count = &exchange->server->order_counts[exchange->request.account];
    const uint32_t ten_seconds = (uint32_t)(stamp_ns / 10000000000u);
    const uint32_t day = (uint32_t)(stamp_ns / 86400000000000u);
    if (count->ten_seconds != ten_seconds) count->in_ten_seconds = 0;
    if (count->day != day) count->in_day = 0;
    count->ten_seconds = ten_seconds;
    count->day = day;
    count->in_ten_seconds += placed;
    count->in_day += placed;
    add_number_header(exchange->h2o, "x-mbx-order-count-10s", "X-MBX-ORDER-COUNT-10S",
                      count->in_ten_seconds);
    add_number_header(exchange->h2o, "x-mbx-order-count-1d", "X-MBX-ORDER-COUNT-1D", count->in_day);
}

/* Atomic maximum; release: whoever loads it with acquire and waits for its own view to reach it reads
 * what this answer tells. */
static void raise_acked(struct progress *progress, uint64_t command)
{
    uint64_t acked = atomic_load_explicit(&progress->acked_command, memory_order_relaxed);
    while (acked < command &&
           !atomic_compare_exchange_weak_explicit(&progress->acked_command, &acked, command,
                                                  memory_order_release, memory_order_relaxed)) {
    }
}

static void expect_reply(struct exchange *exchange)
{
    const struct request *request = &exchange->request;
    struct writer list;
    writer_start_growing(&list, SERVER_ANSWER_MAX, grow_in_pool, exchange->h2o);
    reply_begin(&exchange->reply, request->reply_kind, request->response, &request->intent,
                request->client_id, list);
}

void server_finish(struct server *server, struct waiter *waiter, const struct applied *applied)
{
    struct exchange *exchange = waiter->exchange;
    struct request *request = &exchange->request;
    if (exchange->reply.is_stale) {
        expect_reply(exchange);
        return;
    }
    waiter_release(server, (uint32_t)(waiter - server->waiters));
    raise_acked(server->options->progress, applied->number);

    const struct printing printing = request_printing(request, &server->facts);
    if (!reply_finish(&exchange->reply, &printing, &request->json, &request->refusal)) {
        send_refusal(exchange);
        return;
    }
    request->http_status = exchange->reply.http_status;
    const uint32_t placed = reply_placed_count(&exchange->reply);
    if (placed > 0) count_orders(exchange, placed, applied->stamp_ns);
    send_answer(exchange);
}

/* Answers all that have waited until `now_ms`, oldest first. */
static void end_waiting(struct server *server, uint64_t now_ms)
{
    for (;;) {
        const uint32_t slot = server->waiters[0].next;
        if (slot == 0 || server->waiters[slot].deadline_ms > now_ms) break;
        struct exchange *exchange = server->waiters[slot].exchange;
        waiter_release(server, slot);
        refuse(exchange, REJECT_OUTCOME_UNKNOWN);
    }
}

void server_tick(struct server *server)
{
    end_waiting(server, uv_now(server->loop));
    if (server->history != NULL) server->facts.history_is_up = history_is_up(server->history);
}

void server_abandon(struct server *server)
{
    end_waiting(server, UINT64_MAX);
}

/* ---- commands ---- */

static bool write_command(struct exchange *exchange, uint64_t ticket, enum reject *reject)
{
    struct server *server = exchange->server;
    struct request *request = &exchange->request;
    const struct admission admission = {
        .intent = &request->intent,
        .proof = &request->proof,
        .payload = &request->payload,
        .deadline_ns = request->deadline_ns,
        .ticket = ticket,
        .origin = server->options->node,
    };
    const size_t byte_count = admit_bytes(&admission);
    *reject = REJECT_SIGNATURE;
    if (byte_count == 0) return false;
    uint8_t *at = ring_reserve(server->options->submissions, byte_count);
    if (at == NULL) {
        metric_add(&server->options->metrics->admission_full_total, 1);
        *reject = REJECT_BUSY;
        return false;
    }
    admit_put(&admission, at);
    if (!admit_provable(at, byte_count, server->facts.params, &server->form)) return false;
    ring_commit(server->options->submissions, byte_count);
    server->has_committed = true;
    return true;
}

static void submit(struct exchange *exchange)
{
    struct server *server = exchange->server;
    const struct progress *progress = server->options->progress;
    enum reject reject = REJECT_BUSY;
    uint64_t ticket;
    expect_reply(exchange);

    if (server->is_stopping) {
        refuse(exchange, REJECT_STOPPING);
    } else if (atomic_load_explicit(&progress->halted, memory_order_relaxed) != 0) {
        refuse(exchange, REJECT_HALTED);
    } else if (!request_admits(&server->facts)) {
        refuse(exchange, REJECT_NOT_ADMITTING);
    } else if (!wait_for_command(exchange, &ticket)) {
        refuse(exchange, REJECT_BUSY);
    } else if (!write_command(exchange, ticket, &reject)) {
        waiter_release(server, exchange->slot);
        refuse(exchange, reject);
    }
}

void server_flush(struct server *server)
{
    if (!server->has_committed) return;
    server->has_committed = false;
    if (ring_publish(server->options->submissions)) park_wake(server->options->submissions_park);
}

/* ---- history ---- */

static void answer_history(struct exchange *exchange, const struct history_rows *rows)
{
    struct server *server = exchange->server;
    struct request *request = &exchange->request;
    const struct printing printing = request_printing(request, &server->facts);
    if (recall_answer(server->recall, &request->history, rows, server->facts.view,
                      server->facts.markets, &printing, &request->json, &request->refusal))
        send_answer(exchange);
    else
        send_refusal(exchange);
}

static void on_history(void *context, const struct history_rows *rows)
{
    struct exchange *exchange = context;
    exchange->asked = NULL;
    if (rows->status == STATUS_OK)
        answer_history(exchange, rows);
    else
        refuse(exchange, REJECT_HISTORY_UNAVAILABLE);
}

static void ask_history(struct exchange *exchange)
{
    struct server *server = exchange->server;
    const struct history_query *query = &exchange->request.history;
    if (recall_is_whole(query, server->facts.view, server->facts.markets)) {
        answer_history(exchange, NULL);
        return;
    }
    if (server->history != NULL)
        exchange->asked = history_ask(server->history, query, on_history, exchange);
    if (exchange->asked == NULL) refuse(exchange, REJECT_HISTORY_UNAVAILABLE);
}

/* ---- authentication ---- */

static bool read_header(const h2o_req_t *h2o, const char *name, struct auth_piece *value)
{
    const ssize_t index = h2o_find_header_by_str(&h2o->headers, name, strlen(name), -1);
    if (index < 0) return false;
    const h2o_iovec_t found = h2o->headers.entries[index].value;
    *value = (struct auth_piece){found.base, found.len};
    return true;
}

static void fill_client_id(struct exchange *exchange)
{
    struct server *server = exchange->server;
    if (server->random_used + ADMIT_CLIENT_ID_LETTERS > RANDOM_BYTES) {
        randombytes_buf(server->random, sizeof(server->random));
        server->random_used = 0;
    }
    admit_client_id(exchange->request.client_id, server->random + server->random_used);
    server->random_used += ADMIT_CLIENT_ID_LETTERS;
}

/* Key, time, signature, in the order in which clients see them refused. */
static bool authenticate_key(struct exchange *exchange)
{
    struct server *server = exchange->server;
    struct request *request = &exchange->request;
    const enum security security = request->route->security;
    const uint16_t permission = security == SECURITY_TRADE      ? KEY_TRADE
                                : security == SECURITY_WITHDRAW ? KEY_WITHDRAW
                                                                : KEY_READ;
    struct auth_piece text = {NULL, 0};
    uint32_t key_index;
    uint64_t timestamp_ns;
    read_header(exchange->h2o, "x-mbx-apikey", &text);
    if (!auth_find_key(server->facts.view, text.bytes, text.byte_count, permission, &key_index,
                       &request->refusal) ||
        !intent_deadline(request->form, &timestamp_ns, &request->deadline_ns, &request->refusal))
        return false;
    if (request->payload.signature_count == 0) {
        request->refusal = refusal_of(REJECT_MANDATORY, "signature", NULL);
        return false;
    }
    if (!auth_check_time(timestamp_ns, request->deadline_ns, request->now_ns, &request->refusal))
        return false;
    if (!auth_verify(server->auth, server->facts.view, key_index, &request->payload,
                     &request->proof)) {
        request->refusal = refusal_of(REJECT_SIGNATURE, NULL, NULL);
        return false;
    }
    request->account = view_key(server->facts.view, key_index)->account;
    fill_client_id(exchange);
    return true;
}

static bool authenticate_operator(struct exchange *exchange)
{
    struct request *request = &exchange->request;
    const struct form_field *field = form_find(request->form, "operator");
    struct auth_piece text = {NULL, 0};
    uint8_t public_key[PUBLIC_KEY_BYTES];
    if (!read_header(exchange->h2o, "x-quorex-operator", &text) &&
        !read_header(exchange->h2o, "x-mbx-apikey", &text) && field != NULL)
        text = (struct auth_piece){field->value, field->value_bytes};
    request->refusal = refusal_of(REJECT_UNKNOWN_OPERATOR, NULL, NULL);
    if (!hash_from_hex(text.bytes == NULL ? "" : text.bytes, text.byte_count, public_key,
                       sizeof(public_key)))
        return false;
    const struct facts *facts = &exchange->server->facts;
    const bool connectors_too = request->route->security == SECURITY_CONNECTOR;
    if (!auth_verify_operator(facts->genesis, connectors_too ? facts->params : NULL, public_key,
                              &request->payload, &request->proof))
        return false;
    /* The nonce makes a command's text count once; a timestamp may limit it further. A question has no nonce: without
     * a time it would be answered for ever to whoever has seen it. */
    uint64_t timestamp_ns;
    const bool may_go_without = request->method != METHOD_GET;
    return (may_go_without && form_find(request->form, "timestamp") == NULL) ||
           (intent_deadline(request->form, &timestamp_ns, &request->deadline_ns,
                            &request->refusal) &&
            auth_check_time(timestamp_ns, request->deadline_ns, request->now_ns,
                            &request->refusal));
}

/* A node's or an auditor's own key, over the path as it was sent. */
static bool authenticate_reader(struct exchange *exchange)
{
    const struct facts *facts = &exchange->server->facts;
    struct request *request = &exchange->request;
    const h2o_req_t *h2o = exchange->h2o;
    struct grant_request asks = {.target = {h2o->input.path.base, h2o->input.path.len}};
    const struct {
        const char *name;
        struct auth_piece *piece;
    } headers[] = {{"x-quorex-key", &asks.key},
                   {"x-quorex-time", &asks.time},
                   {"x-quorex-signature", &asks.signature},
                   {"x-quorex-grant", &asks.grant}};
    for (size_t index = 0; index < sizeof(headers) / sizeof(headers[0]); index++)
        (void)read_header(h2o, headers[index].name, headers[index].piece);
    struct node_set members;
    request_members(facts, &members);
    return grant_check(&asks, facts->genesis, facts->chain_id, &members, request->now_ns,
                       &request->refusal);
}

static bool authenticate(struct exchange *exchange)
{
    struct request *request = &exchange->request;
    if (request->route->security == SECURITY_NONE) return true;
    if (request->route->security == SECURITY_READER) return authenticate_reader(exchange);
    request->payload =
        auth_payload_of(request->query, request->query_bytes, request->body, request->body_bytes);
    const bool by_operators = request->route->security == SECURITY_OPERATOR ||
                              request->route->security == SECURITY_CONNECTOR;
    return by_operators ? authenticate_operator(exchange) : authenticate_key(exchange);
}

/* ---- a request's way ---- */

static bool read_time_unit(struct exchange *exchange)
{
    struct auth_piece unit;
    exchange->request.time_unit_ns = 1000000;
    if (!read_header(exchange->h2o, "x-mbx-time-unit", &unit)) return true;
    if (h2o_lcstris(unit.bytes, unit.byte_count, H2O_STRLIT("microsecond"))) {
        exchange->request.time_unit_ns = 1000;
        return true;
    }
    return h2o_lcstris(unit.bytes, unit.byte_count, H2O_STRLIT("millisecond"));
}

/* Adds the weight to the address' minute; false, and answered, when that is over the limit. */
static bool charge(struct exchange *exchange, uint32_t weight)
{
    struct server *server = exchange->server;
    const uint64_t now_ns = exchange->request.now_ns;
    const uint32_t used = quota_charge(&server->quota, address_of(exchange->h2o), weight, now_ns);
    if (!server->options->limits_on || used <= QUOTA_WEIGHT_MAX) return true;
    add_number_header(exchange->h2o, "retry-after", "Retry-After", quota_retry_after(now_ns));
    exchange->request.refusal = refusal_of(REJECT_TOO_MUCH_WEIGHT, "6000", "1 MINUTE");
    send_refusal(exchange);
    return false;
}

static void handle(struct exchange *exchange)
{
    struct server *server = exchange->server;
    struct request *request = &exchange->request;
    request->form = &server->form;
    if (!form_parse(request->form, request->query, request->query_bytes, request->body,
                    request->body_bytes)) {
        request->refusal = refusal_of(REJECT_ILLEGAL_CHARACTERS, "query", "name=value&name=value");
        send_refusal(exchange);
        return;
    }
    if (!authenticate(exchange)) {
        send_refusal(exchange);
        return;
    }
    request->weight = request->route->weight;
    const enum outcome outcome = request->route->handler(request, &server->facts);
    if (request->weight > request->route->weight)
        quota_charge(&server->quota, address_of(exchange->h2o),
                     request->weight - request->route->weight, request->now_ns);
    switch (outcome) {
    case OUTCOME_ANSWERED:
        send_answer(exchange);
        break;
    case OUTCOME_REFUSED:
        send_refusal(exchange);
        break;
    case OUTCOME_COMMAND:
        submit(exchange);
        break;
    case OUTCOME_HISTORY:
        ask_history(exchange);
        break;
    }
}

static void behind_unlink(struct exchange *exchange)
{
    if (exchange->previous_behind != NULL)
        exchange->previous_behind->next_behind = exchange->next_behind;
    else
        exchange->server->first_behind = exchange->next_behind;
    if (exchange->next_behind != NULL)
        exchange->next_behind->previous_behind = exchange->previous_behind;
    exchange->is_behind = false;
}

/* Nobody reads older than what any answer of this node has told. acquire: pairs with raise_acked. */
static void handle_when_current(struct exchange *exchange)
{
    struct server *server = exchange->server;
    exchange->needs_command =
        atomic_load_explicit(&server->options->progress->acked_command, memory_order_acquire);
    if (view_command(server->facts.view) >= exchange->needs_command) {
        handle(exchange);
        return;
    }
    exchange->is_behind = true;
    exchange->next_behind = server->first_behind;
    if (server->first_behind != NULL) server->first_behind->previous_behind = exchange;
    server->first_behind = exchange;
}

void server_moved(struct server *server)
{
    struct exchange *exchange = server->first_behind;
    while (exchange != NULL) {
        struct exchange *next = exchange->next_behind;
        if (view_command(server->facts.view) >= exchange->needs_command) {
            behind_unlink(exchange);
            handle(exchange);
        }
        exchange = next;
    }
}

static bool path_is(const struct request *request, const char *path, bool or_below)
{
    const size_t path_bytes = strlen(path);
    if (request->path_bytes < path_bytes || memcmp(request->path, path, path_bytes) != 0)
        return false;
    return request->path_bytes == path_bytes || (or_below && request->path[path_bytes] == '/');
}

static void send_page(struct exchange *exchange, const struct web_file *file)
{
    add_header(exchange->h2o, "content-security-policy", "Content-Security-Policy",
               WEB_SECURITY_POLICY, sizeof(WEB_SECURITY_POLICY) - 1);
    add_header(exchange->h2o, "x-content-type-options", "X-Content-Type-Options",
               H2O_STRLIT("nosniff"));
    send_bytes(exchange, 200, file->content_type, (const char *)file->bytes, file->byte_count);
}

static void send_options(struct exchange *exchange)
{
    add_header(exchange->h2o, "allow", "Allow",
               H2O_STRLIT("GET, HEAD, POST, PUT, DELETE, OPTIONS"));
    send_bytes(exchange, 204, "application/json;charset=UTF-8", NULL, 0);
}

static void serve(struct exchange *exchange)
{
    struct request *request = &exchange->request;
    const struct web_file *file = NULL;
    bool path_exists = false;
    request->route = route_find(request->method, request->path, request->path_bytes,
                                &request->path_value, &path_exists);
    if (request->route == NULL && request->method == METHOD_GET)
        file = web_find(request->path, request->path_bytes);
    if (!charge(exchange, request->route != NULL ? request->route->weight : 1)) return;

    if (file != NULL)
        send_page(exchange, file);
    else if (h2o_memis(exchange->h2o->method.base, exchange->h2o->method.len,
                       H2O_STRLIT("OPTIONS")))
        send_options(exchange);
    else if (request->route == NULL)
        refuse(exchange, path_exists ? REJECT_METHOD : REJECT_NO_ROUTE);
    else if (!read_time_unit(exchange))
        refuse(exchange, REJECT_TIME_UNIT);
    else
        handle_when_current(exchange);
}

/* ---- what h2o lets pass ---- */

/* How the header section looks in the bytes as received: h2o keeps them until the answer is out, with
 * the names in lower case. */
struct raw_header {
    size_t byte_count;
    uint32_t lengths;   /* Content-Length fields */
    uint32_t encodings; /* Transfer-Encoding fields */
};

static bool line_names(const char *line, size_t line_bytes, const char *name, size_t name_bytes)
{
    return line_bytes > name_bytes && strncasecmp(line, name, name_bytes) == 0 &&
           line[name_bytes] == ':';
}

static struct raw_header read_raw_header(h2o_req_t *h2o)
{
    struct raw_header raw = {0};
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
    if (exchange->slot != FINISHED_SLOT) waiter_release(exchange->server, exchange->slot);
    if (exchange->asked != NULL) history_forget(exchange->asked);
    if (exchange->is_behind) behind_unlink(exchange);
}

static struct exchange *exchange_new(struct server *server, h2o_req_t *h2o)
{
    struct exchange *exchange =
        h2o_mem_alloc_shared(&h2o->pool, sizeof(*exchange), exchange_dispose);
    memset(exchange, 0, sizeof(*exchange));
    exchange->server = server;
    exchange->h2o = h2o;
    exchange->slot = FINISHED_SLOT;

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
    writer_start_growing(&request->json, SERVER_ANSWER_MAX, grow_in_pool, h2o);
    return exchange;
}

static int on_request(h2o_handler_t *handler, h2o_req_t *h2o)
{
    struct server *server = ((struct handler *)handler)->server;
    struct exchange *exchange = exchange_new(server, h2o);
    struct request *request = &exchange->request;
    const struct raw_header raw = read_raw_header(h2o);

    if (raw.byte_count > SERVER_HEADER_MAX)
        refuse_and_close(exchange, REJECT_HEADER_TOO_LARGE);
    else if (raw.lengths + raw.encodings > 1)
        refuse_and_close(exchange, REJECT_FRAMING);
    else if (request->body_bytes > SERVER_BODY_MAX)
        refuse_and_close(exchange, REJECT_BODY_TOO_LARGE);
    else if (path_is(request, "/ws", true) || path_is(request, "/stream", false))
        socket_upgrade(server->hub, h2o);
    else
        serve(exchange);
    return 0;
}

/* ---- connections ---- */

static void on_connection_closed(uv_handle_t *handle)
{
    struct connection *connection = (struct connection *)handle;
    struct server *server = connection->server;
    server->connection_count--;
    metric_set(&server->options->metrics->http_connections, server->connection_count);
    free(connection);
}

static void on_refused_closed(uv_handle_t *handle)
{
    free(handle);
}

static uint32_t connections_max(const struct server *server)
{
    const uint32_t configured = server->options->connections_max;
    return configured == 0 ? GATEWAY_CONNECTIONS_MAX : configured;
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct server *server = listener->data;
    if (status != 0) return;
    struct connection *connection = calloc(1, sizeof(*connection));
    if (connection == NULL || uv_tcp_init(server->loop, &connection->tcp) != 0) {
        free(connection);
        return;
    }
    connection->server = server;
    if (uv_accept(listener, (uv_stream_t *)&connection->tcp) != 0 ||
        server->connection_count >= connections_max(server)) {
        uv_close((uv_handle_t *)&connection->tcp, on_refused_closed);
        return;
    }
    uv_tcp_nodelay(&connection->tcp, 1);
    server->connection_count++;
    metric_set(&server->options->metrics->http_connections, server->connection_count);
    h2o_accept(&server->accept,
               h2o_uv_socket_create((uv_stream_t *)&connection->tcp, on_connection_closed));
}

/* Asserts and logs nothing: the caller has the address at hand. */
static enum status status_of(int error)
{
    return error == EADDRINUSE ? STATUS_ADDRESS_IN_USE : STATUS_IO;
}

static enum status bind_failed(struct server *server, int error)
{
    log_error("gateway",
              error == EADDRINUSE ? "address is in use: another process listens there"
                                  : "cannot listen",
              "address=%s port=%u reason=\"%s\"", server->options->host, server->options->port,
              strerror(error));
    if (server->descriptor >= 0) close(server->descriptor);
    server->descriptor = -1;
    return status_of(error);
}

enum status server_bind(struct server *server)
{
    struct sockaddr_storage address;
    const int port = server->options->port;
    const char *host = server->options->host;
    const int on = 1;
    memset(&address, 0, sizeof(address));
    socklen_t address_bytes = sizeof(struct sockaddr_in);
    if (uv_ip4_addr(host, port, (struct sockaddr_in *)&address) != 0) {
        address_bytes = sizeof(struct sockaddr_in6);
        if (uv_ip6_addr(host, port, (struct sockaddr_in6 *)&address) != 0)
            return bind_failed(server, EADDRNOTAVAIL);
    }
    server->descriptor = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (server->descriptor < 0 ||
        setsockopt(server->descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        bind(server->descriptor, (struct sockaddr *)&address, address_bytes) != 0)
        return bind_failed(server, errno);
    return STATUS_OK;
}

enum status server_listen(struct server *server)
{
    uv_tcp_t *listener = calloc(1, sizeof(*listener));
    if (listener == NULL) return STATUS_NO_MEMORY;
    uv_tcp_init(server->loop, listener);
    listener->data = server;
    server->listener = listener;
    int error = uv_tcp_open(listener, server->descriptor);
    if (error == 0) {
        server->descriptor = -1; /* the handle's */
        error = uv_listen((uv_stream_t *)listener, LISTEN_BACKLOG, on_connection);
    }
    if (error != 0) return bind_failed(server, -error);
    log_info("gateway", "listening", "address=http://%s:%u", server->options->host,
             server->options->port);
    return STATUS_OK;
}

/* ---- begin and end ---- */

size_t server_bytes(const struct genesis *genesis)
{
    return auth_bytes(genesis) + recall_bytes() + QUOTA_ADDRESSES * sizeof(struct quota_entry) +
           ((size_t)genesis->params.accounts_max + 1) * sizeof(struct order_count) +
           (GATEWAY_WAITING_MAX + 1) * sizeof(struct waiter) + sizeof(struct server) + 1024;
}

static bool take_memory(struct server *server, struct arena *arena)
{
    const struct gateway_options *options = server->options;
    server->auth = auth_new(arena, options->genesis, options->gateway_secret);
    server->recall = recall_new(arena);
    server->order_counts = arena_take_array(
        arena, (size_t)options->genesis->params.accounts_max + 1, sizeof(*server->order_counts));
    server->waiters = arena_take_array(arena, GATEWAY_WAITING_MAX + 1, sizeof(*server->waiters));
    if (!quota_init(&server->quota, arena)) return false;
    if (server->auth == NULL || server->recall == NULL || server->order_counts == NULL ||
        server->waiters == NULL)
        return false;
    for (uint32_t slot = GATEWAY_WAITING_MAX; slot > 0; slot--) {
        server->waiters[slot].next = server->free_waiter;
        server->free_waiter = slot;
    }
    return true;
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
    server->descriptor = -1;
    server->random_used = RANDOM_BYTES;
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
    server->hub = socket_hub_new(&server->context, options->publisher, options->gateway->metrics);
    if (server->hub == NULL) return NULL;
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
    if (server->listener != NULL) {
        uv_close((uv_handle_t *)server->listener, on_refused_closed);
        server->listener = NULL;
    }
    if (server->descriptor >= 0) close(server->descriptor);
    server->descriptor = -1;
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
    return server->waiting_count == 0 && server->connection_count == 0;
}

void server_free(struct server *server)
{
    if (server == NULL) return;
    socket_hub_free(server->hub);
    history_free(server->history);
    /* Connections that did not go in time are left to the end of the process. */
    if (server->connection_count == 0) {
        h2o_context_dispose(&server->context);
        h2o_config_dispose(&server->config);
    }
    auth_free(server->auth);
}
