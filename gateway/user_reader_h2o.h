/* Readers of user data who are slower than what happens to their accounts. Above SOCKET_USER_ABOVE bytes of it nothing more
 * is queued for a connection: it is behind, and is told the rest from memory (user_stream.h) as it reads, in order, nothing
 * left out. What waits beside it, answers and market data, takes no room of it. What all together are told in a round is
 * bounded: the rest of it is for the next one, whoever is behind longest first.
 *
 *     up to date ──takes no more──► behind ──room again──► up to date
 *                                      └──nothing written for SOCKET_STALL_NS, or forgotten──► closed, 1008
 *
 * Owner    one gateway loop
 * Limits   SOCKET_USER_ROUND bytes a round of SOCKET_TICK_MS, and a message for each who listens
 */

#ifndef GATEWAY_USER_READER_H2O_H
#define GATEWAY_USER_READER_H2O_H

#include "gateway/connection_h2o.h"

/* Whether there is room for more user data; when not, the connection is behind from here on. `context` is the connection. */
bool user_reader_takes_more(void *context);

/* Something has been written: who is behind is not stalled, and may have room now. */
void user_reader_written(struct connection *connection);

/* A new round begins: whoever is behind and has room is told; who has taken nothing for SOCKET_STALL_NS is closed. */
void user_reader_tick(struct socket_hub *hub);

/* Whether user data waits for room. */
bool user_reader_is_behind(const struct connection *connection);

/* It ends, and is told nothing more. */
void user_reader_leave(struct connection *connection);

#endif /* GATEWAY_USER_READER_H2O_H */
