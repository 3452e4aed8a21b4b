#include "gateway/text.h"

#include <string.h>

void text_put(struct text *text, const char *bytes, size_t byte_count)
{
    if (byte_count > text->capacity - text->used) {
        text->full = true;
        return;
    }
    memcpy(text->bytes + text->used, bytes, byte_count);
    text->used += byte_count;
}

void text_add(struct text *text, const char *string)
{
    text_put(text, string, strlen(string));
}

/* Writes the digits of `value` so that they end at `end`; returns where they begin. */
static char *digits_before(char *end, unsigned __int128 value)
{
    do {
        *--end = (char)('0' + (int)(value % 10));
        value /= 10;
    } while (value != 0);
    return end;
}

void text_u64(struct text *text, uint64_t value)
{
    char digits[20];
    char *end = digits + sizeof(digits);
    do {
        *--end = (char)('0' + (int)(value % 10));
        value /= 10;
    } while (value != 0);
    text_put(text, end, (size_t)(digits + sizeof(digits) - end));
}

void text_i64(struct text *text, int64_t value)
{
    if (value < 0) text_put(text, "-", 1);
    text_u64(text, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void text_string(struct text *text, const char *bytes, size_t byte_count)
{
    static const char hex[] = "0123456789abcdef";
    text_put(text, "\"", 1);
    for (size_t i = 0; i < byte_count; i++) {
        const char byte = bytes[i];
        if (byte == '"' || byte == '\\') {
            text_put(text, (const char[]){'\\', byte}, 2);
        } else if ((unsigned char)byte < 0x20) {
            const int code = (unsigned char)byte;
            text_put(text, (const char[]){'\\', 'u', '0', '0', hex[code >> 4], hex[code & 15]}, 6);
        } else {
            text_put(text, &byte, 1);
        }
    }
    text_put(text, "\"", 1);
}

/* magnitude x 10^-shown, with its sign. */
static void put_scaled(struct text *text, bool negative, unsigned __int128 magnitude, int shown)
{
    const uint64_t one = (uint64_t)decimal_power(shown);
    char digits[64];
    char *end = digits + sizeof(digits);
    char *at = end;
    if (shown > 0) {
        uint64_t fraction = (uint64_t)(magnitude % one);
        for (int i = 0; i < shown; i++, fraction /= 10)
            *--at = (char)('0' + (int)(fraction % 10));
        *--at = '.';
    }
    at = digits_before(at, magnitude / one);
    if (negative) *--at = '-';
    text_put(text, at, (size_t)(end - at));
}

void text_decimal(struct text *text, __int128 value, int decimals, int shown)
{
    ASSERT(decimals >= 0 && decimals <= 18);
    ASSERT(shown >= 0 && shown <= 18);

    const bool negative = value < 0;
    unsigned __int128 magnitude = negative ? -(unsigned __int128)value : (unsigned __int128)value;
    if (shown >= decimals) {
        magnitude *= (uint64_t)decimal_power(shown - decimals);
    } else {
        magnitude /= (uint64_t)decimal_power(decimals - shown);
    }
    put_scaled(text, negative && magnitude != 0, magnitude, shown);
}

void text_ratio(struct text *text, __int128 numerator, __int128 denominator, int shown)
{
    ASSERT(denominator > 0);
    ASSERT(shown >= 0 && shown <= 18);

    const bool negative = numerator < 0;
    unsigned __int128 magnitude =
        negative ? -(unsigned __int128)numerator : (unsigned __int128)numerator;
    magnitude *= (uint64_t)decimal_power(shown);
    const unsigned __int128 divisor = (unsigned __int128)denominator;
    const unsigned __int128 rest = magnitude % divisor;
    magnitude = magnitude / divisor + (rest >= divisor - rest);
    put_scaled(text, negative && magnitude != 0, magnitude, shown);
}

static void put_quoted(struct text *text, __int128 value, int decimals)
{
    text_put(text, "\"", 1);
    text_decimal(text, value, decimals, TEXT_DECIMALS);
    text_put(text, "\"", 1);
}

void text_price(struct text *text, const struct market *market, int quote_decimals, price_t price)
{
    put_quoted(text, (__int128)price.ticks * market->tick_units, quote_decimals);
}

void text_lots(struct text *text, const struct market *market, int base_decimals, __int128 lots)
{
    put_quoted(text, lots * market->lot_units, base_decimals);
}

void text_units(struct text *text, int asset_decimals, __int128 units)
{
    put_quoted(text, units, asset_decimals);
}
