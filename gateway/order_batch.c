#include "gateway/order_batch.h"

#include "gateway/desk_state.h"
#include "gateway/route.h"

#include <string.h>

struct item {
    struct desk_question question;
    struct order_batch *batch;
};

struct order_batch {
    struct desk_question *whole;
    uint32_t item_count;
    uint32_t answered_count;
    bool is_asking; /* not all items have been asked: no answer is the last one */
    struct item items[];
};

/* Most memory that askers give has this. */
static_assert(_Alignof(struct order_batch) <= 16, "grown memory is aligned for it");

enum kind { PLACE, CANCEL, REPLACE, AMEND, KINDS };

/* ---- lines ---- */

struct auth_piece order_batch_next(const char **at, const char *end)
{
    const char *begin = *at;
    const char *newline = memchr(begin, '\n', (size_t)(end - begin));
    *at = newline == NULL ? end : newline + 1;
    return (struct auth_piece){begin, (size_t)((newline == NULL ? end : newline) - begin)};
}

uint32_t order_batch_count(const char *body, size_t body_bytes)
{
    uint32_t count = 0;
    const char *at = body, *end = body + body_bytes;
    while (at < end) {
        (void)order_batch_next(&at, end);
        count++;
    }
    return count;
}

bool order_batch_has_gap(const struct auth_piece *text)
{
    for (size_t at = 0; at < text->byte_count; at++) {
        if (text->bytes[at] != '&') continue;
        if (at == 0 || at + 1 == text->byte_count || text->bytes[at + 1] == '&') return true;
    }
    return false;
}

static bool is_named(const char *at, const char *end, const char *name)
{
    const size_t name_bytes = strlen(name);
    return (size_t)(end - at) > name_bytes && memcmp(at, name, name_bytes) == 0 &&
           at[name_bytes] == '=';
}

/* By the parameters that mark a request among its like (intent_order_only): what is none of what it seems to be is refused
 * when it is read. */
static enum kind kind_of(const struct auth_piece *line)
{
    const char *at = line->bytes, *end = line->bytes + line->byte_count;
    enum kind kind = CANCEL;
    while (at < end) {
        if (is_named(at, end, "cancelReplaceMode")) return REPLACE;
        if (is_named(at, end, "newQty")) kind = AMEND;
        if (is_named(at, end, "side") && kind == CANCEL) kind = PLACE;
        const char *next = memchr(at, '&', (size_t)(end - at));
        at = next == NULL ? end : next + 1;
    }
    return kind;
}

const struct route *order_batch_route(const struct auth_piece *line)
{
    static const struct {
        enum method method;
        const char *path;
    } targets[KINDS] = {
        [PLACE] = {METHOD_POST, "/api/v3/order"},
        [CANCEL] = {METHOD_DELETE, "/api/v3/order"},
        [REPLACE] = {METHOD_POST, "/api/v3/order/cancelReplace"},
        [AMEND] = {METHOD_PUT, "/api/v3/order/amend/keepPriority"},
    };
    struct auth_piece value;
    bool path_exists;
    const enum kind kind = kind_of(line);
    const char *path = targets[kind].path;
    const struct route *route =
        route_find(targets[kind].method, path, strlen(path), &value, &path_exists);
    ASSERT(route != NULL);
    return route;
}

/* ---- the answer ---- */

static void put_item(struct writer *json, const struct desk_answer *answer)
{
    writer_object(json);
    writer_key_i64(json, "status", answer->http_status);
    writer_key(json, answer->http_status == 200 ? "result" : "error");
    writer_raw(json, answer->bytes, answer->byte_count);
    writer_object_end(json);
}

/* The item was answered now: its counts of the account's orders are the newest. Those of before may be of windows that are
 * over. */
static void take_counts(struct desk_answer *whole, const struct desk_answer *item)
{
    if (!item->counts_orders) return;
    whole->counts_orders = true;
    whole->orders_ten_seconds = item->orders_ten_seconds;
    whole->orders_day = item->orders_day;
}

/* The last thing that is done with a batch: its memory may go with the answer. */
static void answer_whole(struct order_batch *batch)
{
    struct desk_question *whole = batch->whole;
    struct writer *json = &whole->request.json;
    writer_array(json);
    for (uint32_t index = 0; index < batch->item_count; index++) {
        const struct desk_answer *answer = &batch->items[index].question.answer;
        put_item(json, answer);
    }
    writer_array_end(json);
    if (json->overflow)
        desk_refuse(whole, REJECT_OUTCOME_UNKNOWN); /* done, but not to be told */
    else
        desk_send_written(whole);
}

static struct item *item_of(const struct desk_question *question)
{
    return container_of((struct desk_question *)(uintptr_t)question, struct item, question);
}

static void answered(struct desk_question *question)
{
    struct order_batch *batch = item_of(question)->batch;
    batch->answered_count++;
    take_counts(&batch->whole->answer, &question->answer);
    if (!batch->is_asking && batch->answered_count == batch->item_count) answer_whole(batch);
}

static bool is_heard(const struct desk_question *question)
{
    const struct desk_question *whole = item_of(question)->batch->whole;
    return whole->asker->is_heard(whole);
}

static char *grow(void *question, const char *bytes, size_t used, size_t capacity)
{
    struct desk_question *whole = item_of(question)->batch->whole;
    return whole->asker->grow(whole, bytes, used, capacity);
}

static const struct desk_asker asker = {answered, is_heard, grow, false};

/* ---- the items ---- */

static void begin_item(struct item *item, const struct auth_piece *line, const struct route *route)
{
    struct desk_question *whole = item->batch->whole;
    struct desk_question *question = &item->question;
    struct request *request = &question->request;
    question->asker = &asker;
    memcpy(question->headers, whole->headers, sizeof(question->headers));
    if (whole->request.route->security == SECURITY_BATCH) question->principal = &whole->request;
    request->method = route->method;
    request->path = route->path;
    request->path_bytes = route->path_bytes;
    request->route = route;
    request->query = line->bytes;
    request->query_bytes = line->byte_count;
    request->address = whole->request.address;
    memcpy(request->ip, whole->request.ip, sizeof(request->ip));
    request->now_ns = whole->request.now_ns;
    desk_begin(whole->desk, question);
}

/* Memory for all items, each begun. Returns what they weigh. */
static uint32_t begin(struct desk_question *whole)
{
    const struct request *request = &whole->request;
    const uint32_t count = order_batch_count(request->body, request->body_bytes);
    const size_t byte_count = sizeof(struct order_batch) + count * sizeof(struct item);
    const char *at = request->body, *end = at + request->body_bytes;
    uint32_t weight = 0;
    ASSERT(count > 0 && count <= ORDER_BATCH_ITEMS_MAX);
    struct order_batch *batch = (void *)whole->asker->grow(whole, NULL, 0, byte_count);
    memset(batch, 0, byte_count);
    batch->whole = whole;
    batch->item_count = count;
    whole->items = batch;
    for (uint32_t index = 0; index < count; index++) {
        const struct auth_piece line = order_batch_next(&at, end);
        const struct route *route = order_batch_route(&line);
        batch->items[index].batch = batch;
        begin_item(&batch->items[index], &line, route);
        weight += route->weight;
    }
    return weight;
}

static void ask_item(struct desk_question *question)
{
    const struct auth_piece line = {question->request.query, question->request.query_bytes};
    const struct refusal refusal =
        refusal_of(REJECT_ILLEGAL_CHARACTERS, "body", "name=value&name=value");
    if (order_batch_has_gap(&line))
        desk_refuse_for(question, &refusal);
    else
        desk_take_item(question);
}

void order_batch_ask(struct desk_question *whole)
{
    const uint32_t own_weight = whole->request.route->weight;
    const uint32_t weight = begin(whole);
    struct order_batch *batch = whole->items;
    if (!desk_charge(whole, weight > own_weight ? weight - own_weight : 0)) return;
    batch->is_asking = true;
    for (uint32_t index = 0; index < batch->item_count; index++)
        ask_item(&batch->items[index].question);
    batch->is_asking = false;
    if (batch->answered_count == batch->item_count) answer_whole(batch);
}

void order_batch_forget(struct desk_question *whole)
{
    struct order_batch *batch = whole->items;
    for (uint32_t index = 0; index < batch->item_count; index++)
        desk_forget(&batch->items[index].question);
}
