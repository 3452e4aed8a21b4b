/* JSON text read where it lies: a value's extent and kind, the members of an object, a string's bytes.
 *
 * For requests whose numbers must be told as they were written: nothing is converted, nothing is copied but a string
 * whose bytes are asked for. The whole text is checked before anything of it is shown.
 *
 * Limits   JSON_SCAN_DEPTH_MAX levels of arrays and objects
 * Memory   values point into the text
 */

#ifndef GATEWAY_JSON_SCAN_H
#define GATEWAY_JSON_SCAN_H

#include "common/assert.h"

#include <stdbool.h>
#include <stdint.h>

#define JSON_SCAN_DEPTH_MAX 16

enum json_kind { JSON_NULL, JSON_BOOLEAN, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

/* A value as it was written; of a string without its quotes, with its escapes. */
struct json_value {
    enum json_kind kind;
    const char *bytes;
    size_t byte_count;
};

/* The one value that the text is (RFC 8259), with white space about it. False when it is none. Needs: the text is
 * UTF-8. */
MUST_CHECK bool json_scan_text(const char *text, size_t text_bytes, struct json_value *value);

/* The members of an object, one after the other: `at` is NULL before the first. False after the last. Needs: `object`
 * is one that json_scan_text has shown, or a value within it. */
MUST_CHECK bool json_scan_member(const struct json_value *object, const char **at,
                                 struct json_value *name, struct json_value *value);

/* The string's bytes, unescaped, at `to`, which has room for string->byte_count; returns their count. Half a pair of
 * surrogates becomes U+FFFD. */
size_t json_scan_string(const struct json_value *string, char *to);

#endif /* GATEWAY_JSON_SCAN_H */
