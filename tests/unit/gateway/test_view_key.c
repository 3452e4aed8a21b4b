#include "gateway/view_key.h"

#include "tests/harness.h"

static struct key_added_event key_of(uint32_t number)
{
    struct key_added_event added = {.account = number, .permissions = KEY_READ};
    memcpy(added.key_id, &number, sizeof(number));
    if (number % 2 == 0) memset(added.public_key, 7, sizeof(added.public_key));
    return added;
}

TEST(view_key, each_is_found_by_its_own_id)
{
    static uint8_t memory[1 << 17] __attribute__((aligned(64)));
    struct view_keys keys;
    struct arena arena;
    arena_init(&arena, memory, sizeof(memory));
    assert_true(view_key_bytes(500) <= sizeof(memory));
    assert_true(view_key_init(&keys, &arena, 500));
    for (uint32_t number = 1; number <= 500; number++) {
        const struct key_added_event added = key_of(number);
        assert_int_equal(view_key_find(&keys, added.key_id), -1);
        view_key_add(&keys, &added);
    }
    for (uint32_t number = 1; number <= 500; number++) {
        const struct key_added_event added = key_of(number);
        const int64_t index = view_key_find(&keys, added.key_id);
        assert_int_equal(index, number - 1);
        assert_int_equal(keys.keys[index].account, number);
        assert_int_equal(keys.keys[index].has_public_key, number % 2 == 0);
    }
}

/* A removed key is still there, and may nothing; the one that takes its place is found, and the old one no more. */
TEST(view_key, a_removed_ones_place_is_taken)
{
    static uint8_t memory[1 << 16] __attribute__((aligned(64)));
    struct view_keys keys;
    struct arena arena;
    arena_init(&arena, memory, sizeof(memory));
    assert_true(view_key_init(&keys, &arena, 40));
    struct key_created_event created = {.account = 3, .permissions = KEY_TRADE, .ip_count = 1};
    for (uint8_t i = 0; i < 40; i++) { /* all of one home */
        created.key_id[31] = i;
        view_key_created(&keys, &created);
    }
    struct key_removed_event removed = {.account = 3, .key_id = {[31] = 7}};
    view_key_removed(&keys, &removed);
    int64_t index = view_key_find(&keys, removed.key_id);
    assert_int_equal(index, 7);
    assert_int_equal(keys.keys[7].permissions, 0);
    assert_int_equal(keys.keys[7].ips.count, 0);
    memcpy(created.replaced_id, removed.key_id, sizeof(created.replaced_id));
    created.replaces = 1;
    created.key_id[31] = 99;
    view_key_created(&keys, &created);
    assert_int_equal(view_key_find(&keys, removed.key_id), -1);
    assert_int_equal(view_key_find(&keys, created.key_id), 7);
    assert_int_equal(keys.keys[7].changes, 1);
    assert_int_equal(keys.keys[7].permissions, KEY_TRADE);
    for (uint8_t i = 0; i < 40; i++) {
        created.key_id[31] = i;
        assert_int_equal(view_key_find(&keys, created.key_id), i == 7 ? -1 : i);
    }
    assert_int_equal(keys.key_count, 40);
}
