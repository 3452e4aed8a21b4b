#include "tests/harness.h"

#include "common/arena.h"
#include "engine/switches.h"

#define CAPACITY 64

static const struct params params = {.orders_max = CAPACITY, .accounts_max = 100};

struct switches_world {
    struct arena arena;
    struct switches switches;
};

static void switches_open(struct switches_world *world)
{
    assert_true(arena_map(&world->arena, switches_bytes(&params)));
    assert_true(switches_init(&world->switches, &world->arena, &params));
}

static void set(struct switches_world *world, uint32_t account, uint16_t market,
                uint64_t deadline_ns)
{
    assert_true(switches_set(&world->switches, account, market, deadline_ns));
    assert_true(switches_check(&world->switches));
}

static void fires(struct switches_world *world, uint64_t stamp_ns, uint32_t account,
                  uint16_t market, uint64_t deadline_ns)
{
    struct switch_due due;
    assert_true(switches_due(&world->switches, stamp_ns, &due));
    assert_true(switches_check(&world->switches));
    assert_int_equal(due.account, account);
    assert_int_equal(due.market, market);
    assert_int_equal(due.deadline_ns, deadline_ns);
}

static void nothing_is_due(struct switches_world *world, uint64_t stamp_ns)
{
    struct switch_due due;
    assert_false(switches_due(&world->switches, stamp_ns, &due));
}

/* A deadline is reached at its stamp and not before, and a switch fires once. */
TEST(switches, fire_at_their_deadline_and_once)
{
    struct switches_world world;
    switches_open(&world);
    nothing_is_due(&world, 0);
    nothing_is_due(&world, UINT64_MAX);
    set(&world, 7, 1, 100);
    nothing_is_due(&world, 99);
    fires(&world, 100, 7, 1, 100);
    nothing_is_due(&world, UINT64_MAX);
    arena_unmap(&world.arena);
}

/* In order of deadline, account, market, whatever the order in which they were set. */
TEST(switches, fire_in_order_of_deadline_account_market)
{
    struct switches_world world;
    switches_open(&world);
    set(&world, 2, 2, 50);
    set(&world, 2, 1, 50);
    set(&world, 1, 9, 50);
    set(&world, 9, 9, 49);
    set(&world, 1, 1, 51);
    fires(&world, 60, 9, 9, 49);
    fires(&world, 60, 1, 9, 50);
    fires(&world, 60, 2, 1, 50);
    fires(&world, 60, 2, 2, 50);
    fires(&world, 60, 1, 1, 51);
    nothing_is_due(&world, 60);
    arena_unmap(&world.arena);
}

/* Setting again moves the deadline either way; clearing ends it, of that account and market alone. */
TEST(switches, are_replaced_and_cleared)
{
    struct switches_world world;
    switches_open(&world);
    set(&world, 1, 1, 10);
    set(&world, 1, 2, 20);
    set(&world, 1, 1, 30);
    nothing_is_due(&world, 19);
    set(&world, 1, 1, 15);
    switches_clear(&world.switches, 1, 3);
    switches_clear(&world.switches, 2, 1);
    fires(&world, 40, 1, 1, 15);
    switches_clear(&world.switches, 1, 2);
    assert_true(switches_check(&world.switches));
    nothing_is_due(&world, UINT64_MAX);
    arena_unmap(&world.arena);
}

/* As many as orders_max; full, those that are there can still be set. */
TEST(switches, full_ones_take_no_other)
{
    struct switches_world world;
    switches_open(&world);
    for (uint32_t i = 0; i < CAPACITY; i++)
        set(&world, 1 + i / 4, (uint16_t)(i % 4), 1000 - i);
    assert_false(switches_set(&world.switches, 99, 0, 5));
    nothing_is_due(&world, 5);
    set(&world, 1, 0, 5);
    fires(&world, 5, 1, 0, 5);
    set(&world, 99, 0, 6);
    assert_false(switches_set(&world.switches, 1, 0, 5));
    fires(&world, 6, 99, 0, 6);
    arena_unmap(&world.arena);
}

/* ---- Against a table by account and market, searched from end to end. */

#define MODEL_ACCOUNTS 12
#define MODEL_MARKETS  8

static uint64_t model[MODEL_ACCOUNTS + 1][MODEL_MARKETS]; /* 0: not armed */
static uint32_t model_count;
static uint64_t random_state;

static uint64_t random_below(uint64_t bound)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % bound;
}

static void random_open(void)
{
    const char *given = getenv("QUOREX_SEED");
    random_state = given == NULL ? 0x5eed : strtoull(given, NULL, 0);
    if (random_state == 0) random_state = 1;
    print_message("seed %#llx\n", (unsigned long long)random_state);
    memset(model, 0, sizeof(model));
    model_count = 0;
}

/* By account and market, so that the first of equal deadlines is found first. */
static bool model_first(struct switch_due *first)
{
    bool found = false;
    for (uint32_t account = 0; account <= MODEL_ACCOUNTS; account++)
        for (uint16_t market = 0; market < MODEL_MARKETS; market++) {
            const uint64_t deadline_ns = model[account][market];
            if (deadline_ns == 0 || (found && deadline_ns >= first->deadline_ns)) continue;
            *first = (struct switch_due){deadline_ns, account, market};
            found = true;
        }
    return found;
}

static void model_fire(struct switches_world *world, uint64_t stamp_ns)
{
    struct switch_due due, expected = {0};
    while (model_first(&expected) && expected.deadline_ns <= stamp_ns) {
        fires(world, stamp_ns, expected.account, expected.market, expected.deadline_ns);
        model[expected.account][expected.market] = 0;
        model_count--;
    }
    assert_false(switches_due(&world->switches, stamp_ns, &due));
}

static void model_set(struct switches_world *world, uint64_t deadline_ns)
{
    const uint32_t account = (uint32_t)random_below(MODEL_ACCOUNTS + 1);
    const uint16_t market = (uint16_t)random_below(MODEL_MARKETS);
    uint64_t *armed = &model[account][market];
    const bool room = *armed != 0 || model_count < CAPACITY;
    assert_int_equal(switches_set(&world->switches, account, market, deadline_ns), room);
    if (!room) return;
    if (*armed == 0) model_count++;
    *armed = deadline_ns;
}

static void model_clear(struct switches_world *world)
{
    const uint32_t account = (uint32_t)random_below(MODEL_ACCOUNTS + 1);
    const uint16_t market = (uint16_t)random_below(MODEL_MARKETS);
    switches_clear(&world->switches, account, market);
    if (model[account][market] != 0) model_count--;
    model[account][market] = 0;
}

/* Each account has as many as it armed. */
static void check_owned(const struct switches_world *world)
{
    for (uint32_t account = 0; account <= MODEL_ACCOUNTS; account++) {
        uint32_t own = 0;
        for (uint16_t market = 0; market < MODEL_MARKETS; market++) {
            own += model[account][market] != 0;
            assert_int_equal(switches_has(&world->switches, account, market),
                             model[account][market] != 0);
        }
        assert_int_equal(world->switches.owned[account], own);
    }
}

/* The list is in the order in which they fire, and set again in that order they fire alike. */
static void check_list(const struct switches_world *world)
{
    struct switch_due armed[CAPACITY], due;
    struct switches_world twin;
    switches_open(&twin);
    switches_list(&world->switches, armed);
    for (uint32_t i = 0; i < world->switches.count; i++)
        set(&twin, armed[i].account, armed[i].market, armed[i].deadline_ns);
    for (uint32_t i = 0; i < world->switches.count; i++)
        fires(&twin, UINT64_MAX, armed[i].account, armed[i].market, armed[i].deadline_ns);
    assert_false(switches_due(&twin.switches, UINT64_MAX, &due));
    arena_unmap(&twin.arena);
}

TEST(switches, agree_with_a_plain_table)
{
    struct switches_world world;
    switches_open(&world);
    random_open();
    bool met_full = false;
    uint64_t stamp_ns = 1;
    for (int i = 0; i < 200000; i++) {
        const uint64_t kind = random_below(100);
        if (kind < 70)
            model_set(&world, stamp_ns + 1 + random_below(kind < 5 ? 3 : 200));
        else if (kind < 80)
            model_clear(&world);
        else
            model_fire(&world, stamp_ns += random_below(8));
        assert_int_equal(world.switches.count, model_count);
        assert_true(switches_check(&world.switches));
        met_full = met_full || model_count == CAPACITY;
        if (i % 97 == 0) check_owned(&world);
        if (i % 997 == 0) check_list(&world);
    }
    assert_true(met_full);
    arena_unmap(&world.arena);
}
