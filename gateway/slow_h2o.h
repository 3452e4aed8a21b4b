/* Requests that come too slowly: their connections are ended.
 *
 * libh2o ends a connection without a word when no request has come whole for SERVER_REQUEST_TIME_MS, the time between
 * two requests included. Here a request that has begun is given less, and its sender is told (408).
 *
 * Owner    the server's loop
 * Cost     slow_sweep: a look at every HTTP connection
 */

#ifndef GATEWAY_SLOW_H2O_H
#define GATEWAY_SLOW_H2O_H

#include <h2o.h>
#include <stdbool.h>
#include <stdint.h>

struct slow_limits {
    uint32_t header_ms; /* from the first byte to the end of the header section */
    uint32_t body_ms;   /* from then to the end of the body */
};

/* Ends what is over its limit; returns how many. Call it some times a second. */
uint32_t slow_sweep(h2o_context_t *context, const struct slow_limits *limits);

#endif /* GATEWAY_SLOW_H2O_H */
