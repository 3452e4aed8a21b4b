/* All nodes check the same signatures: whether one is right is worked out once and remembered. */

#include "tests/sim/cluster.h"

#include <string.h>

#define PLACES      8192u
#define MESSAGE_MAX 512

bool __real_hash_verify(const uint8_t public_key[PUBLIC_KEY_BYTES], const void *bytes,
                        size_t byte_count, const uint8_t signature[SIGNATURE_BYTES]);
bool __wrap_hash_verify(const uint8_t public_key[PUBLIC_KEY_BYTES], const void *bytes,
                        size_t byte_count, const uint8_t signature[SIGNATURE_BYTES]);

static struct known {
    bool used, valid;
    uint16_t byte_count;
    uint8_t public_key[PUBLIC_KEY_BYTES];
    uint8_t signature[SIGNATURE_BYTES];
    uint8_t bytes[MESSAGE_MAX];
} known[PLACES];

void signatures_open(void)
{
    for (uint32_t i = 0; i < PLACES; i++)
        known[i].used = false;
}

bool __wrap_hash_verify(const uint8_t public_key[PUBLIC_KEY_BYTES], const void *bytes,
                        size_t byte_count, const uint8_t signature[SIGNATURE_BYTES])
{
    uint32_t place;
    if (byte_count > MESSAGE_MAX)
        return __real_hash_verify(public_key, bytes, byte_count, signature);
    memcpy(&place, signature, sizeof(place));
    struct known *at = &known[place % PLACES];
    if (at->used && at->byte_count == byte_count && memcmp(at->bytes, bytes, byte_count) == 0 &&
        memcmp(at->public_key, public_key, PUBLIC_KEY_BYTES) == 0 &&
        memcmp(at->signature, signature, SIGNATURE_BYTES) == 0)
        return at->valid;
    *at = (struct known){.used = true,
                         .valid = __real_hash_verify(public_key, bytes, byte_count, signature),
                         .byte_count = (uint16_t)byte_count};
    memcpy(at->bytes, bytes, byte_count);
    memcpy(at->public_key, public_key, PUBLIC_KEY_BYTES);
    memcpy(at->signature, signature, SIGNATURE_BYTES);
    return at->valid;
}
