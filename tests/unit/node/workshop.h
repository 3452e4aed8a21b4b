/* A node without log and sockets: engine, settlement, digest and views in the test's thread, the checkpoint
 * maker in its own.
 *
 *     journal (commands, engine) ─► digest ─► views      each tells the maker at a checkpoint's SEAL
 *
 * What the sections must be is written down at the SEAL itself, by the thread that owns the state.
 */

#ifndef TESTS_NODE_WORKSHOP_H
#define TESTS_NODE_WORKSHOP_H

#include "common/log.h"
#include "engine/snapshot.h"
#include "gateway/restore.h"
#include "ledger/certificate.h"
#include "ledger/checkpoint.h"
#include "ledger/replica_mark.h"
#include "ledger/root_vote.h"
#include "node/chain_section.h"
#include "node/checkpoint_maker.h"
#include "node/file_os.h"
#include "settlement/snapshot.h"
#include "tests/harness.h"
#include "tests/unit/node/journal.h"

#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define WORKSHOP_EVERY   3 /* blocks between checkpoints */
#define WORKSHOP_HEIGHTS 64
#define WORKSHOP_WAITS   30000 /* of a millisecond */

struct workshop_bytes {
    uint8_t *at;
    size_t count;
};

/* Engine, settlement, digest and views: what a checkpoint is of. */
struct workshop_state {
    struct engine *engine;
    struct arena engine_arena, settlement_arena, view_arena;
    struct settlement *settlement;
    struct digest digest;
    struct market_views *markets;
    struct view *view;
    struct digest_block block; /* the last */
};

struct workshop {
    struct journal journal;
    struct workshop_state state;
    char folder[64], checkpoints[128];
    struct ring *marks, *certificates, *votes;
    struct park park, consensus_park;
    struct progress progress;
    struct checkpoint_maker *maker;
    struct liabilities_maker *liabilities; /* of makers that are made from now on; NULL: none */
    const char *shelf;                     /* likewise */
    pthread_t thread;
    bool runs;
    enum status ended;
    bool withholds_anchor, withholds_gateway; /* from the maker */
    bool liabilities_due; /* at every checkpoint; without a maker of them nothing comes of it */
    struct workshop_bytes sections[WORKSHOP_HEIGHTS][CHECKPOINT_SECTIONS];
    uint8_t headers[WORKSHOP_HEIGHTS][BLOCK_HEADER_BYTES];
    /* Called after every record; may be NULL. */
    void (*follow)(void *context, const struct applied *record, const struct command *command);
    void *follow_context;
};

/* ---- Bytes ---- */

static inline bool workshop_take_bytes(void *context, const uint8_t *bytes, size_t byte_count)
{
    struct workshop_bytes *all = context;
    all->at = realloc(all->at, all->count + byte_count + 1);
    memcpy(all->at + all->count, bytes, byte_count);
    all->count += byte_count;
    return true;
}

static inline struct workshop_bytes workshop_engine(const struct engine *engine,
                                                    const struct genesis *genesis)
{
    struct workshop_bytes bytes = {0};
    const struct snapshot_sink sink = {workshop_take_bytes, &bytes};
    struct arena scratch;
    assert_true(arena_map(&scratch, snapshot_scratch_bytes(engine)));
    assert_int_equal(snapshot_write(engine, genesis, &scratch, &sink), STATUS_OK);
    arena_unmap(&scratch);
    return bytes;
}

static inline struct workshop_bytes workshop_settlement(const struct settlement *settlement,
                                                        const struct genesis *genesis)
{
    struct workshop_bytes bytes = {0};
    const struct snapshot_sink sink = {workshop_take_bytes, &bytes};
    struct arena scratch;
    assert_true(arena_map(&scratch, settlement_snapshot_scratch_bytes(settlement)));
    assert_int_equal(settlement_snapshot_write(settlement, genesis, &scratch, &sink), STATUS_OK);
    arena_unmap(&scratch);
    return bytes;
}

static inline struct workshop_bytes workshop_markets(struct workshop_state *state)
{
    struct workshop_bytes bytes = {0};
    const struct restore_sink sink = {workshop_take_bytes, &bytes};
    struct restore views;
    restore_begin(&views, state->view, state->markets);
    assert_true(restore_save(&views, &sink));
    return bytes;
}

/* Frees both. */
static inline void workshop_same(struct workshop_bytes one, struct workshop_bytes other)
{
    assert_int_equal(one.count, other.count);
    assert_memory_equal(one.at, other.at, one.count);
    free(one.at);
    free(other.at);
}

/* ---- Where the log stands at a SEAL: made up, as the log is. ---- */

static inline struct replica_base workshop_base(uint64_t height)
{
    static const uint8_t configuration[] = "the nodes";
    return (struct replica_base){.index = height * 10,
                                 .term = 2,
                                 .hash = hash_of(&height, sizeof(height)),
                                 .configuration_index = 1,
                                 .configuration = configuration,
                                 .configuration_bytes = sizeof(configuration)};
}

static inline size_t workshop_mark(uint64_t height, uint8_t bytes[REPLICA_MARK_BYTES_MAX])
{
    const struct replica_mark mark = {.height = height, .base = workshop_base(height)};
    return replica_mark_put(&mark, bytes);
}

static inline void workshop_put(struct ring *ring, struct park *park, const uint8_t *bytes,
                                size_t byte_count)
{
    uint8_t *at = ring_reserve(ring, byte_count);
    assert_non_null(at);
    memcpy(at, bytes, byte_count);
    ring_commit(ring, byte_count);
    (void)!ring_publish(ring);
    park_wake(park);
}

/* ---- The state ---- */

static inline void workshop_state_map(struct workshop_state *state, const struct genesis *genesis)
{
    memset(state, 0, sizeof(*state));
    assert_true(arena_map(&state->engine_arena, engine_bytes(genesis)));
    assert_true(arena_map(&state->settlement_arena, settlement_bytes(genesis)));
    assert_true(arena_map(&state->view_arena,
                          market_view_bytes(genesis) + view_bytes(genesis) + (1u << 20)));
    state->markets = market_views_new(&state->view_arena, genesis);
    assert_non_null(state->markets);
    state->view = view_new(&state->view_arena, genesis, market_views_params(state->markets));
    assert_non_null(state->view);
    view_watch_node(state->view, 1);
}

static inline void workshop_state_begin(struct workshop_state *state, const struct genesis *genesis)
{
    workshop_state_map(state, genesis);
    state->engine = engine_new(&state->engine_arena, genesis);
    state->settlement = settlement_new(&state->settlement_arena, genesis, journal_tree_secret);
    assert_non_null(state->engine);
    assert_non_null(state->settlement);
    digest_begin(&state->digest, genesis, state->settlement);
}

static inline void workshop_state_end(struct workshop_state *state)
{
    arena_unmap(&state->engine_arena);
    arena_unmap(&state->settlement_arena);
    arena_unmap(&state->view_arena);
}

static inline void workshop_see(struct workshop_state *state, const struct applied *record)
{
    const uint8_t *at = record->events, *const end = at + record->events_length;
    struct event event;
    while (event_next(&at, end, &event)) {
        market_view_apply(state->markets, record, &event);
        view_apply(state->view, record, &event);
    }
    market_views_advance(state->markets, record->stamp_ns);
    view_finish(state->view, record);
}

/* ---- The thread that owns the state ---- */

static inline void workshop_at_seal(struct workshop *shop, const struct applied *record)
{
    const uint64_t height = shop->journal.height;
    const struct genesis *genesis = &shop->journal.genesis;
    struct workshop_bytes *sections = shop->sections[height];
    struct workshop_state *state = &shop->state;
    uint8_t mark[REPLICA_MARK_BYTES_MAX], digest[DIGEST_SNAPSHOT_BYTES_MAX];
    const size_t mark_bytes = workshop_mark(height, mark);
    assert_true(height < WORKSHOP_HEIGHTS);
    workshop_put(shop->marks, &shop->park, mark, mark_bytes);
    sections[CHECKPOINT_ENGINE] = workshop_engine(shop->journal.engine, genesis);
    maker_engine(shop->maker, height);

    sections[CHECKPOINT_SETTLEMENT] = workshop_settlement(state->settlement, genesis);
    const size_t digest_bytes = digest_snapshot_put(&state->digest, digest);
    sections[CHECKPOINT_CHAIN].at = malloc(CHAIN_SECTION_BYTES_MAX);
    sections[CHECKPOINT_CHAIN].count =
        chain_section_put(digest, digest_bytes, mark, mark_bytes, sections[CHECKPOINT_CHAIN].at);
    memcpy(shop->headers[height], state->block.bytes, BLOCK_HEADER_BYTES);
    if (!shop->withholds_anchor)
        maker_anchor(shop->maker, height, &state->digest, state->block.bytes,
                     shop->liabilities_due);

    workshop_see(state, record);
    sections[CHECKPOINT_MARKETS] = workshop_markets(state);
    struct restore views;
    restore_begin(&views, state->view, state->markets);
    if (!shop->withholds_gateway) maker_gateway(shop->maker, height, &views);
}

static inline void workshop_take(void *context, const struct applied *record,
                                 const struct command *command)
{
    struct workshop *shop = context;
    bool sealed;
    assert_int_equal(
        digest_record(&shop->state.digest, record, command, &shop->state.block, &sealed),
        STATUS_OK);
    if (sealed && shop->journal.height % WORKSHOP_EVERY == 0)
        workshop_at_seal(shop, record);
    else
        workshop_see(&shop->state, record);
    if (shop->follow != NULL) shop->follow(shop->follow_context, record, command);
}

/* ---- The maker's thread ---- */

static inline void *workshop_main(void *context)
{
    struct workshop *shop = context;
    shop->ended = maker_run(shop->maker);
    return NULL;
}

static inline void workshop_rest(void)
{
    const struct timespec rest = {.tv_nsec = 1000000};
    nanosleep(&rest, NULL);
}

static inline void workshop_await_taken(const struct ring *ring)
{
    int waits = 0;
    while (ring_used(ring) > 0 && waits++ < WORKSHOP_WAITS)
        workshop_rest();
    assert_int_equal(ring_used(ring), 0);
}

/* The maker is open for the next: a certificate of no checkpoint passes by. */
static inline void workshop_ready(struct workshop *shop)
{
    uint8_t bytes[16];
    le_put_u64(le_put_u64(bytes, 1), 0);
    workshop_put(shop->certificates, &shop->park, bytes, sizeof(bytes));
    workshop_await_taken(shop->certificates);
}

static inline void workshop_start(struct workshop *shop)
{
    assert_int_equal(pthread_create(&shop->thread, NULL, workshop_main, shop), 0);
    shop->runs = true;
    workshop_ready(shop);
}

static inline void workshop_stop(struct workshop *shop)
{
    if (!shop->runs) return;
    atomic_store(&shop->progress.stopping, 1);
    park_wake(&shop->park);
    pthread_join(shop->thread, NULL);
    shop->runs = false;
}

/* The next vote. False: none came in time. */
static inline bool workshop_vote(struct workshop *shop, struct vote_command *vote)
{
    size_t byte_count;
    const uint8_t *bytes = NULL;
    for (int waits = 0; bytes == NULL && waits < WORKSHOP_WAITS; waits++) {
        bytes = ring_peek(shop->votes, &byte_count);
        if (bytes == NULL) workshop_rest();
    }
    if (bytes == NULL) return false;
    struct command command;
    assert_true(command_decode(bytes, byte_count, &command));
    assert_int_equal(command.header.type, T_CHECKPOINT_VOTE);
    vote_command_get(command.payload, vote);
    ring_pop(shop->votes);
    ring_release(shop->votes);
    return true;
}

/* Hands over the certificate of a root, by the only validator. */
static inline void workshop_certify(struct workshop *shop, uint64_t height, hash_t root)
{
    uint8_t bytes[8 + CERTIFICATE_BYTES_MAX];
    struct vote_command vote;
    struct certificate certificate = {.height = height, .header_hash = root, .vote_count = 1};
    certificate_statement_sign(CERTIFICATE_OF_CHECKPOINT, shop->journal.node_secret,
                               genesis_chain_id(&shop->journal.genesis), 0, height, root, 1, &vote);
    certificate.votes[0].node = 1;
    memcpy(certificate.votes[0].signature, vote.signature, SIGNATURE_BYTES);
    le_put_u64(bytes, height);
    workshop_put(shop->certificates, &shop->park, bytes,
                 8 + certificate_encode(&certificate, bytes + 8));
}

static inline void workshop_await_certified(struct workshop *shop, uint64_t height)
{
    int waits = 0;
    while (atomic_load(&shop->progress.forget_index) != height * 10 && waits++ < WORKSHOP_WAITS)
        workshop_rest();
    assert_int_equal(atomic_load(&shop->progress.forget_index), height * 10);
}

/* Blocks of trading up to this height. */
static inline void workshop_trade_to(struct workshop *shop, uint64_t height)
{
    if (shop->journal.height == 0) journal_open(&shop->journal);
    while (shop->journal.height < height)
        journal_trade(&shop->journal, 5000000 + (int64_t)shop->journal.height * 7);
}

/* Trades to a checkpoint's height and has it certified. */
static inline void workshop_checkpoint(struct workshop *shop, uint64_t height)
{
    struct vote_command vote;
    workshop_trade_to(shop, height);
    assert_true(workshop_vote(shop, &vote));
    assert_int_equal(vote.height, height);
    workshop_certify(shop, height, root_vote_root(&vote));
    workshop_await_certified(shop, height);
    workshop_ready(shop);
}

/* ---- Beginning and end ---- */

static inline struct ring *workshop_ring(void)
{
    return ring_new(aligned_alloc(64, (ring_bytes(64u << 10) + 63) & ~(size_t)63), 64u << 10);
}

/* cmocka takes SIGSEGV for itself when a test begins: the first maker keeps what freeze_init has put there,
 * every later one puts it back. */
static inline void workshop_keep_handler(void)
{
    static bool kept;
    static struct sigaction ours;
    assert_int_equal(sigaction(SIGSEGV, kept ? &ours : NULL, kept ? NULL : &ours), 0);
    kept = true;
}

static inline void workshop_make_maker(struct workshop *shop)
{
    const struct maker_options options = {.genesis = &shop->journal.genesis,
                                          .node = 1,
                                          .secret_key = shop->journal.node_secret,
                                          .directory = shop->checkpoints,
                                          .shelf = shop->shelf,
                                          .liabilities = shop->liabilities,
                                          .kept = 2,
                                          .engine_arena = &shop->state.engine_arena,
                                          .settlement_arena = &shop->state.settlement_arena,
                                          .engine = shop->state.engine,
                                          .settlement = shop->state.settlement,
                                          .marks = shop->marks,
                                          .certificates = shop->certificates,
                                          .votes = shop->votes,
                                          .park = &shop->park,
                                          .consensus_park = &shop->consensus_park,
                                          .progress = &shop->progress};
    shop->maker = maker_new(&options);
    assert_non_null(shop->maker);
    workshop_keep_handler();
}

/* A voter of a chain with no block yet; its maker does not run. */
static inline void workshop_begin(struct workshop *shop)
{
    memset(shop, 0, sizeof(*shop));
    log_set_level(LOG_ERROR + 1);
    journal_begin(&shop->journal);
    struct genesis *genesis = &shop->journal.genesis;
    genesis->params.checkpoint_blocks = WORKSHOP_EVERY;
    memcpy(genesis->validators.members[0].address, "host:7001", 10);
    arena_unmap(&shop->journal.arena);
    workshop_state_begin(&shop->state, genesis);
    shop->journal.engine = shop->state.engine;
    shop->journal.take = workshop_take;
    shop->journal.context = shop;
    memcpy(shop->folder, "/tmp/quorex-workshop-XXXXXX", 28);
    assert_non_null(mkdtemp(shop->folder));
    snprintf(shop->checkpoints, sizeof(shop->checkpoints), "%s/checkpoint", shop->folder);
    assert_int_equal(mkdir(shop->checkpoints, 0700), 0);
    shop->marks = workshop_ring();
    shop->certificates = workshop_ring();
    shop->votes = workshop_ring();
    assert_true(park_open(&shop->park) && park_open(&shop->consensus_park));
    atomic_store(&shop->progress.role, NODE_VOTER);
    atomic_store(&shop->progress.certified_height, UINT64_MAX); /* nobody waits for certificates */
    workshop_make_maker(shop);
}

static inline int workshop_remove(const char *path, const struct stat *facts, int type,
                                  struct FTW *place)
{
    (void)facts;
    (void)type;
    (void)place;
    return remove(path);
}

static inline void workshop_end(struct workshop *shop)
{
    workshop_stop(shop);
    maker_free(shop->maker);
    workshop_state_end(&shop->state);
    free(shop->journal.events);
    free(shop->marks);
    free(shop->certificates);
    free(shop->votes);
    park_close(&shop->park);
    park_close(&shop->consensus_park);
    for (int height = 0; height < WORKSHOP_HEIGHTS; height++)
        for (int section = 0; section < CHECKPOINT_SECTIONS; section++)
            free(shop->sections[height][section].at);
    nftw(shop->folder, workshop_remove, 8, FTW_DEPTH | FTW_PHYS);
}

/* Whether a certified one of this height is there. */
static inline bool workshop_has(const struct workshop *shop, uint64_t height)
{
    struct checkpoint_reader *reader;
    if (checkpoint_reader_open(shop->checkpoints, height, &reader) != STATUS_OK) return false;
    checkpoint_reader_close(reader);
    return true;
}

#endif /* TESTS_NODE_WORKSHOP_H */
