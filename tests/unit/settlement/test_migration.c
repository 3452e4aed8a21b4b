#include "settlement/migration.h"

#include "settlement/schema.h"
#include "tests/unit/settlement/batches.h"

/* Every migration once, whoever comes first; the second who comes finds nothing to do. */
TEST(migration, every_number_is_applied_once)
{
    struct database *database = batches_open("migrated", 1000);
    assert_int_equal(migration_run(database, true), STATUS_OK);
    assert_int_equal(batches_number("migrated", "SELECT count(*) FROM quorex.migrations"),
                     schema_migration_count);
    database_free(database);
}

/* What a newer build has made of the database stays as it is, and nothing is left locked. */
TEST(migration, a_newer_builds_database_is_left_alone)
{
    struct database *database = batches_open("newer", 1000);
    cluster_ask("newer", "DELETE FROM quorex.migrations WHERE name = '007_entry_sums';"
                         "INSERT INTO quorex.migrations VALUES (64, '064_newer', now())");
    assert_int_equal(migration_run(database, true), STATUS_MISMATCH);
    assert_int_equal(migration_run(database, false), STATUS_MISMATCH);
    assert_int_equal(batches_number("newer", "SELECT count(*) FROM quorex.migrations"),
                     schema_migration_count);
    assert_int_equal(batches_number("newer", "SELECT count(*) FROM pg_locks WHERE locktype ="
                                             " 'advisory'"),
                     0);
    database_free(database);
}

/* What builds before migration 9 ask first is refused: they would write orders twice. */
TEST(migration, builds_that_know_nothing_of_ahead_are_refused)
{
    struct database *database = batches_open("outgrown", 1000);
    const char *theirs = "SELECT coalesce(sum(1::bigint << number), 0)::bigint"
                         " FROM quorex.migrations";
    assert_int_equal(database_run_text(database, theirs), STATUS_DB_REFUSED);
    database_free(database);
}

/* A database is the first chain's that claims it. */
TEST(migration, a_database_has_one_chain)
{
    struct database *database = batches_open("claimed", 1000);
    hash_t ours = {{1}}, theirs = {{2}};
    assert_int_equal(migration_claim(database, &ours, true), STATUS_OK);
    assert_int_equal(migration_claim(database, &ours, true), STATUS_OK);
    assert_int_equal(migration_claim(database, &theirs, false), STATUS_MISMATCH);
    database_free(database);
}

/* Partitions are there for every command up to the last, and one ahead; those that are there already stay. */
TEST(migration, partitions_are_one_ahead)
{
    struct database *database = batches_open("parted", 100); /* commands 0 to 199 */
    uint64_t made_to = 0;
    const char *count =
        "SELECT count(*) FROM pg_inherits WHERE inhparent = 'quorex.fills'::regclass";
    assert_int_equal(batches_number("parted", count), 2);
    assert_int_equal(migration_partitions(database, 100, 150, 320, &made_to), STATUS_OK);
    assert_int_equal(made_to, 500);
    assert_int_equal(batches_number("parted", count), 5);
    assert_int_equal(migration_partitions(database, 100, 321, 399, &made_to), STATUS_OK);
    assert_int_equal(batches_number("parted", count), 5);
    assert_int_equal(migration_partitions(database, 100, 400, 400, &made_to), STATUS_OK);
    assert_int_equal(batches_number("parted", count), 6);
    assert_int_equal(batches_number("parted", "SELECT count(*) FROM pg_inherits WHERE inhparent ="
                                              " 'quorex.orders'::regclass"),
                     6);
    database_free(database);
}
