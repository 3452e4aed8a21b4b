/* How many fills a second settlement takes, and how many PostgreSQL takes with the whole projection.
 *
 *     bench_store [FILLS [CONNINFO]]
 *
 * A synthetic chain of FILLS fills (default 200,000; 64 accounts, 500 fills a block, every order a row,
 * entries netted a block, 16 candles a fill, every index) is made in memory. It is settled once from
 * its events alone, then written by store_run from height 1 into an empty database: one of a private
 * cluster with default durability, or the one that CONNINFO names, which must be empty. Then the yardstick (naive.h), and
 * the ratio of the two.
 */

#define WORLD_ACCOUNTS 64

#include "benchmarks/naive.h"
#include "tests/unit/settlement/cluster.h"
#include "tests/unit/settlement/world.h"

#include <pthread.h>
#include <time.h>

static uint64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static struct world *make_chain(uint64_t fill_count)
{
    struct world *world = world_new();
    for (uint32_t account = 5; account <= WORLD_ACCOUNTS; account++) {
        (void)world_account(world, account % 2 == 0);
        world_credit(world, account, BTC, 100000000000);
        world_credit(world, account, USDT, 10000000000000000);
    }
    for (uint64_t i = 0; world->trade_id < fill_count; i++) {
        const int64_t price = 3000000 + (int64_t)(i * 7919 % 101);
        world->stamp_ns += 200000;
        world_sell(world, (uint32_t)(1 + i % WORLD_ACCOUNTS), price, 3);
        world_buy(world, (uint32_t)(1 + i * 31 % WORLD_ACCOUNTS), price + 5, 3);
        if (world->trade_id % 500 == 0) world_seal(world);
    }
    if (world_seal(world) != STATUS_OK) abort();
    return world;
}

static void settle_body(struct settlement *settlement, const struct world_block *block)
{
    const uint8_t *at = block->body;
    struct applied applied;
    while (applied_next(&at, block->body + block->body_bytes, &applied)) {
        struct command command;
        struct event event;
        if (!command_decode(applied.command, applied.command_length, &command)) abort();
        if (settle_command(settlement, applied.number, applied.stamp_ns, &command) != STATUS_OK)
            abort();
        const uint8_t *next = applied.events;
        while (event_next(&next, applied.events + applied.events_length, &event))
            if (settle_event(settlement, &event) != STATUS_OK) abort();
    }
}

static void bench_settle(const struct world *world)
{
    struct arena arena;
    struct settle_roots roots;
    if (!arena_map(&arena, settlement_bytes(&world->genesis))) abort();
    struct settlement *settlement = settlement_new(&arena, &world->genesis, world_secret);
    const uint64_t begin = now_us();
    for (uint64_t height = 1; height <= world->height; height++) {
        settle_body(settlement, &world->blocks[height - 1]);
        if (settle_block(settlement, height, &roots) != STATUS_OK) abort();
    }
    const uint64_t took = now_us() - begin;
    printf("settled      %8llu fills in %6.2f s   %9.0f fills/s\n",
           (unsigned long long)world->trade_id, (double)took / 1e6,
           (double)world->trade_id * 1e6 / (double)took);
    arena_unmap(&arena);
}

static void *run_writer(void *options)
{
    store_run(options);
    return NULL;
}

static double bench_store(struct world *world, const char *conninfo)
{
    static struct progress progress;
    static struct metrics metrics;
    struct park park;
    pthread_t thread;
    if (!park_open(&park)) abort();
    struct store_options options = {.conninfo = conninfo,
                                    .genesis = &world->genesis,
                                    .source = {.context = world, .read = world_read},
                                    .park = &park,
                                    .progress = &progress,
                                    .metrics = &metrics};
    const struct timespec step = {.tv_nsec = 1000000};
    const uint64_t begin = now_us();
    if (pthread_create(&thread, NULL, run_writer, &options) != 0) abort();
    while (atomic_load(&progress.projected_height) < world->height)
        nanosleep(&step, NULL);
    const uint64_t took = now_us() - begin;
    atomic_store(&progress.stopping, 1);
    park_wake(&park);
    pthread_join(thread, NULL);
    printf("projected    %8llu fills in %6.2f s   %9.0f fills/s   (migration included)\n",
           (unsigned long long)world->trade_id, (double)took / 1e6,
           (double)world->trade_id * 1e6 / (double)took);
    park_close(&park);
    return (double)world->trade_id * 1e6 / (double)took;
}

int main(int count, char **arguments)
{
    const uint64_t fill_count = count > 1 ? strtoull(arguments[1], NULL, 10) : 200000;
    struct world *world = make_chain(fill_count);
    bench_settle(world);
    if (count <= 2) {
        cluster_durable = true;
        cluster_settings = CLUSTER_RECOMMENDED;
        cluster_start();
    }
    const char *conninfo = count > 2 ? arguments[2] : cluster_conninfo("postgres");
    const double rate = bench_store(world, conninfo);
    const double naive = naive_rate(conninfo, WORLD_ACCOUNTS);
    printf("naive        one transaction a fill              %9.0f fills/s\n", naive);
    printf("ratio        projected / naive                   %9.1f          (bar 20)\n",
           rate / naive);
    world_free(world);
    return 0;
}
