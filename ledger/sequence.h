/* The first verb: what arrived becomes the next batch of the log, under one stamp.
 *
 * Every node keeps one and tells it every batch that its log delivers, from the first on: what the log says
 * of engine time, heights and origins is here. On the leader it also forms batches: the loop asks
 * sequence_turn what may be proposed now, fills a batch or takes the one the sequence made itself. No clock,
 * no I/O: time comes as an argument.
 *
 * A stamp is max(last, min(now, last + stamp_step)). When engine time is more than a step behind (the cluster
 * was down, or the machine slept), empty batches carry it forward before anything else is proposed, so that
 * no deadline is compared with an old stamp. The first batch of a chain takes the time as it is, if that is
 * not before the genesis.
 *
 * Commands come as runs of their origin's stream (origin.h), the leader's own as well. What the log has of a
 * run already is passed over, and the rest is taken if it goes on exactly where the stream stands in what was
 * delivered or proposed; if it does not, its origin is to be told where that is (`tell`). A HELLO opens an
 * epoch when it is delivered, unless its nonce is the one of the present epoch: then it is a HELLO said
 * twice, and nothing. The engine decides by the same rules (engine/origins.h). SEAL goes alone in its batch,
 * when it is due, and the next only when the last was delivered; a HELLO that closes an epoch hurries it as
 * any command does, for orders may have ended.
 *
 *     run of 5 6 7 8    delivered 4, proposed 5 6, expected 7:  5 6 passed over, 7 8 taken, expected 9
 *     run of 8 9        expected 7:  refused, and the origin told "7"
 *
 * With more than uncertified_blocks_max blocks sealed and not certified, or when no hash can be certified any
 * more, only votes, seals, HELLOs and changes of the epoch are taken.
 *
 * A change of the epoch (epoch.h) is nobody's: it passes although nothing else does, and never in a stream. Whoever
 * adds one has judged its statements: a false one stops every node that finds it in the log.
 *
 * Owner    the consensus loop
 * Memory   the caller's; batches are built in the caller's buffer
 * Limits   SEQUENCE_IN_FLIGHT_MAX batches proposed and not delivered (empty ones: SEQUENCE_EMPTY_MAX);
 *          BATCH_BYTES_MAX in a batch. With SEQUENCE_ORIGINS_MAX nodes known, twice as many as there can be
 *          members, the one whose HELLO is the oldest gives way to a new one.
 * Cost     a command is looked at when its run is taken, and once more when it is delivered
 *
 * Invariants, asserted by sequence_check:
 *   S1  a stamp never falls
 *   S2  at most one SEAL is in flight
 *   S3  of each origin, what is expected next is above what was delivered last, and nobody is there twice
 */

#ifndef LEDGER_SEQUENCE_H
#define LEDGER_SEQUENCE_H

#include "common/batch.h"
#include "common/genesis.h"

#define SEQUENCE_IN_FLIGHT_MAX 4
#define SEQUENCE_EMPTY_MAX     1024
#define SEQUENCE_ORIGINS_MAX   (2 * GENESIS_VALIDATORS_LIMIT)

struct sequence_time {
    uint64_t clock_ns;     /* the world's time, for stamps */
    uint64_t monotonic_ns; /* for intervals; never steps */
};

/* A node's stream as the log has it. A node that is not here has said no HELLO. */
struct sequence_origin {
    uint32_t node;
    bool tell; /* the leader: it is to hear `epoch` and `expected`; who has sent them clears this */
    bool losing;           /* the leader: an ORIGIN_LOST is in flight */
    uint64_t epoch;        /* command number of its last HELLO that was one; 0: closed */
    uint64_t nonce;        /* of that HELLO */
    uint64_t last;         /* sequence delivered last */
    uint64_t expected;     /* the leader: the next to propose; last + 1 when nothing is in flight */
    uint64_t closed_epoch; /* the last one of which something was delivered before it was closed */
    uint64_t closed_last;  /* and how far that came */
};

/* The log's state after some entry: where a sequence begins that does not begin at the genesis. Of an origin
 * only node, epoch, nonce and last count. */
struct sequence_base {
    uint64_t command_count;
    uint64_t sealed_height;
    uint64_t stamp_ns;
    uint32_t origin_count;
    struct sequence_origin origins[SEQUENCE_ORIGINS_MAX];
};

struct sequence {
    uint64_t genesis_ns, stamp_step_ns, block_ns, idle_block_ns;

    uint64_t command_count;      /* delivered since genesis: the last one's number */
    uint64_t sealed_height;      /* of the last SEAL delivered that ended a block */
    uint64_t delivered_stamp_ns; /* of the last batch delivered */
    uint64_t stamp_ns;           /* largest, proposed or delivered; 0: none yet */
    bool unsealed;               /* something was delivered since that SEAL */
    uint32_t origin_count;
    struct sequence_origin origins[SEQUENCE_ORIGINS_MAX];

    bool leading;
    bool admitting;
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

enum sequence_taken {
    SEQUENCE_TAKEN,
    SEQUENCE_FULL,   /* it belongs to the next batch */
    SEQUENCE_REFUSED /* not what may be taken now */
};

/* Admits from the start. `base`: NULL for the genesis. */
void sequence_init(struct sequence *sequence, const struct genesis *genesis,
                   const struct sequence_base *base);

/* What the log says so far, for a checkpoint; origins by rising node id. */
void sequence_base_of(const struct sequence *sequence, struct sequence_base *base);

/* This node leads: every origin is to be told what is expected of it.
 * Needs: every entry before was delivered, so a new leader commits a barrier of the engine's first. */
void sequence_lead(struct sequence *sequence, struct sequence_time now);

/* It leads no more: what was in flight may be lost. */
void sequence_lose(struct sequence *sequence);

/* A node is no member any more: its place is free. */
void sequence_forget(struct sequence *sequence, uint32_t node);

/* Whether origins' commands are taken now. When they are again, every origin is to be told. */
void sequence_admit(struct sequence *sequence, bool admitting);

/* What to propose now. For SEQUENCE_OWN, `bytes` holds a batch of `*byte_count` and it counts as proposed;
 * for SEQUENCE_ARRIVED, it is the space of the open batch.
 * Needs: BATCH_BYTES_MAX bytes; no batch is open. */
enum sequence_turn sequence_turn(struct sequence *sequence, struct sequence_time now,
                                 uint8_t *bytes, size_t *byte_count);

/* Adds a run of the node's stream: commands numbered one after the other, or its HELLO alone. `*taken`: bytes
 * of it that were added or passed over, whole commands from its beginning. SEQUENCE_FULL: the rest belongs
 * to the next batch. SEQUENCE_REFUSED: the rest is not what is expected, or nobody's commands are admitted,
 * or it is malformed, another node's, or of a kind that has no origin: it is of no use any more. Whoever
 * drops the rest of a run for another reason calls sequence_dropped.
 * Needs: a batch is open. */
MUST_CHECK enum sequence_taken sequence_add_run(struct sequence *sequence, uint32_t node,
                                                const uint8_t *run, size_t byte_count,
                                                size_t *taken);

/* Adds one command: of an origin, exactly the next; or a vote, a HELLO or a change of the epoch. SEQUENCE_REFUSED: as with runs, and
 * for a command that is not the next.
 * Needs: a batch is open. */
MUST_CHECK enum sequence_taken sequence_add(struct sequence *sequence, const uint8_t *command,
                                            size_t byte_count);

/* Adds ORIGIN_LOST for the node's present epoch. SEQUENCE_REFUSED: it has none, one is in flight, or nobody's
 * commands are admitted. Whoever calls it knows that the node has not been heard of for long enough.
 * Needs: a batch is open. */
MUST_CHECK enum sequence_taken sequence_lost(struct sequence *sequence, uint32_t node);

/* Commands of the node's stream came and were not added: it is to be told. */
void sequence_dropped(struct sequence *sequence, uint32_t node);

/* The sequence expected next of a node, and its epoch; both 0 when it has said no HELLO. */
void sequence_expected(const struct sequence *sequence, uint32_t node, uint64_t *epoch,
                       uint64_t *expected);

/* The node's stream, NULL when it has said no HELLO. Good until the next call that changes the sequence. */
const struct sequence_origin *sequence_find(const struct sequence *sequence, uint32_t node);

/* Closes the open batch; returns its length, and 0 when nothing was added: then there is none. */
size_t sequence_close(struct sequence *sequence);

/* The log delivered a batch. False when the bytes are not a batch: the sequence is of no use then. */
MUST_CHECK bool sequence_delivered(struct sequence *sequence, const uint8_t *bytes,
                                   size_t byte_count);

/* Monotonic time at which a SEAL will be due if nothing happens; 0 when none will. */
uint64_t sequence_due(const struct sequence *sequence);

/* Asserts S1 to S3 as far as the state shows them. */
bool sequence_check(const struct sequence *sequence);

#endif /* LEDGER_SEQUENCE_H */
