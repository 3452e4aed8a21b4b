/* Which block this node votes for, and when: the decision without the disk and the ring.
 *
 * A node votes once for each block it has sealed, in rising order, unless it is behind: with more than
 * VOTE_BEHIND_MAX blocks to vote for it votes for the newest alone, which certifies the others, and
 * while more of the log is waiting it lets as many blocks come before it stops for a signature. It
 * proposes nothing while it replays its log, for its votes are in there; a vote that it had signed
 * and that never reached the log is proposed again, for the same hash.
 *
 * Owner    the anchor; pure
 */

#ifndef LEDGER_VOTE_H
#define LEDGER_VOTE_H

#include "common/assert.h"

#include <stdbool.h>
#include <stdint.h>

#define VOTE_BEHIND_MAX 8

/* Heights, each 0 for none. */
struct vote_state {
    uint64_t sealed;    /* last block this node computed */
    uint64_t certified; /* last block with a certificate */
    uint64_t signed_to; /* last one in the sign-once file: nothing below it may be signed */
    uint64_t logged;    /* highest one that the log holds our vote for */
    uint64_t proposed;  /* highest one proposed since this process started */
    bool replaying;     /* records of before the start are still coming */
    bool busy;          /* more of the log is waiting: up to VOTE_BEHIND_MAX blocks may wait too */
};

/* The height to sign and propose now, or 0. Call again after vote_proposed until it says 0. */
uint64_t vote_next(const struct vote_state *state);

/* Takes note that a vote for `height` was handed to the log. */
void vote_proposed(struct vote_state *state, uint64_t height);

/* Takes note of an own vote that came out of the log. */
void vote_logged(struct vote_state *state, uint64_t height);

#endif /* LEDGER_VOTE_H */
