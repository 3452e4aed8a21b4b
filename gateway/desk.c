#include "gateway/desk_state.h"

#include "gateway/identify.h"
#include "gateway/order_batch.h"
#include "gateway/readers_uv.h"
#include "gateway/route.h"
#include "gateway/submit.h"

#include <string.h>

static_assert(HISTORY_QUEUE_MAX + READERS_WAITING_MAX <= DESK_LOOKUPS_MAX / 2,
              "all who wait have room, those who are being answered too");

#define JSON       "application/json;charset=UTF-8"
#define DESK_MS_NS 1000000u

/* ---- answers ---- */

void desk_send(struct desk_question *question, int http_status, const char *content_type,
               const char *bytes, size_t byte_count)
{
    struct desk_answer *answer = &question->answer;
    const struct request *request = &question->request;
    answer->http_status = http_status;
    answer->content_type = content_type;
    answer->bytes = bytes;
    answer->byte_count = byte_count;
    answer->used_weight =
        quota_charge(question->desk->quota, QUOTA_WEIGHT, request->address, 0, request->now_ns);
    question->asker->answered(question);
}

static void send_json(struct desk_question *question, int http_status)
{
    const struct request *request = &question->request;
    desk_send(question, http_status, request->content_type != NULL ? request->content_type : JSON,
              request->json.bytes, request->json.used);
}

void desk_send_refusal(struct desk_question *question)
{
    struct request *request = &question->request;
    writer_start_growing(&request->json, DESK_ANSWER_MAX, question->asker->grow, question);
    reply_refusal_at(&request->json, &request->refusal, request->now_ns / DESK_MS_NS,
                     question->asker->nests_details);
    request->content_type = NULL;
    if (request->retry_after_s != 0) question->answer.retry_after_s = request->retry_after_s;
    if (request->refusal.reject == REJECT_TOO_MANY_ORDERS)
        metric_add(&question->desk->options->metrics->orders_refused_total, 1);
    send_json(question, reject_http_status(request->refusal.reject));
}

void desk_refuse_for(struct desk_question *question, const struct refusal *refusal)
{
    question->request.refusal = *refusal;
    desk_send_refusal(question);
}

void desk_refuse(struct desk_question *question, enum reject reject)
{
    const struct refusal refusal = refusal_of(reject, NULL, NULL);
    desk_refuse_for(question, &refusal);
}

void desk_refuse_and_end(struct desk_question *question, enum reject reject)
{
    question->answer.ends_connection = true;
    desk_refuse(question, reject);
}

void desk_refuse_queued(struct desk_question *question)
{
    metric_add(&question->desk->options->metrics->queued_refused_total, 1);
    question->request.retry_after_s = 1;
    desk_refuse(question, REJECT_TOO_MANY_QUEUED);
}

void desk_send_written(struct desk_question *question)
{
    const struct request *request = &question->request;
    const struct proof_bytes *taken = &request->reading.bytes;
    if (request->json.overflow)
        desk_refuse(question, REJECT_UNKNOWN);
    else if (request->sends_taken)
        desk_send(question, request->http_status, request->content_type, (const char *)taken->bytes,
                  taken->byte_count);
    else
        send_json(question, request->http_status);
}

/* ---- what waits for PostgreSQL or files ---- */

static bool may_look(const struct desk_question *question)
{
    const struct desk *desk = question->desk;
    return !desk->options->limits_on ||
           hall_count(desk->hall, HALL_LOOKUPS, question->request.address) < DESK_LOOKUPS_SHARE;
}

static void look(struct desk_question *question)
{
    hall_enter(question->desk->hall, HALL_LOOKUPS, question->request.address, 1);
}

static void look_away(struct desk_question *question)
{
    hall_leave(question->desk->hall, HALL_LOOKUPS, question->request.address, 1);
}

/* ---- history ---- */

static void answer_history(struct desk_question *question, const struct history_rows *rows)
{
    struct desk *desk = question->desk;
    struct request *request = &question->request;
    const struct printing printing = request_printing(request, &desk->facts);
    if (recall_answer(desk->recall, &request->history, rows, desk->facts.view, desk->facts.markets,
                      &printing, &request->json, &request->refusal))
        desk_send_written(question);
    else
        desk_send_refusal(question);
}

static void on_history(void *context, const struct history_rows *rows)
{
    struct desk_question *question = context;
    question->asked = NULL;
    look_away(question);
    if (rows->status == STATUS_OK)
        answer_history(question, rows);
    else
        desk_refuse(question, REJECT_HISTORY_UNAVAILABLE);
}

static void ask_history(struct desk_question *question)
{
    struct desk *desk = question->desk;
    const struct history_query *query = &question->request.history;
    if (recall_is_whole(query, desk->facts.view, desk->facts.markets)) {
        answer_history(question, NULL);
        return;
    }
    if (!may_look(question)) {
        desk_refuse_queued(question);
        return;
    }
    if (desk->history != NULL)
        question->asked = history_ask(desk->history, query, on_history, question);
    if (question->asked == NULL)
        desk_refuse(question, REJECT_HISTORY_UNAVAILABLE);
    else
        look(question);
}

/* ---- files ---- */

static void follow(struct desk_question *question, enum outcome outcome);

static void resume(struct desk_question *question)
{
    struct request *request = &question->request;
    follow(question, request->resume(request, &question->desk->facts));
}

static void on_reading(void *context, const struct reading *reading)
{
    struct desk_question *question = context;
    question->reading = NULL;
    look_away(question);
    if (reading == NULL) {
        desk_refuse_and_end(question, REJECT_BUSY);
        return;
    }
    question->request.reading = *reading;
    resume(question);
}

static bool is_wanted(void *context)
{
    const struct desk_question *question = context;
    /* A node that stops reads no connection any more, and answers what it has taken. */
    return question->desk->is_stopping || question->asker->is_heard(question);
}

static void ask_reading(struct desk_question *question)
{
    struct desk *desk = question->desk;
    struct reading *reading = &question->request.reading;
    question->request.form = NULL;
    if (desk->readers == NULL) {
        reading->read(reading, desk->facts.chain, desk->facts.proofs);
        resume(question);
        return;
    }
    if (!may_look(question)) {
        desk_refuse_queued(question);
        return;
    }
    question->reading = readers_ask(desk->readers, reading,
                                    (struct readers_asker){on_reading, is_wanted, question});
    if (question->reading == NULL)
        desk_refuse(question, REJECT_BUSY);
    else
        look(question);
}

/* ---- the time unit ---- */

static bool is_word(const struct auth_piece *piece, const char *word)
{
    return piece->byte_count == strlen(word) &&
           strncasecmp(piece->bytes, word, piece->byte_count) == 0;
}

static bool read_time_unit(struct desk_question *question)
{
    const struct auth_piece *unit = &question->headers[DESK_TIME_UNIT];
    question->request.time_unit_ns = 1000000;
    if (unit->bytes == NULL) return true;
    if (is_word(unit, "microsecond")) {
        question->request.time_unit_ns = 1000;
        return true;
    }
    return is_word(unit, "millisecond");
}

/* ---- limits of an address ---- */

static void count_refusal(struct metrics *metrics, const struct quota_verdict *verdict)
{
    if (verdict->begins_ban) metric_add(&metrics->bans_total, 1);
    if (verdict->reject == REJECT_BANNED)
        metric_add(&metrics->banned_refused_total, 1);
    else if (verdict->reject == REJECT_TOO_MANY_REQUESTS)
        metric_add(&metrics->requests_refused_total, 1);
    else if (verdict->reject == REJECT_TOO_MANY_HANDSHAKES)
        metric_add(&metrics->handshakes_refused_total, 1);
    else
        metric_add(&metrics->weight_refused_total, 1);
}

/* Whoever is banned is not listened to any longer. */
static bool judge(struct desk_question *question, enum quota_kind kind, uint32_t count)
{
    struct desk *desk = question->desk;
    struct request *request = &question->request;
    if (!desk->options->limits_on) {
        quota_charge(desk->quota, kind, request->address, count, request->now_ns);
        return true;
    }
    const struct quota_verdict verdict =
        quota_judge(desk->quota, kind, request->address, count, request->now_ns);
    if (verdict.reject == REJECT_NONE) return true;
    count_refusal(desk->options->metrics, &verdict);
    question->answer.retry_after_s = verdict.retry_after_s;
    question->answer.ends_connection = verdict.reject == REJECT_BANNED;
    request->refusal = quota_refusal(&verdict);
    desk_send_refusal(question);
    return false;
}

bool desk_admits(struct desk_question *question)
{
    return judge(question, QUOTA_REQUESTS, 1);
}

bool desk_charge(struct desk_question *question, uint32_t weight)
{
    return judge(question, QUOTA_WEIGHT, weight);
}

bool desk_connects(struct desk_question *question, uint32_t weight)
{
    return judge(question, QUOTA_HANDSHAKES, 1) && (weight == 0 || desk_charge(question, weight));
}

bool desk_is_banned(struct desk *desk, uint64_t address, uint64_t now_ns, struct refusal *refusal)
{
    if (!desk->options->limits_on) return false;
    const struct quota_verdict verdict = quota_ban(desk->quota, address, now_ns);
    if (verdict.reject == REJECT_NONE) return false;
    count_refusal(desk->options->metrics, &verdict);
    *refusal = quota_refusal(&verdict);
    return true;
}

/* ---- a question's way ---- */

static void follow(struct desk_question *question, enum outcome outcome)
{
    switch (outcome) {
    case OUTCOME_ANSWERED:
        desk_send_written(question);
        break;
    case OUTCOME_REFUSED:
        desk_send_refusal(question);
        break;
    case OUTCOME_COMMAND:
        submit_command(question);
        break;
    case OUTCOME_HISTORY:
        ask_history(question);
        break;
    case OUTCOME_READING:
        ask_reading(question);
        break;
    case OUTCOME_ITEMS:
        order_batch_ask(question);
        break;
    }
}

static bool read_form(const struct request *request)
{
    const enum security security = request->route->security;
    const bool is_form = security != SECURITY_BATCH && security != SECURITY_ITEMS;
    return form_parse(request->form, request->query, request->query_bytes, request->body,
                      is_form ? request->body_bytes : 0);
}

static struct refusal form_refusal(const struct form *form)
{
    if (form->fault == FORM_REPEATED) return refusal_of(REJECT_PARAMETER_REPEATED, NULL, NULL);
    if (form->fault == FORM_FULL) return refusal_of(REJECT_TOO_MANY_PARAMETERS, NULL, NULL);
    return refusal_of(REJECT_ILLEGAL_CHARACTERS, "query", "name=value&name=value");
}

/* Whether it is known what is asked, and who asks; else the refusal has been sent. */
static bool begin_to_handle(struct desk_question *question)
{
    struct request *request = &question->request;
    request->form = &question->desk->form;
    const bool is_form = read_form(request);
    if (!is_form) request->refusal = form_refusal(request->form);
    if (is_form && identify_asker(question)) return true;
    desk_send_refusal(question);
    return false;
}

static void run_handler(struct desk_question *question)
{
    struct desk *desk = question->desk;
    struct request *request = &question->request;
    request->weight = request->route->weight;
    desk->form_found = 0;
    request->form->found = &desk->form_found;
    enum outcome outcome = request->route->handler(request, &desk->facts);
    const bool is_done = request->route->security == SECURITY_USER_STREAM; /* and old clients' */
    if (outcome != OUTCOME_REFUSED && !is_done && !request_is_read(request, &desk->facts))
        outcome = OUTCOME_REFUSED;
    if (request->weight > request->route->weight)
        quota_charge(desk->quota, QUOTA_WEIGHT, request->address,
                     request->weight - request->route->weight, request->now_ns);
    follow(question, outcome);
}

static void behind_link(struct desk_question *question)
{
    struct desk *desk = question->desk;
    question->is_behind = true;
    question->next_behind = NULL;
    question->previous_behind = desk->last_behind;
    if (desk->last_behind != NULL)
        desk->last_behind->next_behind = question;
    else
        desk->first_behind = question;
    desk->last_behind = question;
}

static void behind_unlink(struct desk_question *question)
{
    struct desk *desk = question->desk;
    if (desk->walked_behind == question) desk->walked_behind = question->next_behind;
    if (question->previous_behind != NULL)
        question->previous_behind->next_behind = question->next_behind;
    else
        desk->first_behind = question->next_behind;
    if (question->next_behind != NULL)
        question->next_behind->previous_behind = question->previous_behind;
    else
        desk->last_behind = question->previous_behind;
    question->is_behind = false;
}

/* Orders of who asks may have ended over another loop since the question came: they count neither here nor as under way before
 * this view has them, and he could place as many again. */
static bool lacks_orders(struct desk_question *question)
{
    const struct desk *desk = question->desk;
    question->needs_command = hall_placed(desk->hall, question->request.account);
    return view_command(desk->facts.view) < question->needs_command;
}

static void handle(struct desk_question *question)
{
    if (!begin_to_handle(question)) return;
    if (question->request.account != 0 && lacks_orders(question))
        behind_link(question);
    else
        run_handler(question);
}

/* Nobody reads older than what any answer of this node has told. acquire: pairs with raise_acked. */
static void handle_when_current(struct desk_question *question)
{
    const struct desk *desk = question->desk;
    question->needs_command =
        atomic_load_explicit(&desk->options->progress->acked_command, memory_order_acquire);
    if (view_command(desk->facts.view) >= question->needs_command)
        handle(question);
    else
        behind_link(question);
}

/* First come, first answered. An answer may make its transport forget other questions: behind_unlink moves the walk past
 * them. */
void desk_moved(struct desk *desk)
{
    submit_show(desk);
    desk->walked_behind = desk->first_behind;
    while (desk->walked_behind != NULL) {
        struct desk_question *question = desk->walked_behind;
        desk->walked_behind = question->next_behind;
        if (view_command(desk->facts.view) < question->needs_command) continue;
        behind_unlink(question);
        handle(question);
    }
}

void desk_begin(struct desk *desk, struct desk_question *question)
{
    question->desk = desk;
    question->slot = SUBMIT_NO_SLOT;
    question->request.http_status = 200;
    writer_start_growing(&question->request.json, DESK_ANSWER_MAX, question->asker->grow, question);
}

void desk_take(struct desk_question *question)
{
    if (!desk_charge(question, question->request.route->weight)) return;
    if (read_time_unit(question))
        handle_when_current(question);
    else
        desk_refuse(question, REJECT_TIME_UNIT);
}

void desk_take_item(struct desk_question *question)
{
    if (!read_time_unit(question))
        desk_refuse(question, REJECT_TIME_UNIT);
    else if (begin_to_handle(question))
        run_handler(question);
}

void desk_forget(struct desk_question *question)
{
    if (question->items != NULL) order_batch_forget(question);
    submit_forget(question);
    if (question->asked != NULL) history_forget(question->asked);
    if (question->reading != NULL) readers_forget(question->reading);
    if (question->asked != NULL || question->reading != NULL) look_away(question);
    reading_release(&question->request.reading);
    if (question->is_behind) behind_unlink(question);
}

/* ---- the log's side ---- */

struct waiter *desk_waiter(struct desk *desk, const struct command_header *header)
{
    return submit_waiter(desk, header);
}

void desk_event(struct waiter *waiter, const struct applied *applied, const struct event *event)
{
    submit_event(waiter, applied, event);
}

void desk_finish(struct desk *desk, struct waiter *waiter, const struct applied *applied)
{
    submit_finish(desk, waiter, applied);
}

bool desk_flush(struct desk *desk)
{
    const bool has_committed = desk->has_committed;
    submit_flush(desk);
    return has_committed;
}

void desk_tick(struct desk *desk, uint64_t now_ms)
{
    desk->now_ms = now_ms;
    desk->facts.limits_on = desk->options->limits_on; /* it may have changed */
    submit_end_waiting(desk, now_ms);
    if (desk->readers != NULL) readers_sweep(desk->readers);
    if (desk->history != NULL) desk->facts.history_is_up = history_is_up(desk->history);
}

void desk_stop(struct desk *desk)
{
    desk->is_stopping = true;
}

void desk_cut(struct desk *desk)
{
    desk->history = NULL;
    desk->readers = NULL;
}

void desk_abandon(struct desk *desk)
{
    submit_end_waiting(desk, UINT64_MAX);
}

bool desk_waits(const struct desk *desk)
{
    return desk->waiting_count > 0;
}

/* ---- begin and end ---- */

size_t desk_arena_bytes(const struct genesis *genesis)
{
    return auth_bytes(genesis) + recall_bytes() + submit_bytes() + sizeof(struct desk) + 1024;
}

static void gather_facts(struct desk *desk, const struct desk_options *options)
{
    const struct gateway_options *gateway = options->gateway;
    desk->facts = (struct facts){
        .genesis = gateway->genesis,
        .params = market_views_params(options->markets),
        .view = options->view,
        .markets = options->markets,
        .blocks = options->blocks,
        .chain = gateway->chain,
        .proofs = gateway->proofs,
        .genesis_text = gateway->genesis_text,
        .genesis_text_bytes = gateway->genesis_text_bytes,
        .chain_id = genesis_chain_id(gateway->genesis),
        .metrics = gateway->metrics,
        .progress = gateway->progress,
        .reconcile_wanted = &gateway->progress->reconcile_wanted,
        .quota = desk->quota,
        .hall = desk->hall,
        .users = options->users,
        .node = gateway->node,
        .limits_on = gateway->limits_on,
    };
}

struct desk *desk_new(struct arena *arena, const struct desk_options *options)
{
    const struct gateway_options *gateway = options->gateway;
    struct desk *desk = arena_take(arena, sizeof(*desk));
    if (desk == NULL) return NULL;
    desk->options = gateway;
    desk->hall = gateway->hall;
    desk->quota = hall_quota(gateway->hall);
    desk->history = options->history;
    desk->readers = options->readers;
    desk->now_ms = options->now_ms;
    desk->random_used = DESK_RANDOM_BYTES;
    gather_facts(desk, options);
    desk->auth = auth_new(arena, gateway->genesis, gateway->gateway_secret);
    desk->recall = recall_new(arena);
    return desk->auth != NULL && desk->recall != NULL && submit_init(desk, arena) ? desk : NULL;
}

struct hall *desk_hall(const struct desk *desk)
{
    return desk->hall;
}

void desk_free(struct desk *desk)
{
    if (desk != NULL) auth_free(desk->auth);
}
