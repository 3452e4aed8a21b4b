#include "ledger/peer_message.h"
#include "tests/unit/ledger/replicas.h"

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
TEST(replica_receive, a_log_that_differs_is_noticed)
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

static uint32_t late_node;
static uint64_t late_until;

/* Of what goes to that node only the appends behind an entry that low arrive. */
static bool first_appends(struct cluster *cluster, uint32_t from, uint32_t to, const uint8_t *bytes,
                          size_t byte_count)
{
    struct peer_append append;
    struct peer_entry entries[PEER_ENTRIES_MAX];
    (void)cluster, (void)from;
    return to != late_node || bytes[0] != PEER_APPEND ||
           (peer_message_get_append(bytes, byte_count, &append, entries) &&
            append.prev_index <= late_until);
}

/* The same from further behind than hashes are in memory: it hands nothing on before they are compared. */
TEST(replica_receive, a_log_that_differs_is_noticed_from_far_behind)
{
    struct cluster *cluster = cluster_of_four();
    submit_some(cluster, 20);
    assert_true(cluster_until(cluster, all_applied, 3000));
    struct member *leader = cluster_leader(cluster);
    struct member *bad = &cluster->members[leader->node % 4];
    member_stop(bad);
    cluster_run(cluster, 100);
    log_change(bad);
    const uint64_t stored = replica_facts(leader->replica).stored;
    for (uint64_t ticket = 1000; replica_facts(leader->replica).stored < stored + WAL_HASHES + 100;
         ticket++) {
        assert_true(member_submit(leader, ticket));
        cluster_run(cluster, 1);
    }
    late_node = bad->node;
    late_until = stored;
    cluster->look = first_appends;
    member_start(bad);
    cluster_run(cluster, 500);
    assert_int_equal(bad->ended, STATUS_MISMATCH);
    assert_true(bad->delivered_index <= stored);
    cluster_free(cluster);
}

/* ---- Messages that cannot be right ---- */

static void say(struct cluster *cluster, struct member *to, uint32_t from, const uint8_t *bytes,
                size_t byte_count)
{
    replica_receive(to->replica, cluster_time(to), from, bytes, byte_count);
    cluster_turns(cluster);
}

/* Each would be believed, or crash the engine, whose assertions are not compiled in. */
TEST(replica_receive, messages_that_cannot_be_right_change_nothing)
{
    struct cluster *cluster = cluster_of_four();
    submit_some(cluster, 8);
    assert_true(cluster_until(cluster, all_applied, 3000));
    struct member *leader = cluster_leader(cluster),
                  *follower = &cluster->members[leader->node % 4];
    const struct replica_facts before = replica_facts(leader->replica);
    uint8_t bytes[PEER_SMALL_MAX];

    /* Another leader of the same term. */
    const struct peer_append rival = {
        .term = before.term, .prev_index = before.stored, .prev_term = before.term};
    uint8_t append[PEER_APPEND_BYTES(0)];
    say(cluster, leader, follower->node, append, peer_message_put_append(append, &rival, NULL));
    /* Votes that nobody asked for. */
    const struct peer_vote_result vote = {.granted = true, .term = before.term + 7};
    const size_t vote_bytes = peer_message_put_vote_result(bytes, &vote);
    say(cluster, leader, follower->node, bytes, vote_bytes);
    say(cluster, follower, leader->node, bytes, vote_bytes);
    /* A word of who is no member, and none. */
    say(cluster, leader, 9, bytes, vote_bytes);
    say(cluster, leader, follower->node, bytes, 0);
    const uint8_t unknown = 30;
    say(cluster, leader, follower->node, &unknown, 1);
    assert_int_equal(replica_facts(leader->replica).dropped, before.dropped + 4);
    /* Not ours: handed on. */
    const uint8_t other = PEER_MESSAGE_LAST + 1;
    say(cluster, leader, follower->node, &other, 1);
    assert_int_equal(leader->others, 1);
    /* Only the leader can send one away for a checkpoint. */
    const struct peer_needs needs = {.term = before.term, .base_index = 1000000};
    const size_t needs_bytes = peer_message_put_needs(bytes, &needs);
    say(cluster, follower,
        follower->node % 4 + 1 == leader->node ? follower->node % 4 + 2 : follower->node % 4 + 1,
        bytes, needs_bytes);
    say(cluster, leader, follower->node, bytes, needs_bytes);

    assert_true(leader->alive && follower->alive);
    assert_int_equal(replica_facts(leader->replica).term, before.term);
    assert_int_equal(replica_facts(follower->replica).term, before.term);
    assert_true(replica_facts(leader->replica).leads);
    submit_some(cluster, 8);
    assert_true(cluster_until(cluster, all_applied, 1000));
    cluster_free(cluster);
}

/* A leader's word on a place far back, with a commit index far ahead: the engine of 0.22 takes its own commit index
 * back to there. Ours only rises. */
TEST(replica_receive, what_is_committed_stays_committed)
{
    struct cluster *cluster = cluster_of_four();
    submit_some(cluster, 8);
    assert_true(cluster_until(cluster, all_applied, 3000));
    cluster_run(cluster, 200);
    struct member *leader = cluster_leader(cluster),
                  *follower = &cluster->members[leader->node % 4];
    const struct replica_facts before = replica_facts(follower->replica);
    assert_true(before.commit > 2);
    const struct peer_append back = {
        .term = before.term, .prev_index = 1, .prev_term = 1, .commit = before.commit + 5};
    uint8_t append[PEER_APPEND_BYTES(0)];
    say(cluster, follower, leader->node, append, peer_message_put_append(append, &back, NULL));
    assert_int_equal(replica_facts(follower->replica).commit, before.commit);
    submit_some(cluster, 8);
    assert_true(cluster_until(cluster, all_applied, 1000));
    assert_once(cluster);
    cluster_free(cluster);
}

/* A candidate before its vote is one of the engine's states that reads a result's term as a promise. */
TEST(replica_receive, a_vote_for_a_term_that_nobody_asked_for_is_none)
{
    struct cluster *cluster = cluster_new(4, 4);
    member_create(&cluster->members[0]);
    member_start(&cluster->members[0]);
    struct member *alone = &cluster->members[0];
    cluster_run(cluster, 700); /* a candidate, in the vote before the vote */
    uint8_t bytes[PEER_SMALL_MAX];
    for (uint32_t from = 2; from <= 4; from++) {
        const struct peer_vote_result vote = {.granted = true, .pre_vote = true, .term = 50};
        say(cluster, alone, from, bytes, peer_message_put_vote_result(bytes, &vote));
    }
    assert_false(replica_facts(alone->replica).leads);
    assert_int_equal(replica_facts(alone->replica).term, 1);
    assert_int_equal(replica_facts(alone->replica).dropped, 3);
    cluster_free(cluster);
}
