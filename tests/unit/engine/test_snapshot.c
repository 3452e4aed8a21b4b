#include "tests/harness.h"

#include "tests/unit/engine/snapshots.h"

static void filled_open(struct world *world)
{
    snapshots_prepare(world);
    world_open(world);
    snapshots_fill(world);
    assert_true(engine_check(world->engine));
}

/* The bytes are a format: whoever changes them raises the version and has another hash here. */
TEST(snapshot, the_bytes_of_a_world_are_golden)
{
    struct world world;
    char hex[2 * HASH_BYTES + 1];
    filled_open(&world);
    const struct snapshot_bytes snapshot = snapshots_of(world.engine, &world.genesis);
    hash_hex(snapshot.bytes + snapshot.count - HASH_BYTES, HASH_BYTES, hex);
    assert_int_equal(snapshot.count, 5971);
    assert_string_equal(hex, "1bcfa61f60f39f038524ca76609d4f97a13ac5e28a8d675d754285bc4f9af211");
    free(snapshot.bytes);
    world_close(&world);
}

/* Each section says how long it is, they are all there and in their order, and with the header and the
 * hash they are all there is. */
TEST(snapshot, sections_lie_where_their_counts_say)
{
    struct world world;
    filled_open(&world);
    const struct snapshot_bytes snapshot = snapshots_of(world.engine, &world.genesis);
    assert_memory_equal(snapshot.bytes, SNAPSHOT_MAGIC, 8);
    assert_int_equal(le_get_u32(snapshot.bytes + 8), SNAPSHOT_VERSION_CHARGELESS);
    assert_int_equal(le_get_u32(snapshot.bytes + 12), SNAPSHOT_CHARGES);
    assert_int_equal(le_get_u64(snapshot.bytes + 16), snapshot.count);
    for (enum snapshot_section section = 0; section < SNAPSHOT_CHARGES; section++) {
        const uint8_t *at = snapshots_section(&snapshot, section);
        assert_int_equal(le_get_u32(at), section);
        assert_int_equal(le_get_u32(at + 4), snapshot_record_bytes(section));
        /* The world has something of everything. */
        assert_true(le_get_u64(at + 8) > 0);
    }
    const uint8_t *end = snapshots_section(&snapshot, SNAPSHOT_CHARGES);
    assert_int_equal(end - snapshot.bytes + HASH_BYTES, snapshot.count);
    free(snapshot.bytes);
    world_close(&world);
}

/* An order's place tells nothing of when its slot was last free. */
TEST(snapshot, orders_come_by_market_and_id)
{
    struct world world;
    struct snapshot_order before = {.id = 0}, order;
    struct snapshot_market market;
    filled_open(&world);
    /* The slot freed last is the next one's: the highest id comes to a low slot. */
    assert_int_equal(
        world_order_cancel(&world, (struct order_cancel_command){.account = 1, .order_id = 9}), 0);
    assert_int_equal(world_order_place(&world, world_limit(1, BUY, 3, 77)), 0);
    const struct snapshot_bytes snapshot = snapshots_of(world.engine, &world.genesis);
    uint64_t index = 0;
    for (uint64_t i = 0; i < 2; i++) {
        snapshot_market_get(snapshots_record(&snapshot, SNAPSHOT_MARKETS, i), &market);
        assert_true(market.orders > 0);
        before.id = 0;
        for (uint64_t n = 0; n < market.orders; n++) {
            snapshot_order_get(snapshots_record(&snapshot, SNAPSHOT_ORDERS, index++), &order);
            assert_true(order.id > before.id && order.id <= market.last_order);
            before = order;
        }
        if (i == 0) assert_int_equal(before.id, market.last_order);
    }
    assert_int_equal(index, snapshots_count(&snapshot, SNAPSHOT_ORDERS));
    free(snapshot.bytes);
    world_close(&world);
}

/* Before the first command there is a state too. */
TEST(snapshot, an_engine_without_a_past_has_one)
{
    struct world world;
    snapshots_prepare(&world);
    world_open(&world);
    const struct snapshot_bytes snapshot = snapshots_of(world.engine, &world.genesis);
    assert_int_equal(snapshots_count(&snapshot, SNAPSHOT_ACCOUNTS), 0);
    assert_int_equal(snapshots_count(&snapshot, SNAPSHOT_ORDERS), 0);
    assert_int_equal(snapshots_count(&snapshot, SNAPSHOT_MARKETS), 2);
    free(snapshot.bytes);
    world_close(&world);
}

/* A disk that is full is told to the caller; so is scratch that does not suffice, before anything is
 * written. Either way the scratch is given back. */
TEST(snapshot, what_cannot_be_written_is_said)
{
    struct world world;
    struct arena scratch;
    filled_open(&world);
    struct snapshot_bytes to = {.bytes = malloc(SNAPSHOTS_ROOM), .limit = 1000};
    const struct snapshot_sink sink = {snapshots_take, &to};
    const size_t need = snapshot_scratch_bytes(world.engine);
    assert_true(arena_map(&scratch, need));
    assert_int_equal(snapshot_write(world.engine, &world.genesis, &scratch, &sink), STATUS_IO);
    assert_int_equal(scratch.used, 0);
    to = (struct snapshot_bytes){.bytes = to.bytes, .limit = SNAPSHOTS_ROOM};
    scratch.capacity = need - 1;
    assert_int_equal(snapshot_write(world.engine, &world.genesis, &scratch, &sink),
                     STATUS_NO_MEMORY);
    assert_int_equal(to.count, 0);
    scratch.capacity = need;
    assert_int_equal(snapshot_write(world.engine, &world.genesis, &scratch, &sink), STATUS_OK);
    assert_int_equal(scratch.used, 0);
    arena_unmap(&scratch);
    free(to.bytes);
    world_close(&world);
}
