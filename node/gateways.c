#include "node/gateways.h"

#include "common/arena.h"
#include "common/log.h"
#include "common/money.h"
#include "gateway/hall.h"
#include "gateway/tls_identity.h"
#include "node/chain_table_os.h"
#include "node/checkpoint_maker.h"
#include "node/node_files.h"
#include "node/proof_table_os.h"
#include "node/settings.h"
#include "node/start.h"
#include "node/view_restore.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

/* Notices are one or two a block. */
#define NOTICES_BYTES (256u << 10)

/* What the engine hands on in multiples of config.ring_bytes: events are several times their commands, and a gateway must
 * not hold up the engine while it answers a burst. */
#define INPUT_RINGS 8

/* Threads that read files for a loop: one may wait for a disk while another computes. */
#define READERS 2

/* The consensus loop finds its peers' addresses on such threads too, and no reader may keep it from that. */
#define OTHER_THREADS 2

#define LINE_BYTES 64

struct loop {
    struct ring *submissions, *applied, *notices;
    alignas(LINE_BYTES) struct park park; /* its own line: park.h */
    struct gateway_mailbox mailbox;
};

struct gateways {
    const struct gateways_options *options;
    struct arena arena;
    struct hall *hall;
    uint32_t count;
    _Atomic uint32_t restoring; /* loops that have not read the checkpoint yet */
    struct loop loops[HALL_LOOPS_MAX];
};

/* ---- checkpoints ---- */

static bool restore_views(void *context, struct restore *restore)
{
    struct gateways *gateways = context;
    const struct gateways_options *options = gateways->options;
    const bool restored = view_restore(options->start, options->membership, restore);
    /* Engine and settlement were restored before the first began. acq_rel: all others are done with what is closed. */
    if (atomic_fetch_sub_explicit(&gateways->restoring, 1, memory_order_acq_rel) == 1)
        start_close(options->start);
    return restored;
}

static void tell_sealed(void *context, uint64_t height, const struct restore *restore)
{
    const struct gateways *gateways = context;
    maker_gateway(gateways->options->maker, height, restore);
}

/* All loops' views are the same: one says what goes into a checkpoint. */
static struct gateway_checkpoints checkpoints_of(struct gateways *gateways, uint32_t loop)
{
    const struct gateways_options *options = gateways->options;
    return (struct gateway_checkpoints){
        .context = gateways,
        .start = options->start->height > 0 ? restore_views : NULL,
        .sealed = loop == 0 && options->maker != NULL ? tell_sealed : NULL,
    };
}

/* ---- files ---- */

/* As one thread reads them. */
struct sources {
    struct chain_table *chain;
    struct proof_table *proofs;
};

static enum status open_sources(const struct gateways_options *options, struct sources *sources)
{
    const struct node_files *files = options->files;
    const struct chain_table_paths paths = {.chain = files->chain,
                                            .evidence = files->evidence,
                                            .history = files->history,
                                            .lineage = files->checkpoint};
    const struct proof_table_options proof_options = {.chain = files->chain,
                                                      .trades = files->trades,
                                                      .releases = files->releases,
                                                      .shelf = files->shelf,
                                                      .liabilities = files->liabilities,
                                                      .journal = options->journal,
                                                      .settlement = options->settlement};
    const enum status status = chain_table_open(&paths, &sources->chain);
    if (status != STATUS_OK) return status;
    return proof_table_open(&proof_options, &sources->proofs);
}

static void close_sources(struct sources *sources, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        proof_table_close(sources[i].proofs);
        chain_table_close(sources[i].chain);
    }
}

/* ---- a loop's thread ---- */

/* The first of the sources is the loop's, the others its readers'. */
static enum status run_with(struct gateways *gateways, uint32_t index,
                            const struct sources *sources)
{
    const struct gateways_options *options = gateways->options;
    const struct config *config = options->config;
    const struct node_files *files = options->files;
    struct loop *loop = &gateways->loops[index];
    struct gateway_reader readers[READERS];
    for (uint32_t i = 0; i < READERS; i++)
        readers[i] = (struct gateway_reader){chain_table_source(sources[i + 1].chain),
                                             proof_table_source(sources[i + 1].proofs)};
    const struct gateway_options gateway = {
        .host = config->host,
        .port = (uint16_t)config->port,
        .loop_index = index,
        .hall = gateways->hall,
        .node = files->id,
        .genesis = &files->genesis,
        .gateway_secret = files->gateway_secret,
        .conninfo = config->database,
        .submissions = loop->submissions,
        .submissions_park = options->consensus_park,
        .applied = loop->applied,
        .notices = loop->notices,
        .park = &loop->park,
        .metrics = hall_metrics(gateways->hall, index),
        .progress = options->progress,
        .limits_on = config->limits != 0,
        .connections_max = (uint32_t)config->connections_max,
        .limits = settings_limits(config),
        .checkpoints = checkpoints_of(gateways, index),
        .chain = chain_table_source(sources[0].chain),
        .proofs = proof_table_source(sources[0].proofs),
        .readers = readers,
        .reader_count = READERS,
        .genesis_text = files->genesis_text,
        .genesis_text_bytes = files->genesis_text_bytes,
        .identity = options->identity,
        .elsewhere = config->elsewhere,
        .origins = config->origins,
        .mailbox = &loop->mailbox,
    };
    return gateway_run(&gateway);
}

enum status gateways_run(struct gateways *gateways, uint32_t loop)
{
    struct sources sources[1 + READERS] = {0};
    enum status status = STATUS_OK;
    ASSERT(loop < gateways->count);
    for (uint32_t i = 0; status == STATUS_OK && i < 1 + READERS; i++)
        status = open_sources(gateways->options, &sources[i]);
    if (status == STATUS_OK) status = run_with(gateways, loop, sources);
    close_sources(sources, 1 + READERS);
    return status;
}

/* ---- the main thread's ---- */

void gateways_wake(struct gateways *gateways)
{
    for (uint32_t i = 0; i < gateways->count; i++)
        park_wake(&gateways->loops[i].park);
}

static void settings_free(struct gateway_settings *settings)
{
    if (settings != NULL) tls_identity_free(settings->identity);
    free(settings);
}

/* NULL when there is no memory. */
static struct gateway_settings *settings_copy(const struct gateway_settings *settings)
{
    struct gateway_settings *copy = malloc(sizeof(*copy));
    if (copy == NULL) return NULL;
    *copy = *settings;
    if (settings->identity == NULL) return copy;
    copy->identity = tls_identity_share(settings->identity);
    if (copy->identity != NULL) return copy;
    free(copy);
    return NULL;
}

bool gateways_leave(struct gateways *gateways, struct gateway_settings *settings)
{
    struct gateway_settings *each[HALL_LOOPS_MAX] = {settings};
    bool has_all = true;
    for (uint32_t i = 1; i < gateways->count; i++) {
        each[i] = settings_copy(settings);
        has_all = has_all && each[i] != NULL;
    }
    for (uint32_t i = 0; i < gateways->count; i++) {
        struct loop *loop = &gateways->loops[i];
        if (has_all)
            gateway_leave(&loop->mailbox, each[i], &loop->park);
        else
            settings_free(each[i]);
    }
    if (!has_all) log_error("node", "settings not taken: no memory", " ");
    return has_all;
}

uint32_t gateways_count(const struct gateways *gateways)
{
    return gateways->count;
}

struct gateways_wires gateways_wires(struct gateways *gateways, uint32_t loop)
{
    ASSERT(loop < gateways->count);
    struct loop *wired = &gateways->loops[loop];
    return (struct gateways_wires){wired->submissions, wired->applied, wired->notices,
                                   &wired->park};
}

/* ---- begin and end ---- */

void gateways_prepare(const struct config *config)
{
    char count[DECIMAL_TEXT_MAX + 1];
    const int64_t threads = (int64_t)config->gateway_loops * READERS + OTHER_THREADS;
    count[decimal_format(threads, 0, count)] = 0;
    /* Without memory for it there are four. */
    (void)setenv("UV_THREADPOOL_SIZE", count, false);
}

size_t gateways_ring_bytes(const struct config *config)
{
    return config->gateway_loops *
           (ring_bytes(config->ring_bytes) + ring_bytes(config->ring_bytes * INPUT_RINGS) +
            ring_bytes(NOTICES_BYTES) + 3 * (size_t)LINE_BYTES);
}

size_t gateways_view_bytes(const struct config *config, const struct genesis *genesis)
{
    return config->gateway_loops * gateway_bytes(genesis);
}

static struct ring *make_ring(struct arena *arena, size_t capacity)
{
    void *memory = arena_take(arena, ring_bytes(capacity));
    return memory == NULL ? NULL : ring_new(memory, capacity);
}

static bool make_loop(struct gateways *gateways, struct loop *loop)
{
    const size_t unit = gateways->options->config->ring_bytes;
    loop->submissions = make_ring(&gateways->arena, unit);
    loop->applied = make_ring(&gateways->arena, unit * INPUT_RINGS);
    loop->notices = make_ring(&gateways->arena, NOTICES_BYTES);
    if (loop->submissions == NULL || loop->applied == NULL || loop->notices == NULL) return false;
    if (!park_open(&loop->park)) {
        log_error("node", "no descriptor left", "park=gateway");
        return false;
    }
    park_spin_for(&loop->park, (uint32_t)gateways->options->config->spin_us);
    return true;
}

static bool make_all(struct gateways *gateways)
{
    const struct gateways_options *options = gateways->options;
    if (!arena_map(&gateways->arena,
                   gateways_ring_bytes(options->config) + hall_bytes(gateways->count)))
        return false;
    gateways->hall = hall_new(&gateways->arena, gateways->count, options->metrics);
    if (gateways->hall == NULL) return false;
    for (uint32_t i = 0; i < gateways->count; i++)
        if (!make_loop(gateways, &gateways->loops[i])) return false;
    return true;
}

struct gateways *gateways_new(const struct gateways_options *options)
{
    struct gateways *gateways = aligned_alloc(LINE_BYTES, sizeof(*gateways));
    if (gateways == NULL) return NULL;
    memset(gateways, 0, sizeof(*gateways));
    gateways->options = options;
    gateways->count = (uint32_t)options->config->gateway_loops;
    atomic_init(&gateways->restoring, gateways->count);
    for (uint32_t i = 0; i < HALL_LOOPS_MAX; i++)
        gateways->loops[i].park.descriptor = -1;
    if (make_all(gateways)) return gateways;
    gateways_free(gateways);
    return NULL;
}

void gateways_free(struct gateways *gateways)
{
    if (gateways == NULL) return;
    for (uint32_t i = 0; i < HALL_LOOPS_MAX; i++) {
        gateway_mailbox_empty(&gateways->loops[i].mailbox);
        park_close(&gateways->loops[i].park);
    }
    arena_unmap(&gateways->arena);
    free(gateways);
}
