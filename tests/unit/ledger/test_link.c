#include "tests/harness.h"

#include "ledger/link.h"

#include "common/le.h"

#define MESSAGE_MAX (2 * LINK_FRAME_MAX)

/* A small network: nodes 1 to 3 are members everywhere, 9 is nobody. */
enum { ANN = 1, BOB = 2, CAT = 3, EVE = 9 };

static struct link_identity identities[10];
static struct link_members rooms[10]; /* whom each of them knows */
static struct node_set set;
static struct link caller, called;
static uint8_t random_byte;

static void secret_of(uint32_t node, uint8_t secret_key[SECRET_KEY_BYTES])
{
    uint8_t seed[crypto_sign_SEEDBYTES] = {(uint8_t)node, 7}, public_key[PUBLIC_KEY_BYTES];
    crypto_sign_seed_keypair(public_key, secret_key, seed);
}

static void introduce(uint32_t node, uint8_t chain)
{
    uint8_t secret_key[SECRET_KEY_BYTES];
    hash_t chain_id = {{chain}};
    secret_of(node, secret_key);
    assert_true(link_identity_init(&identities[node], &chain_id, node, secret_key));
}

static void set_up(void)
{
    assert_true(hash_start());
    memset(rooms, 0, sizeof(rooms));
    set = (struct node_set){.count = 3};
    for (uint32_t node = ANN; node <= EVE; node++) {
        introduce(node, 1);
        if (node > CAT) continue;
        set.members[node - 1].node = node;
        set.members[node - 1].role = NODE_VOTER;
        memcpy(set.members[node - 1].public_key, identities[node].public_key, PUBLIC_KEY_BYTES);
    }
    for (uint32_t node = ANN; node <= EVE; node++)
        link_members_set(&rooms[node], &set, node);
}

static const uint8_t *fresh(void)
{
    static uint8_t bytes[NOISE_KEY_BYTES];
    memset(bytes, ++random_byte, sizeof(bytes));
    return bytes;
}

static void call(uint32_t from, uint32_t to, uint8_t first[LINK_FIRST_BYTES])
{
    assert_true(
        link_call(&caller, &identities[from], link_members_find(&rooms[from], to), fresh(), first));
}

static void await(uint32_t node)
{
    link_await(&called, &identities[node], &rooms[node], fresh());
}

static enum link_event take(struct link *link, const uint8_t *bytes, size_t byte_count,
                            struct link_taken *taken)
{
    static uint8_t copy[MESSAGE_MAX];
    assert_true(byte_count <= sizeof(copy));
    memcpy(copy, bytes, byte_count);
    return link_take(link, copy, byte_count, taken);
}

/* What a handshake said. */
struct record {
    uint8_t first[LINK_FIRST_BYTES];
    uint8_t second[LINK_SECOND_BYTES];
    uint8_t proof[LINK_HEAD_BYTES];
};

/* Both ends open, or the test fails. */
static void shake(uint32_t from, uint32_t to, struct record *record)
{
    struct link_taken taken;
    call(from, to, record->first);
    await(to);
    assert_int_equal(take(&called, record->first, LINK_FIRST_BYTES, &taken), LINK_MORE);
    assert_int_equal(taken.consumed, LINK_FIRST_BYTES);
    assert_int_equal(taken.answer_bytes, LINK_SECOND_BYTES);
    memcpy(record->second, taken.answer, LINK_SECOND_BYTES);
    assert_int_equal(called.state, LINK_ANSWERED);
    assert_int_equal(take(&caller, record->second, LINK_SECOND_BYTES, &taken), LINK_UP);
    assert_int_equal(taken.answer_bytes, LINK_HEAD_BYTES);
    memcpy(record->proof, taken.answer, LINK_HEAD_BYTES);
    assert_int_equal(take(&called, record->proof, LINK_HEAD_BYTES, &taken), LINK_UP);
    assert_int_equal(taken.consumed, LINK_HEAD_BYTES);
    assert_int_equal(taken.answer_bytes, 0);
}

static size_t seal_text(struct link *link, const char *text, uint8_t *frame)
{
    const struct peers_piece piece = {(const uint8_t *)text, strlen(text)};
    const size_t frame_bytes = link_seal(link, &piece, 1, frame);
    assert_int_equal(frame_bytes, link_frame_bytes(strlen(text)));
    return frame_bytes;
}

static void expect_text(struct link *link, const uint8_t *frame, size_t frame_bytes,
                        const char *text)
{
    struct link_taken taken;
    assert_int_equal(take(link, frame, frame_bytes, &taken), LINK_MESSAGE);
    assert_int_equal(taken.consumed, frame_bytes);
    assert_int_equal(taken.message_bytes, strlen(text));
    assert_memory_equal(taken.message, text, strlen(text));
}

static void expect_refused(struct link *link, const uint8_t *bytes, size_t byte_count,
                           enum link_refusal why)
{
    static const struct link_way wiped;
    struct link_taken taken;
    assert_int_equal(take(link, bytes, byte_count, &taken), LINK_REFUSED);
    assert_int_equal(taken.answer_bytes, 0);
    assert_null(taken.message);
    assert_int_equal(link->refusal, why);
    assert_int_equal(link->state, LINK_DEAD);
    assert_memory_equal(&link->sending, &wiped, sizeof(wiped));
    assert_memory_equal(&link->receiving, &wiped, sizeof(wiped));
    assert_int_equal(take(link, bytes, byte_count, &taken), LINK_REFUSED);
}

/* ---- What works ---- */

TEST(link, members_meet_and_talk_both_ways)
{
    struct record record;
    uint8_t frame[256];
    set_up();
    shake(ANN, BOB, &record);
    assert_int_equal(caller.node, BOB);
    assert_int_equal(called.node, ANN);
    assert_int_equal(caller.cipher, called.cipher);
    for (int i = 0; i < 5; i++) {
        size_t count = seal_text(&caller, "to the called one", frame);
        expect_text(&called, frame, count, "to the called one");
        count = seal_text(&called, "and back", frame);
        expect_text(&caller, frame, count, "and back");
    }
    struct link_taken taken;
    size_t count = link_seal(&called, NULL, 0, frame);
    assert_int_equal(count, LINK_HEAD_BYTES);
    assert_int_equal(take(&caller, frame, count, &taken), LINK_BEAT);
}

/* Whoever has AES in hardware uses it with whoever has it, too; the choice is the called node's. */
TEST(link, cipher_is_what_both_can)
{
    static const uint8_t both = LINK_AES256GCM | LINK_CHACHA20POLY1305;
    static const uint8_t cases[][3] = {{both, both, LINK_AES256GCM},
                                       {LINK_CHACHA20POLY1305, both, LINK_CHACHA20POLY1305},
                                       {both, LINK_CHACHA20POLY1305, LINK_CHACHA20POLY1305},
                                       {LINK_AES256GCM, both, LINK_AES256GCM}};
    struct record record;
    uint8_t frame[64];
    set_up();
    if ((identities[ANN].ciphers & LINK_AES256GCM) == 0) skip();
    for (size_t i = 0; i < 4; i++) {
        identities[ANN].ciphers = cases[i][0];
        identities[BOB].ciphers = cases[i][1];
        shake(ANN, BOB, &record);
        assert_int_equal(caller.cipher, cases[i][2]);
        const size_t count = seal_text(&called, "hello", frame);
        expect_text(&caller, frame, count, "hello");
    }
    identities[ANN].ciphers = LINK_AES256GCM;
    identities[BOB].ciphers = LINK_CHACHA20POLY1305;
    call(ANN, BOB, record.first);
    await(BOB);
    expect_refused(&called, record.first, LINK_FIRST_BYTES, LINK_BAD_HELLO);
}

/* Any length, from one piece or several, however the bytes trickle in. Both ciphers work in place. */
TEST(link, message_of_any_length_arrives_whole)
{
    static const size_t lengths[] = {1,   2,    15,   16,    17,    127,
                                     128, 1000, 4096, 65536, 65537, PEERS_MESSAGE_MAX};
    static uint8_t message[PEERS_MESSAGE_MAX], frame[LINK_FRAME_MAX];
    struct record record;
    set_up();
    randombytes_buf_deterministic(message, sizeof(message), (const uint8_t[32]){3});
    for (size_t pass = 0; pass < 2; pass++) {
        if (pass == 1) identities[BOB].ciphers = LINK_CHACHA20POLY1305;
        shake(ANN, BOB, &record);
        for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
            const size_t length = lengths[i], half = length / 2;
            const struct peers_piece pieces[] = {
                {message, half}, {NULL, 0}, {message + half, length - half}};
            const size_t count = link_seal(&caller, pieces, 3, frame);
            assert_int_equal(count, link_frame_bytes(length));
            /* One byte less, and nothing comes yet but perhaps the head. */
            struct link_taken taken;
            assert_int_equal(link_take(&called, frame, count - 1, &taken), LINK_MORE);
            assert_int_equal(link_wants(&called), count - taken.consumed);
            assert_int_equal(
                link_take(&called, frame + taken.consumed, count - taken.consumed, &taken),
                LINK_MESSAGE);
            assert_int_equal(taken.message_bytes, length);
            assert_memory_equal(taken.message, message, length);
        }
    }
}

/* The same two nodes have other session keys each time, and other bytes. */
TEST(link, sessions_have_nothing_in_common)
{
    struct record one, other;
    set_up();
    shake(ANN, BOB, &one);
    struct link_way first_way = caller.sending;
    shake(ANN, BOB, &other);
    assert_memory_not_equal(one.first, other.first, NOISE_KEY_BYTES);
    assert_memory_not_equal(one.second, other.second, LINK_SECOND_BYTES);
    assert_memory_not_equal(first_way.key, caller.sending.key, NOISE_KEY_BYTES);
    assert_memory_not_equal(caller.receiving.key, caller.sending.key, NOISE_KEY_BYTES);
    assert_memory_equal(caller.receiving.key, called.sending.key, NOISE_KEY_BYTES);
}

/* The keys stay behind in neither end. */
TEST(link, handshake_keys_are_wiped_when_it_is_open)
{
    static const struct noise wiped;
    struct record record;
    set_up();
    shake(ANN, BOB, &record);
    assert_memory_equal(&caller.noise, &wiped, sizeof(wiped));
    assert_memory_equal(&called.noise, &wiped, sizeof(wiped));
    link_end(&caller);
    static const struct link_way no_way;
    assert_memory_equal(&caller.sending, &no_way, sizeof(no_way));
    assert_memory_equal(&caller.receiving, &no_way, sizeof(no_way));
    link_identity_wipe(&identities[ANN]);
    static const struct link_identity nobody;
    assert_memory_equal(&identities[ANN], &nobody, sizeof(nobody));
}

/* ---- Keys move on ---- */

/* By frames and by bytes, each way by itself, in the middle of talk; the keys are really others. */
TEST(link, keys_move_on_in_the_middle)
{
    struct record record;
    uint8_t frame[256], before[NOISE_KEY_BYTES];
    set_up();
    for (size_t pass = 0; pass < 4; pass++) {
        for (uint32_t node = ANN; node <= BOB; node++) {
            identities[node].rekey_frames = pass < 2 ? 7 : UINT64_MAX;
            identities[node].rekey_bytes = pass < 2 ? UINT64_MAX : 40;
            if (pass % 2 == 1) identities[node].ciphers = LINK_CHACHA20POLY1305;
        }
        shake(ANN, BOB, &record);
        uint32_t changes = 0;
        memcpy(before, called.sending.key, NOISE_KEY_BYTES);
        for (int i = 0; i < 40; i++) {
            uint8_t key[NOISE_KEY_BYTES];
            memcpy(key, caller.sending.key, NOISE_KEY_BYTES);
            const size_t count = seal_text(&caller, "ten bytes.", frame);
            expect_text(&called, frame, count, "ten bytes.");
            assert_memory_equal(caller.sending.key, called.receiving.key, NOISE_KEY_BYTES);
            changes += memcmp(key, caller.sending.key, NOISE_KEY_BYTES) != 0;
        }
        assert_int_equal(changes, pass < 2 ? 41 / 7 : 40 / 4);
        assert_memory_equal(before, called.sending.key, NOISE_KEY_BYTES);
        assert_int_equal(caller.sending.nonce, 81); /* never begins again */
        const size_t count = seal_text(&called, "still here", frame);
        expect_text(&caller, frame, count, "still here");
        introduce(ANN, 1);
        introduce(BOB, 1);
    }
}

/* A side that moves on at another frame is not understood any more. */
TEST(link, keys_that_moved_on_alone_open_nothing)
{
    struct record record;
    uint8_t frame[64];
    set_up();
    identities[ANN].rekey_frames = 3; /* the handshake's empty frame is the first */
    shake(ANN, BOB, &record);
    for (int i = 0; i < 2; i++)
        expect_text(&called, frame, seal_text(&caller, "same", frame), "same");
    expect_refused(&called, frame, seal_text(&caller, "other", frame), LINK_BAD_FRAME);
}

/* ---- Strangers ---- */

/* Whoever does not know chain, version and whom he calls is refused by one keyed hash: before any key is
 * multiplied, which the untouched key tells. */
TEST(link, wrong_chain_version_or_callee_costs_one_hash)
{
    uint8_t first[LINK_FIRST_BYTES];
    set_up();
    introduce(ANN, 2);
    call(ANN, BOB, first);
    await(BOB);
    expect_refused(&called, first, LINK_FIRST_BYTES, LINK_NO_MARK);

    introduce(ANN, 1);
    identities[ANN].version = LINK_VERSION + 1;
    call(ANN, BOB, first);
    await(BOB);
    expect_refused(&called, first, LINK_FIRST_BYTES, LINK_NO_MARK);

    introduce(ANN, 1);
    call(ANN, CAT, first);
    await(BOB);
    expect_refused(&called, first, LINK_FIRST_BYTES, LINK_NO_MARK);

    memset(first, 0x5a, sizeof(first));
    await(BOB);
    expect_refused(&called, first, LINK_FIRST_BYTES, LINK_NO_MARK);

    call(ANN, BOB, first);
    await(BOB);
    struct link_taken taken;
    assert_int_equal(take(&called, first, LINK_FIRST_BYTES, &taken), LINK_MORE);
}

/* Chain, version and all public keys are no secret: knowing them is not enough. */
TEST(link, stranger_with_a_key_of_its_own_is_refused)
{
    uint8_t first[LINK_FIRST_BYTES];
    set_up();
    call(EVE, BOB, first);
    await(BOB);
    expect_refused(&called, first, LINK_FIRST_BYTES, LINK_STRANGER);
}

/* A stranger that shows a member's public key as its own, without the secret one. */
TEST(link, stranger_with_a_member_s_public_key_is_refused)
{
    uint8_t first[LINK_FIRST_BYTES];
    set_up();
    identities[EVE].node = ANN;
    memcpy(identities[EVE].pair.public_key, identities[ANN].pair.public_key, NOISE_KEY_BYTES);
    call(EVE, BOB, first);
    await(BOB);
    expect_refused(&called, first, LINK_FIRST_BYTES, LINK_STRANGER);
}

/* A member under its own key and another's id. */
TEST(link, member_with_another_s_id_is_refused)
{
    uint8_t first[LINK_FIRST_BYTES];
    set_up();
    identities[ANN].node = CAT;
    call(ANN, BOB, first);
    await(BOB);
    expect_refused(&called, first, LINK_FIRST_BYTES, LINK_BAD_HELLO);
}

/* Once the node set has forgotten it, a node is a stranger; when it is there again, it is not. */
TEST(link, expelled_node_is_a_stranger)
{
    uint8_t first[LINK_FIRST_BYTES];
    struct record record;
    set_up();
    struct node_set without = set;
    const struct node_changed_event gone = {.node = ANN, .role = NODE_GONE};
    assert_true(node_set_apply(&without, &gone));
    link_members_set(&rooms[BOB], &without, BOB);
    assert_null(link_members_find(&rooms[BOB], ANN));
    assert_null(link_members_find(&rooms[BOB], BOB));
    assert_non_null(link_members_find(&rooms[BOB], CAT));
    call(ANN, BOB, first);
    await(BOB);
    expect_refused(&called, first, LINK_FIRST_BYTES, LINK_STRANGER);

    link_members_set(&rooms[BOB], &set, BOB);
    shake(ANN, BOB, &record);
}

/* A member whose public key is no point of the curve can neither call nor be called. */
TEST(link, member_without_a_key_is_nobody)
{
    set_up();
    memset(set.members[0].public_key, 0, PUBLIC_KEY_BYTES);
    link_members_set(&rooms[BOB], &set, BOB);
    assert_int_equal(rooms[BOB].count, 1);
    assert_null(link_members_find(&rooms[BOB], ANN));
}

/* The called node must be the one whose key the caller knows. */
TEST(link, impostor_cannot_answer)
{
    uint8_t first[LINK_FIRST_BYTES];
    struct record record;
    struct link_taken taken;
    set_up();
    /* Eve sits at Bob's address and knows all about him but his secret key. */
    call(ANN, BOB, first);
    identities[EVE].node = BOB;
    memcpy(identities[EVE].public_key, identities[BOB].public_key, PUBLIC_KEY_BYTES);
    await(EVE);
    expect_refused(&called, first, LINK_FIRST_BYTES, LINK_STRANGER);

    /* An answer to another call. */
    shake(ANN, BOB, &record);
    call(ANN, BOB, first);
    expect_refused(&caller, record.second, LINK_SECOND_BYTES, LINK_BAD_ANSWER);

    /* A first message in place of an answer: reflection. */
    call(ANN, BOB, first);
    expect_refused(&caller, first, LINK_FIRST_BYTES, LINK_BAD_ANSWER);
    assert_int_equal(take(&caller, first, 1, &taken), LINK_REFUSED);
}

/* ---- Changed bytes ---- */

TEST(link, every_flipped_bit_of_the_first_message_is_refused)
{
    uint8_t first[LINK_FIRST_BYTES];
    set_up();
    call(ANN, BOB, first);
    for (size_t bit = 0; bit < 8 * LINK_FIRST_BYTES; bit++) {
        first[bit / 8] ^= (uint8_t)(1 << bit % 8);
        await(BOB);
        expect_refused(&called, first, LINK_FIRST_BYTES, LINK_NO_MARK);
        first[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

#define MARKED_BYTES (LINK_FIRST_BYTES - LINK_MARK_BYTES)

static void prologue_of(uint32_t node, uint8_t prologue[11 + 4 + 32 + 4 + 32])
{
    uint8_t *at = le_put_bytes(prologue, "Quorex link", 11);
    at = le_put_u32(at, LINK_VERSION);
    at = le_put_bytes(at, identities[node].chain_id.bytes, HASH_BYTES);
    at = le_put_u32(at, node);
    le_put_bytes(at, identities[node].public_key, PUBLIC_KEY_BYTES);
}

/* The right mark behind any first message to `node`: everybody who knows the chain can make it. */
static void mark(uint8_t first[LINK_FIRST_BYTES], uint32_t node)
{
    uint8_t prologue[11 + 4 + 32 + 4 + 32];
    prologue_of(node, prologue);
    const hash_t key = hash_derive(identities[node].chain_id.bytes, "quorex link mark", prologue,
                                   sizeof(prologue));
    crypto_generichash(first + MARKED_BYTES, LINK_MARK_BYTES, first, MARKED_BYTES, key.bytes,
                       HASH_BYTES);
}

/* The mark is no proof: with a right mark behind wrong bytes, the tags below it still refuse. */
TEST(link, every_flipped_bit_below_a_right_mark_is_refused)
{
    uint8_t first[LINK_FIRST_BYTES];
    struct link_taken taken;
    set_up();
    call(ANN, BOB, first);
    for (size_t bit = 0; bit < 8 * MARKED_BYTES; bit++) {
        first[bit / 8] ^= (uint8_t)(1 << bit % 8);
        mark(first, BOB);
        await(BOB);
        expect_refused(&called, first, LINK_FIRST_BYTES, LINK_STRANGER);
        first[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    mark(first, BOB);
    await(BOB);
    assert_int_equal(take(&called, first, LINK_FIRST_BYTES, &taken), LINK_MORE);
}

/* A member that says in a handshake what it may not: another node, no cipher, one that is unknown, bytes
 * where zeros belong; and, as an answer, two ciphers or one that was not offered. */
TEST(link, handshake_says_only_what_it_may)
{
    static const uint8_t first_hellos[][LINK_HELLO_BYTES] = {
        {CAT, 0, 0, 0, 2}, {ANN, 0, 0, 0, 0}, {ANN, 0, 0, 0, 6}, {ANN, 0, 0, 0, 2, 0, 0, 1}};
    static const uint8_t second_hellos[][LINK_HELLO_BYTES] = {
        {CAT, 0, 0, 0, 2}, {BOB, 0, 0, 0, 0}, {BOB, 0, 0, 0, 3},
        {BOB, 0, 0, 0, 4}, {BOB, 0, 0, 0, 1}, {BOB, 0, 0, 0, 2, 1}};
    uint8_t first[LINK_FIRST_BYTES], second[LINK_SECOND_BYTES], prologue[11 + 4 + 32 + 4 + 32];
    uint8_t hello[LINK_HELLO_BYTES];
    set_up();
    identities[ANN].ciphers = LINK_CHACHA20POLY1305;
    prologue_of(BOB, prologue);
    for (size_t i = 0; i < 4; i++) {
        struct noise noise;
        noise_begin_caller(&noise, &identities[ANN].pair, identities[BOB].pair.public_key, fresh(),
                           prologue, sizeof(prologue));
        assert_true(noise_write_first(&noise, first_hellos[i], LINK_HELLO_BYTES, first));
        mark(first, BOB);
        await(BOB);
        expect_refused(&called, first, LINK_FIRST_BYTES, LINK_BAD_HELLO);
    }
    for (size_t i = 0; i < 6; i++) {
        call(ANN, BOB, first);
        await(BOB);
        assert_true(noise_read_caller(&called.noise, first));
        assert_true(noise_read_first(&called.noise, first, hello, LINK_HELLO_BYTES));
        assert_true(noise_write_second(&called.noise, second_hellos[i], LINK_HELLO_BYTES, second));
        expect_refused(&caller, second, LINK_SECOND_BYTES, LINK_BAD_HELLO);
    }
}

TEST(link, every_flipped_bit_of_the_second_message_is_refused)
{
    struct record record;
    set_up();
    for (size_t bit = 0; bit < 8 * LINK_SECOND_BYTES; bit++) {
        struct link_taken taken;
        call(ANN, BOB, record.first);
        await(BOB);
        assert_int_equal(take(&called, record.first, LINK_FIRST_BYTES, &taken), LINK_MORE);
        taken.answer[bit / 8] ^= (uint8_t)(1 << bit % 8);
        expect_refused(&caller, taken.answer, LINK_SECOND_BYTES, LINK_BAD_ANSWER);
    }
}

/* The called node is not up, and sends nothing, before the caller's first frame is whole. */
TEST(link, every_flipped_bit_of_the_caller_s_proof_is_refused)
{
    struct record record;
    set_up();
    for (size_t bit = 0; bit < 8 * LINK_HEAD_BYTES; bit++) {
        struct link_taken taken;
        call(ANN, BOB, record.first);
        await(BOB);
        assert_int_equal(take(&called, record.first, LINK_FIRST_BYTES, &taken), LINK_MORE);
        memcpy(record.second, taken.answer, LINK_SECOND_BYTES);
        assert_int_equal(take(&caller, record.second, LINK_SECOND_BYTES, &taken), LINK_UP);
        taken.answer[bit / 8] ^= (uint8_t)(1 << bit % 8);
        expect_refused(&called, taken.answer, LINK_HEAD_BYTES, LINK_BAD_FRAME);
    }
}

/* A message in place of the proof: the protocol has one beginning. */
TEST(link, first_frame_must_be_empty)
{
    struct record record;
    struct link_taken taken;
    uint8_t frame[64];
    set_up();
    call(ANN, BOB, record.first);
    await(BOB);
    assert_int_equal(take(&called, record.first, LINK_FIRST_BYTES, &taken), LINK_MORE);
    memcpy(record.second, taken.answer, LINK_SECOND_BYTES);
    assert_int_equal(take(&caller, record.second, LINK_SECOND_BYTES, &taken), LINK_UP);
    caller.sending.nonce = 0;
    const size_t count = seal_text(&caller, "early", frame);
    expect_refused(&called, frame, count, LINK_BAD_FRAME);
}

TEST(link, every_flipped_bit_of_a_frame_is_refused)
{
    uint8_t frame[64];
    struct record record;
    set_up();
    for (size_t pass = 0; pass < 2; pass++) {
        if (pass == 1) identities[BOB].ciphers = LINK_CHACHA20POLY1305;
        shake(ANN, BOB, &record);
        const struct link before = called;
        const size_t count = seal_text(&caller, "sell 3 @ 100", frame);
        for (size_t bit = 0; bit < 8 * count; bit++) {
            called = before;
            frame[bit / 8] ^= (uint8_t)(1 << bit % 8);
            expect_refused(&called, frame, count, LINK_BAD_FRAME);
            frame[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        called = before;
        expect_text(&called, frame, count, "sell 3 @ 100");
    }
}

/* A member may be wrong, too: no length is believed that a message may not have. */
TEST(link, length_above_the_limit_is_refused)
{
    static const uint32_t lengths[] = {PEERS_MESSAGE_MAX + 1, UINT32_MAX};
    struct record record;
    struct link_taken taken;
    uint8_t frame[LINK_HEAD_BYTES], nonce[12] = {0};
    set_up();
    for (size_t i = 0; i < 2; i++) {
        identities[BOB].ciphers = LINK_CHACHA20POLY1305;
        shake(ANN, BOB, &record);
        le_put_u64(nonce + 4, caller.sending.nonce);
        le_put_u32(frame, lengths[i]);
        crypto_aead_chacha20poly1305_ietf_encrypt(frame, NULL, frame, 4, NULL, 0, NULL, nonce,
                                                  caller.sending.key);
        expect_refused(&called, frame, sizeof(frame), LINK_BAD_LENGTH);
    }
    shake(ANN, BOB, &record);
    le_put_u32(frame, PEERS_MESSAGE_MAX);
    crypto_aead_chacha20poly1305_ietf_encrypt(frame, NULL, frame, 4, NULL, 0, NULL, nonce,
                                              caller.sending.key);
    assert_int_equal(take(&called, frame, sizeof(frame), &taken), LINK_MORE);
    assert_int_equal(link_wants(&called), PEERS_MESSAGE_MAX + LINK_TAG_BYTES);
}

/* ---- Order ---- */

TEST(link, repeated_left_out_or_reordered_frames_are_refused)
{
    uint8_t frames[3][64];
    size_t count[3];
    struct record record;
    set_up();
    shake(ANN, BOB, &record);
    const struct link before = called;
    for (size_t i = 0; i < 3; i++)
        count[i] = seal_text(&caller, "abc", frames[i]);

    expect_text(&called, frames[0], count[0], "abc");
    expect_refused(&called, frames[0], count[0], LINK_BAD_FRAME);
    called = before;
    expect_refused(&called, frames[1], count[1], LINK_BAD_FRAME);
    called = before;
    expect_text(&called, frames[0], count[0], "abc");
    expect_refused(&called, frames[2], count[2], LINK_BAD_FRAME);
    called = before;
    expect_refused(&called, record.proof, LINK_HEAD_BYTES, LINK_BAD_FRAME);
}

/* The body of one frame does not fit the head of another, though both are whole. */
TEST(link, head_and_body_belong_together)
{
    uint8_t one[64], other[64];
    struct record record;
    set_up();
    shake(ANN, BOB, &record);
    const size_t count = seal_text(&caller, "abc", one);
    assert_int_equal(seal_text(&caller, "xyz", other), count);
    memcpy(one + LINK_HEAD_BYTES, other + LINK_HEAD_BYTES, count - LINK_HEAD_BYTES);
    expect_refused(&called, one, count, LINK_BAD_FRAME);
}

/* What was cut off never comes out as a shorter message. */
TEST(link, truncated_frame_is_no_message)
{
    uint8_t frame[64];
    struct record record;
    struct link_taken taken;
    set_up();
    shake(ANN, BOB, &record);
    const struct link before = called;
    const size_t count = seal_text(&caller, "abcdefgh", frame);
    for (size_t kept = 0; kept < count; kept++) {
        called = before;
        assert_int_equal(take(&called, frame, kept, &taken), LINK_MORE);
        assert_null(taken.message);
    }
    /* The next frame behind a cut one. */
    called = before;
    memcpy(frame + count - 8, frame, 8);
    expect_refused(&called, frame, count, LINK_BAD_FRAME);
}

/* A frame sent back to its sender, and one of another session. */
TEST(link, reflected_and_foreign_frames_are_refused)
{
    uint8_t frame[64];
    struct record record;
    set_up();
    shake(ANN, BOB, &record);
    size_t count = seal_text(&called, "abc", frame);
    called.receiving.nonce = 0;
    expect_refused(&called, frame, count, LINK_BAD_FRAME);

    shake(ANN, BOB, &record);
    count = seal_text(&caller, "abc", frame);
    shake(ANN, BOB, &record);
    expect_refused(&called, frame, count, LINK_BAD_FRAME);
}

/* ---- Replay of a session ---- */

/* While the first message is remembered there is not even an answer to it. */
TEST(link, replayed_first_message_gets_no_answer)
{
    struct record record;
    uint8_t first[LINK_FIRST_BYTES];
    set_up();
    shake(ANN, BOB, &record);
    await(BOB);
    expect_refused(&called, record.first, LINK_FIRST_BYTES, LINK_REPLAY);

    /* Others' and later calls, one short of the bound, and the set made anew: still remembered. */
    for (int i = 0; i < LINK_RECENT - 1; i++) {
        struct link_taken taken;
        call(i % 2 == 0 ? ANN : CAT, BOB, first);
        await(BOB);
        assert_int_equal(take(&called, first, LINK_FIRST_BYTES, &taken), LINK_MORE);
    }
    link_members_set(&rooms[BOB], &set, BOB);
    await(BOB);
    expect_refused(&called, record.first, LINK_FIRST_BYTES, LINK_REPLAY);
}

/* Even a node that remembers nothing, as after a start, is not taken in: its answer is fresh, so that the
 * rest of the recording does not fit. */
TEST(link, replayed_session_never_opens)
{
    struct record record;
    struct link_taken taken;
    set_up();
    shake(ANN, BOB, &record);
    memset(&rooms[BOB], 0, sizeof(rooms[BOB]));
    link_members_set(&rooms[BOB], &set, BOB);
    await(BOB);
    assert_int_equal(take(&called, record.first, LINK_FIRST_BYTES, &taken), LINK_MORE);
    assert_memory_not_equal(taken.answer, record.second, LINK_SECOND_BYTES);
    assert_int_equal(called.state, LINK_ANSWERED);
    expect_refused(&called, record.proof, LINK_HEAD_BYTES, LINK_BAD_FRAME);
}

/* A caller is called back with its own words: it is not its own member. */
TEST(link, reflected_first_message_is_refused)
{
    uint8_t first[LINK_FIRST_BYTES];
    set_up();
    call(ANN, BOB, first);
    await(ANN);
    expect_refused(&called, first, LINK_FIRST_BYTES, LINK_NO_MARK);
}

/* The bytes of both messages for given keys, for ever: a change of them is another LINK_VERSION. */
TEST(link, bytes_of_the_handshake_are_those_of_version_1)
{
    struct record record;
    char hex[2 * HASH_BYTES + 1];
    set_up();
    random_byte = 0;
    identities[ANN].ciphers = identities[BOB].ciphers = LINK_CHACHA20POLY1305;
    shake(ANN, BOB, &record);
    const hash_t hash = hash_of(&record, sizeof(record));
    hash_hex(hash.bytes, HASH_BYTES, hex);
    assert_string_equal(hex, "3ec4fc9d0ccf6c5b6fc3d59aa928e04dfb3c01c16c760b69f328cb155fa1e489");
}

TEST(link, every_refusal_and_cipher_has_a_text)
{
    for (int i = LINK_FINE; i <= LINK_BAD_LENGTH; i++)
        assert_true(strlen(link_refusal_text((enum link_refusal)i)) > 3);
    assert_string_equal(link_cipher_text(LINK_AES256GCM), "aes-256-gcm");
    assert_string_equal(link_cipher_text(LINK_CHACHA20POLY1305), "chacha20-poly1305");
}
