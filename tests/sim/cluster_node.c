/* A node's turns: its threads one after the other, each a little late. */

#include "tests/sim/cluster.h"

#include "common/applied.h"
#include "common/le.h"
#include "common/log.h"
#include "common/reject.h"
#include "ledger/peer_message.h"

#include <stdlib.h>
#include <string.h>

#define BATCHES_MAX 64 /* on their way to the engine; then there is no room */

/* ---- Queues ---- */

bool queue_add(struct queue *queue, uint64_t index, const uint8_t *bytes, size_t byte_count)
{
    struct record *record = malloc(sizeof(*record) + byte_count);
    ASSERT(record != NULL);
    *record = (struct record){.index = index, .byte_count = byte_count};
    memcpy(record->bytes, bytes, byte_count);
    if (queue->first == NULL) queue->last = &queue->first;
    *queue->last = record;
    queue->last = &record->next;
    queue->count++;
    queue->byte_count += byte_count;
    return true;
}

void queue_drop(struct queue *queue)
{
    struct record *record = queue->first;
    queue->first = record->next;
    queue->count--;
    queue->byte_count -= record->byte_count;
    free(record);
}

void queue_clear(struct queue *queue)
{
    while (queue->first != NULL)
        queue_drop(queue);
}

/* ---- The world of a replica ---- */

struct sequence_time node_time(const struct node *node)
{
    const struct cluster *cluster = node->cluster;
    return (struct sequence_time){
        .clock_ns = (uint64_t)((int64_t)(cluster->base_ns + cluster->now_ns) + node->clock_off_ns),
        .monotonic_ns = cluster->now_ns + node->monotonic_ns,
    };
}

static bool world_deliver(void *context, uint64_t index, const uint8_t *batch, size_t byte_count)
{
    struct node *node = context;
    if (node->batches.count >= BATCHES_MAX) return false;
    uint8_t *record = malloc(8 + byte_count);
    ASSERT(record != NULL);
    le_put_bytes(le_put_u64(record, index), batch, byte_count);
    queue_add(&node->batches, index, record, 8 + byte_count);
    free(record);
    checks_batch(node, index, batch, byte_count);
    return true;
}

static void world_delivered(void *context)
{
    struct node *node = context;
    if (node->engine_ns == NEVER && node->batches.count > 0)
        node->engine_ns =
            node->cluster->now_ns + random_below(&node->cluster->machine, 1 + node->lag_ns);
}

static const uint8_t *world_arrived(void *context, enum replica_source source, size_t *byte_count)
{
    struct node *node = context;
    if (source == REPLICA_VOTES) {
        const uint8_t *vote = ring_peek(node->anchor_votes, byte_count);
        if (vote != NULL) return vote;
    }
    const struct record *record =
        source == REPLICA_VOTES ? node->votes.first : node->commands.first;
    if (record == NULL) return NULL;
    *byte_count = record->byte_count;
    return record->bytes;
}

static void world_taken(void *context, enum replica_source source)
{
    struct node *node = context;
    size_t byte_count;
    if (source == REPLICA_COMMANDS) {
        queue_drop(&node->commands);
        return;
    }
    const uint8_t *vote = ring_peek(node->anchor_votes, &byte_count);
    checks_vote(node, vote != NULL ? vote : node->votes.first->bytes,
                vote != NULL ? byte_count : node->votes.first->byte_count);
    if (vote == NULL) {
        queue_drop(&node->votes);
        return;
    }
    ring_pop(node->anchor_votes);
    ring_release(node->anchor_votes);
}

void node_other(void *context, uint32_t peer, const uint8_t *bytes, size_t byte_count)
{
    struct node *node = context;
    if (bytes[0] == FETCH_NODES) {
        if (roster_hear(node->roster, peer, bytes, byte_count)) {
            node->roster_news = true;
            node->poke_ns = node->cluster->now_ns;
        }
        return;
    }
    node->supply_hooks.message(node->supply_hooks.context, peer, bytes, byte_count);
}

static uint64_t world_random(void *context)
{
    return random_next(&((struct node *)context)->cluster->machine);
}

struct replica_world node_world(struct node *node)
{
    return (struct replica_world){
        .context = node,
        .peers = net_peers(node),
        .deliver = world_deliver,
        .delivered = world_delivered,
        .mark = maker_mark,
        .arrived = world_arrived,
        .taken = world_taken,
        .other = node_other,
        .random = world_random,
        .vetting = vetting_of(node),
    };
}

/* ---- Messages and links ---- */

void node_receive(struct node *node, uint32_t from, const uint8_t *bytes, size_t byte_count)
{
    const uint64_t now_ms = node->cluster->now_ns / MS;
    files_owner = node;
    if (node->life == LIFE_UP)
        replica_receive(node->replica, node_time(node), from, bytes, byte_count);
    else if (node->life == LIFE_FETCHING)
        fetch_receive(node->fetch, now_ms, from, bytes, byte_count);
    else if (node->life == LIFE_REPAIRING)
        fetch_log_receive(node->fetch_log, now_ms, from, bytes, byte_count);
    files_owner = NULL;
}

/* What consensus_uv.c does round the roster. */
static void tell_nodes(struct node *node, uint32_t peer)
{
    uint8_t bytes[ROSTER_BYTES_MAX];
    const struct peers peers = net_peers(node);
    const struct peers_piece piece = {bytes, roster_encode(&node->nodes, bytes)};
    (void)peers.send(peers.context, peer, &piece, 1);
}

void node_links(struct node *node)
{
    struct node_set links;
    roster_links(node->roster, &links);
    roster_reach(node->roster, &node->reach);
    replica_change_links(node->replica, &links);
    net_refresh(node->cluster);
}

static bool links_counted(void *context, uint32_t peer)
{
    return replica_counts(((const struct node *)context)->replica, peer);
}

static void links_turn(struct node *node)
{
    if (node->roster->left.count > 0 && roster_release(node->roster, links_counted, node))
        node->roster_news = true;
    if (node->roster_news) node_links(node);
    node->roster_news = false;
}

void node_link(struct node *node, uint32_t peer, bool up)
{
    if (node->life == LIFE_UP) {
        replica_link(node->replica, node_time(node), peer, up);
        if (up) tell_nodes(node, peer);
    } else if (node->life == LIFE_FETCHING)
        fetch_link(node->fetch, node->cluster->now_ns / MS, peer, up);
    else if (node->life == LIFE_REPAIRING)
        fetch_log_link(node->fetch_log, peer, up);
}

/* ---- The gateway: sees what was applied ---- */

static uint64_t mix(uint64_t hash, const uint8_t *bytes, size_t byte_count)
{
    while (byte_count > 0) {
        uint64_t word = 0;
        const size_t count = byte_count < 8 ? byte_count : 8;
        memcpy(&word, bytes, count);
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 29;
        bytes += count;
        byte_count -= count;
    }
    return hash;
}

static void see_events(struct node *node, const struct applied *part)
{
    const uint8_t *at = part->events, *const end = at + part->events_length;
    struct event event;
    while (event_next(&at, end, &event)) {
        if (event.type == T_NOOP) {
            node->record_void = true;
            cluster_trace(node->cluster, "void", node->id, part->number, le_get_u16(event.payload));
        }
        if (event.type == T_REFUSED) node->record_reject = le_get_u16(event.payload);
        figures.repeated += event.type == T_ORDER_REPEATED;
        figures.other_repeats +=
            event.type == T_REFUSED && node->record_reject == REJECT_REPEAT_DIFFERS;
        if (event.type == T_HELLO_ACCEPTED) {
            struct hello_accepted_event said;
            hello_accepted_event_get(event.payload, &said);
            if (said.node == node->id) node->view_epoch = said.epoch;
        }
        if (event.type == T_NODE_CHANGED) {
            struct node_changed_event changed;
            node_changed_event_get(event.payload, &changed);
            checks_nodes(node, part->number, &changed);
        }
    }
}

static void see_part(struct node *node, const struct applied *part)
{
    if ((part->flags & APPLIED_FIRST) != 0) {
        node->record_hash = mix(part->number, part->command, part->command_length);
        node->record_void = false;
        node->record_reject = REJECT_NONE;
        node->record_changes = 0;
    }
    see_events(node, part);
    node->record_hash = mix(node->record_hash, part->events, part->events_length);
    if ((part->flags & APPLIED_LAST) == 0) return;
    /* The header of a command in several parts came with the first; those have no ticket that anybody waits for
     * unless they are whole. */
    struct command_header header = {0};
    if ((part->flags & APPLIED_FIRST) != 0) {
        struct command command;
        if (command_decode(part->command, part->command_length, &command)) header = command.header;
    }
    if (header.type == T_ORIGIN_LOST && !node->record_void) {
        struct origin_lost_command lost;
        origin_lost_command_get(part->command + COMMAND_HEADER_BYTES, &lost);
        node->cluster->lost[lost.node] = part->number;
    }
    node->view_command = part->number;
    checks_command(node, part->number, node->record_hash, &header, node->record_void);
    clients_applied(node, &header, part->number, node->record_void);
}

static void gateway_turn(struct node *node)
{
    const uint8_t *bytes;
    for (size_t byte_count; (bytes = ring_peek(node->seen, &byte_count)) != NULL;
         ring_pop(node->seen)) {
        const uint8_t *at = bytes;
        struct applied part;
        const bool whole = applied_next(&at, bytes + byte_count, &part);
        ASSERT(whole);
        see_part(node, &part);
    }
    ring_release(node->seen);
    const uint64_t replay = atomic_load(&node->progress->replay_command);
    if (node->open) node->shown_command = node->view_command;
    if (node->open || replay == 0 || node->view_command < replay) return;
    node->open = true;
    cluster_trace(node->cluster, "open", node->id, node->view_command, replay);
    if (node->view_command < node->shown_command)
        cluster_fail(node->cluster, "node %u shows command %lu, and has shown %lu before", node->id,
                     node->view_command, node->shown_command);
    if (node->view_command < node->floor_command)
        cluster_fail(node->cluster,
                     "node %u opens at command %lu, and %lu was acknowledged before it started",
                     node->id, node->view_command, node->floor_command);
}

/* ---- The turns ---- */

static void replica_turns(struct node *node)
{
    uint32_t turns = 0;
    while (replica_turn(node->replica, node_time(node)))
        if (++turns > 20000) {
            cluster_fail(node->cluster, "node %u's replica does not come to rest", node->id);
            break;
        }
    for (int i = 0; i < 4 && node->supply_hooks.turn(node->supply_hooks.context); i++)
        ;
    node->busy_ns =
        node->cluster->now_ns + (power_disk_calls(node->disk) - node->calls_seen) * node->disk_ns;
    node->calls_seen = power_disk_calls(node->disk);
}

static enum status engine_turn(struct node *node)
{
    enum status status = STATUS_OK;
    if (node->engine_ns > node->cluster->now_ns) return STATUS_OK;
    node->engine_ns = NEVER;
    while (status == STATUS_OK && node->batches.first != NULL) {
        /* The anchor may be late: its ring must hold what a batch becomes. */
        if (ring_used(node->applied) > 0 && node->batches.first->byte_count > 16384) break;
        if (ring_used(node->applied) > 512 * 1024) break;
        const struct record *record = node->batches.first;
        status = engine_loop_batch(&node->loop, record->bytes, record->byte_count);
        queue_drop(&node->batches);
        gateway_turn(node);
    }
    if (node->batches.first != NULL) node->engine_ns = node->cluster->now_ns + MS;
    if (node->anchor_ns > node->cluster->now_ns + node->lag_ns)
        node->anchor_ns =
            node->cluster->now_ns + random_below(&node->cluster->machine, 1 + node->lag_ns);
    return status;
}

static enum status take_changes(struct node *node)
{
    const uint8_t *bytes;
    bool changed = false;
    for (size_t byte_count; (bytes = ring_peek(node->changes, &byte_count)) != NULL;
         ring_pop(node->changes)) {
        struct event event;
        struct node_changed_event said;
        const uint8_t *at = bytes;
        const bool whole = event_next(&at, bytes + byte_count, &event);
        ASSERT(whole && event.type == T_NODE_CHANGED);
        node_changed_event_get(event.payload, &said);
        if (!node_set_apply(&node->nodes, &said))
            cluster_fail(node->cluster, "node %u: a change of the node set cannot be", node->id);
        changed = true;
    }
    ring_release(node->changes);
    if (!changed) return STATUS_OK;
    replica_change_nodes(node->replica, &node->nodes);
    roster_change(node->roster, &node->nodes);
    node_links(node);
    for (uint32_t i = 0; i < node->nodes.count; i++)
        if (node->nodes.members[i].node != node->id) tell_nodes(node, node->nodes.members[i].node);
    return roster_keep(node->roster, node->folder);
}

static enum status anchor_turns(struct node *node)
{
    if (node->anchor_ns > node->cluster->now_ns) return STATUS_OK;
    while (anchor_turn(node->anchor, node->cluster->now_ns + node->monotonic_ns))
        ;
    node->anchor_ns = node->cluster->now_ns + 100 * MS;
    checks_notices(node);
    if (atomic_load(&node->progress->halted) != 0)
        cluster_fail(node->cluster, "node %u has halted", node->id);
    return anchor_status(node->anchor);
}

/* Gives leadership away first. */
static void resign_turn(struct node *node)
{
    if (node->resign_ns == NEVER) return;
    if (replica_resign(node->replica, node_time(node)) || node->cluster->now_ns >= node->resign_ns)
        node_stop(node);
}

static enum status threads_turn(struct node *node)
{
    enum status status = STATUS_OK;
    for (int round = 0; round < 64 && status == STATUS_OK; round++) {
        links_turn(node);
        vetting_turn(node);
        replica_turns(node);
        status = replica_status(node->replica);
        if (status == STATUS_OK) status = engine_turn(node);
        if (status == STATUS_OK) status = anchor_turns(node);
        if (status == STATUS_OK) status = take_changes(node);
        if (status != STATUS_OK || node->busy_ns > node->cluster->now_ns) break;
        size_t byte_count;
        if (ring_peek(node->anchor_votes, &byte_count) == NULL) break;
    }
    return status;
}

void node_run(struct node *node)
{
    if (node->life == LIFE_FETCHING || node->life == LIFE_REPAIRING) {
        node_mend_turn(node);
        return;
    }
    if (node->life != LIFE_UP) return;
    const uint32_t start = node->starts;
    node->poke_ns = NEVER;
    files_owner = node;
    const enum status status = threads_turn(node);
    files_owner = NULL;
    if (status != STATUS_OK) {
        node_ended(node, status);
        return;
    }
    maker_turn(node);
    if (node->life != LIFE_UP || node->starts != start) return;
    checks_turn(node);
    resign_turn(node);
}

static uint64_t earlier(uint64_t left, uint64_t right)
{
    return left < right ? left : right;
}

uint64_t node_due(const struct node *node)
{
    const uint64_t now_ns = node->cluster->now_ns;
    if (node->life == LIFE_DOWN) return node->start_ns;
    if (node->life == LIFE_FETCHING || node->life == LIFE_REPAIRING) return node_mend_due(node);
    if (node->life != LIFE_UP) return NEVER;
    const uint64_t due = replica_due(node->replica);
    uint64_t at = due > node->monotonic_ns ? due - node->monotonic_ns : 0;
    at = earlier(at, node->engine_ns);
    at = earlier(at, node->anchor_ns);
    at = earlier(at, node->maker_ns);
    at = earlier(at, node->poke_ns);
    at = earlier(at, vetting_due(node));
    at = earlier(at, node->resign_ns == NEVER ? NEVER : now_ns + 10 * MS);
    return at < node->busy_ns ? node->busy_ns : at;
}
