#include "settlement/lag.h"

#include "common/metrics.h"
#include "common/progress.h"
#include "tests/harness.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct progress progress;
static struct metrics metrics;
static char text[65536];

static struct lag opened(void)
{
    memset(&progress, 0, sizeof(progress));
    memset(&metrics, 0, sizeof(metrics));
    return (struct lag){.progress = &progress, .metrics = &metrics, .tell_ms = 1000};
}

/* What is logged by `tell` of `lag`. */
static const char *logged(void (*tell)(struct lag *), struct lag *lag)
{
    char path[] = "/tmp/quorex-log-XXXXXX";
    const int log = mkstemp(path), kept = dup(STDERR_FILENO);
    if (log < 0 || dup2(log, STDERR_FILENO) < 0) abort();
    tell(lag);
    dup2(kept, STDERR_FILENO);
    close(kept);
    const ssize_t bytes = pread(log, text, sizeof(text) - 1, 0);
    text[bytes > 0 ? bytes : 0] = '\0';
    close(log);
    unlink(path);
    return text;
}

static int count_of(const char *lines, const char *words)
{
    int count = 0;
    for (const char *at = lines; (at = strstr(at, words)) != NULL; at++)
        count++;
    return count;
}

static void at(uint64_t sealed, uint64_t projected)
{
    atomic_store(&progress.sealed_height, sealed);
    atomic_store(&progress.projected_height, projected);
}

static void catch_up(struct lag *lag)
{
    at(99, 0);
    lag_tell(lag, 5000, 7); /* not worth a line yet */
    at(150, 50);
    lag_tell(lag, 10000, 7);
    at(160, 90);
    lag_tell(lag, 10999, 100); /* too early for another */
    at(160, 100);
    lag_tell(lag, 12000, 200);
    at(170, 170);
    lag_tell(lag, 14000, 300);
    at(180, 170);
    lag_tell(lag, 99000, 7); /* as behind as ever */
}

/* Far behind: said when it is found, then every tell_ms, then that it is over; how far, how much since and how fast. */
TEST(lag, catching_up_is_told_from_beginning_to_end)
{
    struct lag lag = opened();
    const char *lines = logged(catch_up, &lag);
    const char *first = strstr(
        lines,
        "info settlement \"PostgreSQL is behind the chain and catches up\" height=50 behind=100\n");
    const char *middle = strstr(
        lines, "info settlement \"PostgreSQL catches up\" height=100 behind=60 blocks=50 fills=300"
               " seconds=2 fills_per_s=149\n");
    const char *last = strstr(
        lines, "info settlement \"PostgreSQL has caught up with the chain\" height=170 behind=0"
               " blocks=120 fills=600 seconds=4 fills_per_s=149\n");
    assert_true(first != NULL && middle > first && last > middle);
    assert_int_equal(count_of(lines, "\n"), 3);
    assert_int_equal(metric_get(&metrics.projection_behind), 10);
}

/* The next time it falls behind is told as the first was. */
TEST(lag, it_is_told_each_time)
{
    struct lag lag = opened();
    (void)logged(catch_up, &lag);
    const char *lines = logged(catch_up, &lag);
    assert_int_equal(count_of(lines, "fills=600 "), 1);
    assert_int_equal(count_of(lines, "\n"), 3);
}

/* Nothing lacks of a database that is ahead of a chain that is read anew. */
TEST(lag, what_is_ahead_is_not_behind)
{
    struct lag lag = opened();
    at(10, 20);
    assert_int_equal(lag_measure(&lag), 0);
    at(20, 10);
    assert_int_equal(lag_measure(&lag), 10);
    assert_int_equal(metric_get(&metrics.projection_behind), 10);
}

static void one_silence(struct lag *lag)
{
    const struct database_watch watch = lag_watch(lag);
    at(30, 10);
    watch.call(watch.context, DATABASE_WAITS, 100);
    assert_int_equal(metric_get(&metrics.projection_behind), 20);
    assert_int_equal(metric_get(&metrics.database_up), 1);
    watch.call(watch.context, DATABASE_SILENT, watch.silent_ms);
    assert_int_equal(metric_get(&metrics.database_up), 0);
    watch.call(watch.context, DATABASE_SILENT, watch.silent_ms + 50); /* the other connection */
    at(40, 10);
    watch.call(watch.context, DATABASE_WAITS, 6000);
    assert_int_equal(metric_get(&metrics.projection_behind), 30);
    watch.call(watch.context, DATABASE_ANSWERED, 7000);
    assert_int_equal(metric_get(&metrics.database_up), 0);
    watch.call(watch.context, DATABASE_ANSWERED, 7100);
    assert_int_equal(metric_get(&metrics.database_up), 1);
}

/* A server that says nothing: both connections' silence is one, from its first to its last, and the gauge goes on. */
TEST(lag, a_silent_server_is_down_and_said_once)
{
    struct lag lag = opened();
    metric_set(&metrics.database_up, 1);
    const char *lines = logged(one_silence, &lag);
    assert_int_equal(count_of(lines,
                              "warn settlement \"PostgreSQL does not answer; what it lacks waits"
                              " in the chain\" height=10 behind=20 milliseconds=5000\n"),
                     1);
    assert_int_equal(count_of(lines,
                              "info settlement \"PostgreSQL answers again\" height=10 behind=30"
                              " milliseconds=7100\n"),
                     1);
    assert_int_equal(count_of(lines, "\n"), 2);
}

static void silence_without_end(struct lag *lag)
{
    const struct database_watch watch = lag_watch(lag);
    watch.call(watch.context, DATABASE_SILENT, watch.silent_ms);
    watch.call(watch.context, DATABASE_LEFT, 0);
    assert_int_equal(metric_get(&metrics.database_up), 0);
}

/* A connection that is given up has not answered; the next one's silence is news. What was down before stays down. */
TEST(lag, a_connection_that_is_gone_has_not_answered)
{
    struct lag lag = opened();
    metric_set(&metrics.database_up, 1);
    assert_int_equal(count_of(logged(silence_without_end, &lag), "\n"), 1);
    assert_int_equal(count_of(logged(silence_without_end, &lag), "does not answer"), 1);
    const struct database_watch watch = lag_watch(&lag);
    watch.call(watch.context, DATABASE_SILENT, watch.silent_ms);
    watch.call(watch.context, DATABASE_ANSWERED, 6000);
    assert_int_equal(metric_get(&metrics.database_up), 0);
}
