/* The write-ahead log: entries on disk before anyone hears of them.
 *
 * Segments of fixed size, written with zeros ahead of use, hold records (wal_record.h); a vote file
 * (wal_vote.h) holds term and vote. Every write starts on a fresh block, so what is durable is never
 * written again. wal_open reads the whole log and tells a torn tail, which it cuts for good, from
 * damage, which it names and refuses. Any failure of the disk is logged once, with its facts, and is
 * the answer to every later call: the node stops.
 *
 * Owner    one thread
 * Memory   the log's own, bounded: two write buffers, a read window, one mark per
 *          WAL_MARK_ENTRIES entries. wal_close frees all of it.
 * Limits   one entry: wal_entry_bytes_max
 * Cost     wal_append: one write for as many entries as fit it; a new segment without delay when
 *          wal_prepare was called between writes
 *
 * Invariants, asserted by wal_check:
 *   W1  marks rise in index and lie at or below the last entry
 *   W2  the place of the next write is on a block and within its segment
 *   W3  the last entry is at or above every commit index recorded
 */

#ifndef LEDGER_WAL_H
#define LEDGER_WAL_H

#include "common/metrics.h"
#include "common/status.h"
#include "ledger/wal_disk.h"
#include "ledger/wal_record.h"

#define WAL_SEGMENT_BYTES_DEFAULT (16 * 1024 * 1024)
#define WAL_SEGMENT_BYTES_MIN     (64 * 1024)
#define WAL_MARK_ENTRIES          64

struct wal;

struct wal_options {
    const struct wal_disk *disk;
    uint64_t segment_bytes; /* a multiple of the block; 0 for the default. Of new segments only */
    hash_t chain_id;        /* begins the running hash; a log of another chain is refused */
    uint32_t node;
    struct metrics *metrics; /* wal_writes_total and wal_bytes_total, or NULL */
};

/* Types of entries: those of the consensus engine. */
enum wal_type { WAL_COMMANDS = 1, WAL_BARRIER = 2, WAL_CONFIGURATION = 3 };

struct wal_entry {
    uint64_t index;
    uint64_t term;
    uint32_t type; /* enum wal_type */
    uint32_t length;
    const uint8_t *bytes;
};

/* Where and what is wrong, for people: also in the log. */
struct wal_damage {
    char file[32];
    uint64_t offset;
    uint64_t index; /* the entry that should be there */
    const char *what;
};

/* Opens or makes the log. STATUS_DAMAGED fills `damage`; STATUS_MISMATCH: another chain's or node's
 * log; STATUS_UNSUPPORTED: another version's. `*wal` is NULL unless STATUS_OK. */
MUST_CHECK enum status wal_open(const struct wal_options *options, struct wal **wal,
                                struct wal_damage *damage);

/* Notes how far the log went and frees everything. NULL is nothing. */
void wal_close(struct wal *wal);

/* Writes `count` entries with rising indexes; they are durable when it returns STATUS_OK. A first
 * index at or below the last replaces that entry and all after it. `commit` is recorded.
 * Needs: first index <= last + 1 and above every commit recorded, 0 < count, each length at most
 * wal_entry_bytes_max. */
MUST_CHECK enum status wal_append(struct wal *wal, const struct wal_entry *entries, uint32_t count,
                                  uint64_t commit);

/* Reads an entry; its bytes stay good until the next read. STATUS_NOT_FOUND above the last entry. */
MUST_CHECK enum status wal_read(struct wal *wal, uint64_t index, struct wal_entry *entry);

/* Does a piece of the work of preparing the next segment, if one is due: call it between writes. */
MUST_CHECK enum status wal_prepare(struct wal *wal);

uint64_t wal_last_index(const struct wal *wal);

/* The largest commit index recorded; at most the last index. */
uint64_t wal_commit_index(const struct wal *wal);

/* The running hash at the last entry. */
hash_t wal_last_hash(const struct wal *wal);

uint32_t wal_entry_bytes_max(const struct wal *wal);

/* The last entry at or below `index` that is a WAL_CONFIGURATION, or 0. */
uint64_t wal_configuration_index(const struct wal *wal, uint64_t index);

uint64_t wal_term(const struct wal *wal);
uint64_t wal_voted_for(const struct wal *wal);

/* Term and vote are durable when it returns STATUS_OK. */
MUST_CHECK enum status wal_set_vote(struct wal *wal, uint64_t term, uint64_t voted_for);

/* Asserts W1 to W3. */
bool wal_check(const struct wal *wal);

#endif /* LEDGER_WAL_H */
