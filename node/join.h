/* quorex join: a new identity for a chain that runs, beside its other nodes or in the place of a lost one.
 *
 *     quorex join --data DIR --number K --from http://host:8080 --secrets DIR/node-0/keys
 *
 * Makes DIR/node-K with a key of its own and a node id that nobody ever had, and the genesis that --from
 * serves. The secrets that all nodes share come from another node's keys folder: operators carry them, the
 * exchange does not send them. With --operator-key it is also made known to the exchange as a standby;
 * without it, the command that an operator then has to give is printed. `quorex node` fetches the state.
 *
 * With --trust HEIGHT:HASH the node follows the validators from that block on (node/trusted.h), not from the genesis.
 *
 * Owner    a program of its own; blocks on HTTP
 */

#ifndef NODE_JOIN_H
#define NODE_JOIN_H

/* Returns 0, 1 on a failure, 2 on wrong usage. */
int join_main(int argc, char **argv);

#endif /* NODE_JOIN_H */
