/* That a holder's leaves are in the sum tree of his asset, opened to his key, and that they are all he is owed.
 *
 * Who signed the head is checked by whoever calls (node/proof_check.h): q votes for liabilities_root(head).
 *
 *     his account's proof ──► available + held of the asset, at this height, by his key
 *     his opening         ──► parts 0 .. n - 1, each a leaf under the signed root, opened to his key
 *     and both are the same amount: no unit of it was left out of the sum
 *
 * Owner    the caller; pure
 * Cost     some 30 hashes a part
 */

#ifndef SETTLEMENT_LIABILITY_PROOF_H
#define SETTLEMENT_LIABILITY_PROOF_H

#include "common/liabilities.h"

/* What is wrong with an opening beside the header of its block: NULL: nothing. `public_key`: whose it must be; NULL:
 * anybody's. */
const char *liability_proof_fault(const struct liabilities_opening *opening,
                                  const struct block_header *header, hash_t header_hash,
                                  const uint8_t *public_key);

/* What its parts add up to. Needs: nothing is wrong with it. */
unsigned __int128 liability_proof_amount(const struct liabilities_opening *opening);

/* What is wrong with the openings that a holder was given beside his account's proof of the block with this header
 * hash: NULL: each asset that he has anything of is opened, in full. *asset: the one that is meant.
 * Needs: nothing is wrong with the openings, nor with the proof. */
const char *liability_proof_holder_fault(const struct liabilities_opening *openings, uint32_t count,
                                         const struct proof_account *account, hash_t header_hash,
                                         uint16_t *asset);

#endif /* SETTLEMENT_LIABILITY_PROOF_H */
