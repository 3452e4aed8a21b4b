/* The chunks of one checkpoint, from several peers at once: who sends which, and what is done when one does not.
 *
 *     UNSEEN ──► MISSING ──► COMING ──► KEPT           a chunk: one peer sends the whole of it,
 *        └─────────────────────│──────► KEPT           or it lies here from an earlier try
 *                  MISSING ◄───┘                       wrong, silent, or the link is down
 *
 * Each peer that may be asked has a lane: some pieces under way, more after each chunk that came, few after a silence;
 * whoever is faster comes for the next chunk sooner. When no chunk is left to begin, an idle lane takes one over that
 * a much slower one is at. A chunk's hash is compared before it is kept, so the sender of a wrong one is known.
 *
 * Owner    one thread; pure over the peers and the store handed in. Times are monotonic milliseconds
 * Memory   an arena's: FETCH_CHUNKS_MEMORY bytes, touched as they are used
 * Limits   FETCH_SLOTS chunks under way; FETCH_WINDOW_MAX pieces asked of one peer
 *
 * Invariants, asserted by fetch_chunks_check:
 *   F1  a chunk is COMING exactly when it has one slot, and a slot has an open lane
 *   F2  kept_bytes is the length of the KEPT ones
 */

#ifndef LEDGER_FETCH_CHUNKS_H
#define LEDGER_FETCH_CHUNKS_H

#include "common/arena.h"
#include "common/node_set.h"
#include "ledger/checkpoint.h"
#include "ledger/fetch_message.h"

#define FETCH_PIECE_BYTES (128u * 1024) /* asked at once */
#define FETCH_WINDOW_MIN  2u
#define FETCH_WINDOW_MAX  16u
#define FETCH_SLOTS       16u
#define FETCH_SILENT_MS   3000u /* nothing came of what was asked */
#define FETCH_REST_MS     5000u /* then the peer is not asked for so long */

#define FETCH_CHUNKS_MEMORY \
    ((size_t)FETCH_SLOTS * CHECKPOINT_CHUNK_BYTES + CHECKPOINT_CHUNKS_MAX + 4096)

/* Where what came is put: checkpoint_part_* for real. */
struct fetch_store {
    void *context;
    enum status (*begin)(void *context, const struct checkpoint_proof *proof);
    enum status (*read)(void *context, uint32_t chunk, uint8_t *bytes, uint32_t byte_count);
    enum status (*keep)(void *context, uint32_t chunk, const uint8_t *bytes, uint32_t byte_count);
    enum status (*finish)(void *context);
    /* This one is given up for another. */
    void (*leave)(void *context);
};

enum fetch_chunk_state { FETCH_UNSEEN, FETCH_MISSING, FETCH_COMING, FETCH_KEPT };

struct fetch_slot {
    uint8_t *bytes;
    uint32_t node; /* 0: free */
    uint32_t chunk;
    uint32_t length;
    uint32_t asked, got; /* bytes, from the front */
    uint64_t since_ms;
};

struct fetch_lane {
    uint32_t node;
    bool open;
    uint32_t window;
    uint64_t heard_ms; /* last piece, or the first question since nothing was under way */
    uint64_t rest_until_ms;
    uint64_t bytes_per_s; /* of its last whole chunk; 0: none yet */
    uint64_t bytes;       /* that came and were kept */
};

struct fetch_chunks {
    struct peers peers;
    struct fetch_store store;
    const struct checkpoint_manifest *manifest;
    uint8_t *states; /* enum fetch_chunk_state of each chunk */
    uint32_t next_unseen, next_missing, kept;
    uint64_t kept_bytes, total_bytes;
    uint32_t lane_count;
    struct fetch_lane lanes[NODE_SET_LIMIT];
    struct fetch_slot slots[FETCH_SLOTS];
};

/* False: the arena is too small. No lanes yet, no checkpoint. */
MUST_CHECK bool fetch_chunks_init(struct fetch_chunks *chunks, struct arena *arena,
                                  struct peers peers, struct fetch_store store);

/* Begins with a checkpoint; lanes stay, closed. `manifest` outlives it. */
void fetch_chunks_begin(struct fetch_chunks *chunks, const struct checkpoint_manifest *manifest);

/* Looks whether the next chunk lies here already. *seen: all have been looked at. */
MUST_CHECK enum status fetch_chunks_look(struct fetch_chunks *chunks, bool *seen);

/* Whether this peer may be asked. Closing a lane gives its chunks to others. */
void fetch_chunks_open(struct fetch_chunks *chunks, uint32_t node);
void fetch_chunks_close(struct fetch_chunks *chunks, uint32_t node);

/* Asks for as much as may be under way. Needs: all chunks were looked at. */
void fetch_chunks_ask(struct fetch_chunks *chunks, uint64_t now_ms);

/* A peer that was asked and sends nothing loses its chunks, and rests: returns one such, or 0. */
uint32_t fetch_chunks_silent(struct fetch_chunks *chunks, uint64_t now_ms);

enum fetch_taken {
    FETCH_TOOK_NOTHING, /* not asked for, or not any more */
    FETCH_TOOK_PIECE,
    FETCH_TOOK_CHUNK, /* whole, right and kept */
    FETCH_TOOK_WRONG, /* not what q nodes signed: its lane is closed */
    FETCH_TOOK_NONE,  /* the peer says it does not have it: its lane is closed */
    FETCH_TOOK_FAILED /* *failure of the store */
};

/* A piece of a chunk of this checkpoint's height. */
MUST_CHECK enum fetch_taken fetch_chunks_take(struct fetch_chunks *chunks, uint64_t now_ms,
                                              uint32_t node, const struct fetch_piece *piece,
                                              enum status *failure);

bool fetch_chunks_whole(const struct fetch_chunks *chunks);

/* Bytes kept, and of those under way. */
uint64_t fetch_chunks_bytes(const struct fetch_chunks *chunks);

/* Asserts F1 and F2. */
bool fetch_chunks_check(const struct fetch_chunks *chunks);

#endif /* LEDGER_FETCH_CHUNKS_H */
