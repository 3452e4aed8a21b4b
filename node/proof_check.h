/* A proof's bytes against whom one trusts: attested block, and the subject under its header; and what the nodes signed of
 * their liabilities.
 *
 * Owner    the caller; pure
 */

#ifndef NODE_PROOF_CHECK_H
#define NODE_PROOF_CHECK_H

#include "common/genesis.h"
#include "common/liabilities.h"
#include "common/proof.h"

/* What a proof says. */
struct proof_check {
    enum proof_kind kind;
    struct block_header header;
    union {
        struct proof_account account;
        struct proof_trade trade;
        struct proof_release release;
        struct proof_totals totals;
        struct liabilities_opening opening;
    };
};

/* What is wrong with the bytes, as a proof of the chain `chain_id` signed by q of `set`; NULL: nothing, and `check` is
 * what it says. `public_key`: whose leaf it must be; NULL: any proof.
 * Needs: hash_start. */
const char *proof_check_fault(const uint8_t *bytes, size_t byte_count, hash_t chain_id,
                              const struct validator_set *set, const uint8_t *public_key,
                              struct proof_check *check);

/* What is wrong with the bytes of the certificate that q of `set`, the validators of the block with this header, signed
 * for what `head` says; NULL: nothing. Needs: hash_start. */
const char *proof_check_liabilities(const struct liabilities_head *head,
                                    const struct block_header *header, const uint8_t *bytes,
                                    size_t byte_count, const struct validator_set *set);

#endif /* NODE_PROOF_CHECK_H */
