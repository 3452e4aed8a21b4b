#include "ledger/roster.h"

#include "common/le.h"
#include "tests/harness.h"

static struct roster roster;
static struct node_set own, links;
static uint8_t bytes[ROSTER_BYTES_MAX + 1];

static struct node_member member_of(uint32_t node, uint8_t role)
{
    struct node_member member = {.node = node, .role = role};
    member.public_key[0] = (uint8_t)node;
    snprintf(member.address, sizeof(member.address), "127.0.0.1:%u", 1000 + node);
    return member;
}

static struct node_set set_of(const uint32_t *nodes, uint32_t count)
{
    struct node_set set = {.count = count};
    for (uint32_t i = 0; i < count; i++)
        set.members[i] = member_of(nodes[i], NODE_VOTER);
    return set;
}

static void begin(void)
{
    static const uint32_t four[] = {1, 2, 3, 4};
    own = set_of(four, 4);
    roster_begin(&roster, &own);
}

static bool hear(uint32_t node, const struct node_set *said)
{
    return roster_hear(&roster, node, bytes, roster_encode(said, bytes));
}

static bool linked(uint32_t node)
{
    roster_links(&roster, &links);
    for (uint32_t i = 1; i < links.count; i++)
        assert_true(links.members[i - 1].node < links.members[i].node);
    return node_set_find(&links, node) != NULL;
}

/* One may lie; of two of four one is honest. */
TEST(roster, lets_in_whom_more_than_a_third_name)
{
    static const uint32_t later[] = {2, 3, 4, 7};
    const struct node_set said = set_of(later, 4);
    begin();
    assert_true(hear(2, &said));
    assert_false(linked(7));
    assert_false(hear(2, &said)); /* nothing new, and it counts once */
    assert_false(linked(7));
    assert_true(hear(3, &said));
    assert_true(linked(7));
    assert_true(linked(1)); /* the own set's members stay */
}

/* Of the genesis nobody may be left: whoever the joining node was told of lets it find the log. */
TEST(roster, links_to_whom_a_newcomer_was_told_of)
{
    static const uint32_t told[] = {5, 6, 9}, later[] = {6, 7, 9};
    const struct node_set members = set_of(told, 3), now = set_of(later, 3);
    begin();
    roster_introduce(&roster, 9, &members);
    assert_true(linked(5) && linked(6) && linked(1));
    assert_false(hear(5, &now)); /* for links alone: it tells nothing */
    own = now;
    roster_change(&roster, &own);
    assert_false(linked(5));
    roster_introduce(&roster, 9, &members); /* its own state knows better by now */
    assert_false(linked(5));
    assert_true(linked(7));
}

/* They must name the same key and address. */
TEST(roster, compares_keys_and_addresses)
{
    static const uint32_t later[] = {2, 3, 4, 7};
    struct node_set said = set_of(later, 4);
    begin();
    assert_true(hear(2, &said));
    said.members[3].public_key[5] = 1;
    assert_true(hear(3, &said));
    assert_false(linked(7));
    said = set_of(later, 4);
    said.members[3].address[13] = '9';
    assert_true(hear(3, &said));
    assert_false(linked(7));
    said = set_of(later, 4);
    said.members[3].role = NODE_STANDBY; /* which it is does not matter for a link */
    assert_true(hear(3, &said));
    assert_true(linked(7));
}

/* Standbys and strangers name nobody, and who takes back what he said counts no more. */
TEST(roster, hears_voters_only)
{
    static const uint32_t later[] = {2, 3, 4, 7}, older[] = {1, 2, 3, 4};
    const struct node_set said = set_of(later, 4), taken_back = set_of(older, 4);
    begin();
    own.members[3].role = NODE_STANDBY;
    roster_change(&roster, &own);
    assert_true(hear(2, &said));
    (void)hear(4, &said);
    assert_false(hear(7, &said));
    assert_false(linked(7));
    assert_true(hear(3, &said));
    assert_true(linked(7));
    assert_true(hear(3, &taken_back));
    assert_false(linked(7));
}

/* A member that has gone from the own set is forgotten with what it said. */
TEST(roster, forgets_who_has_gone)
{
    static const uint32_t later[] = {2, 3, 4, 7}, without[] = {1, 2, 4};
    const struct node_set said = set_of(later, 4);
    begin();
    assert_true(hear(2, &said));
    assert_true(hear(3, &said));
    own = set_of(without, 3);
    roster_change(&roster, &own);
    assert_int_equal(roster.teller_count, 1);
    assert_false(linked(7));
    assert_true(hear(4, &said));
    assert_true(linked(7));
}

TEST(roster, links_are_bounded)
{
    begin();
    for (uint32_t node = 2; node <= 4; node++) {
        struct node_set said = {.count = NODE_SET_LIMIT};
        for (uint32_t i = 0; i < NODE_SET_LIMIT; i++)
            said.members[i] = member_of(100 + i, NODE_STANDBY);
        assert_true(hear(node, &said));
    }
    assert_true(linked(100));
    assert_int_equal(links.count, NODE_SET_LIMIT);
    assert_true(linked(4));
}

TEST(roster, message_is_a_node_set_or_none)
{
    static const uint32_t four[] = {1, 2, 3, 4};
    struct node_set set = set_of(four, 4), decoded;
    size_t byte_count = roster_encode(&set, bytes);
    assert_int_equal(byte_count, 8 + 4 * 104);
    assert_true(roster_decode(bytes, byte_count, &decoded));
    assert_memory_equal(&set, &decoded, sizeof(set));
    assert_false(roster_decode(bytes, byte_count - 1, &decoded));
    assert_false(roster_decode(bytes, byte_count + 1, &decoded));
    for (int what = 0; what < 6; what++) {
        set = set_of(four, 4);
        if (what == 0) set.members[2].node = 2;
        if (what == 1) set.members[0].node = 0;
        if (what == 2) set.members[1].role = NODE_GONE;
        if (what == 3) set.members[1].role = 3;
        if (what == 4) set.members[1].address[0] = '\0';
        byte_count = roster_encode(&set, bytes);
        if (what == 5) le_put_u32(bytes + 4, NODE_SET_LIMIT + 1);
        assert_false(roster_decode(bytes, byte_count, &decoded));
    }
}

static uint32_t counted_node;

static bool counts(void *context, uint32_t node)
{
    (void)context;
    return node == counted_node;
}

/* Who left is linked to while the log counts it, and is no member. */
TEST(roster, who_left_is_kept_while_the_log_counts_it)
{
    struct node_set reach;
    own = (struct node_set){0};
    for (uint32_t node = 1; node <= 3; node++) {
        struct node_changed_event changed = {.node = node, .role = NODE_VOTER};
        changed.public_key[0] = (uint8_t)node;
        assert_true(node_set_apply(&own, &changed));
    }
    roster_begin(&roster, &own);
    const struct node_changed_event gone = {.node = 2, .role = NODE_GONE};
    assert_true(node_set_apply(&own, &gone));
    roster_change(&roster, &own);
    roster_change(&roster, &own);
    roster_links(&roster, &links);
    roster_reach(&roster, &reach);
    assert_int_equal(links.count, 2);
    assert_int_equal(reach.count, 3);
    assert_int_equal(reach.members[1].node, 2);
    assert_int_equal(reach.members[1].public_key[0], 2);
    counted_node = 2;
    assert_false(roster_release(&roster, counts, NULL));
    counted_node = 1;
    assert_true(roster_release(&roster, counts, NULL));
    assert_false(roster_release(&roster, counts, NULL));
    roster_reach(&roster, &reach);
    assert_int_equal(reach.count, 2);
}
