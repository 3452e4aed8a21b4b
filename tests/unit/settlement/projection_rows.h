/* The tables of a database beside the model of its chain (projection_model.h), and all of them in one line. */

#ifndef TESTS_UNIT_SETTLEMENT_PROJECTION_ROWS_H
#define TESTS_UNIT_SETTLEMENT_PROJECTION_ROWS_H

#include "tests/harness.h"
#include "tests/unit/settlement/cluster.h"
#include "tests/unit/settlement/projection_model.h"

/* Where a line of a table that retention drops from has its command, from 1. */
static const int rows_command_at[MODEL_TABLES] = {
    [MODEL_FILLS] = 1,           [MODEL_ORDERS] = 2,
    [MODEL_PREVENTED] = 2,       [MODEL_AMENDMENTS] = 1,
    [MODEL_LISTS] = 2,           [MODEL_ENTRIES] = 2,
    [MODEL_DEPOSIT_CHANGES] = 1, [MODEL_WITHDRAWAL_CHANGES] = 1,
    [MODEL_ADDRESS_CHANGES] = 1};

/* Whether retention has dropped the line: its command is below `dropped`. */
static inline bool rows_is_gone(int table, const char *line, uint64_t dropped)
{
    if (rows_command_at[table] == 0) return false;
    if (rows_command_at[table] == 2) line = strchr(line, '|') + 1;
    return strtoull(line, NULL, 10) < dropped;
}

static inline void rows_line(PGresult *result, int row, char line[2 * MODEL_WIDTH])
{
    size_t used = 0;
    line[0] = '\0';
    for (int column = 0; column < PQnfields(result); column++)
        used += (size_t)snprintf(line + used, 2 * MODEL_WIDTH - used, "%s%s", column > 0 ? "|" : "",
                                 PQgetvalue(result, row, column));
}

/* Every row of every table is the model's, none more, none less; of commands below `dropped` none is there. */
static inline void rows_compare(const char *database, const struct model *model, uint64_t dropped)
{
    PGconn *connection = PQconnectdb(cluster_conninfo(database));
    for (int table = 0; table < MODEL_TABLES; table++) {
        const struct model_rows *rows = &model->tables[table];
        PGresult *result = PQexec(connection, model_questions[table]);
        assert_int_equal(PQresultStatus(result), PGRES_TUPLES_OK);
        int row = 0;
        for (uint32_t i = 0; i < rows->count; i++) {
            char line[2 * MODEL_WIDTH];
            if (rows_is_gone(table, rows->lines[i], dropped)) continue;
            if (row == PQntuples(result))
                fail_msg("table %d ends before %s", table, rows->lines[i]);
            rows_line(result, row++, line);
            if (strcmp(line, rows->lines[i]) != 0)
                fail_msg("table %d row %u\n  database %s\n  model    %s", table, i, line,
                         rows->lines[i]);
        }
        if (row != PQntuples(result))
            fail_msg("table %d has %d rows, the model %d", table, PQntuples(result), row);
        PQclear(result);
    }
    PQfinish(connection);
}

#define ROWS_DIGEST_BYTES 4096

/* All tables of the schema, with their names, their partitions' and a hash of their rows; of the migrations not when. */
static inline void rows_digest(const char *database, char text[ROWS_DIGEST_BYTES])
{
    PGconn *connection = PQconnectdb(cluster_conninfo(database));
    PGresult *tables = PQexec(
        connection, "SELECT c.relname, c.relispartition FROM pg_class c JOIN pg_namespace n ON"
                    " n.oid = c.relnamespace WHERE n.nspname = 'quorex' AND c.relkind IN ('r', 'p')"
                    " ORDER BY c.relname");
    size_t used = 0;
    assert_true(PQntuples(tables) > 20);
    text[0] = '\0';
    for (int i = 0; i < PQntuples(tables); i++) {
        const char *name = PQgetvalue(tables, i, 0);
        char sql[256];
        snprintf(sql, sizeof(sql),
                 "SELECT md5(coalesce(string_agg(t::text, ',' ORDER BY t::text), ''))"
                 " FROM %s%s%s t",
                 strcmp(name, "migrations") == 0 ? "(SELECT migration, name FROM quorex."
                                                 : "quorex.",
                 name, strcmp(name, "migrations") == 0 ? ")" : "");
        const bool is_part = strcmp(PQgetvalue(tables, i, 1), "t") == 0;
        PGresult *rows = is_part ? NULL : PQexec(connection, sql);
        if (!is_part) assert_int_equal(PQresultStatus(rows), PGRES_TUPLES_OK);
        used += (size_t)snprintf(text + used, ROWS_DIGEST_BYTES - used, "%s %.12s\n", name,
                                 is_part ? "" : PQgetvalue(rows, 0, 0));
        assert_true(used < ROWS_DIGEST_BYTES);
        PQclear(rows);
    }
    PQclear(tables);
    PQfinish(connection);
}

#endif /* TESTS_UNIT_SETTLEMENT_PROJECTION_ROWS_H */
