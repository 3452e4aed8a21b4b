/* One connection to PostgreSQL that a stopping node never waits for.
 *
 * Every call waits in short steps and gives up with STATUS_STOPPING when the node stops. A failure is
 * logged here once: again only when its text changes, or after database_forget_failure.
 *
 * Owner    one thread
 * Memory   database_new allocates, database_free frees; a result is good until the next call
 */

#ifndef SETTLEMENT_DATABASE_H
#define SETTLEMENT_DATABASE_H

#include "common/assert.h"
#include "common/status.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct database;

/* What befalls who waits for the server. */
enum database_wait {
    DATABASE_WAITS,  /* a step of waiting has passed, and again */
    DATABASE_SILENT, /* the server has said nothing for silent_ms: once, until one of the next two */
    DATABASE_ANSWERED, /* it says something again */
    DATABASE_LEFT      /* the connection is given up, silent as it is */
};

/* Told of waiting, by the thread that waits. A server that takes or gives bytes is not silent. */
struct database_watch {
    void *context;
    uint32_t silent_ms;
    void (*call)(void *context, enum database_wait what, uint64_t silent_ms); /* NULL: nobody */
};

/* NULL when there is no memory. Both arguments must outlive it. */
MUST_CHECK struct database *database_new(const char *conninfo, const _Atomic uint32_t *stopping);
void database_free(struct database *database);

void database_watched(struct database *database, struct database_watch watch);

/* Opens a new connection in place of the old one. When the server says that the database does not
 * exist, asks the server to create it, for the next attempt. */
MUST_CHECK enum status database_connect(struct database *database);
void database_disconnect(struct database *database);

/* From here on failures are kept and not logged, until another connection tells them. */
void database_keep_quiet(struct database *database);

/* Logs what the quiet connection failed of last, as if it had happened to this one. */
void database_tell_failure(struct database *database, struct database *quiet);

/* The work goes on: the next failure is news. */
void database_forget_failure(struct database *database);

/* Whether the last failure was that the server's disk has no room. A later success does not say that it has again: a
 * commit does. */
bool database_is_full(const struct database *database);

/* Runs one statement or several; the last one's result is kept.
 * DB_UNAVAILABLE: the connection is lost. DB_REFUSED: the server said no. */
MUST_CHECK enum status database_run(struct database *database, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same for text of any length. */
MUST_CHECK enum status database_run_text(struct database *database, const char *sql);

/* Runs one statement of the server's, of those that no transaction may hold, for so long at most. *is_late: it was not
 * done in time, and given up by the server; that is no failure. */
MUST_CHECK enum status database_run_within(struct database *database, uint32_t milliseconds,
                                           const char *sql, bool *is_late);

/* Runs a COPY ... FROM STDIN and sends it `byte_count` bytes. */
MUST_CHECK enum status database_copy(struct database *database, const char *sql,
                                     const uint8_t *bytes, size_t byte_count);

/* Of the last result. Needs: row and column exist. */
int database_rows(const struct database *database);
int64_t database_affected(const struct database *database);
bool database_is_null(const struct database *database, int row, int column);
int64_t database_number(const struct database *database, int row, int column);
const char *database_text(const struct database *database, int row, int column);

#endif /* SETTLEMENT_DATABASE_H */
