#include "tests/harness.h"

#include "common/arena.h"
#include "engine/keys.h"

/* A key id is there once it was added, and no other is. */
TEST(keys, every_byte_of_an_id_counts)
{
    struct arena arena;
    struct keys keys;
    uint8_t id[KEY_ID_BYTES] = {9};
    assert_true(arena_map(&arena, keys_bytes(2)));
    assert_true(keys_init(&keys, &arena, 2));
    assert_false(keys_has(&keys, id));
    keys_add(&keys, id);
    assert_true(keys_has(&keys, id));
    id[31] = 1;
    assert_false(keys_has(&keys, id));
    keys_add(&keys, id);
    assert_int_equal(keys.count, keys.capacity);
    arena_unmap(&arena);
}
