/* A request as libh2o has read it, as a request of ours; and what libh2o would let pass.
 *
 * Owner    the server's loop
 * Memory   the request's pool
 */

#ifndef GATEWAY_EXCHANGE_H2O_H
#define GATEWAY_EXCHANGE_H2O_H

#include "gateway/server_h2o.h"

/* How the header section looks in the bytes as received: h2o keeps them until the answer is out, with
 * the names in lower case. */
struct exchange_header {
    size_t byte_count;
    uint32_t lengths;   /* Content-Length fields */
    uint32_t encodings; /* Transfer-Encoding fields */
};

/* Lets go of all that it waits for when the pool goes. */
struct exchange *exchange_new(struct server *server, h2o_req_t *h2o);

struct exchange_header exchange_read_header(h2o_req_t *h2o);

/* The peer as one number: IPv4 as it is, of IPv6 the network that one customer has. */
uint64_t exchange_address(const h2o_req_t *h2o);

/* Whether the peer may still listen: it has not closed its side. Nobody sees that while it waits for its answer, since
 * libh2o does not read then. */
bool exchange_is_heard(const h2o_req_t *h2o);

/* A writer's memory: `context` is the h2o_req_t. */
char *exchange_grow(void *context, const char *bytes, size_t used, size_t capacity);

#endif /* GATEWAY_EXCHANGE_H2O_H */
