#include "gateway/subscription_h2o.h"

#include "gateway/session_json.h"
#include "gateway/user_reader_h2o.h"

struct subscription {
    struct connection *connection;
    uint32_t channel;
    bool is_skipping;         /* states were left out since first_update_id; due: the present one */
    uint64_t first_update_id; /* of the first difference left out */
    struct link of_channel, of_connection;
};

/* ---- Messages to subscribers ---- */

static struct shared_frame *frame_of_message(struct socket_hub *hub,
                                             const struct publish_message *message,
                                             bool is_combined)
{
    char name[CHANNEL_NAME_MAX];
    const h2o_iovec_t payload = {(char *)(uintptr_t)message->payload, message->payload_bytes};
    if (!is_combined) return outbox_frame_new(FRAME_TEXT, &payload, 1);
    const size_t name_bytes = channel_name(hub->views, message->channel, name);
    const h2o_iovec_t parts[] = {
        {H2O_STRLIT("{\"stream\":\"")},
        {name, name_bytes},
        {H2O_STRLIT("\",\"data\":")},
        payload,
        {H2O_STRLIT("}")},
    };
    return outbox_frame_new(FRAME_TEXT, parts, sizeof(parts) / sizeof(parts[0]));
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

static void stop_skipping(struct subscription *subscription)
{
    struct connection *connection = subscription->connection;
    if (!subscription->is_skipping) return;
    subscription->is_skipping = false;
    connection->skipping_count--;
    if (connection->skipping_count == 0) unlink_from(&connection->skipping);
}

static void deliver(struct subscription *subscription, const struct publish_message *message,
                    struct shared_frame *frame)
{
    struct connection *connection = subscription->connection;
    if (!message->conflatable) {
        connection_queue_or_close(connection, frame);
        return;
    }
    if (subscription->is_skipping) return;
    const size_t waiting = connection->outbox.byte_count;
    if (waiting > 0 && waiting + frame->byte_count > SOCKET_CONFLATE_ABOVE) {
        start_skipping(subscription, message->first_update_id);
        return;
    }
    connection_queue(connection, frame);
}

void subscription_message(void *context, const struct publish_message *message)
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
        if (frames[i] != NULL) outbox_frame_release(frames[i]);
    }
}

/* ---- Catching up ---- */

static void forget_shown(struct socket_hub *hub)
{
    for (int i = 0; i < 2; i++) {
        if (hub->shown.frames[i] != NULL) outbox_frame_release(hub->shown.frames[i]);
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
            connection_close_slow(connection);
            return;
        }
        if (frame == NULL) continue;
        stop_skipping(subscription);
        connection_queue(connection, frame);
        outbox_frame_release(frame);
    }
}

void subscription_catch_up(struct socket_hub *hub)
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

static void subscription_free(struct subscription *subscription)
{
    stop_skipping(subscription);
    publish_unsubscribe(subscription->connection->hub->publisher, subscription->channel);
    unlink_from(&subscription->of_channel);
    unlink_from(&subscription->of_connection);
    free(subscription);
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

void subscription_end_all(struct connection *connection)
{
    while (is_linked(&connection->subscriptions)) {
        subscription_free(
            container_of(connection->subscriptions.next, struct subscription, of_connection));
    }
}

void subscription_change(struct connection *connection, const struct session_changes *changes)
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

void subscription_listen(struct connection *connection)
{
    struct socket_hub *hub = connection->hub;
    struct user_stream *users = publish_users(hub->publisher);
    if (users == NULL || connection_is_closing(connection)) return;
    connection->listens.users = users;
    connection->listens.session = &connection->session;
    connection->listens.send = connection_tell;
    connection->listens.takes_more = user_reader_takes_more;
    connection->listens.lost = connection_end_lost;
    connection->listens.context = connection;
    listen_stream_follow(&connection->listens, connection_wall_ns());
}

void subscription_take(struct connection *connection, const char *text, size_t text_bytes)
{
    struct socket_hub *hub = connection->hub;
    struct text reply = text_over(hub->reply, sizeof(hub->reply));
    session_request_read(&hub->request, text, text_bytes);
    session_answer(&connection->session, hub->views, &hub->request, &reply, &hub->changes);
    session_request_free(&hub->request);
    ASSERT(!text_full(&reply));
    if (hub->changes.is_full) metric_add(&hub->metrics->ws_streams_refused_total, 1);
    subscription_change(connection, &hub->changes);
    connection_send(connection, FRAME_TEXT, reply.bytes, reply.used);
    subscription_listen(connection);
}
