/* The writer ended (kill -9) before each of its calls to the database, one after the other: whatever it had done by
 * then, the next one comes to the same rows of all tables as one that nothing ever happened to, and those are the model's.
 *
 * This program has a database_pg.c whose statements, and ends of COPY, are counted. The second
 * connection's thread (ahead.h) is played in the two orders that there are, so that every step is the same each time:
 * its transaction wholly before the first connection's rows, or wholly after them; and beside them, as it comes. */

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <libpq-fe.h>

static int send_step(PGconn *connection, const char *sql);
static int copy_step(PGconn *connection, const char *error);
#define PQsendQuery  send_step
#define PQputCopyEnd copy_step
#include "settlement/database_pg.c"
#undef PQsendQuery
#undef PQputCopyEnd

static int begin_beside(pthread_t *thread, const pthread_attr_t *attributes,
                        void *(*routine)(void *), void *argument);
static int end_beside(pthread_t thread, void **result);

#define pthread_create begin_beside
#define pthread_join   end_beside
#include "settlement/ahead_pg.c"
#undef pthread_create
#undef pthread_join

#include "settlement/store.h"
#include "tests/harness.h"
#include "tests/unit/settlement/projection_rows.h"
#include "tests/unit/settlement/world_custody.h"

#define PARTITION  60
#define BLOCKS     48
#define FEW        8  /* blocks of a chain that has just begun */
#define STAGE      40 /* blocks that are there at first; the others come when those are written */
#define SECONDS    60 /* a writer that has not come to its end by then never will */
#define TO_THE_END UINT64_MAX

enum orders { ORDERS_FIRST, ORDERS_LAST, ORDERS_BESIDE };

/* What this program and its writers share. */
static struct plan {
    struct progress progress;
    _Atomic uint64_t calls; /* of this writer */
    uint64_t last_call;     /* it does not come to this one */
    uint64_t batch_call;    /* the last before the second connection began to write */
    uint64_t top;           /* no block above it is there */
    enum orders orders;
    uint64_t quiet_at,
        quiet_count; /* calls when nothing was left to write, and how often it was the same number */
} * plan;

static struct world *world;
static struct park park;

static void step(void)
{
    if (atomic_fetch_add(&plan->calls, 1) + 1 >= plan->last_call) kill(getpid(), SIGKILL);
}

static int send_step(PGconn *connection, const char *sql)
{
    step();
    return PQsendQuery(connection, sql);
}

/* All rows of a COPY are sent, or as many as have gone, and not that these were all. */
static int copy_step(PGconn *connection, const char *error)
{
    step();
    return PQputCopyEnd(connection, error);
}

/* ---- The thread beside, played. */

static struct {
    void *(*routine)(void *);
    void *argument;
} beside;

static int begin_beside(pthread_t *thread, const pthread_attr_t *attributes,
                        void *(*routine)(void *), void *argument)
{
    plan->batch_call = atomic_load(&plan->calls);
    if (plan->orders == ORDERS_BESIDE) return pthread_create(thread, attributes, routine, argument);
    beside.routine = routine;
    beside.argument = argument;
    return plan->orders == ORDERS_FIRST; /* no thread: the caller does it, then and there */
}

static int end_beside(pthread_t thread, void **result)
{
    if (plan->orders == ORDERS_BESIDE) return pthread_join(thread, result);
    (void)beside.routine(beside.argument);
    return 0;
}

/* ---- The chain, and what of it is there. */

static void rebates_and_a_house(struct genesis *genesis)
{
    world_with_house(genesis);
    genesis->params.tiers[1].maker_ppm = -250;
}

/* Three actions a block, a deposit and a withdrawal at each end, 20 seconds a block. */
static void make_chain(void)
{
    struct custody custody;
    uint64_t seed = 0x57e95;
    world = world_new_with(rebates_and_a_house);
    custody_open(&custody, world);
    for (uint64_t actions = 0; world->height < BLOCKS; actions++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        world->stamp_ns += 7000000000;
        world_act(world, seed >> 20);
        if (world->body_bytes > 0 && actions % 3 != 2) continue;
        if (world->height == 2 || world->height == STAGE + 2) {
            const uint64_t number = ++custody.deposit_count;
            custody_told(&custody, custody_deposit_of(number, 7000, 2), 2, 0);
            custody_told(&custody, custody_deposit_of(number, 7000, 3), 3, 7000);
            custody_withdraw(&custody, number == 1 ? 9000 : 4000);
            custody_allow(&custody, false);
            custody_allow(&custody, true);
        }
        assert_int_equal(world_seal(world), STATUS_OK);
    }
}

/* Nothing more comes, and the last turns asked the database nothing: this writer's work is done. */
static void look_for_the_end(void)
{
    const uint64_t calls = atomic_load(&plan->calls);
    plan->quiet_count = calls == plan->quiet_at ? plan->quiet_count + 1 : 0;
    plan->quiet_at = calls;
    if (plan->quiet_count >= 3) atomic_store(&plan->progress.stopping, 1);
}

/* The second stage is there once the first is written: whoever goes on makes the same batches. */
static enum status read_staged(void *context, uint64_t height, struct block_bytes *out)
{
    (void)context;
    const uint64_t projected = atomic_load(&plan->progress.projected_height);
    const uint64_t visible = projected < STAGE && plan->top > STAGE ? STAGE : plan->top;
    if (height <= visible) return world_read(world, height, out);
    if (projected == plan->top) look_for_the_end();
    park_wake(&park);
    return STATUS_NOT_FOUND;
}

/* What a run of writers has in common. */
struct run {
    uint64_t top;
    uint64_t kept_s; /* 0: all of it */
    enum orders orders;
};

/* Runs a writer to its end or up to a call; whether it came to its end. */
static bool write_until(const char *database, struct run run, uint64_t last_call)
{
    static struct metrics metrics;
    static char conninfo[256];
    int state;
    snprintf(conninfo, sizeof(conninfo), "%s", cluster_conninfo(database));
    memset(plan, 0, sizeof(*plan));
    plan->last_call = last_call;
    plan->top = run.top;
    plan->orders = run.orders;
    fflush(stdout);
    const pid_t writer = fork();
    assert_true(writer >= 0);
    if (writer == 0) {
        (void)!freopen("/dev/null", "w", stderr);
        alarm(SECONDS);
        if (!park_open(&park)) _exit(1);
        const struct store_options options = {.conninfo = conninfo,
                                              .genesis = &world->genesis,
                                              .source = {.read = read_staged},
                                              .park = &park,
                                              .progress = &plan->progress,
                                              .metrics = &metrics,
                                              .partition_commands = PARTITION,
                                              .kept_ns = run.kept_s * 1000000000,
                                              .balances_ms = 1};
        store_run(&options);
        _exit(0);
    }
    assert_int_equal(waitpid(writer, &state, 0), writer);
    const bool is_killed = WIFSIGNALED(state) && WTERMSIG(state) == SIGKILL;
    assert_true(is_killed || (WIFEXITED(state) && WEXITSTATUS(state) == 0));
    return !is_killed;
}

/* ---- What there is before and after. */

static void make(const char *database, const char *like)
{
    char sql[256];
    snprintf(sql, sizeof(sql), "DROP DATABASE IF EXISTS %s WITH (FORCE)", database);
    cluster_ask("postgres", sql);
    snprintf(sql, sizeof(sql), "CREATE DATABASE %s TEMPLATE %s", database, like);
    cluster_ask("postgres", sql);
}

/* Writes what of the chain is not there, by a writer that nobody ends: by two, when old history goes, which is looked
 * for as one begins. */
static void write_all(const char *database, struct run run)
{
    for (int i = 0; i < (run.kept_s > 0 ? 2 : 1); i++)
        assert_true(write_until(database, run, TO_THE_END));
}

static const struct run few_run = {.top = FEW}, half_run = {.top = STAGE},
                        whole_run = {.top = BLOCKS}, kept_run = {.top = BLOCKS, .kept_s = 400};

/* A database with the first stage, one with all of the chain, and one of which the old goes, each once. */
static void set_up(void)
{
    static struct model model;
    if (world != NULL) return;
    cluster_start();
    plan = mmap(NULL, sizeof(*plan), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(plan != MAP_FAILED);
    make_chain();
    make("few", "template1");
    write_all("few", few_run);
    make("half", "template1");
    write_all("half", half_run);
    make("whole", "half");
    write_all("whole", whole_run);
    make("kept", "whole");
    write_all("kept", kept_run);

    model_of(&model, world);
    rows_compare("whole", &model, 0);
    const char *dropped = cluster_ask("kept", "SELECT dropped_command FROM quorex.cursor");
    assert_true(strtoull(dropped, NULL, 10) >= 2 * PARTITION);
    rows_compare("kept", &model, strtoull(dropped, NULL, 10));
    model_end(&model);
}

static void assert_same(const char *database, const char *like, uint64_t call)
{
    char is[ROWS_DIGEST_BYTES], due[ROWS_DIGEST_BYTES];
    rows_digest(database, is);
    rows_digest(like, due);
    if (strcmp(is, due) == 0) return;
    size_t at = 0;
    while (is[at] == due[at])
        at++;
    while (at > 0 && is[at - 1] != '\n')
        at--;
    fail_msg("ended before call %llu: %.60s, where %.60s was due", (unsigned long long)call,
             is + at, due + at);
}

/* How many of a table's rows the cursor does not know of; orders may be ahead of it. */
static const char loose_sql[] =
    "SELECT (SELECT count(*) FROM quorex.fills WHERE command > c.command)"
    " + (SELECT count(*) FROM quorex.ledger_entries WHERE command > c.command)"
    " + (SELECT count(*) FROM quorex.order_amendments WHERE command > c.command)"
    " + (SELECT count(*) FROM quorex.deposit_changes WHERE command > c.command)"
    " + (SELECT count(*) FROM quorex.blocks WHERE height > c.height)"
    " + (SELECT count(*) FROM quorex.balances WHERE height > c.balances_height)"
    " + (SELECT count(*) FROM quorex.orders o, quorex.ahead a WHERE o.command > c.command"
    " AND o.command > a.command) FROM quorex.cursor c";

struct seen {
    uint64_t calls; /* of a writer that comes to its end */
    uint64_t batch; /* from which on it writes the batch */
    uint64_t ahead; /* how often orders were ahead of the cursor */
};

/* Which calls to end a writer before. */
struct calls {
    uint64_t first, every;
};

/* Ends a writer before each of these calls from what is in `from`, and lets others go on: `due` is what must be there
 * then. */
static struct seen end_before_calls(const char *from, const char *due, struct run run,
                                    struct calls calls)
{
    struct seen seen = {0};
    for (uint64_t call = calls.first;; call += calls.every) {
        make("stepped", from);
        const bool ended = write_until("stepped", run, call);
        if (ended) seen.calls = call - 1;
        if (plan->batch_call > 0) seen.batch = plan->batch_call;
        if (strcmp(from, "template1") != 0) {
            assert_string_equal(cluster_ask("stepped", loose_sql), "0");
            seen.ahead += strtoull(
                cluster_ask("stepped", "SELECT (a.height > c.height)::int FROM quorex.ahead a,"
                                       " quorex.cursor c"),
                NULL, 10);
        }
        write_all("stepped", run);
        assert_same("stepped", due, call);
        if (ended) return seen;
    }
}

/* From an empty database: schema, owner, partitions, the first batch, its balances. */
TEST(store_steps, ended_anywhere_from_nothing_the_rows_are_the_same)
{
    set_up();
    const struct calls all = {1, 1};
    const struct seen seen = end_before_calls("template1", "few", few_run, all);
    print_message("%llu calls\n", (unsigned long long)seen.calls);
    assert_true(seen.calls > 60);
}

/* One batch more: up to where it is written, new partitions among it, every fourth call. Then every one, with the orders
 * before the rest, after it and beside it, from where the partitions are there. Orders are committed and the cursor is not at
 * one step at least, by which the next writer must not write them again. */
TEST(store_steps, ended_anywhere_in_a_batch_the_rows_are_the_same)
{
    set_up();
    struct calls calls = {1, 4};
    struct seen seen = end_before_calls("half", "whole", whole_run, calls);
    assert_true(seen.batch > 20);
    make("ready", "half");
    assert_false(write_until("ready", whole_run, seen.batch));

    calls.every = 1;
    for (enum orders orders = ORDERS_FIRST; orders <= ORDERS_BESIDE; orders++) {
        struct run run = whole_run;
        run.orders = orders;
        if (orders == ORDERS_BESIDE) calls.every = 3; /* another order each time */
        seen = end_before_calls("ready", "whole", run, calls);
        print_message("%llu calls, %llu times ahead\n", (unsigned long long)seen.calls,
                      (unsigned long long)seen.ahead);
        assert_true(seen.batch > 10 && seen.calls > seen.batch + 20);
        assert_true(seen.ahead >= 1 || orders == ORDERS_BESIDE);
        calls.first = seen.batch; /* up to there all three are the same */
    }
}

/* What is old is declared gone, detached and dropped, table by table. */
TEST(store_steps, ended_anywhere_in_retention_the_rows_are_the_same)
{
    set_up();
    const struct calls all = {1, 1};
    const struct seen seen = end_before_calls("whole", "kept", kept_run, all);
    print_message("%llu calls\n", (unsigned long long)seen.calls);
    assert_true(seen.calls > 30);
}
