#include "common/arena.h"
#include "common/freeze.h"
#include "engine/image.h"
#include "engine/match.h"
#include "engine/restore.h"
#include "engine/snapshot.h"
#include "node/bench.h"
#include "node/bench_feed.h"
#include "node/bench_report_os.h"

#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define START_NS     (UINT64_C(1700000000) * 1000000000)
#define STEP_NS      10000u
#define FUNDS        INT64_C(1000000000000) /* of either asset, an account */
#define MARKETS      4
#define ASSETS_MAX   16 /* as many as the demo has room for */
#define PRICE_MIDDLE 2000000
#define SPREAD       5000 /* passive prices are up to this far from the middle */
#define QTY_MAX      100
#define TAKES        80 /* of 1000 commands */
#define ALONE_NS     UINT64_C(500000000)
#define BURST_NS     8000000u
#define REST_NS      1000000u

struct options {
    uint32_t orders;
    uint32_t accounts;
    uint32_t chunk_kib; /* 0: freeze chooses */
    const char *out;
};

/* An order that rests. */
struct place {
    uint64_t id;
    uint32_t account;
    uint32_t market;
};

/* An engine, and commands for it that keep as many orders open: cancels of any, new ones at any price, and
 * some that take. The same state makes the same commands. An order's client id says its place. */
struct traffic {
    struct engine *engine;
    struct event_writer room; /* for a command's events */
    struct place *places;
    uint32_t *gaps; /* places whose orders have ended */
    uint32_t gap_count;
    uint64_t random;
    uint64_t number; /* of the last command */
    uint64_t refused;
    uint32_t orders;
    uint32_t accounts;
};

/* What the other thread is to do; it moves on from WISH_ to the next. */
enum stage { IDLE, WISH_PREPARE, PREPARED, WISH_COPY, WRITTEN };

struct snapshot_bytes {
    uint8_t *bytes;
    size_t count;
    size_t room;
};

struct rig {
    struct options options;
    struct genesis genesis;
    struct arena state, events, bytes;
    struct traffic traffic;
    struct freeze freeze;
    struct snapshot_bytes snapshot;
    _Atomic int stage; /* release and acquire, either way: what was done before is seen */
    uint64_t prepare_ns, copy_ns, write_ns;
    enum status status;
};

/* How commands went while something else was going on. */
struct pace {
    uint64_t commands;
    uint64_t took_ns;
    uint64_t longest_ns;
};

/* ---- Commands. */

static uint64_t random_next(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15u;
    uint64_t value = *state;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
    return value ^ (value >> 31);
}

static uint32_t random_below(uint64_t *state, uint32_t bound)
{
    return (uint32_t)((random_next(state) >> 32) * bound >> 32);
}

static const uint8_t digits[] = "0123456789abcdef";

static void client_id_put(uint8_t *client_id, uint32_t place, uint64_t number)
{
    memcpy(client_id, "bench-", 6);
    for (unsigned i = 0; i < 8; i++)
        client_id[6 + i] = digits[place >> (28 - 4 * i) & 15];
    client_id[14] = '-';
    for (unsigned i = 0; i < 10; i++)
        client_id[15 + i] = digits[number >> (36 - 4 * i) & 15];
}

static uint32_t client_id_place(const uint8_t *client_id)
{
    uint32_t place = 0;
    for (unsigned i = 0; i < 8; i++)
        place =
            place << 4 |
            (uint32_t)((const uint8_t *)strchr((const char *)digits, client_id[6 + i]) - digits);
    return place;
}

static void event_note(struct traffic *traffic, const struct event *event, uint64_t *accepted)
{
    struct order_accepted_event order;
    struct order_done_event done;
    if (event->type == T_ORDER_ACCEPTED) {
        order_accepted_event_get(event->payload, &order);
        *accepted = order.order_id;
    } else if (event->type == T_ORDER_DONE) {
        order_done_event_get(event->payload, &done);
        const uint32_t place = client_id_place(done.client_id);
        if (place < traffic->orders) traffic->gaps[traffic->gap_count++] = place;
    }
    traffic->refused += event->type == T_REFUSED;
}

/* Steps it; the id of the order that was accepted, or 0. */
static uint64_t step(struct traffic *traffic, uint16_t type, const uint8_t *payload)
{
    const struct command command = {
        .header = {.length = (uint32_t)(COMMAND_HEADER_BYTES + message_payload_bytes(type)),
                   .type = type},
        .payload = payload,
    };
    struct event_writer out = traffic->room;
    struct event event;
    uint64_t accepted = 0;
    traffic->number++;
    match_step(traffic->engine, &command, traffic->number, START_NS + traffic->number * STEP_NS,
               &out);
    const uint8_t *at = traffic->room.at;
    while (event_next(&at, out.at, &event))
        event_note(traffic, &event, &accepted);
    return accepted;
}

static struct order_place_command order_make(struct traffic *traffic, uint32_t place)
{
    const bool takes = place == traffic->orders;
    struct order_place_command order = {
        .account = 1 + random_below(&traffic->random, traffic->accounts),
        .market = (uint16_t)random_below(&traffic->random, MARKETS),
        .side = (uint8_t)random_below(&traffic->random, 2),
        .type = LIMIT,
        .time_in_force = takes ? IOC : GTC,
        .qty = {1 + random_below(&traffic->random, QTY_MAX)},
    };
    const int64_t distance = takes ? SPREAD : 1 + random_below(&traffic->random, SPREAD - 1);
    const bool below = (order.side == BUY) != takes;
    order.price.ticks = PRICE_MIDDLE + (below ? -distance : distance);
    client_id_put(order.client_id, place, traffic->number);
    return order;
}

static uint64_t order_step(struct traffic *traffic, const struct order_place_command *order)
{
    uint8_t payload[ORDER_PLACE_BYTES];
    order_place_command_put(payload, order);
    return step(traffic, T_ORDER_PLACE, payload);
}

static void order_fill(struct traffic *traffic, uint32_t place)
{
    const struct order_place_command order = order_make(traffic, place);
    traffic->places[place] =
        (struct place){order_step(traffic, &order), order.account, order.market};
    ASSERT(traffic->places[place].id != 0); /* accounts have enough */
}

/* One command. */
static void traffic_step(struct traffic *traffic)
{
    if (traffic->gap_count > 0) {
        order_fill(traffic, traffic->gaps[--traffic->gap_count]);
    } else if (random_below(&traffic->random, 1000) < TAKES) {
        const struct order_place_command order = order_make(traffic, traffic->orders);
        (void)order_step(traffic, &order);
    } else {
        const struct place *place =
            &traffic->places[random_below(&traffic->random, traffic->orders)];
        const struct order_cancel_command cancel = {
            .order_id = place->id, .account = place->account, .market = (uint16_t)place->market};
        uint8_t payload[ORDER_CANCEL_BYTES];
        order_cancel_command_put(payload, &cancel);
        (void)step(traffic, T_ORDER_CANCEL, payload);
    }
}

static void people_make(struct traffic *traffic)
{
    uint8_t payload[COMMAND_PAYLOAD_MAX];
    uint64_t nonce = 0;
    for (uint32_t account = 1; account <= traffic->accounts; account++) {
        struct account_create_command create = {.nonce = ++nonce};
        le_put_u32(create.public_key, account);
        account_create_command_put(payload, &create);
        (void)step(traffic, T_ACCOUNT_CREATE, payload);
        for (uint16_t asset = 0; asset < 2; asset++) {
            const struct credit_command credit = {
                .nonce = ++nonce, .account = account, .asset = asset, .amount = {FUNDS}};
            credit_command_put(payload, &credit);
            (void)step(traffic, T_CREDIT, payload);
        }
    }
}

/* ---- The other thread. */

static void stage_set(struct rig *rig, enum stage stage)
{
    atomic_store_explicit(&rig->stage, (int)stage, memory_order_release);
}

static enum stage stage_now(struct rig *rig)
{
    return (enum stage)atomic_load_explicit(&rig->stage, memory_order_acquire);
}

static void stage_await(struct rig *rig, enum stage stage)
{
    while (stage_now(rig) != stage)
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
}

static bool bytes_take(void *context, const uint8_t *bytes, size_t byte_count)
{
    struct snapshot_bytes *to = context;
    if (byte_count > to->room - to->count) return false;
    memcpy(to->bytes + to->count, bytes, byte_count);
    to->count += byte_count;
    return true;
}

/* Writes an engine's snapshot to memory. */
static enum status written(const struct engine *engine, const struct genesis *genesis,
                           struct snapshot_bytes *to)
{
    const struct snapshot_sink sink = {bytes_take, to};
    struct arena scratch;
    if (!arena_map(&scratch, snapshot_scratch_bytes(engine))) return STATUS_NO_MEMORY;
    const enum status status = snapshot_write(engine, genesis, &scratch, &sink);
    arena_unmap(&scratch);
    return status;
}

static void image_write(struct rig *rig)
{
    struct arena copy;
    const struct engine *engine = NULL;
    uint64_t begin_ns = bench_now_ns();
    freeze_copy_all(&rig->freeze);
    rig->copy_ns = bench_now_ns() - begin_ns;

    begin_ns = bench_now_ns();
    if (arena_map(&copy, image_bytes())) {
        engine =
            image_engine(&copy, freeze_image(&rig->freeze), rig->state.bytes, rig->traffic.engine);
        rig->status = written(engine, &rig->genesis, &rig->snapshot);
        arena_unmap(&copy);
    }
    freeze_end(&rig->freeze);
    rig->write_ns = bench_now_ns() - begin_ns;
}

static void *writer_main(void *argument)
{
    struct rig *rig = argument;
    stage_await(rig, WISH_PREPARE);
    const uint64_t begin_ns = bench_now_ns();
    freeze_prepare(&rig->freeze);
    rig->prepare_ns = bench_now_ns() - begin_ns;
    stage_set(rig, PREPARED);
    stage_await(rig, WISH_COPY);
    image_write(rig);
    stage_set(rig, WRITTEN);
    return NULL;
}

/* Starts it on another processor than the engine's: from there it might never get away. */
static bool writer_start(struct rig *rig, pthread_t *writer)
{
    const char *wanted = getenv("BENCH_CPU");
    const unsigned long engine_cpu = wanted == NULL ? 1 : strtoul(wanted, NULL, 10);
    pthread_attr_t attributes;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(engine_cpu == 0 ? 1 : 0, &set);
    if (pthread_attr_init(&attributes) != 0) return false;
    (void)pthread_attr_setaffinity_np(&attributes, sizeof(set), &set);
    const bool started = pthread_create(writer, &attributes, writer_main, rig) == 0;
    pthread_attr_destroy(&attributes);
    return started;
}

/* ---- The engine's thread. */

static bool goes_on(struct rig *rig, enum stage until, uint64_t begin_ns, uint64_t now_ns)
{
    return until == IDLE ? now_ns - begin_ns < ALONE_NS : stage_now(rig) != until;
}

/* Commands one after the other until the other thread is there; IDLE: for a while. A thread that never rests
 * is made to by the kernel, for 50 ms at a time where it has real-time priority: so this one does. */
static struct pace run(struct rig *rig, enum stage until)
{
    struct pace pace = {0};
    const uint64_t begin_ns = bench_now_ns();
    uint64_t before_ns = begin_ns, burst_ns = begin_ns;
    while (goes_on(rig, until, begin_ns, before_ns)) {
        traffic_step(&rig->traffic);
        const uint64_t now_ns = bench_now_ns();
        if (now_ns - before_ns > pace.longest_ns) pace.longest_ns = now_ns - before_ns;
        before_ns = now_ns;
        pace.commands++;
        if (now_ns - burst_ns < BURST_NS) continue;
        nanosleep(&(struct timespec){.tv_nsec = REST_NS}, NULL);
        burst_ns = before_ns = bench_now_ns();
    }
    pace.took_ns = before_ns - begin_ns;
    return pace;
}

static bool rig_open(struct rig *rig, const struct options *options)
{
    const uint32_t accounts = options->accounts, orders = options->orders;
    const size_t bytes = (size_t)orders * 256 + (size_t)accounts * 512 + 1024 * 1024;
    rig->options = *options;
    rig->status = STATUS_NO_MEMORY;
    bench_feed_genesis(&rig->genesis, MARKETS, accounts, orders + orders / 16 + 1024, false);
    rig->genesis.params.assets_max = ASSETS_MAX;
    struct traffic *traffic = &rig->traffic;
    *traffic = (struct traffic){.random = 0x5eed, .orders = orders, .accounts = accounts};
    traffic->places = calloc(orders, sizeof(*traffic->places));
    traffic->gaps = calloc(orders, sizeof(*traffic->gaps));
    if (traffic->places == NULL || traffic->gaps == NULL ||
        !arena_map(&rig->state, engine_bytes(&rig->genesis)) || !arena_map(&rig->bytes, 3 * bytes))
        return false;
    traffic->engine = engine_new(&rig->state, &rig->genesis);
    rig->snapshot = (struct snapshot_bytes){.bytes = rig->bytes.bytes, .room = bytes};
    if (traffic->engine == NULL ||
        !arena_map(&rig->events, engine_event_bytes_max(traffic->engine)))
        return false;
    traffic->room = (struct event_writer){.at = rig->events.bytes,
                                          .end = rig->events.bytes + rig->events.capacity};
    return freeze_init(&rig->freeze, rig->state.bytes, rig->state.capacity,
                       (size_t)options->chunk_kib * 1024);
}

static void rig_close(struct rig *rig)
{
    freeze_close(&rig->freeze);
    arena_unmap(&rig->events);
    arena_unmap(&rig->state);
    arena_unmap(&rig->bytes);
    free(rig->traffic.places);
    free(rig->traffic.gaps);
}

/* ---- The restored engine. */

struct outcome {
    struct pace alone, preparing, during;
    uint64_t begin_ns; /* of freeze_begin */
    uint32_t orders;   /* open then */
    uint64_t restore_ns;
    bool identical; /* the restored engine's snapshot */
    bool alike;     /* its state after the commands since then */
};

static bool equal(const struct snapshot_bytes *one, const struct snapshot_bytes *other)
{
    return one->count == other->count && memcmp(one->bytes, other->bytes, one->count) == 0;
}

/* The commands that the engine has seen since, for the restored one; then both must be in one state. */
static bool catch_up(struct rig *rig, struct traffic *since, struct snapshot_bytes other)
{
    struct snapshot_bytes own = rig->snapshot;
    while (since->number < rig->traffic.number)
        traffic_step(since);
    own.count = other.count = 0;
    return written(since->engine, &rig->genesis, &other) == STATUS_OK &&
           written(rig->traffic.engine, &rig->genesis, &own) == STATUS_OK && equal(&own, &other);
}

/* ---- The file. */

static bool file_write(const char *path, const struct snapshot_bytes *snapshot)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL) return false;
    const bool whole = fwrite(snapshot->bytes, 1, snapshot->count, file) == snapshot->count;
    return fclose(file) == 0 && whole;
}

static bool file_read(const char *path, struct snapshot_bytes *snapshot)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) return false;
    snapshot->count = fread(snapshot->bytes, 1, snapshot->room, file);
    return fclose(file) == 0;
}

/* Restores as a node that starts: from the file, if there is one, which the page cache has. */
static enum status restart(struct rig *rig, struct arena *state, struct snapshot_bytes *from,
                           struct engine **engine)
{
    if (rig->options.out != NULL && !file_read(rig->options.out, from)) return STATUS_IO;
    if (!arena_map(state, engine_bytes(&rig->genesis))) return STATUS_NO_MEMORY;
    return restore_engine(state, &rig->genesis, from->bytes, from->count, engine);
}

static bool restored_check(struct rig *rig, struct traffic *since, struct outcome *outcome)
{
    struct arena state = {.bytes = NULL};
    const size_t room = rig->snapshot.room;
    struct snapshot_bytes again = {.bytes = rig->bytes.bytes + room, .room = room};
    struct snapshot_bytes from = rig->snapshot;
    if (rig->options.out != NULL)
        from = (struct snapshot_bytes){.bytes = rig->bytes.bytes + 2 * room, .room = room};
    if (rig->options.out != NULL && !file_write(rig->options.out, &rig->snapshot)) return false;

    const uint64_t begin_ns = bench_now_ns();
    const enum status status = restart(rig, &state, &from, &since->engine);
    outcome->restore_ns = bench_now_ns() - begin_ns;
    if (status == STATUS_OK && written(since->engine, &rig->genesis, &again) == STATUS_OK) {
        outcome->identical = equal(&rig->snapshot, &again);
        outcome->alike = catch_up(rig, since, again);
    }
    arena_unmap(&state);
    return status == STATUS_OK;
}

/* ---- The measurement. */

static double ms(uint64_t ns)
{
    return (double)ns / 1e6;
}

static void pace_print(const char *name, const struct pace *pace)
{
    printf(", \"%s\": {\"commands\": %" PRIu64 ", \"seconds\": %.3f, \"longest_ms\": %.3f}", name,
           pace->commands, (double)pace->took_ns / 1e9, ms(pace->longest_ns));
}

static int report(const struct rig *rig, const struct outcome *outcome)
{
    uint64_t pause_ns = outcome->begin_ns;
    if (outcome->preparing.longest_ns > pause_ns) pause_ns = outcome->preparing.longest_ns;
    if (outcome->during.longest_ns > pause_ns) pause_ns = outcome->during.longest_ns;
    const bool ok = rig->status == STATUS_OK && outcome->identical && outcome->alike &&
                    rig->traffic.refused == 0;
    printf("{\"orders\": %u, \"accounts\": %u, \"assets_max\": %d, \"state_bytes\": %zu, "
           "\"chunk_bytes\": %zu, \"snapshot_bytes\": %zu",
           outcome->orders, rig->options.accounts, ASSETS_MAX, rig->state.capacity,
           rig->freeze.chunk_bytes, rig->snapshot.count);
    pace_print("alone", &outcome->alone);
    pace_print("preparing", &outcome->preparing);
    pace_print("during", &outcome->during);
    printf(", \"freeze_begin_ms\": %.3f, \"pause_ms\": %.3f, \"owner_copies\": %" PRIu64
           ", \"prepare_seconds\": %.3f, \"copy_seconds\": %.3f, \"write_seconds\": %.3f"
           ", \"restore_seconds\": %.3f, \"identical\": %s, \"alike\": %s, \"refused\": %" PRIu64
           ", \"ok\": %s}\n",
           ms(outcome->begin_ns), ms(pause_ns), rig->freeze.owner_copies, ms(rig->prepare_ns) / 1e3,
           ms(rig->copy_ns) / 1e3, ms(rig->write_ns) / 1e3, ms(outcome->restore_ns) / 1e3,
           outcome->identical ? "true" : "false", outcome->alike ? "true" : "false",
           rig->traffic.refused, ok ? "true" : "false");
    return ok ? 0 : 1;
}

/* Freezes between two commands; what the traffic was then is kept. */
static bool freeze_now(struct rig *rig, struct traffic *since, struct outcome *outcome)
{
    *since = rig->traffic;
    since->places = malloc(rig->options.orders * sizeof(*since->places));
    since->gaps = malloc(rig->options.orders * sizeof(*since->gaps));
    if (since->places == NULL || since->gaps == NULL) return false;
    memcpy(since->places, rig->traffic.places, rig->options.orders * sizeof(*since->places));
    memcpy(since->gaps, rig->traffic.gaps, rig->traffic.gap_count * sizeof(*since->gaps));
    outcome->orders = engine_counts(rig->traffic.engine).open_orders;
    const uint64_t begin_ns = bench_now_ns();
    const bool frozen = freeze_begin(&rig->freeze);
    outcome->begin_ns = bench_now_ns() - begin_ns;
    return frozen;
}

static int measure(struct rig *rig)
{
    struct outcome outcome = {.begin_ns = 0};
    struct traffic since;
    pthread_t writer;
    people_make(&rig->traffic);
    for (uint32_t i = 0; i < rig->options.orders; i++)
        order_fill(&rig->traffic, i);
    if (!writer_start(rig, &writer)) return 1;
    nanosleep(&(struct timespec){.tv_sec = 1}, NULL); /* from filling it */
    outcome.alone = run(rig, IDLE);
    stage_set(rig, WISH_PREPARE);
    outcome.preparing = run(rig, PREPARED);
    const bool frozen = freeze_now(rig, &since, &outcome);
    ASSERT(frozen);
    stage_set(rig, WISH_COPY);
    outcome.during = run(rig, WRITTEN);
    pthread_join(writer, NULL);
    if (rig->status != STATUS_OK || !restored_check(rig, &since, &outcome)) {
        fputs("quorex bench: there was no snapshot, it was not written, or not restored\n", stderr);
        return 1;
    }
    const int code = report(rig, &outcome);
    free(since.places);
    free(since.gaps);
    return code;
}

static const char usage_text[] =
    "usage: quorex bench snapshot [--orders N] [--accounts N] [--chunk-kib N] [--out FILE]\n"
    "Fills an engine with N open orders (1000000) of N accounts (1000000), and takes a snapshot on "
    "a "
    "second thread\n"
    "while commands go on: single ones cancel, place and take. Prints one JSON object: the longest "
    "command alone\n"
    "and during the snapshot, the freeze itself, seconds of copying, writing and restoring, and "
    "whether the\n"
    "restored engine's snapshot is the same bytes and, after the same commands, its state. Exit 1 "
    "when not.\n"
    "Runs on processor BENCH_CPU, 1 when it is not set, and the snapshot on another.\n";

static bool number_read(const char *text, uint32_t low, uint32_t high, uint32_t *number)
{
    char *end;
    const unsigned long value = strtoul(text, &end, 10);
    *number = (uint32_t)value;
    return end != text && *end == '\0' && value >= low && value <= high;
}

/* False on wrong usage, or when help was asked for. */
static bool options_read(struct options *options, int argc, char **argv, int *code)
{
    static const struct option known[] = {{"orders", required_argument, NULL, 'o'},
                                          {"accounts", required_argument, NULL, 'a'},
                                          {"chunk-kib", required_argument, NULL, 'c'},
                                          {"out", required_argument, NULL, 'f'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    bool right = true;
    *options = (struct options){.orders = 1000000, .accounts = 1000000};
    *code = 2;
    optind = 1;
    for (int option; (option = getopt_long(argc, argv, "h", known, NULL)) != -1;) {
        if (option == 'h') *code = 0;
        if (option == 'o') right = right && number_read(optarg, 1, 1u << 24, &options->orders);
        if (option == 'a') right = right && number_read(optarg, 1, 1u << 22, &options->accounts);
        if (option == 'c') right = right && number_read(optarg, 64, 1u << 16, &options->chunk_kib);
        if (option == 'f') options->out = optarg;
        if (option == '?') right = false;
    }
    if (*code == 0 || !right || optind != argc) {
        fputs(usage_text, *code == 0 ? stdout : stderr);
        return false;
    }
    return true;
}

int bench_snapshot_main(int argc, char **argv)
{
    static struct rig rig;
    struct options options;
    int code;
    if (!options_read(&options, argc, argv, &code)) return code;
    if (!hash_start()) return 1;
    bench_pin();
    if (!rig_open(&rig, &options)) {
        fputs("quorex bench: there is no memory for an exchange of that size\n", stderr);
        return 1;
    }
    code = measure(&rig);
    rig_close(&rig);
    return code;
}
