/* The blocks below the checkpoint that a node began at, from others, while it works: so that its history is whole.
 *
 *     LOOKING ─► HEADERS ─► BLOCKS ─► DONE
 *        │          └──────────┴──────► FAILED   the disk; everyone has said what is not so; another chain
 *        └─ headers that an earlier try kept are read and compared first
 *
 * Nobody is believed. HEADERS come from the base downwards: each is the one whose hash the one above it names, and
 * the base's own q nodes have signed. So every header is known before the first block is asked for, and they are kept
 * where a restart finds them: what they are, their hashes say. BLOCKS come upwards, as the chain's files grow: a body
 * must be the one that its header names, to the last root that follows from its bytes; a certificate must have q
 * signatures of the validators that its header names. What is kept is whole, and in order: at a restart it goes on
 * behind it.
 *
 * A peer that says what is not so is named, and not asked again. A body that no peer has is asked for again and again:
 * a node that keeps them all may come back. A block without a certificate of its own is one whose peers all say so: its
 * hash is in the blocks above it.
 *
 * Owner    one thread; pure over peers and store handed in. Times are monotonic milliseconds
 * Memory   the caller's; the store gives room for what is under way
 * Limits   BACKFILL_SLOTS questions under way, BACKFILL_PEER_SLOTS of one peer; BACKFILL_BODIES_MAX bytes of bodies
 *          under way, or one larger body; BACKFILL_BYTES_PER_S asked for
 * Cost     a header is hashed, a body walked once; signatures 50 us each
 */

#ifndef LEDGER_BACKFILL_H
#define LEDGER_BACKFILL_H

#include "common/node_set.h"
#include "common/status.h"
#include "ledger/certificate.h"
#include "ledger/fetch_message.h"

#define BACKFILL_SLOTS       16u
#define BACKFILL_PEER_SLOTS  8u
#define BACKFILL_ANSWER_MS   3000u /* a peer that is silent so long is left alone for a while */
#define BACKFILL_REST_MS     1000u
#define BACKFILL_GONE_MS     10000u /* one that is silent so long is not waited for */
#define BACKFILL_AGAIN_MS    10000u /* what nobody had is asked for again */
#define BACKFILL_PIECE_BYTES (128u * 1024)
#define BACKFILL_BODIES_MAX  (32u * 1024 * 1024)
#define BACKFILL_BYTES_PER_S (32u * 1024 * 1024)
#define BACKFILL_TURN_MS     50u /* call backfill_turn at least so often */

/* Where it goes. Heights are those that the machine asks for; what fails ends the work with that status. */
struct backfill_store {
    void *context;
    /* What keep_headers was given for this height, maybe by an earlier life, maybe torn. STATUS_NOT_FOUND. */
    enum status (*header)(void *context, uint64_t height, uint8_t header[BLOCK_HEADER_BYTES]);
    /* `count` proved headers, that of `height` first, and those below it. */
    enum status (*keep_headers)(void *context, uint64_t height, uint32_t count,
                                const uint8_t *bytes);
    /* The next block. No body: one that is not wanted. Of 0 bytes: it has no certificate. */
    enum status (*keep_block)(void *context, const uint8_t header[BLOCK_HEADER_BYTES],
                              const uint8_t *body, size_t body_bytes, const uint8_t *certificate,
                              size_t certificate_bytes);
    /* The validators with this hash; NULL: not known, so nobody can tell whether a certificate is right. */
    const struct validator_set *(*voters)(void *context, hash_t validators_hash);
    /* Room for a slot, in place of what it had; NULL: no memory. */
    uint8_t *(*room)(void *context, uint32_t slot, size_t byte_count);
    /* This peer has said what is not so, and is asked no more. */
    void (*blame)(void *context, uint32_t node, const char *what, uint64_t height);
};

enum backfill_phase {
    BACKFILL_LOOKING,
    BACKFILL_HEADERS,
    BACKFILL_BLOCKS,
    BACKFILL_DONE,
    BACKFILL_FAILED
};

enum backfill_slot_state {
    BACKFILL_FREE,
    BACKFILL_WAITING, /* to be asked for */
    BACKFILL_ASKED,
    BACKFILL_WHOLE, /* and not yet kept: what is before it is still missing */
};

/* One run of headers, or one block, on its way. */
struct backfill_slot {
    enum backfill_slot_state state;
    uint64_t height;
    uint32_t count; /* of a run: this height and below */
    struct fetch_object object;
    uint32_t offset;      /* of the piece that was asked for */
    uint32_t piece_bytes; /* its length */
    uint32_t node;        /* that was asked, and gave what is here of the object */
    uint64_t asked_ms;
    uint64_t lacking;        /* peers, by their place, that do not have the object */
    uint64_t rests_until_ms; /* nobody had it */
    struct block_header header;
    uint8_t header_bytes[BLOCK_HEADER_BYTES];
    bool body_here;
    uint8_t *bytes; /* of a run or body */
    size_t byte_count;
    uint8_t certificate[CERTIFICATE_BYTES_MAX];
    size_t certificate_bytes;
};

struct backfill_peer {
    uint32_t node;
    bool dropped;
    uint32_t asked; /* slots under way */
    uint64_t rests_until_ms;
    uint64_t silent_ms; /* since when it has not answered; 0: it does */
};

struct backfill {
    uint32_t node;
    hash_t chain_id;
    struct peers peers;
    struct backfill_store store;
    enum backfill_phase phase;
    /* Of BACKFILL_FAILED. STATUS_MISMATCH: the headers do not lead to the block at `tip`. STATUS_MALFORMED: every peer has
     * said what is not so. Others: the store's. */
    enum status status;
    uint64_t base;
    uint8_t base_header[BLOCK_HEADER_BYTES];
    uint64_t bodies_from;
    uint32_t piece_bytes; /* BACKFILL_PIECE_BYTES; fewer in tests */
    uint64_t tip;         /* blocks up to it are kept */
    hash_t tip_hash;
    uint64_t lowest; /* headers from it to the base are proved */
    hash_t wanted;   /* hash of the header below */
    uint64_t next;   /* height that the next free slot is for */
    uint64_t bodies_under_way;
    uint64_t budget; /* bytes that may be asked for now */
    uint64_t budget_ms;
    uint64_t missing; /* the height that nobody has; 0: none */
    uint64_t bytes, certificates, uncertified;
    uint32_t dropped;
    uint32_t peer_count;
    uint32_t next_peer;
    struct backfill_peer list[NODE_SET_LIMIT];
    struct backfill_slot slots[BACKFILL_SLOTS];
};

struct backfill_options {
    uint32_t node; /* this one: not asked */
    hash_t chain_id;
    struct peers peers; /* `send` alone is called */
    struct backfill_store store;
    const uint8_t *base_header; /* BLOCK_HEADER_BYTES; of the block that the chain begins above */
    uint64_t tip;               /* blocks that are here already, from 1 on, */
    hash_t tip_hash;            /* and the hash of the last; zeros: none */
    uint64_t bodies_from;       /* below this height bodies are not wanted */
};

/* Needs: base_header decodes, and tip is not above it. */
void backfill_begin(struct backfill *backfill, const struct backfill_options *options);

/* Whom to ask. Those who are known stay. */
void backfill_nodes(struct backfill *backfill, const uint32_t *nodes, uint32_t count);

/* A message of a peer; what is no answer of ours is let be. */
void backfill_receive(struct backfill *backfill, uint64_t now_ms, uint32_t node,
                      const uint8_t *bytes, size_t byte_count);

/* What was asked of this peer did not get there. */
void backfill_refused(struct backfill *backfill, uint64_t now_ms, uint32_t node);

/* Does what is due. True: call again at once. */
bool backfill_turn(struct backfill *backfill, uint64_t now_ms);

/* Asserts
 *   B1  blocks are kept only below proved headers: tip < base while BLOCKS, tip < lowest while HEADERS
 *   B2  what a peer is counted to be asked is what slots say
 *   B3  no dropped peer is asked, and none of what it sent waits to be kept */
bool backfill_check(const struct backfill *backfill);

#endif /* LEDGER_BACKFILL_H */
