#include "gateway/json_scan.h"
#include "tests/harness.h"

#include <stdio.h>

static void assert_takes(const char *text, enum json_kind kind, const char *shown)
{
    struct json_value value;
    if (!json_scan_text(text, strlen(text), &value)) fail_msg("refused: %s", text);
    assert_int_equal(value.kind, kind);
    assert_int_equal(value.byte_count, strlen(shown));
    assert_memory_equal(value.bytes, shown, value.byte_count);
}

/* A value is shown as it was written: no digit of a number is lost. */
TEST(json_scan, values_are_as_they_were_written)
{
    assert_takes(" 0.10 ", JSON_NUMBER, "0.10");
    assert_takes("-12.50E+3", JSON_NUMBER, "-12.50E+3");
    assert_takes("\"a\\\"b\"", JSON_STRING, "a\\\"b");
    assert_takes("true", JSON_BOOLEAN, "true");
    assert_takes("\tnull\n", JSON_NULL, "null");
    assert_takes("[\"A\", {\"b\":[]}]", JSON_ARRAY, "[\"A\", {\"b\":[]}]");
    assert_takes("{ }", JSON_OBJECT, "{ }");
}

/* What is no JSON is none wherever in the text it is. */
TEST(json_scan, anything_else_is_refused)
{
    static const char *const texts[] = {
        "",     " ",     "01",      "1.",    ".5",         "+1",          "1e",
        "-",    "tru",   "nul",     "\"a",   "\"\\x\"",    "\"\\u12g4\"", "\"\t\"",
        "[1,]", "[1 2]", "{\"a\"}", "{a:1}", "{\"a\":1,}", "{,}",         "[",
        "}",    "1 2",   "\"a\"b",  "'a'",   "{\"a\":}",   "[\"\\",       "\"\\u12",
    };
    struct json_value value;
    for (size_t index = 0; index < sizeof(texts) / sizeof(texts[0]); index++)
        if (json_scan_text(texts[index], strlen(texts[index]), &value))
            fail_msg("taken: %s", texts[index]);
}

/* As deep as the bound and not one deeper. */
TEST(json_scan, depth_has_a_bound)
{
    char text[2 * JSON_SCAN_DEPTH_MAX + 2];
    struct json_value value;
    memset(text, '[', JSON_SCAN_DEPTH_MAX);
    memset(text + JSON_SCAN_DEPTH_MAX, ']', JSON_SCAN_DEPTH_MAX);
    assert_true(json_scan_text(text, 2 * JSON_SCAN_DEPTH_MAX, &value));
    memset(text, '[', JSON_SCAN_DEPTH_MAX + 1);
    memset(text + JSON_SCAN_DEPTH_MAX + 1, ']', JSON_SCAN_DEPTH_MAX + 1);
    assert_false(json_scan_text(text, sizeof(text), &value));
}

TEST(json_scan, members_come_in_their_order)
{
    static const char text[] = " { \"a\" : 1 , \"b\":{\"c\":[2,3]},\"a\":\"x\" } ";
    static const char *const expected[][2] = {{"a", "1"}, {"b", "{\"c\":[2,3]}"}, {"a", "x"}};
    struct json_value object, name, value;
    const char *at = NULL;
    uint32_t count = 0;
    assert_true(json_scan_text(text, strlen(text), &object));
    for (; json_scan_member(&object, &at, &name, &value); count++) {
        assert_int_equal(name.byte_count, strlen(expected[count][0]));
        assert_memory_equal(name.bytes, expected[count][0], name.byte_count);
        assert_int_equal(value.byte_count, strlen(expected[count][1]));
        assert_memory_equal(value.bytes, expected[count][1], value.byte_count);
    }
    assert_int_equal(count, 3);
    at = NULL;
    assert_true(json_scan_text("{}", 2, &object));
    assert_false(json_scan_member(&object, &at, &name, &value));
}

static void assert_string_is(const char *text, const char *expected)
{
    struct json_value value;
    char bytes[64];
    assert_true(json_scan_text(text, strlen(text), &value));
    const size_t byte_count = json_scan_string(&value, bytes);
    assert_int_equal(byte_count, strlen(expected));
    assert_memory_equal(bytes, expected, byte_count);
}

/* Characters of one to four bytes of UTF-8; half a pair is told as what it is: unknown. */
TEST(json_scan, escapes_become_what_they_stand_for)
{
    assert_string_is("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t");
    assert_string_is("\"\\u0041\\u00e4\\u20AC\\ud83d\\ude00\"",
                     "A\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
    assert_string_is("\"\\ud83dx\"", "\xef\xbf\xbdx");
    assert_string_is("\"\\ude00\"", "\xef\xbf\xbd");
    assert_string_is("\"\\ud83d\\u0041\"", "\xef\xbf\xbd"
                                           "A");
}
