/* A node that has no state gets it: the newest checkpoint that q nodes have certified, from all who have it.
 *
 *     ASKING ─► FOLLOWING ─► CERTIFYING ─► PROVING ─► SIGNING ─► LOOKING ─► CHUNKS ─► DONE
 *      │ ▲         └────────────┴─────────────┴── the peer is gone ──┐         │
 *      │ └───────────────────────────────────────────────────────────┴─────────┘ nobody has this one any more
 *      ├──► NOTHING   there is none
 *      └──► FAILED    the disk, or all peers have said what is not so
 *
 * Nobody is believed. The validators follow from a trusted set step by step (lineage.h), as far as any peer can
 * lead; q of those in force at the checkpoint's height signed its root; the root covers the manifest, which has
 * the hash of every chunk (fetch_chunks.h fetches them from several peers). A peer that says what is not so is
 * named and never asked again; one that is gone or silent is asked again later.
 *
 * Owner    one thread; pure over peers, store and hooks handed in. Times are monotonic milliseconds
 * Memory   an arena's, fetch_memory() bytes, touched as they are used
 * Limits   NODE_SET_LIMIT peers
 * Cost     a chunk is hashed in one call: 4 MiB
 */

#ifndef LEDGER_FETCH_H
#define LEDGER_FETCH_H

#include "ledger/fetch_chunks.h"
#include "ledger/lineage.h"

#define FETCH_GRACE_MS     1000u /* how long the others may still answer after the first has */
#define FETCH_ASK_AGAIN_MS 1000u
#define FETCH_TURN_MS      50u /* call fetch_turn at least so often */

struct fetch;

struct fetch_hooks {
    void *context;
    /* This peer has said what is not so, and is asked no more. */
    void (*blame)(void *context, uint32_t node, const char *what, uint64_t height, uint32_t chunk);
    /* A step of the lineage that was proved; one peer after the other may bring the same. */
    void (*proved)(void *context, const struct lineage_step *step);
};

struct fetch_options {
    uint32_t node; /* this one: not asked */
    const struct node_set *nodes;
    hash_t chain_id;
    const struct validator_set *trusted; /* from the height above `trusted_height` on */
    uint64_t trusted_height;             /* 0: the genesis */
    struct peers peers;
    struct fetch_store store;
    struct fetch_hooks hooks;
};

/* Takes what it needs from the arena; NULL: too small. The options are copied, what they point to as well. */
MUST_CHECK struct fetch *fetch_new(struct arena *arena, const struct fetch_options *options);

/* Bytes of an arena for fetch_new. */
size_t fetch_memory(void);

/* Members that were not known before may be asked as well; those that are known stay. */
void fetch_nodes(struct fetch *fetch, const struct node_set *nodes);

void fetch_link(struct fetch *fetch, uint64_t now_ms, uint32_t node, bool up);
void fetch_receive(struct fetch *fetch, uint64_t now_ms, uint32_t node, const uint8_t *bytes,
                   size_t byte_count);

/* Does what is due. True: call again at once. */
bool fetch_turn(struct fetch *fetch, uint64_t now_ms);

enum fetch_phase {
    FETCH_ASKING,
    FETCH_FOLLOWING,  /* the lineage */
    FETCH_CERTIFYING, /* the certificate, */
    FETCH_PROVING,    /* the manifest, */
    FETCH_SIGNING,    /* and the block's own signatures */
    FETCH_LOOKING,    /* what lies here already */
    FETCH_CHUNKS,
    FETCH_DONE,
    FETCH_NOTHING,
    FETCH_FAILED
};

struct fetch_facts {
    enum fetch_phase phase;
    enum status status; /* of FETCH_FAILED */
    uint64_t height;    /* of the checkpoint; 0: none chosen yet */
    uint64_t bytes, total_bytes;
    uint32_t answered; /* peers that have made an offer */
    uint32_t senders;  /* peers that have sent chunks which were kept */
    uint32_t dropped;
};
struct fetch_facts fetch_facts(const struct fetch *fetch);

/* Bytes kept of what this peer sent. */
uint64_t fetch_bytes_of(const struct fetch *fetch, uint32_t node);

/* The offer of a peer; NULL: none. */
const struct fetch_offer *fetch_offer_of(const struct fetch *fetch, uint32_t node);

/* Asserts fetch_chunks_check, and that no dropped peer is asked. */
bool fetch_check(const struct fetch *fetch);

#endif /* LEDGER_FETCH_H */
