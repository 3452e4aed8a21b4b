#include "common/keyed_hash.h"

#include "common/le.h"

#include <string.h>

#define BLOCK_BYTES 128
#define ROUNDS      12

static const uint64_t initial[8] = {0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b,
                                    0xa54ff53a5f1d36f1, 0x510e527fade682d1, 0x9b05688c2b3e6c1f,
                                    0x1f83d9abfb41bd6b, 0x5be0cd19137e2179};

/* Which word of the block goes where, by round; the last two are the first two again. */
static const uint8_t order[10][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
    {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
    {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
    {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
    {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
};

static inline uint64_t turn(uint64_t word, int bits)
{
    return word >> bits | word << (64 - bits);
}

static inline void mix(uint64_t v[16], int a, int b, int c, int d, uint64_t x, uint64_t y)
{
    v[a] += v[b] + x;
    v[d] = turn(v[d] ^ v[a], 32);
    v[c] += v[d];
    v[b] = turn(v[b] ^ v[c], 24);
    v[a] += v[b] + y;
    v[d] = turn(v[d] ^ v[a], 16);
    v[c] += v[d];
    v[b] = turn(v[b] ^ v[c], 63);
}

/* Takes a block into `words`; `counted`: bytes up to its end. */
static void take(uint64_t words[8], const uint8_t block[BLOCK_BYTES], uint64_t counted,
                 bool is_last)
{
    uint64_t v[16], m[16];
    for (int i = 0; i < 16; i++)
        m[i] = le_get_u64(block + 8 * i);
    memcpy(v, words, 8 * sizeof(v[0]));
    memcpy(v + 8, initial, sizeof(initial));
    v[12] ^= counted;
    if (is_last) v[14] = ~v[14];
    for (int round = 0; round < ROUNDS; round++) {
        const uint8_t *at = order[round % 10];
        mix(v, 0, 4, 8, 12, m[at[0]], m[at[1]]);
        mix(v, 1, 5, 9, 13, m[at[2]], m[at[3]]);
        mix(v, 2, 6, 10, 14, m[at[4]], m[at[5]]);
        mix(v, 3, 7, 11, 15, m[at[6]], m[at[7]]);
        mix(v, 0, 5, 10, 15, m[at[8]], m[at[9]]);
        mix(v, 1, 6, 11, 12, m[at[10]], m[at[11]]);
        mix(v, 2, 7, 8, 13, m[at[12]], m[at[13]]);
        mix(v, 3, 4, 9, 14, m[at[14]], m[at[15]]);
    }
    for (int i = 0; i < 8; i++)
        words[i] ^= v[i] ^ v[i + 8];
}

void keyed_hash_begin(struct keyed_hash *keyed, const uint8_t secret[HASH_BYTES])
{
    uint8_t block[BLOCK_BYTES] = {0};
    memcpy(keyed->words, initial, sizeof(initial));
    /* A tree of one leaf, a key of 32 bytes, a hash of 32 bytes. */
    keyed->words[0] ^= 0x01010000u | HASH_BYTES << 8 | HASH_BYTES;
    memcpy(block, secret, HASH_BYTES);
    take(keyed->words, block, BLOCK_BYTES, false);
    sodium_memzero(block, sizeof(block));
}

hash_t keyed_hash_of(const struct keyed_hash *keyed, const char *domain, const void *bytes,
                     size_t byte_count)
{
    const size_t domain_bytes = strlen(domain) + 1;
    ASSERT(byte_count <= KEYED_HASH_TEXT_MAX && domain_bytes + byte_count <= KEYED_HASH_TEXT_MAX);
    uint8_t block[BLOCK_BYTES] = {0};
    uint64_t words[8];
    hash_t hash;
    memcpy(block, domain, domain_bytes);
    memcpy(block + domain_bytes, bytes, byte_count);
    memcpy(words, keyed->words, sizeof(words));
    take(words, block, BLOCK_BYTES + domain_bytes + byte_count, true);
    for (int i = 0; i < 4; i++)
        le_put_u64(hash.bytes + 8 * i, words[i]);
    return hash;
}
