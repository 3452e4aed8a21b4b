/* The leader's look at what others send, before it takes it (vetting.h).
 *
 *     arrived ─► may it stand? ── yes ──────────────────────────────► runs ─► batches
 *                   │ a signature, or a key not known yet              ▲
 *                   └──────► unvetted: the oldest is asked about ──────┘
 *                                   │ false
 *                                   └─► evidence; nothing of this node is heard for a while
 *
 * A node sends a command by what its own engine has applied, and that is in the log of who leads it. So an account, a
 * key or a listing that is not known here is known when everything has been settled that the log held when the run came:
 * only then an objection is a lie. What may stand, may stand for good: accounts and listings are only ever added, and what
 * a key gave that has lost its right, or its place to another, stands in the log as what every engine refuses.
 * A key that lost its place is one that nobody knows, and what a node that was cut off has by it is no lie. It waits until the
 * log's stamps are above its deadline: from then on nobody looks at who gave it. Until then nobody is asked about it again, and
 * what its sender sends once more is not kept twice: who makes others wait must not make them work.
 */

#include "ledger/replica_state_raft.h"

#include "common/log.h"

#include <inttypes.h>
#include <stdlib.h>

#define RUNS_BYTES_MIN (256 * 1024)
#define RUNS_BYTES_MAX (2 * ORIGIN_BYTES + (1024 * 1024)) /* a stream sent again still fits */

static_assert(RUNS_BYTES_MIN > PEER_RUN_BYTES_MAX + 4, "a run fits an empty queue");

/* ---- Queues ---- */

static bool queue_grow(struct run_queue *queue, size_t byte_count)
{
    size_t capacity = queue->capacity < RUNS_BYTES_MIN ? RUNS_BYTES_MIN : queue->capacity * 2;
    while (capacity < run_queue_bytes(queue) + byte_count)
        capacity *= 2;
    if (capacity > RUNS_BYTES_MAX) capacity = RUNS_BYTES_MAX;
    uint8_t *bytes = malloc(capacity);
    if (bytes == NULL) return false;
    uint8_t *old = queue->bytes;
    run_queue_move(queue, bytes, capacity);
    free(old);
    return true;
}

/* Needs: it fits RUNS_BYTES_MAX. False: there is no memory. */
static bool queue_put(struct run_queue *queue, const uint8_t *run, size_t byte_count)
{
    if (run_queue_add(queue, run, byte_count)) return true;
    return queue_grow(queue, byte_count + 4) && run_queue_add(queue, run, byte_count);
}

void replica_vet_clear(struct replica_peer *peer)
{
    run_queue_clear(&peer->runs);
    run_queue_clear(&peer->vet.waiting);
    peer->vet.state = REPLICA_VET_NEW;
}

void replica_vet_free(struct replica_peer *peer)
{
    free(peer->runs.bytes);
    free(peer->vet.waiting.bytes);
}

/* ---- Verdicts ---- */

static struct vetting_run run_of(struct replica *replica, const struct replica_peer *peer,
                                 const uint8_t *run, size_t byte_count)
{
    return (struct vetting_run){
        .node = peer->node,
        .number = ++replica->vet_asked,
        .bytes = run,
        .byte_count = byte_count,
        .stamp_ns = replica->sequence.delivered_stamp_ns,
        .clock_ns = replica->now.clock_ns,
    };
}

/* What came behind it would not be next any more. Its link stays: a voter's acknowledgements and votes do not hang on
 * what it says of others. */
static void convict(struct replica *replica, struct replica_peer *peer, const uint8_t *run,
                    size_t byte_count, const struct vetting_fault *fault)
{
    const struct vetting *vetting = &replica->options.world.vetting;
    const struct vetting_run lie = run_of(replica, peer, run, byte_count);
    ASSERT(fault->offset + COMMAND_HEADER_BYTES <= byte_count); /* peer_message_get_forward */
    log_error("ledger", "a member vouches for a command that may not stand: none of its are taken",
              "node=%u what=\"%s\" type=%u sequence=%" PRIu64 " for_ms=%u", (unsigned)peer->node,
              fault->what, (unsigned)le_get_u16(run + fault->offset + COMMAND_TYPE_OFFSET),
              le_get_u64(run + fault->offset + COMMAND_SEQUENCE_OFFSET),
              (unsigned)(REPLICA_BARRED_NS / 1000000u));
    vetting->convict(vetting->context, &lie, fault);
    if (replica->options.metrics != NULL)
        metric_add(&replica->options.metrics->false_runs_total, 1);
    replica->dropped++;
    peer->vet.false_runs++;
    peer->vet.barred_ns = replica->now.monotonic_ns + REPLICA_BARRED_NS;
    run_queue_clear(&peer->vet.waiting);
    peer->vet.state = REPLICA_VET_NEW;
}

/* The oldest that waits may go into a batch. */
static void pass(struct replica *replica, struct replica_peer *peer)
{
    size_t byte_count;
    const uint8_t *run = run_queue_first(&peer->vet.waiting, &byte_count);
    if (!queue_put(&peer->runs, run, byte_count)) sequence_dropped(&replica->sequence, peer->node);
    run_queue_take(&peer->vet.waiting, byte_count);
    peer->vet.state = REPLICA_VET_NEW;
}

static enum vetting_result ask(struct replica *replica, struct replica_peer *peer,
                               const uint8_t *run, size_t byte_count, struct vetting_fault *fault)
{
    const struct vetting *vetting = &replica->options.world.vetting;
    if (vetting->ask == NULL) return VETTING_STANDS;
    const struct vetting_run question = run_of(replica, peer, run, byte_count);
    const enum vetting_result result = vetting->ask(vetting->context, &question, fault);
    if (result == VETTING_ASKED) {
        peer->vet.state = REPLICA_VET_ASKED;
        peer->vet.number = question.number;
    }
    return result;
}

/* Whether all is settled that its sender can have known. */
static bool late_is_over(struct replica *replica, struct replica_peer *peer)
{
    const struct vetting *vetting = &replica->options.world.vetting;
    if (replica->delivered < peer->vet.late_index) return false;
    if (peer->vet.late_command == 0) peer->vet.late_command = replica->sequence.command_count;
    return vetting->reached(vetting->context) >= peer->vet.late_command;
}

static void be_late(struct replica *replica, struct replica_peer *peer)
{
    peer->vet.state = REPLICA_VET_LATE;
    peer->vet.late_index = replica_entries_last(replica);
    peer->vet.late_command = 0;
    peer->vet.stands_ns = 0;
}

/* Whether the log's stamps have yet to come to where it stands by itself. */
static bool is_early(const struct replica *replica, const struct replica_peer *peer)
{
    return peer->vet.stands_ns != 0 && replica->sequence.delivered_stamp_ns <= peer->vet.stands_ns;
}

/* Judges what waits, in order, until something has to wait on. */
static void advance(struct replica *replica, struct replica_peer *peer)
{
    const uint8_t *run;
    size_t byte_count;
    struct vetting_fault fault;
    while (peer->vet.state != REPLICA_VET_ASKED &&
           (run = run_queue_first(&peer->vet.waiting, &byte_count)) != NULL) {
        const bool last = peer->vet.state == REPLICA_VET_LATE;
        if (last && (is_early(replica, peer) || !late_is_over(replica, peer))) return;
        const enum vetting_result result = ask(replica, peer, run, byte_count, &fault);
        if (result == VETTING_BUSY) return;
        if (result == VETTING_STANDS)
            pass(replica, peer);
        else if (result == VETTING_LATE && !last)
            be_late(replica, peer);
        else if (result == VETTING_LATE && fault.stands_ns != 0) {
            peer->vet.stands_ns = fault.stands_ns;
            return;
        } else if (result != VETTING_ASKED)
            convict(replica, peer, run, byte_count, &fault);
    }
}

/* ---- What came, and turns ---- */

static uint64_t last_of(const struct peer_forward *forward)
{
    return forward->first_sequence + forward->count - 1;
}

/* Whether it waits already: its sender has heard nothing, and sends its stream again. A HELLO is of no epoch. What is missing
 * before what waits, if its sender left something out, may come when that is done with. */
static bool waits_already(const struct replica_peer *peer, const struct peer_forward *forward)
{
    return run_queue_bytes(&peer->vet.waiting) > 0 && forward->epoch != 0 &&
           forward->epoch == peer->vet.epoch && last_of(forward) <= peer->vet.last;
}

static bool keep(struct replica_peer *peer, const struct peer_forward *forward)
{
    if (!queue_put(&peer->vet.waiting, forward->run, forward->run_bytes)) return false;
    peer->vet.epoch = forward->epoch;
    peer->vet.last = last_of(forward);
    return true;
}

/* Without a copy more for what may stand at once. */
static bool take(struct replica *replica, struct replica_peer *peer,
                 const struct peer_forward *forward)
{
    struct vetting_fault fault;
    const uint8_t *run = forward->run;
    const size_t byte_count = forward->run_bytes;
    const size_t waiting = run_queue_bytes(&peer->vet.waiting);
    if (waits_already(peer, forward)) return true;
    if (waiting + run_queue_bytes(&peer->runs) + byte_count + 4 > RUNS_BYTES_MAX) return false;
    if (waiting > 0) return keep(peer, forward);
    ASSERT(peer->vet.state == REPLICA_VET_NEW);
    const enum vetting_result result = ask(replica, peer, run, byte_count, &fault);
    if (result == VETTING_STANDS) return queue_put(&peer->runs, run, byte_count);
    if (result == VETTING_FALSE) {
        convict(replica, peer, run, byte_count, &fault);
        return true;
    }
    if (result == VETTING_LATE) be_late(replica, peer);
    if (keep(peer, forward)) return true;
    peer->vet.state = REPLICA_VET_NEW;
    return false;
}

void replica_vet_take(struct replica *replica, struct replica_peer *peer,
                      const struct peer_forward *forward)
{
    if (peer->vet.barred_ns != 0) return;
    if (!take(replica, peer, forward)) sequence_dropped(&replica->sequence, peer->node);
}

static struct replica_peer *who_asked(struct replica *replica, uint64_t number)
{
    for (uint32_t i = 0; i < REPLICA_PEERS; i++) {
        struct replica_peer *peer = &replica->peers[i];
        if (peer->node != 0 && peer->vet.state == REPLICA_VET_ASKED && peer->vet.number == number)
            return peer;
    }
    return NULL; /* its link broke, or somebody else leads, since it was asked */
}

static void answers_take(struct replica *replica)
{
    const struct vetting *vetting = &replica->options.world.vetting;
    struct vetting_answer answer;
    while (vetting->answer(vetting->context, &answer)) {
        struct replica_peer *peer = who_asked(replica, answer.number);
        if (peer == NULL) continue;
        size_t byte_count;
        const uint8_t *run = run_queue_first(&peer->vet.waiting, &byte_count);
        ASSERT(run != NULL);
        if (answer.stands)
            pass(replica, peer);
        else
            convict(replica, peer, run, byte_count, &answer.fault);
    }
}

void replica_vet_turn(struct replica *replica)
{
    replica->vet_waits = false;
    if (replica->options.world.vetting.ask == NULL) return;
    answers_take(replica);
    for (uint32_t i = 0; i < REPLICA_PEERS; i++) {
        struct replica_peer *peer = &replica->peers[i];
        if (peer->node == 0) continue;
        if (peer->vet.barred_ns != 0 && replica->now.monotonic_ns >= peer->vet.barred_ns) {
            peer->vet.barred_ns = 0;
            sequence_dropped(&replica->sequence, peer->node); /* it is told where it stands */
        }
        advance(replica, peer);
        /* Neither what is settled nor room for a question wakes us. */
        replica->vet_waits |=
            run_queue_bytes(&peer->vet.waiting) > 0 && peer->vet.state != REPLICA_VET_ASKED;
    }
}
