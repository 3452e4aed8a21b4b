#include "common/arena.h"
#include "common/le.h"
#include "common/metrics.h"
#include "common/ring.h"
#include "engine/engine.h"
#include "engine/loop.h"
#include "gateway/text.h"
#include "node/bench.h"
#include "node/bench_chain.h"
#include "node/bench_report_os.h"
#include "node/bench_stretch.h"
#include "node/file_os.h"
#include "node/genesis_json.h"

#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define RING_CAPACITY (1024 * 1024)
#define NS_PER_MS     1000000u

struct replay {
    const struct genesis *genesis;
    struct bench_chain_result *result;
    FILE *trades;
    struct chain *chain;
    struct bench_stretch stretch;
    uint64_t height; /* of the last block read */
    struct hash_stream ours, theirs;

    struct arena state, memory;
    struct park park, drain_park;
    struct metrics metrics;
    struct progress progress;
    struct engine_loop loop;
    struct ring *ring;
    bool opened;
    _Atomic uint64_t last_command; /* the engine's last, once it is known; 0 before */
};

static enum status wrong(struct replay *replay, enum status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static enum status wrong(struct replay *replay, enum status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(replay->result->reason, sizeof(replay->result->reason), format, arguments);
    va_end(arguments);
    return status;
}

/* ---- The engine's two threads ---- */

/* On another processor than the engine, which bench_pin has put on BENCH_CPU or 1. */
static void drain_pin(void)
{
    const char *wanted = getenv("BENCH_CPU");
    const unsigned long engine_cpu = wanted == NULL ? 1 : strtoul(wanted, NULL, 10);
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(engine_cpu == 0 ? 1 : 0, &set);
    (void)pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

static void *drain_main(void *argument)
{
    struct replay *replay = argument;
    uint64_t drained = 0;
    drain_pin();
    for (;;) {
        size_t byte_count;
        const uint8_t *part = ring_peek(replay->ring, &byte_count);
        if (part != NULL) {
            if ((le_get_u32(part + 28) & APPLIED_LAST) != 0) drained = le_get_u64(part);
            bench_stretch_redo(&replay->stretch, part, byte_count);
            ring_pop(replay->ring);
            ring_release(replay->ring);
            continue;
        }
        /* acquire: pairs with stretch_execute's release when the engine has stepped its last. */
        const uint64_t last = atomic_load_explicit(&replay->last_command, memory_order_acquire);
        if (last != 0 && drained == last) return NULL;
        park_pause();
    }
}

static enum status stretch_execute(struct replay *replay)
{
    const struct bench_stretch *stretch = &replay->stretch;
    pthread_t drainer;
    enum status status = STATUS_OK;
    atomic_store_explicit(&replay->last_command, 0, memory_order_relaxed);
    if (pthread_create(&drainer, NULL, drain_main, replay) != 0)
        return wrong(replay, STATUS_NO_MEMORY, "no thread to drain the events");

    const uint64_t begin_ns = bench_now_ns();
    for (size_t i = 0; i < stretch->record_count && status == STATUS_OK; i++)
        status = engine_loop_batch(&replay->loop, stretch->log + stretch->records[i],
                                   stretch->records[i + 1] - stretch->records[i]);
    /* release: pairs with drain_main's acquire. */
    atomic_store_explicit(&replay->last_command, engine_last_command(replay->loop.engine),
                          memory_order_release);
    pthread_join(drainer, NULL);
    replay->result->took_ns += bench_now_ns() - begin_ns;
    ASSERT(status == STATUS_OK);
    return status;
}

/* ---- What came of it ---- */

static void trade_write(struct replay *replay, const struct applied *record,
                        const struct fill_event *fill)
{
    char line[512];
    struct text text = text_over(line, sizeof(line));
    const struct params *params = engine_params(replay->loop.engine);
    ASSERT(fill->market < params->market_count);
    const struct market *market = &params->markets[fill->market];
    const int base_decimals = params->assets[market->base].decimals;
    const int quote_decimals = params->assets[market->quote].decimals;
    text_add(&text, "{\"symbol\":\"");
    text_add(&text, market->symbol);
    text_add(&text, "\",\"id\":");
    text_u64(&text, fill->trade_id);
    text_add(&text, ",\"price\":");
    text_price(&text, market, quote_decimals, fill->price);
    text_add(&text, ",\"qty\":");
    text_lots(&text, market, base_decimals, fill->qty.lots);
    text_add(&text, ",\"quoteQty\":");
    text_units(&text, quote_decimals, market_notional(market, fill->price, fill->qty).units);
    text_add(&text, ",\"time\":");
    text_u64(&text, record->stamp_ns / NS_PER_MS);
    text_add(&text, ",\"isBuyerMaker\":");
    text_add(&text, fill->taker_side == SELL ? "true}\n" : "false}\n");
    ASSERT(!text_full(&text));
    fwrite(line, 1, text.used, replay->trades);
}

/* Counts and hashes what the replay has redone. */
static void redone_count(struct replay *replay)
{
    struct bench_chain_result *result = replay->result;
    const struct bench_stretch *stretch = &replay->stretch;
    const uint8_t *at = stretch->redone, *const end = at + stretch->redone_bytes;
    struct applied record;
    struct event event;
    while (applied_next(&at, end, &record)) {
        const uint8_t *events = record.events;
        hash_stream_add(&replay->ours, record.events, record.events_length);
        result->commands++;
        result->events += record.event_count;
        while (event_next(&events, record.events + record.events_length, &event)) {
            struct fill_event fill;
            if (event.type != T_FILL) continue;
            fill_event_get(event.payload, &fill);
            result->trades++;
            result->quantity += (uint64_t)fill.qty.lots;
            if (replay->trades != NULL) trade_write(replay, &record, &fill);
        }
    }
}

/* Names the first event in which two records differ. */
static enum status events_differ(struct replay *replay, const struct applied *theirs,
                                 const struct applied *ours)
{
    const uint8_t *their_at = theirs->events, *our_at = ours->events;
    const uint8_t *const their_end = their_at + theirs->events_length;
    const uint8_t *const our_end = our_at + ours->events_length;
    struct event their_event, our_event;
    if (ours->number != theirs->number)
        return wrong(replay, STATUS_MISMATCH,
                     "command %" PRIu64 " is number %" PRIu64 " in the log", theirs->number,
                     ours->number);
    for (uint32_t ordinal = 1;; ordinal++) {
        const uint8_t *their_start = their_at, *our_start = our_at;
        const bool theirs_more = event_next(&their_at, their_end, &their_event);
        const bool ours_more = event_next(&our_at, our_end, &our_event);
        const size_t byte_count = (size_t)(their_at - their_start);
        if (!theirs_more && !ours_more)
            return wrong(replay, STATUS_MISMATCH, "command %" PRIu64 " differs in its header",
                         theirs->number);
        if (theirs_more && ours_more && byte_count == (size_t)(our_at - our_start) &&
            memcmp(their_start, our_start, byte_count) == 0)
            continue;
        return wrong(
            replay, STATUS_MISMATCH,
            "event %u of command %" PRIu64 " is %s in the chain and %s in the replay", ordinal,
            theirs->number, theirs_more ? message_name(their_event.type) : "nothing",
            !ours_more                                          ? "nothing"
            : theirs_more && their_event.type == our_event.type ? "another"
                                                                : message_name(our_event.type));
    }
}

static enum status stretch_compare(struct replay *replay)
{
    const struct bench_stretch *stretch = &replay->stretch;
    const uint8_t *at = stretch->bodies, *const end = at + stretch->body_bytes;
    struct applied record, ours;
    while (applied_next(&at, end, &record))
        hash_stream_add(&replay->theirs, record.events, record.events_length);
    redone_count(replay);
    replay->result->bad_command = bench_stretch_difference(stretch, &record, &ours);
    return replay->result->bad_command == 0 ? STATUS_OK : events_differ(replay, &record, &ours);
}

/* ---- The chain ---- */

/* Reads blocks until the stretch is full or the chain ends. */
static enum status stretch_read(struct replay *replay, uint64_t tip)
{
    bench_stretch_clear(&replay->stretch);
    while (replay->height < tip && !bench_stretch_full(&replay->stretch)) {
        struct chain_block block;
        enum status status = chain_read_block(replay->chain, replay->height + 1, &block);
        if (status == STATUS_OK)
            status = bench_stretch_add(&replay->stretch, block.body, block.body_bytes);
        if (status != STATUS_OK) {
            replay->result->bad_height = replay->height + 1;
            return wrong(replay, status, "block %" PRIu64 ": %s", replay->height + 1,
                         status_text(status));
        }
        replay->height++;
        replay->result->blocks++;
    }
    return STATUS_OK;
}

static enum status chain_execute(struct replay *replay)
{
    const uint64_t tip = chain_tip(replay->chain);
    enum status status = STATUS_OK;
    while (replay->height < tip && status == STATUS_OK) {
        status = stretch_read(replay, tip);
        if (status == STATUS_OK) status = stretch_execute(replay);
        if (status == STATUS_OK) status = stretch_compare(replay);
    }
    return status;
}

static bool replay_open(struct replay *replay)
{
    const struct genesis *genesis = replay->genesis;
    if (!arena_map(&replay->state, engine_bytes(genesis)) ||
        !arena_map(&replay->memory, ring_bytes(RING_CAPACITY) + 64) ||
        !bench_stretch_open(&replay->stretch))
        return false;
    replay->ring = ring_new(arena_take(&replay->memory, ring_bytes(RING_CAPACITY)), RING_CAPACITY);
    replay->loop = (struct engine_loop){
        .genesis = genesis,
        .engine = engine_new(&replay->state, genesis),
        .park = &replay->park,
        .outputs = {replay->ring},
        .output_parks = {&replay->drain_park},
        .output_count = 1,
        .metrics = &replay->metrics,
        .progress = &replay->progress,
    };
    if (!park_open(&replay->park)) return false;
    replay->opened = park_open(&replay->drain_park);
    if (!replay->opened) park_close(&replay->park);
    return replay->opened && replay->loop.engine != NULL && engine_loop_open(&replay->loop);
}

static void replay_close(struct replay *replay)
{
    engine_loop_close(&replay->loop);
    if (replay->opened) {
        park_close(&replay->park);
        park_close(&replay->drain_park);
    }
    bench_stretch_close(&replay->stretch);
    chain_close(replay->chain);
    arena_unmap(&replay->state);
    arena_unmap(&replay->memory);
}

enum status bench_chain_replay(const char *directory, const struct genesis *genesis, FILE *trades,
                               struct bench_chain_result *result)
{
    *result = (struct bench_chain_result){0};
    struct replay *replay = calloc(1, sizeof(*replay));
    if (replay == NULL) return STATUS_NO_MEMORY;
    replay->genesis = genesis;
    replay->result = result;
    replay->trades = trades;
    hash_stream_begin(&replay->ours);
    hash_stream_begin(&replay->theirs);
    enum status status = chain_open_reader(directory, &replay->chain);
    if (status != STATUS_OK)
        status = wrong(replay, status, "the chain cannot be read: %s", status_text(status));
    else if (!replay_open(replay))
        status = wrong(replay, STATUS_NO_MEMORY, "not enough memory for the genesis parameters");
    else
        status = chain_execute(replay);
    result->events_hash = hash_stream_end(&replay->ours);
    result->chain_events_hash = hash_stream_end(&replay->theirs);
    if (trades != NULL && fflush(trades) != 0 && status == STATUS_OK)
        status = wrong(replay, STATUS_IO, "the trades cannot be written");
    replay_close(replay);
    free(replay);
    return status;
}

/* ---- The command ---- */

static const char usage_text[] =
    "usage: quorex bench engine --chain DIR [--genesis FILE] [--trades FILE]\n"
    "Executes the commands of a node's chain again, in the batches in which they came, and "
    "compares\n"
    "every event byte with what the node published. Prints one JSON object; exit 1 when something\n"
    "differs, with the first command that does.\n"
    "  --chain DIR     the folder with the chain files (a node's chain/)\n"
    "  --genesis FILE  the chain's genesis (default: DIR/../genesis.json)\n"
    "  --trades FILE   writes every trade of the replay, a line of JSON each\n";

struct chain_options {
    const char *chain, *genesis, *trades;
    bool help;
};

static bool options_read(struct chain_options *options, int argc, char **argv)
{
    static const struct option known[] = {{"chain", required_argument, NULL, 'c'},
                                          {"genesis", required_argument, NULL, 'g'},
                                          {"trades", required_argument, NULL, 't'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    *options = (struct chain_options){.chain = NULL};
    optind = 1;
    for (int option; (option = getopt_long(argc, argv, "h", known, NULL)) != -1;) {
        if (option == 'c') options->chain = optarg;
        if (option == 'g') options->genesis = optarg;
        if (option == 't') options->trades = optarg;
        if (option == 'h') options->help = true;
        if (option == '?') return false;
    }
    return options->help || (options->chain != NULL && optind == argc);
}

static void result_print(const struct bench_chain_result *result, bool ok)
{
    char ours[2 * HASH_BYTES + 1], theirs[2 * HASH_BYTES + 1];
    hash_hex(result->events_hash.bytes, HASH_BYTES, ours);
    hash_hex(result->chain_events_hash.bytes, HASH_BYTES, theirs);
    printf("{\"commands\": %" PRIu64 ", \"seconds\": %.6f, \"ns_per_command\": %.2f"
           ", \"trades\": %" PRIu64 ", \"quantity\": %" PRIu64 ", \"events\": %" PRIu64
           ", \"event_hash\": \"%s\", \"chain_event_hash\": \"%s\", \"blocks\": %" PRIu64,
           result->commands, (double)result->took_ns / 1e9,
           result->commands == 0 ? 0.0 : (double)result->took_ns / (double)result->commands,
           result->trades, result->quantity, result->events, ours, theirs, result->blocks);
    if (result->bad_command != 0) printf(", \"first_difference\": %" PRIu64, result->bad_command);
    printf(", \"ok\": %s}\n", ok ? "true" : "false");
}

static enum status chain_measure(const struct chain_options *options, const struct genesis *genesis)
{
    struct bench_chain_result result;
    FILE *trades = options->trades == NULL ? NULL : fopen(options->trades, "w");
    if (options->trades != NULL && trades == NULL) {
        perror(options->trades);
        return STATUS_IO;
    }
    bench_pin();
    const enum status status = bench_chain_replay(options->chain, genesis, trades, &result);
    result_print(&result, status == STATUS_OK);
    if (status != STATUS_OK) fprintf(stderr, "quorex bench: %s\n", result.reason);
    if (trades != NULL) fclose(trades);
    return status;
}

bool bench_chain_asked(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--chain") == 0 || strncmp(argv[i], "--chain=", 8) == 0) return true;
    return false;
}

int bench_chain_main(int argc, char **argv)
{
    struct chain_options options;
    char path[FILE_PATH_MAX];
    if (!options_read(&options, argc, argv) || options.help) {
        fputs(usage_text, options.help ? stdout : stderr);
        return options.help ? 0 : 2;
    }
    struct genesis *genesis = calloc(1, sizeof(*genesis));
    enum status status = genesis != NULL && hash_start() ? STATUS_OK : STATUS_NO_MEMORY;
    if (status == STATUS_OK && options.genesis == NULL &&
        !file_path(path, options.chain, "../genesis.json"))
        status = STATUS_NOT_FOUND;
    if (status == STATUS_OK)
        status = genesis_read(options.genesis != NULL ? options.genesis : path, genesis);
    if (status == STATUS_OK) status = chain_measure(&options, genesis);
    free(genesis);
    return status == STATUS_OK ? 0 : 1;
}
