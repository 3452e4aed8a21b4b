#include "ledger/replica_state_raft.h"

#include "common/log.h"

#include <inttypes.h>

#define AGAIN_NS        1000000000u       /* the same entries are sent again at most so often */
#define PUMP_BYTES      (4 * 1024 * 1024) /* a turn and follower, from memory */
#define PUMP_READ_BYTES (512 * 1024)      /* a turn and follower, when the log has to be read */
#define NEEDS_NS        500000000u
#define HEARTBEAT_NS    (REPLICA_HEARTBEAT_MS * UINT64_C(1000000))

void replica_stream_reset(struct replica_peer *peer)
{
    peer->stream = (struct replica_stream){0};
}

bool replica_stream_blocked(const struct replica *replica)
{
    if (!replica_leads(replica)) return false;
    for (uint32_t i = 0; i < REPLICA_PEERS; i++)
        if (replica->peers[i].node != 0 && replica->peers[i].stream.blocked) return true;
    return false;
}

/* ---- Frames ---- */

/* How far is committed, as far as our hash in a message behind `prev` vouches for it: a follower hands nothing on
 * that nobody has compared. Where no hash is at hand, all of it. */
static uint64_t told_commit(struct replica *replica, uint64_t prev)
{
    const uint64_t at = prev < replica->stored ? prev : replica->stored;
    uint64_t term;
    hash_t hash;
    if (replica->commit <= at || !replica_entries_hash(replica, at, &term, &hash))
        return replica->commit;
    return at;
}

/* The head of an append behind `prev`: with how far is committed, and our hash near there. False: `prev` is not
 * in the log any more. */
static bool append_begin(struct replica *replica, uint64_t prev, struct peer_append *append)
{
    *append = (struct peer_append){
        .term = raft_current_term(&replica->raft),
        .prev_index = prev,
        .prev_term = replica_entries_term(replica, prev),
    };
    if (prev > 0 && append->prev_term == 0) return false;
    /* Entries go out before they are on our disk; only then is there a hash. */
    const uint64_t at = prev < replica->stored ? prev : replica->stored;
    if (replica_entries_hash(replica, at, &append->hash_term, &append->hash))
        append->hash_index = at;
    else
        append->hash_term = 0;
    append->commit = told_commit(replica, prev);
    return true;
}

static bool send_empty(struct replica *replica, struct replica_peer *peer, uint64_t prev,
                       bool quiet)
{
    uint8_t bytes[PEER_APPEND_BYTES(0)];
    struct peer_append append;
    if (!append_begin(replica, prev, &append)) return false;
    append.quiet = quiet;
    const struct peers_piece piece = {bytes, peer_message_put_append(bytes, &append, NULL)};
    const struct peers *peers = &replica->options.world.peers;
    if (!peers->send(peers->context, peer->node, &piece, 1)) return false;
    replica->unflushed = true;
    peer->stream.commit = append.commit;
    peer->stream.sent_ns = replica->now.monotonic_ns;
    return true;
}

/* Entries from `first` to `last` that fit one message: their heads in `entries`; in `pieces` behind the first
 * their bytes, or, when there are too many or they have to be read, in the frame behind where the head will be.
 * `*read`: from the log. Returns how many; 0: the first one is not there. */
static uint32_t frame_fill(struct replica *replica, uint64_t first, uint64_t last,
                           struct peer_entry *entries, struct peers_piece *pieces,
                           size_t *byte_count, bool *read)
{
    uint32_t count = 0;
    size_t used = 0;
    *read = false;
    for (uint64_t index = first; index <= last && count < PEER_ENTRIES_MAX; index++) {
        struct wal_entry entry;
        const uint8_t *cached;
        const bool here = replica_cache_find(&replica->cache, index, &cached) != NULL;
        const enum status status = replica_entries_read(replica, index, &entry);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND) replica_fail(replica, status);
        if (status != STATUS_OK) break;
        if (used + entry.length > PEERS_MESSAGE_MAX - PEER_APPEND_BYTES(PEER_ENTRIES_MAX)) break;
        if (!here) *read = true;
        entries[count] = (struct peer_entry){entry.term, entry.type, entry.length, entry.bytes};
        if (*read || count + 1 >= PEERS_PIECES_MAX || pieces[0].bytes != NULL) {
            /* From here on everything is copied, what came before as well. */
            uint8_t *at = replica->frame + PEER_APPEND_BYTES(PEER_ENTRIES_MAX);
            if (pieces[0].bytes == NULL) {
                size_t put = 0;
                for (uint32_t i = 0; i < count; i++) {
                    le_put_bytes(at + put, entries[i].bytes, entries[i].length);
                    put += entries[i].length;
                }
                pieces[0].bytes = at;
            }
            if (entry.length > 0) le_put_bytes(at + used, entry.bytes, entry.length);
        }
        used += entry.length;
        count++;
    }
    *byte_count = used;
    return count;
}

/* Sends a message of entries from `next` on. Returns the bytes sent; 0: the link is full or the entries are not
 * there (`*missing`). */
static size_t send_entries(struct replica *replica, struct replica_peer *peer, bool *read,
                           bool *missing)
{
    struct replica_stream *stream = &peer->stream;
    struct peer_entry entries[PEER_ENTRIES_MAX];
    struct peers_piece pieces[PEERS_PIECES_MAX] = {{NULL, 0}};
    struct peer_append append;
    size_t byte_count;
    *missing = true;
    if (!append_begin(replica, stream->next - 1, &append)) return 0;
    append.count =
        frame_fill(replica, stream->next, stream->until, entries, pieces, &byte_count, read);
    if (append.count == 0) return 0;
    *missing = false;

    uint32_t piece_count = 1;
    if (pieces[0].bytes != NULL) {
        pieces[1] = (struct peers_piece){pieces[0].bytes, byte_count};
        piece_count = 2;
    } else
        for (uint32_t i = 0; i < append.count; i++)
            pieces[piece_count++] = (struct peers_piece){entries[i].bytes, entries[i].length};
    pieces[0].bytes = replica->frame;
    pieces[0].byte_count = peer_message_put_append(replica->frame, &append, entries);
    const struct peers *peers = &replica->options.world.peers;
    if (!peers->send(peers->context, peer->node, pieces, piece_count)) return 0;
    replica->unflushed = true;
    stream->next += append.count;
    stream->commit = append.commit;
    stream->sent_ns = replica->now.monotonic_ns;
    return pieces[0].byte_count + byte_count;
}

/* ---- The stream ---- */

/* The log begins above what the follower has: it must come with a checkpoint. */
static void needs_checkpoint(struct replica *replica, struct replica_peer *peer)
{
    replica_stream_reset(peer);
    if (peer->needs_ns != 0 && replica->now.monotonic_ns - peer->needs_ns < NEEDS_NS) return;
    uint8_t bytes[PEER_SMALL_MAX];
    const struct peer_needs needs = {raft_current_term(&replica->raft),
                                     wal_base_index(replica->wal)};
    if (needs.base_index == 0) return;
    replica_send(replica, peer, bytes, peer_message_put_needs(bytes, &needs));
    peer->needs_ns = replica->now.monotonic_ns;
    log_info("ledger", "a follower needs a checkpoint", "node=%u base=%" PRIu64,
             (unsigned)peer->node, needs.base_index);
}

/* True: there is more, and the link has room. */
static bool pump_peer(struct replica *replica, struct replica_peer *peer)
{
    struct replica_stream *stream = &peer->stream;
    size_t sent = 0;
    stream->blocked = false;
    while (stream->next != 0 && stream->next <= stream->until) {
        bool read = false, missing;
        const size_t byte_count = send_entries(replica, peer, &read, &missing);
        if (missing) {
            needs_checkpoint(replica, peer);
            return false;
        }
        if (byte_count == 0) {
            stream->blocked = true;
            return false;
        }
        sent += byte_count;
        if (sent >= (read ? PUMP_READ_BYTES : PUMP_BYTES)) return stream->next <= stream->until;
    }
    return false;
}

bool replica_stream_pump(struct replica *replica)
{
    bool more = false;
    if (!replica_leads(replica)) return false;
    for (uint32_t i = 0; i < REPLICA_PEERS; i++) {
        struct replica_peer *peer = &replica->peers[i];
        if (peer->node != 0 && peer->up && pump_peer(replica, peer)) more = true;
    }
    return more;
}

static void stream_begin(struct replica *replica, struct replica_stream *stream, uint64_t first,
                         uint64_t until)
{
    stream->begin = first;
    stream->next = first;
    stream->until = until;
    stream->begun_ns = replica->now.monotonic_ns;
    stream->rejected = false;
}

static void beat(struct replica *replica, struct replica_peer *peer, uint64_t prev)
{
    if (!send_empty(replica, peer, prev, false) && prev < wal_base_index(replica->wal))
        needs_checkpoint(replica, peer);
}

void replica_stream_ask(struct replica *replica, struct replica_peer *peer,
                        const struct raft_append_entries *append)
{
    struct replica_stream *stream = &peer->stream;
    const uint64_t first = append->prev_log_index + 1;
    const uint64_t until = append->prev_log_index + append->n_entries;
    if (!peer->up) return;
    const bool idle = stream->next == 0 || stream->next > stream->until;
    if (stream->catching || (append->n_entries == 0 && !idle)) {
        /* The engine's heartbeat is about a place that the follower has not come to. */
        if (replica->now.monotonic_ns - stream->sent_ns >= HEARTBEAT_NS)
            beat(replica, peer, stream->next - 1);
        return;
    }
    if (append->n_entries == 0) {
        beat(replica, peer, append->prev_log_index);
        return;
    }
    const bool again = stream->next != 0 && first == stream->begin && !stream->rejected &&
                       replica->now.monotonic_ns - stream->begun_ns < AGAIN_NS;
    if (stream->next != 0 && first == stream->until + 1)
        stream->until = until;
    else if (again) {
        /* The engine sends a probe again with each heartbeat; on a link nothing is lost. */
        if (until > stream->until) stream->until = until;
        if (idle) beat(replica, peer, stream->begin - 1);
    } else
        stream_begin(replica, stream, first, until);
    pump_peer(replica, peer);
}

void replica_stream_catch_up(struct replica *replica, struct replica_peer *peer, uint64_t until)
{
    struct replica_stream *stream = &peer->stream;
    if (!peer->up) return;
    if (stream->catching) {
        stream->until = until;
        return;
    }
    /* It told where its log ends; if the logs do not meet there, they meet further back. */
    uint64_t first = (peer->ping_ns != 0 ? peer->ping.stored : 0) + 1;
    raft_index match = 0;
    if (raft_match_index(&replica->raft, peer->node, &match) == 0 && match + 1 > first)
        first = match + 1;
    if (first > until) first = until;
    if (first <= wal_base_index(replica->wal)) {
        needs_checkpoint(replica, peer);
        return;
    }
    stream_begin(replica, stream, first, until);
    stream->catching = true;
    stream->back = 1;
    pump_peer(replica, peer);
}

/* The follower does not have what comes before: further back, each time twice as far. */
static void step_back(struct replica *replica, struct replica_peer *peer,
                      const struct peer_result *result)
{
    struct replica_stream *stream = &peer->stream;
    const uint64_t base = wal_base_index(replica->wal);
    if (result->rejected != stream->begin - 1) return; /* of an older try */
    uint64_t first = result->last_index + 1;
    if (first + stream->back > stream->begin)
        first = stream->begin > stream->back ? stream->begin - stream->back : 1;
    stream->back *= 2;
    if (first <= base) {
        if (stream->begin == base + 1 || result->last_index < base) {
            needs_checkpoint(replica, peer);
            return;
        }
        first = base + 1;
    }
    stream_begin(replica, stream, first, stream->until);
    pump_peer(replica, peer);
}

void replica_stream_result(struct replica *replica, struct replica_peer *peer,
                           const struct peer_result *result)
{
    struct replica_stream *stream = &peer->stream;
    if (!result->accepted) stream->rejected = true;
    if (!stream->catching) return;
    if (!result->accepted)
        step_back(replica, peer, result);
    else if (result->last_index >= stream->until)
        stream->catching = false;
}

void replica_stream_announce(struct replica *replica)
{
    if (!replica_leads(replica)) return;
    for (uint32_t i = 0; i < REPLICA_PEERS; i++) {
        struct replica_peer *peer = &replica->peers[i];
        const struct replica_stream *stream = &peer->stream;
        if (peer->node == 0 || !peer->up || stream->catching) continue;
        if (stream->next <= stream->until) continue;
        if (stream->next < 2 || stream->commit >= told_commit(replica, stream->next - 1)) continue;
        /* Only where entries of ours were accepted: elsewhere it would be taken for a probe. */
        raft_index match;
        if (raft_match_index(&replica->raft, peer->node, &match) != 0 || match == 0) continue;
        (void)send_empty(replica, peer, stream->next - 1, true);
    }
}
