#include "ledger/vote.h"

#include "tests/harness.h"

/* A node that keeps up votes once for every block, in order. */
TEST(vote, is_once_a_block_in_rising_order)
{
    struct vote_state voting = {.first = 1, .sealed = 3};
    for (uint64_t height = 1; height <= 3; height++) {
        assert_int_equal(vote_next(&voting), height);
        vote_proposed(&voting, height);
    }
    assert_int_equal(vote_next(&voting), 0);
}

/* Eight blocks to vote for: each gets its vote. */
TEST(vote, of_a_node_eight_behind_is_for_the_oldest)
{
    const struct vote_state voting = {.first = 1, .sealed = 18, .certified = 10};
    assert_int_equal(vote_next(&voting), 11);
}

/* Nine: the newest alone, which certifies the others. */
TEST(vote, of_a_node_nine_behind_is_for_the_newest_alone)
{
    struct vote_state voting = {.first = 1, .sealed = 19, .certified = 10};
    assert_int_equal(vote_next(&voting), 19);
    vote_proposed(&voting, 19);
    assert_int_equal(vote_next(&voting), 0);
}

/* While the log holds more, blocks may come first; but not without end. */
TEST(vote, waits_for_a_busy_log_but_not_for_ever)
{
    struct vote_state voting = {.first = 1, .sealed = 8, .busy = true};
    assert_int_equal(vote_next(&voting), 0);
    voting.sealed = 9;
    assert_int_equal(vote_next(&voting), 9);
}

/* Votes of before the start are in the log that is being replayed. */
TEST(vote, is_not_proposed_in_replay)
{
    const struct vote_state voting = {.first = 1, .sealed = 5, .replaying = true};
    assert_int_equal(vote_next(&voting), 0);
}

/* A signed height is never proposed again when the log has the vote or a certificate. */
TEST(vote, for_a_signed_height_is_not_repeated)
{
    const struct vote_state logged = {.first = 1, .sealed = 5, .signed_to = 5, .logged = 5};
    const struct vote_state certified = {.first = 1, .sealed = 5, .signed_to = 5, .certified = 5};
    assert_int_equal(vote_next(&logged), 0);
    assert_int_equal(vote_next(&certified), 0);
}

/* The node died between the sign-once file and the log: the vote is proposed again, but none below
 * it, for what was signed there is not known any more. */
TEST(vote, that_never_reached_the_log_is_proposed_again)
{
    struct vote_state voting = {
        .first = 1, .sealed = 5, .signed_to = 5, .logged = 3, .certified = 3};
    assert_int_equal(vote_next(&voting), 5);
    vote_proposed(&voting, 5);
    assert_int_equal(vote_next(&voting), 0);
    voting.sealed = 6;
    assert_int_equal(vote_next(&voting), 6);
}

/* A node whose log ends below what it signed has nothing to say there. */
TEST(vote, is_not_given_below_what_was_signed)
{
    const struct vote_state voting = {.first = 1, .sealed = 4, .signed_to = 7};
    assert_int_equal(vote_next(&voting), 0);
}

/* A node begins to vote with the block from which on it is a voter, and ends with the last. */
TEST(vote, is_a_voters_alone)
{
    struct vote_state voting = {.sealed = 5};
    assert_int_equal(vote_next(&voting), 0);
    voting.first = 6;
    assert_int_equal(vote_next(&voting), 0);
    voting.sealed = 6;
    assert_int_equal(vote_next(&voting), 6);
    vote_proposed(&voting, 6);
    voting.last = 6;
    voting.sealed = 7;
    assert_int_equal(vote_next(&voting), 0);
    voting = (struct vote_state){.first = 1, .last = 6, .sealed = 30};
    assert_int_equal(vote_next(&voting), 1); /* not behind: 6 is its newest */
}

/* The newest vote goes out again when the log has not had it for so long, or another leader came; not when
 * it was certified without it. */
TEST(vote, that_was_lost_goes_out_again)
{
    struct vote_state voting = {.first = 1, .sealed = 4, .certified = 3, .now_ns = 1000, .term = 2};
    assert_int_equal(vote_next(&voting), 4);
    vote_proposed(&voting, 4);
    voting.now_ns += VOTE_PATIENCE_NS - 1;
    assert_int_equal(vote_next(&voting), 0);
    voting.now_ns++;
    assert_int_equal(vote_next(&voting), 4);
    vote_proposed(&voting, 4);
    assert_int_equal(vote_next(&voting), 0);
    voting.term = 3;
    assert_int_equal(vote_next(&voting), 4);
    vote_proposed(&voting, 4);
    assert_int_equal(vote_next(&voting), 0);
    assert_true(vote_waits(&voting));

    struct vote_state certified = voting;
    certified.now_ns += 2 * VOTE_PATIENCE_NS;
    vote_certified(&certified, 4);
    assert_int_equal(vote_next(&certified), 0);
    voting.now_ns += 2 * VOTE_PATIENCE_NS;
    vote_logged(&voting, 4);
    assert_int_equal(vote_next(&voting), 0);
    assert_false(vote_waits(&voting));
}

/* A newer block's vote takes the lost one's place: it certifies both. */
TEST(vote, for_a_newer_block_is_not_held_up_by_a_lost_one)
{
    struct vote_state voting = {.first = 1, .sealed = 4, .certified = 3};
    vote_proposed(&voting, 4);
    vote_sealed(&voting, 5, false);
    assert_int_equal(vote_next(&voting), 5);
    vote_proposed(&voting, 5);
    voting.now_ns += VOTE_PATIENCE_NS;
    assert_int_equal(vote_next(&voting), 5);
}

static struct vote_state turning(uint64_t sealed, uint64_t turn)
{
    struct vote_state voting = {.first = 1};
    for (uint64_t height = 1; height <= sealed; height++)
        vote_sealed(&voting, height, height == turn);
    return voting;
}

/* Far behind or not, a block that hands over to another set is voted for, and first seen in the log. */
TEST(vote, for_a_block_that_turns_is_never_skipped)
{
    struct vote_state voting = turning(40, 20);
    assert_int_equal(vote_next(&voting), 20);
    vote_proposed(&voting, 20);
    assert_int_equal(vote_next(&voting), 0);
    voting.now_ns += VOTE_PATIENCE_NS;
    assert_int_equal(vote_next(&voting), 20);
    vote_logged(&voting, 20);
    assert_int_equal(vote_next(&voting), 40);
}

/* The others certified a later block by the new set: this one needs the old set's signatures still. */
TEST(vote, for_a_block_that_turns_comes_after_a_later_certificate)
{
    struct vote_state voting = turning(23, 20);
    vote_certified(&voting, 22);
    assert_int_equal(vote_next(&voting), 20);
    vote_proposed(&voting, 20);
    vote_certified(&voting, 20); /* by itself: there is nothing to wait for */
    assert_int_equal(voting.certified, 22);
    assert_int_equal(vote_next(&voting), 23);
}

/* It waits for VOTE_TURN_MAX blocks, by then its votes are not counted any more. */
TEST(vote, for_a_block_that_turns_is_given_up_in_the_end)
{
    struct vote_state voting = turning(20 + VOTE_TURN_MAX - 1, 20);
    assert_int_equal(vote_next(&voting), 20);
    vote_proposed(&voting, 20);
    vote_sealed(&voting, 20 + VOTE_TURN_MAX, false);
    assert_int_equal(vote_next(&voting), 20 + VOTE_TURN_MAX);
    voting = turning(20 + VOTE_TURN_MAX, 20);
    assert_int_equal(vote_next(&voting), 20 + VOTE_TURN_MAX);
}

/* Several turn: lowest first, one at a time; a node that is gone by then votes for those of its time. */
TEST(vote, for_blocks_that_turn_in_their_order)
{
    struct vote_state voting = {.first = 1, .last = 22};
    for (uint64_t height = 1; height <= 40; height++)
        vote_sealed(&voting, height, height >= 18 && height % 2 == 0);
    for (uint64_t turn = 18; turn <= 22; turn += 2) {
        uint64_t height = vote_next(&voting);
        if (turn > 18) { /* near enough by now to vote for what lies between */
            assert_int_equal(height, turn - 1);
            vote_proposed(&voting, height);
            height = vote_next(&voting);
        }
        assert_int_equal(height, turn);
        vote_proposed(&voting, turn);
        assert_int_equal(vote_next(&voting), 0);
        vote_logged(&voting, turn);
    }
    assert_int_equal(vote_next(&voting), 0);
}
