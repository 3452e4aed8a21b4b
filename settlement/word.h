/* Words of 64 bits that one thread writes and others read meanwhile.
 *
 * A put is a release and a get an acquire: whoever gets what was put gets all that was put before it. On x86 both
 * are plain moves.
 */

#ifndef SETTLEMENT_WORD_H
#define SETTLEMENT_WORD_H

#include "common/assert.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define WORD_BYTES 8

/* Needs: `at` is aligned to WORD_BYTES. */
static inline void word_put(void *at, uint64_t value)
{
    __atomic_store_n((uint64_t *)at, value, __ATOMIC_RELEASE);
}

static inline uint64_t word_get(const void *at)
{
    return __atomic_load_n((const uint64_t *)at, __ATOMIC_ACQUIRE);
}

/* Whole words, each by itself, in order. */
static inline void words_put(void *at, const void *bytes, size_t byte_count)
{
    for (size_t i = 0; i < byte_count; i += WORD_BYTES) {
        uint64_t word;
        memcpy(&word, (const uint8_t *)bytes + i, WORD_BYTES);
        word_put((uint8_t *)at + i, word);
    }
}

static inline void words_get(const void *at, void *bytes, size_t byte_count)
{
    for (size_t i = 0; i < byte_count; i += WORD_BYTES) {
        const uint64_t word = word_get((const uint8_t *)at + i);
        memcpy((uint8_t *)bytes + i, &word, WORD_BYTES);
    }
}

#endif /* SETTLEMENT_WORD_H */
