/* How PostgreSQL answers history's questions: by an index, whatever is asked, and by few pages. Its own plans over
 * rows that the writer wrote, generic ones, as the gateway's connections have them; without statistics, as after a rebuild, and with those that
 * autovacuum makes, which are of partitions and never of the table that they are of. */

#define WORLD_ACCOUNTS 8

#include "gateway/query.h"
#include "gateway/query_read.h"

#include "tests/harness.h"
#include "tests/unit/settlement/cluster.h"
#include "tests/unit/settlement/world.h"

#include <inttypes.h>
#include <pthread.h>
#include <time.h>

#define FILLS                    24000
#define PARTITION                20000 /* commands */
#define BIG_ROWS                 2000  /* a table of more is not to be read from end to end */
#define PAGES_MAX                700 /* for 100 rows; without bounds by time it is more than a thousand */
#define PAGES_OF_LISTS           3000 /* of each three orders are looked up, in every partition */
#define PAGES_OF_OLDER           1500 /* of each fill an order is looked up, in every partition */
#define PAGES_OF_OWN             300  /* all of the account's are some 430 */
#define PAGES_OF_ONE             60   /* what is asked for by an order */
#define PAGES_OF_HUNDRED_CANDLES 60   /* those of another time are many more */
#define WAIT_MS                  120000

static struct world *world;
static PGconn *connection;
static uint64_t first_ns;
static bool has_explained[QUERY_STATEMENTS];

static void *run_writer(void *options)
{
    store_run(options);
    return NULL;
}

static void make_chain(void)
{
    world = world_new();
    for (uint32_t account = 5; account <= WORLD_ACCOUNTS; account++) {
        (void)world_account(world, account % 2 == 0);
        world_credit(world, account, BTC, 100000000000);
        world_credit(world, account, USDT, 10000000000000000);
    }
    first_ns = world->stamp_ns;
    for (uint64_t i = 0; world->trade_id < FILLS; i++) {
        const int64_t price = 3000000 + (int64_t)(i * 7919 % 101);
        world->stamp_ns += 50000000;
        world_sell(world, (uint32_t)(1 + i % WORLD_ACCOUNTS), price, 3);
        world_buy(world, (uint32_t)(1 + i * 31 % WORLD_ACCOUNTS), price + 5, 3);
        if (world->trade_id % 10 == 0) assert_int_equal(world_seal(world), STATUS_OK);
    }
    assert_int_equal(world_seal(world), STATUS_OK);
}

/* So many transfers that no plan may read all of them, of the same accounts; most have ended. */
static void fill_transfers(void)
{
    PGresult *done = PQexec(
        connection,
        "INSERT INTO quorex.deposits SELECT i, 1 + i % 8, 0, 'ETH', decode(repeat('00', 32), "
        "'hex'), i,"
        " 5, 5, i, 3, 2, i, i, i FROM generate_series(1, 24000) i;"
        "INSERT INTO quorex.withdrawals SELECT i, 1 + i % 8, 0, 'ETH', 'a', 'c' || i, 5,"
        " CASE WHEN i % 800 = 6 THEN 3 ELSE 5 END, 0, i, decode(repeat('00', 32), 'hex'), i, i, i"
        " FROM generate_series(1, 24000) i;"
        "INSERT INTO quorex.deposit_changes SELECT i, 0, i, i / 3, 1 + i / 3 % 8, 0, 2, 3, i, 5, 5"
        " FROM generate_series(3, 30000) i;"
        "INSERT INTO quorex.withdrawal_changes SELECT i, 0, i, i / 3, 1 + i / 3 % 8, 5, 0, i,"
        " decode(repeat('00', 32), 'hex') FROM generate_series(3, 30000) i;"
        "INSERT INTO quorex.address_changes SELECT i, 0, i, 1 + i % 8, 2, 'ETH', 'a' || i, i"
        " FROM generate_series(1, 30000) i");
    if (PQresultStatus(done) != PGRES_COMMAND_OK) fail_msg("%s", PQresultErrorMessage(done));
    PQclear(done);
    /* Lists of two orders each that are there: an account's own, all ended. */
    done = PQexec(
        connection,
        "INSERT INTO quorex.order_lists SELECT o.command, 0, o.order_id, o.account, 'l' || "
        "o.order_id,"
        " 1, o.order_id, o.order_id, 0, o.created_ns, o.closed_ns FROM quorex.orders o;"
        "INSERT INTO quorex.prevented_matches SELECT o.command, 0, 0, o.order_id, o.created_ns,"
        " o.account, 1, o.order_id, o.order_id, 1, 1, 0, 1 FROM quorex.orders o;"
        "INSERT INTO quorex.order_amendments SELECT o.command, 0, 0, o.order_id, o.account,"
        " o.created_ns, 'a', 'b', 2, 1 FROM quorex.orders o");
    if (PQresultStatus(done) != PGRES_COMMAND_OK) fail_msg("%s", PQresultErrorMessage(done));
    PQclear(done);
}

/* Ten hours of candles before the first trade: a range of a hundred is not to be had by reading them. */
static void fill_candles(void)
{
    char sql[512];
    snprintf(sql, sizeof(sql),
             "INSERT INTO quorex.candles SELECT 0, %d, %" PRIu64 " - i * 1000000000::bigint,"
             " 5, 9, 3, 7, 40, 280, 4, 20, 140 FROM generate_series(1, 36000) i",
             INTERVAL_1S, first_ns / 1000000000 * 1000000000);
    PGresult *done = PQexec(connection, sql);
    if (PQresultStatus(done) != PGRES_COMMAND_OK) fail_msg("%s", PQresultErrorMessage(done));
    PQclear(done);
}

/* The chain in a database, once for all tests. */
static void fill(void)
{
    static struct progress progress;
    static struct metrics metrics;
    static struct store_options options;
    const struct timespec step = {.tv_nsec = 1000000};
    struct park park;
    pthread_t thread;
    if (connection != NULL) return;
    make_chain();
    cluster_start();
    assert_true(park_open(&park));
    options = (struct store_options){.conninfo = strdup(cluster_conninfo("postgres")),
                                     .genesis = &world->genesis,
                                     .source = {.context = world, .read = world_read},
                                     .park = &park,
                                     .progress = &progress,
                                     .metrics = &metrics,
                                     .partition_commands = PARTITION};
    assert_int_equal(pthread_create(&thread, NULL, run_writer, &options), 0);
    for (int i = 0; i < WAIT_MS && atomic_load(&progress.projected_height) < world->height; i++)
        nanosleep(&step, NULL);
    assert_int_equal(atomic_load(&progress.projected_height), world->height);
    atomic_store(&progress.stopping, 1);
    park_wake(&park);
    pthread_join(thread, NULL);
    park_close(&park);
    connection = PQconnectdb(options.conninfo);
    assert_int_equal(PQstatus(connection), CONNECTION_OK);
    fill_transfers();
    fill_candles();
}

/* What autovacuum does: tables that have rows. */
static void make_statistics(void)
{
    PGresult *tables =
        PQexec(connection, "SELECT format('ANALYZE quorex.%I', relname) FROM pg_class"
                           " WHERE relnamespace = 'quorex'::regnamespace"
                           " AND relkind = 'r'");
    assert_true(PQntuples(tables) > 10);
    for (int row = 0; row < PQntuples(tables); row++)
        PQclear(PQexec(connection, PQgetvalue(tables, row, 0)));
    PQclear(tables);
}

static PGresult *run(const char *sql, ExecStatusType wanted)
{
    PGresult *result = PQexec(connection, sql);
    if (PQresultStatus(result) != wanted) fail_msg("%s: %s", sql, PQresultErrorMessage(result));
    return result;
}

/* How many rows a table has. */
static double rows_of(const char *table)
{
    char sql[256];
    snprintf(sql, sizeof(sql), "SELECT count(*) FROM quorex.%s", table);
    PGresult *result = run(sql, PGRES_TUPLES_OK);
    const double rows = strtod(PQgetvalue(result, 0, 0), NULL);
    PQclear(result);
    return rows;
}

/* A line of a plan that reads a whole table, unless it is a small one. */
static void check_line(const struct history_query *query, const char *line)
{
    char table[64] = {0};
    const char *at = strstr(line, "Seq Scan on ");
    if (at == NULL) return;
    at += strlen("Seq Scan on ");
    memcpy(table, at, strcspn(at, " ") < 63 ? strcspn(at, " ") : 63);
    if (rows_of(table) > BIG_ROWS) fail_msg("question %d reads all of %s", (int)query->kind, table);
}

/* Pages that the statement touched, from the first line that says so: it is the whole's. */
static long pages_of(const char *line)
{
    const char *hit = strstr(line, "shared hit="), *read = strstr(line, "read=");
    if (strstr(line, "Buffers:") == NULL) return -1;
    return (hit != NULL ? strtol(hit + 11, NULL, 10) : 0) +
           (read != NULL ? strtol(read + 5, NULL, 10) : 0);
}

static void check_pages(const struct history_query *query, const char *plan_mode, long pages_max)
{
    struct query_parameters parameters;
    char sql[16384];
    const uint32_t statement = query_statement(query);
    has_explained[statement] = true;
    query_parameters_of(query, &parameters);
    snprintf(sql, sizeof(sql), "SET plan_cache_mode = %s; DEALLOCATE ALL; PREPARE q AS %s",
             plan_mode, query_sql(statement));
    PQclear(run(sql, PGRES_COMMAND_OK));
    int used = snprintf(sql, sizeof(sql), "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF) EXECUTE q(");
    for (int i = 0; i < parameters.count; i++)
        used += snprintf(sql + used, sizeof(sql) - (size_t)used, "%s'%s'", i > 0 ? ", " : "",
                         parameters.texts[i]);
    snprintf(sql + used, sizeof(sql) - (size_t)used, ")");
    PGresult *plan = run(sql, PGRES_TUPLES_OK);
    long pages = -1;
    for (int row = 0; row < PQntuples(plan); row++) {
        const char *line = PQgetvalue(plan, row, 0);
        check_line(query, line);
        if (pages < 0) pages = pages_of(line);
    }
    if (pages < 0 || pages > pages_max) {
        for (int row = 0; row < PQntuples(plan); row++)
            fprintf(stderr, "%s\n", PQgetvalue(plan, row, 0));
        fail_msg("question %d touches %ld pages", (int)query->kind, pages);
    }
    PQclear(plan);
}

static void check(const struct history_query *query, const char *plan_mode)
{
    const bool is_one = query->order_id != 0 || query->kind == HISTORY_CLIENT;
    const bool is_lists = query->kind == HISTORY_LISTS;
    const bool is_candles = query->kind == HISTORY_CANDLES || query->kind == HISTORY_ZONE_CANDLES;
    check_pages(query, plan_mode,
                is_one       ? PAGES_OF_ONE
                : is_lists   ? PAGES_OF_LISTS
                : is_candles ? PAGES_OF_HUNDRED_CANDLES
                             : PAGES_MAX);
}

/* The id of the only row there is. */
static uint64_t only_row(const struct history_query *query)
{
    struct query_parameters parameters;
    const char *values[QUERY_PARAMETERS_MAX];
    query_parameters_of(query, &parameters);
    for (int i = 0; i < parameters.count; i++)
        values[i] = parameters.texts[i];
    PGresult *result = PQexecParams(connection, query_sql(query_statement(query)), parameters.count,
                                    NULL, values, NULL, NULL, 0);
    if (PQresultStatus(result) != PGRES_TUPLES_OK) fail_msg("%s", PQresultErrorMessage(result));
    assert_int_equal(PQntuples(result), 1);
    const uint64_t id = strtoull(PQgetvalue(result, 0, 2), NULL, 10);
    PQclear(result);
    return id;
}

/* A whole page, whose ids rise. */
static void check_rising(const struct history_query *query)
{
    struct query_parameters parameters;
    const char *values[QUERY_PARAMETERS_MAX];
    query_parameters_of(query, &parameters);
    for (int i = 0; i < parameters.count; i++)
        values[i] = parameters.texts[i];
    PGresult *result = PQexecParams(connection, query_sql(query_statement(query)), parameters.count,
                                    NULL, values, NULL, NULL, 0);
    assert_int_equal(PQntuples(result), query->limit);
    for (int row = 1; row < PQntuples(result); row++)
        assert_true(strtoull(PQgetvalue(result, row - 1, 2), NULL, 10) <
                    strtoull(PQgetvalue(result, row, 2), NULL, 10));
    PQclear(result);
}

/* What a few rows of many have: thirty of 24,000 are denied, all of one account. */
static void check_rare(const struct history_query *query)
{
    check_pages(query, "force_generic_plan", PAGES_OF_ONE);
}

/* What is asked for by its name: one, found by few pages. */
static void check_few(const struct history_query *query, uint64_t id)
{
    assert_int_equal(only_row(query), id);
    check_rare(query);
}

static struct history_query question(enum history_kind kind, bool newest)
{
    return (struct history_query){.kind = kind,
                                  .newest = newest,
                                  .account = 7,
                                  .limit = 100,
                                  .interval = INTERVAL_1S,
                                  .id_max = INT64_MAX,
                                  .end_ns = INT64_MAX};
}

static void check_both(const struct history_query *query)
{
    check(query, "force_generic_plan"); /* the gateway has no other (history_pg.c) */
}

/* From an id, from a time, within an hour in the middle, up to a time, and without any bound, from either end. */
static void check_ranges(enum history_kind kind)
{
    const uint64_t middle_ns = first_ns + (world->stamp_ns - first_ns) / 2;
    fill();
    for (int newest = 0; newest < 2; newest++) {
        struct history_query query = question(kind, newest);
        check_both(&query);
        query.id_min = FILLS / 2;
        check_both(&query);
        query = question(kind, newest);
        query.start_ns = middle_ns;
        check_both(&query);
        query.end_ns = middle_ns + 60000000000u;
        check_both(&query);
        query.start_ns = 0;
        check_both(&query);
        query.start_ns = INT64_MAX - 1; /* nothing is as late */
        query.end_ns = INT64_MAX;
        check_both(&query);
    }
}

/* Accounts 1 and 5 trade with themselves alone: each fill is found on both sides, and told once. */
static void check_own_fills(void)
{
    for (int newest = 0; newest < 2; newest++)
        for (uint32_t account = 1; account <= 7; account += 2) {
            struct history_query query = question(HISTORY_FILLS, newest);
            query.account = account;
            check_pages(&query, "force_generic_plan", PAGES_OF_OWN);
            check_rising(&query);
        }
}

/* By height, by time, behind an entry and before one. */
static void check_ledger(void)
{
    const uint64_t middle_ns = first_ns + (world->stamp_ns - first_ns) / 2;
    for (int newest = 0; newest < 2; newest++) {
        struct history_query query = question(HISTORY_LEDGER, newest);
        query.place = HISTORY_NO_PLACE;
        check_both(&query);
        query.id_min = query.id_max = world->height / 2;
        query.id_min -= newest ? 20 : 0;
        query.id_max += newest ? 0 : 20;
        check_both(&query);
        query.place = query_place(1, 3);
        check_both(&query);
        query = question(HISTORY_LEDGER, newest);
        query.place = HISTORY_NO_PLACE;
        query.start_ns = middle_ns;
        check_both(&query);
        query.end_ns = middle_ns + 60000000000u;
        check_both(&query);
        query.start_ns = 0;
        check_both(&query);
    }
}

/* An account's and all accounts', of any state and of a rare one; what became of one. */
static void check_transfers(void)
{
    static const enum history_kind kinds[] = {HISTORY_DEPOSITS, HISTORY_WITHDRAWALS,
                                              HISTORY_DEPOSIT_CHANGES, HISTORY_WITHDRAWAL_CHANGES,
                                              HISTORY_ADDRESS_CHANGES};
    static const uint8_t states[] = {HISTORY_ANY_STATE, WITHDRAWAL_DENIED, WITHDRAWAL_HELD};
    for (size_t i = 0; i < 5; i++)
        for (int newest = 0; newest < 2; newest++)
            for (size_t state = 0; state < 3; state++) {
                struct history_query query = question(kinds[i], newest);
                query.state = states[state];
                query.subject = 700;
                const bool is_rare = kinds[i] == HISTORY_WITHDRAWALS && state > 0;
                void (*const checked)(const struct history_query *) =
                    is_rare ? check_rare : check_both;
                checked(&query);
                query.id_min = 12000;
                checked(&query);
                query.account = 0;
                checked(&query);
            }
}

/* By time, by one's id and by a client's; prevented matches by id and by order. */
static void check_lists(void)
{
    const uint64_t middle_ns = first_ns + (world->stamp_ns - first_ns) / 2;
    for (int newest = 0; newest < 2; newest++)
        for (int any = 0; any < 2; any++) {
            struct history_query query = question(HISTORY_LISTS, newest);
            query.any_market = any != 0;
            check_both(&query);
            query.start_ns = middle_ns;
            check_both(&query);
            query.end_ns = middle_ns + 60000000000u;
            check_both(&query);
            query = question(HISTORY_LISTS, newest);
            query.any_market = any != 0;
            query.id_min = query.id_max = 2 * 6 + 1;
            check_few(&query, 2 * 6 + 1);
            query.id_min = 0;
            query.id_max = INT64_MAX;
            snprintf(query.client_id, sizeof(query.client_id), "l%d", 2 * 6 + 1);
            check_few(&query, 2 * 6 + 1);
            query = question(HISTORY_PREVENTED, newest);
            check_both(&query);
            query.id_min = FILLS / 2;
            check_both(&query);
            query.id_min = 0;
            query.order_id = 2 * 6 + 1;
            check_few(&query, 2 * 6 + 1);
        }
}

static void check_amendments(void)
{
    for (int newest = 0; newest < 2; newest++) {
        struct history_query query = question(HISTORY_AMENDMENTS, newest);
        query.order_id = 2 * 6 + 1;
        query.id_min = only_row(&query); /* its execution */
        check_few(&query, query.id_min);
        query.id_min++;
        check_rare(&query);
    }
}

static void check_zone(void)
{
    for (int newest = 0; newest < 2; newest++) {
        struct history_query query = question(HISTORY_ZONE_CANDLES, newest);
        query.interval = INTERVAL_1H;
        query.parts = INTERVAL_1S;
        query.zone_ns = 300000000000;
        query.from_ns = first_ns + 100000000000;
        query.span_ns = 100000000000;
        query.cut_ns = world->stamp_ns;
        check_both(&query);
    }
}

/* What belongs to an order, by its id; an order by its client's name, known and unknown. */
static void check_one(void)
{
    for (int newest = 0; newest < 2; newest++) {
        struct history_query query = question(HISTORY_FILLS, newest);
        query.order_id = FILLS; /* of somebody, in the middle */
        check_both(&query);
        query = question(HISTORY_CLIENT, newest);
        snprintf(query.client_id, sizeof(query.client_id), "c%d", 2 * 6 + 1);
        check_both(&query);
        snprintf(query.client_id, sizeof(query.client_id), "nobody");
        check_both(&query);
    }
}

/* Fills from before they said of which lists their orders are: each order is found by its key. */
static void check_older_fills(void)
{
    PQclear(run("UPDATE quorex.cursor SET amendments_command = command", PGRES_COMMAND_OK));
    for (int newest = 0; newest < 2; newest++) {
        const struct history_query query = question(HISTORY_FILLS, newest);
        check_pages(&query, "force_generic_plan", PAGES_OF_OLDER);
        check_pages(&query, "force_custom_plan", PAGES_OF_OLDER);
    }
    PQclear(run("UPDATE quorex.cursor SET amendments_command = 0", PGRES_COMMAND_OK));
}

/* Every statement there is, or it says which was left out. */
static void check_all(void)
{
    fill();
    memset(has_explained, 0, sizeof(has_explained));
    check_lists();
    check_amendments();
    check_ledger();
    check_transfers();
    check_ranges(HISTORY_FILLS);
    check_own_fills();
    check_older_fills();
    check_ranges(HISTORY_TRADES);
    check_ranges(HISTORY_AGGREGATES);
    check_ranges(HISTORY_ORDERS);
    check_ranges(HISTORY_CANDLES);
    check_zone();
    check_one();
    for (uint32_t statement = 0; statement < QUERY_STATEMENTS; statement++)
        if (!has_explained[statement]) fail_msg("statement %u was not explained", statement);
}

TEST(history_plans, go_by_an_index_without_statistics)
{
    check_all();
}

TEST(history_plans, go_by_an_index_with_statistics)
{
    fill();
    make_statistics();
    check_all();
}

/* Orders above the cursor are not read, neither by id nor by name: memory has them, and they would come twice. */
TEST(history_plans, orders_ahead_of_the_cursor_are_left_out)
{
    fill();
    struct history_query query = question(HISTORY_ORDERS, true);
    PGresult *whole = run("SELECT command FROM quorex.cursor", PGRES_TUPLES_OK);
    PGresult *middle = run("SELECT max(command), count(*) FROM (SELECT command FROM quorex.orders"
                           " WHERE account = 7 ORDER BY order_id DESC OFFSET 50 LIMIT 50) o",
                           PGRES_TUPLES_OK);
    const uint64_t command = strtoull(PQgetvalue(middle, 0, 0), NULL, 10);
    PQclear(middle);
    char sql[128];
    snprintf(sql, sizeof(sql), "UPDATE quorex.cursor SET command = %llu",
             (unsigned long long)command);
    PQclear(run(sql, PGRES_COMMAND_OK));
    PGresult *last = run("SELECT client_id FROM quorex.orders WHERE account = 7"
                         " ORDER BY order_id DESC LIMIT 1",
                         PGRES_TUPLES_OK);
    struct query_parameters parameters;
    const char *values[QUERY_PARAMETERS_MAX];
    query_parameters_of(&query, &parameters);
    for (int i = 0; i < parameters.count; i++)
        values[i] = parameters.texts[i];
    PGresult *result = PQexecParams(connection, query_sql(query_statement(&query)),
                                    parameters.count, NULL, values, NULL, NULL, 0);
    /* Memory has the rest of the page, whatever that is. */
    assert_true(PQntuples(result) >= 50 && PQntuples(result) < 100);
    for (int row = 0; row < PQntuples(result); row++)
        assert_true(strtoull(PQgetvalue(result, row, 3), NULL, 10) <= command);
    PQclear(result);

    query = question(HISTORY_CLIENT, true);
    snprintf(query.client_id, sizeof(query.client_id), "%s", PQgetvalue(last, 0, 0));
    query_parameters_of(&query, &parameters);
    for (int i = 0; i < parameters.count; i++)
        values[i] = parameters.texts[i];
    result = PQexecParams(connection, query_sql(query_statement(&query)), parameters.count, NULL,
                          values, NULL, NULL, 0);
    assert_int_equal(PQntuples(result), 1);
    assert_true(PQgetisnull(result, 0, 2));
    PQclear(result);
    PQclear(last);
    snprintf(sql, sizeof(sql), "UPDATE quorex.cursor SET command = %s", PQgetvalue(whole, 0, 0));
    PQclear(run(sql, PGRES_COMMAND_OK));
    PQclear(whole);
}

/* Runs of ids: as many as are asked for, from the end that is asked from, and within the bounds. */
static void check_run(const struct history_query *query, uint64_t first, uint64_t last)
{
    struct query_parameters parameters;
    const char *values[QUERY_PARAMETERS_MAX];
    query_parameters_of(query, &parameters);
    for (int i = 0; i < parameters.count; i++)
        values[i] = parameters.texts[i];
    PGresult *result = PQexecParams(connection, query_sql(query_statement(query)), parameters.count,
                                    NULL, values, NULL, NULL, 0);
    assert_int_equal(PQresultStatus(result), PGRES_TUPLES_OK);
    if (first == 0) {
        assert_true(PQgetisnull(result, 0, 2));
    } else {
        assert_int_equal(PQntuples(result), last - first + 1);
        for (uint64_t id = first; id <= last; id++)
            assert_int_equal(strtoull(PQgetvalue(result, (int)(id - first), 2), NULL, 10), id);
    }
    PQclear(result);
}

TEST(history_plans, runs_of_ids_are_whole)
{
    static const enum history_kind kinds[] = {HISTORY_TRADES, HISTORY_AGGREGATES};
    fill();
    for (size_t i = 0; i < 2; i++) {
        struct history_query query = question(kinds[i], false);
        check_run(&query, 1, 100);
        query.id_min = 501;
        check_run(&query, 501, 600);
        query.id_max = 550;
        check_run(&query, 501, 550);
        query.newest = true;
        query.id_max = 800;
        check_run(&query, 701, 800);
        query = question(kinds[i], true);
        check_run(&query, FILLS - 99, FILLS);
        query.newest = false;
        query.id_min = FILLS - 9;
        check_run(&query, FILLS - 9, FILLS);
        query.id_min = FILLS + 1;
        check_run(&query, 0, 0);
        query.id_min = INT64_MAX;
        check_run(&query, 0, 0);
        /* Fill n is at n times 50 ms. */
        query = question(kinds[i], false);
        query.start_ns = first_ns + UINT64_C(1000) * 50000000;
        check_run(&query, 1000, 1099);
        query.end_ns = query.start_ns + UINT64_C(9) * 50000000 + 1;
        check_run(&query, 1000, 1009);
        query.newest = true;
        query.limit = 4;
        check_run(&query, 1006, 1009);
        query.start_ns = query.end_ns = first_ns + 1;
        check_run(&query, 0, 0);
    }
}
