/* What does agreement cost? A cluster of consensus loops in one process, with real links and logs.
 *
 *     bench_replicas DIR NODES IN_FLIGHT SECONDS [AT [COMMAND_BYTES]]
 *
 * AT: leader, follower or all: where commands are put in. IN_FLIGHT of them are on their way all the time,
 * divided among those nodes; one counts when the node that took it has it back from the log. Behind the loops is
 * nothing but a reader that drops what it gets. Prints one JSON object: commands a second, p50, p99 and largest
 * latency, processor time of the whole process per command, log writes, and bytes on the links.
 */

#include "common/batch.h"
#include "common/le.h"
#include "common/log.h"
#include "ledger/consensus.h"
#include "ledger/wal.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NODES_MAX   7
#define RING_BYTES  (4 * 1024 * 1024)
#define PORT        19150
#define SAMPLES_MAX 4000000
#define WARM_NS     500000000u

struct node {
    char directory[512];
    void *submission_memory, *batch_memory;
    struct consensus_options options;
    struct park park;
    struct metrics metrics;
    struct progress progress;
    uint8_t secret[SECRET_KEY_BYTES];
    pthread_t thread;
    bool submits;
    uint64_t in_flight;
};

static struct node *nodes[NODES_MAX];
static struct genesis genesis;
static struct park drivers_park;
static uint64_t *samples, sample_count, command_count;
static uint64_t begin_ns;
static uint32_t command_bytes = COMMAND_HEADER_BYTES + CANCEL_ALL_BYTES;

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t processor_ns(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000u +
           (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000u;
}

static void *thread_body(void *argument)
{
    struct node *node = argument;
    const enum status status = consensus_run(&node->options);
    if (status != STATUS_OK) {
        fprintf(stderr, "node %u: %s\n", node->options.node, status_name(status));
        exit(2);
    }
    return NULL;
}

static void node_start(const char *directory, uint32_t at)
{
    struct node *node = nodes[at] = aligned_alloc(64, (sizeof(*node) + 63) & ~(size_t)63);
    memset(node, 0, sizeof(*node));
    snprintf(node->directory, sizeof(node->directory), "%s/bench-%u", directory, at);
    mkdir(node->directory, 0700);
    char command[600];
    snprintf(command, sizeof(command), "rm -f %s/*", node->directory);
    if (system(command) != 0 || !park_open(&node->park)) exit(2);
    struct wal_disk *disk = wal_disk_directory(node->directory);
    const struct wal_options wal = {
        .disk = disk, .chain_id = genesis_chain_id(&genesis), .node = at + 1};
    if (disk == NULL || wal_create(&wal) != STATUS_OK) exit(2);
    wal_disk_free(disk);
    node->submission_memory = aligned_alloc(64, (ring_bytes(RING_BYTES) + 63) & ~(size_t)63);
    node->batch_memory = aligned_alloc(64, (ring_bytes(RING_BYTES) + 63) & ~(size_t)63);
    node->options = (struct consensus_options){
        .wal_directory = node->directory,
        .segment_bytes = 64 * 1024 * 1024,
        .genesis = &genesis,
        .node = at + 1,
        .secret_key = node->secret,
        .peer_host = "127.0.0.1",
        .peer_port = (uint16_t)(PORT + at),
        .submissions = {ring_new(node->submission_memory, RING_BYTES)},
        .submission_count = 1,
        .batches = ring_new(node->batch_memory, RING_BYTES),
        .batches_park = &drivers_park,
        .park = &node->park,
        .metrics = &node->metrics,
        .progress = &node->progress,
    };
}

static void submit(struct node *node, uint64_t time_ns)
{
    const struct command_header header = {
        .length = command_bytes,
        .type = T_CANCEL_ALL,
        .auth_length = (uint16_t)(command_bytes - COMMAND_HEADER_BYTES - CANCEL_ALL_BYTES),
        .ticket = time_ns};
    const struct cancel_all_command cancel = {.account = 1, .market = 1};
    uint8_t *at = ring_reserve(node->options.submissions[0], command_bytes);
    if (at == NULL) return;
    memset(at, 0, command_bytes);
    command_header_put(at, &header);
    cancel_all_command_put(at + COMMAND_HEADER_BYTES, &cancel);
    ring_commit(node->options.submissions[0], command_bytes);
    node->in_flight++;
}

static void count(struct node *node, uint64_t sent_ns, uint64_t time_ns)
{
    node->in_flight--;
    if (sent_ns < begin_ns) return;
    command_count++;
    if (sample_count < SAMPLES_MAX) samples[sample_count++] = time_ns - sent_ns;
}

/* Takes what a node has delivered. True when there was something. */
static bool drain(struct node *node)
{
    const uint8_t *record;
    size_t byte_count;
    bool any = false;
    const uint64_t time_ns = now_ns();
    for (; (record = ring_peek(node->options.batches, &byte_count)) != NULL; any = true) {
        const uint8_t *at = record + 8 + BATCH_HEADER_BYTES, *end = record + byte_count;
        /* Commands in place: length, type, origin, ticket. */
        for (; node->submits && at < end; at += le_get_u32(at))
            if (le_get_u32(at + 8) == node->options.node && le_get_u16(at + 4) == T_CANCEL_ALL)
                count(node, le_get_u64(at + 40), time_ns);
        ring_pop(node->options.batches);
    }
    ring_release(node->options.batches);
    return any;
}

static void refill(struct node *node, uint64_t share)
{
    bool any = false;
    const uint64_t time_ns = now_ns();
    while (node->in_flight < share) {
        const uint64_t before = node->in_flight;
        submit(node, time_ns);
        if (node->in_flight == before) break;
        any = true;
    }
    if (any && ring_publish(node->options.submissions[0])) park_wake(&node->park);
}

static void drive(uint32_t node_count, uint64_t share, uint64_t until_ns)
{
    while (now_ns() < until_ns) {
        bool any = false;
        for (uint32_t i = 0; i < node_count; i++) {
            any |= drain(nodes[i]);
            if (nodes[i]->submits) refill(nodes[i], share);
        }
        if (any) continue;
        bool sleepy = true;
        for (uint32_t i = 0; i < node_count; i++)
            sleepy &= ring_sleepy(nodes[i]->options.batches);
        if (sleepy) park_sleep(&drivers_park, 10);
    }
}

/* Who leads, when all agree and everybody has said HELLO. */
static uint32_t leader_wait(uint32_t node_count)
{
    for (;;) {
        uint32_t leader = atomic_load(&nodes[0]->progress.leader);
        bool same = leader != 0;
        for (uint32_t i = 0; i < node_count; i++) {
            drain(nodes[i]);
            same &= atomic_load(&nodes[i]->progress.leader) == leader &&
                    atomic_load(&nodes[i]->progress.replay_command) != 0;
        }
        if (same) return leader - 1;
        park_sleep(&drivers_park, 1);
    }
}

static int compare(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static uint64_t metric(uint32_t node_count, size_t offset)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < node_count; i++)
        sum += atomic_load((_Atomic uint64_t *)(void *)((char *)&nodes[i]->metrics + offset));
    return sum;
}

static void genesis_make(uint32_t node_count)
{
    genesis.time_ns = 1000;
    genesis.params.block_ms = 100;
    genesis.params.idle_block_ms = 1000;
    genesis.params.stamp_step_ms = 10000;
    genesis.validators.count = node_count;
    for (uint32_t i = 0; i < node_count; i++) {
        struct validator *member = &genesis.validators.members[i];
        member->node = i + 1;
        snprintf(member->address, sizeof(member->address), "127.0.0.1:%u", PORT + i);
    }
}

int main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: bench_replicas DIR NODES IN_FLIGHT SECONDS [AT [COMMAND_BYTES]]\n");
        return 2;
    }
    const uint32_t node_count = (uint32_t)strtoul(argv[2], NULL, 10);
    const uint64_t in_flight = strtoul(argv[3], NULL, 10);
    const uint64_t seconds = strtoul(argv[4], NULL, 10);
    const char *at = argc > 5 ? argv[5] : "leader";
    if (argc > 6) command_bytes = (uint32_t)strtoul(argv[6], NULL, 10);
    if (node_count < 1 || node_count > NODES_MAX || !hash_start() || !park_open(&drivers_park))
        return 2;
    log_set_level(LOG_WARN);
    signal(SIGPIPE, SIG_IGN);
    samples = calloc(SAMPLES_MAX, sizeof(*samples));
    genesis_make(node_count);
    uint8_t secrets[NODES_MAX][SECRET_KEY_BYTES];
    for (uint32_t i = 0; i < node_count; i++)
        crypto_sign_keypair(genesis.validators.members[i].public_key, secrets[i]);
    for (uint32_t i = 0; i < node_count; i++) {
        node_start(argv[1], i);
        memcpy(nodes[i]->secret, secrets[i], SECRET_KEY_BYTES);
    }
    for (uint32_t i = 0; i < node_count; i++)
        if (pthread_create(&nodes[i]->thread, NULL, thread_body, nodes[i]) != 0) return 2;

    const uint32_t leader = leader_wait(node_count);
    uint32_t submitters = 0;
    for (uint32_t i = 0; i < node_count; i++) {
        nodes[i]->submits = strcmp(at, "all") == 0 || (strcmp(at, "leader") == 0 && i == leader) ||
                            (strcmp(at, "follower") == 0 && i == (leader + 1) % node_count);
        submitters += nodes[i]->submits;
    }
    const uint64_t share = (in_flight + submitters - 1) / submitters;
    begin_ns = UINT64_MAX;
    drive(node_count, share, now_ns() + WARM_NS);
    begin_ns = now_ns();
    const uint64_t processor = processor_ns();
    const uint64_t writes = metric(node_count, offsetof(struct metrics, wal_writes_total));
    const uint64_t bytes = metric(node_count, offsetof(struct metrics, peer_bytes_sent_total));
    drive(node_count, share, begin_ns + seconds * 1000000000u);
    const uint64_t took_ns = now_ns() - begin_ns, used_ns = processor_ns() - processor;

    qsort(samples, sample_count, sizeof(*samples), compare);
    if (sample_count == 0) return 2;
    printf(
        "{\"nodes\":%u,\"at\":\"%s\",\"in_flight\":%llu,\"command_bytes\":%u,"
        "\"commands_per_second\":%llu,\"p50_us\":%llu,\"p99_us\":%llu,\"max_us\":%llu,"
        "\"processor_ns_per_command\":%llu,\"log_writes\":%llu,\"link_mb\":%llu}\n",
        node_count, at, (unsigned long long)in_flight, command_bytes,
        (unsigned long long)(command_count * 1000000000u / took_ns),
        (unsigned long long)samples[sample_count / 2] / 1000,
        (unsigned long long)samples[sample_count * 99 / 100] / 1000,
        (unsigned long long)samples[sample_count - 1] / 1000,
        (unsigned long long)(used_ns / command_count),
        (unsigned long long)(metric(node_count, offsetof(struct metrics, wal_writes_total)) -
                             writes),
        (unsigned long long)((metric(node_count, offsetof(struct metrics, peer_bytes_sent_total)) -
                              bytes) >>
                             20));
    fflush(stdout);
    _exit(0);
}
