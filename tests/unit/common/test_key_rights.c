#include "common/key_rights.h"

#include "tests/harness.h"

/* What only the owner's own key signs, what a key may, and what needs no right. */
TEST(key_rights, rights_are_by_command)
{
    assert_int_equal(key_rights_needed(T_ORDER_PLACE), KEY_TRADE);
    assert_int_equal(key_rights_needed(T_ORDER_SUBMIT), KEY_TRADE);
    assert_int_equal(key_rights_needed(T_SWITCH_SET), KEY_TRADE);
    assert_int_equal(key_rights_needed(T_WITHDRAW), KEY_WITHDRAW);
    assert_int_equal(key_rights_needed(T_ADDRESS_ALLOW), KEY_WITHDRAW);
    assert_int_equal(key_rights_needed(T_WITHDRAWAL_CANCEL), KEY_WITHDRAW);
    assert_int_equal(key_rights_needed(T_SESSION_END), 0);
    assert_int_equal(key_rights_needed(T_KEY_CREATE), 0);
    assert_int_equal(key_rights_needed(T_ACCOUNT_OPEN), 0); /* by a key that has no account yet */
    assert_true(key_rights_manages(T_KEY_REMOVE) && !key_rights_manages(T_KEY_ADD));
}

/* An id is of one owner and one time, and the same on every node: it is in the log. */
TEST(key_rights, an_id_is_of_owner_and_time)
{
    const uint8_t owner[PUBLIC_KEY_BYTES] = {1}, other[PUBLIC_KEY_BYTES] = {2};
    char hex[65];
    assert_true(hash_start());
    const hash_t id = key_rights_id(owner, 1700000000000000000u);
    assert_false(hash_equal(id, key_rights_id(owner, 1700000000000000001u)));
    assert_false(hash_equal(id, key_rights_id(other, 1700000000000000000u)));
    hash_hex(id.bytes, HASH_BYTES, hex);
    assert_string_equal(hex, "2316c761d958d8178dd52a16e1187d7256478cf38b09e4015c2f7a6cbcea7dfd");
}

/* One kind of key, some right, and a list that can be one. */
TEST(key_rights, a_key_is_whole)
{
    struct key_create_command create = {.permissions = KEY_TRADE, .secret_version = 1};
    assert_true(key_rights_valid(&create));
    create.permissions |= KEY_WITHDRAW;
    assert_false(key_rights_valid(&create));
    create.secret_version = 0;
    assert_false(key_rights_valid(&create));
    create.public_key[31] = 1;
    assert_true(key_rights_valid(&create));
    create.ips[0] = 1;
    assert_false(key_rights_valid(&create));
}
