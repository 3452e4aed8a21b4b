#include "ledger/configuration.h"

#include "tests/unit/ledger/replicas.h"

static uint32_t wanted; /* commands that everybody is to have applied */

static bool all_applied(struct cluster *cluster)
{
    for (uint32_t i = 0; i < cluster->count; i++)
        if (cluster->members[i].alive && cluster->members[i].ticket_count < wanted) return false;
    return true;
}

/* A node alone takes the same road: leader at once, and what was agreed is there after a restart. */
TEST(replica, one_node_agrees_with_itself)
{
    struct cluster *cluster = cluster_new(1, 1);
    cluster_start(cluster);
    for (uint64_t i = 1; i <= 100; i++)
        assert_true(member_submit(&cluster->members[0], i));
    wanted = 100;
    assert_true(cluster_until(cluster, all_applied, 1000));
    const uint64_t term = replica_facts(cluster->members[0].replica).term;

    member_stop(&cluster->members[0]);
    member_start(&cluster->members[0]);
    assert_true(cluster_until(cluster, all_applied, 1000));
    assert_true(replica_facts(cluster->members[0].replica).term > term);
    for (uint64_t i = 1; i <= 100; i++)
        assert_int_equal(member_times(&cluster->members[0], i), 1);
    cluster_free(cluster);
}

/* Four members elect one leader, and a command that any of them takes is applied by all, once. */
TEST(replica, four_nodes_agree)
{
    struct cluster *cluster = cluster_new(4, 4);
    cluster_start(cluster);
    assert_true(cluster_until(cluster, cluster_has_leader, 3000));
    wanted = 0;
    for (uint64_t i = 0; i < 400; i++, wanted++)
        assert_true(member_submit(&cluster->members[i % 4], i + 1));
    assert_true(cluster_until(cluster, all_applied, 3000));
    assert_true(cluster_quiet(cluster));
    for (uint64_t i = 1; i <= 400; i++)
        assert_int_equal(member_times(&cluster->members[0], i), 1);
    cluster_free(cluster);
}
