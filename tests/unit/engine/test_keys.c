#include "tests/harness.h"

#include "common/arena.h"
#include "common/messages.h"
#include "engine/keys.h"

/* A key id is there once it was added, and no other is. */
TEST(keys, every_byte_of_an_id_counts)
{
    struct arena arena;
    struct keys keys;
    uint8_t id[KEY_ID_BYTES] = {9};
    assert_true(arena_map(&arena, keys_bytes(2, 1)));
    assert_true(keys_init(&keys, &arena, 2, 1));
    assert_int_equal(keys_find(&keys, id), 0);
    assert_int_equal(keys_add(&keys, id), 1);
    assert_int_equal(keys_find(&keys, id), 1);
    id[31] = 1;
    assert_int_equal(keys_find(&keys, id), 0);
    assert_int_equal(keys_add(&keys, id), 2);
    assert_int_equal(keys.count, keys.capacity);
    arena_unmap(&arena);
}

/* A place that another key takes is found by that key's id alone. */
TEST(keys, a_place_is_named_anew)
{
    struct arena arena;
    struct keys keys;
    const uint8_t first[KEY_ID_BYTES] = {1}, second[KEY_ID_BYTES] = {2}, third[KEY_ID_BYTES] = {3};
    assert_true(arena_map(&arena, keys_bytes(3, 2)));
    assert_true(keys_init(&keys, &arena, 3, 2));
    keys_allow(&keys, keys_add(&keys, first), 2, KEY_TRADE, 0);
    keys_allow(&keys, keys_add(&keys, second), 2, KEY_READ, 0);
    assert_true(keys_may(&keys, 1, KEY_TRADE) && !keys_may(&keys, 1, KEY_WITHDRAW));
    assert_true(!keys_may(&keys, 2, KEY_TRADE) && keys_may(&keys, 2, KEY_READ));
    assert_int_equal(keys_spare(&keys, 2, 100), 0);
    keys_allow(&keys, 1, 2, 0, 50);
    assert_false(keys_may(&keys, 1, KEY_TRADE));
    assert_int_equal(keys_spare(&keys, 2, 49), 0);
    assert_int_equal(keys_spare(&keys, 2, 50), 1);
    keys_allow(&keys, 2, 2, 0, 50);
    assert_int_equal(keys_spare(&keys, 2, 50), 1); /* of two at once the first place */
    keys_rename(&keys, 1, third);
    keys_allow(&keys, 1, 2, KEY_TRADE, 0);
    assert_int_equal(keys_find(&keys, first), 0);
    assert_int_equal(keys_find(&keys, third), 1);
    assert_true(keys_may(&keys, 1, KEY_TRADE));
    assert_int_equal(keys_spare(&keys, 2, 50), 2);
    assert_int_equal(keys.owners[2].count, 2);
    assert_true(keys_check(&keys));
    arena_unmap(&arena);
}
