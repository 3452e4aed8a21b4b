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
