/* User data on a connection of streams: the names among its session's that are listen keys, each listened to as long as its
 * key is good. A name of the form of a listen key that is none, or none any more, is told so, once.
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
    bool (*takes_more)(void *context); /* when not, listen_stream_go_on is called once it does */
    void (*lost)(void *context);       /* closes the connection, with USER_LOST */
    void *context;
    struct listen_name *first;
};

/* The session's names have changed. */
void listen_stream_follow(struct listen_streams *streams, uint64_t now_ns);

/* Whether one of them has something to be told, and no room. */
bool listen_stream_waits(struct listen_streams *streams);

/* There is room for more: those that wait are told, in turn. */
void listen_stream_go_on(struct listen_streams *streams);

/* Keys whose time is over, or that were ended, are told so and not listened to any more: what waited for room is not told.
 * Who has an account's key before this loop has the account is told from here on what has happened to it. */
void listen_stream_tick(struct listen_streams *streams, uint64_t now_ns);

/* Whether the session names one stream alone, which is a key that is not good: nothing will ever be told. */
bool listen_stream_is_dead(const struct listen_streams *streams);

/* All end, and nothing is said of it. */
void listen_stream_close(struct listen_streams *streams);

#endif /* GATEWAY_LISTEN_STREAM_H2O_H */
