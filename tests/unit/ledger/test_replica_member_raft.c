#include "ledger/peer_message.h"
#include "tests/unit/ledger/replicas.h"

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

/* A leader that resigns hands over in a few round trips; it takes no more commands. */
TEST(replica_member, resigning_takes_no_election)
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
TEST(replica_member, a_wrong_clock_does_not_lead)
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

/* One node becomes two, three and four: each comes with an empty log, gets all of it, and votes. Then any of
 * the four may die. */
TEST(replica_member, a_node_alone_grows_to_four)
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
TEST(replica_member, a_swap_survives_the_leaders_death)
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
TEST(replica_member, a_leader_that_is_removed_steps_down)
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

/* A node with an old set follows a leader that has come since, when there is a link with it; when nobody speaks of
 * that leader any more, it still does, because the log counts it. */
TEST(replica_member, a_leader_beyond_the_own_set_is_listened_to)
{
    struct cluster *cluster = cluster_new(2, 1);
    struct node_set without = {0};
    cluster_start(cluster);
    set_change(cluster, 2, NODE_STANDBY);
    wanted = 0;
    submit_some(cluster, 5);
    struct member *late = &cluster->members[1];
    member_create(late);
    assert_int_equal(member_open(late, &without, NULL), STATUS_OK);
    cluster_run(cluster, 1000);
    assert_int_equal(late->ticket_count, 0);
    assert_true(replica_facts(late->replica).dropped > 0);
    replica_change_links(late->replica, &cluster->nodes);
    assert_true(cluster_until(cluster, all_applied, 1000));
    replica_change_links(late->replica, &without);
    cluster_run(cluster, 100);
    assert_int_equal(atomic_load(&late->progress.leader), 1);
    assert_true(replica_counts(late->replica, 1));
    assert_false(replica_counts(late->replica, 3));
    submit_some(cluster, 5);
    assert_true(cluster_until(cluster, all_applied, 1000));
    cluster_free(cluster);
}

/* A standby that is not there is not made a voter: with it a node alone would have lost its quorum. */
TEST(replica_member, a_standby_without_the_log_is_not_promoted)
{
    struct cluster *cluster = cluster_new(2, 1);
    cluster_start(cluster);
    wanted = 0;
    submit_some(cluster, 10);
    assert_true(cluster_until(cluster, all_applied, 3000));
    set_change(cluster, 2, NODE_STANDBY);
    cluster_run(cluster, 2000);
    set_change(cluster, 2, NODE_VOTER);
    cluster_run(cluster, 2000);
    submit_some(cluster, 10);
    assert_true(cluster_until(cluster, all_applied, 1000));
    role_node = 2;
    member_create(&cluster->members[1]);
    member_start(&cluster->members[1]);
    assert_true(cluster_until(cluster, configuration_settled, 3000));
    assert_true(cluster_until(cluster, all_applied, 3000));
    cluster_free(cluster);
}

/* A node that starts knows the set of its base, which may be older than its log: it does not drive the log back to
 * that while its engine has not come to the present. */
TEST(replica_member, an_old_set_is_not_driven_to)
{
    struct cluster *cluster = cluster_new(2, 1);
    struct node_set old = cluster->nodes;
    cluster_start(cluster);
    set_change(cluster, 2, NODE_STANDBY);
    member_create(&cluster->members[1]);
    member_start(&cluster->members[1]);
    role_node = 2;
    role_wanted = NODE_STANDBY;
    assert_true(cluster_until(cluster, role_reached, 3000));
    wanted = 0;
    submit_some(cluster, 10);
    assert_true(cluster_until(cluster, all_applied, 3000));

    struct member *leader = &cluster->members[0];
    member_stop(leader);
    leader->engine_lags = true;
    assert_int_equal(member_open(leader, &old, NULL), STATUS_OK);
    cluster_run(cluster, 2000);
    uint32_t configurations = 0;
    struct wal_entry entry;
    for (uint64_t index = 1; replica_read(leader->replica, index, &entry) == STATUS_OK; index++)
        configurations += entry.type == WAL_CONFIGURATION;
    assert_int_equal(configurations, 2); /* the genesis', and the one with the standby */
    replica_change_nodes(leader->replica, &cluster->nodes);
    leader->engine_lags = false;
    member_delivered(leader);
    submit_some(cluster, 10);
    assert_true(cluster_until(cluster, all_applied, 3000));
    cluster_run(cluster, 2000);
    assert_true(role_reached(cluster));
    cluster_free(cluster);
}

/* A follower that gets a new configuration behind other entries, in one message, knows which entry it is: as a
 * leader it can go on from it. */
TEST(replica_member, a_configuration_in_the_middle_of_a_message_counts)
{
    struct cluster *cluster = cluster_new(5, 4);
    cluster_start(cluster);
    assert_true(cluster_until(cluster, cluster_has_leader, 3000));
    wanted = 0;
    cluster_run(cluster, 1500);
    struct member *late = &cluster->members[cluster_leader(cluster)->node % 4];
    cluster_isolate(cluster, late->node - 1, true);
    submit_some(cluster, 20);
    cluster_run(cluster, 100);
    set_change(cluster, 5, NODE_STANDBY);
    member_create(&cluster->members[4]);
    member_start(&cluster->members[4]);
    cluster_cut(cluster, 4, late->node - 1, true);
    role_node = 5;
    role_wanted = NODE_STANDBY;
    assert_true(cluster_until(cluster, role_reached, 3000));
    submit_some(cluster, 20);
    cluster_run(cluster, 100);
    cluster_isolate(cluster, late->node - 1, false);
    cluster_cut(cluster, 4, late->node - 1, false);
    assert_true(cluster_until(cluster, all_applied, 3000));
    /* Others lead and die until it leads. */
    for (uint32_t i = 0; cluster_leader(cluster) != late; i++) {
        assert_true(i < 60);
        struct member *leader = cluster_leader(cluster);
        member_stop(leader);
        assert_true(cluster_until(cluster, other_leads, 4000));
        member_start(leader);
        assert_true(cluster_until(cluster, cluster_has_leader, 3000));
    }
    set_change(cluster, 5, NODE_VOTER);
    assert_true(cluster_until(cluster, configuration_settled, 3000));
    assert_ptr_equal(cluster_leader(cluster), late);
    cluster_free(cluster);
}

/* ---- Two voters: both are needed ---- */

static struct cluster *standby_of_a_node_alone(void)
{
    struct cluster *cluster = cluster_new(3, 1);
    cluster_start(cluster);
    wanted = 0;
    submit_some(cluster, 10);
    assert_true(cluster_until(cluster, all_applied, 3000));
    set_change(cluster, 2, NODE_STANDBY);
    member_create(&cluster->members[1]);
    member_start(&cluster->members[1]);
    role_node = 2;
    role_wanted = NODE_STANDBY;
    assert_true(cluster_until(cluster, role_reached, 3000));
    assert_true(cluster_until(cluster, all_applied, 3000));
    cluster_run(cluster, 1500);
    return cluster;
}

/* No append of more than a head reaches the standby: it never stores that it votes. */
static bool no_entries(struct cluster *cluster, uint32_t from, uint32_t to, const uint8_t *bytes,
                       size_t byte_count)
{
    (void)cluster, (void)from;
    return to != 2 || bytes[0] != PEER_APPEND || byte_count <= PEER_APPEND_BYTES(0);
}

/* The genesis', the one with the standby, and the one that makes it a voter. */
static bool promotion_stored(struct cluster *cluster)
{
    uint32_t configurations = 0;
    struct wal_entry entry;
    for (uint64_t index = 1; replica_read(cluster->members[0].replica, index, &entry) == STATUS_OK;
         index++)
        configurations += entry.type == WAL_CONFIGURATION;
    return configurations == 3;
}

/* The only voter decides that a standby is the second, and its link goes before that has it: it steps down, and needs
 * a vote of who does not know yet that it votes. */
TEST(replica_member, a_standby_answers_the_only_voter)
{
    struct cluster *cluster = standby_of_a_node_alone();
    cluster->look = no_entries;
    set_change(cluster, 2, NODE_VOTER);
    assert_true(cluster_until(cluster, promotion_stored, 5000));
    assert_int_equal(replica_facts(cluster->members[1].replica).role, NODE_STANDBY);
    const uint64_t term = replica_facts(cluster->members[0].replica).term;
    cluster_isolate(cluster, 1, true);
    cluster->look = NULL;
    cluster_run(cluster, 1000);
    cluster_isolate(cluster, 1, false);
    assert_true(cluster_until(cluster, configuration_settled, 5000));
    assert_true(replica_facts(cluster->members[0].replica).term > term);
    submit_some(cluster, 10);
    assert_true(cluster_until(cluster, all_applied, 3000));
    cluster_free(cluster);
}

/* The same when it dies there and comes back. */
TEST(replica_member, a_standby_answers_the_only_voter_after_a_crash)
{
    struct cluster *cluster = standby_of_a_node_alone();
    cluster->look = no_entries;
    set_change(cluster, 2, NODE_VOTER);
    assert_true(cluster_until(cluster, promotion_stored, 5000));
    member_stop(&cluster->members[0]);
    cluster->look = NULL;
    member_start(&cluster->members[0]);
    assert_true(cluster_until(cluster, configuration_settled, 5000));
    submit_some(cluster, 10);
    assert_true(cluster_until(cluster, all_applied, 3000));
    cluster_free(cluster);
}

/* A standby whose link is down would cost the only voter its quorum. */
TEST(replica_member, a_standby_behind_a_broken_link_is_not_promoted)
{
    struct cluster *cluster = standby_of_a_node_alone();
    cluster_cut(cluster, 0, 1, true);
    set_change(cluster, 2, NODE_VOTER);
    cluster_run(cluster, 2000);
    assert_true(replica_facts(cluster->members[0].replica).leads);
    cluster_cut(cluster, 0, 1, false);
    assert_true(cluster_until(cluster, configuration_settled, 3000));
    cluster_free(cluster);
}

/* Who has left the set is still asked while the log counts it: with two voters its vote is needed for the very change
 * that takes it out; then it is let go. */
TEST(replica_member, a_voter_that_left_votes_until_the_log_lets_it_go)
{
    struct cluster *cluster = standby_of_a_node_alone();
    set_change(cluster, 2, NODE_VOTER);
    assert_true(cluster_until(cluster, configuration_settled, 3000));
    cluster_run(cluster, 1500);
    set_change(cluster, 1, NODE_GONE); /* it leads: it has to hand over first */
    role_node = 1;
    role_wanted = NODE_GONE;
    struct member *second = &cluster->members[1];
    assert_true(replica_counts(second->replica, 1));
    cluster_run(cluster, 5000);
    assert_true(replica_facts(second->replica).leads);
    assert_false(replica_counts(second->replica, 1));
    assert_true(member_submit(second, 77));
    cluster_run(cluster, 500);
    assert_int_equal(member_times(second, 77), 1);
    const uint64_t dropped = replica_facts(second->replica).dropped;
    const uint8_t ping[PEER_SMALL_MAX] = {PEER_PING};
    replica_receive(second->replica, cluster_time(second), 1, ping, 1);
    assert_true(replica_facts(second->replica).dropped > dropped);
    cluster_free(cluster);
}

/* Such a node commands nothing more. */
TEST(replica_member, who_left_commands_nothing)
{
    struct cluster *cluster = cluster_of_four();
    submit_some(cluster, 20);
    assert_true(cluster_until(cluster, all_applied, 3000));
    cluster_run(cluster, 1500);
    struct member *leader = cluster_leader(cluster);
    struct member *gone = &cluster->members[leader->node % 4];
    set_change(cluster, gone->node, NODE_GONE);
    assert_true(replica_counts(leader->replica, gone->node));
    assert_true(member_submit(gone, 77777));
    assert_true(member_submit(leader, 77778));
    cluster_run(cluster, 2000);
    assert_int_equal(member_times(leader, 77777), 0);
    assert_int_equal(member_times(leader, 77778), 1);
    assert_false(replica_counts(leader->replica, gone->node));
    cluster_free(cluster);
}

/* ---- A log that lost what it had acknowledged ---- */

static void disk_copy(struct memory_disk *to, const struct memory_disk *from)
{
    for (int i = 0; i < FILES_MAX; i++) {
        to->files[i] = from->files[i];
        if (from->files[i].bytes == NULL) continue;
        to->files[i].bytes = malloc(from->files[i].capacity);
        assert_non_null(to->files[i].bytes);
        memcpy(to->files[i].bytes, from->files[i].bytes, from->files[i].size);
    }
}

/* The leader knows how far it had come, and takes its refusals for old ones: it has to begin anew. */
TEST(replica_member, a_follower_that_lost_its_tail_gets_it_again)
{
    static struct memory_disk older;
    struct cluster *cluster = cluster_of_four();
    submit_some(cluster, 40);
    assert_true(cluster_until(cluster, all_applied, 3000));
    struct member *leader = cluster_leader(cluster);
    struct member *late = &cluster->members[leader->node % 4];
    const uint64_t term = replica_facts(leader->replica).term;
    memory_start(&older);
    disk_copy(&older, &late->disk);
    submit_some(cluster, 400);
    assert_true(cluster_until(cluster, all_applied, 3000));
    const uint64_t stored = replica_facts(late->replica).stored;
    member_stop(late);
    for (int i = 0; i < FILES_MAX; i++)
        free(late->disk.files[i].bytes);
    memcpy(late->disk.files, older.files, sizeof(older.files));
    late->delivered_index = 0; /* what it handed on is gone with its disk */
    member_start(late);
    assert_true(replica_facts(late->replica).stored < stored);
    assert_true(replica_facts(leader->replica).leads);
    assert_true(cluster_until(cluster, all_applied, 2000));
    assert_true(replica_facts(late->replica).stored >= stored);
    assert_true(replica_facts(late->replica).term > term);
    submit_some(cluster, 40);
    assert_true(cluster_until(cluster, all_applied, 2000));
    cluster_free(cluster);
}

/* ---- After a cut of the power ---- */

/* Power goes while the members of `mask` write: the end of their logs is not whole, and is cut when they start
 * again. */
static void power_cut(struct cluster *cluster, uint32_t mask)
{
    for (uint32_t i = 0; i < cluster->count; i++) {
        cluster->members[i].disk.tears = ((mask >> i) & 1) != 0;
        assert_true(member_submit(&cluster->members[i], 1000000 + i));
    }
    cluster_run(cluster, 500);
    for (uint32_t i = 0; i < cluster->count; i++) {
        if (((mask >> i) & 1) == 0) continue;
        assert_int_equal(cluster->members[i].ended, STATUS_IO);
        cluster->members[i].disk.tears = false;
        cluster->members[i].disk.fail_with = 0;
    }
}

/* It may have acknowledged what it lost, and votes for nobody until a leader has brought it past that. */
TEST(replica_member, a_cut_tail_withholds_votes)
{
    struct cluster *cluster = cluster_of_four();
    submit_some(cluster, 40);
    assert_true(cluster_until(cluster, all_applied, 3000));
    struct member *torn = &cluster->members[cluster_leader(cluster)->node % 4];
    power_cut(cluster, 1u << (torn->node - 1));
    member_start(torn);
    cluster_isolate(cluster, torn->node - 1, true);
    /* The leader goes, and a leader needs three of the three that are left. */
    member_stop(cluster_leader(cluster));
    struct member *gone = NULL;
    for (uint32_t i = 0; i < 4; i++)
        if (!cluster->members[i].alive) gone = &cluster->members[i];
    cluster_isolate(cluster, torn->node - 1, false);
    assert_false(cluster_until(cluster, cluster_has_leader, 2000));
    member_start(gone);
    assert_true(cluster_until(cluster, cluster_has_leader, 900));
    cluster_run(cluster, 500);
    submit_some(cluster, 8);
    assert_true(cluster_until(cluster, all_applied, 1000));
    /* Now it has all there is, and its vote counts. */
    struct member *leader = cluster_leader(cluster);
    assert_ptr_not_equal(leader, torn);
    member_stop(leader);
    assert_true(cluster_until(cluster, other_leads, 2000));
    cluster_free(cluster);
}

/* When nearly everybody lost power in a write, waiting for each other would be for ever. */
TEST(replica_member, a_whole_cluster_with_cut_tails_comes_back)
{
    struct cluster *cluster = cluster_of_four();
    submit_some(cluster, 40);
    assert_true(cluster_until(cluster, all_applied, 3000));
    struct member *leader = cluster_leader(cluster);
    power_cut(cluster, 15u & ~(1u << (leader->node - 1)));
    member_stop(leader);
    for (uint32_t i = 0; i < 4; i++)
        member_start(&cluster->members[i]);
    assert_false(cluster_until(cluster, cluster_has_leader, 2000));
    assert_true(cluster_until(cluster, cluster_has_leader, 4000));
    submit_some(cluster, 8);
    assert_true(cluster_until(cluster, all_applied, 1000));
    cluster_free(cluster);
}

/* A node alone has nobody to wait for. */
TEST(replica_member, a_node_alone_goes_on_behind_a_cut_tail)
{
    struct cluster *cluster = cluster_new(1, 1);
    cluster_start(cluster);
    wanted = 0;
    submit_some(cluster, 10);
    assert_true(cluster_until(cluster, all_applied, 1000));
    power_cut(cluster, 1);
    member_start(&cluster->members[0]);
    assert_true(member_submit(&cluster->members[0], 77));
    cluster_run(cluster, 200);
    assert_int_equal(member_times(&cluster->members[0], 77), 1);
    cluster_free(cluster);
}
