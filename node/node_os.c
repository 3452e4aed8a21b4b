#include "node/node.h"

#include "common/arena.h"
#include "common/log.h"
#include "engine/engine.h"
#include "engine/loop.h"
#include "gateway/gateway.h"
#include "ledger/chain.h"
#include "ledger/consensus.h"
#include "node/anchor.h"
#include "node/file_os.h"
#include "node/genesis_json.h"
#include "node/key_file.h"
#include "node/pid_file.h"
#include "settlement/settle.h"
#include "settlement/store.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A thread that has not ended this long after it was told to is a bug worth an abrupt end. */
#define JOIN_PATIENCE_S 30

/* Small records: of votes only the newest matters, notices are one or two a block. */
#define VOTES_BYTES   (64u << 10)
#define NOTICES_BYTES (256u << 10)

/* What the engine hands on in multiples of config.ring_bytes: events are several times their
 * commands, and a gateway must not hold up the engine while it answers a burst. */
#define ANCHOR_INPUT_RINGS  4
#define GATEWAY_INPUT_RINGS 8

struct node_rings {
    struct ring *submissions;     /* gateway to consensus */
    struct ring *votes;           /* anchor to consensus */
    struct ring *batches;         /* consensus to engine */
    struct ring *anchor_applied;  /* engine to anchor */
    struct ring *gateway_applied; /* engine to gateway */
    struct ring *notices;         /* anchor to gateway */
};

enum { GATEWAY, CONSENSUS, ENGINE, ANCHOR, STORE, THREAD_COUNT };

struct node;

/* A thread of the node and how it ended. Written by that thread before it ends. */
struct node_thread {
    struct node *node;
    const char *name;
    enum status (*body)(struct node *node);
    pthread_t handle;
    bool started;
    enum status status;
};

struct node {
    const struct config *config;
    struct genesis genesis;
    uint32_t id;
    uint8_t secret_key[SECRET_KEY_BYTES];
    uint8_t gateway_secret[HASH_BYTES];
    uint8_t tree_secret[HASH_BYTES];
    char wal_directory[FILE_PATH_MAX];
    char chain_directory[FILE_PATH_MAX];
    char sign_once_path[FILE_PATH_MAX];

    struct arena engine_arena;
    struct arena ring_arena;
    struct engine *engine;
    struct node_rings rings;
    struct park parks[THREAD_COUNT]; /* each thread's own */
    struct pid_file pid_file;
    struct node_thread threads[THREAD_COUNT];

    struct metrics metrics;
    struct progress progress;
};

/* ---- what each thread runs ---- */

static enum status run_gateway(struct node *node)
{
    const struct gateway_options options = {
        .host = node->config->host,
        .port = (uint16_t)node->config->port,
        .loop_index = 0,
        .node = node->id,
        .genesis = &node->genesis,
        .gateway_secret = node->gateway_secret,
        .conninfo = node->config->database,
        .submissions = node->rings.submissions,
        .submissions_park = &node->parks[CONSENSUS],
        .applied = node->rings.gateway_applied,
        .notices = node->rings.notices,
        .park = &node->parks[GATEWAY],
        .metrics = &node->metrics,
        .progress = &node->progress,
        .limits_on = node->config->limits != 0,
        .connections_max = (uint32_t)node->config->connections_max,
    };
    return gateway_run(&options);
}

static enum status run_consensus(struct node *node)
{
    const struct consensus_options options = {
        .wal_directory = node->wal_directory,
        .node = node->id,
        .genesis = &node->genesis,
        .submissions = {node->rings.submissions, node->rings.votes},
        .submission_count = 2,
        .batches = node->rings.batches,
        .batches_park = &node->parks[ENGINE],
        .park = &node->parks[CONSENSUS],
        .segment_bytes = node->config->wal_segment_bytes,
        .metrics = &node->metrics,
        .progress = &node->progress,
    };
    return consensus_run(&options);
}

static enum status run_engine(struct node *node)
{
    struct engine_loop loop = {
        .genesis = &node->genesis,
        .engine = node->engine,
        .batches = node->rings.batches,
        .park = &node->parks[ENGINE],
        .outputs = {node->rings.anchor_applied, node->rings.gateway_applied},
        .output_parks = {&node->parks[ANCHOR], &node->parks[GATEWAY]},
        .output_count = 2,
        .metrics = &node->metrics,
        .progress = &node->progress,
    };
    const enum status status = engine_loop_run(&loop);
    /* It left an output behind because its consumer had ended: the log still has everything. */
    return status == STATUS_STOPPING ? STATUS_OK : status;
}

static enum status run_anchor(struct node *node)
{
    const struct anchor_options options = {
        .genesis = &node->genesis,
        .node = node->id,
        .secret_key = node->secret_key,
        .tree_secret = node->tree_secret,
        .chain_directory = node->chain_directory,
        .sign_once_path = node->sign_once_path,
        .applied = node->rings.anchor_applied,
        .park = &node->parks[ANCHOR],
        .votes = node->rings.votes,
        .consensus_park = &node->parks[CONSENSUS],
        .notices = node->rings.notices,
        .gateway_park = &node->parks[GATEWAY],
        .store_park = &node->parks[STORE],
        .metrics = &node->metrics,
        .progress = &node->progress,
    };
    return anchor_run(&options);
}

static enum status read_block(void *context, uint64_t height, struct block_bytes *out)
{
    struct chain_block block;
    const enum status status = chain_read_block(context, height, &block);
    if (status == STATUS_OK)
        *out = (struct block_bytes){block.header, block.body, block.body_bytes};
    return status;
}

static enum status run_store(struct node *node)
{
    struct chain *chain;
    if (node->config->database[0] == '\0') return STATUS_OK;
    const enum status status = chain_open_reader(node->chain_directory, &chain);
    if (status != STATUS_OK) return status;

    const struct store_options options = {
        .conninfo = node->config->database,
        .genesis = &node->genesis,
        .source = {.context = chain, .read = read_block},
        .park = &node->parks[STORE],
        .progress = &node->progress,
        .metrics = &node->metrics,
    };
    store_run(&options);
    chain_close(chain);
    return STATUS_OK;
}

/* ---- threads ---- */

static bool is_stopping(const struct node *node)
{
    return atomic_load_explicit(&node->progress.stopping, memory_order_acquire) != 0;
}

static void *thread_main(void *context)
{
    struct node_thread *thread = context;
    thread->status = thread->body(thread->node);
    if (thread->status != STATUS_OK && thread->status != STATUS_STOPPING)
        log_error("node", "thread failed", "thread=%s reason=\"%s\"", thread->name,
                  status_text(thread->status));
    /* The main thread waits for signals; this one tells it that there is nothing to wait for. */
    if (thread->status != STATUS_OK && !is_stopping(thread->node)) kill(getpid(), SIGTERM);
    return NULL;
}

static enum status start_threads(struct node *node)
{
    static const struct {
        const char *name;
        enum status (*body)(struct node *node);
    } plan[THREAD_COUNT] = {
        [GATEWAY] = {"gateway", run_gateway}, [CONSENSUS] = {"consensus", run_consensus},
        [ENGINE] = {"engine", run_engine},    [ANCHOR] = {"anchor", run_anchor},
        [STORE] = {"store", run_store},
    };
    /* Consumers first, so that nobody waits for a thread that could not be started. */
    for (int i = THREAD_COUNT - 1; i >= 0; i--) {
        struct node_thread *thread = &node->threads[i];
        *thread = (struct node_thread){.node = node, .name = plan[i].name, .body = plan[i].body};
        if (pthread_create(&thread->handle, NULL, thread_main, thread) != 0) {
            log_error("node", "thread not started", "thread=%s", thread->name);
            return STATUS_NO_MEMORY;
        }
        pthread_setname_np(thread->handle, thread->name);
        thread->started = true;
    }
    return STATUS_OK;
}

static void wait_for_signal(void)
{
    sigset_t signals;
    int signal_number;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    while (sigwait(&signals, &signal_number) != 0)
        ;
}

/* Tells every thread and joins them, those that put work in first. */
static enum status stop_threads(struct node *node)
{
    enum status first = STATUS_OK;
    atomic_store_explicit(&node->progress.stopping, 1, memory_order_release);
    for (int i = 0; i < THREAD_COUNT; i++)
        park_wake(&node->parks[i]);

    struct timespec deadline;
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += JOIN_PATIENCE_S;
    for (int i = 0; i < THREAD_COUNT; i++) {
        struct node_thread *thread = &node->threads[i];
        if (!thread->started) continue;
        if (pthread_timedjoin_np(thread->handle, NULL, &deadline) != 0) {
            log_error("node", "thread does not end", "thread=%s", thread->name);
            _exit(1); /* what is acknowledged is in the log; the rest cannot be tidied up */
        }
        const bool failed = thread->status != STATUS_OK && thread->status != STATUS_STOPPING;
        if (failed && first == STATUS_OK) first = thread->status;
    }
    return first;
}

/* ---- wiring ---- */

static enum status load_keys(struct node *node, const char *directory)
{
    char path[FILE_PATH_MAX], name[64];
    if (!file_path(path, directory, "keys/node.key")) return STATUS_MALFORMED;
    enum status status = key_file_read_ed25519(path, node->secret_key);
    if (status != STATUS_OK) return status;

    snprintf(name, sizeof(name), "keys/gateway-secret-%u",
             (unsigned)node->genesis.params.gateway_secret_version);
    if (!file_path(path, directory, name)) return STATUS_MALFORMED;
    status = key_file_read(path, node->gateway_secret, HASH_BYTES);
    if (status != STATUS_OK) return status;

    snprintf(name, sizeof(name), "keys/tree-secret-%u",
             (unsigned)node->genesis.params.tree_secret_version);
    if (!file_path(path, directory, name)) return STATUS_MALFORMED;
    return key_file_read(path, node->tree_secret, HASH_BYTES);
}

/* The key and the configured id must name one validator. */
static enum status check_id(struct node *node)
{
    node->id = (uint32_t)node->config->node;
    const struct validator *member = validator_set_find(&node->genesis.validators, node->id);
    if (member != NULL &&
        memcmp(member->public_key, key_file_public(node->secret_key), PUBLIC_KEY_BYTES) == 0)
        return STATUS_OK;
    log_error("node", "keys/node.key is not this validator's in the genesis", "node=%u",
              (unsigned)node->id);
    return STATUS_MISMATCH;
}

static enum status load_files(struct node *node)
{
    const char *directory = node->config->directory;
    if (!file_path(node->wal_directory, directory, "wal") ||
        !file_path(node->chain_directory, directory, "chain") ||
        !file_path(node->sign_once_path, directory, "sign-once"))
        return STATUS_MALFORMED;

    enum status status = genesis_read(node->config->genesis, &node->genesis);
    if (status == STATUS_OK) status = load_keys(node, directory);
    if (status == STATUS_OK) status = check_id(node);
    if (status == STATUS_OK) status = file_make_folder(node->wal_directory, 0700);
    if (status == STATUS_OK) status = file_make_folder(node->chain_directory, 0700);
    return status;
}

static size_t physical_memory_bytes(void)
{
    const long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
    return pages > 0 && page_bytes > 0 ? (size_t)pages * (size_t)page_bytes : SIZE_MAX;
}

/* All that the parameters can ever need must fit, although little of it is touched at first. */
static enum status check_memory(const struct node *node)
{
    const struct genesis *genesis = &node->genesis;
    const size_t engine = engine_bytes(genesis), settlement = settlement_bytes(genesis);
    const size_t projection = store_bytes(genesis), memory = physical_memory_bytes();
    const size_t rings = node->config->ring_bytes * (2 + ANCHOR_INPUT_RINGS + GATEWAY_INPUT_RINGS);
    const size_t all = engine + settlement + projection + rings;
    log_info("node", "memory by the parameters",
             "engine_mb=%zu settlement_mb=%zu projection_mb=%zu rings_mb=%zu machine_mb=%zu",
             engine >> 20, settlement >> 20, projection >> 20, rings >> 20, memory >> 20);
    if (all <= memory) return STATUS_OK;
    log_error("node", "this machine cannot hold the parameters", "needed_mb=%zu machine_mb=%zu",
              all >> 20, memory >> 20);
    return STATUS_NO_MEMORY;
}

static struct ring *make_ring(struct arena *arena, size_t capacity)
{
    void *memory = arena_take(arena, ring_bytes(capacity));
    return memory == NULL ? NULL : ring_new(memory, capacity);
}

static enum status make_rings(struct node *node)
{
    const size_t unit = node->config->ring_bytes;
    struct node_rings *rings = &node->rings;
    const struct {
        struct ring **place;
        size_t capacity;
    } plan[] = {
        {&rings->submissions, unit},
        {&rings->votes, VOTES_BYTES},
        {&rings->batches, unit},
        {&rings->anchor_applied, unit * ANCHOR_INPUT_RINGS},
        {&rings->gateway_applied, unit * GATEWAY_INPUT_RINGS},
        {&rings->notices, NOTICES_BYTES},
    };
    const size_t count = sizeof(plan) / sizeof(plan[0]);
    size_t all = 0;
    for (size_t i = 0; i < count; i++)
        all += ring_bytes(plan[i].capacity) + 64;
    if (!arena_map(&node->ring_arena, all)) return STATUS_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        *plan[i].place = make_ring(&node->ring_arena, plan[i].capacity);
        ASSERT(*plan[i].place != NULL);
    }
    return STATUS_OK;
}

static enum status make_memory(struct node *node)
{
    enum status status = check_memory(node);
    if (status == STATUS_OK) status = make_rings(node);
    if (status == STATUS_OK && !arena_map(&node->engine_arena, engine_bytes(&node->genesis)))
        status = STATUS_NO_MEMORY;
    if (status != STATUS_OK) return status;

    node->engine = engine_new(&node->engine_arena, &node->genesis);
    if (node->engine == NULL) return STATUS_NO_MEMORY;
    for (int i = 0; i < THREAD_COUNT; i++)
        if (!park_open(&node->parks[i])) {
            log_error("node", "no descriptor left", "park=%d", i);
            return STATUS_NO_MEMORY;
        }
    return STATUS_OK;
}

static void free_memory(struct node *node)
{
    for (int i = 0; i < THREAD_COUNT; i++)
        park_close(&node->parks[i]);
    arena_unmap(&node->engine_arena);
    arena_unmap(&node->ring_arena);
}

/* Signals are the main thread's alone; a broken connection is an error code, not a signal; every
 * connection needs a descriptor. */
static void prepare_process(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);

    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

static void log_start(const struct node *node)
{
    char chain_id[2 * HASH_BYTES + 1];
    const hash_t hash = genesis_chain_id(&node->genesis);
    hash_hex(hash.bytes, HASH_BYTES, chain_id);
    log_info("node", "starting", "version=%s node=%u chain_id=%s directory=\"%s\" pid=%d",
             QUOREX_VERSION, (unsigned)node->id, chain_id, node->config->directory, (int)getpid());
}

static enum status run_threads(struct node *node)
{
    enum status status = start_threads(node);
    if (status == STATUS_OK) {
        wait_for_signal();
        log_info("node", "stopping", "pid=%d", (int)getpid());
    }
    const enum status ended = stop_threads(node);
    return status == STATUS_OK ? ended : status;
}

enum status node_run(const struct config *config)
{
    char path[FILE_PATH_MAX];
    struct node *node = aligned_alloc(64, (sizeof(*node) + 63) & ~(size_t)63);
    if (node == NULL) return STATUS_NO_MEMORY;
    memset(node, 0, sizeof(*node));
    node->config = config;
    for (int i = 0; i < THREAD_COUNT; i++)
        node->parks[i].descriptor = -1;

    prepare_process();
    enum status status = STATUS_MALFORMED;
    if (file_path(path, config->directory, "quorex.pid"))
        status = pid_file_acquire(&node->pid_file, path);
    if (status != STATUS_OK) goto free_node;

    status = load_files(node);
    if (status == STATUS_OK) status = make_memory(node);
    if (status == STATUS_OK) {
        log_start(node);
        status = run_threads(node);
    }
    if (status == STATUS_OK) log_info("node", "stopped", "pid=%d", (int)getpid());
    free_memory(node);
    pid_file_release(&node->pid_file);
free_node:
    sodium_memzero(node, sizeof(*node));
    free(node);
    return status;
}

/* ---- command line ---- */

static void print_usage(void)
{
    puts("usage: quorex node [--config FILE] [--key value ...]\n"
         "Runs a node until SIGTERM or SIGINT. The file, the environment (QUOREX_KEY) and the "
         "command\n"
         "line set the same keys; what comes later wins:");
    config_print_help();
}

int node_main(int argc, char **argv)
{
    static struct config config;
    struct config_error error = {0};
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            print_usage();
            return 0;
        }
    if (!config_load(&config, argc - 1, argv + 1, environ, &error)) {
        config_print_error(&error);
        return 2;
    }
    if (config.directory[0] == '\0') {
        fputs("quorex node: neither --config nor --directory says where the node's files are\n",
              stderr);
        return 2;
    }
    log_set_level((enum log_level)config.log_level);
    return node_run(&config) == STATUS_OK ? 0 : 1;
}
