/* The streams of one WebSocket connection: which, and in which form.
 *
 * Owner    one gateway loop
 * Memory   embedded by the caller; its lists grow with the streams by the caller's `resize`, and go with session_free
 * Limits   SESSION_STREAMS_MAX streams; SESSION_NAMES_BYTES of names that are no stream of ours (any
 *          name is accepted, and listed, except on our own path, where one is an error). At either bound
 *          the request is refused whole
 * Cost     a stream is found in O(streams)
 */

#ifndef GATEWAY_SESSION_H
#define GATEWAY_SESSION_H

#include "gateway/channel.h"
#include "gateway/text.h"

#define SESSION_OWN_PATH    "/quorex/v1/stream"
#define SESSION_STREAMS_MAX 1024
#define SESSION_NAMES_BYTES 2048
#define SESSION_ID_MAX      36
#define SESSION_ERROR_MAX   192

struct session {
    bool is_combined;       /* messages are wrapped with the name of their stream */
    bool is_strict;         /* opened on our own path: an unknown stream is an error */
    enum channel_unit unit; /* of times; all its streams have it */
    /* The caller's realloc; with 0 bytes, free. NULL when there is no memory: the stream is refused. */
    void *(*resize)(void *memory, size_t byte_count);
    uint32_t stream_count, stream_room;
    uint32_t names_used, names_room;
    uint32_t *streams; /* channel, or SESSION_NAMED + place in names */
    char *names;       /* zero-terminated, back to back */
};

/* A stream the caller must link or unlink. */
struct session_change {
    uint32_t channel;
    bool is_subscribed; /* false: no longer */
};

/* Room for SESSION_STREAMS_MAX: no request changes more. */
struct session_changes {
    uint32_t count;
    bool is_full; /* set by session_answer: a subscription was refused because of a bound */
    struct session_change changes[SESSION_STREAMS_MAX];
};

enum session_method {
    SESSION_SUBSCRIBE,
    SESSION_UNSUBSCRIBE,
    SESSION_LIST,
    SESSION_SET_PROPERTY,
    SESSION_GET_PROPERTY,
};

enum session_value { SESSION_VALUE_STRING, SESSION_VALUE_BOOLEAN, SESSION_VALUE_OTHER };

struct session_parameter {
    enum session_value kind;
    bool boolean;
    const char *string;
    size_t string_bytes;
};

enum session_id { SESSION_ID_NULL, SESSION_ID_INTEGER, SESSION_ID_STRING };

enum session_error {
    SESSION_NO_ERROR = -1,
    SESSION_UNKNOWN_PROPERTY = 0,
    SESSION_WRONG_TYPE = 1,
    SESSION_INVALID_REQUEST = 2,
    SESSION_INVALID_JSON = 3,
};

/* A control message, read by session_json.c. Strings live in `document`. */
struct session_request {
    enum session_method method;
    enum session_id id_kind;
    int64_t id_integer;
    char id_string[SESSION_ID_MAX + 1];
    uint32_t parameter_count;
    struct session_parameter parameters[SESSION_STREAMS_MAX];
    enum session_error
        error; /* when not SESSION_NO_ERROR, only it, its text and the id mean anything */
    char error_text[SESSION_ERROR_MAX];
    void *document;
};

/* With no streams yet. Needs: resize is set. */
void session_open(struct session *session, bool is_combined);

/* Gives the lists' memory back. Needs: opened, or nothing but resize is set. */
void session_free(struct session *session);

/* The streams in a URL: path /ws, /ws/a/b, /stream with query streams=a/b, or our own
 * SESSION_OWN_PATH, which is like /stream; timeUnit=MICROSECOND in any query. Both as sent. False when
 * the path is none of these, or badly encoded, or names too many streams, or, on our own path, one
 * that is not there, or when the unit is none. */
MUST_CHECK bool session_open_path(struct session *session, struct market_views *views,
                                  const char *path, size_t path_bytes, const char *query,
                                  size_t query_bytes, struct session_changes *changes);

/* Carries out a request and writes the reply. */
void session_answer(struct session *session, struct market_views *views,
                    const struct session_request *request, struct text *reply,
                    struct session_changes *changes);

#endif /* GATEWAY_SESSION_H */
