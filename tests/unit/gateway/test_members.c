#include "gateway/members.h"

#include "tests/harness.h"

static struct members members;

static void begin(uint32_t count)
{
    static struct genesis genesis;
    memset(&genesis, 0, sizeof(genesis));
    genesis.validators.count = count;
    for (uint32_t i = 0; i < count; i++)
        genesis.validators.members[i] =
            (struct validator){.node = i + 1, .public_key = {(uint8_t)(i + 1)}};
    members_begin(&members, &genesis);
}

static bool change(uint64_t height, uint32_t node, enum node_role role)
{
    const struct node_changed_event changed = {
        .height = height, .node = node, .role = (uint8_t)role, .public_key = {(uint8_t)node}};
    return members_apply(&members, &changed);
}

static uint32_t voters_at(uint64_t height, uint64_t *since)
{
    struct node_set set;
    struct validator_set voters;
    assert_true(members_at(&members, height, &set, since));
    node_set_voters(&set, &voters);
    return voters.count;
}

/* A change is known when it is decided and counts from its height on, not a block earlier. */
TEST(members, change_counts_from_its_height)
{
    uint64_t since;
    begin(4);
    assert_true(change(12, 5, NODE_STANDBY));
    assert_true(change(20, 5, NODE_VOTER));
    assert_int_equal(voters_at(1, &since), 4);
    assert_int_equal(since, 1);
    assert_int_equal(voters_at(19, &since), 4);
    assert_int_equal(since, 12);
    assert_int_equal(voters_at(20, &since), 5);
    assert_int_equal(since, 20);
    assert_int_equal(members_next(&members, 11), 12);
    assert_int_equal(members_next(&members, 12), 20);
    assert_int_equal(members_next(&members, 20), 0);
}

/* Both halves of a swap are of one height. */
TEST(members, two_changes_of_one_height_are_one_step)
{
    uint64_t since;
    struct node_set set;
    begin(4);
    assert_true(change(8, 9, NODE_STANDBY));
    assert_true(change(30, 2, NODE_GONE));
    assert_true(change(30, 9, NODE_VOTER));
    assert_true(members_at(&members, 30, &set, &since));
    assert_null(node_set_find(&set, 2));
    assert_int_equal(node_set_find(&set, 9)->role, NODE_VOTER);
    assert_int_equal(voters_at(29, &since), 4);
    assert_int_equal(voters_at(30, &since), 4);
}

/* Who has a header has the hash of its voters: any set that once counted is found, and only such. */
TEST(members, set_is_found_by_its_hash)
{
    uint64_t since;
    struct node_set set;
    struct validator_set voters, found;
    begin(4);
    assert_true(change(12, 5, NODE_STANDBY));
    assert_true(change(20, 5, NODE_VOTER));
    assert_true(change(30, 1, NODE_GONE));
    for (uint64_t height = 10; height <= 30; height += 10) {
        assert_true(members_at(&members, height, &set, &since));
        node_set_voters(&set, &voters);
        assert_true(members_find(&members, validator_set_hash(&voters), &found));
        assert_int_equal(found.count, voters.count);
        assert_true(hash_equal(validator_set_hash(&found), validator_set_hash(&voters)));
    }
    voters.members[0].public_key[0] ^= 1;
    assert_false(members_find(&members, validator_set_hash(&voters), &found));
}

/* What cannot be changes nothing: back in time, a member that is not there, a role that is none. */
TEST(members, impossible_changes_are_refused)
{
    uint64_t since;
    begin(4);
    assert_true(change(10, 5, NODE_STANDBY));
    assert_false(change(9, 6, NODE_STANDBY));
    assert_false(change(11, 7, NODE_GONE));
    assert_false(change(11, 7, (enum node_role)3));
    assert_false(change(11, 0, NODE_VOTER));
    assert_int_equal(voters_at(100, &since), 4);
    assert_int_equal(members_next(&members, 10), 0);
}

/* Old changes go into the base: heights below are not known any more, those above stay as they were. */
TEST(members, oldest_changes_are_folded)
{
    uint64_t since;
    struct node_set set;
    begin(4);
    for (uint64_t i = 0; i < MEMBERS_CHANGES_KEPT + 50; i++) {
        /* Node 5 comes and goes; two changes a height. */
        assert_true(change(10 + 2 * (i / 2), 5, i % 2 == 0 ? NODE_STANDBY : NODE_VOTER));
    }
    assert_false(members_at(&members, 9, &set, &since));
    assert_true(members.base_height > 1);
    assert_false(members_at(&members, members.base_height - 1, &set, &since));
    assert_int_equal(voters_at(members.base_height, &since), 5);
    assert_int_equal(voters_at(100000, &since), 5);
}

/* After a checkpoint the set begins there. */
TEST(members, begins_anew_above_a_checkpoint)
{
    uint64_t since;
    struct node_set set;
    begin(4);
    assert_true(members_at(&members, 1, &set, &since));
    set.members[3].role = NODE_STANDBY;
    members_restart(&members, 5000, &set);
    assert_false(members_at(&members, 4999, &set, &since));
    assert_int_equal(voters_at(5000, &since), 3);
    assert_int_equal(since, 5000);
    assert_true(change(5002, 4, NODE_VOTER));
    assert_int_equal(voters_at(5002, &since), 4);
}
