/* Answers what other nodes ask: what is here, pieces of checkpoints, of blocks, entries of the log.
 *
 *     supply_receive   notes the question          fetch_message.h has the messages
 *     supply_turn      answers one                 bounded: at most FETCH_PIECE_MAX bytes read and sent
 *
 * Nothing that is sent is checked here: who asks checks each byte against what q nodes signed.
 *
 * Owner    one thread: the consensus loop's, between its turns, or that of a node that is joining
 * Memory   the caller's, some 1.1 MiB
 * Limits   SUPPLY_ASKS_MAX questions wait of each peer; one more is forgotten, and asked again by who needs it
 */

#ifndef LEDGER_SUPPLY_H
#define LEDGER_SUPPLY_H

#include "common/node_set.h"
#include "common/status.h"
#include "ledger/fetch_message.h"
#include "ledger/wal.h"

#define SUPPLY_ASKS_MAX    32
#define SUPPLY_ENTRY_MAX   (PEERS_MESSAGE_MAX - 64 * 1024) /* beside the front of its message */
#define SUPPLY_LINEAGE_MAX (64u * 1024) /* of steps in one piece; every step is smaller */

/* Where it comes from; supply_files.h has the real one. */
struct supply_source {
    void *context;
    void (*offer)(void *context, struct fetch_offer *offer);
    /* Up to `capacity` bytes of an object from `offset` on, and the length of the whole. STATUS_NOT_FOUND: it is
     * not here, or ends before. */
    enum status (*read)(void *context, const struct fetch_object *object, uint32_t offset,
                        uint8_t *bytes, uint32_t capacity, uint32_t *byte_count, uint32_t *total);
    /* Its bytes are good until the next call. STATUS_NOT_FOUND. */
    enum status (*entry)(void *context, uint64_t index, struct wal_entry *entry);
};

struct supply_question {
    uint8_t type; /* FETCH_WHAT, FETCH_ASK or FETCH_ASK_ENTRIES */
    struct fetch_ask ask;
    struct fetch_range range;
};

struct supply_queue {
    uint32_t node; /* 0: free */
    uint32_t first, count;
    struct supply_question questions[SUPPLY_ASKS_MAX];
};

struct supply {
    struct peers peers;
    struct supply_source source;
    uint32_t turn; /* whose queue comes next */
    struct supply_queue queues[NODE_SET_LIMIT];
    struct fetch_entries entries;
    uint8_t buffer[SUPPLY_ENTRY_MAX];
};

void supply_begin(struct supply *supply, struct peers peers, struct supply_source source);

/* A message of a peer; what is no question is not for us. */
void supply_receive(struct supply *supply, uint32_t node, const uint8_t *bytes, size_t byte_count);

/* Answers one question, the peers taking turns. True: there are more that can be answered now; false also when what
 * waits has no room on its link yet. */
bool supply_turn(struct supply *supply);

#endif /* LEDGER_SUPPLY_H */
