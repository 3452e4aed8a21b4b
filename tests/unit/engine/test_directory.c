#include "tests/harness.h"

#include "common/arena.h"
#include "engine/directory.h"

struct directory_world {
    struct arena arena;
    struct order_pool pool;
    struct directory directory;
    uint64_t last_id;
};

static void directory_open(struct directory_world *world)
{
    *world = (struct directory_world){.last_id = 0};
    assert_true(arena_map(&world->arena, order_pool_bytes(8) + directory_bytes(8)));
    assert_true(order_pool_init(&world->pool, &world->arena, 8));
    assert_true(directory_init(&world->directory, &world->arena, &world->pool));
}

static uint32_t enter(struct directory_world *world, uint32_t account, uint16_t market,
                      const char *client_id)
{
    const uint32_t slot = order_pool_take(&world->pool);
    world->pool.orders[slot] = (struct order){
        .id = ++world->last_id, .account = account, .market = market, .left = {1}, .qty = {1}};
    memcpy(world->pool.orders[slot].client_id, client_id, strnlen(client_id, CLIENT_ID_BYTES));
    const struct roster *roster = directory_add(&world->directory, slot);
    assert_ptr_equal(roster, directory_roster(&world->directory, account, market));
    assert_true(directory_check(&world->directory));
    return slot;
}

static void leave(struct directory_world *world, uint32_t slot)
{
    directory_remove(&world->directory, slot, order_open(&world->pool, slot).lots);
    order_pool_give(&world->pool, slot);
    assert_true(directory_check(&world->directory));
}

static uint32_t by_client(const struct directory_world *world, uint32_t account, uint16_t market,
                          const char *client_id)
{
    uint8_t padded[CLIENT_ID_BYTES] = {0};
    memcpy(padded, client_id, strlen(client_id));
    return directory_find_client(&world->directory, account, market, padded);
}

/* An id means nothing without its market, a client id nothing without its account and market. */
TEST(directory, ids_are_per_market_and_client_ids_per_account)
{
    struct directory_world world;
    directory_open(&world);
    const uint32_t mine = enter(&world, 1, 0, "x");
    const uint32_t theirs = enter(&world, 2, 0, "x");
    const uint32_t elsewhere = enter(&world, 1, 1, "x");
    assert_int_equal(directory_find(&world.directory, 0, 1), mine);
    assert_int_equal(directory_find(&world.directory, 1, 1), NO_SLOT);
    assert_int_equal(directory_find(&world.directory, 1, 3), elsewhere);
    assert_int_equal(by_client(&world, 1, 0, "x"), mine);
    assert_int_equal(by_client(&world, 2, 0, "x"), theirs);
    assert_int_equal(by_client(&world, 1, 1, "x"), elsewhere);
    assert_int_equal(by_client(&world, 1, 0, "xx"), NO_SLOT);
    arena_unmap(&world.arena);
}

/* All 36 bytes of a client id count. */
TEST(directory, client_ids_differ_in_their_last_byte)
{
    struct directory_world world;
    directory_open(&world);
    enter(&world, 1, 0, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab");
    assert_int_equal(by_client(&world, 1, 0, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac"), NO_SLOT);
    assert_int_not_equal(by_client(&world, 1, 0, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"), NO_SLOT);
    arena_unmap(&world.arena);
}

/* A roster counts its account's orders in one market, in rising id, and is gone with the last. */
TEST(directory, a_roster_follows_its_orders)
{
    struct directory_world world;
    directory_open(&world);
    const uint32_t first = enter(&world, 1, 0, "");
    const uint32_t second = enter(&world, 1, 0, "");
    const uint32_t third = enter(&world, 1, 0, "");
    enter(&world, 2, 0, "");
    assert_int_equal(directory_roster(&world.directory, 1, 0)->open, 3);
    assert_null(directory_roster(&world.directory, 1, 1));
    leave(&world, second);
    assert_int_equal(directory_roster(&world.directory, 1, 0)->oldest, first);
    assert_int_equal(world.pool.orders[first].roster_newer, third);
    leave(&world, first);
    leave(&world, third);
    assert_null(directory_roster(&world.directory, 1, 0));
    assert_int_equal(directory_roster(&world.directory, 2, 0)->open, 1);
    arena_unmap(&world.arena);
}

/* What a roster counts stays with it while others come, move and go. */
TEST(directory, a_roster_keeps_its_counts_when_others_move)
{
    struct directory_world world;
    directory_open(&world);
    uint32_t slots[8];
    for (uint32_t i = 0; i < 8; i++)
        slots[i] = enter(&world, 1 + i * 16, 0, "");
    directory_reduce(&world.directory, &world.pool.orders[slots[7]], 1);
    world.pool.orders[slots[7]].left.lots = 0;
    for (uint32_t gone = 0; gone < 7; gone++) {
        leave(&world, slots[gone]);
        for (uint32_t i = gone + 1; i < 8; i++)
            assert_int_equal(directory_roster(&world.directory, 1 + i * 16, 0)->buy_lots, i < 7);
    }
    leave(&world, slots[7]);
    enter(&world, 1 + 7 * 16, 0, "");
    assert_int_equal(directory_roster(&world.directory, 1 + 7 * 16, 0)->buy_lots,
                     1); /* a new one */
    arena_unmap(&world.arena);
}

/* A guess ahead of a cancel is the order, or nothing where there is none; it reads the table alone. */
TEST(directory, a_guess_is_the_order)
{
    struct directory_world world;
    directory_open(&world);
    const uint32_t slot = enter(&world, 1, 0, "");
    assert_int_equal(directory_guess(&world.directory, 0, 1), slot);
    leave(&world, slot);
    assert_int_equal(directory_guess(&world.directory, 0, 1), NO_SLOT);
    arena_unmap(&world.arena);
}

/* As many accounts as orders, each with one: rosters do not run out, and come back. */
TEST(directory, rosters_last_as_long_as_orders)
{
    struct directory_world world;
    directory_open(&world);
    for (int round = 0; round < 3; round++) {
        uint32_t slots[8];
        for (uint32_t i = 0; i < 8; i++)
            slots[i] = enter(&world, 1 + i, 0, "x");
        for (uint32_t i = 0; i < 8; i++)
            leave(&world, slots[i]);
    }
    assert_int_equal(world.directory.roster_count, 0);
    assert_int_equal(world.directory.by_client.count, 0);
    arena_unmap(&world.arena);
}
