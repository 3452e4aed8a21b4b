#include "settlement/image.h"

#include "settlement/state.h"
#include "tests/harness.h"
#include "tests/unit/settlement/snapshots.h"

#include <sys/mman.h>

/* Nothing of the settlement is read where it was: that memory is taken away meanwhile. */
TEST(image, a_copy_is_read_where_it_lies)
{
    struct world *world = snapshots_world();
    struct arena image, copy;
    const struct snapshot_bytes before = snapshots_of(world->settlement, &world->genesis);
    const amount_t available = settlement_available(world->settlement, 1, BTC);
    assert_true(arena_map(&image, world->arena.capacity));
    assert_true(arena_map(&copy, image_settlement_bytes()));
    memcpy(image.bytes, world->arena.bytes, world->arena.capacity);
    assert_int_equal(mprotect(world->arena.bytes, world->arena.capacity, PROT_NONE), 0);

    const struct settlement *settlement =
        image_settlement(&copy, image.bytes, world->arena.bytes, world->settlement);
    assert_non_null(settlement);
    assert_int_equal(settlement_available(settlement, 1, BTC).units, available.units);
    assert_true(settle_check(settlement));
    const struct snapshot_bytes there = snapshots_of(settlement, &world->genesis);
    assert_int_equal(there.count, before.count);
    assert_memory_equal(there.bytes, before.bytes, before.count);

    /* What a snapshot does not read: indexes, heaps, the tree. */
    const struct hold_entry *entry;
    size_t slot = 0;
    while ((entry = hold_book_next(settlement->orders, &slot)) != NULL)
        assert_ptr_equal(hold_book_find(settlement->orders, 0, entry->order_id), entry);
    assert_int_equal(pairing_check(settlement->sleepers, settlement->markets[0].rising), 3);
    assert_true(switch_book_deadline(settlement->switches, 2, 0) > world->stamp_ns);
    uint8_t key_id[32];
    world_key_id(3, key_id);
    assert_int_equal(keyring_find(settlement->keys, key_id)->account, 3);
    assert_true(hash_equal(account_tree_root(settlement->tree), world->roots.state_root));

    assert_int_equal(mprotect(world->arena.bytes, world->arena.capacity, PROT_READ | PROT_WRITE),
                     0);
    free(there.bytes);
    free(before.bytes);
    arena_unmap(&copy);
    arena_unmap(&image);
    world_free(world);
}

/* However little there is of it, it is not written beyond. */
TEST(image, an_arena_too_small_is_said)
{
    struct world *world = snapshots_world();
    struct arena copy;
    const uint8_t *memory = world->arena.bytes;
    assert_true(arena_map(&copy, image_settlement_bytes()));
    assert_non_null(image_settlement(&copy, memory, memory, world->settlement));
    const size_t used = copy.used;
    assert_true(used <= image_settlement_bytes());
    for (size_t capacity = 0; capacity < used; capacity += 64) {
        copy.used = 0;
        copy.capacity = capacity;
        assert_null(image_settlement(&copy, memory, memory, world->settlement));
    }
    copy.capacity = image_settlement_bytes();
    arena_unmap(&copy);
    world_free(world);
}
