#include "gateway/view_owner.h"

#include "tests/unit/gateway/desk_fixture.h"

/* Each account is found by all of its owner's public key; one without a key, or of nobody, is not. */
TEST(view_owner, each_is_found_by_its_public_key)
{
    static uint8_t memory[1 << 14] __attribute__((aligned(64)));
    static struct view_account accounts[101];
    struct view_owners owners;
    struct arena arena;
    uint8_t none[PUBLIC_KEY_BYTES] = {0};
    arena_init(&arena, memory, sizeof(memory));
    assert_true(view_owner_bytes(100) <= sizeof(memory));
    assert_true(view_owner_init(&owners, &arena, 100));
    for (uint32_t account = 1; account <= 100; account++) {
        if (account != 50) accounts[account].public_key[31] = (uint8_t)account;
        view_owner_add(&owners, accounts, account);
    }
    for (uint32_t account = 1; account <= 100; account++)
        if (account != 50)
            assert_int_equal(view_owner_find(&owners, accounts, accounts[account].public_key),
                             account);
    assert_int_equal(view_owner_find(&owners, accounts, none), 0);
    none[0] = 1;
    assert_int_equal(view_owner_find(&owners, accounts, none), 0);
}
