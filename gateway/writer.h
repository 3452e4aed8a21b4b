/* JSON text, written front to back: the only way an answer or a stream message is built.
 *
 * Commas are the writer's business; keys and nesting the caller's. Numbers are whole numbers, and
 * decimals are strings of exactly 8 decimals, as the Binance Spot API prints prices and amounts.
 *
 * Owner    whoever holds the struct
 * Memory   the caller's buffer, or one that `grow` replaces by a larger one with the same beginning
 * Limits   `limit` bytes; beyond it nothing is written and `overflow` stays true: check it at the end
 */

#ifndef GATEWAY_WRITER_H
#define GATEWAY_WRITER_H

#include "common/assert.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct writer {
    char *bytes;
    size_t used;
    size_t capacity;
    size_t limit;
    /* Returns a buffer of at least `capacity` bytes that begins with the `used` old ones, or NULL. */
    char *(*grow)(void *context, const char *bytes, size_t used, size_t capacity);
    void *context;
    bool comma;
    bool overflow;
};

/* Writes into `bytes`, which never grows. */
void writer_start(struct writer *json, char *bytes, size_t capacity);

/* Starts empty and asks `grow` for room, up to `limit` bytes. */
void writer_start_growing(struct writer *json, size_t limit,
                          char *(*grow)(void *, const char *, size_t, size_t), void *context);

void writer_object(struct writer *json);
void writer_object_end(struct writer *json);
void writer_array(struct writer *json);
void writer_array_end(struct writer *json);

/* The name of the next value. Needs: no character of it wants escaping. */
void writer_key_bytes(struct writer *json, const char *name, size_t name_bytes);

/* Inlined, as those below, because most names are constants: then nobody counts their letters. */
static inline void writer_key(struct writer *json, const char *name)
{
    writer_key_bytes(json, name, strlen(name));
}

void writer_text(struct writer *json, const char *text, size_t text_bytes);
void writer_string(struct writer *json, const char *text);
/* Text in a field padded with zero bytes. */
void writer_padded(struct writer *json, const uint8_t *text, size_t field_bytes);
void writer_u64(struct writer *json, uint64_t value);
void writer_i64(struct writer *json, int64_t value);
void writer_bool(struct writer *json, bool value);
void writer_null(struct writer *json);
/* value x 10^-decimals as a string with 8 decimals. Needs: 0 <= decimals <= 8. */
void writer_decimal(struct writer *json, __int128 value, int decimals);
/* value x 10^-places as a string with `places` decimals. Needs: 0 <= places <= 18. */
void writer_fixed(struct writer *json, __int128 value, int places);
/* One value that is JSON already. */
void writer_raw(struct writer *json, const char *bytes, size_t byte_count);
/* Lower-case hex as a string. */
void writer_hex(struct writer *json, const uint8_t *bytes, size_t byte_count);

/* A key and its value in one call. */
static inline void writer_key_text(struct writer *json, const char *name, const char *text,
                                   size_t text_bytes)
{
    writer_key(json, name);
    writer_text(json, text, text_bytes);
}

static inline void writer_key_string(struct writer *json, const char *name, const char *text)
{
    writer_key_text(json, name, text, strlen(text));
}

static inline void writer_key_u64(struct writer *json, const char *name, uint64_t value)
{
    writer_key(json, name);
    writer_u64(json, value);
}

static inline void writer_key_i64(struct writer *json, const char *name, int64_t value)
{
    writer_key(json, name);
    writer_i64(json, value);
}

static inline void writer_key_bool(struct writer *json, const char *name, bool value)
{
    writer_key(json, name);
    writer_bool(json, value);
}

static inline void writer_key_decimal(struct writer *json, const char *name, __int128 value,
                                      int decimals)
{
    writer_key(json, name);
    writer_decimal(json, value, decimals);
}

#endif /* GATEWAY_WRITER_H */
