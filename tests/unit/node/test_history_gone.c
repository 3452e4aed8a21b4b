/* Whoever asks for what retention has dropped, or for what is older than its table, is told so, by the very statements that
 * the gateway sends. */

#include "gateway/query.h"
#include "settlement/database.h"
#include "settlement/migration.h"
#include "settlement/schema.h"
#include "tests/harness.h"
#include "tests/unit/settlement/retention_rig.h"

static PGconn *reader;

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

/* Questions that begin below what is kept say so, whatever they ask by; those that begin above it, and those for the
 * newest, are answered. */
TEST(history_gone, questions_for_what_is_gone_say_so)
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

    query = question(HISTORY_LEDGER, 1, 0, false);
    query.place = HISTORY_NO_PLACE;
    assert_true(is_gone(&query, &first));
    query = question(HISTORY_LEDGER, 0, from_ns + 1, false);
    query.place = HISTORY_NO_PLACE;
    assert_false(is_gone(&query, &first));
    const uint64_t height =
        (uint64_t)number("SELECT min(b.height) FROM quorex.blocks b, quorex.cursor c"
                         " WHERE b.last_command >= c.dropped_command");
    query.start_ns = 0;
    query.id_min = height - 1;
    assert_true(is_gone(&query, &first));
    query.id_min = height;
    assert_false(is_gone(&query, &first));
    assert_int_equal(first, height);
    query = question(HISTORY_DEPOSIT_CHANGES, 0, 0, false);
    query.subject = 1;
    assert_true(is_gone(&query, &first));
    query.subject = 2; /* there is none: nothing is gone */
    assert_false(is_gone(&query, &first));
    query = question(HISTORY_ADDRESS_CHANGES, 0, 0, false);
    assert_true(is_gone(&query, &first));
    query.newest = true;
    assert_false(is_gone(&query, &first));
    PQfinish(reader);
}

/* ---- a database that was filled before a migration ---- */

#define UPGRADED_TO 13

static _Atomic uint32_t upgrade_stopping;

/* What a build that knew migrations before 13 has made of a new database. */
static void make_older(const char *name)
{
    char sql[128];
    cluster_start();
    snprintf(sql, sizeof(sql), "CREATE DATABASE %s", name);
    cluster_ask("postgres", sql);
    cluster_ask(name, "CREATE SCHEMA quorex; CREATE TABLE quorex.migrations"
                      " (number int PRIMARY KEY, name text NOT NULL, applied_at timestamptz)");
    for (uint32_t i = 0; schema_migrations[i].number < UPGRADED_TO; i++) {
        cluster_ask(name, schema_migrations[i].sql);
        snprintf(sql, sizeof(sql), "INSERT INTO quorex.migrations VALUES (%u, '', now())",
                 schema_migrations[i].number);
        cluster_ask(name, sql);
    }
}

static void upgrade(const char *name)
{
    uint64_t made_to = 0;
    struct database *database = database_new(cluster_conninfo(name), &upgrade_stopping);
    assert_int_equal(database_connect(database), STATUS_OK);
    assert_int_equal(migration_run(database, true), STATUS_OK);
    assert_int_equal(migration_partitions(database, 100000, 1, 1, &made_to), STATUS_OK);
    database_free(database);
}

static struct history_query amendments_of(uint64_t order_id, uint64_t from)
{
    struct history_query query = question(HISTORY_AMENDMENTS, from, 0, false);
    query.order_id = order_id;
    return query;
}

/* Whether an order was amended before its database had amendments is not known: that is said. One that came later, by a
 * milestone, has all of them. */
TEST(history_gone, amendments_before_the_upgrade_are_gone)
{
    uint64_t first;
    make_older("upgraded");
    cluster_ask("upgraded", "INSERT INTO quorex.blocks VALUES (9, 5000, '', '', 1, 500, 0);"
                            "UPDATE quorex.cursor SET height = 9, command = 500");
    upgrade("upgraded");
    reader = PQconnectdb(cluster_conninfo("upgraded"));
    struct history_query query = amendments_of(40, 0);
    assert_true(is_gone(&query, &first));
    query = amendments_of(40, 500);
    assert_true(is_gone(&query, &first));
    query = amendments_of(40, 501);
    assert_false(is_gone(&query, &first));
    cluster_ask("upgraded",
                "INSERT INTO quorex.orders (command, market, order_id, account, client_id, side,"
                " type, time_in_force, status, reason, price, qty, executed, quote_qty,"
                " quote_executed, created_ns, closed_ns, self_trade)"
                " SELECT 600 + i, 0, i, 1, '', 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 4900 + i, 7000, 0"
                " FROM generate_series(64, 128, 32) i;"
                "INSERT INTO quorex.order_amendments VALUES"
                " (700, 0, 0, 130, 1, 5100, 'a', 'b', 2, 1);"
                "UPDATE quorex.cursor SET command = 900");
    query = amendments_of(127, 0); /* 128 is the first milestone after the upgrade */
    assert_true(is_gone(&query, &first));
    query = amendments_of(130, 0);
    assert_false(is_gone(&query, &first));
    assert_int_equal(first, 700);
    PQfinish(reader);
}

/* A database that had amendments from its beginning lacks none. */
TEST(history_gone, a_new_databases_amendments_are_all_there)
{
    uint64_t first;
    cluster_start();
    cluster_ask("postgres", "CREATE DATABASE begun");
    upgrade("begun");
    cluster_ask("begun", "UPDATE quorex.cursor SET command = 900");
    reader = PQconnectdb(cluster_conninfo("begun"));
    const struct history_query query = amendments_of(1, 0);
    assert_false(is_gone(&query, &first));
    PQfinish(reader);
}

/* The first fill that is left may be a fired stop's, whose id is older than what was dropped: an order between the two
 * may have had fills and amendments that are gone. */
TEST(history_gone, a_fired_stop_makes_no_order_young)
{
    uint64_t first;
    cluster_start();
    cluster_ask("postgres", "CREATE DATABASE fired");
    upgrade("fired");
    cluster_ask(
        "fired",
        "UPDATE quorex.cursor SET command = 900, dropped_command = 500, dropped_ns = 5000;"
        "INSERT INTO quorex.fills (command, ordinal, market, trade_id, aggregate_id,"
        " time_ns, price, qty, maker_order, taker_order, maker_account, taker_account,"
        " maker_fee, taker_fee, taker_side) VALUES"
        " (600, 0, 0, 70, 70, 5001, 1, 1, 90, 10, 2, 1, 0, 0, 0);"
        "INSERT INTO quorex.orders (command, market, order_id, account, client_id, side,"
        " type, time_in_force, status, reason, price, qty, executed, quote_qty,"
        " quote_executed, created_ns, closed_ns, self_trade) SELECT 700 + i, 0, i, 1, '',"
        " 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 4950 + i, 7000, 0 FROM generate_series(32, 96, 32) i");
    assert_string_equal(cluster_ask("fired", "SELECT count(*) FROM quorex.orders"), "3");
    assert_string_equal(cluster_ask("fired", "SELECT count(*) FROM quorex.fills"), "1");
    reader = PQconnectdb(cluster_conninfo("fired"));
    static const enum history_kind kinds[] = {HISTORY_FILLS, HISTORY_AMENDMENTS};
    for (size_t i = 0; i < 2; i++) {
        struct history_query query = question(kinds[i], 0, 0, false);
        query.order_id = 20;
        assert_true(is_gone(&query, &first));
        query.order_id = 63; /* 64 is the first milestone behind what was dropped */
        assert_true(is_gone(&query, &first));
        query.order_id = 64;
        assert_false(is_gone(&query, &first));
    }
    PQfinish(reader);
}

/* The lists that the sides of an account's fill are of, as "maker taker". */
static const char *lists_of(uint32_t account, uint64_t trade_id)
{
    static char lists[64];
    struct query_parameters parameters;
    const char *values[QUERY_PARAMETERS_MAX];
    struct history_query query = question(HISTORY_FILLS, trade_id, 0, false);
    query.account = account;
    query.id_max = trade_id;
    query_parameters_of(&query, &parameters);
    for (int i = 0; i < parameters.count; i++)
        values[i] = parameters.texts[i];
    PGresult *result = PQexecParams(reader, query_sql(query_statement(&query)), parameters.count,
                                    NULL, values, NULL, NULL, 0);
    if (PQresultStatus(result) != PGRES_TUPLES_OK) fail_msg("%s", PQresultErrorMessage(result));
    assert_int_equal(PQntuples(result), 1);
    snprintf(lists, sizeof(lists), "%s %s", PQgetvalue(result, 0, 15), PQgetvalue(result, 0, 16));
    PQclear(result);
    return lists;
}

/* A fill from before fills said of which lists their orders are: the asker's own order says it, and the upgrade writes those
 * of open lists alone, for all else is too much to write while nobody can read. */
TEST(history_gone, lists_of_older_fills_are_their_orders)
{
    make_older("listed");
    for (int i = 0; i < 3; i++) {
        static const char *const tables[] = {"fills", "orders", "order_lists"};
        char sql[256];
        snprintf(sql, sizeof(sql),
                 "CREATE TABLE quorex.%s_p0 PARTITION OF quorex.%s FOR VALUES FROM (0) TO (100000)",
                 tables[i], tables[i]);
        cluster_ask("listed", sql);
    }
    cluster_ask("listed",
                "INSERT INTO quorex.order_lists VALUES (1, 0, 5, 1, '', 1, 10, 11, 0, 1, 400),"
                " (1, 0, 6, 1, '', 1, 20, 21, 0, 1, 0), (1, 0, 7, 2, '', 1, 40, 41, 0, 1, 400),"
                " (1, 0, 8, 2, '', 2, 60, 61, 62, 1, 0), (1, 1, 9, 1, '', 1, 30, 50, 0, 1, 0);"
                "INSERT INTO quorex.orders (command, market, order_id, account, client_id, side,"
                " type, time_in_force, status, reason, price, qty, executed, quote_qty,"
                " quote_executed, created_ns, closed_ns, self_trade, list_id) SELECT 400, 0, id,"
                " account, '', 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 1, 400, 0, list FROM (VALUES"
                " (10, 1, 5), (30, 1, 0), (40, 2, 7)) o (id, account, list);"
                "INSERT INTO quorex.fills (command, ordinal, market, trade_id, aggregate_id,"
                " time_ns, price, qty, maker_order, taker_order, maker_account, taker_account,"
                " maker_fee, taker_fee, taker_side) SELECT 300, 0, 0, id, id, 300, 1, 1, maker,"
                " taker, 1, 2, 0, 0, 0 FROM (VALUES (1, 10, 40), (2, 20, 50), (3, 30, 50),"
                " (5, 30, 61), (6, 21, 62), (7, 0, 60)) f (id, maker, taker);"
                "INSERT INTO quorex.blocks VALUES (9, 5000, '', '', 1, 500, 3);"
                "UPDATE quorex.cursor SET height = 9, command = 500");
    assert_string_equal(cluster_ask("listed", "SELECT count(*) FROM quorex.fills"), "6");
    upgrade("listed");
    /* Of either side, by any of a list's orders, and of no list of another market. */
    assert_string_equal(
        cluster_ask("listed", "SELECT string_agg(concat_ws(' ', trade_id, coalesce(maker_list, 0),"
                              " coalesce(taker_list, 0)), ', ' ORDER BY trade_id) FROM quorex.fills"
                              " WHERE maker_list IS NOT NULL OR taker_list IS NOT NULL"),
        "2 6 0, 5 0 8, 6 6 8, 7 0 8");
    cluster_ask("listed",
                "INSERT INTO quorex.fills SELECT 600, 0, 0, 4, 4, 600, 1, 1, 10, 40, 1, 2,"
                " 0, 0, 0, 0, NULL, 7; UPDATE quorex.cursor SET command = 900");
    reader = PQconnectdb(cluster_conninfo("listed"));
    assert_string_equal(lists_of(1, 1), "5 0");
    assert_string_equal(lists_of(2, 1), "0 7");
    assert_string_equal(lists_of(1, 2), "6 0");
    assert_string_equal(lists_of(1, 3), "0 0");
    assert_string_equal(lists_of(2, 5), "0 8");
    assert_string_equal(lists_of(1, 4), "0 7"); /* it says it itself */
    PQfinish(reader);
}
