#include "common/hash_block.h"

#include "common/assert.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>
#include <stdalign.h>

bool hash_block_supported(void)
{
    unsigned a, b, c, d;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (b & bit_SHA) == 0) return false;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_SSE4_1) != 0 && (c & bit_SSSE3) != 0;
}

/* The fractional parts of the cube roots of the first 64 primes (FIPS 180-4). */
alignas(16) static const uint32_t constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

/* The next four words of the message schedule from the last sixteen. */
__attribute__((target("sha,sse4.1,ssse3"))) static inline __m128i next_words(const __m128i words[4],
                                                                             int at)
{
    const __m128i a = words[at & 3], b = words[(at + 1) & 3], c = words[(at + 2) & 3],
                  d = words[(at + 3) & 3];
    const __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(a, b), _mm_alignr_epi8(d, c, 4));
    return _mm_sha256msg2_epu32(sum, d);
}

/* The eight words as the instructions want them, highest first. */
struct halves {
    __m128i abef, cdgh;
};

__attribute__((target("sha,sse4.1,ssse3"))) static inline struct halves halves_load(
    const uint32_t state[8])
{
    const __m128i dcba = _mm_loadu_si128((const __m128i *)state);
    const __m128i hgfe = _mm_loadu_si128((const __m128i *)(state + 4));
    const __m128i cdab = _mm_shuffle_epi32(dcba, 0xb1), efgh = _mm_shuffle_epi32(hgfe, 0x1b);
    return (struct halves){_mm_alignr_epi8(cdab, efgh, 8), _mm_blend_epi16(efgh, cdab, 0xf0)};
}

__attribute__((target("sha,sse4.1,ssse3"))) static inline void halves_store(uint32_t state[8],
                                                                            struct halves halves)
{
    const __m128i feba = _mm_shuffle_epi32(halves.abef, 0x1b);
    const __m128i dchg = _mm_shuffle_epi32(halves.cdgh, 0xb1);
    _mm_storeu_si128((__m128i *)state, _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

/* Four rounds: those from 4 x `at` on. */
__attribute__((target("sha,sse4.1,ssse3"))) static inline void rounds(struct halves *halves,
                                                                      __m128i words[4],
                                                                      const uint8_t *block, int at)
{
    const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    if (at < 4) {
        const __m128i bytes = _mm_loadu_si128((const __m128i *)block + at);
        words[at] = _mm_shuffle_epi8(bytes, big_endian);
    } else {
        words[at & 3] = next_words(words, at);
    }
    const __m128i key = _mm_load_si128((const __m128i *)constants + at);
    const __m128i sum = _mm_add_epi32(words[at & 3], key);
    halves->cdgh = _mm_sha256rnds2_epu32(halves->cdgh, halves->abef, sum);
    halves->abef = _mm_sha256rnds2_epu32(halves->abef, halves->cdgh, _mm_shuffle_epi32(sum, 0x0e));
}

__attribute__((target("sha,sse4.1,ssse3"))) static inline void halves_add(
    struct halves *halves, const struct halves *before)
{
    halves->abef = _mm_add_epi32(halves->abef, before->abef);
    halves->cdgh = _mm_add_epi32(halves->cdgh, before->cdgh);
}

/* What their bodies may use; the declarations in the header are for everybody. */
__attribute__((target("sha,sse4.1,ssse3"))) void hash_block_add(uint32_t state[8],
                                                                const uint8_t *blocks,
                                                                size_t block_count);
__attribute__((target("sha,sse4.1,ssse3"))) void hash_block_add_two(uint32_t *const states[2],
                                                                    const uint8_t *const blocks[2],
                                                                    size_t block_count);

void hash_block_add(uint32_t state[8], const uint8_t *blocks, size_t block_count)
{
    struct halves halves = halves_load(state);
    for (; block_count > 0; block_count--, blocks += HASH_BLOCK_BYTES) {
        const struct halves before = halves;
        __m128i words[4];
#pragma GCC unroll 16
        for (int at = 0; at < 16; at++)
            rounds(&halves, words, blocks, at);
        halves_add(&halves, &before);
    }
    halves_store(state, halves);
}

void hash_block_add_two(uint32_t *const states[2], const uint8_t *const blocks[2],
                        size_t block_count)
{
    struct halves left = halves_load(states[0]), right = halves_load(states[1]);
    for (size_t i = 0; i < block_count; i++) {
        const struct halves left_before = left, right_before = right;
        __m128i left_words[4], right_words[4];
#pragma GCC unroll 16
        for (int at = 0; at < 16; at++) {
            rounds(&left, left_words, blocks[0] + i * HASH_BLOCK_BYTES, at);
            rounds(&right, right_words, blocks[1] + i * HASH_BLOCK_BYTES, at);
        }
        halves_add(&left, &left_before);
        halves_add(&right, &right_before);
    }
    halves_store(states[0], left);
    halves_store(states[1], right);
}

#else

bool hash_block_supported(void)
{
    return false;
}

void hash_block_add(uint32_t state[8], const uint8_t *blocks, size_t block_count)
{
    (void)state;
    (void)blocks;
    ASSERT(block_count == 0);
}

void hash_block_add_two(uint32_t *const states[2], const uint8_t *const blocks[2],
                        size_t block_count)
{
    (void)states;
    (void)blocks;
    ASSERT(block_count == 0);
}

#endif
