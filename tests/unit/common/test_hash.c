#include "common/hash.h"

#include "tests/harness.h"

static const char *hex(hash_t hash)
{
    static char text[2 * HASH_BYTES + 1];
    hash_hex(hash.bytes, HASH_BYTES, text);
    return text;
}

/* FIPS 180-2, appendix B.1, and the empty message. */
TEST(hash, sha256_is_sha256)
{
    assert_string_equal(hex(hash_of("abc", 3)),
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_string_equal(hex(hash_of("", 0)),
                        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(hash, a_tag_goes_in_front)
{
    assert_true(hash_equal(hash_tagged("ab", "c", 1), hash_of("abc", 3)));
    assert_false(hash_equal(hash_tagged("x", "c", 1), hash_of("c", 1)));
}

TEST(hash, a_stream_is_the_hash_of_its_parts_joined)
{
    struct hash_stream stream;
    hash_stream_begin(&stream);
    hash_stream_add(&stream, "a", 1);
    hash_stream_add(&stream, "", 0);
    hash_stream_add(&stream, "bc", 2);
    assert_true(hash_equal(hash_stream_end(&stream), hash_of("abc", 3)));
}

/* HMAC secrets on disk-less nodes and salts in the state tree come from here: it must not drift.
 * Value of BLAKE2b-256, keyed, over "domain\0bytes", from another implementation. */
TEST(hash, derived_secrets_are_golden)
{
    uint8_t secret[HASH_BYTES];
    for (size_t i = 0; i < sizeof(secret); i++)
        secret[i] = (uint8_t)i;
    assert_string_equal(hex(hash_derive(secret, "quorex/hmac/1", "key", 3)),
                        "093541f691b8de2eed4615bef53c4083b212afd7f4ac7c0de95bca0f73e1e94e");
    assert_false(hash_equal(hash_derive(secret, "quorex/hmac/1", "key", 3),
                            hash_derive(secret, "quorex/hmac/2", "key", 3)));
    const hash_t before = hash_derive(secret, "d", "key", 3);
    secret[31] ^= 1;
    assert_false(hash_equal(before, hash_derive(secret, "d", "key", 3)));
}

/* The terminator after the domain keeps "ab" + "c" apart from "a" + "bc". */
TEST(hash, domain_and_bytes_do_not_run_together)
{
    const uint8_t secret[HASH_BYTES] = {0};
    assert_false(hash_equal(hash_derive(secret, "ab", "c", 1), hash_derive(secret, "a", "bc", 2)));
}

/* RFC 8032, section 7.1, test 2. */
TEST(hash, ed25519_is_ed25519)
{
    uint8_t seed[32], public_key[32], expected[32], secret_key[64], signature[64], golden[64];
    assert_true(hash_from_hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
                              64, seed, 32));
    assert_true(hash_from_hex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
                              64, expected, 32));
    assert_true(hash_from_hex("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                              "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
                              128, golden, 64));
    assert_true(hash_start());
    assert_int_equal(crypto_sign_seed_keypair(public_key, secret_key, seed), 0);
    assert_memory_equal(public_key, expected, 32);
    hash_sign(secret_key, "\x72", 1, signature);
    assert_memory_equal(signature, golden, 64);
    assert_true(hash_verify(public_key, "\x72", 1, signature));
    assert_false(hash_verify(public_key, "\x73", 1, signature));
    signature[0] ^= 1;
    assert_false(hash_verify(public_key, "\x72", 1, signature));
}

/* A key of small order verifies many signatures; it is no key. */
TEST(hash, a_public_key_of_zeros_verifies_nothing)
{
    const uint8_t public_key[32] = {0}, signature[64] = {0};
    assert_false(hash_verify(public_key, "x", 1, signature));
}

TEST(hash, hex_is_read_in_either_case_and_written_in_lower)
{
    uint8_t bytes[3];
    char text[7];
    assert_true(hash_from_hex("00aFfA", 6, bytes, 3));
    hash_hex(bytes, 3, text);
    assert_string_equal(text, "00affa");
    assert_false(hash_from_hex("00aFf", 5, bytes, 3));
    assert_false(hash_from_hex("00aFfA0", 7, bytes, 3));
    assert_false(hash_from_hex("00aFfg", 6, bytes, 3));
    assert_false(hash_from_hex("-0aFfA", 6, bytes, 3));
    assert_true(hash_from_hex("", 0, bytes, 0));
}
