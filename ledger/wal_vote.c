#include "ledger/wal_vote.h"

#include "common/le.h"
#include "ledger/crc32c.h"

#define VOTE_MAGIC   0x56575851u /* "QXWV" */
#define VOTE_VERSION 2

void wal_vote_put(uint8_t slot[WAL_BLOCK_BYTES], const struct wal_vote *vote)
{
    memset(slot, 0, WAL_BLOCK_BYTES);
    uint8_t *at = le_put_u32(slot + 4, VOTE_MAGIC);
    at = le_put_u32(at, VOTE_VERSION);
    at = le_put_u32(at, vote->node);
    at = le_put_u64(at, vote->serial);
    at = le_put_u64(at, vote->term);
    at = le_put_u64(at, vote->voted_for);
    at = le_put_u64(at, vote->durable_write);
    at = le_put_u64(at, vote->durable_index);
    at = le_put_bytes(at, vote->durable_hash.bytes, HASH_BYTES);
    at = le_put_u64(at, vote->begins);
    le_put_bytes(at, vote->chain_id.bytes, HASH_BYTES);
    le_put_u32(slot, crc32c_add(0, slot + 4, WAL_BLOCK_BYTES - 4));
}

bool wal_vote_get(const uint8_t slot[WAL_BLOCK_BYTES], struct wal_vote *vote)
{
    if (le_get_u32(slot + 4) != VOTE_MAGIC) return false;
    if (le_get_u32(slot) != crc32c_add(0, slot + 4, WAL_BLOCK_BYTES - 4)) return false;
    if (le_get_u32(slot + 8) != VOTE_VERSION) return false;
    vote->node = le_get_u32(slot + 12);
    vote->serial = le_get_u64(slot + 16);
    vote->term = le_get_u64(slot + 24);
    vote->voted_for = le_get_u64(slot + 32);
    vote->durable_write = le_get_u64(slot + 40);
    vote->durable_index = le_get_u64(slot + 48);
    memcpy(vote->durable_hash.bytes, slot + 56, HASH_BYTES);
    vote->begins = le_get_u64(slot + 88);
    memcpy(vote->chain_id.bytes, slot + 96, HASH_BYTES);
    return true;
}

bool wal_vote_choose(const uint8_t slots[WAL_VOTE_BYTES], struct wal_vote *vote, bool *repair)
{
    struct wal_vote first, second;
    const bool first_read = wal_vote_get(slots, &first);
    const bool second_read = wal_vote_get(slots + WAL_BLOCK_BYTES, &second);
    *repair = !first_read || !second_read || first.serial != second.serial;
    if (!first_read && !second_read) return false;
    *vote = !second_read || (first_read && first.serial >= second.serial) ? first : second;
    return true;
}
