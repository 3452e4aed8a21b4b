#include "settlement/ahead.h"

#include "common/log.h"
#include "settlement/database.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

struct ahead {
    struct database *database;
    uint32_t lock_ms;
    struct ahead_place found; /* by the session, when it began */
    struct ahead_place place; /* as committed */

    /* From ahead_batch_begin to ahead_end. */
    struct row_batch *batch;
    struct ahead_place to;
    pthread_t thread;
    enum status status;
    bool is_under_way, has_thread;
};

struct ahead *ahead_new(const char *conninfo, const _Atomic uint32_t *stopping, uint32_t lock_ms)
{
    struct ahead *ahead = calloc(1, sizeof(*ahead));
    if (ahead == NULL) return NULL;
    ahead->database = database_new(conninfo, stopping);
    if (ahead->database == NULL) {
        free(ahead);
        return NULL;
    }
    ahead->lock_ms = lock_ms > 0 ? lock_ms : AHEAD_LOCK_MS;
    database_keep_quiet(ahead->database);
    return ahead;
}

void ahead_watched(struct ahead *ahead, struct database_watch watch)
{
    database_watched(ahead->database, watch);
}

void ahead_free(struct ahead *ahead)
{
    if (ahead == NULL) return;
    database_free(ahead->database);
    free(ahead);
}

void ahead_disconnect(struct ahead *ahead)
{
    database_disconnect(ahead->database);
}

struct ahead_place ahead_place(const struct ahead *ahead)
{
    return ahead->place;
}

enum status ahead_connect(struct ahead *ahead, struct ahead_place place, struct database *teller)
{
    ahead->found = ahead->place = place;
    enum status status = database_connect(ahead->database);
    if (status == STATUS_OK)
        status = database_run(ahead->database,
                              "SET synchronous_commit = off; SET lock_timeout = %" PRIu32,
                              ahead->lock_ms);
    if (status != STATUS_OK) database_tell_failure(teller, ahead->database);
    return status;
}

enum status ahead_leave_out(const struct ahead *ahead, struct row_batch *batch,
                            const struct ahead_place *block)
{
    const struct ahead_place *found = &ahead->found;
    if (block->height > found->height) return STATUS_OK;
    copy_row_start(&batch->rows[ROW_ORDERS]);
    if (block->height < found->height) return STATUS_OK;
    return block->command == found->command && hash_equal(block->hash, found->hash)
               ? STATUS_OK
               : STATUS_MISMATCH;
}

static enum status move_place(struct ahead *ahead)
{
    const struct ahead_place *from = &ahead->place, *to = &ahead->to;
    char hash[2 * HASH_BYTES + 1];
    hash_hex(to->hash.bytes, HASH_BYTES, hash);
    const enum status status = database_run(
        ahead->database,
        "BEGIN; UPDATE quorex.ahead SET height = %" PRIu64 ", command = %" PRIu64
        ", hash = '\\x%s' WHERE id = 1 AND height = %" PRIu64 " AND command = %" PRIu64,
        to->height, to->command, hash, from->height, from->command);
    if (status != STATUS_OK) return status;
    if (database_affected(ahead->database) == 1) return STATUS_OK;
    log_warn("settlement", "another writer moved what is ahead of the cursor", "height=%" PRIu64,
             from->height);
    return STATUS_DB_CONFLICT;
}

static void *write_orders(void *context)
{
    struct ahead *ahead = context;
    enum status status = move_place(ahead);
    if (status == STATUS_OK) status = row_batch_copy(ahead->batch, ROW_ORDERS, ahead->database);
    if (status == STATUS_OK) status = database_run_text(ahead->database, "COMMIT");
    ahead->status = status;
    return NULL;
}

void ahead_batch_begin(struct ahead *ahead, struct row_batch *batch, const struct ahead_place *to)
{
    ASSERT(!ahead->is_under_way);
    if (batch->rows[ROW_ORDERS].row_count == 0) return;
    ahead->batch = batch;
    ahead->to = *to;
    ahead->is_under_way = true;
    ahead->has_thread = pthread_create(&ahead->thread, NULL, write_orders, ahead) == 0;
    if (!ahead->has_thread) (void)write_orders(ahead); /* one after the other, then */
}

enum status ahead_end(struct ahead *ahead, struct database *teller)
{
    if (!ahead->is_under_way) return STATUS_OK;
    if (ahead->has_thread) pthread_join(ahead->thread, NULL);
    ahead->is_under_way = false;
    if (ahead->status == STATUS_OK)
        ahead->place = ahead->to;
    else
        database_tell_failure(teller, ahead->database);
    return ahead->status;
}
