/* A private PostgreSQL cluster for one test program: unix socket only, in a short directory of its
 * own, gone when the program ends. */

#ifndef TESTS_UNIT_SETTLEMENT_CLUSTER_H
#define TESTS_UNIT_SETTLEMENT_CLUSTER_H

#include <dirent.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char cluster_directory[64];
static char cluster_programs[256];
static bool cluster_durable;              /* for figures: fsync as a user has it */
static const char *cluster_settings = ""; /* more of the server's, "-c name=value ..." */

/* What docs/operations.md says about a server for an exchange that trades much, as scripts/up sets it. */
#define CLUSTER_RECOMMENDED cluster_recommended()

static inline const char *cluster_recommended(void)
{
    static char settings[512];
    const long quarter =
        sysconf(_SC_PHYS_PAGES) / 4 * (sysconf(_SC_PAGESIZE) / 1024) / 1024; /* MB */
    snprintf(settings, sizeof(settings),
             "-c shared_buffers=%ldMB -c max_wal_size=4GB -c checkpoint_timeout=15min"
             " -c wal_compression=lz4 -c wal_buffers=64MB -c bgwriter_delay=20ms"
             " -c bgwriter_lru_maxpages=1000 -c bgwriter_lru_multiplier=10",
             quarter < 64     ? 64
             : quarter > 4096 ? 4096
                              : quarter);
    return settings;
}

/* Runs a program of PostgreSQL's; as the user postgres when we are root, whom it refuses. */
static int cluster_command(const char *program, const char *arguments)
{
    char command[2048];
    snprintf(command, sizeof(command), "cd / && %s%s/%s %s >>%s/log 2>&1",
             geteuid() == 0 ? "runuser -u postgres -- " : "", cluster_programs, program, arguments,
             cluster_directory);
    return system(command);
}

static void cluster_stop(void)
{
    char command[256];
    if (cluster_directory[0] == '\0') return;
    snprintf(command, sizeof(command), "-D %s/data -m immediate -w stop", cluster_directory);
    cluster_command("pg_ctl", command);
    snprintf(command, sizeof(command), "rm -rf %s", cluster_directory);
    if (system(command) != 0) perror(command);
    cluster_directory[0] = '\0';
}

/* The newest version's programs, where Debian has them. */
static bool cluster_find(void)
{
    DIR *directory = opendir("/usr/lib/postgresql");
    int newest = 0;
    for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
        const int version = (int)strtol(entry->d_name, NULL, 10);
        if (version > newest) newest = version;
    }
    if (directory != NULL) closedir(directory);
    snprintf(cluster_programs, sizeof(cluster_programs), "/usr/lib/postgresql/%d/bin", newest);
    return newest > 0;
}

static void cluster_start(void)
{
    char arguments[1024];
    if (cluster_directory[0] != '\0') return;
    snprintf(cluster_directory, sizeof(cluster_directory), "/tmp/quorex-XXXXXX");
    if (!cluster_find() || mkdtemp(cluster_directory) == NULL) {
        fprintf(stderr, "no PostgreSQL server programs, or no directory in /tmp\n");
        abort();
    }
    const struct passwd *postgres = geteuid() == 0 ? getpwnam("postgres") : NULL;
    if (postgres != NULL && chown(cluster_directory, postgres->pw_uid, postgres->pw_gid) != 0)
        abort();
    atexit(cluster_stop);
    snprintf(arguments, sizeof(arguments),
             "-D %s/data -U quorex --auth=trust --locale=C.UTF-8 --encoding=UTF8 --no-sync",
             cluster_directory);
    if (cluster_command("initdb", arguments) != 0) abort();
    snprintf(arguments, sizeof(arguments),
             "-D %s/data -w -o \"-c listen_addresses='' -c unix_socket_directories=%s"
             " -c fsync=%s %s\" start",
             cluster_directory, cluster_directory, cluster_durable ? "on" : "off",
             cluster_settings);
    if (cluster_command("pg_ctl", arguments) != 0) abort();
}

static const char *cluster_conninfo(const char *database)
{
    static char conninfo[256];
    snprintf(conninfo, sizeof(conninfo), "host=%s user=quorex dbname=%s", cluster_directory,
             database);
    return conninfo;
}

/* Runs one statement in a connection of its own; the first value, or "" when there is none. */
static inline const char *cluster_ask(const char *database, const char *sql)
{
    static char value[4096];
    PGconn *connection = PQconnectdb(cluster_conninfo(database));
    PGresult *result = PQexec(connection, sql);
    value[0] = '\0';
    if (PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) > 0)
        snprintf(value, sizeof(value), "%s", PQgetvalue(result, 0, 0));
    PQclear(result);
    PQfinish(connection);
    return value;
}

#endif /* TESTS_UNIT_SETTLEMENT_CLUSTER_H */
