/* Whatever a peer says, as bytes and as messages that are well-formed and say anything: a decoder refuses it or what it
 * took gives the same bytes back, and a replica that hears it stays one whose parts agree, or ends with a word of
 * its own. */

#include "common/log.h"
#include "ledger/configuration.h"
#include "ledger/peer_message.h"
#include "ledger/replica.h"
#include "tests/unit/ledger/memory_disk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MS UINT64_C(1000000)

/* ---- A replica, node 1 of four, and nothing else. ---- */

struct world {
    struct genesis genesis;
    struct node_set nodes;
    struct progress progress;
    struct metrics metrics;
    struct memory_disk disk;
    struct replica *replica;
    uint64_t now_ns;
    uint64_t random;
    uint64_t delivered;
};

static struct world world;

static bool world_send(void *context, uint32_t node, const struct peers_piece *pieces,
                       uint32_t count)
{
    static volatile uint8_t sum;
    (void)context;
    ASSERT(node >= 2 && node <= 4 && count <= PEERS_PIECES_MAX);
    size_t total = 0;
    for (uint32_t i = 0; i < count; total += pieces[i].byte_count, i++)
        for (size_t j = 0; j < pieces[i].byte_count; j++)
            sum = (uint8_t)(sum + pieces[i].bytes[j]);
    ASSERT(total > 0 && total <= PEERS_MESSAGE_MAX);
    return world.random % 16 != 0;
}

static bool world_is_up(void *context, uint32_t node)
{
    (void)context;
    (void)node;
    return true;
}

static bool world_deliver(void *context, uint64_t index, const uint8_t *batch, size_t byte_count)
{
    (void)context;
    ASSERT(index > world.delivered && byte_count >= BATCH_HEADER_BYTES);
    (void)batch;
    world.delivered = index;
    return true;
}

static void world_delivered(void *context)
{
    (void)context;
    atomic_store(&world.progress.sealed_height, world.delivered / 4);
    atomic_store(&world.progress.certified_height, world.delivered / 4);
}

static void world_mark(void *context, const struct replica_mark *mark)
{
    (void)context;
    ASSERT(mark->base.index == world.delivered && mark->base.configuration_bytes > 0);
}

static const uint8_t *world_arrived(void *context, enum replica_source source, size_t *byte_count)
{
    (void)context;
    (void)source;
    (void)byte_count;
    return NULL;
}

static void world_taken(void *context, enum replica_source source)
{
    (void)context;
    (void)source;
}

static uint64_t world_random(void *context)
{
    (void)context;
    world.random = world.random * 6364136223846793005u + 1442695040888963407u;
    return world.random >> 16;
}

static struct sequence_time world_time(void)
{
    return (struct sequence_time){UINT64_C(1000000000000) + world.now_ns, world.now_ns};
}

static void world_open(void)
{
    memory_clear(&world.disk);
    memset(&world, 0, sizeof(world));
    world.now_ns = 1000 * MS;
    world.random = 1;
    memory_start(&world.disk);
    world.genesis.time_ns = 1;
    world.genesis.params.block_ms = 100;
    world.genesis.params.idle_block_ms = 1000;
    world.genesis.params.stamp_step_ms = 10000;
    world.genesis.params.checkpoint_blocks = 2;
    world.genesis.validators.count = 4;
    for (uint32_t i = 0; i < 4; i++)
        world.genesis.validators.members[i].node = i + 1;
    node_set_of_genesis(&world.genesis, &world.nodes);
    const struct wal_options wal = {.disk = &world.disk.table,
                                    .segment_bytes = WAL_SEGMENT_BYTES_MIN,
                                    .chain_id = genesis_chain_id(&world.genesis),
                                    .node = 1};
    ASSERT(wal_create(&wal) == STATUS_OK);
    const struct replica_options options = {
        .genesis = &world.genesis,
        .node = 1,
        .nodes = &world.nodes,
        .disk = &world.disk.table,
        .segment_bytes = WAL_SEGMENT_BYTES_MIN,
        .world =
            {
                .peers = {.send = world_send, .is_up = world_is_up},
                .deliver = world_deliver,
                .delivered = world_delivered,
                .mark = world_mark,
                .arrived = world_arrived,
                .taken = world_taken,
                .random = world_random,
            },
        .metrics = &world.metrics,
        .progress = &world.progress,
    };
    ASSERT(replica_new(&options, world_time(), &world.replica) == STATUS_OK);
}

static void world_turn(void)
{
    for (uint32_t i = 0; i < 100 && replica_turn(world.replica, world_time()); i++)
        ;
    ASSERT(replica_check(world.replica));
    /* A peer may be another chain's liar: what it says may end us, but only like this. */
    const enum status status = replica_status(world.replica);
    ASSERT(status == STATUS_OK || status == STATUS_MISMATCH || status == STATUS_BEHIND ||
           status == STATUS_DAMAGED);
}

/* ---- The decoders by themselves ---- */

#define CHECK_SMALL(kind) \
    do { \
        struct peer_##kind got; \
        uint8_t again[PEER_SMALL_MAX]; \
        if (peer_message_get_##kind(data, size, &got)) { \
            ASSERT(peer_message_put_##kind(again, &got) == size); \
            ASSERT(memcmp(again, data, size) == 0); \
        } \
    } while (0)

static void check_decoders(const uint8_t *data, size_t size)
{
    static struct peer_entry entries[PEER_ENTRIES_MAX];
    static uint8_t head[PEER_APPEND_BYTES(PEER_ENTRIES_MAX)];
    struct configuration configuration;
    uint8_t bytes[CONFIGURATION_BYTES_MAX];
    if (configuration_get(data, size, &configuration)) {
        ASSERT(configuration_put(&configuration, bytes) == size);
        ASSERT(memcmp(bytes, data, size) == 0);
    }
    if (size == 0) return;
    CHECK_SMALL(result);
    CHECK_SMALL(vote);
    CHECK_SMALL(vote_result);
    CHECK_SMALL(timeout_now);
    CHECK_SMALL(needs);
    CHECK_SMALL(expected);
    CHECK_SMALL(ping);
    struct peer_append append;
    if (peer_message_get_append(data, size, &append, entries)) {
        const size_t used = peer_message_put_append(head, &append, entries);
        ASSERT(used <= size && memcmp(head, data, used) == 0);
    }
    struct peer_forward forward;
    struct peer_loose loose;
    if (peer_message_get_forward(data, size, 3, &forward))
        ASSERT(forward.run + forward.run_bytes == data + size);
    if (peer_message_get_loose(data, size, &loose))
        ASSERT(loose.commands + loose.byte_count == data + size);
}

/* ---- Well-formed messages made of the input ---- */

struct input {
    const uint8_t *at, *end;
};

static uint64_t take(struct input *input, uint64_t below)
{
    if (input->at == input->end) return 0;
    return *input->at++ % below;
}

/* A number near another. */
static uint64_t near(struct input *input, uint64_t value)
{
    const uint64_t step = take(input, 16);
    return step >= 8 ? value + step - 8 : value > 8 - step ? value - (8 - step) : 0;
}

static size_t entry_make(struct input *input, uint8_t *at, struct peer_entry *entry)
{
    static const uint8_t roles[] = {NODE_VOTER, NODE_STANDBY, NODE_VOTER, NODE_VOTER};
    struct configuration configuration = {0};
    struct batch_header header = {.command_count = 0, .stamp_ns = UINT64_C(1000000000000)};
    switch (take(input, 8)) {
    case 0:
        for (uint32_t i = 0; i < 4; i++)
            if (take(input, 4) != 0 || i == 0)
                configuration.members[configuration.count++] = (struct configuration_member){
                    i + 1, roles[(take(input, 4) + (i == 0 ? 0 : i)) % 4]};
        configuration.members[0].role = NODE_VOTER;
        entry->type = WAL_CONFIGURATION;
        return configuration_put(&configuration, at);
    case 1:
        entry->type = WAL_BARRIER;
        return 0;
    default:
        entry->type = WAL_COMMANDS;
        header.stamp_ns += take(input, 4);
        batch_header_put(at, &header);
        return BATCH_HEADER_BYTES;
    }
}

static size_t append_make(struct input *input, uint8_t *bytes)
{
    static uint8_t payload[16 * CONFIGURATION_BYTES_MAX];
    const struct replica_facts facts = replica_facts(world.replica);
    struct peer_entry entries[16];
    struct peer_append append = {.term = near(input, facts.term),
                                 .prev_index = near(input, facts.stored),
                                 .commit = near(input, facts.commit),
                                 .count = (uint32_t)take(input, 6)};
    if (append.term == 0) append.term = 1;
    append.prev_term = append.prev_index == 0 ? 0 : take(input, append.term) + 1;
    append.quiet = append.count == 0 && take(input, 2) == 0;
    if (append.prev_index > 0 && take(input, 4) == 0) {
        append.hash_index = append.prev_index;
        append.hash_term = append.prev_term;
    }
    size_t used = 0;
    uint64_t term = append.prev_term == 0 ? 1 : append.prev_term;
    for (uint32_t i = 0; i < append.count; i++) {
        const size_t length = entry_make(input, payload + used, &entries[i]);
        if (term < append.term && take(input, 3) == 0) term++;
        entries[i].term = term;
        entries[i].length = (uint32_t)length;
        entries[i].bytes = payload + used;
        used += length;
    }
    const size_t head = peer_message_put_append(bytes, &append, entries);
    memcpy(bytes + head, payload, used);
    return head + used;
}

static size_t message_make(struct input *input, uint8_t *bytes)
{
    const struct replica_facts facts = replica_facts(world.replica);
    switch (take(input, 12)) {
    case 0: {
        const struct peer_vote vote = {take(input, 2) == 0, take(input, 2) == 0,
                                       near(input, facts.term), near(input, facts.stored),
                                       near(input, facts.term)};
        return peer_message_put_vote(bytes, &vote);
    }
    case 1:
    case 2: {
        const struct peer_vote_result result = {take(input, 4) != 0, take(input, 2) == 0,
                                                near(input, facts.term)};
        return peer_message_put_vote_result(bytes, &result);
    }
    case 3:
    case 4: {
        const bool accepted = take(input, 3) != 0;
        const uint64_t index = near(input, facts.stored);
        const struct peer_result result = {.accepted = accepted,
                                           .term = near(input, facts.term),
                                           .rejected = accepted ? 0 : index + 1,
                                           .last_index = accepted ? index : near(input, index)};
        return peer_message_put_result(bytes, &result);
    }
    case 5: {
        const struct peer_timeout_now timeout = {near(input, facts.term), facts.stored,
                                                 near(input, facts.term)};
        return peer_message_put_timeout_now(bytes, &timeout);
    }
    case 6: {
        const struct peer_expected expected = {1, 1 + take(input, 4)};
        return peer_message_put_expected(bytes, &expected);
    }
    case 7: {
        const struct peer_ping ping = {.clock_ns = world.now_ns + take(input, 200) * MS,
                                       .sent_ns = 1 + take(input, 9),
                                       .echo_ns = take(input, 2) * (world.now_ns - take(input, 99)),
                                       .term = 1,
                                       .stored = near(input, facts.stored)};
        return peer_message_put_ping(bytes, &ping);
    }
    default:
        return append_make(input, bytes);
    }
}

static void play(struct input *input)
{
    static uint8_t bytes[PEERS_MESSAGE_MAX];
    while (input->at < input->end && replica_status(world.replica) == STATUS_OK) {
        const uint32_t node = (uint32_t)(2 + take(input, 3));
        switch (take(input, 8)) {
        case 0:
            world.now_ns += take(input, 256) * 4 * MS;
            world_turn();
            break;
        case 1:
            replica_link(world.replica, world_time(), node, take(input, 2) == 0);
            break;
        case 2: { /* as it comes */
            size_t length = take(input, 256);
            if (length > (size_t)(input->end - input->at))
                length = (size_t)(input->end - input->at);
            replica_receive(world.replica, world_time(), node, input->at, length);
            input->at += length;
            break;
        }
        default: {
            const size_t length = message_make(input, bytes);
            replica_receive(world.replica, world_time(), node, bytes, length);
            if (take(input, 2) == 0) world_turn();
            break;
        }
        }
    }
    world_turn();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool started;
    if (!started && !hash_start()) abort();
    started = true;
    log_set_level((enum log_level)(LOG_ERROR + 1));
    check_decoders(data, size);
    world_open();
    struct input input = {data, data + size};
    play(&input);
    replica_free(world.replica);
    world.replica = NULL;
    return 0;
}
