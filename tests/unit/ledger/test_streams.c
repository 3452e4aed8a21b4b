/* origin.c and sequence.c together, on three nodes with a log between them: leaders change, runs are lost,
 * repeated and reordered, HELLOs said twice, origins lost, processes restarted.
 *
 * Every node plays the engine's rule on the log in a few lines of its own (struct stream), and what it applies is
 * checked: each process's commands in the order in which it took them, each once, none skipped; and, when the
 * faults have healed, all of them, except those of a process that died.
 */

#include "ledger/origin.h"
#include "ledger/sequence.h"
#include "tests/harness.h"
#include "tests/sim/random.h"
#include "tests/unit/ledger/commands.h"

#include <inttypes.h>

#define NODES         3
#define PROCESSES     4000
#define ENTRIES       60000
#define FLIGHT        SEQUENCE_IN_FLIGHT_MAX
#define MESSAGES      64
#define MESSAGE_BYTES (64 * 1024)
#define KEPT          8
#define STEPS         4000
#define MS            UINT64_C(1000000)

struct message {
    size_t byte_count;
    uint8_t bytes[MESSAGE_BYTES];
};

/* To the leader, or what was once on its way to one. */
struct link {
    uint32_t count;
    struct message *messages[MESSAGES];
};

/* The engine's rule, for one origin. */
struct stream {
    uint64_t epoch, nonce, last;
};

struct node {
    struct sequence sequence;
    struct origin_stream origin;
    uint64_t process; /* index of the present one */
    uint64_t delivered, commands;
    struct stream streams[NODES + 1];
    struct link link, kept;
    uint8_t *memory;
    struct origin_entry *entries;
};

struct entry {
    uint8_t *bytes;
    size_t byte_count;
};

struct world {
    struct random random;
    struct node nodes[NODES + 1]; /* by node id */
    uint32_t leader;              /* 0: nobody */
    bool whole;                   /* links lose nothing but when they break */
    bool lazy;                    /* leaders take seldom, and much at once */
    struct entry log[ENTRIES];
    uint64_t log_count;
    struct entry flight[FLIGHT];
    uint32_t flight_count;
    uint64_t process_count;
    uint64_t taken[PROCESSES];              /* commands each process took */
    uint64_t applied[PROCESSES][NODES + 1]; /* of them, by the node that applied */
    uint64_t now_ns;
    uint64_t epochs, losses, leaders, stale, full; /* what was met */
};

static struct world *world;
static uint8_t space[BATCH_BYTES_MAX];

static uint64_t dice(uint64_t bound)
{
    return random_below(&world->random, bound);
}

static struct node *some_node(void)
{
    return &world->nodes[1 + dice(NODES)];
}

static struct sequence_time now(void)
{
    return (struct sequence_time){.clock_ns = 1000 * MS + world->now_ns,
                                  .monotonic_ns = 1 + world->now_ns};
}

static const struct genesis *some_genesis(void)
{
    static struct genesis genesis;
    genesis.params.block_ms = 100;
    genesis.params.idle_block_ms = 1000;
    genesis.params.stamp_step_ms = 10000;
    return &genesis;
}

/* ---- Messages ---- */

static void link_add(struct link *link, const uint8_t *bytes, size_t byte_count)
{
    if (link->count == MESSAGES) return;
    struct message *message = malloc(sizeof(*message));
    assert_true(byte_count <= MESSAGE_BYTES);
    message->byte_count = byte_count;
    memcpy(message->bytes, bytes, byte_count);
    link->messages[link->count++] = message;
}

static struct message *link_take(struct link *link, uint32_t at)
{
    struct message *message = link->messages[at];
    link->count--;
    for (; at < link->count; at++)
        link->messages[at] = link->messages[at + 1];
    return message;
}

static void link_clear(struct link *link)
{
    while (link->count > 0)
        free(link_take(link, link->count - 1));
}

/* ---- Processes and what they take ---- */

/* With a link or a leader anew, what was on the way is lost, or some of it comes to the new one. */
static void link_anew(struct node *node)
{
    if (world->whole || dice(2) == 0) link_clear(&node->link);
    origin_rewind(&node->origin);
}

static void process_start(uint32_t id)
{
    struct node *node = &world->nodes[id];
    assert_true(world->process_count < PROCESSES);
    node->process = world->process_count++;
    origin_init(&node->origin, id, random_next(&world->random), node->memory, node->entries);
    origin_delivered(&node->origin, sequence_find(&node->sequence, id));
}

/* Commands of many lengths; a ticket says whose it is and which. */
static void take_some(struct node *node)
{
    static uint8_t command[COMMAND_BYTES_MAX];
    const uint64_t count = 1 + dice(dice(8) == 0 ? 400 : 10);
    for (uint64_t i = 0; i < count; i++) {
        const uint16_t auth_bytes = (uint16_t)(dice(4) == 0 ? dice(COMMAND_AUTH_MAX + 1) : 0);
        const uint64_t ticket = (node->process << 32) + world->taken[node->process];
        if (!origin_take(&node->origin, command,
                         command_make(command, T_ORDER_PLACE, auth_bytes, ticket)))
            return;
        world->taken[node->process]++;
    }
}

/* Sends a run. With faults some are lost, or kept to come once more, late. */
static void send_run(struct node *node, bool faults)
{
    const struct origin_run run =
        origin_run(&node->origin, COMMAND_BYTES_MAX + dice(MESSAGE_BYTES - COMMAND_BYTES_MAX));
    if (run.bytes == NULL || node->link.count == MESSAGES) return;
    if (!faults || world->whole || dice(10) != 0) link_add(&node->link, run.bytes, run.byte_count);
    if (faults && dice(6) == 0) {
        if (node->kept.count == KEPT) free(link_take(&node->kept, (uint32_t)dice(KEPT)));
        link_add(&node->kept, run.bytes, run.byte_count);
    }
    origin_sent(&node->origin, &run, run.byte_count);
}

static void repeat_some(struct node *node)
{
    if (node->kept.count == 0) return;
    const struct message *old = node->kept.messages[dice(node->kept.count)];
    link_add(&node->link, old->bytes, old->byte_count);
}

static void reorder_some(struct node *node)
{
    if (node->link.count < 2 || world->whole) return;
    const uint32_t last = node->link.count - 1, at = (uint32_t)dice(last);
    struct message *message = node->link.messages[at];
    node->link.messages[at] = node->link.messages[last];
    node->link.messages[last] = message;
}

/* ---- The leader ---- */

static void flight_add(size_t byte_count)
{
    assert_true(world->flight_count < FLIGHT);
    struct entry *entry = &world->flight[world->flight_count++];
    entry->byte_count = byte_count;
    entry->bytes = malloc(byte_count);
    memcpy(entry->bytes, space, byte_count);
}

/* Adds what is on the way from a node; what does not fit waits at the front of its link, or is dropped. */
static bool add_link(struct sequence *sequence, uint32_t id)
{
    struct link *link = &world->nodes[id].link;
    while (link->count > 0) {
        struct message *message = link->messages[0];
        size_t taken;
        const enum sequence_taken result =
            sequence_add_run(sequence, id, message->bytes, message->byte_count, &taken);
        assert_true(taken <= message->byte_count);
        if (result != SEQUENCE_FULL) {
            assert_true(result == SEQUENCE_REFUSED || taken == message->byte_count);
            free(link_take(link, 0));
            continue;
        }
        world->full++;
        message->byte_count -= taken;
        memmove(message->bytes, message->bytes + taken, message->byte_count);
        if (dice(2) == 0) {
            free(link_take(link, 0));
            sequence_dropped(sequence, id);
        }
        return false;
    }
    return true;
}

static void lead_turn(bool faults)
{
    if (world->leader == 0 || (faults && world->lazy && dice(8) != 0)) return;
    struct sequence *sequence = &world->nodes[world->leader].sequence;
    if (!sequence->leading) return;
    size_t byte_count;
    const enum sequence_turn turn = sequence_turn(sequence, now(), space, &byte_count);
    if (turn == SEQUENCE_WAIT) return;
    if (turn == SEQUENCE_ARRIVED) {
        const uint32_t first = (uint32_t)dice(NODES);
        bool room = true;
        for (uint32_t i = 0; i < NODES && room; i++)
            room = add_link(sequence, 1 + (first + i) % NODES);
        if (faults && dice(60) == 0 &&
            sequence_lost(sequence, 1 + (uint32_t)dice(NODES)) == SEQUENCE_TAKEN)
            world->losses++;
        byte_count = sequence_close(sequence);
    }
    if (byte_count > 0) flight_add(byte_count);
}

/* Tells who is to be told. With faults the word may be lost, but then the link is a new one. */
static void tell(bool faults)
{
    if (world->leader == 0) return;
    struct sequence *sequence = &world->nodes[world->leader].sequence;
    for (uint32_t i = 0; sequence->leading && i < sequence->origin_count; i++) {
        struct sequence_origin *origin = &sequence->origins[i];
        if (!origin->tell || dice(2) == 0) continue;
        uint64_t epoch, expected;
        origin->tell = false;
        sequence_expected(sequence, origin->node, &epoch, &expected);
        if (faults && dice(8) == 0)
            link_anew(&world->nodes[origin->node]);
        else
            origin_expected(&world->nodes[origin->node].origin, epoch, expected);
    }
}

/* A random part of what is in flight is in the new leader's log, the rest is lost. */
static void leader_change(void)
{
    if (world->leader != 0) sequence_lose(&world->nodes[world->leader].sequence);
    const uint32_t kept = (uint32_t)dice(world->flight_count + 1);
    for (uint32_t i = 0; i < world->flight_count; i++) {
        if (i < kept)
            world->log[world->log_count++] = world->flight[i];
        else
            free(world->flight[i].bytes);
    }
    world->flight_count = 0;
    world->leader = 1 + (uint32_t)dice(NODES);
    world->leaders++;
    for (uint32_t id = 1; id <= NODES; id++)
        link_anew(&world->nodes[id]);
}

static void commit(void)
{
    if (world->flight_count == 0) return;
    assert_true(world->log_count < ENTRIES);
    world->log[world->log_count++] = world->flight[0];
    world->flight_count--;
    memmove(world->flight, world->flight + 1, world->flight_count * sizeof(world->flight[0]));
}

/* ---- The engine's rule, once more ---- */

static void apply(struct node *node, const struct command *command)
{
    const struct command_header *header = &command->header;
    node->commands++;
    if (header->type == T_HELLO) {
        struct hello_command hello;
        hello_command_get(command->payload, &hello);
        struct stream *stream = &node->streams[hello.node];
        if (stream->epoch != 0 && stream->nonce == hello.nonce) return;
        *stream = (struct stream){.epoch = node->commands, .nonce = hello.nonce};
        world->epochs++;
    } else if (header->type == T_ORIGIN_LOST) {
        struct origin_lost_command lost;
        origin_lost_command_get(command->payload, &lost);
        if (node->streams[lost.node].epoch != lost.epoch) return;
        node->streams[lost.node] = (struct stream){0};
    } else if (header->origin != 0) {
        struct stream *stream = &node->streams[header->origin];
        const uint64_t process = header->ticket >> 32;
        if (stream->epoch == 0 || stream->epoch != header->origin_epoch ||
            stream->last + 1 != header->origin_sequence) {
            world->stale++;
            return;
        }
        stream->last++;
        uint64_t *applied = &world->applied[process][node - world->nodes];
        assert_int_equal(header->ticket & UINT32_MAX, *applied);
        (*applied)++;
    }
}

static void deliver(struct node *node)
{
    if (node->delivered == world->log_count) return;
    const struct entry *entry = &world->log[node->delivered++];
    const uint32_t id = (uint32_t)(node - world->nodes);
    assert_true(sequence_delivered(&node->sequence, entry->bytes, entry->byte_count));
    origin_delivered(&node->origin, sequence_find(&node->sequence, id));

    const uint8_t *at = entry->bytes + BATCH_HEADER_BYTES, *end = entry->bytes + entry->byte_count;
    for (struct command command; batch_next(&at, end, &command);)
        apply(node, &command);
    for (uint32_t other = 1; other <= NODES; other++) {
        const struct sequence_origin *origin = sequence_find(&node->sequence, other);
        assert_int_equal(origin == NULL ? 0 : origin->epoch, node->streams[other].epoch);
        assert_int_equal(origin == NULL ? 0 : origin->last, node->streams[other].last);
    }
    assert_int_equal(node->sequence.command_count, node->commands);
}

/* Who was elected leads when he has delivered all there was. */
static void lead(void)
{
    if (world->leader == 0) return;
    struct node *leader = &world->nodes[world->leader];
    if (!leader->sequence.leading && leader->delivered == world->log_count)
        sequence_lead(&leader->sequence, now());
}

static void deliver_some(void)
{
    deliver(some_node());
    lead();
}

/* ---- Restarts ---- */

/* The process dies; the next begins where a checkpoint of its state would be, or reads the log again. */
static void restart(uint32_t id)
{
    struct node *node = &world->nodes[id];
    struct sequence_base base;
    if (world->leader == id) leader_change();
    if (world->leader == id) world->leader = 0;
    sequence_base_of(&node->sequence, &base);
    if (dice(2) == 0) {
        sequence_init(&node->sequence, some_genesis(), &base);
    } else {
        sequence_init(&node->sequence, some_genesis(), NULL);
        for (uint64_t i = 0; i < node->delivered; i++)
            assert_true(
                sequence_delivered(&node->sequence, world->log[i].bytes, world->log[i].byte_count));
        struct sequence_base again;
        sequence_base_of(&node->sequence, &again);
        assert_memory_equal(&base, &again, sizeof(base));
    }
    process_start(id); /* what the old one has sent may still come */
}

/* ---- The play ---- */

static void check_all(void)
{
    for (uint32_t id = 1; id <= NODES; id++) {
        assert_true(sequence_check(&world->nodes[id].sequence));
        assert_true(origin_check(&world->nodes[id].origin));
    }
}

static void play_step(void)
{
    const uint64_t what = dice(1000);
    world->now_ns += dice(20) == 0 ? dice(200 * MS) : dice(MS);
    if (what < 150)
        take_some(some_node());
    else if (what < 350)
        send_run(some_node(), true);
    else if (what < 380)
        repeat_some(some_node());
    else if (what < 410)
        reorder_some(some_node());
    else if (what < 560)
        lead_turn(true);
    else if (what < 710)
        commit();
    else if (what < 930)
        deliver_some();
    else if (what < 970)
        tell(true);
    else if (what < 980)
        leader_change();
    else if (what < 990)
        link_anew(some_node());
    else if (what < 994)
        restart(1 + (uint32_t)dice(NODES));
    else if (world->leader != 0)
        sequence_admit(&world->nodes[world->leader].sequence, dice(3) != 0);
}

static bool is_done(void)
{
    for (uint32_t id = 1; id <= NODES; id++) {
        const struct node *node = &world->nodes[id];
        if (node->delivered < world->log_count || origin_count(&node->origin) > 0) return false;
        if (node->origin.epoch == 0) return false;
    }
    return world->flight_count == 0;
}

/* Without faults everything goes through, in a bounded number of rounds. A leader stays or a new one comes. */
static void heal(void)
{
    if (world->leader == 0 || dice(2) == 0) leader_change();
    for (uint32_t id = 1; id <= NODES; id++) {
        if (!world->whole) link_anew(&world->nodes[id]);
        sequence_admit(&world->nodes[id].sequence, true);
    }
    for (uint32_t round = 0; !is_done(); round++) {
        assert_true(round < 100000);
        for (uint32_t id = 1; id <= NODES; id++) {
            send_run(&world->nodes[id], false);
            deliver(&world->nodes[id]);
        }
        lead();
        lead_turn(false);
        commit();
        tell(false);
    }
}

static void world_open(uint64_t seed)
{
    world = calloc(1, sizeof(*world));
    random_seed(&world->random, seed);
    world->whole = dice(2) == 0;
    world->lazy = dice(3) == 0;
    for (uint32_t id = 1; id <= NODES; id++) {
        struct node *node = &world->nodes[id];
        node->memory = malloc(ORIGIN_BYTES);
        node->entries = malloc(ORIGIN_COMMANDS * sizeof(*node->entries));
        sequence_init(&node->sequence, some_genesis(), NULL);
        process_start(id);
    }
    leader_change();
}

static void world_close(void)
{
    for (uint32_t id = 1; id <= NODES; id++) {
        link_clear(&world->nodes[id].link);
        link_clear(&world->nodes[id].kept);
        free(world->nodes[id].memory);
        free(world->nodes[id].entries);
    }
    for (uint64_t i = 0; i < world->log_count; i++)
        free(world->log[i].bytes);
    free(world);
}

/* What one seed has met, for the whole. */
struct met {
    uint64_t commands, epochs, losses, leaders, stale, full, undelivered;
};

static void play(uint64_t seed, struct met *met)
{
    world_open(seed);
    for (uint32_t step = 0; step < STEPS; step++) {
        play_step();
        if (step % 97 == 0) check_all();
    }
    heal();
    check_all();
    for (uint64_t process = 0; process < world->process_count; process++) {
        const uint64_t taken = world->taken[process], *applied = world->applied[process];
        bool alive = false;
        for (uint32_t id = 1; id <= NODES; id++)
            alive |= world->nodes[id].process == process;
        for (uint32_t id = 1; id <= NODES; id++) {
            assert_int_equal(applied[id], applied[1]);
            assert_true(alive ? applied[id] == taken : applied[id] <= taken);
        }
        met->undelivered += taken - applied[1];
    }
    met->commands += world->nodes[1].commands;
    met->epochs += world->epochs / NODES;
    met->losses += world->losses;
    met->leaders += world->leaders;
    met->full += world->full;
    met->stale += world->stale / NODES;
    world_close();
}

#if defined(__SANITIZE_THREAD__)
#define SEEDS 40 /* one thread, and every step of it watched */
#else
#define SEEDS 400
#endif

/* QUOREX_SEED plays one seed, QUOREX_SEEDS that many. */
TEST(streams, every_command_applies_once_and_in_order)
{
    const char *one = getenv("QUOREX_SEED"), *many = getenv("QUOREX_SEEDS");
    const uint64_t first = one != NULL ? strtoull(one, NULL, 0) : 1;
    const uint64_t count = one != NULL ? 1 : many != NULL ? strtoull(many, NULL, 0) : SEEDS;
    struct met met = {0};
    for (uint64_t seed = first; seed < first + count; seed++) {
        fprintf(stderr, "%sseed %" PRIu64 "", seed == first ? "" : "\r", seed);
        play(seed, &met);
    }
    print_message("\n%" PRIu64 " commands in the log, %" PRIu64 " stale; %" PRIu64
                  " of dead processes never came; %" PRIu64 " leaders, %" PRIu64 " epochs, %" PRIu64
                  " origins lost, %" PRIu64 " runs cut by a full batch\n",
                  met.commands, met.stale, met.undelivered, met.leaders, met.epochs, met.losses,
                  met.full);
    if (one != NULL) return;
    assert_true(met.epochs > 10 * count && met.losses > count && met.leaders > 10 * count);
    assert_true(met.undelivered > count && met.stale > count && met.full > count);
}
