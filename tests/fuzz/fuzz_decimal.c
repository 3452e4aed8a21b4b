/* Decimal text: what is read prints as the same number, and what is printed reads back.
 *
 * The first byte is the count of decimals, the rest the text. */

#include "common/money.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count);

/* The text without leading zeros, trailing zeros of the fraction, or an empty fraction. */
static size_t shortest(const char *text, size_t text_bytes, char *out)
{
    size_t length = 0;
    while (text_bytes > 1 && text[0] == '0' && text[1] != '.') {
        text++;
        text_bytes--;
    }
    const char *point = memchr(text, '.', text_bytes);
    while (point != NULL && text_bytes > 0 && text[text_bytes - 1] == '0')
        text_bytes--;
    if (text_bytes > 0 && text[text_bytes - 1] == '.') text_bytes--;
    for (; length < text_bytes && length < 64; length++)
        out[length] = text[length];
    return length;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count)
{
    if (byte_count == 0) return 0;
    const int decimals = bytes[0] % 19;
    const char *text = (const char *)bytes + 1;
    int64_t value = -1, again = -1;
    char printed[DECIMAL_TEXT_MAX], short_text[64], short_printed[64];

    if (decimal_parse(text, byte_count - 1, decimals, &value) != DECIMAL_OK) {
        ASSERT(value == -1);
        return 0;
    }
    ASSERT(value >= 0);
    const size_t length = decimal_format(value, decimals, printed);
    ASSERT(decimal_parse(printed, length, decimals, &again) == DECIMAL_OK && again == value);
    const size_t short_bytes = shortest(text, byte_count - 1, short_text);
    ASSERT(short_bytes == shortest(printed, length, short_printed));
    ASSERT(memcmp(short_text, short_printed, short_bytes) == 0);
    return 0;
}
