#include "gateway/listen_stream_h2o.h"

#include "gateway/listen_key.h"
#include "gateway/user_json.h"

#include <stdlib.h>
#include <string.h>

#define EVENT_BYTES_MAX 256

struct listen_name {
    struct user_listener listener;
    bool is_dead; /* it has been told that its key is not good */
    struct listen_streams *streams;
    struct listen_name *next;
    char key[LISTEN_KEY_LETTERS];
};

/* ---- messages ---- */

/* Wrapped with the name of its stream, which is the key, where the session wants that. */
static void send_event(const struct listen_streams *streams, const char *key, const char *event,
                       size_t byte_count)
{
    const h2o_iovec_t payload = {(char *)(uintptr_t)event, byte_count};
    const h2o_iovec_t parts[] = {
        {H2O_STRLIT("{\"stream\":\"")},
        {(char *)(uintptr_t)key, LISTEN_KEY_LETTERS},
        {H2O_STRLIT("\",\"data\":")},
        payload,
        {H2O_STRLIT("}")},
    };
    if (streams->session->is_combined)
        streams->send(streams->context, parts, sizeof(parts) / sizeof(parts[0]));
    else
        streams->send(streams->context, &payload, 1);
}

/* What is sent may close the connection, and then the name is gone. */
static bool hear(struct user_listener *listener, const char *message, size_t byte_count)
{
    const struct listen_name *name = container_of(listener, struct listen_name, listener);
    const struct listen_streams *streams = name->streams;
    send_event(streams, name->key, message, byte_count);
    return streams->takes_more(streams->context);
}

static void lost(struct user_listener *listener)
{
    const struct listen_streams *streams =
        container_of(listener, struct listen_name, listener)->streams;
    streams->lost(streams->context);
}

/* ---- names ---- */

static void name_free(struct listen_streams *streams, struct listen_name **at)
{
    struct listen_name *name = *at;
    user_stream_leave(streams->users, &name->listener);
    *at = name->next;
    free(name);
}

void listen_stream_close(struct listen_streams *streams)
{
    while (streams->first != NULL)
        name_free(streams, &streams->first);
}

static struct listen_name *find(const struct listen_streams *streams, const char *key)
{
    struct listen_name *at = streams->first;
    while (at != NULL && memcmp(at->key, key, LISTEN_KEY_LETTERS) != 0)
        at = at->next;
    return at;
}

/* Letters and digits, as many as a key has: names of streams have others. */
static bool is_key_form(const char *name, size_t name_bytes)
{
    if (name_bytes != LISTEN_KEY_LETTERS) return false;
    for (size_t at = 0; at < name_bytes; at++) {
        const char letter = name[at];
        if (!((letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'z') ||
              (letter >= 'A' && letter <= 'Z')))
            return false;
    }
    return true;
}

static void send_expired(const struct listen_streams *streams, const char *key, uint64_t time)
{
    char bytes[EVENT_BYTES_MAX];
    struct writer json;
    writer_start(&json, bytes, sizeof(bytes));
    user_json_expired(&json, key, LISTEN_KEY_LETTERS, time);
    ASSERT(!json.overflow);
    send_event(streams, key, json.bytes, json.used);
}

static void tell_dead(struct listen_name *name, uint64_t now_ns)
{
    user_stream_leave(name->streams->users, &name->listener);
    name->is_dead = true;
    send_expired(name->streams, name->key, now_ns / name->listener.time_unit_ns);
}

/* An account that this loop's view has not got yet is listened to once it is there: all that happens to it is behind `from`. */
static bool join(struct listen_name *name)
{
    struct user_stream *users = name->streams->users;
    if (!user_stream_knows(users, name->listener.account)) return false;
    user_stream_join(users, &name->listener);
    return true;
}

/* `account` 0: the key is nobody's. */
static void begin(struct listen_streams *streams, const char *key, uint32_t account)
{
    struct listen_name *name = h2o_mem_alloc(sizeof(*name));
    *name = (struct listen_name){
        .listener = {.account = account,
                     .time_unit_ns = streams->session->unit == CHANNEL_US ? 1000 : 1000000,
                     .from = user_stream_number(streams->users),
                     .key = USER_NO_KEY,
                     .hear = hear,
                     .lost = lost},
        .streams = streams,
        .next = streams->first,
    };
    memcpy(name->key, key, LISTEN_KEY_LETTERS);
    streams->first = name;
    if (account != 0) (void)join(name);
}

/* The session's names lie one behind the other, each ended by a zero byte. */
static bool is_wanted(const struct session *session, const char *key)
{
    const char *at = session->names, *end = at + session->names_used;
    for (; at < end; at += strlen(at) + 1)
        if (strlen(at) == LISTEN_KEY_LETTERS && memcmp(at, key, LISTEN_KEY_LETTERS) == 0)
            return true;
    return false;
}

void listen_stream_follow(struct listen_streams *streams, uint64_t now_ns)
{
    const struct session *session = streams->session;
    if (streams->first == NULL && session->names_used == 0) return;
    for (struct listen_name **at = &streams->first; *at != NULL;)
        if (is_wanted(session, (*at)->key))
            at = &(*at)->next;
        else
            name_free(streams, at);
    const char *at = session->names, *end = at + session->names_used;
    for (; at < end; at += strlen(at) + 1) {
        if (!is_key_form(at, strlen(at)) || find(streams, at) != NULL) continue;
        const uint32_t account =
            listen_key_account(user_stream_keys(streams->users), at, LISTEN_KEY_LETTERS, now_ns);
        begin(streams, at, account);
    }
    listen_stream_tick(streams, now_ns);
}

bool listen_stream_is_dead(const struct listen_streams *streams)
{
    return streams->first != NULL && streams->first->is_dead && streams->session->stream_count == 1;
}

/* Where the first that waits hangs; NULL hangs there when none does. */
static struct listen_name **waiting(struct listen_streams *streams)
{
    struct listen_name **at = &streams->first;
    while (*at != NULL && !(*at)->listener.is_waiting)
        at = &(*at)->next;
    return at;
}

bool listen_stream_waits(struct listen_streams *streams)
{
    return *waiting(streams) != NULL;
}

/* The first goes to the end: the next time it is another's turn. Needs: one waits. */
static struct listen_name *take_waiting(struct listen_streams *streams)
{
    struct listen_name **at = waiting(streams), *first = *at;
    *at = first->next;
    while (*at != NULL)
        at = &(*at)->next;
    first->next = NULL;
    *at = first;
    return first;
}

/* What is told may close the connection, and then none is left. */
void listen_stream_go_on(struct listen_streams *streams)
{
    while (listen_stream_waits(streams) && streams->takes_more(streams->context))
        user_stream_go_on(streams->users, &take_waiting(streams)->listener);
}

/* ---- ends ---- */

/* What was nobody's when it was named stays so: another loop may make keys meanwhile. */
static bool is_good(const struct listen_name *name, uint64_t now_ns)
{
    struct listen_keys *keys = user_stream_keys(name->streams->users);
    return name->listener.account != 0 &&
           listen_key_account(keys, name->key, LISTEN_KEY_LETTERS, now_ns) != 0;
}

/* The first whose key is not its account's any more, or NULL. */
static struct listen_name *ended(const struct listen_streams *streams, uint64_t now_ns)
{
    struct listen_name *at = streams->first;
    while (at != NULL && (at->is_dead || is_good(at, now_ns)))
        at = at->next;
    return at;
}

/* Whose account was not there yet. */
static void join_late(struct listen_streams *streams)
{
    bool has_joined = false;
    for (struct listen_name *at = streams->first; at != NULL; at = at->next)
        if (!at->is_dead && !at->listener.is_joined) has_joined |= join(at);
    if (has_joined) listen_stream_go_on(streams);
}

/* What is said may close the connection, and then none is left: each time it is looked for anew. */
void listen_stream_tick(struct listen_streams *streams, uint64_t now_ns)
{
    struct listen_name *name;
    while ((name = ended(streams, now_ns)) != NULL)
        tell_dead(name, now_ns);
    join_late(streams);
}
