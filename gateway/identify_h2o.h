/* Who asks: the headers and parameters that a route's security wants, checked by auth.h and grant.h.
 *
 * Owner    the server's loop
 * Cost     SECURITY_NONE: nothing. An Ed25519 key: one check of a signature, some 50 us
 */

#ifndef GATEWAY_IDENTIFY_H2O_H
#define GATEWAY_IDENTIFY_H2O_H

#include "gateway/server_h2o.h"

/* False with the request's refusal. Needs: the route is found, the form parsed. */
MUST_CHECK bool identify_asker(struct exchange *exchange);

/* A header's value as it was sent; false without one. */
bool identify_header(const h2o_req_t *h2o, const char *name, struct auth_piece *value);

#endif /* GATEWAY_IDENTIFY_H2O_H */
