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

/* Followers hear of a commit with the next message, not with the next heartbeat: on an idle cluster a command is
 * applied everywhere within a few ways. */
TEST(replica_stream, followers_hear_of_a_commit_at_once)
{
    struct cluster *cluster = cluster_of_four();
    submit_some(cluster, 4);
    assert_true(cluster_until(cluster, all_applied, 3000));
    for (uint32_t i = 0; i < 10; i++) {
        cluster_run(cluster, 33);
        submit_some(cluster, 1);
        const uint64_t begin = cluster->now_ns;
        assert_true(cluster_until(cluster, all_applied, 100));
        assert_true(cluster->now_ns - begin < 10 * cluster->delay_ns);
    }
    cluster_free(cluster);
}

/* A follower with entries of its own from a leadership that came to nothing, away until its leader knows no terms
 * of that time: the logs meet further back, and its entries give way. */
TEST(replica_stream, logs_meet_where_they_are_equal)
{
    struct cluster *cluster = cluster_of_four();
    struct member *old = cluster_leader(cluster);
    submit_some(cluster, 20);
    assert_true(cluster_until(cluster, all_applied, 3000));
    cluster_isolate(cluster, old->node - 1, true);
    for (uint32_t i = 0; i < 30; i++) {
        assert_true(member_submit(old, 100000 + i));
        cluster_run(cluster, 5);
    }
    const struct replica_facts alone = replica_facts(old->replica);
    assert_true(alone.stored > alone.commit);
    member_stop(old);
    assert_true(cluster_until(cluster, other_leads, 3000));
    for (uint32_t i = 0; i < 60; i++) {
        submit_some(cluster, 3);
        cluster_run(cluster, 5);
    }
    for (uint32_t i = 0; i < 4; i++)
        member_stop(&cluster->members[i]);
    cluster_isolate(cluster, old->node - 1, false);
    for (uint32_t i = 0; i < 4; i++)
        if (&cluster->members[i] != old) member_start(&cluster->members[i]);
    assert_true(cluster_until(cluster, cluster_has_leader, 3000));
    cluster_run(cluster, 200);
    member_start(old);
    submit_some(cluster, 8);
    cluster_run(cluster, 1000);
    assert_true(cluster_quiet(cluster));
    assert_int_equal(old->delivered_index, cluster_leader(cluster)->delivered_index);
    assert_int_equal(member_times(old, 100010), 0); /* its process forgot it as well */
    cluster_free(cluster);
}
