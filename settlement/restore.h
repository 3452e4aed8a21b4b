/* A settlement made again from its snapshot (snapshot.h).
 *
 * It answers everything as the one did that was written, has the same roots, and its own snapshot is the
 * same bytes. A snapshot is outside input: whatever it says is checked before it is used, so that a restored
 * settlement holds every invariant of settle_check and of its parts, or there is none.
 *
 *     form, hash, chain ─► numbers, parameters ─► accounts, sums ─► keys ─► orders, lists ─► switches
 *                                                                     └► holds explained ─► tree
 *
 * What an order holds is counted from its fields, and must add up to what its account holds.
 *
 * Owner    whoever starts the settlement's thread, before it runs
 * Memory   as settlement_new. When the status is not STATUS_OK the arena is spoilt and must be unmapped.
 * Cost     O(accounts x assets + orders + keys); of a million accounts most is the tree (0.4 s)
 */

#ifndef SETTLEMENT_RESTORE_H
#define SETTLEMENT_RESTORE_H

#include "common/genesis.h"
#include "common/status.h"

struct arena;
struct settlement;

/* Makes *settlement in the arena, which has settlement_bytes(genesis) to give, all zero. `genesis` must
 * outlive it; the secret is copied. The tree secret is the one of the version in the parameters: with
 * another one the roots (settlement_roots) are others, so compare them with the header of the
 * height.
 *
 * STATUS_NO_MEMORY: the arena is too small. STATUS_UNSUPPORTED: not a snapshot of this version.
 * STATUS_MISMATCH: of another genesis. STATUS_DAMAGED: the bytes are not those that were hashed.
 * STATUS_MALFORMED: they are, and say what no settlement's state is. */
MUST_CHECK enum status restore_settlement(struct arena *arena, const struct genesis *genesis,
                                          const uint8_t tree_secret[32], const uint8_t *bytes,
                                          size_t byte_count, struct settlement **settlement);

#endif /* SETTLEMENT_RESTORE_H */
