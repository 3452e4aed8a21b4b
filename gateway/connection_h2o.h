/* A WebSocket connection's life: upgraded, read frame by frame, given what waits for it, asked for signs of life, closed.
 * And the inside of the hub, for the files that make it up.
 *
 *     socket_h2o (the door, the hub) ─► connection_h2o ─┬─► subscription_h2o: streams
 *                                                        └─► ws_call_h2o: the API
 *
 * Owner    one gateway loop
 * Memory   malloc, a connection; freed by connection_free alone
 * Limits   SOCKET_QUEUE_MAX bytes that he has not asked for wait for a client; what may not be left out closes him beyond
 *          that. While SOCKET_PAUSE_ABOVE bytes wait, or as many requests are under way as may be, no request of his is read:
 *          what waits is bounded by that and by the answers to what is under way
 */

#ifndef GATEWAY_CONNECTION_H2O_H
#define GATEWAY_CONNECTION_H2O_H

#include "gateway/list.h"
#include "gateway/listen_stream_h2o.h"
#include "gateway/outbox_h2o.h"
#include "gateway/socket.h"
#include "gateway/ws_call_h2o.h"

#include <h2o.h>

#define SOCKET_REPLY_MAX (96 * 1024)
#define SOCKET_TICK_MS   50

struct fragments;

struct connection {
    struct socket_hub *hub;
    h2o_socket_t *socket; /* NULL until the upgrade's answer is written */
    int descriptor;       /* its own */
    bool is_plain;        /* no TLS: what is written goes to the kernel as it is */
    struct link all, dirty, skipping, behind;
    struct link subscriptions;
    uint32_t skipping_count;
    uint64_t behind_ns; /* while it is behind: when it began, or has last taken something */
    bool has_peer_closed;
    bool is_told;   /* that the server shuts down */
    bool is_paused; /* nothing is read of it: it takes its answers first */
    bool is_deaf;   /* what it sends is read and dropped: frames are not told apart any more */
    struct outbox outbox;
    struct frame_reader reader;
    struct fragments *fragments; /* NULL unless a fragmented message is incomplete */
    struct pulse pulse;
    uint64_t excused_ns; /* while it is paused: up to when it owes no pong */
    uint64_t taken_ns;   /* and when it has last taken something, or had nothing to take */
    struct session session;
    struct listen_streams listens; /* the session's names that are accounts' */
    struct ws_calls *api;          /* NULL: streams */
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
    struct link all, dirty, skipping, behind;
    size_t told_bytes; /* of user data, in this round */
    bool is_stopping;
    size_t round_bytes; /* the fullest outbox since the loop last wrote */
    struct shown_state shown;
    size_t printed_bytes; /* of present states, in this round */
    struct socket_options options;
    uv_timer_t timer;
    struct session_request request;
    struct session_changes changes;
    char reply[SOCKET_REPLY_MAX];
};

/* The publisher and user data need the stamps' own clock, ns since the epoch; a connection's life is of the hub's
 * now_ns. */
uint64_t connection_wall_ns(void);

/* One that is upgraded next: connection_begin is told. NULL when there is no memory. */
MUST_CHECK struct connection *connection_new(struct socket_hub *hub);

/* The upgrade's answer is written; an h2o_upgrade_cb, with the connection. Without a socket the client has left. */
void connection_begin(void *connection, h2o_socket_t *socket, size_t request_bytes);

/* The only place where a connection is freed. */
void connection_free(struct connection *connection);

/* Queues a frame, whatever waits already. */
void connection_queue(struct connection *connection, struct shared_frame *frame);

/* Queues a frame that may not be left out; closes the connection when it does not fit. */
void connection_queue_or_close(struct connection *connection, struct shared_frame *frame);

/* Queues an answer of the API's, a message in parts; `context` is the connection. An answer is never left out. */
void connection_answer(void *context, const h2o_iovec_t *parts, size_t part_count);

/* Queues what happens to an account, a message in parts, as connection_queue_or_close. `context` is the connection. */
void connection_tell(void *context, const h2o_iovec_t *parts, size_t part_count);

/* As connection_queue_or_close for a message. */
void connection_send(struct connection *connection, enum frame_opcode opcode, const void *payload,
                     size_t payload_bytes);

/* Tells a client that the end is near, in the form of its streams; and where else to go, "" when nobody knows. */
void connection_announce(struct connection *connection, const char *elsewhere);

/* Its close frame is queued or sent. */
bool connection_is_closing(const struct connection *connection);

/* Nothing more is said to it but what waits already, and then connection_queue_close. */
void connection_end_talk(struct connection *connection);
void connection_queue_close(struct connection *connection, uint16_t code, const char *reason);

/* The two together, with FRAME_CLOSE_POLICY. `context` is the connection. Nothing when it is closing. */
void connection_end(void *context, const char *reason);

/* The same of one for whom what comes next in user data is not remembered any more; counts it as slow. */
void connection_end_lost(void *context);

/* Closes a reader for whom more than SOCKET_QUEUE_MAX waits, and counts it: instead of what waits he gets a close frame. */
void connection_close_slow(struct connection *connection);

/* The same for one whose user data has waited too long. */
void connection_close_stalled(struct connection *connection);

/* Whether something is still to come for it: its commands' answers, what has happened to its accounts and has had no room
 * yet, or what commands of an account's do to it. */
bool connection_is_owed(const struct connection *connection, bool commands_wait);

/* Begins to write what has been queued since it was called last, and goes on reading of whom there is room for again. */
void connection_write_all(struct socket_hub *hub);

/* What time has made due. Goes round all connections about once a second when it is called each SOCKET_TICK_MS, a part of
 * them a call, so that pings do not come in bursts. */
void connection_tick_all(struct socket_hub *hub);

#endif /* GATEWAY_CONNECTION_H2O_H */
