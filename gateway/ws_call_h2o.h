/* The WebSocket API on one connection: its requests under way, each a question to the desk, answered as they end.
 *
 * Any order: a request's id tells which answer is whose.
 *
 * Owner    one gateway loop
 * Memory   embedded by the connection; malloc and an h2o pool a request, freed with its answer
 * Limits   requests that weigh WS_CALLS_MAX are under way on a connection at once: until one of them has ended no more are
 *          taken (ws_call_is_full)
 */

#ifndef GATEWAY_WS_CALL_H2O_H
#define GATEWAY_WS_CALL_H2O_H

#include "gateway/desk.h"
#include "gateway/ws_user_h2o.h"

#include <h2o.h>

#define WS_CALLS_MAX \
    256 /* of their routes' weight: as many orders, a dozen questions about the past */

struct ws_call;

/* What a connection is to its requests. */
struct ws_caller {
    void (*answer)(void *context, const h2o_iovec_t *parts, size_t part_count); /* one message */
    void (*send)(void *context, const h2o_iovec_t *parts,
                 size_t part_count); /* one that nobody has asked for */
    bool (*is_open)(void *context);
    /* Whether there is room for more user data. When not, ws_user_go_on is called once there is. */
    bool (*takes_more)(void *context);
    /* Nothing more is read or answered; behind what is queued the connection is closed with the reason. */
    void (*end)(void *context, const char *reason);
    void (*lost)(void *context); /* the same, with USER_LOST */
    void *context;
};

struct ws_calls {
    struct desk *desk; /* NULL: the connection is none of the API's */
    struct ws_caller caller;
    uint64_t address;
    uint8_t ip[IP_BYTES];
    bool hides_limits;
    struct auth_piece time_unit;
    struct ws_user user;
    struct ws_call *first;
    uint32_t call_count;
    uint32_t weight; /* of those */
};

/* `query` is the URL's: returnRateLimits=true|false and timeUnit=MICROSECOND|MILLISECOND count. False when either is
 * something else. */
MUST_CHECK bool ws_call_open(struct ws_calls *calls, struct desk *desk,
                             const struct ws_caller *caller, const struct request *from,
                             const char *query, size_t query_bytes);

/* The connection that a request of the API's came by. */
struct ws_calls *ws_call_of(struct request *request);

/* Whether no more may be taken for now. */
bool ws_call_is_full(const struct ws_calls *calls);

/* A text message has come, whose bytes may go when this returns. A banned address is not listened to: its connection is
 * ended. Needs: it is UTF-8, and there is room for it. */
void ws_call_take(struct ws_calls *calls, const char *text, size_t text_bytes);

/* The connection goes: nothing under way is answered any more, and no account is listened to. */
void ws_call_close(struct ws_calls *calls);

#endif /* GATEWAY_WS_CALL_H2O_H */
