#include "tests/unit/ledger/replicas.h"

/* A leader cut off from the rest proposes into the void: what it had is replaced by what the others agreed on, and
 * its own commands are applied behind it. */
TEST(replica_stream, a_leader_cut_off_gives_in)
{
    struct cluster *cluster = cluster_of_four();
    struct member *old = cluster_leader(cluster);
    cluster_isolate(cluster, old->node - 1, true);
    for (uint32_t i = 0; i < 50; i++, wanted++)
        assert_true(member_submit(old, wanted + 1));
    cluster_run(cluster, 100);
    const uint64_t stored = replica_facts(old->replica).stored;
    cluster_run(cluster, 1500);
    struct member *leader = cluster_leader(cluster);
    assert_ptr_not_equal(leader, old);
    for (uint32_t i = 0; i < 50; i++, wanted++)
        assert_true(member_submit(leader, wanted + 1));
    cluster_run(cluster, 1000);
    assert_true(stored > replica_facts(old->replica).commit);
    cluster_isolate(cluster, old->node - 1, false);
    assert_true(cluster_until(cluster, all_applied, 3000));
    assert_once(cluster);
    cluster_free(cluster);
}

/* A follower that was away for more than anybody has in memory gets what it lacks from the leader's log; a leader
 * that restarted meanwhile knows no terms of that time, and still serves it. */
TEST(replica_stream, a_follower_far_behind_reads_the_leaders_log)
{
    struct cluster *cluster = cluster_of_four();
    const uint32_t at = cluster_leader(cluster)->node % 4;
    member_stop(&cluster->members[at]);
    for (uint32_t round = 0; round < 100; round++) {
        submit_some(cluster, 100);
        assert_true(cluster_until(cluster, all_applied, 3000));
    }
    for (uint32_t i = 0; i < 4; i++)
        if (i != at) member_stop(&cluster->members[i]);
    for (uint32_t i = 0; i < 4; i++)
        if (i != at) member_start(&cluster->members[i]);
    assert_true(cluster_until(cluster, cluster_has_leader, 3000));
    submit_some(cluster, 10);
    member_start(&cluster->members[at]);
    assert_true(cluster_until(cluster, all_applied, 5000));
    assert_once(cluster);
    cluster_free(cluster);
}
