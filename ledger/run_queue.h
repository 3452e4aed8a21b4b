/* Runs of commands that wait for a batch, in the order they came.
 *
 * Owner    the replica; pure
 * Memory   the caller's: when a run does not fit, run_queue_move gives it larger memory
 */

#ifndef LEDGER_RUN_QUEUE_H
#define LEDGER_RUN_QUEUE_H

#include "common/assert.h"

#include <stdbool.h>
#include <stdint.h>

struct run_queue {
    uint8_t *bytes; /* NULL: none yet */
    size_t capacity;
    size_t head, tail; /* length u32 | run, back to back */
};

/* Appends a copy of the run. False: it does not fit. Needs: 0 < byte_count <= UINT32_MAX. */
MUST_CHECK bool run_queue_add(struct run_queue *queue, const uint8_t *run, size_t byte_count);

/* The oldest run, or NULL. Good until the next add or move. */
const uint8_t *run_queue_first(const struct run_queue *queue, size_t *byte_count);

/* The first `byte_count` bytes of the oldest run are done with; with all of them the run is. Needs: 0, all of
 * them, or at least 4. */
void run_queue_take(struct run_queue *queue, size_t byte_count);

void run_queue_clear(struct run_queue *queue);

/* Bytes it holds. */
size_t run_queue_bytes(const struct run_queue *queue);

/* Copies what it holds to `bytes`, which is its memory from now on; the caller frees the old one.
 * Needs: capacity >= run_queue_bytes. */
void run_queue_move(struct run_queue *queue, uint8_t *bytes, size_t capacity);

#endif /* LEDGER_RUN_QUEUE_H */
