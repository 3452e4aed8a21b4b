/* quorex init: the folders of a new chain's nodes.
 *
 *     DIR/operator.key                     who may list, credit and halt; belongs on no node
 *     DIR/genesis.json                     what all nodes of the chain agree on
 *     DIR/node-K/quorex.conf               paths, ports, database
 *     DIR/node-K/genesis.json              the same
 *     DIR/node-K/keys/node.key             each node's own
 *     DIR/node-K/keys/gateway-secret-1, tree-secret-1      the same on all
 *     DIR/node-K/wal/, chain/, sign-once   with nothing in them
 *
 * Node K has the id K + 1, answers on port + K, and other nodes on port + INIT_PEER_PORTS + K.
 *
 * What exists is left as it is: a first folder with a genesis is refused whole, and a second run after
 * one that was cut off keeps the keys and the genesis it finds.
 */

#ifndef NODE_INIT_H
#define NODE_INIT_H

#include "common/genesis.h"
#include "common/status.h"

struct init_options {
    const char *directory;
    const char *chain_name; /* at most INIT_NAME_MAX bytes; the head of the genesis nonce */
    const char *host;
    const char *database;  /* libpq's connection string, %K for a node's number; "" for none */
    const char *addresses; /* of the peer ports, with commas; NULL: host and the ports above */
    const char *operators; /* public keys of further ones, hex with commas; NULL: none */
    uint32_t nodes;        /* 1, or 4 and more */
    uint32_t checkpoint_blocks;
    uint16_t port; /* of node 0 */
    bool demo;     /* list the demo's assets and markets */
};

#define INIT_NAME_MAX   16
#define INIT_PEER_PORTS 500

#define INIT_CHECKPOINT_BLOCKS 3600 /* an hour in which nobody trades, six minutes of trading */

/* STATUS_EXISTS when there is a genesis already. Failures are logged.
 * Needs: hash_start was called. */
MUST_CHECK enum status init_chain(const struct init_options *options);

/* The vote file and the sign-once file of a node that has neither voted nor signed. Once for each identity:
 * without them a node does not know what it has done, and does not start. What is there is left.
 * Needs: the folder has a wal folder. */
MUST_CHECK enum status init_memory(const char *node_folder, hash_t chain_id, uint32_t node);

/* The parameters of a new chain, without assets and markets. */
void init_params(struct params *params);

/* quorex init --data DIR [...]. Returns 0, 1 on a failure, 2 on wrong usage. */
int init_main(int argc, char **argv);

#endif /* NODE_INIT_H */
