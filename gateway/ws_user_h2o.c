#include "gateway/ws_user_h2o.h"

#include "common/parameter.h"
#include "gateway/text.h"
#include "gateway/user_json.h"
#include "gateway/ws_call_h2o.h"

#include <stdlib.h>
#include <string.h>

#define HEAD_BYTES_MAX  64
#define EVENT_BYTES_MAX 128
#define MS_NS           1000000u
#define US_NS           1000u

/* Events that a resume has missed are found and told again: so many weigh 1. */
#define MISSED_PER_WEIGHT 256

enum subscription_state {
    SUBSCRIPTION_NEW, /* its answer is not sent yet */
    SUBSCRIPTION_LIVE,
    SUBSCRIPTION_ENDING, /* the answer that ends it is not sent yet */
};

struct ws_subscription {
    struct user_listener listener;
    struct ws_calls *calls;
    struct ws_subscription *next;
    uint32_t id;
    bool is_of_session; /* it ends when its account logs out */
    enum subscription_state state;
};

/* ---- messages ---- */

static void send_event(struct ws_subscription *subscription, const char *event, size_t byte_count)
{
    const struct ws_caller *caller = &subscription->calls->caller;
    if (!caller->is_open(caller->context)) return; /* a close frame is the last word */
    char head_bytes[HEAD_BYTES_MAX];
    struct text head = text_over(head_bytes, sizeof(head_bytes));
    text_add(&head, "{\"subscriptionId\":");
    text_u64(&head, subscription->id);
    text_add(&head, ",\"event\":");
    ASSERT(!text_full(&head));
    const h2o_iovec_t parts[] = {
        {head.bytes, head.used},
        {(char *)(uintptr_t)event, byte_count},
        {H2O_STRLIT("}")},
    };
    caller->send(caller->context, parts, 3);
}

/* What is sent may close the connection, and then the subscription is gone. */
static bool hear(struct user_listener *listener, const char *message, size_t byte_count)
{
    struct ws_subscription *subscription = container_of(listener, struct ws_subscription, listener);
    const struct ws_caller *caller = &subscription->calls->caller;
    send_event(subscription, message, byte_count);
    return caller->takes_more(caller->context);
}

static void lost(struct user_listener *listener)
{
    const struct ws_caller *caller =
        &container_of(listener, struct ws_subscription, listener)->calls->caller;
    caller->lost(caller->context);
}

static void send_terminated(struct ws_subscription *subscription, uint64_t now_ns)
{
    char bytes[EVENT_BYTES_MAX];
    struct writer json;
    writer_start(&json, bytes, sizeof(bytes));
    user_json_terminated(&json, now_ns / subscription->listener.time_unit_ns);
    ASSERT(!json.overflow);
    send_event(subscription, json.bytes, json.used);
}

/* ---- lives ---- */

static uint64_t time_unit_ns(const struct ws_calls *calls)
{
    return calls->time_unit.bytes != NULL ? US_NS : MS_NS;
}

static struct ws_subscription *find_account(const struct ws_user *user, uint32_t account)
{
    struct ws_subscription *at = user->first;
    while (at != NULL && at->listener.account != account)
        at = at->next;
    return at;
}

static void subscription_free(struct ws_calls *calls, struct ws_subscription **at)
{
    struct ws_subscription *subscription = *at;
    user_stream_leave(calls->user.stream, &subscription->listener);
    *at = subscription->next;
    calls->user.count--;
    free(subscription->listener.marks);
    free(subscription);
}

/* Ends one, whose last word is said. */
static void end_with_word(struct ws_calls *calls, struct ws_subscription **at, uint64_t now_ns)
{
    struct ws_subscription last = **at;
    subscription_free(calls, at);
    send_terminated(&last, now_ns);
}

static void ended(struct user_listener *listener, uint64_t time_ns)
{
    struct ws_subscription *subscription = container_of(listener, struct ws_subscription, listener);
    struct ws_subscription **at = &subscription->calls->user.first;
    while (*at != subscription)
        at = &(*at)->next;
    end_with_word(subscription->calls, at, time_ns);
}

void ws_user_close(struct ws_calls *calls)
{
    while (calls->user.first != NULL)
        subscription_free(calls, &calls->user.first);
}

/* The first that is not as the last answer leaves it, or NULL. */
static struct ws_subscription **unsettled(struct ws_user *user)
{
    struct ws_subscription **at = &user->first;
    while (*at != NULL && (*at)->state == SUBSCRIPTION_LIVE)
        at = &(*at)->next;
    return *at == NULL ? NULL : at;
}

/* Whatever is sent may close the connection, and then there are none left: each time it is looked for anew. */
void ws_user_settle(struct ws_calls *calls)
{
    struct ws_subscription **at;
    if (!calls->user.is_unsettled) return;
    calls->user.is_unsettled = false;
    while ((at = unsettled(&calls->user)) != NULL) {
        struct ws_subscription *subscription = *at;
        const enum subscription_state state = subscription->state;
        subscription->state = SUBSCRIPTION_LIVE;
        if (state == SUBSCRIPTION_ENDING) {
            end_with_word(calls, at, calls->user.ended_ns);
            continue;
        }
        user_stream_join(calls->user.stream, &subscription->listener);
    }
    ws_user_go_on(calls);
}

/* Where the first that waits hangs; NULL hangs there when none does. */
static struct ws_subscription **waiting(struct ws_user *user)
{
    struct ws_subscription **at = &user->first;
    while (*at != NULL && !(*at)->listener.is_waiting)
        at = &(*at)->next;
    return at;
}

bool ws_user_waits(struct ws_calls *calls)
{
    return *waiting(&calls->user) != NULL;
}

/* The first goes to the end: the next time it is another's turn. Needs: one waits. */
static struct ws_subscription *take_waiting(struct ws_user *user)
{
    struct ws_subscription **at = waiting(user), *first = *at;
    *at = first->next;
    while (*at != NULL)
        at = &(*at)->next;
    first->next = NULL;
    *at = first;
    return first;
}

/* Likewise: what is told may close the connection. */
void ws_user_go_on(struct ws_calls *calls)
{
    const struct ws_caller *caller = &calls->caller;
    while (ws_user_waits(calls) && caller->takes_more(caller->context))
        user_stream_go_on(calls->user.stream, &take_waiting(&calls->user)->listener);
}

/* ---- methods ---- */

/* Whether the session's key may still listen, and from here: it may be gone, or be less, since it has logged on. */
static bool find_session_key(struct request *request, const struct facts *facts, uint32_t *key)
{
    const struct ws_session *session = &ws_call_of(request)->user.session;
    request->refusal = refusal_of(REJECT_KEY, NULL, NULL);
    return session->account != 0 &&
           auth_find_key(facts->view, session->key, sizeof(session->key), KEY_READ, request->ip,
                         key, &request->refusal) &&
           view_key(facts->view, *key)->account == session->account;
}

/* certified=true: whoever subscribes is told what has become final, too. */
static bool read_certified(struct request *request, bool *is_wanted)
{
    static const struct parameter_word words[] = {{"false", 0}, {"true", 1}};
    uint8_t value = 0;
    const bool is_read = parameter_optional_word(request->form, "certified", words, 2, REJECT_DATA,
                                                 &value, &request->refusal);
    *is_wanted = value != 0;
    return is_read;
}

static struct finality_marks *new_marks(void)
{
    struct finality_marks *marks = h2o_mem_alloc(sizeof(*marks));
    *marks = (struct finality_marks){0};
    return marks;
}

/* A new one, which hears what is behind `from` by the key's right; or NULL with the refusal. */
static struct ws_subscription *begin(struct request *request, uint32_t account, uint32_t key,
                                     struct user_number from)
{
    struct ws_calls *calls = ws_call_of(request);
    struct ws_user *user = &calls->user;
    enum reject reject = REJECT_NONE;
    bool is_told_final;
    if (!read_certified(request, &is_told_final)) return NULL;
    if (!calls->caller.is_open(calls->caller.context))
        reject = REJECT_STOPPING;
    else if (find_account(user, account) != NULL)
        reject = REJECT_SUBSCRIPTION_ACTIVE;
    else if (user->count == WS_SUBSCRIPTIONS_MAX)
        reject = REJECT_SUBSCRIPTIONS_MANY;
    if (reject != REJECT_NONE) {
        request_refuse(request, reject, NULL, NULL);
        return NULL;
    }
    struct ws_subscription *subscription = h2o_mem_alloc(sizeof(*subscription));
    *subscription = (struct ws_subscription){
        .listener = {.account = account,
                     .time_unit_ns = time_unit_ns(calls),
                     .from = from,
                     .key = key,
                     .marks = is_told_final ? new_marks() : NULL,
                     .hear = hear,
                     .lost = lost,
                     .ended = ended},
        .calls = calls,
        .next = user->first,
        .id = user->next_id++,
    };
    user->first = subscription;
    user->count++;
    user->is_unsettled = true;
    return subscription;
}

/* `sequence`: what is behind this number will be heard, so that even who has heard nothing may resume. */
static enum outcome answer_begun(struct request *request,
                                 const struct ws_subscription *subscription)
{
    char number[USER_NUMBER_TEXT];
    writer_object(&request->json);
    writer_key_u64(&request->json, "subscriptionId", subscription->id);
    writer_key_text(&request->json, "sequence", number,
                    user_number_put(subscription->listener.from, number));
    writer_object_end(&request->json);
    return OUTCOME_ANSWERED;
}

enum outcome ws_user_subscribe(struct request *request, const struct facts *facts)
{
    const struct user_number from = user_stream_number(ws_call_of(request)->user.stream);
    const struct ws_subscription *subscription =
        begin(request, request->account, request->key_index, from);
    (void)facts;
    return subscription == NULL ? OUTCOME_REFUSED : answer_begun(request, subscription);
}

enum outcome ws_user_subscribe_session(struct request *request, const struct facts *facts)
{
    const struct ws_user *user = &ws_call_of(request)->user;
    uint32_t key;
    if (!find_session_key(request, facts, &key)) return OUTCOME_REFUSED;
    struct ws_subscription *subscription =
        begin(request, user->session.account, key, user_stream_number(user->stream));
    if (subscription == NULL) return OUTCOME_REFUSED;
    subscription->is_of_session = true;
    return answer_begun(request, subscription);
}

enum outcome ws_user_resume(struct request *request, const struct facts *facts)
{
    struct user_stream *stream = ws_call_of(request)->user.stream;
    const struct form_field *field = form_find(request->form, "from");
    struct user_number from;
    (void)facts;
    if (field == NULL || !user_number_read(field->value, field->value_bytes, &from))
        return request_refuse(request, REJECT_MANDATORY, "from", NULL);
    if (!user_stream_may_resume(stream, request->account, from))
        return request_refuse(request, REJECT_RESUME_OLD, NULL, NULL);
    struct ws_subscription *subscription =
        begin(request, request->account, request->key_index, from);
    if (subscription == NULL) return OUTCOME_REFUSED;
    request->weight +=
        user_stream_missed(stream, request->account, from, &subscription->listener.place) /
        MISSED_PER_WEIGHT;
    if (subscription->listener.marks != NULL) finality_begin(subscription->listener.marks, from);
    return answer_begun(request, subscription);
}

enum outcome ws_user_unsubscribe(struct request *request, const struct facts *facts)
{
    struct ws_user *user = &ws_call_of(request)->user;
    uint64_t id = 0;
    bool is_sent, has_ended = false;
    (void)facts;
    if (!request_u64(request, "subscriptionId", &id, &is_sent)) return OUTCOME_REFUSED;
    for (struct ws_subscription *at = user->first; at != NULL; at = at->next) {
        if (is_sent && at->id != id) continue;
        at->state = SUBSCRIPTION_ENDING; /* it goes behind the answer, before anything happens */
        has_ended = true;
    }
    if (!has_ended) return request_refuse(request, REJECT_SUBSCRIPTION_INACTIVE, NULL, NULL);
    user->ended_ns = request->now_ns;
    user->is_unsettled = true;
    writer_object(&request->json);
    writer_object_end(&request->json);
    return OUTCOME_ANSWERED;
}

/* ---- sessions ---- */

static void put_time(struct request *request, const char *name, uint64_t time_ns)
{
    writer_key_u64(&request->json, name, time_ns / request->time_unit_ns);
}

static bool is_told(const struct ws_user *user)
{
    const struct ws_subscription *at = user->first;
    while (at != NULL && at->state == SUBSCRIPTION_ENDING)
        at = at->next;
    return at != NULL;
}

static enum outcome answer_session(struct request *request)
{
    const struct ws_calls *calls = ws_call_of(request);
    const struct ws_session *session = &calls->user.session;
    struct writer *json = &request->json;
    writer_object(json);
    writer_key(json, "apiKey");
    if (session->account == 0)
        writer_null(json);
    else
        writer_text(json, session->key, sizeof(session->key));
    writer_key(json, "authorizedSince");
    if (session->account == 0)
        writer_null(json);
    else
        writer_u64(json, session->since_ns / request->time_unit_ns);
    put_time(request, "connectedSince", calls->user.opened_ns);
    writer_key_bool(json, "returnRateLimits", !calls->hides_limits);
    put_time(request, "serverTime", request->now_ns);
    writer_key_bool(json, "userDataStream", is_told(&calls->user));
    writer_object_end(json);
    return OUTCOME_ANSWERED;
}

enum outcome ws_user_logon(struct request *request, const struct facts *facts)
{
    struct ws_session *session = &ws_call_of(request)->user.session;
    const struct desk_question *question = container_of(request, struct desk_question, request);
    const struct auth_piece *key = &question->headers[DESK_API_KEY];
    (void)facts;
    if (question->by_session) return request_refuse(request, REJECT_MANDATORY, "signature", NULL);
    ASSERT(key->byte_count == sizeof(session->key)); /* it has been found */
    session->account = request->account;
    session->since_ns = request->now_ns;
    memcpy(session->key, key->bytes, sizeof(session->key));
    return answer_session(request);
}

enum outcome ws_user_status(struct request *request, const struct facts *facts)
{
    (void)facts;
    return answer_session(request);
}

enum outcome ws_user_logout(struct request *request, const struct facts *facts)
{
    struct ws_user *user = &ws_call_of(request)->user;
    (void)facts;
    user->session = (struct ws_session){0};
    user->ended_ns = request->now_ns;
    user->is_unsettled = true;
    for (struct ws_subscription *at = user->first; at != NULL; at = at->next)
        if (at->is_of_session) at->state = SUBSCRIPTION_ENDING;
    return answer_session(request);
}

enum outcome ws_user_list(struct request *request, const struct facts *facts)
{
    (void)facts;
    writer_array(&request->json);
    for (const struct ws_subscription *at = ws_call_of(request)->user.first; at != NULL;
         at = at->next) {
        writer_object(&request->json);
        writer_key_u64(&request->json, "subscriptionId", at->id);
        writer_object_end(&request->json);
    }
    writer_array_end(&request->json);
    return OUTCOME_ANSWERED;
}
