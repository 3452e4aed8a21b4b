/* The writer's process, its backend and the whole of PostgreSQL killed while blocks come, at moments of chance: what is
 * there in the end is the chain, row by row, by a model that shares nothing with the writer. */

#include "settlement/store.h"

#include "tests/harness.h"
#include "tests/unit/settlement/projection_rows.h"
#include "tests/unit/settlement/world_custody.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#define DATABASE "crashed"
#define WAIT_MS  60000
#define BLOCKS   240

/* What parent and child share. */
struct shared {
    struct progress progress;
    _Atomic uint64_t visible;
};

static struct shared *shared;
static struct world *world;
static uint64_t seed = 0xdead;

static uint64_t dice(uint64_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (seed >> 20) % below;
}

static void pause_us(uint64_t microseconds)
{
    const struct timespec pause = {.tv_sec = (time_t)(microseconds / 1000000),
                                   .tv_nsec = (long)(microseconds % 1000000 * 1000)};
    nanosleep(&pause, NULL);
}

/* An address that goes and comes back; a deposit that is told of three times, and of every third the chain takes back;
 * a withdrawal a while, each told of to its end or taken back; a debit. */
static void custody_step(struct custody *custody, uint64_t step)
{
    static struct deposit_changed_event deposit;
    const uint64_t number = custody->withdrawal_count;
    if (step % 6 == 3) {
        custody_allow(custody, false);
        custody_allow(custody, true);
    }
    if (step % 4 == 0) custody->deposit_count++;
    if (step % 4 < 3) {
        const uint32_t confirmations = (uint32_t)(step % 4) + 1;
        deposit = custody_deposit_of(custody->deposit_count, 7000, confirmations);
        custody_told(custody, deposit, confirmations, confirmations == 3 ? 7000 : 0);
    } else if (custody->deposit_count % 3 == 0) {
        deposit.credited.units = 0;
        deposit.confirmations = 0;
        deposit.state = DEPOSIT_REORGED;
        custody_gone(custody, deposit, 7000, false);
    }
    if (step % 6 == 0 && number < 7) custody_withdraw(custody, number % 2 == 0 ? 9000 : 4000);
    if (step % 6 == 1 && custody->withdrawals[number].state == WITHDRAWAL_HELD) {
        if (number == 5)
            custody_cancel(custody, number);
        else
            custody_approve(custody, number);
    }
    if (step % 6 == 2 && custody->withdrawals[number].state == WITHDRAWAL_APPROVED)
        custody_tell(custody, number, number % 3 == 0 ? WITHDRAWAL_FAILED : WITHDRAWAL_BROADCAST);
    if (step % 6 == 4 && custody->withdrawals[number].state == WITHDRAWAL_BROADCAST)
        custody_tell(custody, number, WITHDRAWAL_FINAL);
    if (step % 6 == 5) world_debit(custody->world, 2, USDT, 12345);
}

/* With an account of the house, and rebates for makers of the second tier. */
static void rebates_and_a_house(struct genesis *genesis)
{
    world_with_house(genesis);
    genesis->params.tiers[1].maker_ppm = -250;
}

static void make_chain(void)
{
    struct custody custody;
    world = world_new_with(rebates_and_a_house);
    custody_open(&custody, world);
    custody_charges(&custody, 300);
    while (world->height < BLOCKS) {
        const uint64_t r = dice((uint64_t)1 << 44);
        world->stamp_ns += 1700000000;
        world_act(world, r);
        if (r >> 13 & 1) {
            if (world->height % 5 == 0) custody_step(&custody, world->height / 5);
            assert_int_equal(world_seal(world), STATUS_OK);
        }
    }
}

static enum status read_visible(void *context, uint64_t height, struct block_bytes *out)
{
    (void)context;
    if (height > atomic_load(&shared->visible)) return STATUS_NOT_FOUND;
    return world_read(world, height, out);
}

/* A writer in a process of its own, which may be killed at any time. */
static pid_t start_writer(void)
{
    static struct metrics metrics;
    static struct park park;
    static char conninfo[256];
    snprintf(conninfo, sizeof(conninfo), "%s", cluster_conninfo(DATABASE));
    const pid_t pid = fork();
    if (pid != 0) return pid;
    if (!park_open(&park)) _exit(1);
    const struct store_options options = {.conninfo = conninfo,
                                          .genesis = &world->genesis,
                                          .source = {.read = read_visible},
                                          .park = &park,
                                          .progress = &shared->progress,
                                          .metrics = &metrics,
                                          .partition_commands = 100,
                                          .balances_ms = 1};
    store_run(&options);
    _exit(0);
}

static void kill_writer(pid_t pid)
{
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void kill_backend(void)
{
    cluster_ask("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                            " WHERE datname = '" DATABASE "'");
}

/* kill -9 of the server and every process of its own, and a start after that. */
static void kill_server(void)
{
    char path[128], arguments[512];
    snprintf(path, sizeof(path), "%s/data/postmaster.pid", cluster_directory);
    FILE *file = fopen(path, "r");
    long pid = 0;
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%ld", &pid), 1);
    fclose(file);
    assert_true(pid > 1 && getpgid((pid_t)pid) == (pid_t)pid);
    kill(-(pid_t)pid, SIGKILL); /* it leads a group that is its own */
    for (int i = 0; i < WAIT_MS && kill((pid_t)pid, 0) == 0; i++)
        pause_us(1000);
    snprintf(arguments, sizeof(arguments),
             "-D %s/data -w -o \"-c listen_addresses='' -c unix_socket_directories=%s\" start",
             cluster_directory, cluster_directory);
    for (int i = 0; cluster_command("pg_ctl", arguments) != 0; i++) {
        assert_true(i < 20); /* its last processes may take a moment to go */
        pause_us(200000);
    }
}

static bool wait_for(const char *sql, const char *answer)
{
    for (int i = 0; i < WAIT_MS / 5; i++) {
        if (strcmp(cluster_ask(DATABASE, sql), answer) == 0) return true;
        pause_us(5000);
    }
    return false;
}

static void set_up(void)
{
    cluster_start();
    cluster_ask("postgres", "DROP DATABASE IF EXISTS " DATABASE " WITH (FORCE)");
    cluster_ask("postgres", "CREATE DATABASE " DATABASE);
    if (world == NULL) make_chain();
    if (shared == NULL)
        shared =
            mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(shared != MAP_FAILED);
    memset(shared, 0, sizeof(*shared));
}

/* What the comparison is worth: every kind of entry is there, and every account of the house. */
static void assert_varied(const struct model *model)
{
    const struct model_rows *entries = &model->tables[MODEL_ENTRIES];
    uint32_t kinds[MODEL_KINDS + 1] = {0}, houses[MODEL_HOUSES + 1] = {0};
    for (uint32_t i = 0; i < entries->count; i++) {
        int account, asset, kind;
        assert_int_equal(sscanf(entries->lines[i], "%*u|%*u|%d|%d|%d|", &account, &asset, &kind),
                         3);
        kinds[kind]++;
        if (account < 0) houses[-account]++;
    }
    for (int kind = 1; kind <= MODEL_KINDS; kind++)
        if (kinds[kind] == 0) fail_msg("no entry of kind %d", kind);
    for (int account = 1; account <= MODEL_HOUSES; account++)
        if (houses[account] == 0) fail_msg("no entry of account -%d", account);
    assert_true(
        model->tables[MODEL_FILLS].count > 100 && model->tables[MODEL_LISTS].count > 5 &&
        model->tables[MODEL_PREVENTED].count > 2 && model->tables[MODEL_DEPOSITS].count > 5 &&
        model->tables[MODEL_WITHDRAWALS].count > 5 && model->tables[MODEL_ADDRESSES].count == 2 &&
        model->tables[MODEL_ADDRESS_CHANGES].count > 5 &&
        model->tables[MODEL_ACCOUNTS].count == 4 && model->tables[MODEL_ASSETS].count == 2 &&
        model->tables[MODEL_MARKETS].count == 1);
}

/* All that is left to come, and then every row. */
static void finish(pid_t writer)
{
    char height[32];
    static struct model model;
    snprintf(height, sizeof(height), "%llu true", (unsigned long long)world->height);
    atomic_store(&shared->visible, world->height);
    assert_true(
        wait_for("SELECT height || ' ' || (height = balances_height) FROM quorex.cursor", height));
    kill_writer(writer);
    model_of(&model, world);
    assert_varied(&model);
    rows_compare(DATABASE, &model, 0);
    model_end(&model);
}

/* Until all that may be seen is there: what is killed then is about to write, and not only to begin. */
static void wait_written(void)
{
    for (int i = 0; i < WAIT_MS &&
                    atomic_load(&shared->progress.projected_height) < atomic_load(&shared->visible);
         i++)
        pause_us(1000);
    assert_int_equal(atomic_load(&shared->progress.projected_height),
                     atomic_load(&shared->visible));
}

/* Without any accident first: the model is the writer's equal. */
TEST(crashes, rows_are_the_models)
{
    set_up();
    finish(start_writer());
}

/* Forty kills, of the backend, the writer and the server by turns, up to 30 ms after blocks have come: wherever they
 * are then, which test_store_steps.c does step by step. */
TEST(crashes, killed_anywhere_every_row_is_there_once)
{
    set_up();
    pid_t writer = start_writer();
    for (int i = 0; i < 40; i++) {
        if (i % 4 != 3) wait_written(); /* else it may be killed before it has come that far */
        atomic_fetch_add(&shared->visible, 1 + dice(9));
        pause_us(dice(30000));
        switch (i % 5) {
        case 0:
        case 1:
            kill_backend();
            break;
        case 2:
        case 3:
            kill_writer(writer);
            writer = start_writer();
            break;
        default:
            kill_server();
        }
    }
    assert_true(atomic_load(&shared->visible) <
                world->height); /* all kills met a writer with work */
    finish(writer);
}
