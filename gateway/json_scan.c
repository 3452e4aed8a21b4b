#include "gateway/json_scan.h"

#include <string.h>

#define REPLACEMENT 0xfffdu

struct scan {
    const char *at, *end;
};

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static int hex_digit(char digit)
{
    if (is_digit(digit)) return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
    return -1;
}

static void skip_space(struct scan *scan)
{
    while (scan->at < scan->end &&
           (*scan->at == ' ' || *scan->at == '\t' || *scan->at == '\n' || *scan->at == '\r'))
        scan->at++;
}

static bool take(struct scan *scan, char byte)
{
    if (scan->at == scan->end || *scan->at != byte) return false;
    scan->at++;
    return true;
}

static bool take_word(struct scan *scan, const char *word)
{
    const size_t word_bytes = strlen(word);
    if ((size_t)(scan->end - scan->at) < word_bytes || memcmp(scan->at, word, word_bytes) != 0)
        return false;
    scan->at += word_bytes;
    return true;
}

static bool take_digits(struct scan *scan)
{
    const char *begin = scan->at;
    while (scan->at < scan->end && is_digit(*scan->at))
        scan->at++;
    return scan->at > begin;
}

static bool take_number(struct scan *scan)
{
    (void)take(scan, '-');
    if (!take(scan, '0') && !take_digits(scan)) return false;
    if (take(scan, '.') && !take_digits(scan)) return false;
    if (!take(scan, 'e') && !take(scan, 'E')) return true;
    if (!take(scan, '+')) (void)take(scan, '-');
    return take_digits(scan);
}

/* What is behind a backslash. */
static bool take_escape(struct scan *scan)
{
    if (scan->at == scan->end) return false;
    const char letter = *scan->at++;
    if (letter != 'u') return letter != 0 && strchr("\"\\/bfnrt", letter) != NULL;
    for (int digit = 0; digit < 4; digit++)
        if (scan->at == scan->end || hex_digit(*scan->at++) < 0) return false;
    return true;
}

/* Behind the opening quote; `value` is what is before the closing one. */
static bool take_string(struct scan *scan, struct json_value *value)
{
    value->bytes = scan->at;
    while (scan->at < scan->end) {
        const char byte = *scan->at++;
        if (byte == '"') {
            value->byte_count = (size_t)(scan->at - value->bytes) - 1;
            return true;
        }
        if ((unsigned char)byte < 0x20) return false;
        if (byte == '\\' && !take_escape(scan)) return false;
    }
    return false;
}

static bool take_value(struct scan *scan, int depth, struct json_value *value);

/* A member's name and its colon. */
static bool take_name(struct scan *scan, struct json_value *name)
{
    *name = (struct json_value){.kind = JSON_STRING};
    skip_space(scan);
    if (!take(scan, '"') || !take_string(scan, name)) return false;
    skip_space(scan);
    return take(scan, ':');
}

/* Behind the opening bracket, up to and with the closing one. */
static bool take_elements(struct scan *scan, int depth, char closing)
{
    struct json_value name, element;
    skip_space(scan);
    if (take(scan, closing)) return true;
    for (;;) {
        if (closing == '}' && !take_name(scan, &name)) return false;
        if (!take_value(scan, depth, &element)) return false;
        if (take(scan, closing)) return true;
        if (!take(scan, ',')) return false;
    }
}

static bool take_nested(struct scan *scan, int depth, struct json_value *value)
{
    const bool is_object = *scan->at == '{';
    value->kind = is_object ? JSON_OBJECT : JSON_ARRAY;
    value->bytes = scan->at++;
    if (depth == JSON_SCAN_DEPTH_MAX || !take_elements(scan, depth + 1, is_object ? '}' : ']'))
        return false;
    value->byte_count = (size_t)(scan->at - value->bytes);
    return true;
}

static bool take_plain(struct scan *scan, struct json_value *value)
{
    const char *begin = scan->at;
    value->bytes = begin;
    if (take_word(scan, "true") || take_word(scan, "false"))
        value->kind = JSON_BOOLEAN;
    else if (take_word(scan, "null"))
        value->kind = JSON_NULL;
    else if (take_number(scan))
        value->kind = JSON_NUMBER;
    else
        return false;
    value->byte_count = (size_t)(scan->at - begin);
    return true;
}

/* With the white space about it. */
static bool take_value(struct scan *scan, int depth, struct json_value *value)
{
    bool taken = false;
    skip_space(scan);
    if (scan->at == scan->end) return false;
    if (*scan->at == '"') {
        scan->at++;
        value->kind = JSON_STRING;
        taken = take_string(scan, value);
    } else if (*scan->at == '{' || *scan->at == '[') {
        taken = take_nested(scan, depth, value);
    } else {
        taken = take_plain(scan, value);
    }
    skip_space(scan);
    return taken;
}

bool json_scan_text(const char *text, size_t text_bytes, struct json_value *value)
{
    struct scan scan = {text, text + text_bytes};
    return take_value(&scan, 0, value) && scan.at == scan.end;
}

bool json_scan_member(const struct json_value *object, const char **at, struct json_value *name,
                      struct json_value *value)
{
    struct scan scan = {*at, object->bytes + object->byte_count};
    if (*at == NULL) {
        scan.at = object->bytes + 1;
        skip_space(&scan);
    }
    if (*scan.at == '}') return false;
    const bool taken = take_name(&scan, name) && take_value(&scan, 0, value);
    ASSERT(taken);
    (void)take(&scan, ',');
    *at = scan.at;
    return true;
}

static uint32_t read_hex(const char *at)
{
    uint32_t unit = 0;
    for (int digit = 0; digit < 4; digit++)
        unit = unit << 4 | (uint32_t)hex_digit(at[digit]);
    return unit;
}

/* The character of the escape whose four digits begin at `*at`, which moves past what belongs to it. */
static uint32_t read_character(const char **at, const char *end)
{
    const uint32_t high = read_hex(*at);
    *at += 4;
    if (high < 0xd800 || high > 0xdfff) return high;
    if (high > 0xdbff || end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u') return REPLACEMENT;
    const uint32_t low = read_hex(*at + 2);
    if (low < 0xdc00 || low > 0xdfff) return REPLACEMENT;
    *at += 6;
    return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

static char *put_utf8(char *to, uint32_t character)
{
    if (character < 0x80) {
        *to++ = (char)character;
        return to;
    }
    const int following = character < 0x800 ? 1 : character < 0x10000 ? 2 : 3;
    const uint32_t mark = following == 1 ? 0xc0 : following == 2 ? 0xe0 : 0xf0;
    *to++ = (char)(mark | character >> (6 * following));
    for (int index = following - 1; index >= 0; index--)
        *to++ = (char)(0x80 | (character >> (6 * index) & 0x3f));
    return to;
}

static char unescaped(char letter)
{
    static const char letters[] = "bfnrt", bytes[] = "\b\f\n\r\t";
    const char *found = strchr(letters, letter);
    return found == NULL ? letter : bytes[found - letters];
}

size_t json_scan_string(const struct json_value *string, char *to)
{
    const char *at = string->bytes, *end = at + string->byte_count;
    const char *begin = to;
    while (at < end) {
        if (*at != '\\') {
            *to++ = *at++;
            continue;
        }
        const char letter = at[1];
        at += 2;
        if (letter == 'u')
            to = put_utf8(to, read_character(&at, end));
        else
            *to++ = unescaped(letter);
    }
    return (size_t)(to - begin);
}
