#include "common/hash_block.h"

#include "common/hash.h"
#include "tests/harness.h"

/* Libsodium's own function is the measure: every length up to some blocks, at odd addresses, cut into two at every
 * place. */
TEST(hash_block, gives_what_libsodium_gives)
{
    assert_true(hash_start());
    uint8_t bytes[400], expected[HASH_BYTES];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 37 + 11);
    for (size_t length = 0; length <= 300; length++) {
        crypto_hash_sha256(expected, bytes + 1, length);
        assert_memory_equal(hash_of(bytes + 1, length).bytes, expected, HASH_BYTES);
        for (size_t cut = 0; cut <= length; cut++) {
            struct hash_stream stream;
            hash_stream_begin(&stream);
            hash_stream_add(&stream, bytes + 1, cut);
            hash_stream_add(&stream, bytes + 1 + cut, length - cut);
            assert_memory_equal(hash_stream_end(&stream).bytes, expected, HASH_BYTES);
        }
    }
}

TEST(hash_block, takes_many_blocks_and_many_pieces)
{
    assert_true(hash_start());
    static uint8_t bytes[1 << 20];
    uint8_t expected[HASH_BYTES];
    uint64_t seed = 5;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        bytes[i] = (uint8_t)(seed >> 56);
    }
    crypto_hash_sha256(expected, bytes, sizeof(bytes));
    assert_memory_equal(hash_of(bytes, sizeof(bytes)).bytes, expected, HASH_BYTES);
    for (int round = 0; round < 50; round++) {
        struct hash_stream stream;
        hash_stream_begin(&stream);
        for (size_t at = 0; at < sizeof(bytes);) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            size_t now = (size_t)(seed >> 33) % (round < 25 ? 200 : 50000);
            if (now > sizeof(bytes) - at) now = sizeof(bytes) - at;
            hash_stream_add(&stream, bytes + at, now);
            at += now;
        }
        assert_memory_equal(hash_stream_end(&stream).bytes, expected, HASH_BYTES);
    }
}

/* The block function itself, so that a machine without the instructions is seen to test nothing here. */
TEST(hash_block, follows_the_standard_s_first_example)
{
    if (!hash_block_supported()) {
        print_message("this processor has no instructions for SHA-256\n");
        skip();
    }
    uint32_t words[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    const uint32_t expected[8] = {0xba7816bf, 0x8f01cfea, 0x414140de, 0x5dae2223,
                                  0xb00361a3, 0x96177a9c, 0xb410ff61, 0xf20015ad};
    uint8_t block[HASH_BLOCK_BYTES] = {'a', 'b', 'c', 0x80};
    block[63] = 24;
    hash_block_add(words, block, 1);
    assert_memory_equal(words, expected, sizeof(words));
    hash_block_add(words, block, 0);
    assert_memory_equal(words, expected, sizeof(words));
}

/* Two texts side by side, of every length up to some blocks: what each is alone, and neither is the other's. */
TEST(hash_block, gives_for_two_what_it_gives_for_each)
{
    assert_true(hash_start());
    uint8_t left[320], right[320], expected[HASH_BYTES];
    for (size_t i = 0; i < sizeof(left); i++) {
        left[i] = (uint8_t)(i * 37 + 11);
        right[i] = (uint8_t)(i * 91 + 5);
    }
    const uint8_t *const texts[2] = {left + 1, right + 3};
    for (size_t length = 0; length <= 300; length++) {
        hash_t hashes[2];
        hash_of_two(texts, length, hashes);
        crypto_hash_sha256(expected, texts[0], length);
        assert_memory_equal(hashes[0].bytes, expected, HASH_BYTES);
        crypto_hash_sha256(expected, texts[1], length);
        assert_memory_equal(hashes[1].bytes, expected, HASH_BYTES);
    }
}

/* Two texts of different lengths, every pair of lengths up to some blocks: the longer one's rest is its own. */
TEST(hash_block, gives_for_an_unequal_pair_what_it_gives_for_each)
{
    assert_true(hash_start());
    uint8_t bytes[2][200], expected[HASH_BYTES];
    for (size_t i = 0; i < sizeof(bytes[0]); i++) {
        bytes[0][i] = (uint8_t)(i * 37 + 11);
        bytes[1][i] = (uint8_t)(i * 91 + 5);
    }
    for (size_t lengths = 0; lengths < 200 * 200; lengths++) {
        const size_t byte_counts[2] = {lengths % 200, lengths / 200};
        uint8_t left[200 + HASH_PAD_BYTES], right[200 + HASH_PAD_BYTES];
        memcpy(left, bytes[0], sizeof(bytes[0]));
        memcpy(right, bytes[1], sizeof(bytes[1]));
        hash_t hashes[2];
        hash_of_pair((uint8_t *const[2]){left, right}, byte_counts, hashes);
        for (int i = 0; i < 2; i++) {
            crypto_hash_sha256(expected, bytes[i], byte_counts[i]);
            assert_memory_equal(hashes[i].bytes, expected, HASH_BYTES);
        }
    }
}

/* Bytes into two streams that stand at different places of a block, whatever waits in either, and however many more
 * one of them is given. */
TEST(hash_block, gives_two_streams_what_it_gives_each)
{
    assert_true(hash_start());
    uint8_t bytes[400];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 53 + 7);
    for (size_t places = 0; places < 64 * 64; places++) {
        const size_t before[2] = {places % 64, places / 64};
        const size_t lengths[2] = {places * 7 % 301, places * 11 % 293};
        struct hash_stream streams[2], expected[2];
        for (int i = 0; i < 2; i++) {
            hash_stream_begin(&streams[i]);
            hash_stream_add(&streams[i], bytes + 50 + i, before[i]);
            expected[i] = streams[i];
            hash_stream_add(&expected[i], bytes + 1 + i, lengths[i]);
            hash_stream_add(&expected[i], bytes, 9);
        }
        hash_streams_add((struct hash_stream *const[2]){&streams[0], &streams[1]},
                         (const uint8_t *const[2]){bytes + 1, bytes + 2}, lengths);
        for (int i = 0; i < 2; i++) {
            hash_stream_add(&streams[i], bytes, 9);
            assert_true(hash_equal(hash_stream_end(&streams[i]), hash_stream_end(&expected[i])));
        }
    }
}
