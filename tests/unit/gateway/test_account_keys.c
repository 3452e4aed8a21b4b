#include "gateway/account_keys.h"

#include "tests/unit/gateway/desk_fixture.h"

static void add_key(uint32_t account, uint8_t byte)
{
    struct key_added_event key = {.account = account, .permissions = KEY_READ};
    memset(key.key_id, byte, sizeof(key.key_id));
    event_write_key_added(&desk_events, &key);
    desk_apply();
}

/* Each account's own, as they were added, and of nobody else. */
TEST(account_keys, walk_gives_the_accounts_own)
{
    desk_open();
    for (uint32_t account = 1; account <= 3; account++)
        desk_account(account);
    desk_apply();
    assert_null(account_keys_next(desk_view, 1, NULL));
    add_key(1, 5);
    add_key(2, 6);
    add_key(1, 7);
    const struct view_key *key = account_keys_next(desk_view, 1, NULL);
    assert_int_equal(key->key_id[0], 5);
    key = account_keys_next(desk_view, 1, key);
    assert_int_equal(key->key_id[0], 7);
    assert_null(account_keys_next(desk_view, 1, key));
    key = account_keys_next(desk_view, 2, NULL);
    assert_int_equal(key->key_id[0], 6);
    assert_null(account_keys_next(desk_view, 2, key));
    assert_null(account_keys_next(desk_view, 3, NULL));
}
