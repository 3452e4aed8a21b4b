#include "settlement/migration.h"

#include "common/log.h"
#include "settlement/database.h"
#include "settlement/schema.h"

#include <inttypes.h>
#include <string.h>

#define MIGRATION_LOCK 0x71756f726578 /* "quorex": one writer migrates at a time */

static const char *const partitioned[] = {"fills",
                                          "orders",
                                          "ledger_entries",
                                          "order_lists",
                                          "order_amendments",
                                          "prevented_matches",
                                          "deposit_changes",
                                          "withdrawal_changes",
                                          "address_changes"};

/* Whether a newer build has been here. What it changed may be what our rows rest on. */
static bool is_newer(const struct database *database, bool is_news)
{
    const uint32_t known = schema_migrations[schema_migration_count - 1].number;
    const int64_t newest = database_number(database, 0, 1);
    if (newest <= known) return false;
    if (is_news)
        log_error("settlement",
                  "the database was migrated by a newer build; nothing is written to it",
                  "newest=%" PRId64 " known=%" PRIu32, newest, known);
    return true;
}

enum status migration_run(struct database *database, bool is_news)
{
    /* The first column is called `number` up to migration 9, which renames it. */
    enum status status = database_run(
        database,
        "BEGIN; SELECT pg_advisory_xact_lock(%" PRIu64 ");"
        "CREATE SCHEMA IF NOT EXISTS quorex;"
        "CREATE TABLE IF NOT EXISTS quorex.migrations"
        " (number int PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL);"
        "SELECT coalesce(bit_or(1::bigint << n), 0), coalesce(max(n), 0)"
        " FROM quorex.migrations m (n)",
        (uint64_t)MIGRATION_LOCK);
    if (status != STATUS_OK) return status;
    if (is_newer(database, is_news)) {
        status = database_run(database, "ROLLBACK");
        return status == STATUS_OK ? STATUS_MISMATCH : status;
    }

    const uint64_t have = (uint64_t)database_number(database, 0, 0);
    for (uint32_t i = 0; i < schema_migration_count && status == STATUS_OK; i++) {
        const struct schema_migration *migration = &schema_migrations[i];
        ASSERT(migration->number < 63);
        if ((have >> migration->number & 1) != 0) continue;
        status = database_run_text(database, migration->sql);
        if (status != STATUS_OK) break;
        status = database_run(database, "INSERT INTO quorex.migrations VALUES (%u, '%s', now())",
                              migration->number, migration->name);
        if (status == STATUS_OK)
            log_info("settlement", "database migrated", "to=\"%s\"", migration->name);
    }
    return status == STATUS_OK ? database_run(database, "COMMIT") : status;
}

enum status migration_claim(struct database *database, const hash_t *chain_id, bool is_news)
{
    char ours[2 * HASH_BYTES + 1];
    hash_hex(chain_id->bytes, HASH_BYTES, ours);
    enum status status =
        database_run(database,
                     "INSERT INTO quorex.chain VALUES (1, '\\x%s') ON CONFLICT (id) DO NOTHING;"
                     "SELECT encode(chain_id, 'hex') FROM quorex.chain",
                     ours);
    if (status != STATUS_OK) return status;
    const char *theirs = database_text(database, 0, 0);
    if (strcmp(ours, theirs) == 0) return STATUS_OK;
    if (is_news)
        log_error("settlement", "the database belongs to another chain; nothing is written to it",
                  "chain=%s database=%s", ours, theirs);
    return STATUS_MISMATCH;
}

enum status migration_partitions(struct database *database, uint64_t span, uint64_t first,
                                 uint64_t last, uint64_t *made_to)
{
    uint64_t from = *made_to > 0 ? *made_to : first / span * span;
    for (; from <= last + span; from += span) {
        for (size_t i = 0; i < sizeof(partitioned) / sizeof(partitioned[0]); i++) {
            const char *table = partitioned[i];
            const uint64_t number = from / span;
            enum status status = database_run(
                database, "SELECT to_regclass('quorex.%s_p%" PRIu64 "')", table, number);
            if (status != STATUS_OK) return status;
            if (!database_is_null(database, 0, 0)) continue;
            status = database_run(database,
                                  "BEGIN; CREATE TABLE quorex.%s_p%" PRIu64
                                  " (LIKE quorex.%s INCLUDING ALL);"
                                  "ALTER TABLE quorex.%s ATTACH PARTITION quorex.%s_p%" PRIu64
                                  " FOR VALUES FROM (%" PRIu64 ") TO (%" PRIu64 "); COMMIT",
                                  table, number, table, table, table, number, from, from + span);
            if (status != STATUS_OK) return status;
        }
        *made_to = from + span;
    }
    return STATUS_OK;
}
