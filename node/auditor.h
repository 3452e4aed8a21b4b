/* quorex admin grant: lets an auditor read blocks' bodies until a day that the operator names.
 *
 * A grant is a text (gateway/grant.h) that the auditor sends with each request; no node keeps it, and none can be taken
 * back before it expires. The operator's key need not meet a node: with chainId= nothing is asked of anybody.
 *
 * Owner    the command-line program
 */

#ifndef NODE_AUDITOR_H
#define NODE_AUDITOR_H

#include "node/client.h"

#define AUDITOR_ACTION "grant"
#define AUDITOR_KEYS \
    "auditor=HEX (its public key) [days=30] [chainId=HEX (default: --url is asked)]"
#define AUDITOR_DAYS     30
#define AUDITOR_DAYS_MAX 3650

struct auditor {
    uint8_t key[PUBLIC_KEY_BYTES];
    uint32_t days;
    bool has_chain_id;
    hash_t chain_id;
};

/* Reads key=value pairs. False, and the reason printed, when one is missing, wrong or not known. */
bool auditor_read(int pair_count, char **pairs, struct auditor *auditor);

/* Prints the grant, one line, and on the other stream what it is. Returns 0, 1 when the node says no chain id, 3
 * when it does not answer. */
int auditor_grant(struct client *client, const uint8_t secret_key[SECRET_KEY_BYTES],
                  const struct auditor *auditor);

#endif /* NODE_AUDITOR_H */
