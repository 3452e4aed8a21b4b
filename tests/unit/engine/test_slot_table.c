#include "tests/harness.h"

#include "common/arena.h"
#include "engine/slot_table.h"

#include <inttypes.h>

struct table_world {
    struct arena arena;
    struct slot_table table;
};

static void table_open(struct table_world *world, uint32_t capacity)
{
    assert_true(arena_map(&world->arena, slot_table_bytes(capacity)));
    assert_true(slot_table_init(&world->table, &world->arena, capacity));
}

static bool table_has(const struct slot_table *table, uint32_t hash, uint32_t slot)
{
    uint32_t place = slot_table_home(table, hash), found;
    while ((found = slot_table_next(table, hash, &place)) != 0)
        if (found == slot) return true;
    return false;
}

/* A removal must not hide what was pushed past it, also round the end of the table. */
TEST(slot_table, removal_closes_the_gap_round_the_end)
{
    struct table_world world;
    table_open(&world, 8);
    const uint32_t last = world.table.mask; /* homes at the last place, then wraps */
    for (uint32_t slot = 1; slot <= 4; slot++)
        slot_table_add(&world.table, last, slot);
    slot_table_add(&world.table, 0, 5);

    slot_table_remove(&world.table, last, 1);
    assert_true(slot_table_check(&world.table));
    assert_false(table_has(&world.table, last, 1));
    for (uint32_t slot = 2; slot <= 4; slot++)
        assert_true(table_has(&world.table, last, slot));
    assert_true(table_has(&world.table, 0, 5));

    slot_table_remove(&world.table, last, 3);
    assert_true(slot_table_check(&world.table));
    assert_true(table_has(&world.table, 0, 5));
    arena_unmap(&world.arena);
}

/* Entries with one hash stay apart by their slot. */
TEST(slot_table, equal_hashes_are_separate_entries)
{
    struct table_world world;
    table_open(&world, 4);
    slot_table_add(&world.table, 77, 1);
    slot_table_add(&world.table, 77, 2);
    slot_table_remove(&world.table, 77, 1);
    assert_false(table_has(&world.table, 77, 1));
    assert_true(table_has(&world.table, 77, 2));
    assert_false(table_has(&world.table, 78, 2));
    arena_unmap(&world.arena);
}

/* Years of churn at full capacity: T1 holds throughout, and the longest run of taken places at the end is
 * as it would be in a new table. */
TEST(slot_table, churn_leaves_no_tombstones)
{
    enum { CAPACITY = 512 };
    struct table_world world;
    uint32_t hashes[CAPACITY + 1];
    table_open(&world, CAPACITY);
    for (uint32_t slot = 1; slot <= CAPACITY; slot++) {
        hashes[slot] = slot_table_hash_pair(slot, 0);
        slot_table_add(&world.table, hashes[slot], slot);
    }
    for (uint64_t i = 0; i < 200000; i++) {
        const uint32_t slot = 1 + slot_table_hash_pair(i, 99) % CAPACITY;
        slot_table_remove(&world.table, hashes[slot], slot);
        hashes[slot] = slot_table_hash_pair(i, 5);
        slot_table_add(&world.table, hashes[slot], slot);
        if (i % 4096 == 0) assert_true(slot_table_check(&world.table));
    }
    assert_true(slot_table_check(&world.table));
    for (uint32_t slot = 1; slot <= CAPACITY; slot++)
        assert_true(table_has(&world.table, hashes[slot], slot));

    uint32_t run = 0, longest = 0;
    for (uint32_t i = 0; i <= world.table.mask; i++) {
        run = world.table.entries[i].slot == 0 ? 0 : run + 1;
        longest = run > longest ? run : longest;
    }
    assert_true(longest < 64);
    arena_unmap(&world.arena);
}

/* Ids as a market gives them: most of the young are there, few of the old. Runs stay short although
 * four in a row share a line. */
TEST(slot_table, serial_numbers_make_no_long_runs)
{
    enum { CAPACITY = 1 << 14 };
    struct table_world world;
    table_open(&world, CAPACITY);
    uint32_t slot = 0;
    for (uint64_t id = 10000000; slot < CAPACITY; id--) {
        const uint64_t age = 10000000 - id;
        if (age > CAPACITY / 2 && slot_table_hash_pair(id, 1) % 64 != 0) continue;
        slot_table_add(&world.table, slot_table_hash_serial(id % 3, id), ++slot);
    }
    assert_true(slot_table_check(&world.table));
    uint32_t run = 0, longest = 0;
    for (uint32_t i = 0; i <= world.table.mask; i++) {
        run = world.table.entries[i].slot == 0 ? 0 : run + 1;
        longest = run > longest ? run : longest;
    }
    assert_true(longest < 128);
    arena_unmap(&world.arena);
}

/* Bytes after the last whole word count, and so does their number. */
TEST(slot_table, hash_sees_every_byte)
{
    uint8_t bytes[36] = {0};
    const uint32_t plain = slot_table_hash_bytes(1, bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = 1;
        assert_int_not_equal(slot_table_hash_bytes(1, bytes, sizeof(bytes)), plain);
        bytes[i] = 0;
    }
    assert_int_not_equal(slot_table_hash_bytes(1, bytes, 35), plain);
    assert_int_not_equal(slot_table_hash_bytes(2, bytes, sizeof(bytes)), plain);
}
