/* quorex init: the folder of a new node, and with it a new chain.
 *
 *     DIR/operator.key                     who may list, credit and halt; belongs on no node
 *     DIR/node-0/quorex.conf               paths, port, database
 *     DIR/node-0/genesis.json              what all nodes of the chain agree on
 *     DIR/node-0/keys/node.key, gateway-secret-1, tree-secret-1
 *     DIR/node-0/wal/, chain/              empty
 *
 * What exists is left as it is: a folder with a genesis is refused whole, and a second run after one
 * that was cut off keeps the keys it finds.
 */

#ifndef NODE_INIT_H
#define NODE_INIT_H

#include "common/genesis.h"
#include "common/status.h"

struct init_options {
    const char *directory;
    const char *chain_name; /* at most INIT_NAME_MAX bytes; the head of the genesis nonce */
    const char *host;
    const char *database; /* libpq's connection string; "" for none */
    uint16_t port;
    bool demo; /* list the demo's assets and markets */
};

#define INIT_NAME_MAX 16

/* STATUS_EXISTS when there is a genesis already. Failures are logged.
 * Needs: hash_start was called. */
MUST_CHECK enum status init_node(const struct init_options *options);

/* The parameters of a new chain, without assets and markets. */
void init_params(struct params *params);

/* quorex init --data DIR [...]. Returns 0, 1 on a failure, 2 on wrong usage. */
int init_main(int argc, char **argv);

#endif /* NODE_INIT_H */
