#include "gateway/text.h"
#include "tests/harness.h"

static char buffer[512];

static void expect(const struct text *text, const char *wanted)
{
    assert_false(text_full(text));
    assert_int_equal(text->used, strlen(wanted));
    assert_memory_equal(text->bytes, wanted, text->used);
}

#define EXPECT(wanted, call) \
    do { \
        struct text text = text_over(buffer, sizeof(buffer)); \
        call; \
        expect(&text, wanted); \
    } while (0)

/* Whole numbers at their bounds. */
TEST(text, integers)
{
    EXPECT("0", text_u64(&text, 0));
    EXPECT("18446744073709551615", text_u64(&text, UINT64_MAX));
    EXPECT("-9223372036854775808", text_i64(&text, INT64_MIN));
}

/* Decimals show every digit, sign only when something is left of the number. */
TEST(text, decimals)
{
    EXPECT("0.00000000", text_decimal(&text, 0, 8, 8));
    EXPECT("0.00000001", text_decimal(&text, 1, 8, 8));
    EXPECT("-1.50000000", text_decimal(&text, -15, 1, 8));
    EXPECT("12.34", text_decimal(&text, 12345, 3, 2));
    EXPECT("0.00", text_decimal(&text, -1, 3, 2));
    EXPECT("7", text_decimal(&text, 7, 0, 0));
    const __int128 large = (__int128)INT64_MAX * 1000;
    EXPECT("92233720368547758.07000000", text_decimal(&text, large / 1000, 2, 8));
    EXPECT("9223372036854775807000.00000000", text_decimal(&text, large, 0, 8));
}

/* Ratios round half away from zero. */
TEST(text, ratios)
{
    EXPECT("0.333", text_ratio(&text, 1, 3, 3));
    EXPECT("0.667", text_ratio(&text, 2, 3, 3));
    EXPECT("-0.667", text_ratio(&text, -2, 3, 3));
    EXPECT("0.001", text_ratio(&text, 1, 2000, 3));
    EXPECT("0.000", text_ratio(&text, -1, 2001, 3));
}

/* Quotes, backslashes and control bytes are escaped; UTF-8 passes. */
TEST(text, strings_are_escaped)
{
    EXPECT("\"a\\\"b\\\\c\\u000a\xc3\xa9\"", text_string(&text, "a\"b\\c\n\xc3\xa9", 8));
}

/* Running out of room is remembered, and nothing is written past the end. */
TEST(text, full_is_remembered)
{
    char small[4] = "....";
    struct text text = text_over(small, 3);
    text_add(&text, "ab");
    assert_false(text_full(&text));
    text_add(&text, "cd");
    assert_true(text_full(&text));
    assert_int_equal(small[2], '.');
    assert_int_equal(small[3], '.');
}
