#include "common/applied.h"
#include "common/batch.h"
#include "common/metrics.h"
#include "engine/ahead.h"
#include "engine/engine.h"
#include "engine/loop.h"
#include "node/bench.h"
#include "node/bench_case.h"
#include "node/bench_chain.h"
#include "node/bench_drain.h"
#include "node/bench_feed.h"

#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define RING_CAPACITY (1024 * 1024)
#define ACCOUNTS_MIN  10000

/* The engine's loop with one output, and a thread that drains it. */
struct rig {
    struct genesis genesis;
    struct bench_feed feed;
    struct arena state;
    struct arena memory;
    struct park park, drain_park;
    struct metrics metrics;
    struct progress progress;
    struct engine_loop loop;
    alignas(128) struct bench_drain drain; /* another thread writes it */
    pthread_t drainer;
};

struct bench_options {
    const char *path;
    const char *name;
    uint32_t accounts;
    bool timed;
};

/* The drain runs beside the engine, on another processor than it. */
static void *drain_main(void *argument)
{
    struct rig *rig = argument;
    const char *wanted = getenv("BENCH_CPU");
    const unsigned long engine_cpu = wanted == NULL ? 1 : strtoul(wanted, NULL, 10);
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(engine_cpu == 0 ? 1 : 0, &set);
    (void)pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
    bench_drain_run(&rig->drain);
    return NULL;
}

static bool rig_open(struct rig *rig, const struct flow *flow, uint32_t markets, uint32_t accounts,
                     bool anywhere)
{
    const uint32_t depth = (uint32_t)flow->header.target_depth;
    bench_feed_genesis(&rig->genesis, markets, accounts, depth + depth / 2 + 4096, anywhere);
    if (!bench_feed_make(&rig->feed, flow, markets, accounts)) return false;
    if (!arena_map(&rig->state, engine_bytes(&rig->genesis)) ||
        !arena_map(&rig->memory, ring_bytes(RING_CAPACITY) + 64))
        return false;
    if (!park_open(&rig->park) || !park_open(&rig->drain_park)) return false;
    rig->drain.ring = ring_new(arena_take(&rig->memory, ring_bytes(RING_CAPACITY)), RING_CAPACITY);
    rig->loop = (struct engine_loop){
        .genesis = &rig->genesis,
        .engine = engine_new(&rig->state, &rig->genesis),
        .park = &rig->park,
        .outputs = {rig->drain.ring},
        .output_parks = {&rig->drain_park},
        .output_count = 1,
        .metrics = &rig->metrics,
        .progress = &rig->progress,
    };
    return rig->loop.engine != NULL && engine_loop_open(&rig->loop) &&
           pthread_create(&rig->drainer, NULL, drain_main, rig) == 0;
}

static void rig_close(struct rig *rig)
{
    engine_loop_close(&rig->loop);
    park_close(&rig->park);
    park_close(&rig->drain_park);
    arena_unmap(&rig->state);
    arena_unmap(&rig->memory);
    bench_feed_free(&rig->feed);
}

static void records_step(struct rig *rig, size_t first, size_t end)
{
    for (size_t i = first; i < end; i++) {
        const size_t start = rig->feed.records[i];
        const enum status status = engine_loop_batch(&rig->loop, rig->feed.bytes + start,
                                                     rig->feed.records[i + 1] - start);
        ASSERT(status == STATUS_OK);
    }
}

/* The same commands one by one, the clock read round each: its decoding, looking ahead, step and record,
 * and with the last of a batch the publishing. */
static void record_step_timed(struct rig *rig, const uint8_t *record, size_t byte_count,
                              struct bench_latency *latency)
{
    struct batch_header header;
    const uint8_t *at = record + sizeof(uint64_t), *const end = record + byte_count;
    const bool fits = batch_header_get(at, byte_count - sizeof(uint64_t), &header);
    ASSERT(fits);
    at += BATCH_HEADER_BYTES;
    struct ahead ahead = ahead_begin(rig->loop.engine, at, end);
    struct command command;
    for (uint32_t i = 0; i < header.command_count; i++) {
        const uint64_t begin = bench_ticks_begin();
        const bool decoded = batch_next(&at, end, &command);
        const uint32_t client_hash = ahead_next(&ahead);
        const bool stepped =
            decoded && engine_loop_step(&rig->loop, &command, header.stamp_ns, client_hash);
        if (i + 1 == header.command_count) engine_loop_publish(&rig->loop);
        bench_latency_note(latency, bench_ticks_end() - begin);
        ASSERT(stepped);
    }
}

static void records_step_timed(struct rig *rig, size_t first, size_t end,
                               struct bench_latency *latency)
{
    for (size_t i = first; i < end; i++) {
        const size_t start = rig->feed.records[i];
        record_step_timed(rig, rig->feed.bytes + start, rig->feed.records[i + 1] - start, latency);
    }
}

static void drain_finish(struct rig *rig)
{
    /* release: pairs with the drain's acquire. */
    atomic_store_explicit(&rig->drain.last_command, engine_last_command(rig->loop.engine),
                          memory_order_release);
    pthread_join(rig->drainer, NULL);
}

/* Processor time of the measured thread between the two. */
static int64_t cpu_ns(const struct rusage usage[2])
{
    int64_t us[2];
    for (int i = 0; i < 2; i++)
        us[i] = (int64_t)(usage[i].ru_utime.tv_sec + usage[i].ru_stime.tv_sec) * 1000000 +
                usage[i].ru_utime.tv_usec + usage[i].ru_stime.tv_usec;
    return (us[1] - us[0]) * 1000;
}

static int report(struct rig *rig, const struct flow *flow, uint64_t took_ns, bool expects,
                  const struct bench_latency *latency, const struct rusage usage[2])
{
    const struct bench_drain *drain = &rig->drain;
    const struct engine_counts counts = engine_counts(rig->loop.engine);
    char more[512];
    snprintf(more, sizeof(more),
             ", \"accounts\": %u, \"refused\": %" PRIu64 ", \"events\": %" PRIu64
             ", \"event_hash\": \"%016" PRIx64 "\", \"ring_bytes\": %" PRIu64
             ", \"parks\": %" PRIu64 ", \"context_switches\": %ld, \"page_faults\": %ld"
             ", \"cpu_ns_per_command\": %.2f",
             rig->feed.account_count, drain->refused, drain->events, drain->hash, drain->bytes,
             engine_loop_parks(&rig->loop), usage[1].ru_nvcsw - usage[0].ru_nvcsw,
             usage[1].ru_minflt - usage[0].ru_minflt,
             (double)cpu_ns(usage) / (double)flow->header.command_count);
    /* A case's flow cancels what may have traded by then: its refusals are right. A file's has none. */
    const bool agrees = counts.open_orders == drain->outcome.end_orders &&
                        (drain->refused == 0 || !expects) &&
                        drain->commands == rig->feed.command_count;
    struct bench_report report = {
        .commands = flow->header.command_count,
        .took_ns = took_ns,
        .outcome = drain->outcome,
        .ok = agrees && (!expects || bench_outcome_matches(&drain->outcome, &flow->header)),
        .more = more,
        .latency = latency,
        .records = flow->records + flow->header.preload_count,
    };
    return bench_report_write(&report, stdout) && report.ok ? 0 : 1;
}

static int measure(const struct flow *flow, uint32_t markets, bool expects,
                   const struct bench_options *options)
{
    static struct rig rig;
    struct bench_latency latency = {.ticks = NULL};
    struct rusage usage[2];
    if (!rig_open(&rig, flow, markets, options->accounts, !expects) ||
        (options->timed && !bench_latency_open(&latency, flow->header.command_count))) {
        fputs("quorex bench: there is no memory for an exchange of that depth\n", stderr);
        return 1;
    }
    records_step(&rig, 0, rig.feed.first_measured);
    getrusage(RUSAGE_THREAD, &usage[0]);
    const uint64_t begin_ns = bench_now_ns();
    if (options->timed)
        records_step_timed(&rig, rig.feed.first_measured, rig.feed.record_count, &latency);
    else
        records_step(&rig, rig.feed.first_measured, rig.feed.record_count);
    getrusage(RUSAGE_THREAD, &usage[1]);
    drain_finish(&rig);
    const uint64_t took_ns = bench_now_ns() - begin_ns;

    ASSERT(engine_check(rig.loop.engine));
    const int code = report(&rig, flow, took_ns, expects, options->timed ? &latency : NULL, usage);
    bench_latency_close(&latency);
    rig_close(&rig);
    return code;
}

static int file_measure(const struct bench_options *options)
{
    struct flow flow;
    const char *reason;
    if (!flow_read(&flow, options->path, &reason)) {
        fprintf(stderr, "quorex bench: %s: %s\n", options->path, reason);
        return 1;
    }
    const int code = measure(&flow, 1, true, options);
    flow_free(&flow);
    return code;
}

static int case_measure(const struct bench_options *options)
{
    struct bench_case made;
    if (!bench_case_make(&made, options->name)) {
        fprintf(stderr, "quorex bench: no case \"%s\", or no memory for it\n", options->name);
        return 1;
    }
    const int code = measure(&made.flow, made.market_count, false, options);
    flow_free(&made.flow);
    return code;
}

static const char usage_text[] =
    "usage: quorex bench engine --flow FILE | --case "
    "sparse|sweep|markets  [--accounts N] [--latency]\n"
    "       quorex bench engine --chain DIR  (--chain --help says more)\n"
    "Replays an order flow through the engine as the node runs it, "
    "spread over N accounts (10000), while\n"
    "another thread drains the events, and prints one JSON object. "
    "Exit 1 when the result is not what\n"
    "the file says. --latency reads a clock round every command. Runs "
    "on processor BENCH_CPU, 1 when it\n"
    "is not set, and the draining on another.\n";

/* False on wrong usage, or when help was asked for. */
static bool options_read(struct bench_options *options, int argc, char **argv, int *code)
{
    static const struct option known[] = {
        {"flow", required_argument, NULL, 'f'},     {"case", required_argument, NULL, 'c'},
        {"accounts", required_argument, NULL, 'a'}, {"latency", no_argument, NULL, 'l'},
        {"help", no_argument, NULL, 'h'},           {NULL, 0, NULL, 0}};
    bool wrong = false;
    *options = (struct bench_options){.accounts = ACCOUNTS_MIN};
    *code = 2;
    optind = 1;
    for (int option; (option = getopt_long(argc, argv, "h", known, NULL)) != -1;) {
        if (option == 'h') *code = 0;
        if (option == 'f') options->path = optarg;
        if (option == 'c') options->name = optarg;
        if (option == 'a') options->accounts = (uint32_t)strtoul(optarg, NULL, 10);
        if (option == 'l') options->timed = true;
        if (option == '?') wrong = true;
    }
    wrong = wrong || optind != argc || (options->path == NULL) == (options->name == NULL) ||
            options->accounts < ACCOUNTS_MIN || options->accounts > 1u << 22;
    if (*code == 0 || wrong) {
        fputs(usage_text, *code == 0 ? stdout : stderr);
        return false;
    }
    return true;
}

int bench_engine_main(int argc, char **argv)
{
    struct bench_options options;
    int code;
    if (bench_chain_asked(argc, argv)) return bench_chain_main(argc, argv);
    if (!options_read(&options, argc, argv, &code)) return code;
    bench_pin();
    return options.path != NULL ? file_measure(&options) : case_measure(&options);
}
