/* A request's way: which route, what it weighs, whether our view is as new as it must be, who asks, and on to the
 * handler; then to an answer, to the log (submit_h2o.h), or to a question about the past.
 *
 * Owner    the server's loop
 */

#ifndef GATEWAY_DISPATCH_H2O_H
#define GATEWAY_DISPATCH_H2O_H

#include "gateway/server_h2o.h"

/* Answers the request, now or later. */
void dispatch_request(struct exchange *exchange);

/* The view has moved: requests that waited for it go on. */
void dispatch_moved(struct server *server);

/* Its client is gone. */
void dispatch_forget(struct exchange *exchange);

#endif /* GATEWAY_DISPATCH_H2O_H */
