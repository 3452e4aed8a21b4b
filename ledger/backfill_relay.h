/* Between the thread that fetches older blocks and the loop that has the links: questions out, answers in.
 *
 *     backfill ──► asks    ──► consensus loop ──► links        hashing bodies and writing them
 *              ◄── answers ◄──                ◄──              is not done on the loop
 *
 * Owner    backfill_relay_ask to backfill_relay_close: the backfill thread; begin, nodes, answer, turn: the consensus
 *          loop's
 * Memory   an arena's, backfill_relay_memory() bytes
 * Limits   an answer that finds no room is lost, and asked for again
 * Cost     one copy of an answer; BACKFILL_RELAY_ASKS questions a turn
 */

#ifndef LEDGER_BACKFILL_RELAY_H
#define LEDGER_BACKFILL_RELAY_H

#include "common/arena.h"
#include "common/node_set.h"
#include "common/park.h"
#include "common/ring.h"
#include "ledger/peers.h"

#include <stdatomic.h>

#define BACKFILL_RELAY_ASKS 4u

enum backfill_relay_news {
    BACKFILL_ANSWER,  /* a message of this node */
    BACKFILL_REFUSED, /* what was asked of this node did not get there */
    BACKFILL_NODES    /* ids of those who may be asked, u32 each */
};

struct backfill_relay {
    struct ring *asks, *answers;
    struct park *park;           /* the backfill thread's */
    struct park *consensus_park; /* the loop's */
    _Atomic bool open;           /* somebody takes the answers */
    /* The loop's. */
    struct peers peers;
    struct node_set nodes;
    bool nodes_told;
};

struct backfill_relay_record {
    enum backfill_relay_news news;
    uint32_t node;
    const uint8_t *bytes;
    size_t byte_count;
};

size_t backfill_relay_memory(void);

/* False: the arena is too small. Needs: an arena that begins at a multiple of 64. */
MUST_CHECK bool backfill_relay_init(struct backfill_relay *relay, struct arena *arena,
                                    struct park *park, struct park *consensus_park);

/* ---- The backfill thread's side ---- */

/* From here on answers are kept. */
void backfill_relay_open(struct backfill_relay *relay);
void backfill_relay_close(struct backfill_relay *relay);

/* A table whose `send` asks; is_up is always true. */
struct peers backfill_relay_peers(struct backfill_relay *relay);

/* Shows the loop what was asked since, and wakes it. */
void backfill_relay_flush(struct backfill_relay *relay);

/* The next of the answers; false: none. Its bytes are good until backfill_relay_release. */
MUST_CHECK bool backfill_relay_next(struct backfill_relay *relay,
                                    struct backfill_relay_record *record);
void backfill_relay_release(struct backfill_relay *relay);

/* ---- The loop's side ---- */

void backfill_relay_begin(struct backfill_relay *relay, struct peers peers);
void backfill_relay_nodes(struct backfill_relay *relay, const struct node_set *nodes);
void backfill_relay_answer(struct backfill_relay *relay, uint32_t node, const uint8_t *bytes,
                           size_t byte_count);

/* Sends some of what was asked. True: there is more. */
bool backfill_relay_turn(struct backfill_relay *relay);

#endif /* LEDGER_BACKFILL_RELAY_H */
