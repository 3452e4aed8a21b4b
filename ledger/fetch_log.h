/* The entries that a damaged log lacks, from whichever peer still has them.
 *
 * Whether they are the right ones the log itself decides: its running hash must lead through them to the next
 * record that can be read. A hole is filled by one peer at a time; one whose entries do not lead there is not asked
 * for this hole again.
 *
 * Owner    one thread; pure over peers and sink handed in. Times are monotonic milliseconds
 * Memory   the caller's
 * Limits   FETCH_ENTRIES_MAX entries under way
 */

#ifndef LEDGER_FETCH_LOG_H
#define LEDGER_FETCH_LOG_H

#include "common/node_set.h"
#include "common/status.h"
#include "ledger/fetch_message.h"
#include "ledger/wal.h"

/* What is missing, and where it goes: wal_patch_needs and wal_patch_add for real. */
struct fetch_log_sink {
    void *context;
    /* The next entries that are missing; false: none. */
    bool (*needs)(void *context, uint64_t *first, uint64_t *last);
    /* STATUS_MISMATCH: they do not lead on; what is missing then may begin lower than before. STATUS_MALFORMED: no
     * entry of a log. */
    enum status (*add)(void *context, const struct wal_entry *entry);
    /* This peer's entries were not the right ones. */
    void (*blame)(void *context, uint32_t node, const char *what, uint64_t index);
};

struct fetch_log_peer {
    uint32_t node;
    bool up;
    bool lacks; /* the first entry that is missing */
    bool wrong; /* in this hole */
    uint64_t rest_until_ms;
};

struct fetch_log {
    uint32_t node; /* this one */
    struct peers peers;
    struct fetch_log_sink sink;
    enum status status; /* STATUS_OK while it works and when it is done */
    bool done;
    uint32_t quorum;
    uint64_t begun_ms;
    uint64_t hole_first, hole_last; /* of the hole at hand; 0: none yet */
    uint64_t first;                 /* that is asked for, */
    uint32_t count;                 /* and how many, */
    uint32_t asked_node;            /* of whom; 0: nothing is under way */
    uint32_t filling_node;          /* who gave the hole's entries so far; */
    bool mixed;                     /* more than one did */
    uint64_t asked_ms;
    uint64_t entries;
    uint32_t peer_count;
    uint32_t next_peer;
    struct fetch_log_peer list[NODE_SET_LIMIT];
    struct fetch_entries answer;
};

void fetch_log_begin(struct fetch_log *log, uint32_t node, const struct node_set *nodes,
                     struct peers peers, struct fetch_log_sink sink, uint64_t now_ms);

/* Members that were not known before may be asked as well. */
void fetch_log_nodes(struct fetch_log *log, const struct node_set *nodes);

void fetch_log_link(struct fetch_log *log, uint32_t node, bool up);
void fetch_log_receive(struct fetch_log *log, uint64_t now_ms, uint32_t node, const uint8_t *bytes,
                       size_t byte_count);

/* Asks for what is missing. log->done: nothing is. log->status: STATUS_NOT_FOUND, nobody who answers has it any more;
 * or a failure of the sink. */
void fetch_log_turn(struct fetch_log *log, uint64_t now_ms);

#endif /* LEDGER_FETCH_LOG_H */
