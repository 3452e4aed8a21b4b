#include "gateway/session.h"

#include "gateway/frame.h"

#include <string.h>

/* Marks a stream that is no channel: its name's place is in the lower bits. */
#define SESSION_NAMED 0x80000000u

/* The first room for streams, and for bytes of names. */
#define ROOM_MIN 16

/* Longest name that an error repeats. */
#define NAME_SHOWN_MAX 100

/* Longest URL part that is decoded. */
#define PATH_MAX_BYTES 8192

void session_open(struct session *session, bool is_combined)
{
    *session = (struct session){.is_combined = is_combined, .resize = session->resize};
}

void session_free(struct session *session)
{
    if (session->streams != NULL) session->resize(session->streams, 0);
    if (session->names != NULL) session->resize(session->names, 0);
    session_open(session, false);
}

/* Makes room for `wanted` of something; the room doubles. NULL when there is no memory. */
static void *grown(const struct session *session, void *items, size_t item_bytes, uint32_t wanted,
                   uint32_t *room)
{
    if (wanted <= *room) return items;
    uint32_t larger = *room == 0 ? ROOM_MIN : *room;
    while (larger < wanted)
        larger *= 2;
    void *moved = session->resize(items, larger * item_bytes);
    if (moved != NULL) *room = larger;
    return moved;
}

/* False when it has as many as it may have. */
static bool add_stream(struct session *session, uint32_t stream)
{
    if (session->stream_count == SESSION_STREAMS_MAX) return false;
    uint32_t *streams = grown(session, session->streams, sizeof(*streams),
                              session->stream_count + 1, &session->stream_room);
    if (streams == NULL) return false;
    session->streams = streams;
    session->streams[session->stream_count++] = stream;
    return true;
}

static const char *name_of(const struct session *session, uint32_t stream)
{
    return session->names + (stream & ~SESSION_NAMED);
}

/* Place of a stream in the list, or stream_count. */
static uint32_t find_channel(const struct session *session, uint32_t channel)
{
    uint32_t i = 0;
    while (i < session->stream_count && session->streams[i] != channel)
        i++;
    return i;
}

static uint32_t find_name(const struct session *session, const char *name, size_t name_bytes)
{
    uint32_t i = 0;
    for (; i < session->stream_count; i++) {
        if ((session->streams[i] & SESSION_NAMED) == 0) continue;
        const char *held = name_of(session, session->streams[i]);
        if (strlen(held) == name_bytes && memcmp(held, name, name_bytes) == 0) break;
    }
    return i;
}

static void add_change(struct session_changes *changes, uint32_t channel, bool is_subscribed)
{
    ASSERT(changes->count < SESSION_STREAMS_MAX);
    changes->changes[changes->count++] = (struct session_change){channel, is_subscribed};
}

enum subscribed { SUBSCRIBED, SUBSCRIBED_TOO_MANY, SUBSCRIBED_UNKNOWN };

/* A name that is no stream of ours: remembered, so that it can be listed. */
static enum subscribed subscribe_name(struct session *session, const char *name, size_t name_bytes)
{
    if (session->is_strict) return SUBSCRIBED_UNKNOWN;
    if (find_name(session, name, name_bytes) < session->stream_count) return SUBSCRIBED;
    if (name_bytes + 1 > SESSION_NAMES_BYTES - session->names_used) return SUBSCRIBED_TOO_MANY;
    char *names = grown(session, session->names, 1, session->names_used + (uint32_t)name_bytes + 1,
                        &session->names_room);
    if (names == NULL) return SUBSCRIBED_TOO_MANY;
    session->names = names;
    if (!add_stream(session, SESSION_NAMED | session->names_used)) return SUBSCRIBED_TOO_MANY;
    memcpy(session->names + session->names_used, name, name_bytes);
    session->names[session->names_used + name_bytes] = '\0';
    session->names_used += (uint32_t)name_bytes + 1;
    return SUBSCRIBED;
}

/* The channel of a name in the session's unit, or CHANNEL_NONE. */
static uint32_t channel_named(const struct session *session, struct market_views *views,
                              const char *name, size_t name_bytes)
{
    const uint32_t channel = channel_find(views, name, name_bytes);
    if (channel == CHANNEL_NONE) return CHANNEL_NONE;
    return channel_in(channel, session->unit, market_views_params(views)->markets_max);
}

static enum subscribed subscribe(struct session *session, struct market_views *views,
                                 const char *name, size_t name_bytes,
                                 struct session_changes *changes)
{
    const uint32_t channel = channel_named(session, views, name, name_bytes);
    if (channel == CHANNEL_NONE) return subscribe_name(session, name, name_bytes);
    if (find_channel(session, channel) < session->stream_count) return SUBSCRIBED;
    if (!add_stream(session, channel)) return SUBSCRIBED_TOO_MANY;
    add_change(changes, channel, true);
    return SUBSCRIBED;
}

/* Takes the name out of the names and closes the gap. */
static void forget_name(struct session *session, uint32_t stream)
{
    const uint32_t at = stream & ~SESSION_NAMED;
    const uint32_t bytes = (uint32_t)strlen(session->names + at) + 1;
    memmove(session->names + at, session->names + at + bytes, session->names_used - at - bytes);
    session->names_used -= bytes;
    for (uint32_t i = 0; i < session->stream_count; i++) {
        const bool is_named = (session->streams[i] & SESSION_NAMED) != 0;
        if (is_named && (session->streams[i] & ~SESSION_NAMED) > at) session->streams[i] -= bytes;
    }
}

static void remove_stream(struct session *session, uint32_t index)
{
    session->stream_count--;
    memmove(&session->streams[index], &session->streams[index + 1],
            (session->stream_count - index) * sizeof(session->streams[0]));
}

static void unsubscribe(struct session *session, struct market_views *views, const char *name,
                        size_t name_bytes, struct session_changes *changes)
{
    const uint32_t channel = channel_named(session, views, name, name_bytes);
    const uint32_t index = channel == CHANNEL_NONE ? find_name(session, name, name_bytes)
                                                   : find_channel(session, channel);
    if (index == session->stream_count) return;
    const uint32_t stream = session->streams[index];
    remove_stream(session, index);
    if (channel == CHANNEL_NONE) {
        forget_name(session, stream);
    } else {
        add_change(changes, channel, false);
    }
}

/* Undoes the subscriptions of a request that did not fit. */
static void restore(struct session *session, uint32_t stream_count, uint32_t names_used,
                    struct session_changes *changes)
{
    session->stream_count = stream_count;
    session->names_used = names_used;
    changes->count = 0;
}

/* ---- URL ---- */

static int hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
    return -1;
}

/* Percent-decodes; false on a bad escape, a zero byte, text that is too long, or is not UTF-8: names are listed as they
 * came. */
static bool decode(const char *text, size_t text_bytes, char *out, size_t *out_bytes)
{
    *out_bytes = 0;
    for (size_t i = 0; i < text_bytes; i++) {
        char byte = text[i];
        if (byte == '%') {
            if (text_bytes - i < 3) return false;
            const int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
            if (high < 0 || low < 0) return false;
            byte = (char)(high << 4 | low);
            i += 2;
        }
        if (byte == '\0' || *out_bytes == PATH_MAX_BYTES) return false;
        out[(*out_bytes)++] = byte;
    }
    return frame_is_utf8((const uint8_t *)out, *out_bytes);
}

/* Subscribes to names separated by slashes; empty ones are passed over. */
static bool subscribe_list(struct session *session, struct market_views *views, const char *list,
                           size_t list_bytes, struct session_changes *changes)
{
    char names[PATH_MAX_BYTES];
    size_t bytes;
    if (!decode(list, list_bytes, names, &bytes)) return false;
    size_t begin = 0;
    for (size_t i = 0; i <= bytes; i++) {
        if (i < bytes && names[i] != '/') continue;
        const size_t name_bytes = i - begin;
        if (name_bytes > 0 &&
            subscribe(session, views, names + begin, name_bytes, changes) != SUBSCRIBED) {
            return false;
        }
        begin = i + 1;
    }
    return true;
}

/* The value of `key` ("name=") in a query, still encoded; NULL when it is not there. */
static const char *find_value(const char *query, size_t query_bytes, const char *key,
                              size_t *value_bytes)
{
    const size_t key_bytes = strlen(key);
    const char *at = query, *end = query + query_bytes;
    while (at < end) {
        const char *next = memchr(at, '&', (size_t)(end - at));
        if (next == NULL) next = end;
        if ((size_t)(next - at) >= key_bytes && memcmp(at, key, key_bytes) == 0) {
            *value_bytes = (size_t)(next - at) - key_bytes;
            return at + key_bytes;
        }
        at = next + 1;
    }
    return NULL;
}

/* Milliseconds when the query does not say; false when it says something else. */
static bool read_unit(const char *query, size_t query_bytes, enum channel_unit *unit)
{
    static const struct {
        const char *name;
        enum channel_unit unit;
    } units[] = {{"MICROSECOND", CHANNEL_US},
                 {"microsecond", CHANNEL_US},
                 {"MILLISECOND", CHANNEL_MS},
                 {"millisecond", CHANNEL_MS}};
    size_t value_bytes;
    const char *value = find_value(query, query_bytes, "timeUnit=", &value_bytes);
    *unit = CHANNEL_MS;
    if (value == NULL) return true;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strlen(units[i].name) != value_bytes) continue;
        if (memcmp(units[i].name, value, value_bytes) != 0) continue;
        *unit = units[i].unit;
        return true;
    }
    return false;
}

/* Whether the path is `root`, or, with a slash, below it. */
static bool is_below(const char *path, size_t path_bytes, const char *root)
{
    const size_t bytes = strlen(root);
    if (path_bytes < bytes || memcmp(path, root, bytes) != 0) return false;
    return path_bytes == bytes || path[bytes] == '/';
}

bool session_open_path(struct session *session, struct market_views *views, const char *path,
                       size_t path_bytes, const char *query, size_t query_bytes,
                       struct session_changes *changes)
{
    const bool is_raw = is_below(path, path_bytes, "/ws");
    const bool is_own = is_below(path, path_bytes, SESSION_OWN_PATH);
    const char *root = is_raw ? "/ws" : is_own ? SESSION_OWN_PATH : "/stream";
    changes->count = 0;
    if (!is_below(path, path_bytes, root)) return false;
    const char *below = path + strlen(root);
    const size_t below_bytes = path_bytes - strlen(root);

    session_open(session, !is_raw);
    session->is_strict = is_own;
    if (!read_unit(query, query_bytes, &session->unit)) return false;
    if (is_raw) return subscribe_list(session, views, below, below_bytes, changes);
    if (below_bytes > 1) return false;
    size_t streams_bytes;
    const char *streams = find_value(query, query_bytes, "streams=", &streams_bytes);
    return streams == NULL || subscribe_list(session, views, streams, streams_bytes, changes);
}

/* ---- Requests ---- */

static void put_id(struct text *reply, const struct session_request *request)
{
    switch (request->id_kind) {
    case SESSION_ID_INTEGER:
        text_i64(reply, request->id_integer);
        return;
    case SESSION_ID_STRING:
        text_string(reply, request->id_string, strlen(request->id_string));
        return;
    case SESSION_ID_NULL:
        break;
    }
    text_add(reply, "null");
}

static void put_error(struct text *reply, const struct session_request *request,
                      enum session_error error, const char *message)
{
    text_add(reply, "{\"code\":");
    text_i64(reply, (int64_t)error);
    text_add(reply, ",\"msg\":");
    text_string(reply, message, strlen(message));
    text_add(reply, ",\"id\":");
    put_id(reply, request);
    text_add(reply, "}");
}

static void put_result(struct text *reply, const struct session_request *request,
                       const char *result)
{
    text_add(reply, "{\"result\":");
    text_add(reply, result);
    text_add(reply, ",\"id\":");
    put_id(reply, request);
    text_add(reply, "}");
}

static bool are_strings(const struct session_request *request)
{
    for (uint32_t i = 0; i < request->parameter_count; i++) {
        if (request->parameters[i].kind != SESSION_VALUE_STRING) return false;
    }
    return true;
}

static void put_unknown(struct text *reply, const struct session_request *request,
                        const struct session_parameter *name)
{
    char message[NAME_SHOWN_MAX + 64];
    struct text text = text_over(message, sizeof(message) - 1);
    text_add(&text, "Invalid request: unknown stream");
    if (name->string_bytes <= NAME_SHOWN_MAX) {
        text_add(&text, " ");
        text_put(&text, name->string, name->string_bytes);
    }
    ASSERT(!text_full(&text));
    message[text.used] = '\0';
    put_error(reply, request, SESSION_INVALID_REQUEST, message);
}

static void answer_subscribe(struct session *session, struct market_views *views,
                             const struct session_request *request, struct text *reply,
                             struct session_changes *changes)
{
    const uint32_t stream_count = session->stream_count, names_used = session->names_used;
    for (uint32_t i = 0; i < request->parameter_count; i++) {
        const struct session_parameter *name = &request->parameters[i];
        const enum subscribed result =
            subscribe(session, views, name->string, name->string_bytes, changes);
        if (result == SUBSCRIBED) continue;
        restore(session, stream_count, names_used, changes);
        changes->is_full = result == SUBSCRIBED_TOO_MANY;
        if (result == SUBSCRIBED_UNKNOWN) {
            put_unknown(reply, request, name);
        } else {
            put_error(reply, request, SESSION_INVALID_REQUEST,
                      "Invalid request: too many streams on this connection");
        }
        return;
    }
    put_result(reply, request, "null");
}

static void answer_list(const struct session *session, struct market_views *views,
                        const struct session_request *request, struct text *reply)
{
    text_add(reply, "{\"result\":[");
    for (uint32_t i = 0; i < session->stream_count; i++) {
        const uint32_t stream = session->streams[i];
        char name[CHANNEL_NAME_MAX];
        if (i > 0) text_add(reply, ",");
        if ((stream & SESSION_NAMED) != 0) {
            text_string(reply, name_of(session, stream), strlen(name_of(session, stream)));
        } else {
            text_string(reply, name, channel_name(views, stream, name));
        }
    }
    text_add(reply, "],\"id\":");
    put_id(reply, request);
    text_add(reply, "}");
}

static void answer_property(struct session *session, const struct session_request *request,
                            struct text *reply)
{
    static const char combined[] = "combined";
    const bool is_set = request->method == SESSION_SET_PROPERTY;
    const uint32_t wanted = is_set ? 2 : 1;
    const struct session_parameter *property = &request->parameters[0];
    if (request->parameter_count != wanted) {
        put_error(reply, request, SESSION_INVALID_REQUEST,
                  request->parameter_count > wanted ? "Invalid request: too many parameters"
                                                    : "Invalid request: too few parameters");
    } else if (property->kind != SESSION_VALUE_STRING) {
        put_error(reply, request, SESSION_INVALID_REQUEST,
                  "Invalid request: property name must be a string");
    } else if (property->string_bytes != sizeof(combined) - 1 ||
               memcmp(property->string, combined, sizeof(combined) - 1) != 0) {
        put_error(reply, request, SESSION_UNKNOWN_PROPERTY, "Unknown property");
    } else if (!is_set) {
        put_result(reply, request, session->is_combined ? "true" : "false");
    } else if (request->parameters[1].kind != SESSION_VALUE_BOOLEAN) {
        put_error(reply, request, SESSION_WRONG_TYPE, "Invalid value type: expected Boolean");
    } else {
        session->is_combined = request->parameters[1].boolean;
        put_result(reply, request, "null");
    }
}

void session_answer(struct session *session, struct market_views *views,
                    const struct session_request *request, struct text *reply,
                    struct session_changes *changes)
{
    changes->count = 0;
    changes->is_full = false;
    if (request->error != SESSION_NO_ERROR) {
        put_error(reply, request, request->error, request->error_text);
        return;
    }
    if (request->method == SESSION_LIST) {
        answer_list(session, views, request, reply);
        return;
    }
    if (request->method == SESSION_SET_PROPERTY || request->method == SESSION_GET_PROPERTY) {
        answer_property(session, request, reply);
        return;
    }
    if (!are_strings(request)) {
        put_error(reply, request, SESSION_INVALID_REQUEST,
                  "Invalid request: stream names must be strings");
        return;
    }
    if (request->method == SESSION_SUBSCRIBE) {
        answer_subscribe(session, views, request, reply, changes);
        return;
    }
    for (uint32_t i = 0; i < request->parameter_count; i++) {
        unsubscribe(session, views, request->parameters[i].string,
                    request->parameters[i].string_bytes, changes);
    }
    put_result(reply, request, "null");
}
