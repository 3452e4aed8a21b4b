#include "gateway/user_reader_h2o.h"

bool user_reader_takes_more(void *context)
{
    struct connection *connection = context;
    struct socket_hub *hub = connection->hub;
    if (connection_is_closing(connection)) return false;
    if (connection->outbox.byte_count < SOCKET_USER_ABOVE) return true;
    if (is_linked(&connection->behind)) return false;
    link_last(&hub->behind, &connection->behind);
    connection->behind_ns = hub->options.now_ns();
    return false;
}

bool user_reader_is_behind(const struct connection *connection)
{
    return is_linked(&connection->behind);
}

void user_reader_leave(struct connection *connection)
{
    unlink_from(&connection->behind);
}

/* Not before half of it is free: a page at a time. */
static bool has_room(const struct connection *connection)
{
    return connection->outbox.byte_count <= SOCKET_USER_ABOVE / 2;
}

/* Then it is up to date, or behind again, or it closes. */
static void go_on(struct connection *connection)
{
    struct socket_hub *hub = connection->hub;
    const size_t before = connection->outbox.byte_count;
    unlink_from(&connection->behind);
    if (connection->api != NULL)
        ws_user_go_on(connection->api);
    else
        listen_stream_go_on(&connection->listens);
    if (connection->outbox.byte_count > before)
        hub->caught_up_bytes += connection->outbox.byte_count - before;
}

void user_reader_written(struct connection *connection)
{
    const bool is_round_over = connection->hub->caught_up_bytes >= SOCKET_USER_ROUND;
    if (is_linked(&connection->behind) && has_room(connection) && !is_round_over) go_on(connection);
}

static void look_at(struct connection *connection, uint64_t now_ns)
{
    if (has_room(connection))
        go_on(connection);
    else if (now_ns - connection->behind_ns >= SOCKET_STALL_NS)
        connection_close_stalled(connection);
}

/* Once round all, or as far as a round may go; then the next one begins with who has not been looked at. */
void user_reader_tick(struct socket_hub *hub)
{
    const uint64_t now_ns = hub->options.now_ns();
    const struct link *last = hub->behind.previous;
    bool is_round = !is_linked(&hub->behind);
    hub->caught_up_bytes = 0;
    while (!is_round && hub->caught_up_bytes < SOCKET_USER_ROUND) {
        struct link *at = hub->behind.next;
        is_round = at == last;
        unlink_from(at);
        link_last(&hub->behind, at);
        look_at(container_of(at, struct connection, behind), now_ns);
    }
}
