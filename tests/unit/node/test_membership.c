#include "node/membership.h"

#include "tests/harness.h"

#include <string.h>

static struct genesis genesis;
static struct membership membership;

static void three_voters(void)
{
    memset(&genesis, 0, sizeof(genesis));
    genesis.validators.count = 3;
    for (uint32_t i = 0; i < 3; i++) {
        struct validator *validator = &genesis.validators.members[i];
        *validator = (struct validator){
            .node = i + 1, .public_key = {(uint8_t)(i + 1)}, .address = "host:7000"};
    }
    membership_begin(&membership, &genesis);
}

static struct node_changed_event changed_to(uint32_t node, enum node_role role, uint64_t height)
{
    struct node_changed_event changed = {
        .height = height, .node = node, .role = (uint8_t)role, .public_key = {(uint8_t)node}};
    memcpy(changed.address, "host:7000", 9);
    return changed;
}

static const char *take(const struct node_changed_event *changed, uint64_t command, uint64_t height)
{
    uint8_t payload[NODE_CHANGED_BYTES];
    node_changed_event_put(payload, changed);
    const struct event event = {T_NODE_CHANGED, NODE_CHANGED_BYTES, payload};
    return membership_event(&membership, &event, command, height);
}

static hash_t hash_of_set(const struct node_set *set)
{
    struct validator_set voters;
    node_set_voters(set, &voters);
    return validator_set_hash(&voters);
}

/* Decided in block 5, the change is announced by header 6 and counts in block 7. */
TEST(membership, a_change_is_announced_one_block_ahead)
{
    three_voters();
    const hash_t before = membership.validators_hash;
    const struct node_changed_event gone = changed_to(2, NODE_GONE, 7);
    assert_null(take(&gone, 50, 5));
    const hash_t after = membership.next_hash;
    assert_memory_not_equal(&before, &after, sizeof(before));
    assert_memory_equal(&after, (hash_t[]){hash_of_set(&membership.next)}, sizeof(after));

    const hash_t in_force[] = {before, before, after}, next[] = {before, after, after};
    for (uint64_t height = 5; height <= 7; height++) {
        assert_true(membership_check(&membership, height));
        assert_memory_equal(&membership.validators_hash, &in_force[height - 5], sizeof(before));
        const hash_t announced = membership_next_hash(&membership, height);
        assert_memory_equal(&announced, &next[height - 5], sizeof(before));
        assert_int_equal(membership.nodes.count, height == 7 ? 2 : 3);
        membership_end_block(&membership, height);
    }
}

/* A standby changes nothing of who votes: no header says another set. */
TEST(membership, a_standby_is_no_other_set)
{
    three_voters();
    const hash_t before = membership.validators_hash;
    const struct node_changed_event added = changed_to(4, NODE_STANDBY, 7);
    assert_null(take(&added, 50, 5));
    membership_end_block(&membership, 5);
    const hash_t announced = membership_next_hash(&membership, 6);
    assert_memory_equal(&announced, &before, sizeof(before));
    membership_end_block(&membership, 6);
    assert_int_equal(membership.nodes.count, 4);
    assert_memory_equal(&membership.validators_hash, &before, sizeof(before));
}

/* What does not follow is named and not done. */
TEST(membership, a_change_that_does_not_follow_is_refused)
{
    three_voters();
    static struct membership before;
    before = membership;
    struct node_changed_event changed = changed_to(2, NODE_STANDBY, 8);
    assert_string_equal(take(&changed, 50, 5), "height of a node change");
    changed.height = 6;
    assert_string_equal(take(&changed, 50, 5), "height of a node change");
    changed = changed_to(2, NODE_VOTER, 7);
    assert_string_equal(take(&changed, 50, 5), "key, address or role of a node");
    changed = changed_to(2, NODE_STANDBY, 7);
    changed.public_key[31] = 1;
    assert_string_equal(take(&changed, 50, 5), "key, address or role of a node");
    changed = changed_to(2, NODE_STANDBY, 7);
    changed.address[0] = 'x';
    assert_string_equal(take(&changed, 50, 5), "key, address or role of a node");
    changed = changed_to(4, NODE_VOTER, 7); /* a newcomer stands by first */
    assert_string_equal(take(&changed, 50, 5), "key, address or role of a node");
    changed = changed_to(4, NODE_GONE, 7);
    assert_string_equal(take(&changed, 50, 5), "key, address or role of a node");
    assert_memory_equal(&before, &membership, sizeof(before));
}

/* One command may change two nodes; another has to wait until the change counts. */
TEST(membership, one_command_changes_at_a_time)
{
    three_voters();
    struct node_changed_event changed = changed_to(4, NODE_STANDBY, 7);
    assert_null(take(&changed, 50, 5));
    changed = changed_to(5, NODE_STANDBY, 7);
    assert_string_equal(take(&changed, 51, 5), "node change before the last one counts");
    assert_null(take(&changed, 50, 5));
    membership_end_block(&membership, 5);
    changed.height = 8;
    changed.node = 6;
    changed.public_key[0] = 6;
    assert_string_equal(take(&changed, 60, 6), "node change before the last one counts");
    membership_end_block(&membership, 6);
    changed.height = 9;
    assert_null(take(&changed, 70, 7));
    for (uint32_t node = 1; node <= 3; node++) {
        changed = changed_to(node, NODE_STANDBY, 9);
        const char *fault = take(&changed, 70, 7);
        if (node < 3) assert_null(fault);
        if (node == 3) assert_string_equal(fault, "last voter");
    }
}

/* The epoch of a block is the one it began with. */
TEST(membership, an_epoch_begins_with_the_next_block)
{
    three_voters();
    uint8_t payload[8];
    struct event event = {T_EPOCH_CHANGED, EPOCH_CHANGED_BYTES, payload};
    epoch_changed_event_put(payload, &(struct epoch_changed_event){.epoch = 2});
    assert_string_equal(membership_event(&membership, &event, 50, 5), "epoch");
    epoch_changed_event_put(payload, &(struct epoch_changed_event){.epoch = 1});
    assert_null(membership_event(&membership, &event, 50, 5));
    assert_int_equal(membership.epoch, 0);
    assert_string_equal(membership_event(&membership, &event, 51, 5), "epoch");
    membership_end_block(&membership, 5);
    assert_int_equal(membership.epoch, 1);
}

/* Between two blocks it comes back as it was; what cannot have been is refused. */
TEST(membership, is_restored_between_two_blocks)
{
    three_voters();
    const struct node_changed_event gone = changed_to(2, NODE_GONE, 7);
    assert_null(take(&gone, 50, 5));
    membership_end_block(&membership, 5);
    static struct membership again;
    const struct membership *m = &membership;
    assert_true(membership_restore(&again, 5, &m->nodes, &m->next, 7, 3));
    assert_int_equal(again.epoch, 3);
    assert_int_equal(again.next_epoch, 3);
    assert_memory_equal(&again.validators_hash, &m->validators_hash, sizeof(hash_t));
    assert_memory_equal(&again.next_hash, &m->next_hash, sizeof(hash_t));
    assert_false(membership_restore(&again, 5, &m->nodes, &m->next, 0, 3));
    assert_false(membership_restore(&again, 5, &m->nodes, &m->next, 6, 3));
    assert_false(membership_restore(&again, 5, &m->nodes, &m->next, 8, 3));
    static struct node_set bad;
    bad = m->nodes;
    bad.members[0].role = NODE_GONE;
    assert_false(membership_restore(&again, 5, &bad, &m->next, 7, 3));
    bad = m->nodes;
    bad.members[1].node = 1;
    assert_false(membership_restore(&again, 5, &bad, &m->next, 7, 3));
    bad = m->nodes;
    bad.count = NODE_SET_LIMIT + 1;
    assert_false(membership_restore(&again, 5, &bad, &m->next, 7, 3));
    bad.count = 0;
    assert_false(membership_restore(&again, 5, &bad, &m->next, 7, 3));
    for (uint32_t i = 0; i < 3; i++)
        bad.members[i].role = NODE_STANDBY;
    bad.count = 3;
    assert_false(membership_restore(&again, 5, &m->nodes, &bad, 7, 3));
}
