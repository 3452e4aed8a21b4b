/* The yardstick: PostgreSQL filled as a first version would, one transaction a fill, a statement a row, in text SQL.
 *
 * The same rows as the projection's, into tables like it with the same indexes: the fill, both orders, four ledger
 * entries, four balances, sixteen candles and a cursor. Needs: the projection's schema is there.
 */

#ifndef BENCHMARKS_NAIVE_H
#define BENCHMARKS_NAIVE_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#define NAIVE_SECONDS 8

static inline void naive_set_up(PGconn *connection, unsigned accounts)
{
    char sql[2048];
    snprintf(sql, sizeof(sql),
             "CREATE SCHEMA naive;"
             "CREATE TABLE naive.fills (LIKE quorex.fills INCLUDING ALL);"
             "CREATE TABLE naive.orders (LIKE quorex.orders INCLUDING ALL);"
             "CREATE TABLE naive.ledger_entries (LIKE quorex.ledger_entries INCLUDING ALL);"
             "CREATE TABLE naive.candles (LIKE quorex.candles INCLUDING ALL);"
             "CREATE TABLE naive.balances (LIKE quorex.balances INCLUDING ALL);"
             "CREATE TABLE naive.cursor (command bigint);"
             "INSERT INTO naive.cursor VALUES (0);"
             "INSERT INTO naive.balances SELECT a, s, 1000000000, 0, 0"
             " FROM generate_series(1, %u) a, generate_series(0, 1) s",
             accounts);
    PQclear(PQexec(connection, sql));
}

/* One fill's rows, each by a statement of its own, as a first version would write them. */
static inline bool naive_fill(PGconn *connection, uint64_t i)
{
    char sql[8192];
    const unsigned long long n = (unsigned long long)i + 1;
    const unsigned maker = (unsigned)(1 + i % 64), taker = (unsigned)(1 + i * 31 % 64);
    int used = snprintf(sql, sizeof(sql),
                        "BEGIN; INSERT INTO naive.fills VALUES (%llu, 0, 0, %llu, %llu, %llu, "
                        "3000000, 3, %llu, %llu,"
                        " %u, %u, 1, 1, 0, 0);",
                        n, n, n, n * 1000000, n * 2, n * 2 + 1, maker, taker);
    for (unsigned side = 0; side < 2; side++) {
        const unsigned account = side == 0 ? maker : taker;
        used +=
            snprintf(sql + used, sizeof(sql) - (size_t)used,
                     "INSERT INTO naive.orders VALUES (%llu, 0, %llu, %u, 'w%llu', %u, 0, 0, 2, 0,"
                     " 3000000, 3, 3, 0, 1, %llu, %llu, 0);"
                     "INSERT INTO naive.ledger_entries VALUES (%llu, %llu, %u, 0, 5, 1, 0, 1),"
                     " (%llu, %llu, %u, 1, 5, -1, 0, 1);"
                     "UPDATE naive.balances SET available = available + 1 WHERE account = %u"
                     " AND asset = %u;"
                     "UPDATE naive.balances SET available = available - 1 WHERE account = %u"
                     " AND asset = %u;",
                     n, n * 2 + side, account, n * 2 + side, side, n, n, n, n, account, n, n,
                     account, account, side, account, 1 - side);
    }
    used += snprintf(sql + used, sizeof(sql) - (size_t)used,
                     "INSERT INTO naive.candles SELECT 0, i, %llu, 1, 1, 1, 1, 3, 1, 1, 1, 1"
                     " FROM generate_series(0, 15) i ON CONFLICT (market, \"interval\", open_ns)"
                     " DO UPDATE SET volume = naive.candles.volume + 3;"
                     "UPDATE naive.cursor SET command = %llu; COMMIT",
                     n / 1000, n);
    PGresult *result = PQexec(connection, sql);
    const bool done = used < (int)sizeof(sql) && PQresultStatus(result) == PGRES_COMMAND_OK;
    if (!done) fprintf(stderr, "%s", PQresultErrorMessage(result));
    PQclear(result);
    return done;
}

static inline double naive_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Fills a second that it writes, 0 when it cannot. */
static inline double naive_rate(const char *conninfo, unsigned accounts)
{
    PGconn *connection = PQconnectdb(conninfo);
    naive_set_up(connection, accounts);
    const double begin = naive_seconds();
    uint64_t count = 0;
    while (naive_seconds() - begin < NAIVE_SECONDS && naive_fill(connection, count))
        count++;
    const double rate = (double)count / (naive_seconds() - begin);
    PQfinish(connection);
    return rate;
}

#endif /* BENCHMARKS_NAIVE_H */
