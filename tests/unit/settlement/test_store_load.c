#include "settlement/store_load.h"

#include "common/arena.h"
#include "tests/unit/settlement/batches.h"

/* Balances come back as they are in the table, all of them, and one that cannot be is refused. */
TEST(store_load, balances_are_the_tables)
{
    struct database *database = batches_open("loaded", 1000);
    struct world *world = batches_world(1);
    struct arena arena;
    assert_true(arena_map(&arena, store_bytes(&world->genesis)));
    struct store *store = store_new(&arena, &world->genesis);
    struct row_batch batch;
    assert_true(row_batch_open(&batch));
    batches_take(&batch, store, world, 1, 1); /* lists the assets */
    cluster_ask("loaded", "INSERT INTO quorex.balances SELECT a, s, a * 10 + s, a, 1"
                          " FROM generate_series(1, 8) a, generate_series(0, 1) s");
    assert_int_equal(store_load_balances(store, database, true), STATUS_OK);
    for (uint32_t account = 1; account <= 8; account++)
        for (uint16_t asset = 0; asset < 2; asset++) {
            assert_int_equal(store_balance(store, account, asset).available.units,
                             account * 10 + asset);
            assert_int_equal(store_balance(store, account, asset).held.units, account);
        }
    cluster_ask("loaded", "UPDATE quorex.balances SET asset = 60 WHERE account = 8 AND asset = 1");
    assert_int_equal(store_load_balances(store, database, false), STATUS_MALFORMED);
    row_batch_close(&batch);
    arena_unmap(&arena);
    world_free(world);
    database_free(database);
}

/* Listings that are the genesis's are taken, another market of that number is not. */
TEST(store_load, listings_follow_the_genesis)
{
    struct database *database = batches_open("listed", 1000);
    struct world *world = batches_world(1);
    struct row_batch batch;
    struct arena arena;
    assert_true(arena_map(&arena, store_bytes(&world->genesis)));
    struct store *store = store_new(&arena, &world->genesis);
    assert_true(row_batch_open(&batch));
    batches_take(&batch, store, world, 1, 1);
    assert_int_equal(row_batch_copy(&batch, ROW_ASSETS, database), STATUS_OK);
    assert_int_equal(row_batch_copy(&batch, ROW_MARKETS, database), STATUS_OK);
    store_reset(store);
    assert_int_equal(store_load_listings(store, database, true), STATUS_OK);
    cluster_ask("listed", "UPDATE quorex.markets SET symbol = 'ANOTHER' WHERE market = 0");
    assert_int_equal(store_load_listings(store, database, false), STATUS_MALFORMED);
    row_batch_close(&batch);
    arena_unmap(&arena);
    world_free(world);
    database_free(database);
}

/* Orders of open lists are known, but for those that have ended; an end above the cursor has not come yet. */
TEST(store_load, open_lists_tell_of_their_orders)
{
    struct database *database = batches_open("lists", 1000);
    struct world *world = batches_world(1);
    struct arena arena;
    assert_true(arena_map(&arena, store_bytes(&world->genesis)));
    struct store *store = store_new(&arena, &world->genesis);
    cluster_ask("lists",
                "UPDATE quorex.cursor SET command = 50;"
                "INSERT INTO quorex.order_lists VALUES (1, 0, 4, 1, 'a', 1, 10, 11, 0, 1, 0),"
                " (2, 0, 5, 1, 'b', 3, 12, 13, 14, 1, 0), (3, 0, 6, 1, 'c', 1, 15, 16, 0, 1, 9);"
                "INSERT INTO quorex.orders SELECT c, 0, o, 1, '', 0, 1, 1, 3, 1, 1, 1, 0, 0, 0, 1,"
                " 1, 0, l, 0, 0, 0, 0, 0, 0, 0 FROM (VALUES (40, 11, 4), (60, 13, 5)) v (c, o, l)");
    store_reset(store);
    assert_int_equal(store_load_lists(store, database, true), STATUS_OK);
    static const uint64_t lists[] = {[10] = 4, [12] = 5, [13] = 5, [14] = 5, [16] = 0};
    for (uint64_t order = 10; order < sizeof(lists) / sizeof(*lists); order++)
        assert_int_equal(store_list_of(store, 0, order), lists[order]);
    cluster_ask("lists",
                "INSERT INTO quorex.order_lists SELECT 1, 0, 10 + i, 1, 'x', 1, 100 + 2 * i,"
                " 101 + 2 * i, 0, 1, 0 FROM generate_series(1, 60000) i");
    assert_int_equal(store_load_lists(store, database, false), STATUS_MALFORMED);
    arena_unmap(&arena);
    world_free(world);
    database_free(database);
}
