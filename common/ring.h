/* A bounded queue of byte records between two threads.
 *
 * Owner    one producer thread calls reserve, commit, publish; one consumer thread peek, release.
 *          ring_sleepy and ring_used may be called by either.
 * Memory   the caller's, cache-line aligned; ring_bytes says how much. Records are contiguous and
 *          8-byte aligned; a peeked record stays good until it is released.
 * Limits   a record is at most a quarter of the ring's capacity. A full ring is an answer (NULL).
 * Cost     reserve, commit, peek: no shared line touched unless the cached index ran out; publish
 *          and release: one store each. Hand over batches: publish once for many commits.
 * Progress wait-free on both sides.
 *
 * Invariants, asserted by ring_check:
 *   R1  published - released is at most the capacity
 *   R2  both positions are multiples of 8
 */

#ifndef COMMON_RING_H
#define COMMON_RING_H

#include "common/assert.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct ring;

/* Bytes of memory for a ring that holds `capacity` bytes of records. Needs: a power of 2, >= 4096. */
size_t ring_bytes(size_t capacity);

/* Makes a ring in `memory`, which is aligned to 64 and ring_bytes(capacity) long. */
struct ring *ring_new(void *memory, size_t capacity);

/* Room for one record of `byte_count` bytes, or NULL when the ring is full. A second reserve before
 * commit replaces the first. Needs: 0 < byte_count <= ring_record_max. */
uint8_t *ring_reserve(struct ring *ring, size_t byte_count);

/* Appends the reserved record, with the first `byte_count` bytes of it (at most what was reserved).
 * The consumer does not see it before publish. */
void ring_commit(struct ring *ring, size_t byte_count);

/* Shows everything committed to the consumer. True when the consumer had said it would sleep: then
 * wake it, once. */
MUST_CHECK bool ring_publish(struct ring *ring);

/* The oldest record, or NULL when there is none. */
const uint8_t *ring_peek(struct ring *ring, size_t *byte_count);

/* Steps past the peeked record. Its bytes are the producer's again only after ring_release. */
void ring_pop(struct ring *ring);

/* The record after the one at `bytes`, which was peeked and not popped, or came from here: to look at what will come. NULL
 * when nothing has been published there yet. */
const uint8_t *ring_peek_after(struct ring *ring, const uint8_t *bytes, size_t *byte_count);

/* Gives the producer the space of all popped records. */
void ring_release(struct ring *ring);

/* The consumer is about to sleep. False when a record has come meanwhile: then do not sleep. */
MUST_CHECK bool ring_sleepy(struct ring *ring);

/* The consumer is awake again. */
void ring_awake(struct ring *ring);

/* The largest record the ring takes. */
size_t ring_record_max(const struct ring *ring);

/* Bytes published and not yet released; a snapshot. */
size_t ring_used(const struct ring *ring);

/* Asserts R1 and R2. */
bool ring_check(const struct ring *ring);

#endif /* COMMON_RING_H */
