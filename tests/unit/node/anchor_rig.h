/* An anchor on a thread of its own, without the node's other threads: the test plays the engine, the log and the gateway.
 *
 * Needs    the file that includes it is one test
 */

#ifndef TESTS_NODE_ANCHOR_RIG_H
#define TESTS_NODE_ANCHOR_RIG_H

#include "common/log.h"
#include "ledger/sign_once.h"
#include "node/anchor.h"
#include "tests/harness.h"
#include "tests/unit/ledger/chain_folder.h"
#include "tests/unit/node/story.h"

#include <pthread.h>

#define RING_BYTES (1u << 20)
#define PATIENCE   20000 /* of a millisecond: how long a condition is waited for */

/* A node without its other threads: the test plays the engine, the log and the gateway. */
struct bench {
    struct chain_folder folder;
    char sign_once_path[96];
    struct ring *applied, *votes, *notices;
    struct ring *more_notices; /* of a second gateway loop; NULL: there is none */
    struct park park, consensus_park, gateway_park, store_park;
    struct metrics metrics;
    struct progress progress;
    struct anchor_options options;
    pthread_t thread;
    enum status status;
};

static struct bench bench;
static struct story story;

static struct ring *new_ring(size_t bytes)
{
    return ring_new(aligned_alloc(64, ring_bytes(bytes)), bytes);
}

static inline void bench_make(void)
{
    memset(&bench, 0, sizeof(bench));
    log_set_level(LOG_ERROR + 1);
    chain_folder_make(&bench.folder);
    snprintf(bench.sign_once_path, sizeof(bench.sign_once_path), "%s.sign-once", bench.folder.path);
    assert_int_equal(sign_once_create(bench.sign_once_path), STATUS_OK);
    bench.options =
        (struct anchor_options){.genesis = &story.journal.genesis,
                                .node = 1,
                                .secret_key = story.journal.node_secret,
                                .tree_secret = journal_tree_secret,
                                .chain_directory = bench.folder.path,
                                .sign_once_path = bench.sign_once_path,
                                .park = &bench.park,
                                .consensus_park = &bench.consensus_park,
                                .gateway_parks = {&bench.gateway_park, &bench.gateway_park},
                                .store_park = &bench.store_park,
                                .metrics = &bench.metrics,
                                .progress = &bench.progress};
}

/* This node has signed the story up to this block: its votes are in there. */
static inline void bench_signed(uint32_t height)
{
    struct sign_once once;
    const struct sign_once_record record = {.height = height,
                                            .header_hash = story.blocks[height - 1].hash};
    assert_int_equal(sign_once_open(&once, bench.sign_once_path), STATUS_OK);
    assert_int_equal(sign_once_claim(&once, &record), STATUS_OK);
    sign_once_close(&once);
}

static void *anchor_thread(void *context)
{
    struct bench *bench_of = context;
    bench_of->status = anchor_run(&bench_of->options);
    return NULL;
}

/* Starts the anchor with fresh rings, as after a start of the node whose HELLO has that number (0: its
 * log is still being replayed). */
static inline void bench_start(struct ring *votes, uint64_t replay_command)
{
    bench.applied = new_ring(RING_BYTES);
    bench.votes = votes;
    bench.notices = new_ring(RING_BYTES);
    bench.options.applied = bench.applied;
    bench.options.votes = bench.votes;
    bench.options.notices[0] = bench.notices;
    bench.options.notices[1] = bench.more_notices;
    bench.options.notice_count = bench.more_notices == NULL ? 1 : 2;
    memset(&bench.progress, 0, sizeof(bench.progress));
    memset(&bench.metrics, 0, sizeof(bench.metrics));
    atomic_store(&bench.progress.replay_command, replay_command);
    assert_true(park_open(&bench.park) && park_open(&bench.consensus_park) &&
                park_open(&bench.gateway_park) && park_open(&bench.store_park));
    assert_int_equal(pthread_create(&bench.thread, NULL, anchor_thread, &bench), 0);
}

static inline enum status bench_stop(void)
{
    atomic_store(&bench.progress.stopping, 1);
    park_wake(&bench.park);
    pthread_join(bench.thread, NULL);
    park_close(&bench.park);
    park_close(&bench.consensus_park);
    park_close(&bench.gateway_park);
    park_close(&bench.store_park);
    free(bench.applied);
    free(bench.votes);
    free(bench.notices);
    return bench.status;
}

static inline void bench_remove(void)
{
    unlink(bench.sign_once_path);
    chain_folder_remove(&bench.folder);
    story_end(&story);
}

/* One record in parts of at most `events` events each, as the engine thread sends it. */
static void send_record(const struct applied *record, uint32_t events)
{
    const uint8_t *at = record->events, *const end = at + record->events_length;
    bool first = true;
    do {
        const uint8_t *start = at;
        struct event event;
        struct applied part = *record;
        part.event_count = 0;
        while (part.event_count < events && event_next(&at, end, &event))
            part.event_count++;
        part.events_length = (uint32_t)(at - start);
        part.command_length = first ? record->command_length : 0;
        part.flags = (first ? APPLIED_FIRST : 0u) | (at == end ? APPLIED_LAST : 0u);
        const size_t bytes = APPLIED_HEADER_BYTES + part.command_length + part.events_length;
        uint8_t *room;
        while ((room = ring_reserve(bench.applied, bytes)) == NULL)
            sched_yield();
        applied_header_put(room, &part);
        le_put_bytes(room + APPLIED_HEADER_BYTES, record->command, part.command_length);
        le_put_bytes(room + APPLIED_HEADER_BYTES + part.command_length, start, part.events_length);
        ring_commit(bench.applied, bytes);
        first = false;
    } while (at != end);
    if (ring_publish(bench.applied)) park_wake(&bench.park);
}

/* Sends blocks `from` to `to` of the story, votes in them left as they are. */
static inline void send_blocks(uint32_t from, uint32_t to, uint32_t events)
{
    for (uint32_t height = from; height <= to; height++) {
        const struct story_block *block = &story.blocks[height - 1];
        const uint8_t *at = block->body;
        struct applied record;
        struct command command;
        while (block_next(&at, block->body + block->body_bytes, &record, &command))
            send_record(&record, events);
    }
}

static inline bool reached(_Atomic uint64_t *figure, uint64_t value)
{
    for (int i = 0; i < PATIENCE && atomic_load(figure) < value; i++)
        usleep(1000);
    return atomic_load(figure) >= value;
}

static inline bool halted(void)
{
    for (int i = 0; i < PATIENCE && atomic_load(&bench.progress.halted) == 0; i++)
        usleep(1000);
    return atomic_load(&bench.progress.halted) == 1;
}

/* The next vote that left for the log; false when there is none and there will be none. */
static inline bool next_vote(struct vote_command *vote, bool wait)
{
    size_t byte_count;
    const uint8_t *bytes;
    for (int i = 0; (bytes = ring_peek(bench.votes, &byte_count)) == NULL; i++) {
        if (!wait || i == PATIENCE) return false;
        usleep(1000);
    }
    struct command command;
    assert_true(command_decode(bytes, byte_count, &command));
    assert_int_equal(command.header.type, T_VOTE);
    assert_int_equal(command.header.origin, 0);
    vote_command_get(command.payload, vote);
    ring_pop(bench.votes);
    ring_release(bench.votes);
    return true;
}

#endif /* TESTS_NODE_ANCHOR_RIG_H */
