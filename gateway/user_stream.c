#include "gateway/user_stream.h"

#include "gateway/listen_key.h"
#include "gateway/user_json.h"

#include <string.h>

/* In the middle of a command so long that it would be forgotten in part, what is told early stays so far behind the newest
 * entry: what ends an order changes its last report, a few entries back. */
#define HELD_BACK   64
#define UNTOLD_MAX  (USER_EVENTS_KEPT / 2)
#define UNIT_COUNT  2
#define MS_NS       1000000u
#define MESSAGE_MAX USER_JSON_MAX

/* One message in one unit of time, printed when somebody wants it. */
struct printed {
    size_t byte_count; /* 0: not printed */
    char bytes[MESSAGE_MAX];
};

struct user_stream {
    struct user_events *events;
    struct listen_keys *keys;
    const struct view *view;
    const struct params *params;
    struct user_listener **listeners; /* by account, the newest */
    uint64_t told;                    /* entries before this index have been told */
    uint32_t listener_count;
    struct user_listener *next;      /* hears the message in hand after the one that hears it now */
    struct user_listener *replaying; /* hears what it has missed; NULL: nobody, or it has left */
    uint64_t indices[USER_REPLAY_MAX];
    struct printed printed[UNIT_COUNT];
};

size_t user_stream_bytes(const struct genesis *genesis)
{
    return user_event_bytes(genesis) + listen_key_bytes() + sizeof(struct user_stream) +
           ((size_t)genesis->params.accounts_max + 1) * sizeof(struct user_listener *) + 2 * 64;
}

struct user_stream *user_stream_new(struct arena *arena, const struct genesis *genesis,
                                    const struct view *view, const struct params *params)
{
    struct user_stream *stream = arena_take(arena, sizeof(*stream));
    if (stream == NULL) return NULL;
    stream->view = view;
    stream->params = params;
    stream->events = user_event_new(arena, genesis, view, params);
    stream->listeners = arena_take_array(arena, (size_t)genesis->params.accounts_max + 1,
                                         sizeof(*stream->listeners));
    stream->keys = listen_key_new(arena);
    const bool whole = stream->events != NULL && stream->listeners != NULL && stream->keys != NULL;
    return whole ? stream : NULL;
}

struct listen_keys *user_stream_keys(const struct user_stream *stream)
{
    return stream->keys;
}

void user_stream_restart(struct user_stream *stream)
{
    user_event_restart(stream->events);
}

/* ---- listeners ---- */

void user_stream_join(struct user_stream *stream, struct user_listener *listener)
{
    ASSERT(!listener->is_joined && view_account(stream->view, listener->account) != NULL);
    struct user_listener **newest = &stream->listeners[listener->account];
    listener->is_joined = true;
    listener->previous = NULL;
    listener->next = *newest;
    if (*newest != NULL) (*newest)->previous = listener;
    *newest = listener;
    stream->listener_count++;
}

void user_stream_leave(struct user_stream *stream, struct user_listener *listener)
{
    if (!listener->is_joined) return;
    if (stream->next == listener) stream->next = listener->next;
    if (stream->replaying == listener) stream->replaying = NULL;
    if (listener->previous != NULL)
        listener->previous->next = listener->next;
    else
        stream->listeners[listener->account] = listener->next;
    if (listener->next != NULL) listener->next->previous = listener->previous;
    listener->is_joined = false;
    stream->listener_count--;
}

struct user_number user_stream_number(const struct user_stream *stream)
{
    return user_number_whole(view_command(stream->view));
}

/* ---- messages ---- */

static const struct printed *print(struct user_stream *stream, uint64_t index,
                                   uint64_t time_unit_ns)
{
    struct printed *printed = &stream->printed[time_unit_ns == MS_NS ? 0 : 1];
    if (printed->byte_count > 0) return printed;
    const struct printing printing = {stream->params, time_unit_ns, stream->view};
    struct writer json;
    writer_start(&json, printed->bytes, sizeof(printed->bytes));
    user_json_event(&json, &printing, stream->events, index);
    ASSERT(!json.overflow);
    printed->byte_count = json.used;
    return printed;
}

static void tell_one(struct user_stream *stream, uint64_t index, struct user_listener *listener)
{
    const struct user_event *event = user_event_at(stream->events, index);
    if (user_number_compare(event->number, listener->from) <= 0) return;
    const struct printed *message = print(stream, index, listener->time_unit_ns);
    listener->hear(listener, message->bytes, message->byte_count);
}

static void forget_printed(struct user_stream *stream)
{
    for (uint32_t unit = 0; unit < UNIT_COUNT; unit++)
        stream->printed[unit].byte_count = 0;
}

/* Positions are told with the last of them: they are the last of their command. */
static void tell(struct user_stream *stream, uint64_t index)
{
    const struct user_event *event = user_event_at(stream->events, index);
    struct user_listener *listener = stream->listeners[event->account];
    if (listener == NULL) return;
    if (event->kind == USER_POSITION && !user_event_is_last(stream->events, index)) return;
    forget_printed(stream);
    for (; listener != NULL; listener = stream->next) {
        stream->next = listener->next;
        tell_one(stream, index, listener);
    }
}

static void tell_until(struct user_stream *stream, uint64_t end)
{
    if (stream->listener_count == 0) stream->told = end;
    for (; stream->told < end; stream->told++)
        tell(stream, stream->told);
}

void user_stream_event(struct user_stream *stream, const struct applied *applied,
                       const struct event *event)
{
    user_event_apply(stream->events, applied, event);
}

void user_stream_end(struct user_stream *stream, const struct applied *applied)
{
    user_event_end(stream->events, applied);
    const uint64_t count = user_event_count(stream->events);
    if ((applied->flags & APPLIED_LAST) != 0)
        tell_until(stream, count);
    else if (count - stream->told > UNTOLD_MAX)
        tell_until(stream, count - HELD_BACK);
}

/* ---- what was missed ---- */

bool user_stream_remembers(struct user_stream *stream, uint32_t account, struct user_number from)
{
    uint32_t count;
    return user_event_since(stream->events, account, from, stream->told, stream->indices,
                            USER_REPLAY_MAX, &count);
}

/* A position that another of its message follows. */
static bool is_partial(const struct user_stream *stream, uint32_t at, uint32_t count)
{
    if (at + 1 == count) return false;
    const struct user_event *event = user_event_at(stream->events, stream->indices[at]);
    const struct user_event *next = user_event_at(stream->events, stream->indices[at + 1]);
    return event->kind == USER_POSITION && next->kind == USER_POSITION &&
           event->number.command == next->number.command;
}

void user_stream_replay(struct user_stream *stream, struct user_listener *listener)
{
    uint32_t count;
    ASSERT(listener->is_joined);
    if (!user_event_since(stream->events, listener->account, listener->from, stream->told,
                          stream->indices, USER_REPLAY_MAX, &count))
        return;
    stream->replaying = listener;
    for (uint32_t at = 0; at < count && stream->replaying == listener; at++) {
        if (is_partial(stream, at, count)) continue;
        forget_printed(stream);
        tell_one(stream, stream->indices[at], listener);
    }
    stream->replaying = NULL;
}
