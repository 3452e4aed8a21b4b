/* Chain files are bytes from anywhere: a record is found only where its own bytes say so, and places
 * and index headers come back as they were. */

#include "ledger/chain.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count)
{
    struct chain_record record;
    size_t offset = 0;
    /* Ends: each record is at least its header. */
    while (chain_record_get(bytes + offset, byte_count - offset, &record)) {
        ASSERT(record.payload == bytes + offset + CHAIN_RECORD_HEADER_BYTES);
        ASSERT(record.length <= byte_count - offset - CHAIN_RECORD_HEADER_BYTES);
        uint8_t header[CHAIN_RECORD_HEADER_BYTES];
        chain_record_put(header, &record, record.payload, 0);
        ASSERT(memcmp(header, bytes + offset, sizeof(header)) == 0);
        const struct chain_place place = chain_place_of(&record, 1, (uint32_t)offset);
        ASSERT(place.length == record.length);
        offset += CHAIN_RECORD_HEADER_BYTES + (size_t)record.length;
    }

    struct chain_place place;
    uint8_t again[CHAIN_PLACE_BYTES];
    if (byte_count >= CHAIN_PLACE_BYTES && chain_place_get(bytes, &place)) {
        chain_place_put(again, &place);
        ASSERT(memcmp(again, bytes, sizeof(again)) == 0);
    }
    struct chain_index index;
    uint8_t header[CHAIN_INDEX_HEADER_BYTES];
    if (byte_count >= CHAIN_INDEX_HEADER_BYTES && chain_index_get(bytes, &index)) {
        chain_index_put(header, &index);
        ASSERT(memcmp(header, bytes, 32) == 0); /* what it says */
    }
    return 0;
}
