#include "tests/unit/ledger/replicas.h"

/* A node alone takes the same road: leader at once, and what was agreed is there after a restart. */
TEST(replica_open, one_node_agrees_with_itself)
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

/* Kill -9 of everybody, again and again: what was applied stays, and the log goes on. */
TEST(replica_open, a_whole_cluster_comes_back)
{
    struct cluster *cluster = cluster_of_four();
    for (uint32_t round = 0; round < 5; round++) {
        submit_some(cluster, 60);
        assert_true(cluster_until(cluster, all_applied, 3000));
        for (uint32_t i = 0; i < 4; i++)
            member_stop(&cluster->members[i]);
        for (uint32_t i = 0; i < 4; i++)
            member_start(&cluster->members[i]);
        assert_true(cluster_until(cluster, cluster_has_leader, 3000));
        assert_true(cluster_until(cluster, all_applied, 3000));
        assert_once(cluster);
    }
    cluster_free(cluster);
}
