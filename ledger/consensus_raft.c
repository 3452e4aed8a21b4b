#include "ledger/consensus.h"

#include "common/le.h"
#include "common/log.h"
#include "ledger/consensus_cache.h"
#include "ledger/origin.h"
#include "ledger/sequence.h"
#include "ledger/wal.h"

#include <inttypes.h>
#include <raft.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <uv.h>

#define HEARTBEAT_MS        20
#define ELECTION_MS         300 /* the engine draws from this to twice this */
#define IN_FLIGHT_ENTRIES   1024
#define SUBMIT_ENTRIES_MAX  256 /* proposed at once, written at once */
#define DELIVER_PUBLISH_MAX 64  /* entries between two publishes */
#define FULL_RETRY_NS       1000000u
#define NS_PER_MS           1000000u
#define DISK_CAPACITY       60000 /* the engine's own notion of free disk: not used */

static_assert((int)WAL_COMMANDS == (int)RAFT_COMMAND, "entry types are the engine's");
static_assert((int)WAL_BARRIER == (int)RAFT_BARRIER, "entry types are the engine's");
static_assert((int)WAL_CONFIGURATION == (int)RAFT_CHANGE, "entry types are the engine's");
static_assert(BATCH_BYTES_MAX <= CONSENSUS_CACHE_BYTES / 4, "a batch is built in the cache");

struct consensus {
    const struct consensus_options *options;
    enum status status; /* the first failure */
    bool closing;

    uv_loop_t loop;
    uv_prepare_t round; /* runs before the loop sleeps: everything is done there */
    uv_idle_t again;    /* on: do not sleep, there is more to do */
    uv_poll_t wake;
    uv_timer_t timer;
    uint64_t timer_ns; /* when it rings, monotonic; 0: not set */

    struct raft raft;
    struct raft_tracer tracer;
    struct wal_disk *disk;
    struct wal *wal;
    uint64_t stored;    /* last entry on our disk */
    uint64_t commit;    /* largest the engine ever reported */
    uint64_t delivered; /* last entry handed to the engine thread */
    bool full;          /* `batches` had no room for the next */

    struct sequence sequence;
    struct origin_stream origin;
    uint32_t first_ring; /* where the next taking of submissions begins */
    struct raft_entry entries[SUBMIT_ENTRIES_MAX];
    struct consensus_cache cache;
};

static struct sequence_time time_now(void)
{
    struct timespec wall;
    clock_gettime(CLOCK_REALTIME, &wall);
    return (struct sequence_time){
        .clock_ns = (uint64_t)wall.tv_sec * 1000000000u + (uint64_t)wall.tv_nsec,
        .monotonic_ns = uv_hrtime(),
    };
}

static void fail(struct consensus *consensus, enum status status)
{
    ASSERT(status != STATUS_OK);
    if (consensus->status == STATUS_OK) consensus->status = status;
}

static bool is_leader(const struct consensus *consensus)
{
    return consensus->raft.state == RAFT_LEADER;
}

/* ---- The engine of consensus: events in, updates out ---- */

static void step(struct consensus *consensus, struct raft_event *event);

static void persisted(struct consensus *consensus, uint64_t index)
{
    struct raft_event event = {.type = RAFT_PERSISTED_ENTRIES};
    event.persisted_entries.index = index;
    step(consensus, &event);
}

/* Writes new entries, then says so. */
static void perform_entries(struct consensus *consensus, const struct raft_update *update)
{
    struct wal_entry entries[SUBMIT_ENTRIES_MAX];
    uint64_t index = update->entries.index;
    ASSERT(update->entries.n <= SUBMIT_ENTRIES_MAX);
    if (index <= consensus->stored) consensus_cache_truncate(&consensus->cache, index);
    for (unsigned i = 0; i < update->entries.n; i++) {
        const struct raft_entry *entry = &update->entries.batch[i];
        entries[i] = (struct wal_entry){
            .index = index + i,
            .term = entry->term,
            .type = (uint32_t)entry->type,
            .length = (uint32_t)entry->buf.len,
            .bytes = entry->buf.base,
        };
        if (entry->type == RAFT_COMMAND && entry->batch == consensus->cache.bytes) {
            const uint8_t *cached;
            ASSERT(consensus_cache_find(&consensus->cache, index + i, &cached) != NULL);
            ASSERT(cached == entry->buf.base);
        }
    }
    const enum status status =
        wal_append(consensus->wal, entries, update->entries.n, consensus->commit);
    if (status != STATUS_OK) {
        fail(consensus, status);
        return;
    }
    consensus->stored = index + update->entries.n - 1;
    persisted(consensus, consensus->stored);
}

static void perform_vote(struct consensus *consensus)
{
    const enum status status = wal_set_vote(consensus->wal, raft_current_term(&consensus->raft),
                                            raft_voted_for(&consensus->raft));
    if (status != STATUS_OK) fail(consensus, status);
}

static void perform_state(struct consensus *consensus)
{
    struct progress *progress = consensus->options->progress;
    const uint64_t term = raft_current_term(&consensus->raft);
    atomic_store_explicit(&progress->term, term, memory_order_relaxed);
    atomic_store_explicit(&progress->is_leader, is_leader(consensus), memory_order_relaxed);
    if (!is_leader(consensus) && consensus->sequence.leading) {
        sequence_lose(&consensus->sequence);
        origin_rewind(&consensus->origin);
    }
    log_info("ledger", "state", "role=%s term=%" PRIu64,
             raft_state_name((int)raft_state(&consensus->raft)), term);
}

static void perform(struct consensus *consensus, const struct raft_update *update)
{
    /* Term and vote first: nothing may depend on them before they are on disk. */
    if (update->flags & (RAFT_UPDATE_CURRENT_TERM | RAFT_UPDATE_VOTED_FOR)) perform_vote(consensus);
    if (update->flags & RAFT_UPDATE_STATE) perform_state(consensus);
    /* The engine's own index may step back. */
    const uint64_t commit = raft_commit_index(&consensus->raft);
    if (commit > consensus->commit) consensus->commit = commit;
    /* No peers yet: there is nobody to send to, and nobody whose snapshot would come. */
    ASSERT(!(update->flags & (RAFT_UPDATE_MESSAGES | RAFT_UPDATE_SNAPSHOT)));
    if ((update->flags & RAFT_UPDATE_ENTRIES) && consensus->status == STATUS_OK)
        perform_entries(consensus, update);
}

static void step(struct consensus *consensus, struct raft_event *event)
{
    struct raft_update update = {0};
    event->time = uv_hrtime() / NS_PER_MS;
    event->capacity = DISK_CAPACITY;
    const int result = raft_step(&consensus->raft, event, &update);
    if (result == 0) {
        perform(consensus, &update);
        return;
    }
    log_error("ledger", "the consensus engine refused an event, stopping",
              "event=%d result=%d text=\"%s\" commit=%" PRIu64, (int)event->type, result,
              raft_strerror(result), consensus->commit);
    fail(consensus, result == RAFT_NOMEM ? STATUS_NO_MEMORY : STATUS_MISMATCH);
}

/* ---- Delivery: committed and stored entries, in order ---- */

static enum status entry_read(struct consensus *consensus, uint64_t index, struct wal_entry *entry)
{
    const struct consensus_cache_entry *cached =
        consensus_cache_find(&consensus->cache, index, &entry->bytes);
    if (cached == NULL) return wal_read(consensus->wal, index, entry);
    entry->index = index;
    entry->term = cached->term;
    entry->type = cached->type;
    entry->length = cached->length;
    return STATUS_OK;
}

/* Hands one batch to the engine thread's ring. False when it is full. */
static bool deliver_batch(struct consensus *consensus, const struct wal_entry *entry)
{
    uint8_t *at = ring_reserve(consensus->options->batches, 8 + entry->length);
    if (at == NULL) return false;
    le_put_bytes(le_put_u64(at, entry->index), entry->bytes, entry->length);
    ring_commit(consensus->options->batches, 8 + entry->length);
    if (!sequence_delivered(&consensus->sequence, entry->bytes, entry->length)) {
        log_error("ledger", "an entry of the log is not a batch, stopping",
                  "index=%" PRIu64 " bytes=%" PRIu32, entry->index, entry->length);
        fail(consensus, STATUS_DAMAGED);
        return true;
    }
    origin_delivered(&consensus->origin,
                     sequence_find(&consensus->sequence, consensus->options->node));
    metric_add(&consensus->options->metrics->batches_total, 1);
    return true;
}

/* A configuration that was appended after the first one is committed. */
static void deliver_configuration(struct consensus *consensus, const struct wal_entry *entry)
{
    if (entry->index == 1) return; /* the engine takes it as committed from the start */
    struct raft_event event = {.type = RAFT_CONFIGURATION};
    event.configuration.index = entry->index;
    const struct raft_buffer bytes = {.base = (void *)(uintptr_t)entry->bytes,
                                      .len = entry->length};
    if (raft_configuration_decode(&bytes, &event.configuration.conf) != 0) {
        log_error("ledger", "an entry of the log is not a configuration, stopping",
                  "index=%" PRIu64, entry->index);
        fail(consensus, STATUS_DAMAGED);
        return;
    }
    step(consensus, &event); /* it owns the configuration now */
}

static void deliver_publish(struct consensus *consensus)
{
    const struct consensus_options *options = consensus->options;
    const bool wake = ring_publish(options->batches);
    struct progress *progress = options->progress;
    /* release: pairs with the acquire of whoever opens when the replay is over. */
    if (consensus->origin.epoch != 0 &&
        atomic_load_explicit(&progress->replay_command, memory_order_relaxed) == 0)
        atomic_store_explicit(&progress->replay_command, consensus->origin.epoch,
                              memory_order_release);
    atomic_store_explicit(&progress->delivered_command, consensus->sequence.command_count,
                          memory_order_release);
    if (wake) park_wake(options->batches_park);
}

static void deliver(struct consensus *consensus)
{
    const uint64_t last =
        consensus->commit < consensus->stored ? consensus->commit : consensus->stored;
    uint32_t unpublished = 0;
    consensus->full = false;
    while (consensus->delivered < last && consensus->status == STATUS_OK) {
        struct wal_entry entry;
        const enum status status = entry_read(consensus, consensus->delivered + 1, &entry);
        if (status != STATUS_OK) {
            fail(consensus, status);
            break;
        }
        if (entry.type == WAL_COMMANDS && !deliver_batch(consensus, &entry)) {
            consensus->full = true;
            break;
        }
        if (entry.type == WAL_CONFIGURATION) deliver_configuration(consensus, &entry);
        consensus->delivered++;
        if (++unpublished % DELIVER_PUBLISH_MAX == 0) deliver_publish(consensus);
    }
    if (unpublished % DELIVER_PUBLISH_MAX != 0) deliver_publish(consensus);
}

/* ---- Proposing: everything that arrived, at once ---- */

/* A vote has no origin and goes into the open batch; all else becomes part of our stream. False: there is no
 * room, it waits. */
static bool take(struct consensus *consensus, const uint8_t *command, size_t byte_count)
{
    if (le_get_u16(command + 4) >= T_ASSET_CREATE)
        return origin_take(&consensus->origin, command, byte_count);
    const enum sequence_taken taken = sequence_add(&consensus->sequence, command, byte_count);
    ASSERT(taken != SEQUENCE_REFUSED);
    return taken == SEQUENCE_TAKEN;
}

/* Takes what the rings hold, as far as there is room. */
static void take_arrived(struct consensus *consensus)
{
    const struct consensus_options *options = consensus->options;
    for (uint32_t i = 0; i < options->submission_count; i++) {
        struct ring *ring =
            options->submissions[(consensus->first_ring + i) % options->submission_count];
        const uint8_t *command;
        for (size_t byte_count; (command = ring_peek(ring, &byte_count)) != NULL;) {
            if (!take(consensus, command, byte_count)) break;
            ring_pop(ring);
        }
        ring_release(ring);
    }
    if (options->submission_count > 0)
        consensus->first_ring = (consensus->first_ring + 1) % options->submission_count;
}

/* Adds to the open batch what our stream has for the leader, who is ourselves. */
static void add_own(struct consensus *consensus)
{
    const uint32_t node = consensus->options->node;
    enum sequence_taken result = SEQUENCE_TAKEN;
    while (result == SEQUENCE_TAKEN) {
        size_t taken;
        const struct origin_run run = origin_run(&consensus->origin, BATCH_BYTES_MAX);
        if (run.bytes == NULL) return;
        result = sequence_add_run(&consensus->sequence, node, run.bytes, run.byte_count, &taken);
        ASSERT(result != SEQUENCE_REFUSED);
        origin_sent(&consensus->origin, &run, taken);
    }
}

/* Lets the sequence form batches until it has nothing more to propose. Returns how many; `*waits`
 * says that it could not go on for now. */
static unsigned form_batches(struct consensus *consensus, bool *waits)
{
    const struct sequence_time now = time_now();
    const uint64_t term = raft_current_term(&consensus->raft);
    unsigned count = 0;
    *waits = false;
    while (count < SUBMIT_ENTRIES_MAX) {
        uint8_t *bytes = consensus_cache_room(&consensus->cache, BATCH_BYTES_MAX);
        size_t byte_count;
        const enum sequence_turn turn =
            sequence_turn(&consensus->sequence, now, bytes, &byte_count);
        *waits = turn == SEQUENCE_WAIT;
        if (turn == SEQUENCE_ARRIVED) {
            take_arrived(consensus);
            add_own(consensus);
            byte_count = sequence_close(&consensus->sequence);
        }
        if (byte_count == 0) break;

        consensus_cache_add(&consensus->cache, consensus->stored + 1 + count, term, WAL_COMMANDS,
                            (uint32_t)byte_count);
        consensus->entries[count++] = (struct raft_entry){
            .term = term,
            .type = RAFT_COMMAND,
            .buf = {.base = bytes, .len = byte_count},
            .batch = consensus->cache.bytes,
        };
    }
    return count;
}

/* Proposes what there is. Returns true when there may be more to do at once. */
static bool propose(struct consensus *consensus)
{
    /* The sequence must have seen every entry before it adds one. */
    if (is_leader(consensus) && !consensus->sequence.leading) {
        if (consensus->delivered < consensus->stored) return false;
        sequence_lead(&consensus->sequence, time_now());
        log_info("ledger", "leading", "term=%" PRIu64 " index=%" PRIu64 " commands=%" PRIu64,
                 (uint64_t)raft_current_term(&consensus->raft), consensus->stored,
                 consensus->sequence.command_count);
    }
    bool waits;
    const unsigned count = form_batches(consensus, &waits);
    if (count == 0) return false;

    struct raft_event event = {.type = RAFT_SUBMIT};
    event.submit.entries = consensus->entries;
    event.submit.n = count;
    step(consensus, &event);
    if (consensus->status == STATUS_OK) deliver(consensus);
    return waits || count == SUBMIT_ENTRIES_MAX;
}

/* ---- The loop ---- */

static void timer_set(struct consensus *consensus);

/* Whether every producer was told to wake us, and none had anything meanwhile. */
static bool rings_sleepy(struct consensus *consensus)
{
    const struct consensus_options *options = consensus->options;
    for (uint32_t i = 0; i < options->submission_count; i++)
        if (!ring_sleepy(options->submissions[i])) return false;
    return true;
}

static void rings_awake(struct consensus *consensus)
{
    for (uint32_t i = 0; i < consensus->options->submission_count; i++)
        ring_awake(consensus->options->submissions[i]);
}

static void on_again(uv_idle_t *handle)
{
    (void)handle; /* being there keeps the loop from sleeping */
}

static void close_handles(struct consensus *consensus)
{
    if (consensus->closing) return;
    consensus->closing = true;
    uv_close((uv_handle_t *)&consensus->round, NULL);
    uv_close((uv_handle_t *)&consensus->again, NULL);
    uv_close((uv_handle_t *)&consensus->wake, NULL);
    uv_close((uv_handle_t *)&consensus->timer, NULL);
}

/* Once every turn of the loop, before it sleeps. */
static void on_round(uv_prepare_t *handle)
{
    struct consensus *consensus = container_of(handle, struct consensus, round);
    const struct progress *progress = consensus->options->progress;
    if (atomic_load_explicit(&progress->stopping, memory_order_acquire) != 0) {
        close_handles(consensus);
        return;
    }
    rings_awake(consensus);
    deliver(consensus);
    bool more = consensus->status == STATUS_OK && !consensus->full && propose(consensus);
    if (consensus->status == STATUS_OK) {
        const enum status status = wal_prepare(consensus->wal);
        if (status != STATUS_OK) fail(consensus, status);
    }
    if (consensus->status != STATUS_OK) {
        close_handles(consensus);
        return;
    }
    /* With no room ahead, or before we lead, what arrives waits; the timer brings us back. */
    if (consensus->full)
        more = false;
    else if (!more && consensus->origin.epoch != 0)
        more = !rings_sleepy(consensus);
    if (more)
        uv_idle_start(&consensus->again, on_again);
    else
        uv_idle_stop(&consensus->again);
    timer_set(consensus);
}

static void on_wake(uv_poll_t *handle, int status, int events)
{
    struct consensus *consensus = container_of(handle, struct consensus, wake);
    (void)status;
    (void)events;
    park_clear(consensus->options->park);
}

static void on_timer(uv_timer_t *handle)
{
    struct consensus *consensus = container_of(handle, struct consensus, timer);
    consensus->timer_ns = 0;
    if (uv_hrtime() / NS_PER_MS < raft_timeout(&consensus->raft)) return;
    struct raft_event event = {.type = RAFT_TIMEOUT};
    step(consensus, &event);
}

static uint64_t earlier(uint64_t left, uint64_t right)
{
    return left < right ? left : right;
}

/* Sets the timer to what is due first, if that changed. */
static void timer_set(struct consensus *consensus)
{
    const uint64_t now_ns = uv_hrtime();
    uint64_t due_ns = raft_timeout(&consensus->raft) * NS_PER_MS;
    const uint64_t seal_ns = sequence_due(&consensus->sequence);
    if (seal_ns != 0) due_ns = earlier(due_ns, seal_ns);
    if (consensus->full) due_ns = earlier(due_ns, now_ns + FULL_RETRY_NS);
    if (due_ns == consensus->timer_ns) return;

    consensus->timer_ns = due_ns;
    uv_update_time(&consensus->loop);
    const uint64_t left_ns = due_ns > now_ns ? due_ns - now_ns : 0;
    uv_timer_start(&consensus->timer, on_timer, (left_ns + NS_PER_MS - 1) / NS_PER_MS, 0);
}

/* ---- Start ---- */

static void tracer_drop(struct raft_tracer *tracer, int type, const void *info)
{
    (void)tracer;
    (void)type;
    (void)info;
}

static void node_address(uint32_t node, char address[16])
{
    snprintf(address, 16, "%" PRIu32, node);
}

/* The configuration of the genesis, encoded. The caller frees it with raft_free. */
static bool genesis_configuration(const struct genesis *genesis, struct raft_buffer *bytes)
{
    struct raft_configuration configuration;
    raft_configuration_init(&configuration);
    bool good = true;
    for (uint32_t i = 0; i < genesis->validators.count && good; i++) {
        char address[16];
        node_address(genesis->validators.members[i].node, address);
        good = raft_configuration_add(&configuration, genesis->validators.members[i].node, address,
                                      RAFT_VOTER) == 0;
    }
    good = good && raft_configuration_encode(&configuration, bytes) == 0;
    raft_configuration_close(&configuration);
    return good;
}

/* The first entry of every log: who votes. */
static enum status bootstrap(struct consensus *consensus)
{
    struct raft_buffer bytes;
    if (!genesis_configuration(consensus->options->genesis, &bytes)) return STATUS_NO_MEMORY;
    const struct wal_entry entry = {
        .index = 1,
        .term = 1,
        .type = WAL_CONFIGURATION,
        .length = (uint32_t)bytes.len,
        .bytes = bytes.base,
    };
    const enum status status = wal_append(consensus->wal, &entry, 1, 0);
    raft_free(bytes.base);
    return status;
}

/* Reads the last configuration at or below `index`. The caller closes it. */
static enum status configuration_at(struct consensus *consensus, uint64_t index,
                                    struct raft_configuration *configuration, uint64_t *at)
{
    struct wal_entry entry;
    *at = wal_configuration_index(consensus->wal, index);
    const enum status status = wal_read(consensus->wal, *at, &entry);
    if (status != STATUS_OK) return status == STATUS_NOT_FOUND ? STATUS_DAMAGED : status;
    const struct raft_buffer bytes = {.base = (void *)(uintptr_t)entry.bytes, .len = entry.length};
    return raft_configuration_decode(&bytes, configuration) == 0 ? STATUS_OK : STATUS_DAMAGED;
}

static bool votes_alone(const struct raft_configuration *configuration, uint32_t node)
{
    unsigned voters = 0;
    bool is_voter = false;
    for (unsigned i = 0; i < configuration->n; i++) {
        if (configuration->servers[i].role != RAFT_VOTER) continue;
        voters++;
        is_voter |= configuration->servers[i].id == node;
    }
    return is_voter && voters == 1;
}

/* The term to start in. A sole voter makes itself leader without an election and would do so again
 * in the same term, where two different entries of one index could then exist (the first in flight to
 * a standby when it died): so each of its lives has a term of its own. */
static enum status start_term(struct consensus *consensus,
                              const struct raft_configuration *configuration)
{
    const uint64_t term = wal_term(consensus->wal);
    if (votes_alone(configuration, consensus->options->node))
        return wal_set_vote(consensus->wal, term + 1, 0);
    return term == 0 ? wal_set_vote(consensus->wal, 1, 0) : STATUS_OK;
}

/* Reads the entries from `first` on as the engine wants them: terms, types, and configurations. */
static enum status read_entries(struct consensus *consensus, uint64_t first,
                                struct raft_entry *entries, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct wal_entry entry;
        const enum status status = wal_read(consensus->wal, first + i, &entry);
        if (status != STATUS_OK) return status;
        entries[i] =
            (struct raft_entry){.term = entry.term, .type = (enum raft_entry_type)entry.type};
        if (entry.type != WAL_CONFIGURATION) continue;
        entries[i].buf.base = raft_malloc(entry.length);
        if (entries[i].buf.base == NULL) return STATUS_NO_MEMORY;
        entries[i].buf.len = entry.length;
        le_put_bytes(entries[i].buf.base, entry.bytes, entry.length);
    }
    return STATUS_OK;
}

/* Starts the engine from what is known committed, as if from a snapshot, and the entries above it:
 * the log itself is never in memory. */
static enum status start_raft(struct consensus *consensus)
{
    const uint64_t last = wal_last_index(consensus->wal);
    const uint64_t base = wal_commit_index(consensus->wal);
    struct raft_snapshot_metadata metadata = {.index = base};
    struct raft_event event = {.type = RAFT_START};
    uint64_t at;
    enum status status =
        configuration_at(consensus, base > 0 ? base : 1, &metadata.configuration, &at);
    if (status != STATUS_OK) return status;
    metadata.configuration_index = at;
    status = start_term(consensus, &metadata.configuration);

    struct wal_entry entry = {0};
    if (status == STATUS_OK && base > 0) status = wal_read(consensus->wal, base, &entry);
    metadata.term = entry.term;
    const unsigned count = (unsigned)(last - base);
    struct raft_entry *entries = calloc(count + 1, sizeof(*entries));
    if (entries == NULL) status = STATUS_NO_MEMORY;
    if (status == STATUS_OK) status = read_entries(consensus, base + 1, entries, count);
    if (status == STATUS_OK) {
        event.start.term = wal_term(consensus->wal);
        event.start.voted_for = wal_voted_for(consensus->wal);
        event.start.start_index = base + 1;
        event.start.entries = entries;
        event.start.n_entries = count;
        if (base > 0) event.start.metadata = &metadata; /* the engine owns its configuration now */
        consensus->stored = last;
        step(consensus, &event);
    }
    if (event.start.metadata == NULL) raft_configuration_close(&metadata.configuration);
    for (unsigned i = 0; entries != NULL && i < count; i++)
        raft_free(entries[i].buf.base);
    free(entries);
    return status == STATUS_OK ? consensus->status : status;
}

static enum status open_log(struct consensus *consensus)
{
    const struct consensus_options *options = consensus->options;
    consensus->disk = wal_disk_directory(options->wal_directory);
    if (consensus->disk == NULL) return STATUS_IO;
    const struct wal_options wal_options = {
        .disk = consensus->disk,
        .segment_bytes = options->segment_bytes,
        .chain_id = genesis_chain_id(options->genesis),
        .node = options->node,
        .create = true,
        .metrics = options->metrics,
    };
    struct wal_damage damage;
    const enum status status = wal_open(&wal_options, &consensus->wal, &damage);
    if (status != STATUS_OK) return status;
    return wal_last_index(consensus->wal) == 0 ? bootstrap(consensus) : STATUS_OK;
}

static bool open_raft(struct consensus *consensus)
{
    char address[16];
    node_address(consensus->options->node, address);
    if (raft_init(&consensus->raft, NULL, NULL, consensus->options->node, address) != 0)
        return false;
    consensus->tracer.version = 2;
    consensus->tracer.emit = tracer_drop;
    consensus->raft.tracer = &consensus->tracer;
    unsigned seed;
    randombytes_buf(&seed, sizeof(seed));
    raft_seed(&consensus->raft, seed);
    raft_set_election_timeout(&consensus->raft, ELECTION_MS);
    raft_set_heartbeat_timeout(&consensus->raft, HEARTBEAT_MS);
    raft_set_pre_vote(&consensus->raft, true);
    raft_set_max_inflight_entries(&consensus->raft, IN_FLIGHT_ENTRIES);
    return true;
}

static void open_loop(struct consensus *consensus)
{
    uv_loop_init(&consensus->loop);
    uv_prepare_init(&consensus->loop, &consensus->round);
    uv_idle_init(&consensus->loop, &consensus->again);
    uv_timer_init(&consensus->loop, &consensus->timer);
    uv_poll_init(&consensus->loop, &consensus->wake, park_descriptor(consensus->options->park));
    uv_prepare_start(&consensus->round, on_round);
    uv_poll_start(&consensus->wake, UV_READABLE, on_wake);
}

static enum status open_stream(struct consensus *consensus)
{
    uint64_t nonce;
    uint8_t *bytes = malloc(ORIGIN_BYTES);
    struct origin_entry *entries = calloc(ORIGIN_COMMANDS, sizeof(*entries));
    randombytes_buf(&nonce, sizeof(nonce));
    sequence_init(&consensus->sequence, consensus->options->genesis, NULL);
    origin_init(&consensus->origin, consensus->options->node, nonce, bytes, entries);
    return bytes != NULL && entries != NULL ? STATUS_OK : STATUS_NO_MEMORY;
}

enum status consensus_run(const struct consensus_options *options)
{
    ASSERT(options->submission_count <= CONSENSUS_SUBMISSIONS_MAX);
    ASSERT(ring_record_max(options->batches) >= 8 + BATCH_BYTES_MAX);
    ASSERT(validator_set_find(&options->genesis->validators, options->node) != NULL);

    struct consensus *consensus = calloc(1, sizeof(*consensus));
    uint8_t *cache = malloc(CONSENSUS_CACHE_BYTES);
    enum status status = STATUS_NO_MEMORY;
    if (consensus == NULL || cache == NULL) goto out;
    consensus->options = options;
    consensus_cache_init(&consensus->cache, cache);
    if (open_stream(consensus) != STATUS_OK || !open_raft(consensus)) goto out;
    status = open_log(consensus);
    if (status == STATUS_OK) status = start_raft(consensus);
    if (status == STATUS_OK) {
        open_loop(consensus);
        uv_run(&consensus->loop, UV_RUN_DEFAULT);
        uv_loop_close(&consensus->loop);
        status = consensus->status;
    }
    atomic_store_explicit(&options->progress->is_leader, 0, memory_order_relaxed);
    wal_close(consensus->wal);
    wal_disk_free(consensus->disk);
    raft_close(&consensus->raft, NULL);
out:
    if (consensus != NULL) {
        free(consensus->origin.entries);
        free(consensus->origin.bytes);
    }
    free(cache);
    free(consensus);
    return status;
}
