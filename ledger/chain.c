#include "ledger/chain.h"

#include "common/le.h"
#include "ledger/crc32c.h"

#define INDEX_MAGIC   0x49435851u /* "QXCI" */
#define INDEX_VERSION 2u

static_assert(4 + 4 + 4 + 4 + 8 == CHAIN_RECORD_HEADER_BYTES, "the header's fields fill it");
static_assert(4 + 4 + 4 + 4 + 8 + 4 + 4 == CHAIN_PLACE_BYTES, "the place's fields fill it");

/* Of everything in the record but the checksum itself. */
static uint32_t record_crc(const uint8_t header[CHAIN_RECORD_HEADER_BYTES], const uint8_t *first,
                           uint32_t first_length, const uint8_t *second, uint32_t second_length)
{
    uint32_t crc = crc32c_add(0, header, 4);
    crc = crc32c_add(crc, header + 8, CHAIN_RECORD_HEADER_BYTES - 8);
    crc = crc32c_add(crc, first, first_length);
    return crc32c_add(crc, second, second_length);
}

void chain_record_put(uint8_t at[CHAIN_RECORD_HEADER_BYTES], const struct chain_record *record,
                      const uint8_t *second, uint32_t second_length)
{
    ASSERT((uint64_t)record->length + second_length <= CHAIN_PAYLOAD_MAX);
    le_put_u32(at, record->length + second_length);
    le_put_u32(at + 8, record->type);
    le_put_u32(at + 12, 0);
    le_put_u64(at + 16, record->height);
    le_put_u32(at + 4, record_crc(at, record->payload, record->length, second, second_length));
}

uint32_t chain_record_length(const uint8_t at[CHAIN_RECORD_HEADER_BYTES])
{
    const uint32_t length = le_get_u32(at), type = le_get_u32(at + 8);
    const bool possible =
        (type == CHAIN_BLOCK && length >= BLOCK_HEADER_BYTES) ||
        (type == CHAIN_CERTIFICATE && length > 0) ||
        ((type == CHAIN_HEADER || type == CHAIN_BASE) && length == BLOCK_HEADER_BYTES);
    if (!possible || length > CHAIN_PAYLOAD_MAX) return 0;
    if (le_get_u32(at + 12) != 0 || le_get_u64(at + 16) == 0) return 0;
    return length;
}

bool chain_record_get(const uint8_t *bytes, size_t byte_count, struct chain_record *record)
{
    if (byte_count < CHAIN_RECORD_HEADER_BYTES) return false;
    const uint32_t length = chain_record_length(bytes);
    if (length == 0 || length > byte_count - CHAIN_RECORD_HEADER_BYTES) return false;
    const uint8_t *payload = bytes + CHAIN_RECORD_HEADER_BYTES;
    if (le_get_u32(bytes + 4) != record_crc(bytes, payload, length, payload, 0)) return false;

    record->type = le_get_u32(bytes + 8);
    record->length = length;
    record->height = le_get_u64(bytes + 16);
    record->payload = payload;
    return true;
}

void chain_place_put(uint8_t at[CHAIN_PLACE_BYTES], const struct chain_place *place)
{
    uint8_t *next = le_put_u32(at, place->segment);
    next = le_put_u32(next, place->offset);
    next = le_put_u32(next, place->length);
    next = le_put_u32(next, place->header_crc);
    next = le_put_u64(next, place->height);
    next = le_put_u32(next, 0);
    le_put_u32(next, crc32c_add(0, at, CHAIN_PLACE_BYTES - 4));
}

bool chain_place_get(const uint8_t at[CHAIN_PLACE_BYTES], struct chain_place *place)
{
    const uint32_t crc = crc32c_add(0, at, CHAIN_PLACE_BYTES - 4);
    if (le_get_u32(at + CHAIN_PLACE_BYTES - 4) != crc) return false;
    place->segment = le_get_u32(at);
    place->offset = le_get_u32(at + 4);
    place->length = le_get_u32(at + 8);
    place->header_crc = le_get_u32(at + 12);
    place->height = le_get_u64(at + 16);
    return (place->segment & ~CHAIN_HEADERS_FILE) > 0 && place->length > 0 &&
           le_get_u32(at + 24) == 0;
}

struct chain_place chain_place_of(const struct chain_record *record, uint32_t segment,
                                  uint32_t offset)
{
    struct chain_place place = {
        .segment = segment, .offset = offset, .length = record->length, .height = record->height};
    if (record->type != CHAIN_CERTIFICATE)
        place.header_crc = crc32c_add(0, record->payload, BLOCK_HEADER_BYTES);
    return place;
}

bool chain_place_empty(const uint8_t at[CHAIN_PLACE_BYTES])
{
    for (size_t i = 0; i < CHAIN_PLACE_BYTES; i++)
        if (at[i] != 0) return false;
    return true;
}

void chain_index_put(uint8_t at[CHAIN_INDEX_HEADER_BYTES], const struct chain_index *index)
{
    memset(at, 0, CHAIN_INDEX_HEADER_BYTES);
    le_put_u32(at, INDEX_MAGIC);
    le_put_u32(at + 4, INDEX_VERSION);
    le_put_u32(at + 8, index->synced_segment);
    le_put_u32(at + 12, index->synced_offset);
    le_put_u64(at + 16, index->base);
    le_put_u64(at + 24, index->first_body);
    le_put_u32(at + CHAIN_INDEX_HEADER_BYTES - 4, crc32c_add(0, at, CHAIN_INDEX_HEADER_BYTES - 4));
}

bool chain_index_get(const uint8_t at[CHAIN_INDEX_HEADER_BYTES], struct chain_index *index)
{
    const uint32_t crc = crc32c_add(0, at, CHAIN_INDEX_HEADER_BYTES - 4);
    if (le_get_u32(at) != INDEX_MAGIC || le_get_u32(at + 4) != INDEX_VERSION) return false;
    if (le_get_u32(at + CHAIN_INDEX_HEADER_BYTES - 4) != crc) return false;
    index->synced_segment = le_get_u32(at + 8);
    index->synced_offset = le_get_u32(at + 12);
    index->base = le_get_u64(at + 16);
    index->first_body = le_get_u64(at + 24);
    return true;
}

uint64_t chain_entry_offset(uint64_t base, uint64_t height)
{
    ASSERT(height > 0 && height >= base);
    return CHAIN_INDEX_HEADER_BYTES + (height - (base > 0 ? base : 1)) * CHAIN_ENTRY_BYTES;
}
