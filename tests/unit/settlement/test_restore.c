#include "settlement/restore.h"

#include "tests/harness.h"
#include "tests/unit/settlement/agreement.h"
#include "tests/unit/settlement/snapshots.h"

/* The same roots and the same bytes; and what was not written follows again. */
TEST(restore, the_restored_settlement_is_its_twin)
{
    struct lying lying;
    struct settlement *twin;
    struct arena arena;
    struct settle_roots roots;
    lying_open(&lying);
    const struct world *world = lying.world;
    assert_int_equal(snapshots_restore(&arena, &world->genesis, &lying.snapshot, &twin), STATUS_OK);
    const struct snapshot_bytes again = snapshots_of(twin, &world->genesis);
    assert_int_equal(again.count, lying.snapshot.count);
    assert_memory_equal(again.bytes, lying.snapshot.bytes, again.count);
    settlement_roots(twin, &roots);
    assert_memory_equal(&roots, &world->roots, sizeof(roots));
    assert_int_equal(settlement_command(twin), world->number);
    assert_int_equal(settlement_height(twin), world->height);
    for (uint16_t asset = 0; asset < 2; asset++) {
        const struct totals ours = settlement_totals(twin, asset);
        const struct totals theirs = settlement_totals(world->settlement, asset);
        assert_memory_equal(&ours, &theirs, sizeof(ours));
    }
    free(again.bytes);
    arena_unmap(&arena);
    lying_close(&lying);
}

/* ---- The two versions of the bytes. */

/* The same state in the later version: with a section HOUSE, in which is nothing. */
static void make_later(struct snapshot_bytes *snapshot)
{
    uint8_t *at = snapshot->bytes + snapshot->count - HASH_BYTES;
    at = le_put_u32(at, SETTLED_HOUSE);
    at = le_put_u32(at, SETTLED_HOUSE_BYTES);
    le_put_u64(at, 0);
    snapshot->count += SECTION_HEADER_BYTES;
    le_put_u32(snapshot->bytes + 8, SETTLED_VERSION_CHARGELESS);
    le_put_u32(snapshot->bytes + 12, SETTLED_CHARGES);
    le_put_u64(snapshot->bytes + 16, snapshot->count);
    snapshots_rehash(snapshot);
}

/* Without HOUSE, whatever is in it. */
static void make_earlier(struct snapshot_bytes *snapshot)
{
    const uint8_t *house = snapshots_section(snapshot, SETTLED_HOUSE);
    snapshot->count = (size_t)(house - snapshot->bytes) + HASH_BYTES;
    le_put_u32(snapshot->bytes + 8, SETTLED_VERSION_HOUSELESS);
    le_put_u32(snapshot->bytes + 12, SETTLED_HOUSE);
    le_put_u64(snapshot->bytes + 16, snapshot->count);
    snapshots_rehash(snapshot);
}

/* Restored from these bytes, the world's own settlement's roots come out, and its snapshot. */
static void comes_back(const struct world *world, const struct snapshot_bytes *from,
                       const struct snapshot_bytes *snapshot)
{
    struct settlement *twin;
    struct arena arena;
    struct settle_roots roots;
    assert_int_equal(snapshots_restore(&arena, &world->genesis, from, &twin), STATUS_OK);
    const struct snapshot_bytes again = snapshots_of(twin, &world->genesis);
    assert_int_equal(again.count, snapshot->count);
    assert_memory_equal(again.bytes, snapshot->bytes, again.count);
    settlement_roots(twin, &roots);
    assert_memory_equal(&roots, &world->roots, sizeof(roots));
    free(again.bytes);
    arena_unmap(&arena);
}

/* A chain without a house is found in either: as builds wrote it that knew none, and as one wrote it that gave every
 * chain the later version. It is written as the former did. */
TEST(restore, a_chain_without_a_house_comes_back_from_either_version)
{
    struct world *world = snapshots_world_with(snapshots_adjust_houseless);
    const struct snapshot_bytes snapshot = snapshots_of(world->settlement, &world->genesis);
    struct snapshot_bytes later = snapshots_of(world->settlement, &world->genesis);
    assert_int_equal(le_get_u32(snapshot.bytes + 8), SETTLED_VERSION_HOUSELESS);
    make_later(&later);
    comes_back(world, &snapshot, &snapshot);
    comes_back(world, &later, &snapshot);
    free(later.bytes);
    free(snapshot.bytes);
    world_free(world);
}

/* What a house has cannot be left out, nor be said where there is none. */
TEST(restore, a_house_is_where_the_genesis_says)
{
    struct world *with = snapshots_world();
    struct world *without = snapshots_world_with(snapshots_adjust_houseless);
    struct snapshot_bytes houseless = snapshots_of(with->settlement, &with->genesis);
    struct snapshot_bytes housed = snapshots_of(without->settlement, &without->genesis);
    struct settlement *twin;
    struct arena arena;
    make_earlier(&houseless);
    assert_int_equal(snapshots_restore(&arena, &with->genesis, &houseless, &twin),
                     STATUS_MALFORMED);
    make_later(&housed);
    le_put_u64(snapshots_section(&housed, SETTLED_HOUSE) + 8, 1);
    memset(housed.bytes + housed.count - HASH_BYTES, 0, SETTLED_HOUSE_BYTES);
    housed.count += SETTLED_HOUSE_BYTES;
    le_put_u64(housed.bytes + 16, housed.count);
    snapshots_rehash(&housed);
    assert_int_equal(snapshots_restore(&arena, &without->genesis, &housed, &twin),
                     STATUS_MALFORMED);
    free(housed.bytes);
    free(houseless.bytes);
    world_free(without);
    world_free(with);
}

/* Whatever waited has its say, and the world's own arithmetic agrees with the restored settlement's.
 * tests/model/model_settlement.c does so at random. */
TEST(restore, the_restored_settlement_settles_alike)
{
    struct world *whole = snapshots_world(), *restored = snapshots_world();
    snapshots_restart(restored);
    snapshots_live_on(whole);
    snapshots_live_on(restored);
    agree(restored);
    assert_memory_equal(&restored->roots, &whole->roots, sizeof(whole->roots));
    const struct snapshot_bytes one = snapshots_of(whole->settlement, &whole->genesis);
    const struct snapshot_bytes other = snapshots_of(restored->settlement, &whole->genesis);
    assert_int_equal(one.count, other.count);
    assert_memory_equal(one.bytes, other.bytes, one.count);
    free(one.bytes);
    free(other.bytes);
    world_free(whole);
    world_free(restored);
}

/* Random stories with a restart at every block. */
TEST(restore, restarts_go_unnoticed)
{
    uint64_t seed = 0x5eed5;
    struct world *world = world_new_with(snapshots_adjust);
    print_message("seed %llx\n", (unsigned long long)seed);
    for (int i = 0; i < 3000; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        world_act(world, seed >> 20);
        world->stamp_ns += seed % 64 == 0 ? WORLD_DAY_NS / 2 : 1000000;
        if (seed >> 40 & 7) continue;
        assert_int_equal(world_seal(world), STATUS_OK);
        snapshots_restart(world);
    }
    assert_int_equal(world_seal(world), STATUS_OK);
    agree(world);
    world_free(world);
}

/* A restored settlement finds what the one before it would have. */
static void tell_then_live_on(struct world *world)
{
    const enum plant plant = world->plant;
    const struct world_order stop = {.account = 3,
                                     .side = BUY,
                                     .type = STOP_LOSS_LIMIT,
                                     .stop = P + 10,
                                     .price = P + 30,
                                     .qty = 4};
    const struct world_order trailing = {
        .account = 3, .side = SELL, .type = STOP_LOSS, .delta = 20, .qty = 4};
    const struct world_order pair[] = {
        {.account = 4, .side = SELL, .type = LIMIT_MAKER, .price = P + 15, .qty = 3},
        {.account = 4, .side = SELL, .type = STOP_LOSS, .stop = P - 6000, .qty = 3}};
    world->plant = PLANT_NONE;
    touch(world, P);
    world_enter(world, &stop);
    world_enter(world, &trailing);
    world_place_list(world, LIST_OCO, pair);
    world_buy(world, 2, P - 7000, 9);
    const uint64_t resting = world_buy(world, 1, P - 8000, 3);
    touch(world, P + 5);
    world_arm(world, 1, 500);
    world_seal(world);
    snapshots_restart(world);
    world->plant = plant;
    touch(world, P + 9);    /* a tick below the stop */
    touch(world, P - 2995); /* half of what it trails by */
    world_amend(world, resting, 2);
    world->stamp_ns += 400000000;
    touch(world, P - 2985);
    world_buy(world, 2, P + 15, 2); /* fires and meets the pair */
    world->stamp_ns += 400000000;
    touch(world, P + 40);
    world_cancel(world, 4, world->order_id); /* none: the taker's */
}

TEST(restore, the_restored_settlement_finds_what_is_wrong)
{
    EXPECT_FOUND(tell_then_live_on, PLANT_TRIGGER_EARLY, PLANT_TRIGGER_PRICE, PLANT_TRAILING_EARLY,
                 PLANT_SIBLING_STAYS, PLANT_AMEND_KEEPS, PLANT_SWITCH_EARLY, PLANT_SWITCH_NEVER,
                 PLANT_TRADE_ID, PLANT_ORDER_ID);
}

TEST(restore, a_settlement_without_a_past_comes_back)
{
    struct world *world = world_new();
    struct settlement *settlement, *twin;
    struct arena arena, other;
    assert_true(arena_map(&arena, settlement_bytes(&world->genesis)));
    settlement = settlement_new(&arena, &world->genesis, world_secret);
    assert_non_null(settlement);
    const struct snapshot_bytes snapshot = snapshots_of(settlement, &world->genesis);
    assert_int_equal(snapshots_restore(&other, &world->genesis, &snapshot, &twin), STATUS_OK);
    assert_int_equal(settlement_command(twin), 0);
    arena_unmap(&other);
    arena_unmap(&arena);
    free(snapshot.bytes);
    world_free(world);
}

TEST(restore, what_is_no_snapshot_of_this_chain_is_refused)
{
    struct lying lying;
    struct settlement *twin;
    struct arena arena;
    lying_open(&lying);
    struct genesis *genesis = &lying.world->genesis;
    genesis->nonce[0]++;
    assert_int_equal(snapshots_restore(&arena, genesis, &lying.snapshot, &twin), STATUS_MISMATCH);
    genesis->nonce[0]--;
    lying.snapshot.bytes[8] ^= 0x80;
    assert_int_equal(snapshots_restore(&arena, genesis, &lying.snapshot, &twin),
                     STATUS_UNSUPPORTED);
    lying.snapshot.bytes[8] ^= 0x80;
    lying.snapshot.bytes[100] ^= 1;
    assert_int_equal(snapshots_restore(&arena, genesis, &lying.snapshot, &twin), STATUS_DAMAGED);
    lying.snapshot.bytes[100] ^= 1;
    lying.snapshot.count--;
    assert_int_equal(snapshots_restore(&arena, genesis, &lying.snapshot, &twin), STATUS_MALFORMED);
    lying.snapshot.count++;
    assert_true(arena_map(&arena, settlement_bytes(genesis) / 2));
    assert_int_equal(restore_settlement(&arena, genesis, world_secret, lying.snapshot.bytes,
                                        lying.snapshot.count, &twin),
                     STATUS_NO_MEMORY);
    arena_unmap(&arena);
    lying_close(&lying);
}

/* With another secret everything is the same but the tree: whoever compares the roots finds out. */
TEST(restore, another_tree_secret_gives_another_state_root)
{
    struct lying lying;
    struct settlement *twin;
    struct settle_roots roots;
    struct arena arena;
    const uint8_t secret[32] = "another secret of thirty-two by";
    lying_open(&lying);
    const struct world *world = lying.world;
    assert_true(arena_map(&arena, settlement_bytes(&world->genesis)));
    assert_int_equal(restore_settlement(&arena, &world->genesis, secret, lying.snapshot.bytes,
                                        lying.snapshot.count, &twin),
                     STATUS_OK);
    settlement_roots(twin, &roots);
    assert_false(hash_equal(roots.state_root, world->roots.state_root));
    assert_true(hash_equal(roots.totals_root, world->roots.totals_root));
    arena_unmap(&arena);
    lying_close(&lying);
}

/* ---- Lies: bytes that were hashed, and say what no settlement's state is. */

/* Every byte, in three ways. Most lies are found; a hash or a number that nobody can contradict is not. */
TEST(restore, no_changed_byte_makes_a_broken_settlement)
{
    static const uint8_t flips[] = {0x01, 0x80, 0x1c};
    struct lying lying;
    uint32_t found = 0, all = 0;
    lying_open(&lying);
    for (size_t i = SECTION_FILE_BYTES; i < lying.snapshot.count - HASH_BYTES; i++)
        for (size_t flip = 0; flip < sizeof(flips); flip++, all++) {
            lying.snapshot.bytes[i] ^= flips[flip];
            found += lying_refused(&lying);
            lying.snapshot.bytes[i] ^= flips[flip];
        }
    print_message("%u of %u lies were found\n", found, all);
    assert_true(found > all / 2);
    lying_close(&lying);
}

TEST(restore, numbers_that_cannot_be_are_refused)
{
    struct lying lying;
    lying_open(&lying);
    LIE(STATE, state, 0, record.command = 0);
    LIE(STATE, state, 0, record.command = UINT64_MAX);
    LIE(STATE, state, 0, record.height = record.command + 1);
    LIE(STATE, state, 0, record.height = 0);
    LIE(STATE, state, 0, record.height = 1);            /* leaves are of block 3 */
    LIE(STATE, state, 0, record.stamp_ns = 0);          /* trades lie after it */
    LIE(STATE, state, 0, record.stamp_ns = UINT64_MAX); /* switches before it */
    LIE(PARAMS, param, 4, record.byte++);               /* accounts_max */
    LIE(PARAMS, param, 0, record.byte++);               /* rules */
    lying_close(&lying);
}

TEST(restore, money_that_does_not_add_up_is_refused)
{
    struct lying lying;
    lying_open(&lying);
    LIE(ASSETS, asset, BTC, record.owed.units++);
    LIE(ASSETS, asset, BTC, record.fees.units++);
    LIE(ASSETS, asset, BTC, record.fees.units--; record.rounding.units++; record.fees.units -= 1;
        record.in_flight.units--; record.fees.units += 2); /* in flight below zero */
    LIE(ASSETS, asset, USDT, record.in_flight.units++);
    LIE(ASSETS, asset, USDT, record.rounding.units++);
    LIE(BALANCES, balance, 0, record.available.units++);
    LIE(BALANCES, balance, 0, record.available.units--; record.held.units++); /* no order's */
    LIE(BALANCES, balance, 0, record.available.units = -1);
    LIE(BALANCES, balance, 0, record.held.units = INT64_MIN);
    LIE(BALANCES, balance, 0, record.asset = 1);  /* twice */
    LIE(BALANCES, balance, 0, record.asset = 99); /* there is none */
    LIE(ACCOUNTS, account, 0, record.balances++);
    LIE(ACCOUNTS, account, 0, record.balances = 255);
    lying_close(&lying);
}

TEST(restore, accounts_that_cannot_be_are_refused)
{
    struct lying lying;
    lying_open(&lying);
    LIE(ACCOUNTS, account, 0, record.tier = 3);
    LIE(ACCOUNTS, account, 0, record.floor = (uint16_t)(record.tier + 1));
    LIE(ACCOUNTS, account, 0, record.height = 0);
    LIE(ACCOUNTS, account, 0, record.height = lying.world->height + 1);
    LIE(ACCOUNTS, account, 0, record.has = 4);
    LIE(ACCOUNTS, account, 0, record.has ^= SETTLED_HAS_KEY);
    LIE(ACCOUNT_KEYS, account_key, 0, memset(record.public_key, 0, 32));
    LIE(VOLUMES, volume, 0, record.account = 0);
    LIE(VOLUMES, volume, 0, record.account = 77);
    LIE(VOLUMES, volume, 0, record.value.units = 0);
    LIE(VOLUMES, volume, 0, record.value.units = -5);
    LIE(VOLUMES, volume, 0, record.day -= 31);
    LIE(VOLUMES, volume, 0, record.day += 31);
    LIE(VOLUMES, volume, 1, record.day = 0);
    LIE(KEYS, key, 1,
        memcpy(record.key_id, snapshots_record(&lying.snapshot, SETTLED_KEYS, 0) + 8, 32));
    LIE(KEYS, key, 0, record.account = 0);
    LIE(KEYS, key, 0, record.account = 5);
    LIE(SWITCHES, switch, 0, record.account = 0);
    LIE(SWITCHES, switch, 0, record.account = 5);
    LIE(SWITCHES, switch, 1, record.account = 1); /* twice */
    LIE(SWITCHES, switch, 0, record.market = 1);
    LIE(SWITCHES, switch, 0, record.deadline_ns = 0);
    LIE(SWITCHES, switch, 0, record.deadline_ns = lying.world->stamp_ns);
    LIE(SWITCHES, switch, 0, record.deadline_ns = UINT64_MAX);
    lying_close(&lying);
}
