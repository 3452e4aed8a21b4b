/* The numbered migrations of settlement/schema/, compiled in (settlement.cmake). */

#ifndef SETTLEMENT_SCHEMA_H
#define SETTLEMENT_SCHEMA_H

#include <stdint.h>

struct schema_migration {
    uint32_t number; /* from the file's name: 001_base.sql; rising */
    const char *name;
    const char *sql;
};

extern const struct schema_migration schema_migrations[];
extern const uint32_t schema_migration_count;

#endif /* SETTLEMENT_SCHEMA_H */
