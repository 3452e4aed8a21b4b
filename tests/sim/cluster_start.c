/* A node's start from what its disks hold, what it does when that is not enough, and its ends. What a node cannot
 * go on with is mended as node/recovery.c does it, over the simulated links. */

#include "tests/sim/cluster.h"

#include "common/log.h"
#include "engine/engine.h"
#include "ledger/chain.h"
#include "ledger/sign_once.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define RING_BYTES    ((size_t)1 << 20)
#define SMALL_BYTES   ((size_t)64 << 10)
#define FETCH_AT_MOST (30 * SECOND)
#define MENDED_MAX    40
#define TREE_SECRET   ((const uint8_t *)"a tree secret of thirty-two byte")

/* ---- An identity ---- */

void node_identity(struct cluster *cluster, uint32_t id)
{
    struct node *node = &cluster->nodes[id - 1];
    uint8_t seed[32] = {0};
    node->cluster = cluster;
    node->id = id;
    node->progress = aligned_alloc(64, (sizeof(*node->progress) + 63) & ~(size_t)63);
    ASSERT(node->progress != NULL);
    memset(node->progress, 0, sizeof(*node->progress));
    memcpy(seed, &cluster->seed, sizeof(cluster->seed));
    seed[8] = (uint8_t)node->id;
    seed[9] = 'n';
    crypto_sign_seed_keypair(node->public_key, node->secret_key, seed);
}

static struct wal_options wal_options_of(const struct node *node)
{
    return (struct wal_options){
        .disk = power_disk_table(node->disk),
        .segment_bytes = SEGMENT_BYTES,
        .chain_id = node->cluster->chain_id,
        .node = node->id,
    };
}

void node_make(struct node *node)
{
    struct cluster *cluster = node->cluster;
    node->life = LIFE_DOWN;
    node->start_ns = cluster->now_ns;
    snprintf(node->folder, PATH_BYTES, "%s/%u", cluster->folder, node->id);
    snprintf(node->chain, PATH_BYTES, "%s/%u/chain", cluster->folder, node->id);
    snprintf(node->checkpoints, PATH_BYTES, "%s/%u/checkpoint", cluster->folder, node->id);
    snprintf(node->sign_once, PATH_BYTES, "%s/%u/sign-once", cluster->folder, node->id);
    snprintf(node->evidence, PATH_BYTES, "%s/%u/evidence", cluster->folder, node->id);
    ASSERT(mkdir(node->folder, 0700) == 0 && mkdir(node->chain, 0700) == 0 &&
           mkdir(node->checkpoints, 0700) == 0);
    node->disk = power_disk_new(cluster->seed * 131 + node->id, SEGMENT_BYTES);
    node->monotonic_ns = SECOND + random_below(&cluster->machine, 1000000 * SECOND);
    node->clock_off_ns = (int64_t)random_below(&cluster->machine, 100 * MS) - (int64_t)(50 * MS);
    node->disk_ns = 20000 + random_below(&cluster->machine, 2 * MS);
    node->lag_ns = random_below(&cluster->machine, 10) == 0
                       ? 300 * MS
                       : random_below(&cluster->machine, 2 * MS);
    const struct wal_options options = wal_options_of(node);
    enum status status = wal_create(&options);
    if (status == STATUS_OK) status = sign_once_create(node->sign_once);
    ASSERT(status == STATUS_OK);
}

/* ---- The process ---- */

static void process_free(struct node *node)
{
    struct arena *const arenas[] = {&node->engine_arena, &node->settlement_arena,
                                    &node->fetch_arena};
    files_owner = node;
    anchor_close(node->anchor);
    replica_free(node->replica);
    supply_files_free(node->supply);
    checkpoint_part_close(node->part);
    wal_patch_drop(node->patch);
    start_close(&node->start);
    files_owner = NULL;
    if (node->engine != NULL) engine_loop_close(&node->loop);
    for (size_t i = 0; i < sizeof(arenas) / sizeof(arenas[0]); i++)
        if (arenas[i]->bytes != NULL) {
            arena_unmap(arenas[i]);
            *arenas[i] = (struct arena){0};
        }
    vetting_close(node);
    for (int i = 0; i < 8; i++) {
        free(node->ring_memory[i]);
        node->ring_memory[i] = NULL;
    }
    free(node->roster);
    free(node->digest);
    free(node->fetch_log);
    queue_clear(&node->batches);
    queue_clear(&node->commands);
    queue_clear(&node->votes);
    maker_clear(node);
    node->roster = NULL;
    node->roster_news = false;
    node->anchor = NULL;
    node->replica = NULL;
    node->supply = NULL;
    node->part = NULL;
    node->patch = NULL;
    node->engine = NULL;
    node->digest = NULL;
    node->fetch = NULL;
    node->fetch_log = NULL;
    node->open = false;
}

static struct ring *new_ring(struct node *node, int place, size_t capacity)
{
    node->ring_memory[place] = aligned_alloc(64, ring_bytes(capacity));
    ASSERT(node->ring_memory[place] != NULL);
    return ring_new(node->ring_memory[place], capacity);
}

/* A process with empty rings, that has seen nothing. */
static void process_new(struct node *node)
{
    node->starts++;
    memset(node->progress, 0, sizeof(*node->progress));
    memset(&node->metrics, 0, sizeof(node->metrics));
    node->applied = new_ring(node, 0, RING_BYTES);
    node->seen = new_ring(node, 1, RING_BYTES);
    node->anchor_votes = new_ring(node, 2, SMALL_BYTES);
    node->changes = new_ring(node, 3, SMALL_BYTES);
    node->notices = new_ring(node, 4, SMALL_BYTES);
    node->certificates = new_ring(node, 5, SMALL_BYTES);
    node->facts = new_ring(node, 6, SMALL_BYTES);
    node->liabilities = new_ring(node, 7, SMALL_BYTES);
    node->engine_ns = node->maker_ns = node->poke_ns = node->resign_ns = NEVER;
    node->anchor_ns = node->cluster->now_ns;
    node->busy_ns = 0;
    node->calls_seen = power_disk_calls(node->disk);
    node->view_epoch = 0;
    node->view_command = 0;
    node->floor_command = node->cluster->acked_command;
}

static enum status state_open(struct node *node)
{
    struct cluster *cluster = node->cluster;
    if (!arena_map(&node->engine_arena, engine_bytes(&cluster->genesis)) ||
        !arena_map(&node->settlement_arena, settlement_bytes(&cluster->genesis)))
        return STATUS_NO_MEMORY;
    enum status status = start_engine(&node->start, &node->engine_arena, &node->engine);
    if (status != STATUS_OK) return status;
    node->loop = (struct engine_loop){
        .genesis = &cluster->genesis,
        .engine = node->engine,
        .outputs = {node->applied, node->seen},
        .output_count = 2,
        .sealed = maker_engine_sealed,
        .sealed_context = node,
        .metrics = &node->metrics,
        .progress = node->progress,
    };
    if (!engine_loop_open(&node->loop)) return STATUS_NO_MEMORY;
    node->digest = calloc(1, sizeof(*node->digest));
    ASSERT(node->digest != NULL);
    status = start_settlement(&node->start, &node->settlement_arena, TREE_SECRET, &node->settlement,
                              node->digest);
    node->view_command = engine_last_command(node->engine);
    if (status == STATUS_OK) vetting_open(node);
    return status;
}

static enum status replica_open(struct node *node)
{
    struct cluster *cluster = node->cluster;
    const struct replica_options options = {
        .genesis = &cluster->genesis,
        .node = node->id,
        .nodes = &node->nodes,
        .base = node->start.height > 0 ? &node->start.base : NULL,
        .disk = power_disk_table(node->disk),
        .segment_bytes = SEGMENT_BYTES,
        .world = node_world(node),
        .metrics = &node->metrics,
        .progress = node->progress,
    };
    const enum status status = replica_new(&options, node_time(node), &node->replica);
    if (status != STATUS_OK) return status;
    node->roster = malloc(sizeof(*node->roster));
    ASSERT(node->roster != NULL);
    roster_begin(node->roster, &node->nodes);
    roster_recall(node->roster, node->folder);
    roster_introduce(node->roster, node->id, &node->introduced);
    return roster_keep(node->roster, node->folder);
}

static enum status chain_anew(struct node *node)
{
    uint8_t signatures[CERTIFICATE_BYTES_MAX];
    uint64_t tip;
    const size_t byte_count = checkpoint_reader_signatures(node->start.reader, signatures);
    const enum status status = chain_quarantine(node->chain, true, &tip);
    if (status != STATUS_OK) return status;
    return chain_begin_at(node->chain, checkpoint_reader_manifest(node->start.reader)->header,
                          signatures, byte_count);
}

/* The anchor over the chain that lies there, or over one that begins at the checkpoint when that one does not
 * reach it. */
static enum status anchor_start(struct node *node)
{
    struct cluster *cluster = node->cluster;
    static struct park nobody = {.descriptor = -1};
    node->anchor_options = (struct anchor_options){
        .genesis = &cluster->genesis,
        .node = node->id,
        .secret_key = node->secret_key,
        .tree_secret = TREE_SECRET,
        .digest = node->digest,
        .chain_directory = node->chain,
        .sign_once_path = node->sign_once,
        .lineage_directory = node->checkpoints,
        .evidence_directory = node->evidence,
        .applied = node->applied,
        .park = &nobody,
        .votes = node->anchor_votes,
        .changes = node->changes,
        .facts = node->facts,
        .consensus_park = &nobody,
        .notices = {node->notices},
        .gateway_parks = {&nobody},
        .notice_count = 1,
        .certificates = node->certificates,
        .liabilities = node->liabilities,
        .maker_park = &nobody,
        .checkpoint = maker_anchor_ended,
        .checkpoint_context = node,
        .metrics = &node->metrics,
        .progress = node->progress,
    };
    enum status status = anchor_open(&node->anchor_options, &node->anchor);
    if (status == STATUS_MISMATCH && node->start.height > 0) {
        status = chain_anew(node);
        if (status == STATUS_OK) status = anchor_open(&node->anchor_options, &node->anchor);
    }
    return status;
}

static enum status supply_open(struct node *node)
{
    struct peers peers = net_peers(node);
    const struct supply_files_options options = {
        .checkpoint_directory = node->checkpoints,
        .chain_directory = node->chain,
        .progress = node->progress,
    };
    node->supply = supply_files_new(&options);
    if (node->supply == NULL) return STATUS_NO_MEMORY;
    node->supply_hooks = supply_files_hooks(node->supply);
    node->supply_hooks.begin(node->supply_hooks.context, &peers, node->replica);
    return STATUS_OK;
}

/* ---- Mending ---- */

static void mend(struct node *node, enum life life)
{
    node->life = LIFE_DOWN;
    net_refresh(node->cluster); /* the process before this one is gone, and its links */
    node->life = life;
    node->fetch_ns = node->cluster->now_ns;
    node->fetch_until_ns = node->cluster->now_ns + FETCH_AT_MOST;
    cluster_trace(node->cluster, life == LIFE_FETCHING ? "fetching" : "repairing", node->id,
                  node->nodes.count, 0);
    if (++node->mended > MENDED_MAX)
        cluster_fail(node->cluster, "node %u is mended again and again", node->id);
    net_refresh(node->cluster);
    if (life == LIFE_FETCHING) faults_fetching(node);
}

static enum status store_begin(void *context, const struct checkpoint_proof *proof)
{
    struct node *node = context;
    return checkpoint_part_open(node->checkpoints, proof, &node->part);
}

static enum status store_read(void *context, uint32_t chunk, uint8_t *bytes, uint32_t byte_count)
{
    return checkpoint_part_read(((struct node *)context)->part, chunk, bytes, byte_count);
}

static enum status store_keep(void *context, uint32_t chunk, const uint8_t *bytes,
                              uint32_t byte_count)
{
    return checkpoint_part_keep(((struct node *)context)->part, chunk, bytes, byte_count);
}

static void store_leave(void *context)
{
    struct node *node = context;
    checkpoint_part_close(node->part);
    node->part = NULL;
}

static enum status store_finish(void *context)
{
    struct node *node = context;
    const enum status status = checkpoint_part_finish(node->part);
    store_leave(node);
    return status;
}

static void on_blame(void *context, uint32_t peer, const char *what, uint64_t height,
                     uint32_t chunk)
{
    struct node *node = context;
    log_warn("sim", "peer is blamed", "by=%u peer=%u what=\"%s\"", node->id, peer, what);
    /* A set that had lost its quorum did not sign the next one over: operators vouch for a later one then. */
    if (strcmp(what, "its header names other validators") == 0) node->needs_word = true;
    cluster_trace(node->cluster, "blame", node->id, peer, height << 16 | chunk);
}

static void on_proved(void *context, const struct lineage_step *step)
{
    struct node *node = context;
    (void)!lineage_append(node->checkpoints, step->header, &step->certificate, &step->next);
}

/* Whom to ask: those that its own state names, and those that any one node would name. */
static void ask_whom(struct node *node)
{
    const struct node_set *decided = &node->cluster->set;
    for (uint32_t i = 0; i < decided->count; i++) {
        const struct node_member *member = &decided->members[i];
        struct node_changed_event changed = {.node = member->node, .role = member->role};
        memcpy(changed.public_key, member->public_key, sizeof(changed.public_key));
        memcpy(changed.address, member->address, sizeof(changed.address));
        if (node_set_find(&node->nodes, member->node) == NULL)
            (void)!node_set_apply(&node->nodes, &changed);
    }
}

/* The newest set that a block is certified under, and from which height on. */
static const struct validator_set *operators_word(struct node *node, uint64_t *trusted_height)
{
    const struct cluster *cluster = node->cluster;
    *trusted_height = 0;
    if (!node->needs_word) return &cluster->genesis.validators;
    uint64_t height = cluster->certified;
    const struct validator_set *set = cluster->blocks[height].set;
    while (height > 1 && cluster->blocks[height - 1].set != NULL &&
           hash_equal(validator_set_hash(cluster->blocks[height - 1].set), validator_set_hash(set)))
        height--;
    figures.by_hand++;
    *trusted_height = height - 1;
    return set;
}

static enum status mend_fetch(struct node *node)
{
    struct cluster *cluster = node->cluster;
    uint64_t trusted_height;
    const struct validator_set *trusted = operators_word(node, &trusted_height);
    process_free(node);
    ask_whom(node);
    if (!arena_map(&node->fetch_arena, fetch_memory())) return STATUS_NO_MEMORY;
    const struct fetch_options options = {
        .node = node->id,
        .nodes = &node->nodes,
        .chain_id = cluster->chain_id,
        .trusted = trusted,
        .trusted_height = trusted_height,
        .peers = net_peers(node),
        .store = {node, store_begin, store_read, store_keep, store_finish, store_leave},
        .hooks = {node, on_blame, on_proved}};
    node->fetch = fetch_new(&node->fetch_arena, &options);
    if (node->fetch == NULL) return STATUS_NO_MEMORY;
    memset(node->progress, 0, sizeof(*node->progress));
    node->busy_ns = 0;
    const enum status status = supply_open(node);
    if (status == STATUS_OK) mend(node, LIFE_FETCHING);
    return status;
}

static bool patch_needs(void *context, uint64_t *first, uint64_t *last)
{
    struct node *node = context;
    struct wal_hole hole;
    if (!wal_patch_needs(node->patch, &hole) || hole.tail) return false;
    *first = hole.first;
    *last = hole.last;
    return true;
}

static enum status patch_add(void *context, const struct wal_entry *entry)
{
    return wal_patch_add(((struct node *)context)->patch, entry);
}

static void on_wrong_entries(void *context, uint32_t peer, const char *what, uint64_t index)
{
    struct node *node = context;
    (void)what;
    cluster_trace(node->cluster, "wrong entries", node->id, peer, index);
}

/* What recovery does with a log or a chain whose bytes rotted. STATUS_AGAIN: start again. */
static enum status mend_damage(struct node *node)
{
    const struct wal_options options = wal_options_of(node);
    struct wal_hole holes[WAL_HOLES_MAX], hole;
    uint32_t count = 0;
    enum status status = wal_survey(&options, holes, &count);
    if (status == STATUS_DAMAGED || count > 0) {
        const struct wal_base base = {
            .index = node->start.base.index,
            .term = node->start.base.term,
            .hash = node->start.base.hash,
            .configuration_index = node->start.base.configuration_index,
            .configuration = node->start.base.configuration,
            .configuration_bytes = node->start.base.configuration_bytes,
        };
        figures.repairs++;
        status = wal_patch_begin(&options, node->start.height > 0 ? &base : NULL, &node->patch);
        if (status != STATUS_OK) return status;
        if (wal_patch_needs(node->patch, &hole) && !hole.tail) {
            struct wal_patch *patch = node->patch;
            node->patch = NULL;
            process_free(node);
            node->patch = patch;
            ask_whom(node);
            node->fetch_log = calloc(1, sizeof(*node->fetch_log));
            ASSERT(node->fetch_log != NULL);
            const struct fetch_log_sink sink = {node, patch_needs, patch_add, on_wrong_entries};
            fetch_log_begin(node->fetch_log, node->id, &node->nodes, net_peers(node), sink,
                            node->cluster->now_ns / MS);
            node->busy_ns = 0;
            status = supply_open(node);
            if (status == STATUS_OK) mend(node, LIFE_REPAIRING);
            return status;
        }
        status = wal_patch_end(node->patch, NULL);
        node->patch = NULL;
    }
    uint64_t tip;
    if (status == STATUS_OK) status = chain_quarantine(node->chain, false, &tip);
    return status == STATUS_OK ? STATUS_AGAIN : status;
}

/* The log is behind: of the checkpoint on disk, or of what the others still have. */
static enum status mend_behind(struct node *node)
{
    const struct wal_options options = wal_options_of(node);
    struct wal *wal;
    struct wal_damage damage;
    replica_free(node->replica); /* it has the log open */
    node->replica = NULL;
    enum status status = wal_open(&options, &wal, &damage);
    if (status != STATUS_OK) return status;
    const uint64_t last = wal_last_index(wal);
    wal_close(wal);
    if (node->start.height == 0 || last >= node->start.base.index) return mend_fetch(node);
    const struct wal_base base = {
        .index = node->start.base.index,
        .term = node->start.base.term,
        .hash = node->start.base.hash,
        .configuration_index = node->start.base.configuration_index,
        .configuration = node->start.base.configuration,
        .configuration_bytes = node->start.base.configuration_bytes,
    };
    status = wal_begin_at(&options, &base);
    return status == STATUS_OK ? STATUS_AGAIN : status;
}

static void again(struct node *node, uint64_t wait_ns)
{
    process_free(node);
    node->life = LIFE_DOWN;
    node->start_ns = node->cluster->now_ns + wait_ns;
    net_refresh(node->cluster);
}

/* Every byte of what was fetched is what was signed. */
static void check_fetched(struct node *node)
{
    struct checkpoint_reader *reader;
    const uint64_t height = fetch_facts(node->fetch).height;
    enum status status = checkpoint_reader_open(node->checkpoints, height, &reader);
    for (int i = 0; i < CHECKPOINT_SECTIONS && status == STATUS_OK; i++) {
        const uint8_t *bytes;
        size_t byte_count;
        status = checkpoint_reader_section(reader, (enum checkpoint_section)i, &bytes, &byte_count);
    }
    if (status != STATUS_OK)
        cluster_fail(node->cluster, "node %u: the checkpoint of %lu that was fetched: %s", node->id,
                     height, status_text(status));
    checkpoint_reader_close(reader);
}

void node_mend_turn(struct node *node)
{
    struct cluster *cluster = node->cluster;
    const uint64_t now_ms = cluster->now_ns / MS;
    enum status status = STATUS_AGAIN;
    files_owner = node;
    if (node->life == LIFE_FETCHING) {
        while (fetch_turn(node->fetch, now_ms))
            ;
        const struct fetch_facts facts = fetch_facts(node->fetch);
        if (facts.phase == FETCH_DONE) status = STATUS_OK;
        if (facts.phase == FETCH_NOTHING) status = STATUS_NOT_FOUND;
        if (facts.phase == FETCH_FAILED) status = facts.status;
    } else {
        fetch_log_turn(node->fetch_log, now_ms);
        status = node->fetch_log->status;
        if (status == STATUS_OK && !node->fetch_log->done) status = STATUS_AGAIN;
    }
    for (int i = 0; i < 4 && node->supply_hooks.turn(node->supply_hooks.context); i++)
        ;
    files_owner = NULL;
    node->fetch_ns = cluster->now_ns + FETCH_TURN_MS * MS;
    if (power_disk_is_off(node->disk) || files_off(node->id)) {
        node_crash(node, true, cluster_below(cluster, SECOND));
        return;
    }
    if (status == STATUS_AGAIN && cluster->now_ns < node->fetch_until_ns) return;
    cluster_trace(cluster, "mended", node->id, status, (uint64_t)node->life);
    if (node->life == LIFE_REPAIRING && status == STATUS_OK) {
        status = wal_patch_end(node->patch, NULL);
        node->patch = NULL;
        uint64_t tip;
        if (status == STATUS_OK) status = chain_quarantine(node->chain, false, &tip);
    } else if (node->life == LIFE_REPAIRING && status == STATUS_NOT_FOUND) {
        status = mend_fetch(node);
        if (status == STATUS_OK) return;
    } else if (status == STATUS_OK) {
        figures.installs++;
        check_fetched(node);
    }
    if (status == STATUS_NOT_FOUND) node->begins_empty = true;
    again(node, status == STATUS_OK ? 0 : SECOND);
}

uint64_t node_mend_due(const struct node *node)
{
    return node->fetch_ns;
}

/* ---- Start and end ---- */

/* A newcomer without any state gets it first, if there is any. */
static bool needs_state(struct node *node)
{
    const struct wal_options options = wal_options_of(node);
    struct wal *wal;
    struct wal_damage damage;
    const struct validator_set *first = &node->cluster->genesis.validators;
    if (node->start.height > 0 || node->begins_empty) return false;
    if (validator_set_find(first, node->id) != NULL) return false;
    if (wal_open(&options, &wal, &damage) != STATUS_OK) return false;
    const uint64_t last = wal_last_index(wal);
    wal_close(wal);
    return last == 0;
}

static enum status process_open(struct node *node)
{
    process_new(node);
    enum status status = start_open(&node->start, node->checkpoints, &node->cluster->genesis);
    if (status != STATUS_OK) return status;
    node->nodes = node->start.nodes;
    if (needs_state(node)) return STATUS_BEHIND;
    atomic_store(&node->progress->checkpoint_height, node->start.height);
    status = state_open(node);
    if (status == STATUS_OK) status = replica_open(node);
    if (status == STATUS_OK) status = anchor_start(node);
    if (status == STATUS_OK) status = supply_open(node);
    return status;
}

void node_start(struct node *node)
{
    struct cluster *cluster = node->cluster;
    ASSERT(node->life == LIFE_DOWN);
    files_owner = node;
    const enum status status = process_open(node);
    files_owner = NULL;
    node->life = LIFE_UP;
    cluster_trace(cluster, "start", node->id, status, node->start.height);
    if (status == STATUS_OK) {
        node->begins_empty = false;
        node->damaged = false;
        node_links(node);
    } else
        node_ended(node, status);
}

void node_crash(struct node *node, bool power, uint64_t back_ns)
{
    struct cluster *cluster = node->cluster;
    if (node->life == LIFE_DEAD || node->life == LIFE_NONE) return;
    cluster_trace(cluster, power ? "power" : "kill", node->id, back_ns, (uint64_t)node->life);
    if (node->life != LIFE_DOWN) {
        figures.crashes++;
        if (power)
            figures.power_cuts++;
        else
            figures.kills++;
    }
    power_disk_hold(node->disk, true);
    files_fail(node->id, true);
    process_free(node);
    files_fail(node->id, false);
    power_disk_hold(node->disk, false);
    if (power) {
        power_disk_restore(node->disk);
        files_restore(cluster, node->id);
    }
    node->life = LIFE_DOWN;
    node->start_ns = back_ns == NEVER ? NEVER : cluster->now_ns + back_ns;
    clients_lost(node);
    net_refresh(cluster);
}

void node_stop(struct node *node)
{
    figures.stops++;
    cluster_trace(node->cluster, "stop", node->id, 0, 0);
    clients_lost(node);
    again(node, cluster_below(node->cluster, 3 * SECOND));
}

void node_dies(struct node *node)
{
    cluster_trace(node->cluster, "dead", node->id, 0, 0);
    process_free(node);
    clients_lost(node);
    node->life = LIFE_DEAD;
    net_refresh(node->cluster);
}

/* Its process ended by itself. */
void node_ended(struct node *node, enum status status)
{
    struct cluster *cluster = node->cluster;
    cluster_trace(cluster, "ended", node->id, status, 0);
    clients_lost(node);
    if (power_disk_is_off(node->disk) || files_off(node->id)) {
        node_crash(node, true, cluster_below(cluster, 2 * SECOND));
        return;
    }
    if (status == STATUS_MISMATCH && node->altered) {
        node_dies(node);
        return;
    }
    files_owner = node;
    if (status == STATUS_BEHIND) status = mend_behind(node);
    if (status == STATUS_DAMAGED) {
        replica_free(node->replica);
        node->replica = NULL;
        anchor_close(node->anchor);
        node->anchor = NULL;
        status = mend_damage(node);
        if (status == STATUS_NOT_FOUND) status = mend_fetch(node);
    }
    files_owner = NULL;
    if (node->life == LIFE_FETCHING || node->life == LIFE_REPAIRING) return;
    if (power_disk_is_off(node->disk) || files_off(node->id)) {
        node_crash(node, true, cluster_below(cluster, 2 * SECOND));
        return;
    }
    if (status == STATUS_AMNESIAC && node->damaged) {
        node_dies(node);
    } else if (status == STATUS_AGAIN) {
        if (++node->mended > MENDED_MAX)
            cluster_fail(cluster, "node %u is mended again and again", node->id);
        again(node, MS);
    } else if (status == STATUS_NO_SPACE && node->full) {
        again(node, SECOND);
    } else {
        cluster_fail(cluster, "node %u ended: %s", node->id, status_text(status));
        again(node, SECOND);
    }
}

/* rm -rf, and the operators' mistake to start it again. */
void node_empty(struct node *node)
{
    power_disk_free(node->disk);
    node->disk = power_disk_new(node->cluster->seed * 137 + node->id, SEGMENT_BYTES);
    files_remove_tree(node->folder);
    const bool made = mkdir(node->folder, 0700) == 0 && mkdir(node->chain, 0700) == 0 &&
                      mkdir(node->checkpoints, 0700) == 0;
    ASSERT(made);
    node->certified_index = 0;
    node->damaged = true;
    node->emptied = true;
}

void node_free(struct node *node)
{
    if (node->disk != NULL) {
        power_disk_hold(node->disk, true);
        process_free(node);
        power_disk_free(node->disk);
    }
    free(node->progress);
}
