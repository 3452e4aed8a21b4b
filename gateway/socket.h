/* The WebSocket connections of one gateway loop: who is subscribed to what, and what waits to be
 * written. connection_h2o.h is the inside of it; socket_h2o.h has the two functions that need h2o's types.
 *
 * A message is framed once and shared by reference count among all who get it. A connection queues at
 * most SOCKET_QUEUE_MAX bytes: above SOCKET_CONFLATE_ABOVE it skips states (depth, best price, ticker,
 * open candle) and is given the latest when it has caught up; trades are never skipped; at the limit
 * it is closed with 1008 and counted in ws_slow_closed_total. Answers of the API are never left out: above
 * SOCKET_PAUSE_ABOVE no more is read of who asks, until half of it has gone; who takes nothing for longer than a pong may
 * take is closed the same way.
 *
 * Present states, for who begins with one or has caught up, are printed in rounds of bounded size, whoever waits longest
 * first; who begins with the same one in a round shares it.
 *
 * Owner    one gateway loop: every call from its thread
 * Memory   malloc, per connection and message; bounded by the connection limit and the byte cap
 * Limits   SOCKET_CONNECTIONS_MAX connections; SESSION_STREAMS_MAX streams a connection
 */

#ifndef GATEWAY_SOCKET_H
#define GATEWAY_SOCKET_H

#include "common/metrics.h"
#include "gateway/publish.h"
#include "gateway/pulse.h"

#define SOCKET_CONNECTIONS_MAX 16384
#define SOCKET_QUEUE_MAX       (1024 * 1024)
#define SOCKET_CONFLATE_ABOVE  (256 * 1024)
#define SOCKET_PAUSE_ABOVE     (256 * 1024)
#define SOCKET_STATES_MAX      (2 * 1024 * 1024) /* a round of 50 ms */
#define SOCKET_USER_ABOVE      (128 * 1024)      /* no more user data is queued */
#define SOCKET_USER_ROUND      (8 * 1024 * 1024) /* of it, told in a round of 50 ms */
#define SOCKET_STALL_NS        30000000000ull

struct socket_hub;

struct socket_options {
    struct pulse_limits pulse;
    uint64_t (*now_ns)(void); /* a clock that never steps back; NULL: the machine's */
    size_t states_max;        /* bytes of states printed in a round; 0: SOCKET_STATES_MAX */
};

/* Other options than the default ones (pulse_limits_default, the machine's clock), for connections that are there too.
 * Another clock: needs no connection yet. */
void socket_hub_configure(struct socket_hub *hub, const struct socket_options *options);

/* Open connections. */
uint32_t socket_hub_count(const struct socket_hub *hub);

/* True when so much was queued in this round of the loop that it should write before the publisher is
 * fed more: a burst of fills must not close readers that are fast enough. */
bool socket_hub_is_behind(const struct socket_hub *hub);

/* Writes out what was queued, and takes what had to wait until there was room for its answer: the desk has new commands then. */
void socket_hub_write(struct socket_hub *hub);

/* Tells every client that the server shuts down, and where else to go (`elsewhere`: URLs with commas, "" when nobody
 * knows); sends him a close frame behind what is queued for him, and takes no new ones. The connections go as they
 * answer, or after 2 seconds. Those of the API that wait for answers, and those that listen to an account while
 * `commands_wait` (some have not come back yet), are told, and closed by a later call, behind the last of them: call it
 * again until nobody is left. For a stop (1001) or a view that must be rebuilt (1012). */
void socket_hub_close_all(struct socket_hub *hub, uint16_t code, const char *reason,
                          const char *elsewhere, bool commands_wait);

/* Closes what is left at once, stops the timers and frees the hub. The loop must run once more before
 * it is closed. */
void socket_hub_free(struct socket_hub *hub);

#endif /* GATEWAY_SOCKET_H */
