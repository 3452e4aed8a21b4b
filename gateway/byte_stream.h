/* Bytes out in pieces, and bytes in without trust.
 *
 * A writer gathers some 64 KiB before it hands them on; once its taker has said no it drops what comes. A
 * reader that was asked for more than there is gives zeros from then on: check byte_reader_whole at the
 * end of what must fit, before what was read is believed.
 *
 * Owner    the caller's thread
 * Memory   struct byte_writer holds its buffer
 */

#ifndef GATEWAY_BYTE_STREAM_H
#define GATEWAY_BYTE_STREAM_H

#include "common/le.h"

#include <stdbool.h>
#include <stddef.h>

#define BYTE_WRITER_BYTES ((size_t)64 * 1024)
#define BYTE_RECORD_MAX   1024 /* of one byte_writer_room */

struct byte_writer {
    bool (*take)(void *context, const uint8_t *bytes, size_t byte_count);
    void *context;
    size_t used;
    bool failed;
    uint8_t buffer[BYTE_WRITER_BYTES];
};

void byte_writer_begin(struct byte_writer *writer,
                       bool (*take)(void *context, const uint8_t *bytes, size_t byte_count),
                       void *context);

/* Where the next `byte_count` bytes are to be written before the next call. Needs: at most
 * BYTE_RECORD_MAX. */
uint8_t *byte_writer_room(struct byte_writer *writer, size_t byte_count);

/* Hands on the rest. False when the taker has not taken all. */
bool byte_writer_end(struct byte_writer *writer);

struct byte_reader {
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
};

struct byte_reader byte_reader_over(const uint8_t *bytes, size_t byte_count);

/* The next bytes, in place; NULL when there are not as many. */
const uint8_t *byte_reader_take(struct byte_reader *reader, size_t byte_count);

uint8_t byte_reader_u8(struct byte_reader *reader);
uint16_t byte_reader_u16(struct byte_reader *reader);
uint32_t byte_reader_u32(struct byte_reader *reader);
uint64_t byte_reader_u64(struct byte_reader *reader);
int64_t byte_reader_i64(struct byte_reader *reader);

/* Whether all that was asked for was there. */
bool byte_reader_whole(const struct byte_reader *reader);

#endif /* GATEWAY_BYTE_STREAM_H */
