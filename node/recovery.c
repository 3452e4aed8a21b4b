#include "node/recovery.h"

#include "common/log.h"
#include "ledger/chain.h"
#include "ledger/join_uv.h"
#include "ledger/wal_repair.h"
#include "node/neighbours.h"
#include "node/trusted.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Mended so often in one go, it is no damage but a bug: somebody should look. */
#define AGAIN_MAX      8
#define AGAIN_VARIABLE "QUOREX_MENDED"

struct mending {
    const struct node_files *files;
    struct node_set nodes;  /* whom to ask */
    struct trusted trusted; /* an operator's word */
    struct wal_disk *disk;
    struct wal_options wal;
    struct progress progress; /* its own: nobody else runs */
    struct metrics metrics;
};

/* ---- Stopping while the others are asked ---- */

struct watch {
    struct progress *progress;
    pthread_t thread;
    bool started;
};

static void *watch_main(void *context)
{
    struct watch *watch = context;
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGUSR1); /* ours: the watch is over */
    int number = 0;
    while (sigwait(&signals, &number) != 0)
        ;
    if (number != SIGUSR1)
        atomic_store_explicit(&watch->progress->stopping, 1, memory_order_release);
    return NULL;
}

static void watch_begin(struct watch *watch, struct progress *progress)
{
    sigset_t own;
    sigemptyset(&own);
    sigaddset(&own, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &own, NULL);
    *watch = (struct watch){.progress = progress};
    watch->started = pthread_create(&watch->thread, NULL, watch_main, watch) == 0;
}

static void watch_end(struct watch *watch)
{
    if (!watch->started) return;
    pthread_kill(watch->thread, SIGUSR1);
    pthread_join(watch->thread, NULL);
}

/* ---- What all ways share ---- */

static enum status mending_begin(struct mending *mending, const struct node_files *files,
                                 const struct node_set *nodes)
{
    char path[FILE_PATH_MAX];
    memset(mending, 0, sizeof(*mending));
    mending->files = files;
    mending->nodes = *nodes;
    mending->disk = wal_disk_directory(files->wal);
    mending->wal = (struct wal_options){
        .disk = mending->disk,
        .segment_bytes = files->config->wal_segment_bytes,
        .chain_id = genesis_chain_id(&files->genesis),
        .node = files->id,
    };
    if (mending->disk == NULL) return STATUS_IO;
    if (!file_path(path, files->config->directory, NEIGHBOURS_FILE)) return STATUS_MALFORMED;
    (void)neighbours_read(path, &mending->nodes);
    if (!file_path(path, files->config->directory, TRUSTED_FILE)) return STATUS_MALFORMED;
    return trusted_read(path, &mending->trusted);
}

static void mending_end(struct mending *mending)
{
    wal_disk_free(mending->disk);
}

static struct join_options join_options_of(struct mending *mending)
{
    const struct node_files *files = mending->files;
    return (struct join_options){
        .genesis = &files->genesis,
        .node = files->id,
        .secret_key = files->secret_key,
        .host = files->config->peer_host,
        .port = (uint16_t)files->config->peer_port,
        .nodes = &mending->nodes,
        .trusted = mending->trusted.height > 0 ? &mending->trusted.set : NULL,
        .trusted_height = mending->trusted.height > 0 ? mending->trusted.height - 1 : 0,
        .checkpoint_directory = files->checkpoint,
        .metrics = &mending->metrics,
        .progress = &mending->progress,
    };
}

static struct wal_base base_of(const struct start *start)
{
    const struct replica_base *base = &start->base;
    return (struct wal_base){
        .index = base->index,
        .term = base->term,
        .hash = base->hash,
        .configuration_index = base->configuration_index,
        .configuration = base->configuration,
        .configuration_bytes = base->configuration_bytes,
    };
}

/* The last entry of the log. */
static enum status log_end(struct mending *mending, uint64_t *last)
{
    struct wal *wal;
    struct wal_damage damage;
    const enum status status = wal_open(&mending->wal, &wal, &damage);
    if (status != STATUS_OK) return status;
    *last = wal_last_index(wal);
    wal_close(wal);
    return STATUS_OK;
}

/* ---- The ways ---- */

static enum status fetch_checkpoint(struct mending *mending)
{
    const struct join_options options = join_options_of(mending);
    struct watch watch;
    uint64_t height = 0;
    log_info("node", "fetching a checkpoint", "peers=%" PRIu32, mending->nodes.count);
    watch_begin(&watch, &mending->progress);
    const enum status status = join_run(&options, &height);
    watch_end(&watch);
    if (status == STATUS_OK) log_info("node", "checkpoint fetched", "height=%" PRIu64, height);
    return status;
}

/* The log is behind: of the checkpoint on disk, or of what the others still have. */
static enum status mend_behind(struct mending *mending, const struct start *start)
{
    uint64_t last;
    enum status status = log_end(mending, &last);
    if (status != STATUS_OK) return status;
    if (start->height > 0 && last < start->base.index) {
        const struct wal_base base = base_of(start);
        log_info("node", "the log begins anew at the checkpoint", "last=%" PRIu64 " index=%" PRIu64,
                 last, base.index);
        status = wal_begin_at(&mending->wal, &base);
    } else {
        status = fetch_checkpoint(mending);
    }
    return status == STATUS_OK ? STATUS_AGAIN : status;
}

static enum status patch_log(struct mending *mending, const struct start *start)
{
    const struct wal_base base = base_of(start);
    struct wal_patch *patch;
    struct wal_hole hole;
    enum status status = wal_patch_begin(&mending->wal, start->height > 0 ? &base : NULL, &patch);
    if (status != STATUS_OK) return status;
    if (wal_patch_needs(patch, &hole) && !hole.tail) {
        const struct join_options options = join_options_of(mending);
        struct watch watch;
        log_info("node", "asking the others for what is lost", "first=%" PRIu64 " last=%" PRIu64,
                 hole.first, hole.last);
        watch_begin(&watch, &mending->progress);
        status = join_repair(&options, patch);
        watch_end(&watch);
    }
    if (status == STATUS_OK) return wal_patch_end(patch, NULL);
    wal_patch_drop(patch);
    return status;
}

/* Bytes on the disk are not what was written: of the log, or of the chain. */
static enum status mend_damage(struct mending *mending, const struct start *start)
{
    struct wal_hole *holes = calloc(WAL_HOLES_MAX, sizeof(*holes));
    uint32_t count = 0;
    if (holes == NULL) return STATUS_NO_MEMORY;
    enum status status = wal_survey(&mending->wal, holes, &count);
    free(holes);
    if (status == STATUS_DAMAGED) status = patch_log(mending, start);
    if (status == STATUS_NOT_FOUND) status = fetch_checkpoint(mending);
    uint64_t tip;
    if (status == STATUS_OK) status = chain_mend(mending->files->chain, start->height, &tip);
    return status == STATUS_OK ? STATUS_AGAIN : status;
}

/* ---- Before and after ---- */

enum status recovery_before(const struct node_files *files, const struct start *start)
{
    struct mending mending;
    uint64_t last = 0;
    if (files->in_genesis || start->height > 0) return STATUS_OK;
    enum status status = mending_begin(&mending, files, &start->nodes);
    if (status == STATUS_OK) status = log_end(&mending, &last);
    if (status == STATUS_OK && last == 0) {
        status = fetch_checkpoint(&mending);
        if (status == STATUS_OK)
            status = STATUS_AGAIN;
        else if (status == STATUS_NOT_FOUND)
            status = STATUS_OK; /* the others still have the log from its first entry on */
    } else if (status == STATUS_DAMAGED) {
        status = STATUS_OK; /* the consensus loop will find it too, and mend_damage mends it */
    }
    mending_end(&mending);
    return status;
}

/* False when it was mended too often already. */
static bool count_again(void)
{
    const char *text = getenv(AGAIN_VARIABLE);
    const int count = text != NULL && text[0] >= '0' && text[0] <= '9' ? text[0] - '0' : 0;
    const char next[2] = {(char)('1' + count), '\0'};
    return count < AGAIN_MAX && setenv(AGAIN_VARIABLE, next, 1) == 0;
}

void recovery_steady(void)
{
    unsetenv(AGAIN_VARIABLE);
}

static enum status mend(const struct node_files *files, struct start *start, enum status failure)
{
    struct mending mending;
    enum status status = mending_begin(&mending, files, &start->nodes);
    if (status == STATUS_OK)
        status =
            failure == STATUS_BEHIND ? mend_behind(&mending, start) : mend_damage(&mending, start);
    mending_end(&mending);
    return status;
}

enum status recovery_after(const struct node_files *files, enum status failure)
{
    struct start start;
    if (failure == STATUS_AMNESIAC)
        log_error("node", "this node is amnesiac: it cannot know what it voted for and signed",
                  "do=\"%s\"",
                  "quorex join makes a new identity, quorex admin replace-node puts it in this "
                  "one's place");
    if (failure != STATUS_BEHIND && failure != STATUS_DAMAGED) return failure;
    if (!count_again()) {
        log_error("node", "mended too often, stopping", "reason=\"%s\"", status_text(failure));
        return failure;
    }
    enum status status = start_open(&start, files->checkpoint, &files->genesis);
    if (status == STATUS_OK) status = mend(files, &start, failure);
    start_close(&start);
    if (status != STATUS_AGAIN)
        log_error("node", "not mended", "reason=\"%s\" because=\"%s\"", status_text(failure),
                  status_text(status));
    return status;
}
