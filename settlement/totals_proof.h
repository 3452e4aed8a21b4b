/* That the totals of all assets are those under a block's totals_root, and that what is owed is there.
 *
 * Owner    the caller; pure
 */

#ifndef SETTLEMENT_TOTALS_PROOF_H
#define SETTLEMENT_TOTALS_PROOF_H

#include "common/proof.h"

/* What is wrong with them under a header's totals_root: NULL: nothing. */
const char *totals_proof_fault(const struct proof_totals *totals, hash_t totals_root);

#endif /* SETTLEMENT_TOTALS_PROOF_H */
