/* How long PostgreSQL needs to catch up after an hour's outage at 1,000 fills a second.
 *
 *     bench_outage [OUTAGE [BEFORE [DIRECTORY]]]      (3,600,000, 1,000,000, /tmp)
 *
 * A chain of BEFORE + OUTAGE fills (trading_world.h) is written to a file in DIRECTORY, which wants some 1.2 kB a fill and is
 * gone afterwards. The first BEFORE are projected into a private cluster with default durability, the writer is stopped as
 * by an outage, and started again when the rest is there: from its first connection to the last row. Rows are
 * counted in the end. Exit code 1: later than OUTAGE_BAR_S for an hour's outage, or a row is missing.
 */

#define WORLD_BLOCKS (1u << 16)

#include "benchmarks/trading_world.h"
#include "tests/unit/settlement/cluster.h"

#include <fcntl.h>
#include <pthread.h>
#include <time.h>

#define OUTAGE_FILLS 3600000
#define OUTAGE_BAR_S 90
#define REST_NS      1000000

struct place {
    off_t at;
    size_t byte_count;
};

static struct world *world;
static struct place places[WORLD_BLOCKS];
static int file = -1;
static _Atomic uint64_t visible;
static struct progress progress;
static struct metrics metrics;
static struct park park;
static char conninfo[256];

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The block's body goes to the file; memory keeps its header. */
static void put_away(off_t *end)
{
    struct world_block *block = &world->blocks[world->height - 1];
    places[world->height - 1] = (struct place){*end, block->body_bytes};
    for (size_t done = 0; done < block->body_bytes;) {
        const ssize_t count = pwrite(file, (const uint8_t *)block->body + done,
                                     block->body_bytes - done, *end + (off_t)done);
        if (count <= 0) {
            perror("the chain's file");
            exit(2);
        }
        done += (size_t)count;
    }
    *end += (off_t)block->body_bytes;
    free(block->body);
    block->body = NULL;
}

/* Returns the height at which there are `before` fills. */
static uint64_t make_chain(uint64_t before, uint64_t fills)
{
    off_t end = 0;
    uint64_t height = 0;
    world = trading_world();
    while (world->trade_id < fills) {
        const uint64_t next = world->trade_id < before ? before : fills;
        const uint64_t left = next - world->trade_id;
        trading_block(world, left < FILLS_A_BLOCK ? left : FILLS_A_BLOCK);
        put_away(&end);
        if (world->trade_id == before) height = world->height;
    }
    printf("chain        %8llu fills, %llu blocks, %.2f GB\n", (unsigned long long)world->trade_id,
           (unsigned long long)world->height, (double)end / 1e9);
    fflush(stdout);
    return height;
}

static enum status read_block(void *unused, uint64_t height, struct block_bytes *out)
{
    static uint8_t *bytes;
    static size_t capacity;
    (void)unused;
    if (height > atomic_load(&visible)) return STATUS_NOT_FOUND;
    const struct place *place = &places[height - 1];
    if (place->byte_count > capacity) {
        capacity = place->byte_count * 2;
        bytes = realloc(bytes, capacity);
        if (bytes == NULL) abort();
    }
    if (pread(file, bytes, place->byte_count, place->at) != (ssize_t)place->byte_count) abort();
    *out = (struct block_bytes){world->blocks[height - 1].header, bytes, place->byte_count};
    return STATUS_OK;
}

static void *run_writer(void *options)
{
    store_run(options);
    return NULL;
}

/* A writer from its start until the block is in PostgreSQL. Returns the seconds. */
static double project(uint64_t height)
{
    const struct timespec rest = {.tv_nsec = REST_NS};
    pthread_t writer;
    struct store_options options = {.conninfo = conninfo,
                                    .genesis = &world->genesis,
                                    .source = {.read = read_block},
                                    .park = &park,
                                    .progress = &progress,
                                    .metrics = &metrics};
    atomic_store(&visible, height);
    atomic_store(&progress.sealed_height, height);
    atomic_store(&progress.stopping, 0);
    const double begin = now_s();
    if (pthread_create(&writer, NULL, run_writer, &options) != 0) abort();
    while (atomic_load(&progress.projected_height) < height)
        nanosleep(&rest, NULL);
    const double took = now_s() - begin;
    atomic_store(&progress.stopping, 1);
    park_wake(&park);
    pthread_join(writer, NULL);
    return took;
}

int main(int count, char **arguments)
{
    const uint64_t outage = count > 1 ? strtoull(arguments[1], NULL, 10) : OUTAGE_FILLS;
    const uint64_t before = count > 2 ? strtoull(arguments[2], NULL, 10) : 1000000;
    char path[256];
    snprintf(path, sizeof(path), "%s/quorex-outage-XXXXXX", count > 3 ? arguments[3] : "/tmp");
    if (outage == 0 || before == 0 || (file = mkstemp(path)) < 0 || !park_open(&park)) return 2;
    unlink(path); /* gone with the process, whatever ends it */
    const uint64_t height = make_chain(before, before + outage);
    cluster_durable = true;
    cluster_settings = CLUSTER_RECOMMENDED;
    cluster_start();
    snprintf(conninfo, sizeof(conninfo), "%s", cluster_conninfo("postgres"));
    const double first = project(height);
    printf("before       %8llu fills in %7.2f s   %9.0f fills/s\n", (unsigned long long)before,
           first, (double)before / first);
    fflush(stdout);
    const double took = project(world->height);
    const uint64_t rows =
        strtoull(cluster_ask("postgres", "SELECT count(*) FROM quorex.fills"), NULL, 10);
    const double hour = took * OUTAGE_FILLS / (double)outage;
    printf("caught up    %8llu fills in %7.2f s   %9.0f fills/s\n", (unsigned long long)outage,
           took, (double)outage / took);
    printf("an hour's outage: %.1f s (bar %d); %llu of %llu fills are rows\n", hour, OUTAGE_BAR_S,
           (unsigned long long)rows, (unsigned long long)(before + outage));
    return hour <= OUTAGE_BAR_S && rows == before + outage ? 0 : 1;
}
