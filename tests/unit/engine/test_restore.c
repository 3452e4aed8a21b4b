#include "tests/harness.h"

#include "common/reject.h"
#include "engine/state.h"

#include "tests/unit/engine/lies.h"

TEST(restore, the_restored_engine_has_the_same_snapshot)
{
    struct pair pair;
    pair_open(&pair);
    assert_int_equal(snapshots_restore(&pair.twin, &pair.snapshot), STATUS_OK);
    twin_is_whole(&pair);
    world_close(&pair.twin);
    pair_close(&pair);
}

/* Sweeps both books, wakes every stop, ends what is left, and lets the switches fire: whatever waited
 * has its say, in both engines the same. tests/model/model_twin.c does so at random. */
TEST(restore, the_restored_engine_answers_alike)
{
    struct pair pair;
    pair_open(&pair);
    assert_int_equal(snapshots_restore(&pair.twin, &pair.snapshot), STATUS_OK);
    struct world *const worlds[2] = {&pair.world, &pair.twin};
    for (uint32_t step = 0; step < 60; step++) {
        for (int i = 0; i < 2; i++) {
            struct world *world = worlds[i];
            struct order_place_command place =
                world_limit(5, step % 2 ? BUY : SELL, 1 + step % 7, step % 2 ? 95 + step : 95);
            place.account = 1 + step % 4;
            world->stamp_ns += UINT64_C(100000000);
            if (step % 5 == 4)
                (void)world_cancel_all(world, (struct cancel_all_command){.account = step % 4 + 1});
            else if (step == 33)
                (void)world_origin_lost(world, (struct origin_lost_command){.node = 7});
            else if (step == 44)
                (void)world_seal(world, (struct seal_command){.height = 2});
            else
                (void)world_order_place(world, place);
        }
        const size_t byte_count = (size_t)(pair.world.out.at - pair.world.events.bytes);
        assert_int_equal(pair.twin.out.at - pair.twin.events.bytes, byte_count);
        assert_memory_equal(pair.twin.events.bytes, pair.world.events.bytes, byte_count);
    }
    free(pair.snapshot.bytes);
    pair.snapshot = snapshots_of(pair.world.engine, &pair.world.genesis);
    twin_is_whole(&pair);
    world_close(&pair.twin);
    pair_close(&pair);
}

TEST(restore, an_engine_without_a_past_comes_back)
{
    struct pair pair;
    snapshots_prepare(&pair.world);
    world_open(&pair.world);
    pair.snapshot = snapshots_of(pair.world.engine, &pair.world.genesis);
    pair.twin = pair.world;
    assert_int_equal(snapshots_restore(&pair.twin, &pair.snapshot), STATUS_OK);
    twin_is_whole(&pair);
    world_close(&pair.twin);
    pair_close(&pair);
}

TEST(restore, another_chains_snapshot_is_refused)
{
    struct pair pair;
    pair_open(&pair);
    pair.twin.genesis.nonce[0]++;
    assert_int_equal(snapshots_restore(&pair.twin, &pair.snapshot), STATUS_MISMATCH);
    pair_close(&pair);
}

TEST(restore, an_arena_too_small_is_said)
{
    struct pair pair;
    struct arena arena;
    struct engine *engine;
    pair_open(&pair);
    assert_true(arena_map(&arena, engine_bytes(&pair.world.genesis) - 64));
    assert_int_equal(restore_engine(&arena, &pair.world.genesis, pair.snapshot.bytes,
                                    pair.snapshot.count, &engine),
                     STATUS_NO_MEMORY);
    arena_unmap(&arena);
    pair_close(&pair);
}

/* ---- Lies: bytes that were hashed, and say what no engine's state is. */

/* Every byte, in three ways. Most lies are found; a name or a number that nobody can contradict is not. */
TEST(restore, no_changed_byte_makes_a_broken_engine)
{
    static const uint8_t flips[] = {0x01, 0x80, 0x1c};
    struct pair pair;
    uint32_t found = 0, all = 0;
    pair_open(&pair);
    for (size_t i = SECTION_FILE_BYTES; i < pair.snapshot.count - HASH_BYTES; i++) {
        for (size_t flip = 0; flip < sizeof(flips); flip++) {
            pair.snapshot.bytes[i] ^= flips[flip];
            found += refused(&pair);
            pair.snapshot.bytes[i] ^= flips[flip];
            all++;
        }
    }
    print_message("%u of %u lies were found\n", found, all);
    assert_true(found > all / 2);
    snapshots_rehash(&pair.snapshot);
    pair_close(&pair);
}

TEST(restore, numbers_that_cannot_be_are_refused)
{
    struct pair pair;
    pair_open(&pair);
    LIE(STATE, state, 0, record.last_command = 0);
    LIE(STATE, state, 0, record.sealed_command = record.last_command + 1);
    LIE(STATE, state, 0, record.stamp_ns = 0); /* trades lie after it */
    LIE(PARAMS, param, 4, record.byte++);      /* accounts_max */
    LIE(PARAMS, param, 0, record.byte++);      /* rules */
    LIE(ORIGINS, origin, 0, record.node++);
    LIE(ORIGINS, origin, 1, record.epoch = UINT64_MAX);
    LIE(ORIGINS, origin, 1, record.last_sequence = UINT64_MAX);
    LIE(ORIGINS, origin, 1, record.epoch = 0); /* with a sequence and a nonce */
    struct snapshot_origin other;
    snapshot_origin_get(snapshots_record(&pair.snapshot, SNAPSHOT_ORIGINS, 1), &other);
    LIE(ORIGINS, origin, 0, record.epoch = other.epoch);
    pair_close(&pair);
}

TEST(restore, money_that_does_not_add_up_is_refused)
{
    struct pair pair;
    pair_open(&pair);
    LIE(ASSETS, asset, 1, record.supply.units++);
    LIE(ASSETS, asset, 1, record.fees.units++);
    LIE(ASSETS, asset, 1, record.fees.units++; record.supply.units++;
        record.fees.units = -record.fees.units);
    LIE(BALANCES, balance, 0, record.available.units++);
    LIE(BALANCES, balance, 0, record.available.units--; record.held.units++); /* no order's */
    LIE(BALANCES, balance, 0, record.available.units = -1);
    LIE(BALANCES, balance, 0, record.asset = 1);  /* twice */
    LIE(BALANCES, balance, 0, record.asset = 99); /* there is none */
    LIE(ACCOUNTS, account, 0, record.balances++);
    LIE(ACCOUNTS, account, 0, record.tier = 7);
    LIE(ACCOUNTS, account, 1, record.floor = 1; record.tier = 0);
    LIE(ACCOUNTS, account, 0, record.has_key = 1);
    LIE(ACCOUNTS, account, 4, record.has_key = 2);
    LIE(ACCOUNT_KEYS, account_key, 0, memset(record.public_key, 0, 32));
    LIE(VOLUMES, volume, 0, record.account = 77);
    LIE(VOLUMES, volume, 0, record.value.units = 0);
    LIE(VOLUMES, volume, 1, record.day = 0; record.account = 1);
    LIE(KEYS, key, 1, record.id[0] = 1); /* twice */
    pair_close(&pair);
}

/* The node set: ids that rise and were used, roles, votes of the past, addresses, a voter at least, and a
 * change no further ahead than one can be. */
TEST(restore, the_node_set_must_be_one)
{
    struct pair pair;
    pair_open(&pair);
    LIE(MEMBERSHIP, membership, 0, record.change_height = UINT64_MAX);
    LIE(MEMBERSHIP, membership, 0,
        record.change_height = engine_sealed_height(pair.world.engine) + 4);
    LIE(MEMBERSHIP, membership, 0, record.last_node = 6);
    LIE(NODES, node, 0, record.node = 0);
    LIE(NODES, node, 1, record.node = 1);
    LIE(NODES, node, 1, record.node = 8); /* above the last, and nobody's origin */
    LIE(NODES, node, 0, record.role = NODE_GONE);
    LIE(NODES, node, 0, record.role = NODE_VOTER + 1);
    LIE(NODES, node, 0, record.voted = UINT64_MAX);
    LIE(NODES, node, 0, record.address[0] = 'x');
    LIE(NODES, node, 0, memcpy(record.address, "host:99999", 10));
    struct snapshot_node first;
    uint8_t *first_at = snapshots_record(&pair.snapshot, SNAPSHOT_NODES, 0);
    snapshot_node_get(first_at, &first);
    first.role = NODE_STANDBY;
    snapshot_node_put(first_at, &first);
    LIE(NODES, node, 1, record.role = NODE_STANDBY); /* nobody votes */
    pair_close(&pair);
}

/* Members, roles, votes and a change that does not count yet come back as they were. */
TEST(restore, a_change_that_waits_comes_back)
{
    struct pair pair;
    snapshots_prepare(&pair.world);
    world_open(&pair.world);
    snapshots_fill(&pair.world);
    struct world *world = &pair.world;
    struct node_add_command add = {.nonce = 1000, .node = 9, .public_key = {9}};
    memcpy(add.address, "host:7009", 9);
    assert_int_equal(world_node_add(world, add), REJECT_NONE);
    const uint64_t sealed = engine_sealed_height(world->engine);
    for (uint32_t node = 1; node <= 7; node += 6)
        assert_int_equal(world_vote(world, (struct vote_command){.node = node, .height = sealed}),
                         REJECT_NONE);
    pair.snapshot = snapshots_of(world->engine, &world->genesis);
    pair.twin = pair.world;
    assert_int_equal(snapshots_restore(&pair.twin, &pair.snapshot), STATUS_OK);
    twin_is_whole(&pair);
    const struct nodes *nodes = engine_nodes(pair.twin.engine);
    assert_int_equal(nodes->set.count, 3);
    assert_int_equal(nodes->set.members[2].role, NODE_STANDBY);
    assert_string_equal(nodes->set.members[2].address, "host:7009");
    assert_int_equal(nodes->voted[1], sealed);
    assert_int_equal(nodes->change_height, sealed + 3);
    assert_int_equal(nodes->last_node, 9);
    add.node = 10;
    add.nonce++;
    assert_int_equal(world_node_add(&pair.twin, add), REJECT_NODE_IN_USE);
    add.public_key[0] = 10;
    add.address[8] = '0';
    assert_int_equal(world_node_add(&pair.twin, add), REJECT_NODE_PENDING);
    world_close(&pair.twin);
    pair_close(&pair);
}
