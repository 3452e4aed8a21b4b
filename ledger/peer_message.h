/* What travels in a frame between two replicas: one message, its first byte says which.
 *
 *     append      1 | flags u8 | zero u16 | count u32 | term | prev_index | prev_term | commit |
 *                 hash_index | hash_term | hash 32 | count x (term u64, type u32, length u32) | bytes of all
 *     result      2 | accepted u8 | zero u16 u32 | term | rejected | last_index | hash_term | hash 32
 *     vote        3 | flags u8 | zero u16 u32 | term | last_index | last_term
 *     vote result 4 | flags u8 | zero u16 u32 | term
 *     timeout now 5 | zero | term | last_index | last_term
 *     needs       6 | zero | term | base_index           a checkpoint: the log begins above your end
 *     forward     7 | zero u8 u16 | count u32 | epoch | first_sequence | commands      an origin's run
 *     expected    8 | zero | epoch | sequence            the one that the leader waits for
 *     loose       9 | zero u8 u16 | count u32 | commands without an origin: votes on blocks, changes of the epoch
 *     ping       10 | flags u8 | zero u16 u32 | clock | sent | echo | held | term | stored | height |
 *                 certified_height
 *
 * Numbers are u64 where nothing else is said. 11 to PEER_MESSAGE_LAST are free; above, first bytes belong to
 * whoever else speaks over the links (supply.h).
 *
 * The consensus engine is built without its assertions, so the decoders ask for all that it takes for granted
 * of a message by itself: terms that rise, indexes and sizes within bounds, types, configurations that can be
 * decoded. What depends on the state is for the replica to ask.
 *
 * Owner    the caller; pure
 * Memory   decoded views point into the bytes
 * Limits   PEER_ENTRIES_MAX entries and PEERS_MESSAGE_MAX bytes an append; PEER_RUN_BYTES_MAX a run
 */

#ifndef LEDGER_PEER_MESSAGE_H
#define LEDGER_PEER_MESSAGE_H

#include "common/batch.h"
#include "common/hash.h"
#include "ledger/peers.h"

#define PEER_ENTRIES_MAX   256
#define PEER_RUN_BYTES_MAX (128 * 1024)
#define PEER_LOOSE_MAX     64                /* commands in one message */
#define PEER_NUMBER_MAX    (UINT64_MAX >> 2) /* of a term or an index: sums do not wrap */

enum peer_message_type {
    PEER_APPEND = 1,
    PEER_RESULT,
    PEER_VOTE,
    PEER_VOTE_RESULT,
    PEER_TIMEOUT_NOW,
    PEER_NEEDS_CHECKPOINT,
    PEER_FORWARD,
    PEER_EXPECTED,
    PEER_LOOSE,
    PEER_PING,
    PEER_MESSAGE_LAST = 31
};

struct peer_entry {
    uint64_t term;
    uint32_t type; /* enum wal_type */
    uint32_t length;
    const uint8_t *bytes;
};

struct peer_append {
    bool quiet; /* only tells how far is committed: no answer if all is well */
    uint32_t count;
    uint64_t term;
    uint64_t prev_index, prev_term;
    uint64_t commit;
    uint64_t hash_index, hash_term; /* 0: no hash. At or below prev_index */
    hash_t hash;                    /* running hash of the leader's log at hash_index */
};

struct peer_result {
    bool accepted;
    uint64_t term;
    uint64_t rejected;   /* prev_index of what was not accepted */
    uint64_t last_index; /* accepted: stored up to here; else a hint where the logs may meet */
    uint64_t hash_term;  /* accepted: term and running hash of the log at last_index; 0: not told */
    hash_t hash;
};

struct peer_vote {
    bool disrupt, pre_vote;
    uint64_t term;
    uint64_t last_index, last_term;
};

struct peer_vote_result {
    bool granted, pre_vote;
    uint64_t term;
};

struct peer_timeout_now {
    uint64_t term;
    uint64_t last_index, last_term;
};

struct peer_needs {
    uint64_t term;
    uint64_t base_index;
};

struct peer_forward {
    uint32_t count;
    uint64_t epoch;          /* 0: a HELLO, alone */
    uint64_t first_sequence; /* 0 with a HELLO */
    const uint8_t *run;
    uint32_t run_bytes;
};

struct peer_expected {
    uint64_t epoch, sequence; /* both 0: that node has said no HELLO */
};

struct peer_loose {
    uint32_t count;
    const uint8_t *commands;
    uint32_t byte_count;
};

struct peer_ping {
    bool withholds;    /* votes for nobody (wal_cut_index) */
    uint64_t clock_ns; /* the sender's, and its monotonic time */
    uint64_t sent_ns;
    uint64_t echo_ns; /* sent_ns of the last ping from the receiver; 0: none */
    uint64_t held_ns; /* for so long since it came */
    uint64_t term, stored, height, certified_height;
};

/* ---- Writing; each returns the bytes' count. ---- */

#define PEER_APPEND_BYTES(count) ((size_t)8 + 6 * 8 + HASH_BYTES + (size_t)(count)*16)
#define PEER_RESULT_BYTES        (8 + 4 * 8 + HASH_BYTES)
#define PEER_FORWARD_BYTES       24
#define PEER_LOOSE_BYTES         8
#define PEER_SMALL_MAX           128 /* any message but append, forward and loose */

/* The head alone, PEER_APPEND_BYTES(count) of it: the entries' bytes follow in their order. */
size_t peer_message_put_append(uint8_t *bytes, const struct peer_append *append,
                               const struct peer_entry *entries);
/* The head alone: the run's, the commands' bytes follow. */
size_t peer_message_put_forward(uint8_t *bytes, const struct peer_forward *forward);
size_t peer_message_put_loose(uint8_t *bytes, const struct peer_loose *loose);

size_t peer_message_put_result(uint8_t *bytes, const struct peer_result *result);
size_t peer_message_put_vote(uint8_t *bytes, const struct peer_vote *vote);
size_t peer_message_put_vote_result(uint8_t *bytes, const struct peer_vote_result *result);
size_t peer_message_put_timeout_now(uint8_t *bytes, const struct peer_timeout_now *timeout);
size_t peer_message_put_needs(uint8_t *bytes, const struct peer_needs *needs);
size_t peer_message_put_expected(uint8_t *bytes, const struct peer_expected *expected);
size_t peer_message_put_ping(uint8_t *bytes, const struct peer_ping *ping);

/* ---- Reading; false for anything that is not exactly one well-formed message of the type. ---- */

/* Needs: room for PEER_ENTRIES_MAX entries. */
MUST_CHECK bool peer_message_get_append(const uint8_t *bytes, size_t byte_count,
                                        struct peer_append *append, struct peer_entry *entries);
MUST_CHECK bool peer_message_get_result(const uint8_t *bytes, size_t byte_count,
                                        struct peer_result *result);
MUST_CHECK bool peer_message_get_vote(const uint8_t *bytes, size_t byte_count,
                                      struct peer_vote *vote);
MUST_CHECK bool peer_message_get_vote_result(const uint8_t *bytes, size_t byte_count,
                                             struct peer_vote_result *result);
MUST_CHECK bool peer_message_get_timeout_now(const uint8_t *bytes, size_t byte_count,
                                             struct peer_timeout_now *timeout);
MUST_CHECK bool peer_message_get_needs(const uint8_t *bytes, size_t byte_count,
                                       struct peer_needs *needs);
/* The commands are those of node `from`, well-formed by their lengths, as many as said, numbered without a gap. */
MUST_CHECK bool peer_message_get_forward(const uint8_t *bytes, size_t byte_count, uint32_t from,
                                         struct peer_forward *forward);
MUST_CHECK bool peer_message_get_expected(const uint8_t *bytes, size_t byte_count,
                                          struct peer_expected *expected);
/* VOTE, CHECKPOINT_VOTE, LIABILITIES_VOTE and EPOCH_CHANGE commands, nothing else. */
MUST_CHECK bool peer_message_get_loose(const uint8_t *bytes, size_t byte_count,
                                       struct peer_loose *loose);
MUST_CHECK bool peer_message_get_ping(const uint8_t *bytes, size_t byte_count,
                                      struct peer_ping *ping);

#endif /* LEDGER_PEER_MESSAGE_H */
