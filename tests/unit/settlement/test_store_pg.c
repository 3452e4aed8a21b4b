#include "settlement/store.h"

#include "settlement/schema.h"
#include "tests/harness.h"
#include "tests/unit/settlement/cluster.h"
#include "tests/unit/settlement/world_custody.h"

#include <pthread.h>
#include <time.h>

#define WAIT_MS 60000

/* A writer in a thread of its own, and how much of the chain it may see. */
struct writer_thread {
    pthread_t thread;
    struct park park;
    struct progress progress;
    struct metrics metrics;
    struct store_options options;
    struct world *world;
    _Atomic uint64_t visible;
    _Atomic uint64_t first;   /* below it no block will ever come; 0: all do */
    _Atomic uint64_t highest; /* block that was read */
    _Atomic uint32_t misses;
    char conninfo[256];
};

static enum status read_visible(void *context, uint64_t height, struct block_bytes *out)
{
    struct writer_thread *writer = context;
    if (height > atomic_load(&writer->visible) || height < atomic_load(&writer->first)) {
        atomic_fetch_add(&writer->misses, 1);
        return STATUS_NOT_FOUND;
    }
    if (height > atomic_load(&writer->highest)) atomic_store(&writer->highest, height);
    return world_read(writer->world, height, out);
}

static uint64_t first_visible(void *context)
{
    struct writer_thread *writer = context;
    return atomic_load(&writer->first);
}

static void *run_writer(void *context)
{
    store_run(&((struct writer_thread *)context)->options);
    return NULL;
}

static uint32_t balances_ms = 1; /* of writers that are started from now on */
static uint32_t lock_ms, batch_blocks;

static struct writer_thread *start(struct world *world, const char *database, uint64_t visible)
{
    struct writer_thread *writer = aligned_alloc(64, (sizeof(*writer) + 63) / 64 * 64);
    if (writer == NULL) abort();
    memset(writer, 0, sizeof(*writer));
    if (!park_open(&writer->park)) abort();
    snprintf(writer->conninfo, sizeof(writer->conninfo), "%s", cluster_conninfo(database));
    writer->world = world;
    atomic_store(&writer->visible, visible);
    writer->options = (struct store_options){.conninfo = writer->conninfo,
                                             .genesis = &world->genesis,
                                             .source = {writer, read_visible, first_visible},
                                             .park = &writer->park,
                                             .progress = &writer->progress,
                                             .metrics = &writer->metrics,
                                             .partition_commands = 100,
                                             .tell_ms = 1,
                                             .batch_blocks = batch_blocks,
                                             .balances_ms = balances_ms,
                                             .lock_ms = lock_ms};
    if (pthread_create(&writer->thread, NULL, run_writer, writer) != 0) abort();
    return writer;
}

static void stop(struct writer_thread *writer)
{
    atomic_store(&writer->progress.stopping, 1);
    park_wake(&writer->park);
    pthread_join(writer->thread, NULL);
    park_close(&writer->park);
    free(writer);
}

static void show(struct writer_thread *writer, uint64_t visible)
{
    atomic_store(&writer->visible, visible);
    park_wake(&writer->park);
}

static bool wait_until(bool (*holds)(void *), void *context)
{
    const struct timespec step = {.tv_nsec = 1000000};
    for (int i = 0; i < WAIT_MS; i++) {
        if (holds(context)) return true;
        nanosleep(&step, NULL);
    }
    return false;
}

static bool has_caught_up(void *context)
{
    struct writer_thread *writer = context;
    return atomic_load(&writer->progress.projected_height) == atomic_load(&writer->visible);
}

struct question {
    const char *database, *sql, *answer;
};

static bool is_answered(void *context)
{
    const struct question *question = context;
    return strcmp(cluster_ask(question->database, question->sql), question->answer) == 0;
}

/* Catches up and refreshes balances too. */
static void wait_filled(struct writer_thread *writer, const char *database)
{
    const char *sql = "SELECT (height = balances_height)::text FROM quorex.cursor";
    const struct question question = {database, sql, "true"};
    assert_true(wait_until(has_caught_up, writer));
    assert_true(wait_until(is_answered, (void *)(uintptr_t)&question));
}

/* One line that two databases have in common only when every row is the same. */
static void digest(const char *database, char text[4096])
{
    static const char sql[] =
        "SELECT string_agg(d, ' ') FROM ("
        "SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) d FROM quorex.fills t UNION ALL "
        "SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM quorex.orders t UNION ALL "
        "SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM quorex.ledger_entries t "
        "UNION ALL SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM quorex.candles t "
        "UNION ALL SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM quorex.blocks t "
        "UNION ALL SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM quorex.balances t "
        "UNION ALL SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM quorex.accounts t "
        "UNION ALL SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM quorex.markets t "
        "UNION ALL SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM quorex.assets t "
        "UNION ALL SELECT coalesce(md5(string_agg(t::text, ',' ORDER BY t::text)), '-')"
        " FROM quorex.prevented_matches t "
        "UNION ALL SELECT coalesce(md5(string_agg(t::text, ',' ORDER BY t::text)), '-')"
        " FROM quorex.order_lists t "
        "UNION ALL SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM quorex.deposits t "
        "UNION ALL SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM quorex.withdrawals t "
        "UNION ALL SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM quorex.addresses t "
        "UNION ALL SELECT md5(string_agg(t::text, ',' ORDER BY t::text))"
        " FROM quorex.deposit_changes t "
        "UNION ALL SELECT md5(string_agg(t::text, ',' ORDER BY t::text))"
        " FROM quorex.withdrawal_changes t "
        "UNION ALL SELECT md5(string_agg(t::text, ',' ORDER BY t::text))"
        " FROM quorex.address_changes t "
        "UNION ALL SELECT count(*)::text FROM quorex.fills "
        "UNION ALL SELECT height || ':' || command FROM quorex.cursor) x";
    snprintf(text, 4096, "%s", cluster_ask(database, sql));
    assert_true(strlen(text) > 500);
}

static struct world *busy_world(uint64_t blocks)
{
    struct world *world = world_new();
    struct custody custody;
    uint64_t seed = 0xb10c;
    custody_open(&custody, world);
    custody_told(&custody, custody_deposit_of(1, 7000, 2), 2, 0);
    custody_told(&custody, custody_deposit_of(1, 7000, 3), 3, 7000);
    custody_withdraw(&custody, 9000);
    custody_withdraw(&custody, 4000);
    custody_approve(&custody, 1);
    while (world->height < blocks) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        world->stamp_ns += 1700000000;
        world_act(world, seed >> 20);
        if ((seed >> 33) % 5 == 0) assert_int_equal(world_seal(world), STATUS_OK);
    }
    return world;
}

/* What the same chain leaves in a database that nothing ever happened to. */
static void reference(struct world *world, char text[4096])
{
    cluster_start();
    cluster_ask("postgres", "DROP DATABASE IF EXISTS reference WITH (FORCE)");
    cluster_ask("postgres", "CREATE DATABASE reference");
    struct writer_thread *writer = start(world, "reference", world->height);
    wait_filled(writer, "reference");
    stop(writer);
    digest("reference", text);
}

static void fresh(const char *database)
{
    char sql[128];
    cluster_start();
    snprintf(sql, sizeof(sql), "DROP DATABASE IF EXISTS %s WITH (FORCE)", database);
    cluster_ask("postgres", sql);
    snprintf(sql, sizeof(sql), "CREATE DATABASE %s", database);
    cluster_ask("postgres", sql);
}

static int64_t number(const char *database, const char *sql)
{
    return strtoll(cluster_ask(database, sql), NULL, 10);
}

/* An empty database is migrated and filled: every fill, every ended order, entries that sum to zero,
 * candles that count each fill once an interval, balances to the last unit. */
TEST(store_pg, empty_database_is_migrated_and_filled)
{
    struct world *world = busy_world(60);
    fresh("filled");
    struct writer_thread *writer = start(world, "filled", world->height);
    wait_filled(writer, "filled");
    assert_int_equal(atomic_load(&writer->progress.projected_command), world->number);
    assert_int_equal(metric_get(&writer->metrics.projected_fills_total), world->trade_id);
    assert_int_equal(metric_get(&writer->metrics.database_up), 1);
    stop(writer);

    assert_true(world->trade_id > 50);
    assert_int_equal(number("filled", "SELECT count(*) FROM quorex.fills"), world->trade_id);
    assert_int_equal(number("filled", "SELECT count(DISTINCT trade_id) FROM quorex.fills"),
                     world->trade_id);
    assert_int_equal(number("filled", "SELECT count(*) FROM (SELECT 1 FROM quorex.ledger_entries"
                                      " GROUP BY height, asset"
                                      " HAVING sum(delta_available + delta_held) <> 0) x"),
                     0);
    assert_int_equal(number("filled", "SELECT count(*) FROM quorex.prevented_matches"),
                     world->prevented_id);
    assert_int_equal(number("filled", "SELECT count(*) FROM quorex.order_lists"), world->list_id);
    assert_true(number("filled", "SELECT count(*) FROM quorex.order_lists"
                                 " WHERE closed_ns > created_ns") > 0);
    assert_int_equal(number("filled",
                            "SELECT count(*) FROM quorex.order_lists l WHERE closed_ns = 0"
                            " AND 2 = (SELECT count(*) FROM quorex.orders o"
                            " WHERE o.list_id = l.list_id)"),
                     0);
    assert_true(number("filled", "SELECT count(*) FROM quorex.orders WHERE stop_price > 0") > 0);
    for (int interval = 0; interval < INTERVAL_COUNT; interval++) {
        char sql[128];
        snprintf(sql, sizeof(sql),
                 "SELECT sum(fill_count) FROM quorex.candles WHERE \"interval\" = %d", interval);
        assert_int_equal(number("filled", sql), world->trade_id);
    }
    assert_int_equal(number("filled", "SELECT (SELECT sum(volume) FROM quorex.candles"
                                      " WHERE \"interval\" = 4) - sum(qty) FROM quorex.fills"),
                     0);
    for (uint32_t account = 1; account <= 4; account++) {
        char sql[160];
        snprintf(sql, sizeof(sql),
                 "SELECT available FROM quorex.balances WHERE account = %u AND asset = 1", account);
        assert_int_equal(number("filled", sql), world->available[account][USDT]);
        snprintf(sql, sizeof(sql),
                 "SELECT held FROM quorex.balances WHERE account = %u AND asset = 0", account);
        assert_int_equal(number("filled", sql), world->held[account][BTC]);
    }
    assert_true(number("filled", "SELECT count(*) FROM pg_inherits WHERE inhparent ="
                                 " 'quorex.fills'::regclass") > 2);
    world_free(world);
}

/* A disk that is full, as PostgreSQL says it: the writer tries on, says so, and has every row once there is room. A
 * trigger says so here, of another file each time; tests/integration/database_full has a real one. */
TEST(store_pg, full_disk_is_told_and_outlived)
{
    struct world *world = busy_world(60);
    char expected[4096], found[4096];
    reference(world, expected);
    fresh("small");
    struct writer_thread *writer = start(world, "small", 20);
    wait_filled(writer, "small");
    cluster_ask("small",
                "CREATE SEQUENCE attempts; CREATE TABLE room (is_there bool);"
                "INSERT INTO room VALUES (false); CREATE FUNCTION full_disk() RETURNS trigger"
                " LANGUAGE plpgsql AS $$ BEGIN IF NOT (SELECT is_there FROM room) THEN"
                " RAISE 'could not extend file \"base/%\"', nextval('attempts')"
                " USING ERRCODE = '53100'; END IF; RETURN NEW; END $$;"
                "CREATE TRIGGER full_disk BEFORE INSERT ON quorex.blocks"
                " FOR EACH ROW EXECUTE FUNCTION full_disk()");
    show(writer, world->height);
    const struct question tried = {"small", "SELECT (last_value >= 3)::text FROM attempts", "true"};
    assert_true(wait_until(is_answered, (void *)(uintptr_t)&tried));
    assert_int_equal(metric_get(&writer->metrics.database_full), 1);
    assert_true(metric_get(&writer->metrics.database_failures_total) >= 2);
    assert_int_equal(number("small", "SELECT height FROM quorex.cursor"), 20);
    cluster_ask("small", "UPDATE room SET is_there = true");
    wait_filled(writer, "small");
    assert_int_equal(metric_get(&writer->metrics.database_full), 0);
    stop(writer);
    digest("small", found);
    assert_string_equal(found, expected);
    world_free(world);
}

/* Orders are committed before the cursor moves: who dies in between, at any block, leaves them, and the next session
 * leaves them out. The trigger keeps the cursor's transaction from its end while the orders' goes through. */
TEST(store_pg, orders_ahead_of_the_cursor_are_written_once)
{
    struct world *world = busy_world(60);
    char expected[4096], found[4096];
    reference(world, expected);
    fresh("leading");
    struct writer_thread *writer = start(world, "leading", 20);
    wait_filled(writer, "leading");
    cluster_ask("leading", "CREATE TABLE room (is_there bool); INSERT INTO room VALUES (false);"
                           "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                           " IF NOT (SELECT is_there FROM room) THEN RAISE 'not yet'; END IF;"
                           " RETURN NEW; END $$;"
                           "CREATE TRIGGER refuse BEFORE INSERT ON quorex.blocks"
                           " FOR EACH ROW EXECUTE FUNCTION refuse()");
    show(writer, 40);
    const struct question led = {
        "leading", "SELECT (a.height > c.height)::text FROM quorex.ahead a, quorex.cursor c",
        "true"};
    assert_true(wait_until(is_answered, (void *)(uintptr_t)&led));
    assert_true(number("leading", "SELECT count(*) FROM quorex.orders o, quorex.cursor c"
                                  " WHERE o.command > c.command") > 0);
    stop(writer);
    cluster_ask("leading", "UPDATE room SET is_there = true");
    writer = start(world, "leading", 30);
    wait_filled(writer, "leading");
    show(writer, world->height);
    wait_filled(writer, "leading");
    stop(writer);
    digest("leading", found);
    assert_string_equal(found, expected);
    world_free(world);
}

/* The balance table is true at the height that the cursor names for it, and not at any later one, however far the rows
 * go: until it is refreshed both stay as they are. */
TEST(store_pg, balances_stay_true_at_their_own_height)
{
    static const char sql[] =
        "SELECT c.balances_height || ' ' || md5(string_agg(b::text, ',' ORDER BY b::text)) || ' '"
        " || max(b.height) FROM quorex.balances b, quorex.cursor c GROUP BY c.balances_height";
    struct world *world = busy_world(60);
    char expected[4096], found[4096], before[4096];
    reference(world, expected);
    fresh("still");
    balances_ms = 3600000;
    struct writer_thread *writer = start(world, "still", 30);
    wait_filled(writer, "still");
    snprintf(before, sizeof(before), "%s", cluster_ask("still", sql));
    assert_int_equal(strtol(before, NULL, 10), 30);
    show(writer, 60);
    assert_true(wait_until(has_caught_up, writer));
    assert_int_equal(number("still", "SELECT height FROM quorex.cursor"), 60);
    assert_string_equal(cluster_ask("still", sql), before);
    stop(writer);

    balances_ms = 1; /* a writer that begins has it to do */
    writer = start(world, "still", 60);
    wait_filled(writer, "still");
    stop(writer);
    digest("still", found);
    assert_string_equal(found, expected);
    world_free(world);
}

struct figure {
    const _Atomic uint64_t *metric;
    uint64_t value;
};

static bool is_figure(void *context)
{
    const struct figure *figure = context;
    return metric_get(figure->metric) == figure->value;
}

static bool becomes(const _Atomic uint64_t *metric, uint64_t value)
{
    struct figure figure = {metric, value};
    return wait_until(is_figure, &figure);
}

/* A statement that waits for somebody's lock, of either connection: how far behind goes on meanwhile, the server counts as
 * down after a while, and when it answers everything goes on by itself. */
TEST(store_pg, a_server_that_does_not_answer_is_seen_and_outlived)
{
    static const char *const tables[] = {"cursor", "ahead"};
    struct world *world = busy_world(60);
    char expected[4096], found[4096];
    reference(world, expected);
    fresh("hung");
    lock_ms = 10 * WAIT_MS;
    struct writer_thread *writer = start(world, "hung", 20);
    lock_ms = 0;
    wait_filled(writer, "hung");
    for (uint64_t i = 0; i < 2; i++) {
        const uint64_t at = 20 + 20 * i;
        char sql[64];
        PGconn *holder = PQconnectdb(cluster_conninfo("hung"));
        snprintf(sql, sizeof(sql), "BEGIN; LOCK TABLE quorex.%s", tables[i]);
        PQclear(PQexec(holder, sql));
        atomic_store(&writer->progress.sealed_height, at + 20);
        show(writer, at + 20);
        assert_true(becomes(&writer->metrics.projection_behind, 20));
        atomic_store(&writer->progress.sealed_height, at + 777);
        assert_true(becomes(&writer->metrics.projection_behind, 777));
        assert_true(becomes(&writer->metrics.database_up, 0));
        assert_int_equal(atomic_load(&writer->progress.projected_height), at);
        PQclear(PQexec(holder, "COMMIT"));
        PQfinish(holder);
        assert_true(becomes(&writer->metrics.database_up, 1));
        wait_filled(writer, "hung");
    }
    assert_int_equal(metric_get(&writer->metrics.database_failures_total), 0);
    stop(writer);
    digest("hung", found);
    assert_string_equal(found, expected);
    world_free(world);
}

/* Somebody who holds `orders` and then wants `fills` waits for the first connection, which waits in the node for the
 * second, which waits for him: no cycle that PostgreSQL sees. The second gives up, and he goes on. */
TEST(store_pg, locks_on_two_tables_are_no_deadlock)
{
    const struct question taken = {"crossed",
                                   "SELECT (count(*) > 0)::text FROM pg_locks WHERE relation ="
                                   " 'quorex.fills'::regclass AND mode = 'RowExclusiveLock'",
                                   "true"};
    struct world *world = busy_world(60);
    char expected[4096], found[4096];
    reference(world, expected);
    fresh("crossed");
    lock_ms = 1000;
    struct writer_thread *writer = start(world, "crossed", 20);
    lock_ms = 0;
    wait_filled(writer, "crossed");
    PGconn *holder = PQconnectdb(cluster_conninfo("crossed"));
    PQclear(PQexec(holder, "SET statement_timeout = '30s'"));
    PQclear(PQexec(holder, "BEGIN; LOCK TABLE quorex.orders"));
    show(writer, 22); /* no partition is missing for these */
    assert_true(wait_until(is_answered, (void *)(uintptr_t)&taken));
    PGresult *both = PQexec(holder, "LOCK TABLE quorex.fills");
    assert_int_equal(PQresultStatus(both), PGRES_COMMAND_OK);
    PQclear(both);
    assert_int_equal(number("crossed", "SELECT height FROM quorex.cursor"), 20);
    PQclear(PQexec(holder, "COMMIT"));
    PQfinish(holder);
    wait_filled(writer, "crossed");
    show(writer, world->height);
    wait_filled(writer, "crossed");
    assert_true(metric_get(&writer->metrics.database_failures_total) > 0);
    stop(writer);
    digest("crossed", found);
    assert_string_equal(found, expected);
    world_free(world);
}

static bool is_above(void *context)
{
    const struct figure *figure = context;
    return metric_get(figure->metric) > figure->value;
}

static bool has_looked(void *context)
{
    return atomic_load(&((struct writer_thread *)context)->misses) >= 3;
}

/* While a batch is on its way the next one is made: two blocks, two more, and whether there is another. What is made when
 * the first is refused is forgotten; what comes of them in the end is what comes of one batch. A batch that goes before
 * a comparison with the tables (audit.h) is alone, so this may take some tries. */
TEST(store_pg, the_next_batch_is_made_while_one_is_written)
{
    struct world *world = busy_world(60);
    char expected[4096], found[4096];
    reference(world, expected);
    fresh("paired");
    batch_blocks = 2;
    struct writer_thread *writer = start(world, "paired", 20);
    batch_blocks = 0;
    wait_filled(writer, "paired");
    cluster_ask("paired", "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                          " RAISE 'not yet'; END $$;"
                          "CREATE TRIGGER refuse BEFORE INSERT ON quorex.blocks"
                          " FOR EACH ROW EXECUTE FUNCTION refuse()");
    for (int tries = 0; atomic_load(&writer->highest) < 25; tries++) {
        assert_true(tries < 20);
        struct figure failures = {&writer->metrics.database_failures_total, 0};
        show(writer, 20);
        atomic_store(&writer->misses, 0);
        assert_true(wait_until(has_looked, writer)); /* and has compared, when it was time to */
        atomic_store(&writer->highest, 0);
        failures.value = metric_get(failures.metric);
        show(writer, world->height);
        assert_true(wait_until(is_above, &failures));
    }
    assert_int_equal(atomic_load(&writer->highest), 25);
    assert_int_equal(number("paired", "SELECT height FROM quorex.cursor"), 20);
    cluster_ask("paired", "DROP FUNCTION refuse CASCADE");
    wait_filled(writer, "paired");
    stop(writer);
    digest("paired", found);
    assert_string_equal(found, expected);
    world_free(world);
}

/* Commits that another follows do not wait for the disk, and what replaces their rows is kept until they are there. This
 * server's log never seems to get to the disk by itself; the sixth batch waits for a lock, and the last one for the disk. */
TEST(store_pg, what_is_not_on_the_disk_is_not_projected)
{
    const struct question written = {"unsafe", "SELECT height FROM quorex.cursor", "30"};
    struct world *world = busy_world(60);
    fresh("unsafe");
    cluster_ask("unsafe", "CREATE SCHEMA slow; CREATE FUNCTION slow.pg_current_wal_flush_lsn()"
                          " RETURNS pg_lsn LANGUAGE sql AS $$ SELECT '0/0'::pg_lsn $$;"
                          "ALTER DATABASE unsafe SET search_path = slow, pg_catalog, public");
    batch_blocks = 2;
    struct writer_thread *writer = start(world, "unsafe", 20);
    batch_blocks = 0;
    wait_filled(writer, "unsafe");
    cluster_ask("unsafe",
                "CREATE FUNCTION wait_at_31() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                " IF NEW.height > 30 THEN PERFORM pg_advisory_xact_lock(31); END IF;"
                " RETURN NEW; END $$;"
                "CREATE TRIGGER wait_at_31 BEFORE INSERT ON quorex.blocks"
                " FOR EACH ROW EXECUTE FUNCTION wait_at_31()");
    PGconn *holder = PQconnectdb(cluster_conninfo("unsafe"));
    PQclear(PQexec(holder, "SELECT pg_advisory_lock(31)"));
    show(writer, world->height);
    assert_true(wait_until(is_answered, (void *)(uintptr_t)&written));
    assert_int_equal(atomic_load(&writer->progress.projected_height), 20);
    PQfinish(holder);
    wait_filled(writer, "unsafe");
    assert_int_equal(metric_get(&writer->metrics.database_failures_total), 0);
    stop(writer);
    world_free(world);
}

/* Bodies up to projection_base may go: where blocks change no balance that is the newest of them, so that a session to come
 * needs none that is gone; and it is never above what the balances are true at. */
TEST(store_pg, bodies_that_balances_lack_are_kept)
{
    struct world *world = busy_world(60);
    for (int i = 0; i < 20; i++) {
        world->stamp_ns += 1000000000;
        assert_int_equal(world_seal(world), STATUS_OK);
    }
    fresh("idle");
    balances_ms = 3600000;
    struct writer_thread *writer = start(world, "idle", 30);
    wait_filled(writer, "idle"); /* a writer that begins has balances to write */
    assert_int_equal(atomic_load(&writer->progress.projection_base), 30);
    show(writer, 60);
    assert_true(wait_until(has_caught_up, writer));
    assert_int_equal(atomic_load(&writer->progress.projection_base), 30);
    stop(writer);
    writer = start(world, "idle", 60);
    wait_filled(writer, "idle");
    show(writer, world->height);
    assert_true(wait_until(has_caught_up, writer));
    assert_int_equal(atomic_load(&writer->progress.projection_base), world->height);
    assert_int_equal(number("idle", "SELECT balances_height FROM quorex.cursor"), world->height);
    stop(writer);
    balances_ms = 1;
    world_free(world);
}

/* Orders that PostgreSQL refuses keep the cursor where it is, with all that the other connection wrote. */
TEST(store_pg, cursor_waits_for_the_orders)
{
    struct world *world = busy_world(60);
    char expected[4096], found[4096];
    reference(world, expected);
    fresh("waiting");
    struct writer_thread *writer = start(world, "waiting", 20);
    wait_filled(writer, "waiting");
    cluster_ask("waiting", "CREATE SEQUENCE attempts; CREATE TABLE room (is_there bool);"
                           "INSERT INTO room VALUES (false); CREATE FUNCTION refuse()"
                           " RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                           " IF NOT (SELECT is_there FROM room) THEN"
                           " RAISE 'not yet %', nextval('attempts'); END IF; RETURN NEW; END $$;"
                           "CREATE TRIGGER refuse BEFORE INSERT ON quorex.orders"
                           " FOR EACH ROW EXECUTE FUNCTION refuse()");
    show(writer, world->height);
    const struct question tried = {
        "waiting", "SELECT (last_value >= 3 OR c.height > 20)::text FROM attempts, quorex.cursor c",
        "true"};
    assert_true(wait_until(is_answered, (void *)(uintptr_t)&tried));
    assert_int_equal(number("waiting", "SELECT height FROM quorex.cursor"), 20);
    assert_int_equal(number("waiting", "SELECT max(height) FROM quorex.blocks"), 20);
    cluster_ask("waiting", "UPDATE room SET is_there = true");
    wait_filled(writer, "waiting");
    stop(writer);
    digest("waiting", found);
    assert_string_equal(found, expected);
    world_free(world);
}

/* A database of the first schema, with partitions, is brought to the newest and filled like any other. */
TEST(store_pg, older_schema_is_migrated_with_its_partitions)
{
    struct world *world = busy_world(60);
    char expected[4096], found[4096], sql[256];
    reference(world, expected);
    fresh("older");
    cluster_ask("older", "CREATE SCHEMA quorex");
    cluster_ask("older",
                "CREATE TABLE quorex.migrations (number int PRIMARY KEY, name text NOT NULL,"
                " applied_at timestamptz NOT NULL)");
    cluster_ask("older", schema_migrations[0].sql);
    cluster_ask("older", "INSERT INTO quorex.migrations VALUES (1, '001_base', now())");
    const char *const tables[] = {"fills", "orders", "ledger_entries"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(sql, sizeof(sql), "CREATE TABLE quorex.%s_p0 (LIKE quorex.%s INCLUDING ALL)",
                 tables[i], tables[i]);
        cluster_ask("older", sql);
        snprintf(sql, sizeof(sql),
                 "ALTER TABLE quorex.%s ATTACH PARTITION quorex.%s_p0 FOR VALUES FROM (0) TO (100)",
                 tables[i], tables[i]);
        cluster_ask("older", sql);
    }
    struct writer_thread *writer = start(world, "older", world->height);
    wait_filled(writer, "older");
    stop(writer);
    digest("older", found);
    assert_string_equal(found, expected);
    assert_true(number("older", "SELECT count(*) FROM quorex.orders_p0 WHERE list_id > 0") > 0);
    world_free(world);
}

/* Stopped at any height and started again, it goes on where the cursor stands. */
TEST(store_pg, restart_goes_on_at_the_cursor)
{
    struct world *world = busy_world(60);
    char expected[4096], found[4096];
    reference(world, expected);
    fresh("restarted");
    for (uint64_t height = 0; height <= world->height; height += 12) {
        struct writer_thread *writer = start(world, "restarted", height);
        assert_true(wait_until(has_caught_up, writer));
        stop(writer);
    }
    struct writer_thread *writer = start(world, "restarted", world->height);
    wait_filled(writer, "restarted");
    stop(writer);
    digest("restarted", found);
    assert_string_equal(found, expected);
    world_free(world);
}

/* The database, or all that is in it, is dropped under a running writer: it ends equal to what it
 * was, and progress fell back meanwhile. */
TEST(store_pg, dropped_database_is_filled_again)
{
    struct world *world = busy_world(60);
    char expected[4096], found[4096];
    reference(world, expected);
    fresh("dropped");
    struct writer_thread *writer = start(world, "dropped", 30);
    wait_filled(writer, "dropped");
    cluster_ask("postgres", "DROP DATABASE dropped WITH (FORCE)");
    show(writer, 45);
    wait_filled(writer, "dropped");
    cluster_ask("dropped", "DROP SCHEMA quorex CASCADE");
    show(writer, world->height);
    wait_filled(writer, "dropped");
    stop(writer);
    digest("dropped", found);
    assert_string_equal(found, expected);
    world_free(world);
}

/* The backend is killed again and again while blocks come: each block is applied once. */
TEST(store_pg, killed_backend_applies_each_block_once)
{
    struct world *world = busy_world(80);
    char expected[4096], found[4096];
    reference(world, expected);
    fresh("killed");
    struct writer_thread *writer = start(world, "killed", 1);
    int64_t killed = 0;
    for (uint64_t height = 2; height <= world->height; height++) {
        show(writer, height);
        if (height % 4 == 0)
            killed += number("postgres", "SELECT count(pg_terminate_backend(pid)) FROM"
                                         " pg_stat_activity WHERE datname = 'killed'");
        assert_true(wait_until(has_caught_up, writer));
    }
    wait_filled(writer, "killed");
    assert_true(killed >= 5);
    assert_true(metric_get(&writer->metrics.database_failures_total) > 0);
    stop(writer);
    digest("killed", found);
    assert_string_equal(found, expected);
    world_free(world);
}

/* Two writers at once, as after a failed handover: the compare-and-set lets one of them through for
 * each batch, and the other reads the cursor again. */
TEST(store_pg, second_writer_loses_the_compare_and_set)
{
    struct world *world = busy_world(60);
    char expected[4096], found[4096];
    reference(world, expected);
    fresh("contended");
    struct writer_thread *one = start(world, "contended", 1);
    assert_true(wait_until(has_caught_up, one));
    struct writer_thread *two = start(world, "contended", 1);
    assert_true(wait_until(has_caught_up, two));
    for (uint64_t height = 2; height <= world->height; height++) {
        show(one, height);
        show(two, height);
        assert_true(wait_until(has_caught_up, one));
        assert_true(wait_until(has_caught_up, two));
    }
    wait_filled(one, "contended");
    assert_true(metric_get(&one->metrics.database_failures_total) +
                    metric_get(&two->metrics.database_failures_total) >
                0);
    stop(one);
    stop(two);
    digest("contended", found);
    assert_string_equal(found, expected);
    world_free(world);
}

static bool has_failed_twice(void *context)
{
    return metric_get(&((struct writer_thread *)context)->metrics.database_failures_total) >= 2;
}

/* Another chain's database is left as it is. */
TEST(store_pg, database_of_another_chain_is_left_alone)
{
    struct world *world = busy_world(10), *other = busy_world(20);
    char before[4096], after[4096];
    fresh("owned");
    struct writer_thread *writer = start(world, "owned", world->height);
    wait_filled(writer, "owned");
    stop(writer);
    digest("owned", before);

    other->genesis.nonce[31] = 1;
    writer = start(other, "owned", other->height);
    assert_true(wait_until(has_failed_twice, writer));
    assert_int_equal(metric_get(&writer->metrics.database_up), 0);
    stop(writer);
    digest("owned", after);
    assert_string_equal(after, before);
    world_free(world);
    world_free(other);
}

/* A chain that does not go on where the database ends is not written over it. */
TEST(store_pg, chain_with_another_history_is_refused)
{
    struct world *world = busy_world(20), *fork = busy_world(19);
    world_credit(fork, 1, BTC, 1);
    assert_int_equal(world_seal(fork), STATUS_OK);
    world_credit(fork, 1, BTC, 1);
    assert_int_equal(world_seal(fork), STATUS_OK);
    char before[4096], after[4096];
    fresh("forked");
    struct writer_thread *writer = start(world, "forked", world->height);
    wait_filled(writer, "forked");
    stop(writer);
    digest("forked", before);
    writer = start(fork, "forked", fork->height);
    assert_true(wait_until(has_failed_twice, writer));
    stop(writer);
    digest("forked", after);
    assert_string_equal(after, before);
    world_free(world);
    world_free(fork);
}

static bool has_missed_often(void *context)
{
    struct writer_thread *writer = context;
    return atomic_load(&writer->misses) >= 3;
}

/* How often the words are in the file. */
static int count_words(const char *path, const char *words)
{
    static char text[1 << 16];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    fclose(file);
    int count = 0;
    for (const char *at = text; (at = strstr(at, words)) != NULL; at++)
        count++;
    return count;
}

/* A node that joined has no blocks below its checkpoint. Nothing above them may be written, or readers would take
 * the gap for history: cursor and projected height stay, and the log says once what is missing. */
TEST(store_pg, chain_that_begins_above_the_database_leaves_no_gap)
{
    char path[] = "/tmp/quorex-log-XXXXXX";
    struct world *world = busy_world(20);
    fresh("joined");
    const int log = mkstemp(path), kept = dup(STDERR_FILENO);
    assert_true(log >= 0 && dup2(log, STDERR_FILENO) >= 0);
    struct writer_thread *writer = start(world, "joined", 0);
    atomic_store(&writer->first, 11);
    show(writer, 20);
    atomic_store(&writer->misses, 0);
    const bool missed = wait_until(has_missed_often, writer);
    const uint64_t projected = atomic_load(&writer->progress.projected_height);
    const uint64_t command = atomic_load(&writer->progress.projected_command);
    stop(writer);
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(log);
    assert_true(missed);
    assert_int_equal(projected, 0);
    assert_int_equal(command, 0);
    assert_string_equal(cluster_ask("joined", "SELECT height::text FROM quorex.cursor"), "0");
    assert_string_equal(cluster_ask("joined", "SELECT count(*)::text FROM quorex.blocks"), "0");
    assert_int_equal(count_words(path, "missing_first=1 missing_last=10 history_begins=11"), 1);
    unlink(path);
    world_free(world);
}

/* A database that a newer build has migrated is left as it is, and the log says so once. */
TEST(store_pg, newer_builds_database_is_left_alone)
{
    char path[] = "/tmp/quorex-log-XXXXXX";
    struct world *world = busy_world(20);
    char before[4096], after[4096];
    fresh("newer");
    struct writer_thread *writer = start(world, "newer", 10);
    wait_filled(writer, "newer");
    stop(writer);
    digest("newer", before);
    cluster_ask("newer", "INSERT INTO quorex.migrations VALUES (62, '062_newer', now())");
    const int log = mkstemp(path), kept = dup(STDERR_FILENO);
    assert_true(log >= 0 && dup2(log, STDERR_FILENO) >= 0);
    writer = start(world, "newer", world->height);
    const bool failed = wait_until(has_failed_twice, writer);
    const uint64_t up = metric_get(&writer->metrics.database_up);
    stop(writer);
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(log);
    assert_true(failed);
    assert_int_equal(up, 0);
    digest("newer", after);
    assert_string_equal(after, before);
    assert_int_equal(count_words(path, "was migrated by a newer build"), 1);
    unlink(path);
    world_free(world);
}

/* The log tells of a database that is far behind from when it is found so until it has caught up. */
TEST(store_pg, catching_up_is_in_the_log)
{
    char path[] = "/tmp/quorex-log-XXXXXX";
    struct world *world = busy_world(60);
    fresh("trailing");
    const int log = mkstemp(path), kept = dup(STDERR_FILENO);
    assert_true(log >= 0 && dup2(log, STDERR_FILENO) >= 0);
    struct writer_thread *writer = start(world, "trailing", 0);
    atomic_store(&writer->progress.sealed_height, 160);
    bool follows = true;
    for (uint64_t visible = 20; visible <= 60; visible += 20) {
        if (visible == 60) atomic_store(&writer->progress.sealed_height, 60);
        show(writer, visible);
        follows = follows && wait_until(has_caught_up, writer);
    }
    const bool is_level = becomes(&writer->metrics.projection_behind, 0);
    stop(writer);
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(log);
    assert_true(follows && is_level);
    assert_int_equal(count_words(path, "is behind the chain and catches up\" height=20 behind=140"),
                     1);
    assert_true(count_words(path, "catches up\" height=40 behind=120 blocks=20 fills=") >= 1);
    assert_int_equal(
        count_words(path, "has caught up with the chain\" height=60 behind=0 blocks=40"), 1);
    unlink(path);
    world_free(world);
}
