#include "tests/harness.h"

#include "engine/image.h"
#include "tests/unit/engine/snapshots.h"

#include <sys/mman.h>

/* Nothing of the engine is read where it was: that memory is taken away meanwhile. */
TEST(image, a_copy_is_read_where_it_lies)
{
    struct world world;
    struct arena image, copy;
    snapshots_prepare(&world);
    world_open(&world);
    snapshots_fill(&world);
    snapshots_named(&world);
    const struct snapshot_bytes before = snapshots_of(world.engine, &world.genesis);
    const uint32_t orders = engine_counts(world.engine).open_orders;
    assert_true(arena_map(&image, world.arena.capacity));
    assert_true(arena_map(&copy, image_bytes()));
    memcpy(image.bytes, world.arena.bytes, world.arena.capacity);
    assert_int_equal(mprotect(world.arena.bytes, world.arena.capacity, PROT_NONE), 0);

    const struct engine *engine = image_engine(&copy, image.bytes, world.arena.bytes, world.engine);
    assert_non_null(engine);
    assert_int_equal(engine_counts(engine).open_orders, orders);
    /* engine_check reads tables and trees, which a snapshot does not; it changes nothing. */
    assert_true(engine_check((struct engine *)(uintptr_t)engine));
    const struct snapshot_bytes there = snapshots_of(engine, &world.genesis);
    assert_int_equal(there.count, before.count);
    assert_memory_equal(there.bytes, before.bytes, before.count);

    assert_null(image_engine(&copy, image.bytes, world.arena.bytes, world.engine));
    assert_int_equal(mprotect(world.arena.bytes, world.arena.capacity, PROT_READ | PROT_WRITE), 0);
    free(there.bytes);
    free(before.bytes);
    arena_unmap(&copy);
    arena_unmap(&image);
    world_close(&world);
}
