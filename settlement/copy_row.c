#include "settlement/copy_row.h"

#include <string.h>

#define NUMERIC_BASE       10000
#define NUMERIC_DIGITS_MAX 10 /* 2^127 has 39 decimal digits */
#define NUMERIC_NEGATIVE   0x4000

static void put(struct copy_rows *rows, const void *bytes, size_t byte_count)
{
    ASSERT(byte_count <= rows->capacity - rows->used);
    memcpy(rows->bytes + rows->used, bytes, byte_count);
    rows->used += byte_count;
}

static void put_u16(struct copy_rows *rows, uint16_t value)
{
    const uint16_t big = __builtin_bswap16(value);
    put(rows, &big, sizeof(big));
}

static void put_u32(struct copy_rows *rows, uint32_t value)
{
    const uint32_t big = __builtin_bswap32(value);
    put(rows, &big, sizeof(big));
}

void copy_row_start(struct copy_rows *rows)
{
    static const uint8_t signature[19] = "PGCOPY\n\377\r\n\0";
    rows->used = 0;
    rows->row_count = 0;
    put(rows, signature, sizeof(signature)); /* with flags 0 and no extension */
}

void copy_row_begin(struct copy_rows *rows, uint16_t field_count)
{
    put_u16(rows, field_count);
    rows->row_count++;
}

void copy_row_i32(struct copy_rows *rows, int32_t value)
{
    put_u32(rows, sizeof(value));
    put_u32(rows, (uint32_t)value);
}

void copy_row_i64(struct copy_rows *rows, int64_t value)
{
    const uint64_t big = __builtin_bswap64((uint64_t)value);
    put_u32(rows, sizeof(big));
    put(rows, &big, sizeof(big));
}

void copy_row_null(struct copy_rows *rows)
{
    put_u32(rows, UINT32_MAX); /* a length of -1 */
}

void copy_row_bytes(struct copy_rows *rows, const void *bytes, size_t byte_count)
{
    ASSERT(byte_count < COPY_ROW_MAX);
    put_u32(rows, (uint32_t)byte_count);
    put(rows, bytes, byte_count);
}

void copy_row_text(struct copy_rows *rows, const char *text)
{
    copy_row_bytes(rows, text, strlen(text));
}

/* Digit count, weight of the first digit, sign, decimals shown, then digits of base 10,000. */
void copy_row_numeric(struct copy_rows *rows, __int128 value)
{
    uint16_t digits[NUMERIC_DIGITS_MAX];
    uint16_t count = 0;
    unsigned __int128 left = value < 0 ? 0 - (unsigned __int128)value : (unsigned __int128)value;
    for (; left > 0; left /= NUMERIC_BASE)
        digits[count++] = (uint16_t)(left % NUMERIC_BASE); /* the last digit first */

    put_u32(rows, 8u + 2u * count);
    put_u16(rows, count);
    put_u16(rows, count == 0 ? 0 : (uint16_t)(count - 1));
    put_u16(rows, value < 0 ? NUMERIC_NEGATIVE : 0);
    put_u16(rows, 0);
    while (count > 0)
        put_u16(rows, digits[--count]);
}

void copy_row_finish(struct copy_rows *rows)
{
    put_u16(rows, UINT16_MAX);
}
