#include "tests/harness.h"

#include "engine/nodes.h"

#include <string.h>

/* A set of `voters` voters and then `standbys` standbys, ids from 1, keys and addresses by id. */
static struct nodes set_of(uint32_t voters, uint32_t standbys)
{
    struct nodes nodes = {.last_node = voters + standbys};
    nodes.set.count = voters + standbys;
    for (uint32_t i = 0; i < nodes.set.count; i++) {
        struct node_member *member = &nodes.set.members[i];
        member->node = i + 1;
        member->role = i < voters ? NODE_VOTER : NODE_STANDBY;
        member->public_key[0] = (uint8_t)(i + 1);
        memcpy(member->address, "host:7001", 9);
        member->address[8] = (char)('1' + i);
    }
    return nodes;
}

/* Nodes `first` to `last` vote for the height. */
static void vote(struct nodes *nodes, uint32_t first, uint32_t last, uint64_t height)
{
    for (uint32_t node = first; node <= last; node++)
        nodes_vote(nodes, &(struct vote_command){.node = node, .height = height}, height);
}

static struct node_add_command newcomer(uint32_t node)
{
    struct node_add_command add = {.node = node, .public_key = {(uint8_t)node}};
    memcpy(add.address, "other:90", 8);
    add.address[7] = (uint8_t)('0' + node % 10);
    return add;
}

/* A newcomer has a new id, a key and an address of its own, and is added when the last change counts. */
TEST(nodes, a_newcomer_is_new_in_all)
{
    struct nodes nodes = set_of(3, 1);
    struct node_add_command add = newcomer(5);
    assert_int_equal(nodes_check_add(&nodes, &add, 9), REJECT_NONE);
    add.node = 4;
    assert_int_equal(nodes_check_add(&nodes, &add, 9), REJECT_NODE_ID);
    nodes.last_node = 7; /* 5 to 7 are gone, and stay it */
    add.node = 7;
    assert_int_equal(nodes_check_add(&nodes, &add, 9), REJECT_NODE_ID);
    add = newcomer(8);
    assert_int_equal(nodes_check_add(&nodes, &add, 9), REJECT_NONE);
    add.public_key[0] = 2;
    assert_int_equal(nodes_check_add(&nodes, &add, 9), REJECT_NODE_IN_USE);
    add.public_key[0] = 0;
    assert_int_equal(nodes_check_add(&nodes, &add, 9), REJECT_NODE_SPEC);
    add = newcomer(8);
    memcpy(add.address, nodes.set.members[3].address, sizeof(add.address));
    assert_int_equal(nodes_check_add(&nodes, &add, 9), REJECT_NODE_IN_USE);
    memset(add.address, 0, sizeof(add.address));
    assert_int_equal(nodes_check_add(&nodes, &add, 9), REJECT_NODE_SPEC);
}

TEST(nodes, there_are_so_many_places)
{
    struct nodes nodes = set_of(2, 0);
    while (nodes.set.count < NODE_SET_LIMIT) {
        const struct node_changed_event changed = {
            .node = nodes.last_node + 1, .role = NODE_STANDBY, .public_key = {200}};
        nodes_apply(&nodes, &changed);
    }
    struct node_add_command add = newcomer(100);
    assert_int_equal(nodes_check_add(&nodes, &add, 9), REJECT_NODES_FULL);
    const struct node_changed_event gone = {.node = 64, .role = NODE_GONE};
    nodes_apply(&nodes, &gone);
    assert_int_equal(nodes_check_add(&nodes, &add, 9), REJECT_NONE);
}

/* What is decided in block b counts from b + 2; whatever comes before is refused, and b + 2 itself is not. */
TEST(nodes, one_change_at_a_time)
{
    struct nodes nodes = set_of(4, 2);
    vote(&nodes, 1, 4, 9);
    const struct node_role_command promote = {.node = 5, .role = NODE_VOTER};
    assert_int_equal(nodes_check_role(&nodes, &promote, 9, true), REJECT_NONE);
    const struct node_changed_event changed = nodes_changed(&nodes, 5, NODE_VOTER, 9);
    assert_int_equal(changed.height, 12); /* block 10 is being built */
    assert_int_equal(changed.public_key[0], 5);
    nodes_apply(&nodes, &changed);

    struct node_add_command add = newcomer(8);
    const struct node_role_command demote = {.node = 4, .role = NODE_STANDBY};
    const struct node_role_command other = {.node = 6, .role = NODE_VOTER};
    const struct node_remove_command remove = {.node = 6};
    const struct node_swap_command swap = {.old_node = 1, .new_node = 6};
    for (uint64_t sealed = 9; sealed < 11; sealed++) {
        assert_int_equal(nodes_check_add(&nodes, &add, sealed), REJECT_NODE_PENDING);
        assert_int_equal(nodes_check_role(&nodes, &demote, sealed, true), REJECT_NODE_PENDING);
        assert_int_equal(nodes_check_role(&nodes, &other, sealed, true), REJECT_NODE_PENDING);
        assert_int_equal(nodes_check_remove(&nodes, &remove, sealed), REJECT_NODE_PENDING);
        assert_int_equal(nodes_check_swap(&nodes, &swap, sealed, true), REJECT_NODE_PENDING);
    }
    assert_int_equal(nodes_check_add(&nodes, &add, 11), REJECT_NONE);
    assert_int_equal(nodes_check_role(&nodes, &demote, 11, true), REJECT_NONE);
    assert_int_equal(nodes_check_remove(&nodes, &remove, 11), REJECT_NONE);
}

TEST(nodes, a_change_begins_from_the_role_it_names)
{
    struct nodes nodes = set_of(4, 2);
    vote(&nodes, 1, 4, 9);
    struct node_role_command change = {.node = 9, .role = NODE_VOTER};
    assert_int_equal(nodes_check_role(&nodes, &change, 9, true), REJECT_UNKNOWN_NODE);
    change = (struct node_role_command){.node = 1, .role = NODE_VOTER};
    assert_int_equal(nodes_check_role(&nodes, &change, 9, true), REJECT_NODE_ROLE);
    change = (struct node_role_command){.node = 5, .role = NODE_STANDBY};
    assert_int_equal(nodes_check_role(&nodes, &change, 9, true), REJECT_NODE_ROLE);
    change.role = NODE_GONE;
    assert_int_equal(nodes_check_role(&nodes, &change, 9, true), REJECT_NODE_SPEC);
    change.role = NODE_VOTER + 1;
    assert_int_equal(nodes_check_role(&nodes, &change, 9, true), REJECT_NODE_SPEC);
    struct node_remove_command remove = {.node = 9};
    assert_int_equal(nodes_check_remove(&nodes, &remove, 9), REJECT_UNKNOWN_NODE);
    struct node_swap_command swap = {.old_node = 9, .new_node = 5};
    assert_int_equal(nodes_check_swap(&nodes, &swap, 9, true), REJECT_UNKNOWN_NODE);
    swap = (struct node_swap_command){.old_node = 1, .new_node = 9};
    assert_int_equal(nodes_check_swap(&nodes, &swap, 9, true), REJECT_UNKNOWN_NODE);
    swap = (struct node_swap_command){.old_node = 5, .new_node = 6};
    assert_int_equal(nodes_check_swap(&nodes, &swap, 9, true), REJECT_NODE_ROLE);
    swap = (struct node_swap_command){.old_node = 1, .new_node = 2};
    assert_int_equal(nodes_check_swap(&nodes, &swap, 9, true), REJECT_NODE_ROLE);
    swap = (struct node_swap_command){.old_node = 1, .new_node = 5};
    assert_int_equal(nodes_check_swap(&nodes, &swap, 9, true), REJECT_NONE);
}

/* 1, 2, 3, 4 and back: where everybody must sign, a newcomer that runs is counted on. */
TEST(nodes, a_chain_grows_from_one_and_shrinks_to_one)
{
    struct nodes nodes = set_of(1, 3);
    uint64_t sealed = 1;
    for (uint32_t node = 2; node <= 4; node++) {
        const struct node_role_command promote = {.node = node, .role = NODE_VOTER};
        assert_int_equal(nodes_check_role(&nodes, &promote, sealed, true), REJECT_QUORUM_LOST);
        vote(&nodes, 1, node - 1, sealed);
        assert_int_equal(nodes_check_role(&nodes, &promote, sealed, false), REJECT_NODE_SILENT);
        assert_int_equal(nodes_check_role(&nodes, &promote, sealed, true), REJECT_NONE);
        const struct node_changed_event changed = nodes_changed(&nodes, node, NODE_VOTER, sealed);
        nodes_apply(&nodes, &changed);
        sealed += 200; /* whoever voted before is silent by now */
    }
    for (uint32_t node = 4; node >= 2; node--) {
        const struct node_role_command demote = {.node = node, .role = NODE_STANDBY};
        assert_int_equal(nodes_check_role(&nodes, &demote, sealed, true), REJECT_QUORUM_LOST);
        vote(&nodes, 1, node - 1, sealed);
        assert_int_equal(nodes_check_role(&nodes, &demote, sealed, true), REJECT_NONE);
        const struct node_changed_event changed = nodes_changed(&nodes, node, NODE_STANDBY, sealed);
        nodes_apply(&nodes, &changed);
        sealed += 200;
    }
    vote(&nodes, 1, 1, sealed);
    const struct node_role_command demote = {.node = 1, .role = NODE_STANDBY};
    assert_int_equal(nodes_check_role(&nodes, &demote, sealed, true), REJECT_LAST_VOTER);
    const struct node_remove_command remove = {.node = 1};
    assert_int_equal(nodes_check_remove(&nodes, &remove, sealed), REJECT_LAST_VOTER);
}

/* From four voters on a quorum of the new set must do without the newcomer: 4 + 1 need four of the old,
 * 3 + 1 three. */
TEST(nodes, a_newcomer_is_silent_where_others_suffice)
{
    struct nodes nodes = set_of(4, 1);
    const struct node_role_command promote = {.node = 5, .role = NODE_VOTER};
    vote(&nodes, 1, 3, 9);
    assert_int_equal(nodes_check_role(&nodes, &promote, 9, true), REJECT_QUORUM_LOST);
    vote(&nodes, 4, 4, 9);
    assert_int_equal(nodes_check_role(&nodes, &promote, 9, true), REJECT_NONE);

    nodes = set_of(3, 1);
    const struct node_role_command fourth = {.node = 4, .role = NODE_VOTER};
    vote(&nodes, 1, 2, 9);
    assert_int_equal(nodes_check_role(&nodes, &fourth, 9, true), REJECT_QUORUM_LOST);
    vote(&nodes, 3, 3, 9);
    assert_int_equal(nodes_check_role(&nodes, &fourth, 9, true), REJECT_NONE);
}

/* A voter may go when those that stay are a quorum of themselves and vote: three of three, not two. */
TEST(nodes, a_quorum_stays)
{
    struct nodes nodes = set_of(4, 0);
    vote(&nodes, 1, 3, 9);
    const struct node_remove_command dead = {.node = 4}, alive = {.node = 3};
    assert_int_equal(nodes_check_remove(&nodes, &dead, 9), REJECT_NONE);
    assert_int_equal(nodes_check_remove(&nodes, &alive, 9), REJECT_QUORUM_LOST);
    const struct node_role_command demote = {.node = 3, .role = NODE_STANDBY};
    assert_int_equal(nodes_check_role(&nodes, &demote, 9, true), REJECT_QUORUM_LOST);
}

/* The lost node's place goes to the standby; the three that are left sign meanwhile. */
TEST(nodes, a_swap_needs_the_rest_to_vote)
{
    struct nodes nodes = set_of(4, 1);
    const struct node_swap_command swap = {.old_node = 2, .new_node = 5};
    vote(&nodes, 1, 1, 9);
    vote(&nodes, 3, 3, 9);
    assert_int_equal(nodes_check_swap(&nodes, &swap, 9, true), REJECT_QUORUM_LOST);
    vote(&nodes, 4, 4, 9);
    assert_int_equal(nodes_check_swap(&nodes, &swap, 9, false), REJECT_NODE_SILENT);
    assert_int_equal(nodes_check_swap(&nodes, &swap, 9, true), REJECT_NONE);
    vote(&nodes, 2, 2, 9); /* its own vote changes nothing */
    assert_int_equal(nodes_check_swap(&nodes, &swap, 9, true), REJECT_NONE);
}

/* 100 heights: the 100th still counts, the 101st does not. */
TEST(nodes, an_old_vote_is_silence)
{
    struct nodes nodes = set_of(4, 0);
    vote(&nodes, 1, 2, 500);
    vote(&nodes, 3, 3, 401);
    const struct node_remove_command remove = {.node = 4};
    assert_int_equal(nodes_check_remove(&nodes, &remove, 500), REJECT_NONE);
    assert_int_equal(nodes_check_remove(&nodes, &remove, 501), REJECT_QUORUM_LOST);
}

/* Nobody's vote, another epoch's, and one for a block that is not sealed say nothing; a standby's neither,
 * and who votes again after standing by has to show it anew. */
TEST(nodes, votes_that_do_not_count)
{
    struct nodes nodes = set_of(2, 1);
    nodes.epoch = 3;
    nodes_vote(&nodes, &(struct vote_command){.node = 9, .height = 5, .epoch = 3}, 5);
    nodes_vote(&nodes, &(struct vote_command){.node = 1, .height = 5, .epoch = 2}, 5);
    nodes_vote(&nodes, &(struct vote_command){.node = 1, .height = 6, .epoch = 3}, 5);
    nodes_vote(&nodes, &(struct vote_command){.node = 3, .height = 5, .epoch = 3}, 5);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(nodes.voted[i], 0);
    nodes_vote(&nodes, &(struct vote_command){.node = 2, .height = 5, .epoch = 3}, 5);
    nodes_vote(&nodes, &(struct vote_command){.node = 2, .height = 4, .epoch = 3}, 5);
    assert_int_equal(nodes.voted[1], 5); /* the highest one */

    struct node_changed_event changed = nodes_changed(&nodes, 2, NODE_STANDBY, 5);
    nodes_apply(&nodes, &changed);
    changed = nodes_changed(&nodes, 2, NODE_VOTER, 8);
    nodes_apply(&nodes, &changed);
    assert_int_equal(nodes.voted[1], 0);
}

/* The heights that nodes voted for stay theirs when others come and go. */
TEST(nodes, votes_move_with_their_nodes)
{
    struct nodes nodes = set_of(4, 1);
    for (uint32_t node = 1; node <= 4; node++)
        vote(&nodes, node, node, 10 * node);
    const struct node_changed_event gone = nodes_changed(&nodes, 2, NODE_GONE, 40);
    nodes_apply(&nodes, &gone);
    assert_int_equal(nodes.set.count, 4);
    assert_int_equal(nodes.set.members[1].node, 3);
    const uint64_t left[] = {10, 30, 40, 0};
    assert_memory_equal(nodes.voted, left, sizeof(left));
    assert_int_equal(nodes.last_node, 5);
}

/* Epochs have no gap, and name a height that is sealed. */
TEST(nodes, epochs_follow_one_another)
{
    struct nodes nodes = set_of(1, 0);
    nodes.epoch = 4;
    struct epoch_change_command change = {.epoch = 5, .height = 7};
    assert_int_equal(nodes_check_epoch(&nodes, &change, 7), REJECT_NONE);
    assert_int_equal(nodes_check_epoch(&nodes, &change, 6), REJECT_EPOCH);
    change.epoch = 4;
    assert_int_equal(nodes_check_epoch(&nodes, &change, 7), REJECT_EPOCH);
    change.epoch = 6;
    assert_int_equal(nodes_check_epoch(&nodes, &change, 7), REJECT_EPOCH);
    change.epoch = 5; /* and whose statements count must be settled */
    nodes.change_height = 9;
    assert_int_equal(nodes_check_epoch(&nodes, &change, 7), REJECT_NODE_PENDING);
    assert_int_equal(nodes_check_epoch(&nodes, &change, 8), REJECT_NONE);
}
