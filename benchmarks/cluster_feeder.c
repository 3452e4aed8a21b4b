/* The gateway's place in a node of a benchmark: what cluster.h wishes goes in, what comes back is counted.
 *
 * Links in the place of gateway_uv.c, which the program then does not take from its library. */

#include "benchmarks/cluster.h"

#include "common/applied.h"
#include "common/arena.h"
#include "gateway/gateway.h"
#include "gateway/restore.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define REFILL_MAX    1024 /* commands between two looks at what has come back */
#define DRAIN_MAX     4096
#define BLOCKS_KEPT   4096
#define VIEWS_EXTRA   4096
#define REST_MS_MAX   100
#define RESERVE_BYTES (COMMAND_HEADER_BYTES + 512) /* the largest command of the traffic */

struct cluster *cluster;

struct feeder {
    const struct gateway_options *options;
    struct cluster_node *node;
    struct arena arena;
    struct view *view; /* with checkpoints: their section is made of the views */
    struct market_views *markets;
    struct traffic traffic;
    uint64_t number, epoch; /* last command seen, and our last HELLO */
    uint64_t sent_ns;       /* of the command whose parts are coming; 0: not ours */
    uint64_t sealed;        /* height that it seals; 0: none */
    uint64_t checkpoint;    /* last height at which a checkpoint was begun */
    bool refused;
    uint64_t sealed_ns[BLOCKS_KEPT]; /* by height */
};

uint64_t cluster_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

bool cluster_map(const char *path, bool create)
{
    const int file = open(path, O_RDWR | (create ? O_CREAT | O_TRUNC : 0), 0600);
    if (file < 0 || (create && ftruncate(file, sizeof(struct cluster)) != 0)) return false;
    void *memory = mmap(NULL, sizeof(struct cluster), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    cluster = memory == MAP_FAILED ? NULL : memory;
    return cluster != NULL;
}

/* One writer: this thread. */
static void add(_Atomic uint64_t *figure)
{
    atomic_store_explicit(figure, atomic_load_explicit(figure, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}

static void record(struct feeder *feeder, enum cluster_histogram histogram, uint64_t ns)
{
    add(&feeder->node->histograms[histogram][cluster_bucket(ns)]);
}

/* ---- What comes back. */

static bool makes_checkpoint(const struct feeder *feeder)
{
    const struct progress *progress = feeder->options->progress;
    return feeder->checkpoint >
           atomic_load_explicit(&progress->checkpoint_height, memory_order_relaxed);
}

static void count_command(struct feeder *feeder, uint64_t now_ns)
{
    struct cluster_node *node = feeder->node;
    const uint64_t under_way = atomic_load_explicit(&node->under_way, memory_order_relaxed);
    const uint32_t work = atomic_load_explicit(&node->work, memory_order_relaxed);
    if (under_way > 0) atomic_store_explicit(&node->under_way, under_way - 1, memory_order_relaxed);
    add(&node->done);
    if (feeder->refused) add(&node->refused);
    if (work == WORK_ACCOUNTS || work == WORK_ORDERS) add(&node->work_count);
    record(feeder, makes_checkpoint(feeder) ? COMMITS_CHECKPOINT : COMMITS,
           now_ns - feeder->sent_ns);
    const uint64_t watch_ns = atomic_load_explicit(&node->watch_ns, memory_order_acquire);
    if (watch_ns != 0 && feeder->sent_ns >= watch_ns &&
        atomic_load_explicit(&node->first_ns, memory_order_relaxed) == 0)
        atomic_store_explicit(&node->first_ns, now_ns, memory_order_release);
}

static void take_command(struct feeder *feeder, const struct applied *applied)
{
    struct command command;
    if (!command_decode(applied->command, applied->command_length, &command)) abort();
    const bool ours = command.header.origin == feeder->options->node && command.header.ticket != 0;
    feeder->sent_ns = ours ? command.header.ticket : 0;
    feeder->refused = false;
    if (command.header.type != T_HELLO) return;
    struct hello_command hello;
    hello_command_get(command.payload, &hello);
    if (hello.node == feeder->options->node) feeder->epoch = applied->number;
}

static void take_event(struct feeder *feeder, const struct applied *applied,
                       const struct event *event)
{
    if (event->type == T_REFUSED || event->type == T_NOOP) feeder->refused = true;
    if (event->type == T_SEALED) {
        struct sealed_event sealed;
        sealed_event_get(event->payload, &sealed);
        feeder->sealed = sealed.height;
    }
    if (feeder->view == NULL) return;
    market_view_apply(feeder->markets, applied, event);
    view_apply(feeder->view, applied, event);
}

static void tell_checkpoint(struct feeder *feeder)
{
    const struct gateway_checkpoints *checkpoints = &feeder->options->checkpoints;
    const uint32_t every = feeder->options->genesis->params.checkpoint_blocks;
    const uint64_t height = feeder->sealed;
    feeder->sealed = 0;
    if (height == 0 || every == 0 || height % every != 0 || feeder->view == NULL) return;
    struct restore views;
    restore_begin(&views, feeder->view, feeder->markets);
    feeder->checkpoint = height;
    checkpoints->sealed(checkpoints->context, height, &views);
}

static void take_record(struct feeder *feeder, const uint8_t *bytes, size_t byte_count,
                        uint64_t now_ns)
{
    struct applied applied;
    struct event event;
    const uint8_t *at = bytes;
    if (!applied_next(&at, bytes + byte_count, &applied)) abort();
    if ((applied.flags & APPLIED_FIRST) != 0) take_command(feeder, &applied);
    const uint8_t *events = applied.events;
    while (event_next(&events, applied.events + applied.events_length, &event))
        take_event(feeder, &applied, &event);
    if ((applied.flags & APPLIED_LAST) == 0) return;

    feeder->number = applied.number;
    if (feeder->view != NULL) {
        market_views_advance(feeder->markets, applied.stamp_ns);
        view_finish(feeder->view, &applied);
    }
    if (feeder->sent_ns != 0 && applied.number > feeder->epoch && feeder->epoch != 0)
        count_command(feeder, now_ns);
    tell_checkpoint(feeder);
}

static void take_notice(struct feeder *feeder, const uint8_t *bytes, size_t byte_count,
                        uint64_t now_ns)
{
    struct event notice;
    struct block_certified_notice certified;
    if (!notice_decode(bytes, byte_count, &notice)) abort();
    if (notice.type == T_BLOCK_SEALED) {
        /* The header has its height behind magic, version and flags. */
        const uint64_t height = le_get_u64(notice.payload + 8);
        feeder->sealed_ns[height % BLOCKS_KEPT] = now_ns;
        atomic_store_explicit(&feeder->node->height, height, memory_order_relaxed);
    } else if (notice.type == T_BLOCK_CERTIFIED) {
        block_certified_notice_get(notice.payload, &certified);
        uint64_t *sealed_ns = &feeder->sealed_ns[certified.height % BLOCKS_KEPT];
        if (*sealed_ns != 0) record(feeder, CERTIFICATES, now_ns - *sealed_ns);
        *sealed_ns = 0;
        atomic_store_explicit(&feeder->node->certified_height, certified.height,
                              memory_order_relaxed);
    }
}

static bool drain(struct feeder *feeder, struct ring *ring,
                  void (*take)(struct feeder *, const uint8_t *, size_t, uint64_t))
{
    const uint8_t *bytes;
    size_t byte_count;
    uint32_t taken = 0;
    const uint64_t now_ns = cluster_now_ns();
    for (; taken < DRAIN_MAX && (bytes = ring_peek(ring, &byte_count)) != NULL; taken++) {
        take(feeder, bytes, byte_count, now_ns);
        ring_pop(ring);
    }
    if (taken > 0) ring_release(ring);
    return taken > 0;
}

/* ---- What goes in. */

static bool refill(struct feeder *feeder)
{
    struct cluster_node *node = feeder->node;
    const uint64_t wish = atomic_load_explicit(&node->in_flight, memory_order_relaxed);
    const uint32_t work = atomic_load_explicit(&node->work, memory_order_relaxed);
    uint64_t under_way = atomic_load_explicit(&node->under_way, memory_order_relaxed);
    const uint64_t now_ns = cluster_now_ns();
    uint32_t count = 0;
    for (; under_way < wish && count < REFILL_MAX; count++, under_way++) {
        uint8_t *at = ring_reserve(feeder->options->submissions, RESERVE_BYTES);
        const size_t byte_count = at == NULL ? 0 : traffic_next(&feeder->traffic, work, now_ns, at);
        if (byte_count == 0) break;
        ring_commit(feeder->options->submissions, byte_count);
    }
    atomic_store_explicit(&node->under_way, under_way, memory_order_relaxed);
    if (count > 0 && ring_publish(feeder->options->submissions))
        park_wake(feeder->options->submissions_park);
    return count > 0;
}

/* ---- Life. */

static enum status make_views(struct feeder *feeder)
{
    const struct gateway_options *options = feeder->options;
    const struct genesis *genesis = options->genesis;
    const size_t byte_count = view_bytes(genesis) + market_view_bytes(genesis) + VIEWS_EXTRA;
    if (options->checkpoints.sealed == NULL && options->checkpoints.start == NULL) return STATUS_OK;
    if (!arena_map(&feeder->arena, byte_count)) return STATUS_NO_MEMORY;
    feeder->markets = market_views_new(&feeder->arena, genesis);
    if (feeder->markets == NULL) return STATUS_NO_MEMORY;
    feeder->view = view_new(&feeder->arena, genesis, market_views_params(feeder->markets));
    if (feeder->view == NULL) return STATUS_NO_MEMORY;
    view_watch_node(feeder->view, options->node);
    if (options->checkpoints.start == NULL) return STATUS_OK;
    struct restore views;
    restore_begin(&views, feeder->view, feeder->markets);
    return options->checkpoints.start(options->checkpoints.context, &views) ? STATUS_OK
                                                                            : STATUS_MALFORMED;
}

static bool is_open(const struct feeder *feeder)
{
    const uint64_t replay =
        atomic_load_explicit(&feeder->options->progress->replay_command, memory_order_acquire);
    return replay != 0 && feeder->number >= replay && feeder->epoch >= replay;
}

static void tell(struct feeder *feeder, bool open)
{
    struct progress *progress = feeder->options->progress;
    struct cluster_node *node = feeder->node;
    struct timespec now;
    atomic_store_explicit(&node->is_open, open, memory_order_release);
    atomic_store_explicit(&node->leader,
                          atomic_load_explicit(&progress->leader, memory_order_relaxed),
                          memory_order_relaxed);
    atomic_store_explicit(&node->checkpoint_height,
                          atomic_load_explicit(&progress->checkpoint_height, memory_order_relaxed),
                          memory_order_relaxed);
    if (feeder->view == NULL) return;
    clock_gettime(CLOCK_REALTIME, &now);
    view_trim(feeder->view, feeder->number,
              (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec);
}

static void rest(struct feeder *feeder)
{
    const bool idle = atomic_load_explicit(&feeder->node->in_flight, memory_order_relaxed) == 0;
    const bool events_done = ring_sleepy(feeder->options->applied);
    const bool notices_done = ring_sleepy(feeder->options->notices);
    if (events_done && notices_done)
        park_sleep(feeder->options->park, idle ? (int)cluster->rest_ms : REST_MS_MAX);
    ring_awake(feeder->options->applied);
    ring_awake(feeder->options->notices);
}

static void run(struct feeder *feeder)
{
    struct progress *progress = feeder->options->progress;
    uint64_t told_ns = 0;
    while (atomic_load_explicit(&progress->stopping, memory_order_acquire) == 0) {
        bool any = drain(feeder, feeder->options->applied, take_record);
        any |= drain(feeder, feeder->options->notices, take_notice);
        const bool open = is_open(feeder);
        const bool closing = atomic_load_explicit(&progress->closing, memory_order_acquire) != 0;
        if (open && !closing) any |= refill(feeder);
        if (closing) atomic_store_explicit(&progress->answered, 1, memory_order_release);
        const uint64_t now_ns = cluster_now_ns();
        if (now_ns - told_ns > 1000000) {
            tell(feeder, open);
            told_ns = now_ns;
        }
        if (!any) rest(feeder);
    }
}

size_t gateway_bytes(const struct genesis *genesis)
{
    (void)genesis;
    return 0; /* its views are none */
}

enum status gateway_run(const struct gateway_options *options)
{
    struct feeder *feeder = calloc(1, sizeof(*feeder));
    if (feeder == NULL || options->node > CLUSTER_NODES_MAX) return STATUS_NO_MEMORY;
    feeder->options = options;
    feeder->node = &cluster->nodes[options->node - 1];
    atomic_store(&feeder->node->is_open, 0);
    atomic_store(&feeder->node->under_way, 0);
    atomic_store(&feeder->node->pid, (uint32_t)getpid());
    traffic_begin(&feeder->traffic, options->node, cluster->accounts, cluster->orders);
    const enum status status = make_views(feeder);
    if (status == STATUS_OK) run(feeder);
    arena_unmap(&feeder->arena);
    free(feeder);
    return status;
}
