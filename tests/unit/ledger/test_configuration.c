#include "ledger/configuration.h"

#include "tests/harness.h"

#include <raft.h>

static struct configuration configuration_make(uint32_t count, const uint8_t *roles)
{
    struct configuration configuration = {.count = count};
    for (uint32_t i = 0; i < count; i++)
        configuration.members[i] = (struct configuration_member){i + 1, roles[i]};
    return configuration;
}

static struct node_set set_make(uint32_t count, const uint8_t *roles)
{
    struct node_set set = {0};
    for (uint32_t i = 0; i < count; i++) {
        if (roles[i] == NODE_GONE) continue;
        set.members[set.count].node = i + 1;
        set.members[set.count++].role = roles[i];
    }
    return set;
}

#define V NODE_VOTER
#define S NODE_STANDBY
#define G NODE_GONE

/* The engine reads what is written here, and writes the same: a log may be continued by either. */
TEST(configuration, bytes_are_the_engines)
{
    const uint8_t roles[] = {V, V, S, V};
    struct configuration ours = configuration_make(4, roles);
    ours.members[3].node = 4000000000u;
    uint8_t bytes[CONFIGURATION_BYTES_MAX];
    const size_t byte_count = configuration_put(&ours, bytes);

    struct raft_configuration theirs;
    const struct raft_buffer buffer = {bytes, byte_count};
    assert_int_equal(raft_configuration_decode(&buffer, &theirs), 0);
    assert_int_equal(theirs.n, 4);
    assert_int_equal(theirs.servers[3].id, 4000000000u);
    assert_string_equal(theirs.servers[3].address, "4000000000");
    assert_int_equal(theirs.servers[2].role, RAFT_STANDBY);
    struct raft_buffer encoded;
    assert_int_equal(raft_configuration_encode(&theirs, &encoded), 0);
    assert_int_equal(encoded.len, byte_count);
    assert_memory_equal(encoded.base, bytes, byte_count);
    raft_free(encoded.base);
    raft_configuration_close(&theirs);
}

/* Every changed bit, every other length is refused, or is another configuration and gives its own bytes back. */
TEST(configuration, decoding_is_strict)
{
    const uint8_t roles[] = {V, S, V};
    const struct configuration ours = configuration_make(3, roles);
    uint8_t bytes[CONFIGURATION_BYTES_MAX + 8] = {0}, again[CONFIGURATION_BYTES_MAX];
    struct configuration got;
    const size_t byte_count = configuration_put(&ours, bytes);
    assert_true(configuration_get(bytes, byte_count, &got));
    assert_memory_equal(&got, &ours, sizeof(ours));
    for (size_t length = 0; length < byte_count; length++)
        assert_false(configuration_get(bytes, length, &got));
    assert_false(configuration_get(bytes, byte_count + 8, &got));
    for (size_t bit = 0; bit < byte_count * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (configuration_get(bytes, byte_count, &got)) {
            assert_int_equal(configuration_put(&got, again), byte_count);
            assert_memory_equal(again, bytes, byte_count);
        }
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    /* Nobody votes; somebody is there twice. */
    bytes[9 + 8 + 2] = bytes[9 + 2 * 11 + 8 + 2] = 0;
    assert_false(configuration_get(bytes, byte_count, &got));
    bytes[9 + 8 + 2] = 1;
    assert_true(configuration_get(bytes, byte_count, &got));
    bytes[9 + 11] = 1;
    bytes[9 + 11 + 8] = '1';
    assert_false(configuration_get(bytes, byte_count, &got));
}

/* The largest set there can be fits. */
TEST(configuration, sixty_four_members_fit)
{
    struct configuration ours = {.count = NODE_SET_LIMIT}, got;
    for (uint32_t i = 0; i < NODE_SET_LIMIT; i++)
        ours.members[i] = (struct configuration_member){UINT32_MAX - i, NODE_VOTER};
    uint8_t bytes[CONFIGURATION_BYTES_MAX];
    const size_t byte_count = configuration_put(&ours, bytes);
    assert_true(configuration_get(bytes, byte_count, &got));
    assert_int_equal(configuration_voters(&got), NODE_SET_LIMIT);
}

/* Walks to the goal, everybody ready; returns the number of steps and the fewest voters on the way. */
static uint32_t walk(struct configuration *at, const struct node_set *goal, uint32_t self,
                     uint32_t *fewest)
{
    bool ready[NODE_SET_LIMIT];
    memset(ready, true, sizeof(ready));
    struct configuration changed;
    *fewest = configuration_voters(at);
    for (uint32_t steps = 0;; steps++) {
        const enum configuration_step step = configuration_step(at, goal, ready, self, &changed);
        if (step != CONFIGURATION_CHANGE) return steps;
        /* One member at a time. */
        uint32_t differences = 0;
        for (uint32_t node = 1; node < 16; node++)
            differences += configuration_role(at, node) != configuration_role(&changed, node);
        assert_int_equal(differences, 1);
        *at = changed;
        if (configuration_voters(at) < *fewest) *fewest = configuration_voters(at);
        assert_true(steps < 100);
    }
}

/* A swap adds, promotes and only then removes: there is never a voter less. */
TEST(configuration, a_swap_never_has_a_voter_less)
{
    const uint8_t from[] = {V, V, V, V}, to[] = {V, V, G, V, V};
    struct configuration at = configuration_make(4, from);
    const struct node_set goal = set_make(5, to);
    uint32_t fewest;
    assert_int_equal(walk(&at, &goal, 1, &fewest), 3);
    assert_int_equal(fewest, 4);
    assert_int_equal(configuration_role(&at, 3), NODE_GONE);
    assert_int_equal(configuration_role(&at, 5), NODE_VOTER);
}

/* Whatever set is wanted is reached, but for what would take this node itself away. */
TEST(configuration, any_goal_is_reached)
{
    uint32_t seed = 7;
    for (uint32_t round = 0; round < 2000; round++) {
        uint8_t from[8], to[8];
        for (uint32_t i = 0; i < 8; i++) {
            seed = seed * 1664525 + 1013904223;
            from[i] = (seed >> 16) % 2 == 0 ? V : S;
            to[i] = (uint8_t)((seed >> 20) % 3);
        }
        from[0] = to[0] = V;
        struct configuration at = configuration_make(8, from);
        const struct node_set goal = set_make(8, to);
        uint32_t fewest;
        walk(&at, &goal, 1, &fewest);
        assert_true(fewest > 0);
        for (uint32_t node = 1; node <= 8; node++)
            assert_int_equal(configuration_role(&at, node), to[node - 1]);
    }
}

/* A standby that does not hold the log yet is not promoted, and nobody steps back for it meanwhile. */
TEST(configuration, promotion_waits_for_the_log)
{
    const uint8_t from[] = {V, V, V, S}, to[] = {V, V, G, V};
    const struct configuration at = configuration_make(4, from);
    const struct node_set goal = set_make(4, to);
    bool ready[NODE_SET_LIMIT] = {true, true, true, false};
    struct configuration changed;
    assert_int_equal(configuration_step(&at, &goal, ready, 1, &changed), CONFIGURATION_WAIT);
    ready[3] = true;
    assert_int_equal(configuration_step(&at, &goal, ready, 1, &changed), CONFIGURATION_CHANGE);
    assert_int_equal(configuration_role(&changed, 4), NODE_VOTER);
    assert_int_equal(configuration_role(&changed, 3), NODE_VOTER);
}

/* A leader does not take itself away. */
TEST(configuration, ones_own_end_is_anothers_work)
{
    const uint8_t from[] = {V, V, V}, to[] = {G, V, V};
    const struct configuration at = configuration_make(3, from);
    const struct node_set goal = set_make(3, to);
    const bool ready[NODE_SET_LIMIT] = {true, true, true};
    struct configuration changed;
    assert_int_equal(configuration_step(&at, &goal, ready, 1, &changed), CONFIGURATION_RESIGN);
    assert_int_equal(configuration_step(&at, &goal, ready, 2, &changed), CONFIGURATION_CHANGE);
    assert_int_equal(configuration_role(&changed, 1), NODE_GONE);
}
