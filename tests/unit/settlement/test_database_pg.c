#include "settlement/database.h"

#include "tests/harness.h"
#include "tests/unit/settlement/cluster.h"

static _Atomic uint32_t stopping;

/* Statements, results, refusals and COPY over one connection. */
TEST(database_pg, runs_copies_and_refuses)
{
    cluster_start();
    struct database *database = database_new(cluster_conninfo("postgres"), &stopping);
    assert_int_equal(database_connect(database), STATUS_OK);
    assert_int_equal(database_run(database, "SELECT %d, NULL, 'x'", 41 + 1), STATUS_OK);
    assert_int_equal(database_rows(database), 1);
    assert_int_equal(database_number(database, 0, 0), 42);
    assert_true(database_is_null(database, 0, 1));
    assert_string_equal(database_text(database, 0, 2), "x");

    assert_int_equal(database_run(database, "SELECT 1; SELEKT; SELECT 2"), STATUS_DB_REFUSED);
    assert_int_equal(database_run(database, "CREATE TEMP TABLE t (v text)"), STATUS_OK);
    const char *lines = "one\ntwo\nthree\n";
    assert_int_equal(database_copy(database, "COPY t FROM STDIN", (const uint8_t *)lines, 14),
                     STATUS_OK);
    assert_int_equal(database_affected(database), 3);
    assert_int_equal(
        database_copy(database, "COPY t FROM STDIN BINARY", (const uint8_t *)lines, 14),
        STATUS_DB_REFUSED);
    assert_int_equal(database_copy(database, "SELECT 1", (const uint8_t *)lines, 14),
                     STATUS_DB_REFUSED);
    assert_int_equal(database_run(database, "UPDATE t SET v = v WHERE v <> 'one'"), STATUS_OK);
    assert_int_equal(database_affected(database), 2);
    database_free(database);
}

/* A megabyte copied, so that the socket fills; then the backend is killed under the connection. */
TEST(database_pg, large_copy_passes_and_lost_backend_is_noticed)
{
    cluster_start();
    struct database *database = database_new(cluster_conninfo("postgres"), &stopping);
    assert_int_equal(database_connect(database), STATUS_OK);
    assert_int_equal(database_run(database, "CREATE TEMP TABLE t (v text)"), STATUS_OK);
    uint8_t *bytes = malloc(4 << 20);
    memset(bytes, 'x', 4 << 20);
    for (size_t i = 99; i < 4 << 20; i += 100)
        bytes[i] = '\n';
    assert_int_equal(database_copy(database, "COPY t FROM STDIN", bytes, (4 << 20) - 4), STATUS_OK);
    assert_int_equal(database_affected(database), (4 << 20) / 100);
    free(bytes);

    cluster_ask("template1", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                             " WHERE datname = 'postgres'");
    assert_int_equal(database_run(database, "SELECT 1"), STATUS_DB_UNAVAILABLE);
    assert_int_equal(database_connect(database), STATUS_OK);
    assert_int_equal(database_run(database, "SELECT 1"), STATUS_OK);
    database_free(database);
}

/* A database that is not there is made for the next attempt; a server that is not there is a status. */
TEST(database_pg, missing_database_is_created_and_missing_server_is_a_status)
{
    char conninfo[256];
    cluster_start();
    snprintf(conninfo, sizeof(conninfo), "host=%s user=quorex dbname='not yet'", cluster_directory);
    struct database *database = database_new(conninfo, &stopping);
    assert_int_equal(database_connect(database), STATUS_DB_UNAVAILABLE);
    assert_int_equal(database_connect(database), STATUS_OK);
    database_free(database);

    database = database_new("host=/nowhere user=quorex dbname=x", &stopping);
    assert_int_equal(database_connect(database), STATUS_DB_UNAVAILABLE);
    assert_int_equal(database_run(database, "SELECT 1"), STATUS_DB_UNAVAILABLE);
    database_free(database);
}

/* A node that stops does not wait for a statement that takes for ever. */
TEST(database_pg, stopping_ends_a_long_statement)
{
    cluster_start();
    struct database *database = database_new(cluster_conninfo("postgres"), &stopping);
    assert_int_equal(database_connect(database), STATUS_OK);
    atomic_store(&stopping, 1);
    assert_int_equal(database_run(database, "SELECT pg_sleep(600)"), STATUS_STOPPING);
    atomic_store(&stopping, 0);
    database_free(database);
}

/* What a watch was told, and a lock that it lets go of once it has heard enough. */
struct heard {
    int waits, silences, answers, leavings;
    uint64_t silent_ms, answered_ms;
    int enough; /* of waits after silence */
    PGconn *holder;
};

static void hear(void *context, enum database_wait what, uint64_t silent_ms)
{
    struct heard *heard = context;
    heard->waits += what == DATABASE_WAITS;
    heard->silences += what == DATABASE_SILENT;
    heard->answers += what == DATABASE_ANSWERED;
    heard->leavings += what == DATABASE_LEFT;
    if (what == DATABASE_SILENT) heard->silent_ms = silent_ms;
    if (what == DATABASE_ANSWERED) heard->answered_ms = silent_ms;
    if (heard->silences == 0 || what != DATABASE_WAITS || --heard->enough > 0) return;
    if (heard->holder != NULL)
        PQclear(PQexec(heard->holder, "COMMIT"));
    else
        atomic_store(&stopping, 1);
}

/* A server that says nothing is told of at every step, as silent once, and as no longer silent when it answers; a statement
 * that is answered in time is nothing to tell. */
TEST(database_pg, who_watches_hears_of_silence_and_its_end)
{
    cluster_start();
    struct heard heard = {.enough = 3};
    struct database *database = database_new(cluster_conninfo("postgres"), &stopping);
    database_watched(database, (struct database_watch){&heard, 250, hear});
    assert_int_equal(database_connect(database), STATUS_OK);
    assert_int_equal(database_run(database, "CREATE TABLE locked (v int); SELECT pg_sleep(0.15)"),
                     STATUS_OK);
    assert_int_equal(heard.silences + heard.answers, 0);
    heard.waits = 0;

    heard.holder = PQconnectdb(cluster_conninfo("postgres"));
    PQclear(PQexec(heard.holder, "BEGIN; LOCK TABLE locked"));
    assert_int_equal(database_run(database, "INSERT INTO locked VALUES (1)"), STATUS_OK);
    assert_true(heard.waits >= 5);
    assert_int_equal(heard.silences, 1);
    assert_int_equal(heard.answers, 1);
    assert_true(heard.silent_ms >= 250 && heard.answered_ms > heard.silent_ms);
    database_free(database);
    assert_int_equal(heard.leavings, 0);
    PQfinish(heard.holder);
}

/* A connection that is given up while its server is silent had no answer. */
TEST(database_pg, who_leaves_a_silent_server_says_so)
{
    cluster_start();
    struct heard heard = {.enough = 1};
    struct database *database = database_new(cluster_conninfo("postgres"), &stopping);
    database_watched(database, (struct database_watch){&heard, 250, hear});
    assert_int_equal(database_connect(database), STATUS_OK);
    assert_int_equal(database_run(database, "SELECT pg_sleep(600)"), STATUS_STOPPING);
    atomic_store(&stopping, 0);
    database_free(database);
    assert_int_equal(heard.silences, 1);
    assert_int_equal(heard.answers, 0);
    assert_int_equal(heard.leavings, 1);
}

/* What takes longer than it may is given up by the server, and that is no failure; what the server refuses is one. The next
 * statement takes as long as it likes. */
TEST(database_pg, a_statement_with_a_limit_is_given_up_in_time)
{
    bool is_late = false;
    cluster_start();
    struct database *database = database_new(cluster_conninfo("postgres"), &stopping);
    assert_int_equal(database_connect(database), STATUS_OK);
    assert_int_equal(database_run_within(database, 100, "SELECT pg_sleep(600)", &is_late),
                     STATUS_OK);
    assert_true(is_late);
    assert_int_equal(database_run(database, "SELECT pg_sleep(0.3)"), STATUS_OK);
    assert_int_equal(database_run_within(database, 10000, "VACUUM pg_class", &is_late), STATUS_OK);
    assert_false(is_late);
    is_late = true;
    assert_int_equal(database_run_within(database, 10000, "SELEKT", &is_late), STATUS_DB_REFUSED);
    assert_false(is_late);
    database_free(database);
}
