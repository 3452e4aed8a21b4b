#include "gateway/user_stream.h"

#include "gateway/listen_key.h"
#include "gateway/user_json.h"

#include <string.h>

#define UNIT_COUNT  2
#define MS_NS       1000000u
#define MESSAGE_MAX USER_JSON_MAX

/* As many entries as most commands have of an account: what one listener hears, the next finds printed. */
#define PRINTED_KEPT 8

/* One message in one unit of time, printed when somebody wants it. */
struct printed {
    uint64_t number; /* of the entry, index + 1; 0: none */
    size_t byte_count;
    char bytes[MESSAGE_MAX];
};

struct user_stream {
    struct user_events *events;
    struct metrics *metrics;
    struct metrics unmeasured; /* until user_stream_measure */
    struct listen_keys *keys;
    const struct view *view;
    const struct params *params;
    struct user_listener **listeners; /* by account, the newest */
    uint64_t told;                    /* entries before this index may be told */
    uint32_t listener_count;
    struct user_listener *next;    /* is told after the one that is told now */
    struct user_listener *telling; /* hears; NULL: nobody, or it has left */
    struct finality finality;
    const struct block_list *blocks;
    struct block_entry final;    /* of them the last whose events may all be told */
    uint64_t ended;              /* the last command that has */
    struct link certified;       /* listeners that are told what is final */
    struct link *next_certified; /* as `next` */
    struct printed printed[UNIT_COUNT][PRINTED_KEPT];
};

size_t user_stream_bytes(const struct genesis *genesis)
{
    return user_event_bytes(genesis) + sizeof(struct user_stream) +
           ((size_t)genesis->params.accounts_max + 1) * sizeof(struct user_listener *) + 2 * 64;
}

struct user_stream *user_stream_new(struct arena *arena, const struct genesis *genesis,
                                    const struct view *view, const struct params *params,
                                    struct listen_keys *keys, const struct block_list *blocks)
{
    struct user_stream *stream = arena_take(arena, sizeof(*stream));
    if (stream == NULL) return NULL;
    stream->view = view;
    stream->params = params;
    stream->metrics = &stream->unmeasured;
    list_init(&stream->certified);
    stream->keys = keys;
    stream->blocks = blocks;
    stream->events = user_event_new(arena, genesis, view, params);
    stream->listeners = arena_take_array(arena, (size_t)genesis->params.accounts_max + 1,
                                         sizeof(*stream->listeners));
    return stream->events != NULL && stream->listeners != NULL ? stream : NULL;
}

void user_stream_measure(struct user_stream *stream, struct metrics *metrics)
{
    stream->metrics = metrics;
}

struct listen_keys *user_stream_keys(const struct user_stream *stream)
{
    return stream->keys;
}

void user_stream_restart(struct user_stream *stream)
{
    user_event_restart(stream->events);
    stream->ended = view_command(stream->view);
}

/* ---- listeners ---- */

/* Whether there may be something to tell it. */
static bool is_behind(const struct user_stream *stream, const struct user_listener *listener)
{
    if (!user_event_remembers(stream->events, listener->account, listener->from)) return true;
    const uint32_t place =
        user_event_behind(stream->events, listener->account, listener->from, listener->place);
    return place != 0 && user_event_at(stream->events, place)->index < stream->told;
}

bool user_stream_knows(const struct user_stream *stream, uint32_t account)
{
    return view_account(stream->view, account) != NULL;
}

void user_stream_join(struct user_stream *stream, struct user_listener *listener)
{
    ASSERT(!listener->is_joined && user_stream_knows(stream, listener->account));
    struct user_listener **newest = &stream->listeners[listener->account];
    listener->is_joined = true;
    listener->previous = NULL;
    listener->next = *newest;
    if (*newest != NULL) (*newest)->previous = listener;
    *newest = listener;
    metric_set(&stream->metrics->user_listeners, ++stream->listener_count);
    user_event_watch(stream->events, listener->account, stream->told);
    listener->is_waiting = is_behind(stream, listener);
    if (listener->marks == NULL) return;
    link_last(&stream->certified, &listener->certified);
    if (listener->marks->count > 0) listener->is_waiting = true; /* it may be final by now */
}

void user_stream_leave(struct user_stream *stream, struct user_listener *listener)
{
    if (!listener->is_joined) return;
    if (stream->next == listener) stream->next = listener->next;
    if (stream->telling == listener) stream->telling = NULL;
    if (stream->next_certified == &listener->certified)
        stream->next_certified = listener->certified.next;
    if (listener->marks != NULL) unlink_from(&listener->certified);
    if (listener->previous != NULL)
        listener->previous->next = listener->next;
    else
        stream->listeners[listener->account] = listener->next;
    if (listener->next != NULL) listener->next->previous = listener->previous;
    listener->is_joined = listener->is_waiting = false;
    metric_set(&stream->metrics->user_listeners, --stream->listener_count);
    if (stream->listeners[listener->account] == NULL)
        user_event_unwatch(stream->events, listener->account);
}

void user_stream_end_key(struct user_stream *stream, uint32_t account, uint32_t key,
                         uint64_t time_ns)
{
    struct user_listener *listener = stream->listeners[account];
    for (; listener != NULL; listener = stream->next) {
        stream->next = listener->next;
        if (listener->key != key) continue;
        user_stream_leave(stream, listener);
        listener->ended(listener, time_ns);
    }
    listen_key_drop(stream->keys, account, view_command(stream->view) + 1); /* which is under way */
}

struct user_number user_stream_number(const struct user_stream *stream)
{
    return user_number_whole(view_command(stream->view));
}

bool user_stream_may_resume(struct user_stream *stream, uint32_t account, struct user_number from)
{
    const bool remembers = user_event_remembers(stream->events, account, from);
    metric_add(remembers ? &stream->metrics->user_resumes_total
                         : &stream->metrics->user_resumes_refused_total,
               1);
    return remembers;
}

uint32_t user_stream_missed(const struct user_stream *stream, uint32_t account,
                            struct user_number from, uint32_t *place)
{
    uint32_t missed;
    *place = user_event_find(stream->events, account, from, &missed);
    return missed;
}

/* ---- messages ---- */

static const struct printed *print(struct user_stream *stream, uint32_t place,
                                   uint64_t time_unit_ns)
{
    const uint64_t index = user_event_at(stream->events, place)->index;
    struct printed *printed = &stream->printed[time_unit_ns == MS_NS ? 0 : 1][index % PRINTED_KEPT];
    if (printed->number == index + 1) return printed;
    const struct printing printing = {stream->params, time_unit_ns, stream->view};
    struct writer json;
    writer_start(&json, printed->bytes, sizeof(printed->bytes));
    user_json_event(&json, &printing, stream->events, place);
    ASSERT(!json.overflow);
    printed->byte_count = json.used;
    printed->number = index + 1;
    return printed;
}

/* The place of the message that the listener hears next: of its last entry. 0: there is none yet. */
static uint32_t next_place(const struct user_stream *stream, const struct user_listener *listener)
{
    uint32_t joined, place = user_event_behind(stream->events, listener->account, listener->from,
                                               listener->place);
    if (place == 0 || user_event_at(stream->events, place)->index >= stream->told) return 0;
    while ((joined = user_event_joined(stream->events, place)) != 0)
        place = joined;
    return place;
}

/* What of that it has heard has become final, if anything. */
static void tell_final(struct user_stream *stream, struct user_listener *listener)
{
    char bytes[FINALITY_JSON_MAX];
    struct writer json;
    struct finality_range range;
    if (listener->marks == NULL ||
        !finality_take(listener->marks, stream->final.header.last_command, &range))
        return;
    writer_start(&json, bytes, sizeof(bytes));
    finality_put(&json, &stream->final, &range, listener->time_unit_ns);
    ASSERT(!json.overflow);
    const bool has_room = listener->hear(listener, json.bytes, json.used);
    if (stream->telling == listener) listener->is_waiting = !has_room;
}

/* Tells at most so many messages, and less when there is no room. */
static void tell(struct user_stream *stream, struct user_listener *listener, uint32_t max)
{
    stream->telling = listener;
    for (uint32_t told = 0; stream->telling == listener && !listener->is_waiting; told++) {
        if (!user_event_remembers(stream->events, listener->account, listener->from)) {
            user_stream_leave(stream, listener);
            metric_add(&stream->metrics->user_lost_total, 1);
            listener->lost(listener);
            return;
        }
        const uint32_t place = next_place(stream, listener);
        if (place == 0) {
            tell_final(stream, listener);
            break;
        }
        if (told == max) {
            listener->is_waiting = true;
            break;
        }
        const struct printed *message = print(stream, place, listener->time_unit_ns);
        listener->from = user_event_at(stream->events, place)->number;
        listener->place = place;
        metric_add(&stream->metrics->user_messages_total, 1);
        if (listener->marks != NULL)
            finality_hear(&stream->finality, listener->marks, listener->from);
        const bool has_room = listener->hear(listener, message->bytes, message->byte_count);
        if (stream->telling == listener) listener->is_waiting = !has_room;
    }
    stream->telling = NULL;
}

void user_stream_go_on(struct user_stream *stream, struct user_listener *listener)
{
    ASSERT(listener->is_joined);
    listener->is_waiting = false;
    tell(stream, listener, USER_PAGE);
}

/* ---- what happens ---- */

static void tell_account(struct user_stream *stream, uint32_t account)
{
    struct user_listener *listener = stream->listeners[account];
    for (; listener != NULL; listener = stream->next) {
        stream->next = listener->next;
        if (!listener->is_waiting) tell(stream, listener, UINT32_MAX);
    }
}

/* Whoever has room is told what comes before `end`. */
static void tell_until(struct user_stream *stream, uint64_t end)
{
    if (end > stream->told) stream->told = end;
    for (uint32_t account = 0; (account = user_event_touched(stream->events, account)) != 0;)
        tell_account(stream, account);
}

/* A block is final here once all that happened in it has been told: its notice may come before that, and while a loop lags
 * those of many blocks. */
static void tell_certified(struct user_stream *stream)
{
    const struct block_entry *block =
        block_list_ended(stream->blocks, stream->final.header.height, stream->ended);
    if (block == NULL) return;
    stream->final = *block;
    for (struct link *at = stream->certified.next; at != &stream->certified;
         at = stream->next_certified) {
        struct user_listener *listener = container_of(at, struct user_listener, certified);
        stream->next_certified = at->next;
        if (listener->is_waiting) continue; /* it has not heard all of it */
        stream->telling = listener;
        tell_final(stream, listener);
    }
    stream->telling = NULL;
}

/* In the middle of a command so long that it would be forgotten in part. */
static void tell_early(struct user_stream *stream)
{
    const uint64_t count = user_event_count(stream->events);
    if (count > USER_EVENTS_OPEN) tell_until(stream, count - USER_EVENTS_OPEN);
}

/* A key that may less, or is for another address, opens its subscriptions anew if it still may. */
static void end_changed(struct user_stream *stream, const struct applied *applied,
                        const struct event *event)
{
    struct key_limited_event limited;
    struct key_removed_event removed;
    const bool is_removed = event->type == T_KEY_REMOVED;
    if (is_removed)
        key_removed_event_get(event->payload, &removed);
    else
        key_limited_event_get(event->payload, &limited);
    const int64_t index = view_find_key(stream->view, is_removed ? removed.key_id : limited.key_id);
    if (index >= 0)
        user_stream_end_key(stream, is_removed ? removed.account : limited.account, (uint32_t)index,
                            applied->stamp_ns);
}

void user_stream_event(struct user_stream *stream, const struct applied *applied,
                       const struct event *event)
{
    if (event->type == T_SEALED) finality_seal(&stream->finality, applied->number);
    if (!user_event_fits(stream->events, applied, stream->told)) tell_early(stream);
    user_event_apply(stream->events, applied, event);
    if (event->type == T_KEY_LIMITED || event->type == T_KEY_REMOVED)
        end_changed(stream, applied, event);
}

void user_stream_end(struct user_stream *stream, const struct applied *applied)
{
    user_event_end(stream->events, applied);
    if ((applied->flags & APPLIED_LAST) == 0) return;
    tell_until(stream, user_event_count(stream->events));
    user_event_forget_touched(stream->events);
    stream->ended = applied->number;
    if (finality_is_seal(&stream->finality, applied->number)) tell_certified(stream);
}

void user_stream_notice(struct user_stream *stream)
{
    tell_certified(stream);
}
