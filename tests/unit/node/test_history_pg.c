/* The gateway's connections to a real PostgreSQL: how they ask, and what they have ready before anybody asks. */

#include "gateway/query.h"
#include "settlement/database.h"
#include "settlement/migration.h"

#include "tests/harness.h"
#include "tests/unit/settlement/cluster.h"

#include <uv.h>

#define WAIT_NS 30000000000ull

static uv_loop_t loop;
static struct history *history;
static struct history_rows answer;
static bool is_answered;

static void run_sql(const char *sql)
{
    PGconn *connection = PQconnectdb(cluster_conninfo("postgres"));
    PGresult *result = PQexec(connection, sql);
    if (PQresultStatus(result) != PGRES_COMMAND_OK) fail_msg("%s", PQresultErrorMessage(result));
    PQclear(result);
    PQfinish(connection);
}

static void make_schema(void)
{
    static _Atomic uint32_t stopping;
    char conninfo[256];
    snprintf(conninfo, sizeof(conninfo), "%s", cluster_conninfo("postgres"));
    struct database *database = database_new(conninfo, &stopping);
    assert_non_null(database);
    assert_int_equal(database_connect(database), STATUS_OK);
    assert_int_equal(migration_run(database, true), STATUS_OK);
    database_free(database);
}

static void begin(bool has_schema)
{
    cluster_start();
    run_sql("DROP SCHEMA IF EXISTS quorex CASCADE");
    if (has_schema) make_schema();
    assert_int_equal(uv_loop_init(&loop), 0);
    history = history_new(&loop, cluster_conninfo("postgres"));
    assert_non_null(history);
}

/* Waits for the server's ends of our connections too: one that still reads the tables' descriptions would stand in the way
 * of the next test's DROP SCHEMA, each with locks that the other wants. */
static void end(void)
{
    static const char *const left = "SELECT count(*) FROM pg_stat_activity"
                                    " WHERE application_name = 'quorex gateway'";
    const uint64_t begin_ns = uv_hrtime();
    history_free(history);
    while (strtol(cluster_ask("postgres", left), NULL, 10) > 0)
        assert_true(uv_hrtime() - begin_ns < WAIT_NS);
    while (uv_run(&loop, UV_RUN_NOWAIT) != 0) {
    }
    assert_int_equal(uv_loop_close(&loop), 0);
}

/* Runs the loop until so many of the gateway's connections are idle and have last been sent this statement. */
static void run_until_sent(int count, uint32_t statement)
{
    char sql[16384];
    const uint64_t begin_ns = uv_hrtime();
    snprintf(sql, sizeof(sql),
             "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'quorex gateway'"
             " AND state = 'idle' AND query = left($_$%s$_$, 1023)",
             query_sql(statement));
    while (strtol(cluster_ask("postgres", sql), NULL, 10) != count) {
        uv_run(&loop, UV_RUN_ONCE);
        assert_true(uv_hrtime() - begin_ns < WAIT_NS);
    }
}

static void on_answer(void *context, const struct history_rows *rows)
{
    (void)context;
    answer = *rows;
    is_answered = true;
}

static enum status ask(enum history_kind kind)
{
    const uint64_t begin_ns = uv_hrtime();
    const struct history_query query = {.kind = kind, .account = 1, .limit = 1, .newest = true};
    is_answered = false;
    assert_non_null(history_ask(history, &query, on_answer, NULL));
    while (!is_answered) {
        uv_run(&loop, UV_RUN_ONCE);
        assert_true(uv_hrtime() - begin_ns < WAIT_NS);
    }
    return answer.status;
}

/* From a question's own values the planner would guess, and now and then read all of an account. A cursor that says by which
 * plans it is read tells which they are. */
TEST(history_pg, questions_go_by_generic_plans)
{
    begin(true);
    run_sql("ALTER TABLE quorex.cursor RENAME TO true_cursor;"
            "CREATE VIEW quorex.cursor AS SELECT id, height, dropped_command, dropped_ns,"
            " amendments_command, amendments_ns,"
            " CASE current_setting('plan_cache_mode') WHEN 'force_generic_plan' THEN 7::bigint"
            " ELSE 3::bigint END AS command FROM quorex.true_cursor");
    assert_int_equal(ask(HISTORY_FILLS), STATUS_OK);
    assert_int_equal(answer.cursor, 7);
    end();
}

/* Nobody has asked anything: every connection knows the last of the statements, and with it all before. */
TEST(history_pg, statements_are_known_before_they_are_asked)
{
    begin(true);
    run_until_sent(HISTORY_CONNECTIONS, QUERY_STATEMENTS - 1);
    for (int kind = 0; kind < HISTORY_ORDER_FILLS; kind++)
        assert_int_equal(ask((enum history_kind)kind), STATUS_OK);
    end();
}

/* Who leaves takes his questions along, from wherever they stand in the queue, and there is room for others'. */
TEST(history_pg, who_leaves_gives_his_places_back)
{
    static struct history_request *asked[HISTORY_QUEUE_MAX];
    const struct history_query query = {.kind = HISTORY_FILLS, .account = 1, .limit = 1};
    begin(true);
    for (uint32_t index = 0; index < HISTORY_QUEUE_MAX; index++) {
        asked[index] = history_ask(history, &query, on_answer, NULL); /* nothing is connected yet */
        assert_non_null(asked[index]);
    }
    assert_null(history_ask(history, &query, on_answer, NULL));
    history_forget(asked[HISTORY_QUEUE_MAX - 1]);
    for (uint32_t index = 0; index + 1 < HISTORY_QUEUE_MAX; index += 2)
        history_forget(asked[index]);
    for (uint32_t index = 1; index + 1 < HISTORY_QUEUE_MAX; index += 2)
        history_forget(asked[index]);
    assert_int_equal(ask(HISTORY_FILLS), STATUS_OK);
    for (uint32_t index = 0; index < HISTORY_QUEUE_MAX; index++)
        assert_non_null(history_ask(history, &query, on_answer, NULL));
    end();
}

/* A database that the writer has not filled yet: what is refused ahead of questions costs no connection, and once the
 * schema is there the same connections answer. */
TEST(history_pg, a_schema_may_come_later)
{
    static const char *const oldest = "SELECT count(*) FROM pg_stat_activity"
                                      " WHERE application_name = 'quorex gateway'"
                                      " AND backend_start < (SELECT at FROM public.made)";
    begin(false);
    run_until_sent(HISTORY_CONNECTIONS, 0);
    assert_true(history_is_up(history));
    make_schema();
    run_sql("CREATE TABLE public.made AS SELECT clock_timestamp() AS at");
    assert_int_equal(ask(HISTORY_FILLS), STATUS_OK);
    assert_int_equal(strtol(cluster_ask("postgres", oldest), NULL, 10), HISTORY_CONNECTIONS);
    run_until_sent(1, QUERY_STATEMENTS -
                          1); /* what was asked showed that the rest can be made known */
    end();
}
