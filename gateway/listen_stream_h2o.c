#include "gateway/listen_stream_h2o.h"

#include "gateway/listen_key.h"
#include "gateway/user_json.h"

#include <stdlib.h>
#include <string.h>

#define EVENT_BYTES_MAX 256

struct listen_name {
    struct user_listener listener;
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

static void hear(struct user_listener *listener, const char *message, size_t byte_count)
{
    const struct listen_name *name = container_of(listener, struct listen_name, listener);
    send_event(name->streams, name->key, message, byte_count);
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

static void begin(struct listen_streams *streams, const char *key, uint32_t account)
{
    struct listen_name *name = h2o_mem_alloc(sizeof(*name));
    *name = (struct listen_name){
        .listener = {.account = account,
                     .time_unit_ns = streams->session->unit == CHANNEL_US ? 1000 : 1000000,
                     .hear = hear},
        .streams = streams,
        .next = streams->first,
    };
    memcpy(name->key, key, LISTEN_KEY_LETTERS);
    streams->first = name;
    user_stream_join(streams->users, &name->listener);
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
        const size_t key_bytes = strlen(at);
        const uint32_t account =
            listen_key_account(user_stream_keys(streams->users), at, key_bytes, now_ns);
        if (account != 0 && find(streams, at) == NULL) begin(streams, at, account);
    }
}

/* ---- ends ---- */

static void send_expired(const struct listen_streams *streams, const char *key, uint64_t time)
{
    char bytes[EVENT_BYTES_MAX];
    struct writer json;
    writer_start(&json, bytes, sizeof(bytes));
    user_json_expired(&json, key, LISTEN_KEY_LETTERS, time);
    ASSERT(!json.overflow);
    send_event(streams, key, json.bytes, json.used);
}

/* The first whose key is not its account's any more, or NULL. */
static struct listen_name **ended(struct listen_streams *streams, uint64_t now_ns)
{
    struct listen_name **at = &streams->first;
    while (*at != NULL && listen_key_account(user_stream_keys(streams->users), (*at)->key,
                                             LISTEN_KEY_LETTERS, now_ns) != 0)
        at = &(*at)->next;
    return *at == NULL ? NULL : at;
}

/* What is said may close the connection, and then none is left: each time it is looked for anew. */
void listen_stream_tick(struct listen_streams *streams, uint64_t now_ns)
{
    struct listen_name **at;
    while ((at = ended(streams, now_ns)) != NULL) {
        const struct listen_name name = **at;
        name_free(streams, at);
        send_expired(streams, name.key, now_ns / name.listener.time_unit_ns);
    }
}
