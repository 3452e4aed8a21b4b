#include "ledger/join_uv.h"

#include "common/log.h"
#include "ledger/checkpoint.h"
#include "ledger/fetch.h"
#include "ledger/fetch_log.h"
#include "ledger/peers_uv.h"
#include "ledger/roster.h"
#include "ledger/supply_files.h"

#include <stdlib.h>
#include <uv.h>

#define SUPPLY_TURNS 8 /* answers to others in one round of the loop */

/* One stay at the others' doors. */
struct join {
    const struct join_options *options;
    uv_loop_t loop;
    uv_timer_t tick;
    uv_prepare_t round;
    uv_idle_t again; /* runs while there is more to do at once */
    struct peers_uv *links;
    struct supply_files *files;
    struct supply *supply;
    struct roster *roster;
    bool over;
    enum status status;

    /* Either of these. */
    struct fetch *fetch;
    struct fetch_log *log;

    struct checkpoint_part *part;
    uint64_t told_ms; /* when progress was last logged, */
    uint64_t told_bytes;
    struct wal_patch *patch;
};

static uint64_t now_ms(const struct join *join)
{
    return uv_now(&join->loop);
}

static void end(struct join *join, enum status status)
{
    if (join->over) return;
    join->over = true;
    join->status = status;
    uv_stop(&join->loop);
}

/* ---- A checkpoint ---- */

static enum status store_begin(void *context, const struct checkpoint_proof *proof)
{
    struct join *join = context;
    log_info("ledger", "checkpoint is proved", "height=%lu manifest_bytes=%lu", proof->height,
             proof->manifest_bytes);
    return checkpoint_part_open(join->options->checkpoint_directory, proof, &join->part);
}

static enum status store_read(void *context, uint32_t chunk, uint8_t *bytes, uint32_t byte_count)
{
    const struct join *join = context;
    return checkpoint_part_read(join->part, chunk, bytes, byte_count);
}

static enum status store_keep(void *context, uint32_t chunk, const uint8_t *bytes,
                              uint32_t byte_count)
{
    const struct join *join = context;
    return checkpoint_part_keep(join->part, chunk, bytes, byte_count);
}

static void store_leave(void *context)
{
    struct join *join = context;
    checkpoint_part_close(join->part);
    join->part = NULL;
}

static enum status store_finish(void *context)
{
    struct join *join = context;
    const enum status status = checkpoint_part_finish(join->part);
    store_leave(join);
    return status;
}

static void on_blame(void *context, uint32_t node, const char *what, uint64_t height,
                     uint32_t chunk)
{
    (void)context;
    log_warn("ledger", "peer is dropped", "node=%u what=\"%s\" height=%lu chunk=%u", node, what,
             height, chunk);
}

static void on_proved(void *context, const struct lineage_step *step)
{
    struct join *join = context;
    const enum status status = lineage_append(join->options->checkpoint_directory, step->header,
                                              &step->certificate, &step->next);
    if (status != STATUS_OK) end(join, status);
}

/* Who sent how much, once it is over. */
static void tell_senders(const struct join *join)
{
    const struct node_set *nodes = join->options->nodes;
    for (uint32_t i = 0; i < nodes->count; i++) {
        const uint32_t node = nodes->members[i].node;
        const uint64_t bytes = fetch_bytes_of(join->fetch, node);
        if (bytes > 0) log_info("ledger", "checkpoint came from", "node=%u bytes=%lu", node, bytes);
    }
}

/* How far it has come, once a second and when something else begins. */
static void tell(struct join *join)
{
    static const char *const phases[] = {"asking",   "following validators",
                                         "asking",   "asking",
                                         "asking",   "looking",
                                         "fetching", "done",
                                         "nothing",  "failed"};
    const struct fetch_facts facts = fetch_facts(join->fetch);
    const uint64_t passed_ms = now_ms(join) - join->told_ms;
    if (join->options->metrics != NULL) {
        metric_set(&join->options->metrics->join_bytes, facts.bytes);
        metric_set(&join->options->metrics->join_total_bytes, facts.total_bytes);
    }
    if (passed_ms < 1000) return;
    const uint64_t more = facts.bytes > join->told_bytes ? facts.bytes - join->told_bytes : 0;
    log_info("ledger", "joining",
             "doing=\"%s\" height=%lu bytes=%lu of=%lu bytes_per_s=%lu answered=%u dropped=%u",
             phases[facts.phase], facts.height, facts.bytes, facts.total_bytes,
             more * 1000 / passed_ms, facts.answered, facts.dropped);
    join->told_ms = now_ms(join);
    join->told_bytes = facts.bytes;
}

static bool turn_fetch(struct join *join)
{
    const bool more = fetch_turn(join->fetch, now_ms(join));
    const struct fetch_facts facts = fetch_facts(join->fetch);
    tell(join);
    if (facts.phase == FETCH_NOTHING) end(join, STATUS_NOT_FOUND);
    if (facts.phase == FETCH_FAILED) end(join, facts.status);
    if (facts.phase == FETCH_DONE) {
        tell_senders(join);
        end(join, STATUS_OK);
    }
    return more;
}

/* ---- Entries of a log ---- */

static bool patch_needs(void *context, uint64_t *first, uint64_t *last)
{
    const struct join *join = context;
    struct wal_hole hole;
    if (!wal_patch_needs(join->patch, &hole) || hole.tail) return false;
    *first = hole.first;
    *last = hole.last;
    return true;
}

static enum status patch_add(void *context, const struct wal_entry *entry)
{
    const struct join *join = context;
    return wal_patch_add(join->patch, entry);
}

static void on_wrong_entries(void *context, uint32_t node, const char *what, uint64_t index)
{
    (void)context;
    log_warn("ledger", "entries of a peer are of no use", "node=%u what=\"%s\" index=%lu", node,
             what, index);
}

static bool turn_log(struct join *join)
{
    fetch_log_turn(join->log, now_ms(join));
    if (join->log->status != STATUS_OK) end(join, join->log->status);
    if (join->log->done) end(join, STATUS_OK);
    return false;
}

/* ---- The loop ---- */

/* Members that the others have and we have not heard of: they are let in, too. */
static void hear_nodes(struct join *join, uint32_t node, const uint8_t *bytes, size_t byte_count)
{
    struct node_set links;
    if (!roster_hear(join->roster, node, bytes, byte_count)) return;
    roster_links(join->roster, &links);
    peers_uv_set_nodes(join->links, &links);
    if (join->fetch != NULL) fetch_nodes(join->fetch, &links);
    if (join->log != NULL) fetch_log_nodes(join->log, &links);
}

static void on_message(void *context, uint32_t node, const uint8_t *bytes, size_t byte_count)
{
    struct join *join = context;
    if (join->over) return;
    if (join->fetch != NULL)
        fetch_receive(join->fetch, now_ms(join), node, bytes, byte_count);
    else
        fetch_log_receive(join->log, now_ms(join), node, bytes, byte_count);
    supply_receive(join->supply, node, bytes, byte_count);
    hear_nodes(join, node, bytes, byte_count);
}

static void on_changed(void *context, uint32_t node, bool up)
{
    struct join *join = context;
    if (join->fetch != NULL)
        fetch_link(join->fetch, now_ms(join), node, up);
    else
        fetch_log_link(join->log, node, up);
    if (!up) return;
    uint8_t bytes[ROSTER_BYTES_MAX];
    const struct peers_piece piece = {bytes, roster_encode(join->options->nodes, bytes)};
    const struct peers links = peers_uv_table(join->links);
    (void)!links.send(links.context, node, &piece, 1);
}

static void on_again(uv_idle_t *again)
{
    (void)again; /* the round does the work; this keeps the loop from waiting */
}

static void on_round(uv_prepare_t *round)
{
    struct join *join = round->data;
    if (join->over) return;
    bool waits = true;
    for (int i = 0; i < SUPPLY_TURNS && waits; i++)
        waits = supply_turn(join->supply);
    bool more = join->fetch != NULL ? turn_fetch(join) : turn_log(join);
    more = more || waits;
    peers_uv_flush(join->links);
    if (more && !join->over)
        uv_idle_start(&join->again, on_again);
    else
        uv_idle_stop(&join->again);
}

static void on_tick(uv_timer_t *tick)
{
    struct join *join = tick->data;
    if (atomic_load_explicit(&join->options->progress->stopping, memory_order_relaxed) != 0)
        end(join, STATUS_STOPPING);
}

static enum status open_links(struct join *join)
{
    const struct join_options *options = join->options;
    const struct peers_options links = {
        .loop = &join->loop,
        .host = options->host,
        .port = options->port,
        .node = options->node,
        .secret_key = options->secret_key,
        .chain_id = genesis_chain_id(options->genesis),
        .handler = {.context = join, .message = on_message, .changed = on_changed},
        .metrics = options->metrics};
    const struct supply_files_options supply = {
        .checkpoint_directory = options->checkpoint_directory, .progress = options->progress};
    join->supply = malloc(sizeof(*join->supply));
    join->roster = malloc(sizeof(*join->roster));
    join->files = supply_files_new(&supply);
    join->links = peers_uv_new(&links);
    if (join->supply == NULL || join->roster == NULL || join->files == NULL ||
        join->links == NULL) {
        log_error("ledger", "cannot join", "node=%u reason=\"no memory, or the key is none\"",
                  options->node);
        return STATUS_NO_MEMORY;
    }
    roster_begin(join->roster, options->nodes);
    supply_begin(join->supply, peers_uv_table(join->links), supply_files_source(join->files));
    return options->nodes->count > 1 ? peers_uv_listen(join->links) : STATUS_OK;
}

static enum status open_loop(struct join *join)
{
    if (uv_loop_init(&join->loop) != 0) {
        log_error("ledger", "no loop to join on", "node=%u", join->options->node);
        return STATUS_NO_MEMORY;
    }
    join->tick.data = join->round.data = join->again.data = join;
    uv_timer_init(&join->loop, &join->tick);
    uv_prepare_init(&join->loop, &join->round);
    uv_idle_init(&join->loop, &join->again);
    return STATUS_OK;
}

static void close_loop(struct join *join)
{
    if (join->links != NULL) peers_uv_free(join->links);
    uv_close((uv_handle_t *)&join->tick, NULL);
    uv_close((uv_handle_t *)&join->round, NULL);
    uv_close((uv_handle_t *)&join->again, NULL);
    uv_run(&join->loop, UV_RUN_DEFAULT);
    ASSERT(uv_loop_close(&join->loop) == 0);
    supply_files_free(join->files);
    free(join->roster);
    free(join->supply);
}

/* Runs until somebody calls end. */
static enum status run(struct join *join)
{
    uv_timer_start(&join->tick, on_tick, 0, FETCH_TURN_MS);
    uv_prepare_start(&join->round, on_round);
    peers_uv_set_nodes(join->links, join->options->nodes);
    join->told_ms = now_ms(join);
    uv_run(&join->loop, UV_RUN_DEFAULT);
    return join->status;
}

static enum status fetch_all(struct join *join, struct arena *arena)
{
    const struct join_options *options = join->options;
    const bool by_hand = options->trusted != NULL;
    const struct fetch_options fetch = {
        .node = options->node,
        .nodes = options->nodes,
        .chain_id = genesis_chain_id(options->genesis),
        .trusted = by_hand ? options->trusted : &options->genesis->validators,
        .trusted_height = by_hand ? options->trusted_height : 0,
        .peers = peers_uv_table(join->links),
        .store = {join, store_begin, store_read, store_keep, store_finish, store_leave},
        .hooks = {join, on_blame, on_proved}};
    join->fetch = fetch_new(arena, &fetch);
    if (join->fetch == NULL) return STATUS_NO_MEMORY;
    return run(join);
}

enum status join_run(const struct join_options *options, uint64_t *height)
{
    struct join join = {.options = options};
    struct arena arena;
    *height = 0;
    if (!arena_map(&arena, fetch_memory())) {
        log_error("ledger", "no memory to join", "node=%u", options->node);
        return STATUS_NO_MEMORY;
    }
    enum status status = open_loop(&join);
    if (status == STATUS_OK) {
        status = open_links(&join);
        if (status == STATUS_OK) status = fetch_all(&join, &arena);
        if (status == STATUS_OK) *height = fetch_facts(join.fetch).height;
        store_leave(&join);
        close_loop(&join);
    }
    arena_unmap(&arena);
    return status;
}

enum status join_repair(const struct join_options *options, struct wal_patch *patch)
{
    struct join join = {.options = options, .patch = patch};
    join.log = malloc(sizeof(*join.log));
    if (join.log == NULL) return STATUS_NO_MEMORY;
    enum status status = open_loop(&join);
    if (status == STATUS_OK) {
        status = open_links(&join);
        if (status == STATUS_OK) {
            const struct fetch_log_sink sink = {&join, patch_needs, patch_add, on_wrong_entries};
            fetch_log_begin(join.log, options->node, options->nodes, peers_uv_table(join.links),
                            sink, now_ms(&join));
            status = run(&join);
            if (status == STATUS_OK)
                log_info("ledger", "log is filled from peers", "entries=%lu", join.log->entries);
        }
        close_loop(&join);
    }
    free(join.log);
    return status;
}
