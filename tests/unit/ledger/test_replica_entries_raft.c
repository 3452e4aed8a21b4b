#include "ledger/peer_message.h"
#include "tests/unit/ledger/replicas.h"

/* A disk that fails ends its node, and nothing that was not written is acknowledged or applied. */
TEST(replica_entries, a_disk_that_fails_ends_the_node)
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

static uint32_t failing; /* its disk fails when it gets entries */

static bool look_entries(struct cluster *cluster, uint32_t from, uint32_t to, const uint8_t *bytes,
                         size_t byte_count)
{
    (void)from;
    (void)byte_count;
    if (to == failing && bytes[0] == PEER_APPEND && le_get_u32(bytes + 4) > 0)
        cluster->members[to - 1].disk.fail_with = -5;
    return true;
}

/* What a follower catches up with is committed already when it comes, and still nothing of it is handed on before it
 * is on the disk. (replicas.h compares at every start.) */
TEST(replica_entries, committed_entries_wait_for_the_disk)
{
    struct cluster *cluster = cluster_of_four();
    submit_some(cluster, 20);
    assert_true(cluster_until(cluster, all_applied, 3000));
    struct member *away = &cluster->members[cluster_leader(cluster)->node % 4];
    member_stop(away);
    submit_some(cluster, 40);
    assert_true(cluster_until(cluster, all_applied, 3000));
    failing = away->node;
    cluster->look = look_entries;
    member_start(away);
    cluster_run(cluster, 500);
    assert_int_equal(away->ended, STATUS_IO);
    cluster->look = NULL;
    away->disk.fail_with = 0;
    member_start(away);
    assert_true(cluster_until(cluster, all_applied, 3000));
    assert_once(cluster);
    cluster_free(cluster);
}

/* An engine that takes nothing stops its own node's deliveries, not the others'. */
TEST(replica_entries, a_full_engine_holds_up_nobody_else)
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

/* With a checkpoint on disk the log forgets what it holds, but for a while's worth; who lacks that is told that it
 * needs the checkpoint, and a log that begins there goes on. */
TEST(replica_entries, a_forgotten_log_needs_a_checkpoint)
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
    assert_true(atomic_load(&leader->metrics.wal_bytes_total) >= 16 * 1024 * 1024);
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
