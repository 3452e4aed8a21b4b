/* The first verb: what arrived becomes the next batch of the log, under one stamp.
 *
 * The leader's loop asks sequence_turn what may be proposed now, fills a batch or takes the one the
 * sequence made itself, and tells it every batch that the log delivers, its own or not, from the
 * first entry on. No clock, no I/O: time comes as an argument.
 *
 * A stamp is max(last, min(now, last + stamp_step)). When engine time is more than a step behind (the
 * node was down, or the machine slept), empty batches carry it forward before anything else is
 * proposed, so that no deadline is compared with an old stamp. The first batch of a chain takes the
 * time as it is, if that is not before the genesis.
 *
 * A node that begins to lead proposes HELLO; the HELLO's command number is its origin epoch, and
 * until that is delivered nothing that arrived is taken. SEAL goes alone in its batch, when it is
 * due, and the next only when the last was delivered.
 *
 * Owner    the consensus loop
 * Memory   the caller's; batches are built in the caller's buffer
 * Limits   SEQUENCE_IN_FLIGHT_MAX batches proposed and not delivered (empty ones:
 *          SEQUENCE_EMPTY_MAX); BATCH_BYTES_MAX in a batch
 *
 * Invariants, asserted by sequence_check:
 *   S1  a stamp never falls
 *   S2  at most one SEAL is in flight
 *   S3  an epoch is known before an origin sequence is used
 */

#ifndef LEDGER_SEQUENCE_H
#define LEDGER_SEQUENCE_H

#include "common/batch.h"
#include "common/genesis.h"

#define SEQUENCE_IN_FLIGHT_MAX 4
#define SEQUENCE_EMPTY_MAX     1024

struct sequence_time {
    uint64_t clock_ns;     /* the world's time, for stamps */
    uint64_t monotonic_ns; /* for intervals; never steps */
};

struct sequence {
    uint32_t node;
    uint64_t genesis_ns, stamp_step_ns, block_ns, idle_block_ns;

    uint64_t command_count; /* delivered since genesis: the last one's number */
    uint64_t sealed_height; /* of the last SEAL delivered that ended a block */
    uint64_t stamp_ns;      /* largest, proposed or delivered; 0: none yet */
    bool unsealed;          /* something was delivered since that SEAL */

    bool leading;
    uint64_t nonce; /* of our HELLO */
    bool hello_in_flight;
    uint64_t epoch;         /* command number of our HELLO; 0 until delivered */
    uint64_t next_sequence; /* origin sequence of our next command */
    bool seal_in_flight;
    uint64_t sealed_at_ns; /* monotonic: when we last proposed a SEAL or began to lead */
    uint32_t in_flight;

    struct {
        uint8_t *bytes; /* NULL when none is open */
        size_t used;
        uint32_t command_count;
        uint64_t stamp_ns;
    } batch;
};

enum sequence_turn {
    SEQUENCE_WAIT,    /* nothing may be proposed now */
    SEQUENCE_OWN,     /* the batch is complete: one of the sequence's own */
    SEQUENCE_ARRIVED, /* a batch is open: add what arrived, then close it */
};

void sequence_init(struct sequence *sequence, const struct genesis *genesis, uint32_t node);

/* This node leads, and every entry before was delivered. `nonce` marks its HELLO. */
void sequence_lead(struct sequence *sequence, uint64_t nonce, struct sequence_time now);

/* It leads no more: what was in flight may be lost. */
void sequence_lose(struct sequence *sequence);

/* What to propose now. For SEQUENCE_OWN, `bytes` holds a batch of `*byte_count` and it counts as
 * proposed; for SEQUENCE_ARRIVED, it is the space of the open batch.
 * Needs: BATCH_BYTES_MAX bytes; no batch is open. */
enum sequence_turn sequence_turn(struct sequence *sequence, struct sequence_time now,
                                 uint8_t *bytes, size_t *byte_count);

/* Adds a submitted command to the open batch and gives it its origin. False when it does not fit: it
 * belongs to the next batch. Needs: it is well-formed and neither HELLO nor SEAL. */
MUST_CHECK bool sequence_add(struct sequence *sequence, const uint8_t *command, size_t byte_count);

/* Closes the open batch; returns its length, and 0 when nothing was added: then there is none. */
size_t sequence_close(struct sequence *sequence);

/* The log delivered a batch. False when the bytes are not a batch. */
MUST_CHECK bool sequence_delivered(struct sequence *sequence, const uint8_t *bytes,
                                   size_t byte_count);

/* Monotonic time at which a SEAL will be due if nothing happens; 0 when none will. */
uint64_t sequence_due(const struct sequence *sequence);

/* Asserts S1 to S3 as far as the state shows them. */
bool sequence_check(const struct sequence *sequence);

#endif /* LEDGER_SEQUENCE_H */
