/* What a node must not forget beside its log: its term, its vote in it, where its log begins and how far it went.
 *
 * The vote file holds the same slot twice, one block each. A change is on disk when both are written,
 * one after the other: a torn slot leaves the other, and one that rots is made again from the other.
 * `durable_write` is a proof of writes that no later record may give: see wal_record.h.
 *
 *     slot   crc32c u32 | magic u32 "QXWV" | version u32 | node u32 | serial u64 | term u64 |
 *            voted_for u64 | durable_write u64 | durable_index u64 | durable_hash 32 |
 *            begins u64 | chain_id 32 | zeros to the block's end
 */

#ifndef LEDGER_WAL_VOTE_H
#define LEDGER_WAL_VOTE_H

#include "ledger/wal_record.h"

#define WAL_VOTE_SLOTS 2
#define WAL_VOTE_BYTES (WAL_VOTE_SLOTS * WAL_BLOCK_BYTES)

struct wal_vote {
    uint64_t serial; /* rises with each change */
    uint64_t term;
    uint64_t voted_for; /* node, or 0 */
    uint64_t durable_write;
    uint64_t durable_index; /* the last entry then, and the running hash there */
    hash_t durable_hash;
    uint64_t
        begins; /* sequence of the log's oldest segment; older ones count no more. 0: not known yet */
    uint32_t node;
    hash_t chain_id;
};

void wal_vote_put(uint8_t slot[WAL_BLOCK_BYTES], const struct wal_vote *vote);
MUST_CHECK bool wal_vote_get(const uint8_t slot[WAL_BLOCK_BYTES], struct wal_vote *vote);

/* The newer of the two slots that can be read; false when neither can. `repair` says whether the two
 * differ, so that both must be written again. */
MUST_CHECK bool wal_vote_choose(const uint8_t slots[WAL_VOTE_BYTES], struct wal_vote *vote,
                                bool *repair);

#endif /* LEDGER_WAL_VOTE_H */
