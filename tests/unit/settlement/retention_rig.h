/* A writer that drops old partitions, over a chain of 400 fills, one every ten seconds. */

#ifndef TESTS_UNIT_SETTLEMENT_RETENTION_RIG_H
#define TESTS_UNIT_SETTLEMENT_RETENTION_RIG_H

#include "tests/unit/settlement/cluster.h"
#include "tests/unit/settlement/world_custody.h"

#include <pthread.h>
#include <time.h>

#define WAIT_MS   60000
#define PARTITION 100
#define SECOND_NS UINT64_C(1000000000)

struct rig {
    pthread_t thread;
    struct park park;
    struct progress progress;
    struct metrics metrics;
    struct store_options options;
    char conninfo[256];
    _Atomic uint64_t visible; /* blocks that the writer may see; 0: all */
};

static struct rig *rig;
static struct world *world;

static inline enum status rig_read(void *context, uint64_t height, struct block_bytes *out)
{
    const struct rig *of = context;
    const uint64_t visible = atomic_load(&of->visible);
    return visible > 0 && height > visible ? STATUS_NOT_FOUND : world_read(world, height, out);
}

static inline void *run_writer(void *options)
{
    store_run(options);
    return NULL;
}

/* A deposit and a withdrawal; then a fill every ten seconds, a block every ten fills. */
static inline void make_chain(void)
{
    struct custody custody;
    world = world_new();
    custody_open(&custody, world);
    custody_told(&custody, custody_deposit_of(1, 7000, 2), 2, 0);
    custody_told(&custody, custody_deposit_of(1, 7000, 3), 3, 7000);
    custody_withdraw(&custody, 4000);
    for (uint64_t i = 0; world->trade_id < 400; i++) {
        world->stamp_ns += 10 * SECOND_NS;
        world_sell(world, (uint32_t)(1 + i % 4), 3000000, 3);
        world_buy(world, (uint32_t)(1 + (i + 1) % 4), 3000000, 3);
        if (world->trade_id % 10 == 0) assert_int_equal(world_seal(world), STATUS_OK);
    }
}

static inline void rig_start_seeing(uint64_t kept_s, uint64_t visible)
{
    rig = aligned_alloc(64, (sizeof(*rig) + 63) / 64 * 64);
    if (rig == NULL) abort();
    memset(rig, 0, sizeof(*rig));
    assert_true(park_open(&rig->park));
    atomic_store(&rig->visible, visible);
    snprintf(rig->conninfo, sizeof(rig->conninfo), "%s", cluster_conninfo("kept"));
    rig->options = (struct store_options){.conninfo = rig->conninfo,
                                          .genesis = &world->genesis,
                                          .source = {.context = rig, .read = rig_read},
                                          .park = &rig->park,
                                          .progress = &rig->progress,
                                          .metrics = &rig->metrics,
                                          .partition_commands = PARTITION,
                                          .kept_ns = kept_s * SECOND_NS,
                                          .balances_ms = 1};
    assert_int_equal(pthread_create(&rig->thread, NULL, run_writer, &rig->options), 0);
}

static inline void rig_start(uint64_t kept_s)
{
    rig_start_seeing(kept_s, 0);
}

static inline void rig_stop(void)
{
    atomic_store(&rig->progress.stopping, 1);
    park_wake(&rig->park);
    pthread_join(rig->thread, NULL);
    park_close(&rig->park);
    free(rig);
}

static inline int64_t number(const char *sql)
{
    return strtoll(cluster_ask("kept", sql), NULL, 10);
}

static inline bool wait_for(const char *sql, int64_t value)
{
    const struct timespec step = {.tv_nsec = 2000000};
    for (int i = 0; i < WAIT_MS / 2 && number(sql) != value; i++) {
        park_wake(&rig->park);
        nanosleep(&step, NULL);
    }
    return number(sql) == value;
}

__attribute__((unused)) static const char lowest[] =
    "SELECT coalesce(min(substring(relname from '[0-9]+$')::int), -1) FROM pg_class"
    " WHERE relkind = 'r' AND relname ~ '^(fills|orders|ledger_entries|order_lists"
    "|deposit_changes|withdrawal_changes|address_changes)_p[0-9]+$'";

static inline void filled(uint64_t kept_s)
{
    cluster_start();
    if (world == NULL) make_chain();
    cluster_ask("postgres", "DROP DATABASE IF EXISTS kept WITH (FORCE)");
    cluster_ask("postgres", "CREATE DATABASE kept");
    rig_start(kept_s);
    assert_true(wait_for("SELECT height FROM quorex.cursor", (int64_t)world->height));
}

#endif /* TESTS_UNIT_SETTLEMENT_RETENTION_RIG_H */
