/* Rows as PostgreSQL's COPY BINARY takes them.
 *
 * A run of rows is copy_row_start, then per row copy_row_begin and its fields in order, then
 * copy_row_finish. Big-endian.
 *
 * Memory   the caller's bytes; before each row it makes room for COPY_ROW_MAX more
 */

#ifndef SETTLEMENT_COPY_ROW_H
#define SETTLEMENT_COPY_ROW_H

#include "common/assert.h"

#include <stdint.h>

#define COPY_ROW_MAX 1024

struct copy_rows {
    uint8_t *bytes;
    size_t capacity;
    size_t used;
    uint64_t row_count;
};

/* Each needs room: COPY_ROW_MAX bytes cover a row, the start or the finish. */
void copy_row_start(struct copy_rows *rows);
void copy_row_begin(struct copy_rows *rows, uint16_t field_count);
void copy_row_i32(struct copy_rows *rows, int32_t value);
void copy_row_i64(struct copy_rows *rows, int64_t value);
void copy_row_null(struct copy_rows *rows);
void copy_row_bytes(struct copy_rows *rows, const void *bytes, size_t byte_count);
void copy_row_text(struct copy_rows *rows, const char *text);
void copy_row_numeric(struct copy_rows *rows, __int128 value); /* a whole number */
void copy_row_finish(struct copy_rows *rows);

#endif /* SETTLEMENT_COPY_ROW_H */
