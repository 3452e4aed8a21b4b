/* A block's body is bytes from anywhere: whatever they are, walking and checking them ends, stays within
 * them, and accepts only what it would itself have sealed. */

#include "ledger/block.h"
#include "ledger/certificate.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count);

/* The first bytes are a header when there are enough; the rest is the body it is said to have. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count)
{
    const uint8_t *at = bytes, *const end = bytes + byte_count;
    struct applied record;
    struct command command;
    uint64_t records = 0;
    while (block_next(&at, end, &record, &command))
        records++;
    ASSERT(at <= end && records <= byte_count / APPLIED_HEADER_BYTES);

    struct certificate certificate;
    uint8_t again[CERTIFICATE_BYTES_MAX];
    if (certificate_decode(bytes, byte_count, &certificate)) {
        const size_t encoded = certificate_encode(&certificate, again);
        ASSERT(encoded == byte_count && memcmp(again, bytes, byte_count) == 0);
    }

    struct block_header header;
    struct block_fault fault;
    if (byte_count < BLOCK_HEADER_BYTES || !block_header_decode(bytes, &header)) return 0;
    uint8_t encoded_header[BLOCK_HEADER_BYTES];
    block_header_encode(&header, encoded_header);
    ASSERT(memcmp(encoded_header, bytes, BLOCK_HEADER_BYTES) == 0);
    header.body_length = byte_count - BLOCK_HEADER_BYTES;
    if (block_body_check(&header, bytes + BLOCK_HEADER_BYTES, byte_count - BLOCK_HEADER_BYTES,
                         &fault))
        ASSERT(hash_equal(header.body_hash,
                          hash_of(bytes + BLOCK_HEADER_BYTES, byte_count - BLOCK_HEADER_BYTES)));
    return 0;
}
