/* The opening handshake of RFC 6455: checks a request, answers it when it is none.
 */

#ifndef GATEWAY_HANDSHAKE_H2O_H
#define GATEWAY_HANDSHAKE_H2O_H

#include "common/assert.h"

#include <h2o.h>
#include <stdbool.h>

#define HANDSHAKE_ACCEPT_BYTES 28

/* True when the request is a WebSocket handshake we take; `accept` is then what to answer its key with.
 * Otherwise it has been refused: 405 unless GET, 400 for HTTP/1.0, no Host, a bad key, or a field given twice, 426 without Upgrade or
 * with a version other than 13. */
MUST_CHECK bool handshake_check(h2o_req_t *request, char accept[HANDSHAKE_ACCEPT_BYTES + 1]);

/* Refuses a request with a line of text. */
void handshake_refuse(h2o_req_t *request, int http_status, const char *reason, const char *text);

#endif /* GATEWAY_HANDSHAKE_H2O_H */
