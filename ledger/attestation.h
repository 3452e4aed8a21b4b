/* That the nodes signed a proof's block: its header, the headers from it to a certified one, the certificate.
 *
 * A header names the hash of the one before it, so a certificate speaks for every header that leads up to it.
 * Who may sign is said by whoever checks: a set of validators that he trusts, from the genesis or from a later
 * word of operators.
 *
 * Owner    the caller; pure
 * Cost     one signature check a vote, about 50 us
 */

#ifndef LEDGER_ATTESTATION_H
#define LEDGER_ATTESTATION_H

#include "common/genesis.h"
#include "common/proof.h"

/* What is wrong with the headers and the certificate of `proof`, for the chain `chain_id` and signed by q of
 * `set`; NULL: nothing, and `header` is that of the block that the subject is about. */
const char *attestation_fault(const struct proof *proof, hash_t chain_id,
                              const struct validator_set *set, struct block_header *header);

#endif /* LEDGER_ATTESTATION_H */
