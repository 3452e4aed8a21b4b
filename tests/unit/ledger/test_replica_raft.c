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
