#include "ledger/peer_message.h"
#include "tests/unit/ledger/replicas.h"

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
