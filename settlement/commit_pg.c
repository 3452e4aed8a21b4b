#include "settlement/commit.h"

#include "common/log.h"
#include "settlement/merge.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>

/* The cursor comes first: whoever else holds it, an orphaned backend of an earlier connection for one, has to end before
 * we see it, moved or not. */
static enum status move_cursor(const struct commit *commit)
{
    const struct cursor *from = &commit->from, *to = &commit->to;
    const enum status status = database_run(
        commit->database,
        "BEGIN; %sUPDATE quorex.cursor SET height = %" PRIu64 ", command = %" PRIu64
        ", balances_height = %" PRIu64 " WHERE id = 1 AND height = %" PRIu64
        " AND command = %" PRIu64 " AND balances_height = %" PRIu64,
        commit->is_more ? "SET LOCAL synchronous_commit = off; " : "", to->height, to->command,
        to->balances_height, from->height, from->command, from->balances_height);
    if (status != STATUS_OK || database_affected(commit->database) == 1) return status;
    log_warn("settlement", "another writer moved the cursor", "height=%" PRIu64, from->height);
    return STATUS_DB_CONFLICT;
}

/* All that the first connection writes. */
static enum status copy_tables(const struct commit *commit)
{
    enum status status = STATUS_OK;
    for (int table = 0; table < ROW_TABLES && status == STATUS_OK; table++)
        if (table != ROW_ORDERS)
            status = row_batch_copy(commit->batch, (enum row_table)table, commit->database);
    return status == STATUS_OK ? merge_rows(commit->batch, commit->database) : status;
}

/* Rows and cursor in one transaction; orders in another (ahead.h), which commits before. */
static void *run(void *context)
{
    struct commit *commit = context;
    const struct cursor *to = &commit->to;
    commit->status = move_cursor(commit);
    if (commit->status != STATUS_OK) return NULL;
    ahead_batch_begin(commit->ahead, commit->batch,
                      &(struct ahead_place){to->height, to->command, to->hash});
    const enum status rows = copy_tables(commit);
    const enum status orders = ahead_end(commit->ahead, commit->database);
    commit->status = rows != STATUS_OK ? rows : orders;
    if (commit->status == STATUS_OK) commit->status = database_run_text(commit->database, "COMMIT");
    return NULL;
}

static_assert(sizeof(pthread_t) == sizeof(unsigned long), "struct commit has room for it");

void commit_begin(struct commit *commit, bool beside)
{
    commit->has_thread = beside && pthread_create(&commit->thread, NULL, run, commit) ==
                                       0; /* else one after the other */
    if (!commit->has_thread) (void)run(commit);
}

enum status commit_end(struct commit *commit)
{
    if (commit->has_thread) pthread_join(commit->thread, NULL);
    commit->has_thread = false;
    return commit->status;
}

enum status commit_claim(struct database *database)
{
    /* Whoever moved the cursor may not have waited for the disk: this does, and the log has one order. */
    return database_run_text(database, "SELECT set_config('synchronous_commit', 'on', false)"
                                       " WHERE current_setting('synchronous_commit') = 'off';"
                                       "UPDATE quorex.cursor SET id = id WHERE id = 1");
}

enum status commit_mark_move(struct commit_mark *mark, const struct commit *commit)
{
    if (!commit->is_more) {
        *mark = (struct commit_mark){.safe = commit->to};
        return STATUS_OK;
    }
    struct database *database = commit->database;
    const char *place = mark->log_place[0] == '\0' ? "0/0" : mark->log_place;
    const enum status status = database_run(
        database, "SELECT (pg_current_wal_flush_lsn() >= '%s')::int, pg_current_wal_insert_lsn()",
        place);
    if (status != STATUS_OK || database_number(database, 0, 0) == 0) return status;
    if (mark->log_place[0] != '\0') mark->safe = mark->next;
    mark->next = commit->to;
    snprintf(mark->log_place, sizeof(mark->log_place), "%s", database_text(database, 0, 1));
    return STATUS_OK;
}
