/* What a node has published, made again: a chain's commands through the engine as the node runs it, every
 * event byte compared with the bodies of its blocks.
 *
 * No hash or signature is looked at (node/verify.h does): what is here is trusted to be commands, and
 * whatever it says of events must come out of them.
 *
 * Owner    a command of its own; may run beside the node that writes the chain
 * Memory   the engine of the genesis parameters, and three times STRETCH_BYTES
 */

#ifndef NODE_BENCH_CHAIN_H
#define NODE_BENCH_CHAIN_H

#include "common/genesis.h"
#include "common/status.h"

#include <stdio.h>

struct bench_chain_result {
    uint64_t blocks, commands, events;
    uint64_t trades, quantity; /* of the replay; lots of all markets */
    uint64_t took_ns;          /* stepping and draining, not reading or comparing */
    hash_t events_hash;        /* SHA-256 over all events of the replay */
    hash_t chain_events_hash;  /* and over all of the chain */
    uint64_t bad_height;       /* the first block that cannot be read or differs, or 0 */
    uint64_t bad_command;      /* the first command that differs, or 0 */
    char reason[256];
};

/* Replays the chain in `directory`. Each trade of the replay goes to `trades` (NULL: nowhere), a line of
 * JSON as the public API shows it, with the market's symbol. STATUS_OK when every byte is the same;
 * STATUS_MISMATCH, or whatever kept the chain from being read, with its reason in `result`.
 * Needs: hash_start was called. */
MUST_CHECK enum status bench_chain_replay(const char *directory, const struct genesis *genesis,
                                          FILE *trades, struct bench_chain_result *result);

/* Whether `quorex bench engine` is asked for a chain. */
bool bench_chain_asked(int argc, char **argv);

/* quorex bench engine --chain DIR [--genesis FILE] [--trades FILE]. Returns 0, 1 when the replay is not
 * the chain, 2 on wrong usage. */
int bench_chain_main(int argc, char **argv);

#endif /* NODE_BENCH_CHAIN_H */
