/* Which block this node votes for, and when: the decision without the disk, the clock and the ring.
 *
 * A node votes once for each block it has sealed, in rising order, unless it is behind: with more than
 * VOTE_BEHIND_MAX blocks to vote for it votes for the newest alone, which certifies the others, and
 * while more of the log is waiting it lets as many blocks come before it stops for a signature. It
 * proposes nothing while it replays its log, for its votes are in there; a vote that it had signed
 * and that never reached the log is proposed again, for the same hash.
 *
 * A block that turns is one whose header hands over to another set of validators. It needs a certificate of
 * its own, so nobody skips it, and nothing above it is signed until the log has this node's vote for it. After
 * VOTE_TURN_MAX blocks it is too late for that.
 *
 * A vote may be lost on its way: with the leader that had it, or before there was one. If the newest one has
 * not come out of the log in VOTE_PATIENCE_NS, or another leader was elected meanwhile, it goes out again.
 *
 * Owner    the anchor; pure
 */

#ifndef LEDGER_VOTE_H
#define LEDGER_VOTE_H

#include "common/assert.h"

#include <stdbool.h>
#include <stdint.h>

#define VOTE_BEHIND_MAX  8
#define VOTE_TURN_MAX    64
#define VOTE_TURNS       32
#define VOTE_PATIENCE_NS UINT64_C(300000000)

/* Heights, each 0 for none. */
struct vote_state {
    uint64_t first;     /* this node votes for blocks from here on; 0: for none */
    uint64_t last;      /* up to here; 0: without an end */
    uint64_t sealed;    /* last block this node computed */
    uint64_t certified; /* last block with a certificate */
    uint64_t signed_to; /* last one in the sign-once file: nothing below it may be signed */
    uint64_t logged;    /* highest one that the log holds our vote for */
    uint64_t proposed;  /* highest one proposed since this process started */
    bool replaying;     /* records of before the start are still coming */
    bool busy;          /* more of the log is waiting: up to VOTE_BEHIND_MAX blocks may wait too */

    uint64_t now_ns; /* monotonic, and the log's term, as the caller knows them now */
    uint64_t term;
    uint64_t proposed_ns; /* likewise, when the last vote was proposed */
    uint64_t proposed_term;

    uint32_t turn_count;
    uint64_t turns[VOTE_TURNS]; /* blocks that turn and are not certified by themselves, rising */
};

/* The height to sign and propose now, or 0. Call again after vote_proposed until it says 0. */
uint64_t vote_next(const struct vote_state *state);

/* Takes note that a vote for `height` was handed to the log. */
void vote_proposed(struct vote_state *state, uint64_t height);

/* Takes note of an own vote that came out of the log. */
void vote_logged(struct vote_state *state, uint64_t height);

/* Takes note that block `height` was sealed, and whether it turns. */
void vote_sealed(struct vote_state *state, uint64_t height, bool turns);

/* Takes note of a certificate of block `height`. */
void vote_certified(struct vote_state *state, uint64_t height);

/* Whether a vote is on its way that may have to go out again. */
bool vote_waits(const struct vote_state *state);

#endif /* LEDGER_VOTE_H */
