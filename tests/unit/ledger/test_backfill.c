#include "ledger/backfill.h"

#include "tests/harness.h"
#include "tests/unit/ledger/blocks.h"
#include "tests/unit/ledger/checkpoints.h"

/* A chain of BLOCKS blocks whose node began at block BASE, peers that answer each in their way, and a store in
 * memory. Every height that is no multiple of 5 has a certificate. */
#define BLOCKS 420
#define BASE   400u
#define PEERS  4
#define QUEUE  64

enum manner {
    HONEST,
    SILENT,
    REFUSES,
    BODILESS,
    BEGINS_LATE,
    BAD_HEADER,
    BAD_BODY,
    BAD_PIECE,
    BAD_CERTIFICATE,
    BAD_RUN
};

static struct checkpoints keys;
static uint8_t headers[BLOCKS + 1][BLOCK_HEADER_BYTES];
static uint8_t bodies[BLOCKS + 1][BLOCK_BODY_MAX];
static size_t body_bytes[BLOCKS + 1];
static uint8_t certificates[BLOCKS + 1][CERTIFICATE_BYTES_MAX];
static size_t certificate_bytes[BLOCKS + 1];

static enum manner manners[PEERS + 1]; /* of node 1 .. PEERS */
static struct {
    uint32_t node;
    struct fetch_ask ask;
} queue[QUEUE];
static uint32_t queued;
static uint32_t asked[FETCH_KINDS], asked_of[PEERS + 1], blamed[PEERS + 1];
static uint64_t asked_bytes, lowest_body_asked, late_base;

static uint8_t kept[BASE + 1][BLOCK_HEADER_BYTES];
static bool is_kept[BASE + 1];
static struct {
    bool body, certificate;
} stored[BASE + 1];
static uint64_t tip;
static uint8_t *rooms[BACKFILL_SLOTS];
static bool knows_voters;
static struct backfill machine;
static uint64_t clock_ms;

static void make_chain(void)
{
    static bool made;
    if (made) return;
    made = true;
    struct blocks blocks;
    checkpoints_keys(&keys);
    blocks_begin(&blocks);
    for (uint64_t height = 1; height <= BLOCKS; height++) {
        blocks_next(&blocks);
        memcpy(headers[height], blocks.header_bytes, BLOCK_HEADER_BYTES);
        memcpy(bodies[height], blocks.body, blocks.body_bytes);
        body_bytes[height] = blocks.body_bytes;
        if (height % 5 == 0) continue;
        struct certificate certificate = {
            .height = height, .header_hash = blocks.last_hash, .vote_count = 3};
        uint8_t message[BLOCK_VOTE_BYTES];
        block_vote_message(keys.chain_id, 0, height, blocks.last_hash, message);
        for (uint32_t i = 0; i < 3; i++) {
            certificate.votes[i].node = i + 1;
            crypto_sign_detached(certificate.votes[i].signature, NULL, message, sizeof(message),
                                 keys.secrets[i]);
        }
        certificate_bytes[height] = certificate_encode(&certificate, certificates[height]);
    }
}

/* ---- The store ---- */

static enum status store_header(void *context, uint64_t height, uint8_t header[BLOCK_HEADER_BYTES])
{
    (void)context;
    if (!is_kept[height]) return STATUS_NOT_FOUND;
    memcpy(header, kept[height], BLOCK_HEADER_BYTES);
    return STATUS_OK;
}

static enum status keep_headers(void *context, uint64_t height, uint32_t count,
                                const uint8_t *bytes)
{
    (void)context;
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t at = height - i;
        assert_memory_equal(bytes + (size_t)i * BLOCK_HEADER_BYTES, headers[at],
                            BLOCK_HEADER_BYTES);
        memcpy(kept[at], bytes + (size_t)i * BLOCK_HEADER_BYTES, BLOCK_HEADER_BYTES);
        is_kept[at] = true;
    }
    return STATUS_OK;
}

static enum status keep_block(void *context, const uint8_t header[BLOCK_HEADER_BYTES],
                              const uint8_t *body, size_t bytes, const uint8_t *certificate,
                              size_t signed_bytes)
{
    (void)context;
    tip++;
    assert_true(tip <= BASE);
    assert_memory_equal(header, headers[tip], BLOCK_HEADER_BYTES);
    stored[tip].body = body != NULL;
    stored[tip].certificate = signed_bytes > 0;
    if (body != NULL) assert_int_equal(bytes, body_bytes[tip]);
    if (body != NULL) assert_memory_equal(body, bodies[tip], bytes);
    if (signed_bytes > 0) assert_int_equal(signed_bytes, certificate_bytes[tip]);
    if (signed_bytes > 0) assert_memory_equal(certificate, certificates[tip], signed_bytes);
    return STATUS_OK;
}

static const struct validator_set *voters(void *context, hash_t validators_hash)
{
    (void)context;
    (void)validators_hash;
    return knows_voters ? &keys.set : NULL;
}

static uint8_t *room(void *context, uint32_t slot, size_t byte_count)
{
    (void)context;
    rooms[slot] = realloc(rooms[slot], byte_count);
    return rooms[slot];
}

static void blame(void *context, uint32_t node, const char *what, uint64_t height)
{
    (void)context;
    (void)height;
    assert_non_null(what);
    blamed[node]++;
}

/* ---- The peers ---- */

static bool send(void *context, uint32_t node, const struct peers_piece *pieces, uint32_t count)
{
    (void)context;
    assert_int_equal(count, 1);
    assert_true(queued < QUEUE);
    assert_true(fetch_ask_decode(pieces->bytes, pieces->byte_count, &queue[queued].ask));
    const struct fetch_ask *ask = &queue[queued].ask;
    queue[queued++].node = node;
    asked[ask->object.kind]++;
    asked_of[node]++;
    asked_bytes += ask->count;
    if (ask->object.kind == FETCH_BODY && ask->object.height < lowest_body_asked)
        lowest_body_asked = ask->object.height;
    return true;
}

static bool is_up(void *context, uint32_t node)
{
    (void)context;
    (void)node;
    return true;
}

/* The object as this peer has it; 0: not at all. */
static size_t object_of(enum manner manner, const struct fetch_object *object, uint8_t *bytes)
{
    const uint64_t height = object->height;
    size_t length = 0;
    if (object->kind == FETCH_BODY && manner != BODILESS) {
        length = body_bytes[height];
        memcpy(bytes, bodies[height], length);
        if (manner == BAD_BODY) bytes[length / 2] ^= 1;
    } else if (object->kind == FETCH_SIGNATURES) {
        length = certificate_bytes[height];
        memcpy(bytes, certificates[height], length);
        if (manner == BAD_CERTIFICATE && length > 0) bytes[length - 1] ^= 1;
    } else if (object->kind == FETCH_HEADERS) {
        for (uint64_t at = height; at > height - object->part; at--) {
            if (manner == BEGINS_LATE && at < late_base) break;
            memcpy(bytes + length, headers[at], BLOCK_HEADER_BYTES);
            length += BLOCK_HEADER_BYTES;
        }
        if (manner == BAD_HEADER) bytes[length / 2 + 200] ^= 1;
        if (manner == BAD_RUN) length--;
    }
    return length;
}

static void answer(uint32_t node, const struct fetch_ask *ask)
{
    static uint8_t object[FETCH_PIECE_MAX], message[FETCH_PIECE_HEADER_BYTES + FETCH_PIECE_MAX];
    const enum manner manner = manners[node];
    if (manner == SILENT) return;
    if (manner == REFUSES) {
        backfill_refused(&machine, clock_ms, node);
        return;
    }
    const size_t length = object_of(manner, &ask->object, object);
    struct fetch_piece piece = {
        .object = ask->object, .offset = ask->offset, .total = (uint32_t)length};
    if (ask->offset < length) {
        piece.byte_count = (uint32_t)length - ask->offset < ask->count
                               ? (uint32_t)length - ask->offset
                               : ask->count;
        memcpy(message + FETCH_PIECE_HEADER_BYTES, object + ask->offset, piece.byte_count);
    } else {
        piece.total = 0;
    }
    if (manner == BAD_PIECE && ask->object.kind == FETCH_BODY) piece.byte_count--;
    fetch_piece_encode(&piece, message);
    backfill_receive(&machine, clock_ms, node, message,
                     FETCH_PIECE_HEADER_BYTES + piece.byte_count);
}

/* ---- Playing ---- */

static void begin(uint64_t bodies_from)
{
    static const uint32_t nodes[] = {1, 2, 3, 4, 9};
    struct backfill_options options = {
        .node = 9,
        .chain_id = keys.chain_id,
        .peers = {NULL, send, is_up},
        .store = {NULL, store_header, keep_headers, keep_block, voters, room, blame},
        .base_header = headers[BASE],
        .tip = tip,
        .bodies_from = bodies_from};
    if (tip > 0) options.tip_hash = block_header_hash(headers[tip]);
    queued = 0;
    backfill_begin(&machine, &options);
    backfill_nodes(&machine, nodes, 5);
    backfill_nodes(&machine, nodes, 2); /* known ones stay as they are */
    assert_int_equal(machine.peer_count, PEERS);
}

static void reset(void)
{
    make_chain();
    memset(manners, 0, sizeof(manners));
    memset(asked, 0, sizeof(asked));
    memset(asked_of, 0, sizeof(asked_of));
    memset(blamed, 0, sizeof(blamed));
    memset(is_kept, 0, sizeof(is_kept));
    memset(stored, 0, sizeof(stored));
    asked_bytes = tip = late_base = 0;
    lowest_body_asked = UINT64_MAX;
    knows_voters = true;
    clock_ms = 5;
}

/* A round: what was asked is answered, then the machine does what is due; 10 ms pass. */
static void round_once(void)
{
    const uint32_t count = queued;
    static struct fetch_ask asks[QUEUE];
    static uint32_t nodes[QUEUE];
    for (uint32_t i = 0; i < count; i++) {
        asks[i] = queue[i].ask;
        nodes[i] = queue[i].node;
    }
    queued = 0;
    for (uint32_t i = 0; i < count; i++)
        answer(nodes[i], &asks[i]);
    assert_true(backfill_check(&machine));
    while (backfill_turn(&machine, clock_ms))
        assert_true(backfill_check(&machine));
    assert_true(backfill_check(&machine));
    clock_ms += 10;
}

static bool over(void)
{
    return machine.phase == BACKFILL_DONE || machine.phase == BACKFILL_FAILED;
}

static void play(uint32_t rounds)
{
    for (uint32_t i = 0; i < rounds && !over(); i++)
        round_once();
}

static void assert_whole(void)
{
    assert_int_equal(machine.phase, BACKFILL_DONE);
    assert_int_equal(tip, BASE);
    for (uint64_t height = 1; height <= BASE; height++) {
        assert_true(stored[height].body);
        assert_int_equal(stored[height].certificate, height % 5 != 0);
    }
}

TEST(backfill, brings_every_block_in_order_from_several_peers)
{
    reset();
    begin(1);
    play(1000);
    assert_whole();
    for (uint32_t node = 1; node <= PEERS; node++)
        assert_true(asked_of[node] > 100);
    assert_int_equal(machine.uncertified, BASE / 5);
}

TEST(backfill, headers_are_proved_before_any_block_is_asked_for)
{
    reset();
    begin(1);
    while (machine.phase != BACKFILL_BLOCKS) {
        assert_int_equal(asked[FETCH_BODY] + asked[FETCH_SIGNATURES], 0);
        round_once();
    }
    for (uint64_t height = 1; height < BASE; height++)
        assert_true(is_kept[height]);
}

TEST(backfill, who_says_what_is_not_so_is_dropped_and_others_asked)
{
    static const enum manner lies[] = {BAD_HEADER, BAD_BODY, BAD_PIECE, BAD_CERTIFICATE, BAD_RUN};
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        reset();
        manners[1] = manners[3] = manners[4] = lies[i];
        begin(1);
        play(2000);
        assert_whole();
        assert_int_equal(blamed[1] + blamed[3] + blamed[4], 3);
        assert_int_equal(blamed[2], 0);
        assert_int_equal(machine.dropped, 3);
    }
}

/* Pieces of one body come from one peer: when it falls silent another begins anew. */
TEST(backfill, large_bodies_come_in_pieces)
{
    for (uint32_t node = 0; node <= PEERS; node++) {
        reset();
        begin(1);
        machine.piece_bytes = 50;
        while (tip < 20)
            round_once();
        if (node > 0) manners[node] = node % 2 == 0 ? SILENT : BAD_BODY;
        play(40000);
        assert_whole();
        assert_true(asked[FETCH_BODY] > 5 * BASE);
        assert_int_equal(machine.dropped, node % 2);
        assert_int_equal(blamed[node], node % 2);
    }
}

TEST(backfill, all_liars_end_it)
{
    reset();
    for (uint32_t node = 1; node <= PEERS; node++)
        manners[node] = BAD_BODY;
    begin(1);
    play(2000);
    assert_int_equal(machine.phase, BACKFILL_FAILED);
    assert_int_equal(machine.status, STATUS_MALFORMED);
    assert_int_equal(tip, 0);
}

TEST(backfill, goes_on_where_an_earlier_life_ended)
{
    reset();
    begin(1);
    while (machine.lowest > BASE - 200)
        round_once();
    const uint64_t lowest = machine.lowest;
    memset(asked, 0, sizeof(asked));
    begin(1);
    while (machine.phase == BACKFILL_LOOKING)
        round_once();
    assert_int_equal(machine.lowest, lowest);
    while (tip < 100)
        round_once();
    assert_true(asked[FETCH_HEADERS] <= (lowest + FETCH_HEADERS_MAX - 1) / FETCH_HEADERS_MAX);
    memset(asked, 0, sizeof(asked));
    begin(1);
    play(1000);
    assert_whole();
    assert_int_equal(asked[FETCH_HEADERS], 0);
}

TEST(backfill, a_kept_header_that_rotted_is_fetched_again)
{
    reset();
    begin(1);
    while (machine.phase != BACKFILL_BLOCKS)
        round_once();
    kept[150][200] ^= 4;
    tip = 0;
    memset(asked, 0, sizeof(asked));
    begin(1);
    round_once();
    assert_int_equal(machine.lowest, 151);
    play(1000);
    assert_whole();
    assert_int_equal(asked[FETCH_HEADERS], 2); /* 150 .. 1 */
}

TEST(backfill, bodies_that_are_not_wanted_are_not_asked_for)
{
    reset();
    begin(300);
    play(1000);
    assert_int_equal(machine.phase, BACKFILL_DONE);
    assert_int_equal(lowest_body_asked, 300);
    for (uint64_t height = 1; height <= BASE; height++) {
        assert_int_equal(stored[height].body, height >= 300);
        assert_int_equal(stored[height].certificate, height % 5 != 0);
    }
}

TEST(backfill, a_body_that_nobody_has_is_waited_for_and_named)
{
    reset();
    for (uint32_t node = 1; node <= PEERS; node++)
        manners[node] = BODILESS;
    begin(1);
    play(200);
    assert_int_equal(machine.missing, 1);
    assert_int_equal(tip, 0);
    const uint32_t bodies_asked = asked[FETCH_BODY];
    assert_true(bodies_asked <= BACKFILL_SLOTS * PEERS);
    manners[3] = HONEST; /* an archive comes back */
    play(5);
    assert_int_equal(asked[FETCH_BODY], bodies_asked);
    clock_ms += BACKFILL_AGAIN_MS;
    play(2000);
    assert_whole();
    assert_int_equal(machine.missing, 0);
    assert_int_equal(machine.dropped, 0);
}

TEST(backfill, peers_whose_chains_begin_late_give_what_they_have)
{
    reset();
    manners[1] = manners[2] = manners[3] = BEGINS_LATE;
    late_base = 350;
    begin(1);
    play(2000);
    assert_whole();
    assert_int_equal(machine.dropped, 0);
}

TEST(backfill, silent_peers_are_left_alone_for_a_while)
{
    reset();
    manners[1] = SILENT;
    manners[2] = REFUSES;
    begin(1);
    const uint64_t from = clock_ms;
    play(10000);
    assert_whole();
    assert_true(clock_ms - from < 60000);
    assert_true(asked_of[1] < 40);
    assert_int_equal(machine.dropped, 0);
}

TEST(backfill, certificates_that_nobody_here_can_check_are_left_out)
{
    reset();
    knows_voters = false;
    begin(1);
    play(1000);
    assert_int_equal(machine.phase, BACKFILL_DONE);
    for (uint64_t height = 1; height <= BASE; height++)
        assert_true(stored[height].body && !stored[height].certificate);
}

TEST(backfill, blocks_of_another_chain_are_no_beginning)
{
    reset();
    tip = 20;
    begin(1);
    machine.tip_hash.bytes[0] ^= 1;
    play(1000);
    assert_int_equal(machine.phase, BACKFILL_FAILED);
    assert_int_equal(machine.status, STATUS_MISMATCH);
    assert_int_equal(tip, 20);
}

TEST(backfill, asks_for_no_more_than_its_share_of_the_line)
{
    reset();
    begin(1);
    const uint64_t from = clock_ms;
    play(1000);
    assert_true(asked_bytes <=
                BACKFILL_BYTES_PER_S / 8 + (clock_ms - from) * (BACKFILL_BYTES_PER_S / 1000 + 1));
    /* No time passes: no budget comes. */
    reset();
    begin(1);
    for (uint32_t i = 0; i < 3000 && !over(); i++) {
        round_once();
        clock_ms -= 10;
    }
    assert_true(asked_bytes <= BACKFILL_BYTES_PER_S / 8);
    assert_false(over());
}

TEST(backfill, answers_to_nothing_are_let_be)
{
    uint8_t message[FETCH_PIECE_HEADER_BYTES + 1] = {0};
    const struct fetch_piece piece = {.object = {FETCH_BODY, 0, 7}, .total = 1, .byte_count = 1};
    reset();
    begin(1);
    fetch_piece_encode(&piece, message);
    backfill_receive(&machine, clock_ms, 2, message, sizeof(message));  /* not asked for */
    backfill_receive(&machine, clock_ms, 77, message, sizeof(message)); /* a stranger */
    backfill_receive(&machine, clock_ms, 2, message, 0);
    assert_int_equal(machine.dropped, 0);
    backfill_receive(&machine, clock_ms, 2, message, 5);
    assert_int_equal(machine.dropped, 1);
    play(1000);
    assert_whole();
}
