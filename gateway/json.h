/* JSON text, written front to back: the only way an answer or a stream message is built.
 *
 * Commas are the writer's business; keys and nesting the caller's. Numbers are whole numbers, and
 * decimals are strings of exactly 8 decimals, as the Binance Spot API prints prices and amounts.
 *
 * Owner    whoever holds the struct
 * Memory   the caller's buffer, or one that `grow` replaces by a larger one with the same beginning
 * Limits   `limit` bytes; beyond it nothing is written and `overflow` stays true: check it at the end
 */

#ifndef GATEWAY_JSON_H
#define GATEWAY_JSON_H

#include "common/assert.h"

#include <stdbool.h>
#include <stdint.h>

struct json {
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
void json_start(struct json *json, char *bytes, size_t capacity);

/* Starts empty and asks `grow` for room, up to `limit` bytes. */
void json_start_growing(struct json *json, size_t limit,
                        char *(*grow)(void *, const char *, size_t, size_t), void *context);

void json_object(struct json *json);
void json_object_end(struct json *json);
void json_array(struct json *json);
void json_array_end(struct json *json);

/* The name of the next value. Needs: no character of it wants escaping. */
void json_key(struct json *json, const char *name);

void json_text(struct json *json, const char *text, size_t text_bytes);
void json_string(struct json *json, const char *text);
/* Text in a field padded with zero bytes. */
void json_padded(struct json *json, const uint8_t *text, size_t field_bytes);
void json_u64(struct json *json, uint64_t value);
void json_i64(struct json *json, int64_t value);
void json_bool(struct json *json, bool value);
void json_null(struct json *json);
/* value x 10^-decimals as a string with 8 decimals. Needs: 0 <= decimals <= 8. */
void json_decimal(struct json *json, __int128 value, int decimals);
/* value x 10^-places as a string with `places` decimals. Needs: 0 <= places <= 18. */
void json_fixed(struct json *json, __int128 value, int places);
/* One value that is JSON already. */
void json_raw(struct json *json, const char *bytes, size_t byte_count);
/* Lower-case hex as a string. */
void json_hex(struct json *json, const uint8_t *bytes, size_t byte_count);

/* A key and its value in one call. */
void json_key_string(struct json *json, const char *name, const char *text);
void json_key_text(struct json *json, const char *name, const char *text, size_t text_bytes);
void json_key_u64(struct json *json, const char *name, uint64_t value);
void json_key_i64(struct json *json, const char *name, int64_t value);
void json_key_bool(struct json *json, const char *name, bool value);
void json_key_decimal(struct json *json, const char *name, __int128 value, int decimals);

#endif /* GATEWAY_JSON_H */
