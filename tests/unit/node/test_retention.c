/* Retention under a running writer: old partitions go, readers wait for nobody, and whoever asks for what is gone is
 * told so by the very statements that the gateway sends. */

#include "settlement/retention.h"

#include "gateway/query.h"
#include "tests/harness.h"
#include "tests/unit/settlement/cluster.h"
#include "tests/unit/settlement/world.h"

#include <pthread.h>
#include <time.h>

#define WAIT_MS   60000
#define PARTITION 100
#define SECOND_NS UINT64_C(1000000000)

struct rig {
    pthread_t thread;
    struct park park;
    struct progress progress;
    struct metrics metrics;
    struct store_options options;
    char conninfo[256];
};

static struct rig *rig;
static struct world *world;
static PGconn *reader;

static void *run_writer(void *options)
{
    store_run(options);
    return NULL;
}

/* A fill every ten seconds, a block every ten fills. */
static void make_chain(void)
{
    world = world_new();
    for (uint64_t i = 0; world->trade_id < 400; i++) {
        world->stamp_ns += 10 * SECOND_NS;
        world_sell(world, (uint32_t)(1 + i % 4), 3000000, 3);
        world_buy(world, (uint32_t)(1 + (i + 1) % 4), 3000000, 3);
        if (world->trade_id % 10 == 0) assert_int_equal(world_seal(world), STATUS_OK);
    }
}

static void rig_start(uint64_t kept_s)
{
    rig = aligned_alloc(64, (sizeof(*rig) + 63) / 64 * 64);
    if (rig == NULL) abort();
    memset(rig, 0, sizeof(*rig));
    assert_true(park_open(&rig->park));
    snprintf(rig->conninfo, sizeof(rig->conninfo), "%s", cluster_conninfo("kept"));
    rig->options = (struct store_options){.conninfo = rig->conninfo,
                                          .genesis = &world->genesis,
                                          .source = {.context = world, .read = world_read},
                                          .park = &rig->park,
                                          .progress = &rig->progress,
                                          .metrics = &rig->metrics,
                                          .partition_commands = PARTITION,
                                          .kept_ns = kept_s * SECOND_NS,
                                          .balances_ms = 1};
    assert_int_equal(pthread_create(&rig->thread, NULL, run_writer, &rig->options), 0);
}

static void rig_stop(void)
{
    atomic_store(&rig->progress.stopping, 1);
    park_wake(&rig->park);
    pthread_join(rig->thread, NULL);
    park_close(&rig->park);
    free(rig);
}

static int64_t number(const char *sql)
{
    return strtoll(cluster_ask("kept", sql), NULL, 10);
}

static bool wait_for(const char *sql, int64_t value)
{
    const struct timespec step = {.tv_nsec = 2000000};
    for (int i = 0; i < WAIT_MS / 2 && number(sql) != value; i++) {
        park_wake(&rig->park);
        nanosleep(&step, NULL);
    }
    return number(sql) == value;
}

static const char lowest[] =
    "SELECT coalesce(min(substring(relname from '[0-9]+$')::int), -1) FROM pg_class"
    " WHERE relkind = 'r' AND relname ~ '^(fills|orders|ledger_entries|order_lists)_p[0-9]+$'";

static void filled(uint64_t kept_s)
{
    cluster_start();
    if (world == NULL) make_chain();
    cluster_ask("postgres", "DROP DATABASE IF EXISTS kept WITH (FORCE)");
    cluster_ask("postgres", "CREATE DATABASE kept");
    rig_start(kept_s);
    assert_true(wait_for("SELECT height FROM quorex.cursor", (int64_t)world->height));
}

/* Whether the answer to a question says that it begins with what is gone; *first: the first id of its rows. */
static bool is_gone(const struct history_query *query, uint64_t *first)
{
    struct query_parameters parameters;
    const char *values[QUERY_PARAMETERS_MAX];
    query_parameters_of(query, &parameters);
    for (int i = 0; i < parameters.count; i++)
        values[i] = parameters.texts[i];
    PGresult *result = PQexecParams(reader, query_sql(query_statement(query)), parameters.count,
                                    NULL, values, NULL, NULL, 0);
    if (PQresultStatus(result) != PGRES_TUPLES_OK) fail_msg("%s", PQresultErrorMessage(result));
    const bool gone = PQgetvalue(result, 0, 0)[0] == '-';
    *first = PQgetisnull(result, 0, 2) ? 0 : strtoull(PQgetvalue(result, 0, 2), NULL, 10);
    PQclear(result);
    return gone;
}

static struct history_query question(enum history_kind kind, uint64_t id_min, uint64_t start_ns,
                                     bool newest)
{
    return (struct history_query){.kind = kind,
                                  .newest = newest,
                                  .account = 1,
                                  .limit = 1000,
                                  .id_min = id_min,
                                  .id_max = INT64_MAX,
                                  .start_ns = start_ns,
                                  .end_ns = INT64_MAX};
}

/* Of 400 fills in 800 commands and more the last 1,000 seconds stay, whole partitions of them: the tables of older ones
 * are gone, all of them, and everything younger is there. */
TEST(retention, old_partitions_go_and_young_ones_stay)
{
    filled(1000);
    const int64_t dropped = number("SELECT dropped_command FROM quorex.cursor");
    assert_true(wait_for("SELECT (dropped_command > 0)::int FROM quorex.cursor", 1));
    assert_true(wait_for("SELECT (b.time_ns > n.time_ns - 1000000000000)::int FROM quorex.cursor c"
                         " JOIN quorex.blocks n ON n.height = c.height JOIN LATERAL (SELECT time_ns"
                         " FROM quorex.blocks WHERE last_command >= c.dropped_command + 100"
                         " ORDER BY last_command LIMIT 1) b ON true",
                         1));
    const int64_t from = number("SELECT dropped_command FROM quorex.cursor");
    assert_true(from >= dropped && from % PARTITION == 0 && from > 300);
    assert_true(wait_for(lowest, from / PARTITION));
    assert_true(number("SELECT min(command) FROM quorex.fills") >= from);
    assert_true(number("SELECT count(*) FROM quorex.fills") >= 100);
    assert_int_equal(
        number("SELECT max(trade_id) - min(trade_id) + 1 - count(*) FROM quorex.fills"), 0);
    assert_int_equal(number("SELECT count(*) FROM quorex.candles WHERE \"interval\" = 0"), 400);
    assert_true(atomic_load(&rig->progress.history_from_ns) > 0);
    assert_int_equal(atomic_load(&rig->progress.projection_wrong), 0);
    rig_stop();
}

/* Questions that begin below what is kept say so, whatever they ask by; those that begin above it, and those for the
 * newest, are answered. */
TEST(retention, questions_for_what_is_gone_say_so)
{
    uint64_t first;
    filled(1000);
    assert_true(wait_for("SELECT (dropped_command > 300)::int FROM quorex.cursor", 1));
    rig_stop(); /* nothing moves while it is asked */
    reader = PQconnectdb(cluster_conninfo("kept"));
    const uint64_t from_ns = (uint64_t)number("SELECT dropped_ns FROM quorex.cursor");
    const uint64_t kept = (uint64_t)number("SELECT min(trade_id) FROM quorex.fills");
    assert_true(kept > 100);
    static const enum history_kind kinds[] = {HISTORY_FILLS, HISTORY_TRADES, HISTORY_AGGREGATES};
    for (size_t i = 0; i < 3; i++) {
        struct history_query query = question(kinds[i], 5, 0, false);
        assert_true(is_gone(&query, &first));
        query = question(kinds[i], kept - 1, 0, false);
        assert_true(is_gone(&query, &first));
        query = question(kinds[i], kept, 0, false);
        assert_false(is_gone(&query, &first));
        assert_true(first >= kept);
        query = question(kinds[i], 0, from_ns, false);
        assert_true(is_gone(&query, &first));
        query = question(kinds[i], 0, from_ns + 1, false);
        assert_false(is_gone(&query, &first));
        query = question(kinds[i], 0, 0, true);
        assert_false(is_gone(&query, &first));
        assert_true(first >= kept);
    }
    struct history_query query = question(HISTORY_ORDERS, 1, 0, false);
    assert_true(is_gone(&query, &first));
    query = question(HISTORY_ORDERS, 0, from_ns + 1, false);
    assert_false(is_gone(&query, &first));
    assert_true(first > kept);
    query = question(HISTORY_ORDERS, first, 0, false);
    assert_false(is_gone(&query, &first));
    query = question(HISTORY_FILLS, 0, 0, true);
    query.order_id = 9;
    assert_true(is_gone(&query, &first));
    query.order_id = 790;
    assert_false(is_gone(&query, &first));
    PQfinish(reader);
}

/* A reader in the middle of a long look holds nobody up, and nobody holds him up: he sees what he began with. */
TEST(retention, readers_do_not_wait)
{
    filled(0);
    reader = PQconnectdb(cluster_conninfo("kept"));
    PQclear(
        PQexec(reader, "BEGIN ISOLATION LEVEL REPEATABLE READ; SET LOCAL lock_timeout = '50ms'"));
    PGresult *before = PQexec(reader, "SELECT count(*) FROM quorex.fills");
    assert_string_equal(PQgetvalue(before, 0, 0), "400");
    PQclear(before);
    rig_stop();
    rig_start(1000);
    assert_true(wait_for("SELECT (dropped_command > 0)::int FROM quorex.cursor", 1));
    /* Another one that comes while a partition waits to go is not held up either. */
    PGconn *other = PQconnectdb(cluster_conninfo("kept"));
    PQclear(PQexec(other, "SET lock_timeout = '50ms'"));
    for (int i = 0; i < 50; i++) {
        PGresult *result = PQexec(other, "SELECT count(*) FROM quorex.fills");
        assert_int_equal(PQresultStatus(result), PGRES_TUPLES_OK);
        PQclear(result);
        result = PQexec(reader, "SELECT count(*) FROM quorex.fills");
        assert_int_equal(PQresultStatus(result), PGRES_TUPLES_OK);
        assert_string_equal(PQgetvalue(result, 0, 0), "400");
        PQclear(result);
    }
    PQclear(PQexec(reader, "COMMIT"));
    PQfinish(reader);
    PQfinish(other);
    assert_true(wait_for("SELECT (count(*) < 400)::int FROM quorex.fills", 1));
    rig_stop();
}

/* Cut off between its steps, it goes on where it was. */
TEST(retention, is_taken_up_where_it_was_cut_off)
{
    filled(0);
    rig_stop();
    cluster_ask("kept", "UPDATE quorex.cursor SET dropped_command = 300, dropped_ns = 1");
    cluster_ask("kept", "ALTER TABLE quorex.fills DETACH PARTITION quorex.fills_p0");
    cluster_ask("kept", "DROP TABLE quorex.orders_p0");
    rig_start(1000000);
    assert_true(wait_for(lowest, 3));
    assert_int_equal(number("SELECT dropped_command FROM quorex.cursor"), 300);
    rig_stop();
}
