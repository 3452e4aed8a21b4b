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

#include "common/arena.h"
#include "common/park.h"
#include "common/progress.h"
#include "common/status.h"
#include "engine/engine.h"

#define ENGINE_OUTPUTS_LIMIT 9 /* the anchor, and gateway loops */
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
    /* Called right after a command that ended a block, before the next: where a checkpoint's image is begun.
     * May be NULL. */
    void (*sealed)(void *context, uint64_t height);
    void *sealed_context;
    struct metrics *metrics;   /* writes commands, refusals, fills, open_orders, last_command */
    struct progress *progress; /* writes applied_command, reads stopping */
    uint64_t parks;            /* how often it has slept or woken a consumer: its system calls */
    struct arena overflow;     /* events of a command that are too many for one record */
};

/* Runs until progress->stopping is set and `batches` is drained. STATUS_OK then; STATUS_NO_MEMORY before
 * the first batch; STATUS_DAMAGED on a batch that is not one; STATUS_STOPPING when it had to leave an
 * output behind. */
MUST_CHECK enum status engine_loop_run(struct engine_loop *loop);

/* What engine_loop_run is made of, for who measures it. */

/* Maps what engine_loop_run needs. False: there is no memory. */
MUST_CHECK bool engine_loop_open(struct engine_loop *loop);
void engine_loop_close(struct engine_loop *loop);

/* Steps one command, with what ahead_next returned for it, and puts what it caused on the outputs, not yet published. False: an output was left
 * behind. */
MUST_CHECK bool engine_loop_step(struct engine_loop *loop, const struct command *command,
                                 uint64_t stamp_ns, uint32_t client_hash);

/* How often the loop has slept or woken a consumer. Its thread makes no other system call, unless its park spins. */
static inline uint64_t engine_loop_parks(const struct engine_loop *loop)
{
    return loop->parks;
}

/* Shows the consumers what was stepped, the last output's first. */
void engine_loop_publish(struct engine_loop *loop);

/* Steps and publishes one record of `batches`. STATUS_DAMAGED, STATUS_STOPPING as engine_loop_run. */
MUST_CHECK enum status engine_loop_batch(struct engine_loop *loop, const uint8_t *record,
                                         size_t record_bytes);

#endif /* ENGINE_LOOP_H */
