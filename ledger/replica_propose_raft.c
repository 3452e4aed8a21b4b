#include "ledger/replica_state_raft.h"

#include "common/log.h"
#include "ledger/epoch.h"

#include <inttypes.h>
#include <stdlib.h>

#define STALL_NS 1000000000u /* our stream is sent again when it does not move for so long */

/* ---- What arrives here ---- */

/* Votes have no origin: those that are lost with a leader are proposed again by who made them. */
static void take_votes(struct replica *replica)
{
    const struct replica_world *world = &replica->options.world;
    const uint8_t *command;
    for (size_t byte_count;
         (command = world->arrived(world->context, REPLICA_VOTES, &byte_count)) != NULL;) {
        if (!run_queue_add(&replica->loose, command, byte_count)) break;
        world->taken(world->context, REPLICA_VOTES);
    }
}

static void take_commands(struct replica *replica)
{
    const struct replica_world *world = &replica->options.world;
    const uint8_t *command;
    if (replica->resigning) return;
    for (size_t byte_count;
         (command = world->arrived(world->context, REPLICA_COMMANDS, &byte_count)) != NULL;) {
        if (!origin_take(&replica->origin, command, byte_count)) break;
        world->taken(world->context, REPLICA_COMMANDS);
    }
}

void replica_propose_delivered(struct replica *replica)
{
    origin_delivered(&replica->origin, sequence_find(&replica->sequence, replica->options.node));
}

void replica_propose_anew(struct replica *replica)
{
    origin_rewind(&replica->origin);
    replica->origin_ns = replica->now.monotonic_ns;
}

/* A stream that does not move although somebody leads is sent again: on the other side it may have been
 * dropped with a queue. */
static void stream_watch(struct replica *replica)
{
    const struct origin_stream *origin = &replica->origin;
    const uint64_t now_ns = replica->now.monotonic_ns;
    const bool waits =
        origin->epoch == 0 || (origin_count(origin) > 0 && replica->sequence.admitting);
    if (!waits || origin->first != replica->origin_first ||
        origin->epoch != replica->origin_epoch) {
        replica->origin_first = origin->first;
        replica->origin_epoch = origin->epoch;
        replica->origin_ns = now_ns;
    } else if (now_ns - replica->origin_ns >= STALL_NS)
        replica_propose_anew(replica);
}

/* ---- The leader: what others sent ---- */

void replica_propose_forwarded(struct replica *replica, struct replica_peer *peer,
                               const struct peer_forward *forward)
{
    if (!replica_leads(replica)) return; /* its sender learns of the new leader as we do */
    replica_vet_take(replica, peer, forward);
}

void replica_propose_loose(struct replica *replica, const struct peer_loose *loose)
{
    if (!replica_leads(replica)) return;
    const uint8_t *at = loose->commands;
    for (uint32_t i = 0; i < loose->count; i++) {
        const uint32_t length = le_get_u32(at);
        if (!run_queue_add(&replica->loose, at, length)) return;
        at += length;
    }
}

/* ---- The leader: filling a batch. Each returns false when the batch is full. ---- */

/* Whether an EPOCH_CHANGE that a peer sent, or this node's own anchor, may go into the log: there its statements must
 * hold, or every node stops. Nobody but the leader itself can put one there that was not looked at here. */
static bool epoch_change_holds(const struct replica *replica, const uint8_t *bytes,
                               size_t byte_count)
{
    struct command command;
    struct epoch_change_command change;
    struct validator_set voters;
    const uint64_t epoch =
        atomic_load_explicit(&replica->options.progress->epoch, memory_order_relaxed);
    if (!command_decode(bytes, byte_count, &command)) return false;
    epoch_change_command_get(command.payload, &change);
    if (change.epoch != epoch + 1) return false; /* it would do nothing there */
    node_set_voters(&replica->nodes, &voters);
    const hash_t chain_id = genesis_chain_id(replica->options.genesis);
    const char *fault = epoch_change_fault(&command, chain_id, &voters);
    if (fault != NULL)
        log_debug("ledger", "a change of the epoch is not proposed", "what=\"%s\"", fault);
    return fault == NULL;
}

static bool is_epoch_change(const uint8_t *command)
{
    return le_get_u16(command + COMMAND_TYPE_OFFSET) == T_EPOCH_CHANGE;
}

static bool fill_loose(struct replica *replica)
{
    const uint8_t *command;
    for (size_t byte_count; (command = run_queue_first(&replica->loose, &byte_count)) != NULL;) {
        const bool holds =
            !is_epoch_change(command) || epoch_change_holds(replica, command, byte_count);
        if (holds && sequence_add(&replica->sequence, command, byte_count) == SEQUENCE_FULL)
            return false;
        run_queue_take(&replica->loose, byte_count);
    }
    return true;
}

static bool fill_lost(struct replica *replica)
{
    for (uint32_t i = 0; i < REPLICA_PEERS; i++) {
        const struct replica_peer *peer = &replica->peers[i];
        if (peer->node == 0 || !peer->lost) continue;
        if (sequence_lost(&replica->sequence, peer->node) == SEQUENCE_FULL) return false;
    }
    return true;
}

static bool fill_own(struct replica *replica)
{
    struct origin_stream *origin = &replica->origin;
    for (;;) {
        const struct origin_run run = origin_run(origin, BATCH_BYTES_MAX - BATCH_HEADER_BYTES);
        if (run.bytes == NULL) return true;
        /* HELLO passes always. */
        if (!replica->sequence.admitting && origin->epoch != 0) return true;
        size_t taken;
        const enum sequence_taken result = sequence_add_run(
            &replica->sequence, replica->options.node, run.bytes, run.byte_count, &taken);
        if (result == SEQUENCE_REFUSED) {
            /* Where it goes on is told like everybody else's. */
            origin_sent(origin, &run, run.byte_count);
            return true;
        }
        origin_sent(origin, &run, taken);
        if (result == SEQUENCE_FULL) return false;
    }
}

static bool is_hello(const uint8_t *run)
{
    return le_get_u16(run + COMMAND_TYPE_OFFSET) == T_HELLO;
}

static bool fill_peer(struct replica *replica, struct replica_peer *peer)
{
    const uint8_t *run;
    for (size_t byte_count; (run = run_queue_first(&peer->runs, &byte_count)) != NULL;) {
        if (!replica->sequence.admitting && !is_hello(run)) return true;
        size_t taken;
        const enum sequence_taken result =
            sequence_add_run(&replica->sequence, peer->node, run, byte_count, &taken);
        run_queue_take(&peer->runs, result == SEQUENCE_FULL ? taken : byte_count);
        if (result == SEQUENCE_FULL) return false;
    }
    return true;
}

/* What there is, each time beginning with another origin. */
static void fill(struct replica *replica)
{
    if (!fill_loose(replica) || !fill_lost(replica)) return;
    const uint32_t first = replica->first_peer++ % (replica->nodes.count + 1);
    for (uint32_t i = 0; i <= REPLICA_PEERS; i++) {
        const uint32_t at = (first + i) % (REPLICA_PEERS + 1);
        if (at == REPLICA_PEERS) {
            if (!fill_own(replica)) return;
        } else if (replica->peers[at].node != 0 && !fill_peer(replica, &replica->peers[at]))
            return;
    }
}

/* Says to every origin that is to hear it which of its commands is expected. */
static void tell(struct replica *replica)
{
    for (uint32_t i = 0; i < replica->sequence.origin_count; i++) {
        struct sequence_origin *origin = &replica->sequence.origins[i];
        if (!origin->tell) continue;
        uint64_t epoch, expected;
        sequence_expected(&replica->sequence, origin->node, &epoch, &expected);
        if (origin->node == replica->options.node) {
            origin_expected(&replica->origin, epoch, expected);
            origin->tell = false;
            continue;
        }
        struct replica_peer *peer = replica_member_find(replica, origin->node);
        /* What still waits here may be what is expected. */
        if (peer == NULL || !peer->up || run_queue_bytes(&peer->runs) > 0 ||
            run_queue_bytes(&peer->vet.waiting) > 0)
            continue;
        uint8_t bytes[PEER_SMALL_MAX];
        const struct peer_expected message = {epoch, expected};
        replica_send(replica, peer, bytes, peer_message_put_expected(bytes, &message));
        origin->tell = false;
    }
}

/* ---- The leader: proposing ---- */

/* Lets the sequence form batches until it has nothing more to propose. Returns how many; `*waits` says that it
 * could not go on for now. */
static unsigned form_batches(struct replica *replica, bool *waits)
{
    const uint64_t term = raft_current_term(&replica->raft);
    unsigned count = 0;
    size_t total = 0;
    *waits = false;
    while (count < REPLICA_SUBMIT_MAX && total < REPLICA_PENDING_BYTES) {
        uint8_t *bytes = replica_cache_room(&replica->cache, BATCH_BYTES_MAX);
        size_t byte_count;
        const enum sequence_turn turn =
            sequence_turn(&replica->sequence, replica->now, bytes, &byte_count);
        *waits = turn == SEQUENCE_WAIT;
        if (turn == SEQUENCE_ARRIVED) {
            fill(replica);
            byte_count = sequence_close(&replica->sequence);
        }
        if (byte_count == 0) break;

        replica_cache_add(&replica->cache, replica->stored + 1 + count, term, WAL_COMMANDS,
                          (uint32_t)byte_count);
        replica->entries[count++] = (struct raft_entry){
            .term = term,
            .type = RAFT_COMMAND,
            .buf = {.base = bytes, .len = byte_count},
            .batch = replica->cache.bytes,
        };
        total += byte_count;
    }
    return count;
}

/* The sequence must have seen every entry before it adds one. False: not yet. */
static bool lead(struct replica *replica)
{
    if (replica->sequence.leading) return true;
    if (replica->delivered < replica->stored) return false;
    sequence_lead(&replica->sequence, replica->now);
    replica->led_height = replica->sequence.sealed_height;
    log_info("ledger", "leading", "term=%" PRIu64 " index=%" PRIu64 " commands=%" PRIu64,
             (uint64_t)raft_current_term(&replica->raft), replica->stored,
             replica->sequence.command_count);
    return true;
}

static bool propose(struct replica *replica)
{
    ASSERT(replica->pending.count == 0);
    /* While leadership is being given away the engine takes nothing. */
    if (replica->full || raft_transferee(&replica->raft) != 0 || !lead(replica)) return false;
    tell(replica);
    bool waits;
    const unsigned count = form_batches(replica, &waits);
    if (count == 0) return false;

    struct raft_event event = {.type = RAFT_SUBMIT};
    event.submit.entries = replica->entries;
    event.submit.n = count;
    replica_step(replica, &event);
    replica_entries_write(replica);
    replica_entries_deliver(replica);
    return waits || count == REPLICA_SUBMIT_MAX;
}

/* ---- A follower: to the leader ---- */

static void forward_votes(struct replica *replica, struct replica_peer *leader)
{
    const struct peers *peers = &replica->options.world.peers;
    const uint8_t *command;
    for (size_t byte_count; (command = run_queue_first(&replica->loose, &byte_count)) != NULL;) {
        uint8_t bytes[PEER_LOOSE_BYTES];
        const struct peer_loose loose = {.count = 1};
        const struct peers_piece pieces[] = {{bytes, peer_message_put_loose(bytes, &loose)},
                                             {command, byte_count}};
        if (!peers->send(peers->context, leader->node, pieces, 2)) return;
        replica->unflushed = true;
        run_queue_take(&replica->loose, byte_count);
    }
}

/* True: the link is full. */
static bool forward(struct replica *replica, struct replica_peer *leader)
{
    const struct peers *peers = &replica->options.world.peers;
    forward_votes(replica, leader);
    for (;;) {
        const struct origin_run run = origin_run(&replica->origin, PEER_RUN_BYTES_MAX);
        if (run.bytes == NULL) return false;
        uint8_t bytes[PEER_FORWARD_BYTES];
        const struct peer_forward message = {
            .count = run.count,
            .epoch = replica->origin.epoch,
            .first_sequence = run.first_sequence,
        };
        const struct peers_piece pieces[] = {{bytes, peer_message_put_forward(bytes, &message)},
                                             {run.bytes, run.byte_count}};
        if (!peers->send(peers->context, leader->node, pieces, 2)) return true;
        replica->unflushed = true;
        origin_sent(&replica->origin, &run, run.byte_count);
    }
}

bool replica_propose(struct replica *replica)
{
    take_votes(replica);
    take_commands(replica);
    stream_watch(replica);
    replica_vet_turn(replica);
    if (replica_leads(replica)) return propose(replica);
    struct replica_peer *leader = replica_member_find(replica, replica->leader);
    replica->forward_blocked = leader != NULL && leader->up && forward(replica, leader);
    return false;
}
