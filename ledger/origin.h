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
 * another HELLO of ours closes it (two were on their way), what is left is numbered anew.
 *
 * Owner    the consensus loop; pure
 * Memory   ORIGIN_BYTES and a place for each of ORIGIN_COMMANDS, the caller's
 * Limits   what does not fit waits in the submission rings, whose producers answer "busy"
 */

#ifndef LEDGER_ORIGIN_H
#define LEDGER_ORIGIN_H

#include "common/messages.h"

#define ORIGIN_BYTES    (4u * 1024 * 1024)
#define ORIGIN_COMMANDS 65536u

struct origin_entry {
    uint64_t position; /* where its bytes begin, counted over all that was ever added */
    uint32_t length;
};

struct origin_stream {
    uint32_t node;
    uint64_t nonce;      /* of this process's HELLO */
    uint64_t epoch;      /* 0: not delivered yet */
    uint64_t first;      /* sequence of the oldest command here */
    uint64_t next;       /* sequence that the next command to arrive will get */
    uint64_t unsent;     /* first one that this leader was not sent */
    bool hello_sent;     /* to this leader */
    uint64_t head, tail; /* bytes ever added and ever dropped */
    uint8_t *bytes;
    struct origin_entry *entries; /* by sequence modulo ORIGIN_COMMANDS */
};

/* `bytes`: ORIGIN_BYTES; `entries`: ORIGIN_COMMANDS. */
void origin_init(struct origin_stream *origin, uint32_t node, uint64_t nonce, uint8_t *bytes,
                 struct origin_entry *entries);

/* Takes a command. False when there is no room or no epoch yet: it waits.
 * Needs: well-formed, and not one of those that have no origin (HELLO, SEAL, votes). */
MUST_CHECK bool origin_take(struct origin_stream *origin, const uint8_t *command,
                            size_t byte_count);

/* A run of commands to send to the leader now, numbered and back to back, at most `room` bytes; returns their
 * length, 0 when there is nothing. They count as sent. While there is no epoch the run is the HELLO alone.
 * `first_sequence`, `count`: what it holds; 0 and 1 for a HELLO. */
size_t origin_run(struct origin_stream *origin, uint8_t *bytes, size_t room,
                  uint64_t *first_sequence, uint32_t *count);

/* Somebody leads anew, or the link to him is new: everything not delivered is to be sent again. */
void origin_rewind(struct origin_stream *origin);

/* The leader expects this sequence of our epoch next. */
void origin_expected(struct origin_stream *origin, uint64_t epoch, uint64_t sequence);

/* The log delivered a command of number `number` whose origin is this node, or a HELLO of this node. */
void origin_delivered(struct origin_stream *origin, uint64_t number, const struct command *command);

/* Commands here, delivered ones not counted. */
uint64_t origin_count(const struct origin_stream *origin);

bool origin_check(const struct origin_stream *origin);

#endif /* LEDGER_ORIGIN_H */
