#include "ledger/backfill_run.h"

#include "common/log.h"
#include "ledger/chain.h"
#include "ledger/supply_files.h"
#include "tests/harness.h"
#include "tests/unit/ledger/blocks.h"
#include "tests/unit/ledger/checkpoints.h"

#include <dirent.h>
#include <pthread.h>
#include <time.h>

/* The thread, with its files, against the real supply of three peers over chains of TIP blocks; the test's own thread is
 * the consensus loop. Blocks are signed by the genesis' validators. */
#define TIP   330u
#define BASE  300u
#define PEERS 3

static struct checkpoints keys;
static struct genesis genesis;
static char place[64], chain_path[128], earlier_path[192], proven_path[256], peer_paths[PEERS][128];
static struct progress progress, peer_progress;
static struct backfill_relay relay;
static struct arena arena;
static struct park park, consensus_park;
static struct supply_files *files[PEERS];
static struct supply_source sources[PEERS];
static struct backfill_run_options options;
static uint64_t keeps_from; /* what peers give of bodies */
static uint32_t headers_asked, bodies_asked;
static uint64_t stop_at; /* the run is told to stop when it has come to this height; 0: never */

static hash_t hashes[TIP + 1];

static void put_certificate(struct chain *chain, uint64_t height, hash_t hash)
{
    struct certificate certificate = {.height = height, .header_hash = hash, .vote_count = 3};
    uint8_t message[BLOCK_VOTE_BYTES], bytes[CERTIFICATE_BYTES_MAX];
    block_vote_message(genesis_chain_id(&genesis), 0, height, hash, message);
    for (uint32_t i = 0; i < 3; i++) {
        certificate.votes[i].node = i + 1;
        crypto_sign_detached(certificate.votes[i].signature, NULL, message, sizeof(message),
                             keys.secrets[i]);
    }
    assert_int_equal(
        chain_append_certificate(chain, height, bytes, certificate_encode(&certificate, bytes)),
        STATUS_OK);
}

/* blocks.h seals for a chain of its own; these are for the genesis'. */
static void seal_for_genesis(struct blocks *blocks, hash_t previous)
{
    blocks->header.chain_id = genesis_chain_id(&genesis);
    blocks->header.prev_hash = previous;
    blocks->header.validators_hash = validator_set_hash(&genesis.validators);
    block_header_encode(&blocks->header, blocks->header_bytes);
}

static void make_chains(void)
{
    struct chain *chains[PEERS];
    struct blocks blocks;
    blocks_begin(&blocks);
    for (int i = 0; i < PEERS; i++)
        assert_int_equal(chain_open(peer_paths[i], &chains[i]), STATUS_OK);
    for (uint64_t height = 1; height <= TIP; height++) {
        blocks_next(&blocks);
        seal_for_genesis(&blocks, hashes[height - 1]);
        hashes[height] = block_header_hash(blocks.header_bytes);
        for (int i = 0; i < PEERS; i++) {
            assert_int_equal(height < keeps_from
                                 ? chain_append_header(chains[i], blocks.header_bytes)
                                 : chain_append_block(chains[i], blocks.header_bytes, blocks.body,
                                                      blocks.body_bytes),
                             STATUS_OK);
            put_certificate(chains[i], height, hashes[height]);
        }
        if (height == BASE)
            assert_int_equal(chain_begin_at(chain_path, blocks.header_bytes, NULL, 0), STATUS_OK);
    }
    for (int i = 0; i < PEERS; i++)
        chain_close(chains[i]);
}

static void begin(uint64_t bodies_from)
{
    log_set_level(LOG_ERROR + 1);
    memset(&progress, 0, sizeof(progress));
    memset(&keys, 0, sizeof(keys));
    checkpoints_keys(&keys);
    genesis = (struct genesis){.validators = keys.set};
    keeps_from = bodies_from;
    stop_at = headers_asked = bodies_asked = 0;
    snprintf(place, sizeof(place), "/tmp/backfill-XXXXXX");
    assert_non_null(mkdtemp(place));
    snprintf(chain_path, sizeof(chain_path), "%.40s/chain", place);
    snprintf(earlier_path, sizeof(earlier_path), "%.100s/" CHAIN_EARLIER, chain_path);
    snprintf(proven_path, sizeof(proven_path), "%.150s/proven", earlier_path);
    assert_int_equal(mkdir(chain_path, 0700), 0);
    for (int i = 0; i < PEERS; i++) {
        snprintf(peer_paths[i], sizeof(peer_paths[i]), "%.40s/peer-%d", place, i);
        assert_int_equal(mkdir(peer_paths[i], 0700), 0);
    }
    make_chains();
    for (int i = 0; i < PEERS; i++) {
        const struct supply_files_options supply = {.checkpoint_directory = place,
                                                    .chain_directory = peer_paths[i],
                                                    .progress = &peer_progress};
        files[i] = supply_files_new(&supply);
        assert_non_null(files[i]);
        sources[i] = supply_files_source(files[i]);
    }
    assert_true(arena_map(&arena, backfill_relay_memory()));
    assert_true(park_open(&park) && park_open(&consensus_park));
    options = (struct backfill_run_options){.genesis = &genesis,
                                            .node = 9,
                                            .chain_directory = chain_path,
                                            .lineage_directory = place,
                                            .relay = &relay,
                                            .park = &park,
                                            .progress = &progress};
}

static void end(void)
{
    for (int i = 0; i < PEERS; i++)
        supply_files_free(files[i]);
    arena_unmap(&arena);
    park_close(&park);
    park_close(&consensus_park);
    snprintf(keys.path, sizeof(keys.path), "%s", place);
    checkpoints_end(&keys);
}

/* ---- The loop ---- */

static bool send(void *context, uint32_t node, const struct peers_piece *pieces, uint32_t count)
{
    static uint8_t message[FETCH_PIECE_HEADER_BYTES + FETCH_PIECE_MAX];
    struct fetch_ask ask;
    (void)context;
    assert_int_equal(count, 1);
    assert_true(node >= 1 && node <= PEERS);
    assert_true(fetch_ask_decode(pieces->bytes, pieces->byte_count, &ask));
    headers_asked += ask.object.kind == FETCH_HEADERS;
    bodies_asked += ask.object.kind == FETCH_BODY;
    struct fetch_piece piece = {.object = ask.object, .offset = ask.offset};
    const struct supply_source *source = &sources[node - 1];
    if (source->read(source->context, &ask.object, ask.offset, message + FETCH_PIECE_HEADER_BYTES,
                     ask.count, &piece.byte_count, &piece.total) != STATUS_OK)
        piece.byte_count = piece.total = 0;
    fetch_piece_encode(&piece, message);
    backfill_relay_answer(&relay, node, message, FETCH_PIECE_HEADER_BYTES + piece.byte_count);
    return true;
}

static bool is_up(void *context, uint32_t node)
{
    (void)context;
    (void)node;
    return true;
}

static _Atomic bool over;

static void *thread(void *context)
{
    (void)context;
    backfill_run(&options);
    atomic_store(&over, true);
    return NULL;
}

static uint64_t height_now(void)
{
    return atomic_load(&progress.backfill_height);
}

/* One life of the thread, until it ends by itself or comes to stop_at; false when `state` came first. */
static bool play(enum progress_backfill state)
{
    static struct node_set nodes;
    const struct timespec pause = {.tv_nsec = 200000};
    pthread_t handle;
    bool ended = true;
    nodes = (struct node_set){.count = PEERS};
    for (uint32_t i = 0; i < PEERS; i++)
        nodes.members[i].node = i + 1;
    memset(arena.bytes, 0, arena.capacity);
    arena.used = 0;
    assert_true(backfill_relay_init(&relay, &arena, &park, &consensus_park));
    backfill_relay_begin(&relay, (struct peers){NULL, send, is_up});
    backfill_relay_nodes(&relay, &nodes);
    atomic_store(&progress.stopping, 0);
    atomic_store(&over, false);
    backfill_announce(&options);
    assert_int_equal(pthread_create(&handle, NULL, thread, NULL), 0);
    for (uint32_t i = 0; i < 100000 && !atomic_load(&over); i++) {
        const bool reached = stop_at > 0 && height_now() >= stop_at;
        ended = atomic_load(&progress.backfill) != state;
        if (reached || !ended) break;
        if (!backfill_relay_turn(&relay)) clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
    }
    atomic_store(&progress.stopping, 1);
    park_wake(&park);
    assert_int_equal(pthread_join(handle, NULL), 0);
    return ended;
}

/* Everything from block 1 on: bodies from `bodies_from`. */
static void assert_chain(uint64_t bodies_from)
{
    struct chain *chain, *writer;
    const uint8_t *certificate;
    size_t byte_count;
    assert_int_equal(chain_open(chain_path, &writer), STATUS_OK); /* makes the index */
    assert_int_equal(chain_open_reader(chain_path, &chain), STATUS_OK);
    assert_int_equal(chain_base(chain), 0);
    assert_int_equal(chain_first_body(chain), bodies_from);
    for (uint64_t height = 1; height <= BASE; height++) {
        uint8_t header[BLOCK_HEADER_BYTES];
        struct chain_block block;
        assert_int_equal(chain_read_header(chain, height, header), STATUS_OK);
        assert_true(hash_equal(block_header_hash(header), hashes[height]));
        assert_int_equal(chain_read_block(chain, height, &block),
                         height >= bodies_from ? STATUS_OK : STATUS_NOT_FOUND);
        assert_int_equal(chain_read_certificate(chain, height, &certificate, &byte_count),
                         STATUS_OK);
    }
    chain_close(chain);
    chain_close(writer);
}

TEST(backfill_fs, makes_the_chain_whole_and_ends)
{
    begin(1);
    backfill_announce(&options);
    assert_int_equal(atomic_load(&progress.backfill), BACKFILL_FETCHES_HEADERS);
    assert_int_equal(atomic_load(&progress.backfill_base), BASE);
    assert_true(play(BACKFILL_HAS_FAILED));
    assert_int_equal(atomic_load(&progress.backfill), BACKFILL_IS_WHOLE);
    assert_chain(1);
    assert_int_equal(access(proven_path, F_OK), -1);
    headers_asked = bodies_asked = 0;
    assert_true(play(BACKFILL_HAS_FAILED)); /* nothing is left to do */
    assert_int_equal(headers_asked + bodies_asked, 0);
    assert_int_equal(atomic_load(&progress.backfill), BACKFILL_IS_WHOLE);
    end();
}

TEST(backfill_fs, goes_on_after_a_stop)
{
    begin(1);
    stop_at = 50;
    assert_true(play(BACKFILL_HAS_FAILED));
    const uint64_t height = height_now();
    assert_in_range(height, 50, BASE - 1);
    headers_asked = bodies_asked = 0;
    stop_at = 0;
    assert_true(play(BACKFILL_HAS_FAILED));
    assert_int_equal(headers_asked, 0);     /* they were kept, */
    assert_true(bodies_asked <= BASE - 50); /* and so were the blocks */
    assert_chain(1);
    end();
}

static void flip(const char *folder, const char *name, off_t offset)
{
    char path[300];
    uint8_t byte;
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    const int file = open(path, O_RDWR);
    assert_int_equal(pread(file, &byte, 1, offset), 1);
    byte ^= 1;
    assert_int_equal(pwrite(file, &byte, 1, offset), 1);
    close(file);
}

/* What rotted of the files while it was away is fetched again. */
TEST(backfill_fs, damaged_files_are_cut_and_filled_again)
{
    begin(1);
    stop_at = 100;
    assert_true(play(BACKFILL_HAS_FAILED));
    flip(earlier_path, "00000001.segment", 20000);
    flip(earlier_path, "proven", 200 * BLOCK_HEADER_BYTES + 17);
    flip(earlier_path, "proven", 7 * BLOCK_HEADER_BYTES + 17);
    stop_at = 0;
    headers_asked = 0;
    assert_true(play(BACKFILL_HAS_FAILED));
    assert_true(headers_asked > 0);
    assert_chain(1);
    end();
}

/* Blocks of another chain lie in the folder. */
static void play_with_foreign(uint64_t count)
{
    struct chain *other;
    struct blocks blocks;
    begin(1);
    assert_int_equal(mkdir(earlier_path, 0700), 0);
    assert_int_equal(chain_open(earlier_path, &other), STATUS_OK);
    blocks_begin(&blocks);
    for (int i = 0; i < (int)count; i++) {
        blocks_next(&blocks);
        assert_int_equal(
            chain_append_block(other, blocks.header_bytes, blocks.body, blocks.body_bytes),
            STATUS_OK);
    }
    chain_close(other);
    assert_true(play(BACKFILL_HAS_FAILED));
    assert_chain(1);
    end();
}

TEST(backfill_fs, what_does_not_lead_to_the_base_goes_aside)
{
    play_with_foreign(20);
    play_with_foreign(1);
}

TEST(backfill_fs, says_that_nobody_has_a_body)
{
    begin(120);
    assert_false(play(BACKFILL_FINDS_NOBODY));
    assert_int_equal(atomic_load(&progress.backfill_missing), 1);
    assert_int_equal(height_now(), 0);
    end();
}

/* A node that prunes does not ask for what it would let go: headers and certificates stay. */
TEST(backfill_fs, bodies_that_would_be_pruned_are_not_fetched)
{
    begin(120);
    atomic_store(&progress.checkpoint_height, BASE);
    options.bodies_kept = 150;
    stop_at = BASE;
    assert_true(play(BACKFILL_HAS_FAILED));
    assert_chain(BASE - 150);
    assert_true(bodies_asked <= 151);
    end();
}

/* Unless its database has not seen them. */
TEST(backfill_fs, bodies_that_are_not_projected_are_fetched)
{
    begin(1);
    atomic_store(&progress.checkpoint_height, BASE);
    atomic_store(&progress.projection_base, 59);
    options.bodies_kept = 150;
    options.projects = true;
    stop_at = BASE;
    assert_true(play(BACKFILL_HAS_FAILED));
    assert_chain(60);
    end();
}

/* Before bodies of the earlier chain go, what releases need of them is looked at. */
TEST(backfill_fs, what_is_to_be_pruned_is_shelved_before)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    char releases[128], index[192];
    pthread_t handle;
    begin(1);
    assert_true(play(BACKFILL_HAS_FAILED));
    snprintf(releases, sizeof(releases), "%.40s/releases", place);
    snprintf(index, sizeof(index), "%s/" CHAIN_EARLIER "/index", releases);
    options.releases_directory = releases;
    options.bodies_kept = 150;
    atomic_store(&progress.checkpoint_height, BASE);
    atomic_store(&progress.stopping, 0);
    assert_int_equal(access(releases, F_OK), -1);
    assert_int_equal(pthread_create(&handle, NULL, thread, NULL), 0);
    for (int i = 0; i < 20000 && access(index, F_OK) != 0; i++)
        clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
    assert_int_equal(access(index, F_OK), 0);
    atomic_store(&progress.stopping, 1);
    park_wake(&park);
    assert_int_equal(pthread_join(handle, NULL), 0);
    assert_int_equal(atomic_load(&progress.backfill), BACKFILL_IS_WHOLE);
    end();
}

/* ---- Holes ---- */

static char lost_path[128];

/* The whole chain but two bodies, as chain_mend leaves it. */
static void make_chain_with_holes(uint64_t first, uint64_t second)
{
    struct chain *from, *to;
    snprintf(lost_path, sizeof(lost_path), "%.40s/lost", place);
    assert_int_equal(mkdir(lost_path, 0700), 0);
    assert_int_equal(chain_open_reader(peer_paths[0], &from), STATUS_OK);
    assert_int_equal(chain_open(lost_path, &to), STATUS_OK);
    for (uint64_t height = 1; height <= TIP; height++) {
        struct chain_block block;
        assert_int_equal(chain_read_block(from, height, &block), STATUS_OK);
        assert_int_equal(height == first || height == second
                             ? chain_append_header(to, block.header)
                             : chain_append_block(to, block.header, block.body, block.body_bytes),
                         STATUS_OK);
    }
    chain_close(to);
    chain_close(from);
    options.chain_directory = lost_path;
}

static void assert_same_body(uint64_t height)
{
    struct chain *own, *other;
    struct chain_block ours, theirs;
    assert_int_equal(chain_open_reader(lost_path, &own), STATUS_OK);
    assert_int_equal(chain_open_reader(peer_paths[1], &other), STATUS_OK);
    assert_int_equal(chain_read_block(own, height, &ours), STATUS_OK);
    assert_int_equal(chain_read_block(other, height, &theirs), STATUS_OK);
    assert_int_equal(ours.body_bytes, theirs.body_bytes);
    assert_memory_equal(ours.body, theirs.body, ours.body_bytes);
    assert_memory_equal(ours.header, theirs.header, BLOCK_HEADER_BYTES);
    chain_close(own);
    chain_close(other);
}

static uint64_t first_body_of(const char *path)
{
    struct chain *chain;
    assert_int_equal(chain_open_reader(path, &chain), STATUS_OK);
    const uint64_t height = chain_first_body(chain);
    assert_int_equal(chain_first_body(chain), height);
    chain_close(chain);
    return height;
}

TEST(backfill_fs, bodies_that_rotted_come_back)
{
    begin(1);
    make_chain_with_holes(57, 200);
    assert_int_equal(first_body_of(lost_path), 201);
    backfill_announce(&options);
    assert_int_equal(atomic_load(&progress.backfill), BACKFILL_FETCHES_BLOCKS);
    assert_int_equal(atomic_load(&progress.backfill_base), 200);
    assert_true(play(BACKFILL_HAS_FAILED));
    assert_int_equal(atomic_load(&progress.backfill), BACKFILL_IS_WHOLE);
    assert_int_equal(first_body_of(lost_path), 1);
    assert_int_equal(bodies_asked, 2);
    assert_same_body(57);
    assert_same_body(200);
    flip(lost_path, CHAIN_FILLED "/200", 900); /* it rots again */
    assert_int_equal(first_body_of(lost_path), 201);
    assert_true(play(BACKFILL_HAS_FAILED));
    assert_same_body(200);
    end();
}

/* What this node would prune is not fetched. */
TEST(backfill_fs, holes_below_what_is_kept_stay)
{
    begin(1);
    make_chain_with_holes(57, 200);
    atomic_store(&progress.checkpoint_height, BASE);
    options.bodies_kept = 150;
    assert_true(play(BACKFILL_HAS_FAILED));
    assert_int_equal(atomic_load(&progress.backfill), BACKFILL_IS_WHOLE);
    assert_int_equal(bodies_asked, 1);
    assert_int_equal(first_body_of(lost_path), 58);
    end();
}
