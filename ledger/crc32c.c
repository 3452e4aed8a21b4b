#include "ledger/crc32c.h"

#include <string.h>

/* Four bits through Castagnoli's polynomial, 0x82f63b78 with its bits reversed. */
static uint32_t nibble_step(uint32_t crc)
{
    static const uint32_t table[16] = {
        0x00000000u, 0x105ec76fu, 0x20bd8edeu, 0x30e349b1u, 0x417b1dbcu, 0x5125dad3u,
        0x61c69362u, 0x7198540du, 0x82f63b78u, 0x92a8fc17u, 0xa24bb5a6u, 0xb21572c9u,
        0xc38d26c4u, 0xd3d3e1abu, 0xe330a81au, 0xf36e6f75u,
    };
    return table[crc & 15] ^ (crc >> 4);
}

uint32_t crc32c_add_portable(uint32_t crc, const void *bytes, size_t byte_count)
{
    const uint8_t *at = bytes;
    uint32_t state = ~crc;
    for (size_t i = 0; i < byte_count; i++)
        state = nibble_step(nibble_step(state ^ at[i]));
    return ~state;
}

#if defined(__x86_64__)

__attribute__((target("sse4.2"))) static uint32_t add_sse42(uint32_t crc, const void *bytes,
                                                            size_t byte_count)
{
    const uint8_t *at = bytes;
    uint64_t state = ~crc;
    for (; byte_count >= 8; at += 8, byte_count -= 8) {
        uint64_t word;
        memcpy(&word, at, sizeof(word));
        state = __builtin_ia32_crc32di(state, word);
    }
    for (; byte_count > 0; at++, byte_count--)
        state = __builtin_ia32_crc32qi((uint32_t)state, *at);
    return ~(uint32_t)state;
}

uint32_t crc32c_add(uint32_t crc, const void *bytes, size_t byte_count)
{
    if (__builtin_cpu_supports("sse4.2")) return add_sse42(crc, bytes, byte_count);
    return crc32c_add_portable(crc, bytes, byte_count);
}

#else

uint32_t crc32c_add(uint32_t crc, const void *bytes, size_t byte_count)
{
    return crc32c_add_portable(crc, bytes, byte_count);
}

#endif
