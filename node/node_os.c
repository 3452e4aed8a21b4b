#include "node/node.h"

#include "common/arena.h"
#include "common/log.h"
#include "engine/engine.h"
#include "engine/loop.h"
#include "engine/slices.h"
#include "gateway/hall.h"
#include "gateway/tls_identity.h"
#include "ledger/backfill_run.h"
#include "ledger/chain.h"
#include "ledger/consensus.h"
#include "ledger/supply_files.h"
#include "node/anchor.h"
#include "node/checkpoint_maker.h"
#include "node/gateways.h"
#include "node/liabilities_maker.h"
#include "node/neighbours.h"
#include "node/node_files.h"
#include "node/pid_file.h"
#include "node/recovery.h"
#include "node/settings.h"
#include "node/start.h"
#include "node/vetter.h"
#include "settlement/proof_journal.h"
#include "settlement/proof_shelf.h"
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
#define CLOSE_PAUSE_MS  2 /* for answers at the end, GATEWAY_STOP_MS in all */

/* Small records: of votes only the newest matters, the others are rare. */
#define VOTES_BYTES     (64u << 10)
#define RARE_BYTES      (1u << 20)
#define QUESTIONS_BYTES (1u << 20) /* a quarter holds the largest run */
#define ANSWERS_BYTES   (64u << 10)
#define SLICES_BYTES    (8u << 20) /* hurried ones are 1 MiB each */

#define CHECKPOINTS_KEPT 2
#define THREAD_NAME_MAX  16 /* as the system has it */

/* A life of this length was not cut short by what it was mended from. */
#define STEADY_S 60

/* What the engine hands on in multiples of config.ring_bytes: events are several times their commands. */
#define ANCHOR_INPUT_RINGS 4

/* Those of the gateway's loops are in gateways.c. */
struct node_rings {
    struct ring *votes;          /* anchor to consensus */
    struct ring *maker_votes;    /* checkpoint maker to consensus */
    struct ring *changes;        /* anchor to consensus */
    struct ring *facts;          /* anchor to consensus */
    struct ring *questions;      /* consensus to vetter */
    struct ring *answers;        /* vetter to consensus */
    struct ring *batches;        /* consensus to engine */
    struct ring *marks;          /* consensus to checkpoint maker */
    struct ring *anchor_applied; /* engine to anchor */
    struct ring *certificates;   /* anchor to checkpoint maker */
    struct ring *liabilities;    /* the same: certificates of liabilities */
    struct ring *slices;         /* engine to anchor: balances at a block's end */
    struct ring *compared;       /* anchor to PostgreSQL writer: the same */
};

/* The gateway's loops are first, as many as there may be. */
enum {
    GATEWAY,
    CONSENSUS = GATEWAY + HALL_LOOPS_MAX,
    ENGINE,
    ANCHOR,
    MAKER,
    STORE,
    BACKFILL,
    VETTER,
    THREAD_COUNT
};

static_assert(HALL_LOOPS_MAX <= CONSENSUS_SUBMISSIONS_MAX && HALL_LOOPS_MAX <= ANCHOR_NOTICES_MAX &&
                  1 + HALL_LOOPS_MAX <= ENGINE_OUTPUTS_LIMIT,
              "a ring to each loop, and from it");

struct node;

/* A thread of the node and how it ended. Written by that thread before it ends. */
struct node_thread {
    struct node *node;
    char name[THREAD_NAME_MAX];
    enum status (*body)(struct node *node); /* NULL: a gateway loop's */
    uint32_t loop;
    pthread_t handle;
    bool started;
    enum status status;
};

struct node {
    const struct config *config; /* as it was at the start */
    struct settings *settings;   /* the main thread's: as they are now */
    struct tls_identity *identity;
    struct node_files files;

    /* What the threads begin with. */
    struct start start;
    uint8_t base_configuration[WAL_CONFIGURATION_BYTES_MAX];
    struct membership start_membership;
    struct node_set neighbours; /* as it heard when it joined; nobody when it never did */

    struct arena engine_arena;
    struct arena settlement_arena;
    struct arena ring_arena;
    struct arena relay_arena;
    struct engine *engine;
    struct settlement *settlement;
    struct arena journal_arena;
    struct proof_journal *journal; /* that the settlement keeps for the gateway's proofs */
    struct digest digest;
    struct slices slices;
    struct liabilities_maker *liabilities_maker; /* its thread's */
    struct checkpoint_maker *maker;              /* NULL: this chain makes none */
    struct supply_files *supply;
    struct vetter *vetter;
    struct backfill_relay relay;
    struct node_rings rings;
    alignas(64) struct park
        parks[THREAD_COUNT]; /* each thread's own; the loops have theirs in gateways.c */
    struct gateways_options gateways_options;
    struct gateways *gateways;
    struct pid_file pid_file;
    struct node_thread threads[THREAD_COUNT];
    _Atomic bool failed; /* one of them has */

    struct metrics metrics;
    struct progress progress;
};

/* Those that the main thread waits for. */
static void own_signals(sigset_t *signals)
{
    sigemptyset(signals);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGINT);
    sigaddset(signals, SIGHUP);
}

/* ---- what each thread runs ---- */

static enum status run_consensus(struct node *node)
{
    struct consensus_options options = {
        .wal_directory = node->files.wal,
        .segment_bytes = node->config->wal_segment_bytes,
        .genesis = &node->files.genesis,
        .node = node->files.id,
        .nodes = &node->start.nodes,
        .base = node->start.height > 0 ? &node->start.base : NULL,
        .introduced = &node->neighbours,
        .secret_key = node->files.secret_key,
        .peer_host = node->config->peer_host,
        .peer_port = (uint16_t)node->config->peer_port,
        .submission_count = gateways_count(node->gateways),
        .votes = {node->rings.votes, node->rings.maker_votes},
        .vote_ring_count = 2,
        .changes = node->rings.changes,
        .batches = node->rings.batches,
        .batches_park = &node->parks[ENGINE],
        .marks = node->maker != NULL ? node->rings.marks : NULL,
        .marks_park = &node->parks[MAKER],
        .park = &node->parks[CONSENSUS],
        .supply = supply_files_hooks(node->supply),
        .vetting = vetter_hooks(node->vetter),
        .metrics = &node->metrics,
        .progress = &node->progress,
    };
    for (uint32_t i = 0; i < options.submission_count; i++)
        options.submissions[i] = gateways_wires(node->gateways, i).submissions;
    return consensus_run(&options);
}

static void engine_sealed(void *context, uint64_t height)
{
    struct node *node = context;
    const uint32_t every = node->files.genesis.params.checkpoint_blocks;
    const uint64_t wanted =
        atomic_load_explicit(&node->progress.reconcile_wanted, memory_order_relaxed);
    slices_step(&node->slices, node->engine, height, wanted);
    if (every != 0 && height % every == 0) maker_engine(node->maker, height);
}

static enum status run_engine(struct node *node)
{
    struct engine_loop loop = {
        .genesis = &node->files.genesis,
        .engine = node->engine,
        .batches = node->rings.batches,
        .park = &node->parks[ENGINE],
        .outputs = {node->rings.anchor_applied},
        .output_parks = {&node->parks[ANCHOR]},
        .output_count = 1 + gateways_count(node->gateways),
        .sealed = engine_sealed,
        .sealed_context = node,
        .metrics = &node->metrics,
        .progress = &node->progress,
    };
    for (uint32_t i = 1; i < loop.output_count; i++) {
        const struct gateways_wires wires = gateways_wires(node->gateways, i - 1);
        loop.outputs[i] = wires.applied;
        loop.output_parks[i] = wires.park;
    }
    const enum status status = engine_loop_run(&loop);
    /* It left an output behind because its consumer had ended: the log still has everything. */
    return status == STATUS_STOPPING ? STATUS_OK : status;
}

static void anchor_checkpoint(void *context, uint64_t height, const struct digest *digest,
                              const uint8_t *header, bool liabilities)
{
    struct node *node = context;
    maker_anchor(node->maker, height, digest, header, liabilities);
}

/* How many bodies stay below a checkpoint; 0: all. */
static uint64_t bodies_kept(const struct node *node)
{
    return node->config->archive != 0 ? 0 : node->config->bodies_kept;
}

static enum status run_anchor(struct node *node)
{
    const bool makes = node->maker != NULL;
    struct anchor_options options = {
        .genesis = &node->files.genesis,
        .node = node->files.id,
        .secret_key = node->files.secret_key,
        .digest = &node->digest,
        .chain_directory = node->files.chain,
        .sign_once_path = node->files.sign_once,
        .history_path = node->files.history,
        .trades_directory = node->files.trades,
        .releases_directory = node->files.releases,
        .lineage_directory = node->files.checkpoint,
        .evidence_directory = node->files.evidence,
        .epoch_change_path = node->files.epoch_change,
        .applied = node->rings.anchor_applied,
        .park = &node->parks[ANCHOR],
        .votes = node->rings.votes,
        .changes = node->rings.changes,
        .facts = node->rings.facts,
        .consensus_park = &node->parks[CONSENSUS],
        .notice_count = gateways_count(node->gateways),
        .certificates = makes ? node->rings.certificates : NULL,
        .liabilities = makes ? node->rings.liabilities : NULL,
        .maker_park = &node->parks[MAKER],
        .store_park = &node->parks[STORE],
        .slices = node->rings.slices,
        .compared = node->config->database[0] != '\0' ? node->rings.compared : NULL,
        .checkpoint = makes ? anchor_checkpoint : NULL,
        .checkpoint_context = node,
        .bodies_kept = bodies_kept(node),
        .projects = node->config->database[0] != '\0',
        .hasher = HASHER_BESIDE,
        .metrics = &node->metrics,
        .progress = &node->progress,
    };
    for (uint32_t i = 0; i < options.notice_count; i++) {
        const struct gateways_wires wires = gateways_wires(node->gateways, i);
        options.notices[i] = wires.notices;
        options.gateway_parks[i] = wires.park;
    }
    return anchor_run(&options);
}

static enum status run_maker(struct node *node)
{
    return node->maker != NULL ? maker_run(node->maker) : STATUS_OK;
}

static struct backfill_run_options backfill_options(struct node *node)
{
    return (struct backfill_run_options){
        .genesis = &node->files.genesis,
        .node = node->files.id,
        .chain_directory = node->files.chain,
        .lineage_directory = node->files.checkpoint,
        .releases_directory = node->files.releases,
        .bodies_kept = bodies_kept(node),
        .projects = node->config->database[0] != '\0',
        .relay = &node->relay,
        .park = &node->parks[BACKFILL],
        .progress = &node->progress,
    };
}

static enum status run_backfill(struct node *node)
{
    const struct backfill_run_options options = backfill_options(node);
    backfill_run(&options);
    return STATUS_OK; /* who trades needs no history */
}

static enum status run_vetter(struct node *node)
{
    vetter_run(node->vetter);
    return STATUS_OK;
}

/* The chain as the projection reads it. */
struct shelf {
    struct chain *chain;
    const struct progress *progress;
};

static enum status read_block(void *context, uint64_t height, struct block_bytes *out)
{
    const struct shelf *shelf = context;
    struct chain_block block;
    const enum status status = chain_read_block(shelf->chain, height, &block);
    if (status == STATUS_OK)
        *out = (struct block_bytes){block.header, block.body, block.body_bytes};
    return status;
}

/* What is still fetched will be there; what stops that is in the log already. */
static uint64_t first_block(void *context)
{
    const struct shelf *shelf = context;
    const uint32_t backfill =
        atomic_load_explicit(&shelf->progress->backfill, memory_order_acquire);
    if (backfill == BACKFILL_IS_WHOLE || backfill == BACKFILL_HAS_FAILED)
        return chain_first_body(shelf->chain);
    return atomic_load_explicit(&shelf->progress->backfill_bodies_from, memory_order_relaxed);
}

static enum status run_store(struct node *node)
{
    struct shelf shelf = {.progress = &node->progress};
    if (node->config->database[0] == '\0') return STATUS_OK;
    const enum status status = chain_open_reader(node->files.chain, &shelf.chain);
    if (status != STATUS_OK) return status;

    const struct store_options options = {
        .conninfo = node->config->database,
        .genesis = &node->files.genesis,
        .source = {.context = &shelf, .read = read_block, .first = first_block},
        .park = &node->parks[STORE],
        .compared = node->rings.compared,
        .kept_ns = (uint64_t)node->config->history_days * 86400 * UINT64_C(1000000000),
        .progress = &node->progress,
        .metrics = &node->metrics,
    };
    store_run(&options);
    chain_close(shelf.chain);
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
    thread->status = thread->body != NULL ? thread->body(thread->node)
                                          : gateways_run(thread->node->gateways, thread->loop);
    if (thread->status != STATUS_OK && thread->status != STATUS_STOPPING)
        log_error("node", "thread failed", "thread=%s reason=\"%s\"", thread->name,
                  status_text(thread->status));
    /* The main thread waits for signals; the first one that fails tells it that there is nothing to wait for. A second
     * signal would be there still when the node is mended, and be taken for the operator's. */
    if (thread->status != STATUS_OK && !is_stopping(thread->node) &&
        !atomic_exchange_explicit(&thread->node->failed, true, memory_order_acq_rel))
        kill(getpid(), SIGTERM);
    return NULL;
}

/* What each thread is. False: this node has no such one. */
static bool plan_thread(struct node *node, int index, struct node_thread *thread)
{
    static const struct {
        const char *name;
        enum status (*body)(struct node *node);
    } plan[THREAD_COUNT] = {
        [CONSENSUS] = {"consensus", run_consensus},
        [ENGINE] = {"engine", run_engine},
        [ANCHOR] = {"anchor", run_anchor},
        [MAKER] = {"maker", run_maker},
        [STORE] = {"store", run_store},
        [BACKFILL] = {"backfill", run_backfill},
        [VETTER] = {"vetter", run_vetter},
    };
    *thread = (struct node_thread){.node = node};
    if (index >= CONSENSUS) {
        thread->body = plan[index].body;
        (void)snprintf(thread->name, sizeof(thread->name), "%s", plan[index].name);
        return true;
    }
    thread->loop = (uint32_t)(index - GATEWAY);
    (void)snprintf(thread->name, sizeof(thread->name), thread->loop == 0 ? "gateway" : "gateway-%u",
                   thread->loop);
    return thread->loop < gateways_count(node->gateways);
}

static enum status start_threads(struct node *node)
{
    /* Consumers first, so that nobody waits for a thread that could not be started. */
    for (int i = THREAD_COUNT - 1; i >= 0; i--) {
        struct node_thread *thread = &node->threads[i];
        if (!plan_thread(node, i, thread)) continue;
        if (pthread_create(&thread->handle, NULL, thread_main, thread) != 0) {
            log_error("node", "thread not started", "thread=%s", thread->name);
            return STATUS_NO_MEMORY;
        }
        pthread_setname_np(thread->handle, thread->name);
        thread->started = true;
    }
    return STATUS_OK;
}

static void read_settings_again(struct node *node)
{
    struct gateway_settings *settings = settings_read_again(node->settings);
    if (settings == NULL) {
        metric_add(&node->metrics.reloads_failed_total, 1);
        return;
    }
    const bool is_left = gateways_leave(node->gateways, settings);
    metric_add(is_left ? &node->metrics.reloads_total : &node->metrics.reloads_failed_total, 1);
}

/* Until one that ends the node. */
static void wait_for_signals(struct node *node)
{
    sigset_t signals;
    int signal_number = 0;
    own_signals(&signals);
    for (;;) {
        if (sigwait(&signals, &signal_number) != 0) continue;
        if (signal_number != SIGHUP) return;
        read_settings_again(node);
    }
}

/* Lets clients have their answers before leadership is given away and the links go: what is under way then
 * would never be known here. A node that failed, or stands still, cannot wait for it. */
static void close_gateway(struct node *node)
{
    const struct timespec pause = {.tv_nsec = CLOSE_PAUSE_MS * 1000000};
    atomic_store_explicit(&node->progress.closing, 1, memory_order_release);
    gateways_wake(node->gateways);
    for (int i = 0; i < GATEWAY_STOP_MS / CLOSE_PAUSE_MS; i++) {
        if (atomic_load_explicit(&node->progress.answered, memory_order_acquire) != 0) return;
        if (atomic_load_explicit(&node->failed, memory_order_acquire)) return;
        clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
    }
}

/* Tells every thread and joins them, those that put work in first. */
static enum status stop_threads(struct node *node)
{
    enum status first = STATUS_OK;
    atomic_store_explicit(&node->progress.stopping, 1, memory_order_release);
    gateways_wake(node->gateways);
    for (int i = CONSENSUS; i < THREAD_COUNT; i++)
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

/* ---- memory ---- */

static size_t physical_memory_bytes(void)
{
    const long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
    return pages > 0 && page_bytes > 0 ? (size_t)pages * (size_t)page_bytes : SIZE_MAX;
}

/* All that the parameters can ever need must fit, although little of it is touched at first. */
static enum status check_memory(const struct node *node)
{
    const struct genesis *genesis = &node->files.genesis;
    const size_t engine = engine_bytes(genesis), settlement = settlement_bytes(genesis);
    const size_t vetting = vetter_bytes(genesis);
    const size_t projection = store_bytes(genesis), memory = physical_memory_bytes();
    const size_t rings =
        node->config->ring_bytes * (1 + ANCHOR_INPUT_RINGS) + gateways_ring_bytes(node->config);
    const struct proof_journal_limits limits = proof_journal_limits_of(&genesis->params);
    const size_t proofs = proof_journal_bytes(&genesis->params, &limits);
    const size_t gateways = gateways_view_bytes(node->config, genesis);
    const size_t all = engine + settlement + vetting + projection + proofs + gateways + rings;
    log_info("node", "memory by the parameters",
             "engine_mb=%zu settlement_mb=%zu projection_mb=%zu proofs_mb=%zu "
             "gateways_mb=%zu rings_mb=%zu machine_mb=%zu",
             engine >> 20, settlement >> 20, projection >> 20, proofs >> 20, gateways >> 20,
             rings >> 20, memory >> 20);
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
        {&rings->votes, VOTES_BYTES},
        {&rings->maker_votes, VOTES_BYTES},
        {&rings->changes, RARE_BYTES},
        {&rings->facts, RARE_BYTES},
        {&rings->questions, QUESTIONS_BYTES},
        {&rings->answers, ANSWERS_BYTES},
        {&rings->batches, unit},
        {&rings->marks, RARE_BYTES},
        {&rings->anchor_applied, unit * ANCHOR_INPUT_RINGS},
        {&rings->certificates, RARE_BYTES},
        {&rings->liabilities, RARE_BYTES},
        {&rings->slices, SLICES_BYTES},
        {&rings->compared, SLICES_BYTES},
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
    node->slices.ring = rings->slices;
    return STATUS_OK;
}

static enum status make_maker(struct node *node)
{
    if (node->files.genesis.params.checkpoint_blocks == 0) return STATUS_OK;
    const struct liabilities_maker_options liabilities = {
        .genesis = &node->files.genesis,
        .node = node->files.id,
        .secret_key = node->files.secret_key,
        .directory = node->files.liabilities,
        .shelf = node->files.shelf,
        .chain_directory = node->files.chain,
        .settlement = node->settlement,
        .certificates = node->rings.liabilities,
        .votes = node->rings.maker_votes,
        .consensus_park = &node->parks[CONSENSUS],
        .vote_again_ns = LIABILITIES_VOTE_AGAIN_NS,
        .progress = &node->progress,
        .metrics = &node->metrics,
    };
    node->liabilities_maker = liabilities_maker_new(&liabilities);
    if (node->liabilities_maker == NULL) return STATUS_NO_MEMORY;
    const struct maker_options options = {
        .genesis = &node->files.genesis,
        .node = node->files.id,
        .secret_key = node->files.secret_key,
        .directory = node->files.checkpoint,
        .shelf = node->files.shelf,
        .kept = CHECKPOINTS_KEPT,
        .engine_arena = &node->engine_arena,
        .settlement_arena = &node->settlement_arena,
        .engine = node->engine,
        .settlement = node->settlement,
        .marks = node->rings.marks,
        .certificates = node->rings.certificates,
        .votes = node->rings.maker_votes,
        .park = &node->parks[MAKER],
        .consensus_park = &node->parks[CONSENSUS],
        .progress = &node->progress,
        .liabilities = node->liabilities_maker,
    };
    node->maker = maker_new(&options);
    return node->maker != NULL ? STATUS_OK : STATUS_NO_MEMORY;
}

static enum status make_backfill(struct node *node)
{
    const struct backfill_run_options options = backfill_options(node);
    if (!arena_map(&node->relay_arena, backfill_relay_memory()) ||
        !backfill_relay_init(&node->relay, &node->relay_arena, &node->parks[BACKFILL],
                             &node->parks[CONSENSUS]))
        return STATUS_NO_MEMORY;
    backfill_announce(&options);
    return STATUS_OK;
}

static enum status make_vetter(struct node *node)
{
    const struct vetter_options options = {
        .genesis = &node->files.genesis,
        .settlement = node->settlement,
        .facts = node->rings.facts,
        .questions = node->rings.questions,
        .answers = node->rings.answers,
        .park = &node->parks[VETTER],
        .consensus_park = &node->parks[CONSENSUS],
        .evidence_directory = node->files.evidence,
        .progress = &node->progress,
    };
    node->vetter = vetter_new(&options);
    return node->vetter != NULL ? STATUS_OK : STATUS_NO_MEMORY;
}

static enum status make_supply(struct node *node)
{
    const struct supply_files_options options = {
        .checkpoint_directory = node->files.checkpoint,
        .chain_directory = node->files.chain,
        .archive = node->config->archive != 0,
        .backfill = &node->relay,
        .progress = &node->progress,
    };
    node->supply = supply_files_new(&options);
    return node->supply != NULL ? STATUS_OK : STATUS_NO_MEMORY;
}

/* What settlement keeps for proofs, from the state that it begins with on. */
static enum status make_journal(struct node *node)
{
    const struct params *params = &node->files.genesis.params;
    const struct proof_journal_limits limits = proof_journal_limits_of(params);
    if (!arena_map(&node->journal_arena, proof_journal_bytes(params, &limits)))
        return STATUS_NO_MEMORY;
    node->journal = proof_journal_new(&node->journal_arena, params, &limits);
    ASSERT(node->journal != NULL);
    settlement_keep(node->settlement, node->journal);
    /* A checkpoint that came from others has no proofs yet. */
    return node->start.height > 0 ? proof_shelf_write(node->files.shelf, node->settlement)
                                  : STATUS_OK;
}

/* The state of the checkpoint, or of the genesis. */
static enum status make_state(struct node *node)
{
    struct start *start = &node->start;
    const struct genesis *genesis = &node->files.genesis;
    if (!arena_map(&node->engine_arena, engine_bytes(genesis)) ||
        !arena_map(&node->settlement_arena, settlement_bytes(genesis)))
        return STATUS_NO_MEMORY;
    enum status status = start_engine(start, &node->engine_arena, &node->engine);
    if (status == STATUS_OK)
        status = start_settlement(start, &node->settlement_arena, node->files.tree_secret,
                                  &node->settlement, &node->digest);
    if (status == STATUS_OK) status = start_chain(start, node->files.chain);
    if (status == STATUS_OK) status = make_journal(node);
    if (status != STATUS_OK) return status;

    node->start_membership = node->digest.membership;
    if (start->base.configuration_bytes > 0)
        memcpy(node->base_configuration, start->base.configuration,
               start->base.configuration_bytes);
    start->base.configuration = node->base_configuration;
    atomic_store(&node->progress.checkpoint_height, start->height);
    return STATUS_OK;
}

static enum status make_gateways(struct node *node)
{
    node->gateways_options = (struct gateways_options){
        .config = node->config,
        .files = &node->files,
        .start = &node->start,
        .membership = &node->start_membership,
        .settlement = node->settlement,
        .journal = node->journal,
        .maker = node->maker,
        .identity = node->identity,
        .consensus_park = &node->parks[CONSENSUS],
        .metrics = &node->metrics,
        .progress = &node->progress,
    };
    node->gateways = gateways_new(&node->gateways_options);
    return node->gateways != NULL ? STATUS_OK : STATUS_NO_MEMORY;
}

static enum status make_parks(struct node *node)
{
    for (int i = CONSENSUS; i < THREAD_COUNT; i++)
        if (!park_open(&node->parks[i])) {
            log_error("node", "no descriptor left", "park=%d", i);
            return STATUS_NO_MEMORY;
        }
    /* An answer waits for these two, and for its gateway loop; for no other thread. */
    park_spin_for(&node->parks[CONSENSUS], (uint32_t)node->config->spin_us);
    park_spin_for(&node->parks[ENGINE], (uint32_t)node->config->spin_us);
    return STATUS_OK;
}

static enum status make_memory(struct node *node)
{
    enum status status = make_parks(node);
    if (status == STATUS_OK) status = check_memory(node);
    if (status == STATUS_OK) status = make_rings(node);
    if (status == STATUS_OK) status = make_state(node);
    if (status == STATUS_OK) status = make_maker(node);
    if (status == STATUS_OK) status = make_gateways(node);
    if (status == STATUS_OK) status = make_vetter(node);
    if (status == STATUS_OK) status = make_backfill(node);
    if (status == STATUS_OK) status = make_supply(node);
    return status;
}

static void free_memory(struct node *node)
{
    gateways_free(node->gateways);
    maker_free(node->maker);
    liabilities_maker_free(node->liabilities_maker);
    supply_files_free(node->supply);
    vetter_free(node->vetter);
    for (int i = 0; i < THREAD_COUNT; i++)
        park_close(&node->parks[i]);
    arena_unmap(&node->engine_arena);
    arena_unmap(&node->settlement_arena);
    arena_unmap(&node->journal_arena);
    arena_unmap(&node->ring_arena);
    arena_unmap(&node->relay_arena);
    start_close(&node->start);
}

/* Signals are the main thread's alone; a broken connection is an error code, not a signal; every
 * connection needs a descriptor. */
static void prepare_process(const struct config *config)
{
    sigset_t signals;
    own_signals(&signals);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGHUP, SIG_DFL); /* one that is ignored, as under nohup, could not be waited for */
    signal(SIGPIPE, SIG_IGN);

    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    gateways_prepare(config);
}

static void log_start(const struct node *node)
{
    char chain_id[2 * HASH_BYTES + 1];
    const hash_t hash = genesis_chain_id(&node->files.genesis);
    hash_hex(hash.bytes, HASH_BYTES, chain_id);
    log_info("node", "starting", "version=%s node=%u chain_id=%s directory=\"%s\" pid=%d",
             QUOREX_VERSION, (unsigned)node->files.id, chain_id, node->config->directory,
             (int)getpid());
}

static enum status run_threads(struct node *node)
{
    struct timespec began, ended_at;
    clock_gettime(CLOCK_MONOTONIC, &began);
    enum status status = start_threads(node);
    if (status == STATUS_OK) {
        wait_for_signals(node);
        log_info("node", "stopping", "pid=%d", (int)getpid());
    }
    if (status == STATUS_OK) close_gateway(node);
    clock_gettime(CLOCK_MONOTONIC, &ended_at);
    if (ended_at.tv_sec - began.tv_sec > STEADY_S) recovery_steady();
    const enum status ended = stop_threads(node);
    return status == STATUS_OK ? ended : status;
}

static void read_neighbours(struct node *node)
{
    char path[FILE_PATH_MAX];
    if (file_path(path, node->config->directory, NEIGHBOURS_FILE))
        (void)neighbours_read(path, &node->neighbours);
}

/* One life: from what is on the disk to the end of all threads. */
static enum status live(struct node *node)
{
    enum status status = start_open(&node->start, node->files.checkpoint, &node->files.genesis);
    if (status == STATUS_OK) status = recovery_before(&node->files, &node->start);
    if (status == STATUS_OK) status = make_memory(node);
    if (status == STATUS_OK) {
        read_neighbours(node);
        log_start(node);
        status = run_threads(node);
    }
    if (status == STATUS_OK) log_info("node", "stopped", "pid=%d", (int)getpid());
    return status;
}

enum status node_run(struct settings *settings)
{
    const struct config config = settings->config;
    char path[FILE_PATH_MAX];
    struct node *node = aligned_alloc(64, (sizeof(*node) + 63) & ~(size_t)63);
    if (node == NULL) return STATUS_NO_MEMORY;
    memset(node, 0, sizeof(*node));
    node->config = &config;
    node->settings = settings;
    for (int i = 0; i < THREAD_COUNT; i++)
        node->parks[i].descriptor = -1;

    prepare_process(&config);
    enum status status = STATUS_MALFORMED;
    if (file_path(path, config.directory, "quorex.pid"))
        status = pid_file_acquire(&node->pid_file, path);
    if (status != STATUS_OK) goto free_node;

    status = node_files_load(&node->files, &config);
    if (status == STATUS_OK) status = settings_identity(&config, &node->identity);
    if (status == STATUS_OK) status = live(node);
    free_memory(node);
    tls_identity_free(node->identity);
    if (status != STATUS_OK) status = recovery_after(&node->files, status);
    pid_file_release(&node->pid_file);
free_node:
    node_files_close(&node->files);
    free(node);
    return status;
}

/* ---- command line ---- */

static void print_usage(void)
{
    puts("usage: quorex node [--config FILE] [--key value ...]\n"
         "Runs a node until SIGTERM or SIGINT; SIGHUP reads the settings again. The file, the\n"
         "environment (QUOREX_KEY) and the command line set the same keys; what comes later wins:");
    config_print_help();
}

/* As a new process: what this one leaves behind in its libraries is not worth finding out about. */
static void start_again(int argc, char **argv)
{
    char **again = calloc((size_t)argc + 2, sizeof(*again));
    if (again == NULL) return;
    again[0] = "quorex";
    memcpy(again + 1, argv, (size_t)argc * sizeof(*argv));
    log_info("node", "starting again", "pid=%d", (int)getpid());
    execv("/proc/self/exe", again);
    log_error("node", "cannot start again", "errno=%d", errno);
    free(again);
}

int node_main(int argc, char **argv)
{
    static struct settings settings;
    const struct config *config = &settings.config;
    struct config_error error = {0};
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            print_usage();
            return 0;
        }
    if (!settings_load(&settings, argc - 1, argv + 1, environ, &error)) {
        config_print_error(&error);
        return 2;
    }
    if (config->directory[0] == '\0') {
        fputs("quorex node: neither --config nor --directory says where the node's files are\n",
              stderr);
        return 2;
    }
    log_set_level((enum log_level)config->log_level);
    const enum status status = node_run(&settings);
    if (status == STATUS_AGAIN) {
        start_again(argc, argv);
        return 1;
    }
    return status == STATUS_OK ? 0 : status == STATUS_AMNESIAC ? 3 : 1;
}
