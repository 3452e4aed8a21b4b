#include "ledger/vote.h"

static uint64_t larger(uint64_t left, uint64_t right)
{
    return left > right ? left : right;
}

uint64_t vote_next(const struct vote_state *state)
{
    if (state->replaying) return 0;

    uint64_t done = larger(state->certified, larger(state->logged, state->proposed));
    /* signed_to itself may be proposed again: its vote may have been lost on the way to the log. */
    if (state->signed_to > 0) done = larger(done, state->signed_to - 1);
    if (state->sealed <= done) return 0;
    if (state->sealed - done > VOTE_BEHIND_MAX) return state->sealed;
    return state->busy ? 0 : done + 1;
}

void vote_proposed(struct vote_state *state, uint64_t height)
{
    ASSERT(height > state->proposed && height <= state->sealed);
    state->proposed = height;
    state->signed_to = larger(state->signed_to, height);
}

void vote_logged(struct vote_state *state, uint64_t height)
{
    state->logged = larger(state->logged, height);
}
