#include "settlement/retention.h"

#include "common/log.h"
#include "common/progress.h"
#include "settlement/database.h"

#include <inttypes.h>
#include <stdio.h>

static void publish(const struct retention *retention)
{
    atomic_store_explicit(&retention->progress->history_from_ns, retention->dropped_ns,
                          memory_order_relaxed);
}

enum status retention_load(struct retention *retention, struct database *database)
{
    const enum status status =
        database_run(database, "SELECT dropped_command, dropped_ns FROM quorex.cursor");
    if (status != STATUS_OK) return status;
    retention->dropped_command = (uint64_t)database_number(database, 0, 0);
    retention->dropped_ns = (uint64_t)database_number(database, 0, 1);
    publish(retention);
    return STATUS_OK;
}

/* A partition of commands that are gone, if one is left: its name and its table's; `pending`: its detaching was
 * begun and not ended. One that has to wait comes first again, so that its wait is told once. */
static enum status find_partition(const struct retention *retention, struct database *database,
                                  bool *found)
{
    const enum status status = database_run(
        database,
        "SELECT c.relname, p.relname, coalesce(i.inhdetachpending::int, 0)"
        " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " LEFT JOIN pg_inherits i ON i.inhrelid = c.oid LEFT JOIN pg_class p ON p.oid = i.inhparent"
        " WHERE n.nspname = 'quorex' AND c.relkind = 'r'"
        " AND c.relname ~ '^(fills|orders|ledger_entries|prevented_matches|order_lists"
        "|order_amendments|deposit_changes|withdrawal_changes|address_changes)_p[0-9]+$'"
        " AND substring(c.relname from '[0-9]+$')::bigint < %" PRIu64
        " ORDER BY substring(c.relname from '[0-9]+$')::bigint, c.relname LIMIT 1",
        retention->dropped_command / retention->span);
    if (status != STATUS_OK) return status;
    *found = database_rows(database) > 0;
    return STATUS_OK;
}

/* The next step towards its end. Each is one that may be cut off, by a reader who takes his time too, and taken again. */
static enum status drop_partition(struct retention *retention, struct database *database,
                                  bool *is_late)
{
    char name[64], table[64], sql[256];
    const bool attached = !database_is_null(database, 0, 1);
    const bool pending = database_number(database, 0, 2) != 0;
    snprintf(name, sizeof(name), "%s", database_text(database, 0, 0));
    snprintf(table, sizeof(table), "%s", attached ? database_text(database, 0, 1) : "");
    *is_late = false;
    if (attached) {
        snprintf(sql, sizeof(sql), "ALTER TABLE quorex.%s DETACH PARTITION quorex.%s %s", table,
                 name, pending ? "FINALIZE" : "CONCURRENTLY");
        const enum status status = database_run_within(database, RETENTION_WAIT_MS, sql, is_late);
        if (status != STATUS_OK) return status;
    }
    if (!*is_late) {
        snprintf(sql, sizeof(sql), "DROP TABLE quorex.%s", name);
        const enum status status = database_run_within(database, RETENTION_WAIT_MS, sql, is_late);
        if (status != STATUS_OK) return status;
    }
    if (!*is_late)
        log_info("settlement", "history dropped by retention", "partition=%s", name);
    else if (!retention->has_told)
        log_warn("settlement", "history that is to be dropped waits for who reads it",
                 "partition=%s", name);
    retention->has_told = *is_late;
    return STATUS_OK;
}

/* Says that the next partition is gone, when all of it is older than what is kept. */
static enum status declare(struct retention *retention, struct database *database, bool *declared)
{
    const uint64_t end = (retention->dropped_command / retention->span + 1) * retention->span;
    const enum status status = database_run(
        database,
        "UPDATE quorex.cursor c SET dropped_command = %" PRIu64 ", dropped_ns = b.time_ns"
        " FROM (SELECT time_ns FROM quorex.blocks WHERE last_command >= %" PRIu64
        " ORDER BY last_command LIMIT 1) b, quorex.blocks n WHERE c.id = 1"
        " AND c.dropped_command = %" PRIu64 " AND c.command >= %" PRIu64
        " AND n.height = c.height AND b.time_ns + %" PRIu64 " <= n.time_ns"
        " RETURNING b.time_ns",
        end, end, retention->dropped_command, end, retention->kept_ns);
    if (status != STATUS_OK) return status;
    *declared = database_rows(database) > 0;
    if (!*declared) return STATUS_OK;
    retention->dropped_command = end;
    retention->dropped_ns = (uint64_t)database_number(database, 0, 0);
    publish(retention);
    return STATUS_OK;
}

enum status retention_step(struct retention *retention, struct database *database, uint64_t now_ms)
{
    bool found = false, declared = false, is_late = false;
    if (retention->kept_ns == 0 || now_ms < retention->due_ms) return STATUS_OK;
    enum status status = STATUS_OK;
    if (retention->dropped_command > 0) status = find_partition(retention, database, &found);
    if (status == STATUS_OK && found) {
        status = drop_partition(retention, database, &is_late);
        if (status == STATUS_OK && is_late) retention->due_ms = now_ms + RETENTION_MS;
        return status;
    }
    if (status == STATUS_OK) status = declare(retention, database, &declared);
    if (status == STATUS_OK && !declared) retention->due_ms = now_ms + RETENTION_MS;
    return status;
}
