/* The command `quorex epoch`: the operators' way out of a stuck chain, on stopped nodes (docs/trust.md).
 *
 *     quorex epoch report --config FILE --out REPORT             on each node
 *     quorex epoch decide --config FILE --out DECISION REPORT..  on one of them
 *     quorex epoch apply  --config FILE --decision DECISION      on each node; then start them
 *
 * `report` closes the epoch in the node's sign-once file first, and makes the statement afterwards: whoever has the
 * statement has a node that keeps it, also when it is started by mistake. It may be repeated, and says the same.
 * `apply` leaves the command EPOCH_CHANGE in the node's folder (node_files.epoch_change), and the node proposes it.
 */

#ifndef NODE_EPOCH_H
#define NODE_EPOCH_H

int epoch_main(int argc, char **argv);

#endif /* NODE_EPOCH_H */
