#include "common/wide.h"

#include "common/le.h"

#include <string.h>

#define LIMBS 8

/* Base 2^32, the lowest first. */
struct limbs {
    uint32_t limbs[LIMBS];
};

static struct limbs limbs_get(const uint8_t wide[WIDE_BYTES])
{
    struct limbs value;
    for (int i = 0; i < LIMBS; i++)
        value.limbs[i] = le_get_u32(wide + 4 * i);
    return value;
}

static void limbs_put(const struct limbs *value, uint8_t wide[WIDE_BYTES])
{
    for (int i = 0; i < LIMBS; i++)
        wide = le_put_u32(wide, value->limbs[i]);
}

/* value x 10 + digit; false when it does not fit. */
static bool times_ten(struct limbs *value, uint32_t digit)
{
    uint64_t carry = digit;
    for (int i = 0; i < LIMBS; i++) {
        carry += (uint64_t)value->limbs[i] * 10;
        value->limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
    return carry == 0;
}

/* value / 10; returns what is left over. */
static uint32_t by_ten(struct limbs *value)
{
    uint64_t rest = 0;
    for (int i = LIMBS - 1; i >= 0; i--) {
        rest = rest << 32 | value->limbs[i];
        value->limbs[i] = (uint32_t)(rest / 10);
        rest %= 10;
    }
    return (uint32_t)rest;
}

static bool is_zero(const struct limbs *value)
{
    uint32_t all = 0;
    for (int i = 0; i < LIMBS; i++)
        all |= value->limbs[i];
    return all == 0;
}

/* value x 10^(to - from), exactly. */
static bool scale(struct limbs *value, int from, int to)
{
    const int shift = to - from;
    ASSERT(shift <= WIDE_SHIFT_MAX && -shift <= WIDE_SHIFT_MAX);
    for (int i = 0; i < shift; i++)
        if (!times_ten(value, 0)) return false;
    for (int i = 0; i < -shift; i++)
        if (by_ten(value) != 0) return false;
    return true;
}

bool wide_parse(const char *text, size_t text_bytes, uint8_t wide[WIDE_BYTES])
{
    struct limbs value = {{0}};
    if (text_bytes == 0 || text_bytes >= WIDE_TEXT_MAX) return false;
    if (text[0] == '0' && text_bytes > 1) return false;
    for (size_t i = 0; i < text_bytes; i++) {
        if (text[i] < '0' || text[i] > '9') return false;
        if (!times_ten(&value, (uint32_t)(text[i] - '0'))) return false;
    }
    limbs_put(&value, wide);
    return true;
}

size_t wide_print(const uint8_t wide[WIDE_BYTES], char text[WIDE_TEXT_MAX])
{
    struct limbs value = limbs_get(wide);
    char digits[WIDE_TEXT_MAX];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + by_ten(&value)); /* below 2^256 there are 78 of them */
    } while (!is_zero(&value));
    const size_t count = sizeof(digits) - at;
    ASSERT(count < WIDE_TEXT_MAX);
    memcpy(text, digits + at, count);
    text[count] = '\0';
    return count;
}

bool wide_units(const uint8_t wide[WIDE_BYTES], int from, int to, amount_t *units)
{
    struct limbs value = limbs_get(wide);
    if (!scale(&value, from, to)) return false;
    const uint64_t low = (uint64_t)value.limbs[1] << 32 | value.limbs[0];
    value.limbs[0] = value.limbs[1] = 0;
    if (!is_zero(&value) || low > INT64_MAX) return false;
    units->units = (int64_t)low;
    return true;
}

bool wide_of_units(amount_t units, int from, int to, uint8_t wide[WIDE_BYTES])
{
    if (units.units < 0) return false;
    const uint64_t low = (uint64_t)units.units;
    struct limbs value = {{(uint32_t)low, (uint32_t)(low >> 32)}};
    if (!scale(&value, from, to)) return false;
    limbs_put(&value, wide);
    return true;
}
