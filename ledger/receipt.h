/* A receipt: that a fill is in a block, by the path from its leaf to the header's fills_root.
 *
 * Owner    the caller; pure
 * Cost     check: a hash a level. From a body: two hashes a fill of the block
 */

#ifndef LEDGER_RECEIPT_H
#define LEDGER_RECEIPT_H

#include "common/proof.h"
#include "common/status.h"

/* What is wrong with the receipt under this header, which has been attested; NULL: nothing. */
const char *receipt_fault(const struct proof_trade *trade, const struct block_header *header);

/* Makes the receipt of a market's trade out of the body of its block. `leaves` has room for header->fill_count
 * hashes. STATUS_NOT_FOUND: no such fill is in it; STATUS_DAMAGED: the body is not the header's. */
MUST_CHECK enum status receipt_make(const struct block_header *header, const uint8_t *body,
                                    size_t body_bytes, uint16_t market, uint64_t trade_id,
                                    hash_t *leaves, struct proof_trade *trade);

#endif /* LEDGER_RECEIPT_H */
