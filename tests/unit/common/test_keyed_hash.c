#include "common/keyed_hash.h"

#include "tests/harness.h"

#include <string.h>

/* To the last bit what libsodium's makes of the same secret and text, for every length there is room for. */
TEST(keyed_hash, is_hash_derive_of_any_text)
{
    uint8_t secret[HASH_BYTES], bytes[KEYED_HASH_TEXT_MAX];
    uint64_t seed = 0xb1a4e;
    assert_true(hash_start());
    print_message("seed 0x%llx\n", (unsigned long long)seed);
    for (int round = 0; round < 50; round++) {
        struct keyed_hash keyed;
        for (size_t i = 0; i < sizeof(secret); i++)
            secret[i] =
                (uint8_t)((seed = seed * 6364136223846793005u + 1442695040888963407u) >> 56);
        for (size_t i = 0; i < sizeof(bytes); i++)
            bytes[i] = (uint8_t)((seed = seed * 6364136223846793005u + 1442695040888963407u) >> 56);
        keyed_hash_begin(&keyed, secret);
        static const char *const domains[] = {"", "quorex/salt/1", "a"};
        for (size_t d = 0; d < 3; d++)
            for (size_t count = 0; count + strlen(domains[d]) + 1 <= KEYED_HASH_TEXT_MAX; count++) {
                const hash_t ours = keyed_hash_of(&keyed, domains[d], bytes, count);
                const hash_t theirs = hash_derive(secret, domains[d], bytes, count);
                assert_memory_equal(&ours, &theirs, HASH_BYTES);
            }
    }
}

/* Another secret, another domain, another byte: another hash. */
TEST(keyed_hash, everything_counts)
{
    struct keyed_hash keyed, other;
    uint8_t secret[HASH_BYTES] = {1}, bytes[12] = {2};
    assert_true(hash_start());
    keyed_hash_begin(&keyed, secret);
    secret[31] ^= 0x80;
    keyed_hash_begin(&other, secret);
    const hash_t one = keyed_hash_of(&keyed, "d", bytes, sizeof(bytes));
    assert_false(hash_equal(one, keyed_hash_of(&other, "d", bytes, sizeof(bytes))));
    assert_false(hash_equal(one, keyed_hash_of(&keyed, "e", bytes, sizeof(bytes))));
    assert_false(hash_equal(one, keyed_hash_of(&keyed, "d", bytes, sizeof(bytes) - 1)));
    bytes[11] ^= 1;
    assert_false(hash_equal(one, keyed_hash_of(&keyed, "d", bytes, sizeof(bytes))));
}
