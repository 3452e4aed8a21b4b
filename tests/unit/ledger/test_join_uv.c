#include "tests/harness.h"
#include "tests/unit/ledger/doors.h"
#include "tests/unit/ledger/wal_files_made.h"

/* Ports 19301 to 19304: a file of tests runs its tests one after the other, and ctest one build's after another's. */
#define PORT 19300

static struct doors doors;

static void open_all(void)
{
    for (uint32_t node = 1; node <= DOORS_MAX; node++)
        doors_open(&doors, node);
}

static void expect_joined(uint64_t expected)
{
    const struct join_options options = doors_options(&doors);
    uint64_t height = 0;
    assert_int_equal(join_run(&options, &height), STATUS_OK);
    assert_int_equal(height, expected);
    struct checkpoint_reader *reader;
    const uint8_t *bytes;
    size_t byte_count;
    assert_int_equal(checkpoint_reader_open(doors.own.path, height, &reader), STATUS_OK);
    for (int section = 0; section < CHECKPOINT_SECTIONS; section++)
        assert_int_equal(checkpoint_reader_section(reader, (enum checkpoint_section)section, &bytes,
                                                   &byte_count),
                         STATUS_OK);
    checkpoint_reader_close(reader);
}

TEST(join_uv, brings_the_newest_checkpoint)
{
    doors_begin(&doors, PORT);
    for (uint32_t node = 1; node <= DOORS_MAX; node++)
        doors_give(&doors, node, 40, checkpoints_bytes);
    open_all();
    expect_joined(40);
    assert_int_equal(metric_get(&doors.metrics.join_bytes), 3 * CHECKPOINT_CHUNK_BYTES + 1000 + 77);
    assert_int_equal(metric_get(&doors.metrics.join_total_bytes),
                     3 * CHECKPOINT_CHUNK_BYTES + 1000 + 77);
    doors_end(&doors);
}

/* A rotten file at one of them is not carried on. */
TEST(join_uv, goes_round_a_rotten_chunk)
{
    doors_begin(&doors, PORT);
    for (uint32_t node = 1; node <= DOORS_MAX; node++)
        doors_give(&doors, node, 40, checkpoints_bytes);
    checkpoints_rot(&doors.list[0].folder, "40/00000.chunk", 77);
    checkpoints_rot(&doors.list[0].folder, "40/00001.chunk", 77);
    open_all();
    expect_joined(40);
    doors_end(&doors);
}

TEST(join_uv, ends_when_there_is_none)
{
    doors_begin(&doors, PORT);
    open_all();
    const struct join_options options = doors_options(&doors);
    uint64_t height = 1;
    assert_int_equal(join_run(&options, &height), STATUS_NOT_FOUND);
    assert_int_equal(height, 0);
    doors_end(&doors);
}

/* A cluster that starts for the first time: all of them ask, and answer each other meanwhile. */
static void *join_too(void *context)
{
    struct join_options *options = context;
    uint64_t height;
    return (void *)(intptr_t)join_run(options, &height);
}

TEST(join_uv, of_all_nodes_at_once_ends)
{
    doors_begin(&doors, PORT);
    struct join_options options[DOORS_NODE];
    static struct progress progress[DOORS_NODE];
    pthread_t threads[DOORS_NODE];
    memset(progress, 0, sizeof(progress));
    for (uint32_t i = 0; i < DOORS_NODE; i++) {
        options[i] = doors_options(&doors);
        options[i].node = i + 1;
        options[i].secret_key = doors.secrets[i];
        options[i].port = (uint16_t)(PORT + i + 1);
        options[i].progress = &progress[i];
        options[i].metrics = NULL;
        if (i < DOORS_MAX) options[i].checkpoint_directory = doors.list[i].folder.path;
        assert_int_equal(pthread_create(&threads[i], NULL, join_too, &options[i]), 0);
    }
    for (uint32_t i = 0; i < DOORS_NODE; i++) {
        void *status;
        pthread_join(threads[i], &status);
        assert_int_equal((intptr_t)status, STATUS_NOT_FOUND);
    }
    doors_end(&doors);
}

/* One peer alone, whose process ends in the middle and comes back: the rest follows. */
struct joiner {
    struct join_options options;
    uint64_t height;
    _Atomic int status; /* -1: not yet */
};

static void *join_in_thread(void *context)
{
    struct joiner *joiner = context;
    const enum status status = join_run(&joiner->options, &joiner->height);
    atomic_store(&joiner->status, (int)status);
    return NULL;
}

TEST(join_uv, goes_on_when_its_only_peer_restarts)
{
    static const uint64_t long_ones[CHECKPOINT_SECTIONS] = {16 * CHECKPOINT_CHUNK_BYTES, 5, 5, 5};
    doors_begin(&doors, PORT);
    doors_give(&doors, 1, 40, long_ones);
    doors_open(&doors, 1);
    struct joiner joiner = {.options = doors_options(&doors)};
    atomic_store(&joiner.status, -1);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, join_in_thread, &joiner), 0);
    while (metric_get(&doors.metrics.join_bytes) < 2 * CHECKPOINT_CHUNK_BYTES)
        uv_sleep(1);
    doors_shut(&doors, 1);
    const bool interrupted = atomic_load(&joiner.status) == -1;
    doors_open(&doors, 1);
    pthread_join(thread, NULL);
    assert_true(interrupted);
    assert_int_equal(atomic_load(&joiner.status), STATUS_OK);
    assert_int_equal(joiner.height, 40);
    doors_end(&doors);
}

/* A break of our own: the second process takes up what the first has kept. */
TEST(join_uv, stops_when_told_and_resumes)
{
    static const uint64_t long_ones[CHECKPOINT_SECTIONS] = {16 * CHECKPOINT_CHUNK_BYTES, 5, 5, 5};
    doors_begin(&doors, PORT);
    doors_give(&doors, 2, 40, long_ones);
    doors_open(&doors, 2);
    struct joiner joiner = {.options = doors_options(&doors)};
    atomic_store(&joiner.status, -1);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, join_in_thread, &joiner), 0);
    while (metric_get(&doors.metrics.join_bytes) < 2 * CHECKPOINT_CHUNK_BYTES)
        uv_sleep(1);
    atomic_store(&doors.progress.stopping, 1);
    pthread_join(thread, NULL);
    assert_int_equal(atomic_load(&joiner.status), STATUS_STOPPING);
    assert_true(checkpoints_has(&doors.own, "40.part/00000.chunk"));
    atomic_store(&doors.progress.stopping, 0);
    expect_joined(40);
    doors_end(&doors);
}

/* It was away when node 3 became a member, who alone has a checkpoint: two of the three voters it knows say so. */
TEST(join_uv, hears_of_members_it_does_not_know)
{
    doors_begin(&doors, PORT);
    doors_give(&doors, 3, 40, checkpoints_bytes);
    atomic_store(&doors.list[0].progress.checkpoint_height, 40); /* says so, and has it not */
    open_all();
    struct node_set old = doors.nodes;
    old.members[2] = old.members[3];
    old.count = 3;
    struct join_options options = doors_options(&doors);
    options.nodes = &old;
    uint64_t height = 0;
    assert_int_equal(join_run(&options, &height), STATUS_OK);
    assert_int_equal(height, 40);
    doors_end(&doors);
}

TEST(join_uv, says_when_its_port_is_taken)
{
    doors_begin(&doors, PORT);
    doors_open(&doors, 1);
    struct join_options options = doors_options(&doors);
    uint64_t height;
    options.port = PORT + 1;
    assert_int_equal(join_run(&options, &height), STATUS_ADDRESS_IN_USE);
    doors_end(&doors);
}

/* ---- A damaged log ---- */

/* Entries as made_fill writes them; of node 1 they are others, and node 2 has them from 10 on only. */
struct entries_of {
    uint32_t node;
    uint8_t bytes[200];
};

static enum status give_entry(void *context, uint64_t index, struct wal_entry *entry)
{
    struct entries_of *of = context;
    if (index > 40 || (of->node == 2 && index < 10)) return STATUS_NOT_FOUND;
    for (uint32_t i = 0; i < sizeof(of->bytes); i++) /* made_bytes is for one thread */
        of->bytes[i] = (uint8_t)(index * 7 + 31 + i + (of->node == 1));
    *entry = (struct wal_entry){index, 1, WAL_COMMANDS, sizeof(of->bytes), of->bytes};
    return STATUS_OK;
}

static void give_offer(void *context, struct fetch_offer *offer)
{
    (void)context;
    *offer = (struct fetch_offer){0};
}

static enum status give_nothing(void *context, const struct fetch_object *object, uint32_t offset,
                                uint8_t *bytes, uint32_t capacity, uint32_t *byte_count,
                                uint32_t *total)
{
    (void)context;
    (void)object;
    (void)offset;
    (void)bytes;
    (void)capacity;
    (void)byte_count;
    (void)total;
    return STATUS_NOT_FOUND;
}

/* Entries 5, 6, 20 and the last rotted. The holes are filled with what the running hash proves; the tail is left to
 * the leader, and the log knows that it may have lost something there. */
TEST(join_uv, fills_the_holes_of_a_log)
{
    static struct entries_of of[DOORS_MAX];
    static const uint64_t rotten[] = {5, 6, 20, 40};
    struct made made = made_new("/tmp");
    assert_int_equal(made_open(&made), STATUS_OK);
    for (uint64_t i = 1; i <= 40; i++)
        assert_int_equal(made_append(&made, i, 1, 200, i - 1), STATUS_OK);
    made_close(&made);
    for (size_t i = 0; i < 4; i++) {
        char name[32];
        snprintf(name, sizeof(name), "%012d.wal", (int)((rotten[i] - 1) / 12) + 1);
        made_flip(&made, name, WAL_RECORDS_OFFSET + WAL_BLOCK_BYTES * ((rotten[i] - 1) % 12) + 130);
    }
    doors_begin(&doors, PORT);
    for (uint32_t i = 0; i < DOORS_MAX; i++) {
        of[i].node = i + 1;
        doors.list[i].source = (struct supply_source){&of[i], give_offer, give_nothing, give_entry};
    }
    open_all();
    const struct join_options options = doors_options(&doors);
    struct wal_patch *patch;
    assert_int_equal(wal_patch_begin(&made.options, NULL, &patch), STATUS_OK);
    assert_int_equal(join_repair(&options, patch), STATUS_OK);
    assert_int_equal(wal_patch_end(patch, NULL), STATUS_OK);
    assert_int_equal(made_open(&made), STATUS_OK);
    const uint64_t last = wal_last_index(made.wal);
    assert_int_equal(last, 38); /* the last that is known to be committed */
    for (uint64_t i = 1; i <= last; i++)
        assert_true(made_has(&made, i, 1, 200));
    assert_int_equal(wal_cut_index(made.wal), 40);
    made_free(&made);
    doors_end(&doors);
}

/* Nobody has them any more. */
TEST(join_uv, says_when_entries_are_gone)
{
    static struct entries_of of[DOORS_MAX];
    struct made made = made_new("/tmp");
    assert_int_equal(made_open(&made), STATUS_OK);
    made_fill(&made, 1, 40, 200);
    made_close(&made);
    made_flip(&made, "000000000001.wal", WAL_RECORDS_OFFSET + WAL_BLOCK_BYTES * 4 + 130);
    doors_begin(&doors, PORT);
    for (uint32_t i = 0; i < DOORS_MAX; i++) {
        of[i].node = 2;
        doors.list[i].source = (struct supply_source){&of[i], give_offer, give_nothing, give_entry};
    }
    open_all();
    const struct join_options options = doors_options(&doors);
    struct wal_patch *patch;
    assert_int_equal(wal_patch_begin(&made.options, NULL, &patch), STATUS_OK);
    assert_int_equal(join_repair(&options, patch), STATUS_NOT_FOUND);
    wal_patch_drop(patch);
    made_free(&made);
    doors_end(&doors);
}
