/* User data on a connection of streams: the names among its session's that are listen keys, each listened to as long as its
 * key is good.
 *
 * Owner    one gateway loop
 * Memory   embedded by the connection; malloc a name, freed when it ends or the connection goes
 * Limits   the session's names
 */

#ifndef GATEWAY_LISTEN_STREAM_H2O_H
#define GATEWAY_LISTEN_STREAM_H2O_H

#include "gateway/session.h"
#include "gateway/user_stream.h"

#include <h2o.h>

struct listen_name;

struct listen_streams {
    struct user_stream *users;
    const struct session *session;
    void (*send)(void *context, const h2o_iovec_t *parts, size_t part_count); /* one text message */
    void *context;
    struct listen_name *first;
};

/* The session's names have changed. */
void listen_stream_follow(struct listen_streams *streams, uint64_t now_ns);

/* Keys whose time is over, or that were ended, are told so and not listened to any more. */
void listen_stream_tick(struct listen_streams *streams, uint64_t now_ns);

/* All end, and nothing is said of it. */
void listen_stream_close(struct listen_streams *streams);

#endif /* GATEWAY_LISTEN_STREAM_H2O_H */
