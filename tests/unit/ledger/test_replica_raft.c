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
TEST(replica, a_log_that_differs_is_noticed_from_far_behind)
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
TEST(replica, messages_that_cannot_be_right_change_nothing)
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

/* Of two that are left of three, one has the longer log and the other a higher term, from elections that came to
 * nothing: the first learns of the term and leads. */
TEST(replica, the_longer_log_leads_whatever_its_term)
{
    struct cluster *cluster = cluster_new(3, 3);
    cluster_start(cluster);
    assert_true(cluster_until(cluster, cluster_has_leader, 3000));
    wanted = 0;
    submit_some(cluster, 8);
    assert_true(cluster_until(cluster, all_applied, 3000));
    struct member *leader = cluster_leader(cluster);
    struct member *high = &cluster->members[leader->node % 3];
    member_stop(high);
    submit_some(cluster, 8);
    assert_true(cluster_until(cluster, all_applied, 3000));
    for (uint32_t i = 0; i < 3; i++)
        member_stop(&cluster->members[i]);

    const struct wal_options options = {.disk = &high->disk.table,
                                        .segment_bytes = SEGMENT_BYTES,
                                        .chain_id = genesis_chain_id(&cluster->genesis),
                                        .node = high->node};
    struct wal *wal;
    struct wal_damage damage;
    assert_int_equal(wal_open(&options, &wal, &damage), STATUS_OK);
    assert_int_equal(wal_set_vote(wal, wal_term(wal) + 5, 0), STATUS_OK);
    wal_close(wal);
    member_start(high);
    member_start(leader);
    assert_true(cluster_until(cluster, cluster_has_leader, 4000));
    assert_ptr_equal(cluster_leader(cluster), leader);
    cluster_free(cluster);
}

/* A leader's word on a place far back, with a commit index far ahead: the engine of 0.22 takes its own commit index
 * back to there. Ours only rises. */
TEST(replica, what_is_committed_stays_committed)
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
TEST(replica, a_vote_for_a_term_that_nobody_asked_for_is_none)
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

/* ---- Anything may happen ---- */

static void fault_one(struct cluster *cluster, struct member *dice)
{
    struct member *member = &cluster->members[cluster_random(dice) % cluster->count];
    const uint32_t other = (uint32_t)(cluster_random(dice) % cluster->count);
    switch (cluster_random(dice) % 10) {
    case 0:
    case 1:
        member_stop(member);
        break;
    case 2:
    case 3:
        if (member->alive) break;
        member->disk.tears = false;
        member->disk.fail_with = 0;
        member_start(member);
        break;
    case 4:
        if (other != member->node - 1) cluster_cut(cluster, member->node - 1, other, true);
        break;
    case 5:
        cluster_isolate(cluster, member->node - 1, true);
        break;
    case 6:
        for (uint32_t i = 0; i < cluster->count; i++)
            cluster_isolate(cluster, i, false);
        break;
    case 7: /* the power goes in its next write */
        if (member->alive) member->disk.tears = true;
        break;
    case 8:
        member->clock_off_ns =
            (int64_t)(cluster_random(dice) % 240) * (int64_t)MS - 120 * (int64_t)MS;
        break;
    default:
        cluster->jitter_ns = cluster_random(dice) % 3 == 0 ? 0 : cluster_random(dice) % (8 * MS);
        member->engine_full = !member->engine_full;
        break;
    }
}

/* The power is back where it had gone. */
static void power_back(struct cluster *cluster)
{
    for (uint32_t i = 0; i < cluster->count; i++) {
        struct member *member = &cluster->members[i];
        if (member->ended == STATUS_IO) {
            member->ended = STATUS_OK;
            member->disk.tears = false;
            member->disk.fail_with = 0;
        }
        assert_int_equal(member->ended, STATUS_OK);
    }
}

static void heal(struct cluster *cluster)
{
    power_back(cluster);
    for (uint32_t i = 0; i < cluster->count; i++) {
        cluster->members[i].disk.tears = false;
        cluster->members[i].disk.fail_with = 0;
        cluster->members[i].engine_full = false;
        if (!cluster->members[i].alive) member_start(&cluster->members[i]);
        cluster_isolate(cluster, i, false);
    }
}

static void play(uint64_t seed, uint32_t rounds)
{
    struct cluster *cluster = cluster_new(4, 4);
    struct member dice = {.cluster = cluster};
    cluster->random ^= seed * 0x9e3779b97f4a7c15u;
    cluster_start(cluster);
    uint64_t ticket = 0;
    for (uint32_t round = 0; round < rounds; round++) {
        for (uint64_t i = cluster_random(&dice) % 10; i > 0; i--) {
            struct member *member = &cluster->members[cluster_random(&dice) % 4];
            if (member->alive) assert_true(member_submit(member, ++ticket));
        }
        if (cluster_random(&dice) % 6 == 0) fault_one(cluster, &dice);
        cluster_run(cluster, cluster_random(&dice) % 100);
        power_back(cluster);
    }
    heal(cluster);
    assert_true(cluster_until(cluster, cluster_has_leader, 10000));
    for (uint32_t i = 0; i < 4; i++)
        assert_true(member_submit(&cluster->members[i], ++ticket));
    cluster_run(cluster, 4000);
    assert_true(cluster_quiet(cluster));
    /* What was acknowledged is there, and nothing is there twice. */
    const struct member *member = &cluster->members[0];
    uint8_t *seen = calloc(ticket + 1, 1);
    for (uint32_t i = 0; i < member->ticket_count; i++)
        assert_int_equal(seen[member->tickets[i]]++, 0);
    for (uint64_t i = 1; i <= ticket; i++)
        assert_true(seen[i] != 0 || !cluster->acknowledged[i]);
    for (uint64_t i = ticket - 3; i <= ticket; i++)
        assert_int_equal(seen[i], 1);
    free(seen);
    cluster_free(cluster);
}

#if defined(__SANITIZE_THREAD__)
#define SEEDS 4 /* one thread, and every step of it watched */
#else
#define SEEDS 40
#endif

/* Members crash, links are cut, engines stand still, messages take their time: what a node has acknowledged stays,
 * nothing is applied twice, nobody delivers anything else than the others, and when all is well again the cluster
 * goes on. */
TEST(replica, random_faults_lose_and_double_nothing)
{
    const char *seed = getenv("QUOREX_SEED"), *count = getenv("QUOREX_SEEDS");
    const uint64_t first = seed == NULL ? 1 : strtoull(seed, NULL, 10);
    const uint64_t seeds = count == NULL ? SEEDS : strtoull(count, NULL, 10);
    for (uint64_t i = first; i < first + seeds; i++) {
        if (getenv("QUOREX_SHOW") != NULL) print_message("seed %llu\n", (unsigned long long)i);
        play(i, 200);
    }
}
