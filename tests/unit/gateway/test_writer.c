#include "gateway/writer.h"

#include "tests/harness.h"

static char text[4096];

static struct writer fresh(void)
{
    struct writer json;
    writer_start(&json, text, sizeof(text) - 1);
    return json;
}

static void assert_text(const struct writer *json, const char *expected)
{
    assert_false(json->overflow);
    text[json->used] = 0;
    assert_string_equal(text, expected);
}

/* The writer knows where a comma belongs, at every depth and after every kind of value. */
TEST(writer, commas_stand_between_values_only)
{
    struct writer json = fresh();
    writer_object(&json);
    writer_key_string(&json, "a", "x");
    writer_key(&json, "b");
    writer_array(&json);
    writer_array(&json);
    writer_array_end(&json);
    writer_i64(&json, -1);
    writer_null(&json);
    writer_bool(&json, true);
    writer_array_end(&json);
    writer_key(&json, "c");
    writer_object(&json);
    writer_object_end(&json);
    writer_key_u64(&json, "d", UINT64_MAX);
    writer_object_end(&json);
    assert_text(&json, "{\"a\":\"x\",\"b\":[[],-1,null,true],\"c\":{},\"d\":18446744073709551615}");
}

/* Whatever stands in a client id or a message, the text stays one JSON string. */
TEST(writer, text_is_escaped)
{
    struct writer json = fresh();
    writer_text(&json,
                "a\"b\\c\nd\x01\x7f"
                "e",
                9);
    assert_text(&json, "\"a\\\"b\\\\c\\nd\\u0001\\u007f\"");
}

/* Prices have 8 decimals whatever their asset has, and a minus in front of the whole. */
TEST(writer, decimals_have_eight_places)
{
    struct writer json = fresh();
    writer_array(&json);
    writer_decimal(&json, 0, 8);
    writer_decimal(&json, 1, 8);
    writer_decimal(&json, -150, 2);
    writer_decimal(&json, 7, 0);
    writer_decimal(&json, (__int128)INT64_MAX * 1000, 8);
    writer_fixed(&json, -5, 3);
    writer_array_end(&json);
    assert_text(&json, "[\"0.00000000\",\"0.00000001\",\"-1.50000000\",\"7.00000000\","
                       "\"92233720368547.75807000\",\"-0.005\"]");
}

TEST(writer, smallest_number_is_printed)
{
    struct writer json = fresh();
    writer_i64(&json, INT64_MIN);
    assert_text(&json, "-9223372036854775808");
}

static char blocks[4][8192];
static int grown;

static char *grow(void *context, const char *bytes, size_t used, size_t capacity)
{
    (void)context;
    assert_true(capacity <= sizeof(blocks[0]) && grown < 4);
    char *block = blocks[grown++];
    if (used > 0) memcpy(block, bytes, used);
    return block;
}

/* A growing buffer keeps what was written, and stops at its limit instead of running over it. */
TEST(writer, grows_to_its_limit_and_not_beyond)
{
    struct writer json;
    grown = 0;
    writer_start_growing(&json, 3000, grow, NULL);
    writer_array(&json);
    for (int index = 0; index < 500; index++)
        writer_u64(&json, 1234);
    assert_false(json.overflow);
    assert_int_equal(json.used, 1 + 500 * 5 - 1);
    assert_memory_equal(json.bytes, "[1234,1234,", 11);
    for (int index = 0; index < 500; index++)
        writer_u64(&json, 1234);
    assert_true(json.overflow);
    assert_true(json.used <= 3000);
}

/* `value` in digits, one by one, with a point before the last `places`. */
static void print_slowly(unsigned __int128 value, int places, char *to)
{
    char backwards[64];
    int count = 0;
    for (int digit = 0; value > 0 || digit <= places; digit++, value /= 10) {
        if (digit == places && places > 0) backwards[count++] = '.';
        backwards[count++] = (char)('0' + (int)(value % 10));
    }
    for (int at = 0; at < count; at++)
        to[at] = backwards[count - 1 - at];
    to[count] = '\0';
}

/* A number has its digits at every length, and on both sides of where one more begins. */
TEST(writer, digits_are_right_at_every_length)
{
    unsigned __int128 power = 1;
    for (int length = 0; length < 38; length++, power *= 10) {
        for (int away = -1; away <= 1; away++) {
            const unsigned __int128 value = power + (unsigned __int128)(__int128)away;
            for (int places = 0; places <= 18; places++) {
                char digits[80], expected[90];
                print_slowly(value, places, digits);
                snprintf(expected, sizeof(expected), "\"%s\"", digits);
                struct writer json = fresh();
                writer_fixed(&json, (__int128)value, places);
                assert_text(&json, expected);
            }
            if (value > UINT64_MAX) continue;
            char expected[80];
            print_slowly(value, 0, expected);
            struct writer json = fresh();
            writer_u64(&json, (uint64_t)value);
            assert_text(&json, expected);
        }
    }
}
