#include "ledger/fetch_log.h"

#define SILENT_MS 3000u
#define REST_MS   2000u
#define GRACE_MS  2000u /* for links that have yet to come up */

static struct fetch_log_peer *peer_of(struct fetch_log *log, uint32_t node)
{
    for (uint32_t i = 0; i < log->peer_count; i++)
        if (log->list[i].node == node) return &log->list[i];
    return NULL;
}

void fetch_log_nodes(struct fetch_log *log, const struct node_set *nodes)
{
    for (uint32_t i = 0; i < nodes->count; i++) {
        const uint32_t node = nodes->members[i].node;
        if (node == log->node || peer_of(log, node) != NULL) continue;
        if (log->peer_count == NODE_SET_LIMIT) return;
        log->list[log->peer_count++] = (struct fetch_log_peer){.node = node};
    }
}

void fetch_log_begin(struct fetch_log *log, uint32_t node, const struct node_set *nodes,
                     struct peers peers, struct fetch_log_sink sink, uint64_t now_ms)
{
    struct validator_set voters;
    *log = (struct fetch_log){.node = node, .peers = peers, .sink = sink, .begun_ms = now_ms};
    node_set_voters(nodes, &voters);
    log->quorum = validator_set_quorum(&voters);
    fetch_log_nodes(log, nodes);
}

void fetch_log_link(struct fetch_log *log, uint32_t node, bool up)
{
    struct fetch_log_peer *peer = peer_of(log, node);
    if (peer == NULL) return;
    peer->up = up;
    peer->lacks = false;
    peer->rest_until_ms = 0;
    if (log->asked_node == node) log->asked_node = 0;
}

/* Another hole: who lacked the last one may have this. */
static void enter_hole(struct fetch_log *log, uint64_t first, uint64_t last)
{
    log->hole_first = first;
    log->hole_last = last;
    log->filling_node = 0;
    log->mixed = false;
    for (uint32_t i = 0; i < log->peer_count; i++)
        log->list[i].lacks = log->list[i].wrong = false;
}

/* Whose turn it is: who is filling the hole goes on with it. */
static struct fetch_log_peer *next_peer(struct fetch_log *log, uint64_t now_ms)
{
    struct fetch_log_peer *filling = peer_of(log, log->filling_node);
    if (filling != NULL && filling->up && !filling->lacks && !filling->wrong &&
        now_ms >= filling->rest_until_ms)
        return filling;
    for (uint32_t i = 0; i < log->peer_count; i++) {
        struct fetch_log_peer *peer = &log->list[(log->next_peer + i) % log->peer_count];
        if (!peer->up || peer->lacks || peer->wrong || now_ms < peer->rest_until_ms) continue;
        log->next_peer = (log->next_peer + i + 1) % log->peer_count;
        return peer;
    }
    return NULL;
}

/* Whether enough have said that they do not have it, and nobody is left who may. */
static bool nobody_has_it(const struct fetch_log *log, uint64_t now_ms)
{
    uint32_t without = 0;
    for (uint32_t i = 0; i < log->peer_count; i++) {
        const struct fetch_log_peer *peer = &log->list[i];
        if (peer->lacks || peer->wrong)
            without++;
        else if (peer->up)
            return false;
    }
    if (without == log->peer_count) return true;
    return now_ms >= log->begun_ms + GRACE_MS && without + 1 >= log->quorum;
}

static void ask(struct fetch_log *log, struct fetch_log_peer *peer, uint64_t first, uint64_t last,
                uint64_t now_ms)
{
    const uint64_t count = last - first + 1;
    const struct fetch_range range = {first, count < FETCH_ENTRIES_MAX ? (uint32_t)count
                                                                       : FETCH_ENTRIES_MAX};
    uint8_t bytes[FETCH_RANGE_BYTES];
    const struct peers_piece piece = {bytes, fetch_ask_entries_encode(&range, bytes)};
    if (!log->peers.send(log->peers.context, peer->node, &piece, 1)) {
        peer->rest_until_ms = now_ms + REST_MS;
        return;
    }
    log->first = first;
    log->count = range.count;
    log->asked_node = peer->node;
    log->asked_ms = now_ms;
}

void fetch_log_turn(struct fetch_log *log, uint64_t now_ms)
{
    if (log->done || log->status != STATUS_OK) return;
    if (log->asked_node != 0) {
        if (now_ms < log->asked_ms + SILENT_MS) return;
        peer_of(log, log->asked_node)->rest_until_ms = now_ms + REST_MS;
        log->asked_node = 0;
    }
    uint64_t first = 0, last = 0;
    log->done = !log->sink.needs(log->sink.context, &first, &last);
    if (log->done) return;
    ASSERT(first > 0 && first <= last);
    if (last != log->hole_last) enter_hole(log, first, last);
    struct fetch_log_peer *peer = next_peer(log, now_ms);
    if (peer != NULL)
        ask(log, peer, first, last, now_ms);
    else if (nobody_has_it(log, now_ms))
        log->status = STATUS_NOT_FOUND;
}

/* The entries did not lead to the record behind them. That the hole begins lower than it seemed is nobody's
 * fault; nor is it one's when several gave a part. */
static void mismatch(struct fetch_log *log, struct fetch_log_peer *peer)
{
    uint64_t first = 0, last = 0;
    const bool lower = log->sink.needs(log->sink.context, &first, &last) && first < log->hole_first;
    if (lower) log->hole_first = first;
    if (!lower && !log->mixed) {
        peer->wrong = true;
        log->sink.blame(log->sink.context, peer->node, "its entries do not lead on", first);
    }
    log->filling_node = 0;
    log->mixed = false;
}

static void take(struct fetch_log *log, struct fetch_log_peer *peer)
{
    if (log->filling_node != 0 && log->filling_node != peer->node) log->mixed = true;
    log->filling_node = peer->node;
    for (uint32_t i = 0; i < log->answer.count; i++) {
        const struct fetch_entry *given = &log->answer.entries[i];
        const struct wal_entry entry = {.index = log->answer.first + i,
                                        .term = given->term,
                                        .type = given->type,
                                        .length = given->length,
                                        .bytes = given->bytes};
        const enum status status = log->sink.add(log->sink.context, &entry);
        if (status == STATUS_OK) {
            log->entries++;
            continue;
        }
        if (status == STATUS_MALFORMED) {
            peer->wrong = true;
            log->sink.blame(log->sink.context, peer->node, "it sends no entries", entry.index);
        } else if (status == STATUS_MISMATCH) {
            mismatch(log, peer);
        } else {
            log->status = status;
        }
        return;
    }
}

void fetch_log_receive(struct fetch_log *log, uint64_t now_ms, uint32_t node, const uint8_t *bytes,
                       size_t byte_count)
{
    if (log->asked_node != node || node == 0) return;
    if (!fetch_entries_decode(bytes, byte_count, &log->answer)) return;
    if (log->answer.first != log->first || log->answer.count > log->count) return;
    struct fetch_log_peer *peer = peer_of(log, node);
    log->asked_node = 0;
    if (log->answer.count == 0)
        peer->lacks = true;
    else
        take(log, peer);
    fetch_log_turn(log, now_ms);
}
