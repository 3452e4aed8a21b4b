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

/* ---- When something dies ---- */

static struct cluster *cluster_of_four(void)
{
    struct cluster *cluster = cluster_new(4, 4);
    cluster_start(cluster);
    assert_true(cluster_until(cluster, cluster_has_leader, 3000));
    wanted = 0;
    return cluster;
}

/* `count` commands with new tickets, one at each member that lives in turn. */
static void submit_some(struct cluster *cluster, uint32_t count)
{
    for (uint32_t i = 0; i < count; wanted++, i++) {
        uint32_t at = wanted % cluster->count;
        while (!cluster->members[at].alive)
            at = (at + 1) % cluster->count;
        assert_true(member_submit(&cluster->members[at], wanted + 1));
    }
}

static void assert_once(struct cluster *cluster)
{
    assert_true(cluster_quiet(cluster));
    const struct member *member = cluster_leader(cluster);
    uint8_t *seen = calloc(wanted + 1, 1);
    for (uint32_t i = 0; i < member->ticket_count; i++) {
        assert_true(member->tickets[i] <= wanted);
        assert_int_equal(seen[member->tickets[i]]++, 0);
    }
    free(seen);
    assert_int_equal(member->ticket_count, wanted);
}

static bool other_leads(struct cluster *cluster)
{
    return cluster_leader(cluster) != NULL && cluster_has_leader(cluster);
}

/* The leader dies with commands of followers in its hands: a new one is there within two seconds, and the
 * followers' commands are applied, each once. */
TEST(replica, a_dead_leader_costs_followers_nothing)
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

/* With two of four gone nothing is agreed, and nothing is lost: what was put in is applied when one is back. */
TEST(replica, half_is_not_enough)
{
    struct cluster *cluster = cluster_of_four();
    submit_some(cluster, 40);
    assert_true(cluster_until(cluster, all_applied, 3000));
    const uint32_t leader = cluster_leader(cluster)->node - 1;
    member_stop(&cluster->members[(leader + 1) % 4]);
    member_stop(&cluster->members[(leader + 2) % 4]);
    const uint32_t before = cluster->members[leader].ticket_count;
    for (uint32_t i = 0; i < 10; i++, wanted++)
        assert_true(member_submit(&cluster->members[(leader + 3) % 4], wanted + 1));
    cluster_run(cluster, 2000);
    assert_int_equal(cluster->members[leader].ticket_count, before);
    assert_null(cluster_leader(cluster)); /* it has stepped down */
    member_start(&cluster->members[(leader + 1) % 4]);
    assert_true(cluster_until(cluster, all_applied, 3000));
    assert_once(cluster);
    cluster_free(cluster);
}

/* Kill -9 of everybody, again and again: what was applied stays, and the log goes on. */
TEST(replica, a_whole_cluster_comes_back)
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

/* A leader cut off from the rest proposes into the void: what it had is replaced by what the others agreed on, and
 * its own commands are applied behind it. */
TEST(replica, a_leader_cut_off_gives_in)
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

/* Links that break in the middle of everything lose what is on them; commands are sent again, and none is
 * applied twice. */
TEST(replica, broken_links_lose_and_double_nothing)
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

/* A follower that was away for more than anybody has in memory gets what it lacks from the leader's log; a leader
 * that restarted meanwhile knows no terms of that time, and still serves it. */
TEST(replica, a_follower_far_behind_reads_the_leaders_log)
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

/* A disk that fails ends its node, and nothing that was not written is acknowledged or applied. */
TEST(replica, a_disk_that_fails_ends_the_node)
{
    struct cluster *cluster = cluster_of_four();
    submit_some(cluster, 20);
    assert_true(cluster_until(cluster, all_applied, 3000));
    struct member *leader = cluster_leader(cluster);
    struct member *other = &cluster->members[leader->node % 4];
    other->disk.fail_with = -5;
    leader->disk.fail_with = -28;
    for (uint32_t i = 0; i < 4; i++, wanted++)
        assert_true(member_submit(&cluster->members[(leader->node + 1 + i % 2) % 4], wanted + 1));
    cluster_run(cluster, 2000);
    assert_int_equal(leader->ended, STATUS_NO_SPACE);
    assert_int_equal(other->ended, STATUS_IO);
    other->disk.fail_with = leader->disk.fail_with = 0;
    member_start(other);
    member_start(leader);
    assert_true(cluster_until(cluster, all_applied, 5000));
    assert_once(cluster);
    cluster_free(cluster);
}

/* ---- Leadership ---- */

/* A leader that resigns hands over in a few round trips; it takes no more commands. */
TEST(replica, resigning_takes_no_election)
{
    struct cluster *cluster = cluster_of_four();
    submit_some(cluster, 100);
    assert_true(cluster_until(cluster, all_applied, 3000));
    struct member *leader = cluster_leader(cluster);
    const uint64_t begin = cluster->now_ns;
    while (!replica_resign(leader->replica, cluster_time(leader))) {
        assert_true(cluster->now_ns < begin + 200 * MS);
        cluster_run(cluster, 1);
    }
    assert_true(cluster_until(cluster, cluster_has_leader, 100));
    assert_ptr_not_equal(cluster_leader(cluster), leader);
    assert_true(cluster->now_ns - begin < 50 * MS);
    member_stop(leader);
    submit_some(cluster, 100);
    assert_true(cluster_until(cluster, all_applied, 100));
    assert_once(cluster);
    cluster_free(cluster);
}

/* One whose clock is off does not lead: it gives leadership away, and is not elected. A node stands by nobody
 * because of it: the others elect one of themselves. */
TEST(replica, a_wrong_clock_does_not_lead)
{
    struct cluster *cluster = cluster_of_four();
    cluster_run(cluster, 500);
    struct member *leader = cluster_leader(cluster);
    leader->clock_off_ns = 400 * (int64_t)MS;
    cluster_run(cluster, 1500);
    assert_ptr_not_equal(cluster_leader(cluster), leader);
    /* Those two together are no quorum without it: it votes, and does not campaign. */
    struct member *second = cluster_leader(cluster);
    member_stop(second);
    assert_true(cluster_until(cluster, other_leads, 3000));
    assert_ptr_not_equal(cluster_leader(cluster), leader);
    submit_some(cluster, 40);
    assert_true(cluster_until(cluster, all_applied, 1000));
    leader->clock_off_ns = 200 * (int64_t)MS;
    cluster_run(cluster, 3000);
    member_stop(cluster_leader(cluster));
    cluster_run(cluster, 100);
    member_start(second);
    assert_true(cluster_until(cluster, cluster_has_leader, 3000));
    cluster_free(cluster);
}

/* ---- Commands ---- */

/* Nobody's commands are taken while too many blocks wait for a certificate; votes pass all the same. */
TEST(replica, uncertified_blocks_stop_admission_but_not_votes)
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

/* An engine that takes nothing stops its own node's deliveries, not the others'. */
TEST(replica, a_full_engine_holds_up_nobody_else)
{
    struct cluster *cluster = cluster_of_four();
    struct member *slow = &cluster->members[cluster_leader(cluster)->node % 4];
    slow->engine_full = true;
    submit_some(cluster, 400);
    cluster_run(cluster, 1000);
    for (uint32_t i = 0; i < 4; i++)
        if (&cluster->members[i] != slow) assert_true(cluster->members[i].ticket_count >= 300);
    slow->engine_full = false;
    assert_true(cluster_until(cluster, all_applied, 3000));
    assert_once(cluster);
    cluster_free(cluster);
}

/* A node that is not heard of for origin_lost_ms loses its sessions, once; one that says HELLO again begins a new
 * epoch. */
TEST(replica, a_lost_origin_is_told_once)
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

/* ---- The node set ---- */

static uint32_t role_node;
static enum node_role role_wanted;

static bool role_reached(struct cluster *cluster)
{
    for (uint32_t i = 0; i < cluster->count; i++)
        if (cluster->members[i].alive && i + 1 == role_node)
            return replica_facts(cluster->members[i].replica).role == role_wanted;
    return false;
}

static void set_change(struct cluster *cluster, uint32_t node, enum node_role role)
{
    struct node_changed_event changed = {.height = 1, .node = node, .role = (uint8_t)role};
    changed.public_key[0] = (uint8_t)node;
    assert_true(node_set_apply(&cluster->nodes, &changed));
    for (uint32_t i = 0; i < cluster->count; i++)
        if (cluster->members[i].alive)
            replica_change_nodes(cluster->members[i].replica, &cluster->nodes);
}

static bool configuration_settled(struct cluster *cluster)
{
    role_wanted = NODE_VOTER;
    return role_reached(cluster);
}

/* One node becomes two, three and four: each comes with an empty log, gets all of it, and votes. Then any of
 * the four may die. */
TEST(replica, a_node_alone_grows_to_four)
{
    struct cluster *cluster = cluster_new(4, 1);
    cluster_start(cluster);
    wanted = 0;
    submit_some(cluster, 100);
    assert_true(cluster_until(cluster, all_applied, 3000));
    for (role_node = 2; role_node <= 4; role_node++) {
        struct member *member = &cluster->members[role_node - 1];
        set_change(cluster, role_node, NODE_STANDBY);
        member_create(member);
        member_start(member);
        role_wanted = NODE_STANDBY;
        assert_true(cluster_until(cluster, role_reached, 3000));
        assert_true(cluster_until(cluster, all_applied, 3000));
        submit_some(cluster, 10 * role_node);
        assert_true(cluster_until(cluster, all_applied, 3000));
        set_change(cluster, role_node, NODE_VOTER);
        assert_true(cluster_until(cluster, configuration_settled, 3000));
    }
    submit_some(cluster, 40);
    assert_true(cluster_until(cluster, all_applied, 3000));
    assert_once(cluster);
    member_stop(cluster_leader(cluster));
    assert_true(cluster_until(cluster, other_leads, 3000));
    submit_some(cluster, 40);
    assert_true(cluster_until(cluster, all_applied, 3000));
    assert_once(cluster);
    cluster_free(cluster);
}

/* A standby takes the place of a voter that is gone for good; the leader may die in the middle of it. */
TEST(replica, a_swap_survives_the_leaders_death)
{
    struct cluster *cluster = cluster_new(5, 4);
    cluster_start(cluster);
    assert_true(cluster_until(cluster, cluster_has_leader, 3000));
    wanted = 0;
    submit_some(cluster, 50);
    assert_true(cluster_until(cluster, all_applied, 3000));
    struct member *dead = &cluster->members[cluster_leader(cluster)->node % 4];
    member_stop(dead);
    set_change(cluster, 5, NODE_STANDBY);
    member_create(&cluster->members[4]);
    member_start(&cluster->members[4]);
    role_node = 5;
    role_wanted = NODE_STANDBY;
    assert_true(cluster_until(cluster, role_reached, 3000));
    set_change(cluster, 5, NODE_VOTER);
    set_change(cluster, dead->node, NODE_GONE);
    struct member *leader = cluster_leader(cluster);
    member_stop(leader); /* two of the old four are left, and the new one */
    cluster_run(cluster, 1500);
    member_start(leader);
    assert_true(cluster_until(cluster, configuration_settled, 5000));
    submit_some(cluster, 50);
    assert_true(cluster_until(cluster, all_applied, 5000));
    assert_once(cluster);
    cluster_free(cluster);
}

/* The leader itself is taken out of the set: it gives leadership away, the next one removes it, and the rest goes
 * on without it. */
TEST(replica, a_leader_that_is_removed_steps_down)
{
    struct cluster *cluster = cluster_of_four();
    submit_some(cluster, 20);
    assert_true(cluster_until(cluster, all_applied, 3000));
    cluster_run(cluster, 1500); /* a block of its own time is sealed */
    struct member *leader = cluster_leader(cluster);
    role_node = leader->node;
    role_wanted = NODE_GONE;
    set_change(cluster, leader->node, NODE_GONE);
    cluster_run(cluster, 4000);
    assert_ptr_not_equal(cluster_leader(cluster), leader);
    assert_false(replica_facts(leader->replica).leads);
    member_stop(leader);
    cluster_run(cluster, 1000);
    submit_some(cluster, 30);
    assert_true(cluster_until(cluster, all_applied, 3000));
    /* Two of three are a quorum now. */
    member_stop(cluster_leader(cluster));
    assert_true(cluster_until(cluster, other_leads, 3000));
    submit_some(cluster, 30);
    assert_true(cluster_until(cluster, all_applied, 3000));
    cluster_free(cluster);
}

/* ---- Checkpoints ---- */

/* With a checkpoint on disk the log forgets what it holds, but for a while's worth; who lacks that is told that it
 * needs the checkpoint, and a log that begins there goes on. */
TEST(replica, a_forgotten_log_needs_a_checkpoint)
{
    struct cluster *cluster = cluster_new(4, 4);
    cluster->genesis.params.checkpoint_blocks = 5;
    cluster_start(cluster);
    assert_true(cluster_until(cluster, cluster_has_leader, 3000));
    wanted = 0;
    submit_some(cluster, 50);
    assert_true(cluster_until(cluster, all_applied, 3000));
    struct member *away = &cluster->members[cluster_leader(cluster)->node % 4];
    member_stop(away);
    /* More than is kept for those who are a little behind. */
    struct member *leader = cluster_leader(cluster);
    for (uint32_t i = 0; i < 20000 && replica_facts(leader->replica).base == 0; i++) {
        (void)member_submit(leader, 0);
        cluster_run(cluster, 1);
        for (uint32_t j = 0; j < 4; j++)
            atomic_store(&cluster->members[j].progress.forget_index,
                         cluster->members[j].mark.base.index);
    }
    assert_true(replica_facts(leader->replica).base > 0);
    cluster_run(cluster, 1000);
    member_start(away);
    cluster_run(cluster, 3000);
    assert_int_equal(away->ended, STATUS_BEHIND);

    /* All marks at one height are one. */
    cluster_run(cluster, 2000);
    const struct member *other = NULL;
    for (uint32_t i = 0; i < 4; i++)
        if (cluster->members[i].alive && &cluster->members[i] != leader &&
            cluster->members[i].mark.height == leader->mark.height)
            other = &cluster->members[i];
    assert_non_null(other);
    uint8_t left[REPLICA_MARK_BYTES_MAX], right[REPLICA_MARK_BYTES_MAX];
    const size_t byte_count = replica_mark_put(&leader->mark, left);
    assert_int_equal(replica_mark_put(&other->mark, right), byte_count);
    assert_memory_equal(left, right, byte_count);
    struct replica_mark mark;
    assert_true(replica_mark_get(left, byte_count, &mark));
    assert_int_equal(mark.base.index, leader->mark.base.index);

    /* The one that is behind fetched it, and goes on from there. */
    const struct replica_base *base = &leader->mark.base;
    const struct wal_options options = {.disk = &away->disk.table,
                                        .segment_bytes = SEGMENT_BYTES,
                                        .chain_id = genesis_chain_id(&cluster->genesis),
                                        .node = away->node};
    const struct wal_base wal_at = {.index = base->index,
                                    .term = base->term,
                                    .hash = base->hash,
                                    .configuration_index = base->configuration_index,
                                    .configuration = base->configuration,
                                    .configuration_bytes = base->configuration_bytes};
    assert_int_equal(wal_begin_at(&options, &wal_at), STATUS_OK);
    assert_int_equal(member_open(away, &cluster->nodes, base), STATUS_OK);
    cluster_run(cluster, 2000);
    assert_int_equal(away->ended, STATUS_OK);
    assert_int_equal(away->delivered_index, leader->delivered_index);
    assert_int_equal(away->sealed, leader->sealed);
    cluster_free(cluster);
}

/* ---- Two logs that differ ---- */

/* Changes one byte of the last entry's payload in a member's log, as if it had been written so: with checksums and
 * hash of its own. */
static void log_change(struct member *member)
{
    const struct wal_options options = {.disk = &member->disk.table,
                                        .segment_bytes = SEGMENT_BYTES,
                                        .chain_id = genesis_chain_id(&member->cluster->genesis),
                                        .node = member->node};
    struct wal *wal;
    struct wal_damage damage;
    assert_int_equal(wal_open(&options, &wal, &damage), STATUS_OK);
    struct wal_entry entry;
    static uint8_t bytes[BATCH_BYTES_MAX];
    assert_int_equal(wal_read(wal, wal_last_index(wal), &entry), STATUS_OK);
    memcpy(bytes, entry.bytes, entry.length);
    bytes[8] ^= 1; /* the stamp */
    entry.bytes = bytes;
    assert_int_equal(wal_append(wal, &entry, 1, 0), STATUS_OK);
    wal_close(wal);
}

/* A follower whose log has another entry at an index and term that the leader has as well does not count, stops
 * and says so; the others go on. */
TEST(replica, a_log_that_differs_is_noticed)
{
    struct cluster *cluster = cluster_of_four();
    submit_some(cluster, 20);
    assert_true(cluster_until(cluster, all_applied, 3000));
    struct member *bad = &cluster->members[cluster_leader(cluster)->node % 4];
    member_stop(bad);
    cluster_run(cluster, 100);
    log_change(bad);
    member_start(bad);
    cluster_run(cluster, 500);
    assert_int_equal(bad->ended, STATUS_MISMATCH);
    submit_some(cluster, 20);
    assert_true(cluster_until(cluster, all_applied, 3000));
    assert_once(cluster);
    cluster_free(cluster);
}
