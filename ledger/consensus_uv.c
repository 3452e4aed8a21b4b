#include "ledger/consensus.h"

#include "common/batch.h"
#include "common/le.h"
#include "common/log.h"
#include "ledger/peers_uv.h"
#include "ledger/replica.h"
#include "ledger/roster.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>
#include <uv.h>

#define NS_PER_MS 1000000u

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

    struct wal_disk *disk;
    struct replica *replica;
    struct peers_uv *links; /* NULL: a node that stays alone */
    struct peers peers;     /* their table */
    bool listening;
    struct node_set nodes;
    struct roster *roster; /* what other members say of newer sets; NULL as links */
    bool roster_news;
    uint32_t first_ring;               /* where the next taking of commands begins */
    uint32_t at_ring[REPLICA_SOURCES]; /* rings passed in this taking */
    bool wanting[REPLICA_SOURCES];     /* in this turn all was taken: what comes now is wanted */
    bool busy; /* commands or messages have come, or entries gone, since the last round */
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
    if (consensus->status == STATUS_OK) consensus->status = status;
}

/* ---- The replica's world ---- */

static uint64_t world_random(void *context)
{
    (void)context;
    uint64_t random;
    randombytes_buf(&random, sizeof(random));
    return random;
}

static void world_flush(void *context)
{
    const struct consensus *consensus = context;
    if (consensus->links != NULL) peers_uv_flush(consensus->links);
}

static bool world_deliver(void *context, uint64_t index, const uint8_t *batch, size_t byte_count)
{
    const struct consensus *consensus = context;
    uint8_t *at = ring_reserve(consensus->options->batches, 8 + byte_count);
    if (at == NULL) return false;
    le_put_bytes(le_put_u64(at, index), batch, byte_count);
    ring_commit(consensus->options->batches, 8 + byte_count);
    return true;
}

static void world_delivered(void *context)
{
    struct consensus *consensus = context;
    if (ring_publish(consensus->options->batches)) park_wake(consensus->options->batches_park);
    consensus->busy = true;
}

static void world_mark(void *context, const struct replica_mark *mark)
{
    const struct consensus_options *options = ((const struct consensus *)context)->options;
    if (options->marks == NULL) return;
    uint8_t *at = ring_reserve(options->marks, REPLICA_MARK_BYTES_MAX);
    if (at == NULL) {
        log_warn("ledger", "a checkpoint is left out: the last one is still being made",
                 "height=%" PRIu64, mark->height);
        return;
    }
    ring_commit(options->marks, replica_mark_put(mark, at));
    if (ring_publish(options->marks)) park_wake(options->marks_park);
}

/* The rings of a source. */
static struct ring *const *source_rings(const struct consensus_options *options,
                                        enum replica_source source, uint32_t *count)
{
    *count = source == REPLICA_VOTES ? options->vote_ring_count : options->submission_count;
    return source == REPLICA_VOTES ? options->votes : options->submissions;
}

static const uint8_t *world_arrived(void *context, enum replica_source source, size_t *byte_count)
{
    struct consensus *consensus = context;
    uint32_t count;
    struct ring *const *rings = source_rings(consensus->options, source, &count);
    uint32_t *at = &consensus->at_ring[source];
    for (; *at < count; (*at)++) {
        struct ring *ring = rings[(consensus->first_ring + *at) % count];
        const uint8_t *command = ring_peek(ring, byte_count);
        if (command != NULL) {
            consensus->wanting[source] = false; /* until it is taken */
            return command;
        }
    }
    *at = 0;
    consensus->wanting[source] = true;
    return NULL;
}

static void world_taken(void *context, enum replica_source source)
{
    struct consensus *consensus = context;
    uint32_t count;
    struct ring *const *rings = source_rings(consensus->options, source, &count);
    ring_pop(rings[(consensus->first_ring + consensus->at_ring[source]) % count]);
    consensus->busy = true;
}

static void world_other(void *context, uint32_t node, const uint8_t *bytes, size_t byte_count)
{
    struct consensus *consensus = context;
    const struct consensus_supply *supply = &consensus->options->supply;
    if (bytes[0] == FETCH_NODES && consensus->roster != NULL)
        consensus->roster_news |= roster_hear(consensus->roster, node, bytes, byte_count);
    else if (supply->message != NULL)
        supply->message(supply->context, node, bytes, byte_count);
}

/* ---- Links ---- */

static void links_message(void *context, uint32_t node, const uint8_t *bytes, size_t byte_count)
{
    struct consensus *consensus = context;
    consensus->busy = true;
    if (!consensus->closing)
        replica_receive(consensus->replica, time_now(), node, bytes, byte_count);
}

/* Tells a member which set this node's state has come to: it may know an older one. */
static void links_tell(struct consensus *consensus, uint32_t node)
{
    uint8_t bytes[ROSTER_BYTES_MAX];
    const struct peers_piece piece = {bytes, roster_encode(&consensus->nodes, bytes)};
    (void)consensus->peers.send(consensus->peers.context, node, &piece, 1);
}

static void links_changed(void *context, uint32_t node, bool up)
{
    struct consensus *consensus = context;
    if (consensus->closing) return;
    replica_link(consensus->replica, time_now(), node, up);
    if (up) links_tell(consensus, node);
}

static bool links_none_send(void *context, uint32_t node, const struct peers_piece *pieces,
                            uint32_t count)
{
    (void)context;
    (void)node;
    (void)pieces;
    (void)count;
    return false;
}

static bool links_none_up(void *context, uint32_t node)
{
    (void)context;
    (void)node;
    return false;
}

static struct peers links_table(const struct consensus *consensus)
{
    if (consensus->links != NULL) return peers_uv_table(consensus->links);
    return (struct peers){.send = links_none_send, .is_up = links_none_up};
}

static enum status links_open(struct consensus *consensus)
{
    const struct consensus_options *options = consensus->options;
    if (options->secret_key == NULL) return STATUS_OK;
    const struct peers_options peers_options = {
        .loop = &consensus->loop,
        .host = options->peer_host,
        .port = options->peer_port,
        .node = options->node,
        .secret_key = options->secret_key,
        .chain_id = genesis_chain_id(options->genesis),
        .handler = {.context = consensus, .message = links_message, .changed = links_changed},
        .metrics = options->metrics,
    };
    consensus->links = peers_uv_new(&peers_options);
    consensus->roster = malloc(sizeof(*consensus->roster));
    if (consensus->links != NULL && consensus->roster != NULL) {
        roster_begin(consensus->roster, &consensus->nodes);
        roster_recall(consensus->roster, options->wal_directory);
        if (options->introduced != NULL)
            roster_introduce(consensus->roster, options->node, options->introduced);
        return roster_keep(consensus->roster, options->wal_directory);
    }
    log_error("ledger", "no links: no memory, or the node's key is none, stopping", "node=%u",
              (unsigned)options->node);
    return STATUS_MALFORMED;
}

/* Links to the members, of the own set and of what others say; from the first other one on, a port to be called
 * at. */
static void links_follow(struct consensus *consensus)
{
    if (consensus->links == NULL) return;
    struct node_set links, reach;
    roster_links(consensus->roster, &links);
    roster_reach(consensus->roster, &reach);
    const bool alone = reach.count == 1 && reach.members[0].node == consensus->options->node;
    if (!alone && !consensus->listening) {
        const enum status status = peers_uv_listen(consensus->links);
        if (status != STATUS_OK) {
            fail(consensus, status);
            return;
        }
        consensus->listening = true;
    }
    peers_uv_set_nodes(consensus->links, &reach);
    replica_change_links(consensus->replica, &links);
    const struct consensus_supply *supply = &consensus->options->supply;
    if (supply->nodes != NULL) supply->nodes(supply->context, &links);
}

static bool links_counted(void *context, uint32_t node)
{
    return replica_counts(((const struct consensus *)context)->replica, node);
}

/* Who left is let go when the log has let it go, and what others say of newer sets is followed. */
static void links_turn(struct consensus *consensus)
{
    if (consensus->roster == NULL) return;
    if (consensus->roster->left.count > 0 &&
        roster_release(consensus->roster, links_counted, consensus))
        consensus->roster_news = true;
    if (consensus->roster_news) links_follow(consensus);
    consensus->roster_news = false;
}

/* ---- The node set, as the anchor tells it ---- */

static void change_apply(struct consensus *consensus, const uint8_t *record, size_t byte_count)
{
    struct event event;
    struct node_changed_event changed;
    const uint8_t *at = record;
    const bool good = event_next(&at, record + byte_count, &event) && event.type == T_NODE_CHANGED;
    if (good) node_changed_event_get(event.payload, &changed);
    if (!good || !node_set_apply(&consensus->nodes, &changed)) {
        log_error("ledger", "a change of the node set that cannot be, stopping", "bytes=%zu",
                  byte_count);
        fail(consensus, STATUS_MISMATCH);
        return;
    }
    log_info("ledger", "the node set changes", "node=%u role=%u height=%" PRIu64,
             (unsigned)changed.node, (unsigned)changed.role, changed.height);
}

static void changes_take(struct consensus *consensus)
{
    struct ring *changes = consensus->options->changes;
    if (changes == NULL) return;
    bool any = false;
    const uint8_t *record;
    for (size_t byte_count; (record = ring_peek(changes, &byte_count)) != NULL; any = true) {
        change_apply(consensus, record, byte_count);
        ring_pop(changes);
    }
    ring_release(changes);
    if (!any || consensus->status != STATUS_OK) return;
    replica_change_nodes(consensus->replica, &consensus->nodes);
    if (consensus->links == NULL) return;
    roster_change(consensus->roster, &consensus->nodes);
    fail(consensus, roster_keep(consensus->roster, consensus->options->wal_directory));
    links_follow(consensus);
    for (uint32_t i = 0; i < consensus->nodes.count; i++)
        if (consensus->nodes.members[i].node != consensus->options->node)
            links_tell(consensus, consensus->nodes.members[i].node);
}

/* ---- The loop ---- */

static void each_ring(struct consensus *consensus, void (*visit)(struct ring *ring))
{
    const struct consensus_options *options = consensus->options;
    for (uint32_t i = 0; i < options->submission_count; i++)
        visit(options->submissions[i]);
    for (uint32_t i = 0; i < options->vote_ring_count; i++)
        visit(options->votes[i]);
}

/* Whether every producer was told to wake us, and none had anything meanwhile. What the replica had no room for
 * needs no wake: it comes back to it when there is room. */
static bool rings_rest(const struct consensus *consensus)
{
    const struct consensus_options *options = consensus->options;
    for (uint32_t i = 0; i < options->submission_count && consensus->wanting[REPLICA_COMMANDS]; i++)
        if (!ring_sleepy(options->submissions[i])) return false;
    for (uint32_t i = 0; i < options->vote_ring_count && consensus->wanting[REPLICA_VOTES]; i++)
        if (!ring_sleepy(options->votes[i])) return false;
    if (options->vetting.rest != NULL && !options->vetting.rest(options->vetting.vetting.context))
        return false;
    return options->changes == NULL || ring_sleepy(options->changes);
}

static void on_again(uv_idle_t *handle)
{
    (void)handle; /* being there keeps the loop from sleeping */
}

static void close_handles(struct consensus *consensus)
{
    if (consensus->closing) return;
    consensus->closing = true;
    if (consensus->links != NULL) peers_uv_free(consensus->links);
    consensus->links = NULL;
    uv_close((uv_handle_t *)&consensus->round, NULL);
    uv_close((uv_handle_t *)&consensus->again, NULL);
    uv_close((uv_handle_t *)&consensus->wake, NULL);
    uv_close((uv_handle_t *)&consensus->timer, NULL);
}

static void on_timer(uv_timer_t *handle)
{
    struct consensus *consensus = container_of(handle, struct consensus, timer);
    consensus->timer_ns = 0; /* the round that follows does what is due */
}

/* Sets the timer to what is due first, if that changed. */
static void timer_set(struct consensus *consensus)
{
    const uint64_t due_ns = replica_due(consensus->replica);
    if (due_ns == consensus->timer_ns) return;
    const uint64_t now_ns = uv_hrtime();
    consensus->timer_ns = due_ns;
    uv_update_time(&consensus->loop);
    const uint64_t left_ns = due_ns > now_ns ? due_ns - now_ns : 0;
    uv_timer_start(&consensus->timer, on_timer, (left_ns + NS_PER_MS - 1) / NS_PER_MS, 0);
}

/* One turn of everything. True: there is more to do at once. */
static bool turn(struct consensus *consensus)
{
    const struct consensus_supply *supply = &consensus->options->supply;
    const struct consensus_vetting *vetting = &consensus->options->vetting;
    changes_take(consensus);
    if (vetting->turn != NULL) vetting->turn(vetting->vetting.context);
    links_turn(consensus);
    consensus->at_ring[REPLICA_COMMANDS] = consensus->at_ring[REPLICA_VOTES] = 0;
    consensus->wanting[REPLICA_COMMANDS] = consensus->wanting[REPLICA_VOTES] = false;
    bool more = replica_turn(consensus->replica, time_now());
    each_ring(consensus, ring_release);
    consensus->first_ring++;
    fail(consensus, replica_status(consensus->replica));
    if (supply->turn != NULL && consensus->status == STATUS_OK)
        more |= supply->turn(supply->context);
    world_flush(consensus);
    return more;
}

/* Whether the loop, with nothing to do, is to look again instead of sleeping. */
static bool looks(struct consensus *consensus)
{
    struct park *park = consensus->options->park;
    if (consensus->busy) park_busy(park);
    consensus->busy = false;
    return park_looks(park);
}

/* Once every turn of the loop, before it sleeps. */
static void on_round(uv_prepare_t *handle)
{
    struct consensus *consensus = container_of(handle, struct consensus, round);
    const struct progress *progress = consensus->options->progress;
    each_ring(consensus, ring_awake);
    if (consensus->options->changes != NULL) ring_awake(consensus->options->changes);
    const struct consensus_vetting *vetting = &consensus->options->vetting;
    if (vetting->awake != NULL) vetting->awake(vetting->vetting.context);
    bool more = turn(consensus);
    const bool stopping = atomic_load_explicit(&progress->stopping, memory_order_acquire) != 0;
    if (consensus->status != STATUS_OK ||
        (stopping && replica_resign(consensus->replica, time_now()))) {
        close_handles(consensus);
        return;
    }
    if (stopping) world_flush(consensus);
    if (!more) more = looks(consensus) || !rings_rest(consensus);
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

/* ---- Start ---- */

static enum status replica_start(struct consensus *consensus)
{
    const struct consensus_options *options = consensus->options;
    consensus->disk = wal_disk_directory(options->wal_directory);
    if (consensus->disk == NULL) return STATUS_IO;
    const struct replica_options replica_options = {
        .genesis = options->genesis,
        .node = options->node,
        .nodes = &consensus->nodes,
        .base = options->base,
        .disk = consensus->disk,
        .segment_bytes = options->segment_bytes,
        .world =
            {
                .context = consensus,
                .peers = consensus->peers,
                .flush = world_flush,
                .deliver = world_deliver,
                .delivered = world_delivered,
                .mark = world_mark,
                .arrived = world_arrived,
                .taken = world_taken,
                .other = world_other,
                .random = world_random,
                .vetting = options->vetting.vetting,
            },
        .metrics = options->metrics,
        .progress = options->progress,
    };
    return replica_new(&replica_options, time_now(), &consensus->replica);
}

static void loop_open(struct consensus *consensus)
{
    uv_prepare_init(&consensus->loop, &consensus->round);
    uv_idle_init(&consensus->loop, &consensus->again);
    uv_timer_init(&consensus->loop, &consensus->timer);
    uv_poll_init(&consensus->loop, &consensus->wake, park_descriptor(consensus->options->park));
    uv_prepare_start(&consensus->round, on_round);
    uv_poll_start(&consensus->wake, UV_READABLE, on_wake);
}

/* Opens everything; from then on the loop's handles are open. */
static enum status start(struct consensus *consensus)
{
    const struct consensus_supply *supply = &consensus->options->supply;
    enum status status = links_open(consensus);
    consensus->peers = links_table(consensus);
    if (status == STATUS_OK) status = replica_start(consensus);
    if (status != STATUS_OK) return status;
    if (supply->begin != NULL)
        supply->begin(supply->context, &consensus->peers, consensus->replica);
    links_follow(consensus);
    return consensus->status;
}

enum status consensus_run(const struct consensus_options *options)
{
    ASSERT(options->submission_count <= CONSENSUS_SUBMISSIONS_MAX);
    ASSERT(options->vote_ring_count <= CONSENSUS_VOTES_MAX);
    ASSERT(ring_record_max(options->batches) >= 8 + BATCH_BYTES_MAX);
    ASSERT(options->marks == NULL || ring_record_max(options->marks) >= REPLICA_MARK_BYTES_MAX);

    struct consensus *consensus = calloc(1, sizeof(*consensus));
    if (consensus == NULL) return STATUS_NO_MEMORY;
    consensus->options = options;
    if (options->nodes != NULL)
        consensus->nodes = *options->nodes;
    else
        node_set_of_genesis(options->genesis, &consensus->nodes);
    uv_loop_init(&consensus->loop);
    loop_open(consensus);
    fail(consensus, start(consensus));
    if (consensus->status != STATUS_OK) close_handles(consensus);
    uv_run(&consensus->loop, UV_RUN_DEFAULT);
    uv_loop_close(&consensus->loop);
    const enum status status = consensus->status;
    replica_free(consensus->replica);
    free(consensus->roster);
    wal_disk_free(consensus->disk);
    free(consensus);
    return status;
}
