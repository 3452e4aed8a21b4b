#include "settlement/membership.h"

#include "common/node_set.h"
#include "tests/harness.h"

#include <string.h>

static struct settlement s;

/* A command of this type begins. */
#define BEGIN(NAME, name, ...) \
    do { \
        const struct name##_command asked = __VA_ARGS__; \
        memset(&s, 0, sizeof(s)); \
        s.command.type = T_##NAME; \
        name##_command_put(s.command.payload, &asked); \
    } while (0)

static enum status say(uint32_t node, enum node_role role)
{
    uint8_t payload[NODE_CHANGED_BYTES];
    const struct node_changed_event changed = {
        .height = 9, .node = node, .role = (uint8_t)role, .public_key = {8}, .address = "h:1"};
    node_changed_event_put(payload, &changed);
    const struct event event = {T_NODE_CHANGED, NODE_CHANGED_BYTES, payload};
    s.command.main_count++;
    return membership_node(&s, &event);
}

static enum status say_epoch(uint64_t epoch)
{
    uint8_t payload[EPOCH_CHANGED_BYTES];
    epoch_changed_event_put(payload, &(struct epoch_changed_event){epoch});
    const struct event event = {T_EPOCH_CHANGED, EPOCH_CHANGED_BYTES, payload};
    s.command.main_count++;
    return membership_epoch(&s, &event);
}

/* Each command has the changes it asks for: that node, that role, and no more. */
TEST(membership, changes_are_those_asked_for)
{
    BEGIN(NODE_ADD, node_add, {.node = 8, .public_key = {8}, .address = "h:1"});
    assert_int_equal(say(8, NODE_STANDBY), STATUS_OK);
    assert_int_equal(membership_close(&s), STATUS_OK);
    assert_int_equal(say(8, NODE_STANDBY), STATUS_MISMATCH);
    BEGIN(NODE_ADD, node_add, {.node = 8, .public_key = {8}, .address = "h:1"});
    assert_int_equal(say(8, NODE_VOTER), STATUS_MISMATCH);
    BEGIN(NODE_ADD, node_add, {.node = 8, .public_key = {9}, .address = "h:1"});
    assert_int_equal(say(8, NODE_STANDBY), STATUS_MISMATCH);
    BEGIN(NODE_ADD, node_add, {.node = 8, .public_key = {8}, .address = "h:2"});
    assert_int_equal(say(8, NODE_STANDBY), STATUS_MISMATCH);
    BEGIN(NODE_ROLE, node_role, {.node = 8, .role = NODE_VOTER});
    assert_int_equal(say(8, NODE_VOTER), STATUS_OK);
    assert_int_equal(membership_close(&s), STATUS_OK);
    BEGIN(NODE_ROLE, node_role, {.node = 8, .role = NODE_VOTER});
    assert_int_equal(say(8, NODE_STANDBY), STATUS_MISMATCH);
    BEGIN(NODE_ROLE, node_role, {.node = 8, .role = NODE_VOTER});
    assert_int_equal(say(7, NODE_VOTER), STATUS_MISMATCH);
    BEGIN(NODE_REMOVE, node_remove, {.node = 8});
    assert_int_equal(say(8, NODE_STANDBY), STATUS_MISMATCH);
    BEGIN(CREDIT, credit, {.account = 8});
    assert_int_equal(say(8, NODE_STANDBY), STATUS_MISMATCH);
}

/* A swap is the new one's vote, then the old one's end, and nothing between. */
TEST(membership, a_swap_is_two_changes_in_order)
{
    BEGIN(NODE_SWAP, node_swap, {.old_node = 2, .new_node = 5});
    assert_int_equal(say(5, NODE_VOTER), STATUS_OK);
    assert_int_equal(membership_close(&s), STATUS_MISMATCH); /* half of it */
    BEGIN(NODE_SWAP, node_swap, {.old_node = 2, .new_node = 5});
    assert_int_equal(say(5, NODE_VOTER), STATUS_OK);
    assert_int_equal(say(2, NODE_GONE), STATUS_OK);
    assert_int_equal(membership_close(&s), STATUS_OK);
    BEGIN(NODE_SWAP, node_swap, {.old_node = 2, .new_node = 5});
    assert_int_equal(say(2, NODE_GONE), STATUS_MISMATCH);
    BEGIN(NODE_SWAP, node_swap, {.old_node = 2, .new_node = 5});
    assert_int_equal(say(5, NODE_VOTER), STATUS_OK);
    s.command.main_count++; /* an order ended in between */
    assert_int_equal(say(2, NODE_GONE), STATUS_MISMATCH);
}

static enum status say_hello(uint32_t node, uint64_t epoch)
{
    uint8_t payload[HELLO_ACCEPTED_BYTES];
    hello_accepted_event_put(payload, &(struct hello_accepted_event){epoch, node});
    const struct event event = {T_HELLO_ACCEPTED, HELLO_ACCEPTED_BYTES, payload};
    s.command.main_count++;
    return membership_hello(&s, &event);
}

static void begin_hello(uint32_t node, uint64_t number)
{
    BEGIN(HELLO, hello, {.nonce = 5, .node = node});
    s.command.number = number;
}

/* A HELLO opens the epoch that its number names, of its node, before anything else it does; no other command
 * opens one. */
TEST(membership, a_hello_opens_its_own_epoch)
{
    begin_hello(8, 90);
    assert_int_equal(membership_close(&s), STATUS_MISMATCH); /* neither opened nor refused */
    begin_hello(8, 90);
    assert_int_equal(say_hello(8, 90), STATUS_OK);
    assert_int_equal(membership_close(&s), STATUS_OK);
    assert_int_equal(say_hello(8, 90), STATUS_MISMATCH); /* a second time */
    begin_hello(8, 90);
    assert_int_equal(say_hello(8, 89), STATUS_MISMATCH);
    begin_hello(8, 90);
    assert_int_equal(say_hello(7, 90), STATUS_MISMATCH);
    begin_hello(0, 90);
    assert_int_equal(say_hello(0, 90), STATUS_MISMATCH);
    begin_hello(8, 90);
    s.command.refused = true;
    assert_int_equal(membership_close(&s), STATUS_OK);
    BEGIN(ORIGIN_LOST, origin_lost, {.epoch = 90, .node = 8});
    s.command.number = 90;
    assert_int_equal(say_hello(8, 90), STATUS_MISMATCH);
    BEGIN(ORIGIN_LOST, origin_lost, {.epoch = 90, .node = 8});
    s.command.number = 90;
    assert_int_equal(say_hello(0, 90), STATUS_MISMATCH);
}

/* Sessions end for the node that was given up or begins anew, once that has come, and for no other. */
TEST(membership, who_begins_anew_has_no_older_sessions)
{
    begin_hello(8, 90);
    assert_false(membership_sessions_over(&s, 8)); /* it may be a no-op yet */
    assert_int_equal(say_hello(8, 90), STATUS_OK);
    assert_true(membership_sessions_over(&s, 8));
    assert_false(membership_sessions_over(&s, 7));
    BEGIN(ORIGIN_LOST, origin_lost, {.epoch = 5, .node = 8});
    assert_true(membership_sessions_over(&s, 8));
    assert_false(membership_sessions_over(&s, 7));
    BEGIN(SEAL, seal, {.height = 8});
    assert_false(membership_sessions_over(&s, 8));
}

/* Sessions end for the node that goes, when it has gone, and for no other. */
TEST(membership, only_who_goes_takes_sessions_along)
{
    BEGIN(NODE_REMOVE, node_remove, {.node = 8});
    assert_false(membership_sessions_over(&s, 8));
    assert_int_equal(say(8, NODE_GONE), STATUS_OK);
    assert_true(membership_sessions_over(&s, 8));
    assert_false(membership_sessions_over(&s, 7));
    BEGIN(NODE_SWAP, node_swap, {.old_node = 2, .new_node = 5});
    assert_int_equal(say(5, NODE_VOTER), STATUS_OK);
    assert_false(membership_sessions_over(&s, 2));
    assert_int_equal(say(2, NODE_GONE), STATUS_OK);
    assert_true(membership_sessions_over(&s, 2));
    assert_false(membership_sessions_over(&s, 5));
    BEGIN(NODE_ROLE, node_role, {.node = 8, .role = NODE_STANDBY});
    assert_int_equal(say(8, NODE_STANDBY), STATUS_OK);
    assert_false(membership_sessions_over(&s, 8));
}

/* What was refused changes nothing; what was not changes what it asks for. */
TEST(membership, a_command_that_stands_does_something)
{
    BEGIN(NODE_REMOVE, node_remove, {.node = 8});
    assert_int_equal(membership_close(&s), STATUS_MISMATCH);
    BEGIN(NODE_REMOVE, node_remove, {.node = 8});
    s.command.refused = true;
    assert_int_equal(membership_close(&s), STATUS_OK);
    BEGIN(CREDIT, credit, {.account = 8});
    assert_int_equal(membership_close(&s), STATUS_OK);
}

TEST(membership, epochs_are_those_asked_for)
{
    BEGIN(EPOCH_CHANGE, epoch_change, {.epoch = 3});
    assert_int_equal(say_epoch(3), STATUS_OK);
    assert_int_equal(membership_close(&s), STATUS_OK);
    assert_int_equal(say_epoch(3), STATUS_MISMATCH); /* twice */
    BEGIN(EPOCH_CHANGE, epoch_change, {.epoch = 3});
    assert_int_equal(say_epoch(4), STATUS_MISMATCH);
    BEGIN(EPOCH_CHANGE, epoch_change, {.epoch = 3});
    assert_int_equal(membership_close(&s), STATUS_MISMATCH);
    BEGIN(CREDIT, credit, {.account = 8});
    assert_int_equal(say_epoch(0), STATUS_MISMATCH);
}
