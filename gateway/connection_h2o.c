#include "gateway/connection_h2o.h"

#include "gateway/stream.h"
#include "gateway/subscription_h2o.h"
#include "gateway/user_reader_h2o.h"

#include <assert.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#define TICKS_A_SECOND  (1000 / SOCKET_TICK_MS)
#define LINGER_NS       (2ull * 1000000000ull) /* how long a close frame waits for its answer */
#define WRITE_FRAMES    64                     /* to one writev */
#define FRAGMENTS_MAX   1024
#define FRAGMENTS_START 1024 /* bytes */
#define LOOKED_AT_MIN   64   /* connections a tick, if there are as many */
#define ANNOUNCED_MAX   1024

/* Unsent bytes the kernel takes for a client; the rest waits here, where it can be conflated. */
#define KERNEL_UNSENT_MAX (128 * 1024)

/* A message whose end has not come. */
struct fragments {
    uint32_t count;
    struct frame_utf8 utf8;
    size_t byte_count, capacity;
    uint8_t *bytes;
};

uint64_t connection_wall_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

/* ---- Queueing ---- */

static void mark_dirty(struct connection *connection)
{
    if (!is_linked(&connection->dirty)) link_last(&connection->hub->dirty, &connection->dirty);
}

void connection_queue(struct connection *connection, struct shared_frame *frame)
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
    struct shared_frame *frame = outbox_frame_new(opcode, &part, 1);
    connection_queue(connection, frame);
    outbox_frame_release(frame);
}

/* ---- Leaving ---- */

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

void connection_free(struct connection *connection)
{
    if (connection->api != NULL) ws_call_close(connection->api);
    free(connection->api);
    listen_stream_close(&connection->listens);
    subscription_end_all(connection);
    unlink_from(&connection->all);
    unlink_from(&connection->dirty);
    user_reader_leave(connection);
    count_connections(connection->hub, -1);
    if (connection->socket != NULL) h2o_socket_close(connection->socket);
    outbox_free(&connection->outbox);
    fragments_free(connection);
    session_free(&connection->session);
    free(connection);
}

void connection_end_talk(struct connection *connection)
{
    pulse_end(&connection->pulse, connection->hub->options.now_ns());
    subscription_end_all(connection);
    listen_stream_close(&connection->listens);
    if (connection->api != NULL) ws_user_close(connection->api);
    user_reader_leave(connection);
}

/* Nothing more is said to it but why: all that still waits is dropped. */
static void begin_close(struct connection *connection)
{
    connection_end_talk(connection);
    outbox_cut(&connection->outbox, connection->outbox.in_flight);
}

void connection_queue_close(struct connection *connection, uint16_t code, const char *reason)
{
    uint8_t body[FRAME_CONTROL_MAX];
    queue_payload(connection, FRAME_CLOSE, body, frame_close_put(body, code, reason));
}

bool connection_is_closing(const struct connection *connection)
{
    return connection->pulse.state == PULSE_CLOSING;
}

/* Sends a close frame instead of all that still waits. */
static void close_with(struct connection *connection, uint16_t code, const char *reason)
{
    if (connection_is_closing(connection)) return;
    begin_close(connection);
    connection_queue_close(connection, code, reason);
}

/* The same, counted. */
static void close_for(struct connection *connection, _Atomic uint64_t *metric, uint16_t code,
                      const char *reason)
{
    if (connection_is_closing(connection)) return;
    metric_add(metric, 1);
    close_with(connection, code, reason);
}

void connection_close_slow(struct connection *connection)
{
    close_for(connection, &connection->hub->metrics->ws_slow_closed_total, FRAME_CLOSE_POLICY,
              "too slow: more than 1 MiB is waiting");
}

void connection_close_stalled(struct connection *connection)
{
    close_for(connection, &connection->hub->metrics->ws_slow_closed_total, FRAME_CLOSE_POLICY,
              "too slow: user data waits, and nothing was taken for 30 s");
}

/* Answers that wait are still sent: their commands may have been applied. */
void connection_end(void *context, const char *reason)
{
    struct connection *connection = context;
    if (connection_is_closing(connection)) return;
    connection_end_talk(connection);
    connection_queue_close(connection, FRAME_CLOSE_POLICY, reason);
}

void connection_end_lost(void *context)
{
    struct connection *connection = context;
    if (connection_is_closing(connection)) return;
    metric_add(&connection->hub->metrics->ws_slow_closed_total, 1);
    connection_end(connection, USER_LOST);
}

static void close_fault(struct connection *connection, uint16_t code, const char *reason)
{
    close_for(connection, &connection->hub->metrics->ws_protocol_closed_total, code, reason);
}

void connection_announce(struct connection *connection, const char *elsewhere)
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
    stream_shutdown(&text, in_us ? STREAM_US_NS : STREAM_MS_NS, connection_wall_ns(), elsewhere);
    if (is_wrapped) text_add(&text, "}");
    ASSERT(!text_full(&text));
    queue_payload(connection, FRAME_TEXT, text.bytes, text.used);
}

/* Whether it is told what happens to an account. */
static bool is_private(const struct connection *connection)
{
    if (connection->listens.first != NULL) return true;
    return connection->api != NULL && connection->api->user.first != NULL;
}

bool connection_is_owed(const struct connection *connection, bool commands_wait)
{
    if (connection->api != NULL && connection->api->call_count > 0) return true;
    if (user_reader_is_behind(connection)) return true;
    return commands_wait && is_private(connection);
}

/* ---- Writing ---- */

static void start_write(struct connection *connection);

/* Our close frame is written: nothing more goes out. */
static bool is_last_word_said(const struct connection *connection)
{
    return connection_is_closing(connection) && outbox_count(&connection->outbox) == 0;
}

/* Who broke the protocol is not waited for: he sees the end of the stream behind our close frame (RFC 6455 7.1.7).
 * The socket stays until he has closed too, so that what he still sends does not reset what we said. */
static void end_stream(struct connection *connection)
{
    (void)shutdown(h2o_socket_get_fd(connection->socket), SHUT_WR);
}

/* There is room for more of what waits. */
static void go_on_telling(struct connection *connection)
{
    user_reader_written(connection);
    if (!connection->is_paused) return;
    connection->taken_ns = connection->hub->options.now_ns();
    mark_dirty(connection);
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
    go_on_telling(connection);
    start_write(connection);
}

/* Gives the kernel what is in flight, without a turn of the loop, which costs an epoll_ctl and a callback a message. False
 * when it did not take all of it: the rest, and whatever went wrong, is the loop's. */
static bool write_at_once(struct connection *connection, const h2o_iovec_t *parts, uint32_t count)
{
    static_assert(sizeof(h2o_iovec_t) == sizeof(struct iovec) &&
                      offsetof(h2o_iovec_t, len) == offsetof(struct iovec, iov_len),
                  "parts are what sendmsg takes");
    struct outbox *outbox = &connection->outbox;
    const struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)parts,
                                   .msg_iovlen = count};
    const ssize_t sent = sendmsg(connection->descriptor, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    return outbox_taken(outbox, sent > 0 ? (size_t)sent : 0);
}

/* One that is closing stays with the loop: with its last word it may be freed, and nobody above would know. */
static void start_write(struct connection *connection)
{
    struct outbox *outbox = &connection->outbox;
    if (connection->socket == NULL || outbox->in_flight > 0 || outbox_count(outbox) == 0) return;
    h2o_iovec_t parts[WRITE_FRAMES];
    uint32_t count = outbox_begin(outbox, parts, WRITE_FRAMES);
    if (connection->is_plain && !connection_is_closing(connection)) {
        if (write_at_once(connection, parts, count)) go_on_telling(connection);
        if (outbox_count(outbox) == 0) return;
        count = outbox_begin(outbox, parts, WRITE_FRAMES);
    }
    h2o_socket_write(connection->socket, parts, count, on_written);
}

void connection_queue_or_close(struct connection *connection, struct shared_frame *frame)
{
    const struct outbox *outbox = &connection->outbox;
    const size_t waiting = outbox->byte_count - outbox->answer_bytes;
    if (waiting + frame->byte_count > SOCKET_QUEUE_MAX && waiting > 0) {
        connection_close_slow(connection);
        return;
    }
    connection_queue(connection, frame);
}

void connection_answer(void *context, const h2o_iovec_t *parts, size_t part_count)
{
    struct shared_frame *frame = outbox_frame_new(FRAME_TEXT, parts, part_count);
    frame->is_answer = true;
    connection_queue(context, frame);
    outbox_frame_release(frame);
}

void connection_tell(void *context, const h2o_iovec_t *parts, size_t part_count)
{
    struct connection *connection = context;
    struct shared_frame *frame = outbox_frame_new(FRAME_TEXT, parts, part_count);
    frame->is_user = true;
    connection->hub->told_bytes += frame->byte_count;
    connection_queue_or_close(connection, frame);
    outbox_frame_release(frame);
}

void connection_send(struct connection *connection, enum frame_opcode opcode, const void *payload,
                     size_t payload_bytes)
{
    const h2o_iovec_t part = {(char *)(uintptr_t)payload, payload_bytes};
    struct shared_frame *frame = outbox_frame_new(opcode, &part, 1);
    connection_queue_or_close(connection, frame);
    outbox_frame_release(frame);
}

/* ---- Reading ---- */

/* Well-formed UTF-8, whole. */
static void on_text(struct connection *connection, const uint8_t *text, size_t text_bytes)
{
    if (connection->api != NULL)
        ws_call_take(connection->api, (const char *)text, text_bytes);
    else
        subscription_take(connection, (const char *)text, text_bytes);
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
    if (connection_is_closing(connection)) {
        if (frame->opcode == FRAME_CLOSE) connection->has_peer_closed = true;
    } else if (is_counted(connection, frame) &&
               !pulse_admits(&connection->pulse, &hub->options.pulse, hub->options.now_ns())) {
        close_for(connection, &hub->metrics->ws_flood_closed_total, FRAME_CLOSE_POLICY,
                  "too many messages a second");
    } else if (frame->opcode == FRAME_PING) {
        connection_send(connection, FRAME_PONG, frame->payload, frame->payload_bytes);
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

/* Whether its answers have to go first; once they have, for half of what may wait. */
static bool is_full(const struct connection *connection)
{
    if (connection->api == NULL || connection_is_closing(connection)) return false;
    const size_t room = connection->is_paused ? SOCKET_PAUSE_ABOVE / 2 : SOCKET_PAUSE_ABOVE;
    return connection->outbox.answer_bytes > room || ws_call_is_full(connection->api);
}

/* What has come stays where it is, and what follows stays with the client. */
static void pause_reading(struct connection *connection)
{
    if (connection->is_paused) return;
    connection->is_paused = true;
    connection->excused_ns = connection->taken_ns = connection->hub->options.now_ns();
    metric_add(&connection->hub->metrics->ws_paused_total, 1);
    h2o_socket_read_stop(connection->socket);
}

/* Takes all whole frames from what has been read, as long as there is room for answers. The connection lives on after
 * it. */
static void read_frames(struct connection *connection)
{
    h2o_buffer_t **input = &connection->socket->input;
    while ((*input)->size > 0 && !connection->is_deaf) {
        struct frame frame;
        if (is_full(connection)) {
            pause_reading(connection);
            return;
        }
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

/* The pongs it owes may lie in what is not read. */
static void excuse(struct connection *connection, uint64_t now_ns)
{
    pulse_excuse(&connection->pulse, now_ns - connection->excused_ns);
    connection->excused_ns = now_ns;
}

static void resume_reading(struct connection *connection)
{
    if (!connection->is_paused || is_full(connection)) return;
    connection->is_paused = false;
    excuse(connection, connection->hub->options.now_ns());
    h2o_socket_read_start(connection->socket, on_read);
    read_frames(connection);
}

void connection_write_all(struct socket_hub *hub)
{
    while (is_linked(&hub->dirty)) {
        struct connection *connection = container_of(hub->dirty.next, struct connection, dirty);
        unlink_from(&connection->dirty);
        start_write(connection);
        resume_reading(connection);
    }
    hub->round_bytes = 0;
}

/* ---- Time ---- */

/* One whose answers wait takes some of them within the time for a pong. */
static void tick_paused(struct connection *connection, uint64_t now_ns)
{
    const struct socket_hub *hub = connection->hub;
    excuse(connection, now_ns);
    if (outbox_count(&connection->outbox) == 0) connection->taken_ns = now_ns; /* we are slow */
    if (now_ns - connection->taken_ns < hub->options.pulse.pong_ns) return;
    close_for(connection, &hub->metrics->ws_slow_closed_total, FRAME_CLOSE_POLICY,
              "too slow: answers wait, and none is taken");
}

/* What time has made due for one connection. It may be gone afterwards. */
static void tick_connection(struct connection *connection, uint64_t now_ns, uint64_t wall_ms)
{
    struct socket_hub *hub = connection->hub;
    char ping[PULSE_PING_BYTES];
    size_t ping_bytes;
    if (connection_is_closing(connection)) {
        if (now_ns - connection->pulse.closing_ns >= LINGER_NS) connection_free(connection);
        return;
    }
    if (connection->is_paused) tick_paused(connection, now_ns);
    if (connection_is_closing(connection)) return;
    listen_stream_tick(&connection->listens, wall_ms * STREAM_MS_NS);
    if (connection_is_closing(connection)) return;
    switch (
        pulse_tick(&connection->pulse, &hub->options.pulse, now_ns, wall_ms, ping, &ping_bytes)) {
    case PULSE_DUE_NOTHING:
        return;
    case PULSE_DUE_PING:
        connection_send(connection, FRAME_PING, ping, ping_bytes);
        return;
    case PULSE_DUE_NOTICE:
        connection_announce(connection, ""); /* here, again */
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

void connection_tick_all(struct socket_hub *hub)
{
    const uint64_t now_ns = hub->options.now_ns();
    const uint64_t wall_ms = connection_wall_ns() / STREAM_MS_NS;
    uint32_t left = hub->connection_count / TICKS_A_SECOND + LOOKED_AT_MIN;
    if (left > hub->connection_count) left = hub->connection_count;
    for (; left > 0 && is_linked(&hub->all); left--) {
        struct connection *connection = container_of(hub->all.next, struct connection, all);
        unlink_from(&connection->all);
        link_last(&hub->all, &connection->all);
        if (connection->socket != NULL) tick_connection(connection, now_ns, wall_ms);
    }
}

/* ---- Beginning ---- */

/* Where a session's lists grow; 0 bytes let go of them. */
static void *resize(void *memory, size_t byte_count)
{
    if (byte_count > 0) return realloc(memory, byte_count);
    free(memory);
    return NULL;
}

struct connection *connection_new(struct socket_hub *hub)
{
    struct connection *connection = calloc(1, sizeof(*connection));
    if (connection == NULL) return NULL;
    connection->hub = hub;
    list_init(&connection->all);
    list_init(&connection->dirty);
    list_init(&connection->skipping);
    list_init(&connection->behind);
    list_init(&connection->subscriptions);
    connection->session.resize = resize;
    link_last(&hub->all, &connection->all);
    pulse_start(&connection->pulse, &hub->options.pulse, hub->options.now_ns());
    count_connections(hub, 1);
    return connection;
}

void connection_begin(void *data, h2o_socket_t *socket, size_t request_bytes)
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
    connection->descriptor = descriptor;
    connection->is_plain = h2o_socket_get_ssl_protocol_version(socket) == NULL;
    socket->data = connection;
    h2o_buffer_consume(&socket->input, request_bytes);
    mark_dirty(connection);
    h2o_socket_read_start(socket, on_read);
    read_frames(connection); /* what came with the handshake */
}
