#include "node/anchor.h"

#include "common/log.h"
#include "ledger/chain_files.h"
#include "ledger/sign_once.h"
#include "node/verify.h"
#include "settlement/mandate_book.h"
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

static void bench_make(void)
{
    memset(&bench, 0, sizeof(bench));
    log_set_level(LOG_ERROR + 1);
    chain_folder_make(&bench.folder);
    snprintf(bench.sign_once_path, sizeof(bench.sign_once_path), "%s.sign-once", bench.folder.path);
    assert_int_equal(sign_once_create(bench.sign_once_path), STATUS_OK);
    bench.options = (struct anchor_options){.genesis = &story.journal.genesis,
                                            .node = 1,
                                            .secret_key = story.journal.node_secret,
                                            .tree_secret = journal_tree_secret,
                                            .chain_directory = bench.folder.path,
                                            .sign_once_path = bench.sign_once_path,
                                            .park = &bench.park,
                                            .consensus_park = &bench.consensus_park,
                                            .gateway_park = &bench.gateway_park,
                                            .store_park = &bench.store_park,
                                            .metrics = &bench.metrics,
                                            .progress = &bench.progress};
}

/* This node has signed the story up to this block: its votes are in there. */
static void bench_signed(uint32_t height)
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
static void bench_start(struct ring *votes, uint64_t replay_command)
{
    bench.applied = new_ring(RING_BYTES);
    bench.votes = votes;
    bench.notices = new_ring(RING_BYTES);
    bench.options.applied = bench.applied;
    bench.options.votes = bench.votes;
    bench.options.notices = bench.notices;
    memset(&bench.progress, 0, sizeof(bench.progress));
    memset(&bench.metrics, 0, sizeof(bench.metrics));
    atomic_store(&bench.progress.replay_command, replay_command);
    assert_true(park_open(&bench.park) && park_open(&bench.consensus_park) &&
                park_open(&bench.gateway_park) && park_open(&bench.store_park));
    assert_int_equal(pthread_create(&bench.thread, NULL, anchor_thread, &bench), 0);
}

static enum status bench_stop(void)
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

static void bench_remove(void)
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
static void send_blocks(uint32_t from, uint32_t to, uint32_t events)
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

static bool reached(_Atomic uint64_t *figure, uint64_t value)
{
    for (int i = 0; i < PATIENCE && atomic_load(figure) < value; i++)
        usleep(1000);
    return atomic_load(figure) >= value;
}

static bool halted(void)
{
    for (int i = 0; i < PATIENCE && atomic_load(&bench.progress.halted) == 0; i++)
        usleep(1000);
    return atomic_load(&bench.progress.halted) == 1;
}

/* The next vote that left for the log; false when there is none and there will be none. */
static bool next_vote(struct vote_command *vote, bool wait)
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

/* Blocks come out as they were told, each is voted for, and its vote, back from the log, certifies it.
 * Commands come in parts of one event: the records are put together again. */
TEST(anchor, seals_votes_and_certifies)
{
    story_tell(&story, 0);
    bench_make();
    bench_start(new_ring(RING_BYTES), 1);
    for (uint32_t height = 1; height <= 6; height++) {
        struct vote_command vote;
        send_blocks(height, height, 1);
        assert_true(next_vote(&vote, true));
        assert_int_equal(vote.height, height);
        assert_memory_equal(vote.header_hash, story.blocks[height - 1].hash.bytes, HASH_BYTES);
        assert_true(certificate_vote_valid(&vote, genesis_chain_id(&story.journal.genesis),
                                           &story.journal.genesis.validators));
    }
    assert_true(reached(&bench.progress.sealed_height, 6));
    assert_true(reached(&bench.progress.certified_height, 5)); /* the last vote is not back yet */
    assert_int_equal(metric_get(&bench.metrics.blocks_sealed_total), 6);
    assert_int_equal(bench_stop(), STATUS_OK);

    struct chain *chain;
    struct chain_block block;
    assert_int_equal(chain_open_reader(bench.folder.path, &chain), STATUS_OK);
    assert_int_equal(chain_tip(chain), 6);
    assert_int_equal(chain_certified(chain), 5);
    for (uint32_t height = 1; height <= 6; height++) {
        assert_int_equal(chain_read_block(chain, height, &block), STATUS_OK);
        assert_memory_equal(block.header, story.blocks[height - 1].bytes, BLOCK_HEADER_BYTES);
        assert_int_equal(block.body_bytes, story.blocks[height - 1].body_bytes);
        assert_memory_equal(block.body, story.blocks[height - 1].body, block.body_bytes);
    }
    chain_close(chain);
    struct verify_result result;
    assert_int_equal(
        verify_chain(bench.folder.path, &story.journal.genesis, journal_tree_secret, &result),
        STATUS_OK);
    assert_int_equal(result.certified_height, 5);
    bench_remove();
}

static void tell_with_slices(uint32_t flip_height)
{
    story.slices.ring = new_ring(RING_BYTES);
    story.flip_height = flip_height;
    story_tell(&story, 0);
    bench_make();
    bench.options.slices = story.slices.ring;
    bench.options.compared = new_ring(RING_BYTES);
}

static void forget_slices(void)
{
    free(bench.options.slices);
    free(bench.options.compared);
}

/* With each block come the engine's balances; they are right, and go on to the PostgreSQL writer. */
TEST(anchor, balances_of_the_engine_are_compared_at_each_block)
{
    tell_with_slices(0);
    bench_signed(6);
    bench_start(new_ring(RING_BYTES), 1);
    send_blocks(1, 6, 100);
    assert_true(reached(&bench.progress.sealed_height, 6));
    assert_int_equal(atomic_load(&bench.progress.halted), 0);
    assert_int_equal(atomic_load(&bench.progress.reconciled.count), 6);
    assert_int_equal(atomic_load(&bench.progress.reconciled.to_height), 6);
    assert_int_equal(metric_get(&bench.metrics.reconciled_balances_total), 6 * 4);
    for (uint64_t height = 1; height <= 6; height++) {
        struct balance_slice slice;
        size_t byte_count;
        const uint8_t *bytes = ring_peek(bench.options.compared, &byte_count);
        assert_non_null(bytes);
        assert_true(balance_slice_get(bytes, byte_count, &slice));
        assert_int_equal(slice.height, height);
        ring_pop(bench.options.compared);
    }
    assert_int_equal(bench_stop(), STATUS_OK);
    forget_slices();
    bench_remove();
}

/* One unit in the engine's memory that no event told: the node halts before it writes or signs the block, and says
 * which account, which asset, both figures, and after which command. */
TEST(anchor, flipped_balance_in_the_engine_halts_before_signing)
{
    char path[] = "/tmp/quorex-log-XXXXXX", text[4096] = {0};
    tell_with_slices(3);
    bench_signed(2);
    const int log = mkstemp(path), kept = dup(STDERR_FILENO);
    assert_true(log >= 0 && dup2(log, STDERR_FILENO) >= 0);
    log_set_level(LOG_ERROR);
    bench_start(new_ring(RING_BYTES), 1);
    send_blocks(1, 3, 100);
    const bool stopped = halted();
    dup2(kept, STDERR_FILENO);
    close(kept);
    assert_true(stopped);
    assert_int_equal(atomic_load(&bench.progress.sealed_height), 2);
    assert_int_equal(metric_get(&bench.metrics.halted), 1);
    struct vote_command vote;
    while (next_vote(&vote, false))
        assert_true(vote.height < 3);
    assert_int_equal(bench_stop(), STATUS_OK);
    assert_true(pread(log, text, sizeof(text) - 1, 0) > 0);
    close(log);
    unlink(path);
    assert_non_null(strstr(text, "available balance in the engine's memory"));
    assert_non_null(strstr(text, "account=2 asset=1"));
    assert_non_null(strstr(text, "ours="));
    assert_non_null(strstr(text, "theirs="));
    assert_null(strstr(text, "command=0 account"));
    log_set_level(LOG_ERROR + 1);

    struct chain *chain;
    assert_int_equal(chain_open_reader(bench.folder.path, &chain), STATUS_OK);
    assert_int_equal(chain_tip(chain), 2);
    chain_close(chain);
    forget_slices();
    bench_remove();
}

/* The gateway hears of each block and each certificate, in order. */
TEST(anchor, tells_the_gateway)
{
    story_tell(&story, 0);
    bench_make();
    bench_signed(2);
    bench_start(new_ring(RING_BYTES), 1);
    send_blocks(1, 3, 100);
    assert_true(reached(&bench.progress.certified_height, 2));
    uint64_t sealed = 0, certified = 0;
    for (int i = 0; i < PATIENCE && (sealed < 3 || certified < 2); i++) {
        size_t byte_count;
        const uint8_t *bytes = ring_peek(bench.notices, &byte_count);
        if (bytes == NULL) {
            usleep(1000);
            continue;
        }
        if (le_get_u16(bytes) == T_BLOCK_SEALED) {
            struct block_sealed_notice notice;
            assert_int_equal(byte_count, EVENT_HEADER_BYTES + BLOCK_SEALED_BYTES);
            block_sealed_notice_get(bytes + EVENT_HEADER_BYTES, &notice);
            assert_memory_equal(notice.header, story.blocks[sealed].bytes, BLOCK_HEADER_BYTES);
            assert_memory_equal(notice.hash, story.blocks[sealed++].hash.bytes, HASH_BYTES);
        } else {
            struct block_certified_notice notice;
            assert_int_equal(le_get_u16(bytes), T_BLOCK_CERTIFIED);
            block_certified_notice_get(bytes + EVENT_HEADER_BYTES, &notice);
            assert_int_equal(notice.height, ++certified);
            assert_true(certified <= sealed);
            assert_int_equal(notice.vote_count, 1);
        }
        ring_pop(bench.notices);
        ring_release(bench.notices);
    }
    assert_int_equal(sealed, 3);
    assert_int_equal(certified, 2);
    assert_int_equal(bench_stop(), STATUS_OK);
    bench_remove();
}

/* A second start replays the whole log: the chain stays byte for byte, nothing that is in the log is
 * proposed again, and the one vote that is not (of block 6) is. */
TEST(anchor, replay_proposes_only_the_vote_that_was_lost)
{
    story_tell(&story, 0);
    bench_make();
    bench_signed(5);
    struct vote_command first, again;
    bench_start(new_ring(RING_BYTES), 1);
    send_blocks(1, 6, 100);
    do
        assert_true(next_vote(&first, true));
    while (first.height < 6);
    assert_int_equal(bench_stop(), STATUS_OK);
    const off_t bytes = chain_folder_bytes(&bench.folder, "00000001.segment");

    bench_start(new_ring(RING_BYTES), story.journal.number);
    send_blocks(1, 6, 3);
    assert_true(next_vote(&again, true));
    assert_int_equal(again.height, 6);
    assert_memory_equal(again.signature, first.signature, SIGNATURE_BYTES);
    assert_int_equal(bench_stop(), STATUS_OK);
    assert_int_equal(chain_folder_bytes(&bench.folder, "00000001.segment"), bytes);
    assert_int_equal(metric_get(&bench.metrics.blocks_sealed_total), 0);
    bench_remove();
}

/* While the log of before the start is coming, known to end somewhere or not, nothing is proposed. */
TEST(anchor, proposes_nothing_in_replay)
{
    story_tell(&story, 0);
    bench_make();
    bench_signed(5);
    bench_start(new_ring(RING_BYTES), 0);
    send_blocks(1, 5, 100);
    assert_true(reached(&bench.progress.sealed_height, 5));
    assert_int_equal(bench_stop(), STATUS_OK);
    bench_start(new_ring(RING_BYTES), story.journal.number);
    send_blocks(1, 5, 100);
    assert_true(reached(&bench.progress.certified_height, 4));
    assert_int_equal(bench_stop(), STATUS_OK);
    struct sign_once once;
    assert_int_equal(sign_once_open(&once, bench.sign_once_path), STATUS_OK);
    assert_int_equal(once.last.height, 5);
    sign_once_close(&once);
    bench_remove();
}

/* An engine whose balance does not follow from the facts: the node halts before it signs that block,
 * stays there, and drains its ring. */
TEST(anchor, halts_before_it_signs_a_wrong_balance)
{
    story_tell(&story, 0);
    bench_make();
    bench_signed(2);
    uint8_t *balance = story_event(&story, 3, T_BALANCE, 0);
    le_put_i64(balance, le_get_i64(balance) + 1);
    bench_start(new_ring(RING_BYTES), 1);
    send_blocks(1, 6, 100);
    assert_true(halted());
    for (int i = 0; i < PATIENCE && ring_used(bench.applied) > 0; i++)
        usleep(1000);
    assert_int_equal(ring_used(bench.applied), 0);
    assert_int_equal(atomic_load(&bench.progress.sealed_height), 2);
    assert_int_equal(metric_get(&bench.metrics.halted), 1);
    assert_int_equal(bench_stop(), STATUS_OK);
    struct sign_once once;
    assert_int_equal(sign_once_open(&once, bench.sign_once_path), STATUS_OK);
    assert_true(once.last.height <= 2);
    sign_once_close(&once);
    bench_remove();
}

/* A block that the chain files hold otherwise: this node computes something else now than then. */
TEST(anchor, halts_at_a_header_that_is_not_the_stored_one)
{
    story_tell(&story, 0);
    bench_make();
    story.blocks[3].header.state_root.bytes[0] ^= 1;
    story_seal(&story);
    story_write(&story, bench.folder.path, 0);
    bench_signed(3);
    bench_start(new_ring(RING_BYTES), 1);
    send_blocks(1, 4, 100);
    assert_true(halted());
    assert_int_equal(atomic_load(&bench.progress.sealed_height), 3);
    assert_int_equal(bench_stop(), STATUS_OK);
    bench_remove();
}

/* A height that was signed with another hash is never signed again: the node halts. */
TEST(anchor, halts_rather_than_sign_twice)
{
    story_tell(&story, 0);
    bench_make();
    struct sign_once once;
    struct vote_command vote;
    const struct sign_once_record other = {.height = 1, .header_hash = hash_of("other", 5)};
    assert_int_equal(sign_once_open(&once, bench.sign_once_path), STATUS_OK);
    assert_int_equal(sign_once_claim(&once, &other), STATUS_OK);
    sign_once_close(&once);
    bench_start(new_ring(RING_BYTES), 1);
    send_blocks(1, 1, 100);
    assert_true(halted());
    assert_false(next_vote(&vote, false));
    assert_int_equal(bench_stop(), STATUS_OK);
    bench_remove();
}

/* A chain without its sign-once file: what was signed is not known, so the node does not start. */
TEST(anchor, does_not_start_without_its_sign_once_file)
{
    story_tell(&story, 0);
    bench_make();
    story_write(&story, bench.folder.path, UINT32_MAX);
    unlink(bench.sign_once_path);
    bench_start(new_ring(RING_BYTES), 1);
    assert_int_equal(bench_stop(), STATUS_AMNESIAC);
    bench_remove();
}

/* A log that takes no votes for a while holds nothing up: blocks go on, and the votes come when there is
 * room again. */
TEST(anchor, full_vote_ring_holds_nothing_up)
{
    story_tell(&story, 0);
    bench_make();
    bench_signed(5);
    struct ring *full = new_ring(4096);
    uint32_t blocked = 0;
    while (ring_reserve(full, 200) != NULL) {
        ring_commit(full, 200);
        blocked++;
    }
    (void)!ring_publish(full);
    bench_start(full, 1);
    send_blocks(1, 5, 100);
    assert_true(reached(&bench.progress.sealed_height, 5));
    size_t byte_count;
    for (; blocked > 0; blocked--) {
        assert_non_null(ring_peek(full, &byte_count));
        assert_int_equal(byte_count, 200);
        ring_pop(full);
    }
    assert_null(ring_peek(full, &byte_count));
    ring_release(full);
    send_blocks(6, 6, 100);
    struct vote_command vote = {0};
    while (vote.height < 6)
        assert_true(next_vote(&vote, true));
    assert_int_equal(bench_stop(), STATUS_OK);
    bench_remove();
}

/* A node that is no validator seals and follows the certificates, and signs nothing. */
TEST(anchor, that_is_no_validator_does_not_vote)
{
    story_tell(&story, 0);
    bench_make();
    struct vote_command vote;
    bench.options.node = 9;
    bench_start(new_ring(RING_BYTES), 1);
    send_blocks(1, 6, 100);
    assert_true(reached(&bench.progress.certified_height, 5));
    assert_false(next_vote(&vote, false));
    assert_int_equal(bench_stop(), STATUS_OK);
    bench_remove();
}

/* ---- Old bodies ---- */

/* The story's blocks, each in a file of its own. */
static void write_small_files(void)
{
    struct chain *chain;
    assert_int_equal(chain_open(bench.folder.path, &chain), STATUS_OK);
    chain->segment_bytes = 1;
    for (uint32_t i = 0; i < story.height; i++) {
        const struct story_block *block = &story.blocks[i];
        const enum status status =
            chain_append_block(chain, block->bytes, block->body, block->body_bytes);
        assert_int_equal(status, STATUS_OK);
    }
    chain_close(chain);
}

static uint64_t first_body(void)
{
    struct chain *chain;
    assert_int_equal(chain_open_reader(bench.folder.path, &chain), STATUS_OK);
    const uint64_t height = chain_first_body(chain);
    chain_close(chain);
    return height;
}

/* Turns often enough to take all there is. The first body that is left then. */
static uint64_t first_body_kept(uint64_t kept, bool projects, uint64_t checkpoint,
                                uint64_t projected)
{
    struct anchor *anchor;
    bench.options.applied = new_ring(RING_BYTES);
    bench.options.bodies_kept = kept;
    bench.options.projects = projects;
    atomic_store(&bench.progress.checkpoint_height, checkpoint);
    atomic_store(&bench.progress.projected_height, projected);
    assert_int_equal(anchor_open(&bench.options, &anchor), STATUS_OK);
    for (uint64_t turn = 0; turn < 10; turn++)
        (void)anchor_turn(anchor, turn);
    assert_int_equal(anchor_status(anchor), STATUS_OK);
    anchor_close(anchor);
    free(bench.options.applied);
    return first_body();
}

/* Bodies stay until a certified checkpoint is far enough above them, and until PostgreSQL has what is in them:
 * what was pruned too early would be a gap in the history. */
TEST(anchor, old_bodies_go_below_a_checkpoint)
{
    story_tell(&story, 0);
    bench_make();
    write_small_files();
    assert_int_equal(first_body_kept(0, false, 6, 0), 1); /* an archive */
    assert_int_equal(first_body_kept(2, false, 0, 0), 1); /* no checkpoint */
    assert_int_equal(first_body_kept(2, false, 2, 0), 1);
    assert_int_equal(first_body_kept(2, true, 6, 0), 1);
    assert_int_equal(first_body_kept(2, true, 6, 1), 2);
    assert_int_equal(first_body_kept(2, true, 6, 6), 4);
    assert_int_equal(first_body_kept(1, false, 6, 0), 5);
    chain_folder_remove(&bench.folder);
    unlink(bench.sign_once_path);
    story_end(&story);
}

static uint64_t last_command(uint32_t height)
{
    return story.blocks[height - 1].header.last_command;
}

/* Applies the facts that have been sent; returns how many. */
static uint32_t take_facts(struct ring *facts, struct mandate_book *book)
{
    uint32_t count = 0;
    const uint8_t *bytes;
    for (size_t byte_count; (bytes = ring_peek(facts, &byte_count)) != NULL; count++) {
        struct event event;
        const uint8_t *at = bytes;
        assert_true(event_next(&at, bytes + byte_count, &event) && at == bytes + byte_count);
        assert_true(mandate_book_apply(book, &event));
        ring_pop(facts);
    }
    ring_release(facts);
    return count;
}

/* Every listing, account and key has been sent before settled_command passes its command, and they are all that is
 * needed to tell whether the story's commands may stand. */
TEST(anchor, facts_come_before_the_figure_that_promises_them)
{
    story_tell(&story, 0);
    bench_make();
    bench_signed(3);
    struct arena arena;
    struct ring *facts = new_ring(RING_BYTES);
    assert_true(arena_map(&arena, mandate_book_bytes(&story.journal.genesis)));
    struct mandate_book *book = mandate_book_new(&arena, &story.journal.genesis);
    bench.options.facts = facts;
    bench_start(new_ring(RING_BYTES), 0);
    send_blocks(1, 3, 1);
    assert_true(reached(&bench.progress.settled_command, last_command(3)));
    assert_int_equal(atomic_load(&bench.progress.settled_command), last_command(3));
    assert_true(take_facts(facts, book) >= 4);
    for (uint32_t height = 1; height <= 3; height++) {
        const struct story_block *block = &story.blocks[height - 1];
        const uint8_t *at = block->body;
        struct applied record;
        struct command command;
        struct authority_signature by;
        while (block_next(&at, block->body + block->body_bytes, &record, &command))
            assert_null(mandate_book_objection(book, &command, &by));
    }
    assert_int_equal(bench_stop(), STATUS_OK);
    free(facts);
    arena_unmap(&arena);
    bench_remove();
}

/* Who takes the facts may be slow: then nothing is settled, and nothing lost. */
TEST(anchor, waits_while_its_facts_have_no_room)
{
    story_tell(&story, 0);
    bench_make();
    bench_signed(3);
    struct ring *facts = new_ring(4096);
    uint32_t filled = 0;
    for (uint8_t *room; (room = ring_reserve(facts, 256)) != NULL; filled++)
        ring_commit(facts, 256);
    (void)!ring_publish(facts);
    bench.options.facts = facts;
    bench_start(new_ring(RING_BYTES), 0);
    send_blocks(1, 2, 1000);
    usleep(50000);
    assert_int_equal(atomic_load(&bench.progress.settled_command), 0);
    assert_int_equal(atomic_load(&bench.progress.sealed_height), 0);
    size_t byte_count;
    for (; filled > 0; filled--) {
        assert_non_null(ring_peek(facts, &byte_count));
        ring_pop(facts);
    }
    ring_release(facts);
    assert_true(reached(&bench.progress.settled_command, last_command(2)));
    assert_int_equal(bench_stop(), STATUS_OK);
    free(facts);
    bench_remove();
}
