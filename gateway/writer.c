#include "gateway/writer.h"

#include <string.h>

#define WRITER_FIRST_CAPACITY 1024
#define WRITER_NUMBER_MAX     64 /* sign, 39 digits, point, padding */

void writer_start(struct writer *json, char *bytes, size_t capacity)
{
    *json = (struct writer){.bytes = bytes, .capacity = capacity, .limit = capacity};
}

void writer_start_growing(struct writer *json, size_t limit,
                          char *(*grow)(void *, const char *, size_t, size_t), void *context)
{
    *json = (struct writer){.limit = limit, .grow = grow, .context = context};
}

/* Makes room for `byte_count` more bytes than there is, or says overflow. Doubles, so that a long list costs amortised
 * constant time a byte. */
static __attribute__((noinline)) char *make_room(struct writer *json, size_t byte_count)
{
    if (json->overflow) return NULL;
    const size_t needed = json->used + byte_count;
    size_t capacity = json->capacity == 0 ? WRITER_FIRST_CAPACITY : json->capacity;
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

/* Room for `byte_count` more bytes, or NULL and overflow. */
static inline char *room(struct writer *json, size_t byte_count)
{
    if (byte_count <= json->capacity - json->used && !json->overflow)
        return json->bytes + json->used;
    return make_room(json, byte_count);
}

static void put(struct writer *json, const char *bytes, size_t byte_count)
{
    char *at = room(json, byte_count);
    if (at == NULL) return;
    memcpy(at, bytes, byte_count);
    json->used += byte_count;
}

static void put_char(struct writer *json, char character)
{
    char *at = room(json, 1);
    if (at == NULL) return;
    *at = character;
    json->used++;
}

static void before_value(struct writer *json)
{
    if (json->comma) put_char(json, ',');
    json->comma = true;
}

static void begin(struct writer *json, char bracket)
{
    before_value(json);
    put_char(json, bracket);
    json->comma = false;
}

static void end(struct writer *json, char bracket)
{
    put_char(json, bracket);
    json->comma = true;
}

void writer_object(struct writer *json)
{
    begin(json, '{');
}

void writer_object_end(struct writer *json)
{
    end(json, '}');
}

void writer_array(struct writer *json)
{
    begin(json, '[');
}

void writer_array_end(struct writer *json)
{
    end(json, ']');
}

void writer_key_bytes(struct writer *json, const char *name, size_t name_bytes)
{
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

static void put_escaped(struct writer *json, unsigned char character)
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

void writer_text(struct writer *json, const char *text, size_t text_bytes)
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

void writer_string(struct writer *json, const char *text)
{
    writer_text(json, text, strlen(text));
}

void writer_padded(struct writer *json, const uint8_t *text, size_t field_bytes)
{
    writer_text(json, (const char *)text, strnlen((const char *)text, field_bytes));
}

static const char digit_pairs[] = "0001020304050607080910111213141516171819202122232425262728293031"
                                  "323334353637383940414243444546474849"
                                  "5051525354555657585960616263646566676869707172737475767778798081"
                                  "828384858687888990919293949596979899";

/* Digits of `value`, right-aligned before `end`, at least `digit_count` of them; returns where they begin. Two at a time:
 * a division is what they cost. */
static char *put_digits(uint64_t value, int digit_count, char *end)
{
    char *at = end;
    for (; value >= 100; value /= 100) {
        at -= 2;
        memcpy(at, digit_pairs + value % 100 * 2, 2);
    }
    if (value >= 10) {
        at -= 2;
        memcpy(at, digit_pairs + value * 2, 2);
    } else if (value > 0) {
        *--at = (char)('0' + value);
    }
    while (end - at < digit_count)
        *--at = '0';
    return at;
}

/* Digits of `value`, right-aligned in `text`; returns where they begin. At least `places` + 1. */
static char *digits_of(unsigned __int128 value, int places, char text[WRITER_NUMBER_MAX])
{
    static const uint64_t powers[] = {1,
                                      10,
                                      100,
                                      1000,
                                      10000,
                                      100000,
                                      1000000,
                                      10000000,
                                      100000000,
                                      1000000000,
                                      10000000000,
                                      100000000000,
                                      1000000000000,
                                      10000000000000,
                                      100000000000000,
                                      1000000000000000,
                                      10000000000000000,
                                      100000000000000000,
                                      1000000000000000000};
    char *at = text + WRITER_NUMBER_MAX;
    /* 64-bit division is several times cheaper, and nearly every value fits. */
    if (value <= UINT64_MAX && places > 0) {
        at = put_digits((uint64_t)value % powers[places], places, at);
        *--at = '.';
        return put_digits((uint64_t)value / powers[places], 1, at);
    }
    if (places > 0) {
        at = put_digits((uint64_t)(value % powers[places]), places, at);
        *--at = '.';
        value /= powers[places];
    }
    for (; value > UINT64_MAX; value /= powers[18])
        at = put_digits((uint64_t)(value % powers[18]), 18, at);
    return put_digits((uint64_t)value, 1, at);
}

void writer_u64(struct writer *json, uint64_t value)
{
    char text[WRITER_NUMBER_MAX];
    const char *at = digits_of(value, 0, text);
    before_value(json);
    put(json, at, (size_t)(text + WRITER_NUMBER_MAX - at));
}

void writer_i64(struct writer *json, int64_t value)
{
    char text[WRITER_NUMBER_MAX];
    const uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    char *at = digits_of(size, 0, text);
    if (value < 0) *--at = '-';
    before_value(json);
    put(json, at, (size_t)(text + WRITER_NUMBER_MAX - at));
}

void writer_bool(struct writer *json, bool value)
{
    before_value(json);
    put(json, value ? "true" : "false", value ? 4 : 5);
}

void writer_null(struct writer *json)
{
    before_value(json);
    put(json, "null", 4);
}

void writer_fixed(struct writer *json, __int128 value, int places)
{
    ASSERT(places >= 0 && places <= 18);
    char text[WRITER_NUMBER_MAX];
    const unsigned __int128 size =
        value < 0 ? 0 - (unsigned __int128)value : (unsigned __int128)value;
    char *at = digits_of(size, places, text);
    if (value < 0) *--at = '-';
    before_value(json);
    put_char(json, '"');
    put(json, at, (size_t)(text + WRITER_NUMBER_MAX - at));
    put_char(json, '"');
}

void writer_decimal(struct writer *json, __int128 value, int decimals)
{
    static const int64_t powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
    ASSERT(decimals >= 0 && decimals <= 8);
    writer_fixed(json, value * powers[8 - decimals], 8);
}

void writer_raw(struct writer *json, const char *bytes, size_t byte_count)
{
    before_value(json);
    put(json, bytes, byte_count);
}

void writer_hex(struct writer *json, const uint8_t *bytes, size_t byte_count)
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
