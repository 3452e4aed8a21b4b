#include "common/node_set.h"
#include "tests/harness.h"

#include <string.h>

static struct genesis genesis;
static struct node_set set;

static void begin(void)
{
    genesis = (struct genesis){.validators = {.count = 2}};
    for (uint32_t i = 0; i < 2; i++) {
        struct validator *validator = &genesis.validators.members[i];
        validator->node = 10 * (i + 1);
        memset(validator->public_key, (int)i + 1, PUBLIC_KEY_BYTES);
        snprintf(validator->address, NODE_ADDRESS_BYTES, "10.0.0.%u:1", i);
    }
    node_set_of_genesis(&genesis, &set);
}

static bool change(uint32_t node, uint8_t role, uint8_t key)
{
    struct node_changed_event changed = {.node = node, .role = role};
    memset(changed.public_key, key, PUBLIC_KEY_BYTES);
    memcpy(changed.address, "there:2", 7);
    return node_set_apply(&set, &changed);
}

TEST(node_set, begins_with_the_validators_of_the_genesis)
{
    begin();
    assert_int_equal(set.count, 2);
    const struct node_member *member = node_set_find(&set, 20);
    assert_non_null(member);
    assert_int_equal(member->role, NODE_VOTER);
    assert_int_equal(member->public_key[31], 2);
    assert_string_equal(member->address, "10.0.0.1:1");
    assert_null(node_set_find(&set, 15));
}

TEST(node_set, keeps_members_by_rising_node)
{
    begin();
    assert_true(change(15, NODE_STANDBY, 7));
    assert_true(change(30, NODE_VOTER, 8));
    assert_true(change(5, NODE_VOTER, 9));
    static const uint32_t expected[] = {5, 10, 15, 20, 30};
    assert_int_equal(set.count, 5);
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(set.members[i].node, expected[i]);
    assert_int_equal(node_set_find(&set, 10)->public_key[0], 1);
    assert_int_equal(node_set_find(&set, 20)->public_key[0], 2);
    assert_string_equal(node_set_find(&set, 15)->address, "there:2");
}

TEST(node_set, changes_and_drops_members)
{
    begin();
    assert_true(change(10, NODE_STANDBY, 3));
    assert_int_equal(set.count, 2);
    assert_int_equal(node_set_find(&set, 10)->role, NODE_STANDBY);
    assert_int_equal(node_set_find(&set, 10)->public_key[0], 3);
    assert_true(change(10, NODE_GONE, 0));
    assert_int_equal(set.count, 1);
    assert_null(node_set_find(&set, 10));
    assert_int_equal(node_set_find(&set, 20)->public_key[0], 2);
}

TEST(node_set, refuses_what_cannot_be)
{
    begin();
    assert_false(change(11, NODE_GONE, 0));
    assert_false(change(0, NODE_VOTER, 1));
    assert_false(change(11, NODE_VOTER + 1, 1));
    for (uint32_t i = 0; i < NODE_SET_LIMIT - 2; i++)
        assert_true(change(100 + i, NODE_STANDBY, 1));
    assert_false(change(1000, NODE_STANDBY, 1));
    assert_true(change(100, NODE_VOTER, 1));
    assert_int_equal(set.count, NODE_SET_LIMIT);
}

TEST(node_set, voters_are_those_who_vote)
{
    begin();
    assert_true(change(15, NODE_STANDBY, 7));
    struct validator_set voters;
    node_set_voters(&set, &voters);
    assert_int_equal(voters.count, 2);
    assert_int_equal(voters.members[1].node, 20);
    assert_int_equal(voters.members[1].public_key[5], 2);
    assert_string_equal(voters.members[1].address, "10.0.0.1:1");
}

TEST(node_set, equal_members_agree_in_every_field)
{
    begin();
    const struct node_member first = set.members[0];
    struct node_member other;
    memset(&other, 0xff, sizeof(other)); /* what lies between the fields does not count */
    other.node = first.node;
    other.role = first.role;
    memcpy(other.public_key, first.public_key, sizeof(other.public_key));
    memcpy(other.address, first.address, sizeof(other.address));
    assert_true(node_member_equal(&first, &other));
    other.role = NODE_STANDBY;
    assert_false(node_member_equal(&first, &other));
    other = first;
    other.public_key[31] ^= 1;
    assert_false(node_member_equal(&first, &other));
    other = first;
    other.address[63] = 1;
    assert_false(node_member_equal(&first, &other));
    other = first;
    other.node++;
    assert_false(node_member_equal(&first, &other));
}

static bool valid(const char *text)
{
    char address[NODE_ADDRESS_BYTES] = {0};
    memcpy(address, text, strlen(text));
    return node_address_valid(address);
}

TEST(node_set, an_address_is_host_and_port)
{
    assert_true(valid("10.0.0.1:8580"));
    assert_true(valid("[::1]:1"));
    assert_true(valid("node-3.exchange.example:65535"));
    static const char *const bad[] = {"",      "host",     "host:", ":80",   "host:0",
                                      "h:080", "h:65536",  "h:80a", "h :80", "h\n:80",
                                      "h:-1",  "h:100000", "h: 80"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(valid(bad[i]));
    char full[NODE_ADDRESS_BYTES];
    memset(full, 'a', sizeof(full));
    memcpy(full + sizeof(full) - 3, ":80", 3);
    assert_false(node_address_valid(full));
    char behind[NODE_ADDRESS_BYTES] = "h:80";
    behind[10] = 'x';
    assert_false(node_address_valid(behind));
}
