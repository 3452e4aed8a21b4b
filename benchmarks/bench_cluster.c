/* A whole exchange of real nodes below HTTP: how many commands a second, how long one takes, what each stage costs.
 *
 *     bench_cluster DIR [options]
 *
 * Each node is a process of its own with everything that `quorex node` has, PostgreSQL off, and with a feeder
 * instead of the gateway (cluster.h). DIR is made with keys, genesis, accounts and orders; one that is there is
 * gone on with.
 *
 *     --nodes 4  --port 26000  --accounts 1000  --orders 0  --checkpoint-blocks 0
 *     --seconds 5  --in-flight 64 (all nodes together)  --at leader|follower|all  --work match|book
 *     --stage engine    log and engine alone: no settling, no blocks
 *     --writes          turns with O_DIRECT|O_DSYNC writes of 4 KiB into DIR, in the same run
 *     --kill N          kill -9 the leader N times under that load, and start it again
 *     --memory MB       first writes a file of that size and removes it, so that the page cache gets memory that a
 *                       virtual machine's host has found already (2 ms a MB, where it takes back what is free)
 *     --make            nothing is measured: ends when all nodes have a checkpoint of what was made
 *
 * Prints one JSON object. Latency is from the ring that leads to the log until the engine's answer is back in
 * the same process. cpu_ns: processor time per command of each thread, all nodes together. */

#include "benchmarks/cluster.h"

#include "common/log.h"
#include "node/demo.h"
#include "node/file_os.h"
#include "node/genesis_json.h"
#include "node/init.h"
#include "node/node.h"

#include <dirent.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WARM_NS        UINT64_C(700000000)
#define PATIENCE_S     600
#define SETUP_FLIGHT   8192
#define WRITE_BYTES    4096
#define WRITE_BLOCKS   4096
#define WRITES_A_TURN  100
#define TURN_NS        UINT64_C(50000000)
#define WRITES_MAX     1000000
#define STAGES_MAX     16
#define STAGE_NAME_MAX 16

static struct {
    const char *directory, *at, *work, *stage;
    uint32_t nodes, port, accounts, orders, checkpoint_blocks, seconds, kill, memory;
    uint64_t in_flight;
    bool writes, make;
} run = {.at = "all",
         .work = "match",
         .stage = "all",
         .nodes = 4,
         .port = 26000,
         .accounts = 1000,
         .seconds = 5,
         .in_flight = 64};

static pid_t children[CLUSTER_NODES_MAX];

/* Processor time by thread name. */
struct stages {
    uint32_t count;
    char names[STAGES_MAX][STAGE_NAME_MAX + 1];
    uint64_t ns[STAGES_MAX];
};

struct reading {
    uint64_t at_ns, done, refused, histograms[HISTOGRAMS][CLUSTER_BUCKETS];
    struct stages stages;
};

static void fail(const char *what)
{
    fprintf(stderr, "bench_cluster: %s\n", what);
    exit(2);
}

static void pause_ns(uint64_t ns)
{
    const struct timespec time = {.tv_sec = (time_t)(ns / 1000000000u),
                                  .tv_nsec = (long)(ns % 1000000000u)};
    nanosleep(&time, NULL);
}

/* ---- The chain. ---- */

static void remove_path(const char *name)
{
    char path[FILE_PATH_MAX];
    if (!file_path(path, run.directory, name)) fail("too long a path");
    unlink(path);
}

static void remove_memories(uint32_t number)
{
    char name[64];
    snprintf(name, sizeof(name), "node-%u/genesis.json", number);
    remove_path(name);
    snprintf(name, sizeof(name), "node-%u/sign-once", number);
    remove_path(name);
    snprintf(name, sizeof(name), "node-%u/wal/vote", number);
    remove_path(name);
}

/* `quorex init` makes keys and a genesis; what it finds it keeps. So: once for the keys, and once more round a
 * genesis with room for what is asked. */
static void chain_make(void)
{
    char path[FILE_PATH_MAX];
    static struct genesis genesis;
    const struct init_options options = {.directory = run.directory,
                                         .chain_name = "bench",
                                         .host = "127.0.0.1",
                                         .database = "",
                                         .nodes = run.nodes,
                                         .checkpoint_blocks = run.checkpoint_blocks,
                                         .port = (uint16_t)run.port,
                                         .demo = true};
    if (init_chain(&options) != STATUS_OK || !file_path(path, run.directory, "genesis.json") ||
        genesis_read(path, &genesis) != STATUS_OK)
        fail("no chain was made");
    struct params *params = &genesis.params;
    const uint32_t room = run.accounts + 1; /* whoever measures may open one, too */
    if (room > params->accounts_max) params->accounts_max = room;
    if (room > params->keys_max) params->keys_max = room;
    for (uint32_t i = 0; i < run.nodes; i++)
        remove_memories(i);
    remove_path("genesis.json");
    if (genesis_write(path, &genesis) != STATUS_OK || init_chain(&options) != STATUS_OK)
        fail("no chain was made");
}

/* ---- Nodes. ---- */

static void node_start(uint32_t at)
{
    char config[FILE_PATH_MAX], name[64];
    snprintf(name, sizeof(name), "node-%u/quorex.conf", at);
    if (!file_path(config, run.directory, name)) fail("too long a path");
    atomic_store(&cluster->nodes[at].is_open, 0);
    children[at] = fork();
    if (children[at] < 0) fail("cannot fork");
    if (children[at] > 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    char *const arguments[] = {"bench_cluster", "node", "--config", config,
                               "--log-level",   "warn", NULL};
    execv("/proc/self/exe", arguments);
    _exit(127);
}

static void node_gone(uint32_t at)
{
    int how;
    if (children[at] > 0 && waitpid(children[at], &how, WNOHANG) == children[at]) {
        fprintf(stderr, "bench_cluster: node %u has ended (%x)\n", at + 1, (unsigned)how);
        exit(2);
    }
}

static bool all_open(void)
{
    const uint32_t leader = atomic_load(&cluster->nodes[0].leader);
    bool open = leader != 0;
    for (uint32_t i = 0; i < run.nodes; i++) {
        node_gone(i);
        open &= atomic_load(&cluster->nodes[i].is_open) != 0 &&
                atomic_load(&cluster->nodes[i].leader) == leader;
    }
    return open;
}

static bool work_done(void)
{
    return atomic_load(&cluster->nodes[0].under_way) == 0;
}

static bool all_checkpoints(void)
{
    bool all = true;
    static uint64_t height;
    if (height == 0) height = atomic_load(&cluster->nodes[0].height);
    for (uint32_t i = 0; i < run.nodes; i++)
        all &= atomic_load(&cluster->nodes[i].checkpoint_height) > height;
    return all;
}

static void wait_for(bool (*there)(void), const char *what)
{
    const uint64_t until_ns = cluster_now_ns() + PATIENCE_S * UINT64_C(1000000000);
    for (uint64_t rounds = 0; !there(); rounds++) {
        if (cluster_now_ns() > until_ns) fail(what);
        if (rounds % 500 == 0)
            for (uint32_t i = 0; i < run.nodes; i++)
                node_gone(i);
        pause_ns(2000000);
    }
}

static void nodes_stop(void)
{
    for (uint32_t i = 0; i < run.nodes; i++)
        if (children[i] > 0) kill(children[i], SIGTERM);
    for (uint32_t i = 0; i < run.nodes; i++)
        if (children[i] > 0) waitpid(children[i], NULL, 0);
}

/* ---- Work. ---- */

static void work_once(enum cluster_work work, uint64_t total)
{
    struct cluster_node *node = &cluster->nodes[0];
    if (total == 0) return;
    const uint64_t begin_ns = cluster_now_ns(), refused = atomic_load(&node->refused);
    atomic_store(&node->work_count, 0);
    atomic_store(&node->work, work);
    atomic_store(&node->in_flight, SETUP_FLIGHT);
    while (atomic_load(&node->work_count) < total) {
        node_gone(0);
        if (cluster_now_ns() - begin_ns > PATIENCE_S * UINT64_C(1000000000))
            fail("what was to be there at the beginning is not");
        pause_ns(2000000);
    }
    atomic_store(&node->in_flight, 0);
    wait_for(work_done, "commands did not come back");
    if (atomic_load(&node->refused) != refused) fail("refused at the beginning");
    fprintf(stderr, "made: %" PRIu64 " commands in %.1f s\n", total,
            (double)(cluster_now_ns() - begin_ns) / 1e9);
}

/* Which nodes have work, and that many commands in flight altogether. */
static void work_set(uint64_t in_flight)
{
    const uint32_t leader = atomic_load(&cluster->nodes[0].leader) - 1;
    const bool all = strcmp(run.at, "all") == 0, leads = strcmp(run.at, "leader") == 0;
    const uint32_t only = leads ? leader : (leader + 1) % run.nodes, takers = all ? run.nodes : 1;
    for (uint32_t i = 0; i < run.nodes; i++) {
        struct cluster_node *node = &cluster->nodes[i];
        atomic_store(&node->work, strcmp(run.work, "book") == 0 ? WORK_BOOK : WORK_MATCH);
        atomic_store(&node->in_flight, all || i == only ? (in_flight + takers - 1) / takers : 0);
    }
}

/* ---- Figures. ---- */

static void stage_add(struct stages *stages, const char *name, uint64_t ns)
{
    uint32_t at = 0;
    while (at < stages->count && strcmp(stages->names[at], name) != 0)
        at++;
    if (at == STAGES_MAX) return;
    if (at == stages->count) {
        snprintf(stages->names[at], sizeof(stages->names[at]), "%.16s", name);
        stages->count++;
    }
    stages->ns[at] += ns;
}

static bool read_line(const char *path, char *line, size_t room)
{
    FILE *file = fopen(path, "r");
    const bool read = file != NULL && fgets(line, (int)room, file) != NULL;
    if (file != NULL) fclose(file);
    if (read) line[strcspn(line, "\n")] = '\0';
    return read;
}

static void stages_read(pid_t pid, struct stages *stages)
{
    char folder[64], path[384], name[64], times[128];
    snprintf(folder, sizeof(folder), "/proc/%d/task", (int)pid);
    DIR *tasks = opendir(folder);
    if (tasks == NULL) return;
    for (struct dirent *task; (task = readdir(tasks)) != NULL;) {
        if (task->d_name[0] == '.') continue;
        snprintf(path, sizeof(path), "%s/%s/comm", folder, task->d_name);
        if (!read_line(path, name, sizeof(name))) continue;
        snprintf(path, sizeof(path), "%s/%s/schedstat", folder, task->d_name);
        if (read_line(path, times, sizeof(times)))
            stage_add(stages, strcmp(name, "gateway") == 0 ? "feeder" : name,
                      strtoull(times, NULL, 10));
    }
    closedir(tasks);
}

static void reading_take(struct reading *reading)
{
    memset(reading, 0, sizeof(*reading));
    for (uint32_t i = 0; i < run.nodes; i++) {
        struct cluster_node *node = &cluster->nodes[i];
        reading->done += atomic_load(&node->done);
        reading->refused += atomic_load(&node->refused);
        for (int histogram = 0; histogram < HISTOGRAMS; histogram++)
            for (uint32_t bucket = 0; bucket < CLUSTER_BUCKETS; bucket++)
                reading->histograms[histogram][bucket] +=
                    atomic_load(&node->histograms[histogram][bucket]);
        stages_read(children[i], &reading->stages);
    }
    reading->at_ns = cluster_now_ns();
}

/* What came between two readings, into the first. */
static void reading_less(struct reading *reading, const struct reading *before)
{
    reading->at_ns -= before->at_ns;
    reading->done -= before->done;
    reading->refused -= before->refused;
    for (int histogram = 0; histogram < HISTOGRAMS; histogram++)
        for (uint32_t bucket = 0; bucket < CLUSTER_BUCKETS; bucket++)
            reading->histograms[histogram][bucket] -= before->histograms[histogram][bucket];
    for (uint32_t i = 0; i < before->stages.count; i++)
        for (uint32_t at = 0; at < reading->stages.count; at++)
            if (strcmp(reading->stages.names[at], before->stages.names[i]) == 0)
                reading->stages.ns[at] -= before->stages.ns[i];
}

static void histogram_print(const char *name, const uint64_t *histogram)
{
    static const struct {
        const char *name;
        double part;
    } quantiles[] = {{"p50", 0.5}, {"p99", 0.99}, {"p999", 0.999}, {"max", 1}};
    uint64_t count = 0;
    for (uint32_t bucket = 0; bucket < CLUSTER_BUCKETS; bucket++)
        count += histogram[bucket];
    printf(", \"%s\": {\"count\": %" PRIu64, name, count);
    for (uint32_t i = 0; i < 4 && count > 0; i++) {
        const uint64_t rank = (uint64_t)((double)(count - 1) * quantiles[i].part);
        uint64_t seen = 0;
        uint32_t bucket = 0;
        while ((seen += histogram[bucket]) <= rank)
            bucket++;
        printf(", \"%s_us\": %.1f", quantiles[i].name, (double)cluster_bucket_ns(bucket) / 1e3);
    }
    printf("}");
}

static void reading_print(const struct reading *reading)
{
    printf("{\"nodes\": %u, \"at\": \"%s\", \"work\": \"%s\", \"stage\": \"%s\", \"in_flight\": "
           "%" PRIu64 ", \"accounts\": %u, \"commands\": %" PRIu64 ", \"refused\": %" PRIu64
           ", \"per_second\": %.0f",
           run.nodes, run.at, run.work, run.stage, run.in_flight, run.accounts, reading->done,
           reading->refused, (double)reading->done * 1e9 / (double)reading->at_ns);
    histogram_print("commit", reading->histograms[COMMITS]);
    histogram_print("commit_meanwhile", reading->histograms[COMMITS_CHECKPOINT]);
    histogram_print("certified", reading->histograms[CERTIFICATES]);
    printf(", \"cpu_ns\": {");
    uint64_t all = 0;
    for (uint32_t i = 0; i < reading->stages.count; i++) {
        all += reading->stages.ns[i];
        printf("\"%s\": %.0f, ", reading->stages.names[i],
               (double)reading->stages.ns[i] / (double)(reading->done + (reading->done == 0)));
    }
    printf("\"all\": %.0f}, \"cores_a_node\": %.4f",
           (double)all / (double)(reading->done + (reading->done == 0)),
           (double)all / (double)reading->at_ns / run.nodes);
}

/* ---- Measurements. ---- */

static int compare(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static int writes_open(void *block)
{
    char path[FILE_PATH_MAX];
    if (!file_path(path, run.directory, "writes")) fail("too long a path");
    int file = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
    for (int i = 0; i < WRITE_BLOCKS; i++)
        if (write(file, block, WRITE_BYTES) != WRITE_BYTES) fail("cannot write");
    fsync(file);
    close(file);
    file = open(path, O_WRONLY | O_DIRECT | O_DSYNC);
    unlink(path);
    if (file < 0) fail("no O_DIRECT");
    return file;
}

/* Bare writes and commands take turns, so that both see the same disk. Prints the writes. */
static void turns(void)
{
    void *block = aligned_alloc(WRITE_BYTES, WRITE_BYTES);
    uint64_t *took = calloc(WRITES_MAX, sizeof(*took)), count = 0;
    if (block == NULL || took == NULL) fail("no memory");
    memset(block, 0x5a, WRITE_BYTES);
    const int file = writes_open(block);
    const uint64_t until_ns = cluster_now_ns() + run.seconds * UINT64_C(1000000000);
    while (cluster_now_ns() < until_ns && count + WRITES_A_TURN <= WRITES_MAX) {
        work_set(0);
        for (uint32_t i = 0; i < run.nodes; i++)
            while (atomic_load(&cluster->nodes[i].under_way) != 0)
                pause_ns(100000);
        for (int i = 0; i < WRITES_A_TURN; i++, count++) {
            const uint64_t begin_ns = cluster_now_ns();
            if (pwrite(file, block, WRITE_BYTES, (off_t)(count % WRITE_BLOCKS) * WRITE_BYTES) !=
                WRITE_BYTES)
                fail("cannot write");
            took[count] = cluster_now_ns() - begin_ns;
        }
        work_set(run.in_flight);
        pause_ns(TURN_NS);
    }
    close(file);
    qsort(took, count, sizeof(*took), compare);
    printf(", \"write\": {\"count\": %" PRIu64 ", \"p50_us\": %.1f, \"p99_us\": %.1f}", count,
           (double)took[count / 2] / 1e3, (double)took[count * 99 / 100] / 1e3);
    free(block);
    free(took);
}

/* From the kill until a command sent after it is back at any node. */
static uint64_t leader_kill(void)
{
    const uint32_t leader = atomic_load(&cluster->nodes[0].leader) - 1;
    const uint64_t begin_ns = cluster_now_ns();
    kill(children[leader], SIGKILL);
    for (uint32_t i = 0; i < run.nodes; i++) {
        atomic_store(&cluster->nodes[i].first_ns, 0);
        atomic_store(&cluster->nodes[i].watch_ns, begin_ns);
    }
    waitpid(children[leader], NULL, 0);
    uint64_t first_ns = 0;
    while (first_ns == 0) {
        if (cluster_now_ns() - begin_ns > UINT64_C(60000000000)) fail("no leader any more");
        pause_ns(1000000);
        for (uint32_t i = 0; i < run.nodes; i++) {
            const uint64_t seen_ns = atomic_load(&cluster->nodes[i].first_ns);
            if (i != leader && seen_ns != 0 && (first_ns == 0 || seen_ns < first_ns))
                first_ns = seen_ns;
        }
    }
    node_start(leader);
    wait_for(all_open, "a node did not come back");
    return first_ns - begin_ns;
}

static void kills(void)
{
    uint64_t *took = calloc(run.kill, sizeof(*took));
    if (took == NULL) fail("no memory");
    work_set(run.in_flight);
    for (uint32_t i = 0; i < run.kill; i++) {
        pause_ns(WARM_NS);
        took[i] = leader_kill();
    }
    qsort(took, run.kill, sizeof(*took), compare);
    printf("{\"nodes\": %u, \"leaders_killed\": %u, \"median_ms\": %.0f, \"max_ms\": %.0f}\n",
           run.nodes, run.kill, (double)took[run.kill / 2] / 1e6, (double)took[run.kill - 1] / 1e6);
    free(took);
}

/* Chain files grow into memory that is free; here it becomes free again just before. */
static void memory_warm(void)
{
    char path[FILE_PATH_MAX];
    const size_t piece_bytes = 1024 * 1024;
    void *piece = calloc(1, piece_bytes);
    if (piece == NULL || !file_path(path, run.directory, "memory")) fail("no memory");
    const int file = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
    for (uint32_t i = 0; i < run.memory; i++)
        if (write(file, piece, piece_bytes) != (ssize_t)piece_bytes) fail("cannot write");
    close(file);
    unlink(path);
    free(piece);
}

static void measure(void)
{
    static struct reading before, after;
    if (run.memory > 0) memory_warm();
    work_set(run.in_flight);
    pause_ns(WARM_NS);
    reading_take(&before);
    if (run.writes) {
        printf("{\"turns\": true");
        turns();
        reading_take(&after);
        printf(", \"run\": ");
    } else {
        pause_ns(run.seconds * UINT64_C(1000000000));
        reading_take(&after);
    }
    reading_less(&after, &before);
    reading_print(&after);
    printf(run.writes ? "}}\n" : "}\n");
}

static bool number(const char *text, uint32_t *value)
{
    char *end;
    *value = (uint32_t)strtoul(text, &end, 10);
    return *text != '\0' && *end == '\0';
}

static void options_read(int argc, char **argv)
{
    static const struct option known[] = {{"nodes", required_argument, NULL, 'n'},
                                          {"port", required_argument, NULL, 'p'},
                                          {"accounts", required_argument, NULL, 'a'},
                                          {"orders", required_argument, NULL, 'o'},
                                          {"seconds", required_argument, NULL, 's'},
                                          {"checkpoint-blocks", required_argument, NULL, 'c'},
                                          {"kill", required_argument, NULL, 'k'},
                                          {"in-flight", required_argument, NULL, 'f'},
                                          {"at", required_argument, NULL, 't'},
                                          {"work", required_argument, NULL, 'w'},
                                          {"stage", required_argument, NULL, 'g'},
                                          {"writes", no_argument, NULL, 'r'},
                                          {"make", no_argument, NULL, 'm'},
                                          {"memory", required_argument, NULL, 'y'},
                                          {NULL, 0, NULL, 0}};
    bool good = true;
    uint32_t flight = (uint32_t)run.in_flight;
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (option == 'n')
            good &= number(optarg, &run.nodes);
        else if (option == 'p')
            good &= number(optarg, &run.port);
        else if (option == 'a')
            good &= number(optarg, &run.accounts);
        else if (option == 'o')
            good &= number(optarg, &run.orders);
        else if (option == 's')
            good &= number(optarg, &run.seconds);
        else if (option == 'c')
            good &= number(optarg, &run.checkpoint_blocks);
        else if (option == 'k')
            good &= number(optarg, &run.kill);
        else if (option == 'y')
            good &= number(optarg, &run.memory);
        else if (option == 'f')
            good &= number(optarg, &flight);
        else if (option == 't')
            run.at = optarg;
        else if (option == 'w')
            run.work = optarg;
        else if (option == 'g')
            run.stage = optarg;
        else if (option == 'r')
            run.writes = true;
        else if (option == 'm')
            run.make = true;
        else
            good = false;
    }
    run.in_flight = flight;
    if (!good || optind + 1 != argc || run.nodes < 1 || run.nodes > CLUSTER_NODES_MAX)
        fail("usage: bench_cluster DIR [options], as at the top of bench_cluster.c");
    run.directory = argv[optind];
}

static void begin(void)
{
    char path[FILE_PATH_MAX], genesis[FILE_PATH_MAX];
    if (file_make_folder(run.directory, 0700) != STATUS_OK ||
        !file_path(path, run.directory, "cluster") ||
        !file_path(genesis, run.directory, "node-0/genesis.json") || !cluster_map(path, true))
        fail("cannot use the folder");
    const bool is_new = !file_exists(genesis);
    if (is_new) chain_make();
    setenv(CLUSTER_FILE, path, 1);
    cluster->accounts = run.accounts;
    cluster->orders = run.orders;
    cluster->rest_ms = run.writes ? 1 : run.in_flight == 0 ? 100 : 10;
    cluster->with_anchor = strcmp(run.stage, "engine") != 0;
    for (uint32_t i = 0; i < run.nodes; i++)
        node_start(i);
    wait_for(all_open, "the nodes did not open");
    if (!is_new) return;
    struct traffic traffic;
    traffic_begin(&traffic, 1, run.accounts, run.orders);
    work_once(WORK_ACCOUNTS, traffic_total(&traffic, WORK_ACCOUNTS));
    work_once(WORK_ORDERS, traffic_total(&traffic, WORK_ORDERS));
}

int main(int argc, char **argv)
{
    log_set_level(LOG_WARN);
    if (!hash_start()) return 2;
    if (argc > 1 && strcmp(argv[1], "node") == 0) {
        const char *path = getenv(CLUSTER_FILE);
        return path != NULL && cluster_map(path, false) ? node_main(argc - 1, argv + 1) : 2;
    }
    options_read(argc, argv);
    begin();
    if (run.make) {
        work_set(1);
        wait_for(all_checkpoints, "no checkpoint");
        work_set(0);
        printf("{\"made\": true, \"height\": %" PRIu64 "}\n",
               atomic_load(&cluster->nodes[0].height));
    } else if (run.kill > 0) {
        kills();
    } else {
        measure();
    }
    fflush(stdout);
    nodes_stop();
    return 0;
}
