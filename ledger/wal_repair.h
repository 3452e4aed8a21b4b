/* Mending a damaged log: which entries cannot be read, and writing it anew with them.
 *
 * A hole is a range of entries that were durable and cannot be read: bytes that rotted, a header, a whole
 * file. What lies behind it is not lost, only unproved, until the hole is filled: the running hash must lead
 * through the entries of others to exactly the next record that can be read. Behind the last hole may be
 * nothing; then the caller vouches for the hash at the end (the leader's).
 *
 *     wal_survey            what is missing
 *     wal_patch_begin       reads the log again, and copies what is good up to the first hole
 *     while (wal_patch_needs(patch, &hole)) ask peers for hole.first .. hole.last, wal_patch_add each
 *     wal_patch_end         the log is whole; wal_open
 *
 * The segments from the first damaged one on are written anew under names of their own and take the place of
 * the old ones with one rename; the old ones go to the quarantine as they are. At a cut of the power the log is
 * the old one or the new one, and nothing is ever removed.
 *
 * Owner    one thread; nobody has the log open meanwhile
 * Memory   wal_patch_begin gives, wal_patch_end and wal_patch_drop free
 * Limits   a survey tells WAL_HOLES_MAX holes; a patch asks for any number, one after the other
 */

#ifndef LEDGER_WAL_REPAIR_H
#define LEDGER_WAL_REPAIR_H

#include "ledger/wal.h"

#define WAL_HOLES_MAX 64

struct wal_hole {
    uint64_t first, last; /* entries */
    hash_t previous;      /* the running hash before `first` */
    bool
        tail; /* nothing can be read behind it: `last` is the last entry known to have been durable */
};

/* Finds the holes, by rising index. STATUS_OK: none, wal_open will work. STATUS_DAMAGED: it will not; `*count`
 * holes, which may be 0: what cannot be read is not needed, and a patch without an entry mends it. Others as
 * wal_open. Changes no entry.
 * Needs: room for WAL_HOLES_MAX. */
MUST_CHECK enum status wal_survey(const struct wal_options *options, struct wal_hole *holes,
                                  uint32_t *count);

struct wal_patch;

/* Begins to mend. With a `base` (of a certified checkpoint on disk) the log will begin there, and what is lost
 * at or below it is not needed; without one it begins where it does now, or at entry 0 when that is lost.
 * STATUS_MISMATCH: the entries behind `base` do not follow from it. Others as wal_survey. */
MUST_CHECK enum status wal_patch_begin(const struct wal_options *options,
                                       const struct wal_base *base, struct wal_patch **patch);

/* The hole at hand, from the entry that is due next on; false when nothing is missing any more. A hole at the tail
 * may be left open. */
MUST_CHECK bool wal_patch_needs(const struct wal_patch *patch, struct wal_hole *hole);

/* The next entry: of the hole at hand, or, when nothing more can be read, behind the last (as many as the
 * caller has). STATUS_MISMATCH: the hole's entries do not lead to the next record; the hole is asked for again,
 * and may begin lower: what cannot be read may have replaced what can. STATUS_MALFORMED: not the next entry, or
 * none that a log may hold; nothing is done. */
MUST_CHECK enum status wal_patch_add(struct wal_patch *patch, const struct wal_entry *entry);

/* Index and running hash of what the patched log would end with now. */
uint64_t wal_patch_last_index(const struct wal_patch *patch);
hash_t wal_patch_last_hash(const struct wal_patch *patch);

/* Puts the new segments in place of the old ones. `vouched`: what the running hash at wal_patch_last_index
 * must be; NULL only when no entry was added at the tail. A tail that was not filled up to its last entry
 * shows in wal_cut_index. STATUS_MISMATCH: another hash; nothing is changed then. Frees the patch.
 * Needs: no hole is left but one at the tail. */
MUST_CHECK enum status wal_patch_end(struct wal_patch *patch, const hash_t *vouched);

/* Gives up; the log is as it was. NULL is nothing. */
void wal_patch_drop(struct wal_patch *patch);

#endif /* LEDGER_WAL_REPAIR_H */
