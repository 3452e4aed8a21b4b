/* History at ten million fills: how fast PostgreSQL takes them, how fast an outage is caught up, and how long a
 * question takes while 1,000 fills a second come in.
 *
 *     bench_history [FILLS [OUTAGE [QUESTIONS]]]      (10,000,000, 3,600,000, 1,000 of each kind)
 *
 * A synthetic chain (64 accounts, 500 fills a block, two orders a fill, 1,000 fills a second of its own time) is made
 * by one thread while another is store_run, into a private cluster with default durability. The writer is stopped
 * OUTAGE fills before the end and started again: what follows is caught up. Then a loop of a gateway's own
 * (history_pg.c) asks, one question at a time, with ranges at random over all that is there. Last the yardstick: the
 * same rows by one transaction a fill, in text SQL.
 *
 * Of each kind of question: what it took, from asking to the callback, and the longest of the first ten, which have plans made.
 * On a machine that others use too much of that is waiting for a processor, so "less waiting" is the p99 of what a question took
 * without what its asker or its server, whichever longer, stood ready to run and did not (the kernel's schedstat).
 */

#define WORLD_BLOCKS (1u << 16)

#include "benchmarks/naive.h"
#include "benchmarks/trading_world.h"
#include "gateway/history.h"
#include "tests/unit/settlement/cluster.h"

#include <pthread.h>
#include <time.h>
#include <uv.h>

#define FIRST          10
#define AHEAD          256 /* blocks made before they are asked for */
#define LIVE_A_SECOND  1000
#define QUESTIONS_MAX  20000
#define NEVER_NS       INT64_MAX
#define WRITER_REST_NS 1000000

static struct world *world;
static struct progress progress;
static struct metrics metrics;
static struct park park;
static char conninfo[256];
static _Atomic uint64_t made;   /* blocks that may be read */
static _Atomic uint64_t wanted; /* fills that are to be made */
static _Atomic uint64_t read_to;
static _Atomic bool ending;
static uint64_t first_ns;

static uint64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void rest(void)
{
    const struct timespec pause = {.tv_nsec = WRITER_REST_NS};
    nanosleep(&pause, NULL);
}

/* ---- The chain. ---- */

static void *make_blocks(void *unused)
{
    uint64_t freed = 0;
    while (!atomic_load(&ending)) {
        const uint64_t height = world->height, taken = atomic_load(&read_to);
        if (world->trade_id >= atomic_load(&wanted) || height > taken + AHEAD) {
            rest();
            continue;
        }
        const uint64_t left = atomic_load(&wanted) - world->trade_id;
        trading_block(world, left < FILLS_A_BLOCK ? left : FILLS_A_BLOCK);
        atomic_store(&made, world->height);
        park_wake(&park);
        for (; freed + 4 * AHEAD < taken; freed++) {
            free(world->blocks[freed].body);
            world->blocks[freed].body = NULL;
        }
    }
    return unused;
}

static enum status read_block(void *unused, uint64_t height, struct block_bytes *out)
{
    (void)unused;
    if (height > atomic_load(&made)) return STATUS_NOT_FOUND;
    if (world->blocks[height - 1].body == NULL) abort(); /* too old: a connection was lost */
    atomic_store(&read_to, height);
    return world_read(world, height, out);
}

static void open_world(void)
{
    world = trading_world();
    first_ns = world->stamp_ns;
}

/* ---- The writer. ---- */

static void *run_writer(void *options)
{
    store_run(options);
    return NULL;
}

static struct store_options options;
static pthread_t writer;

static void start_writer(void)
{
    atomic_store(&progress.stopping, 0);
    options = (struct store_options){.conninfo = conninfo,
                                     .genesis = &world->genesis,
                                     .source = {.read = read_block},
                                     .park = &park,
                                     .progress = &progress,
                                     .metrics = &metrics};
    if (pthread_create(&writer, NULL, run_writer, &options) != 0) abort();
}

static void stop_writer(void)
{
    atomic_store(&progress.stopping, 1);
    park_wake(&park);
    pthread_join(writer, NULL);
}

static uint64_t written(void)
{
    return metric_get(&metrics.projected_fills_total);
}

/* Seconds until so many fills are in PostgreSQL. */
static double fill_to(uint64_t fills, uint64_t tell_every)
{
    const uint64_t begin = now_us();
    uint64_t told = written(), told_us = begin;
    atomic_store(&wanted, fills);
    while (written() < fills) {
        rest();
        if (written() < told + tell_every) continue;
        const uint64_t now = now_us();
        printf("  %9llu fills in: %8.0f fills/s\n", (unsigned long long)written(),
               (double)(written() - told) * 1e6 / (double)(now - told_us));
        fflush(stdout);
        told = written();
        told_us = now;
    }
    return (double)(now_us() - begin) / 1e6;
}

/* A thousand fills a second, ten blocks of them, until it is told to end. */
static void *trade_on(void *unused)
{
    const uint64_t base = atomic_load(&wanted), begin = now_us();
    while (!atomic_load(&ending)) {
        atomic_store(&wanted, base + (now_us() - begin) / 100000 * (LIVE_A_SECOND / 10));
        rest();
    }
    return unused;
}

/* ---- Questions. ---- */

static const struct question {
    const char *name;
    enum history_kind kind;
    bool newest, by_id, by_order, by_time, is_open;
    uint32_t limit;
} questions[] = {
    {"myTrades from an id", HISTORY_FILLS, false, true, false, false, false, 500},
    {"myTrades of an order", HISTORY_FILLS, true, false, true, false, false, 500},
    {"myTrades of an hour", HISTORY_FILLS, false, false, false, true, false, 500},
    {"myTrades, newest", HISTORY_FILLS, true, false, false, false, false, 500},
    {"allOrders from an id", HISTORY_ORDERS, false, true, false, false, false, 500},
    {"allOrders of an hour", HISTORY_ORDERS, false, false, false, true, false, 500},
    {"allOrders up to a time", HISTORY_ORDERS, true, false, false, true, true, 500},
    {"order by client id", HISTORY_CLIENT, true, false, false, false, false, 1},
    {"klines 1s from a time", HISTORY_CANDLES, false, false, false, true, false, 500},
    {"klines 1m, newest", HISTORY_CANDLES, true, false, false, false, false, 500},
    {"aggTrades from an id", HISTORY_AGGREGATES, false, true, false, false, false, 500},
    {"aggTrades of an hour", HISTORY_AGGREGATES, false, false, false, true, false, 500},
    {"ledger from a height", HISTORY_LEDGER, false, true, false, false, false, 500},
    {"ledger of an hour", HISTORY_LEDGER, false, false, false, true, false, 500},
    {"ledger, newest", HISTORY_LEDGER, true, false, false, false, false, 500},
    {"historicalTrades from an id", HISTORY_TRADES, false, true, false, false, false, 500},
};

static uv_loop_t loop;
static bool is_answered;
static uint32_t answered_rows;

static void on_answer(void *context, const struct history_rows *rows)
{
    (void)context;
    if (rows->status != STATUS_OK) fprintf(stderr, "no answer: %s\n", status_text(rows->status));
    is_answered = true;
    answered_rows = rows->row_count;
}

static uint64_t dice(uint64_t below)
{
    static uint64_t seed = 0x5eed;
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return below == 0 ? 0 : (seed >> 16) % below;
}

static struct history_query query_of(const struct question *question, uint64_t fills)
{
    struct history_query query = {.kind = question->kind,
                                  .newest = question->newest,
                                  .account = (uint32_t)(1 + dice(WORLD_ACCOUNTS)),
                                  .limit = question->limit,
                                  .interval = question->newest ? INTERVAL_1M : INTERVAL_1S,
                                  .id_max = INT64_MAX,
                                  .end_ns = NEVER_NS,
                                  .place = HISTORY_NO_PLACE};
    const uint64_t orders = question->kind == HISTORY_ORDERS ? 2 : 1;
    if (question->by_id) query.id_min = 1 + dice(fills * orders);
    if (question->by_id && question->kind == HISTORY_LEDGER)
        query.id_min = 1 + dice(fills / FILLS_A_BLOCK);
    if (question->by_order || question->kind == HISTORY_CLIENT) {
        const uint64_t i = dice(fills); /* the order that sold in this fill */
        query.order_id = 2 * i + 1;
        query.account = (uint32_t)(1 + i % WORLD_ACCOUNTS);
    }
    if (question->kind == HISTORY_CLIENT)
        snprintf(query.client_id, sizeof(query.client_id), "c%llu",
                 (unsigned long long)query.order_id);
    if (!question->by_time) return query;
    query.start_ns = first_ns + dice(fills * FILL_NS);
    query.end_ns = query.start_ns + 3600000000000u;
    if (question->is_open) query.start_ns = 0;
    return query;
}

static int by_size(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* Where the kernel says how long the gateway's servers were ready to run and had no processor. */
static char servers[HISTORY_CONNECTIONS][64];

static uint32_t find_servers(void)
{
    uint32_t count = 0;
    char pids[512];
    snprintf(pids, sizeof(pids), "%s",
             cluster_ask("postgres", "SELECT string_agg(pid::text, ' ') FROM pg_stat_activity"
                                     " WHERE application_name = 'quorex gateway'"));
    for (char *next, *pid = strtok_r(pids, " ", &next); pid != NULL && count < HISTORY_CONNECTIONS;
         pid = strtok_r(NULL, " ", &next))
        snprintf(servers[count++], sizeof(servers[0]), "/proc/%s/schedstat", pid);
    return count;
}

static uint64_t waited_of(const char *path)
{
    unsigned long long ran, waited;
    FILE *file = fopen(path, "r");
    if (file == NULL) return 0; /* a connection that ended, or a kernel without it */
    if (fscanf(file, "%llu %llu", &ran, &waited) != 2) waited = 0;
    fclose(file);
    return waited / 1000;
}

struct waits {
    uint64_t asker_us, servers_us;
};

static struct waits waits_now(void)
{
    struct waits now = {.asker_us = waited_of("/proc/self/schedstat")};
    for (uint32_t i = 0; i < HISTORY_CONNECTIONS; i++)
        now.servers_us += waited_of(servers[i]);
    return now;
}

/* The longer one alone: both may have waited at the same time. */
static uint64_t waited_since(const struct waits *before)
{
    const struct waits now = waits_now();
    const uint64_t asker = now.asker_us - before->asker_us;
    const uint64_t server = now.servers_us - before->servers_us;
    return asker > server ? asker : server;
}

static uint64_t ask_once(struct history *history, const struct history_query *query)
{
    const uint64_t begin = now_us();
    is_answered = false;
    if (history_ask(history, query, on_answer, NULL) == NULL) abort();
    while (!is_answered)
        uv_run(&loop, UV_RUN_ONCE);
    return now_us() - begin;
}

static double percent_of(const uint64_t *sorted, uint32_t count, uint32_t percent)
{
    return (double)sorted[count * percent / 100] / 1e3;
}

static void ask(struct history *history, const struct question *question, uint32_t count,
                uint64_t fills)
{
    static uint64_t took[QUESTIONS_MAX], worked[QUESTIONS_MAX];
    uint64_t rows = 0, first = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct history_query query = query_of(question, fills);
        const struct waits before = waits_now();
        took[i] = ask_once(history, &query);
        const uint64_t waited = waited_since(&before);
        worked[i] = took[i] > waited ? took[i] - waited : 0;
        if (i < FIRST && took[i] > first) first = took[i];
        rows += answered_rows;
    }
    qsort(took, count, sizeof(took[0]), by_size);
    qsort(worked, count, sizeof(worked[0]), by_size);
    printf("  %-28s %7.2f %7.2f %7.2f %7.2f %7.2f ms   %6.1f rows\n", question->name,
           percent_of(took, count, 50), percent_of(took, count, 99), (double)took[count - 1] / 1e3,
           (double)first / 1e3, percent_of(worked, count, 99), (double)rows / count);
    fflush(stdout);
}

static void ask_all(uint32_t count, uint64_t fills)
{
    pthread_t trading;
    if (uv_loop_init(&loop) != 0) abort();
    struct history *history = history_new(&loop, conninfo);
    while (find_servers() < HISTORY_CONNECTIONS)
        uv_run(&loop, UV_RUN_ONCE);
    if (pthread_create(&trading, NULL, trade_on, NULL) != 0) abort();
    const uint64_t before = written(), begin = now_us();
    printf("questions while trading goes on: p50, p99, longest, longest of the first, p99 less "
           "waiting; rows an answer\n");
    for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++)
        ask(history, &questions[i], count, fills);
    printf("  meanwhile %.0f fills/s were written\n",
           (double)(written() - before) * 1e6 / (double)(now_us() - begin));
    atomic_store(&ending, true);
    pthread_join(trading, NULL);
    history_free(history);
    while (uv_run(&loop, UV_RUN_NOWAIT) != 0) {
    }
    uv_loop_close(&loop);
}

int main(int count, char **arguments)
{
    pthread_t maker;
    const uint64_t fills = count > 1 ? strtoull(arguments[1], NULL, 10) : 10000000;
    const uint64_t outage = count > 2 ? strtoull(arguments[2], NULL, 10) : 3600000;
    const uint32_t asked = count > 3 ? (uint32_t)strtoul(arguments[3], NULL, 10) : 1000;
    if (outage >= fills || asked < 1 || asked > QUESTIONS_MAX || !park_open(&park)) return 2;
    cluster_durable = true;
    cluster_settings = CLUSTER_RECOMMENDED;
    cluster_start();
    snprintf(conninfo, sizeof(conninfo), "%s", cluster_conninfo("postgres"));
    open_world();
    if (pthread_create(&maker, NULL, make_blocks, NULL) != 0) abort();
    start_writer();
    const double before = fill_to(fills - outage, 1000000);
    stop_writer();
    start_writer();
    const double after = fill_to(fills, 1000000);
    printf("%llu fills in PostgreSQL: %.0f fills/s; the last %llu, after an outage: %.1f s, %.0f "
           "fills/s\n",
           (unsigned long long)fills, (double)fills / (before + after), (unsigned long long)outage,
           after, (double)outage / after);
    fflush(stdout);
    ask_all(asked, fills);
    pthread_join(maker, NULL);
    stop_writer();
    const double naive = naive_rate(conninfo, WORLD_ACCOUNTS);
    printf("one transaction a fill: %.0f fills/s; ratio %.1f\n", naive,
           (double)fills / (before + after) / naive);
    return 0;
}
