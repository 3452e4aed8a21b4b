#include "settlement/keyring.h"

#include "common/arena.h"
#include "common/le.h"
#include "tests/harness.h"

/* Keys are found by all of their id; a second with the same id and one too many are refused. */
TEST(keyring, finds_each_key_once)
{
    struct arena arena;
    if (!arena_map(&arena, keyring_bytes(50))) abort();
    struct keyring *ring = keyring_new(&arena, 50);
    struct key_added_event key = {0};
    for (uint32_t i = 1; i <= 50; i++) {
        key.account = i;
        le_put_u32(key.key_id + 28, i); /* equal in all that is hashed */
        assert_null(keyring_find(ring, key.key_id));
        assert_true(keyring_add(ring, &key));
        assert_false(keyring_add(ring, &key));
    }
    for (uint32_t i = 1; i <= 50; i++) {
        le_put_u32(key.key_id + 28, i);
        assert_int_equal(keyring_find(ring, key.key_id)->account, i);
    }
    le_put_u32(key.key_id + 28, 51);
    assert_false(keyring_add(ring, &key));
    assert_int_equal(keyring_count(ring), 50);
    arena_unmap(&arena);
}
