#include "node/anchor_council.h"

#include "common/log.h"
#include "node/anchor_signing.h"
#include "node/anchor_vote.h"
#include "node/file_os.h"

#include <stdlib.h>
#include <string.h>

#define CHANGE_PATIENCE_NS UINT64_C(1000000000) /* then an EPOCH_CHANGE goes out again */

void anchor_council_send(struct anchor *anchor)
{
    struct ring *ring = anchor->options->changes;
    const struct node_changed_event *changed;
    if (ring == NULL) return;
    while ((changed = change_queue_next(&anchor->changes, anchor->turned, anchor->voting.sealed)) !=
           NULL) {
        uint8_t *room = ring_reserve(ring, EVENT_HEADER_BYTES + NODE_CHANGED_BYTES);
        if (room == NULL) break;
        struct event_writer writer = {.at = room,
                                      .end = room + EVENT_HEADER_BYTES + NODE_CHANGED_BYTES};
        event_write_node_changed(&writer, changed);
        ring_commit(ring, (size_t)(writer.at - room));
        change_queue_sent(&anchor->changes, changed);
    }
    if (ring_publish(ring)) park_wake(anchor->options->consensus_park);
}

static enum status take_node(struct anchor *anchor, const struct event *event)
{
    struct node_changed_event changed;
    node_changed_event_get(event->payload, &changed);
    if (anchor->options->changes != NULL) change_queue_add(&anchor->changes, &changed);
    if (changed.node != anchor->options->node) return STATUS_OK;
    log_info("anchor", "this node's role changes", "role=%s from_height=%lu",
             changed.role == NODE_VOTER     ? "voter"
             : changed.role == NODE_STANDBY ? "standby"
                                            : "none",
             changed.height);
    if (changed.role == NODE_VOTER) return anchor_signing_begin(anchor, changed.height);
    if (anchor->voting.first != 0) anchor->voting.last = changed.height - 1;
    return STATUS_OK;
}

/* Headers are of the new epoch from the next block on: only they are signed in it. */
static void take_epoch(struct anchor *anchor)
{
    const uint64_t epoch = anchor->digest->membership.next_epoch;
    const uint64_t first = anchor->digest->height + 2;
    log_info("anchor", "the epoch changes", "epoch=%lu from_height=%lu", epoch, first);
    certificate_tally_end_epoch(&anchor->tally, epoch);
    certificate_tally_end_epoch(&anchor->checkpoints, epoch);
    certificate_tally_end_epoch(&anchor->liabilities, epoch);
    if (anchor->voting.first != 0 && anchor->voting.first < first) anchor->voting.first = first;
    anchor_signing_update(anchor);
    anchor_vote_stuck(anchor, 0);
}

enum status anchor_council_take(struct anchor *anchor, const struct applied *record)
{
    const uint8_t *at = record->events, *const end = at + record->events_length;
    struct event event;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && event_next(&at, end, &event)) {
        if (event.type == T_NODE_CHANGED) status = take_node(anchor, &event);
        if (event.type == T_EPOCH_CHANGED) take_epoch(anchor);
    }
    return status;
}

enum status anchor_council_load(struct anchor *anchor)
{
    char *bytes;
    size_t byte_count;
    struct epoch_change_command change;
    const char *path = anchor->options->epoch_change_path;
    if (path == NULL) return STATUS_OK;
    const enum status status = file_read(path, &bytes, &byte_count);
    if (status != STATUS_OK) return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    if (byte_count <= sizeof(anchor->change.bytes)) memcpy(anchor->change.bytes, bytes, byte_count);
    free(bytes);
    if (byte_count > sizeof(anchor->change.bytes) ||
        !command_decode(anchor->change.bytes, byte_count, &anchor->change.command) ||
        anchor->change.command.header.type != T_EPOCH_CHANGE) {
        log_warn("anchor", "no change of the epoch is in this file", "path=\"%s\"", path);
        return STATUS_OK;
    }
    epoch_change_command_get(anchor->change.command.payload, &change);
    anchor->change.byte_count = byte_count;
    anchor->change.epoch = change.epoch;
    return STATUS_OK;
}

/* Whether it is time: the log is replayed, and has come to where nothing is to be said against it. */
static bool change_is_due(struct anchor *anchor)
{
    const struct digest *digest = anchor->digest;
    const uint64_t replay =
        atomic_load_explicit(&anchor->options->progress->replay_command, memory_order_acquire);
    if (anchor->change.byte_count == 0 || anchor->options->votes == NULL || anchor->halted)
        return false;
    if (replay == 0 || digest->command < replay) return false;
    if (anchor->change.epoch != digest->membership.next_epoch + 1) return false;
    if (digest->membership.change_height != 0) return false; /* the engine would refuse it */
    const uint64_t now_ns = anchor->voting.now_ns;
    if (anchor->change.considered && now_ns - anchor->change.considered_ns < CHANGE_PATIENCE_NS)
        return false;
    anchor->change.considered = true;
    anchor->change.considered_ns = now_ns;
    const char *objection = digest_epoch_objection(digest, &anchor->change.command);
    if (objection != NULL && objection != anchor->change.objection)
        log_warn("anchor", "the change of the epoch is not proposed", "what=\"%s\" height=%lu",
                 objection, digest->height);
    anchor->change.objection = objection;
    return objection == NULL;
}

void anchor_council_propose(struct anchor *anchor)
{
    if (!change_is_due(anchor)) return;
    uint8_t *room = ring_reserve(anchor->options->votes, anchor->change.byte_count);
    if (room == NULL) return; /* when it is due again */
    memcpy(room, anchor->change.bytes, anchor->change.byte_count);
    ring_commit(anchor->options->votes, anchor->change.byte_count);
    log_info("anchor", "a change of the epoch is proposed", "epoch=%lu height=%lu",
             anchor->change.epoch, anchor->digest->height);
    if (ring_publish(anchor->options->votes)) park_wake(anchor->options->consensus_park);
}
