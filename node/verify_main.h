/* quorex verify: an audit, a proof or a liabilities file, as the command line asks, and what is printed of it.
 *
 * Owner    a command of its own
 */

#ifndef NODE_VERIFY_MAIN_H
#define NODE_VERIFY_MAIN_H

/* quorex verify --chain DIR [--checkpoint DIR] [--from-checkpoint HEIGHT] [--genesis FILE] [--tree-secret FILE]
 * [--trust HEIGHT:HASH], and what verify_proof.h and verify_liabilities.h have. Returns 0 when the chain is right from
 * the genesis on, 3 when it is right as far as it goes, 1 when it is not, 2 when it cannot be told. */
int verify_main(int argc, char **argv);

#endif /* NODE_VERIFY_MAIN_H */
