#include "node/change_queue.h"

#include "tests/harness.h"

static struct change_queue queue;

static void four_voters(void)
{
    struct node_set set = {.count = 5};
    for (uint32_t i = 0; i < 5; i++)
        set.members[i] = (struct node_member){
            .node = i + 1, .role = i < 4 ? NODE_VOTER : NODE_STANDBY, .address = "host:7000"};
    change_queue_begin(&queue, &set);
}

static void add(uint32_t node, enum node_role role, uint64_t height)
{
    change_queue_add(&queue, &(struct node_changed_event){
                                 .node = node, .role = (uint8_t)role, .height = height});
}

/* The node and role of the next one as 10 x node + role; 0 when there is none. It is taken out. */
static uint32_t next(uint64_t turned, uint64_t sealed)
{
    const struct node_changed_event *changed = change_queue_next(&queue, turned, sealed);
    if (changed == NULL) return 0;
    const uint32_t said = changed->node * 10 + changed->role;
    change_queue_sent(&queue, changed);
    return said;
}

/* Who comes, who is promoted, and a standby who goes: the log hears of them at once. */
TEST(change_queue, who_comes_does_not_wait)
{
    four_voters();
    add(6, NODE_STANDBY, 9);
    add(5, NODE_VOTER, 11);
    add(6, NODE_GONE, 13);
    assert_int_equal(next(0, 7), 61);
    assert_int_equal(next(0, 7), 52);
    assert_int_equal(next(0, 7), 60);
    assert_int_equal(next(0, 7), 0);
}

/* Who loses his vote signs the block that hands over first; of the other half of a swap it is not so. */
TEST(change_queue, a_voter_goes_when_his_set_has_signed)
{
    four_voters();
    add(5, NODE_VOTER, 9);
    add(2, NODE_GONE, 9);
    assert_int_equal(next(0, 7), 52);
    assert_int_equal(next(0, 20), 0);
    assert_int_equal(next(7, 20), 0); /* an older one */
    assert_int_equal(next(8, 20), 20);
    four_voters();
    add(2, NODE_STANDBY, 9);
    assert_int_equal(next(7, 9 + CHANGE_QUEUE_PATIENCE - 1), 0);
    assert_int_equal(next(7, 9 + CHANGE_QUEUE_PATIENCE), 21);
}

/* Of one node the changes keep their order, whatever other nodes do. */
TEST(change_queue, a_node_s_changes_keep_their_order)
{
    four_voters();
    add(2, NODE_STANDBY, 9);
    add(5, NODE_VOTER, 11);
    add(2, NODE_VOTER, 13);
    assert_int_equal(next(0, 7), 52);
    assert_int_equal(next(0, 7), 0);
    assert_int_equal(next(8, 9), 21);
    assert_int_equal(next(8, 9), 22);
    assert_int_equal(queue.count, 0);
}

/* A full queue keeps nobody. */
TEST(change_queue, that_is_full_lets_the_oldest_go)
{
    four_voters();
    add(2, NODE_GONE, 9);
    for (uint32_t i = 1; i < CHANGE_QUEUE_MAX; i++) {
        const uint64_t height = 9 + 2 * i;
        add(1, i % 2 == 1 ? NODE_STANDBY : NODE_VOTER, height);
    }
    assert_int_equal(next(0, 7), 20);
    assert_int_equal(next(0, 7), 0);
}
