#include "settlement/store.h"

#include "common/arena.h"
#include "common/log.h"
#include "settlement/ahead.h"
#include "settlement/audit.h"
#include "settlement/commit.h"
#include "settlement/database.h"
#include "settlement/lag.h"
#include "settlement/merge.h"
#include "settlement/migration.h"
#include "settlement/retention.h"
#include "settlement/row_batch.h"
#include "settlement/store_load.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#define BATCH_BYTES_MAX (16u << 20) /* of rows; a batch ends with the block that passes it */
#define SLEEP_MS        200
#define BACKOFF_MS_MIN  50
#define BACKOFF_MS_MAX  2000

/* Rows of some blocks, and what is to be written with them. */
struct batch {
    struct row_batch rows;
    struct cursor to;
    uint64_t fill_count;
    bool has_balances; /* the balance table is refreshed with it */
    bool is_more;      /* the block after its last one is there */
};

struct writer {
    const struct store_options *options;
    struct database *database;
    struct arena arena;
    struct store *store;
    hash_t chain_id;
    uint64_t partition_commands;

    bool has_complained;      /* about what only an operator can mend; once until it goes on */
    bool has_told_gap;        /* likewise, of blocks that will not come */
    struct cursor cursor;     /* as committed */
    struct commit_mark mark;  /* as good as on the disk */
    uint64_t balances_known;  /* the store has all changes up to this height, at least */
    uint64_t partitions_to;   /* partitions exist for all commands below */
    uint64_t balances_due_ms; /* when balances are refreshed next */
    struct batch batches[2];  /* one is written while the other is made */
    uint32_t current;         /* which of them is written next */
    bool is_made; /* it is made already: the store stands behind it, not at the cursor */
    struct ahead *ahead;
    struct audit audit;
    struct retention retention;
    struct lag lag;
};

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static bool is_stopping(const struct writer *writer)
{
    return atomic_load_explicit(&writer->options->progress->stopping, memory_order_relaxed) != 0;
}

/* Whether a complaint is news: the same one comes back with every attempt. */
static bool is_news(struct writer *writer)
{
    const bool news = !writer->has_complained;
    writer->has_complained = true;
    return news;
}

/* Shows how far the database is, and will be whatever befalls the server; also when it fell back because it was dropped. */
static void publish(const struct writer *writer)
{
    struct progress *progress = writer->options->progress;
    const struct cursor *safe = &writer->mark.safe;
    /* release: the rows are committed before anyone trims what they replace.
     * Pairs with the gateway's acquire. */
    /* A session that begins reads again what the balances lack. */
    atomic_store_explicit(&progress->projection_base, safe->balances_height, memory_order_release);
    atomic_store_explicit(&progress->projected_command, safe->command, memory_order_release);
    atomic_store_explicit(&progress->projected_height, safe->height, memory_order_release);
    metric_set(&writer->options->metrics->projected_height, safe->height);
}

static enum status load_cursor(struct writer *writer, struct ahead_place *ahead)
{
    struct database *database = writer->database;
    const enum status status =
        database_run(database, "SELECT c.height, c.command, c.balances_height,"
                               " encode(b.hash, 'hex'), a.height, a.command, encode(a.hash, 'hex')"
                               " FROM quorex.cursor c CROSS JOIN quorex.ahead a"
                               " LEFT JOIN quorex.blocks b ON b.height = c.height");
    if (status != STATUS_OK) return status;
    if (database_rows(database) != 1) {
        if (is_news(writer))
            log_error("settlement", "the database has no cursor", "rows=%d",
                      database_rows(database));
        return STATUS_MALFORMED;
    }
    writer->cursor = (struct cursor){.height = (uint64_t)database_number(database, 0, 0),
                                     .command = (uint64_t)database_number(database, 0, 1),
                                     .balances_height = (uint64_t)database_number(database, 0, 2)};
    const char *hash = database_text(database, 0, 3);
    if (writer->cursor.height > 0 &&
        !hash_from_hex(hash, strlen(hash), writer->cursor.hash.bytes, HASH_BYTES)) {
        if (is_news(writer))
            log_error("settlement", "the database has no block at its cursor", "height=%" PRIu64,
                      writer->cursor.height);
        return STATUS_MALFORMED;
    }
    *ahead = (struct ahead_place){.height = (uint64_t)database_number(database, 0, 4),
                                  .command = (uint64_t)database_number(database, 0, 5)};
    const char *ahead_hash = database_text(database, 0, 6);
    if (ahead->height > 0 &&
        !hash_from_hex(ahead_hash, strlen(ahead_hash), ahead->hash.bytes, HASH_BYTES))
        return STATUS_MALFORMED;
    writer->balances_known = writer->cursor.balances_height;
    writer->partitions_to = 0;
    writer->is_made = false;
    return STATUS_OK;
}

/* From nothing to a store that stands where the database's cursor stands. */
static enum status resume(struct writer *writer)
{
    struct database *database = writer->database;
    struct ahead_place ahead;
    const bool news = !writer->has_complained;
    enum status status = database_connect(database);
    if (status == STATUS_OK) status = migration_run(database, news);
    if (status == STATUS_OK) status = migration_claim(database, &writer->chain_id, news);
    if (status == STATUS_OK) status = merge_begin(database);
    if (status == STATUS_OK) status = commit_claim(database);
    store_reset(writer->store);
    audit_begin(&writer->audit);
    if (status == STATUS_OK) status = store_load_listings(writer->store, database, news);
    if (status == STATUS_OK) status = load_cursor(writer, &ahead);
    if (status == STATUS_OK) status = store_load_balances(writer->store, database, news);
    if (status == STATUS_OK) status = store_load_lists(writer->store, database, news);
    if (status == STATUS_MISMATCH || status == STATUS_MALFORMED) writer->has_complained = true;
    if (status == STATUS_OK) status = retention_load(&writer->retention, database);
    if (status == STATUS_OK) status = ahead_connect(writer->ahead, ahead, database);
    if (status != STATUS_OK) return status;
    writer->mark = (struct commit_mark){.safe = writer->cursor};
    writer->audit.dropped_command = writer->retention.dropped_command;

    publish(writer);
    writer->balances_due_ms = now_ms();
    metric_set(&writer->options->metrics->database_up, 1);
    log_info("settlement", "database ready", "height=%" PRIu64 " command=%" PRIu64,
             writer->cursor.height, writer->cursor.command);
    return STATUS_OK;
}

/* Reads again the balances between the table's height and the cursor: they were not in it yet.
 * NOT_FOUND: the chain is not that far, because it is being built anew. */
static enum status catch_balances_up(struct writer *writer)
{
    const struct block_source *source = &writer->options->source;
    while (writer->balances_known < writer->cursor.height) {
        struct block_bytes block;
        enum status status = source->read(source->context, writer->balances_known + 1, &block);
        if (status == STATUS_OK) status = store_block_balances(writer->store, &block);
        if (status != STATUS_OK) return status;
        writer->balances_known++;
    }
    return STATUS_OK;
}

/* Whether the block goes on where `at` ends. */
static bool block_follows(const struct writer *writer, const struct cursor *at,
                          const struct block_header *header)
{
    return header->height == at->height + 1 && header->first_command == at->command + 1 &&
           hash_equal(header->prev_hash, at->hash) &&
           hash_equal(header->chain_id, writer->chain_id);
}

/* Orders of blocks that an earlier session wrote without coming to move the cursor are there. */
static enum status leave_out(struct writer *writer, struct batch *batch)
{
    const struct cursor *at = &batch->to;
    const struct ahead_place place = {at->height, at->command, at->hash};
    const enum status status = ahead_leave_out(writer->ahead, &batch->rows, &place);
    if (status != STATUS_OK && is_news(writer))
        log_error("settlement", "the chain is not the one of what is ahead of the cursor",
                  "height=%" PRIu64 " command=%" PRIu64, at->height, at->command);
    return status;
}

/* Turns the next block into rows and moves the batch's end past it. */
static enum status take_block(struct writer *writer, struct batch *batch)
{
    const struct block_source *source = &writer->options->source;
    const struct store_sink sink = row_batch_sink(&batch->rows);
    struct cursor *at = &batch->to;
    struct block_bytes block;
    struct block_header header;
    enum status status = source->read(source->context, at->height + 1, &block);
    if (status != STATUS_OK) return status;

    if (!block_header_decode(block.header, &header) || !block_follows(writer, at, &header)) {
        if (is_news(writer))
            log_error("settlement", "the chain does not go on where the database ends",
                      "height=%" PRIu64 " command=%" PRIu64, at->height, at->command);
        return STATUS_MISMATCH;
    }
    status = store_block(writer->store, &block, &sink);
    if (status != STATUS_OK) {
        /* Most likely they do, and a balance that was read from the database is not the chain's. */
        if (is_news(writer))
            audit_alarm(&writer->audit, "events of a block on top of the database's balances",
                        header.height);
        return status;
    }
    audit_block(&writer->audit, writer->store, header.height);
    at->height = header.height;
    at->command = header.last_command;
    at->hash = block_header_hash(block.header);
    return leave_out(writer, batch);
}

static bool has_block(const struct writer *writer, uint64_t height)
{
    const struct block_source *source = &writer->options->source;
    struct block_bytes block;
    return source->read(source->context, height, &block) == STATUS_OK;
}

/* As many blocks as are there, up to the bounds of a batch. NOT_FOUND: none. */
static enum status take_blocks(struct writer *writer, struct batch *batch)
{
    batch->is_more = false;
    for (uint32_t count = 0; count < writer->options->batch_blocks; count++) {
        if (row_batch_bytes(&batch->rows) >= BATCH_BYTES_MAX) break;
        const enum status status = take_block(writer, batch);
        if (status == STATUS_NOT_FOUND && count > 0) return STATUS_OK;
        if (status != STATUS_OK) return status;
    }
    batch->is_more = has_block(writer, batch->to.height + 1);
    return STATUS_OK;
}

/* The batch that goes on where `from` ends: rows, candles, and balances when they are due. NOT_FOUND: there is nothing to
 * write. */
static enum status make_batch(struct writer *writer, struct batch *batch, struct cursor from)
{
    const struct store_sink sink = row_batch_sink(&batch->rows);
    row_batch_start(&batch->rows);
    batch->to = from;
    const enum status status = take_blocks(writer, batch);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) return status;
    const bool idle = status == STATUS_NOT_FOUND;
    const uint64_t now = now_ms();
    const bool due = now >= writer->balances_due_ms || audit_hurries(&writer->audit);
    const bool changed = store_dirty_accounts(writer->store) > 0;
    batch->has_balances = due && changed;
    if (idle && !batch->has_balances) return STATUS_NOT_FOUND;
    if (batch->has_balances) {
        store_balances(writer->store, &sink);
        writer->balances_due_ms = now + writer->options->balances_ms;
    }
    /* Blocks that change no balance leave the table true: a session to come need not read them for it. */
    if (batch->has_balances || !changed) batch->to.balances_height = batch->to.height;
    store_flush(writer->store, &sink);
    batch->fill_count = batch->rows.rows[ROW_FILLS].row_count;
    return STATUS_OK;
}

/* What is to be done beside writing, when it is time to: old partitions go, and what is there is compared. NOT_FOUND:
 * nothing. */
static enum status look_after(struct writer *writer, uint64_t now)
{
    const bool has_balances =
        store_dirty_accounts(writer->store) == 0 && writer->balances_known == writer->cursor.height;
    bool did;
    enum status status = retention_step(&writer->retention, writer->database, now);
    if (status != STATUS_OK) return status;
    writer->audit.dropped_command = writer->retention.dropped_command;
    if (writer->is_made) return STATUS_NOT_FOUND; /* the store is further than the tables */
    status = audit_step(&writer->audit, writer->store, writer->database, writer->cursor.height,
                        has_balances, now, &did);
    return status == STATUS_OK && !did ? STATUS_NOT_FOUND : status;
}

/* Rows went in: whatever disk was full has room again. */
static void tell_room(struct writer *writer)
{
    struct metrics *metrics = writer->options->metrics;
    if (metric_get(&metrics->database_full) == 0) return;
    metric_set(&metrics->database_full, 0);
    log_info("settlement", "PostgreSQL has room again", "height=%" PRIu64, writer->cursor.height);
}

/* Rows and cursor are committed up to the batch's end. */
static void go_on(struct writer *writer, const struct batch *batch, uint64_t now)
{
    writer->cursor = batch->to;
    writer->balances_known = batch->to.height;
    metric_add(&writer->options->metrics->projected_fills_total, batch->fill_count);
    publish(writer);
    lag_tell(&writer->lag, now, batch->fill_count);
    tell_room(writer);
    database_forget_failure(writer->database);
}

/* Writes the batch, and makes the next one meanwhile when its first block is there: unless something is to be compared
 * with the store, which has to stand at the cursor for that. */
static enum status write_batch(struct writer *writer, struct batch *batch)
{
    const uint64_t now = now_ms();
    const bool has_balances = batch->to.balances_height == batch->to.height;
    const bool beside =
        batch->is_more && !audit_is_due(&writer->audit, writer->store, has_balances, now);
    struct commit commit = {.database = writer->database,
                            .ahead = writer->ahead,
                            .batch = &batch->rows,
                            .from = writer->cursor,
                            .to = batch->to,
                            .is_more = batch->is_more};
    enum status next = STATUS_NOT_FOUND;
    commit_begin(&commit, beside);
    writer->current ^= 1;
    if (beside) next = make_batch(writer, &writer->batches[writer->current], batch->to);
    enum status status = commit_end(&commit);
    if (status == STATUS_OK) status = commit_mark_move(&writer->mark, &commit);
    if (status != STATUS_OK) return status;
    go_on(writer, batch, now);
    writer->is_made = next == STATUS_OK;
    return next == STATUS_NOT_FOUND ? STATUS_OK : next;
}

/* One batch. NOT_FOUND: nothing to do. Any other failure ends the session, and with it everything
 * that is not committed, here and there. */
static enum status step(struct writer *writer)
{
    struct batch *batch = &writer->batches[writer->current];
    enum status status = STATUS_OK;
    if (!writer->is_made) {
        status = catch_balances_up(writer);
        if (status != STATUS_OK) return status;
        status = make_batch(writer, batch, writer->cursor);
    }
    if (status == STATUS_NOT_FOUND) return look_after(writer, now_ms());
    if (status != STATUS_OK) return status;
    writer->is_made = false;
    status =
        migration_partitions(writer->database, writer->partition_commands,
                             writer->cursor.command + 1, batch->to.command, &writer->partitions_to);
    if (status == STATUS_OK) status = write_batch(writer, batch);
    if (status != STATUS_OK) return status;
    writer->has_complained = false;
    status = look_after(writer, now_ms());
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* A node that joined by a checkpoint waits for blocks that it will never have: somebody should know. */
static void tell_gap(struct writer *writer)
{
    const struct block_source *source = &writer->options->source;
    if (source->first == NULL || writer->has_told_gap) return;
    const uint64_t known = writer->balances_known, at = writer->cursor.height;
    const uint64_t next = (known < at ? known : at) + 1;
    const uint64_t first = source->first(source->context);
    if (first <= next) return;
    writer->has_told_gap = true;
    log_error("settlement",
              "the database lacks blocks that are not here, and stays as it is: give it a copy of "
              "another node's",
              "missing_first=%" PRIu64 " missing_last=%" PRIu64 " history_begins=%" PRIu64, next,
              first - 1, first);
}

/* Fills the database until something fails or the node stops. */
static enum status session(struct writer *writer)
{
    enum status status = resume(writer);
    while (!is_stopping(writer) && (status == STATUS_OK || status == STATUS_NOT_FOUND)) {
        status = step(writer);
        if (status != STATUS_NOT_FOUND) continue;
        tell_gap(writer);
        park_sleep(writer->options->park, SLEEP_MS);
    }
    return status;
}

/* Sleeps, whatever the chain does meanwhile. */
static void back_off(struct writer *writer, uint64_t milliseconds)
{
    const uint64_t until = now_ms() + milliseconds;
    while (!is_stopping(writer)) {
        const uint64_t now = now_ms();
        (void)lag_measure(&writer->lag);
        if (now >= until) return;
        park_sleep(writer->options->park, (int)(until - now < SLEEP_MS ? until - now : SLEEP_MS));
    }
}

static bool writer_open(struct writer *writer, const struct store_options *options)
{
    writer->chain_id = genesis_chain_id(options->genesis);
    writer->partition_commands = options->partition_commands;
    writer->retention = (struct retention){.kept_ns = options->kept_ns,
                                           .span = options->partition_commands,
                                           .progress = options->progress};
    writer->audit = (struct audit){
        .metrics = options->metrics, .progress = options->progress, .compared = options->compared};
    writer->lag = (struct lag){
        .progress = options->progress, .metrics = options->metrics, .tell_ms = options->tell_ms};
    writer->database = database_new(options->conninfo, &options->progress->stopping);
    if (writer->database == NULL) return false;
    database_watched(writer->database, lag_watch(&writer->lag));
    if (!arena_map(&writer->arena, store_bytes(options->genesis))) return false;
    writer->store = store_new(&writer->arena, options->genesis);
    if (writer->store == NULL) return false;
    writer->ahead = ahead_new(options->conninfo, &options->progress->stopping, options->lock_ms);
    if (writer->ahead == NULL) return false;
    ahead_watched(writer->ahead, lag_watch(&writer->lag));
    return row_batch_open(&writer->batches[0].rows) && row_batch_open(&writer->batches[1].rows);
}

static void writer_close(struct writer *writer)
{
    row_batch_close(&writer->batches[0].rows);
    row_batch_close(&writer->batches[1].rows);
    arena_unmap(&writer->arena);
    ahead_free(writer->ahead);
    database_free(writer->database);
}

static void run(struct writer *writer)
{
    struct metrics *metrics = writer->options->metrics;
    uint64_t wait_ms = BACKOFF_MS_MIN;
    while (!is_stopping(writer)) {
        const uint64_t before = writer->cursor.height;
        const enum status status = session(writer);
        ahead_disconnect(writer->ahead);
        database_disconnect(writer->database);
        metric_set(&metrics->database_up, 0);
        if (is_stopping(writer)) return;

        metric_add(&metrics->database_failures_total, 1);
        if (database_is_full(writer->database)) metric_set(&metrics->database_full, 1);
        if (writer->cursor.height != before || status == STATUS_DB_CONFLICT)
            wait_ms = BACKOFF_MS_MIN; /* it worked until now */
        back_off(writer, wait_ms);
        wait_ms = wait_ms * 2 < BACKOFF_MS_MAX ? wait_ms * 2 : BACKOFF_MS_MAX;
    }
}

void store_run(const struct store_options *options)
{
    struct store_options settled = *options;
    if (settled.partition_commands == 0) settled.partition_commands = STORE_PARTITION_COMMANDS;
    if (settled.batch_blocks == 0) settled.batch_blocks = STORE_BATCH_BLOCKS;
    if (settled.balances_ms == 0) settled.balances_ms = STORE_BALANCES_MS;
    if (settled.tell_ms == 0) settled.tell_ms = LAG_TELL_MS;

    struct writer writer = {.options = &settled};
    if (writer_open(&writer, &settled))
        run(&writer);
    else
        log_error("settlement", "no memory for the projection; PostgreSQL is not filled", "%s", "");
    writer_close(&writer);
}
