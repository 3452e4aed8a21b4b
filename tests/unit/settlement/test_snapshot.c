#include "settlement/snapshot.h"

#include "settlement/state.h"
#include "tests/harness.h"
#include "tests/unit/settlement/snapshots.h"

/* The bytes are a format: whoever changes them raises the version and has another hash here. */
TEST(snapshot, the_bytes_of_a_world_are_golden)
{
    struct world *world = snapshots_world();
    char hex[2 * HASH_BYTES + 1];
    assert_int_equal(world->status, STATUS_OK);
    const struct snapshot_bytes snapshot = snapshots_of(world->settlement, &world->genesis);
    hash_hex(snapshot.bytes + snapshot.count - HASH_BYTES, HASH_BYTES, hex);
    assert_int_equal(snapshot.count, 5090);
    assert_string_equal(hex, "66977e459769b768df8487c5ea28a42ace90eb12aa0b78a51b470d326d6200cc");
    free(snapshot.bytes);
    world_free(world);
}

/* A chain of rules that know no house is written as builds wrote it that knew none: these figures are from one of them. So
 * their nodes and ours have the same checkpoints. */
TEST(snapshot, under_earlier_rules_the_bytes_are_those_of_earlier_builds)
{
    struct world *world = snapshots_world_with(snapshots_adjust_houseless);
    char hex[2 * HASH_BYTES + 1];
    assert_int_equal(world->status, STATUS_OK);
    const struct snapshot_bytes snapshot = snapshots_of(world->settlement, &world->genesis);
    hash_hex(snapshot.bytes + snapshot.count - HASH_BYTES, HASH_BYTES, hex);
    assert_int_equal(le_get_u32(snapshot.bytes + 8), SETTLED_VERSION_HOUSELESS);
    assert_int_equal(snapshot.count, 5040);
    assert_string_equal(hex, "8f8a5d5c964e1d0e5e797914e9cfe002edb034d6e75b67d1ef54ba39ec37cd13");
    free(snapshot.bytes);
    world_free(world);
}

/* From the block on that goes on under rules 3 the later version is written, whether or not there is a house; under rules
 * 4 the one after it. */
TEST(snapshot, with_the_rules_the_version_changes)
{
    struct world *world = world_new_with(snapshots_adjust_houseless);
    struct custody custody;
    custody_open(&custody, world);
    custody_releases(&custody, PARAMS_CONNECTOR_FIRST);
    assert_int_equal(world_seal(world), STATUS_OK);
    const struct snapshot_bytes snapshot = snapshots_of(world->settlement, &world->genesis);
    assert_int_equal(le_get_u32(snapshot.bytes + 8), SETTLED_VERSION_CHARGELESS);
    assert_int_equal(le_get_u32(snapshot.bytes + 12), SETTLED_CHARGES);
    assert_int_equal(snapshots_count(&snapshot, SETTLED_HOUSE), 0);
    free(snapshot.bytes);

    custody_charges(&custody, 10);
    assert_int_equal(world_seal(world), STATUS_OK);
    const struct snapshot_bytes later = snapshots_of(world->settlement, &world->genesis);
    assert_int_equal(le_get_u32(later.bytes + 8), SETTLED_VERSION_RIGHTLESS);
    assert_int_equal(le_get_u32(later.bytes + 12), SETTLED_KEY_RIGHTS);
    free(later.bytes);
    world_free(world);
}

/* The world of these tests has something of everything, so that they prove something of everything. */
TEST(snapshot, sections_lie_where_their_counts_say)
{
    struct world *world = snapshots_world();
    const struct snapshot_bytes snapshot = snapshots_of(world->settlement, &world->genesis);
    assert_memory_equal(snapshot.bytes, SETTLED_MAGIC, 8);
    assert_int_equal(le_get_u32(snapshot.bytes + 8), SETTLED_VERSION_CHARGELESS);
    assert_int_equal(le_get_u32(snapshot.bytes + 12), SETTLED_CHARGES);
    assert_int_equal(le_get_u64(snapshot.bytes + 16), snapshot.count);
    for (enum settled_section section = 0; section < SETTLED_CHARGES; section++) {
        const uint8_t *at = snapshots_section(&snapshot, section);
        assert_int_equal(le_get_u32(at), section);
        if (le_get_u64(at + 8) == 0) fail_msg("there is nothing in section %d", (int)section);
    }
    const uint8_t *end = snapshots_section(&snapshot, SETTLED_CHARGES);
    assert_int_equal(end - snapshot.bytes + HASH_BYTES, snapshot.count);
    free(snapshot.bytes);
    world_free(world);
}

/* An order's place tells nothing of when its number was last free. */
TEST(snapshot, orders_come_by_id)
{
    struct world *world = snapshots_world();
    const uint64_t open = hold_book_count(world->settlement->orders);
    for (int i = 0; i < WORLD_ORDERS; i++)
        if (world->orders[i].account != 0 && world->orders[i].list == 0 && i % 3 == 0)
            world_cancel(world, world->orders[i].account, world->orders[i].id);
    world_buy(world, 1, SNAPSHOTS_PRICE - 999, 3); /* comes to a number that was used */
    assert_int_equal(world_seal(world), STATUS_OK);
    const struct snapshot_bytes snapshot = snapshots_of(world->settlement, &world->genesis);
    const uint64_t count = snapshots_count(&snapshot, SETTLED_ORDERS);
    struct settled_order order = {.id = 0};
    assert_true(count > 9 && count < open);
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t before = order.id;
        settled_order_get(snapshots_record(&snapshot, SETTLED_ORDERS, i), &order);
        assert_true(order.id > before);
    }
    assert_int_equal(order.id, world->order_id);
    free(snapshot.bytes);
    world_free(world);
}

/* A checkpoint goes to auditors too: what hides who is who in the tree must not. */
TEST(snapshot, holds_neither_secret_nor_salt)
{
    struct world *world = snapshots_world();
    const struct snapshot_bytes snapshot = snapshots_of(world->settlement, &world->genesis);
    assert_null(memmem(snapshot.bytes, snapshot.count, world_secret, sizeof(world_secret)));
    for (uint32_t account = 1; account <= 4; account++)
        for (uint64_t height = 1; height <= 3; height++) {
            const hash_t salt = account_tree_salt(world->settlement->tree, account, height);
            assert_null(memmem(snapshot.bytes, snapshot.count, salt.bytes, HASH_BYTES));
        }
    free(snapshot.bytes);
    world_free(world);
}

/* Before the first command there is a state too. */
TEST(snapshot, a_settlement_without_a_past_has_one)
{
    struct world *world = world_new();
    struct arena arena;
    assert_true(arena_map(&arena, settlement_bytes(&world->genesis)));
    const struct settlement *settlement = settlement_new(&arena, &world->genesis, world_secret);
    assert_non_null(settlement);
    const struct snapshot_bytes snapshot = snapshots_of(settlement, &world->genesis);
    assert_int_equal(snapshots_count(&snapshot, SETTLED_ACCOUNTS), 0);
    assert_int_equal(snapshots_count(&snapshot, SETTLED_ORDERS), 0);
    free(snapshot.bytes);
    arena_unmap(&arena);
    world_free(world);
}

/* What has no bearing on anything that may follow is not there: days that count no more, who traded last,
 * prices that nobody trails, an iceberg's slice when it is the whole. */
TEST(snapshot, what_is_over_leaves_no_trace)
{
    struct world *world = world_new_with(snapshots_adjust),
                 *other = world_new_with(snapshots_adjust);
    const struct world_order trailing = {
        .account = 3, .side = SELL, .type = STOP_LOSS_LIMIT, .price = 1, .delta = 20, .qty = 4};
    snapshots_touch(world, SNAPSHOTS_PRICE);
    snapshots_touch(other, SNAPSHOTS_PRICE);
    const uint64_t id = world_enter(world, &trailing);
    world_enter(other, &trailing);
    snapshots_touch(world, SNAPSHOTS_PRICE + 3);
    world_cancel(world, 3, id);
    world_cancel(other, 3, id);
    snapshots_touch(other, SNAPSHOTS_PRICE + 3); /* kept for nobody */
    struct world *const worlds[] = {world, other};
    struct snapshot_bytes snapshots[2];
    for (int i = 0; i < 2; i++) {
        assert_int_equal(world_seal(worlds[i]), STATUS_OK);
        worlds[i]->stamp_ns += 31 * WORLD_DAY_NS;
        assert_int_equal(world_seal(worlds[i]), STATUS_OK);
        snapshots[i] = snapshots_of(worlds[i]->settlement, &worlds[i]->genesis);
        assert_int_equal(snapshots_count(&snapshots[i], SETTLED_VOLUMES), 0);
        assert_int_equal(snapshots_count(&snapshots[i], SETTLED_MARKS), 0);
    }
    assert_int_equal(snapshots[0].count, snapshots[1].count);
    assert_memory_equal(snapshots[0].bytes, snapshots[1].bytes, snapshots[0].count);
    for (int i = 0; i < 2; i++) {
        free(snapshots[i].bytes);
        world_free(worlds[i]);
    }
}

/* A disk that is full is told to the caller; so is scratch that does not suffice, before anything is
 * written. Either way the scratch is given back. */
TEST(snapshot, what_cannot_be_written_is_said)
{
    struct world *world = snapshots_world();
    struct arena scratch;
    struct snapshot_bytes to = {.bytes = malloc(SNAPSHOTS_ROOM), .limit = 1000};
    const struct snapshot_sink sink = {snapshots_take, &to};
    const size_t need = settlement_snapshot_scratch_bytes(world->settlement);
    assert_true(arena_map(&scratch, need));
    assert_int_equal(settlement_snapshot_write(world->settlement, &world->genesis, &scratch, &sink),
                     STATUS_IO);
    assert_int_equal(scratch.used, 0);
    to = (struct snapshot_bytes){.bytes = to.bytes, .limit = SNAPSHOTS_ROOM};
    scratch.capacity = need - 1;
    assert_int_equal(settlement_snapshot_write(world->settlement, &world->genesis, &scratch, &sink),
                     STATUS_NO_MEMORY);
    assert_int_equal(to.count, 0);
    scratch.capacity = need;
    assert_int_equal(settlement_snapshot_write(world->settlement, &world->genesis, &scratch, &sink),
                     STATUS_OK);
    assert_int_equal(scratch.used, 0);
    arena_unmap(&scratch);
    free(to.bytes);
    world_free(world);
}

/* The 30 days before a day count on it, and not the one before them. */
TEST(snapshot, days_are_there_as_long_as_they_count)
{
    struct world *world = world_new_with(snapshots_adjust);
    snapshots_touch(world, SNAPSHOTS_PRICE);
    for (uint32_t day = 0; day < 33; day++, world->stamp_ns += WORLD_DAY_NS) {
        assert_int_equal(world_seal(world), STATUS_OK);
        const struct snapshot_bytes snapshot = snapshots_of(world->settlement, &world->genesis);
        assert_int_equal(snapshots_count(&snapshot, SETTLED_VOLUMES), day <= 30 ? 2 : 0);
        free(snapshot.bytes);
        snapshots_restart(world);
    }
    world_free(world);
}
