#include "ledger/replica_state_raft.h"

#include "common/log.h"

#include <inttypes.h>

#define DELIVER_PUBLISH_MAX 64 /* entries between two looks of who takes them */
#define DELIVER_TURN_MAX    1024

static_assert((int)WAL_COMMANDS == (int)RAFT_COMMAND, "entry types are the engine's");
static_assert((int)WAL_BARRIER == (int)RAFT_BARRIER, "entry types are the engine's");
static_assert((int)WAL_CONFIGURATION == (int)RAFT_CHANGE, "entry types are the engine's");
static_assert(BATCH_BYTES_MAX <= REPLICA_CACHE_BYTES / 4, "a batch is built in the cache");
static_assert(REPLICA_PENDING_BYTES + PEERS_MESSAGE_MAX <= REPLICA_CACHE_BYTES / 4,
              "what is not written cannot have left the cache");
static_assert(REPLICA_PENDING_MAX < REPLICA_CACHE_ENTRIES, "nor its place there");

/* ---- Reading ---- */

uint64_t replica_entries_last(const struct replica *replica)
{
    if (replica->pending.count == 0) return replica->stored;
    return replica->pending.first + replica->pending.count - 1;
}

enum status replica_entries_read(struct replica *replica, uint64_t index, struct wal_entry *entry)
{
    if (index > replica_entries_last(replica)) return STATUS_NOT_FOUND;
    const struct replica_cache_entry *cached =
        replica_cache_find(&replica->cache, index, &entry->bytes);
    if (cached == NULL) return wal_read(replica->wal, index, entry);
    entry->index = index;
    entry->term = cached->term;
    entry->type = cached->type;
    entry->length = cached->length;
    return STATUS_OK;
}

uint64_t replica_entries_term(struct replica *replica, uint64_t index)
{
    const uint8_t *bytes;
    if (index == 0 || index > replica_entries_last(replica)) return 0;
    const struct replica_cache_entry *cached = replica_cache_find(&replica->cache, index, &bytes);
    if (cached != NULL) return cached->term;
    uint64_t term;
    hash_t hash;
    return wal_hash(replica->wal, index, &term, &hash) == STATUS_OK ? term : 0;
}

bool replica_entries_hash(struct replica *replica, uint64_t index, uint64_t *term, hash_t *hash)
{
    if (index == 0 || index > replica->stored) return false;
    return wal_hash(replica->wal, index, term, hash) == STATUS_OK && *term > 0;
}

/* ---- Writing ---- */

/* Entries from `index` on are replaced: what was not written is forgotten, what was will be overwritten. */
static void truncate_from(struct replica *replica, uint64_t index)
{
    ASSERT(index > replica->delivered);
    replica_cache_truncate(&replica->cache, index);
    if (replica->stored >= index) replica->stored = index - 1;
    if (replica->pending.count == 0) return;
    if (index <= replica->pending.first) {
        replica->pending.count = 0;
        replica->pending.bytes = 0;
    } else if (index - replica->pending.first < replica->pending.count)
        replica->pending.count = (uint32_t)(index - replica->pending.first);
}

static void pend(struct replica *replica, uint64_t index, const struct raft_entry *entry)
{
    const uint32_t length = (uint32_t)entry->buf.len;
    /* The leader's own batches were built in the cache. */
    if (entry->batch != replica->cache.bytes) {
        uint8_t *at = replica_cache_room(&replica->cache, length);
        if (length > 0) le_put_bytes(at, entry->buf.base, length);
        replica_cache_add(&replica->cache, index, entry->term, (uint32_t)entry->type, length);
    }
    if (replica->pending.count == 0) {
        replica->pending.first = index;
        replica->pending.bytes = 0;
    }
    ASSERT(index == replica->pending.first + replica->pending.count);
    replica->pending.count++;
    replica->pending.bytes += length;
}

/* Takes the entries of an update, which go on from the log's end or replace it from somewhere on. */
static void pend_all(struct replica *replica, const struct raft_update *update)
{
    const uint64_t index = update->entries.index;
    if (index <= replica->commit) {
        /* The engine's own commit index may have stepped back below this. */
        log_error("ledger", "a leader replaces what is committed, stopping",
                  "index=%" PRIu64 " commit=%" PRIu64, index, replica->commit);
        replica_fail(replica, STATUS_MISMATCH);
        return;
    }
    if (index <= replica_entries_last(replica)) truncate_from(replica, index);
    for (unsigned i = 0; i < update->entries.n; i++) {
        /* Only what the engine itself or one message holds: both are below the bounds by themselves. */
        ASSERT(replica->pending.count < REPLICA_PENDING_MAX);
        pend(replica, index + i, &update->entries.batch[i]);
    }
}

void replica_entries_pend(struct replica *replica, const struct raft_update *update)
{
    ASSERT(update->entries.n > 0);
    pend_all(replica, update);
    /* The engine says with each entry to whom its memory belongs; the cache keeps its own. */
    void *batch = update->entries.batch[0].batch;
    if (batch != replica->cache.bytes) raft_free(batch);
}

/* Where the log's bytes lie, now and then: for how much of it to keep. */
static void kept_note(struct replica *replica, uint64_t byte_count)
{
    replica->kept_bytes += (byte_count + WAL_BLOCK_BYTES) & ~(uint64_t)(WAL_BLOCK_BYTES - 1);
    if (replica->kept_bytes - replica->kept_marked < REPLICA_KEPT_BYTES / (REPLICA_KEPT / 2))
        return;
    replica->kept_marked = replica->kept_bytes;
    replica->kept[replica->kept_next].index = replica->stored;
    replica->kept[replica->kept_next].bytes = replica->kept_bytes;
    replica->kept_next = (replica->kept_next + 1) % REPLICA_KEPT;
}

/* What the leader said of an entry that was not written then. */
static void compare_due(struct replica *replica)
{
    const uint64_t index = replica->due.index;
    if (index == 0 || index > replica->stored) return;
    replica->due.index = 0;
    if (!replica_differs(replica, index, replica->due.term, &replica->due.hash)) return;
    log_error("ledger", "this log differs from the leader's, stopping",
              "leader=%u index=%" PRIu64 " term=%" PRIu64 " commit=%" PRIu64,
              (unsigned)replica->leader, index, replica->due.term, replica->commit);
    replica_fail(replica, STATUS_MISMATCH);
}

void replica_entries_write(struct replica *replica)
{
    struct wal_entry entries[REPLICA_PENDING_MAX];
    const uint32_t count = replica->pending.count;
    if (count == 0 || replica->status != STATUS_OK) return;
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t index = replica->pending.first + i;
        const struct replica_cache_entry *cached =
            replica_cache_find(&replica->cache, index, &entries[i].bytes);
        ASSERT(cached != NULL);
        entries[i].index = index;
        entries[i].term = cached->term;
        entries[i].type = cached->type;
        entries[i].length = cached->length;
    }
    /* What peers wait for goes out first: they write while we do. */
    if (replica->unflushed && replica->options.world.flush != NULL)
        replica->options.world.flush(replica->options.world.context);
    replica->unflushed = false;
    const enum status status = wal_append(replica->wal, entries, count, replica->commit);
    if (status != STATUS_OK) {
        replica_fail(replica, status);
        return;
    }
    replica->stored = replica->pending.first + count - 1;
    replica->pending.count = 0;
    kept_note(replica, replica->pending.bytes);
    replica->pending.bytes = 0;

    compare_due(replica);
    if (replica->status != STATUS_OK) return;
    struct raft_event event = {.type = RAFT_PERSISTED_ENTRIES};
    event.persisted_entries.index = replica->stored;
    replica_step(replica, &event);
}

/* ---- Delivery: committed and stored entries, in order ---- */

static void deliver_mark(struct replica *replica, uint64_t index, uint64_t term)
{
    struct replica_mark mark = {
        .height = replica->sequence.sealed_height,
        .base = {.index = index,
                 .term = term,
                 .configuration_index = replica->configuration.index,
                 .configuration = replica->configuration.bytes,
                 .configuration_bytes = replica->configuration.byte_count},
    };
    uint64_t hash_term;
    const enum status status = wal_hash(replica->wal, index, &hash_term, &mark.base.hash);
    if (status != STATUS_OK) {
        replica_fail(replica, status);
        return;
    }
    sequence_base_of(&replica->sequence, &mark.base.sequence);
    replica->options.world.mark(replica->options.world.context, &mark);
}

/* Hands on one batch. False when there is no room. */
static bool deliver_batch(struct replica *replica, const struct wal_entry *entry)
{
    const struct replica_world *world = &replica->options.world;
    if (!world->deliver(world->context, entry->index, entry->bytes, entry->length)) return false;
    const uint64_t height = replica->sequence.sealed_height;
    if (!sequence_delivered(&replica->sequence, entry->bytes, entry->length)) {
        log_error("ledger", "an entry of the log is not a batch, stopping",
                  "index=%" PRIu64 " bytes=%" PRIu32, entry->index, entry->length);
        replica_fail(replica, STATUS_DAMAGED);
        return true;
    }
    replica_propose_delivered(replica);
    if (replica->options.metrics != NULL) metric_add(&replica->options.metrics->batches_total, 1);
    const uint32_t every = replica->options.genesis->params.checkpoint_blocks;
    if (height != replica->sequence.sealed_height && every != 0 &&
        replica->sequence.sealed_height % every == 0)
        deliver_mark(replica, entry->index, entry->term);
    return true;
}

static void deliver_configuration(struct replica *replica, const struct wal_entry *entry)
{
    struct configuration decoded;
    struct raft_event event = {.type = RAFT_CONFIGURATION};
    const struct raft_buffer bytes = {.base = (void *)(uintptr_t)entry->bytes,
                                      .len = entry->length};
    event.configuration.index = entry->index;
    if (!configuration_get(entry->bytes, entry->length, &decoded)) {
        log_error("ledger", "an entry of the log is not a configuration, stopping",
                  "index=%" PRIu64, entry->index);
        replica_fail(replica, STATUS_DAMAGED);
        return;
    }
    replica->configuration.index = entry->index;
    replica->configuration.byte_count = entry->length;
    le_put_bytes(replica->configuration.bytes, entry->bytes, entry->length);
    if (raft_configuration_decode(&bytes, &event.configuration.conf) != 0) {
        replica_fail(replica, STATUS_NO_MEMORY);
        return;
    }
    log_info("ledger", "configuration committed", "index=%" PRIu64 " members=%u voters=%u",
             entry->index, (unsigned)decoded.count, (unsigned)configuration_voters(&decoded));
    replica_step(replica, &event); /* it owns the configuration now */
}

/* Others may look at what was delivered. */
static void deliver_publish(struct replica *replica)
{
    const struct replica_options *options = &replica->options;
    struct progress *progress = options->progress;
    options->world.delivered(options->world.context);
    /* release: pairs with the acquire of whoever opens when the replay is over. */
    if (replica->origin.epoch != 0 &&
        atomic_load_explicit(&progress->replay_command, memory_order_relaxed) == 0)
        atomic_store_explicit(&progress->replay_command, replica->origin.epoch,
                              memory_order_release);
    atomic_store_explicit(&progress->delivered_command, replica->sequence.command_count,
                          memory_order_release);
}

void replica_entries_deliver(struct replica *replica)
{
    uint32_t delivered = 0;
    replica->full = false;
    while (replica->status == STATUS_OK && delivered < DELIVER_TURN_MAX) {
        /* A step may move both. */
        if (replica->delivered >= replica->commit || replica->delivered >= replica->stored) break;
        struct wal_entry entry;
        const enum status status = replica_entries_read(replica, replica->delivered + 1, &entry);
        if (status != STATUS_OK) {
            replica_fail(replica, status);
            break;
        }
        if (entry.type == WAL_COMMANDS && !deliver_batch(replica, &entry)) {
            replica->full = true;
            break;
        }
        replica->delivered++;
        if (entry.type == WAL_CONFIGURATION) deliver_configuration(replica, &entry);
        if (++delivered % DELIVER_PUBLISH_MAX == 0) deliver_publish(replica);
    }
    if (delivered % DELIVER_PUBLISH_MAX != 0) deliver_publish(replica);
}

/* ---- Forgetting ---- */

/* The entry below which there are REPLICA_KEPT_BYTES and more of newer log, as far as is known; else 0. */
static uint64_t kept_below(const struct replica *replica)
{
    uint64_t index = 0;
    for (uint32_t i = 0; i < REPLICA_KEPT; i++)
        if (replica->kept[i].index > index &&
            replica->kept[i].bytes + REPLICA_KEPT_BYTES <= replica->kept_bytes)
            index = replica->kept[i].index;
    return index;
}

/* The engine forgets the terms below the log's new base. */
static void engine_forget(struct replica *replica)
{
    const struct wal_base *base = wal_base(replica->wal);
    if (base->index <= replica->floor_index || base->index > replica->stored) return;
    struct raft_event event = {.type = RAFT_SNAPSHOT};
    struct raft_snapshot_metadata *metadata = &event.snapshot.metadata;
    const struct raft_buffer bytes = {.base = (void *)(uintptr_t)base->configuration,
                                      .len = base->configuration_bytes};
    metadata->index = base->index;
    metadata->term = base->term;
    metadata->configuration_index = base->configuration_index;
    if (raft_configuration_decode(&bytes, &metadata->configuration) != 0) {
        replica_fail(replica, STATUS_NO_MEMORY);
        return;
    }
    replica->floor_index = base->index;
    replica->floor_term = base->term;
    replica_step(replica, &event); /* it owns the configuration now */
}

void replica_entries_forget(struct replica *replica)
{
    uint64_t index =
        atomic_load_explicit(&replica->options.progress->forget_index, memory_order_acquire);
    if (index > replica->delivered) index = replica->delivered;
    const uint64_t kept = kept_below(replica);
    if (index > kept) index = kept;
    if (index <= replica->forgotten) return;
    replica->forgotten = index;
    const enum status status = wal_recycle(replica->wal, index);
    if (status != STATUS_OK)
        replica_fail(replica, status);
    else
        engine_forget(replica);
}
