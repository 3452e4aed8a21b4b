#include "settlement/ahead.h"

#include "common/arena.h"
#include "tests/unit/settlement/batches.h"

/* A chain of ten blocks, two orders each, and the connection for them. */
struct rig {
    struct database *first;
    struct world *world;
    struct store *store;
    struct arena arena;
    struct row_batch batch;
    struct ahead *ahead;
};

static void set_up(struct rig *rig)
{
    static char conninfo[256];
    memset(rig, 0, sizeof(*rig));
    rig->first = batches_open("ahead", 1000);
    rig->world = batches_world(10);
    assert_true(arena_map(&rig->arena, store_bytes(&rig->world->genesis)));
    rig->store = store_new(&rig->arena, &rig->world->genesis);
    assert_true(row_batch_open(&rig->batch));
    snprintf(conninfo, sizeof(conninfo), "%s", cluster_conninfo("ahead"));
    rig->ahead = ahead_new(conninfo, &batches_stopping, 0);
    assert_non_null(rig->ahead);
    assert_int_equal(ahead_connect(rig->ahead, (struct ahead_place){0}, rig->first), STATUS_OK);
}

static void tear_down(struct rig *rig)
{
    row_batch_close(&rig->batch);
    arena_unmap(&rig->arena);
    world_free(rig->world);
    ahead_free(rig->ahead);
    database_free(rig->first);
}

static struct ahead_place place_of(const struct rig *rig, uint64_t height)
{
    struct block_header header;
    const uint8_t *bytes = rig->world->blocks[height - 1].header;
    assert_true(block_header_decode(bytes, &header));
    return (struct ahead_place){height, header.last_command, block_header_hash(bytes)};
}

static enum status write_to(struct rig *rig, uint64_t height)
{
    const struct ahead_place to = place_of(rig, height);
    ahead_batch_begin(rig->ahead, &rig->batch, &to);
    return ahead_end(rig->ahead, rig->first);
}

static int64_t orders(void)
{
    return batches_number("ahead", "SELECT count(*) FROM quorex.orders");
}

/* Orders are committed, and the row says up to where; a batch without orders leaves both as they are. */
TEST(ahead, orders_and_their_place_are_one_commit)
{
    struct rig rig;
    set_up(&rig);
    batches_take(&rig.batch, rig.store, rig.world, 1, 4);
    assert_int_equal(write_to(&rig, 4), STATUS_OK);
    assert_int_equal(orders(), 8);
    assert_int_equal(batches_number("ahead", "SELECT height FROM quorex.ahead"), 4);
    assert_int_equal(batches_number("ahead", "SELECT count(*) FROM quorex.fills"), 0);
    row_batch_start(&rig.batch);
    assert_int_equal(write_to(&rig, 5), STATUS_OK);
    assert_int_equal(ahead_place(rig.ahead).height, 4);
    assert_int_equal(batches_number("ahead", "SELECT height FROM quorex.ahead"), 4);
    tear_down(&rig);
}

/* Who stands elsewhere than the row says writes nothing, and its failure is the first connection's too. */
TEST(ahead, a_second_writer_loses_the_compare_and_set)
{
    struct rig rig;
    set_up(&rig);
    cluster_ask("ahead", "UPDATE quorex.ahead SET height = 2, command = 4");
    batches_take(&rig.batch, rig.store, rig.world, 1, 4);
    assert_int_equal(write_to(&rig, 4), STATUS_DB_CONFLICT);
    assert_int_equal(orders(), 0);
    assert_int_equal(ahead_place(rig.ahead).height, 0);
    tear_down(&rig);
}

/* A disk that is full for the orders is full for the writer. */
TEST(ahead, a_failure_is_told_by_the_first_connection)
{
    struct rig rig;
    set_up(&rig);
    cluster_ask("ahead", "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                         " RAISE 'no room' USING ERRCODE = '53100'; END $$;"
                         "CREATE TRIGGER no_room BEFORE INSERT ON quorex.orders_p0"
                         " FOR EACH ROW EXECUTE FUNCTION no_room()");
    batches_take(&rig.batch, rig.store, rig.world, 1, 4);
    assert_false(database_is_full(rig.first));
    assert_int_equal(write_to(&rig, 4), STATUS_DB_REFUSED);
    assert_true(database_is_full(rig.first));
    assert_int_equal(orders(), 0);
    tear_down(&rig);
}

/* What is there is left out, block by block, and the block that it ends with must be the one that was written. */
TEST(ahead, orders_that_are_there_are_left_out)
{
    struct rig rig;
    set_up(&rig);
    assert_int_equal(ahead_connect(rig.ahead, place_of(&rig, 3), rig.first), STATUS_OK);
    for (uint64_t height = 1; height <= 5; height++) {
        const struct ahead_place block = place_of(&rig, height);
        batches_take(&rig.batch, rig.store, rig.world, height, height);
        assert_int_equal(ahead_leave_out(rig.ahead, &rig.batch, &block), STATUS_OK);
        assert_int_equal(rig.batch.rows[ROW_ORDERS].row_count, height <= 3 ? 0 : 2 * (height - 3));
        assert_int_equal(rig.batch.rows[ROW_FILLS].row_count, height);
    }
    struct ahead_place other = place_of(&rig, 3);
    other.hash.bytes[7] ^= 1;
    assert_int_equal(ahead_leave_out(rig.ahead, &rig.batch, &other), STATUS_MISMATCH);
    other = place_of(&rig, 3);
    other.command++;
    assert_int_equal(ahead_leave_out(rig.ahead, &rig.batch, &other), STATUS_MISMATCH);
    tear_down(&rig);
}
