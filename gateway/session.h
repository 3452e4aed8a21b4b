/* One WebSocket connection's state, apart from its socket: which streams, in which form, and whether
 * it is still well.
 *
 *     OPEN ──our close frame is queued──► CLOSING ──socket gone──► (freed)
 *
 * A connection is asked for a sign of life every 20 s and closed after 60 s without one; it lives 24
 * hours at most, and may send SESSION_BURST_MAX messages at once, SESSION_MESSAGES_PER_SECOND in the
 * long run. Pongs do not count.
 *
 * Owner    one gateway loop
 * Memory   embedded by the caller
 * Limits   SESSION_STREAMS_MAX streams; SESSION_NAMES_BYTES of names that are no stream of ours (any
 *          name is accepted, and listed, except on our own path, where one is an error). At either bound
 *          the request is refused whole
 * Cost     a stream is found in O(streams)
 */

#ifndef GATEWAY_SESSION_H
#define GATEWAY_SESSION_H

#include "gateway/channel.h"
#include "gateway/text.h"

#define SESSION_OWN_PATH            "/quorex/v1/stream"
#define SESSION_STREAMS_MAX         1024
#define SESSION_NAMES_BYTES         2048
#define SESSION_MESSAGES_PER_SECOND 5
#define SESSION_BURST_MAX           10
#define SESSION_PING_NS             (20ull * 1000000000ull)
#define SESSION_PONG_NS             (60ull * 1000000000ull)
#define SESSION_LIFE_NS             (24ull * 3600 * 1000000000ull)
#define SESSION_PINGS_MAX           4 /* outstanding at once: one every 20 s for 60 s, and one more */
#define SESSION_PING_BYTES          20
#define SESSION_ID_MAX              36
#define SESSION_ERROR_MAX           192

enum session_state { SESSION_OPEN, SESSION_CLOSING };

struct session {
    enum session_state state;
    bool is_combined;       /* messages are wrapped with the name of their stream */
    bool is_strict;         /* opened on our own path: an unknown stream is an error */
    enum channel_unit unit; /* of times; all its streams have it */
    uint64_t opened_ns;
    uint64_t closing_ns;
    uint64_t credit_ns;                   /* message allowance, as time saved up */
    uint64_t credited_ns;                 /* when it was last topped up */
    uint64_t asked_ns;                    /* the last ping */
    uint64_t pings_ns[SESSION_PINGS_MAX]; /* not answered, oldest first */
    uint32_t ping_count;
    uint32_t stream_count;
    uint32_t names_used;
    uint32_t streams[SESSION_STREAMS_MAX]; /* channel, or SESSION_NAMED + place in names */
    char names[SESSION_NAMES_BYTES];       /* zero-terminated, back to back */
};

/* A stream the caller must link or unlink. */
struct session_change {
    uint32_t channel;
    bool is_subscribed; /* false: no longer */
};

/* Room for SESSION_STREAMS_MAX: no request changes more. */
struct session_changes {
    uint32_t count;
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

void session_open(struct session *session, bool is_combined, uint64_t now_ns);

/* The streams in a URL: path /ws, /ws/a/b, /stream with query streams=a/b, or our own
 * SESSION_OWN_PATH, which is like /stream; timeUnit=MICROSECOND in any query. Both as sent. False when
 * the path is none of these, or badly encoded, or names too many streams, or, on our own path, one
 * that is not there, or when the unit is none. */
MUST_CHECK bool session_open_path(struct session *session, struct market_views *views,
                                  const char *path, size_t path_bytes, const char *query,
                                  size_t query_bytes, uint64_t now_ns,
                                  struct session_changes *changes);

/* Carries out a request and writes the reply. */
void session_answer(struct session *session, struct market_views *views,
                    const struct session_request *request, struct text *reply,
                    struct session_changes *changes);

/* Counts an incoming message; false when there were too many: close with 1008. */
MUST_CHECK bool session_admits(struct session *session, uint64_t now_ns);

/* A pong came. One that answers none of our pings is ignored. */
void session_pong(struct session *session, const uint8_t *payload, size_t payload_bytes);

enum session_due { SESSION_DUE_NOTHING, SESSION_DUE_PING, SESSION_DUE_SILENT, SESSION_DUE_OLD };

/* What time has made due. For SESSION_DUE_PING the payload to send is in `ping`. */
enum session_due session_tick(struct session *session, uint64_t now_ns,
                              char ping[SESSION_PING_BYTES], size_t *ping_bytes);

/* Our close frame is on its way. */
void session_closing(struct session *session, uint64_t now_ns);

#endif /* GATEWAY_SESSION_H */
