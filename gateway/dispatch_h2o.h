/* A request's way: to the desk by its route, or to what only HTTP has: the page's files and OPTIONS.
 *
 * Owner    the server's loop
 */

#ifndef GATEWAY_DISPATCH_H2O_H
#define GATEWAY_DISPATCH_H2O_H

#include "gateway/server_h2o.h"

/* Answers the request, now or later. */
void dispatch_request(struct exchange *exchange);

#endif /* GATEWAY_DISPATCH_H2O_H */
