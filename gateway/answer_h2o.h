/* Answers of the desk as HTTP: status, headers, and the bytes, handed to libh2o.
 *
 * Owner    the server's loop
 * Memory   headers and texts are in the request's pool; the answer's bytes are not copied
 */

#ifndef GATEWAY_ANSWER_H2O_H
#define GATEWAY_ANSWER_H2O_H

#include "gateway/server_h2o.h"

/* Adds a header; `name` in lower case, for libh2o, and as it is shown. */
void answer_header(h2o_req_t *h2o, const char *name, const char *shown, const char *value,
                   size_t value_bytes);
void answer_number_header(h2o_req_t *h2o, const char *name, const char *shown, uint64_t value);

/* Whether the request comes from a page that the operator has named (options.origins). */
bool answer_origin_is_listed(const struct exchange *exchange);

/* Hands the question's answer to libh2o. The exchange is done. */
void answer_write(struct exchange *exchange);

#endif /* GATEWAY_ANSWER_H2O_H */
