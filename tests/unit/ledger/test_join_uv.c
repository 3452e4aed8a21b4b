#include "tests/harness.h"
#include "tests/unit/ledger/doors.h"

/* Ports 19161 to 19164: a file of tests runs its tests one after the other. */
#define PORT 19160

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
