/* What the connections of a hub are subscribed to, and how each gets it: every message, or, while it is a slow reader, the
 * present state of what it has skipped.
 *
 * Present states are printed in rounds of bounded size, whoever waits longest first; who begins with the same one in a
 * round shares it.
 *
 * Owner    one gateway loop
 * Memory   malloc, a subscription
 * Limits   SESSION_STREAMS_MAX a connection; socket_options.states_max bytes of states a round
 */

#ifndef GATEWAY_SUBSCRIPTION_H2O_H
#define GATEWAY_SUBSCRIPTION_H2O_H

#include "gateway/connection_h2o.h"

/* The publisher's sink: `context` is the hub. Each form is framed once, on its first subscriber. */
void subscription_message(void *context, const struct publish_message *message);

/* Gives connections that have caught up the present state of what they skipped: once round all, or as far as a round may
 * go; then the next round begins with who has not been looked at. */
void subscription_catch_up(struct socket_hub *hub);

/* What the session has changed. */
void subscription_change(struct connection *connection, const struct session_changes *changes);

/* The session's names have changed: those that are listen keys are listened to. */
void subscription_listen(struct connection *connection);

/* A request of a connection of streams, which is carried out and answered. Needs: it is UTF-8. */
void subscription_take(struct connection *connection, const char *text, size_t text_bytes);

/* All of a connection's end, and nothing is said of it. */
void subscription_end_all(struct connection *connection);

#endif /* GATEWAY_SUBSCRIPTION_H2O_H */
