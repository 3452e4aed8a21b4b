#include "gateway/ws_call_h2o.h"

#include "gateway/order_tally.h"
#include "gateway/quota.h"
#include "gateway/text.h"
#include "gateway/ws_method.h"
#include "gateway/ws_request.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HEAD_BYTES_MAX   (WS_REQUEST_ID_MAX + 64)
#define TAIL_BYTES_MAX   512
#define REASON_BYTES_MAX 64

struct ws_call {
    struct desk_question question;
    struct ws_calls *calls;
    struct ws_call *next, *previous;
    struct auth_piece id;
    struct auth_payload payload, encoded; /* what was signed: values as they are, or as in a URL */
    uint32_t weight;
    bool shows_limits;
    h2o_mem_pool_t pool;
};

/* ---- the URL ---- */

static bool is_word(const char *text, size_t text_bytes, const char *word)
{
    return text_bytes == strlen(word) && memcmp(text, word, text_bytes) == 0;
}

static bool read_wish(struct ws_calls *calls, const char *name, size_t name_bytes,
                      const char *value, size_t value_bytes)
{
    if (is_word(name, name_bytes, "returnRateLimits")) {
        calls->hides_limits = is_word(value, value_bytes, "false");
        return calls->hides_limits || is_word(value, value_bytes, "true");
    }
    if (!is_word(name, name_bytes, "timeUnit")) return true;
    if (is_word(value, value_bytes, "MICROSECOND") || is_word(value, value_bytes, "microsecond")) {
        calls->time_unit = (struct auth_piece){H2O_STRLIT("MICROSECOND")};
        return true;
    }
    return is_word(value, value_bytes, "MILLISECOND") || is_word(value, value_bytes, "millisecond");
}

bool ws_call_open(struct ws_calls *calls, struct desk *desk, const struct ws_caller *caller,
                  const struct request *from, const char *query, size_t query_bytes)
{
    const char *at = query, *end = query + query_bytes;
    *calls = (struct ws_calls){.desk = desk, .caller = *caller, .address = from->address};
    memcpy(calls->ip, from->ip, sizeof(calls->ip));
    while (at < end) {
        const char *next = memchr(at, '&', (size_t)(end - at));
        if (next == NULL) next = end;
        const char *value = memchr(at, '=', (size_t)(next - at));
        const char *name_end = value == NULL ? next : value;
        if (value == NULL) value = next - 1;
        if (!read_wish(calls, at, (size_t)(name_end - at), value + 1, (size_t)(next - value) - 1))
            return false;
        at = next + 1;
    }
    return true;
}

/* ---- a request's life ---- */

static void unlink_call(struct ws_call *call)
{
    struct ws_calls *calls = call->calls;
    if (call->previous != NULL)
        call->previous->next = call->next;
    else
        calls->first = call->next;
    if (call->next != NULL) call->next->previous = call->previous;
    calls->call_count--;
    calls->weight -= call->weight;
}

/* The only place where a request's memory goes. */
static void end_call(struct ws_call *call)
{
    unlink_call(call);
    desk_forget(&call->question);
    h2o_mem_clear_pool(&call->pool);
    free(call);
}

void ws_call_close(struct ws_calls *calls)
{
    while (calls->first != NULL)
        end_call(calls->first);
    ws_user_close(calls);
}

struct ws_calls *ws_call_of(struct request *request)
{
    struct desk_question *question = container_of(request, struct desk_question, request);
    return container_of(question, struct ws_call, question)->calls;
}

/* ---- answers ---- */

static void put_limit(struct text *text, const char *type, const char *interval,
                      uint32_t interval_count, uint32_t limit, uint32_t count)
{
    text_add(text, "{\"rateLimitType\":\"");
    text_add(text, type);
    text_add(text, "\",\"interval\":\"");
    text_add(text, interval);
    text_add(text, "\",\"intervalNum\":");
    text_u64(text, interval_count);
    text_add(text, ",\"limit\":");
    text_u64(text, limit);
    text_add(text, ",\"count\":");
    text_u64(text, count);
    text_add(text, "}");
}

static void put_limits(struct text *text, const struct desk_answer *answer)
{
    text_add(text, ",\"rateLimits\":[");
    if (answer->counts_orders) {
        put_limit(text, "ORDERS", "SECOND", 10, ORDER_TALLY_TEN_SECONDS_MAX,
                  answer->orders_ten_seconds);
        text_add(text, ",");
        put_limit(text, "ORDERS", "DAY", 1, ORDER_TALLY_DAY_MAX, answer->orders_day);
        text_add(text, ",");
    }
    put_limit(text, "REQUEST_WEIGHT", "MINUTE", 1, QUOTA_WEIGHT_MAX, answer->used_weight);
    text_add(text, "]");
}

static void put_head(struct text *text, const struct ws_call *call)
{
    const int http_status = call->question.answer.http_status;
    text_add(text, "{\"id\":");
    text_put(text, call->id.bytes, call->id.byte_count);
    text_add(text, ",\"status\":");
    text_i64(text, http_status);
    text_add(text, http_status == 200 ? ",\"result\":" : ",\"error\":");
}

/* Behind an error that ends with its brace cut off: when to come again. */
static void put_data(struct text *text, const struct ws_call *call)
{
    const uint64_t now_ms = call->question.request.now_ns / 1000000;
    text_add(text, ",\"data\":{\"serverTime\":");
    text_u64(text, now_ms);
    text_add(text, ",\"retryAfter\":");
    text_u64(text, now_ms + (uint64_t)call->question.answer.retry_after_s * 1000);
    text_add(text, "}}");
}

static void end_banned(const struct ws_caller *caller, const struct refusal *refusal)
{
    char reason[REASON_BYTES_MAX];
    struct text text = text_over(reason, sizeof(reason));
    text_add(&text, "IP banned until ");
    text_add(&text, refusal->first);
    text_put(&text, "", 1);
    ASSERT(!text_full(&text));
    caller->end(caller->context, reason);
}

static void answered(struct desk_question *question)
{
    struct ws_call *call = container_of(question, struct ws_call, question);
    struct ws_calls *calls = call->calls;
    const struct refusal refusal = question->request.refusal;
    const struct ws_caller *caller = &calls->caller;
    const struct desk_answer *answer = &question->answer;
    char head_bytes[HEAD_BYTES_MAX], tail_bytes[TAIL_BYTES_MAX];
    struct text head = text_over(head_bytes, sizeof(head_bytes));
    struct text tail = text_over(tail_bytes, sizeof(tail_bytes));
    size_t body_bytes = answer->byte_count;
    put_head(&head, call);
    if (answer->retry_after_s > 0) {
        ASSERT(body_bytes > 0 && answer->bytes[body_bytes - 1] == '}');
        body_bytes--;
        put_data(&tail, call);
    }
    if (call->shows_limits) put_limits(&tail, answer);
    text_add(&tail, "}");
    ASSERT(!text_full(&head) && !text_full(&tail));
    const h2o_iovec_t parts[] = {
        {head.bytes, head.used},
        {(char *)(uintptr_t)answer->bytes, body_bytes},
        {tail.bytes, tail.used},
    };
    if (caller->is_open(caller->context)) caller->answer(caller->context, parts, 3);
    end_call(call);
    ws_user_settle(calls);
    if (refusal.reject == REJECT_BANNED) end_banned(caller, &refusal);
}

static bool is_heard(const struct desk_question *question)
{
    const struct ws_caller *caller =
        &container_of(question, struct ws_call, question)->calls->caller;
    return caller->is_open(caller->context);
}

static char *grow(void *question, const char *bytes, size_t used, size_t capacity)
{
    struct ws_call *call = container_of((struct desk_question *)question, struct ws_call, question);
    char *grown = h2o_mem_alloc_pool(&call->pool, capacity);
    if (used > 0) memcpy(grown, bytes, used);
    return grown;
}

static const struct desk_asker asker = {answered, is_heard, grow, .nests_details = true};

/* ---- requests ---- */

bool ws_call_is_full(const struct ws_calls *calls)
{
    return calls->weight >= WS_CALLS_MAX;
}

static uint64_t wall_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static struct ws_call *begin_call(struct ws_calls *calls)
{
    struct ws_call *call = h2o_mem_alloc(sizeof(*call));
    memset(call, 0, sizeof(*call));
    h2o_mem_init_pool(&call->pool);
    call->calls = calls;
    call->next = calls->first;
    if (calls->first != NULL) calls->first->previous = call;
    calls->first = call;
    calls->call_count++;
    call->id = (struct auth_piece){"null", 4};
    call->question.asker = &asker;
    call->question.headers[DESK_TIME_UNIT] = calls->time_unit;
    call->question.request.address = calls->address;
    memcpy(call->question.request.ip, calls->ip, sizeof(calls->ip));
    call->question.request.now_ns = wall_clock_ns();
    desk_begin(calls->desk, &call->question);
    return call;
}

/* A string's bytes in the request's memory; NULL when it is not there. */
static struct auth_piece copy_string(struct ws_call *call, const struct ws_parameter *parameter)
{
    if (parameter == NULL) return (struct auth_piece){NULL, 0};
    const struct json_value *value = &parameter->value;
    char *bytes = h2o_mem_alloc_pool(&call->pool, value->byte_count + 1);
    if (value->kind == JSON_STRING)
        return (struct auth_piece){bytes, json_scan_string(value, bytes)};
    memcpy(bytes, value->bytes, value->byte_count);
    return (struct auth_piece){bytes, value->byte_count};
}

/* Who has logged on needs not say again who he is, nor sign what he asks. The key is copied: he may log on by another
 * before he is answered. */
static void find_key(struct ws_call *call, const struct ws_request *said)
{
    const struct ws_session *session = &call->calls->user.session;
    const struct ws_parameter *key = ws_request_find(said, "apiKey");
    struct desk_question *question = &call->question;
    question->headers[DESK_API_KEY] = copy_string(call, key);
    if (key != NULL || call->payload.signature_count > 0 || session->account == 0) return;
    char *bytes = h2o_mem_alloc_pool(&call->pool, sizeof(session->key));
    memcpy(bytes, session->key, sizeof(session->key));
    question->headers[DESK_API_KEY] = (struct auth_piece){bytes, sizeof(session->key)};
    question->by_session = true;
}

static void fill_texts(struct ws_call *call, const struct ws_request *said)
{
    struct request *request = &call->question.request;
    const size_t room = ws_request_text_bytes(said);
    const struct ws_parameter *signature = ws_request_find(said, "signature");
    char *form = h2o_mem_alloc_pool(&call->pool, room);
    char *signed_text = h2o_mem_alloc_pool(&call->pool, room);
    request->query = form;
    request->query_bytes = ws_request_put_form(said, form);
    call->payload.pieces[0] =
        (struct auth_piece){signed_text, ws_request_put_signed(said, signed_text)};
    call->payload.signature = copy_string(call, signature);
    call->payload.signature_count = signature != NULL;
    call->question.payload = &call->payload;
    call->encoded = call->payload;
    call->encoded.pieces[0] = (struct auth_piece){form, request->query_bytes};
    /* Encoding only adds bytes: as many are the same ones. */
    if (request->query_bytes != call->payload.pieces[0].byte_count)
        call->question.encoded = &call->encoded;
    find_key(call, said);
}

static void keep_id(struct ws_call *call, const struct ws_request *said)
{
    char *id = h2o_mem_alloc_pool(&call->pool, said->id.byte_count);
    memcpy(id, said->id.bytes, said->id.byte_count);
    call->id = (struct auth_piece){id, said->id.byte_count};
}

static void find_route(struct ws_call *call, const struct ws_method *method)
{
    struct request *request = &call->question.request;
    bool path_exists;
    request->method = method->method;
    request->path = method->path;
    request->path_bytes = strlen(method->path);
    if (method->own.handler != NULL) {
        request->route = &method->own;
        return;
    }
    request->route = route_find(request->method, request->path, request->path_bytes,
                                &request->path_value, &path_exists);
    ASSERT(request->route != NULL);
}

/* What it may hold up others for, and how long its answer may be, goes by its weight. */
static void weigh(struct ws_call *call)
{
    const uint32_t weight = call->question.request.route->weight;
    call->weight = weight > 0 ? weight : 1;
    call->calls->weight += call->weight;
}

static void refuse_charged(struct ws_call *call, const struct refusal *refusal)
{
    if (desk_charge(&call->question, 1)) desk_refuse_for(&call->question, refusal);
}

void ws_call_take(struct ws_calls *calls, const char *text, size_t text_bytes)
{
    struct ws_request said;
    struct refusal refusal;
    ASSERT(!ws_call_is_full(calls));
    if (desk_is_banned(calls->desk, calls->address, wall_clock_ns(), &refusal)) {
        end_banned(&calls->caller, &refusal);
        return;
    }
    struct ws_call *call = begin_call(calls);
    refusal = refusal_of(REJECT_METHOD_UNKNOWN, NULL, NULL);
    const bool is_read = ws_request_read(&said, text, text_bytes, &refusal);
    keep_id(call, &said);
    call->shows_limits = said.has_limits_wish ? said.wants_limits : !calls->hides_limits;
    if (!desk_admits(&call->question)) return;
    if (!is_read) {
        refuse_charged(call, &refusal);
        return;
    }
    const struct ws_method *method = ws_method_find(said.method.bytes, said.method.byte_count);
    if (method == NULL) {
        refuse_charged(call, &refusal);
        return;
    }
    find_route(call, method);
    weigh(call);
    fill_texts(call, &said);
    desk_take(&call->question);
}
