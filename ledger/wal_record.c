#include "ledger/wal_record.h"

#include "common/le.h"
#include "ledger/crc32c.h"

#define RECORD_MAGIC   0x52575851u /* "QXWR" */
#define SEGMENT_MAGIC  0x53575851u /* "QXWS" */
#define HASHED_OFFSET  88          /* index, where the hashed bytes begin */
#define LENGTH_OFFSET  108
#define SEGMENT_HEADER 176 /* bytes before the configuration; the checksum covers all */

static_assert(SEGMENT_HEADER + WAL_CONFIGURATION_BYTES_MAX <= WAL_HEADER_BYTES, "it fits");
static_assert(HASHED_OFFSET + 8 + 8 + 4 + 4 == WAL_RECORD_HEADER_BYTES, "see the layout");

static uint64_t round_up(uint64_t value, uint64_t to)
{
    return (value + to - 1) & ~(to - 1);
}

size_t wal_record_span(uint64_t offset, uint32_t length, bool last)
{
    ASSERT((offset & 7) == 0);
    const uint64_t end = round_up(offset + WAL_RECORD_HEADER_BYTES + length, 8);
    return (size_t)((last ? round_up(end, WAL_BLOCK_BYTES) : end) - offset);
}

hash_t wal_record_put(uint8_t *at, uint64_t offset, const struct wal_record *record,
                      hash_t previous)
{
    const bool last = (record->flags & WAL_RECORD_LAST) != 0;
    const size_t span = wal_record_span(offset, record->length, last);

    uint8_t *hashed = at + HASHED_OFFSET;
    hashed = le_put_u64(hashed, record->index);
    hashed = le_put_u64(hashed, record->term);
    hashed = le_put_u32(hashed, record->type);
    hashed = le_put_u32(hashed, record->length);
    if (record->length > 0) hashed = le_put_bytes(hashed, record->payload, record->length);
    memset(hashed, 0, span - (size_t)(hashed - at));

    const hash_t hash = wal_record_hash(at, record, previous);
    uint8_t *to = le_put_u32(at + 4, RECORD_MAGIC);
    to = le_put_u64(to, record->generation);
    to = le_put_u64(to, record->write);
    to = le_put_u64(to, record->durable_write);
    to = le_put_u64(to, record->durable_index);
    to = le_put_u64(to, record->commit);
    to = le_put_bytes(to, hash.bytes, HASH_BYTES);
    to = le_put_u32(to, record->flags);
    le_put_u32(to, 0);
    le_put_u32(at, crc32c_add(0, at + 4, span - 4));
    return hash;
}

hash_t wal_record_hash(const uint8_t *at, const struct wal_record *record, hash_t previous)
{
    if (record->type == WAL_CUT) return previous;
    return hash_derive(previous.bytes, "quorex/log/1", at + HASHED_OFFSET,
                       WAL_RECORD_HEADER_BYTES - HASHED_OFFSET + record->length);
}

static void record_read(const uint8_t *at, struct wal_record *record)
{
    record->generation = le_get_u64(at + 8);
    record->write = le_get_u64(at + 16);
    record->durable_write = le_get_u64(at + 24);
    record->durable_index = le_get_u64(at + 32);
    record->commit = le_get_u64(at + 40);
    memcpy(record->hash.bytes, at + 48, HASH_BYTES);
    record->flags = le_get_u32(at + 80);
    record->index = le_get_u64(at + HASHED_OFFSET);
    record->term = le_get_u64(at + HASHED_OFFSET + 8);
    record->type = le_get_u32(at + HASHED_OFFSET + 16);
    record->length = le_get_u32(at + LENGTH_OFFSET);
    record->payload = at + WAL_RECORD_HEADER_BYTES;
}

static bool all_zero(const uint8_t *at, size_t byte_count)
{
    for (size_t i = 0; i < byte_count; i++)
        if (at[i] != 0) return false;
    return true;
}

enum wal_finding wal_record_get(const uint8_t *at, uint64_t offset, size_t available,
                                uint64_t generation, struct wal_record *record)
{
    if (available < WAL_RECORD_HEADER_BYTES)
        return all_zero(at, available) ? WAL_IS_ZERO : WAL_IS_FOREIGN;
    if (le_get_u32(at + 4) != RECORD_MAGIC)
        return all_zero(at, WAL_RECORD_HEADER_BYTES) ? WAL_IS_ZERO : WAL_IS_FOREIGN;
    if (le_get_u64(at + 8) != generation) return WAL_IS_FOREIGN;

    record_read(at, record);
    if (record->length > available - WAL_RECORD_HEADER_BYTES) return WAL_IS_BROKEN;
    const bool last = (record->flags & WAL_RECORD_LAST) != 0;
    const size_t span = wal_record_span(offset, record->length, last);
    if (span > available) return WAL_IS_BROKEN;
    if (le_get_u32(at) != crc32c_add(0, at + 4, span - 4)) return WAL_IS_BROKEN;
    return WAL_IS_RECORD;
}

void wal_segment_put(uint8_t header[WAL_HEADER_BYTES], const struct wal_segment *segment)
{
    const struct wal_base *base = &segment->base;
    ASSERT(base->configuration_bytes <= WAL_CONFIGURATION_BYTES_MAX);
    ASSERT(segment->generation != 0 && segment->sequence != 0);
    memset(header, 0, WAL_HEADER_BYTES);
    uint8_t *at = le_put_u32(header + 4, SEGMENT_MAGIC);
    at = le_put_u32(at, WAL_SEGMENT_VERSION);
    at = le_put_u32(at, segment->node);
    at = le_put_u64(at, segment->sequence);
    at = le_put_u64(at, segment->generation);
    at = le_put_u64(at, segment->segment_bytes);
    at = le_put_bytes(at, segment->chain_id.bytes, HASH_BYTES);
    at = le_put_u64(at, segment->replaces);
    at = le_put_u64(at, segment->patch);
    at = le_put_u64(at, base->index);
    at = le_put_u64(at, base->term);
    at = le_put_bytes(at, base->hash.bytes, HASH_BYTES);
    at = le_put_u64(at, segment->write);
    at = le_put_u64(at, segment->commit);
    at = le_put_u64(at, segment->lost);
    at = le_put_u64(at, base->configuration_index);
    at = le_put_u32(at, base->configuration_bytes);
    at = le_put_u32(at, 0);
    ASSERT(at == header + SEGMENT_HEADER);
    if (base->configuration_bytes > 0)
        le_put_bytes(at, base->configuration, base->configuration_bytes);
    le_put_u32(header, crc32c_add(0, header + 4, WAL_HEADER_BYTES - 4));
}

static const char *segment_fault(const struct wal_segment *segment)
{
    const struct wal_base *base = &segment->base;
    if (segment->sequence == 0 || segment->generation == 0) return "the header's numbers are none";
    if (segment->replaces > segment->sequence || segment->patch > segment->sequence)
        return "the header replaces what comes after it";
    if (base->configuration_bytes > WAL_CONFIGURATION_BYTES_MAX ||
        base->configuration_index > base->index)
        return "the header's configuration is none";
    if (segment->commit > base->index) return "the header's commit is above its base";
    return NULL;
}

const char *wal_segment_get(const uint8_t header[WAL_HEADER_BYTES], struct wal_segment *segment)
{
    if (le_get_u32(header + 4) != SEGMENT_MAGIC) return "the header is not a segment's";
    if (le_get_u32(header) != crc32c_add(0, header + 4, WAL_HEADER_BYTES - 4))
        return "the header's checksum is wrong";
    if (le_get_u32(header + 8) != WAL_SEGMENT_VERSION) return "the header is of another version";
    struct wal_base *base = &segment->base;
    segment->node = le_get_u32(header + 12);
    segment->sequence = le_get_u64(header + 16);
    segment->generation = le_get_u64(header + 24);
    segment->segment_bytes = le_get_u64(header + 32);
    memcpy(segment->chain_id.bytes, header + 40, HASH_BYTES);
    segment->replaces = le_get_u64(header + 72);
    segment->patch = le_get_u64(header + 80);
    base->index = le_get_u64(header + 88);
    base->term = le_get_u64(header + 96);
    memcpy(base->hash.bytes, header + 104, HASH_BYTES);
    segment->write = le_get_u64(header + 136);
    segment->commit = le_get_u64(header + 144);
    segment->lost = le_get_u64(header + 152);
    base->configuration_index = le_get_u64(header + 160);
    base->configuration_bytes = le_get_u32(header + 168);
    base->configuration = header + SEGMENT_HEADER;
    return segment_fault(segment);
}

void wal_scan_begin(struct wal_scan *scan, const struct wal_segment *segment)
{
    *scan = (struct wal_scan){
        .index = segment->base.index,
        .term = segment->base.term,
        .write = segment->write,
        /* A log begins where a checkpoint was taken: what lies below is committed. */
        .commit = segment->base.index,
        .hash = segment->base.hash,
        .lost = segment->lost,
    };
}

bool wal_scan_reaches(const struct wal_scan *scan, const struct wal_segment *segment)
{
    return scan->index == segment->base.index && scan->term == segment->base.term &&
           hash_equal(scan->hash, segment->base.hash) && scan->write <= segment->write;
}

void wal_scan_enter(struct wal_scan *scan, const struct wal_segment *segment)
{
    scan->write = segment->write;
    scan->write_broken = false;
    scan->lost = segment->lost;
    if (segment->commit > scan->commit) scan->commit = segment->commit;
}

const char *wal_scan_follows(const struct wal_scan *scan, const struct wal_record *record)
{
    const bool same_write = scan->write_broken && record->write == scan->write;
    if (!same_write && record->write != scan->write + 1) return "a write is missing before it";
    if (record->type == WAL_CUT) return record->index == scan->index ? NULL : "a cut elsewhere";
    /* Only a cut may follow a write that was not whole. */
    if (!same_write && scan->write_broken) return "the rest of a write is missing before it";
    if (record->index == 0 || record->index > scan->index + 1) return "its index is out of order";
    if (record->index <= scan->commit && record->index <= scan->index)
        return "it replaces a committed entry";
    if (record->index == scan->index + 1 && record->term < scan->term) return "its term is too low";
    if (record->durable_write >= record->write) return "it claims to be older than itself";
    return NULL;
}

void wal_scan_take(struct wal_scan *scan, const struct wal_record *record)
{
    scan->write = record->write;
    scan->write_broken = (record->flags & WAL_RECORD_LAST) == 0;
    if (record->commit > scan->commit) scan->commit = record->commit;
    if (record->type == WAL_CUT) {
        if (record->length == 8) scan->lost = le_get_u64(record->payload);
        return;
    }
    scan->index = record->index;
    scan->term = record->term;
    scan->hash = record->hash;
    if (scan->index >= scan->lost) scan->lost = 0;
}

uint64_t wal_scan_missing_write(const struct wal_scan *scan)
{
    return scan->write_broken ? scan->write : scan->write + 1;
}
