#include "ledger/peer_message.h"
#include "tests/unit/ledger/replicas.h"

/* The leader dies with commands of followers in its hands: a new one is there within two seconds, and the
 * followers' commands are applied, each once. */
TEST(replica_propose, a_dead_leader_costs_followers_nothing)
{
    struct cluster *cluster = cluster_of_four();
    submit_some(cluster, 200);
    assert_true(cluster_until(cluster, all_applied, 3000));
    struct member *leader = cluster_leader(cluster);
    const uint32_t at = leader->node - 1;
    for (uint32_t i = 0; i < 300; i++, wanted++)
        assert_true(member_submit(&cluster->members[(at + 1 + i % 3) % 4], wanted + 1));
    /* On their way, some of them proposed, nothing committed. */
    cluster_turns(cluster);
    cluster->now_ns += cluster->delay_ns;
    cluster_deliver(cluster);
    cluster_turns(cluster);
    member_stop(leader);
    const uint64_t begin = cluster->now_ns;
    assert_true(cluster_until(cluster, other_leads, 2000));
    assert_true(cluster_until(cluster, all_applied, 3000));
    print_message("applied %u ms after the leader's death\n",
                  (unsigned)((cluster->now_ns - begin) / MS));
    assert_once(cluster);

    member_start(leader);
    assert_true(cluster_until(cluster, all_applied, 3000));
    assert_once(cluster);
    cluster_free(cluster);
}

/* Links that break in the middle of everything lose what is on them; commands are sent again, and none is
 * applied twice. */
TEST(replica_propose, broken_links_lose_and_double_nothing)
{
    struct cluster *cluster = cluster_of_four();
    struct member dice = {.cluster = cluster};
    for (uint32_t round = 0; round < 200; round++) {
        submit_some(cluster, 20);
        const uint32_t from = (uint32_t)(cluster_random(&dice) % 4);
        const uint32_t to = (from + 1 + (uint32_t)(cluster_random(&dice) % 3)) % 4;
        cluster_run(cluster, cluster_random(&dice) % 20);
        cluster_cut(cluster, from, to, true);
        cluster_run(cluster, cluster_random(&dice) % 60);
        cluster_cut(cluster, from, to, false);
    }
    assert_true(cluster_until(cluster, all_applied, 10000));
    assert_once(cluster);
    cluster_free(cluster);
}

/* Nobody's commands are taken while too many blocks wait for a certificate; votes pass all the same. */
TEST(replica_propose, uncertified_blocks_stop_admission_but_not_votes)
{
    struct cluster *cluster = cluster_of_four();
    submit_some(cluster, 4);
    assert_true(cluster_until(cluster, all_applied, 3000));
    for (uint32_t i = 0; i < 4; i++)
        atomic_store(&cluster->members[i].progress.stuck, 1);
    cluster_run(cluster, 200);
    const uint32_t before = cluster->members[0].ticket_count;
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(atomic_load(&cluster->members[i].progress.admitting), 0);
    submit_some(cluster, 40);
    for (uint32_t i = 0; i < 4; i++)
        member_vote(&cluster->members[i], 1);
    cluster_run(cluster, 500);
    assert_int_equal(cluster->members[0].ticket_count, before);
    assert_int_equal(cluster->members[0].votes, 4);
    for (uint32_t i = 0; i < 4; i++)
        atomic_store(&cluster->members[i].progress.stuck, 0);
    assert_true(cluster_until(cluster, all_applied, 1000));
    assert_once(cluster);
    cluster_free(cluster);
}

/* A node that is not heard of for origin_lost_ms loses its sessions, once; one that says HELLO again begins a new
 * epoch. */
TEST(replica_propose, a_lost_origin_is_told_once)
{
    struct cluster *cluster = cluster_new(4, 4);
    cluster->genesis.params.origin_lost_ms = 1000;
    cluster_start(cluster);
    assert_true(cluster_until(cluster, cluster_has_leader, 3000));
    wanted = 0;
    submit_some(cluster, 8);
    assert_true(cluster_until(cluster, all_applied, 3000));
    struct member *leader = cluster_leader(cluster);
    struct member *gone = &cluster->members[leader->node % 4];
    assert_true(leader->streams[gone->node].epoch != 0);
    member_stop(gone);
    cluster_run(cluster, 800);
    assert_int_equal(leader->lost, 0);
    cluster_run(cluster, 2000);
    assert_int_equal(leader->lost, 1);
    assert_true(leader->streams[gone->node].epoch == 0);
    member_start(gone);
    submit_some(cluster, 8);
    assert_true(cluster_until(cluster, all_applied, 3000));
    assert_true(leader->streams[gone->node].epoch != 0);
    cluster_free(cluster);
}

static uint32_t deaf; /* hears no results */

static bool look_results(struct cluster *cluster, uint32_t from, uint32_t to, const uint8_t *bytes,
                         size_t byte_count)
{
    (void)cluster;
    (void)from;
    (void)byte_count;
    return to != deaf || bytes[0] != PEER_RESULT;
}

/* A new leader's first stamp is not below those of entries that an older one has left, whose clock was ahead: it
 * proposes only when it has seen them all. (replicas.h compares the stamps.) */
TEST(replica_propose, a_new_leader_sees_everything_before_it_proposes)
{
    struct cluster *cluster = cluster_of_four();
    submit_some(cluster, 20);
    assert_true(cluster_until(cluster, all_applied, 3000));
    cluster_run(cluster, 50);
    struct member *old = cluster_leader(cluster);
    deaf = old->node;
    cluster->look = look_results;
    old->clock_off_ns = 5000 * (int64_t)MS;
    for (uint32_t i = 0; i < 5; i++, wanted++)
        assert_true(member_submit(old, wanted + 1));
    cluster_run(cluster, 10);
    const uint64_t stored = replica_facts(old->replica).stored;
    assert_true(stored > replica_facts(old->replica).commit);
    member_stop(old);
    cluster->look = NULL;
    assert_true(cluster_until(cluster, other_leads, 3000));
    submit_some(cluster, 20);
    assert_true(cluster_until(cluster, all_applied, 3000));
    assert_once(cluster);
    cluster_free(cluster);
}
