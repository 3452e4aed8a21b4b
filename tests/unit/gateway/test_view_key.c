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
