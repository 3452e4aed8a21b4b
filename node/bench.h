/* quorex bench: how fast this machine runs the engine's parts, in the node's own object files with every
 * check on. benchmarks/ has the programs that measure a whole node.
 *
 *     quorex bench match --flow FILE | --case NAME  [--latency]      the book and matching alone
 *     quorex bench engine --flow FILE | --case NAME  [--accounts N] [--latency]   the whole engine
 *     quorex bench engine --chain DIR      the whole engine again on what a node has recorded (bench_chain.h)
 *     quorex bench snapshot [--orders N] [--accounts N] [--out FILE]              a snapshot beside commands
 */

#ifndef NODE_BENCH_H
#define NODE_BENCH_H

/* Each returns 0, 1 on a failure or when the result is not the flow's, 2 on wrong usage. */
int bench_main(int argc, char **argv);
int bench_match_main(int argc, char **argv);
int bench_engine_main(int argc, char **argv);
int bench_snapshot_main(int argc, char **argv);

#endif /* NODE_BENCH_H */
