/* Gateway loops and the consensus loop as in a node: each loop puts commands into a ring of its own, the consensus loop
 * makes one stream of them.
 *
 *     race_submissions [--swap]
 *
 * Every command comes out of the log once, those of a loop in the loop's order, all in one unbroken sequence of the
 * node's. With --swap one loop sends two of its commands in the wrong order: exit 0 only when that is noticed.
 */

#include "common/batch.h"
#include "common/hash.h"
#include "common/le.h"
#include "common/log.h"
#include "ledger/consensus.h"
#include "ledger/wal.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define COMMANDS 3000u
#else
#define COMMANDS 30000u
#endif

#define LOOPS      CONSENSUS_SUBMISSIONS_MAX
#define SMALL_RING (64u * 1024) /* full now and then */
#define BATCH_RING (4u * 1024 * 1024)
#define NODE       7

static struct genesis genesis;
static struct progress progress;
static struct metrics metrics;
static struct park park, batches_park;
static struct consensus_options options;
static char directory[] = "/tmp/quorex-submissions-XXXXXX";
static bool swaps;

static void remove_directory(void)
{
    DIR *folder = opendir(directory);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
        if (entry->d_name[0] != '.') unlinkat(dirfd(folder), entry->d_name, 0);
    closedir(folder);
    rmdir(directory);
}

static uint64_t faults;

static void fault(const char *what)
{
    if (faults++ == 0) fprintf(stderr, "race.submissions: %s\n", what);
}

static struct ring *ring_of(size_t capacity)
{
    void *memory = aligned_alloc(64, (ring_bytes(capacity) + 63) & ~(size_t)63);
    if (memory == NULL) abort();
    return ring_new(memory, capacity);
}

/* The number that a loop's command has at its place. */
static uint64_t number_at(uint64_t loop, uint64_t place)
{
    if (!swaps || loop != 1 || place / 2 != COMMANDS / 4) return place;
    return place ^ 1;
}

static void *loop_main(void *context)
{
    const uint64_t loop = (uint64_t)(uintptr_t)context;
    struct ring *ring = options.submissions[loop];
    for (uint64_t place = 0; place < COMMANDS;) {
        uint8_t *at = ring_reserve(ring, COMMAND_HEADER_BYTES + CANCEL_ALL_BYTES);
        if (at != NULL) {
            const struct command_header header = {.length = COMMAND_HEADER_BYTES + CANCEL_ALL_BYTES,
                                                  .type = T_CANCEL_ALL,
                                                  .ticket = loop << 32 | number_at(loop, place)};
            const struct cancel_all_command cancel = {.account = 1, .market = 1};
            command_header_put(at, &header);
            cancel_all_command_put(at + COMMAND_HEADER_BYTES, &cancel);
            ring_commit(ring, header.length);
            place++;
        }
        if ((at == NULL || place % 16 == 0 || place == COMMANDS) && ring_publish(ring))
            park_wake(&park);
        if (at == NULL) sched_yield();
    }
    return NULL;
}

static void *consensus_main(void *unused)
{
    (void)unused;
    if (consensus_run(&options) != STATUS_OK) abort();
    return NULL;
}

static void open_node(void)
{
    if (!hash_start() || mkdtemp(directory) == NULL) abort();
    log_set_level(LOG_WARN);
    genesis.time_ns = 1000;
    genesis.params.block_ms = 100;
    genesis.params.idle_block_ms = 1000;
    genesis.params.stamp_step_ms = 10000;
    genesis.validators.count = 1;
    genesis.validators.members[0].node = NODE;
    struct wal_disk *disk = wal_disk_directory(directory);
    const struct wal_options wal = {
        .disk = disk, .chain_id = genesis_chain_id(&genesis), .node = NODE};
    if (disk == NULL || wal_create(&wal) != STATUS_OK) abort();
    wal_disk_free(disk);
    if (!park_open(&park) || !park_open(&batches_park)) abort();
    options = (struct consensus_options){.wal_directory = directory,
                                         .node = NODE,
                                         .genesis = &genesis,
                                         .submission_count = LOOPS,
                                         .batches = ring_of(BATCH_RING),
                                         .batches_park = &batches_park,
                                         .park = &park,
                                         .metrics = &metrics,
                                         .progress = &progress};
    for (uint32_t i = 0; i < LOOPS; i++)
        options.submissions[i] = ring_of(SMALL_RING);
}

static void close_node(void)
{
    remove_directory();
    for (uint32_t i = 0; i < LOOPS; i++)
        free(options.submissions[i]);
    free(options.batches);
    park_close(&park);
    park_close(&batches_park);
}

static struct {
    uint64_t sequence; /* of the node's stream */
    uint64_t next[LOOPS];
    uint64_t count;
} heard;

static void take_command(const struct command_header *header)
{
    const uint64_t loop = header->ticket >> 32;
    if (header->type != T_CANCEL_ALL) return;
    heard.count++;
    if (loop >= LOOPS) abort(); /* nobody sent it */
    if ((uint32_t)header->ticket != heard.next[loop]++) fault("a loop's order is lost");
    if (header->origin_sequence != ++heard.sequence) fault("the node's sequence is broken");
}

static void take_batches(void)
{
    size_t byte_count;
    for (const uint8_t *record; (record = ring_peek(options.batches, &byte_count)) != NULL;) {
        struct batch_header header;
        struct command command;
        if (!batch_check(record + 8, byte_count - 8, &header)) abort();
        const uint8_t *at = record + 8 + BATCH_HEADER_BYTES;
        while (batch_next(&at, record + byte_count, &command))
            take_command(&command.header);
        ring_pop(options.batches);
        ring_release(options.batches);
    }
}

int main(int argc, char **argv)
{
    pthread_t consensus, loops[LOOPS];
    swaps = argc > 1 && strcmp(argv[1], "--swap") == 0;
    open_node();
    if (pthread_create(&consensus, NULL, consensus_main, NULL) != 0) abort();
    for (uintptr_t i = 0; i < LOOPS; i++)
        if (pthread_create(&loops[i], NULL, loop_main, (void *)i) != 0) abort();
    while (heard.count < (uint64_t)LOOPS * COMMANDS) {
        take_batches();
        if (ring_sleepy(options.batches)) park_sleep(&batches_park, 100);
        ring_awake(options.batches);
    }
    for (uint32_t i = 0; i < LOOPS; i++)
        pthread_join(loops[i], NULL);
    atomic_store(&progress.stopping, 1);
    park_wake(&park);
    pthread_join(consensus, NULL);
    close_node();
    if (swaps && faults == 0)
        fprintf(stderr, "race.submissions: two commands in the wrong order were not noticed\n");
    return swaps == (faults > 0) ? 0 : 1;
}
