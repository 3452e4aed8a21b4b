#include "ledger/replica_state_raft.h"

#include "common/log.h"

#include <inttypes.h>
#include <stdlib.h>

#define CLOCK_OFF_NS  250000000 /* from the others' median: such a node does not lead */
#define NS_PER_MS     UINT64_C(1000000)
#define CATCH_UP_LEFT 64u         /* entries that a standby may still lack when it is promoted */
#define TRANSFER_NS   300000000u  /* an attempt to give leadership away */
#define WITHHOLD_NS   3000000000u /* without a leader, and with a quorum that could make one */
#define RESIGN_NS     1000000000u

struct replica_peer *replica_member_find(struct replica *replica, uint32_t node)
{
    for (uint32_t i = 0; node != 0 && i < REPLICA_PEERS; i++)
        if (replica->peers[i].node == node) return &replica->peers[i];
    return NULL;
}

/* ---- The node set ---- */

static void peer_close(struct replica *replica, struct replica_peer *peer)
{
    sequence_forget(&replica->sequence, peer->node);
    replica_vet_free(peer);
    *peer = (struct replica_peer){0};
}

static void peer_open(struct replica *replica, uint32_t node)
{
    const struct peers *peers = &replica->options.world.peers;
    if (node == replica->options.node || replica_member_find(replica, node) != NULL) return;
    for (uint32_t i = 0; i < REPLICA_PEERS; i++) {
        struct replica_peer *peer = &replica->peers[i];
        if (peer->node != 0) continue;
        *peer = (struct replica_peer){.node = node, .heard_ns = replica->now.monotonic_ns};
        peer->up = peers->is_up != NULL && peers->is_up(peers->context, node);
        return;
    }
    /* A set has no more members than there are places; two sets may. Who is of the state's came first. */
    log_warn("ledger", "no place to listen to a node", "node=%u", (unsigned)node);
}

static void peers_open(struct replica *replica, const struct node_set *set)
{
    for (uint32_t i = 0; i < set->count; i++)
        peer_open(replica, set->members[i].node);
}

static bool configuration_has(const struct raft_configuration *configuration, uint32_t node)
{
    for (unsigned i = 0; i < configuration->n; i++)
        if (configuration->servers[i].id == node) return true;
    return false;
}

bool replica_counts(const struct replica *replica, uint32_t node)
{
    return configuration_has(&replica->raft.configuration, node) ||
           configuration_has(&replica->raft.configuration_committed, node);
}

/* Peers are those of the set, those that others speak of, and those that the log counts: it may still need the
 * vote of who has left the set, for the very change that takes it out of the configuration. */
static void peers_leave(struct replica *replica)
{
    for (uint32_t i = 0; i < REPLICA_PEERS; i++) {
        struct replica_peer *peer = &replica->peers[i];
        if (peer->node == 0) continue;
        const bool known = node_set_find(&replica->nodes, peer->node) != NULL ||
                           node_set_find(&replica->links, peer->node) != NULL;
        if (!known && !replica_counts(replica, peer->node)) peer_close(replica, peer);
    }
}

/* The log's configuration moves when it wants: looked at with every tick. */
static void peers_count(struct replica *replica)
{
    const struct raft_configuration *counted = &replica->raft.configuration;
    for (unsigned i = 0; i < counted->n; i++)
        peer_open(replica, (uint32_t)counted->servers[i].id);
    peers_leave(replica);
}

static void peers_follow(struct replica *replica)
{
    peers_leave(replica);
    peers_open(replica, &replica->nodes);
    peers_open(replica, &replica->links);
    peers_count(replica);
    replica->tick_ns = 0;
}

void replica_change_nodes(struct replica *replica, const struct node_set *nodes)
{
    for (uint32_t i = 0; i < REPLICA_PEERS; i++) {
        struct replica_peer *peer = &replica->peers[i];
        if (peer->node == 0 || node_set_find(&replica->nodes, peer->node) == NULL ||
            node_set_find(nodes, peer->node) != NULL)
            continue;
        peer->left = true;
        sequence_forget(&replica->sequence, peer->node);
    }
    replica->nodes = *nodes;
    peers_follow(replica);
}

void replica_change_links(struct replica *replica, const struct node_set *links)
{
    replica->links = *links;
    peers_follow(replica);
}

/* ---- Pings and clocks ---- */

void replica_member_ping(struct replica *replica, struct replica_peer *peer,
                         const struct peer_ping *ping)
{
    peer_clock_take(&peer->clock, replica->now.monotonic_ns, replica->now.clock_ns, ping->clock_ns,
                    ping->echo_ns, ping->held_ns);
    peer->ping = *ping;
    peer->ping_ns = replica->now.monotonic_ns;
}

static void ping_send(struct replica *replica, struct replica_peer *peer)
{
    const struct progress *progress = replica->options.progress;
    const uint64_t now_ns = replica->now.monotonic_ns;
    const struct peer_ping ping = {
        .withholds = replica_member_withholds(replica),
        .clock_ns = replica->now.clock_ns,
        .sent_ns = now_ns,
        .echo_ns = peer->ping_ns != 0 ? peer->ping.sent_ns : 0,
        .held_ns = peer->ping_ns != 0 && peer->ping.sent_ns != 0 ? now_ns - peer->ping_ns : 0,
        .term = raft_current_term(&replica->raft),
        .stored = replica->stored,
        .height = atomic_load_explicit(&progress->sealed_height, memory_order_relaxed),
        .certified_height = atomic_load_explicit(&progress->certified_height, memory_order_relaxed),
    };
    uint8_t bytes[PEER_SMALL_MAX];
    replica_send(replica, peer, bytes, peer_message_put_ping(bytes, &ping));
}

/* A clock that differs from what most of the others say would give its stamps to everybody. */
static void clock_compare(struct replica *replica)
{
    int64_t ahead_ns[REPLICA_PEERS];
    uint32_t count = 0;
    for (uint32_t i = 0; i < REPLICA_PEERS; i++) {
        const struct replica_peer *peer = &replica->peers[i];
        if (peer->node != 0 && peer_clock_known(&peer->clock, replica->now.monotonic_ns))
            ahead_ns[count++] = peer->clock.ahead_ns;
    }
    const int64_t median = count >= 2 ? peer_clock_median(ahead_ns, count) : 0;
    const bool barred = median > CLOCK_OFF_NS || median < -CLOCK_OFF_NS;
    if (barred != replica->barred)
        log_warn("ledger",
                 barred ? "this node's clock is off: it may not lead" : "its clock is right again",
                 "others_ahead_ms=%" PRId64 " peers=%u", median / (int64_t)NS_PER_MS,
                 (unsigned)count);
    replica->barred = barred;
}

/* ---- Who may lead, and vote ---- */

bool replica_member_withholds(const struct replica *replica)
{
    return !replica->released && wal_cut_index(replica->wal) != 0;
}

bool replica_member_may_lead(const struct replica *replica)
{
    return !replica->barred && !replica->resigning && !replica_member_withholds(replica);
}

/* A node that may have lost what it acknowledged waits for those that have not. When so many of them are
 * missing or in the same case that nobody can be elected without it, all of them vote again: the longest log
 * there is then wins. */
static void withhold_end(struct replica *replica)
{
    if (!replica_member_withholds(replica)) return;
    struct configuration configuration;
    replica_configuration(replica, &configuration);
    const uint32_t voters = configuration_voters(&configuration);
    uint32_t here = 1, able = 0;
    for (uint32_t i = 0; i < REPLICA_PEERS; i++) {
        const struct replica_peer *peer = &replica->peers[i];
        if (peer->node == 0 || !peer->up || peer->ping_ns == 0 ||
            configuration_role(&configuration, peer->node) != NODE_VOTER)
            continue;
        here++;
        able += !peer->ping.withholds;
    }
    const bool alone = voters == 1;
    const bool stuck = here > voters / 2 && able <= voters / 2 && replica->leader == 0 &&
                       replica->now.monotonic_ns - replica->leader_ns >= WITHHOLD_NS;
    if (!alone && !stuck) return;
    replica->released = true;
    log_warn("ledger", "a torn tail was cut and nobody can be elected without this node: it votes",
             "cut_index=%" PRIu64 " stored=%" PRIu64 " voters=%u here=%u able=%u",
             wal_cut_index(replica->wal), replica->stored, (unsigned)voters, (unsigned)here,
             (unsigned)able);
}

/* ---- Giving leadership away ---- */

bool replica_member_transfer(struct replica *replica)
{
    struct configuration configuration;
    replica_configuration(replica, &configuration);
    uint32_t best = 0;
    uint64_t best_match = 0;
    for (uint32_t i = 0; i < REPLICA_PEERS; i++) {
        const struct replica_peer *peer = &replica->peers[i];
        raft_index match;
        if (peer->node == 0 || !peer->up || peer->ping.withholds ||
            configuration_role(&configuration, peer->node) != NODE_VOTER ||
            raft_match_index(&replica->raft, peer->node, &match) != 0 || match <= best_match)
            continue;
        best = peer->node;
        best_match = match;
    }
    if (best == 0) return false;
    log_info("ledger", "giving leadership away", "node=%u term=%" PRIu64, (unsigned)best,
             (uint64_t)raft_current_term(&replica->raft));
    struct raft_event event = {.type = RAFT_TRANSFER};
    event.transfer.server_id = best;
    replica_step(replica, &event);
    return true;
}

/* Another attempt when the last one has come to nothing. */
static void transfer_turn(struct replica *replica)
{
    const uint64_t now_ns = replica->now.monotonic_ns;
    if (raft_transferee(&replica->raft) != 0 || now_ns < replica->transfer_ns) return;
    replica->transfer_ns = now_ns + TRANSFER_NS;
    (void)replica_member_transfer(replica);
}

bool replica_resign(struct replica *replica, struct sequence_time now)
{
    replica->now = now;
    if (!replica->resigning) {
        replica->resigning = true;
        replica->resign_ns = now.monotonic_ns + RESIGN_NS;
        replica->transfer_ns = 0;
    }
    if (replica->status != STATUS_OK || !replica_leads(replica)) return true;
    struct configuration configuration;
    replica_configuration(replica, &configuration);
    if (configuration_voters(&configuration) == 1 || now.monotonic_ns >= replica->resign_ns)
        return true;
    transfer_turn(replica);
    return false;
}

/* ---- The configuration ---- */

static void submit_configuration(struct replica *replica, const struct configuration *changed)
{
    uint8_t *bytes = replica_cache_room(&replica->cache, CONFIGURATION_BYTES_MAX);
    const size_t byte_count = configuration_put(changed, bytes);
    const uint64_t term = raft_current_term(&replica->raft);
    replica_cache_add(&replica->cache, replica->stored + 1, term, WAL_CONFIGURATION,
                      (uint32_t)byte_count);
    struct raft_entry entry = {
        .term = term,
        .type = RAFT_CHANGE,
        .buf = {.base = bytes, .len = byte_count},
        .batch = replica->cache.bytes,
    };
    struct raft_event event = {.type = RAFT_SUBMIT};
    event.submit.entries = &entry;
    event.submit.n = 1;
    log_info("ledger", "configuration proposed", "index=%" PRIu64 " members=%u voters=%u",
             replica->stored + 1, (unsigned)changed->count,
             (unsigned)configuration_voters(changed));
    replica_step(replica, &event);
    replica_entries_write(replica);
}

/* Whether a standby may be given a vote: from then on it may be needed. So it is there, holds nearly all of the log,
 * and the configuration that names it (a vote asked of it before it has the next one is judged by that). */
static bool holds_log(struct replica *replica, uint32_t node)
{
    const struct replica_peer *peer = replica_member_find(replica, node);
    raft_index match = 0;
    if (peer == NULL || !peer->up || raft_match_index(&replica->raft, node, &match) != 0)
        return false;
    return match > 0 && match + CATCH_UP_LEFT >= replica->stored &&
           match >= replica->configuration.index;
}

/* One step of the log's configuration towards the node set, when the last one is committed. */
static void configure(struct replica *replica)
{
    if (!replica->sequence.leading || raft_transferee(&replica->raft) != 0) return;
    if (replica->raft.configuration_uncommitted_index != 0 || replica->pending.count != 0) return;
    /* What the set was before we led may still be on its way through the engine; and a change is safe only
     * once an entry of our own term is committed. A block sealed since then proves both. */
    const uint64_t height =
        atomic_load_explicit(&replica->options.progress->sealed_height, memory_order_acquire);
    if (height <= replica->led_height) return;

    struct configuration configuration, changed;
    bool ready[NODE_SET_LIMIT] = {false};
    replica_configuration(replica, &configuration);
    for (uint32_t i = 0; i < configuration.count; i++) {
        ready[i] = holds_log(replica, configuration.members[i].node);
    }
    switch (configuration_step(&configuration, &replica->nodes, ready, replica->options.node,
                               &changed)) {
    case CONFIGURATION_CHANGE:
        submit_configuration(replica, &changed);
        break;
    case CONFIGURATION_RESIGN:
        transfer_turn(replica);
        break;
    case CONFIGURATION_REACHED:
    case CONFIGURATION_WAIT:
        break;
    }
}

/* ---- Progress ---- */

/* Commands are taken while blocks are certified in time: the same rule on every node. */
static bool admits(const struct replica *replica)
{
    const struct progress *progress = replica->options.progress;
    const uint64_t certified =
        atomic_load_explicit(&progress->certified_height, memory_order_relaxed);
    const uint32_t most = replica->options.genesis->params.uncertified_blocks_max;
    if (atomic_load_explicit(&progress->stuck, memory_order_relaxed) != 0) return false;
    return most == 0 || replica->sequence.sealed_height <= certified + most;
}

void replica_member_progress(struct replica *replica)
{
    struct progress *progress = replica->options.progress;
    struct configuration configuration;
    replica_configuration(replica, &configuration);
    const enum node_role role = configuration_role(&configuration, replica->options.node);
    const bool admitting = admits(replica);
    sequence_admit(&replica->sequence, admitting);
    atomic_store_explicit(&progress->term, raft_current_term(&replica->raft), memory_order_relaxed);
    atomic_store_explicit(&progress->leader, replica->leader, memory_order_relaxed);
    atomic_store_explicit(&progress->is_leader, replica_leads(replica), memory_order_relaxed);
    atomic_store_explicit(&progress->role, (uint32_t)role, memory_order_relaxed);
    atomic_store_explicit(&progress->admitting, admitting && role != NODE_GONE,
                          memory_order_relaxed);
}

static void progress_peer(struct replica *replica, const struct node_member *member,
                          struct progress_peer *shown)
{
    static const struct replica_peer nobody;
    const struct replica_peer *peer = replica_member_find(replica, member->node);
    if (peer == NULL) peer = &nobody; /* there was no place for it */
    raft_index stored = peer->ping.stored, match;
    if (raft_match_index(&replica->raft, member->node, &match) == 0 && match > stored)
        stored = match;
    atomic_store_explicit(&shown->node, member->node, memory_order_relaxed);
    atomic_store_explicit(&shown->role, member->role, memory_order_relaxed);
    atomic_store_explicit(&shown->is_up, peer->up, memory_order_relaxed);
    atomic_store_explicit(&shown->stored_index, stored, memory_order_relaxed);
    atomic_store_explicit(&shown->height, peer->ping.height, memory_order_relaxed);
    atomic_store_explicit(&shown->certified_height, peer->ping.certified_height,
                          memory_order_relaxed);
    atomic_store_explicit(&shown->clock_ahead_ns, peer->clock.ahead_ns, memory_order_relaxed);
    atomic_store_explicit(&shown->false_runs, peer->vet.false_runs, memory_order_relaxed);
}

static void progress_peers(struct replica *replica)
{
    uint32_t at = 0;
    struct progress *progress = replica->options.progress;
    for (uint32_t i = 0; i < replica->nodes.count; i++)
        if (replica->nodes.members[i].node != replica->options.node && at < PROGRESS_PEERS)
            progress_peer(replica, &replica->nodes.members[i], &progress->peers[at++]);
    for (; at < PROGRESS_PEERS; at++)
        atomic_store_explicit(&progress->peers[at].node, 0, memory_order_relaxed);
}

/* ---- The tick ---- */

static void peers_tick(struct replica *replica)
{
    const uint64_t now_ns = replica->now.monotonic_ns;
    const uint64_t lost_ns = replica->options.genesis->params.origin_lost_ms * NS_PER_MS;
    for (uint32_t i = 0; i < REPLICA_PEERS; i++) {
        struct replica_peer *peer = &replica->peers[i];
        if (peer->node == 0) continue;
        peer->lost = lost_ns != 0 && now_ns - peer->heard_ns >= lost_ns;
        if (peer->up) ping_send(replica, peer);
    }
}

void replica_member_tick(struct replica *replica)
{
    if (replica->now.monotonic_ns < replica->tick_ns) return;
    replica->tick_ns = replica->now.monotonic_ns + REPLICA_TICK_NS;
    peers_count(replica);
    peers_tick(replica);
    clock_compare(replica);
    withhold_end(replica);
    progress_peers(replica);
    replica_entries_forget(replica);
    if (!replica_leads(replica) || replica->status != STATUS_OK) return;
    if (replica->barred) transfer_turn(replica);
    configure(replica);
}
