#include "gateway/socket_h2o.h"

#include "gateway/frame.h"
#include "gateway/handshake_h2o.h"
#include "gateway/listen_stream_h2o.h"
#include "gateway/session_json.h"
#include "gateway/stream.h"
#include "gateway/ws_call_h2o.h"

#include <h2o/http1.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define TICK_MS         50
#define TICKS_A_SECOND  (1000 / TICK_MS)
#define LINGER_NS       (2ull * 1000000000ull) /* how long a close frame waits for its answer */
#define WRITE_FRAMES    64                     /* to one writev */
#define OUTBOX_START    16
#define FRAGMENTS_MAX   1024
#define FRAGMENTS_START 1024 /* bytes */
#define REPLY_BYTES_MAX (96 * 1024)
#define LOOKED_AT_MIN   64 /* connections a tick, if there are as many */
#define ANNOUNCED_MAX   1024

/* Unsent bytes the kernel takes for a client; the rest waits here, where it can be conflated. */
#define KERNEL_UNSENT_MAX (128 * 1024)

/* Queued in one loop round: time to let the loop write. */
#define BEHIND_BYTES (SOCKET_QUEUE_MAX / 4)

/* A place in a list; an empty list's head points to itself. */
struct link {
    struct link *previous, *next;
};

struct shared_frame {
    uint32_t reference_count;
    size_t byte_count;
    uint8_t bytes[];
};

/* Frames waiting for a socket, oldest first; the first `in_flight` are being written. */
struct outbox {
    struct shared_frame **frames; /* by position modulo capacity, a power of 2 */
    uint32_t capacity;
    uint32_t head, tail;
    uint32_t in_flight;
    size_t byte_count;
};

struct fragments;

struct connection {
    struct socket_hub *hub;
    h2o_socket_t *socket; /* NULL until the upgrade's answer is written */
    struct link all, dirty, skipping;
    struct link subscriptions;
    uint32_t skipping_count;
    bool has_peer_closed;
    bool is_told; /* that the server shuts down */
    bool is_deaf; /* what it sends is read and dropped: frames are not told apart any more */
    struct outbox outbox;
    struct frame_reader reader;
    struct fragments *fragments; /* NULL unless a fragmented message is incomplete */
    struct pulse pulse;
    struct session session;
    struct listen_streams listens; /* the session's names that are accounts' */
    struct ws_calls *api;          /* NULL: streams */
};

/* A message whose end has not come. */
struct fragments {
    uint32_t count;
    struct frame_utf8 utf8;
    size_t byte_count, capacity;
    uint8_t *bytes;
};

struct subscription {
    struct connection *connection;
    uint32_t channel;
    bool is_skipping;         /* states were left out since first_update_id; due: the present one */
    uint64_t first_update_id; /* of the first difference left out */
    struct link of_channel, of_connection;
};

/* The whole state of a channel that was printed last in this round: plain, combined. */
struct shown_state {
    uint32_t channel;
    struct shared_frame *frames[2];
};

struct socket_hub {
    h2o_context_t *context;
    struct publisher *publisher;
    struct market_views *views;
    struct metrics *metrics;
    struct link *channels; /* subscriptions, by channel */
    uint32_t connection_count;
    struct link all, dirty, skipping;
    bool is_stopping;
    size_t round_bytes; /* the fullest outbox since the loop last wrote */
    struct shown_state shown;
    size_t printed_bytes; /* of present states, in this round */
    struct socket_options options;
    uint32_t open_handles;
    uv_timer_t timer;
    uv_prepare_t prepare;
    struct session_request request;
    struct session_changes changes;
    char reply[REPLY_BYTES_MAX];
};

static void list_init(struct link *list)
{
    list->previous = list->next = list;
}

static bool is_linked(const struct link *link)
{
    return link->next != link;
}

static void link_last(struct link *list, struct link *link)
{
    link->previous = list->previous;
    link->next = list;
    list->previous->next = link;
    list->previous = link;
}

static void unlink_from(struct link *link)
{
    link->previous->next = link->next;
    link->next->previous = link->previous;
    list_init(link);
}

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

/* Connections count time that never steps back; the publisher needs the stamps' own, the wall clock. */
static uint64_t monotonic_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

/* ---- Frames and outbox ---- */

static struct shared_frame *frame_new(enum frame_opcode opcode, const h2o_iovec_t *parts,
                                      size_t part_count)
{
    size_t payload_bytes = 0;
    for (size_t i = 0; i < part_count; i++)
        payload_bytes += parts[i].len;
    struct shared_frame *frame = h2o_mem_alloc(sizeof(*frame) + FRAME_HEAD_MAX + payload_bytes);
    frame->reference_count = 1;
    uint8_t *at = frame->bytes + frame_head_put(frame->bytes, opcode, payload_bytes);
    for (size_t i = 0; i < part_count; i++) {
        memcpy(at, parts[i].base, parts[i].len);
        at += parts[i].len;
    }
    frame->byte_count = (size_t)(at - frame->bytes);
    return frame;
}

static void frame_release(struct shared_frame *frame)
{
    if (--frame->reference_count == 0) free(frame);
}

static uint32_t outbox_count(const struct outbox *outbox)
{
    return outbox->tail - outbox->head;
}

static struct shared_frame **outbox_slot(const struct outbox *outbox, uint32_t position)
{
    return &outbox->frames[position & (outbox->capacity - 1)];
}

static void outbox_grow(struct outbox *outbox)
{
    struct outbox larger = *outbox;
    larger.capacity = outbox->capacity == 0 ? OUTBOX_START : 2 * outbox->capacity;
    larger.frames = h2o_mem_alloc(larger.capacity * sizeof(larger.frames[0]));
    for (uint32_t at = outbox->head; at != outbox->tail; at++) {
        *outbox_slot(&larger, at) = *outbox_slot(outbox, at);
    }
    free(outbox->frames);
    *outbox = larger;
}

static void outbox_add(struct outbox *outbox, struct shared_frame *frame)
{
    if (outbox_count(outbox) == outbox->capacity) outbox_grow(outbox);
    frame->reference_count++;
    *outbox_slot(outbox, outbox->tail++) = frame;
    outbox->byte_count += frame->byte_count;
}

/* Lets go of everything behind the first `kept`. */
static void outbox_cut(struct outbox *outbox, uint32_t kept)
{
    while (outbox_count(outbox) > kept) {
        struct shared_frame *frame = *outbox_slot(outbox, --outbox->tail);
        outbox->byte_count -= frame->byte_count;
        frame_release(frame);
    }
}

/* What was in flight has been written. */
static void outbox_written(struct outbox *outbox)
{
    for (; outbox->in_flight > 0; outbox->in_flight--) {
        struct shared_frame *frame = *outbox_slot(outbox, outbox->head++);
        outbox->byte_count -= frame->byte_count;
        frame_release(frame);
    }
}

/* ---- Connections: leaving ---- */

static void stop_skipping(struct subscription *subscription)
{
    struct connection *connection = subscription->connection;
    if (!subscription->is_skipping) return;
    subscription->is_skipping = false;
    connection->skipping_count--;
    if (connection->skipping_count == 0) unlink_from(&connection->skipping);
}

static void subscription_free(struct subscription *subscription)
{
    stop_skipping(subscription);
    publish_unsubscribe(subscription->connection->hub->publisher, subscription->channel);
    unlink_from(&subscription->of_channel);
    unlink_from(&subscription->of_connection);
    free(subscription);
}

static void unsubscribe_all(struct connection *connection)
{
    while (is_linked(&connection->subscriptions)) {
        subscription_free(
            container_of(connection->subscriptions.next, struct subscription, of_connection));
    }
}

static void count_connections(struct socket_hub *hub, int by)
{
    hub->connection_count = (uint32_t)((int64_t)hub->connection_count + by);
    metric_set(&hub->metrics->ws_connections, hub->connection_count);
}

static void fragments_free(struct connection *connection)
{
    if (connection->fragments == NULL) return;
    free(connection->fragments->bytes);
    free(connection->fragments);
    connection->fragments = NULL;
}

/* The only place where a connection is freed. */
static void connection_free(struct connection *connection)
{
    if (connection->api != NULL) ws_call_close(connection->api);
    free(connection->api);
    listen_stream_close(&connection->listens);
    unsubscribe_all(connection);
    unlink_from(&connection->all);
    unlink_from(&connection->dirty);
    count_connections(connection->hub, -1);
    if (connection->socket != NULL) h2o_socket_close(connection->socket);
    outbox_cut(&connection->outbox, 0);
    free(connection->outbox.frames);
    fragments_free(connection);
    session_free(&connection->session);
    free(connection);
}

static void mark_dirty(struct connection *connection)
{
    if (!is_linked(&connection->dirty)) link_last(&connection->hub->dirty, &connection->dirty);
}

static void queue_frame(struct connection *connection, struct shared_frame *frame)
{
    struct socket_hub *hub = connection->hub;
    outbox_add(&connection->outbox, frame);
    metric_add(&hub->metrics->ws_messages_total, 1);
    if (connection->outbox.byte_count > hub->round_bytes) {
        hub->round_bytes = connection->outbox.byte_count;
    }
    mark_dirty(connection);
}

static void queue_payload(struct connection *connection, enum frame_opcode opcode,
                          const void *payload, size_t payload_bytes)
{
    const h2o_iovec_t part = {(char *)(uintptr_t)payload, payload_bytes};
    struct shared_frame *frame = frame_new(opcode, &part, 1);
    queue_frame(connection, frame);
    frame_release(frame);
}

/* Nothing more is said to it but what waits already. */
static void end_talk(struct connection *connection)
{
    pulse_end(&connection->pulse, connection->hub->options.now_ns());
    unsubscribe_all(connection);
    listen_stream_close(&connection->listens);
    if (connection->api != NULL) ws_user_close(connection->api);
}

/* Nothing more is said to it but why: all that still waits is dropped. */
static void begin_close(struct connection *connection)
{
    end_talk(connection);
    outbox_cut(&connection->outbox, connection->outbox.in_flight);
}

static void queue_close(struct connection *connection, uint16_t code, const char *reason)
{
    uint8_t body[FRAME_CONTROL_MAX];
    queue_payload(connection, FRAME_CLOSE, body, frame_close_put(body, code, reason));
}

static bool is_closing(const struct connection *connection)
{
    return connection->pulse.state == PULSE_CLOSING;
}

/* Sends a close frame instead of all that still waits. */
static void close_with(struct connection *connection, uint16_t code, const char *reason)
{
    if (is_closing(connection)) return;
    begin_close(connection);
    queue_close(connection, code, reason);
}

/* The same, counted. */
static void close_for(struct connection *connection, _Atomic uint64_t *metric, uint16_t code,
                      const char *reason)
{
    if (is_closing(connection)) return;
    metric_add(metric, 1);
    close_with(connection, code, reason);
}

static void close_slow(struct connection *connection)
{
    close_for(connection, &connection->hub->metrics->ws_slow_closed_total, FRAME_CLOSE_POLICY,
              "too slow: more than 1 MiB is waiting");
}

static void close_fault(struct connection *connection, uint16_t code, const char *reason)
{
    close_for(connection, &connection->hub->metrics->ws_protocol_closed_total, code, reason);
}

/* Tells a client that the end is near, in the form of its streams; and where else to go, "" when nobody knows. */
static void queue_announcement(struct connection *connection, const char *elsewhere)
{
    const struct session *session = &connection->session;
    char bytes[ANNOUNCED_MAX];
    struct text text = text_over(bytes, sizeof(bytes));
    const bool is_wrapped = session->is_combined || connection->api != NULL;
    const bool in_us = connection->api != NULL ? connection->api->time_unit.bytes != NULL
                                               : session->unit == CHANNEL_US;
    if (connection->api != NULL)
        text_add(&text, "{\"event\":");
    else if (is_wrapped)
        text_add(&text, "{\"stream\":\"!serverShutdown\",\"data\":");
    stream_shutdown(&text, in_us ? STREAM_US_NS : STREAM_MS_NS, clock_ns(CLOCK_REALTIME),
                    elsewhere);
    if (is_wrapped) text_add(&text, "}");
    ASSERT(!text_full(&text));
    queue_payload(connection, FRAME_TEXT, text.bytes, text.used);
}

/* ---- Writing ---- */

static void start_write(struct connection *connection);

/* Our close frame is written: nothing more goes out. */
static bool is_last_word_said(const struct connection *connection)
{
    return is_closing(connection) && outbox_count(&connection->outbox) == 0;
}

/* Who broke the protocol is not waited for: he sees the end of the stream behind our close frame (RFC 6455 7.1.7).
 * The socket stays until he has closed too, so that what he still sends does not reset what we said. */
static void end_stream(struct connection *connection)
{
    (void)shutdown(h2o_socket_get_fd(connection->socket), SHUT_WR);
}

static void on_written(h2o_socket_t *socket, const char *error)
{
    struct connection *connection = socket->data;
    outbox_written(&connection->outbox);
    if (error != NULL || (connection->has_peer_closed && is_last_word_said(connection))) {
        connection_free(connection);
        return;
    }
    if (connection->is_deaf && is_last_word_said(connection)) end_stream(connection);
    start_write(connection);
}

static void start_write(struct connection *connection)
{
    struct outbox *outbox = &connection->outbox;
    if (connection->socket == NULL || outbox->in_flight > 0) return;

    h2o_iovec_t parts[WRITE_FRAMES];
    uint32_t count = outbox_count(outbox);
    if (count == 0) return;
    if (count > WRITE_FRAMES) count = WRITE_FRAMES;
    for (uint32_t i = 0; i < count; i++) {
        struct shared_frame *frame = *outbox_slot(outbox, outbox->head + i);
        parts[i] = h2o_iovec_init(frame->bytes, frame->byte_count);
    }
    outbox->in_flight = count;
    h2o_socket_write(connection->socket, parts, count, on_written);
}

static void write_dirty(struct socket_hub *hub)
{
    while (is_linked(&hub->dirty)) {
        struct connection *connection = container_of(hub->dirty.next, struct connection, dirty);
        unlink_from(&connection->dirty);
        start_write(connection);
    }
    hub->round_bytes = 0;
}

/* Queues a frame that may not be left out; closes the connection when it does not fit. */
static void queue_or_close(struct connection *connection, struct shared_frame *frame)
{
    if (connection->outbox.byte_count + frame->byte_count > SOCKET_QUEUE_MAX &&
        outbox_count(&connection->outbox) > 0) {
        close_slow(connection);
        return;
    }
    queue_frame(connection, frame);
}

/* One text message. */
static void send_text(void *context, const h2o_iovec_t *parts, size_t part_count)
{
    struct shared_frame *frame = frame_new(FRAME_TEXT, parts, part_count);
    queue_or_close(context, frame);
    frame_release(frame);
}

static void send_payload(struct connection *connection, enum frame_opcode opcode,
                         const void *payload, size_t payload_bytes)
{
    const h2o_iovec_t part = {(char *)(uintptr_t)payload, payload_bytes};
    struct shared_frame *frame = frame_new(opcode, &part, 1);
    queue_or_close(connection, frame);
    frame_release(frame);
}

/* ---- Messages to subscribers ---- */

static struct shared_frame *frame_of_message(struct socket_hub *hub,
                                             const struct publish_message *message,
                                             bool is_combined)
{
    char name[CHANNEL_NAME_MAX];
    const h2o_iovec_t payload = {(char *)(uintptr_t)message->payload, message->payload_bytes};
    if (!is_combined) return frame_new(FRAME_TEXT, &payload, 1);
    const size_t name_bytes = channel_name(hub->views, message->channel, name);
    const h2o_iovec_t parts[] = {
        {H2O_STRLIT("{\"stream\":\"")},
        {name, name_bytes},
        {H2O_STRLIT("\",\"data\":")},
        payload,
        {H2O_STRLIT("}")},
    };
    return frame_new(FRAME_TEXT, parts, sizeof(parts) / sizeof(parts[0]));
}

static void start_skipping(struct subscription *subscription, uint64_t first_update_id)
{
    struct connection *connection = subscription->connection;
    subscription->is_skipping = true;
    subscription->first_update_id = first_update_id;
    if (connection->skipping_count++ == 0) {
        link_last(&connection->hub->skipping, &connection->skipping);
    }
}

static void deliver(struct subscription *subscription, const struct publish_message *message,
                    struct shared_frame *frame)
{
    struct connection *connection = subscription->connection;
    if (!message->conflatable) {
        queue_or_close(connection, frame);
        return;
    }
    if (subscription->is_skipping) return;
    const size_t waiting = connection->outbox.byte_count;
    if (waiting > 0 && waiting + frame->byte_count > SOCKET_CONFLATE_ABOVE) {
        start_skipping(subscription, message->first_update_id);
        return;
    }
    queue_frame(connection, frame);
}

/* The publisher's sink: each form is framed once, on its first subscriber. */
static void on_message(void *context, const struct publish_message *message)
{
    struct socket_hub *hub = context;
    struct shared_frame *frames[2] = {NULL, NULL}; /* plain, combined */
    struct link *list = &hub->channels[message->channel];
    struct link *next;
    for (struct link *at = list->next; at != list; at = next) {
        next = at->next; /* `at` goes when its connection is closed */
        struct subscription *subscription = container_of(at, struct subscription, of_channel);
        const bool is_combined = subscription->connection->session.is_combined;
        struct shared_frame **frame = &frames[is_combined];
        if (*frame == NULL) *frame = frame_of_message(hub, message, is_combined);
        deliver(subscription, message, *frame);
    }
    for (int i = 0; i < 2; i++) {
        if (frames[i] != NULL) frame_release(frames[i]);
    }
}

static void forget_shown(struct socket_hub *hub)
{
    for (int i = 0; i < 2; i++) {
        if (hub->shown.frames[i] != NULL) frame_release(hub->shown.frames[i]);
        hub->shown.frames[i] = NULL;
    }
}

/* Keeps a whole state for whoever begins with it too. */
static void keep_shown(struct socket_hub *hub, uint32_t channel, bool is_combined,
                       struct shared_frame *frame)
{
    if (hub->shown.channel != channel) forget_shown(hub);
    hub->shown.channel = channel;
    hub->shown.frames[is_combined] = frame;
    frame->reference_count++;
}

static struct shared_frame *find_shown(const struct subscription *subscription)
{
    const struct connection *connection = subscription->connection;
    const struct shown_state *shown = &connection->hub->shown;
    if (subscription->first_update_id != 0 || shown->channel != subscription->channel) return NULL;
    return shown->frames[connection->session.is_combined];
}

/* The present state of what the subscription skipped, NULL when there is nothing to send now; the caller's to release.
 * False when the reader is too slow. */
static bool state_of(const struct subscription *subscription, struct shared_frame **frame)
{
    struct socket_hub *hub = subscription->connection->hub;
    const bool is_combined = subscription->connection->session.is_combined;
    struct publish_message message;
    *frame = find_shown(subscription);
    if (*frame != NULL) {
        (*frame)->reference_count++;
        return true;
    }
    if (!publish_current(hub->publisher, subscription->channel, subscription->first_update_id,
                         &message))
        return false;
    if (message.payload_bytes == 0) return true;
    *frame = frame_of_message(hub, &message, is_combined);
    hub->printed_bytes += (*frame)->byte_count;
    metric_add(&hub->metrics->ws_states_printed_total, 1);
    if (subscription->first_update_id == 0)
        keep_shown(hub, subscription->channel, is_combined, *frame);
    return true;
}

/* Gives a connection that has caught up the present state of what it skipped. */
static void catch_up(struct connection *connection)
{
    struct link *list = &connection->subscriptions;
    struct link *next;
    for (struct link *at = list->next; at != list; at = next) {
        next = at->next;
        struct subscription *subscription = container_of(at, struct subscription, of_connection);
        struct shared_frame *frame;
        if (!subscription->is_skipping) continue;
        if (connection->outbox.byte_count > SOCKET_CONFLATE_ABOVE / 2) return;
        if (!state_of(subscription, &frame)) {
            close_slow(connection);
            return;
        }
        if (frame == NULL) continue;
        stop_skipping(subscription);
        queue_frame(connection, frame);
        frame_release(frame);
    }
}

/* Once round all, or as far as a round may go; then the next round begins with who has not been looked at. */
static void catch_up_all(struct socket_hub *hub)
{
    const struct link *last = hub->skipping.previous;
    bool is_round = !is_linked(&hub->skipping);
    hub->printed_bytes = 0;
    while (!is_round && hub->printed_bytes < hub->options.states_max) {
        struct link *at = hub->skipping.next;
        is_round = at == last;
        unlink_from(at);
        link_last(&hub->skipping, at);
        catch_up(container_of(at, struct connection, skipping));
    }
    if (!is_round) metric_add(&hub->metrics->ws_states_deferred_total, 1);
    forget_shown(hub);
}

/* ---- Subscriptions ---- */

static void subscribe(struct connection *connection, uint32_t channel)
{
    struct socket_hub *hub = connection->hub;
    struct subscription *subscription = h2o_mem_alloc(sizeof(*subscription));
    *subscription = (struct subscription){.connection = connection, .channel = channel};
    link_last(&hub->channels[channel], &subscription->of_channel);
    link_last(&connection->subscriptions, &subscription->of_connection);
    publish_subscribe(hub->publisher, channel);
    if (publish_begins_with_state(hub->publisher, channel)) start_skipping(subscription, 0);
}

static void unsubscribe(struct connection *connection, uint32_t channel)
{
    struct link *list = &connection->subscriptions;
    for (struct link *at = list->next; at != list; at = at->next) {
        struct subscription *subscription = container_of(at, struct subscription, of_connection);
        if (subscription->channel != channel) continue;
        subscription_free(subscription);
        return;
    }
    ASSERT(false); /* the session and its subscriptions agree */
}

static void apply_changes(struct connection *connection, const struct session_changes *changes)
{
    for (uint32_t i = 0; i < changes->count; i++) {
        const struct session_change *change = &changes->changes[i];
        if (change->is_subscribed) {
            subscribe(connection, change->channel);
        } else {
            unsubscribe(connection, change->channel);
        }
    }
}

/* The session's names have changed: those that are listen keys are listened to. */
static void listen_to_names(struct connection *connection)
{
    struct socket_hub *hub = connection->hub;
    struct user_stream *users = publish_users(hub->publisher);
    if (users == NULL || is_closing(connection)) return;
    connection->listens.users = users;
    connection->listens.session = &connection->session;
    connection->listens.send = send_text;
    connection->listens.context = connection;
    listen_stream_follow(&connection->listens, clock_ns(CLOCK_REALTIME));
}

/* ---- Reading ---- */

/* Well-formed UTF-8, whole. */
static void on_text(struct connection *connection, const uint8_t *text, size_t text_bytes)
{
    struct socket_hub *hub = connection->hub;
    if (connection->api != NULL) {
        ws_call_take(connection->api, (const char *)text, text_bytes);
        return;
    }
    struct text reply = text_over(hub->reply, sizeof(hub->reply));
    session_request_read(&hub->request, (const char *)text, text_bytes);
    session_answer(&connection->session, hub->views, &hub->request, &reply, &hub->changes);
    session_request_free(&hub->request);
    ASSERT(!text_full(&reply));
    if (hub->changes.is_full) metric_add(&hub->metrics->ws_streams_refused_total, 1);
    apply_changes(connection, &hub->changes);
    send_payload(connection, FRAME_TEXT, reply.bytes, reply.used);
    listen_to_names(connection);
}

static void close_not_text(struct connection *connection)
{
    close_fault(connection, FRAME_CLOSE_UNSUPPORTED, "only text is understood");
}

static void close_not_utf8(struct connection *connection)
{
    close_fault(connection, FRAME_CLOSE_NOT_UTF8, "text is not UTF-8");
}

static void on_whole_message(struct connection *connection, const struct frame *frame)
{
    if (frame->opcode != FRAME_TEXT) {
        close_not_text(connection);
    } else if (!frame_is_utf8(frame->payload, frame->payload_bytes)) {
        close_not_utf8(connection);
    } else {
        on_text(connection, frame->payload, frame->payload_bytes);
    }
}

static void fragments_add(struct fragments *fragments, const struct frame *frame)
{
    const size_t wanted = fragments->byte_count + frame->payload_bytes;
    ASSERT(wanted <= FRAME_MESSAGE_MAX);
    if (wanted > fragments->capacity) {
        if (fragments->capacity == 0) fragments->capacity = FRAGMENTS_START;
        while (fragments->capacity < wanted)
            fragments->capacity *= 2;
        fragments->bytes = h2o_mem_realloc(fragments->bytes, fragments->capacity);
    }
    if (frame->payload_bytes > 0) {
        memcpy(fragments->bytes + fragments->byte_count, frame->payload, frame->payload_bytes);
    }
    fragments->byte_count = wanted;
    fragments->count++;
}

/* A part of a fragmented message. */
static void on_fragment(struct connection *connection, const struct frame *frame)
{
    if (frame->opcode != FRAME_TEXT) {
        close_not_text(connection);
        return;
    }
    if (frame->is_first) {
        connection->fragments = h2o_mem_alloc(sizeof(*connection->fragments));
        *connection->fragments = (struct fragments){0};
    }
    struct fragments *fragments = connection->fragments;
    fragments_add(fragments, frame);
    if (!frame_utf8_add(&fragments->utf8, frame->payload, frame->payload_bytes) ||
        (frame->is_last && !frame_utf8_ends(&fragments->utf8))) {
        close_not_utf8(connection);
    } else if (fragments->count > FRAGMENTS_MAX) {
        close_fault(connection, FRAME_CLOSE_POLICY, "too many fragments");
    } else if (frame->is_last) {
        on_text(connection, fragments->bytes, fragments->byte_count);
        fragments_free(connection);
    }
}

static void on_close_frame(struct connection *connection, const struct frame *frame)
{
    uint16_t code, answer;
    connection->has_peer_closed = true;
    if (!frame_close_read(frame->payload, frame->payload_bytes, &code, &answer)) {
        close_fault(connection, answer, "close frame is malformed");
        return;
    }
    close_with(connection, code == FRAME_CLOSE_NONE ? FRAME_CLOSE_NORMAL : code, "");
}

/* Whether a frame counts against the messages that a client may send: all but the further parts of a message and the
 * answers to our pings. The API's requests are limited by their weight. */
static bool is_counted(struct connection *connection, const struct frame *frame)
{
    if (connection->api != NULL && frame->opcode <= FRAME_BINARY) return false;
    if (frame->opcode == FRAME_PONG) {
        return !pulse_pong(&connection->pulse, frame->payload, frame->payload_bytes);
    }
    return frame->opcode == FRAME_PING || (frame->opcode != FRAME_CLOSE && frame->is_first);
}

static void on_frame(struct connection *connection, const struct frame *frame)
{
    struct socket_hub *hub = connection->hub;
    if (is_closing(connection)) {
        if (frame->opcode == FRAME_CLOSE) connection->has_peer_closed = true;
    } else if (is_counted(connection, frame) &&
               !pulse_admits(&connection->pulse, &hub->options.pulse, hub->options.now_ns())) {
        close_for(connection, &hub->metrics->ws_flood_closed_total, FRAME_CLOSE_POLICY,
                  "too many messages a second");
    } else if (frame->opcode == FRAME_PING) {
        send_payload(connection, FRAME_PONG, frame->payload, frame->payload_bytes);
    } else if (frame->opcode == FRAME_CLOSE) {
        on_close_frame(connection, frame);
    } else if (frame->opcode == FRAME_PONG) {
        return;
    } else if (frame->is_first && frame->is_last) {
        on_whole_message(connection, frame);
    } else {
        on_fragment(connection, frame);
    }
}

/* Takes all whole frames from what has been read. The connection lives on after it. */
static void read_frames(struct connection *connection)
{
    h2o_buffer_t **input = &connection->socket->input;
    while ((*input)->size > 0 && !connection->is_deaf) {
        struct frame frame;
        const enum frame_result result =
            frame_read(&connection->reader, (uint8_t *)(*input)->bytes, (*input)->size, &frame);
        if (result == FRAME_MORE) return;
        if (result == FRAME_REFUSED) {
            close_fault(connection, frame.close_code, frame.reason);
            connection->is_deaf = true;
            break;
        }
        on_frame(connection, &frame);
        h2o_buffer_consume(input, frame.frame_bytes);
    }
    if (connection->is_deaf) h2o_buffer_consume(input, (*input)->size);
}

static void on_read(h2o_socket_t *socket, const char *error)
{
    struct connection *connection = socket->data;
    if (error != NULL) {
        connection_free(connection);
        return;
    }
    read_frames(connection);
    if (connection->has_peer_closed && is_last_word_said(connection)) connection_free(connection);
}

/* ---- Time ---- */

/* What time has made due for one connection. It may be gone afterwards. */
static void tick_connection(struct connection *connection, uint64_t now_ns, uint64_t wall_ms)
{
    struct socket_hub *hub = connection->hub;
    char ping[PULSE_PING_BYTES];
    size_t ping_bytes;
    if (is_closing(connection)) {
        if (now_ns - connection->pulse.closing_ns >= LINGER_NS) connection_free(connection);
        return;
    }
    listen_stream_tick(&connection->listens, wall_ms * STREAM_MS_NS);
    if (is_closing(connection)) return;
    switch (
        pulse_tick(&connection->pulse, &hub->options.pulse, now_ns, wall_ms, ping, &ping_bytes)) {
    case PULSE_DUE_NOTHING:
        return;
    case PULSE_DUE_PING:
        send_payload(connection, FRAME_PING, ping, ping_bytes);
        return;
    case PULSE_DUE_NOTICE:
        queue_announcement(connection, ""); /* here, again */
        return;
    case PULSE_DUE_SILENT:
        close_for(connection, &hub->metrics->ws_silent_closed_total, FRAME_CLOSE_POLICY,
                  "no pong came in time");
        return;
    case PULSE_DUE_OLD:
        close_for(connection, &hub->metrics->ws_old_closed_total, FRAME_CLOSE_GOING_AWAY,
                  "the connection has reached its age: connect again");
        return;
    }
}

/* Goes round all connections about once a second, a part of them a tick, so that pings do not come in bursts. */
static void tick_connections(struct socket_hub *hub)
{
    const uint64_t now_ns = hub->options.now_ns();
    const uint64_t wall_ms = clock_ns(CLOCK_REALTIME) / STREAM_MS_NS;
    uint32_t left = hub->connection_count / TICKS_A_SECOND + LOOKED_AT_MIN;
    if (left > hub->connection_count) left = hub->connection_count;
    for (; left > 0 && is_linked(&hub->all); left--) {
        struct connection *connection = container_of(hub->all.next, struct connection, all);
        unlink_from(&connection->all);
        link_last(&hub->all, &connection->all);
        if (connection->socket != NULL) tick_connection(connection, now_ns, wall_ms);
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct socket_hub *hub = timer->data;
    publish_tick(hub->publisher, clock_ns(CLOCK_REALTIME));
    catch_up_all(hub);
    tick_connections(hub);
}

static void on_prepare(uv_prepare_t *prepare)
{
    write_dirty(prepare->data);
}

/* ---- The door ---- */

static void on_upgraded(void *data, h2o_socket_t *socket, size_t request_bytes)
{
    struct connection *connection = data;
    if (socket == NULL) {
        connection_free(connection);
        return;
    }
    const int on = 1, unsent_max = KERNEL_UNSENT_MAX;
    const int descriptor = h2o_socket_get_fd(socket);
    (void)setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)setsockopt(descriptor, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent_max, sizeof(unsent_max));

    connection->socket = socket;
    socket->data = connection;
    h2o_buffer_consume(&socket->input, request_bytes);
    mark_dirty(connection);
    h2o_socket_read_start(socket, on_read);
    read_frames(connection); /* what came with the handshake */
}

/* Where a session's lists grow; 0 bytes let go of them. */
static void *resize(void *memory, size_t byte_count)
{
    if (byte_count > 0) return realloc(memory, byte_count);
    free(memory);
    return NULL;
}

static struct connection *connection_new(struct socket_hub *hub)
{
    struct connection *connection = calloc(1, sizeof(*connection));
    if (connection == NULL) return NULL;
    connection->hub = hub;
    list_init(&connection->all);
    list_init(&connection->dirty);
    list_init(&connection->skipping);
    list_init(&connection->subscriptions);
    connection->session.resize = resize;
    link_last(&hub->all, &connection->all);
    pulse_start(&connection->pulse, &hub->options.pulse, hub->options.now_ns());
    count_connections(hub, 1);
    return connection;
}

/* A connection for a handshake that is one; otherwise it has been refused. */
static struct connection *admit(struct socket_hub *hub, h2o_req_t *request,
                                char accept[HANDSHAKE_ACCEPT_BYTES + 1])
{
    struct connection *connection = NULL;
    if (!handshake_check(request, accept)) {
        metric_add(&hub->metrics->ws_refused_total, 1);
        return NULL;
    }
    if (!hub->is_stopping && hub->connection_count < SOCKET_CONNECTIONS_MAX) {
        connection = connection_new(hub);
    }
    if (connection == NULL) {
        metric_add(&hub->metrics->ws_refused_total, 1);
        handshake_refuse(request, 503, "Service Unavailable", "no room for another stream");
    }
    return connection;
}

static void refuse_url(struct connection *connection, h2o_req_t *request, const char *why)
{
    metric_add(&connection->hub->metrics->ws_refused_total, 1);
    connection_free(connection);
    handshake_refuse(request, 400, "Bad Request", why);
}

static void switch_protocols(struct connection *connection, h2o_req_t *request,
                             const char accept[HANDSHAKE_ACCEPT_BYTES + 1])
{
    request->res.status = 101;
    request->res.reason = "Switching Protocols";
    h2o_add_header(&request->pool, &request->res.headers, H2O_TOKEN_UPGRADE, NULL,
                   H2O_STRLIT("websocket"));
    const h2o_iovec_t answer = h2o_strdup(&request->pool, accept, HANDSHAKE_ACCEPT_BYTES);
    h2o_add_header_by_str(&request->pool, &request->res.headers, H2O_STRLIT("sec-websocket-accept"),
                          0, NULL, answer.base, answer.len);
    h2o_http1_upgrade(request, NULL, 0, on_upgraded, connection);
}

static h2o_iovec_t query_of(const h2o_req_t *request)
{
    if (request->query_at == SIZE_MAX) return (h2o_iovec_t){H2O_STRLIT("")};
    const size_t begin = request->query_at + 1;
    return (h2o_iovec_t){request->path.base + begin, request->path.len - begin};
}

void socket_upgrade(struct socket_hub *hub, h2o_req_t *request)
{
    char accept[HANDSHAKE_ACCEPT_BYTES + 1];
    struct connection *connection = admit(hub, request, accept);
    if (connection == NULL) return;
    const h2o_iovec_t query = query_of(request);
    const size_t path_bytes = request->query_at == SIZE_MAX ? request->path.len : request->query_at;
    if (!session_open_path(&connection->session, hub->views, request->path.base, path_bytes,
                           query.base, query.len, &hub->changes)) {
        refuse_url(connection, request, "bad or too many stream names");
        return;
    }
    apply_changes(connection, &hub->changes);
    listen_to_names(connection);
    switch_protocols(connection, request, accept);
}

/* ---- The API's connections ---- */

static bool takes_answers(void *context)
{
    return !is_closing(context);
}

/* Answers that wait are still sent: their commands may have been applied. */
static void end_api(void *context, const char *reason)
{
    struct connection *connection = context;
    if (is_closing(connection)) return;
    end_talk(connection);
    queue_close(connection, FRAME_CLOSE_POLICY, reason);
}

void socket_upgrade_api(struct socket_hub *hub, h2o_req_t *request, struct desk *desk,
                        uint64_t address)
{
    char accept[HANDSHAKE_ACCEPT_BYTES + 1];
    struct connection *connection = admit(hub, request, accept);
    if (connection == NULL) return;
    const struct ws_caller caller = {send_text, takes_answers, end_api, connection};
    const h2o_iovec_t query = query_of(request);
    connection->api = h2o_mem_alloc(sizeof(*connection->api));
    if (!ws_call_open(connection->api, desk, &caller, address, query.base, query.len)) {
        refuse_url(connection, request,
                   "returnRateLimits is true or false, timeUnit MICROSECOND or MILLISECOND");
        return;
    }
    connection->api->user.stream = publish_users(hub->publisher);
    connection->api->user.opened_ns = clock_ns(CLOCK_REALTIME);
    switch_protocols(connection, request, accept);
}

/* ---- The hub ---- */

void socket_hub_configure(struct socket_hub *hub, const struct socket_options *options)
{
    hub->options = *options;
    if (hub->options.now_ns == NULL) hub->options.now_ns = monotonic_ns;
    if (hub->options.states_max == 0) hub->options.states_max = SOCKET_STATES_MAX;
}

struct socket_hub *socket_hub_new(h2o_context_t *context, struct publisher *publisher,
                                  struct metrics *metrics)
{
    struct socket_hub *hub = calloc(1, sizeof(*hub));
    if (hub == NULL) return NULL;
    const uint32_t count =
        channel_count(market_views_params(publish_views(publisher))->markets_max);
    hub->channels = calloc(count, sizeof(*hub->channels));
    if (hub->channels == NULL) {
        free(hub);
        return NULL;
    }
    for (uint32_t i = 0; i < count; i++)
        list_init(&hub->channels[i]);
    list_init(&hub->all);
    list_init(&hub->dirty);
    list_init(&hub->skipping);
    hub->context = context;
    hub->publisher = publisher;
    hub->views = publish_views(publisher);
    hub->metrics = metrics;
    socket_hub_configure(hub, &(struct socket_options){.pulse = pulse_limits_default()});
    hub->timer.data = hub->prepare.data = hub;
    uv_timer_init(context->loop, &hub->timer);
    uv_timer_start(&hub->timer, on_timer, TICK_MS, TICK_MS);
    uv_prepare_init(context->loop, &hub->prepare);
    uv_prepare_start(&hub->prepare, on_prepare);
    hub->open_handles = 2;
    publish_attach(publisher, (struct publish_sink){hub, on_message});
    return hub;
}

uint32_t socket_hub_count(const struct socket_hub *hub)
{
    return hub->connection_count;
}

bool socket_hub_is_behind(const struct socket_hub *hub)
{
    return hub->round_bytes > BEHIND_BYTES;
}

/* Whether it is told what happens to an account. */
static bool is_private(const struct connection *connection)
{
    if (connection->listens.first != NULL) return true;
    return connection->api != NULL && connection->api->user.first != NULL;
}

/* Whether something is still to come for it: its commands' answers, or what commands of an account's do to it. */
static bool is_owed(const struct connection *connection, bool commands_wait)
{
    if (connection->api != NULL && connection->api->call_count > 0) return true;
    return commands_wait && is_private(connection);
}

void socket_hub_close_all(struct socket_hub *hub, uint16_t code, const char *reason,
                          const char *elsewhere, bool commands_wait)
{
    hub->is_stopping = true;
    for (struct link *at = hub->all.next; at != &hub->all; at = at->next) {
        struct connection *connection = container_of(at, struct connection, all);
        if (is_closing(connection)) continue;
        if (!connection->is_told) queue_announcement(connection, elsewhere);
        connection->is_told = true;
        if (is_owed(connection, commands_wait)) continue;
        end_talk(connection); /* what is queued already is still sent */
        queue_close(connection, code, reason);
    }
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct socket_hub *hub = handle->data;
    if (--hub->open_handles > 0) return;
    free(hub->channels);
    free(hub);
}

void socket_hub_free(struct socket_hub *hub)
{
    publish_attach(hub->publisher, (struct publish_sink){0});
    struct link *next;
    for (struct link *at = hub->all.next; at != &hub->all; at = next) {
        next = at->next;
        /* One whose upgrade is still being answered belongs to h2o until then; it calls back. */
        struct connection *connection = container_of(at, struct connection, all);
        if (connection->socket != NULL) connection_free(connection);
    }
    uv_close((uv_handle_t *)&hub->timer, on_handle_closed);
    uv_close((uv_handle_t *)&hub->prepare, on_handle_closed);
}
