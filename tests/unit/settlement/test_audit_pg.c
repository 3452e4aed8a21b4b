#include "settlement/audit.h"

#include "common/arena.h"
#include "common/ring.h"
#include "settlement/store.h"
#include "tests/harness.h"
#include "tests/unit/settlement/batches.h"
#include "tests/unit/settlement/cluster.h"
#include "tests/unit/settlement/slices.h"
#include "tests/unit/settlement/world_custody.h"

#include <pthread.h>
#include <time.h>

#define WAIT_MS    60000
#define RING_BYTES (1u << 16)
#define DATABASE   "audited"

/* A writer in a thread of its own, and the ring from settlement. */
struct rig {
    pthread_t thread;
    struct park park;
    struct progress progress;
    struct metrics metrics;
    struct store_options options;
    struct ring *compared;
    struct world *world;
    _Atomic uint64_t visible;
    char conninfo[256];
};

static struct rig *rig;

static enum status read_visible(void *context, uint64_t height, struct block_bytes *out)
{
    (void)context;
    if (height > atomic_load(&rig->visible)) return STATUS_NOT_FOUND;
    return world_read(rig->world, height, out);
}

static void *run_writer(void *options)
{
    store_run(options);
    return NULL;
}

/* Fifty blocks of trading. */
static struct world *busy_world(void)
{
    struct world *world = world_new();
    struct custody custody;
    uint64_t seed = 0xa0d1;
    world->stamp_ns++; /* the custody's times are above those of a cursor at its beginning */
    custody_open(&custody, world);
    for (uint64_t number = 1; number <= 3; number++) {
        custody_told(&custody, custody_deposit_of(number, 7000, 2), 2, 0);
        custody_told(&custody, custody_deposit_of(number, 7000, 3), 3, 7000);
    }
    struct deposit_changed_event gone = custody_deposit_of(2, 7000, 3);
    gone.credited.units = 0;
    gone.confirmations = 0;
    gone.state = DEPOSIT_REORGED;
    custody_gone(&custody, gone, 7000, false);
    custody_withdraw(&custody, 9000);
    custody_withdraw(&custody, 4000);
    custody_approve(&custody, 1);
    while (world->height < 50) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        world->stamp_ns += 1700000000;
        world_act(world, seed >> 20);
        if ((seed >> 33) % 5 == 0) assert_int_equal(world_seal(world), STATUS_OK);
    }
    assert_true(world->trade_id > 40);
    return world;
}

static void rig_start(struct world *world, uint64_t visible)
{
    rig = aligned_alloc(64, (sizeof(*rig) + 63) / 64 * 64);
    if (rig == NULL) abort();
    memset(rig, 0, sizeof(*rig));
    if (!park_open(&rig->park)) abort();
    rig->world = world;
    rig->compared = ring_new(aligned_alloc(64, ring_bytes(RING_BYTES)), RING_BYTES);
    atomic_store(&rig->visible, visible);
    snprintf(rig->conninfo, sizeof(rig->conninfo), "%s", cluster_conninfo(DATABASE));
    rig->options = (struct store_options){.conninfo = rig->conninfo,
                                          .genesis = &world->genesis,
                                          .source = {.context = rig, .read = read_visible},
                                          .park = &rig->park,
                                          .compared = rig->compared,
                                          .progress = &rig->progress,
                                          .metrics = &rig->metrics,
                                          .partition_commands = 100,
                                          .balances_ms = 1};
    if (pthread_create(&rig->thread, NULL, run_writer, &rig->options) != 0) abort();
}

static void rig_stop(void)
{
    atomic_store(&rig->progress.stopping, 1);
    park_wake(&rig->park);
    pthread_join(rig->thread, NULL);
    park_close(&rig->park);
    free(rig->compared);
    free(rig);
}

static void fresh(void)
{
    cluster_start();
    cluster_ask("postgres", "DROP DATABASE IF EXISTS " DATABASE " WITH (FORCE)");
    cluster_ask("postgres", "CREATE DATABASE " DATABASE);
}

static bool wait_for(const _Atomic uint64_t *figure, uint64_t value)
{
    const struct timespec step = {.tv_nsec = 1000000};
    for (int i = 0; i < WAIT_MS && atomic_load(figure) < value; i++) {
        park_wake(&rig->park);
        nanosleep(&step, NULL);
    }
    return atomic_load(figure) >= value;
}

/* The world's balances after its last block, as settlement hands them on. */
static void tell(uint64_t wanted)
{
    uint8_t bytes[4096];
    const size_t byte_count = world_slice(rig->world, 1, rig->world->account_count, wanted, bytes);
    uint8_t *room = ring_reserve(rig->compared, byte_count);
    assert_non_null(room);
    memcpy(room, bytes, byte_count);
    ring_commit(rig->compared, byte_count);
    (void)!ring_publish(rig->compared);
}

/* Asks for passes, as operators do, and waits for one that began afterwards. Settlement is silent: they follow one
 * another. */
static void pass(void)
{
    atomic_fetch_add(&rig->progress.reconcile_wanted, 1);
    const uint64_t count = atomic_load(&rig->progress.projection.count);
    assert_true(wait_for(&rig->progress.projection.count, count + 2));
}

static bool is_wrong(void)
{
    return atomic_load(&rig->progress.projection_wrong) != 0 &&
           metric_get(&rig->metrics.database_wrong) == 1;
}

/* Filled, and found to be the chain's. */
static void filled(void)
{
    fresh();
    rig_start(busy_world(), 0);
    tell(1);
    atomic_store(&rig->visible, rig->world->height);
    assert_true(wait_for(&rig->progress.projected_height, rig->world->height));
    atomic_store(&rig->progress.reconcile_wanted, 1);
    assert_true(wait_for(&rig->progress.projection.wanted, 1));
    assert_false(is_wrong());
}

/* What a change of one row does: found, and no more once it is undone. The writer goes on all the while. */
static void found_and_forgotten(const char *change, const char *undo)
{
    filled();
    cluster_ask(DATABASE, change);
    pass();
    assert_true(is_wrong());
    assert_int_equal(metric_get(&rig->metrics.database_up), 1);
    cluster_ask(DATABASE, undo);
    pass();
    assert_false(is_wrong());
    struct world *world = rig->world;
    rig_stop();
    world_free(world);
}

/* A pass over a database that is right finds nothing, counts what it compared, and answers who asked. */
TEST(audit_pg, right_database_is_found_right)
{
    filled();
    assert_int_equal(atomic_load(&rig->progress.projection.accounts), 4);
    assert_int_equal(atomic_load(&rig->progress.projection.balances), 8);
    assert_int_equal(atomic_load(&rig->progress.projection.to_height), rig->world->height);
    assert_int_equal(atomic_load(&rig->progress.projection.wanted), 1);
    assert_true(metric_get(&rig->metrics.audited_balances_total) >= 16);
    assert_true(metric_get(&rig->metrics.audited_passes_total) >= 1);
    struct world *world = rig->world;
    rig_stop();
    world_free(world);
}

/* A pass that was asked for is not answered before settlement's figures have been compared too. */
TEST(audit_pg, pass_is_not_answered_without_settlement)
{
    filled();
    atomic_fetch_add(&rig->progress.reconcile_wanted, 1);
    const uint64_t count = atomic_load(&rig->progress.projection.count);
    assert_true(wait_for(&rig->progress.projection.count, count + 2));
    assert_int_equal(atomic_load(&rig->progress.projection.wanted), 1);
    struct world *world = rig->world;
    rig_stop();
    world_free(world);
}

TEST(audit_pg, flipped_balance_of_a_row_is_found)
{
    found_and_forgotten(
        "UPDATE quorex.balances SET available = available + 1 WHERE account = 3 AND asset = 1",
        "UPDATE quorex.balances SET available = available - 1 WHERE account = 3 AND asset = 1");
    found_and_forgotten(
        "UPDATE quorex.balances SET held = held + 256 WHERE account = 1 AND asset = 0",
        "UPDATE quorex.balances SET held = held - 256 WHERE account = 1 AND asset = 0");
}

TEST(audit_pg, missing_and_foreign_rows_are_found)
{
    found_and_forgotten("CREATE TABLE kept AS SELECT * FROM quorex.balances WHERE account = 4;"
                        "DELETE FROM quorex.balances WHERE account = 4",
                        "INSERT INTO quorex.balances SELECT * FROM kept");
    found_and_forgotten("INSERT INTO quorex.balances VALUES (90, 0, 5, 0, 1)",
                        "DELETE FROM quorex.balances WHERE account = 90");
}

/* A trade that lacks, one that is there twice, and the last one gone. */
TEST(audit_pg, trade_ids_with_a_gap_are_found)
{
    found_and_forgotten("CREATE TABLE kept AS SELECT * FROM quorex.fills WHERE trade_id = 9;"
                        "DELETE FROM quorex.fills WHERE trade_id = 9",
                        "INSERT INTO quorex.fills SELECT * FROM kept");
    found_and_forgotten("CREATE TABLE kept AS SELECT * FROM quorex.fills WHERE trade_id = 1;"
                        "DELETE FROM quorex.fills WHERE trade_id = 1",
                        "INSERT INTO quorex.fills SELECT * FROM kept");
    found_and_forgotten("CREATE TABLE kept AS SELECT * FROM quorex.fills WHERE trade_id ="
                        " (SELECT max(trade_id) FROM quorex.fills);"
                        "DELETE FROM quorex.fills WHERE trade_id IN (SELECT trade_id FROM kept)",
                        "INSERT INTO quorex.fills SELECT * FROM kept");
    found_and_forgotten("INSERT INTO quorex.fills SELECT * FROM quorex.fills WHERE trade_id = 5",
                        "DELETE FROM quorex.fills WHERE ctid = (SELECT max(ctid) FROM quorex.fills"
                        " WHERE trade_id = 5) AND trade_id = 5");
}

/* What a deposit's row says came in, and did not; a state that its changes do not lead to; numbers with a gap; the last
 * one gone; a change that is gone. */
TEST(audit_pg, transfers_that_are_not_what_they_came_to_are_found)
{
    found_and_forgotten("UPDATE quorex.deposits SET credited = credited - 1 WHERE deposit = 1",
                        "UPDATE quorex.deposits SET credited = credited + 1 WHERE deposit = 1");
    found_and_forgotten("UPDATE quorex.deposits SET credited = 7000, state = 2 WHERE deposit = 2;"
                        "UPDATE quorex.deposit_changes SET credited = 7000, state = 2"
                        " WHERE deposit = 2",
                        "UPDATE quorex.deposits SET credited = 0, state = 3 WHERE deposit = 2;"
                        "UPDATE quorex.deposit_changes c SET credited = 0, state = 3"
                        " FROM quorex.deposits d WHERE c.deposit = 2 AND d.deposit = 2"
                        " AND c.command = d.command");
    found_and_forgotten("UPDATE quorex.withdrawals SET state = 4 WHERE withdrawal = 1",
                        "UPDATE quorex.withdrawals SET state = 2 WHERE withdrawal = 1");
    found_and_forgotten(
        "CREATE TABLE kept AS SELECT * FROM quorex.withdrawals WHERE withdrawal = 1;"
        "DELETE FROM quorex.withdrawals WHERE withdrawal = 1",
        "INSERT INTO quorex.withdrawals SELECT * FROM kept");
    found_and_forgotten("CREATE TABLE kept AS SELECT * FROM quorex.deposits WHERE deposit = 3;"
                        "DELETE FROM quorex.deposits WHERE deposit = 3",
                        "INSERT INTO quorex.deposits SELECT * FROM kept");
    found_and_forgotten("CREATE TABLE kept AS SELECT * FROM quorex.withdrawal_changes"
                        " WHERE withdrawal = 2; DELETE FROM quorex.withdrawal_changes"
                        " WHERE withdrawal = 2",
                        "INSERT INTO quorex.withdrawal_changes SELECT * FROM kept");
}

/* A posting a unit too large, on a user's or the house's side, and one that is gone: its block's no longer sum to zero. */
TEST(audit_pg, postings_that_do_not_sum_to_zero_are_found)
{
    found_and_forgotten("UPDATE quorex.ledger_entries SET delta_available = delta_available + 1"
                        " WHERE height = 2 AND account = 1 AND asset = 1 AND kind = 5",
                        "UPDATE quorex.ledger_entries SET delta_available = delta_available - 1"
                        " WHERE height = 2 AND account = 1 AND asset = 1 AND kind = 5");
    found_and_forgotten("UPDATE quorex.ledger_entries SET delta_held = delta_held - 7"
                        " WHERE account = -1 AND height = 2",
                        "UPDATE quorex.ledger_entries SET delta_held = delta_held + 7"
                        " WHERE account = -1 AND height = 2");
    found_and_forgotten("CREATE TABLE kept AS SELECT * FROM quorex.ledger_entries"
                        " WHERE kind = 6 AND account = 2; DELETE FROM quorex.ledger_entries"
                        " WHERE kind = 6 AND account = 2",
                        "INSERT INTO quorex.ledger_entries SELECT * FROM kept");
}

/* A row that was changed while nobody looked is what the writer begins with: settlement knows better. */
TEST(audit_pg, flipped_balance_before_a_start_is_found_by_settlement)
{
    filled();
    struct world *world = rig->world;
    rig_stop();
    cluster_ask(DATABASE, "UPDATE quorex.balances SET available = available + 1 WHERE account = 2");
    /* Nothing but an empty block follows: no event could tell. */
    assert_int_equal(world_seal(world), STATUS_OK);
    rig_start(world, 0);
    tell(0);
    atomic_store(&rig->visible, world->height);
    assert_true(wait_for(&rig->progress.projected_height, world->height));
    assert_true(wait_for(&rig->metrics.database_wrong, 1));
    pass(); /* rows that are as the writer has them do not end the alarm */
    assert_true(is_wrong());
    rig_stop();
    world_free(world);
}

#define ENTRIES   400000 /* some 4,000 pages */
#define PAGES_MAX 1500   /* of a run of an eighth of them */

static long number_after(const char *text, const char *what)
{
    const char *at = strstr(text, what);
    return at == NULL ? 0 : strtol(at + strlen(what), NULL, 10);
}

/* The plan of the question about a run of commands, as one text. */
static void explain(const char *conninfo, uint64_t from, uint64_t to, char text[8192])
{
    char sql[1024] = AUDIT_PLAN_SQL "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF) ";
    const size_t used = strlen(sql);
    PGconn *connection = PQconnectdb(conninfo);
    snprintf(sql + used, sizeof(sql) - used, AUDIT_ENTRIES_SQL, from, to, 16);
    PGresult *plan = PQexec(connection, sql);
    if (PQresultStatus(plan) != PGRES_TUPLES_OK) fail_msg("%s", PQresultErrorMessage(plan));
    text[0] = '\0';
    for (int row = 0; row < PQntuples(plan); row++)
        strncat(text, PQgetvalue(plan, row, 0), 8191 - strlen(text));
    PQclear(plan);
    PQfinish(connection);
}

/* Postings are read by the commands of the run, by the index that says where they lie: never the whole table, with
 * statistics and without. */
TEST(audit_pg, postings_of_a_run_are_found_by_their_index)
{
    char text[8192], conninfo[256], sql[512];
    struct database *database = batches_open("brin", 1u << 25);
    snprintf(conninfo, sizeof(conninfo), "%s", cluster_conninfo("brin"));
    snprintf(sql, sizeof(sql),
             "INSERT INTO quorex.ledger_entries SELECT i / 20, i, 1 + i %% 50, i %% 2, 5,"
             " CASE WHEN i %% 4 < 2 THEN 7 ELSE -7 END, 0, 1 FROM generate_series(1, %d) i",
             ENTRIES);
    assert_int_equal(database_run_text(database, sql), STATUS_OK);
    assert_int_equal(database_run_text(database, "SELECT brin_summarize_new_values(c.oid) FROM"
                                                 " pg_class c WHERE c.relname LIKE"
                                                 " 'ledger_entries_p%_command_idx'"),
                     STATUS_OK);
    for (int analyzed = 0; analyzed < 2; analyzed++) {
        if (analyzed)
            assert_int_equal(database_run_text(database, "ANALYZE quorex.ledger_entries_p0"),
                             STATUS_OK);
        explain(conninfo, ENTRIES / 2, ENTRIES / 2 + AUDIT_COMMANDS, text);
        if (strstr(text, "Bitmap Index Scan on ledger_entries_p0_command_idx") == NULL ||
            strstr(text, "Seq Scan on ledger_entries_p0") != NULL)
            fail_msg("%s", text);
        const long pages = number_after(text, "shared hit=") + number_after(text, " read=");
        if (pages == 0 || pages > PAGES_MAX) fail_msg("%ld pages: %s", pages, text);
    }
    database_free(database);
}

/* Where only balances are left to be compared, nothing is due until the table has them: batches need not wait for it. */
TEST(audit_pg, nothing_is_due_before_there_is_something_to_compare)
{
    struct world *world = world_new();
    struct progress progress = {0};
    struct arena arena;
    assert_true(arena_map(&arena, store_bytes(&world->genesis)));
    struct store *store = store_new(&arena, &world->genesis);
    struct audit audit = {.progress = &progress, .due_ms = 100};
    assert_false(audit_is_due(&audit, store, true, 99));
    assert_true(audit_is_due(&audit, store, false, 100)); /* a pass begins */
    audit.under_way = true;
    assert_true(audit_is_due(&audit, store, false, 100)); /* trade ids */
    audit.market = UINT32_MAX;
    audit.transfers = UINT32_MAX;
    audit.entries_done = true;
    assert_false(audit_is_due(&audit, store, false, 100));
    assert_true(audit_is_due(&audit, store, true, 100));
    atomic_store(&progress.reconcile_wanted, 1); /* operators ask for a new one */
    assert_true(audit_is_due(&audit, store, false, 99));
    audit.wanted = 1;
    assert_false(audit_is_due(&audit, store, false, 99));
    arena_unmap(&arena);
    world_free(world);
}
