#include "ledger/replica_state_raft.h"

#include "common/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define NS_PER_MS     UINT64_C(1000000)
#define RETRY_NS      1000000u /* when the next ring or link was full */
#define DISK_CAPACITY 60000    /* the engine's own notion of free disk: not used */

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

static void node_text(uint32_t node, char text[16])
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
    event->capacity = DISK_CAPACITY;
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

/* ---- Messages in. The engine's assertions are not compiled in: what it takes for granted is asked here. ---- */

static void receive(struct replica *replica, struct replica_peer *peer,
                    struct raft_message *message)
{
    char address[16];
    node_text(peer->node, address);
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
        .capacity = DISK_CAPACITY,
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
        .capacity = DISK_CAPACITY,
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
        .capacity = DISK_CAPACITY,
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

/* Who leads, as far as we know; the engine remembers the leader of an older term until there is another. A change
 * sends our stream again. */
static void leader_watch(struct replica *replica)
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
        leader_watch(replica);
    } else
        receive_other(replica, peer, bytes, byte_count);
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
    leader_watch(replica);
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

/* ---- Start ---- */

static void tracer_drop(struct raft_tracer *tracer, int type, const void *info)
{
    (void)tracer;
    (void)type;
    (void)info;
}

static bool engine_open(struct replica *replica)
{
    char address[16];
    node_text(replica->options.node, address);
    if (raft_init(&replica->raft, NULL, NULL, replica->options.node, address) != 0) return false;
    replica->started = true;
    replica->tracer.version = 2;
    replica->tracer.emit = tracer_drop;
    replica->raft.tracer = &replica->tracer;
    const struct replica_world *world = &replica->options.world;
    raft_seed(&replica->raft, (unsigned)world->random(world->context));
    raft_set_election_timeout(&replica->raft, REPLICA_ELECTION_MS);
    raft_set_heartbeat_timeout(&replica->raft, REPLICA_HEARTBEAT_MS);
    raft_set_pre_vote(&replica->raft, true);
    raft_set_max_inflight_entries(&replica->raft, REPLICA_IN_FLIGHT_ENTRIES);
    return true;
}

/* The first entry of every log: who votes. A node that is not of the genesis gets it from a leader. */
static enum status bootstrap(struct replica *replica)
{
    const struct genesis *genesis = replica->options.genesis;
    if (validator_set_find(&genesis->validators, replica->options.node) == NULL) return STATUS_OK;
    struct configuration configuration;
    uint8_t bytes[CONFIGURATION_BYTES_MAX];
    configuration_of_genesis(genesis, &configuration);
    const struct wal_entry entry = {
        .index = 1,
        .term = 1,
        .type = WAL_CONFIGURATION,
        .length = (uint32_t)configuration_put(&configuration, bytes),
        .bytes = bytes,
    };
    return wal_append(replica->wal, &entry, 1, 0);
}

/* Whether the log goes on where the state stands. */
static enum status base_compare(struct replica *replica)
{
    const struct replica_base *base = replica->options.base;
    const uint64_t from = base == NULL ? 0 : base->index;
    const uint64_t first = wal_base_index(replica->wal), last = wal_last_index(replica->wal);
    if (from < first || from > last) {
        log_warn("ledger", "the log does not hold what follows the state",
                 "state=%" PRIu64 " base=%" PRIu64 " last=%" PRIu64, from, first, last);
        return STATUS_BEHIND;
    }
    if (base == NULL) return STATUS_OK;
    uint64_t term;
    hash_t hash;
    const enum status status = wal_hash(replica->wal, from, &term, &hash);
    if (status != STATUS_OK) return status;
    if (term == base->term && hash_equal(hash, base->hash)) return STATUS_OK;
    log_error("ledger", "the log is not the one that the checkpoint was taken of, stopping",
              "index=%" PRIu64 " term=%" PRIu64 " checkpoint_term=%" PRIu64, from, term,
              base->term);
    return STATUS_MISMATCH;
}

static enum status log_open(struct replica *replica)
{
    const struct replica_options *options = &replica->options;
    const struct wal_options wal_options = {
        .disk = options->disk,
        .segment_bytes = options->segment_bytes,
        .chain_id = genesis_chain_id(options->genesis),
        .node = options->node,
        .metrics = options->metrics,
    };
    struct wal_damage damage;
    enum status status = wal_open(&wal_options, &replica->wal, &damage);
    if (status == STATUS_OK && wal_last_index(replica->wal) == 0 && options->base == NULL)
        status = bootstrap(replica);
    if (status == STATUS_OK) status = base_compare(replica);
    return status;
}

/* A configuration as the engine wants it; its memory goes with it. */
static enum status configuration_read(struct replica *replica, uint64_t index,
                                      struct raft_configuration *theirs, uint64_t *at,
                                      struct configuration *ours)
{
    struct wal_entry entry;
    const enum status status = wal_read_configuration(replica->wal, index, &entry);
    if (status != STATUS_OK) return status == STATUS_NOT_FOUND ? STATUS_DAMAGED : status;
    const struct raft_buffer bytes = {.base = (void *)(uintptr_t)entry.bytes, .len = entry.length};
    *at = entry.index;
    if (!configuration_get(entry.bytes, entry.length, ours)) return STATUS_DAMAGED;
    if (theirs == NULL) return STATUS_OK;
    return raft_configuration_decode(&bytes, theirs) == 0 ? STATUS_OK : STATUS_NO_MEMORY;
}

/* The term to start in. A sole voter makes itself leader without an election and would do so again in the same
 * term, where two different entries of one index could then exist (the first in flight to a standby when it
 * died): so each of its lives has a term of its own. */
static enum status start_term(struct replica *replica)
{
    const uint64_t term = wal_term(replica->wal), last = wal_last_index(replica->wal);
    struct configuration configuration = {0};
    uint64_t at;
    if (last > 0) {
        const enum status status = configuration_read(replica, last, NULL, &at, &configuration);
        if (status != STATUS_OK) return status;
    }
    if (configuration_voters(&configuration) == 1 &&
        configuration_role(&configuration, replica->options.node) == NODE_VOTER)
        return wal_set_vote(replica->wal, term + 1, 0);
    return term == 0 ? wal_set_vote(replica->wal, 1, 0) : STATUS_OK;
}

/* Reads the entries from `first` on as the engine wants them: terms, types, and configurations. */
static enum status entries_read(struct replica *replica, uint64_t first, struct raft_entry *entries,
                                unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct wal_entry entry;
        const enum status status = wal_read(replica->wal, first + i, &entry);
        if (status != STATUS_OK) return status;
        entries[i] =
            (struct raft_entry){.term = entry.term, .type = (enum raft_entry_type)entry.type};
        if (entry.type != WAL_CONFIGURATION) continue;
        struct configuration configuration;
        if (!configuration_get(entry.bytes, entry.length, &configuration)) return STATUS_DAMAGED;
        entries[i].buf.base = raft_malloc(entry.length);
        if (entries[i].buf.base == NULL) return STATUS_NO_MEMORY;
        entries[i].buf.len = entry.length;
        le_put_bytes(entries[i].buf.base, entry.bytes, entry.length);
    }
    return STATUS_OK;
}

/* What is known committed, as if from a snapshot: the engine never has the log itself in memory. */
static enum status start_metadata(struct replica *replica, uint64_t commit,
                                  struct raft_snapshot_metadata *metadata)
{
    struct configuration ours;
    uint64_t term, at;
    hash_t hash;
    enum status status = wal_hash(replica->wal, commit, &term, &hash);
    if (status == STATUS_OK)
        status = configuration_read(replica, commit, &metadata->configuration, &at, &ours);
    if (status != STATUS_OK) return status;
    metadata->index = commit;
    metadata->term = term;
    metadata->configuration_index = at;
    replica->floor_index = commit;
    replica->floor_term = term;
    return STATUS_OK;
}

/* Starts the engine from what is committed and the entries above it. */
static enum status engine_start(struct replica *replica)
{
    const struct replica_base *base = replica->options.base;
    const uint64_t last = wal_last_index(replica->wal);
    uint64_t commit = wal_commit_index(replica->wal);
    if (base != NULL && base->index > commit) commit = base->index;
    struct raft_snapshot_metadata metadata = {0};
    struct raft_event event = {.type = RAFT_START};
    enum status status = start_term(replica);
    if (status == STATUS_OK && commit > 0) status = start_metadata(replica, commit, &metadata);
    const unsigned count = (unsigned)(last - commit);
    struct raft_entry *entries = calloc(count + 1, sizeof(*entries));
    if (entries == NULL) status = STATUS_NO_MEMORY;
    if (status == STATUS_OK) status = entries_read(replica, commit + 1, entries, count);
    if (status == STATUS_OK) {
        event.start.term = wal_term(replica->wal);
        event.start.voted_for = wal_voted_for(replica->wal);
        event.start.start_index = commit + 1;
        event.start.entries = entries;
        event.start.n_entries = count;
        if (commit > 0)
            event.start.metadata = &metadata; /* its configuration is the engine's now */
        replica->stored = last;
        replica->commit = commit;
        replica_step(replica, &event);
        status = replica->status;
    } else
        raft_configuration_close(&metadata.configuration);
    for (unsigned i = 0; entries != NULL && i < count; i++)
        raft_free(entries[i].buf.base);
    free(entries);
    return status;
}

static void state_start(struct replica *replica)
{
    const struct replica_options *options = &replica->options;
    const struct replica_base *base = options->base;
    sequence_init(&replica->sequence, options->genesis, base == NULL ? NULL : &base->sequence);
    origin_init(&replica->origin, options->node, options->world.random(options->world.context),
                replica->origin_bytes, replica->origin_entries);
    replica_cache_init(&replica->cache, replica->cache_bytes);
    replica->loose =
        (struct run_queue){.bytes = replica->loose_bytes, .capacity = sizeof(replica->loose_bytes)};
    replica->leader_ns = replica->now.monotonic_ns;
    if (base == NULL) return;
    ASSERT(base->configuration_bytes <= sizeof(replica->configuration.bytes));
    replica->delivered = base->index;
    replica->forgotten = wal_base_index(replica->wal);
    replica->configuration.index = base->configuration_index;
    replica->configuration.byte_count = base->configuration_bytes;
    le_put_bytes(replica->configuration.bytes, base->configuration, base->configuration_bytes);
}

enum status replica_new(const struct replica_options *options, struct sequence_time now,
                        struct replica **result)
{
    *result = NULL;
    struct replica *replica = calloc(1, sizeof(*replica));
    if (replica == NULL) return STATUS_NO_MEMORY;
    replica->options = *options;
    replica->now = now;
    replica->cache_bytes = malloc(REPLICA_CACHE_BYTES);
    replica->origin_bytes = malloc(ORIGIN_BYTES);
    replica->origin_entries = calloc(ORIGIN_COMMANDS, sizeof(*replica->origin_entries));
    replica->frame = malloc(PEERS_MESSAGE_MAX);
    enum status status = STATUS_NO_MEMORY;
    if (replica->cache_bytes != NULL && replica->origin_bytes != NULL &&
        replica->origin_entries != NULL && replica->frame != NULL && engine_open(replica))
        status = log_open(replica);
    if (status == STATUS_OK) {
        state_start(replica);
        replica_change_nodes(replica, options->nodes);
        status = engine_start(replica);
    }
    if (status == STATUS_OK) {
        leader_watch(replica);
        replica_member_progress(replica);
        *result = replica;
    } else
        replica_free(replica);
    return status;
}

void replica_free(struct replica *replica)
{
    if (replica == NULL) return;
    struct progress *progress = replica->options.progress;
    atomic_store_explicit(&progress->is_leader, 0, memory_order_relaxed);
    atomic_store_explicit(&progress->leader, 0, memory_order_relaxed);
    for (uint32_t i = 0; i < REPLICA_PEERS; i++)
        replica_vet_free(&replica->peers[i]);
    wal_close(replica->wal);
    if (replica->started) raft_close(&replica->raft, NULL);
    free(replica->frame);
    free(replica->origin_entries);
    free(replica->origin_bytes);
    free(replica->cache_bytes);
    free(replica);
}
