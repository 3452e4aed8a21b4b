/* The other end of the engine's ring: a thread that takes every record, hashes it, and finds out from the
 * events alone what the market has done.
 *
 * Owner    bench_drain_run's thread: consumer of `ring`
 * Progress spins; it is there to keep up, on a processor of its own
 */

#ifndef NODE_BENCH_DRAIN_H
#define NODE_BENCH_DRAIN_H

#include "common/ring.h"
#include "node/bench_report_os.h"

struct bench_drain {
    struct ring *ring;
    _Atomic uint64_t last_command; /* the producer's last, once it is known; 0 before */
    /* Written by the drain, to be read after it has returned. */
    struct bench_outcome outcome;
    uint64_t hash; /* of all records */
    uint64_t commands;
    uint64_t events;
    uint64_t bytes;
    uint64_t refused;
};

/* Returns when `last_command` has been drained. */
void bench_drain_run(struct bench_drain *drain);

#endif /* NODE_BENCH_DRAIN_H */
