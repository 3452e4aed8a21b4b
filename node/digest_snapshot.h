/* The digest of a chain as bytes: where its headers have come to, to go on from there.
 *
 *     version u32 | height u64 | command u64 | last header's hash 32 | epoch u64 | change height u64
 *     | set | next set | peaks of the history, 32 each
 *
 *     set: count u32 | per member: node u32, role u8, public key 32, address 64
 *
 * A digest between two blocks is settlement (settlement/snapshot.h) and this. The next set has no members
 * when no change is decided; how many peaks there are follows from the height. Canonical: two digests of
 * one chain at one height have the same bytes.
 *
 * Owner    the digest's thread between two blocks; pure
 * Memory   nothing is kept
 */

#ifndef NODE_DIGEST_SNAPSHOT_H
#define NODE_DIGEST_SNAPSHOT_H

#include "common/status.h"
#include "node/digest.h"

#define DIGEST_SNAPSHOT_VERSION      1
#define DIGEST_SNAPSHOT_HEAD_BYTES   (4 + 8 + 8 + HASH_BYTES + 8 + 8)
#define DIGEST_SNAPSHOT_MEMBER_BYTES (4 + 1 + PUBLIC_KEY_BYTES + NODE_ADDRESS_BYTES)
#define DIGEST_SNAPSHOT_BYTES_MAX \
    (DIGEST_SNAPSHOT_HEAD_BYTES + \
     2 * (4 + (size_t)NODE_SET_LIMIT * DIGEST_SNAPSHOT_MEMBER_BYTES) + \
     (size_t)MERKLE_DEPTH_MAX * HASH_BYTES)

/* Writes the digest; returns the bytes' count.
 * Needs: the last record ended a block, or there was none; room for DIGEST_SNAPSHOT_BYTES_MAX. */
size_t digest_snapshot_put(const struct digest *digest, uint8_t *bytes);

/* Makes the digest that goes on from there with `settlement`, restored from the same moment's snapshot.
 * STATUS_UNSUPPORTED: another version. STATUS_MALFORMED: not what digest_snapshot_put writes.
 * STATUS_MISMATCH: settlement stands at another command or height.
 * Needs: both outlive the digest; whoever sets `chain` sets it again. */
MUST_CHECK enum status digest_snapshot_get(struct digest *digest, const struct genesis *genesis,
                                           struct settlement *settlement, const uint8_t *bytes,
                                           size_t byte_count);

/* The membership alone, without a settlement: whose signatures count from the next block on. False: not what
 * digest_snapshot_put writes. */
MUST_CHECK bool digest_snapshot_membership(const struct genesis *genesis, const uint8_t *bytes,
                                           size_t byte_count, struct membership *membership);

#endif /* NODE_DIGEST_SNAPSHOT_H */
