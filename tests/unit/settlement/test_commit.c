#include "settlement/commit.h"

#include "common/arena.h"
#include "settlement/merge.h"
#include "tests/unit/settlement/batches.h"

/* A chain of ten blocks, and what writes a batch of it. */
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
    rig->first = batches_open("committed", 1000);
    rig->world = batches_world(10);
    assert_true(arena_map(&rig->arena, store_bytes(&rig->world->genesis)));
    rig->store = store_new(&rig->arena, &rig->world->genesis);
    assert_true(row_batch_open(&rig->batch));
    snprintf(conninfo, sizeof(conninfo), "%s", cluster_conninfo("committed"));
    assert_int_equal(merge_begin(rig->first), STATUS_OK);
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

static struct cursor cursor_of(const struct rig *rig, uint64_t height)
{
    struct block_header header;
    if (height == 0) return (struct cursor){0};
    const uint8_t *bytes = rig->world->blocks[height - 1].header;
    assert_true(block_header_decode(bytes, &header));
    return (struct cursor){height, header.last_command, 0, block_header_hash(bytes)};
}

/* Blocks of a batch, from the one after `from` to `to`. */
static struct commit commit_of(struct rig *rig, uint64_t from, uint64_t to, bool is_more)
{
    row_batch_start(&rig->batch);
    batches_take(&rig->batch, rig->store, rig->world, from + 1, to);
    return (struct commit){.database = rig->first,
                           .ahead = rig->ahead,
                           .batch = &rig->batch,
                           .from = cursor_of(rig, from),
                           .to = cursor_of(rig, to),
                           .is_more = is_more};
}

static int64_t number(const char *sql)
{
    return batches_number("committed", sql);
}

/* In a thread of its own or not: rows, orders and both places are there when it has ended. */
TEST(commit, a_batch_and_its_places_are_there)
{
    struct rig rig;
    set_up(&rig);
    for (uint64_t beside = 0; beside < 2; beside++) {
        struct commit commit = commit_of(&rig, 4 * beside, 4 * beside + 4, false);
        commit_begin(&commit, beside != 0);
        assert_int_equal(commit_end(&commit), STATUS_OK);
        assert_int_equal(number("SELECT height FROM quorex.cursor"), 4 * beside + 4);
        assert_int_equal(number("SELECT height FROM quorex.ahead"), 4 * beside + 4);
        assert_int_equal(number("SELECT count(*) FROM quorex.fills"), 4 * beside + 4);
        assert_int_equal(number("SELECT count(*) FROM quorex.orders"), 8 * beside + 8);
    }
    tear_down(&rig);
}

/* Another writer moved the cursor: nothing of ours is there, orders neither. */
TEST(commit, who_stands_elsewhere_writes_nothing)
{
    struct rig rig;
    set_up(&rig);
    cluster_ask("committed", "UPDATE quorex.cursor SET height = 2, command = 4");
    struct commit commit = commit_of(&rig, 0, 4, true);
    commit_begin(&commit, true);
    assert_int_equal(commit_end(&commit), STATUS_DB_CONFLICT);
    assert_int_equal(number("SELECT count(*) FROM quorex.fills"), 0);
    assert_int_equal(number("SELECT count(*) FROM quorex.orders"), 0);
    tear_down(&rig);
}

static void write_and_move(struct rig *rig, struct commit_mark *mark, uint64_t from, bool is_more)
{
    struct commit commit = commit_of(rig, from, from + 1, is_more);
    commit_begin(&commit, false);
    assert_int_equal(commit_end(&commit), STATUS_OK);
    assert_int_equal(commit_mark_move(mark, &commit), STATUS_OK);
}

/* While more is to come a commit is safe when the server's log is on the disk, which is looked for at the next one; the
 * last one waits for the disk, and with it all are safe. */
TEST(commit, what_is_not_on_the_disk_is_not_safe)
{
    struct rig rig;
    struct commit_mark mark = {0};
    set_up(&rig);
    write_and_move(&rig, &mark, 0, true);
    assert_int_equal(mark.safe.height, 0);
    cluster_ask("committed", "CREATE TABLE waits_for_the_disk ()");
    write_and_move(&rig, &mark, 1, true);
    assert_int_equal(mark.safe.height, 1);
    assert_int_equal(mark.next.height, 2);
    /* A place that the log has not come to: nothing moves, however many commits there are. */
    snprintf(mark.log_place, sizeof(mark.log_place), "FF/0");
    write_and_move(&rig, &mark, 2, true);
    write_and_move(&rig, &mark, 3, true);
    assert_int_equal(mark.safe.height, 1);
    assert_int_equal(mark.next.height, 2);
    write_and_move(&rig, &mark, 4, false);
    assert_int_equal(mark.safe.height, 5);
    tear_down(&rig);
}

/* A session makes sure that the cursor it will find is on the disk: the server's log is there up to where it was, by commits
 * that wait, although the server's would not. */
TEST(commit, a_cursor_that_is_found_is_made_safe)
{
    struct rig rig;
    set_up(&rig);
    struct commit commit = commit_of(&rig, 0, 4, true);
    commit_begin(&commit, false);
    assert_int_equal(commit_end(&commit), STATUS_OK);
    char sql[128], place[32];
    snprintf(place, sizeof(place), "%.31s",
             cluster_ask("committed", "SELECT pg_current_wal_insert_lsn()"));
    assert_int_equal(database_run(rig.first, "SET synchronous_commit = off"), STATUS_OK);
    assert_int_equal(commit_claim(rig.first), STATUS_OK);
    snprintf(sql, sizeof(sql), "SELECT (pg_current_wal_flush_lsn() >= '%s')::int", place);
    assert_int_equal(number(sql), 1);
    assert_int_equal(database_run(rig.first, "SHOW synchronous_commit"), STATUS_OK);
    assert_string_equal(database_text(rig.first, 0, 0), "on");
    assert_int_equal(database_run(rig.first, "SET synchronous_commit = remote_apply"), STATUS_OK);
    assert_int_equal(commit_claim(rig.first), STATUS_OK);
    assert_int_equal(database_run(rig.first, "SHOW synchronous_commit"), STATUS_OK);
    assert_string_equal(database_text(rig.first, 0, 0),
                        "remote_apply"); /* waits for more, and stays */
    tear_down(&rig);
}
