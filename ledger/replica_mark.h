/* Where a log and the state over it stand: the base of a replica, and the mark at a checkpoint's SEAL.
 *
 *     height u64 | index u64 | term u64 | hash 32 | configuration_index u64 |
 *     configuration_bytes u32 | configuration
 *
 * Owner    the caller; pure
 * Memory   what is read points into the bytes
 */

#ifndef LEDGER_REPLICA_MARK_H
#define LEDGER_REPLICA_MARK_H

#include "common/hash.h"
#include "ledger/sequence.h"
#include "ledger/wal.h"

#define REPLICA_MARK_BYTES_MAX (8 + 8 + 8 + HASH_BYTES + 8 + 4 + WAL_CONFIGURATION_BYTES_MAX)

/* Where a replica's log and state begin: after entry `index`, which the state has taken in. All zero: at
 * the genesis. */
struct replica_base {
    uint64_t index;
    uint64_t term;
    hash_t hash; /* running hash of the log at `index` */
    uint64_t configuration_index;
    const uint8_t *configuration; /* as the log holds it */
    uint32_t configuration_bytes;
    struct sequence_base sequence;
};

/* What a checkpoint must know of the log at the SEAL that it is taken at. */
struct replica_mark {
    uint64_t height;
    struct replica_base base;
};

/* Returns the bytes' count. base.sequence is not among them: engine and digest say the same.
 * Needs: REPLICA_MARK_BYTES_MAX. */
size_t replica_mark_put(const struct replica_mark *mark, uint8_t *bytes);

/* False for anything but exactly one mark; base.sequence is zero. */
MUST_CHECK bool replica_mark_get(const uint8_t *bytes, size_t byte_count,
                                 struct replica_mark *mark);

#endif /* LEDGER_REPLICA_MARK_H */
