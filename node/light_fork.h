/* Two chains: where a server's headers part from ours, and whether that is its lie or the voters'.
 *
 *     DIR/evidence/fork-HEIGHT.json    both chains from the block where they part to a certificate each, by the same voters:
 *                                      anybody can check it without believing whoever has the file
 *
 * Voters who sign two headers of one height, or two chains that exclude each other, have lied; more than a third of them
 * must have, or there would not be two certificates. `signedBoth` names them.
 *
 * Owner    one thread; blocks on HTTP
 * Limits   LIGHT_FORK_HEADERS_MAX headers from the parting to a certificate, of either chain; with more nothing is proved
 * Cost     log2(height) questions to the server
 */

#ifndef NODE_LIGHT_FORK_H
#define NODE_LIGHT_FORK_H

#include "node/light_follow.h"

#define LIGHT_FORK_HEADERS_MAX 1024

enum light_fork { LIGHT_FORK_NONE, LIGHT_FORK_PROVED, LIGHT_FORK_FAILED };

/* Looks for a certified chain of the server's that parts from ours at `height` or below, where its header is another.
 * LIGHT_FORK_PROVED: the evidence is kept. LIGHT_FORK_FAILED: memory or disk, logged. */
MUST_CHECK enum light_fork light_fork_look(struct light_follow *follow, struct light_server *server,
                                           uint64_t height);

#endif /* NODE_LIGHT_FORK_H */
