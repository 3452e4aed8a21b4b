/* The write-ahead log: entries on disk before anyone hears of them.
 *
 * Segments of fixed size hold records (wal_record.h); a vote file (wal_vote.h) holds term and vote. Every
 * write starts on a fresh block, so what is durable is never written again. The log begins at a base, after
 * an entry that a checkpoint has taken in; at first that is entry 0. What lies below is given back by whole
 * segments and used again. wal_open reads the whole log and tells a torn tail, which it cuts for good, from
 * damage, which it names and refuses: wal_repair.h mends it. Any failure of the disk is logged once, with its
 * facts, and is the answer to every later call: the node stops.
 *
 * Owner    one thread
 * Memory   the log's own, bounded: two write buffers, a read window, one mark per
 *          WAL_MARK_ENTRIES entries, WAL_HASHES hashes. wal_close frees all of it.
 * Limits   one entry: wal_entry_bytes_max; a configuration: WAL_CONFIGURATION_BYTES_MAX
 * Cost     wal_append: one write for as many entries as fit it. A new segment is one more write and a rename
 *          when a file is at hand: one given back, or made by wal_prepare between writes
 *
 * Invariants, asserted by wal_check:
 *   W1  marks rise in index and lie at or below the last entry
 *   W2  the place of the next write is on a block and within its segment
 *   W3  the last entry is at or above every commit index recorded, and the commit index at or above the base
 *   W4  every segment begins where the one before it ended
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
#define WAL_HASHES                4096 /* of the last entries, in memory */
#define WAL_SPARES_MAX            4    /* files kept to be used again */

struct wal;

struct wal_options {
    const struct wal_disk *disk;
    uint64_t segment_bytes; /* a multiple of the block; 0 for the default. Of new segments only */
    hash_t chain_id;        /* begins the running hash; a log of another chain is refused */
    uint32_t node;
    bool create;             /* wal_open makes the vote file of an empty directory: a node alone */
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

/* Makes the vote file of a node that has never voted, in an empty directory: a new identity does this once.
 * From then on a directory without one belongs to a node that has forgotten what it voted for.
 * STATUS_EXISTS: there is a vote file or a segment; nothing is changed. */
MUST_CHECK enum status wal_create(const struct wal_options *options);

/* Opens the log. STATUS_DAMAGED fills `damage`; STATUS_AMNESIAC: no vote file, or none that can be read;
 * STATUS_MISMATCH: another chain's or node's log; STATUS_UNSUPPORTED: another version's. `*wal` is NULL
 * unless STATUS_OK. */
MUST_CHECK enum status wal_open(const struct wal_options *options, struct wal **wal,
                                struct wal_damage *damage);

/* Makes the log an empty one above `base`, where a checkpoint was taken that came from others. Older segments
 * go to the quarantine; the vote file stays. At a cut of the power in here the log is the old one or the
 * new one. Statuses of wal_open but STATUS_DAMAGED.
 * Needs: nobody has the log open. */
MUST_CHECK enum status wal_begin_at(const struct wal_options *options, const struct wal_base *base);

/* Notes how far the log went and frees everything. NULL is nothing. */
void wal_close(struct wal *wal);

/* Writes `count` entries with rising indexes; they are durable when it returns STATUS_OK. A first
 * index at or below the last replaces that entry and all after it. `commit` is recorded.
 * Needs: first index <= last + 1 and above every commit recorded, 0 < count, each length at most
 * wal_entry_bytes_max, a WAL_CONFIGURATION's at most WAL_CONFIGURATION_BYTES_MAX. */
MUST_CHECK enum status wal_append(struct wal *wal, const struct wal_entry *entries, uint32_t count,
                                  uint64_t commit);

/* Reads an entry; its bytes stay good until the next read. STATUS_NOT_FOUND above the last entry, and at
 * or below the base. */
MUST_CHECK enum status wal_read(struct wal *wal, uint64_t index, struct wal_entry *entry);

/* The last WAL_CONFIGURATION at or below `index`, also when it lies below the base (its term is then 0). Bytes
 * as wal_read. STATUS_NOT_FOUND: there is none. */
MUST_CHECK enum status wal_read_configuration(struct wal *wal, uint64_t index,
                                              struct wal_entry *entry);

/* The term and the running hash at `index`, from the base to the last entry; STATUS_NOT_FOUND elsewhere. Of
 * the last WAL_HASHES entries it is known without a read. */
MUST_CHECK enum status wal_hash(struct wal *wal, uint64_t index, uint64_t *term, hash_t *hash);

/* Does a piece of the work of preparing the next segment, or of giving one back, if there is any: call it between
 * writes. */
MUST_CHECK enum status wal_prepare(struct wal *wal);

/* Lets the segments go that lie wholly at or below `index`: the base rises to where the oldest segment left
 * begins. wal_prepare gives their files back, one a call: up to WAL_SPARES_MAX are kept to be written again, the
 * others removed.
 * Needs: a durable checkpoint holds everything up to `index`, which is committed. */
MUST_CHECK enum status wal_recycle(struct wal *wal, uint64_t index);

/* Where the log begins: after this entry. Good until the next wal_recycle. */
const struct wal_base *wal_base(const struct wal *wal);
uint64_t wal_base_index(const struct wal *wal);

uint64_t wal_last_index(const struct wal *wal);

/* The largest commit index recorded; at most the last index. */
uint64_t wal_commit_index(const struct wal *wal);

/* The last entry that a cut of a torn tail, or a repair, may have lost, while the log has not got there again:
 * until then this node may have acknowledged what it does not have, and votes for nobody. 0: none. It is
 * remembered over restarts. */
uint64_t wal_cut_index(const struct wal *wal);

/* The running hash at the last entry. */
hash_t wal_last_hash(const struct wal *wal);

uint32_t wal_entry_bytes_max(const struct wal *wal);

/* The last entry at or below `index` that is a WAL_CONFIGURATION, also below the base; or 0. */
uint64_t wal_configuration_index(const struct wal *wal, uint64_t index);

uint64_t wal_term(const struct wal *wal);
uint64_t wal_voted_for(const struct wal *wal);

/* Term and vote are durable when it returns STATUS_OK. */
MUST_CHECK enum status wal_set_vote(struct wal *wal, uint64_t term, uint64_t voted_for);

/* Asserts W1 to W4. */
bool wal_check(const struct wal *wal);

#endif /* LEDGER_WAL_H */
