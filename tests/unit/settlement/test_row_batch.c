#include "settlement/row_batch.h"

#include "common/arena.h"
#include "tests/unit/settlement/batches.h"

static struct database *database;
static struct world *world;
static struct row_batch batch;
static struct arena arena;
static struct store *store;

/* A database, an empty batch, and five blocks of trades for it. */
static void set_up(const char *name)
{
    database = batches_open(name, 1000);
    world = batches_world(5);
    assert_true(arena_map(&arena, store_bytes(&world->genesis)));
    store = store_new(&arena, &world->genesis);
    assert_true(row_batch_open(&batch));
}

static void tear_down(void)
{
    row_batch_close(&batch);
    arena_unmap(&arena);
    world_free(world);
    database_free(database);
}

/* Rows of every block come in, are counted by table, go to their tables once, and are forgotten by the next start. */
TEST(row_batch, rows_go_where_they_belong)
{
    set_up("batch");
    const size_t empty = row_batch_bytes(&batch);
    batches_take(&batch, store, world, 1, 5);
    assert_int_equal(batch.rows[ROW_FILLS].row_count, world->trade_id);
    assert_int_equal(batch.rows[ROW_ORDERS].row_count, 2 * world->trade_id);
    assert_true(row_batch_bytes(&batch) > empty + 500);

    assert_int_equal(database_run(database, "BEGIN"), STATUS_OK);
    assert_int_equal(row_batch_copy(&batch, ROW_FILLS, database), STATUS_OK);
    assert_int_equal(row_batch_copy(&batch, ROW_ORDERS, database), STATUS_OK);
    assert_int_equal(row_batch_copy(&batch, ROW_LISTS, database), STATUS_OK); /* none */
    assert_int_equal(database_run(database, "COMMIT"), STATUS_OK);
    assert_int_equal(batches_number("batch", "SELECT count(*) FROM quorex.fills"), 5);
    assert_int_equal(batches_number("batch", "SELECT count(*) FROM quorex.orders"), 10);
    assert_int_equal(batches_number("batch", "SELECT sum(price * qty) FROM quorex.fills"),
                     5 * 3 * 3000000);

    row_batch_start(&batch);
    assert_int_equal(row_batch_bytes(&batch), empty);
    assert_int_equal(batch.rows[ROW_FILLS].row_count, 0);
    tear_down();
}

/* Orders and entries of an account lie behind each other, although two accounts took turns; each's own in their order. */
TEST(row_batch, rows_of_an_account_lie_together)
{
    static const char *const turns = "SELECT count(*) FILTER (WHERE other) FROM (SELECT account <> "
                                     "lag(account) OVER (ORDER BY ctid)"
                                     " AS other FROM quorex.%s) AS rows";
    static const char *const out_of_order = "SELECT count(*) FILTER (WHERE late) FROM (SELECT %s < "
                                            "lag(%s) OVER (PARTITION BY account ORDER"
                                            " BY ctid) AS late FROM quorex.%s) AS rows";
    char sql[256];
    set_up("together");
    batches_take(&batch, store, world, 1, 5);
    assert_int_equal(row_batch_copy(&batch, ROW_ORDERS, database), STATUS_OK);
    assert_int_equal(row_batch_copy(&batch, ROW_ENTRIES, database), STATUS_OK);

    assert_int_equal(batches_number("together", "SELECT count(*) FROM quorex.orders"), 10);
    snprintf(sql, sizeof(sql), turns, "orders");
    assert_int_equal(batches_number("together", sql), 1);
    snprintf(sql, sizeof(sql), out_of_order, "order_id", "order_id", "orders");
    assert_int_equal(batches_number("together", sql), 0);
    const int64_t accounts =
        batches_number("together", "SELECT count(DISTINCT account) FROM quorex.ledger_entries");
    assert_true(accounts >= 2);
    snprintf(sql, sizeof(sql), turns, "ledger_entries");
    assert_int_equal(batches_number("together", sql), accounts - 1);
    snprintf(sql, sizeof(sql), out_of_order, "height", "height", "ledger_entries");
    assert_int_equal(batches_number("together", sql), 0);
    tear_down();
}
