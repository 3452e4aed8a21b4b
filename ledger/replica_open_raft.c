#include "ledger/replica_state_raft.h"

#include "common/log.h"

#include <inttypes.h>
#include <stdlib.h>

static void tracer_drop(struct raft_tracer *tracer, int type, const void *info)
{
    (void)tracer;
    (void)type;
    (void)info;
}

static bool engine_open(struct replica *replica)
{
    char address[16];
    replica_node_text(replica->options.node, address);
    if (raft_init(&replica->raft, NULL, NULL, replica->options.node, address) != 0) return false;
    replica->started = true;
    replica->tracer.version = 2;
    replica->tracer.emit = tracer_drop;
    replica->raft.tracer = &replica->tracer;
    const struct replica_world *world = &replica->options.world;
    raft_seed(&replica->raft, (unsigned)world->random(world->context));
    raft_set_election_timeout(&replica->raft, REPLICA_ELECTION_MS);
    raft_set_heartbeat_timeout(&replica->raft, REPLICA_HEARTBEAT_MS);
    raft_set_pre_vote(&replica->raft, true);
    raft_set_max_inflight_entries(&replica->raft, REPLICA_IN_FLIGHT_ENTRIES);
    return true;
}

/* The first entry of every log: who votes. A node that is not of the genesis gets it from a leader. */
static enum status bootstrap(struct replica *replica)
{
    const struct genesis *genesis = replica->options.genesis;
    if (validator_set_find(&genesis->validators, replica->options.node) == NULL) return STATUS_OK;
    struct configuration configuration;
    uint8_t bytes[CONFIGURATION_BYTES_MAX];
    configuration_of_genesis(genesis, &configuration);
    const struct wal_entry entry = {
        .index = 1,
        .term = 1,
        .type = WAL_CONFIGURATION,
        .length = (uint32_t)configuration_put(&configuration, bytes),
        .bytes = bytes,
    };
    return wal_append(replica->wal, &entry, 1, 0);
}

/* Whether the log goes on where the state stands. */
static enum status base_compare(struct replica *replica)
{
    const struct replica_base *base = replica->options.base;
    const uint64_t from = base == NULL ? 0 : base->index;
    const uint64_t first = wal_base_index(replica->wal), last = wal_last_index(replica->wal);
    if (from < first || from > last) {
        log_warn("ledger", "the log does not hold what follows the state",
                 "state=%" PRIu64 " base=%" PRIu64 " last=%" PRIu64, from, first, last);
        return STATUS_BEHIND;
    }
    if (base == NULL) return STATUS_OK;
    uint64_t term;
    hash_t hash;
    const enum status status = wal_hash(replica->wal, from, &term, &hash);
    if (status != STATUS_OK) return status;
    if (term == base->term && hash_equal(hash, base->hash)) return STATUS_OK;
    log_error("ledger", "the log is not the one that the checkpoint was taken of, stopping",
              "index=%" PRIu64 " term=%" PRIu64 " checkpoint_term=%" PRIu64, from, term,
              base->term);
    return STATUS_MISMATCH;
}

static enum status log_open(struct replica *replica)
{
    const struct replica_options *options = &replica->options;
    const struct wal_options wal_options = {
        .disk = options->disk,
        .segment_bytes = options->segment_bytes,
        .chain_id = genesis_chain_id(options->genesis),
        .node = options->node,
        .metrics = options->metrics,
    };
    struct wal_damage damage;
    enum status status = wal_open(&wal_options, &replica->wal, &damage);
    if (status == STATUS_OK && wal_last_index(replica->wal) == 0 && options->base == NULL)
        status = bootstrap(replica);
    if (status == STATUS_OK) status = base_compare(replica);
    return status;
}

/* A configuration as the engine wants it; its memory goes with it. */
static enum status configuration_read(struct replica *replica, uint64_t index,
                                      struct raft_configuration *theirs, uint64_t *at,
                                      struct configuration *ours)
{
    struct wal_entry entry;
    const enum status status = wal_read_configuration(replica->wal, index, &entry);
    if (status != STATUS_OK) return status == STATUS_NOT_FOUND ? STATUS_DAMAGED : status;
    const struct raft_buffer bytes = {.base = (void *)(uintptr_t)entry.bytes, .len = entry.length};
    *at = entry.index;
    if (!configuration_get(entry.bytes, entry.length, ours)) return STATUS_DAMAGED;
    if (theirs == NULL) return STATUS_OK;
    return raft_configuration_decode(&bytes, theirs) == 0 ? STATUS_OK : STATUS_NO_MEMORY;
}

/* The term to start in. A sole voter makes itself leader without an election and would do so again in the same
 * term, where two different entries of one index could then exist (the first in flight to a standby when it
 * died): so each of its lives has a term of its own. */
static enum status start_term(struct replica *replica)
{
    const uint64_t term = wal_term(replica->wal), last = wal_last_index(replica->wal);
    struct configuration configuration = {0};
    uint64_t at;
    if (last > 0) {
        const enum status status = configuration_read(replica, last, NULL, &at, &configuration);
        if (status != STATUS_OK) return status;
    }
    if (configuration_voters(&configuration) == 1 &&
        configuration_role(&configuration, replica->options.node) == NODE_VOTER)
        return wal_set_vote(replica->wal, term + 1, 0);
    return term == 0 ? wal_set_vote(replica->wal, 1, 0) : STATUS_OK;
}

/* Reads the entries from `first` on as the engine wants them: terms, types, and configurations. */
static enum status entries_read(struct replica *replica, uint64_t first, struct raft_entry *entries,
                                unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct wal_entry entry;
        const enum status status = wal_read(replica->wal, first + i, &entry);
        if (status != STATUS_OK) return status;
        entries[i] =
            (struct raft_entry){.term = entry.term, .type = (enum raft_entry_type)entry.type};
        if (entry.type != WAL_CONFIGURATION) continue;
        struct configuration configuration;
        if (!configuration_get(entry.bytes, entry.length, &configuration)) return STATUS_DAMAGED;
        entries[i].buf.base = raft_malloc(entry.length);
        if (entries[i].buf.base == NULL) return STATUS_NO_MEMORY;
        entries[i].buf.len = entry.length;
        le_put_bytes(entries[i].buf.base, entry.bytes, entry.length);
    }
    return STATUS_OK;
}

/* What is known committed, as if from a snapshot: the engine never has the log itself in memory. */
static enum status start_metadata(struct replica *replica, uint64_t commit,
                                  struct raft_snapshot_metadata *metadata)
{
    struct configuration ours;
    uint64_t term, at;
    hash_t hash;
    enum status status = wal_hash(replica->wal, commit, &term, &hash);
    if (status == STATUS_OK)
        status = configuration_read(replica, commit, &metadata->configuration, &at, &ours);
    if (status != STATUS_OK) return status;
    metadata->index = commit;
    metadata->term = term;
    metadata->configuration_index = at;
    replica->floor_index = commit;
    replica->floor_term = term;
    return STATUS_OK;
}

/* Starts the engine from what is committed and the entries above it. */
static enum status engine_start(struct replica *replica)
{
    const struct replica_base *base = replica->options.base;
    const uint64_t last = wal_last_index(replica->wal);
    uint64_t commit = wal_commit_index(replica->wal);
    if (base != NULL && base->index > commit) commit = base->index;
    struct raft_snapshot_metadata metadata = {0};
    struct raft_event event = {.type = RAFT_START};
    enum status status = start_term(replica);
    if (status == STATUS_OK && commit > 0) status = start_metadata(replica, commit, &metadata);
    const unsigned count = (unsigned)(last - commit);
    struct raft_entry *entries = calloc(count + 1, sizeof(*entries));
    if (entries == NULL) status = STATUS_NO_MEMORY;
    if (status == STATUS_OK) status = entries_read(replica, commit + 1, entries, count);
    if (status == STATUS_OK) {
        event.start.term = wal_term(replica->wal);
        event.start.voted_for = wal_voted_for(replica->wal);
        event.start.start_index = commit + 1;
        event.start.entries = entries;
        event.start.n_entries = count;
        if (commit > 0)
            event.start.metadata = &metadata; /* its configuration is the engine's now */
        replica->stored = last;
        replica->commit = commit;
        replica_step(replica, &event);
        status = replica->status;
    } else
        raft_configuration_close(&metadata.configuration);
    for (unsigned i = 0; entries != NULL && i < count; i++)
        raft_free(entries[i].buf.base);
    free(entries);
    return status;
}

static void state_start(struct replica *replica)
{
    const struct replica_options *options = &replica->options;
    const struct replica_base *base = options->base;
    sequence_init(&replica->sequence, options->genesis, base == NULL ? NULL : &base->sequence);
    origin_init(&replica->origin, options->node, options->world.random(options->world.context),
                replica->origin_bytes, replica->origin_entries);
    replica_cache_init(&replica->cache, replica->cache_bytes);
    replica->loose =
        (struct run_queue){.bytes = replica->loose_bytes, .capacity = sizeof(replica->loose_bytes)};
    replica->leader_ns = replica->now.monotonic_ns;
    if (base == NULL) return;
    ASSERT(base->configuration_bytes <= sizeof(replica->configuration.bytes));
    replica->delivered = base->index;
    replica->forgotten = wal_base_index(replica->wal);
    replica->configuration.index = base->configuration_index;
    replica->configuration.byte_count = base->configuration_bytes;
    le_put_bytes(replica->configuration.bytes, base->configuration, base->configuration_bytes);
}

enum status replica_new(const struct replica_options *options, struct sequence_time now,
                        struct replica **result)
{
    *result = NULL;
    struct replica *replica = calloc(1, sizeof(*replica));
    if (replica == NULL) return STATUS_NO_MEMORY;
    replica->options = *options;
    replica->now = now;
    replica->cache_bytes = malloc(REPLICA_CACHE_BYTES);
    replica->origin_bytes = malloc(ORIGIN_BYTES);
    replica->origin_entries = calloc(ORIGIN_COMMANDS, sizeof(*replica->origin_entries));
    replica->frame = malloc(PEERS_MESSAGE_MAX);
    enum status status = STATUS_NO_MEMORY;
    if (replica->cache_bytes != NULL && replica->origin_bytes != NULL &&
        replica->origin_entries != NULL && replica->frame != NULL && engine_open(replica))
        status = log_open(replica);
    if (status == STATUS_OK) {
        state_start(replica);
        replica_change_nodes(replica, options->nodes);
        status = engine_start(replica);
    }
    if (status == STATUS_OK) {
        replica_leader_watch(replica);
        replica_member_progress(replica);
        *result = replica;
    } else
        replica_free(replica);
    return status;
}

void replica_free(struct replica *replica)
{
    if (replica == NULL) return;
    struct progress *progress = replica->options.progress;
    atomic_store_explicit(&progress->is_leader, 0, memory_order_relaxed);
    atomic_store_explicit(&progress->leader, 0, memory_order_relaxed);
    for (uint32_t i = 0; i < REPLICA_PEERS; i++)
        replica_vet_free(&replica->peers[i]);
    wal_close(replica->wal);
    if (replica->started) raft_close(&replica->raft, NULL);
    free(replica->frame);
    free(replica->origin_entries);
    free(replica->origin_bytes);
    free(replica->cache_bytes);
    free(replica);
}
