#include "ledger/fetch_chunks.h"

#include "tests/harness.h"

/* Twelve chunks of zeros, the last one short; peers 1 to 3 that answer as fast as a test says. */
#define CHUNKS 12
#define LAST   1000u

static struct fetch_chunks chunks;
static struct arena arena;
static struct checkpoint_manifest manifest;
static hash_t hashes[CHUNKS];
static uint8_t zeros[FETCH_PIECE_MAX];
static uint64_t now_ms;
static enum status keep_status, read_status;
static uint32_t kept[CHUNKS], lying_there; /* bits */
static bool full[4];

#define QUESTIONS 256
static struct fetch_ask asked[4][QUESTIONS];
static uint32_t asked_first[4], asked_count[4];

static bool send(void *context, uint32_t node, const struct peers_piece *pieces, uint32_t count)
{
    (void)context;
    assert_int_equal(count, 1);
    if (full[node]) return false;
    struct fetch_ask *ask = &asked[node][(asked_first[node] + asked_count[node]++) % QUESTIONS];
    assert_true(fetch_ask_decode(pieces[0].bytes, pieces[0].byte_count, ask));
    assert_int_equal(ask->object.kind, FETCH_CHUNK);
    assert_int_equal(ask->object.height, 40);
    assert_true(asked_count[node] <= FETCH_WINDOW_MAX);
    return true;
}

static bool is_up(void *context, uint32_t node)
{
    (void)context;
    (void)node;
    return true;
}

static enum status read_chunk(void *context, uint32_t chunk, uint8_t *bytes, uint32_t byte_count)
{
    (void)context;
    if (read_status != STATUS_OK) return read_status;
    if ((lying_there >> chunk & 1) == 0) return STATUS_NOT_FOUND;
    memset(bytes, 0, byte_count);
    return STATUS_OK;
}

static enum status keep_chunk(void *context, uint32_t chunk, const uint8_t *bytes,
                              uint32_t byte_count)
{
    (void)context;
    (void)bytes;
    assert_int_equal(byte_count, chunk == CHUNKS - 1 ? LAST : CHECKPOINT_CHUNK_BYTES);
    kept[chunk]++;
    return keep_status;
}

static void begin(void)
{
    assert_true(hash_start());
    now_ms = 10000;
    keep_status = read_status = STATUS_OK;
    lying_there = 0;
    memset(kept, 0, sizeof(kept));
    memset(full, 0, sizeof(full));
    memset(asked_first, 0, sizeof(asked_first));
    memset(asked_count, 0, sizeof(asked_count));
    if (arena.bytes == NULL) {
        assert_true(arena_map(&arena, FETCH_CHUNKS_MEMORY));
        static uint8_t chunk[CHECKPOINT_CHUNK_BYTES];
        for (int i = 0; i < CHUNKS; i++)
            hashes[i] = checkpoint_chunk_hash(chunk, i == CHUNKS - 1 ? LAST : sizeof(chunk));
    }
    arena.used = 0;
    assert_true(fetch_chunks_init(&chunks, &arena, (struct peers){NULL, send, is_up},
                                  (struct fetch_store){.read = read_chunk, .keep = keep_chunk}));
    manifest = (struct checkpoint_manifest){.height = 40, .chunk_count = CHUNKS, .chunks = hashes};
    manifest.section_bytes[CHECKPOINT_ENGINE] =
        (uint64_t)(CHUNKS - 1) * CHECKPOINT_CHUNK_BYTES + LAST;
    fetch_chunks_begin(&chunks, &manifest);
}

static void look(void)
{
    for (bool seen = false; !seen;)
        assert_int_equal(fetch_chunks_look(&chunks, &seen), STATUS_OK);
}

/* Answers the oldest question of this peer, with byte `wrong` of it changed when there is such a byte. */
static enum fetch_taken answer_with(uint32_t node, uint32_t wrong)
{
    if (asked_count[node] == 0) return FETCH_TOOK_NOTHING;
    const struct fetch_ask *ask = &asked[node][asked_first[node]];
    asked_first[node] = (asked_first[node] + 1) % QUESTIONS;
    asked_count[node]--;
    const struct fetch_piece piece = {
        .object = ask->object,
        .offset = ask->offset,
        .total = ask->object.part == CHUNKS - 1 ? LAST : CHECKPOINT_CHUNK_BYTES,
        .byte_count = ask->count,
        .bytes = zeros};
    enum status failure = STATUS_OK;
    if (wrong < ask->count) zeros[wrong] = 1;
    const enum fetch_taken taken = fetch_chunks_take(&chunks, now_ms, node, &piece, &failure);
    if (wrong < ask->count) zeros[wrong] = 0;
    assert_true(fetch_chunks_check(&chunks));
    if (taken == FETCH_TOOK_FAILED) assert_int_equal(failure, STATUS_IO);
    return taken;
}

static enum fetch_taken answer(uint32_t node)
{
    return answer_with(node, UINT32_MAX);
}

/* So many milliseconds, in which each peer answers so many questions a millisecond. */
static void pass(uint32_t ms, uint32_t first, uint32_t second, uint32_t third)
{
    const uint32_t per_ms[4] = {0, first, second, third};
    for (uint32_t i = 0; i < ms && !fetch_chunks_whole(&chunks); i++, now_ms++) {
        fetch_chunks_ask(&chunks, now_ms);
        for (uint32_t node = 1; node <= 3; node++)
            for (uint32_t j = 0; j < per_ms[node]; j++)
                (void)answer(node);
        assert_true(fetch_chunks_check(&chunks));
    }
}

static void expect_once(void)
{
    assert_true(fetch_chunks_whole(&chunks));
    for (int i = 0; i < CHUNKS; i++)
        assert_int_equal(kept[i], 1);
    assert_int_equal(fetch_chunks_bytes(&chunks), chunks.total_bytes);
}

static uint64_t bytes_of(uint32_t node)
{
    for (uint32_t i = 0; i < chunks.lane_count; i++)
        if (chunks.lanes[i].node == node) return chunks.lanes[i].bytes;
    return 0;
}

/* Each chunk once, and whoever is faster sends more. */
TEST(fetch_chunks, faster_peers_send_more)
{
    begin();
    look();
    for (uint32_t node = 1; node <= 3; node++)
        fetch_chunks_open(&chunks, node);
    pass(5000, 6, 2, 1);
    expect_once();
    assert_true(bytes_of(1) > bytes_of(2));
    assert_true(bytes_of(2) >= bytes_of(3));
    assert_true(bytes_of(3) > 0);
}

/* More is asked of one that has sent whole chunks, and never more than the window's limit (asserted in send). */
TEST(fetch_chunks, window_grows_with_what_comes)
{
    begin();
    look();
    fetch_chunks_open(&chunks, 1);
    fetch_chunks_ask(&chunks, now_ms);
    assert_int_equal(asked_count[1], FETCH_WINDOW_MIN);
    pass(200, 1, 0, 0);
    fetch_chunks_ask(&chunks, now_ms);
    assert_int_equal(asked_count[1], FETCH_WINDOW_MAX);
}

/* What lies here from before is kept when its hash is right; nobody is asked for it. */
TEST(fetch_chunks, what_lies_here_is_not_asked_for)
{
    begin();
    lying_there = 0x0fe;
    hashes[3].bytes[0] ^= 1; /* this one rotted, as it were */
    look();
    hashes[3].bytes[0] ^= 1;
    assert_int_equal(chunks.kept, 6);
    fetch_chunks_open(&chunks, 1);
    pass(2000, 4, 0, 0);
    assert_true(fetch_chunks_whole(&chunks));
    assert_int_equal(kept[0], 1);
    assert_int_equal(kept[2], 0);
    assert_int_equal(kept[3], 1);
    assert_int_equal(kept[11], 1);
    begin();
    read_status = STATUS_IO;
    bool seen;
    assert_int_equal(fetch_chunks_look(&chunks, &seen), STATUS_IO);
}

TEST(fetch_chunks, wrong_chunk_closes_the_lane)
{
    begin();
    look();
    fetch_chunks_open(&chunks, 1);
    fetch_chunks_open(&chunks, 2);
    enum fetch_taken taken = FETCH_TOOK_NOTHING;
    while (taken != FETCH_TOOK_WRONG && taken != FETCH_TOOK_CHUNK) {
        fetch_chunks_ask(&chunks, now_ms);
        taken = answer_with(1, 5);
    }
    assert_int_equal(taken, FETCH_TOOK_WRONG);
    assert_int_equal(chunks.kept, 0);
    while (answer(1) != FETCH_TOOK_NOTHING) {
    }
    fetch_chunks_ask(&chunks, now_ms);
    assert_int_equal(asked_count[1], 0);
    pass(2000, 0, 4, 0);
    expect_once();
}

/* A length that is not the chunk's, and pieces that are shorter than what was asked for. */
TEST(fetch_chunks, piece_of_another_length_closes_the_lane)
{
    for (int what = 0; what < 2; what++) {
        begin();
        look();
        fetch_chunks_open(&chunks, 1);
        fetch_chunks_ask(&chunks, now_ms);
        struct fetch_piece piece = {.object = asked[1][0].object,
                                    .total = CHECKPOINT_CHUNK_BYTES - (what == 0),
                                    .byte_count = FETCH_PIECE_BYTES - (what == 1),
                                    .bytes = zeros};
        enum status failure;
        assert_int_equal(fetch_chunks_take(&chunks, now_ms, 1, &piece, &failure), FETCH_TOOK_WRONG);
        assert_true(fetch_chunks_check(&chunks));
    }
}

TEST(fetch_chunks, peer_that_has_it_not_is_asked_no_more)
{
    begin();
    look();
    fetch_chunks_open(&chunks, 1);
    fetch_chunks_ask(&chunks, now_ms);
    const struct fetch_piece none = {.object = asked[1][0].object};
    enum status failure;
    assert_int_equal(fetch_chunks_take(&chunks, now_ms, 1, &none, &failure), FETCH_TOOK_NONE);
    asked_count[1] = 0;
    fetch_chunks_ask(&chunks, now_ms);
    assert_int_equal(asked_count[1], 0);
    fetch_chunks_open(&chunks, 1);
    pass(2000, 4, 0, 0);
    expect_once();
}

/* Silence is measured from the last piece that came, and not while nothing was asked. */
TEST(fetch_chunks, silent_lane_loses_its_chunks_and_rests)
{
    begin();
    look();
    fetch_chunks_open(&chunks, 1);
    fetch_chunks_open(&chunks, 2);
    fetch_chunks_ask(&chunks, now_ms);
    now_ms += FETCH_SILENT_MS - 1;
    assert_int_equal(fetch_chunks_silent(&chunks, now_ms), 0);
    (void)answer(1);
    now_ms += 1;
    assert_int_equal(fetch_chunks_silent(&chunks, now_ms), 2);
    assert_int_equal(fetch_chunks_silent(&chunks, now_ms), 0);
    asked_count[2] = 0;
    fetch_chunks_ask(&chunks, now_ms);
    assert_int_equal(asked_count[2], 0);
    now_ms += FETCH_REST_MS;
    assert_int_equal(fetch_chunks_silent(&chunks, now_ms), 1);
    asked_count[1] = 0;
    fetch_chunks_ask(&chunks, now_ms);
    assert_int_equal(asked_count[2], FETCH_WINDOW_MIN);
    pass(4000, 0, 4, 0);
    expect_once();
}

/* The answers to an older question, of before the silence, are no answers to the newer one of another peer. */
TEST(fetch_chunks, late_pieces_are_ignored)
{
    begin();
    look();
    fetch_chunks_open(&chunks, 1);
    fetch_chunks_ask(&chunks, now_ms);
    const uint32_t late = asked[1][0].object.part;
    now_ms += FETCH_SILENT_MS;
    assert_int_equal(fetch_chunks_silent(&chunks, now_ms), 1);
    fetch_chunks_open(&chunks, 2);
    fetch_chunks_ask(&chunks, now_ms);
    assert_int_equal(asked[2][0].object.part, late); /* it is another's now */
    assert_int_equal(answer(1), FETCH_TOOK_NOTHING);
    pass(2000, 0, 4, 0);
    expect_once();
}

/* At the end a chunk that would come slowly is taken over by one who is done with the others. */
TEST(fetch_chunks, slow_chunk_is_taken_over)
{
    begin();
    look();
    fetch_chunks_open(&chunks, 1);
    fetch_chunks_open(&chunks, 2);
    for (uint32_t round = 0; round < 40 && !fetch_chunks_whole(&chunks); round++) {
        pass(99, 4, 0, 0);
        pass(1, 4, 1, 0); /* ten pieces a second: three seconds a chunk */
        assert_int_equal(fetch_chunks_silent(&chunks, now_ms), 0);
    }
    expect_once();
    assert_int_equal(bytes_of(2), 0);
    assert_true(now_ms - 10000 < 1500);
}

/* What has no room on the link is asked for later. */
TEST(fetch_chunks, full_link_is_asked_again)
{
    begin();
    look();
    full[1] = true;
    fetch_chunks_open(&chunks, 1);
    fetch_chunks_ask(&chunks, now_ms);
    now_ms += 2 * FETCH_SILENT_MS;
    assert_int_equal(fetch_chunks_silent(&chunks, now_ms), 0);
    full[1] = false;
    pass(2000, 4, 0, 0);
    expect_once();
}

TEST(fetch_chunks, says_what_the_store_said)
{
    begin();
    look();
    keep_status = STATUS_IO;
    fetch_chunks_open(&chunks, 1);
    enum fetch_taken taken = FETCH_TOOK_PIECE;
    while (taken == FETCH_TOOK_PIECE) {
        fetch_chunks_ask(&chunks, now_ms);
        taken = answer(1);
    }
    assert_int_equal(taken, FETCH_TOOK_FAILED);
}
