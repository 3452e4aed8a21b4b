#include "gateway/user_reader_h2o.h"

bool user_reader_takes_more(void *context)
{
    struct connection *connection = context;
    struct socket_hub *hub = connection->hub;
    if (connection_is_closing(connection)) return false;
    if (connection->outbox.user_bytes < SOCKET_USER_ABOVE && hub->told_bytes < SOCKET_USER_ROUND)
        return true;
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
    return connection->outbox.user_bytes <= SOCKET_USER_ABOVE / 2;
}

/* Who has ended what he listened to has nothing more to wait for. */
static bool waits(struct connection *connection)
{
    return connection->api != NULL ? ws_user_waits(connection->api)
                                   : listen_stream_waits(&connection->listens);
}

/* Then it is up to date, or behind again, or it closes. */
static void go_on(struct connection *connection)
{
    unlink_from(&connection->behind);
    if (connection->api != NULL)
        ws_user_go_on(connection->api);
    else
        listen_stream_go_on(&connection->listens);
}

void user_reader_written(struct connection *connection)
{
    struct socket_hub *hub = connection->hub;
    if (!is_linked(&connection->behind)) return;
    connection->behind_ns = hub->options.now_ns();
    if (has_room(connection) && hub->told_bytes < SOCKET_USER_ROUND) go_on(connection);
}

static void look_at(struct connection *connection, uint64_t now_ns)
{
    if (!waits(connection))
        user_reader_leave(connection);
    else if (has_room(connection))
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
    hub->told_bytes = 0;
    while (!is_round && hub->told_bytes < SOCKET_USER_ROUND) {
        struct link *at = hub->behind.next;
        is_round = at == last;
        unlink_from(at);
        link_last(&hub->behind, at);
        look_at(container_of(at, struct connection, behind), now_ns);
    }
}
