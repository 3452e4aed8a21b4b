#include "ledger/vote.h"

static uint64_t larger(uint64_t left, uint64_t right)
{
    return left > right ? left : right;
}

/* The newest block that this node may vote for. */
static uint64_t newest(const struct vote_state *state)
{
    return state->last != 0 && state->last < state->sealed ? state->last : state->sealed;
}

/* What this node is done with, and cannot or need not sign any more. */
static uint64_t own_done(const struct vote_state *state)
{
    const uint64_t done = larger(state->first - 1, larger(state->logged, state->proposed));
    /* signed_to itself may be proposed again: its vote may have been lost on the way to the log. */
    return state->signed_to > 0 ? larger(done, state->signed_to - 1) : done;
}

bool vote_waits(const struct vote_state *state)
{
    return state->proposed > state->logged;
}

static bool is_overdue(const struct vote_state *state)
{
    return vote_waits(state) && (state->now_ns - state->proposed_ns >= VOTE_PATIENCE_NS ||
                                 state->term != state->proposed_term);
}

static bool is_turn(const struct vote_state *state, uint64_t height)
{
    for (uint32_t i = 0; i < state->turn_count; i++)
        if (state->turns[i] == height) return true;
    return false;
}

/* The lowest block above `done` that turns, as far as this node has one to vote for; 0: none. */
static uint64_t turn_above(const struct vote_state *state, uint64_t done)
{
    for (uint32_t i = 0; i < state->turn_count; i++)
        if (state->turns[i] > done && state->turns[i] <= newest(state)) return state->turns[i];
    return 0;
}

static uint64_t again(const struct vote_state *state)
{
    return is_overdue(state) ? state->proposed : 0;
}

uint64_t vote_next(const struct vote_state *state)
{
    if (state->replaying || state->first == 0) return 0;
    if (vote_waits(state) && is_turn(state, state->proposed)) return again(state);

    const uint64_t own = own_done(state), top = newest(state);
    const uint64_t done = larger(own, state->certified), turn = turn_above(state, own);
    if (turn != 0 && turn <= done) return turn; /* certified by a later one alone */
    if (top <= done) return top == state->proposed && top > state->certified ? again(state) : 0;
    if (top - done > VOTE_BEHIND_MAX) return turn != 0 ? turn : top;
    return state->busy ? 0 : done + 1;
}

void vote_proposed(struct vote_state *state, uint64_t height)
{
    ASSERT(height >= state->proposed && height <= newest(state));
    state->proposed = height;
    state->proposed_ns = state->now_ns;
    state->proposed_term = state->term;
    state->signed_to = larger(state->signed_to, height);
}

void vote_logged(struct vote_state *state, uint64_t height)
{
    state->logged = larger(state->logged, height);
}

/* Takes the first `count` turns away. */
static void turns_drop(struct vote_state *state, uint32_t count)
{
    state->turn_count -= count;
    for (uint32_t i = 0; i < state->turn_count; i++)
        state->turns[i] = state->turns[i + count];
}

void vote_sealed(struct vote_state *state, uint64_t height, bool turns)
{
    ASSERT(height > state->sealed);
    state->sealed = height;
    while (state->turn_count > 0 && state->turns[0] + VOTE_TURN_MAX <= height)
        turns_drop(state, 1);
    if (!turns) return;
    if (state->turn_count == VOTE_TURNS) turns_drop(state, 1);
    state->turns[state->turn_count++] = height;
}

void vote_certified(struct vote_state *state, uint64_t height)
{
    state->certified = larger(state->certified, height);
    for (uint32_t i = 0; i < state->turn_count; i++) {
        if (state->turns[i] != height) continue;
        state->turn_count--;
        for (; i < state->turn_count; i++)
            state->turns[i] = state->turns[i + 1];
    }
}
