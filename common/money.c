#include "common/money.h"

#include <string.h>

int64_t decimal_power(int exponent)
{
    ASSERT(exponent >= 0 && exponent <= 18);
    int64_t power = 1;
    while (exponent-- > 0)
        power *= 10;
    return power;
}

/* value = value x 10 + digit, or false when it no longer fits. */
static bool append_digit(int64_t *value, int digit)
{
    return !__builtin_mul_overflow(*value, (int64_t)10, value) &&
           !__builtin_add_overflow(*value, (int64_t)digit, value);
}

enum decimal_result decimal_parse(const char *text, size_t text_bytes, int decimals, int64_t *value)
{
    ASSERT(decimals >= 0 && decimals <= 18);

    int64_t parsed = 0;
    int fraction_digits = -1; /* -1: the point has not been seen */
    bool large = false, precise = false;
    size_t digit_count = 0;

    for (size_t i = 0; i < text_bytes; i++) {
        if (text[i] == '.' && fraction_digits < 0 && digit_count > 0) {
            fraction_digits = 0;
            continue;
        }
        if (text[i] < '0' || text[i] > '9') return DECIMAL_MALFORMED;
        digit_count++;
        if (fraction_digits >= 0 && fraction_digits >= decimals) {
            if (text[i] != '0') precise = true; /* trailing zeros say nothing new */
            fraction_digits++;
            continue;
        }
        if (fraction_digits >= 0) fraction_digits++;
        if (!large && !append_digit(&parsed, text[i] - '0')) large = true;
    }
    if (digit_count == 0 || text[text_bytes - 1] == '.') return DECIMAL_MALFORMED;
    if (precise) return DECIMAL_TOO_PRECISE;

    for (int i = fraction_digits < 0 ? 0 : fraction_digits; i < decimals && !large; i++)
        if (!append_digit(&parsed, 0)) large = true;
    if (large) return DECIMAL_TOO_LARGE;
    *value = parsed;
    return DECIMAL_OK;
}

size_t decimal_format(int64_t value, int decimals, char text[DECIMAL_TEXT_MAX])
{
    ASSERT(decimals >= 0 && decimals <= 18);

    char reversed[DECIMAL_TEXT_MAX];
    size_t count = 0;
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

    for (int place = 0; left > 0 || place <= decimals; place++) {
        if (place == decimals && decimals > 0) reversed[count++] = '.';
        reversed[count++] = (char)('0' + left % 10);
        left /= 10;
    }
    size_t length = 0;
    if (value < 0) text[length++] = '-';
    while (count > 0)
        text[length++] = reversed[--count];
    text[length] = '\0';
    return length;
}
