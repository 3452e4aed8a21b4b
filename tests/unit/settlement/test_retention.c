/* Retention under a running writer: old partitions go, and readers wait for nobody. */

#include "settlement/retention.h"

#include "tests/harness.h"
#include "tests/unit/settlement/retention_rig.h"

static PGconn *reader;

static int words_in(const char *path, const char *words)
{
    static char text[1 << 16];
    int count = 0;
    FILE *file = fopen(path, "r");
    if (file == NULL) abort();
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    fclose(file);
    for (const char *at = text; (at = strstr(at, words)) != NULL; at++)
        count++;
    return count;
}

static bool wait_for_words(const char *path, const char *words, int times)
{
    const struct timespec step = {.tv_nsec = 10000000};
    for (int i = 0; i < WAIT_MS / 10 && words_in(path, words) < times; i++)
        nanosleep(&step, NULL);
    return words_in(path, words) >= times;
}

/* Two whole passes over what is there. */
static void audited(void)
{
    const struct timespec step = {.tv_nsec = 2000000};
    atomic_fetch_add(&rig->progress.reconcile_wanted, 1);
    const uint64_t count = atomic_load(&rig->progress.projection.count);
    for (int i = 0; i < WAIT_MS / 2 && atomic_load(&rig->progress.projection.count) < count + 2;
         i++) {
        park_wake(&rig->park);
        nanosleep(&step, NULL);
    }
    assert_true(atomic_load(&rig->progress.projection.count) >= count + 2);
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
    /* What became of a deposit goes with the rest; the deposit stays, and nobody misses what went. */
    assert_int_equal(number("SELECT count(*) FROM quorex.deposit_changes"), 0);
    assert_int_equal(number("SELECT count(*) FROM quorex.deposits WHERE credited = 7000"), 1);
    assert_int_equal(number("SELECT count(*) FROM quorex.withdrawals"), 1);
    assert_int_equal(number("SELECT count(*) FROM quorex.addresses"), 2);
    audited();
    assert_int_equal(atomic_load(&rig->progress.projection_wrong), 0);
    rig_stop();
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

/* What a foreign reader has looked at in a transaction that goes on cannot go. The projection does not wait with it:
 * blocks come, those of partitions that are made meanwhile too, and the log says once what waits for whom. */
TEST(retention, who_reads_for_long_does_not_hold_up_the_blocks)
{
    static const char late[] = "due to statement timeout";
    char path[] = "/tmp/quorex-log-XXXXXX", server_log[96];
    cluster_start();
    snprintf(server_log, sizeof(server_log), "%s/log", cluster_directory);
    if (world == NULL) make_chain();
    cluster_ask("postgres", "DROP DATABASE IF EXISTS kept WITH (FORCE)");
    cluster_ask("postgres", "CREATE DATABASE kept");
    rig_start_seeing(0, 25);
    assert_true(wait_for("SELECT height FROM quorex.cursor", 25));
    rig_stop();
    reader = PQconnectdb(cluster_conninfo("kept"));
    PQclear(PQexec(reader, "BEGIN ISOLATION LEVEL REPEATABLE READ"));
    PQclear(PQexec(reader, "SELECT count(*) FROM quorex.fills"));

    const int attempts = words_in(server_log, late);
    const int log = mkstemp(path), kept = dup(STDERR_FILENO);
    assert_true(log >= 0 && dup2(log, STDERR_FILENO) >= 0);
    rig_start_seeing(1000, 25);
    const bool is_due = wait_for("SELECT (dropped_command > 0)::int FROM quorex.cursor", 1);
    bool follows = true;
    for (uint64_t height = 26; height <= world->height && follows; height++) {
        atomic_store(&rig->visible, height);
        follows = wait_for("SELECT height FROM quorex.cursor", (int64_t)height);
    }
    const bool is_told = wait_for_words(path, "waits for who reads it", 1) &&
                         wait_for_words(server_log, late, attempts + 2);
    PGresult *seen = PQexec(reader, "SELECT count(*) FROM quorex.fills");
    const int64_t seen_count = strtoll(PQgetvalue(seen, 0, 0), NULL, 10);
    PQclear(seen);
    PQclear(PQexec(reader, "COMMIT"));
    PQfinish(reader);
    const int64_t from = number("SELECT dropped_command FROM quorex.cursor");
    const bool is_gone = wait_for("SELECT (min(command) >= (SELECT dropped_command FROM"
                                  " quorex.cursor))::int FROM quorex.fills",
                                  1) &&
                         wait_for(lowest, from / PARTITION);
    const uint64_t failures = metric_get(&rig->metrics.database_failures_total);
    rig_stop();
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(log);
    assert_true(is_due && follows && is_told && is_gone);
    assert_int_equal(seen_count, 250);
    assert_int_equal(failures, 0);
    assert_int_equal(words_in(path, "waits for who reads it"), 1);
    assert_int_equal(words_in(path, "refused"), 0);
    unlink(path);
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
