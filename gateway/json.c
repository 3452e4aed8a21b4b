#include "gateway/json.h"

#include <string.h>

#define JSON_FIRST_CAPACITY 1024
#define JSON_NUMBER_MAX     64 /* sign, 39 digits, point, padding */

void json_start(struct json *json, char *bytes, size_t capacity)
{
    *json = (struct json){.bytes = bytes, .capacity = capacity, .limit = capacity};
}

void json_start_growing(struct json *json, size_t limit,
                        char *(*grow)(void *, const char *, size_t, size_t), void *context)
{
    *json = (struct json){.limit = limit, .grow = grow, .context = context};
}

/* Room for `byte_count` more bytes, or NULL and overflow. Doubles, so that a long list costs
 * amortised constant time a byte. */
static char *room(struct json *json, size_t byte_count)
{
    if (json->overflow) return NULL;
    if (byte_count <= json->capacity - json->used) return json->bytes + json->used;

    const size_t needed = json->used + byte_count;
    size_t capacity = json->capacity == 0 ? JSON_FIRST_CAPACITY : json->capacity;
    while (capacity < needed)
        capacity *= 2;
    if (capacity > json->limit) capacity = json->limit;

    char *grown = NULL;
    if (json->grow != NULL && needed <= capacity)
        grown = json->grow(json->context, json->bytes, json->used, capacity);
    if (grown == NULL) {
        json->overflow = true;
        return NULL;
    }
    json->bytes = grown;
    json->capacity = capacity;
    return json->bytes + json->used;
}

static void put(struct json *json, const char *bytes, size_t byte_count)
{
    char *at = room(json, byte_count);
    if (at == NULL) return;
    memcpy(at, bytes, byte_count);
    json->used += byte_count;
}

static void put_char(struct json *json, char character)
{
    char *at = room(json, 1);
    if (at == NULL) return;
    *at = character;
    json->used++;
}

static void before_value(struct json *json)
{
    if (json->comma) put_char(json, ',');
    json->comma = true;
}

static void open(struct json *json, char bracket)
{
    before_value(json);
    put_char(json, bracket);
    json->comma = false;
}

static void close(struct json *json, char bracket)
{
    put_char(json, bracket);
    json->comma = true;
}

void json_object(struct json *json)
{
    open(json, '{');
}

void json_object_end(struct json *json)
{
    close(json, '}');
}

void json_array(struct json *json)
{
    open(json, '[');
}

void json_array_end(struct json *json)
{
    close(json, ']');
}

void json_key(struct json *json, const char *name)
{
    const size_t name_bytes = strlen(name);
    if (json->comma) put_char(json, ',');
    char *at = room(json, name_bytes + 3);
    if (at == NULL) return;
    *at++ = '"';
    memcpy(at, name, name_bytes);
    at[name_bytes] = '"';
    at[name_bytes + 1] = ':';
    json->used += name_bytes + 3;
    json->comma = false;
}

static void put_escaped(struct json *json, unsigned char character)
{
    static const char digits[] = "0123456789abcdef";
    char text[6] = {'\\', 'u', '0', '0', digits[character >> 4], digits[character & 15]};
    size_t text_bytes = sizeof(text);
    if (character == '"' || character == '\\') {
        text[1] = (char)character;
        text_bytes = 2;
    } else if (character == '\n') {
        text[1] = 'n';
        text_bytes = 2;
    }
    put(json, text, text_bytes);
}

static bool is_plain(unsigned char character)
{
    return character >= 0x20 && character != '"' && character != '\\' && character != 0x7f;
}

void json_text(struct json *json, const char *text, size_t text_bytes)
{
    before_value(json);
    put_char(json, '"');
    size_t from = 0;
    for (size_t at = 0; at < text_bytes; at++) {
        if (is_plain((unsigned char)text[at])) continue;
        put(json, text + from, at - from);
        put_escaped(json, (unsigned char)text[at]);
        from = at + 1;
    }
    put(json, text + from, text_bytes - from);
    put_char(json, '"');
}

void json_string(struct json *json, const char *text)
{
    json_text(json, text, strlen(text));
}

void json_padded(struct json *json, const uint8_t *text, size_t field_bytes)
{
    json_text(json, (const char *)text, strnlen((const char *)text, field_bytes));
}

/* Digits of `value`, right-aligned in `text`; returns where they begin. At least `places` + 1. */
static char *digits_of(unsigned __int128 value, int places, char text[JSON_NUMBER_MAX])
{
    char *at = text + JSON_NUMBER_MAX;
    int written = 0;
    while (value != 0 || written <= places) {
        if (written == places && places != 0) *--at = '.';
        /* 64-bit division is several times cheaper, and nearly every value fits. */
        if (value <= UINT64_MAX) {
            *--at = (char)('0' + (uint64_t)value % 10);
            value = (uint64_t)value / 10;
        } else {
            *--at = (char)('0' + (int)(value % 10));
            value /= 10;
        }
        written++;
    }
    return at;
}

void json_u64(struct json *json, uint64_t value)
{
    char text[JSON_NUMBER_MAX];
    const char *at = digits_of(value, 0, text);
    before_value(json);
    put(json, at, (size_t)(text + JSON_NUMBER_MAX - at));
}

void json_i64(struct json *json, int64_t value)
{
    char text[JSON_NUMBER_MAX];
    const uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    char *at = digits_of(size, 0, text);
    if (value < 0) *--at = '-';
    before_value(json);
    put(json, at, (size_t)(text + JSON_NUMBER_MAX - at));
}

void json_bool(struct json *json, bool value)
{
    before_value(json);
    put(json, value ? "true" : "false", value ? 4 : 5);
}

void json_null(struct json *json)
{
    before_value(json);
    put(json, "null", 4);
}

void json_fixed(struct json *json, __int128 value, int places)
{
    ASSERT(places >= 0 && places <= 18);
    char text[JSON_NUMBER_MAX];
    const unsigned __int128 size =
        value < 0 ? 0 - (unsigned __int128)value : (unsigned __int128)value;
    char *at = digits_of(size, places, text);
    if (value < 0) *--at = '-';
    before_value(json);
    put_char(json, '"');
    put(json, at, (size_t)(text + JSON_NUMBER_MAX - at));
    put_char(json, '"');
}

void json_decimal(struct json *json, __int128 value, int decimals)
{
    static const int64_t powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
    ASSERT(decimals >= 0 && decimals <= 8);
    json_fixed(json, value * powers[8 - decimals], 8);
}

void json_raw(struct json *json, const char *bytes, size_t byte_count)
{
    before_value(json);
    put(json, bytes, byte_count);
}

void json_hex(struct json *json, const uint8_t *bytes, size_t byte_count)
{
    static const char digits[] = "0123456789abcdef";
    before_value(json);
    put_char(json, '"');
    char *at = room(json, byte_count * 2);
    if (at == NULL) return;
    for (size_t index = 0; index < byte_count; index++) {
        *at++ = digits[bytes[index] >> 4];
        *at++ = digits[bytes[index] & 15];
    }
    json->used += byte_count * 2;
    put_char(json, '"');
}

void json_key_string(struct json *json, const char *name, const char *text)
{
    json_key(json, name);
    json_string(json, text);
}

void json_key_text(struct json *json, const char *name, const char *text, size_t text_bytes)
{
    json_key(json, name);
    json_text(json, text, text_bytes);
}

void json_key_u64(struct json *json, const char *name, uint64_t value)
{
    json_key(json, name);
    json_u64(json, value);
}

void json_key_i64(struct json *json, const char *name, int64_t value)
{
    json_key(json, name);
    json_i64(json, value);
}

void json_key_bool(struct json *json, const char *name, bool value)
{
    json_key(json, name);
    json_bool(json, value);
}

void json_key_decimal(struct json *json, const char *name, __int128 value, int decimals)
{
    json_key(json, name);
    json_decimal(json, value, decimals);
}
