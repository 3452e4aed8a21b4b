#include "gateway/submit_h2o.h"

#include "gateway/answer_h2o.h"
#include "gateway/exchange_h2o.h"

#define TICKET_SLOT_MAX 16384u

static_assert(GATEWAY_WAITING_MAX <= TICKET_SLOT_MAX, "a ticket's low bits are a slot");

/* A place for a request that waits for its command, by ticket; in a list by age. */
struct waiter {
    struct exchange *exchange;
    uint64_t ticket;
    uint64_t deadline_ms;
    uint32_t next, previous; /* by age, or the next free one */
};

size_t submit_bytes(const struct genesis *genesis)
{
    return ((size_t)genesis->params.accounts_max + 1) * sizeof(struct order_count) +
           (GATEWAY_WAITING_MAX + 1) * sizeof(struct waiter);
}

bool submit_init(struct server *server, struct arena *arena)
{
    const struct params *params = &server->options->genesis->params;
    server->order_counts =
        arena_take_array(arena, (size_t)params->accounts_max + 1, sizeof(*server->order_counts));
    server->waiters = arena_take_array(arena, GATEWAY_WAITING_MAX + 1, sizeof(*server->waiters));
    if (server->order_counts == NULL || server->waiters == NULL) return false;
    for (uint32_t slot = GATEWAY_WAITING_MAX; slot > 0; slot--) {
        server->waiters[slot].next = server->free_waiter;
        server->free_waiter = slot;
    }
    return true;
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
    if (waiters[slot].exchange != NULL) waiters[slot].exchange->slot = SUBMIT_NO_SLOT;
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

struct waiter *submit_waiter(struct server *server, const struct command_header *header)
{
    /* Tickets of an earlier run come by during replay: another epoch. */
    if (header->origin != server->options->node) return NULL;
    if (header->origin_epoch != view_epoch(server->facts.view)) return NULL;
    const uint64_t slot = header->ticket % (TICKET_SLOT_MAX * 2);
    if (slot == 0 || slot > GATEWAY_WAITING_MAX) return NULL;
    struct waiter *waiter = &server->waiters[slot];
    return waiter->exchange != NULL && waiter->ticket == header->ticket ? waiter : NULL;
}

void submit_event(struct waiter *waiter, const struct applied *applied, const struct event *event)
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
    answer_number_header(exchange->h2o, "x-mbx-order-count-10s", "X-MBX-ORDER-COUNT-10S",
                         count->in_ten_seconds);
    answer_number_header(exchange->h2o, "x-mbx-order-count-1d", "X-MBX-ORDER-COUNT-1D",
                         count->in_day);
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
    writer_start_growing(&list, SERVER_ANSWER_MAX, exchange_grow, exchange->h2o);
    reply_begin(&exchange->reply, request->reply_kind, request->response, &request->intent,
                request->client_id, list);
}

void submit_finish(struct server *server, struct waiter *waiter, const struct applied *applied)
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
        answer_refusal(exchange);
        return;
    }
    request->http_status = exchange->reply.http_status;
    const uint32_t placed = reply_placed_count(&exchange->reply);
    if (placed > 0) count_orders(exchange, placed, applied->stamp_ns);
    answer_send(exchange);
}

void submit_end_waiting(struct server *server, uint64_t now_ms)
{
    for (;;) {
        const uint32_t slot = server->waiters[0].next;
        if (slot == 0 || server->waiters[slot].deadline_ms > now_ms) break;
        struct exchange *exchange = server->waiters[slot].exchange;
        waiter_release(server, slot);
        answer_refuse(exchange, REJECT_OUTCOME_UNKNOWN);
    }
}

void submit_forget(struct exchange *exchange)
{
    if (exchange->slot != SUBMIT_NO_SLOT) waiter_release(exchange->server, exchange->slot);
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

void submit_command(struct exchange *exchange)
{
    struct server *server = exchange->server;
    const struct progress *progress = server->options->progress;
    enum reject reject = REJECT_BUSY;
    uint64_t ticket;
    expect_reply(exchange);

    if (server->is_stopping) {
        answer_refuse(exchange, REJECT_STOPPING);
    } else if (atomic_load_explicit(&progress->halted, memory_order_relaxed) != 0) {
        answer_refuse(exchange, REJECT_HALTED);
    } else if (!request_admits(&server->facts)) {
        answer_refuse(exchange, REJECT_NOT_ADMITTING);
    } else if (!wait_for_command(exchange, &ticket)) {
        answer_refuse(exchange, REJECT_BUSY);
    } else if (!write_command(exchange, ticket, &reject)) {
        waiter_release(server, exchange->slot);
        answer_refuse(exchange, reject);
    }
}

void submit_flush(struct server *server)
{
    if (!server->has_committed) return;
    server->has_committed = false;
    if (ring_publish(server->options->submissions)) park_wake(server->options->submissions_park);
}
