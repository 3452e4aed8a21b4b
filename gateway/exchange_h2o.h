/* A request as libh2o has read it, as a question to the desk; and what libh2o would let pass.
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

#endif /* GATEWAY_EXCHANGE_H2O_H */
