/* A stretch of a chain, to be executed again: the bodies of some blocks, their commands as the log's
 * batches, and the bodies that come of them a second time.
 *
 *     bodies    as the chain has them
 *     log       records of the engine's input (engine/loop.h): the commands under one stamp are a batch,
 *               as they were in the log; a SEAL is alone
 *     redone    bodies again, put together from the parts that leave the engine
 *
 * Owner    one thread; another may call bench_stretch_redo while nobody else does anything with it
 * Memory   from the heap, reserved for STRETCH_BYTES and one largest block
 * Limits   what is redone beyond the size of `bodies` is counted and not kept: by then something differs
 */

#ifndef NODE_BENCH_STRETCH_H
#define NODE_BENCH_STRETCH_H

#include "common/applied.h"
#include "common/hash.h"
#include "ledger/chain.h"

#define STRETCH_BYTES (64u * 1024 * 1024)

struct bench_stretch {
    uint8_t *bodies, *log, *redone;
    size_t body_bytes, body_capacity;
    size_t log_bytes;
    size_t *records; /* where each record of `log` begins; one more at the end */
    size_t record_count;
    uint64_t first_command, last_command;
    /* The batch that is being made, when it has commands. */
    size_t batch_start;
    uint32_t batch_commands;
    uint64_t batch_stamp_ns;
    bool batch_is_seal;
    size_t redone_bytes, redone_start; /* where the command in hand begins */
    bool overran;
};

/* False: there is no memory. */
MUST_CHECK bool bench_stretch_open(struct bench_stretch *stretch);
void bench_stretch_close(struct bench_stretch *stretch);

/* Begins an empty one in its place. */
void bench_stretch_clear(struct bench_stretch *stretch);

/* Adds a block's body. STATUS_MALFORMED when it is not one, STATUS_NO_MEMORY.
 * Needs: none was redone since bench_stretch_clear. */
MUST_CHECK enum status bench_stretch_add(struct bench_stretch *stretch, const uint8_t *body,
                                         size_t body_bytes);

/* Whether it has enough to be executed. */
static inline bool bench_stretch_full(const struct bench_stretch *stretch)
{
    return stretch->body_bytes >= STRETCH_BYTES;
}

/* Takes a part that left the engine. */
void bench_stretch_redo(struct bench_stretch *stretch, const uint8_t *part, size_t part_bytes);

/* The first command of the bodies that was not redone byte for byte, or 0 when all are and there are no
 * more. `theirs` and `ours` are its records in the bodies and redone; `ours` has number 0 when it is not
 * there. */
uint64_t bench_stretch_difference(const struct bench_stretch *stretch, struct applied *theirs,
                                  struct applied *ours);

#endif /* NODE_BENCH_STRETCH_H */
