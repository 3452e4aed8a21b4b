#include "tests/harness.h"

#include "common/arena.h"
#include "engine/repeats.h"

struct repeats_world {
    struct arena arena;
    struct repeats repeats;
    uint64_t command;
};

static void repeats_open(struct repeats_world *world, uint32_t capacity)
{
    const struct params params = {.orders_max = capacity, .accounts_max = 3};
    world->command = 0;
    assert_true(arena_map(&world->arena, repeats_bytes(&params)));
    assert_true(repeats_init(&world->repeats, &world->arena, &params));
}

static struct order_repeated_event named(uint32_t account, uint16_t market, uint32_t name)
{
    struct order_repeated_event result = {.account = account, .market = market};
    snprintf((char *)result.client_id, sizeof(result.client_id), "order%u", name);
    return result;
}

static void add_by(struct repeats_world *world, enum repeats_share share, uint32_t account,
                   uint32_t name)
{
    struct order_repeated_event result = named(account, 0, name);
    result.command = ++world->command;
    repeats_add(&world->repeats, &result, share);
}

static void add(struct repeats_world *world, uint32_t account, uint32_t name)
{
    add_by(world, REPEATS_OLDEST, account, name);
}

static uint64_t found(const struct repeats_world *world, uint32_t account, uint16_t market,
                      uint32_t name)
{
    const struct order_repeated_event asked = named(account, market, name);
    const struct order_repeated_event *result =
        repeats_find(&world->repeats, account, market, asked.client_id);
    return result == NULL ? 0 : result->command;
}

/* By account, market and the whole name. */
TEST(repeats, are_found_by_account_market_and_name)
{
    struct repeats_world world;
    repeats_open(&world, 8);
    assert_int_equal(found(&world, 1, 0, 1), 0);
    add(&world, 1, 1);
    add(&world, 2, 1);
    assert_int_equal(found(&world, 1, 0, 1), 1);
    assert_int_equal(found(&world, 2, 0, 1), 2);
    assert_int_equal(found(&world, 1, 1, 1), 0);
    assert_int_equal(found(&world, 3, 0, 1), 0);
    assert_int_equal(found(&world, 1, 0, 11), 0);
    assert_true(repeats_check(&world.repeats));
    arena_unmap(&world.arena);
}

/* An account's thousand and first makes its own oldest go, not another's older one. */
TEST(repeats, an_account_has_a_thousand)
{
    struct repeats_world world;
    repeats_open(&world, 2 * REPEATS_OF_ACCOUNT);
    add(&world, 2, 0);
    for (uint32_t i = 0; i < REPEATS_OF_ACCOUNT; i++)
        add(&world, 1, i);
    assert_int_equal(found(&world, 1, 0, 0), 2);
    add(&world, 1, REPEATS_OF_ACCOUNT);
    assert_int_equal(found(&world, 1, 0, 0), 0);
    assert_int_equal(found(&world, 1, 0, 1), 3);
    assert_int_equal(found(&world, 1, 0, REPEATS_OF_ACCOUNT), REPEATS_OF_ACCOUNT + 2);
    assert_int_equal(found(&world, 2, 0, 0), 1);
    assert_true(repeats_check(&world.repeats));
    arena_unmap(&world.arena);
}

/* Before rules 6, where there is no room for all, the oldest of all goes; its account may go on. */
TEST(repeats, the_oldest_of_all_goes_where_there_is_no_room)
{
    struct repeats_world world;
    repeats_open(&world, 4);
    add(&world, 3, 0);
    for (uint32_t i = 0; i < 4; i++)
        add(&world, 1 + i % 2, i);
    assert_int_equal(found(&world, 3, 0, 0), 0);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(found(&world, 1 + i % 2, 0, i), i + 2);
    for (uint32_t i = 0; i < 50; i++) {
        add(&world, 1 + i % 3, 100 + i);
        assert_int_equal(found(&world, 1 + i % 3, 0, 100 + i), world.command);
        assert_true(repeats_check(&world.repeats));
    }
    assert_int_equal(world.repeats.count, 4);
    arena_unmap(&world.arena);
}

/* From rules 6 on it is who has the most that makes room: others' are forgotten by their own only, or when they have more
 * than their share. */
TEST(repeats, who_asks_for_many_makes_room_for_others)
{
    struct repeats_world world;
    repeats_open(&world, 4);
    add_by(&world, REPEATS_FAIR, 3, 0);
    add_by(&world, REPEATS_FAIR, 1, 0);
    for (uint32_t i = 1; i < 100; i++) {
        add_by(&world, REPEATS_FAIR, 1, i);
        assert_int_equal(found(&world, 3, 0, 0), 1);
        assert_true(repeats_check(&world.repeats));
    }
    assert_int_equal(found(&world, 1, 0, 96), 0);
    assert_int_equal(found(&world, 1, 0, 97), 99);
    add_by(&world, REPEATS_FAIR, 2, 0); /* has none: account 1 makes room */
    assert_int_equal(found(&world, 1, 0, 97), 0);
    assert_int_equal(found(&world, 1, 0, 98), 100);
    assert_int_equal(found(&world, 3, 0, 0), 1);
    assert_true(repeats_check(&world.repeats));
    arena_unmap(&world.arena);
}

/* Of several that have the most it is whose oldest is the oldest, unless one of them asks: that makes room for itself. */
TEST(repeats, of_equals_the_oldest_makes_room)
{
    struct repeats_world world;
    repeats_open(&world, 4);
    add_by(&world, REPEATS_FAIR, 2, 0);
    add_by(&world, REPEATS_FAIR, 1, 0);
    add_by(&world, REPEATS_FAIR, 1, 1);
    add_by(&world, REPEATS_FAIR, 2, 1);
    add_by(&world, REPEATS_FAIR, 3, 0);
    assert_int_equal(found(&world, 2, 0, 0), 0);
    assert_int_equal(found(&world, 1, 0, 0), 2);
    add_by(&world, REPEATS_FAIR, 1, 2);
    assert_int_equal(found(&world, 1, 0, 0), 0);
    assert_int_equal(found(&world, 2, 0, 1), 4);
    assert_int_equal(found(&world, 3, 0, 0), 5);
    assert_true(repeats_check(&world.repeats));
    arena_unmap(&world.arena);
}

/* Against a plain count of who has how many: any order of asking, any shares. */
TEST(repeats, room_is_made_by_the_largest_share)
{
    enum { CAPACITY = 9 };
    struct repeats_world world;
    uint32_t owners[4000], first = 0, drawn = 7;
    repeats_open(&world, CAPACITY);
    for (uint32_t i = 0; i < 3000; i++) {
        drawn = drawn * 1664525u + 1013904223u;
        const uint32_t account = 1 + (drawn >> 24) % 7 % 3;
        uint32_t counts[4] = {0}, gives = account;
        for (uint32_t j = first; j < i; j++)
            if (owners[j] != 0) counts[owners[j]]++;
        for (uint32_t j = first; j < i; j++)
            if (owners[j] != 0 && counts[owners[j]] > counts[gives]) gives = owners[j];
        uint32_t gone = first;
        while (gone < i && owners[gone] != gives)
            gone++;
        const bool full = counts[1] + counts[2] + counts[3] == CAPACITY;
        add_by(&world, REPEATS_FAIR, account, i);
        owners[i] = account;
        if (full) {
            assert_int_equal(found(&world, gives, 0, gone), 0);
            owners[gone] = 0;
        }
        while (owners[first] == 0)
            first++;
        for (uint32_t j = first; j <= i; j++)
            if (owners[j] != 0) assert_int_equal(found(&world, owners[j], 0, j), j + 1);
        assert_true(repeats_check(&world.repeats));
    }
    arena_unmap(&world.arena);
}
