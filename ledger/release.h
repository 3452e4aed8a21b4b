/* A release: that a withdrawal is approved in a block, by the path from its leaf to the releases that events_hash binds.
 *
 * Money leaves the exchange on a certificate. Who pays out checks it with this and ledger/attestation.h, and need not
 * believe the node that he asked: amount, address and asset are in the leaf, and more than two thirds of the voters
 * have signed the header above it.
 *
 * Owner    the caller; pure
 * Cost     check: a hash a level. From a body: all of it is hashed, some three times
 */

#ifndef LEDGER_RELEASE_H
#define LEDGER_RELEASE_H

#include "common/proof.h"
#include "common/status.h"

/* What is wrong with the release under this header, which has been attested; NULL: nothing. */
const char *release_fault(const struct proof_release *release, const struct block_header *header);

/* Makes the release of a withdrawal out of the body of its block. `leaves` has room for header->tx_count hashes.
 * STATUS_NOT_FOUND: it was not approved there, or the block is of older rules; STATUS_DAMAGED: the body is not the
 * header's. */
MUST_CHECK enum status release_make(const struct block_header *header, const uint8_t *body,
                                    size_t body_bytes, uint64_t withdrawal, hash_t *leaves,
                                    struct proof_release *release);

/* ---- What is kept of a block when its body goes: enough for the release of every withdrawal that it approves.
 *
 *     events hash 32 | count u32 | count x (leaf bytes u16 | leaf)
 */

/* Room for what is kept of the block. */
size_t release_kept_bytes_max(const struct block_header *header);

/* Writes what is kept; `byte_count` is how long it is. STATUS_NOT_FOUND: the block approves nothing; STATUS_DAMAGED: the
 * body is not the header's. */
MUST_CHECK enum status release_keep(const struct block_header *header, const uint8_t *body,
                                    size_t body_bytes, uint8_t *kept, size_t *byte_count);

/* As release_make, out of what was kept. */
MUST_CHECK enum status release_of_kept(const struct block_header *header, const uint8_t *kept,
                                       size_t byte_count, uint64_t withdrawal, hash_t *leaves,
                                       struct proof_release *release);

#endif /* LEDGER_RELEASE_H */
