/* A database with the newest schema and partitions, and batches of a world's blocks for it. */

#ifndef TESTS_UNIT_SETTLEMENT_BATCHES_H
#define TESTS_UNIT_SETTLEMENT_BATCHES_H

#include "settlement/database.h"
#include "settlement/migration.h"
#include "settlement/row_batch.h"
#include "tests/harness.h"
#include "tests/unit/settlement/cluster.h"
#include "tests/unit/settlement/world.h"

static _Atomic uint32_t batches_stopping;

/* A connection to a database of that name which is made anew. */
static inline struct database *batches_open(const char *name, uint64_t commands)
{
    static char conninfo[256];
    char sql[128];
    uint64_t made_to = 0;
    cluster_start();
    snprintf(sql, sizeof(sql), "DROP DATABASE IF EXISTS %s WITH (FORCE)", name);
    cluster_ask("postgres", sql);
    snprintf(sql, sizeof(sql), "CREATE DATABASE %s", name);
    cluster_ask("postgres", sql);
    snprintf(conninfo, sizeof(conninfo), "%s", cluster_conninfo(name));
    struct database *database = database_new(conninfo, &batches_stopping);
    assert_int_equal(database_connect(database), STATUS_OK);
    assert_int_equal(migration_run(database, true), STATUS_OK);
    assert_int_equal(migration_partitions(database, commands, 1, 1, &made_to), STATUS_OK);
    return database;
}

/* A world of two accounts that trades so many times in a block each, and what its blocks are as rows. */
static inline struct world *batches_world(uint32_t blocks)
{
    struct world *world = world_new();
    for (uint32_t i = 0; i < blocks; i++) {
        world_sell(world, 1, 3000000, 3);
        world_buy(world, 2, 3000000, 3);
        assert_int_equal(world_seal(world), STATUS_OK);
    }
    return world;
}

/* Rows of blocks from `first` to `last` of a store that has seen those before. */
static inline void batches_take(struct row_batch *batch, struct store *store, struct world *world,
                                uint64_t first, uint64_t last)
{
    const struct store_sink sink = row_batch_sink(batch);
    for (uint64_t height = first; height <= last; height++) {
        struct block_bytes block;
        assert_int_equal(world_read(world, height, &block), STATUS_OK);
        assert_int_equal(store_block(store, &block, &sink), STATUS_OK);
    }
    store_flush(store, &sink);
}

static inline int64_t batches_number(const char *name, const char *sql)
{
    return strtoll(cluster_ask(name, sql), NULL, 10);
}

#endif /* TESTS_UNIT_SETTLEMENT_BATCHES_H */
