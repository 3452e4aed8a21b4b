/* quorex admin reconcile: asks a node to compare every balance everywhere, and waits for the outcome.
 *
 * The request is signed, goes to one node and leaves nothing in the log. That node begins a pass over all accounts at
 * sixteen times the usual pace (settlement/reconcile.h, settlement/audit.h).
 *
 * Owner    the command-line program
 */

#ifndef NODE_RECONCILIATION_H
#define NODE_RECONCILIATION_H

#include "node/client.h"

#include <stdbool.h>

#define RECONCILIATION_ACTION  "reconcile"
#define RECONCILIATION_KEYS    "[seconds=600] [database=true] (false: without PostgreSQL)"
#define RECONCILIATION_SECONDS 600

struct reconciliation {
    uint32_t seconds; /* to wait */
    bool database;
};

/* Reads key=value pairs. False, and the reason printed, when one is wrong or not known. */
bool reconciliation_read(int pair_count, char **pairs, struct reconciliation *reconciliation);

/* Prints what was compared. Returns 0: all the same; 1: refused, the node has halted, or PostgreSQL is wrong; 3: no
 * answer, or not in time. */
int reconciliation_perform(struct client *client, const uint8_t secret_key[SECRET_KEY_BYTES],
                           const struct reconciliation *reconciliation);

#endif /* NODE_RECONCILIATION_H */
