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
    uint32_t hosts;     /* Host fields */
    uint32_t folds;     /* lines that go on with the field before them */
};

/* Lets go of all that it waits for when the pool goes. */
struct exchange *exchange_new(struct server *server, h2o_req_t *h2o);

struct exchange_header exchange_read_header(h2o_req_t *h2o);

/* Whether another reader might see another request in it (RFC 9112: 3.2, 5.2, 6.3). */
bool exchange_is_ambiguous(const h2o_req_t *h2o, const struct exchange_header *raw);

#endif /* GATEWAY_EXCHANGE_H2O_H */
