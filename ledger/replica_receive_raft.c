#include "ledger/replica_state_raft.h"

#include "common/log.h"

#include <inttypes.h>

#define NS_PER_MS UINT64_C(1000000)

/* The engine's assertions are not compiled in: what it takes for granted is asked in this file, before it hears of a message. */
static void receive(struct replica *replica, struct replica_peer *peer,
                    struct raft_message *message)
{
    char address[16];
    replica_node_text(peer->node, address);
    message->server_id = peer->node;
    message->server_address = address;
    struct raft_event event = {.type = RAFT_RECEIVE};
    event.receive.message = message;
    replica_step(replica, &event);
}

bool replica_differs(struct replica *replica, uint64_t index, uint64_t term, const hash_t *hash)
{
    uint64_t own_term;
    hash_t own;
    return term != 0 && replica_entries_hash(replica, index, &own_term, &own) && own_term == term &&
           !hash_equal(own, *hash);
}

/* What lies at or below the floor is committed, and the engine knows no terms there: such entries are passed over,
 * and the rest goes on at the floor. False: the leader has another entry there. */
static bool lift(struct replica *replica, struct peer_append *append, struct peer_entry **entries)
{
    if (append->prev_index >= replica->floor_index) return true;
    const uint64_t below = replica->floor_index - append->prev_index;
    if (append->count >= below) {
        if ((*entries)[below - 1].term != replica->floor_term) return false;
        append->count -= (uint32_t)below;
        *entries += below;
    } else
        append->count = 0;
    append->prev_index = replica->floor_index;
    append->prev_term = replica->floor_term;
    return true;
}

/* Gives `count` entries behind `append`'s place to the engine. */
static void feed(struct replica *replica, struct replica_peer *peer,
                 const struct peer_append *append, const struct peer_entry *entries, uint32_t count)
{
    void *token = NULL;
    if (count > 0 && (token = raft_malloc(1)) == NULL) {
        replica_fail(replica, STATUS_NO_MEMORY);
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        replica->entries[i] = (struct raft_entry){
            .term = entries[i].term,
            .type = (enum raft_entry_type)entries[i].type,
            .buf = {.base = (void *)(uintptr_t)entries[i].bytes, .len = entries[i].length},
            .batch = token,
        };
    struct raft_message message = {.type = RAFT_APPEND_ENTRIES};
    message.append_entries = (struct raft_append_entries){
        .term = append->term,
        .prev_log_index = append->prev_index,
        .prev_log_term = append->prev_term,
        .leader_commit = append->commit,
        .entries = replica->entries,
        .n_entries = count,
    };
    receive(replica, peer, &message);
}

/* The engine takes a message's first new entry for the place of any configuration in it: so one goes first. */
static void feed_pieces(struct replica *replica, struct replica_peer *peer,
                        struct peer_append *append, const struct peer_entry *entries)
{
    uint32_t left = append->count;
    do {
        uint32_t count = left > 0 ? 1 : 0;
        while (count < left && entries[count].type != WAL_CONFIGURATION)
            count++;
        feed(replica, peer, append, entries, count);
        if (count > 0) append->prev_term = entries[count - 1].term;
        append->prev_index += count;
        entries += count;
        left -= count;
    } while (left > 0 && replica->status == STATUS_OK);
}

static void receive_append(struct replica *replica, struct replica_peer *peer, const uint8_t *bytes,
                           size_t byte_count)
{
    struct peer_append append;
    struct peer_entry list[PEER_ENTRIES_MAX], *entries = list;
    if (!peer_message_get_append(bytes, byte_count, &append, list)) {
        replica_drop(replica, peer->node, "append");
        return;
    }
    const uint64_t term = raft_current_term(&replica->raft);
    if (append.term == term && replica_leads(replica)) {
        replica_drop(replica, peer->node, "another leader of our term");
        return;
    }
    if (append.term >= term &&
        (replica_differs(replica, append.hash_index, append.hash_term, &append.hash) ||
         !lift(replica, &append, &entries))) {
        log_error("ledger", "this log differs from the leader's, stopping",
                  "leader=%u index=%" PRIu64 " term=%" PRIu64 " commit=%" PRIu64,
                  (unsigned)peer->node, append.hash_index, append.hash_term, replica->commit);
        replica_fail(replica, STATUS_MISMATCH);
        return;
    }
    if (replica->pending.count + append.count > REPLICA_PENDING_MAX ||
        replica->pending.bytes > REPLICA_PENDING_BYTES)
        replica_entries_write(replica);
    if (replica->status != STATUS_OK) return;
    if (append.term >= term) {
        replica->append_term = append.term;
        replica->append_ns = replica->now.monotonic_ns;
    }
    if (append.term >= term && append.hash_term != 0 && append.hash_index > replica->stored) {
        replica->due.index = append.hash_index;
        replica->due.term = append.hash_term;
        replica->due.hash = append.hash;
    }
    replica->quiet = append.quiet;
    feed_pieces(replica, peer, &append, entries);
    replica->quiet = false;
}

/* A follower says that its log ends, or differs, below what it has acknowledged to us: it lost that, and nothing on
 * a link overtakes. The engine would count it for what it has not, and believe its refusals to be old. So a leader
 * that knows nothing of anybody begins: another one, or, when nobody takes over, we ourselves in a later term. */
static void begin_anew(struct replica *replica, struct replica_peer *peer, uint64_t last,
                       uint64_t match)
{
    if (raft_transferee(&replica->raft) != 0) return;
    log_warn("ledger", "a follower has lost what it acknowledged: its leader begins anew",
             "node=%u last=%" PRIu64 " acknowledged=%" PRIu64 " term=%" PRIu64,
             (unsigned)peer->node, last, match, (uint64_t)raft_current_term(&replica->raft));
    if (!peer->told_lost && replica_member_transfer(replica)) {
        peer->told_lost = true;
        return;
    }
    struct raft_message message = {.type = RAFT_APPEND_ENTRIES_RESULT};
    message.append_entries_result = (struct raft_append_entries_result){
        .term = raft_current_term(&replica->raft) + 1,
        .capacity = REPLICA_DISK_CAPACITY,
    };
    receive(replica, peer, &message);
}

static void receive_result(struct replica *replica, struct replica_peer *peer, const uint8_t *bytes,
                           size_t byte_count)
{
    struct peer_result result;
    if (!peer_message_get_result(bytes, byte_count, &result)) {
        replica_drop(replica, peer->node, "result");
        return;
    }
    const uint64_t term = raft_current_term(&replica->raft);
    if (!replica_leads(replica) || result.term < term) return;
    if (result.term == term) {
        if (replica_differs(replica, result.last_index, result.hash_term, &result.hash)) {
            if (!peer->told_differs)
                log_error("ledger", "a follower's log differs from ours, it does not count",
                          "node=%u index=%" PRIu64, (unsigned)peer->node, result.last_index);
            peer->told_differs = true;
            return;
        }
        raft_index match;
        if (!result.accepted && raft_match_index(&replica->raft, peer->node, &match) == 0 &&
            match > result.last_index) {
            begin_anew(replica, peer, result.last_index, match);
            return;
        }
        replica_stream_result(replica, peer, &result);
    }
    struct raft_message message = {.type = RAFT_APPEND_ENTRIES_RESULT};
    message.append_entries_result = (struct raft_append_entries_result){
        .term = result.term,
        .rejected = result.rejected,
        .last_log_index = result.last_index,
        .capacity = REPLICA_DISK_CAPACITY,
    };
    receive(replica, peer, &message);
}

/* The engine grants no vote where the configuration that this node has stored does not let it vote. Raft does: only
 * the candidate's configuration counts. It matters where a leader makes a standby a voter whose vote it then needs (of
 * two, or of three with one away), and loses it before that has the entry that says so. So a standby answers as a
 * voter would: by term, by the vote it has given, and by its log (docs/decisions/0006). */
static struct raft_server *own_standby(struct replica *replica)
{
    for (unsigned i = 0; i < replica->raft.configuration.n; i++) {
        struct raft_server *server = &replica->raft.configuration.servers[i];
        if (server->id == replica->options.node && server->role == RAFT_STANDBY) return server;
    }
    return NULL;
}

/* A standby's engine remembers its leader for ever: it has none when none was heard of for as long as a voter would
 * wait at least, or when the leader itself asks. */
static bool leader_is_gone(const struct replica *replica, uint32_t candidate)
{
    return candidate == replica->leader ||
           replica->now.monotonic_ns - replica->append_ns >= REPLICA_ELECTION_MS * NS_PER_MS;
}

static void receive_vote(struct replica *replica, struct replica_peer *peer, const uint8_t *bytes,
                         size_t byte_count)
{
    struct peer_vote vote;
    if (!peer_message_get_vote(bytes, byte_count, &vote)) {
        replica_drop(replica, peer->node, "vote");
        return;
    }
    if (replica_member_withholds(replica)) return;
    struct raft_message message = {.type = RAFT_REQUEST_VOTE};
    message.request_vote = (struct raft_request_vote){
        .version = 2,
        .term = vote.term,
        .candidate_id = peer->node,
        .last_log_index = vote.last_index,
        .last_log_term = vote.last_term,
        .disrupt_leader = vote.disrupt,
        .pre_vote = vote.pre_vote,
    };
    struct raft_server *standby = own_standby(replica);
    if (standby != NULL) {
        standby->role = RAFT_VOTER;
        if (leader_is_gone(replica, peer->node)) message.request_vote.disrupt_leader = true;
    }
    receive(replica, peer, &message);
    if (standby != NULL) standby->role = RAFT_STANDBY;
}

static void receive_vote_result(struct replica *replica, struct replica_peer *peer,
                                const uint8_t *bytes, size_t byte_count)
{
    struct peer_vote_result result;
    if (!peer_message_get_vote_result(bytes, byte_count, &result)) {
        replica_drop(replica, peer->node, "vote result");
        return;
    }
    /* Elsewhere the engine reads a candidate's fields that are not there. */
    if (raft_state(&replica->raft) != RAFT_CANDIDATE) return;
    if (replica->raft.candidate_state.in_pre_vote && result.granted &&
        result.term > raft_current_term(&replica->raft) + 1) {
        replica_drop(replica, peer->node, "a vote for a term that nobody asked for");
        return;
    }
    struct raft_message message = {.type = RAFT_REQUEST_VOTE_RESULT};
    message.request_vote_result = (struct raft_request_vote_result){
        .version = 3,
        .term = result.term,
        .vote_granted = result.granted,
        .pre_vote = result.pre_vote,
        .capacity = REPLICA_DISK_CAPACITY,
    };
    receive(replica, peer, &message);
}

static void receive_timeout_now(struct replica *replica, struct replica_peer *peer,
                                const uint8_t *bytes, size_t byte_count)
{
    struct peer_timeout_now timeout;
    if (!peer_message_get_timeout_now(bytes, byte_count, &timeout)) {
        replica_drop(replica, peer->node, "timeout now");
        return;
    }
    /* What waits must be on disk before we campaign with it. */
    replica_entries_write(replica);
    if (replica->status != STATUS_OK || !replica_member_may_lead(replica)) return;
    struct raft_message message = {.type = RAFT_TIMEOUT_NOW};
    message.timeout_now = (struct raft_timeout_now){
        .term = timeout.term,
        .last_log_index = timeout.last_index,
        .last_log_term = timeout.last_term,
    };
    receive(replica, peer, &message);
}

static void receive_needs(struct replica *replica, struct replica_peer *peer, const uint8_t *bytes,
                          size_t byte_count)
{
    struct peer_needs needs;
    if (!peer_message_get_needs(bytes, byte_count, &needs)) {
        replica_drop(replica, peer->node, "needs checkpoint");
        return;
    }
    if (needs.term != raft_current_term(&replica->raft) || replica->leader != peer->node) return;
    log_warn("ledger", "the leader's log begins above the end of ours: a checkpoint is needed",
             "leader=%u base=%" PRIu64 " stored=%" PRIu64, (unsigned)peer->node, needs.base_index,
             replica->stored);
    replica_fail(replica, STATUS_BEHIND);
}

/* Messages beside the engine's. */
static void receive_other(struct replica *replica, struct replica_peer *peer, const uint8_t *bytes,
                          size_t byte_count)
{
    bool good = false;
    if (peer->left && (bytes[0] == PEER_FORWARD || bytes[0] == PEER_LOOSE)) {
        replica_drop(replica, peer->node, "a command of who is no member");
        return;
    }
    struct peer_forward forward;
    struct peer_expected expected;
    struct peer_loose loose;
    struct peer_ping ping;
    switch (bytes[0]) {
    case PEER_FORWARD:
        good = peer_message_get_forward(bytes, byte_count, peer->node, &forward);
        if (good) replica_propose_forwarded(replica, peer, &forward);
        break;
    case PEER_EXPECTED:
        good = peer_message_get_expected(bytes, byte_count, &expected);
        if (good && peer->node == replica->leader)
            origin_expected(&replica->origin, expected.epoch, expected.sequence);
        break;
    case PEER_LOOSE:
        good = peer_message_get_loose(bytes, byte_count, &loose);
        if (good) replica_propose_loose(replica, &loose);
        break;
    case PEER_PING:
        good = peer_message_get_ping(bytes, byte_count, &ping);
        if (good) replica_member_ping(replica, peer, &ping);
        break;
    default:
        break;
    }
    if (!good) replica_drop(replica, peer->node, "type or form");
}

void replica_receive(struct replica *replica, struct sequence_time now, uint32_t node,
                     const uint8_t *bytes, size_t byte_count)
{
    replica->now = now;
    struct replica_peer *peer = replica_member_find(replica, node);
    if (replica->status != STATUS_OK) return;
    if (peer == NULL || byte_count == 0) {
        replica_drop(replica, node, "not a member");
        return;
    }
    peer->heard_ns = now.monotonic_ns;
    peer->lost = false;
    static void (*const receivers[])(struct replica *, struct replica_peer *, const uint8_t *,
                                     size_t) = {
        [PEER_APPEND] = receive_append,
        [PEER_RESULT] = receive_result,
        [PEER_VOTE] = receive_vote,
        [PEER_VOTE_RESULT] = receive_vote_result,
        [PEER_TIMEOUT_NOW] = receive_timeout_now,
        [PEER_NEEDS_CHECKPOINT] = receive_needs,
    };
    const struct replica_world *world = &replica->options.world;
    if (bytes[0] > PEER_MESSAGE_LAST) {
        if (world->other != NULL) world->other(world->context, node, bytes, byte_count);
    } else if (bytes[0] >= PEER_APPEND && bytes[0] <= PEER_NEEDS_CHECKPOINT) {
        receivers[bytes[0]](replica, peer, bytes, byte_count);
        replica_leader_watch(replica);
    } else
        receive_other(replica, peer, bytes, byte_count);
}
