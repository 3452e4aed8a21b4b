#include "settlement/database.h"

#include "common/log.h"

#include <inttypes.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define STEP_MS          100
#define CONNECT_SECONDS  5
#define COPY_CHUNK_BYTES (256 * 1024)
#define STATEMENT_MAX    2048
#define FAILURE_TEXT_MAX 256
#define DISK_FULL        "53100" /* SQL states */
#define CANCELED         "57014"

struct database {
    const char *conninfo;
    const _Atomic uint32_t *stopping;
    PGconn *connection;
    PGresult *result;               /* of the last statement */
    char failure[FAILURE_TEXT_MAX]; /* logged last; empty after success */
    bool is_full;                   /* that was for want of room */
    bool is_quiet;
    bool has_limit; /* the statement may be given up by the server: no failure */
    bool is_late;   /* that is what became of it */
    struct database_watch watch;
    bool is_silent;          /* the watch was told so */
    enum status kept_status; /* what a quiet one has not told; OK: nothing */
    const char *kept_what;
};

struct database *database_new(const char *conninfo, const _Atomic uint32_t *stopping)
{
    struct database *database = calloc(1, sizeof(*database));
    if (database == NULL) return NULL;
    database->conninfo = conninfo;
    database->stopping = stopping;
    return database;
}

void database_watched(struct database *database, struct database_watch watch)
{
    database->watch = watch;
}

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void tell_watch(const struct database *database, enum database_wait what, uint64_t silent_ms)
{
    const struct database_watch *watch = &database->watch;
    if (watch->call != NULL) watch->call(watch->context, what, silent_ms);
}

/* A step has passed since `began` without a word from the server. */
static void watch_step(struct database *database, uint64_t began_ms)
{
    const uint64_t silent_ms = now_ms() - began_ms;
    tell_watch(database, DATABASE_WAITS, silent_ms);
    if (database->is_silent || silent_ms < database->watch.silent_ms) return;
    database->is_silent = true;
    tell_watch(database, DATABASE_SILENT, silent_ms);
}

static void end_silence(struct database *database, enum database_wait how, uint64_t silent_ms)
{
    if (database->is_silent) tell_watch(database, how, silent_ms);
    database->is_silent = false;
}

void database_disconnect(struct database *database)
{
    end_silence(database, DATABASE_LEFT, 0);
    PQclear(database->result);
    database->result = NULL;
    PQfinish(database->connection);
    database->connection = NULL;
}

void database_free(struct database *database)
{
    if (database == NULL) return;
    database_disconnect(database);
    free(database);
}

/* Logs what libpq says, on one line, unless it has just said so. */
static enum status fail(struct database *database, enum status status, const char *what,
                        const char *message)
{
    char text[FAILURE_TEXT_MAX] = {0};
    snprintf(text, sizeof(text), "%s", message);
    for (char *at = text; *at != '\0'; at++)
        if (*at == '\n' || *at == '"') *at = *at == '"' ? '\'' : ' ';
    database->is_full = false;
    database->kept_status = database->is_quiet ? status : STATUS_OK;
    database->kept_what = what;
    if (!database->is_quiet && strcmp(text, database->failure) != 0)
        log_warn("settlement", what, "status=%s message=\"%s\"", status_name(status), text);
    memcpy(database->failure, text, sizeof(text));
    return status;
}

void database_keep_quiet(struct database *database)
{
    database->is_quiet = true;
}

void database_tell_failure(struct database *database, struct database *quiet)
{
    if (quiet->kept_status == STATUS_OK) return;
    (void)fail(database, quiet->kept_status, quiet->kept_what, quiet->failure);
    database->is_full = quiet->is_full;
    quiet->kept_status = STATUS_OK;
}

static enum status lost(struct database *database, const char *what)
{
    return fail(database, STATUS_DB_UNAVAILABLE, what, PQerrorMessage(database->connection));
}

/* Waits until the socket is ready for `events`, in steps. */
static enum status wait_for(struct database *database, short events)
{
    struct pollfd descriptor = {.fd = PQsocket(database->connection), .events = events};
    const uint64_t began_ms = now_ms();
    while (poll(&descriptor, 1, STEP_MS) == 0) {
        if (atomic_load_explicit(database->stopping, memory_order_relaxed)) return STATUS_STOPPING;
        watch_step(database, began_ms);
    }
    end_silence(database, DATABASE_ANSWERED, now_ms() - began_ms);
    return STATUS_OK;
}

static enum status wait_connected(struct database *database)
{
    const time_t deadline = time(NULL) + CONNECT_SECONDS;
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;
    while (state != PGRES_POLLING_OK) {
        if (state == PGRES_POLLING_FAILED) return lost(database, "PostgreSQL is not there");
        struct pollfd descriptor = {.fd = PQsocket(database->connection),
                                    .events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT};
        const int ready = poll(&descriptor, 1, STEP_MS);
        if (atomic_load_explicit(database->stopping, memory_order_relaxed)) return STATUS_STOPPING;
        if (time(NULL) > deadline)
            return fail(database, STATUS_DB_UNAVAILABLE, "PostgreSQL is not there", "timed out");
        if (ready > 0) state = PQconnectPoll(database->connection);
    }
    return STATUS_OK;
}

/* Quietly: whoever runs the server may have dropped the database on purpose and make it himself. */
static void create_database(struct database *database)
{
    const char *name = PQdb(database->connection);
    if (name == NULL || strstr(PQerrorMessage(database->connection), "does not exist") == NULL)
        return;
    const char *keys[] = {"dbname", "dbname", "connect_timeout", NULL};
    const char *values[] = {database->conninfo, "postgres", "2", NULL};
    PGconn *server = PQconnectdbParams(keys, values, 1);
    char *quoted = PQescapeIdentifier(server, name, strlen(name));
    char sql[STATEMENT_MAX];
    if (quoted != NULL && snprintf(sql, sizeof(sql), "CREATE DATABASE %s", quoted) < STATEMENT_MAX)
        PQclear(PQexec(server, sql));
    PQfreemem(quoted);
    PQfinish(server);
}

/* "already exists, skipping" and the like. */
static void ignore_notice(void *unused, const char *message)
{
    (void)unused, (void)message;
}

enum status database_connect(struct database *database)
{
    database_disconnect(database);
    database->connection = PQconnectStart(database->conninfo);
    if (database->connection == NULL)
        return fail(database, STATUS_NO_MEMORY, "PostgreSQL is not there", "out of memory");
    if (PQstatus(database->connection) == CONNECTION_BAD)
        return lost(database, "PostgreSQL is not there");
    const enum status status = wait_connected(database);
    if (status != STATUS_OK) {
        if (status == STATUS_DB_UNAVAILABLE) create_database(database);
        return status;
    }
    if (PQsetnonblocking(database->connection, 1) != 0)
        return lost(database, "PostgreSQL is not there");
    PQsetErrorVerbosity(database->connection, PQERRORS_TERSE);
    PQsetNoticeProcessor(database->connection, ignore_notice, NULL);
    return STATUS_OK;
}

bool database_is_full(const struct database *database)
{
    return database->is_full;
}

void database_forget_failure(struct database *database)
{
    database->is_full = false;
    database->failure[0] = '\0';
}

/* Sends what libpq has buffered; reads meanwhile, so that neither side blocks the other. */
static enum status flush(struct database *database)
{
    for (;;) {
        const int left = PQflush(database->connection);
        if (left < 0) return lost(database, "PostgreSQL was lost");
        if (left == 0) return STATUS_OK;
        const enum status status = wait_for(database, POLLIN | POLLOUT);
        if (status != STATUS_OK) return status;
        if (!PQconsumeInput(database->connection)) return lost(database, "PostgreSQL was lost");
    }
}

/* The next result of what was sent, NULL in *result at the end. */
static enum status next_result(struct database *database, PGresult **result)
{
    while (PQisBusy(database->connection)) {
        const enum status status = wait_for(database, POLLIN);
        if (status != STATUS_OK) return status;
        if (!PQconsumeInput(database->connection)) return lost(database, "PostgreSQL was lost");
    }
    *result = PQgetResult(database->connection);
    return STATUS_OK;
}

/* Which file could not grow differs with every attempt, and would be news each time: left out. */
static enum status refused_for_room(struct database *database)
{
    (void)fail(database, STATUS_DB_REFUSED,
               "PostgreSQL's disk is full; what it lacks waits in the chain",
               "no space left on device");
    database->is_full = true;
    return STATUS_DB_REFUSED;
}

static enum status refused(struct database *database, const PGresult *result)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    database->is_late = database->has_limit && state != NULL && strcmp(state, CANCELED) == 0;
    if (database->is_late) return STATUS_DB_REFUSED;
    if (state != NULL && strcmp(state, DISK_FULL) == 0) return refused_for_room(database);
    return fail(database, STATUS_DB_REFUSED, "PostgreSQL refused a statement",
                PQresultErrorMessage(result));
}

static enum status judge(struct database *database, const PGresult *result)
{
    switch (PQresultStatus(result)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_COPY_IN:
        return STATUS_OK;
    default:
        if (PQstatus(database->connection) == CONNECTION_BAD)
            return lost(database, "PostgreSQL was lost");
        return refused(database, result);
    }
}

/* Keeps the last result; the first failure wins, and all results are read. */
static enum status read_results(struct database *database)
{
    enum status worst = STATUS_OK;
    for (;;) {
        PGresult *result = NULL;
        const enum status status = next_result(database, &result);
        if (status != STATUS_OK) return status;
        if (result == NULL) return worst;
        PQclear(database->result);
        database->result = result;
        if (worst == STATUS_OK) worst = judge(database, result);
        if (PQresultStatus(result) == PGRES_COPY_IN) return worst;
    }
}

enum status database_run_text(struct database *database, const char *sql)
{
    if (database->connection == NULL) return STATUS_DB_UNAVAILABLE;
    if (!PQsendQuery(database->connection, sql)) return lost(database, "PostgreSQL was lost");
    const enum status status = flush(database);
    return status == STATUS_OK ? read_results(database) : status;
}

enum status database_run(struct database *database, const char *format, ...)
{
    char sql[STATEMENT_MAX];
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(sql, sizeof(sql), format, arguments);
    va_end(arguments);
    ASSERT(length >= 0 && (size_t)length < sizeof(sql));
    return database_run_text(database, sql);
}

enum status database_run_within(struct database *database, uint32_t milliseconds, const char *sql,
                                bool *is_late)
{
    enum status status = database_run(database, "SET statement_timeout = %" PRIu32, milliseconds);
    if (status != STATUS_OK) return status;
    database->has_limit = true;
    database->is_late = false;
    status = database_run_text(database, sql);
    database->has_limit = false;
    *is_late = database->is_late;
    if (status != STATUS_OK && !*is_late) return status;
    return database_run(database, "RESET statement_timeout");
}

enum status database_copy(struct database *database, const char *sql, const uint8_t *bytes,
                          size_t byte_count)
{
    enum status status = database_run_text(database, sql);
    if (status != STATUS_OK) return status;
    if (PQresultStatus(database->result) != PGRES_COPY_IN)
        return fail(database, STATUS_DB_REFUSED, "PostgreSQL refused a statement", "no COPY began");

    for (size_t sent = 0; sent < byte_count;) {
        const size_t left = byte_count - sent;
        const size_t chunk = left < COPY_CHUNK_BYTES ? left : COPY_CHUNK_BYTES;
        const int queued =
            PQputCopyData(database->connection, (const char *)bytes + sent, (int)chunk);
        if (queued < 0) return lost(database, "PostgreSQL was lost");
        if (queued > 0) sent += chunk;
        status = flush(database);
        if (status != STATUS_OK) return status;
    }
    int ended;
    while ((ended = PQputCopyEnd(database->connection, NULL)) == 0) {
        status = flush(database);
        if (status != STATUS_OK) return status;
    }
    if (ended < 0) return lost(database, "PostgreSQL was lost");
    status = flush(database);
    return status == STATUS_OK ? read_results(database) : status;
}

int database_rows(const struct database *database)
{
    return PQntuples(database->result);
}

int64_t database_affected(const struct database *database)
{
    return strtoll(PQcmdTuples(database->result), NULL, 10);
}

bool database_is_null(const struct database *database, int row, int column)
{
    return PQgetisnull(database->result, row, column) != 0;
}

int64_t database_number(const struct database *database, int row, int column)
{
    return strtoll(PQgetvalue(database->result, row, column), NULL, 10);
}

const char *database_text(const struct database *database, int row, int column)
{
    return PQgetvalue(database->result, row, column);
}
