/* User data on a connection of the WebSocket API: its subscriptions, each to one account, and the methods that begin and
 * end them. Who has logged on (session.logon) needs not sign again to ask and to be told of his account; what commands is
 * signed as before: an order is proved to the other nodes by its own signature.
 *
 * An event is a message {"subscriptionId","event"}. A subscription begins behind the answer that names it: first what was
 * missed, when it resumes, then what happens. Nothing is left out: a slow reader is told as he takes it, and who is so slow
 * that what comes next has been forgotten loses his connection.
 *
 * Owner    one gateway loop
 * Memory   embedded by ws_calls; malloc a subscription, freed when it ends or the connection goes
 * Limits   WS_SUBSCRIPTIONS_MAX a connection
 */

#ifndef GATEWAY_WS_USER_H2O_H
#define GATEWAY_WS_USER_H2O_H

#include "gateway/route.h"
#include "gateway/user_stream.h"

#define WS_SUBSCRIPTIONS_MAX 1000

#define WS_KEY_LETTERS 64

struct ws_subscription;

/* Who has logged on. */
struct ws_session {
    uint32_t account;  /* 0: nobody */
    uint64_t since_ns; /* wall clock */
    char key[WS_KEY_LETTERS];
};

struct ws_user {
    struct user_stream *stream; /* these two are set by whoever opens the connection */
    uint64_t opened_ns;
    struct ws_session session;
    struct ws_subscription *first;
    uint32_t count;
    uint32_t next_id;
    uint64_t ended_ns; /* when the last was asked to end */
    bool is_unsettled; /* the answer in hand begins or ends some */
};

struct ws_calls;

/* Behind the answer to one of the methods: what it began begins, and what it ended says so. */
void ws_user_settle(struct ws_calls *calls);

/* Whether one of them has something to be told, and no room. */
bool ws_user_waits(struct ws_calls *calls);

/* There is room for more: those of the subscriptions that wait are told, in turn. */
void ws_user_go_on(struct ws_calls *calls);

/* All subscriptions end, and nothing is said of it: the connection closes. */
void ws_user_close(struct ws_calls *calls);

/* The methods' handlers, as a route's; what they read is the connection's own. */
enum outcome ws_user_subscribe(struct request *request, const struct facts *facts);
enum outcome ws_user_subscribe_session(struct request *request, const struct facts *facts);
enum outcome ws_user_resume(struct request *request, const struct facts *facts);
enum outcome ws_user_unsubscribe(struct request *request, const struct facts *facts);
enum outcome ws_user_list(struct request *request, const struct facts *facts);
enum outcome ws_user_logon(struct request *request, const struct facts *facts);
enum outcome ws_user_status(struct request *request, const struct facts *facts);
enum outcome ws_user_logout(struct request *request, const struct facts *facts);

#endif /* GATEWAY_WS_USER_H2O_H */
