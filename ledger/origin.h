/* This node's own stream of commands on its way into the log, wherever the leader is.
 *
 * A command that arrives gets the next origin sequence of the node's epoch and stays here until the node's own log
 * has delivered it. Until then it is sent to whoever leads, from the first that the log may not have: again
 * after a new leader, a new link, or a leader that says which one it expects. The engine applies a command
 * only if it is the next of its origin, so sending one twice applies it once.
 *
 *     taken ──► [ delivered | sent to this leader | not yet sent ] ──► dropped when delivered
 *                ▲ replicated `last`
 *
 * The epoch is the number of this process's HELLO, which goes the same way, sent again until it is delivered. If
 * the log closes it (ORIGIN_LOST, or a late HELLO of an earlier process), nothing of it that was not delivered can
 * apply any more: HELLO is said again, and what is left is numbered anew in the next epoch.
 *
 * Owner    the consensus loop; pure
 * Memory   ORIGIN_BYTES and a place for each of ORIGIN_COMMANDS, the caller's
 * Limits   what does not fit waits in the submission rings, whose producers answer "busy"
 * Cost     a command is copied in, and looked at no more: what is to be sent lies there ready
 *
 * Invariants, asserted by origin_check:
 *   O1  first <= unsent <= next, and next - first is at most ORIGIN_COMMANDS
 *   O2  commands lie one behind the other, none over the end of the bytes, each with its number and epoch
 */

#ifndef LEDGER_ORIGIN_H
#define LEDGER_ORIGIN_H

#include "common/messages.h"

struct sequence_origin;

#define ORIGIN_BYTES       (4u * 1024 * 1024)
#define ORIGIN_COMMANDS    65536u
#define ORIGIN_HELLO_BYTES (COMMAND_HEADER_BYTES + HELLO_BYTES)

struct origin_entry {
    uint64_t position; /* where its bytes begin, counted over all that was ever added */
    uint32_t length;
};

struct origin_stream {
    uint32_t node;
    uint64_t nonce;      /* of this process's HELLO */
    uint64_t epoch;      /* 0: not delivered yet, or closed */
    uint64_t first;      /* sequence of the oldest command here */
    uint64_t next;       /* sequence that the next command to arrive will get */
    uint64_t unsent;     /* first one that this leader was not sent */
    uint64_t place;      /* of `first` in entries, modulo ORIGIN_COMMANDS */
    bool hello_sent;     /* to this leader */
    uint64_t head, tail; /* bytes ever added and ever dropped, with what was left free at the end */
    uint8_t *bytes;
    struct origin_entry *entries;
    uint8_t hello[ORIGIN_HELLO_BYTES];
};

/* Commands to send now, numbered and back to back, in the stream's own memory: good until they are delivered.
 * A HELLO is a run of its own, of count 1 and first_sequence 0. */
struct origin_run {
    const uint8_t *bytes; /* NULL: there is nothing to send */
    size_t byte_count;
    uint64_t first_sequence;
    uint32_t count;
};

/* `bytes`: ORIGIN_BYTES; `entries`: ORIGIN_COMMANDS. */
void origin_init(struct origin_stream *origin, uint32_t node, uint64_t nonce, uint8_t *bytes,
                 struct origin_entry *entries);

/* Takes a command. False when there is no room or no epoch yet: it waits.
 * Needs: well-formed, and not one of those that have no origin (HELLO, SEAL, votes). */
MUST_CHECK bool origin_take(struct origin_stream *origin, const uint8_t *command,
                            size_t byte_count);

/* What this leader was not sent, at most `room` bytes of it. While there is no epoch that is the HELLO. It does
 * not count as sent. Needs: room >= COMMAND_BYTES_MAX. */
struct origin_run origin_run(const struct origin_stream *origin, size_t room);

/* The first `byte_count` bytes of that run, whole commands, were sent. */
void origin_sent(struct origin_stream *origin, const struct origin_run *run, size_t byte_count);

/* Somebody leads anew, or the link to him is new: everything not delivered is to be sent again. */
void origin_rewind(struct origin_stream *origin);

/* The leader expects this sequence of this epoch next; 0, 0 when we have none there. Without an epoch of our own
 * we say HELLO again. */
void origin_expected(struct origin_stream *origin, uint64_t epoch, uint64_t sequence);

/* The log delivered a batch; where our stream stands in it now (sequence_find), NULL when it has none.
 * Needs: called after every batch that was delivered. */
void origin_delivered(struct origin_stream *origin, const struct sequence_origin *now);

/* Commands here, delivered ones not counted. */
uint64_t origin_count(const struct origin_stream *origin);

/* Asserts O1 and O2. O(commands). */
bool origin_check(const struct origin_stream *origin);

#endif /* LEDGER_ORIGIN_H */
