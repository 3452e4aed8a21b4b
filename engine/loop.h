/* The engine thread: takes batches from the log, steps the engine, hands out what was applied.
 *
 * A record of `batches` is the log index (u64, little-endian) and the batch's bytes (batch.h). Every
 * command leaves, with its events, as applied parts (applied.h) on every output ring, in order,
 * published once a batch. Command numbers are given here: 1, 2, 3 ... in log order.
 *
 * Owner    engine_loop_run's thread: consumer of `batches`, producer of each output, sleeper on `park`
 * Memory   the caller's struct and rings; engine_loop_run maps one buffer for events while it runs
 * Limits   every output takes records of APPLIED_PART_MAX bytes. A full output: its consumer is woken and
 *          this thread waits; nothing is dropped. Only a node that stops, and whose consumer has not
 *          moved for OUTPUT_PATIENCE_MS, is left: the log still has everything.
 * Progress blocks on a full output, on purpose: the log pushes back
 */

#ifndef ENGINE_LOOP_H
#define ENGINE_LOOP_H

#include "common/park.h"
#include "common/progress.h"
#include "common/status.h"
#include "engine/engine.h"

#define ENGINE_OUTPUTS_LIMIT 8
#define OUTPUT_PATIENCE_MS   2000

struct metrics;
struct ring;

struct engine_loop {
    const struct genesis *genesis;
    struct engine *engine;
    struct ring *batches;
    struct park *park; /* this thread's */
    struct ring *outputs[ENGINE_OUTPUTS_LIMIT];
    struct park *output_parks[ENGINE_OUTPUTS_LIMIT]; /* the consumers' */
    uint32_t output_count;
    struct metrics *metrics;   /* writes commands, refusals, fills, open_orders, last_command */
    struct progress *progress; /* writes applied_command, reads stopping */
};

/* Runs until progress->stopping is set and `batches` is drained. STATUS_OK then; STATUS_NO_MEMORY before
 * the first batch; STATUS_DAMAGED on a batch that is not one; STATUS_STOPPING when it had to leave an
 * output behind. */
MUST_CHECK enum status engine_loop_run(struct engine_loop *loop);

#endif /* ENGINE_LOOP_H */
