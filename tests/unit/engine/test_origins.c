#include "tests/harness.h"

#include "engine/origins.h"

static struct command_header from(uint32_t node, uint64_t epoch, uint64_t sequence)
{
    return (struct command_header){
        .origin = node, .origin_epoch = epoch, .origin_sequence = sequence};
}

static bool advances(struct origins *origins, uint32_t node, uint64_t epoch, uint64_t sequence)
{
    const struct command_header header = from(node, epoch, sequence);
    return origins_advance(origins, &header);
}

static void origins_open(struct origins *origins)
{
    static const struct validator_set set = {.count = 2, .members = {{.node = 3}, {.node = 9}}};
    origins_init(origins, &set);
}

/* last + 1, exactly: the same again and one too far are both stale, and neither is counted. */
TEST(origins, only_the_next_sequence_applies)
{
    struct origins origins;
    origins_open(&origins);
    assert_true(origins_hello(&origins, 9, 17, 17));
    assert_false(advances(&origins, 9, 17, 0));
    assert_true(advances(&origins, 9, 17, 1));
    assert_false(advances(&origins, 9, 17, 1));
    assert_false(advances(&origins, 9, 17, 3));
    assert_true(advances(&origins, 9, 17, 2));
}

/* A second HELLO closes the first epoch, for good. */
TEST(origins, a_new_epoch_closes_the_older_one)
{
    struct origins origins;
    origins_open(&origins);
    assert_true(origins_hello(&origins, 3, 17, 17));
    assert_true(advances(&origins, 3, 17, 1));
    assert_true(origins_hello(&origins, 3, 90, 90));
    assert_false(advances(&origins, 3, 17, 2));
    assert_true(advances(&origins, 3, 90, 1));
}

TEST(origins, nobody_has_no_epoch_and_a_nodes_own_commands_need_none)
{
    struct origins origins;
    origins_open(&origins);
    assert_false(origins_hello(&origins, 4, 5, 5)); /* not a validator */
    assert_false(advances(&origins, 4, 5, 1));
    assert_false(advances(&origins, 3, 0, 1)); /* no HELLO yet */
    assert_true(advances(&origins, 0, 0, 0));
}

/* A lost node's present epoch is closed, and only that one: what it still sends is stale until it says
 * HELLO anew. */
TEST(origins, losing_closes_the_present_epoch_alone)
{
    struct origins origins;
    origins_open(&origins);
    assert_false(origins_lose(&origins, 9, 0)); /* no HELLO yet */
    assert_true(origins_hello(&origins, 9, 17, 17));
    assert_true(advances(&origins, 9, 17, 1));
    assert_false(origins_lose(&origins, 9, 16));
    assert_false(origins_lose(&origins, 9, 0));
    assert_false(origins_lose(&origins, 3, 17));
    assert_false(origins_lose(&origins, 4, 17)); /* not a validator */
    assert_true(advances(&origins, 9, 17, 2));
    assert_true(origins_lose(&origins, 9, 17));
    assert_false(advances(&origins, 9, 17, 3));
    assert_false(advances(&origins, 9, 0, 3));
    assert_false(origins_lose(&origins, 9, 17));
    assert_true(origins_hello(&origins, 9, 90, 90));
    assert_true(advances(&origins, 9, 90, 1));
}

/* Sent again, by the node or by whoever forwards for it, a HELLO is nothing: the epoch goes on. With
 * another nonce it is another process, and after a loss it opens a new epoch. */
TEST(origins, a_hello_said_twice_is_one)
{
    struct origins origins;
    origins_open(&origins);
    assert_true(origins_hello(&origins, 9, 5, 17));
    assert_true(advances(&origins, 9, 17, 1));
    assert_false(origins_hello(&origins, 9, 5, 18));
    assert_int_equal(origins_epoch(&origins, 9), 17);
    assert_true(advances(&origins, 9, 17, 2));
    assert_true(origins_hello(&origins, 3, 5, 19)); /* another node's may have the same */
    assert_true(origins_hello(&origins, 9, 6, 20));
    assert_false(advances(&origins, 9, 17, 3));
    assert_true(origins_hello(&origins, 9, 5, 21)); /* of the epoch before: not the present one */
    assert_true(origins_lose(&origins, 9, 21));
    assert_true(origins_hello(&origins, 9, 5, 22));
    assert_true(advances(&origins, 9, 22, 1));
}

/* A nonce of 0 is a nonce like any other. */
TEST(origins, a_nonce_of_nothing_counts_only_in_an_open_epoch)
{
    struct origins origins;
    origins_open(&origins);
    assert_true(origins_hello(&origins, 9, 0, 17));
    assert_false(origins_hello(&origins, 9, 0, 18));
}

/* The node set grows and shrinks; what the others have said stays. */
TEST(origins, members_come_and_go)
{
    struct origins origins;
    origins_open(&origins);
    assert_true(origins_hello(&origins, 9, 1, 17));
    assert_true(advances(&origins, 9, 17, 1));
    assert_false(origins_hello(&origins, 5, 1, 18));
    origins_add(&origins, 5);
    origins_add(&origins, 12);
    assert_int_equal(origins.count, 4);
    for (uint32_t i = 1; i < origins.count; i++)
        assert_true(origins.members[i - 1].node < origins.members[i].node);
    assert_int_equal(origins_epoch(&origins, 5), 0);
    assert_true(origins_hello(&origins, 5, 1, 19));
    assert_true(origins_hello(&origins, 12, 1, 20));
    assert_true(advances(&origins, 9, 17, 2));
    origins_remove(&origins, 5);
    assert_int_equal(origins.count, 3);
    assert_false(advances(&origins, 5, 19, 1));
    assert_false(origins_lose(&origins, 5, 19));
    assert_false(origins_hello(&origins, 5, 2, 21));
    assert_int_equal(origins_epoch(&origins, 5), 0);
    assert_true(advances(&origins, 9, 17, 3));
    assert_true(advances(&origins, 12, 20, 1));
    origins_remove(&origins, 12);
    origins_remove(&origins, 3);
    origins_remove(&origins, 9);
    assert_int_equal(origins.count, 0);
    while (origins.count < ORIGINS_LIMIT)
        origins_add(&origins, 100 + origins.count);
}
