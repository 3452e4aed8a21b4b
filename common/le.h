/* Little-endian integers in byte strings, as every message, record and header carries them.
 *
 * Each put writes at `at` and returns the byte after; each get reads there. The caller has checked
 * that the bytes exist.
 */

#ifndef COMMON_LE_H
#define COMMON_LE_H

#include <assert.h>
#include <stdint.h>
#include <string.h>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the codec copies native integers");

static inline uint8_t *le_put_u8(uint8_t *at, uint8_t value)
{
    *at = value;
    return at + 1;
}

static inline uint8_t *le_put_u16(uint8_t *at, uint16_t value)
{
    memcpy(at, &value, sizeof(value));
    return at + sizeof(value);
}

static inline uint8_t *le_put_u32(uint8_t *at, uint32_t value)
{
    memcpy(at, &value, sizeof(value));
    return at + sizeof(value);
}

static inline uint8_t *le_put_u64(uint8_t *at, uint64_t value)
{
    memcpy(at, &value, sizeof(value));
    return at + sizeof(value);
}

static inline uint8_t *le_put_i64(uint8_t *at, int64_t value)
{
    memcpy(at, &value, sizeof(value));
    return at + sizeof(value);
}

static inline uint8_t *le_put_bytes(uint8_t *at, const void *bytes, size_t byte_count)
{
    memcpy(at, bytes, byte_count);
    return at + byte_count;
}

static inline uint8_t le_get_u8(const uint8_t *at)
{
    return *at;
}

static inline uint16_t le_get_u16(const uint8_t *at)
{
    uint16_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}

static inline uint32_t le_get_u32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}

static inline uint64_t le_get_u64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}

static inline int64_t le_get_i64(const uint8_t *at)
{
    int64_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}

#endif /* COMMON_LE_H */
