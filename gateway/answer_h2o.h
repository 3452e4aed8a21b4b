/* Answers of the HTTP server: status, headers, and the bytes, handed to libh2o.
 *
 * Owner    the server's loop
 * Memory   headers and texts are in the request's pool; answer_bytes copies nothing
 * Limits   SERVER_ANSWER_MAX; an answer that is larger is a refusal instead
 */

#ifndef GATEWAY_ANSWER_H2O_H
#define GATEWAY_ANSWER_H2O_H

#include "common/reject.h"
#include "gateway/server_h2o.h"

/* Adds a header; `name` in lower case, for libh2o, and as it is shown. */
void answer_header(h2o_req_t *h2o, const char *name, const char *shown, const char *value,
                   size_t value_bytes);
void answer_number_header(h2o_req_t *h2o, const char *name, const char *shown, uint64_t value);

/* Sends the bytes, which stay until the request's pool goes. The exchange is done. */
void answer_bytes(struct exchange *exchange, int status, const char *content_type,
                  const char *bytes, size_t byte_count);

/* Sends what the handler has written, or what its reading has taken. */
void answer_send(struct exchange *exchange);

/* Sends the request's refusal; or this one. */
void answer_refusal(struct exchange *exchange);
void answer_refuse(struct exchange *exchange, enum reject reject);

/* The same for requests after which the connection cannot be trusted. */
void answer_refuse_and_close(struct exchange *exchange, enum reject reject);

#endif /* GATEWAY_ANSWER_H2O_H */
