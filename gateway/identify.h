/* Who asks: the headers and parameters that a route's security wants, checked by auth.h and grant.h.
 *
 * Owner    the desk's thread
 * Cost     SECURITY_NONE: nothing. An Ed25519 key: one check of a signature, some 50 us
 */

#ifndef GATEWAY_IDENTIFY_H
#define GATEWAY_IDENTIFY_H

#include "gateway/desk_state.h"

/* False with the request's refusal. Needs: the route is found, the form parsed. */
MUST_CHECK bool identify_asker(struct desk_question *question);

#endif /* GATEWAY_IDENTIFY_H */
