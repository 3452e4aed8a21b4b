#include "ledger/vote.h"

#include "tests/harness.h"

/* A node that keeps up votes once for every block, in order. */
TEST(vote, is_once_a_block_in_rising_order)
{
    struct vote_state voting = {.sealed = 3};
    for (uint64_t height = 1; height <= 3; height++) {
        assert_int_equal(vote_next(&voting), height);
        vote_proposed(&voting, height);
    }
    assert_int_equal(vote_next(&voting), 0);
}

/* Eight blocks to vote for: each gets its vote. */
TEST(vote, of_a_node_eight_behind_is_for_the_oldest)
{
    const struct vote_state voting = {.sealed = 18, .certified = 10};
    assert_int_equal(vote_next(&voting), 11);
}

/* Nine: the newest alone, which certifies the others. */
TEST(vote, of_a_node_nine_behind_is_for_the_newest_alone)
{
    struct vote_state voting = {.sealed = 19, .certified = 10};
    assert_int_equal(vote_next(&voting), 19);
    vote_proposed(&voting, 19);
    assert_int_equal(vote_next(&voting), 0);
}

/* While the log holds more, blocks may come first; but not without end. */
TEST(vote, waits_for_a_busy_log_but_not_for_ever)
{
    struct vote_state voting = {.sealed = 8, .busy = true};
    assert_int_equal(vote_next(&voting), 0);
    voting.sealed = 9;
    assert_int_equal(vote_next(&voting), 9);
}

/* Votes of before the start are in the log that is being replayed. */
TEST(vote, is_not_proposed_in_replay)
{
    const struct vote_state voting = {.sealed = 5, .replaying = true};
    assert_int_equal(vote_next(&voting), 0);
}

/* A signed height is never proposed again when the log has the vote or a certificate. */
TEST(vote, for_a_signed_height_is_not_repeated)
{
    const struct vote_state logged = {.sealed = 5, .signed_to = 5, .logged = 5};
    const struct vote_state certified = {.sealed = 5, .signed_to = 5, .certified = 5};
    assert_int_equal(vote_next(&logged), 0);
    assert_int_equal(vote_next(&certified), 0);
}

/* The node died between the sign-once file and the log: the vote is proposed again, but none below
 * it, for what was signed there is not known any more. */
TEST(vote, that_never_reached_the_log_is_proposed_again)
{
    struct vote_state voting = {.sealed = 5, .signed_to = 5, .logged = 3, .certified = 3};
    assert_int_equal(vote_next(&voting), 5);
    vote_proposed(&voting, 5);
    assert_int_equal(vote_next(&voting), 0);
    voting.sealed = 6;
    assert_int_equal(vote_next(&voting), 6);
}

/* A node whose log ends below what it signed has nothing to say there. */
TEST(vote, is_not_given_below_what_was_signed)
{
    const struct vote_state voting = {.sealed = 4, .signed_to = 7};
    assert_int_equal(vote_next(&voting), 0);
}
