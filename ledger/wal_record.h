/* What lies in a log segment: its header, the records, and what a scan concludes from them.
 *
 *     segment   header | the same header | write | write | ... | zeros, or what an earlier life left
 *     header    crc32c u32 | magic u32 "QXWS" | version u32 | node u32 | sequence u64 | generation u64 |
 *               segment_bytes u64 | chain_id 32 | replaces u64 | patch u64 |
 *               index u64 | term u64 | hash 32 | write u64 | commit u64 | lost u64 |
 *               configuration_index u64 | configuration_bytes u32 | zero u32 | configuration |
 *               zeros to WAL_HEADER_BYTES
 *     write     record | record | ... | zeros to the next block, so that durable bytes are never
 *               written again
 *     record    crc32c u32 | magic u32 "QXWR" | generation u64 | write u64 | durable_write u64 |
 *               durable_index u64 | commit u64 | hash 32 | flags u32 | zero u32 |
 *               index u64 | term u64 | type u32 | length u32 | payload | zeros to 8 bytes
 *
 * The last record of a write says so, and its checksum covers the zeros to the end of the block.
 * `hash` is the running hash of the log up to and including this entry: BLAKE2b over everything from
 * `index` on, keyed by the hash before it. A segment has a random generation, which its records
 * repeat: what an earlier life of the file left behind is never taken for new.
 *
 * The header's second group is where the log stood when the segment began: its base. So a log can begin with
 * any segment, and every segment proves that what the one before it ended with was durable. The header is
 * written, twice over, before the file gets a segment's name; one copy that rots is made again from the other.
 * `replaces` is 0, or the sequence from which on older segments are dead: a log that begins at a checkpoint, or
 * that was mended. `patch` is 0, or the sequence of the first of the segments that take their place together.
 *
 * An entry whose index is not above the last one replaces it and all after it; nothing is erased.
 *
 * Writes are numbered and are issued one after the other, so a record with durable_write >= w proves
 * that write w was on disk. Bytes that cannot be read are damage when such a proof exists (in a later
 * record or in the vote file), and a torn tail, which nobody was promised, when it does not. A torn
 * tail is zeroed and closed by a record of type WAL_CUT, which is not an entry and leaves the hash. Its payload,
 * a u64, is the last index that may have been lost.
 *
 * Memory   decoded views point into the bytes they were decoded from
 */

#ifndef LEDGER_WAL_RECORD_H
#define LEDGER_WAL_RECORD_H

#include "common/hash.h"

#define WAL_BLOCK_BYTES         4096
#define WAL_RECORD_HEADER_BYTES 112
#define WAL_SEGMENT_VERSION     2
#define WAL_HEADER_BYTES        8192                   /* one copy */
#define WAL_RECORDS_OFFSET      (2 * WAL_HEADER_BYTES) /* where the first write goes */

#define WAL_CONFIGURATION_BYTES_MAX (WAL_HEADER_BYTES - 192)

#define WAL_RECORD_LAST 1u /* flag: the last record of its write */

#define WAL_CUT 0u /* type of a record that closes a cut; entries have types above it */

struct wal_record {
    uint64_t generation;
    uint64_t write;         /* 1, 2, 3 ... over the whole log */
    uint64_t durable_write; /* known durable when this one was issued */
    uint64_t durable_index; /* the last entry known durable then */
    uint64_t commit;        /* the last entry known committed then */
    hash_t hash;
    uint32_t flags;
    uint64_t index;
    uint64_t term;
    uint32_t type;
    uint32_t length;
    const uint8_t *payload;
};

/* What lies at a place where a record may begin. */
enum wal_finding {
    WAL_IS_RECORD,
    WAL_IS_ZERO,    /* nothing was ever written here */
    WAL_IS_FOREIGN, /* no record's magic, or another generation */
    WAL_IS_BROKEN,  /* begins like a record, but length or checksum are wrong */
};

/* Bytes a record takes from `offset` in its segment on. Needs: offset is a multiple of 8. */
size_t wal_record_span(uint64_t offset, uint32_t length, bool last);

/* Writes `record` as it lies at `offset` of its segment, its hash following `previous`, and returns
 * the hash. A WAL_CUT keeps `previous`. Needs: wal_record_span bytes at `at`; `payload` is not there. */
hash_t wal_record_put(uint8_t *at, uint64_t offset, const struct wal_record *record,
                      hash_t previous);

/* Looks at what lies at `at`, which is `offset` of a segment with `available` bytes left in it. Fills
 * `record` when it is one. */
enum wal_finding wal_record_get(const uint8_t *at, uint64_t offset, size_t available,
                                uint64_t generation, struct wal_record *record);

/* The running hash that the record at `at` must carry. Needs: wal_record_get said WAL_IS_RECORD. */
hash_t wal_record_hash(const uint8_t *at, const struct wal_record *record, hash_t previous);

/* Where a log begins: after entry `index`. */
struct wal_base {
    uint64_t index;
    uint64_t term;
    hash_t hash;                  /* running hash at `index`; at 0 the chain id */
    uint64_t configuration_index; /* the last WAL_CONFIGURATION at or below `index`; 0: none */
    const uint8_t *configuration; /* its bytes */
    uint32_t configuration_bytes;
};

struct wal_segment {
    uint64_t sequence;   /* 1, 2, 3 ...: its place in the log */
    uint64_t generation; /* random, never 0 */
    uint64_t segment_bytes;
    uint64_t replaces; /* see above */
    uint64_t patch;
    uint32_t node;
    hash_t chain_id;
    uint64_t write;  /* the last write before it */
    uint64_t commit; /* the largest recorded before it */
    uint64_t lost;   /* see wal_cut_index */
    struct wal_base base;
};

/* Writes one copy of the header. */
void wal_segment_put(uint8_t header[WAL_HEADER_BYTES], const struct wal_segment *segment);

/* NULL, or what is wrong with this copy of the header. segment->base.configuration points into it. */
MUST_CHECK const char *wal_segment_get(const uint8_t header[WAL_HEADER_BYTES],
                                       struct wal_segment *segment);

/* Where a scan stands: the facts of the last record that followed. */
struct wal_scan {
    uint64_t index; /* last entry; 0 before the first */
    uint64_t term;
    uint64_t write;
    uint64_t commit;   /* largest recorded */
    hash_t hash;       /* running hash after `index` */
    uint64_t lost;     /* see wal_cut_index */
    bool write_broken; /* the last record was not the last of its write */
};

/* Stands where `segment` begins. */
void wal_scan_begin(struct wal_scan *scan, const struct wal_segment *segment);

/* Whether `segment` begins where the scan stands. */
MUST_CHECK bool wal_scan_reaches(const struct wal_scan *scan, const struct wal_segment *segment);

/* Goes on in a segment that was reached. */
void wal_scan_enter(struct wal_scan *scan, const struct wal_segment *segment);

/* Whether `record` may come next; NULL, or why not. Looks at numbers, not at the hash. */
MUST_CHECK const char *wal_scan_follows(const struct wal_scan *scan,
                                        const struct wal_record *record);

/* Moves past a record that follows and whose hash was compared. */
void wal_scan_take(struct wal_scan *scan, const struct wal_record *record);

/* The first write that is not wholly there. */
uint64_t wal_scan_missing_write(const struct wal_scan *scan);

#endif /* LEDGER_WAL_RECORD_H */
