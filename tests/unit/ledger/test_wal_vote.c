#include "ledger/wal_vote.h"

#include "tests/harness.h"

static uint8_t slots[WAL_VOTE_BYTES];

static struct wal_vote vote_of(uint64_t serial)
{
    return (struct wal_vote){
        .serial = serial, .term = 10 + serial, .voted_for = 3, .durable_write = 77, .node = 7};
}

static void put(int slot, uint64_t serial)
{
    const struct wal_vote vote = vote_of(serial);
    wal_vote_put(slots + slot * WAL_BLOCK_BYTES, &vote);
}

/* The newer slot counts, whichever it is, and two that differ are made alike again. */
TEST(wal_vote, the_newer_slot_counts)
{
    struct wal_vote vote;
    bool repair;
    put(0, 5);
    put(1, 5);
    assert_true(wal_vote_choose(slots, &vote, &repair));
    assert_int_equal(vote.term, 15);
    assert_int_equal(vote.voted_for, 3);
    assert_int_equal(vote.durable_write, 77);
    assert_int_equal(vote.node, 7);
    assert_false(repair);
    put(0, 6);
    assert_true(wal_vote_choose(slots, &vote, &repair) && repair);
    assert_int_equal(vote.serial, 6);
    put(1, 7);
    assert_true(wal_vote_choose(slots, &vote, &repair) && repair);
    assert_int_equal(vote.serial, 7);
}

/* One slot may be torn or rot, whichever byte it is; both may not. */
TEST(wal_vote, one_bad_slot_is_survived_and_two_are_not)
{
    struct wal_vote vote;
    bool repair;
    for (size_t at = 0; at < WAL_BLOCK_BYTES; at++) {
        put(0, 8);
        put(1, 8);
        slots[at] ^= 0x10;
        assert_true(wal_vote_choose(slots, &vote, &repair) && repair);
        assert_int_equal(vote.serial, 8);
        slots[WAL_BLOCK_BYTES + at] ^= 0x10;
        assert_false(wal_vote_choose(slots, &vote, &repair));
    }
}
