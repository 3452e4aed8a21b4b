/* quorex bench: how many orders this machine's engine matches a second, with balances, holds, fees
 * and events, and nothing round it. benchmarks/ has the programs that measure a whole node.
 */

#ifndef NODE_BENCH_H
#define NODE_BENCH_H

/* Returns 0, 1 on a failure, 2 on wrong usage. */
int bench_main(int argc, char **argv);

#endif /* NODE_BENCH_H */
