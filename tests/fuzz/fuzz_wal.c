/* Bytes of a log segment and of a vote file, whatever they are: each is refused or is exactly what
 * encoding gives back, and nothing is read beyond them. The reader of peers' logs meets these too. */

#include "ledger/crc32c.h"
#include "ledger/wal_record.h"
#include "ledger/wal_vote.h"

#include <stdlib.h>
#include <string.h>

#define GENERATION 0x5157515751575157u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A record that was read is put again: the same bytes, or it was not one of ours. */
static void check_record(const uint8_t *at, uint64_t offset, size_t available)
{
    struct wal_record record;
    if (wal_record_get(at, offset, available, GENERATION, &record) != WAL_IS_RECORD) return;
    const bool last = (record.flags & WAL_RECORD_LAST) != 0;
    const size_t span = wal_record_span(offset, record.length, last);
    ASSERT(span <= available);
    ASSERT(record.payload + record.length <= at + span);
    struct wal_scan scan = {.hash = record.hash};
    if (wal_scan_follows(&scan, &record) == NULL) wal_scan_take(&scan, &record);
}

/* Puts a record made of the input and reads it back, whole and with one byte changed. */
static void check_round_trip(const uint8_t *data, size_t size)
{
    static uint8_t bytes[3 * WAL_BLOCK_BYTES + 4096];
    if (size < 16) return;
    const size_t length = size - 16 > 4096 ? 4096 : size - 16;
    struct wal_record put = {.generation = GENERATION,
                             .write = data[0] + 1u,
                             .durable_write = data[1],
                             .index = data[2] + 1u,
                             .term = data[3],
                             .type = data[4],
                             .flags = data[5] & WAL_RECORD_LAST,
                             .length = (uint32_t)length,
                             .payload = data + 16};
    const uint64_t offset = (uint64_t)(data[6] & 0x7f) * 8 + (uint64_t)(data[7] & 3) * 1024;
    const size_t span = wal_record_span(offset, put.length, (put.flags & WAL_RECORD_LAST) != 0);
    ASSERT(span <= sizeof(bytes));
    wal_record_put(bytes, offset, &put, (hash_t){{data[8]}});
    struct wal_record got;
    ASSERT(wal_record_get(bytes, offset, span, GENERATION, &got) == WAL_IS_RECORD);
    ASSERT(got.index == put.index && got.length == put.length && got.type == put.type);
    ASSERT(memcmp(got.payload, put.payload, put.length) == 0);
    const size_t changed = (size_t)(data[9] + 256u * data[10]) % span;
    bytes[changed] ^= 0x40;
    ASSERT(wal_record_get(bytes, offset, span, GENERATION, &got) != WAL_IS_RECORD);
}

/* Any bytes under a good checksum: what is taken for a header comes back byte by byte, and its configuration lies
 * within it. */
static void check_header(const uint8_t *data)
{
    static uint8_t header[WAL_HEADER_BYTES], again[WAL_HEADER_BYTES];
    struct wal_segment segment;
    memcpy(header, data, sizeof(header));
    memcpy(header + 4, "QXWS", 4);
    header[8] = WAL_SEGMENT_VERSION;
    memset(header + 9, 0, 3);
    const uint32_t crc = crc32c_add(0, header + 4, WAL_HEADER_BYTES - 4);
    memcpy(header, &crc, 4);
    if (wal_segment_get(header, &segment) != NULL) return;
    ASSERT(segment.base.configuration + segment.base.configuration_bytes <=
           header + WAL_HEADER_BYTES);
    ASSERT(segment.base.configuration_index <= segment.base.index);
    wal_segment_put(again, &segment);
    struct wal_segment second;
    ASSERT(wal_segment_get(again, &second) == NULL);
    ASSERT(second.base.index == segment.base.index && second.lost == segment.lost);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool started;
    if (!started && !hash_start()) abort();
    started = true;

    for (size_t offset = 0; offset < size && offset < 256; offset += 8)
        check_record(data + offset, offset, size - offset);
    check_round_trip(data, size);

    static uint8_t block[WAL_VOTE_BYTES];
    memset(block, 0, sizeof(block));
    memcpy(block, data, size < sizeof(block) ? size : sizeof(block));
    struct wal_segment segment;
    struct wal_vote vote;
    bool repair;
    (void)!(wal_segment_get(block, &segment) == NULL);
    check_header(block);
    if (wal_vote_choose(block, &vote, &repair)) ASSERT(repair || vote.serial != UINT64_MAX);
    return 0;
}
