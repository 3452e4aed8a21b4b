#include "tests/harness.h"

#include "ledger/noise.h"

#include "common/le.h"

/* The published vector for this protocol name (github.com/haskell-cryptography/cacophony). */
static const char prologue_hex[] = "4a6f686e2047616c74";
static const char caller_static[] =
    "e61ef9919cde45dd5f82166404bd08e38bceb5dfdfded0a34c8df7ed542214d1";
static const char caller_ephemeral[] =
    "893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a";
static const char called_public[] =
    "31e0303fd6418d2f8c0e78b91f22e8caed0fbe48656dcf4767e4834f701b8f62";
static const char called_static[] =
    "4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893";
static const char called_ephemeral[] =
    "bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b";
static const char handshake_hash[] =
    "0b0f68fb0c27e03ce9b97565995ed4838cc0581b762ef72b062f6a546419fad7";
static const char first_payload[] = "4c756477696720766f6e204d69736573";
static const char first_message[] =
    "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c7944718da798efbcd9152852020"
    "4f904b9bd6c7413dccdc214d951e15253e39987f18146e8cd0873654207148333479d4d16c289f0294b29960a"
    "72f48e0b7bba2e89083169825e59642148d492020664ccf7";
static const char second_payload[] = "4d757272617920526f746862617264";
static const char second_message[] =
    "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f1448088435361e70b2ed446e6c9ec387"
    "d1d6b3b840f194e373979d241b203c4acafccf5";
static const char *const transport[][2] = {
    {"462e20412e20486179656b", "050e9f3c8fac16b68dbce8f8c4bfbf6617c897f9ada4aa29aa19c8"},
    {"4361726c204d656e676572", "344233a6cabb7141d80f3da2fedc311d9646bbb0f505afe403a667"},
    {"4a65616e2d426170746973746520536179",
     "62cdeeb172ad7ade7aa7d9e069da5790f12331bfa00177787a1d0810c67dc3b2b4"},
    {"457567656e2042f6686d20766f6e2042617765726b",
     "029bead1b40992327044d409d9a1f3ad8f36c3c452775d557e18bbeb2e8dfcead32d514024"},
};

static size_t bytes_of(const char *hex, uint8_t *bytes)
{
    const size_t byte_count = strlen(hex) / 2;
    assert_true(hash_from_hex(hex, strlen(hex), bytes, byte_count));
    return byte_count;
}

struct meeting {
    struct noise caller, called;
    struct noise_pair caller_pair, called_pair;
};

/* Both sides before the first message. */
static void begin(struct meeting *meeting)
{
    uint8_t key[NOISE_KEY_BYTES], prologue[64];
    assert_true(hash_start());
    const size_t prologue_bytes = bytes_of(prologue_hex, prologue);
    bytes_of(caller_static, key);
    noise_pair_of(key, &meeting->caller_pair);
    bytes_of(called_static, key);
    noise_pair_of(key, &meeting->called_pair);
    bytes_of(caller_ephemeral, key);
    noise_begin_caller(&meeting->caller, &meeting->caller_pair, meeting->called_pair.public_key,
                       key, prologue, prologue_bytes);
    bytes_of(called_ephemeral, key);
    noise_begin_called(&meeting->called, &meeting->called_pair, key, prologue, prologue_bytes);
}

/* Every byte of the handshake is the published one: we do what the pattern's proofs are about. */
TEST(noise, agrees_with_the_published_vector)
{
    struct meeting meeting;
    uint8_t payload[64], read[64], wanted[256], message[256];
    begin(&meeting);
    bytes_of(called_public, wanted);
    assert_memory_equal(meeting.called_pair.public_key, wanted, NOISE_KEY_BYTES);

    size_t count = bytes_of(first_payload, payload);
    assert_int_equal(bytes_of(first_message, wanted), NOISE_FIRST_BYTES + count);
    assert_true(noise_write_first(&meeting.caller, payload, count, message));
    assert_memory_equal(message, wanted, NOISE_FIRST_BYTES + count);
    assert_true(noise_read_caller(&meeting.called, message));
    assert_memory_equal(meeting.called.remote, meeting.caller_pair.public_key, NOISE_KEY_BYTES);
    assert_true(noise_read_first(&meeting.called, message, read, count));
    assert_memory_equal(read, payload, count);

    count = bytes_of(second_payload, payload);
    assert_int_equal(bytes_of(second_message, wanted), NOISE_SECOND_BYTES + count);
    assert_true(noise_write_second(&meeting.called, payload, count, message));
    assert_memory_equal(message, wanted, NOISE_SECOND_BYTES + count);
    assert_true(noise_read_second(&meeting.caller, message, read, count));
    assert_memory_equal(read, payload, count);

    bytes_of(handshake_hash, wanted);
    assert_memory_equal(meeting.caller.transcript.bytes, wanted, HASH_BYTES);
    assert_memory_equal(meeting.called.transcript.bytes, wanted, HASH_BYTES);
}

/* Split gives both sides the same two keys, and they are the vector's: its transport messages open. */
TEST(noise, splits_into_the_published_keys)
{
    struct meeting meeting;
    uint8_t payload[64], message[256], keys[2][NOISE_KEY_BYTES], same[2][NOISE_KEY_BYTES];
    begin(&meeting);
    size_t count = bytes_of(first_payload, payload);
    assert_true(noise_write_first(&meeting.caller, payload, count, message));
    assert_true(noise_read_caller(&meeting.called, message));
    assert_true(noise_read_first(&meeting.called, message, payload, count));
    count = bytes_of(second_payload, payload);
    assert_true(noise_write_second(&meeting.called, payload, count, message));
    assert_true(noise_read_second(&meeting.caller, message, payload, count));

    noise_split(&meeting.caller, NULL, 0, keys[0], keys[1]);
    noise_split(&meeting.called, NULL, 0, same[0], same[1]);
    assert_memory_equal(keys, same, sizeof(keys));
    for (size_t i = 0; i < 4; i++) {
        uint8_t nonce[12] = {0}, wanted[64];
        le_put_u64(nonce + 4, i / 2);
        count = bytes_of(transport[i][0], payload);
        bytes_of(transport[i][1], wanted);
        crypto_aead_chacha20poly1305_ietf_encrypt(message, NULL, payload, count, NULL, 0, NULL,
                                                  nonce, keys[i % 2]);
        assert_memory_equal(message, wanted, count + NOISE_TAG_BYTES);
    }
    noise_split(&meeting.caller, "x", 1, same[0], same[1]);
    assert_memory_not_equal(keys[0], same[0], NOISE_KEY_BYTES);
    assert_memory_not_equal(keys[1], same[1], NOISE_KEY_BYTES);
}

/* A key of small order would make every product zero, which a stranger knows as well. */
TEST(noise, refuses_keys_of_small_order)
{
    struct meeting meeting;
    uint8_t message[256], payload[8] = {0};
    const uint8_t zero[NOISE_KEY_BYTES] = {0};
    uint8_t one[NOISE_KEY_BYTES] = {1};
    begin(&meeting);
    noise_begin_caller(&meeting.caller, &meeting.caller_pair, zero, meeting.caller_pair.secret, "",
                       0);
    assert_false(noise_write_first(&meeting.caller, payload, sizeof(payload), message));

    begin(&meeting);
    memset(message, 0, sizeof(message));
    assert_false(noise_read_caller(&meeting.called, message));
    begin(&meeting);
    memcpy(message, one, sizeof(one));
    assert_false(noise_read_caller(&meeting.called, message));
    begin(&meeting);
    assert_false(noise_read_second(&meeting.caller, message, payload, sizeof(payload)));
}

/* One who is called under another key, or with another prologue, is not the one who was meant. */
TEST(noise, another_key_or_prologue_reads_nothing)
{
    struct meeting meeting;
    uint8_t message[256], payload[16] = {0};
    begin(&meeting);
    assert_true(noise_write_first(&meeting.caller, payload, sizeof(payload), message));
    noise_begin_called(&meeting.called, &meeting.caller_pair, meeting.called_pair.secret,
                       "John Galt", 9);
    assert_false(noise_read_caller(&meeting.called, message));
    noise_begin_called(&meeting.called, &meeting.called_pair, meeting.called_pair.secret,
                       "John Gal", 8);
    assert_false(noise_read_caller(&meeting.called, message));
    noise_begin_called(&meeting.called, &meeting.called_pair, meeting.called_pair.secret,
                       "John Galt", 9);
    assert_true(noise_read_caller(&meeting.called, message));
}

TEST(noise, wipe_leaves_nothing)
{
    struct meeting meeting;
    const struct noise zero = {0};
    begin(&meeting);
    noise_wipe(&meeting.caller);
    assert_memory_equal(&meeting.caller, &zero, sizeof(zero));
}
