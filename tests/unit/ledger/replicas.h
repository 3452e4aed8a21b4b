/* A few replicas in one process and in virtual time: links, disks and engines in memory, for their tests.
 *
 * The engine of each applies commands by the rule of engine/origins.h and keeps the tickets of what it applied;
 * its anchor certifies a block at once. Whatever two members delivered at one index must be equal.
 */

#ifndef TESTS_UNIT_LEDGER_REPLICAS_H
#define TESTS_UNIT_LEDGER_REPLICAS_H

#include "common/log.h"
#include "ledger/configuration.h"
#include "ledger/replica.h"
#include "tests/harness.h"
#include "tests/unit/ledger/memory_disk.h"

#define MEMBERS_MAX   6
#define TICKETS_MAX   200000
#define BATCHES_MAX   200000
#define MS            UINT64_C(1000000)
#define SEGMENT_BYTES (256 * 1024)

/* ---- Members ---- */

struct cluster;

struct letter {
    struct letter *next;
    uint64_t at_ns;
    size_t byte_count;
    uint8_t bytes[];
};

struct line {
    struct letter *first, **last;
    uint64_t newest_ns;
    bool cut;
};

struct stream_seen {
    uint64_t epoch, nonce, last;
};

struct member {
    struct cluster *cluster;
    uint32_t node;
    bool alive;
    struct replica *replica;
    enum status ended; /* why it stopped by itself */
    struct memory_disk disk;
    struct progress progress;
    struct metrics metrics;
    int64_t clock_off_ns;
    bool engine_full; /* its ring takes nothing */
    bool engine_lags; /* it has not come to what it was given */

    /* What its engine has seen. */
    uint64_t command_count, sealed, delivered_index, stamp_ns;
    struct stream_seen streams[MEMBERS_MAX + 1];
    uint64_t *tickets;
    uint32_t ticket_count;
    uint32_t votes, lost, unapplied;

    /* What its gateway and anchor have put in. */
    struct {
        uint8_t bytes[1 << 20];
        size_t head, tail;
    } arrived[REPLICA_SOURCES];
    struct replica_mark mark;
    uint8_t mark_configuration[CONFIGURATION_BYTES_MAX];
    uint32_t marks, others;
};

struct cluster {
    struct genesis genesis;
    struct node_set nodes;
    uint64_t now_ns;
    uint64_t random;
    uint64_t delay_ns, jitter_ns;
    uint8_t *acknowledged; /* by ticket: the engine of the node that took it has applied it */
    uint32_t count;
    struct member members[MEMBERS_MAX]; /* node id: place + 1 */
    struct line lines[MEMBERS_MAX][MEMBERS_MAX];
    hash_t *batches; /* by index: what any of them delivered */
    uint64_t messages, sent_bytes;
    const struct vetting *vetting; /* of all; its context is the member; NULL: everything stands */
    /* Looks at a message on its way; false: it is lost. */
    bool (*look)(struct cluster *cluster, uint32_t from, uint32_t to, const uint8_t *bytes,
                 size_t byte_count);
};

static inline struct sequence_time cluster_time(const struct member *member)
{
    const uint64_t now = member->cluster->now_ns;
    return (struct sequence_time){
        .clock_ns = (uint64_t)((int64_t)(UINT64_C(1000000000000) + now) + member->clock_off_ns),
        .monotonic_ns = now + member->node * UINT64_C(777000000),
    };
}

static inline uint64_t cluster_random(void *context)
{
    struct cluster *cluster = ((struct member *)context)->cluster;
    uint64_t value = cluster->random;
    value ^= value << 13;
    value ^= value >> 7;
    value ^= value << 17;
    return cluster->random = value;
}

static inline bool line_up(const struct cluster *cluster, uint32_t from, uint32_t to)
{
    return cluster->members[from].alive && cluster->members[to].alive &&
           !cluster->lines[from][to].cut && !cluster->lines[to][from].cut;
}

static inline void line_clear(struct line *line)
{
    while (line->first != NULL) {
        struct letter *letter = line->first;
        line->first = letter->next;
        free(letter);
    }
    line->last = &line->first;
}

static inline bool member_send(void *context, uint32_t node, const struct peers_piece *pieces,
                               uint32_t count)
{
    struct member *member = context;
    struct cluster *cluster = member->cluster;
    const uint32_t from = member->node - 1, to = node - 1;
    assert_true(count <= PEERS_PIECES_MAX && node > 0);
    if (to >= cluster->count || !line_up(cluster, from, to)) return false;
    size_t byte_count = 0;
    for (uint32_t i = 0; i < count; i++)
        byte_count += pieces[i].byte_count;
    assert_true(byte_count <= PEERS_MESSAGE_MAX);
    struct letter *letter = malloc(sizeof(*letter) + byte_count);
    assert_non_null(letter);
    uint8_t *at = letter->bytes;
    for (uint32_t i = 0; i < count; i++)
        if (pieces[i].byte_count > 0) at = le_put_bytes(at, pieces[i].bytes, pieces[i].byte_count);
    letter->next = NULL;
    letter->byte_count = byte_count;
    struct line *line = &cluster->lines[from][to];
    uint64_t delay_ns = cluster->delay_ns;
    if (cluster->jitter_ns > 0) delay_ns += cluster_random(member) % cluster->jitter_ns;
    letter->at_ns = cluster->now_ns + delay_ns;
    if (letter->at_ns < line->newest_ns) letter->at_ns = line->newest_ns; /* in order */
    line->newest_ns = letter->at_ns;
    *line->last = letter;
    line->last = &letter->next;
    cluster->messages++;
    cluster->sent_bytes += byte_count;
    return true;
}

static inline bool member_is_up(void *context, uint32_t node)
{
    const struct member *member = context;
    return node - 1 < member->cluster->count &&
           line_up(member->cluster, member->node - 1, node - 1);
}

/* The engine's rule. */
static inline void member_apply(struct member *member, const struct command *command)
{
    const struct command_header *header = &command->header;
    const uint64_t number = ++member->command_count;
    if (header->type == T_SEAL) {
        struct seal_command seal;
        seal_command_get(command->payload, &seal);
        if (seal.height == member->sealed + 1) member->sealed++;
        return;
    }
    if (header->type == T_HELLO) {
        struct hello_command hello;
        hello_command_get(command->payload, &hello);
        struct stream_seen *stream = &member->streams[hello.node];
        if (stream->epoch == 0 || stream->nonce != hello.nonce)
            *stream = (struct stream_seen){number, hello.nonce, 0};
        return;
    }
    if (header->type == T_ORIGIN_LOST) {
        struct origin_lost_command lost;
        origin_lost_command_get(command->payload, &lost);
        if (member->streams[lost.node].epoch == lost.epoch)
            member->streams[lost.node] = (struct stream_seen){0};
        member->lost++;
        return;
    }
    if (header->type == T_VOTE) {
        member->votes++;
        return;
    }
    struct stream_seen *stream = &member->streams[header->origin];
    if (stream->epoch == 0 || header->origin_epoch != stream->epoch ||
        header->origin_sequence != stream->last + 1) {
        member->unapplied++;
        return;
    }
    stream->last++;
    assert_true(member->ticket_count < TICKETS_MAX);
    member->tickets[member->ticket_count++] = header->ticket;
    if (header->origin == member->node && header->ticket < TICKETS_MAX)
        member->cluster->acknowledged[header->ticket] = 1;
}

static inline bool member_deliver(void *context, uint64_t index, const uint8_t *batch,
                                  size_t byte_count)
{
    struct member *member = context;
    struct cluster *cluster = member->cluster;
    struct batch_header header;
    struct command command;
    if (member->engine_full) return false;
    assert_true(index > member->delivered_index && index < BATCHES_MAX);
    member->delivered_index = index;
    const hash_t hash = hash_of(batch, byte_count);
    static const hash_t none;
    if (memcmp(&cluster->batches[index], &none, sizeof(none)) == 0) cluster->batches[index] = hash;
    assert_memory_equal(&cluster->batches[index], &hash, sizeof(hash));
    assert_true(batch_check(batch, byte_count, &header));
    assert_true(header.stamp_ns >= member->stamp_ns);
    member->stamp_ns = header.stamp_ns;
    const uint8_t *at = batch + BATCH_HEADER_BYTES;
    while (batch_next(&at, batch + byte_count, &command))
        member_apply(member, &command);
    return true;
}

static inline void member_delivered(void *context)
{
    struct member *member = context;
    if (member->engine_lags) return;
    atomic_store(&member->progress.sealed_height, member->sealed);
    atomic_store(&member->progress.certified_height, member->sealed);
}

static inline void member_mark(void *context, const struct replica_mark *mark)
{
    struct member *member = context;
    member->mark = *mark;
    memcpy(member->mark_configuration, mark->base.configuration, mark->base.configuration_bytes);
    member->mark.base.configuration = member->mark_configuration;
    member->marks++;
}

static inline const uint8_t *member_arrived(void *context, enum replica_source source,
                                            size_t *byte_count)
{
    struct member *member = context;
    if (member->arrived[source].head == member->arrived[source].tail) return NULL;
    const uint8_t *at = member->arrived[source].bytes + member->arrived[source].head;
    *byte_count = le_get_u32(at);
    return at;
}

static inline void member_taken(void *context, enum replica_source source)
{
    struct member *member = context;
    member->arrived[source].head +=
        le_get_u32(member->arrived[source].bytes + member->arrived[source].head);
    if (member->arrived[source].head == member->arrived[source].tail)
        member->arrived[source].head = member->arrived[source].tail = 0;
}

static inline void member_other(void *context, uint32_t node, const uint8_t *bytes,
                                size_t byte_count)
{
    (void)node;
    (void)bytes;
    (void)byte_count;
    ((struct member *)context)->others++;
}

/* A CANCEL_ALL with this ticket. False: no room. */
static inline bool member_submit(struct member *member, uint64_t ticket)
{
    const struct command_header header = {
        .length = COMMAND_HEADER_BYTES + CANCEL_ALL_BYTES, .type = T_CANCEL_ALL, .ticket = ticket};
    const struct cancel_all_command cancel = {.account = 1, .market = 1};
    if (member->arrived[REPLICA_COMMANDS].tail + header.length >
        sizeof(member->arrived[REPLICA_COMMANDS].bytes))
        return false;
    uint8_t *at = member->arrived[REPLICA_COMMANDS].bytes + member->arrived[REPLICA_COMMANDS].tail;
    command_header_put(at, &header);
    cancel_all_command_put(at + COMMAND_HEADER_BYTES, &cancel);
    member->arrived[REPLICA_COMMANDS].tail += header.length;
    return true;
}

static inline void member_vote(struct member *member, uint64_t height)
{
    const struct command_header header = {.length = COMMAND_HEADER_BYTES + VOTE_BYTES,
                                          .type = T_VOTE};
    const struct vote_command vote = {.height = height, .node = member->node};
    uint8_t *at = member->arrived[REPLICA_VOTES].bytes + member->arrived[REPLICA_VOTES].tail;
    command_header_put(at, &header);
    vote_command_put(at + COMMAND_HEADER_BYTES, &vote);
    member->arrived[REPLICA_VOTES].tail += header.length;
}

/* ---- The cluster ---- */

static inline void cluster_links(struct cluster *cluster, uint32_t at)
{
    for (uint32_t i = 0; i < cluster->count; i++) {
        if (i == at) continue;
        line_clear(&cluster->lines[i][at]);
        line_clear(&cluster->lines[at][i]);
        const bool up = line_up(cluster, i, at);
        if (cluster->members[i].alive)
            replica_link(cluster->members[i].replica, cluster_time(&cluster->members[i]), at + 1,
                         up);
        if (cluster->members[at].alive)
            replica_link(cluster->members[at].replica, cluster_time(&cluster->members[at]), i + 1,
                         up);
    }
}

static inline enum status member_open(struct member *member, const struct node_set *nodes,
                                      const struct replica_base *base)
{
    struct cluster *cluster = member->cluster;
    const struct replica_options options = {
        .genesis = &cluster->genesis,
        .node = member->node,
        .nodes = nodes,
        .base = base,
        .disk = &member->disk.table,
        .segment_bytes = SEGMENT_BYTES,
        .world =
            {
                .context = member,
                .peers = {.context = member, .send = member_send, .is_up = member_is_up},
                .deliver = member_deliver,
                .delivered = member_delivered,
                .mark = member_mark,
                .arrived = member_arrived,
                .taken = member_taken,
                .other = member_other,
                .random = cluster_random,
            },
        .metrics = &member->metrics,
        .progress = &member->progress,
    };
    struct replica_options vetted = options;
    if (cluster->vetting != NULL) vetted.world.vetting = *cluster->vetting;
    vetted.world.vetting.context = member;
    const uint64_t delivered = member->delivered_index;
    /* The engine begins where the base says. */
    member->stamp_ns = 0;
    memset(member->streams, 0, sizeof(member->streams));
    memset(&member->progress, 0, sizeof(member->progress));
    member->command_count = base == NULL ? 0 : base->sequence.command_count;
    member->sealed = base == NULL ? 0 : base->sequence.sealed_height;
    member->delivered_index = base == NULL ? 0 : base->index;
    member->ticket_count = member->votes = member->lost = member->unapplied = 0;
    for (uint32_t i = 0; base != NULL && i < base->sequence.origin_count; i++) {
        const struct sequence_origin *origin = &base->sequence.origins[i];
        member->streams[origin->node] =
            (struct stream_seen){origin->epoch, origin->nonce, origin->last};
    }
    member_delivered(member);
    member->ended = STATUS_OK;
    memset(member->arrived, 0, sizeof(member->arrived));
    const enum status status = replica_new(&vetted, cluster_time(member), &member->replica);
    member->alive = status == STATUS_OK;
    /* What it ever handed on is on its disk. */
    if (member->alive) assert_true(replica_facts(member->replica).stored >= delivered);
    if (member->alive) cluster_links(cluster, member->node - 1);
    return status;
}

static inline void member_create(struct member *member)
{
    const struct wal_options options = {
        .disk = &member->disk.table,
        .segment_bytes = SEGMENT_BYTES,
        .chain_id = genesis_chain_id(&member->cluster->genesis),
        .node = member->node,
    };
    assert_int_equal(wal_create(&options), STATUS_OK);
}

static inline void member_start(struct member *member)
{
    assert_int_equal(member_open(member, &member->cluster->nodes, NULL), STATUS_OK);
}

/* Kill -9: what is on the disk stays. */
static inline void member_stop(struct member *member)
{
    if (!member->alive) return;
    member->alive = false;
    replica_free(member->replica);
    member->replica = NULL;
    cluster_links(member->cluster, member->node - 1);
}

static inline void cluster_cut(struct cluster *cluster, uint32_t from, uint32_t to, bool cut)
{
    cluster->lines[from][to].cut = cut;
    line_clear(&cluster->lines[from][to]);
    line_clear(&cluster->lines[to][from]);
    const bool up = line_up(cluster, from, to);
    if (cluster->members[from].alive)
        replica_link(cluster->members[from].replica, cluster_time(&cluster->members[from]), to + 1,
                     up);
    if (cluster->members[to].alive)
        replica_link(cluster->members[to].replica, cluster_time(&cluster->members[to]), from + 1,
                     up);
}

/* Takes a member off the net, or back. */
static inline void cluster_isolate(struct cluster *cluster, uint32_t at, bool cut)
{
    for (uint32_t i = 0; i < cluster->count; i++)
        if (i != at) cluster_cut(cluster, at, i, cut);
}

/* `count` members are on the net, `voters` of them in the genesis. */
static inline struct cluster *cluster_new(uint32_t count, uint32_t voters)
{
    assert_true(hash_start());
    log_set_level((enum log_level)(LOG_ERROR + (getenv("REPLICAS_LOG") == NULL ? 1 : -2)));
    struct cluster *cluster = calloc(1, sizeof(*cluster));
    cluster->random = 88172645463325252u;
    cluster->delay_ns = 100000;
    cluster->now_ns = 1000 * MS;
    cluster->count = count;
    cluster->genesis.time_ns = 1000;
    cluster->genesis.params.block_ms = 100;
    cluster->genesis.params.idle_block_ms = 1000;
    cluster->genesis.params.stamp_step_ms = 10000;
    cluster->genesis.params.uncertified_blocks_max = 100;
    cluster->genesis.validators.count = voters;
    for (uint32_t i = 0; i < voters; i++)
        cluster->genesis.validators.members[i].node = i + 1;
    node_set_of_genesis(&cluster->genesis, &cluster->nodes);
    cluster->batches = calloc(BATCHES_MAX, sizeof(*cluster->batches));
    cluster->acknowledged = calloc(TICKETS_MAX, 1);
    for (uint32_t i = 0; i < count; i++) {
        struct member *member = &cluster->members[i];
        member->cluster = cluster;
        member->node = i + 1;
        member->tickets = calloc(TICKETS_MAX, sizeof(*member->tickets));
        memory_start(&member->disk);
        for (uint32_t j = 0; j < count; j++)
            cluster->lines[i][j].last = &cluster->lines[i][j].first;
    }
    return cluster;
}

static inline void cluster_start(struct cluster *cluster)
{
    for (uint32_t i = 0; i < cluster->genesis.validators.count; i++) {
        member_create(&cluster->members[i]);
        member_start(&cluster->members[i]);
    }
}

static inline void cluster_free(struct cluster *cluster)
{
    for (uint32_t i = 0; i < cluster->count; i++) {
        member_stop(&cluster->members[i]);
        memory_clear(&cluster->members[i].disk);
        free(cluster->members[i].tickets);
        for (uint32_t j = 0; j < cluster->count; j++)
            line_clear(&cluster->lines[i][j]);
    }
    free(cluster->acknowledged);
    free(cluster->batches);
    free(cluster);
}

static inline void cluster_deliver(struct cluster *cluster)
{
    for (uint32_t i = 0; i < cluster->count; i++)
        for (uint32_t j = 0; j < cluster->count; j++) {
            struct line *line = &cluster->lines[i][j];
            while (line->first != NULL && line->first->at_ns <= cluster->now_ns) {
                struct letter *letter = line->first;
                line->first = letter->next;
                if (line->first == NULL) line->last = &line->first;
                struct member *to = &cluster->members[j];
                const bool kept =
                    cluster->look == NULL ||
                    cluster->look(cluster, i + 1, j + 1, letter->bytes, letter->byte_count);
                /* An own copy, so that a view that outlives the call is found. */
                if (to->alive && kept)
                    replica_receive(to->replica, cluster_time(to), i + 1, letter->bytes,
                                    letter->byte_count);
                free(letter);
            }
        }
}

static inline void cluster_turns(struct cluster *cluster)
{
    for (uint32_t i = 0; i < cluster->count; i++) {
        struct member *member = &cluster->members[i];
        if (!member->alive) continue;
        for (uint32_t turns = 0; replica_turn(member->replica, cluster_time(member)); turns++)
            assert_true(turns < 10000);
        assert_true(replica_check(member->replica));
        if (replica_status(member->replica) != STATUS_OK) {
            member->ended = replica_status(member->replica);
            member_stop(member);
        }
    }
}

static inline void cluster_advance(struct cluster *cluster)
{
    uint64_t next = cluster->now_ns + 50 * MS;
    for (uint32_t i = 0; i < cluster->count; i++) {
        const struct member *member = &cluster->members[i];
        for (uint32_t j = 0; j < cluster->count; j++) {
            const struct letter *letter = cluster->lines[i][j].first;
            if (letter != NULL && letter->at_ns < next) next = letter->at_ns;
        }
        if (!member->alive) continue;
        const uint64_t due = replica_due(member->replica) - member->node * UINT64_C(777000000);
        if (due < next) next = due;
    }
    cluster->now_ns = next > cluster->now_ns ? next : cluster->now_ns + 10000;
}

static inline void cluster_run(struct cluster *cluster, uint64_t ms)
{
    const uint64_t end = cluster->now_ns + ms * MS;
    while (cluster->now_ns < end) {
        cluster_deliver(cluster);
        cluster_turns(cluster);
        cluster_advance(cluster);
    }
}

typedef bool (*cluster_fact)(struct cluster *cluster);

/* Runs until the fact holds. False: not within `ms`. */
static inline bool cluster_until(struct cluster *cluster, cluster_fact fact, uint64_t ms)
{
    const uint64_t end = cluster->now_ns + ms * MS;
    while (cluster->now_ns < end) {
        cluster_deliver(cluster);
        cluster_turns(cluster);
        if (fact(cluster)) return true;
        cluster_advance(cluster);
    }
    return false;
}

static inline struct member *cluster_leader(struct cluster *cluster)
{
    struct member *leader = NULL;
    uint64_t term = 0;
    for (uint32_t i = 0; i < cluster->count; i++) {
        struct member *member = &cluster->members[i];
        if (!member->alive) continue;
        const struct replica_facts facts = replica_facts(member->replica);
        if (!facts.leads || facts.term <= term) continue;
        leader = member;
        term = facts.term;
    }
    return leader;
}

static inline bool cluster_has_leader(struct cluster *cluster)
{
    const struct member *leader = cluster_leader(cluster);
    if (leader == NULL) return false;
    for (uint32_t i = 0; i < cluster->count; i++)
        if (cluster->members[i].alive &&
            replica_facts(cluster->members[i].replica).leader != leader->node)
            return false;
    return true;
}

/* All that live have applied the same, and everything that was put in. */
static inline bool cluster_quiet(struct cluster *cluster)
{
    const struct member *first = NULL;
    for (uint32_t i = 0; i < cluster->count; i++) {
        const struct member *member = &cluster->members[i];
        if (!member->alive) continue;
        if (member->arrived[REPLICA_COMMANDS].tail != 0) return false;
        if (first == NULL) first = member;
        if (member->ticket_count != first->ticket_count ||
            memcmp(member->tickets, first->tickets,
                   first->ticket_count * sizeof(first->tickets[0])) != 0)
            return false;
    }
    return true;
}

/* How often a ticket was applied. */
static inline uint32_t member_times(const struct member *member, uint64_t ticket)
{
    uint32_t times = 0;
    for (uint32_t i = 0; i < member->ticket_count; i++)
        times += member->tickets[i] == ticket;
    return times;
}

/* ---- What most tests do ---- */

/* Commands that everybody is to have applied. */
static uint32_t wanted;

static inline bool all_applied(struct cluster *cluster)
{
    for (uint32_t i = 0; i < cluster->count; i++)
        if (cluster->members[i].alive && cluster->members[i].ticket_count < wanted) return false;
    return true;
}

static inline struct cluster *cluster_of_four(void)
{
    struct cluster *cluster = cluster_new(4, 4);
    cluster_start(cluster);
    assert_true(cluster_until(cluster, cluster_has_leader, 3000));
    wanted = 0;
    return cluster;
}

/* `count` commands with new tickets, one at each member that lives in turn. */
static inline void submit_some(struct cluster *cluster, uint32_t count)
{
    for (uint32_t i = 0; i < count; wanted++, i++) {
        uint32_t at = wanted % cluster->count;
        while (!cluster->members[at].alive)
            at = (at + 1) % cluster->count;
        assert_true(member_submit(&cluster->members[at], wanted + 1));
    }
}

static inline void assert_once(struct cluster *cluster)
{
    assert_true(cluster_quiet(cluster));
    const struct member *member = cluster_leader(cluster);
    uint8_t *seen = calloc(wanted + 1, 1);
    for (uint32_t i = 0; i < member->ticket_count; i++) {
        assert_true(member->tickets[i] <= wanted);
        assert_int_equal(seen[member->tickets[i]]++, 0);
    }
    free(seen);
    assert_int_equal(member->ticket_count, wanted);
}

static inline bool other_leads(struct cluster *cluster)
{
    return cluster_leader(cluster) != NULL && cluster_has_leader(cluster);
}

#endif /* TESTS_UNIT_LEDGER_REPLICAS_H */
