/* That an account's leaf is under a block's state_root, and whose it is.
 *
 * Two holders cannot be shown one leaf as their own: the owner's public key is in it.
 *
 * Owner    the caller; pure
 * Cost     a hash a level
 */

#ifndef SETTLEMENT_ACCOUNT_PROOF_H
#define SETTLEMENT_ACCOUNT_PROOF_H

#include "common/proof.h"

/* The root that leaf and path lead to. */
hash_t account_proof_root(const struct proof_account *account);

/* What is wrong with it under a header's state_root: NULL: nothing. `public_key`: whose leaf it must be; NULL:
 * anybody's. */
const char *account_proof_fault(const struct proof_account *account, hash_t state_root,
                                const uint8_t *public_key);

#endif /* SETTLEMENT_ACCOUNT_PROOF_H */
