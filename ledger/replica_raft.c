#include "ledger/replica_state_raft.h"

#include "common/log.h"

#include <inttypes.h>
#include <stdio.h>

#define NS_PER_MS UINT64_C(1000000)
#define RETRY_NS  1000000u /* when the next ring or link was full */

static_assert(PEER_ENTRIES_MAX <= REPLICA_SUBMIT_MAX,
              "a message's entries fit where ours are made");

bool replica_leads(const struct replica *replica)
{
    return replica->raft.state == RAFT_LEADER;
}

void replica_fail(struct replica *replica, enum status status)
{
    ASSERT(status != STATUS_OK);
    if (replica->status == STATUS_OK) replica->status = status;
}

void replica_drop(struct replica *replica, uint32_t node, const char *what)
{
    replica->dropped++;
    log_debug("ledger", "a message cannot be right", "node=%u what=\"%s\"", (unsigned)node, what);
}

void replica_send(struct replica *replica, struct replica_peer *peer, const uint8_t *bytes,
                  size_t byte_count)
{
    const struct peers *peers = &replica->options.world.peers;
    const struct peers_piece piece = {bytes, byte_count};
    if (peer->up && peers->send(peers->context, peer->node, &piece, 1)) replica->unflushed = true;
}

void replica_configuration(const struct replica *replica, struct configuration *configuration)
{
    const struct raft_configuration *theirs = &replica->raft.configuration;
    memset(configuration, 0, sizeof(*configuration));
    ASSERT(theirs->n <= NODE_SET_LIMIT);
    configuration->count = theirs->n;
    for (unsigned i = 0; i < theirs->n; i++)
        configuration->members[i] = (struct configuration_member){
            .node = (uint32_t)theirs->servers[i].id,
            .role = theirs->servers[i].role == RAFT_VOTER ? NODE_VOTER : NODE_STANDBY,
        };
}

void replica_node_text(uint32_t node, char text[16])
{
    snprintf(text, 16, "%" PRIu32, node);
}

/* ---- The engine's updates ---- */

static void perform_vote(struct replica *replica)
{
    const enum status status = wal_set_vote(replica->wal, raft_current_term(&replica->raft),
                                            raft_voted_for(&replica->raft));
    if (status != STATUS_OK) replica_fail(replica, status);
}

static void perform_state(struct replica *replica)
{
    for (uint32_t i = 0; i < REPLICA_PEERS; i++) {
        struct replica_peer *peer = &replica->peers[i];
        replica_stream_reset(peer);
        replica_vet_clear(peer);
        /* Whom we hear of from now on: it was not ours to listen for before. */
        if (replica_leads(replica)) peer->heard_ns = replica->now.monotonic_ns;
        peer->told_lost = false;
    }
    if (!replica_leads(replica) && replica->sequence.leading) {
        sequence_lose(&replica->sequence);
        replica_propose_anew(replica);
    }
    log_info("ledger", "state", "role=%s term=%" PRIu64,
             raft_state_name((int)raft_state(&replica->raft)),
             (uint64_t)raft_current_term(&replica->raft));
}

static size_t put_result(struct replica *replica, const struct raft_append_entries_result *theirs,
                         uint8_t *bytes)
{
    struct peer_result result = {
        .accepted = theirs->rejected == 0,
        .term = theirs->term,
        .rejected = theirs->rejected,
        .last_index = theirs->last_log_index,
    };
    if (!result.accepted) {
        /* The engine leaves it unset when the term was too low. */
        const uint64_t last = replica_entries_last(replica);
        result.last_index = last < result.rejected ? last : result.rejected - 1;
    } else if (!replica_entries_hash(replica, result.last_index, &result.hash_term, &result.hash)) {
        result.hash_term = 0;
        memset(&result.hash, 0, sizeof(result.hash));
    }
    return peer_message_put_result(bytes, &result);
}

/* The small messages. Returns 0 for one that is not to be sent. */
static size_t put_message(struct replica *replica, const struct raft_message *message,
                          uint8_t *bytes)
{
    switch (message->type) {
    case RAFT_REQUEST_VOTE: {
        const struct raft_request_vote *theirs = &message->request_vote;
        const struct peer_vote vote = {theirs->disrupt_leader, theirs->pre_vote, theirs->term,
                                       theirs->last_log_index, theirs->last_log_term};
        /* Who may not lead becomes a candidate all the same, so that it does not stand by a dead leader, but
         * a silent one. */
        return replica_member_may_lead(replica) ? peer_message_put_vote(bytes, &vote) : 0;
    }
    case RAFT_REQUEST_VOTE_RESULT: {
        const struct raft_request_vote_result *theirs = &message->request_vote_result;
        struct peer_vote_result result = {theirs->vote_granted, theirs->pre_vote, theirs->term};
        /* The engine gives a candidate's own term back, so that one with the longest log and a low term would
         * never learn why nobody wants it. */
        const uint64_t term = raft_current_term(&replica->raft);
        if (result.pre_vote && !result.granted && term > result.term) result.term = term;
        return peer_message_put_vote_result(bytes, &result);
    }
    case RAFT_APPEND_ENTRIES_RESULT:
        if (replica->quiet && message->append_entries_result.rejected == 0) return 0;
        return put_result(replica, &message->append_entries_result, bytes);
    case RAFT_TIMEOUT_NOW: {
        const struct raft_timeout_now *theirs = &message->timeout_now;
        const struct peer_timeout_now timeout = {theirs->term, theirs->last_log_index,
                                                 theirs->last_log_term};
        return peer_message_put_timeout_now(bytes, &timeout);
    }
    default:
        return 0;
    }
}

static void perform_message(struct replica *replica, const struct raft_message *message)
{
    struct replica_peer *peer = replica_member_find(replica, (uint32_t)message->server_id);
    if (peer == NULL)
        return; /* no member of the set any more, but still one of the configuration */
    if (message->type == RAFT_APPEND_ENTRIES) {
        replica_stream_ask(replica, peer, &message->append_entries);
    } else if (message->type == RAFT_INSTALL_SNAPSHOT) {
        /* Snapshots of the engine's own are never sent: what it does not remember is in the log. */
        replica_stream_catch_up(replica, peer, message->install_snapshot.last_index);
    } else {
        uint8_t bytes[PEER_SMALL_MAX];
        const size_t byte_count = put_message(replica, message, bytes);
        if (byte_count > 0) replica_send(replica, peer, bytes, byte_count);
    }
}

static void perform(struct replica *replica, const struct raft_update *update)
{
    /* Term and vote first: nothing may depend on them before they are on disk. */
    if (update->flags & (RAFT_UPDATE_CURRENT_TERM | RAFT_UPDATE_VOTED_FOR)) perform_vote(replica);
    if (update->flags & RAFT_UPDATE_STATE) perform_state(replica);
    ASSERT(!(update->flags & RAFT_UPDATE_SNAPSHOT)); /* nobody sends us one */
    /* Entries before messages, which may be about them; they go to the disk after these. */
    if (update->flags & RAFT_UPDATE_ENTRIES) replica_entries_pend(replica, update);
    /* The engine's own index may step back. */
    const uint64_t commit = raft_commit_index(&replica->raft);
    if (commit > replica->commit) replica->commit = commit;
    if (!(update->flags & RAFT_UPDATE_MESSAGES)) return;
    for (unsigned i = 0; i < update->messages.n && replica->status == STATUS_OK; i++)
        perform_message(replica, &update->messages.batch[i]);
}

void replica_step(struct replica *replica, struct raft_event *event)
{
    struct raft_update update = {0};
    event->time = replica->now.monotonic_ns / NS_PER_MS;
    event->capacity = REPLICA_DISK_CAPACITY;
    const int result = raft_step(&replica->raft, event, &update);
    if (result == 0) {
        perform(replica, &update);
        return;
    }
    log_error("ledger", "the consensus engine refused an event, stopping",
              "event=%d result=%d text=\"%s\" commit=%" PRIu64 " stored=%" PRIu64, (int)event->type,
              result, raft_strerror(result), replica->commit, replica->stored);
    replica_fail(replica, result == RAFT_NOMEM ? STATUS_NO_MEMORY : STATUS_MISMATCH);
}

/* ---- The others ---- */

/* Who leads, as far as we know; the engine remembers the leader of an older term until there is another. A change
 * sends our stream again. */
void replica_leader_watch(struct replica *replica)
{
    uint32_t leader = 0;
    if (replica_leads(replica))
        leader = replica->options.node;
    else if (raft_state(&replica->raft) == RAFT_FOLLOWER &&
             replica->append_term == raft_current_term(&replica->raft))
        leader = (uint32_t)replica->raft.follower_state.current_leader.id;
    const uint64_t term = raft_current_term(&replica->raft);
    if (leader != 0) replica->leader_ns = replica->now.monotonic_ns;
    if (leader == replica->leader && term == replica->leader_term) return;
    if (leader != 0 && leader != replica->options.node)
        log_info("ledger", "following", "leader=%u term=%" PRIu64, (unsigned)leader, term);
    replica->leader = leader;
    replica->leader_term = term;
    replica_propose_anew(replica);
}

void replica_link(struct replica *replica, struct sequence_time now, uint32_t node, bool up)
{
    replica->now = now;
    struct replica_peer *peer = replica_member_find(replica, node);
    if (peer == NULL) return;
    peer->up = up;
    peer->needs_ns = 0;
    peer->ping_ns = 0;
    peer->heard_ns = up ? now.monotonic_ns : peer->heard_ns;
    replica_stream_reset(peer);
    replica_vet_clear(peer); /* what comes behind it on a new link begins anew */
    if (node == replica->leader) replica_propose_anew(replica);
    replica->tick_ns = 0;
}

/* ---- Turns ---- */

/* True: look again at once. A process that slept finds its timer run out before it has read what came meanwhile:
 * a follower believes it only when it has looked for messages once more. */
static bool timer_turn(struct replica *replica)
{
    if (replica->now.monotonic_ns / NS_PER_MS < raft_timeout(&replica->raft)) {
        replica->timeout_at = false;
        return false;
    }
    if (!replica_leads(replica) && !replica->timeout_at) {
        replica->timeout_at = true;
        return true;
    }
    replica->timeout_at = false;
    struct raft_event event = {.type = RAFT_TIMEOUT};
    replica_step(replica, &event);
    return false;
}

bool replica_turn(struct replica *replica, struct sequence_time now)
{
    replica->now = now;
    replica_entries_write(replica);
    if (replica->status != STATUS_OK) return false;
    bool more = timer_turn(replica);
    replica_entries_write(replica); /* a new leader's barrier */
    replica_leader_watch(replica);
    replica_entries_deliver(replica);
    replica_member_progress(replica);
    if (replica->status == STATUS_OK) more |= replica_propose(replica);
    if (replica->status == STATUS_OK) more |= replica_stream_pump(replica);
    if (replica->status == STATUS_OK) replica_stream_announce(replica);
    if (replica->status == STATUS_OK) replica_member_tick(replica);
    if (replica->status == STATUS_OK) {
        const enum status status = wal_prepare(replica->wal);
        if (status != STATUS_OK) replica_fail(replica, status);
    }
    INVARIANT(replica_check(replica));
    if (replica->status != STATUS_OK) return false;
    const bool deliverable =
        replica->delivered < replica->commit && replica->delivered < replica->stored;
    return !replica->full && (more || deliverable || replica->pending.count > 0);
}

static uint64_t earlier(uint64_t left, uint64_t right)
{
    return left < right ? left : right;
}

uint64_t replica_due(const struct replica *replica)
{
    const uint64_t now_ns = replica->now.monotonic_ns;
    uint64_t due_ns = earlier(replica->tick_ns, raft_timeout(&replica->raft) * NS_PER_MS);
    const uint64_t seal_ns = sequence_due(&replica->sequence);
    if (seal_ns != 0) due_ns = earlier(due_ns, seal_ns);
    if (replica->full || replica->forward_blocked || replica->vet_waits ||
        replica_stream_blocked(replica))
        due_ns = earlier(due_ns, now_ns + RETRY_NS);
    return due_ns;
}

enum status replica_status(const struct replica *replica)
{
    return replica->status;
}

enum status replica_read(struct replica *replica, uint64_t index, struct wal_entry *entry)
{
    if (index > replica->stored) return STATUS_NOT_FOUND;
    return replica_entries_read(replica, index, entry);
}

struct replica_facts replica_facts(const struct replica *replica)
{
    struct configuration configuration;
    replica_configuration(replica, &configuration);
    return (struct replica_facts){
        .leads = replica_leads(replica),
        .withholds = replica_member_withholds(replica),
        .role = (uint8_t)configuration_role(&configuration, replica->options.node),
        .leader = replica->leader,
        .term = raft_current_term(&replica->raft),
        .base = wal_base_index(replica->wal),
        .stored = replica->stored,
        .commit = replica->commit,
        .delivered = replica->delivered,
        .stored_hash = wal_last_hash(replica->wal),
        .dropped = replica->dropped,
    };
}

bool replica_check(const struct replica *replica)
{
    ASSERT(replica->delivered <= replica->commit);
    ASSERT(replica->delivered <= replica->stored);
    if (replica->pending.count > 0) {
        ASSERT(replica->pending.count <= REPLICA_PENDING_MAX);
        ASSERT(replica->pending.first == replica->stored + 1);
    }
    for (uint32_t i = 0; i < REPLICA_PEERS; i++) {
        const struct replica_stream *stream = &replica->peers[i].stream;
        ASSERT(stream->begin <= stream->next && stream->next <= stream->until + 1);
    }
    ASSERT(sequence_check(&replica->sequence));
    return true;
}
