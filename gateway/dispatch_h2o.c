#include "gateway/dispatch_h2o.h"

#include "gateway/answer_h2o.h"
#include "gateway/exchange_h2o.h"
#include "gateway/identify_h2o.h"
#include "gateway/route.h"
#include "gateway/submit_h2o.h"
#include "gateway/web.h"

#include <stdlib.h>
#include <string.h>

/* ---- history ---- */

static void answer_history(struct exchange *exchange, const struct history_rows *rows)
{
    struct server *server = exchange->server;
    struct request *request = &exchange->request;
    const struct printing printing = request_printing(request, &server->facts);
    if (recall_answer(server->recall, &request->history, rows, server->facts.view,
                      server->facts.markets, &printing, &request->json, &request->refusal))
        answer_send(exchange);
    else
        answer_refusal(exchange);
}

static void on_history(void *context, const struct history_rows *rows)
{
    struct exchange *exchange = context;
    exchange->asked = NULL;
    if (rows->status == STATUS_OK)
        answer_history(exchange, rows);
    else
        answer_refuse(exchange, REJECT_HISTORY_UNAVAILABLE);
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
    if (exchange->asked == NULL) answer_refuse(exchange, REJECT_HISTORY_UNAVAILABLE);
}

/* ---- files ---- */

static void follow(struct exchange *exchange, enum outcome outcome);

static void resume(struct exchange *exchange)
{
    struct request *request = &exchange->request;
    follow(exchange, request->resume(request, &exchange->server->facts));
}

static void on_reading(void *context, const struct reading *reading)
{
    struct exchange *exchange = context;
    exchange->question = NULL;
    if (reading == NULL) {
        answer_refuse_and_close(exchange, REJECT_BUSY);
        return;
    }
    exchange->request.reading = *reading;
    resume(exchange);
}

static bool is_wanted(void *context)
{
    const struct exchange *exchange = context;
    /* A node that stops reads no connection any more, and answers what it has taken. */
    return exchange->server->is_stopping || exchange_is_heard(exchange->h2o);
}

static void ask_reading(struct exchange *exchange)
{
    struct server *server = exchange->server;
    struct reading *reading = &exchange->request.reading;
    exchange->request.form = NULL;
    if (server->readers == NULL) {
        reading->read(reading, server->facts.chain, server->facts.proofs);
        resume(exchange);
        return;
    }
    exchange->question = readers_ask(server->readers, reading,
                                     (struct readers_asker){on_reading, is_wanted, exchange});
    if (exchange->question == NULL) answer_refuse(exchange, REJECT_BUSY);
}

/* ---- a request's way ---- */

static bool read_time_unit(struct exchange *exchange)
{
    struct auth_piece unit;
    exchange->request.time_unit_ns = 1000000;
    if (!identify_header(exchange->h2o, "x-mbx-time-unit", &unit)) return true;
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
    const uint32_t used =
        quota_charge(&server->quota, exchange_address(exchange->h2o), weight, now_ns);
    if (!server->options->limits_on || used <= QUOTA_WEIGHT_MAX) return true;
    answer_number_header(exchange->h2o, "retry-after", "Retry-After", quota_retry_after(now_ns));
    exchange->request.refusal = refusal_of(REJECT_TOO_MUCH_WEIGHT, "6000", "1 MINUTE");
    answer_refusal(exchange);
    return false;
}

static void follow(struct exchange *exchange, enum outcome outcome)
{
    switch (outcome) {
    case OUTCOME_ANSWERED:
        answer_send(exchange);
        break;
    case OUTCOME_REFUSED:
        answer_refusal(exchange);
        break;
    case OUTCOME_COMMAND:
        submit_command(exchange);
        break;
    case OUTCOME_HISTORY:
        ask_history(exchange);
        break;
    case OUTCOME_READING:
        ask_reading(exchange);
        break;
    }
}

static void handle(struct exchange *exchange)
{
    struct server *server = exchange->server;
    struct request *request = &exchange->request;
    request->form = &server->form;
    if (!form_parse(request->form, request->query, request->query_bytes, request->body,
                    request->body_bytes)) {
        request->refusal = refusal_of(REJECT_ILLEGAL_CHARACTERS, "query", "name=value&name=value");
        answer_refusal(exchange);
        return;
    }
    if (!identify_asker(exchange)) {
        answer_refusal(exchange);
        return;
    }
    request->weight = request->route->weight;
    const enum outcome outcome = request->route->handler(request, &server->facts);
    if (request->weight > request->route->weight)
        quota_charge(&server->quota, exchange_address(exchange->h2o),
                     request->weight - request->route->weight, request->now_ns);
    follow(exchange, outcome);
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

void dispatch_moved(struct server *server)
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

static void send_page(struct exchange *exchange, const struct web_file *file)
{
    answer_header(exchange->h2o, "content-security-policy", "Content-Security-Policy",
                  WEB_SECURITY_POLICY, sizeof(WEB_SECURITY_POLICY) - 1);
    answer_header(exchange->h2o, "x-content-type-options", "X-Content-Type-Options",
                  H2O_STRLIT("nosniff"));
    answer_bytes(exchange, 200, file->content_type, (const char *)file->bytes, file->byte_count);
}

static void send_options(struct exchange *exchange)
{
    answer_header(exchange->h2o, "allow", "Allow",
                  H2O_STRLIT("GET, HEAD, POST, PUT, DELETE, OPTIONS"));
    answer_bytes(exchange, 204, "application/json;charset=UTF-8", NULL, 0);
}

void dispatch_request(struct exchange *exchange)
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
        answer_refuse(exchange, path_exists ? REJECT_METHOD : REJECT_NO_ROUTE);
    else if (!read_time_unit(exchange))
        answer_refuse(exchange, REJECT_TIME_UNIT);
    else
        handle_when_current(exchange);
}

void dispatch_forget(struct exchange *exchange)
{
    if (exchange->asked != NULL) history_forget(exchange->asked);
    if (exchange->question != NULL) readers_forget(exchange->question);
    free(exchange->request.reading.taken);
    if (exchange->is_behind) behind_unlink(exchange);
}
