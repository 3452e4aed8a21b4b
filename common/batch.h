/* One log entry: the commands that arrived together, under one stamp.
 *
 *     magic u32 | command_count u32 | stamp_ns u64 | commands, back to back
 *
 * The stamp is engine time for all of them. A SEAL is alone in its entry.
 *
 * Limits   BATCH_BYTES_MAX in all; a command that does not fit starts the next batch
 */

#ifndef COMMON_BATCH_H
#define COMMON_BATCH_H

#include "common/messages.h"

#define BATCH_MAGIC        0x31425851u /* "QXB1" */
#define BATCH_HEADER_BYTES 16
#define BATCH_BYTES_MAX    (256 * 1024)

struct batch_header {
    uint32_t command_count;
    uint64_t stamp_ns;
};

void batch_header_put(uint8_t *at, const struct batch_header *header);

/* Reads the header alone. False: the bytes are not a batch's, or too many. */
MUST_CHECK bool batch_header_get(const uint8_t *bytes, size_t byte_count,
                                 struct batch_header *header);

/* Reads the header of a batch and checks that exactly `command_count` well-formed commands fill the
 * rest. O(commands). */
MUST_CHECK bool batch_check(const uint8_t *bytes, size_t byte_count, struct batch_header *header);

/* Walks a checked batch. *at starts at bytes + BATCH_HEADER_BYTES; false at the end. */
MUST_CHECK bool batch_next(const uint8_t **at, const uint8_t *end, struct command *command);

#endif /* COMMON_BATCH_H */
