#include "settlement/keyring.h"

#include "common/arena.h"
#include "common/le.h"
#include "tests/harness.h"

/* All of them have one hash. */
static void id_put(struct key_added_event *key, uint32_t number)
{
    le_put_u32(key->key_id, number);
    le_put_u32(key->key_id + 16, number);
}

/* Keys are found by all of their id; a second with the same id and one too many are refused. */
TEST(keyring, finds_each_key_once)
{
    struct arena arena;
    if (!arena_map(&arena, keyring_bytes(50, 50))) abort();
    struct keyring *ring = keyring_new(&arena, 50, 50);
    struct key_added_event key = {0};
    for (uint32_t i = 1; i <= 50; i++) {
        key.account = i;
        id_put(&key, i);
        assert_null(keyring_find(ring, key.key_id));
        assert_true(keyring_add(ring, &key));
        assert_false(keyring_add(ring, &key));
    }
    for (uint32_t i = 1; i <= 50; i++) {
        id_put(&key, i);
        assert_int_equal(keyring_find(ring, key.key_id)->account, i);
    }
    id_put(&key, 51);
    assert_false(keyring_add(ring, &key));
    assert_int_equal(keyring_count(ring), 50);
    for (uint32_t i = 0; i < 50; i++)
        assert_int_equal(keyring_at(ring, i)->account, i + 1); /* as they were added */
    arena_unmap(&arena);
}
